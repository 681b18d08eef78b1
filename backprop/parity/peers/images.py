"""Convolution and pooling: PyTorch has the channels first, (N, C, H, W) and (F, C, K, K)."""

import warnings

import torch  # pyright: ignore[reportMissingImports]
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]

from ... import layers
from .peer import Peer


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


PEERS = {
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
}
