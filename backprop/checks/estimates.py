r"""Derivatives estimated from values alone.

Both estimators take a function `f()` of no arguments that reads `array`, disturb one entry of the
array after the other, in place, and return $\partial f/\partial\text{array}$, entry by entry.
"""

import numpy as np


def central_differences(f, array):
    r"""Return the slopes of `f` by central differences.

    $$ \frac{\partial f}{\partial a_i} \approx \frac{f(a_i + h) - f(a_i - h)}{2h} \tag{1} $$

    The error is $h^2 f'''/6$ from cutting the Taylor series and about $\varepsilon f/h$ from
    rounding; $h = \varepsilon^{1/3}$ balances the two, at about $10^{-10}$ of $f$ in float64.
    """
    slopes = np.empty(array.shape)
    for i in np.ndindex(array.shape):
        value = array[i]
        h = np.finfo(array.dtype).eps ** (1 / 3) * max(1, abs(value))
        array[i] = value + h
        above, f_above = array[i], f()
        array[i] = value - h
        below, f_below = array[i], f()
        slopes[i] = (f_above - f_below) / (above - below)  # (1)
        array[i] = value
    return slopes


def complex_step(f, array):
    r"""Return the slopes of `f` by a step into the complex plane; `array` is complex.

    $$ \frac{\partial f}{\partial a_i}
       \approx \frac{\operatorname{Im} f(a_i + \mathrm{i}h)}{h} \tag{1} $$

    The Taylor series $f(a + \mathrm{i}h) = f(a) + \mathrm{i}h f'(a) - h^2 f''(a)/2 - \dots$ has the
    slope as its imaginary part. Nothing is subtracted, so nothing cancels: $h$ can be so small that
    the error, $h^2 f'''/6$, is no number at all, and the estimate is as exact as the arithmetic. It
    needs code that is analytic: no modulus, no branch on an imaginary part, no float buffer.

    Source: Squire and Trapp, *Using complex variables to estimate derivatives of real functions*,
    SIAM Review 40 (1998).
    """
    h = 1e-100
    slopes = np.empty(array.shape)
    for i in np.ndindex(array.shape):
        value = array[i]
        array[i] = value + 1j * h
        slopes[i] = f().imag / h  # (1)
        array[i] = value
    return slopes
