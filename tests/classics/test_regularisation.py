"""Grosse's example against differences, decay against its penalty, stopping against its formula."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import backprop as bp
from backprop.classics import regularisation
from backprop.classics.regularisation import (
    decay_as_penalty,
    descended,
    share_when_stopped,
    share_with_penalty,
    stopped,
    trained_with_decay,
    univariate,
)

POINTS = pytest.mark.parametrize(
    ("w", "b", "x", "t", "strength"),
    [(0.8, -0.3, 1.5, 0.2, 0.1), (-1.0, 0.5, 2.0, 1.0, 0.0), (0.0, 0.0, -3.0, 0.7, 2.0)],
)


@POINTS
def test_the_costs_are_the_definition(w, b, x, t, strength):
    found = univariate(w, b, x, t, strength)
    y = 1 / (1 + math.exp(-(w * x + b)))
    assert_allclose(found.y, y, rtol=1e-15)
    assert_allclose(found.J, (y - t) ** 2 / 2 + strength * w**2 / 2, rtol=1e-14)
    assert_allclose(found.J, found.L + strength * found.R, rtol=1e-15)


@POINTS
def test_the_bars_are_the_complex_step(w, b, x, t, strength):
    found, h = univariate(w, b, x, t, strength), 1e-100
    slope = univariate(np.complex128(w + 1j * h), b, x, t, strength).J.imag / h
    assert_allclose(found.w_bar, slope, rtol=1e-14, atol=1e-16)
    slope = univariate(w, np.complex128(b + 1j * h), x, t, strength).J.imag / h
    assert_allclose(found.b_bar, slope, rtol=1e-14, atol=1e-16)
    assert_allclose(found.z_bar, slope, rtol=1e-14, atol=1e-16)
    assert_allclose(found.y_bar, found.y - t, rtol=1e-15)


@POINTS
def test_the_bars_are_central_differences(w, b, x, t, strength):
    found, h = univariate(w, b, x, t, strength), 1e-6
    above, below = (univariate(w + s, b, x, t, strength).J for s in (h, -h))
    assert_allclose(found.w_bar, (above - below) / (2 * h), rtol=1e-7, atol=1e-9)
    above, below = (univariate(w, b + s, x, t, strength).J for s in (h, -h))
    assert_allclose(found.b_bar, (above - below) / (2 * h), rtol=1e-7, atol=1e-9)


@POINTS
def test_the_example_is_a_network_with_a_penalty(w, b, x, t, strength):
    dense = bp.Dense(1, init=bp.Given([[w]]), bias_init=bp.Constant(b))
    net = bp.Network([dense, bp.Sigmoid()])
    net.build((1,), dtype=np.float64)
    penalties = [bp.L2(strength)]
    step = bp.TrainStep(net, bp.HalfSquaredError(), bp.SGD(1.0), penalties=penalties)
    loss = step([[x]], [[t]])
    found = univariate(w, b, x, t, strength)
    assert_allclose(loss, found.J, rtol=1e-14)
    assert_allclose(net.parameters, [w - found.w_bar, b - found.b_bar], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("decay", [0.0, 0.002, 0.1])
def test_decay_is_its_penalty(rate, decay):
    as_told, as_penalty = trained_with_decay(rate, decay, updates=100)
    assert_allclose(as_penalty, as_told, rtol=1e-11, atol=1e-13)


def test_decay_by_0_2_percent():
    optimizer, penalty = decay_as_penalty(0.1)
    assert_allclose(optimizer.rate, 0.0998, rtol=1e-15)
    assert_allclose(penalty.strength, 0.02004008016032064, rtol=1e-14)
    assert_allclose(1 - optimizer.rate * penalty.strength, 0.998, rtol=1e-15)


@pytest.mark.parametrize(("rate", "updates"), [(0.02, 0), (0.02, 1), (0.02, 300), (0.1, 50)])
def test_a_stopped_linear_unit_has_a_formula(rate, updates):
    x, t = regularisation.regression()
    expected = stopped(x, t, rate, updates)
    assert_allclose(descended(x, t, rate, updates), expected, rtol=0, atol=1e-12)


def test_the_penalty_leaves_its_share():
    x, t = regularisation.regression()
    s, V = np.linalg.eigh(x.T @ x)
    least_squares = V.T @ np.linalg.lstsq(x, t)[0]
    ridge = V.T @ np.linalg.solve(x.T @ x + 0.7 * np.eye(4), x.T @ t)
    assert_allclose(ridge, share_with_penalty(s, 0.7) * least_squares, rtol=1e-10)


def test_the_shares_are_never_far_apart():
    s = np.geomspace(1e-6, 1e3, 500)
    rate, updates = 1e-5, 10_000
    apart = share_when_stopped(s, rate, updates) - share_with_penalty(s, 1 / (rate * updates))
    assert apart.min() > -1e-9
    assert 0.2 < apart.max() < 0.21


@pytest.mark.parametrize("seed", [0, 1])
def test_stopping_early_is_better_on_other_data(seed):
    net, history, (x, t) = regularisation.overfit(epochs=1200, seed=seed)
    early, short, _ = regularisation.overfit(patience=200, epochs=1200, seed=seed)
    loss = bp.HalfSquaredError()
    assert loss.forward(early.predict(x), t)[0] < 0.8 * loss.forward(net.predict(x), t)[0]
    assert len(short) < len(history) == 1200
    assert history.loss[-1] < short.loss[-1]  # though it fits the training data worse


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: univariate(1.0, 0.0, 1.0, 1.0, -1),
            "univariate expects strength to be a finite number of at least 0, got -1",
        ),
        (
            lambda: decay_as_penalty(0.1, 1),
            "decay_as_penalty expects decay to be a finite number of at least 0 below 1, got 1",
        ),
        (lambda: decay_as_penalty(0), "decay_as_penalty expects rate to be above 0, got 0"),
        (
            lambda: share_when_stopped([1.0], 0.1, -1),
            "share_when_stopped expects updates to be a whole number of at least 0, got -1",
        ),
        (
            lambda: stopped(np.eye(2), np.ones(2), 2.5, 3),
            "stopped expects a rate from 0 to 2, got 2.5",
        ),
        (
            lambda: stopped(np.ones((3, 2)), np.ones(3), 0.1, 3),
            "stopped expects independent columns, got eigenvalues ",
        ),
        (
            lambda: stopped(np.eye(2), [1.0, 2.0, 3.0], 0.1, 5),
            "stopped expects inputs (N, D) and targets (N), got (2, 2) and (3,)",
        ),
        (
            lambda: stopped(np.full((2, 2), np.nan), [1.0, 2.0], 0.1, 5),
            "stopped expects independent columns, got eigenvalues [nan nan]",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        call()
