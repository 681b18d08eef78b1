"""Many networks at once: the layer, and that each of them learns as it would alone."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from backprop import SGD, Dense, Given, HalfSquaredError, Network, Normal, Sigmoid, gradcheck
from backprop.classics.many import ManyDense, descend

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(("N", "S", "D", "M"), [(4, 5, 2, 3), (1, 1, 1, 1), (1, 3, 2, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_gradients(N, S, D, M, bias):
    layer = ManyDense(M, bias=bias, init=Normal(0, 1), bias_init=Normal(0, 1))
    gradcheck(layer, RNG.standard_normal((N, S, D))).assert_ok()
    layer.build((S, D))
    assert layer.params.keys() == ({"W", "b"} if bias else {"W"})
    assert layer.multiply_adds((S, D)) == S * D * M


def test_it_is_a_dense_layer_for_each():
    W, b, x = (RNG.standard_normal(shape) for shape in ((3, 4, 2), (3, 2), (5, 3, 4)))
    many = ManyDense(2, init=Given(W), bias_init=Given(b))
    assert many.build((3, 4), dtype=np.float64) == (3, 2)
    for s in range(3):
        one = Dense(2, init=Given(W[s]), bias_init=Given(b[s]))
        one.build((4,), dtype=np.float64)
        assert_allclose(many.predict(x)[:, s], one.predict(x[:, s]), rtol=1e-14)


def nets(W, b, layer, in_shape):
    net = Network([layer(1, init=Given(W), bias_init=Given(b)), Sigmoid()])
    net.build(in_shape, dtype=np.float64)
    return net


def test_each_network_learns_as_it_would_alone():
    W, b = RNG.standard_normal((3, 2, 1)), RNG.standard_normal((3, 1))
    x, t = RNG.standard_normal((6, 3, 2)), RNG.random((6, 3, 1))
    loss = HalfSquaredError(reduction="sum")
    many = nets(W, b, ManyDense, (3, 2))
    alone = [nets(W[s], b[s], Dense, (2,)) for s in range(3)]
    for n in range(6):
        found = descend(many, loss, x[n : n + 1], t[n : n + 1], 0.7)
        each = [descend(alone[s], loss, x[n : n + 1, s], t[n : n + 1, s], 0.7) for s in range(3)]
        assert_allclose(found, sum(each), rtol=1e-14)
    for s in range(3):
        assert_allclose(many[0].W[s], alone[s][0].W, rtol=1e-13)
        assert_allclose(many[0].b[s], alone[s][0].b, rtol=1e-13)


def test_descend_is_gradient_descent():
    net, x, t = nets([[1.0], [2.0]], [0.5], Dense, (2,)), np.array([[1.0, -1.0]]), np.ones((1, 1))
    loss = HalfSquaredError()
    y, caches = net.forward(x)
    before, cache = loss.forward(y, t)
    expected = net.parameters.copy()
    SGD(0.3).step(
        expected, net.flatten(net.grads(loss.backward(cache), caches)), {"t": 0, "v": 0 * expected}
    )
    assert descend(net, loss, x, t, 0.3) == before
    assert_allclose(net.parameters, expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ManyDense(0), "ManyDense expects units to be a whole number of at least 1, got 0"),
        (
            lambda: ManyDense(2).build((3,)),
            "ManyDense expects inputs of shape (N, S, D), got (N, 3)",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()
