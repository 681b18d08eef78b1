"""Embedding: published numbers, loops, the one-hot matrix, ids of all kinds, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.initializers import Constant, Given
from backprop.layers import Dense, Embedding

SHAPES = [(1,), (6,), (3, 4), (2, 1), (2, 3, 2), (40,)]


def built(V, D, shape, dtype=np.float64, seed=0):
    """Return an Embedding, ids of which at least the last never occurs, and a delta."""
    rng = np.random.default_rng(seed)
    layer = Embedding(V, D)
    layer.build(shape[1:], rng=rng, dtype=dtype)
    ids = rng.integers(0, max(V - 1, 1), shape)
    return layer, ids, rng.standard_normal((*shape, D)).astype(dtype)


def line(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def test_published_row():
    layer = Embedding(5, 3, init=Given(line(0, 1, 5, 3)))
    layer.build((2,), dtype=np.float64)
    y, _ = layer.forward(np.array([[0, 3], [1, 3]]))
    assert y.shape == (2, 2, 3)
    assert_allclose(y[0, 1], [0.64285714, 0.71428571, 0.78571429], rtol=0, atol=1e-8)
    assert_array_equal(y[0, 1], y[1, 1])


def test_by_hand():
    layer = Embedding(4, 2, init=Given([[1, 2], [3, 4], [5, 6], [7, 8]]))
    layer.build((), dtype=np.float64)
    y, cache = layer.forward(np.array([2, 0, 2]))
    assert_array_equal(y, [[5, 6], [1, 2], [5, 6]])
    dx, grads = layer.backward(np.array([[10.0, 1.0], [20.0, 2.0], [30.0, 3.0]]), cache)
    assert dx is None
    assert_array_equal(grads["W"], [[20, 2], [0, 0], [40, 4], [0, 0]])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("V", "D"), [(1, 1), (5, 3), (100, 2)])
def test_rows_are_copied_and_their_deltas_added_up(shape, V, D):
    layer, ids, delta = built(V, D, shape)
    y, cache = layer.forward(ids)
    dW = np.zeros((V, D))
    for place in np.ndindex(*shape):
        assert_array_equal(y[place], layer.W[ids[place]])
        dW[ids[place]] += delta[place]
    dx, grads = layer.backward(delta, cache)
    assert dx is None
    assert_allclose(grads["W"], dW, rtol=1e-13, atol=1e-15)
    assert_allclose(layer.grads(delta, cache)["W"], dW, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex128])
def test_the_gradient_is_that_of_add_at(dtype):
    layer, ids, delta = built(7, 3, (5, 4), dtype)
    dW = np.zeros_like(layer.W)
    np.add.at(dW, ids, delta)
    got = layer.grads(delta, layer.forward(ids)[1])["W"]
    assert got.dtype == layer.W.dtype == dtype
    assert_allclose(got, dW, rtol=0, atol=20 * np.finfo(dtype).eps)


def test_it_is_dense_without_a_bias_on_one_hot_rows():
    layer, ids, delta = built(6, 4, (3, 5))
    dense = Dense(4, bias=False, init=Given(layer.W))
    dense.build((5, 6), dtype=np.float64)
    y, cache = layer.forward(ids)
    dense_y, dense_cache = dense.forward(np.eye(6)[ids])
    assert_allclose(y, dense_y, rtol=1e-15)
    expected = dense.grads(delta, dense_cache)["W"]
    assert_allclose(layer.grads(delta, cache)["W"], expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64])
def test_ids_may_be_integers_of_any_size(kind):
    layer, ids, delta = built(7, 3, (5, 4))
    y, cache = layer.forward(ids.astype(kind))
    expected_y, expected_cache = layer.forward(ids)
    assert_array_equal(y, expected_y)
    expected = layer.grads(delta, expected_cache)["W"]
    assert_array_equal(layer.grads(delta, cache)["W"], expected)


# Shapes, settings, errors


@pytest.mark.parametrize(
    ("in_shape", "out_shape"), [((), (3,)), ((4,), (4, 3)), ((2, 4), (2, 4, 3))]
)
def test_shapes(in_shape, out_shape):
    layer = Embedding(5, 3)
    assert layer.build(in_shape, rng=0) == out_shape
    assert layer.W.shape == (5, 3)
    assert layer.W.dtype == np.float32
    assert layer.param_count == 15
    assert layer.multiply_adds(in_shape) == 0
    assert layer.integers_below(0) == 5


def test_rows_start_as_told():
    layer = Embedding(3000, 3, init=Constant(2))
    layer.build((), rng=0)
    assert_array_equal(layer.W, np.full((3000, 3), 2))
    layer = Embedding(3000, 3)
    layer.build((), rng=0)
    assert layer.W.std() == pytest.approx(1, abs=0.05)
    assert repr(layer) == "Embedding(3000, 3)"


@pytest.mark.parametrize("number", [0, -1, 2.0, True, "3", None])
def test_count_and_units_are_positive_whole_numbers(number):
    what = f"to be a whole number of at least 1, got {number!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(f'Embedding expects count {what}')}$"):
        Embedding(number, 3)
    with pytest.raises(ValueError, match=f"^{re.escape(f'Embedding expects units {what}')}$"):
        Embedding(3, number)
