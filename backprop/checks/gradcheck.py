"""Is this derivative right? Every entry against estimates that know nothing of the derivation."""

import numpy as np

from ..errors import generator, whole
from .check import Check
from .diagnosis import Case, diagnose
from .purity import Finding, Randomness, findings, frames_of, settle, structure, unchecked
from .recognition import subject_of
from .report import Report
from .shrinking import smallest
from .suspects import suspects


def gradcheck(
    thing,
    /,
    *inputs,
    loss=None,
    target=None,
    rng: np.random.Generator | int = 0,
    entries=None,
    explain=True,
) -> Report:
    r"""Check the gradients of `thing`, say what is wrong with them, and return all as a table.

    The code runs as it is, in float64 and complex128, on copies; nothing that is passed in changes.
    Outputs are turned into one number, $L = \sum y \odot \delta$ with random $\delta$, or by
    `loss` and `target`. Before any number is compared, the passes must be pure: they write to
    nothing they are given, give the same answer twice, and return a gradient of the right shape and
    type for every tensor. Then the gradients that `backward` gives are compared with

    * the complex step, which must agree to $10^{-12}$ wherever the code lets a complex number pass;
    * central differences, extrapolated until they are good enough, and knowing how good they are.

    Where a layer has compiled kernels for float64 (`backprop.compiled`), they give the gradients
    and the differences, and its NumPy lines the complex step: a verdict holds both to each other.

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
        entries: how many entries of each tensor to check at most; if not given, 300, and fewer
            where a pass takes so long that this would last more than some seconds.
        explain: whether to look for what a wrong gradient is instead, and for the smallest input
            that shows it.

    Returns:
        A `Report`: print it, show it in a notebook, or use it as a truth value.

    Raises:
        TypeError: `thing` is nothing that can be checked, or its outputs are no real numbers.
        ValueError: no inputs, or empty or non-finite ones, `entries` below 1, or `rng` no seed.
    """
    entries = None if entries is None else whole("gradcheck", "entries", entries)
    rng = generator("gradcheck", rng)
    of_foreign_code = np.random.get_state()  # noqa: NPY002 -- seeded on the way if it draws
    try:
        subject = subject_of(thing, inputs, loss, target, rng)
        # What overflows shows in the verdict: it is no reason to stop on the way.
        with np.errstate(all="ignore"):
            return _checked(subject, rng, entries, explain)
    finally:
        np.random.set_state(of_foreign_code)  # noqa: NPY002


def _checked(subject, rng, entries, explain):
    double = subject.astype(np.float64)
    if not double.tensors:
        text = "no input and no parameter is an array of floats: there is nothing to check"
        return Report(subject, [Finding("not checked", text)], [])
    try:
        found = [*unchecked(double), *settle(double)]
    except Randomness as stop:
        return Report(subject, [stop.args[0]], [])
    check = Check(double, rng, entries)
    if not np.isfinite(check.y).all():
        text = "forward returns NaN or infinity for these inputs: no slope can be told there"
        return Report(subject, [*found, Finding("not finite", text)], [])
    try:
        gradients = check.gradients()
        of_gradients = list(structure(double, gradients))
        if all(each.kind != "wrong type" for each in of_gradients):
            found += findings(double, check.delta)
        found += of_gradients
    except Exception as error:  # whatever a student's backward raises is the finding
        return Report(subject, [*found, _crash(error)], [])
    if any(each.serious and each.text.startswith("forward ") for each in found):
        return Report(subject, found, [])  # there is no telling what was differentiated
    bad = [each.text.partition(":")[0] for each in of_gradients if each.kind == "wrong type"]
    gradients = {n: g for n, g in gradients.items() if n not in bad and g is not None}
    report = Report(subject, found, check.rows(gradients))
    _add_float32(report, subject, double, check.delta)
    if explain and not report:
        _explain(report, check, gradients)
    return report


def _explain(report, check, gradients):
    """Look for what the wrong gradients of a report are instead, and for a small example."""
    tensors = check.subject.tensors
    wrong = [n for n, g in gradients.items() if n in tensors and np.shape(g) != tensors[n].shape]
    wrong += [row.name for row in report.comparisons if row.verdict == "wrong"]
    if not wrong:
        return
    report.smallest = smallest(check.subject, _wrong_in)
    if not check.can_be_diagnosed and report.smallest is not None:
        # What a large example is too slow to show, a small one may.
        check = Check(report.smallest.subject, np.random.default_rng(0), None)
        gradients = check.gradients()
        wrong = [row.name for row in _wrong_in(report.smallest.subject)]
    if check.can_be_diagnosed:
        case = Case(check, gradients, wrong)
        report.diagnoses = diagnose(case, suspects(case))
        report.explained = True


def _wrong_in(subject):
    """Return the Comparisons of a subject that are wrong, the smallest tensor's first."""
    check = Check(subject, np.random.default_rng(0), 100)
    if check.y.size == 0 or not np.isfinite(check.y).all():
        return []
    wrong = [row for row in check.rows(check.gradients()) if row.verdict == "wrong"]
    wrong = [row for row in wrong if np.isfinite(row.of_checked).all()]
    return sorted(wrong, key=lambda row: row.analytic.size)


def _add_float32(report, subject, double, delta):
    """Tell each row how far its gradient in float32 is from the one in float64."""
    try:
        single = subject.astype(np.float32)
        single.seed = double.seed
        _, cache = single.forward()
        gradients = single.backward(delta.astype(np.float32), cache)
    except Exception:  # the check is in float64; this is told besides
        return
    for row in report.comparisons:
        value = np.asarray(gradients.get(row.name), float)
        if value.shape == row.shape:
            row.float32_error = float(np.abs(value - row.analytic).max()) / row.scale


def _crash(error):
    frames = frames_of(error)
    where = f", in line {frames[-1].lineno}: {frames[-1].line}" if frames else ""
    return Finding("crash", f"backward raised {type(error).__name__}: {error}{where}")
