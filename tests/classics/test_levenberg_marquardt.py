"""Gauss-Newton and Levenberg-Marquardt, beside MINPACK and the normal equations."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize

import backprop as bp
from backprop.classics.amplification import jacobian, network
from backprop.classics.cascade import Cascade
from backprop.classics.levenberg_marquardt import (
    fitter,
    gauss_newton,
    gradient_descent,
    guesser,
    levenberg_marquardt,
    minpack,
    parity,
    sine,
    solved,
)
from backprop.classics.levenberg_marquardt.methods import damped_step
from backprop.selfcheck import spread


class Line:
    """y = x W, which is no layer of the package: linear, so that one step is enough."""

    def __init__(self, D, M):
        self.params = {"W": np.zeros((D, M))}

    def predict(self, x):
        return x @ self.params["W"]

    def jacobian(self, x):
        M = self.params["W"].shape[1]
        J = np.einsum("nd,mk->nmdk", x, np.eye(M))
        return self.predict(x), J.reshape(len(x), M, -1)


def noisy(M=1):
    """Examples that no small network fits exactly."""
    x = np.linspace(-2, 2, 30)[:, np.newaxis]
    noise = np.random.default_rng(5).normal(0, 0.1, (30, M))
    return x, np.tanh(2 * x - 1) @ np.linspace(1, -1, 2 * M)[:M][np.newaxis] + noise


def layered(M=1, dtype=np.float64):
    net = bp.Network([bp.Dense(1), bp.Tanh(), bp.Dense(M)])
    net.build((1,), rng=1, dtype=dtype)
    return net


# Steps


@pytest.mark.parametrize("M", [1, 3])
def test_of_a_linear_model_one_step_of_gauss_newton_is_least_squares(M):
    x, target, model = spread((10, 4), 0), spread((10, M), 1), Line(4, M)
    history = gauss_newton(model, x, target, steps=1)
    W, squares, _, _ = np.linalg.lstsq(x, target)
    assert_allclose(model.params["W"], W, rtol=0, atol=1e-14)
    assert_allclose(history.errors, [(target**2).sum() / 2, squares.sum() / 2], rtol=1e-13)
    assert (history.steps, history.dampings, history.refused) == (1, [0.0], [0])


@pytest.mark.parametrize("shape", [(10, 4), (3, 5), (1, 1), (4, 4)])
@pytest.mark.parametrize("mu", [1e-3, 1.0, 1e3])
def test_a_damped_step_solves_the_normal_equations(shape, mu):
    J, r = spread(shape, 0), spread(shape[:1], 1)
    p = np.linalg.solve(J.T @ J + mu * np.eye(shape[1]), -J.T @ r)
    assert_allclose(damped_step(J, r, mu), p, rtol=1e-10, atol=1e-12)


def test_the_damped_step_goes_from_gauss_newton_to_gradient_descent():
    J, r = spread((10, 4), 0), spread((10,), 1)
    assert_allclose(damped_step(J, r, 1e-16), -np.linalg.lstsq(J, r)[0], rtol=1e-12)
    assert_allclose(damped_step(J, r, 1e12), -J.T @ r / 1e12, rtol=1e-9)


def test_a_step_of_gradient_descent_is_against_the_gradient():
    (x, target), net = noisy(2), layered(2)
    y, J = jacobian(net, x)
    gradient = np.einsum("nmp,nm->p", J, y - target)
    start = net.parameters.copy()
    history = gradient_descent(net, x, target, rate=0.01, steps=1)
    assert_allclose(net.parameters, start - 0.01 * gradient, rtol=0, atol=1e-14)
    assert history.errors[1] < history.errors[0]


# Whole trainings


def scipys(net, x, target):
    """MINPACK with derivatives that it takes by differences."""
    twin, vector = net.astype(np.float64), np.empty(net.param_count)
    twin.place(vector)

    def residuals(w):
        vector[...] = w
        return (twin.predict(x) - target).ravel()

    start = np.concatenate([value.ravel() for value in net.params.values()])
    return optimize.least_squares(
        residuals, start, jac="3-point", method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14
    )


@pytest.mark.parametrize("M", [1, 2])
def test_a_network_ends_where_minpack_does(M):
    (x, target), net = noisy(M), layered(M)
    found = scipys(net, x, target)
    history = levenberg_marquardt(net, x, target, steps=300)
    assert_allclose(history.errors[-1], found.cost, rtol=1e-10)
    assert_allclose(net.parameters, found.x, rtol=0, atol=1e-4)


@pytest.mark.parametrize("near", [True, False])
def test_a_cascade_ends_where_minpack_does(near):
    x, target = sine()
    least, w = minpack(fitter(), x, target)
    assert_allclose(least, scipys(fitter(), x, target).cost, rtol=1e-9)
    cascade = fitter(near=near)
    history = levenberg_marquardt(cascade, x, target)
    assert_allclose(history.errors[-1], least, rtol=1e-12)
    assert_allclose(np.abs([*cascade.U.ravel(), *cascade.V]), np.abs(w), rtol=0, atol=1e-6)
    assert np.all(np.diff(history.errors) < 0)


def test_gauss_newton_may_rise_and_ends_there_too():
    x, target = sine()
    history = gauss_newton(fitter(), x, target)
    assert history.errors[1] > 5 * history.errors[0]
    assert_allclose(history.errors[-1], minpack(fitter(), x, target)[0], rtol=1e-12)


def test_where_a_step_is_singular_the_damped_one_goes_on():
    x, target = parity(2)  # 4 residuals, 7 weights
    cascade = guesser(2, 2, 0)
    text = "gauss_newton expects a Jacobian of rank 7, the number of parameters, got rank "
    with pytest.raises(np.linalg.LinAlgError, match=f"^{text}4 at step 1$"):
        gauss_newton(cascade, x, target)
    history = levenberg_marquardt(cascade, x, target, goal=1e-6)
    assert history.errors[-1] <= 1e-6
    assert_array_equal(np.sign(cascade.predict(x)), target)


def test_two_neurons_know_the_parity_of_three_bits():
    cascade, (x, target) = guesser(3, 2, 0), parity(3)
    history = levenberg_marquardt(cascade, x, target, goal=1e-4)
    assert history.errors[-1] <= 1e-4
    assert history.steps < 30
    assert solved(3, 2, [0]) == 1
    assert solved(3, 1, range(3)) == 0  # one neuron is a hyperplane


def test_a_layered_network_learns_xor():
    x, target = parity(2)
    net = network((2, 2, 1), bp.Tanh(), rng=0)
    levenberg_marquardt(net, x, target, goal=1e-6)
    assert_allclose(net.predict(x), target, rtol=0, atol=2e-3)


def test_parity_is_the_product():
    x, target = parity(3)
    assert sorted(map(tuple, x)) == sorted(set(map(tuple, x)))
    assert x.shape == (8, 3)
    assert [math.prod(row) for row in x] == target[:, 0].tolist()


# The damping


def test_the_damping_falls_with_a_step_and_rises_with_one_undone():
    x, target = parity(3)
    history = levenberg_marquardt(guesser(3, 2, 0), x, target, damping=1e-3, factor=4, steps=9)
    expected = 1e-3
    for damping, refused in zip(history.dampings, history.refused, strict=True):
        expected *= 4.0**refused
        assert_allclose(damping, expected, rtol=1e-12)
        expected /= 4
    assert sum(history.refused) > 0
    assert history.steps == len(history.errors) - 1 == 9


def test_what_was_undone_leaves_no_trace():
    x, target = sine()
    cascade = fitter()
    history = levenberg_marquardt(cascade, x, target)
    error = ((cascade.predict(x) - target) ** 2).sum() / 2
    assert history.steps < 100  # it ended at the minimum, with a step that failed
    assert error == history.errors[-1]
    again = levenberg_marquardt(cascade, x, target)
    assert again.errors[-1] <= error
    assert_allclose(again.errors[0], again.errors[-1], rtol=1e-12)


def test_where_no_step_helps_the_net_is_left_as_it_was():
    def uphill(net, x):
        y, J = net.jacobian(x)
        return y, -1e10 * J  # the damping does not get the better of so large a one

    cascade, (x, target) = fitter(), sine()
    history = levenberg_marquardt(cascade, x, target, jacobian=uphill)
    assert history.steps == 0
    for name, value in fitter().params.items():
        assert_array_equal(cascade.params[name], value)


def test_a_trial_that_overflows_is_one_that_fails():
    net = bp.Network([bp.Dense(1, init=bp.Given([[1.0]])), bp.ELU(), bp.Dense(1)])
    net.build((1,), rng=0, dtype=np.float64)
    x, target = np.array([[1e150], [-1.0], [2.0], [-3.0]]), np.array([[1e150], [0.0], [1.0], [1.0]])
    history = levenberg_marquardt(net, x, target, steps=3)
    assert all(map(math.isfinite, history.errors))
    assert np.all(np.diff(history.errors) < 0)


@pytest.mark.parametrize("method", [gauss_newton, levenberg_marquardt])
def test_it_stops_at_the_goal(method):
    x, target = sine()
    history = method(fitter(), x, target, goal=0.01)
    assert history.errors[-1] <= 0.01 < history.errors[-2]
    assert method(fitter(), x, target, goal=100.0).steps == 0


@pytest.mark.parametrize("method", [gauss_newton, levenberg_marquardt])
def test_no_steps_change_nothing(method):
    cascade, (x, target) = fitter(), sine()
    kept = {name: value.copy() for name, value in cascade.params.items()}
    history = method(cascade, x, target, steps=0)
    assert (history.steps, len(history.errors)) == (0, 1)
    for name, value in cascade.params.items():
        assert_array_equal(value, kept[name])


def test_a_jacobian_of_ones_own():
    x, target = sine()
    net = bp.Network([fitter()])
    net.build((1,), rng=0, dtype=np.float64)
    one = levenberg_marquardt(net, x, target, jacobian=lambda net, x: net[0].jacobian(x))
    assert one.errors == levenberg_marquardt(fitter(), x, target).errors


def test_single_precision():
    (x, target), net = noisy(), layered(dtype=np.float32)
    history = levenberg_marquardt(net, x, target)
    double = levenberg_marquardt(layered(), x, target)
    assert net.parameters.dtype == np.float32
    assert_allclose(history.errors[-1], double.errors[-1], rtol=1e-4)


# Errors

METHODS = {
    "levenberg_marquardt": levenberg_marquardt,
    "gauss_newton": gauss_newton,
    "gradient_descent": lambda *args, **more: gradient_descent(*args, rate=0.1, **more),
}
every_method = pytest.mark.parametrize("who", METHODS)


def refused(kind, text):
    return pytest.raises(kind, match=f"^{re.escape(text)}$")


@every_method
def test_arguments_that_cannot_be(who):
    method, (x, target) = METHODS[who], sine()
    with refused(ValueError, f"{who} expects targets of shape (41, 1), got (41,)"):
        method(fitter(), x, target[:, 0])
    with refused(ValueError, f"{who} expects steps to be a whole number of at least 0, got -1"):
        method(fitter(), x, target, steps=-1)
    with refused(ValueError, f"{who} expects goal to be a finite number of at least 0, got -1"):
        method(fitter(), x, target, goal=-1)
    with refused(TypeError, f"{who} expects a net with params and predict, got 'net'"):
        method("net", x, target)
    net = bp.Network([bp.Tanh()])
    net.build((1,))
    with refused(ValueError, f"{who} expects a net with parameters, got none"):
        method(net, x, target)
    with refused(FloatingPointError, f"{who} expects a finite error, got inf"):
        method(fitter(), x, np.full_like(target, 1e200))


@pytest.mark.parametrize("method", [gauss_newton, levenberg_marquardt])
def test_a_jacobian_of_another_shape(method):
    x, target = sine()
    text = f"{method.__name__} expects a Jacobian of shape (41, 1, 5), got (41, 5)"
    with refused(ValueError, text):
        method(fitter(), x, target, jacobian=lambda net, x: (net.predict(x), np.ones((41, 5))))


def test_a_network_whose_jacobian_is_not_known():
    net = bp.Network([Cascade(2)])
    net.build((1,))
    what = "a chain of Dense layers, each once, and elementwise activations, a Dense first"
    with refused(ValueError, f"Network expects {what}, got Cascade 'cascade_1'"):
        levenberg_marquardt(net, *sine())


def test_settings_that_cannot_be():
    x, target = sine()
    who = "levenberg_marquardt"
    with refused(ValueError, f"{who} expects damping to be a finite number of at least 0, got -1"):
        levenberg_marquardt(fitter(), x, target, damping=-1)
    with refused(ValueError, f"{who} expects factor to be larger than 1, got 1"):
        levenberg_marquardt(fitter(), x, target, factor=1)
    text = "gradient_descent expects rate to be a finite number of at least 0, got nan"
    with refused(ValueError, text):
        gradient_descent(fitter(), x, target, rate=math.nan)
    with refused(ValueError, "parity expects bits to be a whole number of at least 1, got 0"):
        parity(0)


def test_what_diverges_is_told():
    with refused(FloatingPointError, "gradient_descent expects a finite error, got inf"):
        gradient_descent(fitter(), *sine(), rate=0.5)


@every_method
def test_targets_are_numbers(who):
    x, target = sine()
    with refused(ValueError, f"{who} expects targets that are numbers, got <U32"):
        METHODS[who](fitter(), x, target.astype(str))


@pytest.mark.parametrize(
    ("jacobian", "kind", "text"),
    [
        (3, TypeError, "jacobian to be a function, got 3"),
        (
            lambda net, x: x,
            ValueError,
            "jacobian to return outputs and their derivatives, got ndarray",
        ),
    ],
)
def test_a_jacobian_that_is_none(jacobian, kind, text):
    with refused(kind, f"levenberg_marquardt expects {text}"):
        levenberg_marquardt(fitter(), *sine(), jacobian=jacobian)
