"""Conv2D: published numbers, the definition in loops, SciPy, textbook formulas, Dense, errors."""

import itertools
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import convolve2d, correlate2d

from backprop.initializers import Constant, Given
from backprop.layers import Conv2D, Dense, Flatten
from backprop.network import Network

# Settings, shape of x, and the margins ((top, bottom), (left, right)) that they come to.
NONE = ((0, 0), (0, 0))
TABLE = [
    ({"size": 3}, (2, 5, 4, 2), NONE),
    ({"size": 1}, (1, 1, 1, 1), NONE),
    ({"size": 1, "stride": 2}, (2, 4, 5, 3), NONE),
    ({"size": 2}, (2, 4, 5, 1), NONE),
    ({"size": 4}, (1, 4, 4, 2), NONE),
    ({"size": (1, 4)}, (2, 1, 6, 2), NONE),
    ({"size": (3, 1)}, (1, 6, 1, 2), NONE),
    ({"size": 3, "padding": "valid"}, (2, 4, 5, 2), NONE),
    ({"size": 3, "padding": 1}, (2, 4, 4, 2), ((1, 1), (1, 1))),
    ({"size": 2, "padding": 3}, (1, 2, 3, 1), ((3, 3), (3, 3))),
    ({"size": (2, 3), "padding": (0, 2)}, (2, 3, 4, 2), ((0, 0), (2, 2))),
    ({"size": 3, "padding": "same"}, (2, 4, 5, 2), ((1, 1), (1, 1))),
    ({"size": 2, "padding": "same"}, (2, 4, 3, 2), ((0, 1), (0, 1))),
    ({"size": 4, "padding": "same", "flip": True}, (1, 5, 5, 1), ((1, 2), (1, 2))),
    ({"size": 3, "padding": "same", "stride": 2}, (2, 6, 5, 1), ((0, 1), (1, 1))),
    ({"size": 3, "stride": 2}, (2, 6, 8, 2), NONE),
    ({"size": 2, "stride": 3}, (2, 7, 6, 2), NONE),
    ({"size": (2, 3), "stride": (1, 2), "padding": (1, 2)}, (2, 4, 4, 2), ((1, 1), (2, 2))),
    ({"size": 3, "dilation": 2}, (2, 6, 7, 2), NONE),
    ({"size": 2, "dilation": (1, 3), "padding": 1}, (2, 3, 4, 1), ((1, 1), (1, 1))),
    ({"size": 3, "dilation": 2, "padding": "same"}, (1, 4, 5, 2), ((2, 2), (2, 2))),
    ({"size": (2, 3), "dilation": (3, 1), "stride": 2, "padding": 1}, (2, 5, 6, 2), ((1, 1),) * 2),
    ({"size": 3, "flip": True}, (2, 5, 4, 2), NONE),
    ({"size": (2, 3), "flip": True, "stride": 2, "padding": 1}, (2, 4, 5, 2), ((1, 1), (1, 1))),
    ({"size": (3, 2), "flip": True, "dilation": 2, "padding": "valid"}, (2, 6, 5, 2), NONE),
    ({"size": 3, "bias": False, "bias_init": Constant(3)}, (2, 4, 4, 2), NONE),
]

every_row = pytest.mark.parametrize(
    ("settings", "shape", "margins"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE]
)


def line(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def built(settings, shape, filters=2):
    """Return a Conv2D whose bias is not zero, and images of `shape` and deltas for it."""
    rng = np.random.default_rng(0)
    layer = Conv2D(filters, **settings)
    out_shape = layer.build(shape[1:], rng=rng, dtype=np.float64)
    if layer.bias:
        layer.b += rng.standard_normal(filters)
    return layer, rng.standard_normal(shape), rng.standard_normal((shape[0], *out_shape))


def given(W, b, in_shape, **settings):
    """Return a Conv2D with the kernels `W` and the biases `b`."""
    layer = Conv2D(W.shape[-1], W.shape[:2], init=Given(W), bias_init=Given(b), **settings)
    layer.build(in_shape, dtype=np.float64)
    return layer


def terms(x, W, margins, stride=(1, 1), dilation=(1, 1), flip=False):
    """Yield the indices (n, p, q, f), (n, u, v, c) and (i, j, c, f) of every product in y."""
    (N, H, W_, C), (K, L, _, F) = x.shape, W.shape
    (s, t), (d, e) = stride, dilation
    (top, bottom), (left, right) = margins
    OH = (top + H + bottom - d * (K - 1) - 1) // s + 1
    OW = (left + W_ + right - e * (L - 1) - 1) // t + 1
    for n, p, q, f in itertools.product(range(N), range(OH), range(OW), range(F)):
        for i, j, c in itertools.product(range(K), range(L), range(C)):
            u, v = p * s + i * d - top, q * t + j * e - left
            kernel = (K - 1 - i, L - 1 - j, c, f) if flip else (i, j, c, f)
            if 0 <= u < H and 0 <= v < W_:
                yield (n, p, q, f), (n, u, v, c), kernel


def convolution(layer, x, delta, margins):
    """Return y, dx, dW and db, product after product."""
    y, dx, dW = (np.zeros(shape) for shape in (delta.shape, x.shape, layer.W.shape))
    if layer.bias:
        y += layer.b
    geometry = layer.window.stride, layer.window.dilation, layer.flip
    for out, pixel, weight in terms(x, layer.W, margins, *geometry):
        y[out] += x[pixel] * layer.W[weight]
        dx[pixel] += delta[out] * layer.W[weight]
        dW[weight] += delta[out] * x[pixel]
    return y, dx, dW, sum(delta[place] for place in np.ndindex(delta.shape[:3]))


def both_passes(layer, x, delta):
    """Return y, dx, dW and db, or dW alone if there is no bias."""
    y, cache = layer.forward(x)
    dx, grads = layer.backward(delta, cache)
    return y, dx, *grads.values()


def assert_close(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@every_row
def test_both_passes_are_the_definition(settings, shape, margins):
    layer, x, delta = built(settings, shape)
    expected = convolution(layer, x, delta, margins)
    assert_close(both_passes(layer, x, delta), expected if layer.bias else expected[:-1])


def test_published_convolution():
    x = line(-0.1, 0.5, 2, 3, 4, 4).transpose(0, 2, 3, 1)
    W = line(-0.2, 0.3, 3, 3, 4, 4).transpose(2, 3, 1, 0)
    layer = given(W, line(-0.1, 0.2, 3), (4, 4, 3), stride=2, padding=1)
    published = """
        -0.08759809 -0.10987781 -0.18387192 -0.2109216 0.21027089 0.21661097 0.22847626 0.23004637
        0.50813986 0.54309974 0.64082444 0.67101435 -0.98053589 -1.03143541 -1.19128892 -1.24695841
        0.69108355 0.66880383 0.59480972 0.56776003 2.36270298 2.36904306 2.38090835 2.38247847
    """
    y, _ = layer.forward(x)
    flat = y.transpose(0, 3, 1, 2).ravel()
    assert_allclose(flat, np.array(published.split(), float), rtol=0, atol=1e-8)


IMAGE = np.arange(1.0, 10.0).reshape(3, 3)
KERNEL = np.array([[1.0, 2.0], [3.0, 4.0]])
UPSTREAM = np.array([[1.0, -1.0], [2.0, 0.5]])


@pytest.mark.parametrize(
    ("flip", "y", "dx", "dW"),
    [
        (
            True,
            [[23, 33], [53, 63]],
            [[4, -1, -3], [10, 7, 0.5], [4, 3, 0.5]],
            [[19.5, 17], [12, 9.5]],
        ),
        (
            False,
            [[37, 47], [67, 77]],
            [[1, 1, -2], [5, 5.5, -3], [6, 9.5, 2]],
            [[9.5, 12], [17, 19.5]],
        ),
    ],
)
def test_three_by_three_image_by_hand(flip, y, dx, dW):
    layer = given(KERNEL[..., None, None], [0], (3, 3, 1), flip=flip)
    got = both_passes(layer, IMAGE[None, ..., None], UPSTREAM[None, ..., None])
    for value, expected in zip(got, (y, dx, dW, 2.5), strict=True):
        assert_array_equal(value.squeeze(), expected)


# The textbook, one channel at a time, by SciPy


@pytest.mark.parametrize(("flip", "scipys"), [(False, correlate2d), (True, convolve2d)])
@pytest.mark.parametrize(
    ("size", "padding", "mode"),
    [
        ((3, 3), "valid", "valid"),
        ((2, 4), 0, "valid"),
        ((3, 5), "same", "same"),
        ((3, 2), (2, 1), "full"),
    ],
)
def test_forward_is_scipys(flip, scipys, size, padding, mode):
    layer, x, _ = built({"size": size, "padding": padding, "flip": flip}, (1, 6, 7, 1), filters=1)
    expected = scipys(x[0, ..., 0], layer.W[..., 0, 0], mode) + layer.b
    assert_allclose(layer.forward(x)[0][0, ..., 0], expected, rtol=1e-12, atol=1e-14)


def rot180(kernel):
    return kernel[::-1, ::-1]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, (2, 4), (5, 1)])
def test_dx_is_a_full_convolution_with_the_kernel_of_the_forward_pass(flip, size):
    layer, x, delta = built({"size": size, "flip": flip}, (2, 6, 5, 3))
    dx = layer.backward(delta, layer.forward(x)[1])[0]
    for n, c in np.ndindex(2, 3):
        kernels = [rot180(W) if flip else W for W in np.moveaxis(layer.W[:, :, c], -1, 0)]
        parts = [convolve2d(delta[n, ..., f], kernels[f], "full") for f in range(2)]
        assert_allclose(dx[n, ..., c], sum(parts), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, (2, 4), (5, 1)])
def test_dw_is_the_correlation_of_the_images_with_their_deltas(flip, size):
    layer, x, delta = built({"size": size, "flip": flip}, (2, 6, 5, 3))
    dW = layer.grads(delta, layer.forward(x)[1])["W"]
    for c, f in np.ndindex(3, 2):
        expected = sum(correlate2d(x[n, ..., c], delta[n, ..., f], "valid") for n in range(2))
        turned = rot180(expected) if flip else expected
        assert_allclose(dW[:, :, c, f], turned, rtol=1e-12, atol=1e-13)


# The same map in other words


def test_a_flipped_layer_is_the_plain_one_with_its_kernels_rotated():
    layer, x, delta = built({"size": (2, 3), "stride": 2, "padding": 1}, (2, 5, 6, 2))
    flipped = given(layer.W[::-1, ::-1], layer.b, (5, 6, 2), stride=2, padding=1, flip=True)
    y, dx, dW, db = both_passes(flipped, x, delta)
    assert_close((y, dx, dW[::-1, ::-1], db), both_passes(layer, x, delta))


def test_a_kernel_of_one_pixel_is_dense_on_every_pixel():
    layer, x, delta = built({"size": 1}, (2, 4, 5, 3))
    dense = Dense(2, init=Given(layer.W[0, 0]), bias_init=Given(layer.b))
    dense.build((4, 5, 3), dtype=np.float64)
    y, dx, dW, db = both_passes(layer, x, delta)
    assert_close((y, dx, dW[0, 0], db), both_passes(dense, x, delta))


def test_a_kernel_as_large_as_the_image_is_dense_on_the_image():
    layer, x, delta = built({"size": (4, 5)}, (3, 4, 5, 2))
    dense = Dense(2, init=Given(layer.W.reshape(40, 2)), bias_init=Given(layer.b))
    net = Network([Flatten(), dense])
    net.build((4, 5, 2), dtype=np.float64)
    y, dx, dW, db = both_passes(layer, x, delta)
    assert y.shape == (3, 1, 1, 2)
    expected = both_passes(net, x, delta.reshape(3, 2))
    assert_close((y.reshape(3, 2), dx, dW.reshape(40, 2), db), expected)


def test_a_dilated_kernel_is_one_with_zeros_in_between():
    layer, x, _ = built({"size": (2, 3), "dilation": (3, 2)}, (2, 7, 8, 2))
    wide = np.zeros((4, 5, 2, 2))
    wide[::3, ::2] = layer.W
    expected = given(wide, layer.b, (7, 8, 2)).forward(x)[0]
    assert_allclose(layer.forward(x)[0], expected, rtol=1e-12, atol=1e-13)


def test_a_stride_leaves_out_positions():
    layer, x, _ = built({"size": 3, "stride": (2, 3), "padding": 1}, (2, 6, 8, 2))
    dense = given(layer.W, layer.b, (6, 8, 2), padding=1)
    expected = dense.forward(x)[0][:, ::2, ::3]
    assert_allclose(layer.forward(x)[0], expected, rtol=1e-12, atol=1e-13)


# A few images at a time


@pytest.mark.parametrize(
    ("N", "parts"), [(1, [1]), (2, [2]), (5, [2, 2, 1]), (10, [2] * 5)], ids=str
)
def test_large_batches_go_in_parts_and_nothing_is_lost_between_them(N, parts):
    layer, x, delta = built({"size": 5}, (N, 24, 24, 6))
    assert [len(x[part]) for part in layer._parts(x)] == parts
    alone = [both_passes(layer, x[n : n + 1], delta[n : n + 1]) for n in range(N)]
    y, dx, dW, db = both_passes(layer, x, delta)
    assert_allclose(y, np.concatenate([one[0] for one in alone]), rtol=1e-12, atol=1e-12)
    assert_allclose(dx, np.concatenate([one[1] for one in alone]), rtol=1e-12, atol=1e-12)
    assert_allclose(dW, sum(one[2] for one in alone), rtol=1e-12, atol=1e-11)
    assert_allclose(db, sum(one[3] for one in alone), rtol=1e-12, atol=1e-11)


def test_an_image_whose_windows_are_too_many_is_a_part_by_itself():
    layer, x, _ = built({"size": 5}, (3, 48, 48, 6))
    assert [len(x[part]) for part in layer._parts(x)] == [1, 1, 1]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_size_of_the_parts_changes_nothing(step, monkeypatch):
    layer, x, delta = built({"size": 3, "stride": 2, "padding": 1, "flip": True}, (5, 6, 5, 2))
    expected = convolution(layer, x, delta, ((1, 1), (1, 1)))
    parts = [slice(n, n + step) for n in range(0, 5, step)]
    monkeypatch.setattr(layer, "_parts", lambda _: parts)
    assert_close(both_passes(layer, x, delta), expected)


# Sizes and errors


@pytest.mark.parametrize(
    ("layer", "in_shape", "out_shape", "params", "products"),
    [
        (Conv2D(6, 5), (28, 28, 1), (24, 24, 6), 156, 86_400),
        (Conv2D(12, 5), (12, 12, 6), (8, 8, 12), 1812, 115_200),
        (Conv2D(6, 5, padding="same"), (28, 28, 1), (28, 28, 6), 156, 117_600),
        (Conv2D(4, 3, stride=2, bias=False), (8, 6, 2), (3, 2, 4), 72, 432),
        (Conv2D(1, (2, 3), dilation=2), (5, 6, 1), (3, 2, 1), 7, 36),
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
        (lambda: Conv2D(0, 3), "filters to be a whole number of at least 1, got 0"),
        (lambda: Conv2D(2, 0), "size to be a whole number of at least 1, got 0"),
        (
            lambda: Conv2D(2, (3, 3, 3)),
            "size to be a whole number or a pair of them, got (3, 3, 3)",
        ),
        (lambda: Conv2D(2, 3, stride=0), "stride to be a whole number of at least 1, got 0"),
        (lambda: Conv2D(2, 3, dilation=-1), "dilation to be a whole number of at least 1, got -1"),
        (lambda: Conv2D(2, 3, padding=-1), "padding to be a whole number of at least 0, got -1"),
        (lambda: Conv2D(2, 3, padding="full"), "padding to be one of 'same', 'valid', got 'full'"),
        (lambda: Conv2D(2, 3).build((5, 5)), "images of shape (N, H, W, C), got (N, 5, 5)"),
        (
            lambda: Conv2D(2, 3).build((5, 2, 1)),
            "images that a 3x3 window fits into with padding (0, 0), got (N, 5, 2, 1)",
        ),
        (
            lambda: Conv2D(2, (2, 3), dilation=3, padding="valid").build((4, 6, 1)),
            "images that a 4x7 window fits into with padding valid, got (N, 4, 6, 1)",
        ),
    ],
)
def test_settings_and_images_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'Conv2D expects {text}')}$"):
        make()
