"""Equal units stay equal; the sizes of activations and deltas are the predicted ones."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics.exclusive_or import T, X
from backprop.classics.initialisation import deep, learn_xor, moments, predicted, spread


@pytest.mark.parametrize("value", [0.0, 0.05, 0.5, -2.0])
def test_equal_units_stay_equal(value):
    net = learn_xor(bp.Constant(value), updates=500)
    assert_allclose(net[0].W, net[0].W[:, :1] * np.ones(4), rtol=0, atol=1e-10)
    assert_allclose(net[0].b, net[0].b[0], rtol=0, atol=1e-10)
    assert spread(net[0]) < 1e-9
    if value:  # zero is a stationary point
        assert np.abs(net[2].W - value).max() > 1e-3


def test_from_zero_the_first_hidden_delta_is_zero():
    net = learn_xor(bp.Constant(0.0), updates=1)
    assert_array_equal(net[0].W, 0)


def test_different_units_learn_xor():
    net = learn_xor(bp.Uniform(-1, 1))
    assert_array_equal(net.predict(X) > 0.5, T > 0.5)
    assert spread(net[0]) > 1


def test_spread_is_the_largest_difference_of_two_units():
    layer = bp.Dense(3)
    layer.build((4,), rng=0, dtype=np.float64)
    layer.b[:] = [0.0, 5.0, 1.0]
    units = np.vstack([layer.W, layer.b])
    pairs = (abs(units[:, j] - units[:, k]).max() for j in range(3) for k in range(3))
    assert_allclose(spread(layer), max(pairs), rtol=1e-15)
    layer.b[:] = 0
    pairs = (abs(layer.W[:, j] - layer.W[:, k]).max() for j in range(3) for k in range(3))
    assert_allclose(spread(layer), max(pairs), rtol=1e-15)


@pytest.mark.parametrize("init", [bp.LeCun(), bp.Glorot(), bp.He(), bp.Glorot("normal")])
@pytest.mark.parametrize(
    ("activation", "share"), [(bp.Identity, 1.0), (bp.ReLU, 0.5)], ids=["linear", "ReLU"]
)
def test_sizes_are_the_predicted_ones_on_average(init, activation, share):
    sizes = (100, 200, 50, 80)
    found = np.mean(
        [moments(deep(sizes, init, activation, s), s, 50)[:, ::2] for s in range(60)], axis=0
    )
    assert_allclose(found / predicted(sizes, init, share), 1, rtol=0, atol=0.15)


def test_moments_are_the_means_of_squares():
    net = deep((3, 4, 2), bp.Glorot(), bp.Tanh)
    rng = np.random.default_rng(5)
    x = rng.standard_normal((7, 3))
    a = np.tanh(x @ net[0].W)
    y = np.tanh(a @ net[2].W)
    delta = rng.standard_normal((7, 2))
    of_z2 = delta * (1 - y**2)
    of_a = of_z2 @ net[2].W.T
    of_z1 = of_a * (1 - a**2)
    found = moments(net, seed=5, examples=7)
    ups = [x, x @ net[0].W, a, a @ net[2].W, y]
    downs = [of_z1 @ net[0].W.T, of_z1, of_a, of_z2, delta]
    assert_allclose(found, [[(v**2).mean() for v in each] for each in (ups, downs)], rtol=1e-13)


def test_predictions():
    assert_allclose(predicted((400, 200, 100, 50), bp.LeCun())[0], 1, rtol=1e-15)
    assert_allclose(predicted((400, 200, 100, 50), bp.LeCun())[1], [1 / 8, 1 / 4, 1 / 2, 1])
    up, down = predicted((400, 200, 100, 50), bp.Glorot())
    assert_allclose(up, [(4 / 3) ** k for k in range(4)], rtol=1e-14)
    assert_allclose(down, [(2 / 3) ** (3 - k) for k in range(4)], rtol=1e-14)
    assert_allclose(predicted((100, 100, 100), bp.He(), 0.5), 1, rtol=1e-15)


def skipping():
    net = bp.Network()
    net.add(bp.Add(), 0, net.add(bp.Dense(3), 0))
    net.build((3,), rng=0)
    return net


@pytest.mark.parametrize(
    ("call", "text", "kind"),
    [
        (lambda: spread(bp.Tanh()), "spread expects a Dense, got Tanh()", TypeError),
        (
            lambda: learn_xor(0.5),
            "learn_xor expects an initializer such as Constant(0), got 0.5",
            TypeError,
        ),
        (
            lambda: learn_xor(bp.Zeros(), updates=-1),
            "learn_xor expects updates to be a whole number of at least 0, got -1",
            ValueError,
        ),
        (
            lambda: moments(skipping()),
            f"moments expects a chain of layers, each standing in it once, got {skipping()!r}",
            ValueError,
        ),
        (
            lambda: moments(bp.Dense(3)),
            "moments expects a Network, got Dense(3)",
            TypeError,
        ),
        (
            lambda: moments(bp.Network([bp.Dense(3), bp.Dropout(0.5)])),
            "moments expects layers that do in training what they do in prediction, "
            "got Network([Dense(3), Dropout()])",
            ValueError,
        ),
        (
            lambda: moments(bp.Network([bp.Dense(3)])),
            "moments expects a chain that is built, got Network([Dense(3)])",
            ValueError,
        ),
        (
            lambda: moments(deep((2, 2), bp.He()), examples=0),
            "moments expects examples to be a whole number of at least 1, got 0",
            ValueError,
        ),
        (
            lambda: predicted((3, 2), bp.Uniform()),
            "predicted expects an initializer with a variance, such as Glorot(), "
            "got Uniform(low=-0.05, high=0.05)",
            TypeError,
        ),
    ],
)
def test_errors(call, text, kind):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()
