"""Dense layers one after the other, and the functions between them: a pass is one call.

So it takes Python's lock once, not for every operation of every layer, and the gradients go to the
places where they are wanted. All is float32; the equations are those of the layers' own chapters.
"""

import functools

import numpy as np

from .. import parallel
from ..stretch import LINKS
from .elementary import ONE, ZERO, fused, sigmoid, tanh
from .losses import _softmax_cross_entropy, _softmax_cross_entropy_backward

NONE, RELU, SIGMOID, TANH = range(4)
"""The functions after a Dense layer."""

assert LINKS == 4, "_rooms is written for as many"
parallel.threads()  # loads SciPy's BLAS, which multiplies here, with the threads that NumPy's has


def forward(x, w, widths, functions):
    """Return the outputs of the Dense layers, and those of the functions after them.

    Where there is no function, both are the same array.

    Args:
        x: the input (N, D).
        w: the parameters, those of one layer after the other.
        widths: how many numbers an example has: at first, and after each layer.
        functions: the numbers of the functions.
    """
    y = [np.empty((len(x), M), np.float32) for M in widths[1:]]
    a = [np.empty_like(y[k]) if function else y[k] for k, function in enumerate(functions)]
    _forward(x, w, *_plan(widths, functions), _filled(y), _filled(a))
    return y, a


def predict(x, w, widths, functions):
    """Return the last output of `forward`."""
    y = [np.empty((len(x), M), np.float32) for M in widths[1:]]
    room = _filled(y)
    _forward(x, w, *_plan(widths, functions), room, room)
    return y[-1]


@functools.cache
def _plan(widths, functions):
    """Return LINKS + 1 widths and LINKS functions, with -1 where there is no layer."""
    return _filled(widths, LINKS + 1), (*functions, *[-1] * (LINKS - len(functions)))


def _filled(things, length=LINKS):
    """Return a tuple of this length: of another one it would be another type, to compile for."""
    return (*things, *[things[0]] * (length - len(things)))


@fused
def _forward(x, w, widths, functions, y, a):
    for k in range(LINKS):
        if functions[k] < 0:
            return
        D, M = widths[k], widths[k + 1]
        W, b, w = w[: D * M].reshape((D, M)), w[D * M : (D + 1) * M], w[(D + 1) * M :]
        y_k, a_k = y[k], a[k]
        np.dot(x, W, y_k)
        for n in range(len(y_k)):
            y_kn, a_kn = y_k[n], a_k[n]
            for m in range(M):
                y_kn[m] += b[m]
            if functions[k] == RELU:
                for m in range(M):
                    a_kn[m] = ZERO if y_kn[m] <= ZERO else y_kn[m]
            elif functions[k] == SIGMOID:
                for m in range(M):
                    a_kn[m] = sigmoid(y_kn[m])
            elif functions[k] == TANH:
                for m in range(M):
                    a_kn[m] = tanh(y_kn[m])
        x = a_k


def backward(delta, x, a, w, g, widths, functions, wanted):
    """Return dx, if it is `wanted`, and fill in g, the gradient of w.

    `a` are the outputs of the functions, as of `forward`.
    """
    dx = np.empty(x.shape if wanted else (0, 0), np.float32)
    _backward(delta, x, _filled(a), w, g, *_plan(widths, functions), dx)
    return dx if wanted else None


@fused
def _backward(delta, x, a, w, g, widths, functions, dx):
    stop = len(w)
    for k in range(LINKS - 1, -1, -1):
        if functions[k] < 0:
            continue
        D, M = widths[k], widths[k + 1]
        start = stop - (D + 1) * M
        W, dW = w[start : start + D * M].reshape((D, M)), g[start : start + D * M].reshape((D, M))
        db = g[start + D * M : stop]
        stop = start
        if functions[k] > 0:
            delta = _before(functions[k], delta, a[k])
        x_k = x if k == 0 else a[k - 1]
        np.dot(x_k.T, delta, dW)
        db[:] = ZERO
        for n in range(len(delta)):
            for m in range(M):
                db[m] += delta[n, m]
        if k > 0:
            below = np.empty(x_k.shape, x_k.dtype)
            np.dot(delta, W.T, below)
            delta = below
        elif dx.size:
            np.dot(delta, W.T, dx)


def objective(x, w, g, widths, functions, t, r, y):
    """Return the sum of the losses of `SoftmaxCrossEntropy`; fill in the last output y, and g.

    Args:
        x, w, g, widths, functions: as of `forward` and `backward`.
        t: the rows of targets.
        r: what is multiplied with the losses of which g is the gradient.
        y: room for the output.
    """
    return _objective(x, w, g, *_plan(widths, functions), t, np.float32(r), y)


@fused
def _objective(x, w, g, widths, functions, t, r, y):
    N, M = y.shape
    a = _rooms(N, widths, functions, y)
    _forward(x, w, widths, functions, a, a)
    z, sums, delta = np.empty(y.size, y.dtype), np.empty(N, y.dtype), np.empty((N, M), y.dtype)
    losses = _softmax_cross_entropy(y.ravel(), t.ravel(), z, sums)
    _softmax_cross_entropy_backward(z, sums, t.ravel(), r, delta.ravel())
    _backward(delta, x, a, w, g, widths, functions, np.empty((0, 0), y.dtype))
    return losses


@fused
def _rooms(N, widths, functions, y):
    """Return room for the outputs of all layers, the last of which is y: LINKS arrays."""
    return (
        _room(N, widths, functions, y, 0),
        _room(N, widths, functions, y, 1),
        _room(N, widths, functions, y, 2),
        _room(N, widths, functions, y, 3),
    )


@fused
def _room(N, widths, functions, y, k):
    last = k == LINKS - 1 or functions[k + 1] < 0
    return y if last else np.empty((N, widths[k + 1]), y.dtype)


@fused
def _before(function, delta, a):
    """Return dL/dy of a function's input y, from its output a."""
    before = np.empty_like(delta)
    for n in range(len(a)):
        delta_n, a_n, before_n = delta[n], a[n], before[n]
        if function == RELU:
            for m in range(len(a_n)):
                before_n[m] = delta_n[m] * (ONE if a_n[m] > ZERO else ZERO)
        elif function == SIGMOID:
            for m in range(len(a_n)):
                before_n[m] = delta_n[m] * a_n[m] * (ONE - a_n[m])
        else:
            for m in range(len(a_n)):
                before_n[m] = delta_n[m] * (ONE - a_n[m] * a_n[m])
    return before
