"""Pooling as a matrix: equal to the layers, there and back."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import pooling_matrix as pm

LAYERS = [
    bp.MaxPool(2),
    bp.MaxPool(3),
    bp.MaxPool((2, 3), stride=1),
    bp.MaxPool(3, stride=2, padding=1),
    bp.MaxPool(2, stride=3),
    bp.MaxPool(3, stride=2, padding="same"),
    bp.AvgPool(2),
    bp.AvgPool((3, 2), stride=1),
    bp.AvgPool(3, stride=2, padding=1),
    bp.AvgPool(3, stride=2, padding=1, count_include_pad=False),
    bp.AvgPool(3, stride=2, padding="same", count_include_pad=False),
]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=repr)


@every_layer
@pytest.mark.parametrize("values", ["spread", "tied"])
def test_it_is_the_layer(layer, values):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 6, 7, 3))
    if values == "tied":
        x = np.round(x)
    y, cache = layer.forward(x)
    delta = rng.standard_normal(y.shape)
    dx, _ = layer.backward(delta, cache)
    assert_allclose(pm.forward(layer, x), y, rtol=0, atol=1e-14)
    assert_allclose(pm.backward(layer, delta, x), dx, rtol=0, atol=1e-14)


@every_layer
def test_the_matrix_is_the_jacobian(layer):
    """The slow, obvious version: one central difference for every pixel."""
    x = np.random.default_rng(1).permutation(2 * 5 * 6).reshape(1, 5, 6, 2) / 10  # no ties
    (M,) = pm.routing(layer, x)
    h = 1e-3
    for c in range(x.size):
        step = h * (np.arange(x.size) == c).reshape(x.shape)
        slope = (layer.predict(x + step) - layer.predict(x - step)).ravel() / (2 * h)
        assert_allclose(M[:, c], slope, rtol=0, atol=1e-11)


@every_layer
def test_rows_sum_to_one_unless_padding_counts(layer):
    M = pm.routing(layer, np.zeros((3, 6, 7, 2)))
    sums = M.sum(axis=2)
    if getattr(layer, "count_include_pad", False) and layer.padding:
        assert sums.min() < 1
    else:
        assert_allclose(sums, 1, rtol=1e-15)


def test_the_example():
    assert_array_equal(pm.forward(bp.MaxPool(2), pm.X)[0, ..., 0], [[9, 2], [6, 3]])
    dX = [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 4], [0, 3, 0, 0]]
    assert_array_equal(pm.backward(bp.MaxPool(2), pm.DELTA, pm.X)[0, ..., 0], dX)


def test_in_a_tie_the_first_wins():
    (M,) = pm.routing(bp.MaxPool(2), np.ones((1, 2, 4, 1)))
    assert_array_equal(M, [[1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0]])


def test_padding_never_wins():
    (M,) = pm.routing(bp.MaxPool(2, padding=1), np.full((1, 2, 2, 1), -5.0))
    assert_array_equal(M, np.eye(4))


def test_an_average_is_no_choice():
    one, other = pm.routing(bp.AvgPool(2), np.random.default_rng(0).random((2, 4, 4, 1)))
    assert_array_equal(one, other)
    assert set(one.ravel()) == {0, 0.25}


@pytest.mark.parametrize("layer", [bp.MaxPool(2), bp.AvgPool(2)], ids=repr)
def test_the_type_is_the_images(layer):
    x = np.ones((1, 4, 4, 1), np.float32)
    assert pm.routing(layer, x).dtype == pm.forward(layer, x).dtype == np.float32


@pytest.mark.parametrize("layer", [bp.MaxPool(2), bp.AvgPool(2)])
def test_whole_numbers_and_no_images(layer):
    x = np.arange(16).reshape(1, 4, 4, 1)
    y = layer.predict(x.astype(float))
    assert_array_equal(pm.forward(layer, x), y)
    assert_array_equal(pm.backward(layer, y, x), pm.backward(layer, y, x.astype(float)))
    assert pm.forward(layer, x[:0]).shape == (0, 2, 2, 1)
    assert pm.backward(layer, y[:0], x[:0]).shape == (0, 4, 4, 1)


@pytest.mark.parametrize(
    ("kind", "call", "text"),
    [
        (
            TypeError,
            lambda: pm.routing(bp.Dense(3), pm.X),
            "routing expects a MaxPool or an AvgPool, got Dense(3)",
        ),
        (
            ValueError,
            lambda: pm.routing(bp.MaxPool(2), pm.X[0]),
            "MaxPool expects images of shape (N, H, W, C), got (N, 4, 1)",
        ),
        (
            ValueError,
            lambda: pm.routing(bp.MaxPool(5), pm.X),
            "MaxPool expects images that a 5x5 window fits into with padding (0, 0), "
            "got (N, 4, 4, 1)",
        ),
        (
            ValueError,
            lambda: pm.routing(bp.AvgPool(2), np.ones((1, 200, 200, 1))),
            "routing expects a matrix of at most 33,554,432 numbers, got 400,000,000",
        ),
        (
            ValueError,
            lambda: pm.routing(bp.MaxPool(2), pm.X.astype(str)),
            "routing expects images of numbers, got <U32",
        ),
        (
            ValueError,
            lambda: pm.backward(bp.MaxPool(2), pm.X, pm.X),
            "backward expects a delta of shape (1, 2, 2, 1), got (1, 4, 4, 1)",
        ),
    ],
)
def test_errors(kind, call, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.parametrize("layer", [bp.MaxPool(3, stride=2, padding=1), bp.AvgPool(2)])
def test_images_of_whole_numbers_and_none_at_all(layer):
    x = np.arange(-16, 0).reshape(1, 4, 4, 1)  # padding is lower than any of them
    assert_array_equal(pm.routing(layer, x), pm.routing(layer, x.astype(float)))
    assert pm.routing(layer, pm.X[:0]).shape == (0, 4, 16)
