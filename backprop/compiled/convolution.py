"""Conv2D block by block: a few rows of windows are made, multiplied and forgotten in one call.

The equations are those of the layer's chapter. What differs is how much of them there is at a time:
so few windows that they stay in the cache, in a buffer that every block is written to. And the bias
is the weight of one more number of each window, its first, which is always 1,

    X W + b = [1 X] [b; W],     [db; dW] = [1 X]^T delta,

so that the products add and sum it on their way. They are all `np.dot`, which is BLAS here, too.
Where kernels and channels suit it, `winograd.py` does it all with less than half of the products.
"""

import functools

import numpy as np
from numba import njit  # pyright: ignore[reportMissingImports]

from ..layer import sum_rows
from . import winograd
from .windows import add_runs

compiled = njit(nogil=True, cache=True, error_model="numpy")

SMALL = 10**6
"""The multiply-adds up to which OpenBLAS multiplies matrices without copying them first, which is
up to a third faster (AVX-512; elsewhere blocks of this size lose a tenth)."""
NUMBERS = 2**17
"""The numbers of a block at the most, unless one row of windows has more."""
ENOUGH = 32
"""The windows for which a block is kept so small: fewer are slow to multiply, and sums of so few
are slow to add up."""


def forward(x, W, b, window, least=-np.inf):
    """Return `y` of Conv2D, or `least` where that is less; `b` is 0 if there is no bias."""
    least = x.dtype.type(least)
    if winograd.suits(x.shape, W.shape, window):
        return winograd.forward(x, W, b, window, least)
    (N, H, width, C), F = x.shape, W.shape[-1]
    y = np.empty((N, *window.positions(H, width), F), x.dtype)
    b_W = np.empty((1 + window.places * C, F), x.dtype)
    b_W[0], b_W[1:] = b, W.reshape(window.places * C, F)
    if y.size:
        _forward(_by_rows(x), b_W, _by_rows(y), least, *_order(window, H, width, C, b_W.size))
    return y


def backward(delta, x, W, window):
    """Return `dx`, `dW` and `db` of Conv2D."""
    if winograd.suits(x.shape, W.shape, window):
        delta = _as_output(delta, x.shape, W.shape, window)
        return *winograd.backward(delta, x, W, window), sum_rows(delta)
    return _dx(delta, W, x.shape, window), *grads(delta, x, W.shape, window)


def grads(delta, x, shape, window):
    """Return `dW`, in the `shape` of W, and `db` of Conv2D."""
    delta = _as_output(delta, x.shape, shape, window)
    if winograd.suits(x.shape, shape, window):
        return winograd.grads(delta, x, window), sum_rows(delta)
    (_, H, width, C), F = x.shape, shape[-1]
    db_dW = np.zeros((1 + window.places * C, F), x.dtype)
    delta = _by_rows(delta)
    if delta.size:
        _grads(delta, _by_rows(x), db_dW, *_order(window, H, width, C, db_dW.size))
    return db_dW[1:].reshape(shape), db_dW[0]


def _dx(delta, W, shape, window):
    (_, H, width, C), F = shape, W.shape[-1]
    dx = np.zeros(shape, delta.dtype)
    delta = _by_rows(_as_output(delta, shape, W.shape, window))
    W_T = np.ascontiguousarray(W.reshape(window.places * C, F).T)
    if delta.size:
        _backward(delta, W_T, _by_rows(dx), *_order(window, H, width, C, W.size, by_place=False))
    return dx


def _as_output(delta, shape, kernel, window):
    """Return `delta`, or raise ValueError: compiled loops would go beyond one of another shape."""
    return delta.reshape(shape[0], *window.positions(*shape[1:3]), kernel[-1])


def _by_rows(x):
    """Return images (N, H, W, C) as (N, H, W * C), in one piece of memory."""
    N, H, W, C = x.shape
    return np.ascontiguousarray(x).reshape(N, H, W * C)


def _order(window, H, W, C, weights, by_place=None):
    if by_place is None:  # each row of a window is but L numbers, where a place sees OW in a row
        by_place = C == 1 and window.size[1] < window.positions(H, W)[1]
    margins, positions = window.margins(H, W), window.positions(H, W)
    geometry = window.size, window.stride, window.dilation, margins, positions
    return _ordered(H, W, C, *geometry, weights, by_place)


@functools.lru_cache  # takes longer than a small image
def _ordered(H, W, C, size, stride, dilation, margins, positions, weights, by_place):
    """Return where in a padded image the numbers of a window lie, and what is copied at a time.

    That is what one place sees in a row of windows, or a run of neighbouring numbers of a window;
    and as many rows of windows as make a block.
    """
    (K, L), (s, t), (d, e), ((top, bottom), (left, right)) = size, stride, dilation, margins
    OH, OW = positions
    width = (left + W + right) * C
    length = 1 if by_place else C * (L if e == 1 else 1)
    places = np.arange(K)[:, np.newaxis] * d * width + np.arange(L) * e * C
    starts = (places[..., np.newaxis] + np.arange(C)).ravel()[::length]
    at_most = max(1, NUMBERS // (OW * K * L * C))
    rows = min(SMALL // (OW * weights), at_most)
    if rows * OW < ENOUGH:
        rows = at_most
    padded, margin, steps = (top + H + bottom, width), (top, left * C), (s * width, t * C)
    return padded, margin, steps, starts.copy(), length, by_place, min(rows, OH), OW


@compiled
def _forward(x, W, y, least, padded, margin, steps, starts, length, by_place, rows, OW):
    OH, (numbers, F) = y.shape[1], W.shape
    image, made = np.zeros(padded, x.dtype), np.empty(rows * OW * numbers, x.dtype)
    for n in range(len(x)):
        seen = _padded(x[n], image, margin)
        for p in range(0, OH, rows):
            M = min(rows, OH - p) * OW
            y_p, X = y[n, p : p + rows].reshape(M, F), made[: M * numbers]
            if by_place:
                X_T = X.reshape(numbers, M)
                _copy_places(seen[p * steps[0] :], X_T, OW, steps, starts)
                np.dot(X_T.T, W, y_p)
            else:
                X = X.reshape(M, numbers)
                _copy_runs(seen[p * steps[0] :], X, OW, steps, starts, length)
                np.dot(X, W, y_p)
            if least > -np.inf:
                for m in range(M):
                    for f in range(F):
                        y_p[m, f] = least if y_p[m, f] <= least else y_p[m, f]


@compiled
def _grads(delta, x, dW, padded, margin, steps, starts, length, by_place, rows, OW):
    OH, (numbers, F) = delta.shape[1], dW.shape
    image, made = np.zeros(padded, x.dtype), np.empty(rows * OW * numbers, x.dtype)
    dW_p = np.empty_like(dW)
    for n in range(len(x)):
        seen = _padded(x[n], image, margin)
        for p in range(0, OH, rows):
            M = min(rows, OH - p) * OW
            delta_p, X = delta[n, p : p + rows].reshape(M, F), made[: M * numbers]
            if by_place:
                X_T = X.reshape(numbers, M)
                _copy_places(seen[p * steps[0] :], X_T, OW, steps, starts)
                np.dot(X_T, delta_p, dW_p)
            else:
                X = X.reshape(M, numbers)
                _copy_runs(seen[p * steps[0] :], X, OW, steps, starts, length)
                np.dot(X.T, delta_p, dW_p)
            _add(dW, dW_p)


@compiled
def _add(dW, dW_p):
    total, more = dW.reshape(-1), dW_p.reshape(-1)
    for k in range(len(total)):
        total[k] += more[k]


@compiled
def _backward(delta, W_T, dx, padded, margin, steps, starts, length, by_place, rows, OW):
    OH, (F, numbers) = delta.shape[1], W_T.shape
    (top, left), (H, W) = margin, dx.shape[1:]
    image, made = np.zeros(padded, dx.dtype), np.empty((rows * OW, numbers), dx.dtype)
    whole = padded == (H, W)
    for n in range(len(dx)):
        seen = dx[n] if whole else image
        for p in range(0, OH, rows):
            P = min(rows, OH - p)
            dX = made[: P * OW]
            np.dot(delta[n, p : p + rows].reshape(P * OW, F), W_T, dX)
            runs = dX.reshape(P, OW, len(starts), length)
            add_runs(runs, seen.reshape(-1)[p * steps[0] :], steps, starts)
        if not whole:
            dx[n] = image[top : top + H, left : left + W]
            image[:] = 0


@compiled
def _padded(x_n, image, margin):
    """Return an image with its margins, flat: itself if there are none, else written to `image`."""
    (H, W), (top, left) = x_n.shape, margin
    if image.shape == x_n.shape:
        return x_n.reshape(-1)
    image[top : top + H, left : left + W] = x_n
    return image.reshape(-1)


@compiled
def _copy_places(image, X_T, OW, steps, starts):
    """Fill in X^T, ones above: what each place sees in a row of windows is one run of numbers."""
    down, right = steps
    X_T[0] = 1
    for k in range(len(starts)):
        for p in range(X_T.shape[1] // OW):
            seen, run = image[starts[k] + p * down :], X_T[1 + k, p * OW : (p + 1) * OW]
            if right == 1:  # the same, in vectors: a third of the time
                for q in range(OW):
                    run[q] = seen[q]
            else:
                for q in range(OW):
                    run[q] = seen[q * right]


@compiled
def _copy_runs(image, X, OW, steps, starts, length):
    """Fill in X: each window is, after the 1, a few runs of numbers."""
    down, right = steps
    for p in range(len(X) // OW):
        for q in range(OW):
            X[p * OW + q, 0] = 1
            for k in range(len(starts)):
                seen = image[p * down + q * right + starts[k] :]
                run = X[p * OW + q, 1 + k * length : 1 + (k + 1) * length]
                for r in range(length):
                    run[r] = seen[r]
