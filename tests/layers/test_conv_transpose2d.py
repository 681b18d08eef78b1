"""ConvTranspose2D: the transpose of Conv2D, the definition in loops, SciPy, sizes, errors."""

import itertools
import re

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import convolve2d

from backprop.initializers import Constant, Given
from backprop.layers import Conv2D, ConvTranspose2D, Dense
from backprop.layers.windows import Window

# Settings, shape of x, and what they come to: (OH, OW), and what is cut off at the top and left.
TABLE = [
    ({"size": 3}, (2, 4, 3, 2), (6, 5), (0, 0)),
    ({"size": 1}, (1, 1, 1, 1), (1, 1), (0, 0)),
    ({"size": 2}, (1, 3, 4, 1), (4, 5), (0, 0)),
    ({"size": (1, 4)}, (2, 2, 1, 2), (2, 4), (0, 0)),
    ({"size": (3, 1), "padding": "valid"}, (2, 2, 3, 2), (4, 3), (0, 0)),
    ({"size": 1, "stride": 3}, (2, 2, 3, 2), (4, 7), (0, 0)),
    ({"size": 2, "stride": 2}, (2, 3, 4, 2), (6, 8), (0, 0)),
    ({"size": 3, "stride": 2}, (1, 3, 4, 2), (7, 9), (0, 0)),
    ({"size": 2, "stride": 3, "output_padding": (2, 1)}, (2, 2, 3, 2), (7, 9), (0, 0)),
    ({"size": 3, "padding": 1}, (2, 4, 4, 1), (4, 4), (1, 1)),
    ({"size": 4, "padding": 3}, (2, 5, 4, 2), (2, 1), (3, 3)),
    ({"size": (3, 2), "stride": (1, 2), "padding": (2, 1)}, (2, 4, 3, 2), (2, 4), (2, 1)),
    ({"size": 3, "stride": 2, "padding": 1, "output_padding": 1}, (2, 3, 3, 2), (6, 6), (1, 1)),
    ({"size": 2, "stride": 4, "padding": 1, "output_padding": 3}, (1, 2, 2, 1), (7, 7), (1, 1)),
    ({"size": 3, "dilation": 2}, (2, 3, 2, 2), (7, 6), (0, 0)),
    ({"size": (2, 3), "dilation": (3, 1), "stride": 2, "padding": 1}, (2, 3, 4, 1), (6, 7), (1, 1)),
    ({"size": 3, "padding": "same"}, (2, 4, 3, 2), (4, 3), (1, 1)),
    ({"size": 2, "padding": "same"}, (2, 3, 3, 1), (3, 3), (0, 0)),
    ({"size": 4, "padding": "same", "stride": 2}, (1, 3, 2, 2), (6, 4), (1, 1)),
    ({"size": 3, "padding": "same", "stride": 2}, (2, 3, 2, 2), (6, 4), (0, 0)),
    ({"size": 1, "padding": "same", "stride": 3}, (2, 2, 3, 1), (6, 9), (0, 0)),
    ({"size": (2, 3), "padding": "same", "stride": 3, "dilation": 2}, (2, 2, 3, 2), (6, 9), (0, 1)),
    ({"size": 3, "bias": False, "bias_init": Constant(3)}, (2, 4, 4, 2), (6, 6), (0, 0)),
]

every_row = pytest.mark.parametrize(
    ("settings", "shape", "image", "cut"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE]
)


def built(settings, shape, filters=2):
    """Return a layer whose bias is not zero, and images of `shape` and deltas for it."""
    rng = np.random.default_rng(0)
    layer = ConvTranspose2D(filters, **settings)
    out_shape = layer.build(shape[1:], rng=rng, dtype=np.float64)
    if layer.bias:
        layer.b += rng.standard_normal(filters)
    return layer, rng.standard_normal(shape), rng.standard_normal((shape[0], *out_shape))


def given(W, b, in_shape, **settings):
    """Return a ConvTranspose2D with the kernels `W` and the biases `b`."""
    init, bias_init = Given(W), Given(b)
    layer = ConvTranspose2D(
        np.shape(W)[2], np.shape(W)[:2], init=init, bias_init=bias_init, **settings
    )
    layer.build(in_shape, dtype=np.float64)
    return layer


def terms(x, W, image, cut, stride, dilation):
    """Yield the indices (n, u, v, f), (n, p, q, c) and (i, j, f, c) of every product in y."""
    (N, H, W_, C), (K, L, F, _) = x.shape, W.shape
    for n, p, q, c in itertools.product(range(N), range(H), range(W_), range(C)):
        for i, j, f in itertools.product(range(K), range(L), range(F)):
            u = p * stride[0] + i * dilation[0] - cut[0]
            v = q * stride[1] + j * dilation[1] - cut[1]
            if 0 <= u < image[0] and 0 <= v < image[1]:
                yield (n, u, v, f), (n, p, q, c), (i, j, f, c)


def stamps(layer, x, delta, image, cut):
    """Return y, dx, dW and db, product after product."""
    y, dx, dW = (np.zeros(shape) for shape in (delta.shape, x.shape, layer.W.shape))
    if layer.bias:
        y += layer.b
    for out, pixel, weight in terms(
        x, layer.W, image, cut, layer.window.stride, layer.window.dilation
    ):
        y[out] += x[pixel] * layer.W[weight]
        dx[pixel] += delta[out] * layer.W[weight]
        dW[weight] += delta[out] * x[pixel]
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
def test_both_passes_are_the_definition(settings, shape, image, cut):
    layer, x, delta = built(settings, shape)
    assert delta.shape == (shape[0], *image, 2)
    expected = stamps(layer, x, delta, image, cut)
    assert_close(both_passes(layer, x, delta), expected if layer.bias else expected[:-1])


# The transpose of a convolution


def whole_numbers(shape, rng):
    """Return random numbers whose products and sums are exact."""
    return rng.integers(-9, 10, shape).astype(np.float64)


def there_and_back(images, rng, **settings):
    """Return a Conv2D and the ConvTranspose2D that leads back to `images`, with the same W."""
    _, H, W, C = images.shape
    conv = Conv2D(2, bias=False, **settings)
    out_shape = conv.build((H, W, C), dtype=np.float64)
    conv.W[...] = whole_numbers(conv.W.shape, rng)
    back = ConvTranspose2D(
        C, bias=False, init=Given(conv.W), output_padding=left_out(conv.window, H, W), **settings
    )
    assert back.build(out_shape, dtype=np.float64) == (H, W, C)
    return conv, back, whole_numbers((len(images), *out_shape), rng)


def left_out(window, H, W):
    """Return how many rows and columns at the end no window of the convolution reaches."""
    if window.padding == "same":
        return 0
    return tuple(
        (L + 2 * p - (K - 1) * d - 1) % s
        for L, p, K, d, s in zip(
            (H, W), window.padding, window.size, window.dilation, window.stride, strict=True
        )
    )


pairs = {
    name: st.tuples(st.integers(least, most), st.integers(least, most))
    for name, least, most in [
        ("size", 1, 4),
        ("stride", 1, 4),
        ("dilation", 1, 3),
        ("padding", 0, 3),
    ]
}


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(
    st.builds(Window, st.just("Layer"), **pairs),
    st.tuples(*(st.integers(1, most) for most in (3, 8, 8, 3))),
    st.integers(0, 2**32 - 1),
)
def test_it_is_the_transpose_of_the_convolution_with_the_same_kernels(window, shape, seed):
    hypothesis.assume(min(window.positions(*shape[1:3])) >= 1)
    rng = np.random.default_rng(seed)
    x = whole_numbers(shape, rng)
    settings = {name: getattr(window, name) for name in pairs}
    conv, back, r = there_and_back(x, rng, **settings)
    assert (conv.forward(x)[0] * r).sum() == (x * back.forward(r)[0]).sum()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, (4, 1)])
def test_with_same_padding_too(size, dilation, stride):
    rng = np.random.default_rng(0)
    x = whole_numbers((2, 2 * stride, 3 * stride, 2), rng)
    settings = {"size": size, "dilation": dilation, "stride": stride, "padding": "same"}
    conv, back, r = there_and_back(x, rng, **settings)
    assert (conv.forward(x)[0] * r).sum() == (x * back.forward(r)[0]).sum()


def test_each_goes_backward_as_the_other_goes_forward():
    rng = np.random.default_rng(0)
    x = whole_numbers((3, 8, 7, 2), rng)
    settings = {"size": (3, 2), "dilation": (1, 2), "stride": (2, 3), "padding": (1, 0)}
    conv, back, r = there_and_back(x, rng, **settings)
    y, dx, dW = both_passes(conv, x, r)
    back_y, back_dx, back_dW = both_passes(back, r, x)
    assert_array_equal(back_y, dx)
    assert_array_equal(back_dx, y)
    assert_array_equal(back_dW, dW)


# Small numbers

KERNEL = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("settings", "y"),
    [
        ({}, [[1, 4, 4], [6, 20, 16], [9, 24, 16]]),
        ({"padding": 1}, [[20]]),
        ({"padding": "same"}, [[1, 4], [6, 20]]),
        ({"stride": 2}, [[1, 2, 2, 4], [3, 4, 6, 8], [3, 6, 4, 8], [9, 12, 12, 16]]),
        ({"stride": 2, "padding": 1}, [[4, 6], [6, 4]]),
        ({"stride": 2, "padding": 1, "output_padding": (1, 0)}, [[4, 6], [6, 4], [12, 12]]),
        (
            {"stride": (1, 3)},
            [[1, 2, 0, 2, 4], [6, 10, 0, 10, 16], [9, 12, 0, 12, 16]],
        ),
        (
            {"dilation": 2},
            [[1, 2, 2, 4], [3, 4, 6, 8], [3, 6, 4, 8], [9, 12, 12, 16]],
        ),
    ],
    ids=str,
)
def test_two_by_two_stamps_by_hand(settings, y):
    layer = given(KERNEL[..., None, None], [0.5], (2, 2, 1), **settings)
    assert_array_equal(layer.forward(KERNEL[None, ..., None])[0][0, ..., 0], np.array(y) + 0.5)


def test_backward_side_by_side_by_hand():
    layer = given(KERNEL[..., None, None], [0], (2, 2, 1), stride=2)
    delta = np.arange(1.0, 17.0).reshape(1, 4, 4, 1)
    _, dx, dW, db = both_passes(layer, KERNEL[None, ..., None], delta)
    assert_array_equal(dx.squeeze(), [[44, 64], [124, 144]])
    assert_array_equal(dW.squeeze(), [[78, 88], [118, 128]])
    assert db == 136


def test_stamps_that_do_not_touch_leave_the_bias_between_them():
    layer = given(np.ones((1, 1, 1, 1)), [7], (2, 2, 1), stride=3, output_padding=1)
    y = layer.forward(np.ones((1, 2, 2, 1)))[0][0, ..., 0]
    row = np.array([1, 0, 0, 1, 0])
    assert_array_equal(y, np.outer(row, row) + 7)


def test_a_bilinear_kernel_doubles_an_image():
    tent = np.array([0.25, 0.75, 0.75, 0.25])
    layer = given(np.outer(tent, tent)[..., None, None], [0], (5, 6, 1), stride=2, padding=1)
    ramp = 3 * np.arange(5.0)[:, None] - 2 * np.arange(6.0) + 1
    y = layer.forward(ramp[None, ..., None])[0][0, ..., 0]
    middles_of_halves = (np.arange(12) - 0.5) / 2
    expected = 3 * middles_of_halves[:10, None] - 2 * middles_of_halves + 1
    assert_allclose(y[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-14)


# The same map in other words


@every_row
def test_it_is_scipys_full_convolution_of_the_image_with_zeros_in_between(
    settings, shape, image, cut
):
    layer, x, _ = built(settings, shape)
    (s, t), (d, e), (K, L) = layer.window.stride, layer.window.dilation, layer.window.size
    N, H, W, C = shape
    apart = np.zeros((N, (H - 1) * s + 1, (W - 1) * t + 1, C))
    apart[:, ::s, ::t] = x
    kernel = np.zeros(((K - 1) * d + 1, (L - 1) * e + 1, 2, C))
    kernel[::d, ::e] = layer.W
    full = [
        [sum(convolve2d(apart[n, ..., c], kernel[:, :, f, c]) for c in range(C)) for f in range(2)]
        for n in range(N)
    ]
    wide = np.pad(np.moveaxis(full, 1, -1), [(0, 0), (0, s), (0, t), (0, 0)])
    rows, columns = (slice(c, c + L) for c, L in zip(cut, image, strict=True))
    expected = wide[:, rows, columns] + layer.b
    assert_allclose(layer.forward(x)[0], expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 3, (2, 4)])
def test_with_stride_1_it_is_a_convolution_with_the_kernels_rotated(size):
    layer, x, delta = built({"size": size}, (2, 5, 4, 3))
    K, L = layer.window.size
    turned = layer.W.swapaxes(2, 3)
    conv = Conv2D(
        2, size, padding=(K - 1, L - 1), flip=True, init=Given(turned), bias_init=Given(layer.b)
    )
    conv.build((5, 4, 3), dtype=np.float64)
    y, dx, dW, db = both_passes(conv, x, delta)
    assert_close(both_passes(layer, x, delta), (y, dx, dW.swapaxes(2, 3), db))


def test_a_stamp_of_one_pixel_is_dense_on_every_pixel():
    layer, x, delta = built({"size": 1}, (2, 4, 5, 3))
    dense = Dense(2, init=Given(layer.W[0, 0].T), bias_init=Given(layer.b))
    dense.build((4, 5, 3), dtype=np.float64)
    y, dx, dW, db = both_passes(layer, x, delta)
    assert_close((y, dx, dW[0, 0].T, db), both_passes(dense, x, delta))


def test_on_a_single_pixel_it_is_dense():
    layer, x, delta = built({"size": (2, 3), "bias": False}, (3, 1, 1, 4))
    dense = Dense(12, bias=False, init=Given(layer.W.reshape(12, 4).T))
    dense.build((4,), dtype=np.float64)
    y, dx, dW = both_passes(dense, x.reshape(3, 4), delta.reshape(3, 12))
    expected = y.reshape(3, 2, 3, 2), dx.reshape(3, 1, 1, 4), dW.T.reshape(2, 3, 2, 4)
    assert_close(both_passes(layer, x, delta), expected)


# A few images at a time


@pytest.mark.parametrize(
    ("N", "parts"), [(1, [1]), (4, [4]), (5, [4, 1]), (10, [4, 4, 2])], ids=str
)
def test_large_batches_go_in_parts_and_nothing_is_lost_between_them(N, parts):
    layer, x, delta = built({"size": 5}, (N, 20, 20, 3), filters=6)
    assert [len(x[part]) for part in layer._parts(x)] == parts
    alone = [both_passes(layer, x[n : n + 1], delta[n : n + 1]) for n in range(N)]
    y, dx, dW, db = both_passes(layer, x, delta)
    assert_allclose(y, np.concatenate([one[0] for one in alone]), rtol=1e-12, atol=1e-12)
    assert_allclose(dx, np.concatenate([one[1] for one in alone]), rtol=1e-12, atol=1e-12)
    assert_allclose(dW, sum(one[2] for one in alone), rtol=1e-12, atol=1e-11)
    assert_allclose(db, sum(one[3] for one in alone), rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_size_of_the_parts_changes_nothing(step, monkeypatch):
    settings = {"size": 3, "stride": 2, "padding": 1, "output_padding": 1}
    layer, x, delta = built(settings, (5, 3, 3, 2))
    expected = stamps(layer, x, delta, (6, 6), (1, 1))
    slices = [slice(n, n + step) for n in range(0, 5, step)]
    monkeypatch.setattr(layer, "_parts", lambda _: slices)
    assert_close(both_passes(layer, x, delta), expected)


# Sizes and errors


@pytest.mark.parametrize(
    ("layer", "in_shape", "out_shape", "params", "products"),
    [
        # the generator of DCGAN, from 100 numbers to an image
        (ConvTranspose2D(1024, 4, bias=False), (1, 1, 100), (4, 4, 1024), 1_638_400, 1_638_400),
        (ConvTranspose2D(8, 4, stride=2, padding=1), (4, 4, 16), (8, 8, 8), 2056, 32_768),
        (ConvTranspose2D(3, 4, stride=2, padding=1), (32, 32, 2), (64, 64, 3), 99, 98_304),
        (ConvTranspose2D(33, 3, stride=2), (50, 100, 16), (101, 201, 33), 4785, 23_760_000),
        (
            ConvTranspose2D(5, (3, 5), stride=(2, 1), padding=(4, 2)),
            (50, 100, 1),
            (93, 100, 5),
            80,
            375_000,
        ),
        (
            ConvTranspose2D(1, 3, stride=2, padding=1, output_padding=1),
            (6, 6, 1),
            (12, 12, 1),
            10,
            324,
        ),
        (ConvTranspose2D(1, 3, stride=2, padding="same"), (6, 7, 1), (12, 14, 1), 10, 378),
        (ConvTranspose2D(2, 2, stride=3, padding="valid"), (2, 3, 1), (5, 8, 2), 10, 48),
    ],
    ids=str,
)
def test_output_shape_parameters_and_multiply_adds(layer, in_shape, out_shape, params, products):
    assert layer.build(in_shape, rng=0) == out_shape
    assert layer.param_count == params
    assert layer.multiply_adds(in_shape) == products


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_output_padding_chooses_among_the_sizes_that_a_convolution_leaves_alike(extra):
    layer = ConvTranspose2D(1, 4, stride=3, padding=2, output_padding=extra)
    image = layer.build((5, 4, 1))
    assert image == (12 + extra, 9 + extra, 1)
    assert Conv2D(1, 4, stride=3, padding=2).build(image) == (5, 4, 1)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ConvTranspose2D(0, 3), "filters to be a whole number of at least 1, got 0"),
        (lambda: ConvTranspose2D(2, 0), "size to be a whole number of at least 1, got 0"),
        (
            lambda: ConvTranspose2D(2, (3, 3, 3)),
            "size to be a whole number or a pair of them, got (3, 3, 3)",
        ),
        (
            lambda: ConvTranspose2D(2, 3, stride=0),
            "stride to be a whole number of at least 1, got 0",
        ),
        (
            lambda: ConvTranspose2D(2, 3, dilation=-1),
            "dilation to be a whole number of at least 1, got -1",
        ),
        (
            lambda: ConvTranspose2D(2, 3, padding=-1),
            "padding to be a whole number of at least 0, got -1",
        ),
        (
            lambda: ConvTranspose2D(2, 3, padding="full"),
            "padding to be one of 'same', 'valid', got 'full'",
        ),
        (
            lambda: ConvTranspose2D(2, 3, output_padding=-1),
            "output_padding to be a whole number of at least 0, got -1",
        ),
        (
            lambda: ConvTranspose2D(2, 3, stride=2, output_padding=2),
            "output_padding to be less than the stride 2, got 2",
        ),
        (
            lambda: ConvTranspose2D(2, 3, stride=(3, 1), output_padding=(2, 1)),
            "output_padding to be less than the stride (3, 1), got (2, 1)",
        ),
        (
            lambda: ConvTranspose2D(2, 3, dilation=4, output_padding=1),
            "output_padding to be less than the stride 1, got 1",
        ),
        (
            lambda: ConvTranspose2D(2, 3, stride=2, padding="same", output_padding=1),
            "output_padding to be 0 with padding 'same', got 1",
        ),
        (
            lambda: ConvTranspose2D(2, 3).build((5, 5)),
            "images of shape (N, H, W, C), got (N, 5, 5)",
        ),
        (
            lambda: ConvTranspose2D(2, 3, padding=2).build((2, 9, 1)),
            "images that padding (2, 2) leaves something of, got (N, 2, 9, 1)",
        ),
        (
            lambda: ConvTranspose2D(2, (4, 1), stride=2, padding=(0, 4)).build((1, 4, 2)),
            "images that padding (0, 4) leaves something of, got (N, 1, 4, 2)",
        ),
    ],
)
def test_settings_and_images_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'ConvTranspose2D expects {text}')}$"):
        make()


def test_the_smallest_image_that_padding_leaves_something_of():
    assert ConvTranspose2D(2, 3, padding=2).build((3, 3, 1)) == (1, 1, 2)
