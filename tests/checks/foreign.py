"""Small right layers in the four shapes that people write them in, none of which is ours by birth.

    self    y = layer.forward(x); dx = layer.backward(delta). What backward needs lies on `self`,
            and so do parameters and gradients: as attributes (W and dW), or in dicts or lists
            `params` and `grads`.
    pair    out, cache = f_forward(x, w, b); dx, dw, db = f_backward(dout, cache), as in CS231n.
            Parameters are arguments. Images are (N, C, H, W).
    loss    loss, dx = f(x, y).
    layer   a subclass of `backprop.Layer`.
    scipy   f(x) is a number, grad(x) an array.

Nothing here is fast or careful. Buffers are real where students' are, so complex numbers do not
pass everywhere; batches may lie along the last axis; a layer may keep running averages that have no
gradient. All of it is right, and `gradcheck` has to say so; `planted.py` makes it wrong.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.signal import convolve2d, correlate2d

import backprop as bp


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """What is checked: code in one of the styles, and the inputs that it is checked on."""

    style: str
    code: type | Callable | tuple[Callable, Callable]
    inputs: tuple
    settings: dict = dataclasses.field(default_factory=dict)
    dtype: type = np.float64

    def make(self):
        """Return a fresh object, its parameters made; functions are returned as they are."""
        if not isinstance(self.code, type):
            return self.code
        thing = self.code(**self.settings)
        if isinstance(thing, bp.Layer):
            thing.build(*(x.shape[1:] for x in self.inputs), rng=0, dtype=self.dtype)
        else:
            vars(thing).update(cast(vars(thing), self.dtype))
        return thing

    def __str__(self):
        parts = self.code if isinstance(self.code, tuple) else (self.code,)
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.style} {'/'.join(part.__name__ for part in parts)}({settings})"


def cast(value, dtype):
    """Return `value` with every float array in it as `dtype`."""
    if isinstance(value, dict):
        return {name: cast(item, dtype) for name, item in value.items()}
    if isinstance(value, list):
        return [cast(item, dtype) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(dtype)
    return value


def weights(seed, *shapes):
    """Return one random array for each shape."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) / np.sqrt(shape[0]) for shape in shapes]


def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def tanh_prime(z):
    return 1 - np.tanh(z) ** 2


def relu(z):
    return np.maximum(z, 0)


def relu_prime(z):
    return (z > 0).astype(z.dtype)


ACTIVATIONS = {
    "linear": (lambda z: z, np.ones_like),
    "sigmoid": (sigmoid, sigmoid_prime),
    "tanh": (np.tanh, tanh_prime),
    "relu": (relu, relu_prime),
}


# State on self: dense layers


class Dense:
    """y = phi(x W + b), an example in each row; gradients self.dW and self.db."""

    def __init__(self, D, M, act="linear"):
        self.W, self.b = weights(0, (D, M), (M,))
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)
        self.phi, self.phi_prime = ACTIVATIONS[act]

    def forward(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        self.y = self.phi(self.z)
        return self.y

    def backward(self, delta):
        dz = delta * self.phi_prime(self.z)
        self.dW = self.x.T @ dz
        self.db = dz.sum(axis=0)
        return dz @ self.W.T


class ColumnDense:
    """y = tanh(W x + b), an example in each *column*; gradients self.grads["dW"], ["db"]."""

    def __init__(self, D, M):
        self.W, self.b = weights(0, (M, D), (M, 1))

    def forward(self, x):
        self.x = x
        self.y = np.tanh(self.W @ x + self.b)
        return self.y

    def backward(self, delta):
        dz = delta * (1 - self.y**2)
        dW = dz @ self.x.T
        db = dz.sum(axis=1, keepdims=True)
        self.grads = {"dW": dW, "db": db}
        return self.W.T @ dz


class TwoLayers:
    """A whole network: y = tanh(x W1 + b1) W2 + b2; dicts self.params and self.grads."""

    def __init__(self, D, H, M):
        W1, b1, W2, b2 = weights(0, (D, H), (H,), (H, M), (M,))
        self.params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
        self.grads = {}

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.params["W1"] + self.params["b1"])
        return self.h @ self.params["W2"] + self.params["b2"]

    def backward(self, delta):
        dh = delta @ self.params["W2"].T
        dz = dh * (1 - self.h**2)
        self.grads["W2"] = self.h.T @ delta
        self.grads["b2"] = delta.sum(axis=0)
        self.grads["W1"] = self.x.T @ dz
        self.grads["b1"] = dz.sum(axis=0)
        return dz @ self.params["W1"].T


class ListDense:
    """y = x W + b; lists self.params and self.grads, written in place."""

    def __init__(self, D, M):
        self.params = weights(0, (D, M), (M,))
        self.grads = [np.zeros_like(value) for value in self.params]

    def forward(self, x):
        W, b = self.params
        self.x = x
        return x @ W + b

    def backward(self, delta):
        W, _ = self.params
        self.grads[0][...] = self.x.T @ delta
        self.grads[1][...] = delta.sum(axis=0)
        return delta @ W.T


class Residual:
    """y = x + tanh(x W + b): x is read twice."""

    def __init__(self, D):
        self.W, self.b = weights(0, (D, D), (D,))

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.W + self.b)
        return x + self.h

    def backward(self, delta):
        dz = delta * (1 - self.h**2)
        self.grads = {"W": self.x.T @ dz, "b": dz.sum(axis=0)}
        return delta + dz @ self.W.T


# State on self: without parameters


class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, delta):
        return delta * (self.x > 0)


class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, delta):
        return self.y * (delta - (delta * self.y).sum(axis=1, keepdims=True))


class Dropout:
    """The same mask in every pass."""

    def __init__(self, rate=0.5, seed=0):
        self.rate, self.seed = rate, seed

    def forward(self, x):
        rng = np.random.default_rng(self.seed)
        self.mask = (rng.random(x.shape) >= self.rate) / (1 - self.rate)
        return x * self.mask

    def backward(self, delta):
        return delta * self.mask


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1).copy()

    def backward(self, delta):
        return delta.reshape(self.shape).copy()


class MeanOverTime:
    """(N, T, D) to (N, D)."""

    def forward(self, x):
        self.T = x.shape[1]
        return x.mean(axis=1)

    def backward(self, delta):
        dx = delta[:, None] / self.T
        return dx.repeat(self.T, axis=1)


class BatchNorm:
    """Running averages lie beside the parameters; they have no gradient and need none."""

    def __init__(self, D, momentum=0.9, eps=1e-5):
        self.gamma, self.beta = weights(0, (D,), (D,))
        self.running_mean, self.running_var = np.zeros(D), np.ones(D)
        self.momentum, self.eps = momentum, eps

    def forward(self, x):
        mean, var = x.mean(axis=0), x.var(axis=0)
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
        self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        self.std = np.sqrt(var + self.eps)
        self.x_hat = (x - mean) / self.std
        return self.gamma * self.x_hat + self.beta

    def backward(self, delta):
        self.dgamma = (delta * self.x_hat).sum(axis=0)
        self.dbeta = delta.sum(axis=0)
        d_hat = delta * self.gamma
        centred = d_hat - d_hat.mean(axis=0) - self.x_hat * (d_hat * self.x_hat).mean(axis=0)
        return centred / self.std


# State on self: images


class Conv:
    """Cross-correlation of images (N, H, W, C) with W (K, K, C, F), one position after another."""

    def __init__(self, K, C, F, stride=1, pad=0):
        self.W, self.b = weights(0, (K, K, C, F), (F,))
        self.stride, self.pad = stride, pad

    def forward(self, x):
        K, S, P = len(self.W), self.stride, self.pad
        N, H, W, _ = self.shape = x.shape
        OH, OW = (H + 2 * P - K) // S + 1, (W + 2 * P - K) // S + 1
        self.xp = np.pad(x, ((0, 0), (P, P), (P, P), (0, 0)))
        y = np.zeros((N, OH, OW, len(self.b)))
        for i, j in np.ndindex(OH, OW):
            patch = self.xp[:, i * S : i * S + K, j * S : j * S + K]
            y[:, i, j] = np.tensordot(patch, self.W, axes=3) + self.b
        return y

    def backward(self, delta):
        K, S, P = len(self.W), self.stride, self.pad
        _, H, W, _ = self.shape
        dxp, self.dW = np.zeros_like(self.xp), np.zeros_like(self.W)
        for i, j in np.ndindex(delta.shape[1:3]):
            patch = self.xp[:, i * S : i * S + K, j * S : j * S + K]
            share = np.tensordot(delta[:, i, j], self.W, axes=(1, 3))
            self.dW += np.tensordot(patch, delta[:, i, j], axes=(0, 0))
            dxp[:, i * S : i * S + K, j * S : j * S + K] += share
        self.db = delta.sum(axis=(0, 1, 2))
        return dxp[:, P : P + H, P : P + W]


class SciPyConv:
    """Cross-correlation of images (N, C, H, W) with W (F, C, K, K), a call for each channel."""

    def __init__(self, K, C, F):
        self.W, self.b = weights(0, (F, C, K, K), (F,))

    def forward(self, x):
        self.x = x
        y = [[self.b[f] + sum(map(correlate2d, image, self.W[f], ["valid"] * len(image)))
              for f in range(len(self.W))] for image in x]  # fmt: skip
        return np.array(y)

    def backward(self, delta):
        dx, self.dW = np.zeros_like(self.x), np.zeros_like(self.W)
        for n, f, c in np.ndindex(len(self.x), *self.W.shape[:2]):
            self.dW[f, c] += correlate2d(self.x[n, c], delta[n, f], "valid")
            dx[n, c] += convolve2d(delta[n, f], self.W[f, c], "full")
        self.db = delta.sum(axis=(0, 2, 3))
        return dx


class MaxPool:
    """The largest number in windows K x K of images (N, H, W, C), which may overlap."""

    def __init__(self, K, stride):
        self.K, self.stride = K, stride

    def forward(self, x):
        self.x, K, S = x, self.K, self.stride
        N, H, W, C = x.shape
        y = np.zeros((N, (H - K) // S + 1, (W - K) // S + 1, C))
        for i, j in np.ndindex(y.shape[1:3]):
            y[:, i, j] = x[:, i * S : i * S + K, j * S : j * S + K].max(axis=(1, 2))
        return y

    def backward(self, delta):
        K, S = self.K, self.stride
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(delta.shape[1:3]):
            patch = self.x[:, i * S : i * S + K, j * S : j * S + K]
            flat = patch.reshape(len(patch), K * K, -1)
            wins = np.arange(K * K)[:, None] == flat.argmax(axis=1)[:, None]
            share = wins.reshape(patch.shape) * delta[:, i, j][:, None, None]
            dx[:, i * S : i * S + K, j * S : j * S + K] += share
        return dx


# State on self: LSTM with four matrices on [h, x]


class FourGates:
    """An LSTM over sequences (N, T, D) that begins with zeros; gradients self.dWf, self.dbf, ..."""

    def __init__(self, D, H):
        shapes = [(H + D, H)] * 4 + [(H,)] * 4
        self.Wf, self.Wi, self.Wc, self.Wo, self.bf, self.bi, self.bc, self.bo = weights(0, *shapes)

    def forward(self, x):
        self.x, self.steps, hs = x, [], []
        h = c = np.zeros((len(x), len(self.bf)))
        for t in range(x.shape[1]):
            z = np.hstack([h, x[:, t]])
            f = sigmoid(z @ self.Wf + self.bf)
            i = sigmoid(z @ self.Wi + self.bi)
            g = np.tanh(z @ self.Wc + self.bc)
            o = sigmoid(z @ self.Wo + self.bo)
            c_before, c = c, f * c + i * g
            h = o * np.tanh(c)
            self.steps.append((z, f, i, g, o, c_before, c))
            hs.append(h)
        return np.stack(hs, axis=1)

    def backward(self, delta):
        for name in ("Wf", "Wi", "Wc", "Wo", "bf", "bi", "bc", "bo"):
            setattr(self, "d" + name, np.zeros_like(getattr(self, name)))
        H, dx = len(self.bf), np.zeros_like(self.x)
        dh = dc = np.zeros((len(dx), H))
        for t in reversed(range(dx.shape[1])):
            z, f, i, g, o, c_before, c = self.steps[t]
            dh = dh + delta[:, t]
            dc = dc + dh * o * (1 - np.tanh(c) ** 2)
            df = dc * c_before * f * (1 - f)
            di = dc * g * i * (1 - i)
            dg = dc * i * (1 - g**2)
            do = dh * np.tanh(c) * o * (1 - o)
            self.dWf += z.T @ df
            self.dWi += z.T @ di
            self.dWc += z.T @ dg
            self.dWo += z.T @ do
            self.dbf += df.sum(axis=0)
            self.dbi += di.sum(axis=0)
            self.dbc += dg.sum(axis=0)
            self.dbo += do.sum(axis=0)
            dz = df @ self.Wf.T + di @ self.Wi.T + dg @ self.Wc.T + do @ self.Wo.T
            dh, dx[:, t] = dz[:, :H], dz[:, H:]
            dc = dc * f
        return dx


# Pairs of functions


def affine_forward(x, w, b):
    """x (N, ...), of any shape, as rows."""
    out = x.reshape(len(x), -1) @ w + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def tanh_forward(x):
    out = np.tanh(x)
    return out, out


def tanh_backward(dout, cache):
    slope = 1 - cache**2
    return dout * slope


def softmax_forward(x):
    """Over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    out = e / e.sum(axis=-1, keepdims=True)
    return out, out


def softmax_backward(dout, cache):
    y = cache
    return y * (dout - (dout * y).sum(axis=-1, keepdims=True))


def conv_forward(x, w, b, conv_param):
    """x (N, C, H, W), w (F, C, K, K)."""
    S, P, K = conv_param["stride"], conv_param["pad"], w.shape[-1]
    N, _, H, W = x.shape
    xp = np.pad(x, ((0, 0), (0, 0), (P, P), (P, P)))
    out = np.zeros((N, len(w), 1 + (H + 2 * P - K) // S, 1 + (W + 2 * P - K) // S))
    for n, f, i, j in np.ndindex(out.shape):
        out[n, f, i, j] = (xp[n, :, i * S : i * S + K, j * S : j * S + K] * w[f]).sum() + b[f]
    return out, (x, w, b, conv_param)


def conv_backward(dout, cache):
    x, w, b, conv_param = cache
    S, P, K = conv_param["stride"], conv_param["pad"], w.shape[-1]
    H, W = x.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (P, P), (P, P)))
    dxp, dw, db = np.zeros_like(xp), np.zeros_like(w), np.zeros_like(b)
    for n, f, i, j in np.ndindex(dout.shape):
        window = np.s_[n, :, i * S : i * S + K, j * S : j * S + K]
        dxp[window] += w[f] * dout[n, f, i, j]
        dw[f] += xp[window] * dout[n, f, i, j]
        db[f] += dout[n, f, i, j]
    dx = dxp[:, :, P : P + H, P : P + W]
    return dx, dw, db


def max_pool_forward(x, pool_param):
    K, S = pool_param["size"], pool_param["stride"]
    N, C, H, W = x.shape
    out = np.zeros((N, C, 1 + (H - K) // S, 1 + (W - K) // S))
    for n, c, i, j in np.ndindex(out.shape):
        out[n, c, i, j] = x[n, c, i * S : i * S + K, j * S : j * S + K].max()
    return out, (x, pool_param)


def max_pool_backward(dout, cache):
    x, pool_param = cache
    K, S = pool_param["size"], pool_param["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * S : i * S + K, j * S : j * S + K]
        wins = np.arange(K * K).reshape(K, K) == window.argmax()
        dx[n, c, i * S : i * S + K, j * S : j * S + K] += wins * dout[n, c, i, j]
    return dx


def avg_pool_forward(x, pool_param):
    K, S = pool_param["size"], pool_param["stride"]
    N, C, H, W = x.shape
    out = np.zeros((N, C, 1 + (H - K) // S, 1 + (W - K) // S))
    for i, j in np.ndindex(out.shape[2:]):
        out[..., i, j] = x[..., i * S : i * S + K, j * S : j * S + K].mean(axis=(2, 3))
    return out, (x, pool_param)


def avg_pool_backward(dout, cache):
    x, pool_param = cache
    K, S = pool_param["size"], pool_param["stride"]
    dx = np.zeros_like(x)
    for i, j in np.ndindex(dout.shape[2:]):
        share = dout[..., i, j] / K**2
        dx[..., i * S : i * S + K, j * S : j * S + K] += share[..., None, None]
    return dx


def batchnorm_forward(x, gamma, beta, bn_param):
    """The batch's own mean and variance, feature by feature."""
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred**2).mean(axis=0) + bn_param["eps"])
    x_hat = centred / std
    return gamma * x_hat + beta, (x_hat, std, gamma)


def batchnorm_backward(dout, cache):
    x_hat, std, gamma = cache
    dgamma = (dout * x_hat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    d_hat = dout * gamma
    dx = (d_hat - d_hat.mean(axis=0) - x_hat * (d_hat * x_hat).mean(axis=0)) / std
    return dx, dgamma, dbeta


def rnn_forward(x, h0, Wx, Wh, b):
    """x (N, T, D), h0 (N, H); every state, (N, T, H)."""
    h = np.zeros((*x.shape[:2], len(b)))
    before = h0
    for t in range(x.shape[1]):
        h[:, t] = before = np.tanh(x[:, t] @ Wx + before @ Wh + b)
    return h, (x, h0, Wx, Wh, b, h)


def rnn_backward(dh, cache):
    x, h0, Wx, Wh, b, h = cache
    dx, dWx, dWh, db = map(np.zeros_like, (x, Wx, Wh, b))
    dbefore = np.zeros_like(h0)
    for t in reversed(range(x.shape[1])):
        before = h[:, t - 1] if t > 0 else h0
        da = (dh[:, t] + dbefore) * (1 - h[:, t] ** 2)
        dWx += x[:, t].T @ da
        dWh += before.T @ da
        db += da.sum(axis=0)
        dx[:, t] = da @ Wx.T
        dbefore = da @ Wh.T
    return dx, dbefore, dWx, dWh, db


def lstm_forward(x, h0, Wx, Wh, b):
    """The gates lie in the order i, f, o, g; the cells begin with zero."""
    c, h, hs, steps = np.zeros_like(h0), h0, [], []
    for t in range(x.shape[1]):
        h_before, c_before = h, c
        ai, af, ao, ag = np.split(x[:, t] @ Wx + h @ Wh + b, 4, axis=1)
        i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
        c = f * c + i * g
        h = o * np.tanh(c)
        steps.append((i, f, o, g, h_before, c_before, c))
        hs.append(h)
    return np.stack(hs, axis=1), (x, Wx, Wh, b, steps)


def lstm_backward(dh, cache):
    x, Wx, Wh, b, steps = cache
    dx, dWx, dWh, db = map(np.zeros_like, (x, Wx, Wh, b))
    dh_next = dc_next = np.zeros_like(steps[0][0])
    for t in reversed(range(x.shape[1])):
        i, f, o, g, h_before, c_before, c = steps[t]
        dh_t = dh[:, t] + dh_next
        dc = dc_next + dh_t * o * (1 - np.tanh(c) ** 2)
        di = dc * g * i * (1 - i)
        df = dc * c_before * f * (1 - f)
        do = dh_t * np.tanh(c) * o * (1 - o)
        dg = dc * i * (1 - g**2)
        da = np.hstack([di, df, do, dg])
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += h_before.T @ da
        db += da.sum(axis=0)
        dh_next = da @ Wh.T
        dc_next = dc * f
    return dx, dh_next, dWx, dWh, db


# Losses that return their gradient


def softmax_loss(x, y):
    """Scores (N, D) and classes (N,): the mean cross-entropy."""
    N = len(x)
    z = x - x.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    hit = np.arange(x.shape[1]) == y[:, None]
    loss = -log_p[hit].sum() / N
    dx = (np.exp(log_p) - hit) / N
    return loss, dx


def temporal_softmax_loss(x, y):
    """Scores (N, T, D) and classes (N, T): the mean over examples and steps."""
    N, T, _ = x.shape
    z = x - x.max(axis=2, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=2, keepdims=True))
    hit = np.arange(x.shape[2]) == y[..., None]
    loss = -log_p[hit].sum() / (N * T)
    dx = (np.exp(log_p) - hit) / (N * T)
    return loss, dx


def half_squared_loss(x, y):
    """y real, like x."""
    loss = 0.5 * ((x - y) ** 2).sum() / len(x)
    dx = (x - y) / len(x)
    return loss, dx


# Layers in our own contract


class Recurrent(bp.Layer):
    """h_t = tanh(x_t Wx + h_{t-1} Wh + b), beginning with zero."""

    param_names = ("Wx", "Wh", "b")

    def __init__(self, H):
        self.H = H

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        T, D = in_shape
        made = weights(rng, (D, self.H), (self.H, self.H), (self.H,))
        self.Wx, self.Wh, self.b = (value.astype(dtype) for value in made)
        return T, self.H

    def forward(self, x, /):
        h = [0 * (x[:, 0] @ self.Wx)]
        for t in range(x.shape[1]):
            h.append(np.tanh(x[:, t] @ self.Wx + h[t] @ self.Wh + self.b))
        return np.stack(h[1:], axis=1), (x, h)

    def backward(self, delta, cache, /):
        x, h = cache
        da, dh = [], 0
        for t in reversed(range(x.shape[1])):
            dh = dh + delta[:, t]
            da.insert(0, dh * (1 - h[t + 1] ** 2))
            dh = da[0] @ self.Wh.T
        dWx = sum(x[:, t].T @ da[t] for t in range(x.shape[1]))
        dWh = sum(h[t].T @ da[t] for t in range(x.shape[1]))
        db = sum(da_t.sum(axis=0) for da_t in da)
        return np.stack(da, axis=1) @ self.Wx.T, {"Wx": dWx, "Wh": dWh, "b": db}


class RotatedConv(bp.Layer):
    """Stride 1, no padding; dx by the textbook: the padded delta with the kernel rotated by 180."""

    param_names = ("W", "b")

    def __init__(self, K, F):
        self.K, self.F = K, F

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        H, W, C = in_shape
        made = weights(rng, (self.K, self.K, C, self.F), (self.F,))
        self.W, self.b = (value.astype(dtype) for value in made)
        return H - self.K + 1, W - self.K + 1, self.F

    def windows(self, x):
        """(N, OH, OW, C, K, K)"""
        return np.lib.stride_tricks.sliding_window_view(x, (self.K, self.K), axis=(1, 2))

    def forward(self, x, /):
        return np.einsum("nijckl,klcf->nijf", self.windows(x), self.W) + self.b, x

    def backward(self, delta, cache, /):
        P = self.K - 1
        padded = np.pad(delta, ((0, 0), (P, P), (P, P), (0, 0)))
        rotated = self.W[::-1, ::-1]
        dW = np.einsum("nijckl,nijf->klcf", self.windows(cache), delta)
        db = delta.sum(axis=(0, 1, 2))
        dx = np.einsum("nijfkl,klcf->nijc", self.windows(padded), rotated)
        return dx, {"W": dW, "b": db}


class MeanPool(bp.Layer):
    """The mean of windows K x K, which may overlap."""

    def __init__(self, K, stride):
        self.K, self.stride = K, stride

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        H, W, C = in_shape
        return (H - self.K) // self.stride + 1, (W - self.K) // self.stride + 1, C

    def places(self, image, OH, OW):
        """Return K x K views, (N, OH, OW, C) each: what each place of the window sees."""
        S, ends = self.stride, (self.stride * (OH - 1) + 1, self.stride * (OW - 1) + 1)
        return [image[:, k : k + ends[0] : S, m : m + ends[1] : S]
                for k, m in np.ndindex(self.K, self.K)]  # fmt: skip

    def forward(self, x, /):
        OH, OW, _ = self.build(x.shape[1:])
        return sum(self.places(x, OH, OW)) / self.K**2, x.shape

    def backward(self, delta, cache, /):
        share = delta / self.K**2
        dx = np.zeros(cache, delta.dtype)
        for place in self.places(dx, *delta.shape[1:3]):
            place += share
        return dx, {}


class Scale(bp.Layer):
    """y = tanh(g x), with a gain g for each feature."""

    param_names = ("g",)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        self.g = np.linspace(0.5, 1.5, in_shape[-1]).astype(dtype)
        return in_shape

    def forward(self, x, /):
        y = np.tanh(self.g * x)
        return y, (x, y)

    def backward(self, delta, cache, /):
        x, y = cache
        slope = 1 - y**2
        dg = (delta * slope * x).sum(axis=0)
        return delta * slope * self.g, {"g": dg}


# Functions of one vector


def table(D):
    """Return the data of a regression, (6, D) and (6,)."""
    return np.cos(np.outer(np.arange(6), np.arange(1, D + 1))), np.arange(6) % 2


def ridge(w):
    A, b = table(len(w))
    return 0.5 * ((A @ w - b) ** 2).sum() + 0.3 * (w**2).sum()


def ridge_grad(w):
    A, b = table(len(w))
    return A.T @ (A @ w - b) + 0.6 * w


def mean_squared(w):
    A, b = table(len(w))
    return ((A @ w - b) ** 2).mean()


def mean_squared_grad(w):
    A, b = table(len(w))
    return 2 * A.T @ (A @ w - b) / len(b)


def logistic(w):
    A, b = table(len(w))
    return np.logaddexp(0, (1 - 2 * b) * (A @ w)).sum()


def logistic_grad(w):
    A, b = table(len(w))
    return A.T @ (sigmoid(A @ w) - b)


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_grad(x):
    gap = x[1:] - x[:-1] ** 2
    grad = np.zeros_like(x)
    grad[:-1] = -400 * x[:-1] * gap - 2 * (1 - x[:-1])
    grad[1:] += 200 * gap
    return grad


def log_sum_exp(x):
    return x.max() + np.log(np.exp(x - x.max()).sum())


def log_sum_exp_grad(x):
    e = np.exp(x - x.max())
    return e / e.sum()


AFFINE = affine_forward, affine_backward
TANH = tanh_forward, tanh_backward
SOFTMAX = softmax_forward, softmax_backward
CONV = conv_forward, conv_backward
MAX_POOL = max_pool_forward, max_pool_backward
AVG_POOL = avg_pool_forward, avg_pool_backward
BATCHNORM = batchnorm_forward, batchnorm_backward
RNN = rnn_forward, rnn_backward
LSTM = lstm_forward, lstm_backward
RIDGE = ridge, ridge_grad
MEAN_SQUARED = mean_squared, mean_squared_grad
LOGISTIC = logistic, logistic_grad
ROSENBROCK = rosenbrock, rosenbrock_grad
LOG_SUM_EXP = log_sum_exp, log_sum_exp_grad
