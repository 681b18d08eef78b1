"""DepthwiseConv2D: the definition in loops, Conv2D channel by channel, SciPy, AvgPool, errors."""

import itertools
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import correlate2d

from backprop.initializers import Constant, Given
from backprop.layers import AvgPool, Conv2D, DepthwiseConv2D
from backprop.network import Network

# Settings, shape of x, and what is added at the top and at the left.
TABLE = [
    ({"size": 3}, (2, 5, 4, 2), (0, 0)),
    ({"size": 1}, (1, 1, 1, 1), (0, 0)),
    ({"size": 1, "stride": 2, "multiplier": 2}, (2, 4, 5, 3), (0, 0)),
    ({"size": 2, "multiplier": 3}, (2, 4, 5, 1), (0, 0)),
    ({"size": 4}, (1, 4, 4, 2), (0, 0)),
    ({"size": (1, 4), "multiplier": 2}, (2, 1, 6, 2), (0, 0)),
    ({"size": (3, 1)}, (1, 6, 1, 3), (0, 0)),
    ({"size": 3, "padding": "valid"}, (2, 4, 5, 2), (0, 0)),
    ({"size": 3, "padding": 1, "multiplier": 2}, (2, 4, 4, 2), (1, 1)),
    ({"size": 2, "padding": 3}, (1, 2, 3, 2), (3, 3)),
    ({"size": (2, 3), "padding": (0, 2)}, (2, 3, 4, 2), (0, 2)),
    ({"size": 4, "padding": "same"}, (1, 5, 5, 2), (1, 1)),
    ({"size": 3, "padding": "same", "stride": 2}, (2, 6, 5, 3), (0, 1)),
    ({"size": 3, "stride": 2}, (2, 6, 8, 2), (0, 0)),
    ({"size": 2, "stride": 3, "multiplier": 2}, (2, 7, 6, 2), (0, 0)),
    ({"size": (2, 3), "stride": (1, 2), "padding": (1, 2)}, (2, 4, 4, 2), (1, 2)),
    ({"size": 3, "dilation": 2}, (2, 6, 7, 2), (0, 0)),
    (
        {"size": (2, 3), "dilation": (3, 1), "stride": 2, "padding": 1, "multiplier": 2},
        (2, 5, 6, 2),
        (1, 1),
    ),
    ({"size": 3, "bias": False, "bias_init": Constant(3)}, (2, 4, 4, 2), (0, 0)),
]

every_row = pytest.mark.parametrize(
    ("settings", "shape", "margin"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE]
)


def built(settings, shape):
    """Return a layer whose bias is not zero, and images of `shape` and deltas for it."""
    rng = np.random.default_rng(0)
    layer = DepthwiseConv2D(**settings)
    out_shape = layer.build(shape[1:], rng=rng, dtype=np.float64)
    if layer.bias:
        layer.b += rng.standard_normal(layer.b.shape)
    return layer, rng.standard_normal(shape), rng.standard_normal((shape[0], *out_shape))


def definition(layer, x, delta, margin):
    """Return y, dx, dW and db, product after product."""
    (_, H, W_, C), M, (K, L) = x.shape, layer.multiplier, layer.window.size
    (s, t), (d, e), (top, left) = layer.window.stride, layer.window.dilation, margin
    y, dx, dW = (np.zeros(shape) for shape in (delta.shape, x.shape, layer.W.shape))
    if layer.bias:
        y += layer.b
    for n, p, q in np.ndindex(delta.shape[:3]):
        for i, j, c, m in itertools.product(range(K), range(L), range(C), range(M)):
            u, v, f = p * s + i * d - top, q * t + j * e - left, c * M + m
            if 0 <= u < H and 0 <= v < W_:
                y[n, p, q, f] += x[n, u, v, c] * layer.W[i, j, 0, f]
                dx[n, u, v, c] += delta[n, p, q, f] * layer.W[i, j, 0, f]
                dW[i, j, 0, f] += delta[n, p, q, f] * x[n, u, v, c]
    return y, dx, dW, sum(delta[place] for place in np.ndindex(delta.shape[:3]))


def both_passes(layer, x, delta):
    """Return y, dx, dW and db, or no db if there is no bias."""
    y, cache = layer.forward(x)
    dx, grads = layer.backward(delta, cache)
    return y, dx, *grads.values()


def assert_close(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@every_row
def test_both_passes_are_the_definition(settings, shape, margin):
    layer, x, delta = built(settings, shape)
    expected = definition(layer, x, delta, margin)
    assert_close(both_passes(layer, x, delta), expected if layer.bias else expected[:-1])


# Conv2D


def conv_twin(layer, W, b, in_shape):
    """Return a Conv2D in the geometry of `layer` with the kernels `W` and the biases `b`."""
    conv = Conv2D(
        W.shape[-1],
        layer.size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        init=Given(W),
        bias_init=Given(b),
    )
    conv.build(in_shape, dtype=np.float64)
    return conv


@every_row
def test_channel_by_channel_it_is_conv2d(settings, shape, margin):
    layer, x, delta = built({**settings, "bias": True}, shape)
    y, dx, dW, db = both_passes(layer, x, delta)
    for c in range(shape[-1]):
        one, group = slice(c, c + 1), slice(c * layer.multiplier, (c + 1) * layer.multiplier)
        conv = conv_twin(layer, layer.W[..., group], layer.b[group], (*shape[1:3], 1))
        expected = both_passes(conv, x[..., one], delta[..., group])
        assert_close((y[..., group], dx[..., one], dW[..., group], db[group]), expected)


@every_row
def test_it_is_conv2d_with_zeros_between_the_channels(settings, shape, margin):
    layer, x, delta = built({**settings, "bias": True}, shape)
    C, M = shape[-1], layer.multiplier
    own = np.repeat(np.eye(C), M, axis=1)  # (C, F): 1 where an output channel sees an input channel
    conv = conv_twin(layer, layer.W * own, layer.b, shape[1:])
    y, dx, dW, db = both_passes(conv, x, delta)
    seen = (dW * own).sum(axis=2, keepdims=True)
    assert_close(both_passes(layer, x, delta), (y, dx, seen, db))


def test_with_a_convolution_of_one_pixel_it_is_a_separable_convolution():
    layer, x, _ = built({"size": 3, "padding": 1, "bias": False}, (2, 5, 6, 3))
    mix = np.random.default_rng(1).standard_normal((1, 1, 3, 4))
    net = Network([layer, Conv2D(4, 1, init=Given(mix))])
    net.build((5, 6, 3), rng=0, dtype=np.float64)
    kernels = net[0].W.swapaxes(2, 3) * mix
    conv = Conv2D(4, 3, padding=1, init=Given(kernels))
    conv.build((5, 6, 3), dtype=np.float64)
    assert_allclose(net.forward(x)[0], conv.forward(x)[0], rtol=1e-12, atol=1e-13)


# SciPy, AvgPool, small numbers


@pytest.mark.parametrize(
    ("size", "padding", "mode"),
    [
        ((3, 3), "valid", "valid"),
        ((2, 4), 0, "valid"),
        ((3, 5), "same", "same"),
        ((3, 2), (2, 1), "full"),
    ],
)
def test_forward_is_scipys(size, padding, mode):
    layer, x, _ = built({"size": size, "padding": padding, "multiplier": 2}, (1, 6, 7, 3))
    y = layer.forward(x)[0]
    for c, m in np.ndindex(3, 2):
        f = 2 * c + m
        expected = correlate2d(x[0, ..., c], layer.W[..., 0, f], mode) + layer.b[f]
        assert_allclose(y[0, ..., f], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("padding", [0, 1, "same"])
def test_with_equal_weights_it_is_average_pooling(padding):
    layer = DepthwiseConv2D((2, 3), stride=2, padding=padding, bias=False, init=Constant(1 / 6))
    _, x, _ = built({"size": 1}, (2, 5, 6, 3))
    layer.build(x.shape[1:], dtype=np.float64)
    pool = AvgPool((2, 3), stride=2, padding=padding)
    y, cache = pool.forward(x)
    delta = np.random.default_rng(1).standard_normal(y.shape)
    assert_close(both_passes(layer, x, delta)[:2], (y, pool.backward(delta, cache)[0]))


def test_two_channels_by_hand():
    kernels = np.array([[[1.0, 10.0], [2.0, 20.0]], [[3.0, 30.0], [4.0, -40.0]]])[:, :, None]
    layer = DepthwiseConv2D(2, init=Given(kernels), bias_init=Given([0.5, 0]))
    layer.build((2, 3, 2), dtype=np.float64)
    x = np.stack([[[1.0, 2, 3], [4, 5, 6]], [[1.0, 0, 0], [0, 1, 0]]], axis=-1)[None]
    delta = np.stack([[[1.0, 2]], [[1.0, -1]]], axis=-1)[None]
    y, dx, dW, db = both_passes(layer, x, delta)
    assert_array_equal(y[0, ..., 0], [[37.5, 47.5]])
    assert_array_equal(y[0, ..., 1], [[-30, 30]])
    assert_array_equal(dx[0, ..., 0], [[1, 4, 4], [3, 10, 8]])
    assert_array_equal(dx[0, ..., 1], [[10, 10, -20], [30, -70, 40]])
    assert_array_equal(dW[:, :, 0, 0], [[5, 8], [14, 17]])
    assert_array_equal(dW[:, :, 0, 1], [[1, 0], [-1, 1]])
    assert_array_equal(db, [3, 0])


def test_an_output_channel_sees_its_own_input_channel_alone():
    layer, x, _ = built({"size": 3, "multiplier": 2}, (1, 4, 4, 3))
    other = x.copy()
    other[..., 1] += 1
    changed = (layer.forward(x)[0] != layer.forward(other)[0]).any(axis=(0, 1, 2))
    assert_array_equal(changed, [False, False, True, True, False, False])


def test_weights_start_at_the_size_of_one_channels_sum():
    layer = DepthwiseConv2D(5)
    layer.build((9, 9, 4000), rng=0, dtype=np.float64)
    assert_allclose(layer.W.var(), 1 / 25, rtol=0.02)


# A few images at a time


@pytest.mark.parametrize(
    ("N", "parts"), [(1, [1]), (4, [4]), (5, [4, 1]), (10, [4, 4, 2])], ids=str
)
def test_large_batches_go_in_parts_and_nothing_is_lost_between_them(N, parts):
    layer, x, delta = built({"size": 3, "multiplier": 2, "padding": 1}, (N, 24, 24, 16))
    assert [len(x[part]) for part in layer._parts(x)] == parts
    alone = [both_passes(layer, x[n : n + 1], delta[n : n + 1]) for n in range(N)]
    y, dx, dW, db = both_passes(layer, x, delta)
    assert_allclose(y, np.concatenate([one[0] for one in alone]), rtol=1e-12, atol=1e-12)
    assert_allclose(dx, np.concatenate([one[1] for one in alone]), rtol=1e-12, atol=1e-12)
    assert_allclose(dW, sum(one[2] for one in alone), rtol=1e-12, atol=1e-11)
    assert_allclose(db, sum(one[3] for one in alone), rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_size_of_the_parts_changes_nothing(step, monkeypatch):
    layer, x, delta = built({"size": 3, "stride": 2, "padding": 1, "multiplier": 2}, (5, 6, 5, 2))
    expected = definition(layer, x, delta, (1, 1))
    slices = [slice(n, n + step) for n in range(0, 5, step)]
    monkeypatch.setattr(layer, "_parts", lambda _: slices)
    assert_close(both_passes(layer, x, delta), expected)


# Sizes and errors


@pytest.mark.parametrize(
    ("layer", "in_shape", "out_shape", "params", "products"),
    [
        # the first depthwise layers of MobileNet
        (DepthwiseConv2D(3, padding=1), (112, 112, 32), (112, 112, 32), 320, 3_612_672),
        (DepthwiseConv2D(3, padding=1, stride=2), (112, 112, 64), (56, 56, 64), 640, 1_806_336),
        (DepthwiseConv2D(5, multiplier=6), (28, 28, 1), (24, 24, 6), 156, 86_400),
        (DepthwiseConv2D(3, stride=2, bias=False), (8, 6, 2), (3, 2, 2), 18, 108),
        (DepthwiseConv2D((2, 3), dilation=2, multiplier=2), (5, 6, 2), (3, 2, 4), 28, 144),
    ],
    ids=str,
)
def test_output_shape_parameters_and_multiply_adds(layer, in_shape, out_shape, params, products):
    assert layer.build(in_shape, rng=0) == out_shape
    assert layer.param_count == params
    assert layer.multiply_adds(in_shape) == products


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: DepthwiseConv2D(0), "size to be a whole number of at least 1, got 0"),
        (
            lambda: DepthwiseConv2D(3, multiplier=0),
            "multiplier to be a whole number of at least 1, got 0",
        ),
        (
            lambda: DepthwiseConv2D(3, multiplier=1.5),
            "multiplier to be a whole number of at least 1, got 1.5",
        ),
        (
            lambda: DepthwiseConv2D((3, 3, 3)),
            "size to be a whole number or a pair of them, got (3, 3, 3)",
        ),
        (lambda: DepthwiseConv2D(3, stride=0), "stride to be a whole number of at least 1, got 0"),
        (
            lambda: DepthwiseConv2D(3, dilation=-1),
            "dilation to be a whole number of at least 1, got -1",
        ),
        (
            lambda: DepthwiseConv2D(3, padding="full"),
            "padding to be one of 'same', 'valid', got 'full'",
        ),
        (lambda: DepthwiseConv2D(3).build((5, 5)), "images of shape (N, H, W, C), got (N, 5, 5)"),
        (
            lambda: DepthwiseConv2D(3).build((5, 2, 1)),
            "images that a 3x3 window fits into with padding (0, 0), got (N, 5, 2, 1)",
        ),
    ],
)
def test_settings_and_images_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'DepthwiseConv2D expects {text}')}$"):
        make()
