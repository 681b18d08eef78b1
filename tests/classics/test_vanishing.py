"""The bound, the chain, and the lengths of delta in networks of several kinds."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import vanishing
from backprop.classics.vanishing import bound, chain, deep, delta_lengths, lengths


@pytest.mark.parametrize(
    ("n", "published"),
    [
        (0, 1.0),
        (2, 0.0625),
        (5, 9.765625e-04),
        (10, 9.5367431640625e-07),
        (20, 9.094947017729282e-13),
    ],
)
def test_powers_of_a_quarter(n, published):
    assert bound(n) == published


def test_the_chain_of_ten():
    assert_allclose(chain(10), 3.4831156097851636e-07, rtol=1e-13)


@pytest.mark.parametrize(
    ("n", "x", "w", "b"), [(1, 0.5, 1, 0), (3, -2, 1, 0), (4, 0.3, 2.5, -1), (7, 0, -1, 0.5)]
)
def test_a_chain_is_the_product_of_its_slopes(n, x, w, b):
    value, slope = x, 1.0
    for _ in range(n):
        value = 1 / (1 + math.exp(-(w * value + b)))
        slope *= w * value * (1 - value)
    found = chain(n, x=x, w=w, b=b)
    assert_allclose(found, slope, rtol=1e-13)
    assert abs(found) <= bound(n) * abs(w) ** n


def test_one_logistic_unit_reaches_the_bound_at_zero():
    assert chain(1, x=0) == bound(1)


@pytest.mark.parametrize("kind", ["logistic", "tanh", "ReLU"])
def test_norms_are_those_of_the_deltas(kind):
    net = deep(kind, depth=4, width=6)
    rng = np.random.default_rng(0)
    x, delta = rng.standard_normal((5, 6)), rng.standard_normal((5, 6))
    found = delta_lengths(net, x, delta)
    assert found.shape == (8,)
    slopes = {
        "logistic": lambda a: a * (1 - a),
        "tanh": lambda a: 1 - a**2,
        "ReLU": lambda a: (a > 0) * 1.0,
    }
    values = [x]
    for layer in net:
        values.append(layer.predict(values[-1]))
    for n in reversed(range(0, 8, 2)):
        assert_allclose(found[n + 1], np.sqrt((delta**2).sum()), rtol=1e-13)
        delta = delta * slopes[kind](values[n + 2])
        assert_allclose(found[n], np.sqrt((delta**2).sum()), rtol=1e-13)
        delta = delta @ net[n].W.T


def test_norms_of_any_network():
    net = bp.Network(inputs=2)
    a = net.add(bp.Embedding(7, 3), 0)
    a = net.add(bp.Last(), a)
    b = net.add(bp.Dense(3), 1)
    net.add(bp.BatchNorm(), net.add(bp.Add(), a, b))
    net.add(bp.Dropout(0.5))
    net.build((4,), (2,), rng=0, dtype=np.float64)
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 7, (6, 4)), rng.standard_normal((6, 2)))
    before = {name: value.copy() for name, value in net.averages.items()}
    found = delta_lengths(net, x, rng.standard_normal((6, 3)))
    assert found.shape == (6,)
    assert (found > 0).all()
    for name, value in net.averages.items():
        assert_array_equal(value, before[name])  # a look changes nothing


@pytest.mark.parametrize("seed", range(3))
def test_every_layer_is_within_its_bound(seed):
    for kind, steepest in (("logistic", 1 / 4), ("tanh", 1), ("ReLU", 1)):
        net = deep(kind, depth=6, width=20, seed=seed)
        found = lengths(net)
        for place, layer in enumerate(net.layers[2::2]):
            assert found[place] <= steepest * np.linalg.norm(layer.W, 2) * found[place + 1]


@pytest.mark.parametrize("seed", range(5))
def test_logistic_units_vanish_and_rectifiers_do_not(seed):
    first = {}
    for kind in vanishing.KINDS:
        found = lengths(deep(kind, seed=seed))
        first[kind] = found[0] / found[-1]
    assert first["logistic"] < 1e-4 < 0.05 < first["tanh"]
    assert 0.3 < first["ReLU"] < 3


@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_the_scale_of_rectifiers_weights_comes_out_as_its_power(scale):
    one, other = (lengths(deep("ReLU", scale=c)) for c in (1.0, scale))
    assert_array_equal(other / one, scale ** np.arange(9.0, -1.0, -1.0))


@pytest.mark.parametrize(
    ("call", "text", "kind"),
    [
        (
            lambda: delta_lengths(bp.Dense(2), [[1.0]], [[1.0]]),
            "delta_lengths expects a Network, got Dense(2)",
            TypeError,
        ),
        (
            lambda: delta_lengths(deep("tanh", 1, 2), [[1.0, 2.0]], [[1.0]]),
            "delta_lengths expects a delta of shape (1, 2), got (1, 1)",
            ValueError,
        ),
        (
            lambda: delta_lengths(deep("tanh", 1, 2), [[1.0]], [[1.0, 2.0]]),
            "Network expects inputs of shape (N, 2), got (1, 1)",
            ValueError,
        ),
        (
            lambda: bound(-1),
            "bound expects n to be a whole number of at least 0, got -1",
            ValueError,
        ),
        (lambda: chain(0), "chain expects n to be a whole number of at least 1, got 0", ValueError),
        (
            lambda: chain(1, x=math.inf),
            "chain expects x to be a finite number, got inf",
            ValueError,
        ),
        (
            lambda: chain(1, w=math.nan),
            "Given expects an array of finite numbers, got NaN or infinity in it",
            ValueError,
        ),
        (
            lambda: deep("sine"),
            "deep expects a kind from logistic, tanh, ReLU, got 'sine'",
            ValueError,
        ),
        (
            lambda: deep("tanh", depth=0),
            "deep expects depth to be a whole number of at least 1, got 0",
            ValueError,
        ),
        (
            lambda: deep("tanh", scale="big"),
            "deep expects scale to be a finite number, got 'big'",
            ValueError,
        ),
    ],
)
def test_errors(call, text, kind):
    with pytest.raises(kind, match=f"^{re.escape(text)}"):
        call()
