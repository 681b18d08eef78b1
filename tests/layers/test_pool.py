"""Pools: published numbers, the explicit matrix of each, ties, padding, overlaps, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.layers import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool

# Size, settings, (H, W), and the margins ((top, bottom), (left, right)) that they come to.
NONE = ((0, 0), (0, 0))
TABLE = [
    ((2, 2), {}, (4, 6), NONE),
    ((1, 1), {}, (2, 3), NONE),
    ((2, 2), {}, (5, 3), NONE),
    ((4, 5), {}, (4, 5), NONE),
    ((3, 3), {"stride": 1}, (5, 4), NONE),
    ((3, 3), {"stride": 2}, (6, 6), NONE),
    ((2, 2), {"stride": 3}, (5, 7), NONE),
    ((1, 3), {"stride": (2, 1)}, (4, 5), NONE),
    ((3, 3), {"stride": 2, "padding": 1}, (5, 6), ((1, 1), (1, 1))),
    ((3, 2), {"padding": (2, 1)}, (4, 4), ((2, 2), (1, 1))),
    ((2, 2), {"stride": 1, "padding": (0, 1)}, (3, 3), ((0, 0), (1, 1))),
    ((2, 2), {"padding": "same"}, (5, 5), ((0, 1), (0, 1))),
    ((3, 4), {"stride": 2, "padding": "same"}, (5, 6), ((1, 1), (1, 1))),
    ((2, 2), {"padding": "valid"}, (3, 5), NONE),
]

every_row = pytest.mark.parametrize(
    ("size", "settings", "image", "margins"),
    TABLE,
    ids=[f"{size}-{settings}-{image}" for size, settings, image, _ in TABLE],
)
each_pool = pytest.mark.parametrize("pool", [MaxPool, AvgPool])


def line(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def seen(size, settings, image, margins):
    """Yield, for each window in turn, the pixels that it sees, as numbers from 0 to H*W - 1."""
    (K, L), (H, W), ((top, bottom), (left, right)) = size, image, margins
    stride = settings.get("stride", size)
    s, t = stride if isinstance(stride, tuple) else (stride, stride)
    for p in range((top + H + bottom - K) // s + 1):
        for q in range((left + W + right - L) // t + 1):
            places = [(p * s + i - top, q * t + j - left) for i in range(K) for j in range(L)]
            yield [u * W + v for u, v in places if 0 <= u < H and 0 <= v < W]


def routing_matrix(x, pixels_of_windows):
    """Return M of y = M x for max pooling of the pixels x: row by row a 1 at the first winner."""
    M = np.zeros((len(pixels_of_windows), len(x)))
    for row, pixels in zip(M, pixels_of_windows, strict=True):
        winner = pixels[0]
        for pixel in pixels:
            if x[pixel] > x[winner]:
                winner = pixel
        row[winner] = 1
    return M


def averaging_matrix(x, pixels_of_windows, places=None):
    """Return M of y = M x for average pooling: equal shares of all places, or of true pixels."""
    M = np.zeros((len(pixels_of_windows), len(x)))
    for row, pixels in zip(M, pixels_of_windows, strict=True):
        row[pixels] = 1 / (places or len(pixels))
    return M


def assert_is_its_matrix(layer, x, matrix):
    """Compare both passes with `matrix(pixels)`, image by image and channel by channel."""
    layer.build(x.shape[1:])
    y, cache = layer.forward(x)
    delta = np.random.default_rng(1).standard_normal(y.shape)
    dx, grads = layer.backward(delta, cache)
    for n, c in np.ndindex(len(x), x.shape[-1]):
        M = matrix(x[n, ..., c].ravel())
        assert_allclose(y[n, ..., c].ravel(), M @ x[n, ..., c].ravel(), rtol=1e-12, atol=1e-15)
        assert_allclose(
            dx[n, ..., c].ravel(), M.T @ delta[n, ..., c].ravel(), rtol=1e-12, atol=1e-15
        )
    assert grads == {}


@pytest.mark.parametrize("kind", ["different", "tied", "all equal", "negative", "one hot"])
@every_row
def test_max_pooling_is_its_routing_matrix(size, settings, image, margins, kind):
    rng = np.random.default_rng(0)
    shape = (2, *image, 3)
    x = {
        "different": rng.permutation(np.prod(shape)).reshape(shape) - 50.0,
        "tied": rng.integers(0, 3, shape) - 1.0,
        "all equal": np.full(shape, 7.0),
        "negative": -1 - rng.random(shape),
        "one hot": (rng.random(shape) < 0.1).astype(float),
    }[kind]
    pixels = list(seen(size, settings, image, margins))
    layer = MaxPool(size, **settings)
    assert_is_its_matrix(layer, x, lambda one: routing_matrix(one, pixels))


@pytest.mark.parametrize("count_include_pad", [True, False])
@every_row
def test_average_pooling_is_its_matrix(size, settings, image, margins, count_include_pad):
    x = np.random.default_rng(0).standard_normal((3, *image, 2))
    pixels = list(seen(size, settings, image, margins))
    places = size[0] * size[1] if count_include_pad else None
    layer = AvgPool(size, count_include_pad=count_include_pad, **settings)
    assert_is_its_matrix(layer, x, lambda one: averaging_matrix(one, pixels, places))


def test_four_by_four_image_by_hand():
    x = np.array([[1, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]], float)
    y, cache = MaxPool(2).forward(x[None, ..., None])
    dx, _ = MaxPool(2).backward(np.array([[1.0, 2.0], [3.0, 4.0]])[None, ..., None], cache)
    assert_array_equal(y[0, ..., 0], [[9, 2], [6, 3]])
    routed = [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 4], [0, 3, 0, 0]]
    assert_array_equal(dx[0, ..., 0], routed)


def test_published_max_pooling():
    x = line(-0.3, 0.4, 2, 3, 4, 4).transpose(0, 2, 3, 1)
    y, _ = MaxPool(2).forward(x)
    first = [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]]
    last = [[0.32631579, 0.34105263], [0.38526316, 0.4]]
    assert_allclose(y[0, ..., 0], first, rtol=0, atol=1e-8)
    assert_allclose(y[1, ..., 2], last, rtol=0, atol=1e-8)


def test_side_by_side_an_average_repeats_a_quarter_of_its_delta():
    rng = np.random.default_rng(0)
    x, delta = rng.standard_normal((2, 4, 6, 3)), rng.standard_normal((2, 2, 3, 3))
    y, cache = AvgPool(2).forward(x)
    corners = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    assert_allclose(y, sum(corners) / 4, rtol=1e-12)
    dx, _ = AvgPool(2).backward(delta, cache)
    assert_allclose(dx, delta.repeat(2, axis=1).repeat(2, axis=2) / 4, rtol=1e-12)


def test_a_pixel_that_wins_twice_gets_both_deltas():
    layer = MaxPool((1, 2), stride=1)
    _, cache = layer.forward(np.array([1.0, 5.0, 2.0]).reshape(1, 1, 3, 1))
    dx, _ = layer.backward(np.array([10.0, 20.0]).reshape(1, 1, 2, 1), cache)
    assert_array_equal(dx.ravel(), [0, 30, 0])


@pytest.mark.parametrize("value", [-3.0, 0.0, 5.0])
def test_a_tie_goes_to_the_first_winner_and_is_handed_down_once(value):
    y, cache = MaxPool(2).forward(np.full((1, 4, 4, 2), value))
    delta = np.arange(1.0, 9.0).reshape(y.shape)
    dx, _ = MaxPool(2).backward(delta, cache)
    assert_array_equal(dx[:, ::2, ::2], delta)
    assert dx.sum() == delta.sum()


@pytest.mark.parametrize("padding", [1, 2, "same"])
def test_padding_never_wins(padding):
    layer = MaxPool(3, stride=1, padding=padding)
    x = np.full((1, 3, 3, 1), -1e30)
    layer.build(x.shape[1:])
    y, cache = layer.forward(x)
    assert_array_equal(y, np.full(y.shape, -1e30))
    dx, _ = layer.backward(np.ones_like(y), cache)
    assert dx.sum() == y.size


def test_the_last_of_many_places_can_win():
    x = np.zeros((1, 17, 17, 1))  # 289 places do not fit into a byte
    x[0, -1, -1, 0] = 1
    y, cache = MaxPool(17).forward(x)
    assert y == 1
    assert_array_equal(MaxPool(17).backward(np.full(y.shape, 3.0), cache)[0], 3 * x)


@pytest.mark.parametrize(("count_include_pad", "corner", "edge"), [(True, 4, 6), (False, 9, 9)])
def test_whether_an_average_counts_its_padding(count_include_pad, corner, edge):
    layer = AvgPool(3, stride=1, padding=1, count_include_pad=count_include_pad)
    y, _ = layer.forward(np.full((1, 3, 3, 1), 9.0))
    expected = [[corner, edge, corner], [edge, 9, edge], [corner, edge, corner]]
    assert_allclose(y[0, ..., 0], expected, rtol=1e-15)


@each_pool
def test_the_stride_is_the_size_if_nothing_is_said(pool):
    x = np.random.default_rng(0).standard_normal((2, 6, 6, 2))
    assert_array_equal(pool((2, 3)).forward(x)[0], pool((2, 3), stride=(2, 3)).forward(x)[0])


# The whole image


@pytest.mark.parametrize("kind", ["different", "tied", "all equal", "negative"])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 4, 2), (3, 1, 5, 3), (2, 4, 1, 2)], ids=str)
def test_global_pools_are_their_definition(shape, kind):
    rng = np.random.default_rng(0)
    x = {
        "different": rng.permutation(np.prod(shape)).reshape(shape) - 8.0,
        "tied": rng.integers(0, 3, shape) - 1.0,
        "all equal": np.full(shape, 7.0),
        "negative": -1 - rng.random(shape),
    }[kind]
    N, H, W, C = shape
    delta = rng.standard_normal((N, C))
    largest, mean = np.zeros((N, C)), np.zeros((N, C))
    d_largest, d_mean = np.zeros(shape), np.zeros(shape)
    for n, c in np.ndindex(N, C):
        pixels = [(n, u, v, c) for u in range(H) for v in range(W)]
        winner = pixels[0]
        for pixel in pixels:
            winner = pixel if x[pixel] > x[winner] else winner
            mean[n, c] += x[pixel] / (H * W)
            d_mean[pixel] = delta[n, c] / (H * W)
        largest[n, c] = x[winner]
        d_largest[winner] = delta[n, c]
    for layer, y, dx in [
        (GlobalMaxPool(), largest, d_largest),
        (GlobalAvgPool(), mean, d_mean),
    ]:
        got, cache = layer.forward(x)
        assert_allclose(got, y, rtol=1e-14)
        assert_allclose(layer.backward(delta, cache)[0], dx, rtol=1e-15)


@pytest.mark.parametrize(
    ("layer", "window"), [(GlobalMaxPool(), MaxPool((4, 5))), (GlobalAvgPool(), AvgPool((4, 5)))]
)
def test_a_global_pool_is_one_with_a_window_as_large_as_the_image(layer, window):
    rng = np.random.default_rng(0)
    x, delta = rng.integers(-3, 4, (3, 4, 5, 2)).astype(float), rng.standard_normal((3, 2))
    y, cache = layer.forward(x)
    expected, of_window = window.forward(x)
    assert_allclose(y, expected[:, 0, 0], rtol=1e-15, atol=1e-15)
    dx = window.backward(delta[:, None, None], of_window)[0]
    assert_allclose(layer.backward(delta, cache)[0], dx, rtol=1e-15)


def test_a_global_tie_goes_to_the_first_pixel_row_by_row():
    x = np.array([[0.0, 2.0, 1.0], [2.0, 2.0, -1.0]])[None, ..., None]
    y, cache = GlobalMaxPool().forward(x)
    assert y == 2
    dx, _ = GlobalMaxPool().backward(np.array([[5.0]]), cache)
    assert_array_equal(dx[0, ..., 0], [[0, 5, 0], [0, 0, 0]])


@pytest.mark.parametrize("pool", [GlobalMaxPool, GlobalAvgPool])
def test_a_global_pool_takes_images_of_any_size(pool):
    layer = pool()
    layer.build((4, 4, 3))
    assert layer.forward(np.ones((2, 7, 5, 3)))[0].shape == (2, 3)


@pytest.mark.parametrize("pool", [GlobalMaxPool, GlobalAvgPool])
@pytest.mark.parametrize(("in_shape", "got"), [((4, 3), "(N, 4, 3)"), ((), "(N,)")])
def test_global_pools_of_what_is_no_image(pool, in_shape, got):
    text = f"{pool.__name__} expects images of shape (N, H, W, C), got {got}"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        pool().build(in_shape)


# Sizes and errors


@pytest.mark.parametrize(
    ("layer", "in_shape", "out_shape", "products"),
    [
        (MaxPool(2), (24, 24, 6), (12, 12, 6), 0),
        (AvgPool(2), (24, 24, 6), (12, 12, 6), 3456),
        (MaxPool(3, stride=2), (6, 7, 1), (2, 3, 1), 0),
        (AvgPool(3, stride=2, padding=1), (5, 5, 2), (3, 3, 2), 162),
        (MaxPool(2, padding="same"), (5, 3, 4), (3, 2, 4), 0),
        (GlobalMaxPool(), (7, 7, 64), (64,), 0),
        (GlobalAvgPool(), (7, 7, 64), (64,), 3136),
    ],
    ids=str,
)
def test_output_shape_and_multiply_adds(layer, in_shape, out_shape, products):
    assert layer.build(in_shape) == out_shape
    assert layer.multiply_adds(in_shape) == products
    assert layer.params == {}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda pool: pool(0), "size to be a whole number of at least 1, got 0"),
        (lambda pool: pool((2,)), "size to be a whole number or a pair of them, got (2,)"),
        (lambda pool: pool(2, stride=0), "stride to be a whole number of at least 1, got 0"),
        (lambda pool: pool(2, padding=-1), "padding to be a whole number of at least 0, got -1"),
        (lambda pool: pool(2, padding="half"), "padding to be one of 'same', 'valid', got 'half'"),
        (lambda pool: pool(2, padding=2), "padding to be less than the size 2, got 2"),
        (
            lambda pool: pool((3, 2), padding=(1, 2)),
            "padding to be less than the size (3, 2), got (1, 2)",
        ),
        (lambda pool: pool(2).build((4, 4)), "images of shape (N, H, W, C), got (N, 4, 4)"),
        (
            lambda pool: pool(3).build((5, 2, 1)),
            "images that a 3x3 window fits into with padding (0, 0), got (N, 5, 2, 1)",
        ),
    ],
)
@each_pool
def test_settings_and_images_that_do_not_fit(pool, make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'{pool.__name__} expects {text}')}$"):
        make(pool)
