"""Activations: values to the last digit, limits, kinks, fixed points, published numbers."""

import decimal
import math
import re
from decimal import Decimal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import norm

from backprop.layers import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from backprop.network import Network

ALPHA, SCALE = Decimal(SELU.alpha), Decimal(SELU.scale)


def sigmoid(x):
    return 1 / (1 + (-x).exp())


def tanh(x):
    return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())


# Layer, function and slope, word for word as in a textbook, for numbers of 480 digits.
FORMULAS = [
    (Identity(), lambda x: x, lambda x: 1),
    (Sigmoid(), sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))),
    (Tanh(), tanh, lambda x: 1 - tanh(x) ** 2),
    (ReLU(), lambda x: max(x, 0), lambda x: int(x > 0)),
    (LeakyReLU(0.25), lambda x: x if x > 0 else x / 4, lambda x: 1 if x > 0 else 0.25),
    (ELU(), lambda x: x if x > 0 else x.exp() - 1, lambda x: 1 if x > 0 else x.exp()),
    (ELU(2.0), lambda x: x if x > 0 else 2 * x.exp() - 2, lambda x: 1 if x > 0 else 2 * x.exp()),
    (
        SELU(),
        lambda x: SCALE * x if x > 0 else SCALE * ALPHA * (x.exp() - 1),
        lambda x: SCALE if x > 0 else SCALE * ALPHA * x.exp(),
    ),
    (Softplus(), lambda x: (1 + x.exp()).ln(), sigmoid),
    (Softsign(), lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    (
        SiLU(),
        lambda x: x * sigmoid(x),
        lambda x: sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)),
    ),
]
POINTS = [0.0, -0.0] + [
    sign * size
    for sign in (-1, 1)
    for size in (1e-300, 1e-20, 1e-8, 1e-3, 0.1, 0.5, 1.0, 2.5, 7.0, 20.0, 36.5, 90.0, 700.0, 1e3)
]

each_formula = pytest.mark.parametrize(
    ("layer", "function", "slope"), FORMULAS, ids=[repr(row[0]) for row in FORMULAS]
)
each_layer = pytest.mark.parametrize("layer", [*(row[0] for row in FORMULAS), GELU()], ids=repr)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["32", "64"])


def exactly(function, points):
    """Return `function` of every point, computed with so many digits that e^-1000 + 1 has them."""
    with decimal.localcontext(prec=480):
        return [float(function(Decimal(float(x)))) for x in points]


def values(layer, x):
    return layer.forward(x)[0]


def slopes(layer, x):
    """Return the derivative: what comes back for a delta of ones."""
    y, cache = layer.forward(x)
    return layer.backward(np.ones_like(y), cache)[0]


@each_formula
def test_values_are_those_of_the_formula(layer, function, slope):
    expected = exactly(function, POINTS)
    assert_allclose(values(layer, np.array(POINTS)), expected, rtol=2e-15, atol=0)


@each_formula
def test_slopes_are_those_of_the_formula(layer, function, slope):
    expected = exactly(slope, POINTS)
    assert_allclose(slopes(layer, np.array(POINTS)), expected, rtol=1e-14, atol=1e-15)


@each_formula
def test_single_precision_is_as_exact_as_it_can_be(layer, function, slope):
    x = np.array(POINTS, np.float32)
    y, dx = values(layer, x), slopes(layer, x)
    assert y.dtype == dx.dtype == np.float32
    assert_allclose(y, exactly(function, x), rtol=1e-6, atol=1e-37)
    assert_allclose(dx, exactly(slope, x), rtol=1e-6, atol=5e-7)


@each_dtype
def test_gelu_weighs_its_input_by_the_normal_distribution(dtype):
    x = np.linspace(-9, 9, 181).astype(dtype)
    exact = x.astype(float)
    rtol = 1e-13 if dtype == np.float64 else 5e-5  # the tail multiplies the error of x by x^2
    y, dx = values(GELU(), x), slopes(GELU(), x)
    assert y.dtype == dx.dtype == dtype
    assert_allclose(y, exact * norm.cdf(exact), rtol=rtol)
    assert_allclose(dx, norm.cdf(exact) + exact * norm.pdf(exact), rtol=rtol, atol=rtol / 100)


# Layer, value at -1000, value at 1000, slope at -1000, slope at 1000.
FAR_OUT = [
    (Identity(), -1000, 1000, 1, 1),
    (Sigmoid(), 0, 1, 0, 0),
    (Tanh(), -1, 1, 0, 0),
    (ReLU(), 0, 1000, 0, 1),
    (LeakyReLU(), -10, 1000, 0.01, 1),
    (ELU(), -1, 1000, 0, 1),
    (SELU(), -SELU.alpha * SELU.scale, 1000 * SELU.scale, 0, SELU.scale),
    (GELU(), 0, 1000, 0, 1),
    (Softplus(), 0, 1000, 0, 1),
    (Softsign(), -1000 / 1001, 1000 / 1001, 1 / 1001**2, 1 / 1001**2),
    (SiLU(), 0, 1000, 0, 1),
]


@pytest.mark.parametrize(
    ("layer", "below", "above", "slope_below", "slope_above"),
    FAR_OUT,
    ids=[repr(row[0]) for row in FAR_OUT],
)
@each_dtype
def test_a_thousand_overflows_nowhere(layer, below, above, slope_below, slope_above, dtype):
    x = np.array([-1000, 1000], dtype)
    eps = np.finfo(dtype).eps
    assert_allclose(values(layer, x), [below, above], rtol=2 * eps, atol=0)
    assert_allclose(slopes(layer, x), [slope_below, slope_above], rtol=4 * eps, atol=2 * eps)


# Layer, value and slope at exactly zero. Where there is a kink, the slope is a convention.
AT_ZERO = [
    (Identity(), 0, 1),
    (Sigmoid(), 0.5, 0.25),
    (Tanh(), 0, 1),
    (ReLU(), 0, 0),
    (LeakyReLU(), 0, 0.01),
    (LeakyReLU(0.3), 0, 0.3),
    (ELU(), 0, 1),
    (ELU(0.7), 0, 0.7),
    (ELU(0), 0, 0),
    (SELU(), 0, SELU.scale * SELU.alpha),
    (GELU(), 0, 0.5),
    (Softplus(), math.log(2), 0.5),
    (Softsign(), 0, 1),
    (SiLU(), 0, 0.5),
]


@pytest.mark.parametrize(
    ("layer", "value", "slope"), AT_ZERO, ids=[repr(row[0]) for row in AT_ZERO]
)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_conventions_at_zero(layer, value, slope, zero):
    x = np.array([zero])
    assert values(layer, x) == value
    assert slopes(layer, x) == slope


@pytest.mark.parametrize(
    ("layer", "value", "slope"), AT_ZERO, ids=[repr(row[0]) for row in AT_ZERO]
)
@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("step", [1e-100, -1e-100])
def test_a_complex_step_from_zero_finds_the_convention_on_either_side(
    layer, value, slope, zero, step
):
    y, _ = layer.forward(np.array([complex(zero, step)]))
    assert_allclose(y.imag / step, slope, rtol=1e-14)
    assert_allclose(y.real, value, rtol=1e-15, atol=1e-90)


@each_layer
def test_delta_multiplies_the_slope(layer):
    x, delta = np.array([[-2.0, -0.5, 0.0], [0.1, 1.5, 4.0]]), np.array([[3.0], [-0.5]])
    delta = np.broadcast_to(delta, x.shape).copy()
    dx, grads = layer.backward(delta, layer.forward(x)[1])
    assert_allclose(dx, delta * slopes(layer, x), rtol=1e-15)
    assert grads == {}


@each_layer
def test_shapes_pass_through_and_nothing_is_multiplied(layer):
    assert layer.build((4, 3)) == (4, 3)
    assert layer.params == {}
    assert layer.multiply_adds((4, 3)) == 0


def test_the_tail_of_the_logistic_function_keeps_its_digits():
    y = values(Sigmoid(), np.array([-20.0]))
    assert_allclose(y, exactly(sigmoid, [-20]), rtol=1e-15)


def test_tanh_is_the_logistic_function_stretched():
    x = np.linspace(-5, 5, 101)
    assert_allclose(values(Tanh(), x), 2 * values(Sigmoid(), 2 * x) - 1, rtol=1e-12, atol=1e-15)


def test_selu_reproduces_mean_0_and_variance_1():
    def moment(power):
        def weighed(x):
            return float(values(SELU(), np.array(x)) ** power * norm.pdf(x))

        pieces = [quad(weighed, *piece, epsabs=1e-12)[0] for piece in ((-30, 0), (0, 30))]
        return sum(pieces)

    assert_allclose(moment(1), 0, atol=1e-10)
    assert_allclose(moment(2), 1, rtol=1e-10)


def test_published_rectifier():
    x = np.linspace(-0.5, 0.5, 12).reshape(3, 4)
    published = [
        [0, 0, 0, 0],
        [0, 0, 0.04545455, 0.13636364],
        [0.22727273, 0.31818182, 0.40909091, 0.5],
    ]
    assert_allclose(values(ReLU(), x), published, rtol=0, atol=1e-8)


def test_ten_logistic_units_in_a_row_shrink_a_delta():
    chain = Network([Sigmoid() for _ in range(10)])
    chain.build((1,), dtype=np.float64)
    assert_allclose(slopes(chain, np.array([[0.5]])), 3.4831156097851636e-07, rtol=1e-13)


@pytest.mark.parametrize(
    ("n", "bound"),
    [
        (2, 0.0625),
        (5, 9.765625e-04),
        (10, 9.5367431640625e-07),
        (20, 9.094947017729282e-13),
    ],
)
def test_a_chain_of_logistic_units_stays_below_its_bound(n, bound):
    chain = Network([Sigmoid() for _ in range(n)])
    chain.build((1,), dtype=np.float64)
    dx = slopes(chain, np.linspace(-4, 4, 81)[:, np.newaxis])
    assert (dx > 0).all()
    assert (dx < bound).all()
    assert bound == 0.25**n


def test_a_chain_of_active_rectifiers_does_not_shrink_a_delta():
    chain = Network([ReLU() for _ in range(20)])
    chain.build((1,), dtype=np.float64)
    assert_array_equal(slopes(chain, np.array([[0.5], [-0.5]])), [[1], [0]])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LeakyReLU("steep"), "LeakyReLU expects slope to be a finite number, got 'steep'"),
        (lambda: LeakyReLU(math.nan), "LeakyReLU expects slope to be a finite number, got nan"),
        (lambda: LeakyReLU(True), "LeakyReLU expects slope to be a finite number, got True"),
        (lambda: ELU(-1), "ELU expects alpha to be a finite number of at least 0, got -1"),
        (lambda: ELU(None), "ELU expects alpha to be a finite number of at least 0, got None"),
    ],
)
def test_settings_out_of_range(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make()
