"""What the optimizers do to every number, in one walk through memory.

NumPy makes a pass for every operation: two for SGD, a dozen for Adam. Nothing is reordered or
contracted, so the bits are those of the NumPy lines.
"""

from math import sqrt

from numba import njit  # pyright: ignore[reportMissingImports]

BLOCK = 2**12
"""The numbers that are summed up in their own type, before the sum goes into one of float64."""
compiled = njit(nogil=True, cache=True, error_model="numpy")
# "reassoc" lets a sum be that of many at once, as BLAS has it; all else stays.
reordered = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"})


def momentum(w, g, v, mu, rate):
    """Do the equations (2) and (3) of `SGD`."""
    number = w.dtype.type  # as NumPy does: the settings take the type of the arrays
    _momentum(w, g, v, number(mu), number(rate))


@compiled
def _momentum(w, g, v, mu, rate):
    for i in range(w.size):
        v[i] = mu * v[i] - rate * g[i]
        w[i] += v[i]


def decay(w, weight_decay, rate):
    """Do the equation (1) of `AdamW`."""
    w -= rate * weight_decay * w


def adam(w, g, m, v, beta1, beta2, t, rate, epsilon):
    """Do the equations of `Adam`."""
    settings = (beta1, 1 - beta1, 1 - beta1**t, beta2, 1 - beta2, 1 - beta2**t, rate, epsilon)
    _adam(w, g, m, v, *map(w.dtype.type, settings))


@compiled
def _adam(w, g, m, v, beta1, rest1, sum1, beta2, rest2, sum2, rate, epsilon):
    for i in range(w.size):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * (g[i] * g[i])
        w[i] -= rate * (m[i] / sum1) / (sqrt(v[i] / sum2) + epsilon)


@reordered
def squares(g):
    """Return the sum of the squares."""
    total = 0.0
    for start in range(0, g.size, BLOCK):
        block, part = g[start : start + BLOCK], g.dtype.type(0)
        for i in range(block.size):
            part += block[i] * block[i]
        total += part
    return total
