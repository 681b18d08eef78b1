"""Softmax: the published Jacobian, its product with a delta, stability row by row."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.layers import Softmax

# Section 7 of the derivations.
SCORES = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]])
ROW = np.array([0.0900305732, 0.2447284711, 0.6652409558])
JACOBIAN = [
    [0.0819250691, -0.0220330445, -0.0598920245],
    [-0.0220330445, 0.1848364465, -0.1628034020],
    [-0.0598920245, -0.1628034020, 0.2226954265],
]

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["32", "64"])


def softmax(scores):
    """Return the probabilities of one row, word for word; overflows for large scores."""
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]


def jacobian(y):
    """Return dy/dx of one row as a matrix."""
    M = len(y)
    return np.array([[y[i] * ((i == k) - y[k]) for k in range(M)] for i in range(M)])


def both_passes(x, delta):
    y, cache = Softmax().forward(x)
    return y, Softmax().backward(delta, cache)[0]


def test_published_probabilities():
    y, _ = Softmax().forward(SCORES)
    assert_allclose(y, [ROW, ROW[::-1]], rtol=0, atol=1e-10)


def test_published_jacobian():
    y, dx = both_passes(np.tile(SCORES[0], (3, 1)), np.eye(3))
    assert_allclose(dx, JACOBIAN, rtol=0, atol=1e-10)
    assert_allclose(dx, jacobian(y[0]), rtol=1e-12)


def test_published_product_with_a_delta():
    _, dx = both_passes(SCORES[:1], np.array([[0.3, -0.1, 0.2]]))
    assert_allclose(dx, [[0.0148024203, -0.0576542384, 0.0428518181]], rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (4, 3), (2, 3, 5), (2, 1, 2, 4)])
def test_every_row_is_the_definition(shape):
    rng = np.random.default_rng(0)
    x, delta = 3 * rng.standard_normal(shape), rng.standard_normal(shape)
    y, dx = both_passes(x, delta)
    for place in np.ndindex(*shape[:-1]):
        assert_allclose(y[place], softmax(x[place]), rtol=1e-12)
        assert_allclose(dx[place], jacobian(y[place]).T @ delta[place], rtol=1e-12, atol=1e-15)


@each_dtype
def test_scores_of_a_thousand(dtype):
    x = np.array([[1000, 0, -1000], [-1000, -1000, -1000], [1000, 1000, 0]], dtype)
    y, dx = both_passes(x, np.array([[1, 2, 3]] * 3, dtype))
    assert_array_equal(y, np.array([[1, 0, 0], [1 / 3] * 3, [0.5, 0.5, 0]], dtype))
    expected = [[0, 0, 0], [-1 / 3, 0, 1 / 3], [-0.25, 0.25, 0]]
    assert_allclose(dx, expected, rtol=0, atol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shift", [-1000.0, -3.0, 0.5, 1000.0])
def test_adding_a_constant_to_a_row_changes_nothing(shift):
    x = np.random.default_rng(0).integers(-64, 64, (4, 5)) / 16  # sums with the shifts are exact
    assert_array_equal(Softmax().forward(x + shift)[0], Softmax().forward(x)[0])


@each_dtype
def test_large_scores_in_one_row_leave_the_others_alone(dtype):
    rng = np.random.default_rng(0)
    small = rng.standard_normal((3, 4)).astype(dtype)
    delta = rng.standard_normal((5, 4)).astype(dtype)
    rows = np.vstack([small, np.full((1, 4), 1000, dtype), np.full((1, 4), -1000, dtype)])
    y, dx = both_passes(rows, delta)
    alone_y, alone_dx = both_passes(small, delta[:3])
    assert_array_equal(y[:3], alone_y)
    assert_array_equal(dx[:3], alone_dx)
    assert_array_equal(y[3:], np.full((2, 4), 0.25, dtype))


def test_rows_sum_to_one_and_their_gradients_to_zero():
    rng = np.random.default_rng(0)
    y, dx = both_passes(5 * rng.standard_normal((20, 7)), rng.standard_normal((20, 7)))
    assert_allclose(y.sum(axis=-1), 1, rtol=1e-14)
    assert_allclose(dx.sum(axis=-1), 0, atol=1e-15)


def test_a_delta_that_is_the_same_for_all_outputs_is_lost():
    _, dx = both_passes(SCORES, np.full((2, 3), 7.0))
    assert_allclose(dx, 0, atol=1e-15)


def test_a_single_number_for_each_example_has_no_rows():
    text = "Softmax expects inputs of shape (N, M), got a single number for each example"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Softmax().build(())
