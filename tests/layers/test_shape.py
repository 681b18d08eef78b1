"""Flatten, Reshape and Last: where each number goes, and that its delta comes back from there."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from backprop.layers import RNN, Flatten, Last, Reshape


def counted(*shape):
    """Return an array in which every number is another one."""
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


def there_and_back(layer, x):
    """Return y, and what comes back if y itself is the delta."""
    layer.build(x.shape[1:])
    y, cache = layer.forward(x)
    dx, grads = layer.backward(y, cache)
    assert grads == {}
    return y, dx


@pytest.mark.parametrize(
    ("layer", "shape", "out_shape"),
    [
        (Flatten(), (2, 3), (3,)),
        (Flatten(), (2,), (1,)),
        (Flatten(), (3, 4, 5, 2), (40,)),
        (Flatten("columns"), (3, 4, 5, 2), (40,)),
        (Flatten("columns"), (1, 1, 1, 1), (1,)),
        (Reshape((4, 6)), (3, 2, 3, 4), (4, 6)),
        (Reshape((24,)), (3, 2, 3, 4), (24,)),
        (Reshape(24), (3, 2, 3, 4), (24,)),
        (Reshape([2, 2]), (1, 4), (2, 2)),
        (Reshape((1, 1)), (5,), (1, 1)),
    ],
    ids=str,
)
def test_every_number_comes_back_to_its_place(layer, shape, out_shape):
    x = counted(*shape)
    assert layer.build(shape[1:]) == out_shape
    y, dx = there_and_back(layer, x)
    assert y.shape == (len(x), *out_shape)
    assert_array_equal(dx, x)
    assert layer.multiply_adds(shape[1:]) == 0


def test_flatten_reads_an_image_row_by_row_with_the_channels_together():
    x = counted(2, 3, 4, 2)
    rows = [[x[n, i, j, c] for i in range(3) for j in range(4) for c in range(2)] for n in (0, 1)]
    assert_array_equal(there_and_back(Flatten(), x)[0], rows)


def test_by_columns_flatten_reads_map_after_map_column_by_column():
    x = counted(2, 4, 3, 5)
    rows = []
    for image in x:
        row = []
        for c in range(5):
            for j in range(3):
                row.extend(image[i, j, c] for i in range(4))
        rows.append(row)
    assert_array_equal(there_and_back(Flatten("columns"), x)[0], rows)


def test_twelve_maps_of_four_by_four_by_columns():
    x = counted(1, 4, 4, 12)
    y, _ = there_and_back(Flatten("columns"), x)
    scanned = [x[0, :, :, q].flatten(order="F") for q in range(12)]  # column scan of one map
    assert_array_equal(y, [np.concatenate(scanned)])


def test_reshape_keeps_the_order():
    y, _ = there_and_back(Reshape((3, 2)), counted(2, 2, 3))
    assert_array_equal(y, [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]])


@pytest.mark.parametrize(("reverse", "step"), [(False, 3), (True, 0)])
def test_last_takes_one_step_and_hands_its_delta_to_that_step(reverse, step):
    x = counted(2, 4, 3)
    assert Last(reverse).build((4, 3)) == (3,)
    y, dx = there_and_back(Last(reverse), x)
    assert_array_equal(y, x[:, step])
    expected = np.zeros_like(x)
    expected[:, step] = x[:, step]
    assert_array_equal(dx, expected)


@pytest.mark.parametrize("reverse", [False, True])
def test_last_takes_the_state_that_has_seen_the_whole_sequence(reverse):
    layer = RNN(3, reverse=reverse)
    layer.build((5, 2), rng=0, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((2, 5, 2))
    y, cache = layer.forward(x)
    _, dx = there_and_back(Last(reverse), y)
    reached, _ = layer.backward(dx, cache)
    assert reached.all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_delta_keeps_its_type(dtype):
    y, dx = there_and_back(Last(), counted(2, 3, 4).astype(dtype))
    assert y.dtype == dx.dtype == dtype


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Flatten("F"), "Flatten expects order to be one of 'C', 'columns', got 'F'"),
        (
            lambda: Flatten("columns").build((4, 4)),
            "Flatten expects images (N, H, W, C) to read by columns, got (N, 4, 4)",
        ),
        (
            lambda: Reshape((3, 0)),
            "Reshape expects an axis of shape to be a whole number of at least 1, got 0",
        ),
        (
            lambda: Reshape((3, -1)),
            "Reshape expects an axis of shape to be a whole number of at least 1, got -1",
        ),
        (
            lambda: Reshape("ab"),
            "Reshape expects an axis of shape to be a whole number of at least 1, got 'ab'",
        ),
        (
            lambda: Reshape((3, 2)).build((4, 2)),
            "Reshape expects 6 numbers an example, to fill (3, 2), got 8 in (4, 2)",
        ),
        (lambda: Last().build((4,)), "Last expects sequences of shape (N, T, D), got (N, 4)"),
        (
            lambda: Last().build((2, 4, 1)),
            "Last expects sequences of shape (N, T, D), got (N, 2, 4, 1)",
        ),
    ],
)
def test_settings_and_inputs_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make()
