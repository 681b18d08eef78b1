"""One mistake each: a line of `foreign.py`, and the wrong line that somebody would write for it.

Read `PLANTED` as a catalogue of how hand-derived gradients go wrong. `planted.make()` is the wrong
thing, `planted.twin.make()` the right one; they differ in the one line.
"""

import dataclasses
import functools
import inspect
import linecache
import sys

import numpy as np

from checks import foreign
from checks.foreign import Subject


@dataclasses.dataclass(frozen=True, eq=False)
class Planted:
    """A mistake of a kind: the line `right` of the code of `twin` has become `wrong`."""

    kind: str
    twin: Subject
    right: str
    wrong: str
    why: str = ""
    also: tuple[str, ...] = ()
    """Kinds that would give the very same numbers, or that it may as well be called: a parameter of
    a pair of functions is one of their inputs."""

    @property
    def style(self):
        return self.twin.style

    @property
    def inputs(self):
        return self.twin.inputs

    @property
    def note(self):
        """The one line that differs, right and wrong."""
        return f"{self.right}  ->  {'; '.join(self.wrong.splitlines())}"

    @property
    def pure(self):
        """Whether it is the numbers that are wrong, and not how the passes behave."""
        return self.kind not in IMPURE

    @functools.cached_property
    def subject(self):
        """The wrong code as a `Subject`."""
        return dataclasses.replace(self.twin, code=plant(self.twin.code, self.right, self.wrong))

    def make(self):
        """Return a fresh wrong object."""
        return self.subject.make()

    def __str__(self):
        return f"{self.kind}: {self.twin}"


def plant(code, right, wrong):
    """Return `code`, a class, a function or two of them, with one line of its source replaced."""
    if isinstance(code, tuple):
        (k,) = (k for k, part in enumerate(code) if holds(part, right))
        return (*code[:k], plant(code[k], right, wrong), *code[k + 1 :])
    lines = inspect.getsource(code).splitlines()
    (k,) = (k for k, line in enumerate(lines) if line.strip() == right)
    indent = lines[k][: -len(right)]
    lines[k : k + 1] = [indent + line for line in wrong.splitlines()]
    name = f"<planted: {code.__name__}: {wrong.splitlines()[0]}>"
    # So that tracebacks, and whoever asks for the source of a function, see the planted line.
    linecache.cache[name] = (0, None, [line + "\n" for line in lines], name)
    namespace = {**vars(sys.modules[code.__module__]), "__name__": "planted"}
    exec(compile("\n".join(lines), name, "exec"), namespace)
    return namespace[code.__name__]


def holds(code, line):
    return any(line == text.strip() for text in inspect.getsource(code).splitlines())


def x(*shape):
    return np.random.default_rng(shape).standard_normal(shape)


def of(style, code, *inputs, **settings):
    return Subject(style, code, inputs, settings)


# The right layers, on inputs small enough to look at, large enough for the mistake to show, and
# with lengths that differ where a factor is to be recognised by them.

dense = of("self", foreign.Dense, x(4, 3), D=3, M=2)
square = of("self", foreign.Dense, x(4, 3), D=3, M=3, act="tanh")
squashed = of("self", foreign.Dense, x(4, 3), D=3, M=3, act="sigmoid")
rectified = of("self", foreign.Dense, x(4, 3), D=3, M=3, act="relu")
columns = of("self", foreign.ColumnDense, x(3, 5), D=3, M=2)
two_layers = of("self", foreign.TwoLayers, x(4, 3), D=3, H=3, M=2)
lists = of("self", foreign.ListDense, x(4, 3), D=3, M=2)
residual = of("self", foreign.Residual, x(4, 3), D=3)
relu = of("self", foreign.ReLU, x(4, 3))
softmax = of("self", foreign.Softmax, x(4, 3))
dropout = of("self", foreign.Dropout, x(4, 6))
keeps_all = of("self", foreign.Dropout, x(4, 6), rate=0.0)
flatten = of("self", foreign.Flatten, x(2, 3, 2))
mean_over_time = of("self", foreign.MeanOverTime, x(2, 5, 3))
batchnorm_object = of("self", foreign.BatchNorm, x(5, 3), D=3)
conv = of("self", foreign.Conv, x(5, 4, 3, 2), K=2, C=2, F=3)
padded_conv = of("self", foreign.Conv, x(2, 4, 5, 2), K=3, C=2, F=2, pad=1)
strided_conv = of("self", foreign.Conv, x(2, 5, 6, 1), K=2, C=1, F=2, stride=2)
scipy_conv = of("self", foreign.SciPyConv, x(2, 2, 5, 4), K=3, C=2, F=2)
max_pool = of("self", foreign.MaxPool, x(2, 5, 5, 2), K=3, stride=2)
tied_max_pool = of("self", foreign.MaxPool, np.round(x(2, 4, 4, 2)), K=2, stride=2)
four_gates = of("self", foreign.FourGates, x(2, 4, 3), D=3, H=2)

affine = of("pair", foreign.AFFINE, x(4, 3), x(3, 3) / 2, x(3))
tanh = of("pair", foreign.TANH, x(4, 3))
softmax_pair = of("pair", foreign.SOFTMAX, x(2, 3, 4))
image, kernel = x(2, 2, 4, 5), x(2, 2, 2, 2) / 2
conv_pair = of("pair", foreign.CONV, image, kernel, x(2), {"stride": 1, "pad": 0})
padded_pair = of("pair", foreign.CONV, image, kernel, x(2), {"stride": 1, "pad": 1})
strided_pair = of("pair", foreign.CONV, image, kernel, x(2), {"stride": 2, "pad": 0})
max_pool_pair = of("pair", foreign.MAX_POOL, image, {"size": 3, "stride": 1})
tied_pool_pair = of("pair", foreign.MAX_POOL, np.round(image), {"size": 2, "stride": 2})
avg_pool_pair = of("pair", foreign.AVG_POOL, x(2, 1, 6, 5), {"size": 2, "stride": 2})
overlap_pair = of("pair", foreign.AVG_POOL, image, {"size": 3, "stride": 2})
batchnorm = of("pair", foreign.BATCHNORM, x(5, 3), x(3), x(3), {"eps": 1e-5})
rnn = of("pair", foreign.RNN, x(3, 4, 2), x(3, 3), x(2, 3) / 2, x(3, 3) / 2, x(3))
lstm = of("pair", foreign.LSTM, x(3, 4, 2), x(3, 3), x(2, 12) / 2, x(3, 12) / 2, x(12))

softmax_loss = of("loss", foreign.softmax_loss, x(3, 4), np.array([1, 0, 3]))
classes = np.array([[0, 1, 1, 2, 0], [2, 2, 1, 0, 1]])
temporal_loss = of("loss", foreign.temporal_softmax_loss, x(2, 5, 3), classes)
half_squared = of("loss", foreign.half_squared_loss, x(3, 4), np.ones((3, 4)))

recurrent = of("layer", foreign.Recurrent, x(3, 4, 2), H=3)
rotated_conv = of("layer", foreign.RotatedConv, x(2, 5, 4, 2), K=3, F=2)
mean_pool = of("layer", foreign.MeanPool, x(2, 6, 6, 1), K=2, stride=2)
overlapping_pool = of("layer", foreign.MeanPool, x(2, 5, 5, 2), K=3, stride=1)
scale = of("layer", foreign.Scale, x(4, 3))

ridge = of("scipy", foreign.RIDGE, x(4))
mean_squared = of("scipy", foreign.MEAN_SQUARED, x(4))
logistic = of("scipy", foreign.LOGISTIC, x(4))
rosenbrock = of("scipy", foreign.ROSENBROCK, x(4))

# Kind, then (where, the right line, the wrong one, and what went through the author's mind).

WRONG_NUMBERS = {
    "factor N": [
        (softmax_loss, "dx = (np.exp(log_p) - hit) / N", "dx = np.exp(log_p) - hit",
         "the loss is a mean, the gradient that of a sum"),
        (half_squared, "dx = (x - y) / len(x)", "dx = x - y",
         "the loss is a mean, the gradient that of a sum"),
        (mean_squared, "return 2 * A.T @ (A @ w - b) / len(b)", "return 2 * A.T @ (A @ w - b)",
         "the loss is a mean, the gradient that of a sum; N = 6 rows of data"),
    ],
    "factor 1/N": [
        (conv, "self.dW += np.tensordot(patch, delta[:, i, j], axes=(0, 0))",
         "self.dW += np.tensordot(patch, delta[:, i, j], axes=(0, 0)) / len(delta)",
         "the loss has divided already", ("mean instead of sum",)),
        (affine, "dw = x.reshape(len(x), -1).T @ dout",
         "dw = x.reshape(len(x), -1).T @ dout / len(x)",
         "the loss has divided already", ("mean instead of sum",)),
        (scale, "dg = (delta * slope * x).sum(axis=0)",
         "dg = (delta * slope * x).sum(axis=0) / len(x)",
         "the loss has divided already", ("mean instead of sum",)),
    ],
    "factor 2": [
        (half_squared, "dx = (x - y) / len(x)", "dx = 2 * (x - y) / len(x)",
         "the half in the loss overlooked", ("counted twice",)),
        (ridge, "return A.T @ (A @ w - b) + 0.6 * w", "return 2 * (A.T @ (A @ w - b) + 0.6 * w)",
         "the half in the loss overlooked", ("counted twice",)),
    ],
    "factor -1": [
        (softmax_loss, "dx = (np.exp(log_p) - hit) / N", "dx = (hit - np.exp(log_p)) / N",
         "target minus output, as in the delta rule"),
        (logistic, "return A.T @ (sigmoid(A @ w) - b)", "return A.T @ (b - sigmoid(A @ w))",
         "the gradient of the likelihood, not of its negative"),
        (two_layers, 'self.grads["b2"] = delta.sum(axis=0)',
         'self.grads["b2"] = -delta.sum(axis=0)', "a threshold is subtracted, a bias added"),
    ],
    "factor K^2": [
        (mean_pool, "share = delta / self.K**2", "share = delta",
         "routed like the maximum's, to all"),
        (avg_pool_pair, "share = dout[..., i, j] / K**2", "share = dout[..., i, j]",
         "routed like the maximum's, to all"),
    ],
    "factor T": [
        (mean_over_time, "dx = delta[:, None] / self.T", "dx = delta[:, None]",
         "spread over the steps, not shared among them"),
        (temporal_loss, "dx = (np.exp(log_p) - hit) / (N * T)", "dx = (np.exp(log_p) - hit) / N",
         "the mean over steps forgotten"),
    ],
    "transposed": [
        (square, "return dz @ self.W.T", "return dz @ self.W", "fits, since W is square"),
        (affine, "dx = (dout @ w.T).reshape(x.shape)", "dx = (dout @ w).reshape(x.shape)",
         "fits, since w is square"),
        (square, "self.dW = self.x.T @ dz", "self.dW = dz.T @ self.x",
         "fits, since W is square"),
        (rnn, "dbefore = da @ Wh.T", "dbefore = da @ Wh", "Wh is always square"),
        (recurrent, "dh = da[0] @ self.Wh.T", "dh = da[0] @ self.Wh", "Wh is always square"),
    ],
    "kernel not rotated": [
        (scipy_conv, 'dx[n, c] += convolve2d(delta[n, f], self.W[f, c], "full")',
         'dx[n, c] += correlate2d(delta[n, f], self.W[f, c], "full")',
         "backward with the same operation as forward"),
        (rotated_conv, "rotated = self.W[::-1, ::-1]", "rotated = self.W", ""),
        (padded_pair, "dxp[window] += w[f] * dout[n, f, i, j]",
         "dxp[window] += w[f, :, ::-1, ::-1] * dout[n, f, i, j]",
         "rotated where the scattering has turned it already: once too often"),
    ],
    "missing activation derivative": [
        (square, "dz = delta * self.phi_prime(self.z)", "dz = delta", ""),
        (two_layers, "dz = dh * (1 - self.h**2)", "dz = dh", ""),
        (rnn, "da = (dh[:, t] + dbefore) * (1 - h[:, t] ** 2)", "da = dh[:, t] + dbefore", ""),
        (lstm, "df = dc * c_before * f * (1 - f)", "df = dc * c_before", "of one gate alone"),
        (four_gates, "do = dh * np.tanh(c) * o * (1 - o)", "do = dh * np.tanh(c)",
         "of one gate alone"),
    ],
    "activation derivative at the wrong side": [
        (squashed, "dz = delta * self.phi_prime(self.z)", "dz = delta * self.phi_prime(self.y)",
         "sigma'(y): the output as if it were the input"),
        (square, "dz = delta * self.phi_prime(self.z)", "dz = delta * self.phi_prime(self.y)",
         "tanh'(y): the output as if it were the input"),
        (square, "dz = delta * self.phi_prime(self.z)", "dz = delta * self.phi_prime(self.x)",
         "at the layer's input, which fits, since W is square"),
        (columns, "dz = delta * (1 - self.y**2)", "dz = delta * (1 - np.tanh(self.y) ** 2)",
         "y is tanh z already"),
        (rectified, "dz = delta * self.phi_prime(self.z)", "dz = delta * self.phi_prime(delta)",
         "the mask from delta's signs"),
        (relu, "return delta * (self.x > 0)", "return delta * (delta > 0)",
         "the mask from delta's signs"),
        (scale, "slope = 1 - y**2", "slope = 1 - np.tanh(x) ** 2", "at x, not at g x"),
    ],
    "sum over the batch missing": [
        (dense, "self.db = dz.sum(axis=0)", "self.db = dz[-1]", "the last example only"),
        (dense, "self.dW = self.x.T @ dz", "self.dW = np.outer(self.x[0], dz[0])",
         "the first example only"),
        (batchnorm, "dgamma = (dout * x_hat).sum(axis=0)", "dgamma = (dout * x_hat)[0]",
         "the first example only"),
        (recurrent, "db = sum(da_t.sum(axis=0) for da_t in da)", "db = sum(da_t[0] for da_t in da)",
         "the first example only"),
    ],
    "mean instead of sum": [
        (dense, "self.db = dz.sum(axis=0)", "self.db = dz.mean(axis=0)",
         "over examples: 1/N", ("factor 1/N",)),
        (columns, "dW = dz @ self.x.T", "dW = dz @ self.x.T / self.x.shape[1]",
         "over examples, which are columns: 1/N", ("factor 1/N",)),
        (conv, "self.db = delta.sum(axis=(0, 1, 2))", "self.db = delta.mean(axis=(0, 1, 2))",
         "over examples and positions: 1/(N OH OW)"),
        (recurrent, "dWx = sum(x[:, t].T @ da[t] for t in range(x.shape[1]))",
         "dWx = np.mean([x[:, t].T @ da[t] for t in range(x.shape[1])], axis=0)",
         "over steps: 1/T"),
    ],
    "bias gradient not summed over space or time": [
        (conv, "self.db = delta.sum(axis=(0, 1, 2))", "self.db = delta[:, 0, 0].sum(axis=0)",
         "one position only"),
        (scipy_conv, "self.db = delta.sum(axis=(0, 2, 3))", "self.db = delta.sum(axis=0)",
         "the wrong shape, (F, OH, OW)"),
        (conv_pair, "db[f] += dout[n, f, i, j]", "db[f] += dout[n, f, -1, -1] * (i == j == 0)",
         "one position only"),
        (recurrent, "db = sum(da_t.sum(axis=0) for da_t in da)",
         "db = np.stack(da, axis=1).sum(axis=0)", "the wrong shape, (T, H)"),
    ],
    "first time step only": [
        (rnn, "dWx += x[:, t].T @ da", "dWx[...] = x[:, t].T @ da",
         "assigned: backward ends at the first step"),
        (four_gates, "self.dWi += z.T @ di", "self.dWi = z.T @ di",
         "assigned: backward ends at the first step"),
        (lstm, "db += da.sum(axis=0)", "db[...] = da.sum(axis=0)",
         "assigned: backward ends at the first step"),
    ],
    "last time step only": [
        (recurrent, "dWh = sum(h[t].T @ da[t] for t in range(x.shape[1]))",
         "dWh = h[-2].T @ da[-1]", ""),
        (rnn, "dWx += x[:, t].T @ da", "dWx += (t == x.shape[1] - 1) * x[:, t].T @ da", ""),
        (lstm, "dx[:, t] = da @ Wx.T", "dx[:, t] = (t == x.shape[1] - 1) * da @ Wx.T", ""),
    ],
    "cell delta not carried": [
        (lstm, "dc = dc_next + dh_t * o * (1 - np.tanh(c) ** 2)",
         "dc = dh_t * o * (1 - np.tanh(c) ** 2)", "the published equations of one step"),
        (four_gates, "dc = dc + dh * o * (1 - np.tanh(c) ** 2)",
         "dc = dh * o * (1 - np.tanh(c) ** 2)", "overwritten, not accumulated"),
    ],
    "hidden delta not carried": [
        (rnn, "da = (dh[:, t] + dbefore) * (1 - h[:, t] ** 2)",
         "da = dh[:, t] * (1 - h[:, t] ** 2)", "each step by itself"),
        (recurrent, "dh = dh + delta[:, t]", "dh = delta[:, t]", "overwritten"),
        (lstm, "dh_t = dh[:, t] + dh_next", "dh_t = dh[:, t]", "only the cell carries"),
        (four_gates, "dh = dh + delta[:, t]", "dh = delta[:, t]", "overwritten"),
    ],
    "overlap assigned instead of accumulated": [
        (max_pool, "dx[:, i * S : i * S + K, j * S : j * S + K] += share",
         "dx[:, i * S : i * S + K, j * S : j * S + K] = share", ""),
        (overlap_pair, "dx[..., i * S : i * S + K, j * S : j * S + K] += share[..., None, None]",
         "dx[..., i * S : i * S + K, j * S : j * S + K] = share[..., None, None]", ""),
        (overlapping_pool, "place += share", "place[...] = share", ""),
        (conv, "dxp[:, i * S : i * S + K, j * S : j * S + K] += share",
         "dxp[:, i * S : i * S + K, j * S : j * S + K] = share", ""),
    ],
    "tie routed to all winners": [
        (tied_max_pool, "wins = np.arange(K * K)[:, None] == flat.argmax(axis=1)[:, None]",
         "wins = flat == flat.max(axis=1)[:, None]", "the usual mask"),
        (tied_pool_pair, "wins = np.arange(K * K).reshape(K, K) == window.argmax()",
         "wins = window == window.max()", "the usual mask"),
    ],
    "softmax diagonal only": [
        (softmax, "return self.y * (delta - (delta * self.y).sum(axis=1, keepdims=True))",
         "return delta * self.y * (1 - self.y)", "the sigmoid's derivative"),
        (softmax_pair, "return y * (dout - (dout * y).sum(axis=-1, keepdims=True))",
         "return y * (dout - dout * y)", "the sum over outputs forgotten"),
    ],
    "padding not cropped": [
        (padded_conv, "return dxp[:, P : P + H, P : P + W]", "return dxp", "dx of padded shape"),
        (padded_conv, "return dxp[:, P : P + H, P : P + W]", "return dxp[:, :H, :W]",
         "cropped at one end only: shifted by P"),
        (padded_pair, "dx = dxp[:, :, P : P + H, P : P + W]", "dx = dxp[:, :, 2 * P :, 2 * P :]",
         "cropped at one end only: shifted by P"),
    ],
    "stride forgotten": [
        (strided_conv, "dxp[:, i * S : i * S + K, j * S : j * S + K] += share",
         "dxp[:, i : i + K, j : j + K] += share", "in dx"),
        (strided_conv, "self.dW += np.tensordot(patch, delta[:, i, j], axes=(0, 0))",
         "self.dW += np.tensordot(self.xp[:, i:i + K, j:j + K], delta[:, i, j], axes=(0, 0))",
         "in dW"),
        (strided_pair, "window = np.s_[n, :, i * S : i * S + K, j * S : j * S + K]",
         "window = np.s_[n, :, i : i + K, j : j + K]", "in both"),
    ],
    "gate deltas swapped": [
        (lstm, "da = np.hstack([di, df, do, dg])", "da = np.hstack([di, df, dg, do])",
         "forward packs i, f, o, g"),
        (four_gates, "self.dWf += z.T @ df", "self.dWf += z.T @ di", "copied and half edited"),
        (four_gates, "self.dbo += do.sum(axis=0)", "self.dbo += df.sum(axis=0)",
         "copied and half edited"),
    ],
    "counted twice": [
        (residual, "return delta + dz @ self.W.T", "return delta + delta + dz @ self.W.T",
         "the shortcut's delta, once here and once in the sum of the branches"),
        (ridge, "return A.T @ (A @ w - b) + 0.6 * w", "return A.T @ (A @ w - b) + 2 * 0.6 * w",
         "the penalty, in the loss and again as weight decay"),
        (recurrent, "dh = dh + delta[:, t]", "dh = dh + delta[:, t] + delta[:, t]",
         "each state has two readers, but delta comes from one", ("factor 2",)),
    ],
}  # fmt: skip

IMPURE = {
    "overwrites delta": [
        (relu, "return delta * (self.x > 0)", "return np.multiply(delta, self.x > 0, out=delta)",
         "saves an array"),
        (tanh, "return dout * slope", "dout *= slope\nreturn dout", "saves an array"),
        (scale, "return delta * slope * self.g, {\"g\": dg}",
         "delta *= slope * self.g\nreturn delta, {\"g\": dg}", "saves an array"),
    ],
    "overwrites its input": [
        (softmax, "e = np.exp(x - x.max(axis=1, keepdims=True))",
         "x -= x.max(axis=1, keepdims=True)\ne = np.exp(x)", "softmax does not mind the shift"),
        (batchnorm, "centred = x - x.mean(axis=0)",
         "centred = np.subtract(x, x.mean(axis=0), out=x).copy()",
         "batch normalisation does not mind the shift"),
    ],
    "overwrites the cache": [
        (tanh, "slope = 1 - cache**2", "slope = np.subtract(1, cache**2, out=cache)",
         "saves an array; right once"),
        (scale, "slope = 1 - y**2", "slope = np.subtract(1, y**2, out=y)",
         "saves an array; right once"),
        (dropout, "return delta * self.mask", "self.mask *= delta\nreturn self.mask",
         "saves an array; right once"),
    ],
    "overwrites its parameters": [
        (dense, "return dz @ self.W.T",
         "dx = dz @ self.W.T\nself.W -= 0.1 * self.dW\nreturn dx",
         "learns while it differentiates"),
        (scale, "y = np.tanh(self.g * x)",
         "np.clip(self.g, 0.6, 1.4, out=self.g)\ny = np.tanh(self.g * x)",
         "keeps its gains within limits"),
        (affine, "out = x.reshape(len(x), -1) @ w + b",
         "out = x.reshape(len(x), -1) @ w + b\nw *= 0.99", "weight decay in forward",
         ("overwrites its input",)),
    ],
    "answer differs on the second call": [
        (dense, "self.dW = self.x.T @ dz", "self.dW += self.x.T @ dz",
         "accumulated, and nobody sets it to zero"),
        (lists, "self.grads[1][...] = delta.sum(axis=0)", "self.grads[1] += delta.sum(axis=0)",
         "accumulated, and nobody sets it to zero"),
    ],
    "depends on an earlier forward": [
        (dense, "self.x = x", 'self.x = getattr(self, "x", x)', "keeps the first batch"),
        (dropout, "self.mask = (rng.random(x.shape) >= self.rate) / (1 - self.rate)",
         'self.mask = getattr(self, "scale", 1) * (rng.random(x.shape) >= self.rate) '
         "/ (1 - self.rate)\nself.scale = x.std()", "scaled by the batch before"),
        (batchnorm_object, "self.x_hat = (x - mean) / self.std",
         "self.x_hat = (x - self.running_mean) / self.std",
         "the running mean while training: the batches before count, and dx is wrong as well"),
    ],
    "returns a view of its input": [
        (flatten, "return x.reshape(len(x), -1).copy()", "return x.reshape(len(x), -1)",
         "harmless until somebody writes to it"),
        (flatten, "return delta.reshape(self.shape).copy()", "return delta.reshape(self.shape)",
         "harmless until somebody writes to it"),
        (keeps_all, "return x * self.mask", "return x * self.mask if self.rate else x",
         "nothing to do at rate 0, so the input itself is handed on"),
    ],
    "missing gradient": [
        (columns, 'self.grads = {"dW": dW, "db": db}', 'self.grads = {"dW": dW}', ""),
        (affine, "return dx, dw, db", "return dx, dw", ""),
        (scale, "return delta * slope * self.g, {\"g\": dg}", "return delta * slope * self.g, {}",
         ""),
        (two_layers, 'self.grads["b1"] = dz.sum(axis=0)', "pass", ""),
    ],
    "wrong shape": [
        (dense, "self.db = dz.sum(axis=0)", "self.db = dz.sum(axis=0, keepdims=True)",
         "(1, M) for (M,)"),
        (two_layers, 'self.grads["W2"] = self.h.T @ delta', 'self.grads["W2"] = delta.T @ self.h',
         "(M, D) for (D, M)"),
        (flatten, "return delta.reshape(self.shape).copy()", "return delta.copy()",
         "left flat"),
        (scale, "dg = (delta * slope * x).sum(axis=0)", "dg = delta * slope * x",
         "(N, D) for (D,)"),
    ],
    "wrong dtype": [
        (dense, "self.dW = self.x.T @ dz", "self.dW = (self.x.T @ dz).astype(np.float32)",
         "float32 for float64"),
        (max_pool_pair, "dx = np.zeros_like(x)", "dx = np.zeros(x.shape, np.float32)",
         "float32 for float64"),
        (scale, "y = np.tanh(self.g * x)", "y = np.tanh(self.g * x).astype(np.float32)",
         "float32 for float64, in forward: differences drown in rounding"),
    ],
    "nondeterministic forward": [
        (dropout, "rng = np.random.default_rng(self.seed)", "rng = np.random.default_rng()",
         "a new mask in every pass"),
        (tanh, "out = np.tanh(x)",
         "out = np.tanh(x + np.random.default_rng().normal(size=x.shape))",
         "noise against overfitting"),
    ],
}  # fmt: skip

PLANTED = [
    Planted(kind, *mistake)
    for kinds in (WRONG_NUMBERS, IMPURE)
    for kind, mistakes in kinds.items()
    for mistake in mistakes
]
