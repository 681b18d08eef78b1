"""Losses, a row in one go: rows are short, and NumPy takes a microsecond for each operation.

All is float32; the equations are those of the losses' own chapters.
"""

import numpy as np

from . import plain
from .elementary import ONE, ZERO, exp, fused


def one_hot(classes, M):
    """Return rows of M numbers that are 1 at the class; None if there is no such class."""
    t = np.zeros((*classes.shape, M), np.float32)
    return t if _one_hot(classes.astype(np.int64).ravel(), t.ravel(), M) else None


@fused
def _one_hot(classes, t, M):
    for n in range(len(classes)):
        if not 0 <= classes[n] < M:
            return False
        t[n * M + classes[n]] = ONE
    return True


def softmax_cross_entropy(y, t):
    """Return the losses' sum, and z and a: the equations (1) to (5) of `SoftmaxCrossEntropy`."""
    z, a = np.empty(y.shape, np.float32), np.empty((*y.shape[:-1], 1), np.float32)
    return _softmax_cross_entropy(plain(y).ravel(), plain(t).ravel(), z.ravel(), a.ravel()), z, a


@fused
def _softmax_cross_entropy(y, t, z, a):
    M, total = y.size // a.size, 0.0  # sums are float64: added one by one, their ends would be lost
    for n in range(a.size):
        row = slice(n * M, (n + 1) * M)
        y_n, t_n, z_n = y[row], t[row], z[row]
        most = y_n[0]
        for k in range(1, M):
            most = most if y_n[k] <= most else y_n[k]
        for k in range(M):
            z_n[k] = exp(y_n[k] - most)
        a_n = 0.0
        for k in range(M):
            a_n += z_n[k]
        log_a = np.log(a_n)
        for k in range(M):
            total += t_n[k] * (log_a - (y_n[k] - most))
        a[n] = a_n
    return total


def softmax_cross_entropy_backward(z, a, t, r):
    """Return delta: the equations (6) to (8)."""
    delta = np.empty(z.shape, np.float32)
    z, a, t = (plain(each).ravel() for each in (z, a, t))
    _softmax_cross_entropy_backward(z, a, t, np.float32(r), delta.ravel())
    return delta


@fused
def _softmax_cross_entropy_backward(z, a, t, r, delta):
    M = z.size // a.size
    for n in range(a.size):
        row = slice(n * M, (n + 1) * M)
        z_n, t_n, delta_n = z[row], t[row], delta[row]
        S = ZERO
        for k in range(M):
            S += t_n[k]
        for k in range(M):
            delta_n[k] = r * (S * (z_n[k] / a[n]) - t_n[k])
