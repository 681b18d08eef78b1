"""Pictures of what the backward pass says about pixels."""

import copy

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from ..errors import batch_of, expects, whole
from ..layers import AvgPool, Dropout, GlobalAvgPool, GlobalMaxPool, Identity, MaxPool, ReLU
from ..network import Network, inside
from ..training.objective import require_network
from ..training.passes import both_passes, norm
from .picture import ORANGE, SIGNED, Picture, draw_image, scale

SIZES = LinearSegmentedColormap.from_list("sizes", ["#FCE8DC", ORANGE])


def input_gradient(net, images, targets, loss, /, *, most=10):
    r"""Draw images and, below each, the gradient of the loss by its pixels.

    Where it is orange, a brighter pixel raises the loss; where it is blue, it lowers it. Each image
    has a scale of its own; the norms are written below. Of colours, the norm over the channels is
    drawn, which has no sign.

    Args:
        net: a built Network on images.
        images: a batch (N, H, W, C), with one channel or three (colours from 0 to 1).
        targets: their targets.
        loss: a Loss of the whole batch.
        most: how many of the images to draw.

    Raises:
        TypeError: `net` is no Network or `loss` no Loss.
        ValueError: the network is not built or reads no such images, or the batch does not suit it.
    """
    require_network("input_gradient", net)
    most = whole("input_gradient", "most", most)
    if net.inputs > 1 or len(net.in_shapes[0]) != 3 or net.in_shapes[0][-1] not in (1, 3):
        what = "a network on images (N, H, W, 1) or (N, H, W, 3)"
        raise expects("input_gradient", what, " and ".join(map(batch_of, net.in_shapes)))
    passes = both_passes("input_gradient", net, images, targets, loss)
    images, gradients = passes.values[0][:most], passes.deltas[0][:most]
    H, W, C = net.in_shapes[0]
    figure = Picture(1.2 * max(len(images), 3) + 0.2, 2.3 * H / W + 0.9)
    figure.suptitle(_meaning(C, passes.loss), fontsize=9)
    panels = figure.subplots(2, len(images), squeeze=False)
    for image, gradient, (above, below) in zip(images, gradients, panels.T, strict=True):
        draw_image(above, image)
        shown, colors = gradient[..., 0], SIGNED
        if C > 1:
            shown, colors = np.sqrt((gradient**2).sum(axis=-1)), "Oranges"
        limit = float(np.abs(shown).max()) or 1.0
        limits = {"vmin": -limit if C == 1 else 0, "vmax": limit}
        below.imshow(shown, cmap=colors, interpolation="nearest", **limits)
        below.set(xticks=[], yticks=[])
        below.set_xlabel(f"norm {norm(gradient):.2g}", fontsize=8)
    panels[1, 0].set_ylabel("dL/dx", fontsize=8)
    return figure


def _meaning(C, loss):
    words = "orange: a brighter pixel raises it" if C == 1 else "the norm over the channels"
    return f"loss {loss:.4g}; {words}"


def receptive_field(net, value, index, in_shape, /):
    r"""Draw which pixels feed one number of a value, and thereby its delta.

    It is found by the backward pass: with $\delta = 1$ at that number and 0 at all others, the
    pixels whose `dx` is not zero are those that it is made of. So that none is missed because it
    happens not to matter, the pass is that of a copy in which every way is open: its weights and
    pixels are above zero, maxima are averages over the same windows, rectifiers and dropout pass
    everything. The colour is the share that a pixel has in `dx`, as far as its ways alone decide
    it: in the middle, where more ways lead through, it is larger.

    (A BatchNorm, which in training looks at all pixels, lets all pixels in.)

    Args:
        net: a Network on images, built or not; it stays as it is.
        value: the number of the value, as `net.add` returned it: 1 is what the first layer makes.
        index: which of its numbers, without the batch axis: `(row, column, channel)`.
        in_shape: the shape of an image, (H, W, C).

    Raises:
        TypeError: `net` is no Network.
        ValueError: it has several inputs, does not suit such images, or has no such value or index.
    """
    if not isinstance(net, Network):
        raise expects("receptive_field", "a Network", repr(net), TypeError)
    if net.inputs > 1:
        raise expects("receptive_field", "a network with one input", net.inputs)
    if not isinstance(in_shape, tuple | list) or len(in_shape) != 3:
        raise expects("receptive_field", "the shape (H, W, C) of an image", in_shape)
    twin = _opened(net, in_shape)
    index = _checked(twin, value, index)
    rng = np.random.default_rng(0)
    _, caches = twin.values(rng.uniform(0.5, 1.5, (1, *in_shape)))
    delta = np.zeros((1, *twin.shapes[value]))
    delta[0][index] = 1
    dx = np.abs(twin.deltas(delta, caches, value=value)[0][0]).sum(axis=-1)
    return _field(dx, value, index, net)


def _opened(net, in_shape):
    """Return a built copy of a network in which a delta takes every way."""
    twin = copy.deepcopy(net)
    for part in inside(twin):
        if isinstance(part, Network):
            part.steps = [(_open(layer), reads) for layer, reads in part.steps]
    twin.build(in_shape, dtype=np.float64)
    rng = np.random.default_rng(0)
    for weights in twin.params.values():
        fan = weights.size // weights.shape[-1]
        weights[...] = rng.uniform(0.5, 1.5, weights.shape) / max(fan, 10)
    return twin


def _open(layer):
    """Return a layer that reads the same numbers and lets all of them through."""
    if isinstance(layer, MaxPool):
        return AvgPool(layer.size, stride=layer.stride, padding=layer.padding)
    if isinstance(layer, GlobalMaxPool):
        return GlobalAvgPool()
    return Identity() if isinstance(layer, ReLU | Dropout) else layer


def _checked(net, value, index):
    """Return the index as a tuple, or raise ValueError."""
    last = len(net.shapes) - 1
    if whole("receptive_field", "value", value, least=0) > last:
        raise expects("receptive_field", f"a value from 0 to {last}", value)
    index = tuple(index) if isinstance(index, tuple | list) else (index,)
    shape = net.shapes[value]
    inside_it = len(index) == len(shape) and all(
        hasattr(i, "__index__") and i in range(length)
        for i, length in zip(index, shape, strict=True)
    )
    if not inside_it:
        raise expects("receptive_field", f"an index into {shape}", index)
    return index


def _field(dx, value, index, net):
    H, W = dx.shape
    rows, columns = (np.flatnonzero(dx.any(axis=axis)) for axis in (1, 0))
    what = "the input" if value == 0 else f"{value - 1} {net[value - 1].name}"
    place = f"{what} at ({', '.join(map(str, index))})"
    extent = (
        f"{np.count_nonzero(dx)} pixels, rows {rows[0]} to {rows[-1]}, "
        f"columns {columns[0]} to {columns[-1]}"
    )
    width = 4.6
    figure = Picture(width + 1, min(width * H / W, 8) + 0.7)
    axes = figure.add_subplot()
    shown = np.ma.masked_equal(dx / dx.sum(), 0)
    axes.set_facecolor("0.95")
    drawn = axes.imshow(shown, cmap=SIZES, vmin=0, interpolation="nearest")
    axes.set_title(f"{place}:\n{extent}", fontsize=9)
    if max(H, W) <= 40:
        axes.set_xticks(np.arange(W + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(H + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=0.6)
        axes.tick_params(which="minor", length=0)
    axes.set(xlabel="column", ylabel="row")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    scale(figure, drawn, "share in dx")
    return figure
