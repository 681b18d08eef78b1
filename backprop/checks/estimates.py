r"""Derivatives estimated from values alone.

Every estimator takes a function $\varphi(t)$ of one number, with $\varphi(0)$ the value where the
derivative is asked for: one entry of an array moved by $t$ (`along_entry`), or a whole array moved
by $t$ along a direction (`along`).

The two kinds of estimates see different code where a layer has compiled kernels for float64
(`backprop.compiled`). These take real numbers alone: the differences and the gradient are theirs,
while the complex step goes through the NumPy lines. A gradient that agrees with both is that of
both.
"""

from dataclasses import dataclass

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)
TINY_STEP = 1e-100
"""The step into the complex plane."""
FIRST_STEP = 2.0**-9
"""The first step of differences, in units of the number that is moved. A power of two, like all
that follow, so that hardly a digit is lost in adding it."""
LAST_STEP = 2.0**-27
"""Nearer than this, in the same units, a kink cannot be told from the point itself."""


def complex_step(phi):
    r"""Return the slope of $\varphi$ at 0 by a step into the complex plane.

    $$ \varphi'(0) \approx \frac{\operatorname{Im} \varphi(\mathrm{i}h)}{h} \tag{1} $$

    The Taylor series $\varphi(\mathrm{i}h) = \varphi(0) + \mathrm{i}h \varphi'(0) -
    h^2 \varphi''(0)/2 - \dots$ has the slope as its imaginary part. Nothing is subtracted, so
    nothing cancels: $h$ can be so small that the error, $h^2 \varphi'''/6$, is no number at all,
    and the estimate is as exact as the arithmetic. It needs code that is analytic: no modulus, no
    branch on an imaginary part, no float buffer.

    At a kink it gives the slope of the piece that the code itself takes there.

    Source: Squire and Trapp, *Using complex variables to estimate derivatives of real functions*,
    SIAM Review 40 (1998).
    """
    h = TINY_STEP
    return phi(1j * h).imag / h  # (1)


def central_difference(phi, h):
    r"""Return the slope of $\varphi$ at 0 from two values.

    $$ \varphi'(0) \approx \frac{\varphi(h) - \varphi(-h)}{2h} \tag{1} $$

    The error is $h^2 \varphi'''/6$ from cutting the Taylor series and about $\varepsilon
    \varphi/h$ from rounding; $h = \varepsilon^{1/3}$ balances the two, at about $10^{-10}$ of
    $\varphi$ in float64.
    """
    return (phi(h) - phi(-h)) / (2 * h)  # (1)


@dataclass
class Slope:
    """A slope by differences, and how well it is known."""

    value: float
    error: float
    """A bound on the error of `value`, from what neighbouring estimates and rounding say."""
    left: float
    right: float
    """The slopes on either side; they differ at a kink and are `value` elsewhere."""
    kink: bool = False
    """Whether the slope is undefined: the two sides disagree, however near one goes."""
    crossed: bool = False
    """Whether other winners win on either side, however near one goes, slopes agreeing or not."""


def richardson(phi, unit, noise, enough):
    r"""Return the Slope of $\varphi$ at 0 by central differences that are extrapolated.

    With $D_{k0} = D(h/2^k)$, the central difference (its error is a series in $h^2$), each column
    cancels one more term of the series, and with $p = 4^j$

    $$ D_{kj} = \frac{p\, D_{k,j-1} - D_{k-1,j-1}}{p - 1}. \tag{1} $$

    The step is halved until the neighbours in this table differ by less than `enough`, or until
    rounding is the larger part. What they differ by, and the rounding, is the error.

    A probe is void if $\varphi$ takes another branch at either end of it than at 0: it would look
    across a kink. $\varphi(t)$ returns its value and its *winners*, a bytes object that changes
    when a mask or a maximum does; the step is made smaller until they are those of 0. If they never
    are, or if the two one-sided slopes do not approach each other, the slopes on both sides are
    worked out.

    Args:
        phi: $\varphi$, returning a value and winners.
        unit: the size of the number that is moved.
        noise: the rounding error of $\varphi$.
        enough: the error that is good enough.

    Source: Ridders, *Accurate computation of F'(x) and F'(x) F''(x)* (1982).
    """
    at_0, winners = phi(0.0)
    h, last = FIRST_STEP * unit, LAST_STEP * unit
    row, bends = [], []
    best, error = np.nan, np.inf
    while h >= last:
        (above, w_above), (below, w_below) = phi(h), phi(-h)
        if not w_above == winners == w_below:
            row, bends = [], []
            # Most often the kink is at 0 itself: one look there saves the steps in between.
            if h == FIRST_STEP * unit and _crosses(phi, last, winners):
                break
            h /= 8
            continue
        bends.append((above + below - 2 * at_0) / h)
        before, row = row, [(above - below) / (2 * h)]
        for j, earlier in enumerate(before):
            p = 4.0 ** (j + 1)
            row.append((p * row[j] - earlier) / (p - 1))  # (1)
            spread = max(abs(row[-1] - row[j]), abs(row[-1] - earlier))
            if spread + noise / h < error:
                best, error = row[-1], spread + noise / h
        if error <= enough or noise / h > error:
            break
        h /= 2
    if error <= enough and not _bent(bends, noise / h):
        return Slope(best, error, best, best)
    slope = _two_sided(phi, at_0, unit, noise, enough, best, error)
    slope.crossed = not bends
    return slope


def _crosses(phi, h, winners):
    return not phi(h)[1] == winners == phi(-h)[1]


def _bent(bends, rounding):
    """Whether the one-sided slopes keep their distance while the step is halved: a kink."""
    if len(bends) < 2:
        return True
    before, last = abs(bends[-2]), abs(bends[-1])
    return last > 0.75 * before and last > 64 * rounding


def _two_sided(phi, at_0, unit, noise, enough, best, error):
    """Return the Slope where there may be a kink."""
    left, left_error = _one_sided(phi, at_0, -unit, noise, enough)
    right, right_error = _one_sided(phi, at_0, unit, noise, enough)
    doubt = left_error + right_error
    if abs(right - left) > 8 * doubt:
        return Slope((left + right) / 2, doubt, left, right, kink=True)
    if doubt < error:
        best, error = (left + right) / 2, doubt
    return Slope(best, error, best, best)


def _one_sided(phi, at_0, unit, noise, enough):
    """Return the slope on the side of `unit`, extrapolated to step 0, and its error.

    Other kinks may lie on that side: the step is made smaller while the estimates disagree.
    """
    best, error = np.nan, np.inf
    for exponent in range(11, 24, 2):
        h = unit * 2.0**-exponent
        one, two, three = ((phi(h / 2**k)[0] - at_0) / (h / 2**k) for k in range(3))
        coarse, fine = 2 * two - one, 2 * three - two
        value = (4 * fine - coarse) / 3
        doubt = abs(value - fine) + 16 * noise / abs(h)
        if doubt < error:
            best, error = value, doubt
        if error <= enough:
            break
    return best, error


def along_entry(evaluate, array, index):
    r"""Return $t \mapsto$ `evaluate()` with one entry of `array` moved by $t$, and moved back."""

    def phi(t):
        value = array[index]
        array[index] = value + t
        try:
            return evaluate()
        finally:
            array[index] = value

    return phi


def along(evaluate, array, direction):
    r"""Return $t \mapsto$ `evaluate()` with `array` moved by $t$ times `direction`, and back."""

    def phi(t):
        before = array.copy()
        array[...] = before + t * direction
        try:
            return evaluate()
        finally:
            array[...] = before

    return phi
