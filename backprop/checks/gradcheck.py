"""Is this derivative right? Every entry against estimates that know nothing of the derivation."""

import warnings

import numpy as np

from ..errors import expects, whole
from .comparison import CENTRAL_TOLERANCE, Comparison, Taken
from .diagnosis import LARGEST, Case, diagnose
from .estimates import EPSILON, Slope, along, along_entry, complex_step, richardson
from .purity import Finding, Randomness, findings, frames_of, settle, structure, winners
from .report import Report
from .shrinking import Smallest, shrink
from .subjects import subject_of
from .suspects import suspects

CHECKED = 300
"""How many entries of a tensor are checked, unless said otherwise."""


def gradcheck(
    thing, /, *inputs, loss=None, target=None, rng=0, entries=CHECKED, explain=True
) -> Report:
    r"""Check the gradients of `thing`, say what is wrong with them, and return all as a table.

    The code runs as it is, in float64 and complex128, on copies; nothing that is passed in changes.
    Outputs are turned into one number, $L = \sum y \odot \delta$ with random $\delta$, or by
    `loss` and `target`. Before any number is compared, the passes must be pure: they write to
    nothing they are given, give the same answer twice, and return a gradient of the right shape and
    type for every tensor. Then the gradients that `backward` gives are compared with

    * the complex step, which must agree to $10^{-12}$ wherever the code lets a complex number pass;
    * central differences, extrapolated until they are good enough, and knowing how good they are.

    Differences are relative to the largest entry of the tensor. The verdict on an entry is `ok`,
    `wrong`, `undefined here` (a kink, such as a ReLU at exactly 0: both one-sided slopes are given)
    or `cannot tell` (the estimate itself is too uncertain). Every entry of small tensors is
    checked, and a spread sample of large ones, together with slopes along random directions, in
    which all entries have a part.

    Args:
        thing: a layer, a Network or a loss; any object with `forward` and `backward`, with a cache
            or with its state on `self`; a pair of functions, `(forward, backward)` or
            `(f, gradient)`; or an adapter from `backprop.checks` that says which of them it is. A
            layer that is not built yet is built for the inputs.
        *inputs: its inputs, with the batch axis. For an object that is no layer of this package,
            arguments other than arrays of floats (labels, dicts of settings) are passed along.
        loss: a loss to put on top of a layer or Network.
        target: the target of `loss`, or of `thing` if that is a loss.
        rng: a numpy Generator or a seed: for $\delta$, for the sample of entries, for the
            parameters of a layer that is not built yet, and for masks.
        entries: how many entries of each tensor to check at most.
        explain: whether to look for what a wrong gradient is instead, and for the smallest input
            that shows it.

    Returns:
        A `Report`: print it, show it in a notebook, or use it as a truth value.

    Raises:
        TypeError: `thing` is nothing that can be checked.
        ValueError: no inputs, or empty or non-finite ones.
    """
    entries = whole("gradcheck", "entries", entries)
    rng = np.random.default_rng(rng)
    subject = subject_of(thing, inputs, loss, target, rng)
    of_foreign_code = np.random.get_state()  # noqa: NPY002 -- seeded on the way if it draws
    try:
        # What overflows shows in the verdict: it is no reason to stop on the way.
        with np.errstate(all="ignore"):
            return _checked(subject, rng, entries, explain)
    except Randomness as stop:
        return Report(subject, [stop.args[0]], [])
    finally:
        np.random.set_state(of_foreign_code)  # noqa: NPY002


def _checked(subject, rng, entries, explain):
    double = subject.astype(np.float64)
    seeded = settle(double)
    y = np.asarray(double.copy().forward()[0])
    if y.dtype.kind not in "fiub":
        raise expects("gradcheck", "forward to return real numbers", y.dtype, TypeError)
    delta = rng.standard_normal(y.shape) if double.takes_delta else np.ones(y.shape)
    found, gradients, crash = [seeded] if seeded else [], {}, None
    try:
        one = double.copy()
        gradients = one.backward(delta.copy(), one.forward()[1])
        of_gradients = list(structure(double, gradients))
        if all(each.kind != "wrong type" for each in of_gradients):
            found += findings(double, delta)
        found += of_gradients
    except Exception as error:  # whatever a student's backward raises is the finding
        crash = _crash(error)
    unsteady = [each for each in found if each.serious and each.text.startswith("forward ")]
    if crash or unsteady:
        return Report(subject, [*found, crash] if crash else found, [])
    gradients = {n: g for n, g in gradients.items() if np.asarray(g).dtype.kind in "fiub"}
    check = Check(double, delta, rng, entries)
    rows = [
        check.compare(name, np.asarray(gradients[name], float))
        for name, tensor in double.tensors.items()
        if np.shape(gradients.get(name)) == tensor.shape
    ]
    _add_float32(subject, double, delta, rows)
    report = Report(subject, found, rows)
    if explain and not report:
        _explain(report, double, delta, gradients)
    return report


def _explain(report, subject, delta, gradients):
    """Look for what the wrong gradients of a report are instead, and for a small example."""
    shapes = {name: x.shape for name, x in subject.tensors.items()}
    wrong = [n for n, g in gradients.items() if n in shapes and np.shape(g) != shapes[n]]
    wrong += [row.name for row in report.comparisons if row.verdict == "wrong"]
    if not wrong:
        return
    small = shrink(subject, _wrong_in)
    if small is not None:
        subject_, row = small
        shapes = {name: x.shape for name, x in subject_.inputs.items()}
        report.smallest = Smallest(shapes, row.name, row.analytic, row.estimated)
    if sum(x.size for x in subject.tensors.values()) <= LARGEST:
        case = Case(subject, _complex(subject), delta, gradients, wrong)
        report.diagnoses = diagnose(case, suspects(case))
        report.explained = True


def _wrong_in(subject):
    """Return the Comparisons of a subject that are wrong, without a look at anything else."""
    rng = np.random.default_rng(0)
    y = np.asarray(subject.forward()[0])
    if y.size == 0:
        return []
    delta = rng.standard_normal(y.shape) if subject.takes_delta else np.ones(y.shape)
    one = subject.copy()
    gradients = one.backward(delta.copy(), one.forward()[1])
    check = Check(subject, delta, rng, 100)
    rows = [
        check.compare(name, np.asarray(gradients[name], float))
        for name, tensor in subject.tensors.items()
        if np.shape(gradients.get(name)) == tensor.shape
    ]
    return sorted(
        (row for row in rows if row.verdict == "wrong"), key=lambda row: row.analytic.size
    )


class Check:
    """Estimates of dL/dtensor for a subject in float64, and in complex128 if its code allows."""

    def __init__(self, subject, delta, rng=None, entries=CHECKED):
        self.subject, self.delta, self.entries = subject.copy(), delta, entries
        self.rng = np.random.default_rng(rng)
        self.complex_subject = _complex(subject)
        y, _ = self.subject.forward()
        self.size = max(1.0, _largest(y)) * _largest(delta)
        self.noise = self._noise(y)

    def compare(self, name, analytic):
        """Return the Comparison of one tensor, whose gradient is `analytic`."""
        array = self.subject.tensors[name]
        others = [x for other, x in self.subject.tensors.items() if other != name]
        size = self.size * max([1.0, *map(_largest, others)])
        enough = CENTRAL_TOLERANCE / 50 * max(_largest(analytic), 1e-3 * size)
        checked = self._sample(array.size)
        places = [np.unravel_index(i, array.shape) for i in checked]
        slopes = [self._slope(array, place, enough) for place in places]
        exact = None
        if self.complex_subject is not None:
            exact = self._complex_slopes(name, places)
        column = lambda attribute: np.array([getattr(s, attribute) for s in slopes])  # noqa: E731
        kinks = column("kink").astype(bool)
        lone = np.array([k and self._is_lone(array, p) for k, p in zip(kinks, places, strict=True)])
        row = Comparison(
            name,
            analytic,
            checked,
            column("value"),
            column("error"),
            column("left"),
            column("right"),
            kinks,
            column("crossed").astype(bool),
            lone.astype(bool),
            exact,
            size,
        )
        row.taken = list(self._taken(name, row, enough))
        return row

    def _noise(self, y):
        """Return the rounding error of L, measured: what cancels inside shows nowhere else.

        All tensors are scaled by a little more each time. On so short a way L is a straight line,
        and what its fourth differences leave of it is rounding. Zeros stay zeros and ties stay
        ties, so that no kink is crossed.
        """
        rounding = EPSILON * float((np.abs(y) * np.abs(self.delta)).sum())
        before = {name: x.copy() for name, x in self.subject.tensors.items()}
        measured = []
        for step in (1e-8, 1e-7, 1e-6, 1e-5):
            values = []
            for k in range(7):
                for name, x in self.subject.tensors.items():
                    x[...] = before[name] * (1 + k * step)
                values.append(self._value())
            # Where most values are equal, the step is below what rounding lets through.
            if len(set(values)) > 3:
                measured.append(float(np.abs(np.diff(values, 4)).max()) / np.sqrt(70))
        for name, x in self.subject.tensors.items():
            x[...] = before[name]
        return max([rounding, float(np.median(measured))] if measured else [rounding])

    def _sample(self, count):
        """Return all flat indices, or as many as are to be checked: one from each equal stretch."""
        if count <= self.entries:
            return np.arange(count)
        edges = np.linspace(0, count, self.entries + 1).astype(int)
        return self.rng.integers(edges[:-1], edges[1:])

    def _value(self):
        """Return L."""
        y, _ = self.subject.forward()
        return float((y * self.delta).sum())

    def _value_and_winners(self):
        y, cache = self.subject.forward()
        return float((y * self.delta).sum()), winners(self.subject, cache)

    def _slope(self, array, place, enough) -> Slope:
        unit = _unit(array, abs(array[place]))
        phi = along_entry(self._value_and_winners, array, place)
        return richardson(phi, unit, self.noise, enough)

    def _is_lone(self, array, place):
        """Whether the one-sided slopes of one output only differ, of several."""
        h = 1e-6 * _unit(array, abs(array[place]))
        phi = along_entry(lambda: np.array(self.subject.forward()[0], float), array, place)
        above, here, below = phi(h), phi(0.0), phi(-h)
        bend = np.abs(above + below - 2 * here) / h
        return bend.size > 1 and np.count_nonzero(bend > 1e-3 * max(bend.max(), 1e-6)) == 1

    def _complex_slopes(self, name, places):
        subject = self.complex_subject
        array = subject.tensors[name]
        value = lambda: (subject.forward()[0] * self.delta).sum()  # noqa: E731
        return np.array([complex_step(along_entry(value, array, place)) for place in places])

    def _taken(self, name, row, enough):
        """Yield the slopes along directions, with what the gradient says they are."""
        array = self.subject.tensors[name]
        if len(row.checked) < array.size:
            for _ in range(3):
                u = self.rng.standard_normal(array.shape)
                what = f"along a random direction through all {array.size} entries"
                yield from self._along(array, u, what, row, enough)
        if row.kinks.any():
            u = np.zeros(array.size)
            u[row.checked[row.kinks]] = 1
            what = f"with the {int(u.sum())} entries at kinks moved together"
            yield from self._along(array, u.reshape(array.shape), what, row, enough)
            yield from self._along(
                array, np.ones(array.shape), "with all moved together", row, enough
            )

    def _along(self, array, u, what, row, enough):
        """Yield what is found along one direction, if the slope is defined there."""
        phi = along(self._value_and_winners, array, u)
        slope = richardson(phi, _unit(array), self.noise, enough)
        length = float(np.sqrt((u**2).sum()))
        if slope.kink or slope.crossed or not np.isfinite(slope.value):
            return
        room = max(CENTRAL_TOLERANCE * row.scale * length, 8 * slope.error)
        yield Taken(what, float((row.analytic * u).sum()), slope.value, room)


def _complex(subject):
    """Return the subject in complex128, or None if its code lets no complex number pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            twin = subject.astype(np.complex128)
            for x in twin.tensors.values():
                x += 1e-100j
            y = np.asarray(twin.forward()[0])
            for x in twin.tensors.values():
                x -= 1e-100j
        except Exception:  # it stops them in one way or another
            return None
    return twin if y.dtype.kind == "c" else None


def _add_float32(subject, double, delta, rows):
    """Tell each row how far its gradient in float32 is from the one in float64."""
    try:
        single = subject.astype(np.float32)
        single.seed = double.seed
        _, cache = single.forward()
        gradients = single.backward(delta.astype(np.float32), cache)
    except Exception:  # the check is in float64; this is told besides
        return
    for row in rows:
        value = np.asarray(gradients.get(row.name), float)
        if value.shape == row.shape and np.isfinite(value).all():
            row.float32_error = _largest(value - row.analytic) / row.scale


def _crash(error):
    frames = frames_of(error)
    where = f", in line {frames[-1].lineno}: {frames[-1].line}" if frames else ""
    return Finding("crash", f"backward raised {type(error).__name__}: {error}{where}")


def _unit(array, value=0.0):
    """Return the size of the numbers that are moved, as a power of two."""
    typical = float(np.sqrt(np.mean(np.abs(array) ** 2)))
    size = max(float(value), typical)
    return 2.0 ** np.floor(np.log2(size)) if size > 0 else 1.0


def _largest(a):
    return float(np.max(np.abs(a), initial=0))
