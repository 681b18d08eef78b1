"""Max pooling in one walk over the images.

NumPy goes through memory several times for each place of the window. Here a row of windows is made
while the rows of pixels that it sees are in the cache. All channels of all pixels of a row are one
run of numbers, so that the inner loops are long however few channels there are; for that the row
gets windows with stride 1, and those that the stride leaves out are not copied. Nothing is padded:
places outside of the image are left out.
"""

# pyright: reportPossiblyUnboundVariable=false
# Without a winner Numba leaves out all that is under `if winner is not None`.

import numpy as np
from numba import njit  # pyright: ignore[reportMissingImports]

from . import require_shape

compiled = njit(nogil=True, cache=True, error_model="numpy")


def max_forward(x, window):
    """Return `y` and `winner` of MaxPool."""
    N, H, W, C = x.shape
    y = np.empty((N, *window.positions(H, W), C), x.dtype)
    winner = np.empty(y.shape, np.min_scalar_type(window.places))
    _forward(_by_rows(x), y, winner, *_geometry(window, H, W))
    return y, winner


def max_predict(x, window):
    """Return the `y` of `max_forward`: to note no winner saves a third of the time."""
    N, H, W, C = x.shape
    y = np.empty((N, *window.positions(H, W), C), x.dtype)
    _forward(_by_rows(x), y, None, *_geometry(window, H, W))
    return y


def max_backward(delta, winner, shape, window):
    """Return `dx` of MaxPool, in the `shape` of x."""
    require_shape("MaxPool", delta, winner.shape)
    dx = np.zeros(shape, delta.dtype)
    delta, winner = np.ascontiguousarray(delta), np.ascontiguousarray(winner)
    _backward(delta, winner, _by_rows(dx), *_geometry(window, *shape[1:3]))
    return dx


def _by_rows(x):
    """Return images (N, H, W * C), in one piece of memory."""
    N, H, W, C = x.shape
    return np.ascontiguousarray(x).reshape(N, H, W * C)


def _geometry(window, H, W):
    (top, _), (left, _) = window.margins(H, W)
    return window.size, window.stride, (top, left)


@compiled
def _forward(x, y, winner, size, stride, margin):
    N, OH, OW, C = y.shape
    (K, L), (s, t), (top, left) = size, stride, margin
    H, W = x.shape[1], x.shape[2] // C
    steps = (OW - 1) * t + 1 if OW else 0  # windows of a row, with stride 1
    largest = np.empty(steps * C, x.dtype)
    if winner is not None:
        first = np.empty(steps * C, winner.dtype)
    for n in range(N):
        for p in range(OH):
            u = p * s - top
            largest[:] = -np.inf
            if winner is not None:
                first[:] = 0
            for i in range(max(0, -u), min(K, H - u)):
                for j in range(max(0, left - steps + 1), min(L, left + W)):
                    v = j - left
                    q, end = max(0, -v) * C, min(steps, W - v) * C
                    x_k, best = x[n, u + i, q + v * C : end + v * C], largest[q:end]
                    if winner is None:
                        for m in range(x_k.size):
                            new, old = x_k[m], best[m]
                            best[m] = new if new > old or new != new else old
                        continue
                    won, k = first[q:end], winner.dtype.type(i * L + j)
                    for m in range(x_k.size):
                        new, old = x_k[m], best[m]
                        won[m] = k if new > old else won[m]
                        best[m] = new if new > old or new != new else old
            for q in range(OW):
                for c in range(C):  # a slice would take longer: there may be few channels
                    y[n, p, q, c] = largest[q * t * C + c]
                    if winner is not None:
                        winner[n, p, q, c] = first[q * t * C + c]


@compiled
def _backward(delta, winner, dx, size, stride, margin):
    N, OH, OW, C = delta.shape
    (K, L), (s, t), (top, left) = size, stride, margin
    H, W = dx.shape[1], dx.shape[2] // C
    steps = (OW - 1) * t + 1 if OW else 0
    # Between the windows that there are, delta stays zero.
    spread, won = np.zeros(steps * C, delta.dtype), np.zeros(steps * C, winner.dtype)
    for n in range(N):
        # Last windows first, so that a pixel sums over k from 0, as the NumPy lines do.
        for p in range(OH - 1, -1, -1):
            u = p * s - top
            for q in range(OW):
                for c in range(C):
                    spread[q * t * C + c] = delta[n, p, q, c]
                    won[q * t * C + c] = winner[n, p, q, c]
            for i in range(max(0, -u), min(K, H - u)):
                for j in range(max(0, left - steps + 1), min(L, left + W)):
                    v = j - left
                    q, end = max(0, -v) * C, min(steps, W - v) * C
                    dx_k = dx[n, u + i, q + v * C : end + v * C]
                    d, w, k = spread[q:end], won[q:end], winner.dtype.type(i * L + j)
                    for m in range(dx_k.size):
                        dx_k[m] += d[m] * (w[m] == k)
