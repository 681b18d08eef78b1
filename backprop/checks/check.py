"""A check in progress: a subject, a delta, and what is estimated with them."""

import math
import time
import warnings
from functools import cached_property

import numpy as np

from ..errors import expects
from .comparison import (
    CENTRAL_TOLERANCE,
    COMPLEX_TOLERANCE,
    FACTORS,
    Comparison,
    Taken,
    largest,
)
from .estimates import EPSILON, Slope, along, along_entry, complex_step, richardson
from .purity import winners

MOST, FEWEST = 300, 10
"""How many entries of a tensor are checked, unless said otherwise."""
SECONDS, PASSES = 5.0, 8
"""How long that may take in all, and how many forward passes an entry needs."""

LARGEST = 4_000_000
"""The most numbers that the Jacobians for a diagnosis may have."""


class Check:
    """Estimates of dL/dtensor for a subject in float64, and in complex128 if its code allows."""

    def __init__(self, subject, rng, entries):
        self.subject, self.rng, self.entries = subject.copy(), rng, entries
        y = np.asarray(subject.copy().forward()[0])
        if y.dtype.kind not in "fiub":
            raise expects("gradcheck", "forward to return real numbers", y.dtype, TypeError)
        self.delta = rng.standard_normal(y.shape) if subject.takes_delta else np.ones(y.shape)
        self.y = y
        if entries is None:
            self.entries = self._affordable()

    def _affordable(self):
        """Return how many entries of each tensor can be checked in a few seconds."""
        passes = PASSES * max(1, len(self.subject.tensors))
        return int(min(max(SECONDS / (self.seconds * passes), FEWEST), MOST))

    @cached_property
    def seconds(self):
        """How long a forward pass takes, of this process's own time: other work does not count."""
        return max(min(self._timed() for _ in range(3)), 1e-6)

    def _timed(self):
        start = time.process_time()
        self.subject.forward()
        return time.process_time() - start

    @property
    def can_be_diagnosed(self):
        """Whether the Jacobians of all tensors can be worked out in a few seconds."""
        numbers = sum(x.size for x in self.subject.tensors.values())
        fits = numbers * max(1, self.y.size) <= LARGEST
        return fits and 4 * self.seconds * numbers <= 2 * SECONDS

    @cached_property
    def complex_subject(self):
        """The subject in complex128, or None if its code lets no complex number pass."""
        return _complex(self.subject)

    @cached_property
    def size(self):
        """The size of the numbers that the gradients are computed from."""
        return max(1.0, largest(self.y)) * largest(self.delta)

    def gradients(self, factor=1.0):
        """Return what `backward` gives for a multiple of delta, on a copy that nothing touched."""
        one = self.subject.copy()
        return one.backward(factor * self.delta, one.forward()[1])

    def rows(self, gradients):
        """Return the Comparisons of all tensors with entries whose gradients have their shape."""
        rows = [
            self.compare(name, np.asarray(gradients[name], float))
            for name, tensor in self.subject.tensors.items()
            if tensor.size and np.shape(gradients.get(name, ())) == tensor.shape
        ]
        for factor in FACTORS if self.subject.multiplies else ():
            others = self.gradients(factor)
            for row in rows:
                if np.shape(others.get(row.name, ())) == row.shape:
                    row.again.append(np.asarray(others[row.name], float) / factor)
        return rows

    def compare(self, name, analytic):
        """Return the Comparison of one tensor, whose gradient is `analytic`."""
        array = self.subject.tensors[name]
        others = [x for other, x in self.subject.tensors.items() if other != name]
        size = self.size * max([1.0, *map(largest, others)])
        checked = self._sample(array.size)
        places = [np.unravel_index(i, array.shape) for i in checked]
        enough = self._enough(analytic, size)
        slopes = [self._slope(array, place, enough[place]) for place in places]
        exact = None
        if self.complex_subject is not None:
            exact = self._complex_slopes(self.complex_subject, name, places)
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
        row.taken = list(self._taken(name, row, float(enough.max(initial=0))))
        return row

    def _enough(self, analytic, size):
        """Return how well the differences are to know each entry.

        Beside the complex step they only have to see kinks. Alone, they are to find a mistake in
        entries much smaller than the largest too.
        """
        if self.complex_subject is not None:
            scale = np.full(analytic.shape, max(largest(analytic), 1e-3 * size))
        else:
            scale = np.maximum(np.abs(analytic), 1e-4 * largest(analytic))
        return CENTRAL_TOLERANCE / 50 * np.where(np.isfinite(scale), scale, 1.0)

    @cached_property
    def noise(self):
        """The rounding error of L, measured: what cancels inside shows nowhere else.

        All tensors are scaled by a little more each time. On so short a way L is a straight line,
        and what its fourth differences leave of it is rounding. Zeros stay zeros and ties stay
        ties, so that no kink is crossed.
        """
        rounding = EPSILON * float((np.abs(self.y) * np.abs(self.delta)).sum())
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
        return self._value_and_winners()[0]

    def _value_and_winners(self):
        """Return L and the winners; NaN where forward does not take the moved numbers."""
        try:
            y, cache = self.subject.forward()
        except Exception:  # a range that is left, a root of something negative
            return math.nan, b""
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

    def _value_of(self, subject):
        """Return the function that works out L of a subject, real or complex."""
        return lambda: (subject.forward()[0] * self.delta).sum()

    def _complex_slopes(self, subject, name, places):
        array, value = subject.tensors[name], self._value_of(subject)
        return np.array([complex_step(along_entry(value, array, place)) for place in places])

    def _taken(self, name, row, enough):
        """Yield the slopes along directions, with what the gradient says they are."""
        array = self.subject.tensors[name]
        if len(row.checked) < array.size:
            for _ in range(3):
                u = self.rng.standard_normal(array.shape)
                what = f"along a random direction through all {array.size} entries"
                if self.complex_subject is not None and not row.complex_void:
                    exact = self._along_exactly(self.complex_subject, name, u, what, row)
                    # At a kink on the way the code's complex step may take another branch.
                    if not exact.wrong or list(self._along(array, u, what, row, enough)):
                        yield exact
                else:
                    yield from self._along(array, u, what, row, enough)
        if row.kinks.any():
            u = np.zeros(array.size)
            u[row.checked[row.kinks]] = 1
            what = f"with the {int(u.sum())} entries at kinks moved together"
            yield from self._along(array, u.reshape(array.shape), what, row, enough)
            whole = np.ones(array.shape)
            yield from self._along(array, whole, "with all moved together", row, enough)

    def _along_exactly(self, subject, name, u, what, row):
        """Return what the complex step finds along one direction: to 1e-12, kinks or not."""
        slope = complex_step(along(self._value_of(subject), subject.tensors[name], u))
        room = 4 * COMPLEX_TOLERANCE * row.scale * float(np.sqrt((u**2).sum()))
        return Taken(what, float((row.analytic * u).sum()), float(slope), room)

    def _along(self, array, u, what, row, enough):
        """Yield what differences find along one direction, if the slope is defined there."""
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


def _unit(array, value=0.0):
    """Return the size of the numbers that are moved, as a power of two."""
    typical = float(np.sqrt(np.mean(np.abs(array) ** 2)))
    size = max(float(value), typical)
    return 2.0 ** np.floor(np.log2(size)) if size > 0 else 1.0
