"""The fully connected cascade: a layer that keeps the contract, and what its gradient costs."""

import itertools
import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics.amplification import SMOOTH, complex_step
from backprop.classics.cascade import Cascade, count, fixture
from backprop.selfcheck import spread

KINDS = [
    *(Cascade(4, phi()) for phi in SMOOTH),
    *(Cascade(n) for n in (1, 2, 3, 9)),
    Cascade(1, output=bp.Identity()),
    Cascade(3, bp.Softplus(), output=bp.Sigmoid()),
    Cascade(3, bp.ReLU(), output=bp.LeakyReLU(0.3)),
]
every_kind = pytest.mark.parametrize("cascade", KINDS, ids=repr)
every_batch = pytest.mark.parametrize("shape", [(1, 1), (5, 2), (3, 3)])


def built(cascade, shape):
    cascade.build(shape[1:], rng=1, dtype=np.float64)
    return cascade, spread(shape, 2)


@every_kind
@every_batch
def test_gradients_are_right(cascade, shape):
    cascade, x = built(cascade, shape)
    report = bp.gradcheck(cascade, x)
    report.assert_ok()
    for row in report.comparisons:
        assert row.complex_error <= 1e-12
        assert row.central_error <= 1e-7


def test_every_promise_of_the_contract_is_kept():
    settings = {
        "neurons": [1, 2, 3, 5],
        "activation": [bp.Tanh(), bp.Sigmoid(), bp.ReLU()],
        "output": [None, bp.Identity()],
    }
    certificate = bp.certify(Cascade, settings, examples=60, shapes=[(1, 1), (4, 2), (2, 3)])
    certificate.assert_ok()


def neuron_by_neuron(cascade, x):
    """The outputs of all neurons for one example, weight by weight, and V as a table."""
    table = {}
    weights = iter(cascade.V)
    for i in range(cascade.neurons):
        for j in range(i):
            table[i, j] = next(weights)
    y = []
    for i in range(cascade.neurons):
        z = cascade.U[i, 0] + sum(u * v for u, v in zip(cascade.U[i, 1:], x, strict=True))
        z += sum(table[i, j] * y[j] for j in range(i))
        y.append(cascade.phi(i).predict(np.array([z]))[0])
    return y, table


@every_kind
def test_the_output_is_that_of_the_last_neuron(cascade):
    cascade, x = built(cascade, (5, 2))
    slow = [neuron_by_neuron(cascade, each)[0][-1] for each in x]
    assert_allclose(cascade.predict(x)[:, 0], slow, rtol=1e-14, atol=1e-15)


def walks(i, n):
    """All ways from neuron i to neuron n - 1, forwards."""
    between = range(i + 1, n - 1)
    if i == n - 1:
        return [(i,)]
    chosen = itertools.chain(*(itertools.combinations(between, k) for k in range(len(between) + 1)))
    return [(i, *some, n - 1) for some in chosen]


@every_kind
def test_the_coefficients_from_either_end_are_the_sum_over_all_walks(cascade):
    n = cascade.neurons
    cascade, x = built(cascade, (3, 2))
    _, cache = cascade.forward(x)
    slopes = cascade.slopes(cache)
    alpha, A = cascade.alphas(slopes), cascade.far_end(slopes)
    assert_allclose(alpha, A[:, :, -1] * slopes[:, -1:], rtol=0, atol=1e-14)
    assert_array_equal(np.tril(A, -1), 0)
    for e in range(len(x)):
        _, V = neuron_by_neuron(cascade, x[e])
        for i in range(n):
            ways = [
                math.prod(slopes[e, k] for k in walk)
                * math.prod(V[after, before] for before, after in itertools.pairwise(walk))
                for walk in walks(i, n)
            ]
            assert_allclose(alpha[e, i], sum(ways), rtol=0, atol=1e-13)


@every_kind
@every_batch
def test_the_jacobian(cascade, shape):
    net = bp.Network([cascade])
    net.build(shape[1:], rng=1, dtype=np.float64)
    x = spread(shape, 2)
    y, J = cascade.jacobian(x)
    assert_array_equal(y, net.predict(x))
    assert J.shape == (len(x), 1, net.param_count)
    assert_allclose(J, complex_step(net, x), rtol=0, atol=1e-13)
    for n in range(len(x)):
        one, cache = net.forward(x[n : n + 1])
        gradient = net.flatten(net.grads(np.ones_like(one), cache))
        assert_allclose(J[n, 0], gradient, rtol=0, atol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 12])
def test_a_weight_is_multiplied_once_from_the_near_end(n):
    assert count(n) == (n * (n - 1) // 2, sum(k - i for k in range(n) for i in range(k)))
    assert count(n)[1] == n * (n * n - 1) // 6


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 3), (4, 2), (30, 5)])
def test_an_entry_of_the_gradient_costs_less_than_two_multiplications(n, m):
    cascade, _ = built(Cascade(n), (1, m))
    assert cascade.param_count == n * (m + 1) + n * (n - 1) // 2
    assert cascade.multiply_adds((m,)) == cascade.param_count  # forwards: one for each weight
    assert (count(n)[0] + cascade.param_count) / cascade.param_count < 2


def test_the_fixture():
    x = np.array([[0.5, -1.0]])
    y = [fixture(neurons).predict(x)[0, 0] for neurons in (1, 2, 3, 4)]
    known = [-0.43304330712551575, -0.08328497540872741, -0.02210307649089459, -0.1211815777411497]
    assert_allclose(y, known, rtol=0, atol=1e-15)


def test_it_trains_in_a_network_and_is_saved(tmp_path):
    x = spread((40, 2), 3)
    target = np.sin(x[:, :1] + x[:, 1:])
    net = bp.Network([Cascade(4, output=bp.Identity())])
    net.build((2,), rng=0, dtype=np.float64)
    found = bp.minimize(net, (x, target), loss=bp.HalfSquaredError(), max_iterations=100)
    assert found.losses[-1] < found.losses[0] / 10
    bp.save(net, tmp_path / "cascade.safetensors")
    again = bp.load(tmp_path / "cascade.safetensors", layers=[Cascade])
    assert repr(again) == repr(net)
    assert_array_equal(again.predict(x), net.predict(x))


def test_the_call_that_makes_it_is_its_repr():
    assert repr(Cascade(3)) == "Cascade(3)"
    shown = "Cascade(2, activation=Sigmoid(), output=Identity())"
    assert repr(Cascade(2, bp.Sigmoid(), output=bp.Identity())) == shown


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (
            lambda: Cascade(0),
            ValueError,
            "Cascade expects neurons to be a whole number of at least 1, got 0",
        ),
        (
            lambda: Cascade(2, bp.Dense(1)),
            TypeError,
            "Cascade expects activation to be an elementwise activation without parameters, "
            f"got {bp.Dense(1)!r}",
        ),
        (
            lambda: Cascade(2, output="tanh"),
            TypeError,
            "Cascade expects output to be an elementwise activation without parameters, got 'tanh'",
        ),
        (
            lambda: Cascade(2).build((4, 3)),
            ValueError,
            "Cascade expects inputs of shape (N, D), got (N, 4, 3)",
        ),
        (
            lambda: count(0),
            ValueError,
            "Cascade expects neurons to be a whole number of at least 1, got 0",
        ),
    ],
)
def test_errors(make, kind, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        make()
