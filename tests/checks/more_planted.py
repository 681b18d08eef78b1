"""More mistakes, in layers written otherwise than those of `foreign.py`, which names were made on.

State lies on `self` under other names, in dicts, in tuples; examples are rows or columns, images
have their channels first or last, backward passes go in stages. Each entry of `MORE` is a kind, and
right and wrong lines as in `planted.py`.
"""

import itertools

import numpy as np

from checks.planted import Planted, of, x


def draw(*shapes):
    rng = np.random.default_rng(7)
    return [0.7 * rng.standard_normal(shape) for shape in shapes]


def logistic(z):
    return 1 / (1 + np.exp(-z))


# Networks


class Stack:
    """x -> ReLU -> ReLU -> linear, without biases."""

    def __init__(self, widths):
        shapes = itertools.pairwise(widths)
        self.params = {f"W{k}": W for k, W in enumerate(draw(*shapes))}
        self.grads = {}

    def forward(self, x):
        self.ins, self.zs = [x], []
        for k in range(len(self.params)):
            self.zs.append(self.ins[-1] @ self.params[f"W{k}"])
            self.ins.append(np.maximum(self.zs[-1], 0))
        return self.zs[-1]

    def backward(self, grad):
        for k in reversed(range(len(self.params))):
            if k < len(self.params) - 1:
                grad = grad * (self.zs[k] > 0)
            self.grads[f"W{k}"] = self.ins[k].T @ grad
            grad = grad @ self.params[f"W{k}"].T
        return grad


class Sigmoids:
    """One hidden layer, everything named as in a lecture."""

    def __init__(self, n, h, m):
        self.w1, self.b1, self.w2, self.b2 = draw((n, h), (1, h), (h, m), (1, m))

    def forward(self, x):
        self.x = x
        self.z1 = x.dot(self.w1) + self.b1
        self.a1 = logistic(self.z1)
        self.z2 = self.a1.dot(self.w2) + self.b2
        self.a2 = logistic(self.z2)
        return self.a2

    def backward(self, grad):
        d2 = grad * self.a2 * (1 - self.a2)
        self.dw2 = self.a1.T.dot(d2)
        self.db2 = d2.sum(axis=0, keepdims=True)
        e1 = d2.dot(self.w2.T)
        d1 = e1 * self.a1 * (1 - self.a1)
        self.dw1 = self.x.T.dot(d1)
        self.db1 = d1.sum(axis=0, keepdims=True)
        return d1.dot(self.w1.T)


def columns_forward(x, W, V):
    """Examples in columns; V tanh(W x)."""
    h = np.tanh(W @ x)
    return V @ h, (x, W, V, h)


def columns_backward(dy, cache):
    x, W, V, h = cache
    back = V.T @ dy
    da = back * (1 - h * h)
    return W.T @ da, da @ x.T, dy @ h.T


class Steps:
    """softplus(x W + b), for each step of a sequence alike."""

    def __init__(self, n, m):
        self.weight, self.bias = draw((n, m), (m,))

    def forward(self, x):
        self.x = x
        self.z = x @ self.weight + self.bias
        self.y = np.log1p(np.exp(self.z))
        return self.y

    def backward(self, grad):
        dz = grad * logistic(self.z)
        self.dweight = np.einsum("btn,btm->nm", self.x, dz)
        self.dbias = dz.sum(axis=(0, 1))
        return dz @ self.weight.T


class Block:
    """x + relu(x W + b)."""

    def __init__(self, n):
        self.W, self.b = draw((n, n), (n,))

    def forward(self, x):
        self.x = x
        self.branch = np.maximum(0, x @ self.W + self.b)
        return x + self.branch

    def backward(self, d):
        inner = d * (self.branch > 0)
        self.dW, self.db = self.x.T @ inner, inner.sum(0)
        dx = inner @ self.W.T
        return dx + d


class Loop:
    """x W + b, the gradients of W and b collected example by example."""

    def __init__(self, n, m):
        self.W, self.b = draw((n, m), (m,))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)
        for n in range(len(d)):
            self.dW += np.outer(self.x[n], d[n])
            self.db += d[n]
        return d @ self.W.T


# Convolutions and pools


class ConvReLU:
    """Images (N, H, W, C), kernel (K, K, C, F), stride 1; the ReLU is built in."""

    def __init__(self, k, c, f):
        self.kernel, self.bias = draw((k, k, c, f), (f,))

    def forward(self, x):
        self.x, k = x, len(self.kernel)
        n, h, w, _ = x.shape
        out = np.empty((n, h - k + 1, w - k + 1, self.bias.size))
        for i, j in np.ndindex(out.shape[1:3]):
            out[:, i, j] = np.tensordot(x[:, i : i + k, j : j + k], self.kernel, 3) + self.bias
        self.out = np.maximum(out, 0)
        return self.out

    def backward(self, grad):
        k = len(self.kernel)
        g = grad * (self.out > 0)
        self.dkernel, dx = np.zeros_like(self.kernel), np.zeros_like(self.x)
        for i, j in np.ndindex(g.shape[1:3]):
            window = self.x[:, i : i + k, j : j + k]
            self.dkernel += np.einsum("nabc,nf->abcf", window, g[:, i, j])
            dx[:, i : i + k, j : j + k] += np.einsum("nf,abcf->nabc", g[:, i, j], self.kernel)
        self.dbias = g.sum((0, 1, 2))
        return dx


def im2col_forward(x, w, b, stride, pad):
    """x (N, C, H, W), w (F, C, K, K); a window in each row of a matrix."""
    K = w.shape[-1]
    big = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    OH, OW = ((n - K) // stride + 1 for n in big.shape[2:])
    cols = np.stack([big[:, :, i * stride : i * stride + K, j * stride : j * stride + K]
                     for i, j in np.ndindex(OH, OW)], axis=1)  # fmt: skip
    cols = cols.reshape(len(x) * OH * OW, -1)
    y = cols @ w.reshape(len(w), -1).T + b
    y = y.reshape(len(x), OH, OW, -1).transpose(0, 3, 1, 2)
    return y, (cols, x.shape, w, stride, pad)


def im2col_backward(dy, cache):
    cols, shape, w, stride, pad = cache
    (N, C, H, W), K, (OH, OW) = shape, w.shape[-1], dy.shape[2:]
    rows = dy.transpose(0, 2, 3, 1).reshape(-1, len(w))
    dw = (rows.T @ cols).reshape(w.shape)
    db = rows.sum(axis=0)
    dcols = (rows @ w.reshape(len(w), -1)).reshape(N, OH * OW, C, K, K)
    dbig = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for m, (i, j) in enumerate(np.ndindex(OH, OW)):
        top, left = i * stride, j * stride
        dbig[:, :, top : top + K, left : left + K] += dcols[:, m]
    return dbig[:, :, pad : pad + H, pad : pad + W], dw, db


class ArgmaxPool:
    """Images (N, C, H, W); it remembers where each maximum lay."""

    def __init__(self, k, s):
        self.k, self.s = k, s

    def forward(self, x):
        self.shape, k, s = x.shape, self.k, self.s
        n, c, h, w = x.shape
        y, self.winners = np.zeros((n, c, (h - k) // s + 1, (w - k) // s + 1)), {}
        for place in np.ndindex(y.shape):
            a, b, i, j = place
            patch = x[a, b, i * s : i * s + k, j * s : j * s + k]
            p, q = np.unravel_index(patch.argmax(), patch.shape)
            self.winners[place] = int(p), int(q)
            y[place] = patch[p, q]
        return y

    def backward(self, d):
        dx, s = np.zeros(self.shape), self.s
        for (a, b, i, j), (p, q) in self.winners.items():
            dx[a, b, i * s + p, j * s + q] += d[a, b, i, j]
        return dx


class BorderPool:
    """The mean of 3 x 3 pixels, or of as many as there are at the border; strides 1 or more."""

    def __init__(self, s=1):
        self.s = s

    def windows(self, image):
        _, h, w, _ = image.shape
        for i, j in np.ndindex((h - 1) // self.s + 1, (w - 1) // self.s + 1):
            p, q = i * self.s, j * self.s
            yield (i, j), (p, q), image[:, max(p - 1, 0) : p + 2, max(q - 1, 0) : q + 2]

    def forward(self, x):
        self.shape, (n, h, w, c) = x.shape, x.shape
        y = np.zeros((n, (h - 1) // self.s + 1, (w - 1) // self.s + 1, c))
        for (i, j), _, window in self.windows(x):
            y[:, i, j] = window.mean(axis=(1, 2))
        return y

    def backward(self, d):
        dx = np.zeros(self.shape)
        for (i, j), (p, q), window in self.windows(dx):
            share = d[:, i, j] / (window.shape[1] * window.shape[2])
            dx[:, max(p - 1, 0) : p + 2, max(q - 1, 0) : q + 2] += share[:, None, None]
        return dx


class PaddedMaxPool:
    """Images (N, H, W, C), windows of 3 x 3, one pixel of padding, stride 2."""

    def forward(self, x):
        self.shape = x.shape
        n, h, w, c = x.shape
        big = np.full((n, h + 2, w + 2, c), -1e9)
        big[:, 1:-1, 1:-1] = x
        y = np.zeros((n, (h - 1) // 2 + 1, (w - 1) // 2 + 1, c))
        self.mask = {}
        for i, j in np.ndindex(y.shape[1:3]):
            window = big[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            y[:, i, j] = window.max(axis=(1, 2))
            self.mask[i, j] = window == y[:, i, j][:, None, None]
        return y

    def backward(self, d):
        n, h, w, c = self.shape
        big, s = np.zeros((n, h + 2, w + 2, c)), 2
        for (i, j), mask in self.mask.items():
            big[:, s * i : s * i + 3, s * j : s * j + 3] += mask * d[:, i, j][:, None, None]
        return big[:, 1:-1, 1:-1]


class Upsample:
    """Each pixel twice along both axes."""

    def forward(self, x):
        return x.repeat(2, axis=1).repeat(2, axis=2)

    def backward(self, d):
        n, h, w, c = d.shape
        return d.reshape(n, h // 2, 2, w // 2, 2, c).sum((2, 4))


# Norms, softmax, attention


class StagedBatchNorm:
    """The backward pass goes back one operation at a time."""

    def __init__(self, d):
        self.gamma, self.beta = draw((d,), (d,))

    def forward(self, x):
        self.mu = x.mean(0)
        self.var = ((x - self.mu) ** 2).mean(0)
        self.istd = 1 / np.sqrt(self.var + 1e-3)
        self.xmu = x - self.mu
        return self.gamma * self.xmu * self.istd + self.beta

    def backward(self, dout):
        N = len(dout)
        self.dbeta, self.dgamma = dout.sum(0), (dout * self.xmu * self.istd).sum(0)
        dxhat = dout * self.gamma
        dvar = (dxhat * self.xmu).sum(0) * -0.5 * self.istd**3
        dmu = -(dxhat * self.istd).sum(0)
        dx = dxhat * self.istd
        dx = dx + dvar * 2 * self.xmu / N
        by_mean = dmu / N
        return dx + by_mean


def layernorm_forward(x, g, b):
    """Over the last axis of (N, T, D)."""
    mu = x.mean(-1, keepdims=True)
    r = 1 / np.sqrt(((x - mu) ** 2).mean(-1, keepdims=True) + 1e-5)
    h = (x - mu) * r
    return g * h + b, (h, r, g)


def layernorm_backward(dy, cache):
    h, r, g = cache
    axes = (0, 1)
    dg = (dy * h).sum(axes)
    db = dy.sum(axes)
    dh = dy * g
    by_mean = dh.mean(-1, keepdims=True)
    by_variance = h * (dh * h).mean(-1, keepdims=True)
    return r * (dh - by_mean - by_variance), dg, db


class SpatialNorm:
    """Batch normalisation of images (N, C, H, W), over examples and pixels."""

    def __init__(self, c):
        self.scale, self.shift = draw((c,), (c,))

    def forward(self, x):
        c = (1, -1, 1, 1)
        self.std = np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
        self.n = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / self.std
        return self.scale.reshape(c) * self.n + self.shift.reshape(c)

    def backward(self, d):
        self.dscale, self.dshift = (d * self.n).sum((0, 2, 3)), d.sum((0, 2, 3))
        dn = d * self.scale.reshape(1, -1, 1, 1)
        mean = lambda a: a.mean((0, 2, 3), keepdims=True)  # noqa: E731
        away = mean(dn)
        return (dn - away - self.n * mean(dn * self.n)) / self.std


class Attention:
    """One head, softmax(q k' / sqrt(d)) v."""

    def __init__(self, d):
        self.Wq, self.Wk, self.Wv = draw((d, d), (d, d), (d, d))

    def forward(self, x):
        self.x, self.q, self.k, self.v = x, x @ self.Wq, x @ self.Wk, x @ self.Wv
        z = self.q @ self.k.transpose(0, 2, 1) / np.sqrt(x.shape[-1])
        e = np.exp(z - z.max(-1, keepdims=True))
        self.a = e / e.sum(-1, keepdims=True)
        return self.a @ self.v

    def backward(self, d):
        x = self.x
        dv, da = self.a.transpose(0, 2, 1) @ d, d @ self.v.transpose(0, 2, 1)
        dz = self.a * (da - (da * self.a).sum(-1, keepdims=True))
        dz = dz / np.sqrt(x.shape[-1])
        dq = dz @ self.k
        dk = dz.transpose(0, 2, 1) @ self.q
        self.dWq = np.einsum("ntd,nte->de", x, dq)
        self.dWk = np.einsum("ntd,nte->de", x, dk)
        self.dWv = np.einsum("ntd,nte->de", x, dv)
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T


class Softmax:
    def forward(self, x):
        e = np.exp(x)
        self.p = e / e.sum(1, keepdims=True)
        return self.p

    def backward(self, d):
        return self.p * (d - (d * self.p).sum(1, keepdims=True))


# One entry at a time


def softplus(x):
    return np.log1p(np.exp(x)), x


def softplus_back(d, x):
    return d / (1 + np.exp(-x))


class ELU:
    def forward(self, x):
        self.x = x
        self.y = np.where(x > 0, x, np.exp(x) - 1)
        return self.y

    def backward(self, d):
        slope = np.where(self.x > 0, 1, self.y + 1)
        return d * slope


class GELU:
    def forward(self, x):
        self.x = x
        self.t = np.tanh(0.8 * (x + 0.0447 * x**3))
        return 0.5 * x * (1 + self.t)

    def backward(self, d):
        inner = 0.8 * (1 + 3 * 0.0447 * self.x**2)
        return d * (0.5 * (1 + self.t) + 0.5 * self.x * (1 - self.t**2) * inner)


class Leaky:
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.2 * x)

    def backward(self, d):
        return d * np.where(self.x > 0, 1, 0.2)


class PReLU:
    def __init__(self, c):
        self.a = np.full(c, 0.25)

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.a * x)

    def backward(self, d):
        self.da = (d * np.where(self.x > 0, 0, self.x)).sum(0)
        return d * np.where(self.x > 0, 1, self.a)


class Drop:
    """A mask that is kept from pass to pass."""

    def __init__(self, keep):
        self.keep = keep

    def forward(self, x):
        self.mask = np.random.default_rng(1).random(x.shape) < self.keep
        return x * self.mask / self.keep

    def backward(self, d):
        return d * self.mask / self.keep


# Sums, inputs, tables


def embed(W, ids):
    return W[ids], (W.shape, ids)


def embed_back(d, cache):
    shape, ids = cache
    dW = np.zeros(shape)
    np.add.at(dW, ids, d)
    return dW


class Dot:
    def forward(self, a, b):
        self.a, self.b = a, b
        return (a * b).sum(1)

    def backward(self, d):
        return d[:, None] * self.b, d[:, None] * self.a


class Film:
    """y = s x + t, with a scale and a shift for each entry of a row."""

    def __init__(self, n):
        self.s, self.t = draw((n,), (n,))

    def forward(self, x):
        self.x = x
        return self.s * x + self.t

    def backward(self, d):
        self.ds, self.dt = (d * self.x).sum(0), d.sum(0)
        return d * self.s


class Energy:
    """The sum of squares, a number."""

    def forward(self, x):
        self.x = x
        return (x**2).sum()

    def backward(self, d):
        return 2 * self.x * d


class Pooled:
    """The mean over time."""

    def forward(self, x):
        self.T = x.shape[1]
        return x.mean(1)

    def backward(self, d):
        return np.repeat(d[:, None], self.T, 1) / self.T


def penalised(w):
    A = np.sin(np.outer(np.arange(1, 6), np.arange(1, 4)))
    return ((A @ w - 1) ** 2).sum() + 0.05 * (w**2).sum()


def penalised_grad(w):
    A = np.sin(np.outer(np.arange(1, 6), np.arange(1, 4)))
    return 2 * A.T @ (A @ w - 1) + 0.1 * w


stack = of("self", Stack, x(5, 3), widths=(3, 4, 4, 2))
sigmoids = of("self", Sigmoids, x(5, 3), n=3, h=4, m=2)
columns = of("pair", (columns_forward, columns_backward), x(4, 5), x(3, 4), x(3, 3))
steps = of("self", Steps, x(2, 4, 3), n=3, m=3)
block = of("self", Block, x(4, 3), n=3)
loop = of("self", Loop, x(4, 3), n=3, m=2)
one_entry = of("self", Loop, x(3, 1), n=1, m=1)
conv_relu = of("self", ConvReLU, x(2, 4, 4, 2), k=2, c=2, f=3)
im2col = (im2col_forward, im2col_backward)
strided = of("pair", im2col, x(2, 2, 6, 5), x(3, 2, 3, 3), x(3), 2, 1)
plain = of("pair", im2col, x(2, 2, 5, 4), x(3, 2, 3, 3), x(3), 1, 1)
argmax_pool = of("self", ArgmaxPool, x(2, 2, 5, 5), k=3, s=1)
border_pool = of("self", BorderPool, x(2, 4, 4, 2))
strided_pool = of("self", BorderPool, x(1, 5, 5, 1), s=2)
padded_pool = of("self", PaddedMaxPool, x(2, 5, 5, 1))
upsample = of("self", Upsample, x(2, 3, 3, 1))
batchnorm = of("self", StagedBatchNorm, x(6, 3), d=3)
layernorm = of("pair", (layernorm_forward, layernorm_backward), x(2, 3, 4), x(4), x(4))
spatial = of("self", SpatialNorm, x(3, 2, 3, 2), c=2)
attention = of("self", Attention, x(2, 4, 3), d=3)
softmax = of("self", Softmax, x(4, 3))
soft = of("pair", (softplus, softplus_back), x(4, 5))
elu = of("self", ELU, 2 * x(4, 5))
gelu = of("self", GELU, 2 * x(4, 5))
leaky = of("self", Leaky, x(4, 5))
prelu = of("self", PReLU, x(4, 5), c=5)
drop = of("self", Drop, x(4, 5), keep=0.6)
embedding = of("pair", (embed, embed_back), x(5, 3), np.array([[0, 1, 1], [4, 0, 2]]))
dot = of("self", Dot, x(4, 3), x(3, 4).T)
film = of("self", Film, x(4, 3), n=3)
energy = of("self", Energy, x(3, 2))
pooled = of("self", Pooled, x(4, 4, 3))
ridge = of("scipy", (penalised, penalised_grad), x(3))

MORE = {
    "a branch is missing": [
        (block, "return dx + d", "return dx", "the shortcut's"),
        (block, "return dx + d", "return d", "the other one's"),
        (attention, "return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T",
         "return dv @ self.Wv.T", "x is read three times"),
    ],
    "missing activation derivative": [
        (block, "inner = d * (self.branch > 0)", "inner = d", ""),
        (conv_relu, "g = grad * (self.out > 0)", "g = grad", ""),
        (conv_relu, "self.dbias = g.sum((0, 1, 2))", "self.dbias = grad.sum((0, 1, 2))",
         "of the bias alone"),
        (stack, "grad = grad * (self.zs[k] > 0)", "pass", "in both hidden layers"),
        (stack, "grad = grad * (self.zs[k] > 0)", "grad = grad * (self.zs[k] > 0) ** k",
         "in the first"),
        (sigmoids, "d2 = grad * self.a2 * (1 - self.a2)", "d2 = grad", ""),
        (sigmoids, "d1 = e1 * self.a1 * (1 - self.a1)", "d1 = e1", ""),
        (sigmoids, "e1 = d2.dot(self.w2.T)", "e1 = grad.dot(self.w2.T)",
         "the delta of y goes back, not that of z2"),
        (columns, "da = back * (1 - h * h)", "da = back", ""),
        (steps, "dz = grad * logistic(self.z)", "dz = grad", ""),
        (leaky, "return d * np.where(self.x > 0, 1, 0.2)", "return d", ""),
    ],
    "activation derivative at the wrong side": [
        (conv_relu, "g = grad * (self.out > 0)", "g = grad * (grad > 0)", ""),
        (sigmoids, "d1 = e1 * self.a1 * (1 - self.a1)", "d1 = e1 * self.z1 * (1 - self.z1)",
         "z1 for a1"),
        (columns, "da = back * (1 - h * h)", "da = back * (1 - np.tanh(h) ** 2)", ""),
        (steps, "dz = grad * logistic(self.z)", "dz = grad * logistic(self.y)", ""),
        (soft, "return d / (1 + np.exp(-x))", "return d / (1 + np.exp(-np.log1p(np.exp(x))))", ""),
        (elu, "slope = np.where(self.x > 0, 1, self.y + 1)",
         "slope = np.where(self.x > 0, 1, np.exp(self.y))", ""),
    ],
    "another activation's derivative": [
        (leaky, "return d * np.where(self.x > 0, 1, 0.2)", "return d * (self.x > 0)",
         "that of a ReLU"),
        (elu, "slope = np.where(self.x > 0, 1, self.y + 1)", "slope = logistic(self.x)", ""),
    ],
    "wrong activation derivative": [
        (elu, "slope = np.where(self.x > 0, 1, self.y + 1)",
         "slope = np.where(self.x > 0, 1, self.y)", "the 1 forgotten"),
        (gelu, "inner = 0.8 * (1 + 3 * 0.0447 * self.x**2)",
         "inner = 0.8 * (1 + 0.0447 * self.x**2)", "the exponent forgotten"),
        (soft, "return d / (1 + np.exp(-x))", "return d / (1 + np.exp(x))", ""),
        (leaky, "return d * np.where(self.x > 0, 1, 0.2)",
         "return d * np.where(self.x > 0, 1, -0.2)", ""),
    ],
    "z taken for the activation": [
        (sigmoids, "self.dw2 = self.a1.T.dot(d2)", "self.dw2 = self.z1.T.dot(d2)", ""),
    ],
    "transposed": [
        (stack, 'grad = grad @ self.params[f"W{k}"].T',
         'W = self.params[f"W{k}"]\ngrad = grad @ (W if k == 1 else W.T)', "of a hidden one"),
        (columns, "back = V.T @ dy", "back = V @ dy", ""),
        (block, "dx = inner @ self.W.T", "dx = inner @ self.W", ""),
        (steps, "return dz @ self.weight.T", "return dz @ self.weight", ""),
        (plain, "dw = (rows.T @ cols).reshape(w.shape)", "dw = (cols.T @ rows).reshape(w.shape)",
         "before it gets its shape"),
        (attention, "dk = dz.transpose(0, 2, 1) @ self.q", "dk = dz @ self.q", ""),
    ],
    "kernel not rotated": [
        (conv_relu,
         'dx[:, i : i + k, j : j + k] += np.einsum("nf,abcf->nabc", g[:, i, j], self.kernel)',
         "turned = self.kernel[::-1, ::-1]\n"
         'dx[:, i : i + k, j : j + k] += np.einsum("nf,abcf->nabc", g[:, i, j], turned)',
         "rotated once too often, below a ReLU"),
    ],
    "stride forgotten": [
        (strided, "top, left = i * stride, j * stride", "top, left = i, j", "with padding"),
        (padded_pool, "big, s = np.zeros((n, h + 2, w + 2, c)), 2",
         "big, s = np.zeros((n, h + 2, w + 2, c)), 1", "with padding, in a pool"),
    ],
    "overlap assigned instead of accumulated": [
        (argmax_pool, "dx[a, b, i * s + p, j * s + q] += d[a, b, i, j]",
         "dx[a, b, i * s + p, j * s + q] = d[a, b, i, j]", "by index"),
        (border_pool, "dx[:, max(p - 1, 0) : p + 2, max(q - 1, 0) : q + 2] += share[:, None, None]",
         "dx[:, max(p - 1, 0) : p + 2, max(q - 1, 0) : q + 2] = share[:, None, None]", ""),
    ],
    "assigned instead of accumulated": [
        (conv_relu, 'self.dkernel += np.einsum("nabc,nf->abcf", window, g[:, i, j])',
         'self.dkernel = np.einsum("nabc,nf->abcf", window, g[:, i, j])', "over positions"),
        (embedding, "np.add.at(dW, ids, d)", "dW[ids] = d", "ids that come twice"),
        (embedding, "np.add.at(dW, ids, d)", "dW[ids] += d", "which NumPy does once for each id"),
    ],
    "sum over the batch missing": [
        (loop, "self.dW += np.outer(self.x[n], d[n])", "self.dW = np.outer(self.x[n], d[n])",
         "assigned, over examples"),
        (film, "self.ds, self.dt = (d * self.x).sum(0), d.sum(0)",
         "self.ds, self.dt = (d * self.x)[0], d.sum(0)", ""),
    ],
    "sum over space or time missing": [
        (steps, 'self.dweight = np.einsum("btn,btm->nm", self.x, dz)',
         'self.dweight = np.einsum("btn,btm->tnm", self.x, dz)', ""),
    ],
    "bias gradient not summed over space or time": [
        (conv_relu, "self.dbias = g.sum((0, 1, 2))", "self.dbias = g[:, -1, -1].sum(0)", ""),
        (spatial, "self.dscale, self.dshift = (d * self.n).sum((0, 2, 3)), d.sum((0, 2, 3))",
         "self.dscale, self.dshift = (d * self.n).sum((0, 2, 3)), d.sum(0)", ""),
    ],
    "an axis too many": [
        (loop, "return d @ self.W.T", "return (d @ self.W.T)[None]", "of length 1"),
    ],
    "delta is passed on unchanged": [
        (softmax, "return self.p * (d - (d * self.p).sum(1, keepdims=True))", "return d",
         "straight through"),
    ],
    "mask forgotten": [
        (drop, "return d * self.mask / self.keep", "return d", "in training, too"),
        (drop, "return d * self.mask / self.keep", "return d / self.keep", ""),
        (prelu, "self.da = (d * np.where(self.x > 0, 0, self.x)).sum(0)",
         "self.da = (d * self.x).sum(0)", "x > 0 has no part in it"),
    ],
    "1/keep forgotten": [
        (drop, "return d * self.mask / self.keep", "return d * self.mask", ""),
    ],
    "a term is missing": [
        (ridge, "return 2 * A.T @ (A @ w - 1) + 0.1 * w", "return 2 * A.T @ (A @ w - 1)",
         "the penalty's"),
    ],
    "counted twice": [
        (ridge, "return 2 * A.T @ (A @ w - 1) + 0.1 * w", "return 2 * A.T @ (A @ w - 1) + 0.2 * w",
         "the penalty"),
        (block, "return dx + d", "return dx + 2 * d", "the shortcut"),
    ],
    "factor 4": [
        (loop, "return d @ self.W.T", "return 4 * d @ self.W.T", "N is 4, and has no part in it"),
    ],
    "factor 1/4": [
        (upsample, "return d.reshape(n, h // 2, 2, w // 2, 2, c).sum((2, 4))",
         "return d.reshape(n, h // 2, 2, w // 2, 2, c).sum((2, 4)) / 4", ""),
    ],
    "factor 1/2": [
        (energy, "return 2 * self.x * d", "return self.x * d", "a half of the loss that is not"),
    ],
    "factor 2": [
        (one_entry, "self.db += d[n]", "self.db += 2 * d[n]", ""),
    ],
    "factor -1": [
        (one_entry, "return d @ self.W.T", "return -d @ self.W.T", ""),
    ],
    "factor T": [
        (pooled, "return np.repeat(d[:, None], self.T, 1) / self.T",
         "return np.repeat(d[:, None], self.T, 1)", "N is 4 like T"),
    ],
    "factor N": [
        (pooled, "return np.repeat(d[:, None], self.T, 1) / self.T",
         "return len(d) * np.repeat(d[:, None], self.T, 1) / self.T", "T is 4 like N"),
    ],
    "factor sqrt(D)": [
        (attention, "dz = dz / np.sqrt(x.shape[-1])", "pass", "the scale, there and not back"),
    ],
    "factor K^2": [
        (border_pool, "share = d[:, i, j] / (window.shape[1] * window.shape[2])",
         "share = d[:, i, j]", "the mean taken for a sum, with windows of several sizes"),
    ],
    "divisor forgotten at borders": [
        (border_pool, "share = d[:, i, j] / (window.shape[1] * window.shape[2])",
         "share = d[:, i, j] / 9", ""),
        (strided_pool, "share = d[:, i, j] / (window.shape[1] * window.shape[2])",
         "share = d[:, i, j] / 9", ""),
    ],
    "gradients of two inputs swapped": [
        (dot, "return d[:, None] * self.b, d[:, None] * self.a",
         "return d[:, None] * self.a, d[:, None] * self.b", ""),
    ],
    "gradients of two parameters swapped": [
        (film, "self.ds, self.dt = (d * self.x).sum(0), d.sum(0)",
         "self.dt, self.ds = (d * self.x).sum(0), d.sum(0)", ""),
        (attention, 'self.dWq = np.einsum("ntd,nte->de", x, dq)',
         'self.dWq = np.einsum("ntd,nte->de", x, dk)', ""),
    ],
    "mean's share forgotten": [
        (batchnorm, "by_mean = dmu / N", "by_mean = 0", ""),
        (layernorm, "return r * (dh - by_mean - by_variance), dg, db",
         "return r * (dh - by_variance), dg, db", ""),
        (spatial, "away = mean(dn)", "away = 0", ""),
    ],
    "variance's share forgotten": [
        (batchnorm, "dx = dx + dvar * 2 * self.xmu / N", "pass", ""),
        (layernorm, "return r * (dh - by_mean - by_variance), dg, db",
         "return r * (dh - by_mean), dg, db", ""),
        (spatial, "return (dn - away - self.n * mean(dn * self.n)) / self.std",
         "return (dn - away) / self.std", ""),
    ],
    "mean's and variance's shares forgotten": [
        (layernorm, "return r * (dh - by_mean - by_variance), dg, db", "return r * dh, dg, db", ""),
    ],
    "variance's share halved": [
        (batchnorm, "dx = dx + dvar * 2 * self.xmu / N", "dx = dx + dvar * self.xmu / N", ""),
    ],
    "sign of a share": [
        (layernorm, "return r * (dh - by_mean - by_variance), dg, db",
         "return r * (dh + by_mean - by_variance), dg, db", ""),
        (layernorm, "return r * (dh - by_mean - by_variance), dg, db",
         "return r * (dh - by_mean + by_variance), dg, db", ""),
    ],
    "1/N forgotten": [
        (batchnorm, "by_mean = dmu / N", "by_mean = dmu", ""),
        (batchnorm, "dx = dx + dvar * 2 * self.xmu / N", "dx = dx + dvar * 2 * self.xmu", ""),
    ],
    "gamma forgotten": [
        (batchnorm, "dxhat = dout * self.gamma", "dxhat = dout", ""),
        (layernorm, "dh = dy * g", "dh = dy", ""),
    ],
    "softmax diagonal only": [
        (attention, "dz = self.a * (da - (da * self.a).sum(-1, keepdims=True))",
         "dz = self.a * (da - da * self.a)", "inside"),
        (attention, "dz = self.a * (da - (da * self.a).sum(-1, keepdims=True))",
         "dz = self.a * da", "inside"),
        (softmax, "return self.p * (d - (d * self.p).sum(1, keepdims=True))",
         "return self.p * (1 - self.p) * d", ""),
    ],
}  # fmt: skip

MORE_PLANTED = [Planted(kind, *each) for kind, mistakes in MORE.items() for each in mistakes]
