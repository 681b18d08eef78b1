"""Convolution and pooling: PyTorch has the channels first, (N, C, H, W) and (F, C, K, K)."""

import warnings

import torch  # pyright: ignore[reportMissingImports]
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]

from ... import layers
from .peer import Peer


def conv2d(layer, p, x):
    """(K, K, C, F) to (F, C, K, K)."""
    W = p["W"].flip(0, 1) if layer.flip else p["W"]
    return _convolve(layer.window, x, W, p.get("b"))


def _convolve(window, x, W, b, groups=1):
    padding = window.padding
    if padding == "same" and window.stride != (1, 1):  # which PyTorch refuses
        x, padding = _padded(x, _same(window, x)), 0
    settings = {"stride": window.stride, "padding": padding, "dilation": window.dilation}
    with warnings.catch_warnings():
        # Of uneven margins PyTorch tells that it makes a copy.
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel", UserWarning)
        W = W.permute(3, 2, 0, 1)
        return _channels_last(F.conv2d(_channels_first(x), W, b, groups=groups, **settings))


def conv_transpose2d(layer, p, x):
    """(K, K, F, C) to (C, F, K, K): the weights of the convolution of which it is the transpose."""
    window = layer.window
    same = window.padding == "same"  # which PyTorch does not know here
    y = F.conv_transpose2d(
        _channels_first(x),
        p["W"].permute(3, 2, 0, 1).contiguous(),  # as its backward wants it for one channel
        None if same else p.get("b"),
        stride=window.stride,
        padding=0 if isinstance(window.padding, str) else window.padding,
        output_padding=layer.extra,
        dilation=window.dilation,
    )
    y = _channels_last(y)
    return _cut_to_same(layer, x, y) + p.get("b", 0) if same else y


def _cut_to_same(layer, x, y):
    """Cut stamps to s times the image: half of what is too much at the beginning."""
    for axis, s in enumerate(layer.window.stride, start=1):
        missing = x.shape[axis] * s - y.shape[axis]  # where there is a gap after every stamp
        y = F.pad(y, [0, 0] * (y.ndim - 1 - axis) + [0, max(missing, 0)])
        y = y.narrow(axis, max(-missing, 0) // 2, x.shape[axis] * s)
    return y


def depthwise_conv2d(layer, p, x):
    """(K, K, 1, F) to (F, 1, K, K), a group for each channel."""
    return _convolve(layer.window, x, p["W"], p.get("b"), groups=x.shape[-1])


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
    layers.ConvTranspose2D: Peer(
        conv_transpose2d,
        "F.conv_transpose2d",
        "Channels first. PyTorch has no `same`; its result without padding is then cut by hand.",
    ),
    layers.DepthwiseConv2D: Peer(
        depthwise_conv2d, "F.conv2d", "As F.conv2d, with as many groups as channels."
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
    layers.GlobalMaxPool: Peer(
        lambda layer, p, x: F.adaptive_max_pool2d(_channels_first(x), 1).flatten(1),
        "F.adaptive_max_pool2d",
        "To a single pixel. Ties go to the first in both.",
    ),
    layers.GlobalAvgPool: Peer(
        lambda layer, p, x: F.adaptive_avg_pool2d(_channels_first(x), 1).flatten(1),
        "F.adaptive_avg_pool2d",
        "To a single pixel.",
    ),
}
