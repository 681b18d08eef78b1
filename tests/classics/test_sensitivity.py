"""The lemma, the products of matrices and the Jacobians, for networks of several kinds."""

import itertools
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import sensitivity

KINDS = {
    "logistic": ((6,), [bp.Dense(5), bp.Sigmoid(), bp.Dense(3), bp.Sigmoid()]),
    "rectified": ((4,), [bp.Dense(7), bp.ReLU(), bp.Dense(5), bp.Tanh(), bp.Dense(2), bp.ELU()]),
    "one unit": ((1,), [bp.Dense(1), bp.Softplus()]),
}
OTHERS = {
    "softmax": ((3,), [bp.Dense(4), bp.Tanh(), bp.Dense(3), bp.Softmax()]),
    "linear end": ((3,), [bp.Dense(4, bias=False), bp.Tanh(), bp.Dense(3)]),
    "normalised": ((5,), [bp.Dense(6), bp.LayerNorm(), bp.GELU(), bp.Dense(2)]),
}


def built(kind, N=3):
    """Return a network, inputs, deltas of its outputs, and the caches."""
    in_shape, layers = {**KINDS, **OTHERS}[kind]
    net = bp.Network(layers)
    net = net if net.in_shapes else bp.Network(layers)
    net.build(in_shape, rng=2, dtype=np.float64)
    rng = np.random.default_rng(N)
    for key, value in net.params.items():
        if key.endswith("b"):
            value += rng.standard_normal(value.shape)
    x, delta = rng.standard_normal((N, *in_shape)), rng.standard_normal((N, *net.shapes[-1]))
    return net, x, delta, net.forward(x)[1]


@pytest.mark.parametrize("N", [1, 5])
@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_the_lemma_gives_the_weights_gradients(kind, N):
    net, x, delta, caches = built(kind, N)
    grads = net.grads(delta, caches)
    found = sensitivity.outer_products(net, x, delta)
    dense = [key for key in grads if isinstance(net[int(key.split(".")[0])], bp.Dense)]
    assert found.keys() == {key for key in dense if key.endswith("W")}
    for key, dW in found.items():
        assert_allclose(dW, grads[key], rtol=1e-12, atol=1e-15)
    for n, of_b in sensitivity.sensitivities(net, x, delta).items():
        if net[n].bias:
            assert_allclose(of_b.sum(axis=0), grads[f"{n}.b"], rtol=1e-12, atol=1e-15)


def test_the_lemma_holds_for_the_bias_as_the_weight_of_a_one():
    net, x, delta, _ = built("logistic")
    x = np.column_stack([x[:, :-1], np.ones(len(x))])
    grads = net.grads(delta, net.forward(x)[1])
    assert_allclose(grads["0.W"][-1], grads["0.b"], rtol=1e-14)


def test_a_layer_that_stands_twice_gets_both_outer_products():
    twice = bp.Dense(3)
    net = bp.Network([twice, bp.Tanh(), twice, bp.Sigmoid()])
    net.build((3,), rng=0, dtype=np.float64)
    rng = np.random.default_rng(0)
    x, delta = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    grads = net.grads(delta, net.forward(x)[1])
    found = sensitivity.outer_products(net, x, delta)
    assert found.keys() == {"0.W"}
    assert_allclose(found["0.W"], grads["0.W"], rtol=1e-13)


def test_more_leading_axes_are_more_examples():
    net = bp.Network([bp.Dense(4), bp.Tanh(), bp.Dense(2)])
    net.build((5, 3), rng=0, dtype=np.float64)
    rng = np.random.default_rng(0)
    x, delta = rng.standard_normal((4, 5, 3)), rng.standard_normal((4, 5, 2))
    grads = net.grads(delta, net.forward(x)[1])
    for key, dW in sensitivity.outer_products(net, x, delta).items():
        assert_allclose(dW, grads[key], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_the_full_product_is_backward(kind):
    net, x, delta, caches = built(kind)
    dx, _ = net.backward(delta, caches)
    for n in range(len(x)):
        found = sensitivity.full_product(net, x[n], delta[n])
        assert_allclose(found, dx[n], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_rojas_product_gives_every_delta(kind):
    net, x, delta, caches = built(kind)
    deltas = net.deltas(delta, caches)
    for n in range(len(x)):
        found = sensitivity.diagonals(net, x[n], delta[n])
        assert list(found) == list(range(len(net) - 1, 0, -2))
        for layer, product in found.items():
            assert_allclose(product, deltas[layer][n], rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_the_jacobian_is_that_of_differences(kind):
    net, x, _, _ = built(kind)
    h = 1e-6
    for layer, point in ((net, x[0]), (net[1], net[0].predict(x)[0])):
        found = sensitivity.jacobian(layer, point)
        assert found.shape == (layer.predict(point[np.newaxis]).size, point.size)
        for i, step in enumerate(h * np.eye(point.size)):
            above, below = (layer.predict((point + s)[np.newaxis])[0] for s in (step, -step))
            assert_allclose(found[:, i], (above - below) / (2 * h), rtol=1e-6, atol=1e-9)


def test_the_jacobian_of_dense_is_its_weights():
    net, x, _, _ = built("logistic")
    assert_array_equal(sensitivity.jacobian(net[0], x[0]), net[0].W.T)


@pytest.mark.parametrize(("D", "M"), [(1, 1), (3, 2), (2, 4)])
def test_the_jacobian_of_the_weights(D, M):
    rng = np.random.default_rng(D)
    x, W = rng.standard_normal(D), rng.standard_normal((D, M))
    found = sensitivity.weight_jacobian(x, M)
    assert found.shape == (M, D, M)
    for (j, i, k), value in np.ndenumerate(found):
        step = np.zeros((D, M))
        step[i, k] = 1
        assert_allclose(value, (x @ (W + step) - x @ W)[j], rtol=0, atol=1e-14)
    assert np.count_nonzero(found) == D * M


def test_multiplications():
    assert sensitivity.multiplications((784, 100, 10)) == (79_400, 791_840)
    assert sensitivity.multiplications((3, 2)) == (6, 6)
    for sizes in ((5, 4, 3, 2), (2, 9, 1)):
        matrices = [np.zeros((M, D)) for D, M in itertools.pairwise(sizes)]
        left = right = 0
        row = np.zeros((1, sizes[-1]))
        for J in reversed(matrices):
            left += row.shape[0] * row.shape[1] * J.shape[1]
            row = row @ J
        product = matrices[0]
        for J in matrices[1:]:
            right += J.shape[0] * J.shape[1] * product.shape[1]
            product = J @ product
        right += product.size
        assert sensitivity.multiplications(sizes) == (left, right)


def skipping():
    net = bp.Network()
    net.add(bp.Add(), 0, net.add(bp.Dense(3), 0))
    net.build((3,), rng=0, dtype=np.float64)
    return net


ROW, NET = np.zeros(3), "softmax"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: sensitivity.outer_products(skipping(), [ROW], [ROW]),
            f"sensitivities expects a Network that is a chain, got {skipping()!r}",
        ),
        (
            lambda: sensitivity.full_product(built(NET)[0], ROW, [1.0, 2.0]),
            "full_product expects a delta of shape (3,), got (2,)",
        ),
        (
            lambda: sensitivity.diagonals(built(NET)[0], ROW, ROW),
            "diagonals expects activations that act on each unit alone, got Softmax 'softmax_1'",
        ),
        (
            lambda: sensitivity.diagonals(built("linear end")[0], ROW, ROW),
            "diagonals expects a chain of Dense and an activation, in turn, got Network([",
        ),
        (
            lambda: sensitivity.sensitivities(built(NET)[0], [ROW], [[1.0, 2.0]]),
            "sensitivities expects a delta of shape (1, 3), got (1, 2)",
        ),
        (
            lambda: sensitivity.outer_products(built(NET)[0], [ROW, ROW], [[1.0, 2.0, 3.0]]),
            "sensitivities expects a delta of shape (2, 3), got (1, 3)",
        ),
        (
            lambda: sensitivity.outer_products(bp.Network([bp.Dense(2)]), [ROW], [[1.0, 2.0]]),
            "Network expects build(in_shape) before a pass, got none",
        ),
        (
            lambda: sensitivity.jacobian(bp.Dense(2), ROW),
            "Dense expects build(in_shape) before its parameters are used, got none",
        ),
        (
            lambda: sensitivity.outer_products(
                bp.Network([bp.Dense(3), bp.BatchNorm()]), [ROW], [ROW]
            ),
            "sensitivities expects layers that do in training what they do in prediction, "
            "got Network([Dense(3), BatchNorm()])",
        ),
        (
            lambda: sensitivity.full_product(bp.Network([bp.Dropout(0.5)]), ROW, ROW),
            "full_product expects layers that do in training what they do in prediction, "
            "got Network([Dropout()])",
        ),
        (
            lambda: sensitivity.jacobian(bp.Dropout(0.5), ROW),
            "jacobian expects layers that do in training what they do in prediction, got Dropout()",
        ),
        (
            lambda: sensitivity.weight_jacobian([[1.0]], 2),
            "weight_jacobian expects an input of shape (D,), got (1, 1)",
        ),
        (
            lambda: sensitivity.weight_jacobian([1.0], 0),
            "weight_jacobian expects units to be a whole number of at least 1, got 0",
        ),
        (
            lambda: sensitivity.multiplications((3,)),
            "multiplications expects at least two sizes, got 1",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        call()


@pytest.mark.parametrize(
    ("call", "who"),
    [
        (lambda: sensitivity.outer_products(bp.Dense(2), [ROW], [[1.0, 2.0]]), "sensitivities"),
        (lambda: sensitivity.full_product(bp.Dense(2), ROW, ROW), "full_product"),
        (lambda: sensitivity.diagonals(bp.Dense(2), ROW, ROW), "diagonals"),
    ],
)
def test_a_chain_is_a_network(call, who):
    with pytest.raises(TypeError, match=rf"^{who} expects a Network, got Dense\(2\)$"):
        call()


def test_a_jacobian_is_that_of_a_layer():
    text = "jacobian expects a layer or a Network, got MeanSquaredError()"
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        sensitivity.jacobian(bp.MeanSquaredError(), ROW)
