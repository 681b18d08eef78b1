r"""Elementary functions of a float32 without a branch, so that loops of them are vectors.

All comparisons are false for NaN, which therefore stays.
"""

import numpy as np
from numba import njit  # pyright: ignore[reportMissingImports]

# "contract" allows a * b + c in one instruction and "nsz" -0 for 0; all else, NaN above all, stays.
fused = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz"})

ZERO, HALF, ONE = map(np.float32, (0, 0.5, 1))

EDGE = np.float32(9)  # from where on tanh is 1 in float32, but for half of its last digit
P0, P1, P2, P3, P4 = map(np.float32, (1, 0.13381025, 3.4955875e-3, 2.0609073e-5, 1.3354651e-8))
Q1, Q2, Q3, Q4 = map(np.float32, (0.46714341, 2.5876980e-2, 3.2856338e-4, 7.7765535e-7))

LEAST = np.float32(-104)  # from where on e^x is 0 in float32
PER_LN_2 = np.float32(1 / np.log(2))
# The first digits of ln 2, few enough that a whole number of them is exact, and the others.
LN_2, MORE_LN_2 = np.float32(0.693359375), np.float32(np.log(2) - 0.693359375)
E2, E3, E4, E5, E6, E7 = (
    np.float32(each)
    for each in (0.5, 0.16666667, 4.1665796e-2, 8.3334519e-3, 1.3981999e-3, 1.9875691e-4)
)


@fused
def tanh(x):
    r"""Return tanh of a float32, to 4e-7 of its value.

    $$ \tanh x \approx x\,\frac{p_0 + p_1 x^2 + \dots + p_4 x^8}{1 + q_1 x^2 + \dots + q_4 x^8} $$

    with the coefficients of the least relative error on [-9, 9] (Remez), which is 2.1e-8; the rest
    is rounding.
    """
    x = EDGE if x > EDGE else x
    x = -EDGE if x < -EDGE else x
    u = x * x
    p = (((P4 * u + P3) * u + P2) * u + P1) * u + P0
    q = (((Q4 * u + Q3) * u + Q2) * u + Q1) * u + ONE
    y = x * p / q
    y = ONE if y > ONE else y
    return -ONE if y < -ONE else y


@fused
def exp(x):
    r"""Return e^x of a float32 that is at most 0, to 1e-7 of its value.

    $$ e^x = 2^k e^r, \qquad k = \lfloor x / \ln 2 + \tfrac12 \rfloor, \qquad |r| \le \tfrac12 \ln 2
    $$

    with a polynomial for $e^r$, and powers of 2 made of their bits: half of $k$ in each of two, so
    that numbers too small to be normal come out right.
    """
    x = LEAST if x < LEAST else x
    k = np.floor(x * PER_LN_2 + HALF)
    r = x - k * LN_2 - k * MORE_LN_2
    e_r = (((((E7 * r + E6) * r + E5) * r + E4) * r + E3) * r + E2) * r * r + r + ONE
    k = np.int32(k)
    half = k >> np.int32(1)
    return e_r * power_of_2(half) * power_of_2(k - half)


@fused
def power_of_2(k):
    """Return 2^k as a float32, for -126 <= k <= 127."""
    return np.int32((k + np.int32(127)) << np.int32(23)).view(np.float32)


@fused
def sigmoid(x):
    """Return 1 / (1 + e^-x) of a float32, to 2e-7 of its value: e^min(x, 0) / (1 + e^-|x|)."""
    z = exp(x if x < ZERO else -x)
    return (z if x < ZERO else ONE) / (ONE + z)
