"""windows and fold: copies, counts, margins, and that each is the transpose of the other."""

import math
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from backprop import compiled
from backprop.layers.windows import Window, parts

pairs = {
    "size": st.tuples(st.integers(1, 4), st.integers(1, 4)),
    "stride": st.tuples(st.integers(1, 4), st.integers(1, 4)),
    "dilation": st.tuples(st.integers(1, 3), st.integers(1, 3)),
}
paddings = st.one_of(
    st.sampled_from(["same", "valid"]), st.tuples(st.integers(0, 3), st.integers(0, 3))
)
shapes = st.tuples(*(st.integers(1, most) for most in (3, 8, 8, 3)))
seeds = st.integers(0, 2**32 - 1)


def over_all_windows(test):
    """Run `test(window, images, rng)` for 200 windows that fit into their images."""

    @settings(max_examples=200, deadline=None)
    @given(st.builds(Window, st.just("Layer"), padding=paddings, **pairs), shapes, seeds)
    def run(window, shape, seed):
        assume(min(window.positions(*shape[1:3])) >= 1)
        rng = np.random.default_rng(seed)
        test(window, whole_numbers(shape, rng), rng)

    return run


def whole_numbers(shape, rng):
    """Return random numbers whose products and sums are exact."""
    return rng.integers(-99, 100, shape).astype(np.float64)


def start(window, L, axis):
    """Return how many pixels lie before the image, by the definition of each padding."""
    K, s, d = (value[axis] for value in (window.size, window.stride, window.dilation))
    if window.padding == "valid":
        return 0
    if window.padding == "same":
        return max((math.ceil(L / s) - 1) * s + d * (K - 1) + 1 - L, 0) // 2
    return window.padding[axis]


def count(window, L, axis):
    """Return how many windows fit, by the published formulas."""
    K, s, d = (value[axis] for value in (window.size, window.stride, window.dilation))
    if window.padding == "same":
        return math.ceil(L / s)
    p = 0 if window.padding == "valid" else window.padding[axis]
    return math.floor((L + 2 * p - d * (K - 1) - 1) / s) + 1


def looked_at(window, H, W):
    """Yield ((p, q, i, j), (u, v)): which pixel of the image each place of each window sees."""
    (s, t), (d, e) = window.stride, window.dilation
    top, left = start(window, H, 0), start(window, W, 1)
    for p, q in np.ndindex(count(window, H, 0), count(window, W, 1)):
        for i, j in np.ndindex(window.size):
            u, v = p * s + i * d - top, q * t + j * e - left
            if 0 <= u < H and 0 <= v < W:
                yield (p, q, i, j), (u, v)


@over_all_windows
def test_fold_is_the_transpose_of_windows(window, x, rng):
    _, H, W, _ = x.shape
    X = window.windows(x)
    R = whole_numbers(X.shape, rng)
    folded = window.fold(R, H, W)
    assert folded.shape == x.shape
    assert (X * R).sum() == (x * folded).sum()


@over_all_windows
def test_windows_copy_the_pixels_they_see_and_zeros_elsewhere(window, x, rng):
    N, H, W, C = x.shape
    expected = np.zeros((N, count(window, H, 0), count(window, W, 1), *window.size, C))
    for (p, q, i, j), (u, v) in looked_at(window, H, W):
        expected[:, p, q, i, j] = x[:, u, v]
    assert_array_equal(window.windows(x), expected)


@over_all_windows
def test_fold_sums_what_comes_back_to_a_pixel(window, x, rng):
    _, H, W, _ = x.shape
    dX = whole_numbers(window.windows(x).shape, rng)
    expected = np.zeros(x.shape)
    for (p, q, i, j), (u, v) in looked_at(window, H, W):
        expected[:, u, v] += dX[:, p, q, i, j]
    assert_array_equal(window.fold(dX, H, W), expected)


@over_all_windows
def test_counts_are_the_published_formulas(window, x, rng):
    _, H, W, C = x.shape
    counts = count(window, H, 0), count(window, W, 1)
    assert window.positions(H, W) == counts
    assert window.check("Layer", (H, W, C)) == counts


@over_all_windows
def test_crop_is_the_transpose_of_pad(window, x, rng):
    _, H, W, _ = x.shape
    padded = window.pad(x)
    r = whole_numbers(padded.shape, rng)
    assert (padded * r).sum() == (x * window.crop(r, H, W)).sum()
    assert_array_equal(window.crop(padded, H, W), x)


@over_all_windows
def test_views_are_the_windows_place_by_place(window, x, rng):
    _, H, W, _ = x.shape
    X = window.windows(x)
    views = list(window.views(window.pad(x), H, W))
    assert len(views) == window.places == math.prod(window.size)
    for (i, j), view in zip(np.ndindex(window.size), views, strict=True):
        assert_array_equal(view, X[:, :, :, i, j])


# Image length, size, stride, dilation, padding: windows, pixels added before and after.
LENGTHS = [
    (28, 5, 1, 1, 0, 24, 0, 0),
    (28, 5, 1, 1, 2, 28, 2, 2),
    (28, 5, 1, 1, "same", 28, 2, 2),
    (28, 2, 1, 1, "same", 28, 0, 1),
    (28, 4, 1, 1, "same", 28, 1, 2),
    (7, 3, 2, 1, "same", 4, 1, 1),
    (8, 3, 2, 1, "same", 4, 0, 1),
    (5, 1, 3, 1, "same", 2, 0, 0),
    (7, 3, 1, 2, "same", 7, 2, 2),
    (7, 3, 1, 2, "valid", 3, 0, 0),
    (6, 3, 2, 1, "valid", 2, 0, 0),
    (6, 2, 3, 1, 0, 2, 0, 0),
    (1, 3, 1, 1, 1, 1, 1, 1),
]


@pytest.mark.parametrize(
    ("L", "size", "stride", "dilation", "padding", "positions", "before", "after"), LENGTHS
)
def test_counts_and_margins(L, size, stride, dilation, padding, positions, before, after):
    window = Window("Layer", size, stride, dilation, padding)
    assert window.positions(L, L) == (positions, positions)
    assert window.margins(L, L) == ((before, after), (before, after))


def test_pad_fills_the_margins_with_the_value():
    window = Window("Layer", 2, padding=(1, 0))
    x = np.ones((1, 1, 2, 1), np.float32)
    padded = window.pad(x, -np.inf)
    assert padded.dtype == np.float32
    assert_array_equal(padded[0, :, :, 0], [[-np.inf, -np.inf], [1, 1], [-np.inf, -np.inf]])


def test_nothing_is_copied_where_there_is_no_margin():
    x = np.ones((2, 4, 4, 1))
    assert Window("Layer", 2).pad(x) is x


@pytest.mark.parametrize(
    ("size", "channels", "transposed"), [(1, 1, True), (3, 1, True), (1, 6, False), (3, 2, False)]
)
def test_windows_lie_in_one_piece_and_are_no_way_to_write_into_the_images(
    size, channels, transposed
):
    x = np.zeros((2, 6, 6, channels))
    X = Window("Layer", size).windows(x)
    matrix = X.reshape(-1, size * size * channels)
    assert np.shares_memory(matrix, X)
    assert matrix.flags["F_CONTIGUOUS" if transposed else "C_CONTIGUOUS"]
    assert not (X.flags.writeable and np.shares_memory(X, x))


@over_all_windows
def test_windows_are_a_matrix_without_a_copy(window, x, rng):
    X = window.windows(x)
    matrix = X.reshape(-1, window.places * x.shape[-1])
    assert np.shares_memory(matrix, X)
    assert matrix.flags.c_contiguous or matrix.flags.f_contiguous


@pytest.mark.fast
@over_all_windows
def test_the_compiled_fold_sums_in_the_same_order(window, x, rng):
    _, H, W, _ = x.shape
    dX = rng.normal(size=window.windows(x).shape)
    for each in dX, dX.astype(np.float32), dX[::-1, ::-1], np.broadcast_to(dX, dX.shape):
        with compiled.readable():
            expected = window.fold(each, H, W)
        folded = window.fold(each, H, W)
        assert folded.dtype == each.dtype
        assert_array_equal(folded, expected)


@pytest.mark.fast
def test_the_compiled_fold_hands_on_what_is_no_number():
    window = Window("Layer", 2)
    dX = np.ones((1, 2, 2, 2, 2, 1))
    dX[0, 0, 0, 1, 1] = np.nan
    dX[0, 1, 1, 1, 1] = np.inf
    expected = [[1, 2, 1], [2, np.nan, 2], [1, 2, np.inf]]
    assert_array_equal(window.fold(dX, 3, 3)[0, :, :, 0], expected)


@pytest.mark.fast
def test_no_image_folds_into_none():
    assert Window("Layer", 2).fold(np.ones((0, 2, 2, 2, 2, 1)), 3, 3).shape == (0, 3, 3, 1)


def test_pixels_that_no_window_reaches_get_zero():
    window = Window("Layer", 2, stride=3)
    dx = window.fold(np.ones((1, 2, 2, 2, 2, 1)), 6, 7)
    row = np.array([1, 1, 0, 1, 1, 0])
    assert_array_equal(dx[0, :, :, 0], np.outer(row, [*row, 0]))


def test_fold_of_ones_counts_the_windows_over_each_pixel():
    dx = Window("Layer", (1, 3)).fold(np.ones((1, 1, 4, 1, 3, 1)), 1, 6)
    assert_array_equal(dx[0, 0, :, 0], [1, 2, 3, 3, 2, 1])


def test_a_number_stands_for_a_pair():
    window = Window("Layer", 3, 2, 1, 1)
    assert (window.size, window.stride, window.dilation) == ((3, 3), (2, 2), (1, 1))
    assert window.padding == (1, 1)


@pytest.mark.parametrize(
    ("N", "numbers", "sizes"),
    [
        (5, 2**16, [4, 1]),
        (8, 2**16, [4, 4]),
        (3, 2**16 + 1, [3]),
        (4, 2**16 + 1, [3, 1]),
        (3, 2**18, [1, 1, 1]),
        (2, 2**30, [1, 1]),
        (7, 1, [7]),
        (0, 9, []),
    ],
)
def test_parts_are_a_few_images_each_and_all_together(N, numbers, sizes):
    images = np.arange(N)
    each = [images[part] for part in parts(images, numbers)]
    assert [len(part) for part in each] == sizes
    assert_array_equal(np.concatenate([*each, images[:0]]), images)


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"size": 0}, "size to be a whole number of at least 1, got 0"),
        ({"size": (3, -1)}, "size to be a whole number of at least 1, got -1"),
        ({"size": 2.5}, "size to be a whole number of at least 1, got 2.5"),
        ({"size": (1, 2, 3)}, "size to be a whole number or a pair of them, got (1, 2, 3)"),
        ({"stride": 0}, "stride to be a whole number of at least 1, got 0"),
        ({"dilation": 0}, "dilation to be a whole number of at least 1, got 0"),
        ({"padding": -1}, "padding to be a whole number of at least 0, got -1"),
        ({"padding": (0, None)}, "padding to be a whole number of at least 0, got None"),
        ({"padding": "full"}, "padding to be one of 'same', 'valid', got 'full'"),
    ],
)
def test_settings_out_of_range(setting, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'Layer expects {text}')}$"):
        Window("Layer", **{"size": 3, **setting})


@pytest.mark.parametrize(
    ("window", "in_shape", "text"),
    [
        (Window("", 3), (5, 5), "images of shape (N, H, W, C), got (N, 5, 5)"),
        (Window("", 3), (5,), "images of shape (N, H, W, C), got (N, 5)"),
        (
            Window("", 3),
            (5, 2, 1),
            "images that a 3x3 window fits into with padding (0, 0), got (N, 5, 2, 1)",
        ),
        (
            Window("", (2, 3), dilation=2, padding=(0, 1)),
            (2, 4, 1),
            "images that a 3x5 window fits into with padding (0, 1), got (N, 2, 4, 1)",
        ),
        (
            Window("", (1, 6), padding="valid"),
            (9, 5, 1),
            "images that a 1x6 window fits into with padding valid, got (N, 9, 5, 1)",
        ),
    ],
)
def test_images_that_no_window_fits_into(window, in_shape, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'Layer expects {text}')}$"):
        window.check("Layer", in_shape)
