"""Dense: published numbers, the definition in loops, its Jacobian, leading axes, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.initializers import Constant, Given
from backprop.layers import Dense, Flatten
from backprop.network import Network

SHAPES = [(1, 1, 1), (1, 4, 3), (5, 1, 2), (3, 2, 1), (4, 6, 5)]


def line(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def built(N, D, M, **settings):
    """Return a Dense layer of M units whose bias is not zero, its input and a delta."""
    rng = np.random.default_rng(N + 10 * D + 100 * M)
    layer = Dense(M, **settings)
    layer.build((D,), rng=rng, dtype=np.float64)
    if layer.bias:
        layer.b += rng.standard_normal(M)
    return layer, rng.standard_normal((N, D)), rng.standard_normal((N, M))


def affine(x, W, b):
    """Return y, number after number."""
    (N, D), M = x.shape, len(b)
    y = np.zeros((N, M))
    for n in range(N):
        for m in range(M):
            y[n, m] = b[m]
            for d in range(D):
                y[n, m] += x[n, d] * W[d, m]
    return y


def affine_gradients(x, W, delta):
    """Return dx, dW and db: each product of the loop above hands its delta to both factors."""
    dx, dW, db = np.zeros_like(x), np.zeros_like(W), np.zeros(W.shape[1])
    for n, m in np.ndindex(*delta.shape):
        db[m] += delta[n, m]
        for d in range(x.shape[1]):
            dx[n, d] += delta[n, m] * W[d, m]
            dW[d, m] += delta[n, m] * x[n, d]
    return dx, dW, db


def test_published_affine_layer():
    W, b = line(-0.2, 0.3, 120, 3), line(-0.3, 0.1, 3)
    net = Network([Flatten(), Dense(3, init=Given(W), bias_init=Given(b))])
    net.build((4, 5, 6), dtype=np.float64)
    y = net.predict(line(-0.1, 0.5, 2, 4, 5, 6))
    published = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
    assert_allclose(y, published, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("N", "D", "M"), SHAPES)
def test_forward_is_the_sum_over_inputs(N, D, M):
    layer, x, _ = built(N, D, M)
    assert_allclose(layer.forward(x)[0], affine(x, layer.W, layer.b), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("N", "D", "M"), SHAPES)
def test_backward_hands_each_product_its_delta(N, D, M):
    layer, x, delta = built(N, D, M)
    dx, grads = layer.backward(delta, layer.forward(x)[1])
    for got, expected in zip(
        (dx, grads["W"], grads["b"]), affine_gradients(x, layer.W, delta), strict=True
    ):
        assert_allclose(got, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("N", "D", "M"), SHAPES)
def test_the_weight_gradient_is_the_contraction_of_the_jacobian(N, D, M):
    layer, x, delta = built(N, D, M)
    jacobian = np.zeros((N, M, D, M))
    for n, m, d in np.ndindex(N, M, D):
        jacobian[n, m, d, m] = x[n, d]
    dW = layer.grads(delta, layer.forward(x)[1])["W"]
    assert_allclose(dW, np.einsum("nm,nmdk->dk", delta, jacobian), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("N", "D", "M"), SHAPES)
def test_the_bias_is_the_weight_of_an_input_that_is_always_one(N, D, M):
    layer, x, delta = built(N, D, M)
    wide = Dense(M, bias=False, init=Given(np.vstack([layer.W, layer.b])))
    wide.build((D + 1,), dtype=np.float64)
    y, cache = layer.forward(x)
    wide_y, wide_cache = wide.forward(np.hstack([x, np.ones((N, 1))]))
    assert_allclose(wide_y, y, rtol=1e-12, atol=1e-15)
    grads, wide_grads = layer.grads(delta, cache), wide.grads(delta, wide_cache)
    assert_allclose(wide_grads["W"][:-1], grads["W"], rtol=1e-12)
    assert_allclose(wide_grads["W"][-1], grads["b"], rtol=1e-12)


@pytest.mark.parametrize("leading", [(2, 3), (1, 4), (2, 1, 3)])
def test_leading_axes_count_as_examples(leading):
    layer, x, delta = built(int(np.prod(leading)), 5, 4)
    y, cache = layer.forward(x.reshape(*leading, 5))
    dx, grads = layer.backward(delta.reshape(*leading, 4), cache)
    flat_y, flat_cache = layer.forward(x)
    flat_dx, flat_grads = layer.backward(delta, flat_cache)
    assert_allclose(y, flat_y.reshape(*leading, 4), rtol=1e-12)
    assert_allclose(dx, flat_dx.reshape(*leading, 5), rtol=1e-12)
    assert_array_equal(grads["W"], flat_grads["W"])
    assert_array_equal(grads["b"], flat_grads["b"])


def test_without_bias_there_is_only_the_product():
    layer, x, delta = built(4, 3, 2, bias=False, bias_init=Constant(3))
    y, cache = layer.forward(x)
    assert_allclose(y, affine(x, layer.W, np.zeros(2)), rtol=1e-12)
    assert list(layer.params) == list(layer.grads(delta, cache)) == ["W"]
    assert layer.param_count == 6


@pytest.mark.parametrize(
    ("in_shape", "out_shape", "count"),
    [((4,), (3,), 12), ((5, 4), (5, 3), 60), ((2, 5, 4), (2, 5, 3), 120)],
)
def test_output_shape_and_multiply_adds(in_shape, out_shape, count):
    layer = Dense(3)
    assert layer.build(in_shape, rng=0) == out_shape
    assert layer.W.shape == (4, 3)
    assert layer.multiply_adds(in_shape) == count


@pytest.mark.parametrize("units", [0, -1, 2.0, True, "3", None])
def test_units_are_a_positive_whole_number(units):
    text = f"Dense expects units to be a whole number of at least 1, got {units!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Dense(units)


def test_a_single_number_for_each_example_is_no_input():
    text = "Dense expects inputs of shape (N, D), got a single number for each example"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Dense(3).build(())
