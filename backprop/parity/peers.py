"""What each layer and loss is called in PyTorch, as a function of tensors laid out as ours.

A peer is called as `peer(layer, p, *xs)` with the layer's parameters by name and its inputs. All
changes of layout are made inside, by PyTorch: autograd then brings the gradients back into our
layout by itself, and there is no second conversion that could hide a mistake in the first.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]

from .. import layers, losses
from ..network import Network


class Peer(NamedTuple):
    """The same function in PyTorch."""

    run: Callable
    called: str
    """What PyTorch calls it."""
    note: str = ""
    """How layouts are brought together, and where PyTorch's conventions differ."""


def run(layer, params, *xs, rng=None):
    """Return the output of PyTorch's twin of a built `layer`.

    Args:
        layer: a built layer; only its settings and, in a Network, its wiring are read.
        params: tensors by the keys of `layer.params`.
        *xs: tensors.
        rng: the numpy Generator that stochastic layers draw from, as in `layer.forward`.
    """
    draws = {"rng": rng} if layer.stochastic else {}
    return PEERS[type(layer)].run(layer, params, *xs, **draws)


# Layers


def dense(layer, p, x):
    """(D, M) to (M, D)."""
    return F.linear(x, p["W"].T, p.get("b"))


def conv2d(layer, p, x):
    """NHWC to NCHW, (K, K, C, F) to (F, C, K, K)."""
    window = layer.window
    W = p["W"].flip(0, 1) if layer.flip else p["W"]
    padding = window.padding
    if padding == "same" and window.stride != (1, 1):  # which PyTorch refuses
        x, padding = _padded(x, _same(window, x)), 0
    settings = {"stride": window.stride, "padding": padding, "dilation": window.dilation}
    with warnings.catch_warnings():
        # Of uneven margins PyTorch tells that it makes a copy.
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel", UserWarning)
        y = F.conv2d(_channels_first(x), W.permute(3, 2, 0, 1), p.get("b"), **settings)
    return _channels_last(y)


def max_pool(layer, p, x):
    """Padding by hand with minus infinity where PyTorch takes none."""
    window = layer.window
    x, padding = _pool_padding(window, x, -torch.inf)
    return _channels_last(F.max_pool2d(_channels_first(x), window.size, window.stride, padding))


def avg_pool(layer, p, x):
    """Padded by hand, the means of ones tell how many pixels a window has."""

    def means(x, padding, count=True):
        x = _channels_first(x)
        y = F.avg_pool2d(x, window.size, window.stride, padding, count_include_pad=count)
        return _channels_last(y)

    window = layer.window
    padded, padding = _pool_padding(window, x, 0)
    if padded is x or layer.count_include_pad:
        return means(padded, padding, layer.count_include_pad)
    return means(padded, 0) / means(_pool_padding(window, torch.ones_like(x), 0)[0], 0)


def rnn(layer, p, x, h0=None):
    """Weights transposed, the second bias zero."""
    module = torch.nn.RNN(*p["Wx"].shape, nonlinearity=layer.activation, batch_first=True)
    return _recur(module, layer, p, x, None if h0 is None else h0[None])


def lstm(layer, p, x, h0=None, c0=None):
    """The order of the gates is the same: i, f, g, o."""
    module = torch.nn.LSTM(p["Wx"].shape[0], layer.units, batch_first=True)
    states = None if h0 is None or c0 is None else (h0[None], c0[None])
    return _recur(module, layer, p, x, states)


def _recur(module, layer, p, x, states):
    weights = {
        "weight_ih_l0": p["Wx"].T,
        "weight_hh_l0": p["Wh"].T,
        "bias_ih_l0": p["b"],
        "bias_hh_l0": torch.zeros_like(p["b"]),
    }
    x = x.flip(1) if layer.reverse else x
    y, _ = torch.func.functional_call(module, weights, (x, states))
    return y.flip(1) if layer.reverse else y


def dropout(layer, p, x, *, rng):
    """The mask is drawn as the layer draws it, from the same Generator."""
    kept = torch.from_numpy(np.random.default_rng(rng).random(tuple(x.shape)) >= layer.rate)
    return x * kept / (1 - layer.rate)


def flatten(layer, p, x):
    """Column by column is row by row of the transposed channels."""
    return torch.flatten(x.permute(0, 3, 2, 1) if layer.order == "columns" else x, start_dim=1)


def network(net, p, *xs, rng=None):
    """Every layer's peer, wired as the Network is."""
    first = {id(layer): number for number, layer in net.owners()}
    values = list(xs)
    for layer, reads in net.steps:
        own = {name: p[f"{first[id(layer)]}.{name}"] for name in layer.params}
        values.append(run(layer, own, *(values[i] for i in reads), rng=rng))
    return values[-1]


def _channels_first(x):
    return x.permute(0, 3, 1, 2)


def _channels_last(y):
    return y.permute(0, 2, 3, 1)


def _padded(x, margins, value=0):
    (top, bottom), (left, right) = margins
    return F.pad(x, (0, 0, left, right, top, bottom), value=value)


def _same(window, x):
    """Return the margins of "same" padding: ceil(L / s) windows, an odd pixel at the end."""
    margins = []
    for L, K, s, d in zip(x.shape[1:3], window.size, window.stride, window.dilation, strict=True):
        count = (L + s - 1) // s
        missing = max(0, (count - 1) * s + d * (K - 1) + 1 - L)
        margins.append((missing // 2, (missing + 1) // 2))
    return margins


def _pool_padding(window, x, value):
    """Return `x` and the padding to ask of PyTorch, or `x` padded by hand and 0.

    PyTorch's pools pad both sides alike, and by no more than half the window.
    """
    if window.padding == "same":
        margins = _same(window, x)
    else:
        ps = (0, 0) if window.padding == "valid" else window.padding
        margins = [(p, p) for p in ps]
    if all(a == b and 2 * a <= K for (a, b), K in zip(margins, window.size, strict=True)):
        return x, tuple(a for a, _ in margins)
    return _padded(x, margins, value), 0


# Losses: `peer(loss, y, target)`, classes as integers of 64 bits


def softmax_cross_entropy(loss, y, t):
    """Rows of scores; classes as integers or rows of numbers, both as PyTorch takes them."""
    M = y.shape[-1]
    t = t.reshape(-1, M) if t.is_floating_point() else t.reshape(-1)
    return F.cross_entropy(y.reshape(-1, M), t, reduction=loss.reduction)


def cross_entropy(loss, y, t):
    """For classes the negative log-likelihood; PyTorch has none for rows of probabilities."""
    if t.is_floating_point():
        return -(t * torch.log(y)).sum() * _share(loss, y)
    log_p = torch.log(y).reshape(-1, y.shape[-1])
    return F.nll_loss(log_p, t.reshape(-1), reduction=loss.reduction)


def logistic_cross_entropy(loss, y, t):
    """The sum over outputs, the mean over examples."""
    c = F.binary_cross_entropy_with_logits(y, _rows_of(t, y), reduction="sum")
    return c * _share(loss, y)


def binary_cross_entropy(loss, y, t):
    """The sum over outputs, the mean over examples."""
    return F.binary_cross_entropy(y, _rows_of(t, y), reduction="sum") * _share(loss, y)


def mean_squared_error(loss, y, t):
    """The mean over outputs is inside the loss of an example: PyTorch's sum is M times ours."""
    if loss.reduction == "mean":
        return F.mse_loss(y, _rows_of(t, y))
    return F.mse_loss(y, _rows_of(t, y), reduction="sum") / y.shape[-1]


def half_squared_error(loss, y, t):
    """Half of PyTorch's sum."""
    return F.mse_loss(y, _rows_of(t, y), reduction="sum") / 2 * _share(loss, y)


def _share(loss, y):
    return y.shape[-1] / y.numel() if loss.reduction == "mean" else 1


def _rows_of(t, y):
    return t if t.is_floating_point() else F.one_hot(t, y.shape[-1]).to(y.dtype)


AS_TORCH_REDUCES = "Ours sums over outputs and averages over examples; PyTorch's mean is over both."

PEERS = {
    layers.Dense: Peer(dense, "F.linear", "The weight is W transposed."),
    layers.Conv2D: Peer(
        conv2d,
        "F.conv2d",
        "Channels first. The kernel of `flip=True` is rotated. PyTorch refuses `same` with a stride"
        " and is then given a padded image; without one it pads as we do, an odd pixel at the end.",
    ),
    layers.MaxPool: Peer(
        max_pool,
        "F.max_pool2d",
        "Channels first. PyTorch refuses uneven padding and padding of more than half the window;"
        " it is then given an image padded with minus infinity. Ties go to the first in both.",
    ),
    layers.AvgPool: Peer(
        avg_pool,
        "F.avg_pool2d",
        "Channels first. PyTorch refuses the same paddings as in max pooling and is then given a"
        " padded image, with `count_include_pad=False` also one of ones, to count the pixels.",
    ),
    layers.RNN: Peer(
        rnn,
        "nn.RNN",
        "Weights transposed. PyTorch has two biases, of which the second is set to zero and kept"
        " there: trained, the two would move together, twice as fast as our one.",
    ),
    layers.LSTM: Peer(
        lstm,
        "nn.LSTM",
        "As nn.RNN; the gates come in the same order. PyTorch's forget bias starts at random, ours"
        " with 1.",
    ),
    layers.Dropout: Peer(
        dropout, "x * mask / (1 - rate)", "The mask is given: PyTorch would draw another one."
    ),
    layers.Flatten: Peer(flatten, "torch.flatten", "By columns, after a permutation."),
    layers.Reshape: Peer(lambda layer, p, x: x.reshape(len(x), *layer.shape), "reshape"),
    layers.Last: Peer(lambda layer, p, x: x[:, 0 if layer.reverse else -1], "indexing"),
    layers.Add: Peer(lambda layer, p, *xs: sum(xs[1:], xs[0]), "+"),
    layers.Concat: Peer(lambda layer, p, *xs: torch.cat(xs, dim=-1), "torch.cat"),
    layers.Identity: Peer(lambda layer, p, x: torch.nn.Identity()(x), "nn.Identity"),
    layers.Sigmoid: Peer(lambda layer, p, x: torch.sigmoid(x), "torch.sigmoid"),
    layers.Tanh: Peer(lambda layer, p, x: torch.tanh(x), "torch.tanh"),
    layers.ReLU: Peer(lambda layer, p, x: F.relu(x), "F.relu", "The slope at zero is 0 in both."),
    layers.LeakyReLU: Peer(
        lambda layer, p, x: F.leaky_relu(x, layer.slope),
        "F.leaky_relu",
        "At zero both take the slope of the negative side.",
    ),
    layers.ELU: Peer(
        lambda layer, p, x: F.elu(x, layer.alpha), "F.elu", "At zero both take the slope alpha."
    ),
    layers.SELU: Peer(lambda layer, p, x: F.selu(x), "F.selu", "As F.elu."),
    layers.GELU: Peer(
        lambda layer, p, x: F.gelu(x, approximate="none"),
        "F.gelu",
        "The exact form, PyTorch's default. It takes 1 + erf, which loses the digits of a large"
        " negative input; we take erfc.",
    ),
    layers.Softplus: Peer(
        lambda layer, p, x: F.softplus(x, threshold=700),
        "F.softplus",
        "PyTorch returns x itself above its `threshold` of 20, where the two differ by up to"
        " 2e-9; here it is set to 700.",
    ),
    layers.Softsign: Peer(lambda layer, p, x: F.softsign(x), "F.softsign"),
    layers.SiLU: Peer(lambda layer, p, x: F.silu(x), "F.silu"),
    layers.Softmax: Peer(lambda layer, p, x: F.softmax(x, dim=-1), "F.softmax"),
    Network: Peer(network, "the layers' peers", "Wired as the Network is; autograd runs back."),
    losses.SoftmaxCrossEntropy: Peer(
        softmax_cross_entropy, "F.cross_entropy", "Targets that are classes, rows or counts."
    ),
    losses.CrossEntropy: Peer(
        cross_entropy,
        "F.nll_loss of a logarithm",
        "For rows of probabilities PyTorch has no such loss: the formula, with its autograd. At"
        " a probability of zero we clip, and PyTorch is infinite.",
    ),
    losses.LogisticCrossEntropy: Peer(
        logistic_cross_entropy, "F.binary_cross_entropy_with_logits", AS_TORCH_REDUCES
    ),
    losses.BinaryCrossEntropy: Peer(
        binary_cross_entropy,
        "F.binary_cross_entropy",
        AS_TORCH_REDUCES + " PyTorch holds a logarithm at -100 or above and the denominator of the"
        " gradient at 1e-12 or above; we clip at the smallest normal number.",
    ),
    losses.MeanSquaredError: Peer(
        mean_squared_error,
        "F.mse_loss",
        "PyTorch's mean is ours; its sum is over outputs too, where ours takes their mean.",
    ),
    losses.HalfSquaredError: Peer(half_squared_error, "F.mse_loss", "Half of PyTorch's sum."),
}
