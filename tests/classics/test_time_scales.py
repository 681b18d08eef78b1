"""Calculus and backpropagation on time scales."""

import math
import re
from decimal import Decimal, getcontext

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import time_scales as ts
from backprop.classics.exclusive_or import XOR

SAME = bp.Dense(2)
TIED = bp.Network([SAME, bp.Tanh(), SAME, bp.Tanh()])
SQUARES = ts.Points([9, 4, 0, 1, 1, 16])


def test_jumps_and_graininess():
    assert ts.Reals().jump(2.5) == 2.5
    assert ts.Reals().graininess(2.5) == 0
    assert ts.Multiples(0.5).jump(-1.0) == -0.5
    assert ts.Multiples(0.5).graininess(-1.0) == 0.5
    assert ts.Multiples().jump(3) == 4
    assert SQUARES.points == [0, 1, 4, 9, 16]
    assert [SQUARES.jump(t) for t in (0, 1, 4, 9, 16)] == [1, 4, 9, 16, 16]
    assert [SQUARES.graininess(t) for t in (0, 1, 4, 9, 16)] == [1, 3, 5, 7, 0]


def test_what_lies_in_a_time_scale():
    assert 0.3 in ts.Multiples(0.1)  # 3 * 0.1 is another float
    assert 0.25 not in ts.Multiples(0.1)
    assert math.inf not in ts.Multiples(0.1)
    assert math.nan not in ts.Reals()
    assert 4 in SQUARES
    assert 5 not in SQUARES


@pytest.mark.parametrize(
    ("scale", "inner", "both", "naive"),
    [
        (ts.Multiples(1), 5, 665, 240),
        (ts.Multiples(0.5), 4.5, 360.28125, 216),
        (ts.Points([1, 2, 3]), 5, 665, 240),
        (ts.Reals(), 4, 192, 192),
    ],
)
def test_the_chain_rule_of_the_cube_of_a_square(scale, inner, both, naive):
    slope = ts.delta_derivative(lambda t: t**2, 2.0, scale)
    assert slope == inner
    assert ts.delta_derivative(lambda t: (t**2) ** 3, 2.0, scale) == both
    by_rule = ts.chain_rule(lambda y: 3 * y**2, lambda t: t**2, 2.0, scale)
    assert math.isclose(by_rule, both, rel_tol=1e-14)
    assert 3 * 4**2 * slope == naive


@pytest.mark.parametrize("scale", [ts.Multiples(0.25), ts.Points([0.5, 0.6, 2]), ts.Reals()])
def test_the_chain_rule_of_other_functions(scale):
    direct = ts.delta_derivative(lambda t: np.exp(np.sin(t)), 0.5, scale)
    assert math.isclose(ts.chain_rule(np.exp, np.sin, 0.5, scale), direct, rel_tol=1e-12)


def test_the_naive_chain_rule_is_off_in_proportion_to_the_graininess():
    errors = [
        ts.chain_rule(lambda y: 3 * y**2, lambda t: t**2, 2.0, ts.Multiples(h))
        - 48 * ts.delta_derivative(lambda t: t**2, 2.0, ts.Multiples(h))
        for h in (2**-10, 2**-11)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, rel=1e-3)


# Slopes of activations


def exactly(activation, z, dz):
    """Return (phi(z + dz) - phi(z)) / dz with 60 digits."""
    getcontext().prec = 60

    def phi(x):
        if activation == "Sigmoid":
            return 1 / (1 + (-x).exp())
        if activation == "Tanh":
            return 1 - 2 / (1 + (2 * x).exp())
        return max(x, Decimal(0)) if activation == "ReLU" else x

    z, dz = Decimal(z), Decimal(dz)
    return float((phi(z + dz) - phi(z)) / dz)


@pytest.mark.parametrize(
    "activation", [bp.Sigmoid(), bp.Tanh(), bp.ReLU(), bp.Identity()], ids=repr
)
@pytest.mark.parametrize("dz", [1e-12, -1e-9, 1e-5, -0.3, 1.0, -7.0, 30.0])
def test_no_digits_are_lost(activation, dz):
    z = np.array([-20.0, -3, -0.1, 0, 0.5, 2, 15])
    ours = ts.averaged_slope(activation, z, np.full_like(z, dz))
    exact = [exactly(type(activation).__name__, each, dz) for each in z.tolist()]
    if isinstance(activation, bp.ReLU):
        exact = np.clip(exact, 0, 1)
    assert_allclose(ours, exact, rtol=2e-14)


@pytest.mark.parametrize(
    "activation", [bp.Sigmoid(), bp.Tanh(), bp.ReLU(), bp.Identity()], ids=repr
)
def test_without_a_jump_it_is_the_derivative(activation):
    z = np.array([-30.0, -3, -0.1, 0, 0.5, 2, 15])
    y, cache = activation.forward(z)
    slope, _ = activation.backward(np.ones_like(y), cache)
    assert_allclose(
        ts.averaged_slope(activation, z, np.zeros_like(z)), slope, rtol=1e-13, atol=1e-15
    )


def test_far_out_nothing_overflows():
    z, dz = np.array([-2000.0, 2000, -2000]), np.array([1.0, -1, 4000])
    assert_array_equal(ts.averaged_slope(bp.Sigmoid(), z, dz), [0, 0, 1 / 4000])


# Backpropagation along a jump

x, target = XOR
NETS = {
    "tanh": [bp.Dense(3), bp.Tanh(), bp.Dense(1), bp.Sigmoid()],
    "deep": [
        bp.Dense(3),
        bp.Sigmoid(),
        bp.Dense(2),
        bp.ReLU(),
        bp.Dense(2),
        bp.Tanh(),
        bp.Dense(1),
    ],
    "without bias": [bp.Dense(2, bias=False), bp.Identity(), bp.Dense(1, bias=False)],
}


def net_of(name, seed):
    net = bp.Network(NETS[name])
    if net.in_shapes is None:
        net.build((2,), dtype=np.float64)
    net.parameters[:] = np.random.default_rng(seed).standard_normal(net.param_count)
    return net


def loss(net):
    return ts.LOSS.forward(net.predict(x), target)[0]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("width", [1e-3, 0.1, 3.0])
def test_over_any_jump_the_slopes_tell_the_change_of_the_loss_exactly(name, width):
    net = net_of(name, 0)
    jumped = net.astype(np.float64)
    jumped.parameters[:] += width * np.random.default_rng(1).standard_normal(net.param_count)
    change = loss(jumped) - loss(net)
    assert abs(ts.change_told(net, jumped, x, target) - change) <= 1e-14 * max(1, abs(change))


@pytest.mark.parametrize("name", NETS)
def test_without_a_jump_they_are_the_gradients(name):
    net = net_of(name, 0)
    grads, own = ts.slopes(net, net, x, target), ts.ordinary(net, x, target)
    assert grads.keys() == own.keys()
    for key, gradient in own.items():
        assert_allclose(grads[key], gradient, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ["tanh", "without bias"])
def test_updates_differ_from_ordinary_ones_in_proportion_to_the_graininess(name):
    differences = []
    for mu in (1e-2, 1e-3, 1e-4):
        net = net_of(name, 0)
        step = (net.parameters - ts.leap(net, x, target, mu).parameters) / mu
        differences.append(np.linalg.norm(step - net.flatten(ts.ordinary(net, x, target))))
    assert differences[0] / differences[1] == pytest.approx(10, rel=0.1)
    assert differences[1] / differences[2] == pytest.approx(10, rel=0.02)


@pytest.mark.parametrize("mu", [0.1, 1.0, 10.0])
def test_a_leap_solves_its_equation_and_changes_nothing(mu):
    net = ts.small_network()
    before = net.parameters.copy()
    jumped = ts.leap(net, x, target, mu, rate=0.5)
    along = net.flatten(ts.slopes(net, jumped, x, target))
    assert_allclose(jumped.parameters, before - 0.5 * mu * along, rtol=0, atol=1e-11)
    assert_array_equal(net.parameters, before)
    fall = -0.5 * mu * (along**2).sum()
    assert loss(jumped) - loss(net) == pytest.approx(fall, rel=1e-8)


def test_training_on_uneven_points():
    net = ts.small_network()
    times, losses = ts.train(net, x, target, ts.Points([0, 1, 3, 10, 30]), jumps=4)
    assert times == [0, 1, 3, 10, 30]
    assert (np.diff(losses) < 0).all()
    assert losses[-1] == loss(net)


def test_wide_jumps_never_raise_the_loss_where_ordinary_steps_do():
    _, losses = ts.train(ts.small_network(), x, target, ts.Multiples(10), jumps=30)
    assert (np.diff(losses) < 0).all()
    assert losses[-1] < 0.01
    assert (np.diff(ts.descend(10, 30)) > 0).any()


def test_narrow_jumps_are_ordinary_descent():
    _, losses = ts.train(ts.small_network(), x, target, ts.Multiples(1e-4), jumps=10)
    assert_allclose(losses, ts.descend(1e-4, 10), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("kind", "call", "text"),
    [
        (
            ValueError,
            lambda: SQUARES.jump(5),
            "Points([0.0, 1.0, 4.0, 9.0, 16.0]) expects a t that lies in it, got 5",
        ),
        (
            ValueError,
            lambda: ts.Multiples(0.5).graininess(0.3),
            "Multiples(h=0.5) expects a t that lies in it, got 0.3",
        ),
        (
            ValueError,
            lambda: ts.Reals().jump(math.inf),
            "Reals() expects a t that lies in it, got inf",
        ),
        (
            ValueError,
            lambda: ts.delta_derivative(abs, 16, SQUARES),
            "delta_derivative expects a t below the maximum of "
            "Points([0.0, 1.0, 4.0, 9.0, 16.0]), got 16",
        ),
        (
            ValueError,
            lambda: ts.chain_rule(abs, abs, 2, SQUARES),
            "Points([0.0, 1.0, 4.0, 9.0, 16.0]) expects a t that lies in it, got 2",
        ),
        (
            ValueError,
            lambda: ts.Points([1, 1]),
            "Points expects at least two different finite numbers, got [1, 1]",
        ),
        (
            ValueError,
            lambda: ts.Points([1, math.inf]),
            "Points expects at least two different finite numbers, got [1, inf]",
        ),
        (ValueError, lambda: ts.Multiples(0), "Multiples expects h to be a number above 0, got 0"),
        (
            ValueError,
            lambda: ts.Multiples("a"),
            "Multiples expects h to be a finite number, got 'a'",
        ),
        (
            TypeError,
            lambda: ts.averaged_slope(bp.GELU(), [0.0], [1.0]),
            "averaged_slope expects a Sigmoid, Tanh, ReLU or Identity, got GELU()",
        ),
        (
            ValueError,
            lambda: ts.slopes(bp.Network([bp.Dense(2)]), bp.Network([bp.Tanh()]), x, target),
            "slopes expects two chains of the same layers, "
            "got Network([Dense(2)]) and Network([Tanh()])",
        ),
        (
            TypeError,
            lambda: ts.slopes(ts.small_network(), bp.Dense(1), x, target),
            "slopes expects a Network, got Dense(1)",
        ),
        (
            ValueError,
            lambda: ts.slopes(TIED, TIED, x, x),
            f"slopes expects a chain of layers, each standing in it once, got {TIED!r}",
        ),
        (
            ValueError,
            lambda: ts.slopes(ts.small_network(), ts.small_network(), x, target[:, 0]),
            "slopes expects targets of shape (4, 1), got (4,)",
        ),
        (
            ValueError,
            lambda: ts.leap(ts.small_network(), x, target, math.nan),
            "leap expects mu to be a finite number of at least 0, got nan",
        ),
        (
            ValueError,
            lambda: ts.leap(ts.small_network(), x, target, 1.0, rate="fast"),
            "leap expects rate to be a finite number of at least 0, got 'fast'",
        ),
        (
            ValueError,
            lambda: ts.leap(ts.small_network(), np.full((4, 2), math.nan), target, 1.0),
            "leap expects a graininess for which the jump is found, got 1.0",
        ),
        (
            ValueError,
            lambda: ts.leap(ts.small_network(), x, target, 1e8),
            "leap expects a graininess for which the jump is found, got 100000000.0",
        ),
        (
            ValueError,
            lambda: ts.train(ts.small_network(), x, target, ts.Reals()),
            "train expects a time scale with a point next to t = 0, got Reals()",
        ),
        (
            ValueError,
            lambda: ts.train(ts.small_network(), x, target, ts.Points([0, 1]), jumps=2),
            "train expects a time scale with a point next to t = 1, got Points([0.0, 1.0])",
        ),
        (
            ValueError,
            lambda: ts.train(ts.small_network(), x, target, ts.Multiples(), jumps=0),
            "train expects jumps to be a whole number of at least 1, got 0",
        ),
    ],
)
def test_errors(kind, call, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.parametrize("name", ["__contains__", "_next"])
def test_a_time_scale_of_ones_own_has_to_say_what_is_in_it(name):
    with pytest.raises(NotImplementedError, match=f"^TimeScale has no {name}$"):
        getattr(ts.TimeScale(), name)(0)
