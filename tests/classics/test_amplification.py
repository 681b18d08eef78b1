"""Derivative amplification coefficients: two recursions, the Jacobian, the deltas."""

import itertools
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import amplification
from backprop.classics.amplification import SMOOTH, Amplification, complex_step, jacobian
from backprop.selfcheck import spread


def built(layers, width=3):
    net = bp.Network(layers)
    net.build((width,), rng=3, dtype=np.float64)
    net.parameters[...] += 0.1 * np.random.default_rng(4).standard_normal(net.param_count)
    return net


NETS = [
    *([bp.Dense(4), phi(), bp.Dense(2), phi(), bp.Dense(3), phi()] for phi in SMOOTH),
    [bp.Dense(2)],
    [bp.Dense(1), bp.Tanh()],
    [bp.Dense(3), bp.Dense(3), bp.Dense(3)],
    [bp.Dense(3), bp.Tanh(), bp.Softplus(), bp.Dense(2, bias=False), bp.Sigmoid()],
    [bp.Dense(2, bias=False), bp.Tanh(), bp.Dense(4), bp.ELU(0.5), bp.Dense(1)],
    [bp.Dense(4), bp.ReLU(), bp.Dense(4), bp.LeakyReLU(0.2), bp.Dense(2)],
    [bp.Dense(3), phi := bp.Tanh(), bp.Dense(3), phi],
]
every_net = pytest.mark.parametrize("layers", NETS, ids=repr)
X = spread((4, 3), 1)


def walked(sweep, l1, l2):
    """The coefficients as sums over all walks from unit to unit, each the product on its way."""
    units = [range(sweep.W[k].shape[1]) for k in range(l1, l2 + 1)]
    A = np.zeros((len(X), len(units[0]), len(units[-1])))
    for n, walk in itertools.product(range(len(X)), itertools.product(*units)):
        passed = 1.0
        for k, (i, j) in enumerate(itertools.pairwise(walk), start=l1):
            passed *= sweep.slopes[k][n, i] * sweep.W[k + 1][i, j]
        A[n, walk[0], walk[-1]] += passed
    return A


@every_net
def test_both_recursions_are_the_sum_over_all_walks(layers):
    sweep = Amplification(built(layers), X)
    for l1, l2 in itertools.combinations_with_replacement(range(1, sweep.L + 1), 2):
        far, near = sweep.far_end(l1, l2), sweep.near_end(l1, l2)
        assert_allclose(far, near, rtol=0, atol=1e-14)
        assert_allclose(near, walked(sweep, l1, l2), rtol=0, atol=1e-13)
    for l1, A in enumerate(sweep.to_output(), start=1):
        assert_array_equal(A, sweep.near_end(l1, sweep.L))


def test_a_coefficient_is_how_much_larger_a_push_arrives():
    """A bias is a push on the net input of its unit, for every example alike."""
    net = built([bp.Dense(4), bp.Tanh(), bp.Dense(2), bp.Sigmoid(), bp.Dense(3), bp.Tanh()])
    sweep = Amplification(net, X)
    for (l1, l2), i in itertools.product([(1, 2), (1, 3), (2, 3), (2, 2)], range(2)):
        twin = net.astype(np.complex128)
        twin[2 * (l1 - 1)].b[i] += 1e-100j
        z = X
        for layer in list(twin)[: 2 * l2 - 1]:
            z = layer.predict(z)
        arrived = z.imag / 1e-100
        assert_allclose(arrived, sweep.far_end(l1, l2)[:, i], rtol=0, atol=1e-14)


def one_by_one(net, x):
    """The Jacobian from the network's own backward pass, one output of one example at a time."""
    J = np.empty((len(x), *net.shapes[-1], net.param_count))
    for n, m in np.ndindex(*J.shape[:2]):
        y, cache = net.forward(x[n : n + 1])
        J[n, m] = net.flatten(net.grads(np.eye(y.shape[1])[m : m + 1], cache))
    return J


@every_net
def test_the_jacobian(layers):
    net = built(layers)
    y, J = jacobian(net, X)
    assert_array_equal(y, net.predict(X))
    assert_allclose(J, one_by_one(net, X), rtol=0, atol=1e-13)
    assert_allclose(J, complex_step(net, X), rtol=0, atol=1e-13)


def test_the_jacobian_by_central_differences():
    net = built([bp.Dense(4), bp.Tanh(), bp.Dense(2), bp.Sigmoid()])
    _, J = jacobian(net, X)
    for p in range(net.param_count):
        ends = [net.astype(np.float64), net.astype(np.float64)]
        for twin, step in zip(ends, (1e-5, -1e-5), strict=True):
            twin.parameters[p] += step
        difference = (ends[0].predict(X) - ends[1].predict(X)) / 2e-5
        assert_allclose(J[:, :, p], difference, rtol=0, atol=1e-9)


@every_net
def test_error_coefficients_are_the_deltas(layers):
    net = built(layers)
    y, cache = net.forward(X)
    delta = spread(y.shape, 2)
    deltas = net.deltas(delta, cache)
    numbers = [number for number, layer in enumerate(net) if isinstance(layer, bp.Dense)]
    errors = Amplification(net, X).errors(delta)
    for number, error in zip(numbers, errors, strict=True):
        assert_allclose(error, deltas[number + 1], rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_the_dtype_is_that_of_the_network(dtype):
    net = bp.Network([bp.Dense(4), bp.Tanh(), bp.Dense(2)])
    net.build((3,), rng=0, dtype=dtype)
    y, J = jacobian(net, X)
    assert y.dtype == J.dtype == dtype
    sweep = Amplification(net, X)
    assert sweep.far_end(1, 2).dtype == sweep.near_end(1, 2).dtype == dtype


def test_the_fixture():
    sweep = Amplification(amplification.fixture(), np.array([[1.0, -1.0]]))
    A = [[0.4823756810910317, -0.578850817309238], [0.6778010430874046, 0.7746297635284625]]
    by_W = [[0.465628619147619, -0.5787907980553205], [0.6542692264995108, 0.7745494445601221]]
    for found in (sweep.far_end(1, 2), sweep.near_end(1, 2)):
        assert_allclose(found[0], A, rtol=0, atol=1e-15)
    dW, db = sweep.jacobian()[0]
    assert_allclose(dW[0, :, 0].T, by_W, rtol=0, atol=1e-15)
    assert_allclose(db[0].T, by_W, rtol=0, atol=1e-15)  # the first input is 1, as a bias's


CHAIN = "a chain of Dense layers, each once, and elementwise activations, a Dense first"
shared = bp.Dense(3)


def residual():
    net = bp.Network([bp.Dense(3)])
    net.add(bp.Add(), 0, 1)
    return net


@pytest.mark.parametrize(
    ("net", "got"),
    [
        (bp.Network([bp.Dense(3), bp.Dropout()]), "Dropout 'dropout_1'"),
        (bp.Network([bp.Dense(3), bp.PReLU()]), "PReLU 'prelu_1'"),
        (bp.Network([bp.Dense(3), bp.Softmax()]), "Softmax 'softmax_1'"),
        (bp.Network([bp.Dense(3), bp.Network([bp.Tanh()])]), "Network 'network_1'"),
        (bp.Network([bp.Tanh(), bp.Dense(3)]), "Tanh 'tanh_1' first"),
        (bp.Network([bp.Tanh()]), "Tanh 'tanh_1' first"),
        (bp.Network([shared, bp.Tanh(), shared]), "one that is shared"),
        (residual(), "another wiring"),
    ],
)
def test_other_networks_are_refused(net, got):
    net.build((3,), rng=0)
    for call in (Amplification, jacobian):
        with pytest.raises(ValueError, match=f"^Network expects {CHAIN}, got {re.escape(got)}$"):
            call(net, X)


def test_what_is_no_network_or_not_built_or_not_of_rows_is_refused():
    with pytest.raises(TypeError, match=r"^amplification expects a Network, got Dense\(2\)$"):
        jacobian(bp.Dense(2), X)
    net = bp.Network([bp.Dense(2)])
    text = r"^Network expects build\(in_shape\) before its amplification is asked for, got none$"
    with pytest.raises(ValueError, match=text):
        jacobian(net, X)
    net.build((4, 3))
    text = r"^Network expects inputs of shape \(N, D\) for its amplification, got \(N, 4, 3\)$"
    with pytest.raises(ValueError, match=text):
        jacobian(net, X)


def test_layers_that_are_not_there_and_deltas_of_another_shape_are_refused():
    sweep = Amplification(amplification.fixture(), np.ones((5, 2)))
    for end in (sweep.far_end, sweep.near_end):
        with pytest.raises(ValueError, match=r"^Amplification expects l2 to be at most 2, got 3$"):
            end(1, 3)
        text = r"^Amplification expects l1 to be a whole number of at least 1, got 0$"
        with pytest.raises(ValueError, match=text):
            end(0, 2)
        text = r"^Amplification expects l2 to be a whole number of at least 2, got 1$"
        with pytest.raises(ValueError, match=text):
            end(2, 1)
    text = r"^Amplification expects a delta of shape \(5, 2\), got \(2,\)$"
    with pytest.raises(ValueError, match=text):
        sweep.errors(np.ones(2))
