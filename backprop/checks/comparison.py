"""One tensor's gradient against its estimates, entry by entry."""

from dataclasses import dataclass, field

import numpy as np

from .estimates import EPSILON

CENTRAL_TOLERANCE = 1e-7
COMPLEX_TOLERANCE = 1e-12
VERDICTS = ("ok", "undefined here", "cannot tell", "wrong")
"""What is said of an entry and of a tensor, from good to bad. The first two count as right."""


FACTORS = (0.7, 1.1, 1.3)
"""By what a delta is multiplied, to see what a gradient's rounding is."""


def rounding(gradient, others, scale):
    r"""Return the rounding error of a gradient, from those that were computed for other deltas.

    Backward is linear: $g(c\delta)/c = g(\delta)$ for every number $c$. What the two differ by is
    rounding, however much of it cancels inside. It is never taken for more than 1e-9 of `scale`.

    Args:
        gradient: $g(\delta)$, or a number that is made from it.
        others: the same from $g(c\delta)/c$, for several $c$.
        scale: the size of the gradient.
    """
    apart = [float(np.max(np.abs(other - gradient), initial=0)) for other in others]
    return float(np.nan_to_num(min(4 * max(apart, default=0.0), 1e-9 * scale)))


@dataclass
class Taken:
    """Many entries moved together: the slope along a direction, which sums over them."""

    what: str
    analytic: float
    estimate: float
    error: float

    @property
    def wrong(self):
        """Whether the gradient contradicts the slope."""
        return abs(self.analytic - self.estimate) > self.error


@dataclass
class Comparison:
    """One tensor's gradient against its estimates.

    Errors are relative to `scale`, the largest entry of the tensor. A tensor whose gradient is all
    but zero is measured against a thousandth of `size` instead, the size of the numbers it was
    computed from: its rounding errors are of theirs.
    """

    name: str
    analytic: np.ndarray
    """The gradient that `backward` returned."""
    checked: np.ndarray
    """The flat indices of the entries that were checked; all of them if the tensor is small."""
    central: np.ndarray
    """Their slopes by extrapolated central differences."""
    central_doubt: np.ndarray
    """How well the differences know them."""
    left: np.ndarray
    right: np.ndarray
    """The slopes on either side, which differ where there is a kink."""
    kinks: np.ndarray
    """Whether there is one."""
    crossed: np.ndarray
    """Whether other winners win on either side, though the slopes may agree."""
    lone: np.ndarray
    """Whether it shows in one output only, so that it can be but one kink."""
    complex_: np.ndarray | None
    """Their slopes by the complex step; None if the code lets no complex number pass."""
    size: float
    taken: list[Taken] = field(default_factory=list)
    """Slopes along directions."""
    again: list[np.ndarray] = field(default_factory=list)
    """The gradient worked out from other multiples of delta, which rounds in other ways."""
    float32_error: float | None = None
    """How far the gradient in float32 is from the one in float64."""

    def __post_init__(self):
        self.of_checked = self.analytic.ravel()[self.checked]
        # The complex step of code that drops imaginary parts contradicts the differences.
        self.complex_void = False
        if self.complex_ is not None:
            apart = _apart(self.complex_, self.central)
            limit = np.maximum(4 * self.central_doubt, CENTRAL_TOLERANCE * self.scale)
            # Where masks change, the code's own branch may have a slope that neither side has.
            self.kinks = self.kinks | (self.crossed & (apart > limit))
            self.complex_void = bool((apart > limit)[~self.kinks].any())

    @property
    def best(self):
        """The better of the two estimates: the complex step, if it means anything."""
        return self.central if self.complex_ is None or self.complex_void else self.complex_

    @property
    def estimated(self):
        """The estimate as a tensor, NaN where it was not checked."""
        whole = np.full(self.analytic.size, np.nan)
        whole[self.checked] = self.best
        return whole.reshape(self.shape)

    @property
    def scale(self):
        """What errors are relative to."""
        estimate = self.central if self.complex_ is None else self.complex_
        return max(largest(self.of_checked), largest(estimate), 1e-3 * self.size)

    @property
    def central_error(self):
        """Relative error against central differences, away from kinks."""
        return self._error(self.central)

    @property
    def complex_error(self):
        """Relative error against the complex step; None if the code lets no complex number pass."""
        return None if self.complex_ is None else self._error(self.complex_)

    def _error(self, estimate):
        return largest(_apart(self.of_checked, estimate)[~self.kinks]) / self.scale

    @property
    def between(self):
        """Whether each gradient lies between the two one-sided slopes."""
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        room = CENTRAL_TOLERANCE * self.scale + 4 * self.central_doubt
        return (self.of_checked >= low - room) & (self.of_checked <= high + room)

    @property
    def verdicts(self):
        """The verdict on each checked entry, as an index into `VERDICTS`."""
        ok, undefined, unknown, wrong = range(4)
        apart = _apart(self.of_checked, self.central)
        doubt = 4 * self.central_doubt
        tolerance = CENTRAL_TOLERANCE * self.scale
        found = np.where(apart <= np.maximum(doubt, self._rounding), ok, wrong)
        found = np.where((found == ok) & (doubt > tolerance), unknown, found)
        found = np.where(np.isfinite(self.central), found, unknown)
        if self.best is not self.central:
            room = COMPLEX_TOLERANCE * self.scale + rounding(self.analytic, self.again, self.scale)
            # Either estimate will do that is as near as this: no mistake is met by chance.
            exact = np.minimum(_apart(self.of_checked, self.complex_), apart) <= room
            agreed = _apart(self.complex_, self.central) <= np.maximum(tolerance, doubt)
            found = np.where(exact, ok, np.where(agreed, wrong, found))
            of_branch = exact
        else:
            of_branch = np.zeros(len(found), bool)
        at_kink = np.where(self.lone, wrong, unknown)
        at_kink = np.where(self.between | of_branch, undefined, at_kink)
        return np.where(self.kinks, at_kink, found)

    @property
    def _rounding(self):
        """How far a right gradient may be from the differences: seven digits of its own, and what
        cancels in sums of numbers as large as the tensor's.
        """
        own = CENTRAL_TOLERANCE * np.maximum(np.abs(self.of_checked), np.abs(self.central))
        top = max(largest(self.of_checked), largest(self.central))
        return np.maximum(own, max(COMPLEX_TOLERANCE * top, 8 * EPSILON * self.size))

    @property
    def verdict(self):
        """The worst of the entries' verdicts."""
        if not np.isfinite(self.analytic).all() or any(each.wrong for each in self.taken):
            return "wrong"
        return VERDICTS[int(self.verdicts.max(initial=0))]

    @property
    def ok(self):
        """Whether the gradient is right wherever there is one."""
        return self.verdict in VERDICTS[:2]

    @property
    def worst(self):
        """Index of the entry with the worst verdict that differs most from its estimate."""
        verdicts = self.verdicts
        apart = _apart(self.of_checked, self.best)
        flat = self.checked[np.lexsort((apart, verdicts))[-1]]
        return tuple(int(i) for i in np.unravel_index(flat, self.analytic.shape))

    def at(self, index):
        """Return `(analytic, estimate, left, right)` of a checked entry."""
        place = int(np.flatnonzero(self.checked == np.ravel_multi_index(index, self.shape))[0])
        arrays = (self.of_checked, self.best, self.left, self.right)
        return tuple(float(a[place]) for a in arrays)

    @property
    def shape(self):
        """The shape of the tensor."""
        return self.analytic.shape

    @property
    def where(self):
        """Where along the axes the wrong entries are, if some places have none; empty if all do."""
        wrong = np.zeros(self.analytic.size, bool)
        wrong[self.checked] = self.verdicts == VERDICTS.index("wrong")
        wrong = wrong.reshape(self.shape)
        parts = []
        for axis, length in enumerate(self.shape):
            others = tuple(k for k in range(wrong.ndim) if k != axis)
            places = np.flatnonzero(wrong.any(axis=others)).tolist()
            if 0 < len(places) < length:
                listed = ", ".join(map(str, places[:8])) + (", ..." if len(places) > 8 else "")
                parts.append(f"{listed} of axis {axis} ({length} long)")
        return "wrong only at " + " and ".join(parts) if parts else ""

    @property
    def reason(self):
        """Why the verdict is what it is, in a few words; empty if there is nothing to say."""
        void = (
            "the complex step means nothing here: it contradicts the differences, so the code drops"
            " imaginary parts (np.abs, np.var, a float buffer) or overflows"
        )
        contradicted = [
            f"{each.what} the slope is {each.estimate:.6g}, the gradient's sum {each.analytic:.6g}"
            for each in self.taken
            if each.wrong
        ]
        parts = [*self._on_kinks(), *[void] * self.complex_void, *self._on_doubts(), *contradicted]
        return "; ".join(parts)

    def _on_kinks(self):
        """Yield what there is to say of entries at kinks."""
        count = int(self.kinks.sum())
        if not count:
            return
        index = self.checked[np.argmax(self.kinks)]
        where = tuple(int(i) for i in np.unravel_index(index, self.shape))
        value, _, left, right = self.at(where)
        inside = int((self.between & self.kinks).sum())
        branch = int((self.verdicts == VERDICTS.index("undefined here")).sum()) - inside
        yield (
            f"undefined at {count} of {len(self.checked)} entries; at {list(where)} the slopes are"
            f" {left:.4g} and {right:.4g} and the gradient is {value:.4g}; {inside} of {count} lie"
            " between their slopes"
            + (f", {branch} are the slope of the branch that forward takes" if branch else "")
        )

    def _on_doubts(self):
        """Yield why it cannot be told of some entries."""
        unknown = self.verdicts == VERDICTS.index("cannot tell")
        if (unknown & ~self.kinks).any():
            doubt = float((4 * self.central_doubt / self.scale)[unknown & ~self.kinks].max())
            yield (
                f"cannot tell: the differences are themselves only good to {doubt:.0e} here, which"
                " is worse than what they are to decide"
            )
        if (unknown & self.kinks).any():
            yield (
                "cannot tell: outside its two slopes, as may be where several kinks meet; move the"
                " inputs a little"
            )


def largest(a):
    """Return the largest modulus in an array; 0 if it is empty."""
    return float(np.max(np.abs(a), initial=0))


def _apart(a, b):
    """Return |a - b|, infinite where either is not finite."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b)
    return np.where(np.isfinite(difference), difference, np.inf)
