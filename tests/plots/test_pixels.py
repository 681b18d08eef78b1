"""Gradients by pixels are the passes' own; receptive fields are what a walk over windows finds."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop import models, plots
from backprop.layers import (
    AvgPool,
    BatchNorm,
    Concat,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalMaxPool,
    LayerNorm,
    MaxPool,
    ReLU,
    Sigmoid,
    Tanh,
)
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network
from backprop.plots.picture import SIGNED
from plots.pictures import assert_legible

CE = SoftmaxCrossEntropy()
IMAGES = np.random.default_rng(0).random((4, 6, 5, 1))
LABELS = np.array([0, 2, 1, 0])


def built(channels=1):
    layers = [Conv2D(3, 3), Tanh(), MaxPool(2), Flatten(), Dense(3)]
    net = Network(layers)
    net.build((6, 5, channels), rng=0, dtype=np.float64)
    return net


# The gradient by the pixels


def slopes(net, images, n):
    """Central differences of the loss by the pixels of image `n`."""
    found = np.zeros(images.shape[1:])
    for place in np.ndindex(found.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = images.copy()
            moved[(n, *place)] += step
            ends.append(CE.forward(net.predict(moved), LABELS)[0])
        found[place] = (ends[0] - ends[1]) / 2e-6
    return found


def test_below_each_image_is_the_gradient_by_its_pixels():
    net = built()
    figure = plots.input_gradient(net, IMAGES, LABELS, CE)
    above, below = figure.axes[:4], figure.axes[4:]
    for n in range(4):
        assert_array_equal(above[n].images[0].get_array(), IMAGES[n, ..., 0])
        wanted = slopes(net, IMAGES, n)
        (image,) = below[n].images
        assert_allclose(image.get_array(), wanted[..., 0], rtol=1e-6, atol=1e-9)
        low, high = image.get_clim()
        assert -low == high == np.abs(image.get_array()).max()
        assert image.get_cmap() == SIGNED
        assert below[n].get_xlabel() == f"norm {np.linalg.norm(wanted):.2g}"
    assert figure.get_suptitle().startswith("loss ")
    assert_legible(figure)


def test_of_colours_the_norm_over_the_channels_is_drawn():
    net, images = built(3), np.random.default_rng(1).random((4, 6, 5, 3))
    figure = plots.input_gradient(net, images, LABELS, CE, most=2)
    assert len(figure.axes) == 4
    wanted = np.sqrt((slopes(net, images, 1) ** 2).sum(axis=-1))
    assert_allclose(figure.axes[3].images[0].get_array(), wanted, rtol=1e-6, atol=1e-9)
    assert figure.axes[3].images[0].get_clim()[0] == 0
    assert_legible(figure)


@pytest.mark.parametrize("count", [1, 3, 10])
def test_no_two_texts_overlap(count):
    net = models.cnn((8, 8, 1), 10).net
    net.build((8, 8, 1), rng=0)
    images = np.random.default_rng(0).random((count, 8, 8, 1))
    assert_legible(plots.input_gradient(net, images, np.arange(count), CE))


def test_a_gradient_of_zero_is_drawn():
    net = built()
    net.parameters[...] = 0
    assert_legible(plots.input_gradient(net, IMAGES, LABELS, CE))


# Receptive fields


def walked(layers, place, shape):
    """The pixels that a number is made of, from window to window, beginning at the last layer."""
    found, sizes = {place}, [shape]
    for layer in layers:
        window = getattr(layer, "window", None)
        sizes.append(window.positions(*sizes[-1]) if window else sizes[-1])
    for layer, (H, W) in zip(reversed(layers), reversed(sizes[:-1]), strict=True):
        if not hasattr(layer, "window"):
            continue
        window = layer.window
        (K, L), (s, t), (d, e) = window.size, window.stride, window.dilation
        (top, _), (left, _) = window.margins(H, W)
        found = {
            (r, c)
            for p, q in found
            for i in range(K)
            for j in range(L)
            for r, c in [(p * s + i * d - top, q * t + j * e - left)]
            if 0 <= r < H and 0 <= c < W
        }
    return found


def field(figure):
    """The pixels that a picture colours."""
    array = np.ma.filled(figure.axes[0].images[0].get_array(), 0)
    return {(int(r), int(c)) for r, c in zip(*np.nonzero(array), strict=True)}


CHAINS = {
    "one": [Conv2D(2, 3)],
    "padded": [Conv2D(2, 3, padding=1), ReLU(), Conv2D(3, 3, padding=1), ReLU()],
    "strided": [Conv2D(2, 3, stride=2, padding=1), Sigmoid(), Conv2D(2, (1, 3))],
    "dilated": [Conv2D(2, 3, dilation=2), Conv2D(2, 2)],
    "pooled": [Conv2D(4, 3, padding=1), ReLU(), MaxPool(2), Dropout(0.5), Conv2D(2, 3), ReLU()],
    "overlapping": [MaxPool(3, stride=2), Conv2D(2, 2), AvgPool(2, stride=1)],
    "depthwise": [DepthwiseConv2D(3), LayerNorm(), MaxPool(2, stride=1), MaxPool(2)],
}


@pytest.mark.parametrize("kind", CHAINS)
def test_a_receptive_field_is_what_a_walk_over_the_windows_finds(kind):
    net = Network(CHAINS[kind])
    shape = net.build((13, 12, 2), rng=0)
    for place in {(0, 0), (shape[0] // 2, shape[1] // 2), (shape[0] - 1, shape[1] - 1)}:
        figure = plots.receptive_field(net, len(net), (*place, 1), (13, 12, 2))
        assert field(figure) == walked(net.layers, place, (13, 12))


def test_a_pixel_outside_of_the_field_changes_nothing_and_one_inside_does():
    net = Network([Conv2D(2, 3, padding=1), Tanh(), AvgPool(2), Conv2D(2, 2), Tanh()])
    net.build((8, 8, 1), rng=0, dtype=np.float64)
    inside = field(plots.receptive_field(net, 5, (1, 0, 1), (8, 8, 1)))
    x = np.random.default_rng(0).random((1, 8, 8, 1))
    y = net.predict(x)[0, 1, 0, 1]
    for r, c in np.ndindex(8, 8):
        moved = x.copy()
        moved[0, r, c, 0] += 0.1
        assert (net.predict(moved)[0, 1, 0, 1] != y) == ((r, c) in inside)


def test_values_on_the_way_and_branches():
    net = Network()
    wide, narrow = net.add(Conv2D(2, 5, padding=2), 0), net.add(Conv2D(3, 1), 0)
    joined = net.add(Concat(), wide, narrow)
    net.add(GlobalMaxPool(), joined)
    assert net.in_shapes is None
    sizes = [
        len(field(plots.receptive_field(net, joined, (4, 4, channel), (9, 9, 1))))
        for channel in (1, 2)
    ]
    assert sizes == [25, 1]
    assert len(field(plots.receptive_field(net, 4, 0, (9, 9, 1)))) == 81
    assert field(plots.receptive_field(net, 0, (2, 3, 0), (9, 9, 1))) == {(2, 3)}
    assert net.in_shapes is None


def test_colours_are_shares_and_larger_in_the_middle():
    net = Network([Conv2D(8, 3), Conv2D(8, 3), Conv2D(8, 3)])
    figure = plots.receptive_field(net, 3, (0, 0, 0), (7, 7, 1))
    shares = figure.axes[0].images[0].get_array()
    assert_allclose(shares.sum(), 1)
    assert shares[3, 3] > 2 * shares[1, 1] > 4 * shares[0, 0]
    words = "2 conv2d_3 at (0, 0, 0):\n49 pixels, rows 0 to 6, columns 0 to 6"
    assert figure.axes[0].get_title() == words
    assert_legible(figure)


def test_the_network_stays_as_it_is():
    net = built()
    before, layers = net.parameters.copy(), net.layers
    plots.receptive_field(net, 3, (0, 0, 0), (6, 5, 1))
    assert_array_equal(net.parameters, before)
    assert net.layers == layers
    assert isinstance(net[2], MaxPool)


def test_a_unit_of_a_nested_deep_network_sees_all():
    inner = Network([Conv2D(2, 3, padding=1), ReLU(), MaxPool(2)])
    deep = [layer for _ in range(10) for layer in (Dense(4), Sigmoid())]
    net = Network([inner, Flatten(), *deep])
    assert len(field(plots.receptive_field(net, len(net), 2, (4, 4, 1)))) == 16


def test_a_batch_norm_lets_all_pixels_in():
    net = Network([Conv2D(2, 1), BatchNorm()])
    assert len(field(plots.receptive_field(net, 2, (0, 0, 0), (4, 4, 1)))) == 16


# Errors

FIELD = "receptive_field expects"


@pytest.mark.parametrize(
    ("kind", "call", "text"),
    [
        (
            TypeError,
            lambda: plots.input_gradient(Dense(2), IMAGES, LABELS, CE),
            "input_gradient expects a Network, got Dense(2)",
        ),
        (
            TypeError,
            lambda: plots.input_gradient(built(), IMAGES, LABELS, None),
            "input_gradient expects a loss such as SoftmaxCrossEntropy(), got None",
        ),
        (
            ValueError,
            lambda: plots.input_gradient(Network([Dense(2)]), IMAGES, LABELS, CE),
            "input_gradient expects a network after build(in_shape), got one before it",
        ),
        (
            ValueError,
            lambda: plots.input_gradient(built(2), IMAGES, LABELS, CE),
            "input_gradient expects a network on images (N, H, W, 1) or (N, H, W, 3), "
            "got (N, 6, 5, 2)",
        ),
        (
            ValueError,
            lambda: plots.input_gradient(built(), IMAGES[0], LABELS, CE),
            "Network expects inputs of shape (N, 6, 5, 1), got (6, 5, 1)",
        ),
        (
            ValueError,
            lambda: plots.input_gradient(built(), IMAGES, LABELS, CE, most=0),
            "input_gradient expects most to be a whole number of at least 1, got 0",
        ),
        (
            TypeError,
            lambda: plots.receptive_field(Dense(2), 1, 0, (6, 5, 1)),
            f"{FIELD} a Network, got Dense(2)",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(Network(inputs=2), 1, 0, (6, 5, 1)),
            f"{FIELD} a network with one input, got 2",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), 1, 0, (6, 5)),
            f"{FIELD} the shape (H, W, C) of an image, got (6, 5)",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), 1, 0, 28),
            f"{FIELD} the shape (H, W, C) of an image, got 28",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), 5, 1.0, (6, 5, 1)),
            f"{FIELD} an index into (3,), got (1.0,)",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), 6, 0, (6, 5, 1)),
            f"{FIELD} a value from 0 to 5, got 6",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), -1, 0, (6, 5, 1)),
            f"{FIELD} value to be a whole number of at least 0, got -1",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), 1, (0, 3, 0), (6, 5, 1)),
            f"{FIELD} an index into (4, 3, 3), got (0, 3, 0)",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), 1, (0, 0), (6, 5, 1)),
            f"{FIELD} an index into (4, 3, 3), got (0, 0)",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), 5, "a", (6, 5, 1)),
            f"{FIELD} an index into (3,), got ('a',)",
        ),
        (
            ValueError,
            lambda: plots.receptive_field(built(), 1, (0, 0, 0), (2, 2, 1)),
            "Conv2D 'conv2d_1' expects images that a 3x3 window fits into with padding (0, 0), "
            "got (N, 2, 2, 1)",
        ),
    ],
)
def test_errors(kind, call, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()
