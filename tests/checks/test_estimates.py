"""Slopes estimated from values: how good they are, and that they know it."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from backprop.checks import central_difference, complex_step, richardson
from backprop.checks.estimates import along, along_entry
from backprop.selfcheck import spread


def inputs(*shape, seed=0):
    return spread(shape, seed)


def test_the_textbook_figures():
    # Saitoh, Deep Learning from Scratch 3: y = (exp(x^2))^2 at 0.5, dy/dx = 4 x y
    assert math.exp(0.5**2) ** 2 == 1.648721270700128
    phi = lambda t: np.exp((0.5 + t) ** 2) ** 2  # noqa: E731
    assert complex_step(phi) == pytest.approx(3.297442541400256, rel=1e-15)
    assert central_difference(phi, 1e-4) == pytest.approx(3.2974426293330694, abs=4e-12)
    slope = richardson(lambda t: (phi(t), b""), 1.0, 1e-16, 1e-12)
    assert slope.value == pytest.approx(3.297442541400256, abs=1e-11)
    assert abs(slope.value - 3.297442541400256) <= slope.error <= 1e-11
    assert not slope.kink


@pytest.mark.parametrize("function", [np.sin, np.exp, np.tanh, lambda t: 1 / (2 + t), np.cbrt])
@pytest.mark.parametrize("at", [1e-3, 0.7, 40.0])
@pytest.mark.parametrize("enough", [1e-4, 1e-8, 0.0])
def test_differences_know_how_good_they_are(function, at, enough):
    phi = lambda t: (float(function(at + t)), b"")  # noqa: E731
    exact = (
        complex_step(lambda t: function(at + t)) if function is not np.cbrt else at ** (-2 / 3) / 3
    )
    noise = 4e-16 * abs(function(at))
    slope = richardson(phi, at, noise, enough * abs(exact))
    assert abs(slope.value - exact) <= 4 * slope.error + 1e-16 * abs(exact)
    if enough:
        assert slope.error <= enough * abs(exact) + 1100 * noise / at


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-6, 1e-4, 1e-2, -1e-6])
def test_a_kink_is_seen_and_stepped_around(gap):
    # |t - gap| has slope 1 or -1, but at the kink none
    phi = lambda t: (abs(t - gap), b"")  # noqa: E731
    masked = lambda t: (abs(t - gap), bytes([t > gap]))  # noqa: E731
    for each in (phi, masked):
        slope = richardson(each, 1.0, 1e-16, 1e-9)
        assert slope.kink == (abs(gap) < 1e-8)
        if slope.kink:
            assert (slope.left, slope.right) == pytest.approx((-1, 1), abs=1e-6)
        else:
            assert slope.value == pytest.approx(-np.sign(gap), abs=1e-7)


def test_other_winners_with_the_same_slope_are_told_too():
    # max(t, 0) - max(-t, 0) = t: two masks change at 0 and the slope does not
    slope = richardson(lambda t: (t, bytes([t > 0, t < 0])), 1.0, 1e-16, 1e-9)
    assert slope.crossed
    assert not slope.kink
    assert slope.value == pytest.approx(1)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 1, 2)])
@pytest.mark.parametrize("dtype", [float, complex])
def test_estimators_leave_the_array_as_it_was(shape, dtype):
    array = inputs(*shape).astype(dtype)
    before = array.copy()
    evaluate = lambda: (array**3).sum()  # noqa: E731
    for place in np.ndindex(shape):
        phi = along_entry(evaluate, array, place)
        slope = complex_step(phi) if dtype is complex else central_difference(phi, 1e-5)
        assert_allclose(slope, 3 * before[place].real ** 2, rtol=1e-8, atol=1e-9)
    u = inputs(*shape, seed=1)
    slope = central_difference(along(evaluate, array, u), 1e-5)
    assert_allclose(slope, (3 * before**2 * u).sum(), rtol=1e-8, atol=1e-9)
    assert np.array_equal(array, before)


def test_the_complex_step_does_not_depend_on_cancellation():
    # A loss of 1e12 with a slope of 1: differences see noise, the complex step does not.
    big = lambda t: 0.25 + t + 1e12  # noqa: E731
    assert abs(central_difference(big, 6e-6) - 1) > 1e-7
    assert complex_step(big) == 1
    slope = richardson(lambda t: (big(t), b""), 0.25, 1e-4, 1e-9)
    assert slope.error > 1e-4
