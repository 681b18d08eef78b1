"""Werbos' ordered systems."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import backprop as bp
from backprop.classics import ordered_derivatives as od

LONGER = [
    (lambda z1, z2: z1 * z2, {1: lambda z1, z2: z2, 2: lambda z1, z2: z1}),
    (lambda z3: z3**2, {3: lambda z3: 2 * z3}),
    (lambda: 1.5, {}),
    (
        lambda z1, z4, z5: z1 * z4 - z5**3,
        {
            1: lambda z1, z4, z5: z4,
            4: lambda z1, z4, z5: z1,
            5: lambda z1, z4, z5: -3 * z5**2,
        },
    ),
    (lambda z6, z3: z6 + 7 * z3, {6: lambda z6, z3: 1, 3: lambda z6, z3: 7}),
]
"""Two inputs; a constant; variables that are read by several; keys out of order."""


def test_the_example():
    z, D = od.ordered_derivative(od.EXAMPLE, 2.0)
    assert z == [2, 8, 46]
    assert D == [23, 5, 1]
    assert od.simple_derivative(od.EXAMPLE, 3, 1, 2.0) == 3
    assert od.simple_derivative(od.EXAMPLE, 3, 2, 2.0) == 5
    assert od.simple_derivative(od.EXAMPLE, 2, 1, 2.0) == 4
    assert od.simple_derivative(od.EXAMPLE, 2, 3, 2.0) == 0


def test_the_target_alone():
    assert od.ordered_derivative([], 3.0, 4.0) == ([3, 4], [0, 1])


def test_a_variable_without_a_reader_has_no_influence():
    system = [(lambda z1: z1, {1: lambda z1: 1}), (lambda z1: 3 * z1, {1: lambda z1: 3})]
    assert od.ordered_derivative(system, 1.0)[1] == [3, 0, 1]


def moved(number, amount, inputs):
    """Return the target when `amount` is added to a variable, and all later ones follow."""
    z = list(inputs)
    if number <= len(z):
        z[number - 1] += amount
    for n, (f, partials) in enumerate(LONGER, start=len(inputs) + 1):
        z.append(f(*(z[i - 1] for i in partials)) + (amount if n == number else 0))
    return z[-1]


@pytest.mark.parametrize("number", range(1, 8))
def test_an_ordered_derivative_lets_all_later_variables_move(number):
    """The slow, obvious version: move one variable by a complex step and compute on."""
    inputs = (0.7, -1.2)
    _, D = od.ordered_derivative(LONGER, *inputs)
    assert math.isclose(D[number - 1], moved(number, 1e-30j, inputs).imag / 1e-30, rel_tol=1e-14)


def test_it_works_in_complex_numbers():
    z, D = od.ordered_derivative(LONGER, 0.7 + 1e-30j, -1.2)
    real = od.ordered_derivative(LONGER, 0.7, -1.2)[1]
    assert math.isclose(z[-1].imag / 1e-30, real[0], rel_tol=1e-14)
    assert isinstance(D[0], complex)


CHAINS = {
    "sigmoid": [bp.Dense(3), bp.Sigmoid(), bp.Dense(2), bp.Sigmoid()],
    "deep": [bp.Dense(2), bp.Tanh(), bp.Dense(3), bp.ReLU(), bp.Dense(2), bp.GELU(), bp.Dense(1)],
    "without bias": [bp.Dense(3, bias=False), bp.Softplus(), bp.Dense(2, bias=False)],
    "linear": [bp.Dense(1)],
    "no dense last": [bp.SiLU(), bp.Dense(2), bp.LeakyReLU(0.2)],
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("seed", range(2))
def test_a_networks_gradients_are_ordered_derivatives(name, seed):
    rng = np.random.default_rng(seed)
    net = bp.Network(CHAINS[name])
    if net.in_shapes is None:
        net.build((4,), dtype=np.float64)
    net.parameters[:] = rng.standard_normal(net.param_count)
    x, target = rng.standard_normal(4), rng.standard_normal(net.shapes[-1])
    loss, grads = od.gradients(net, x, target)
    half_squares = bp.HalfSquaredError(reduction="sum")
    y, caches = net.forward([x])
    expected, cache = half_squares.forward(y, [target])
    own = net.grads(half_squares.backward(cache), caches)
    assert_allclose(loss, expected, rtol=1e-14)
    assert grads.keys() == own.keys()
    for key, gradient in own.items():
        assert_allclose(grads[key], gradient, rtol=1e-12, atol=1e-14)


def test_the_derivatives_of_a_target_are_those_of_an_output_with_the_sign_changed():
    made = od.as_system(od.small_network(), [0.4, -0.7], [0.2, -0.5])
    z, D = od.ordered_derivative(made.system, *made.inputs)
    outputs, targets = z[-3:-1], z[len(made.inputs) - 2 : len(made.inputs)]
    assert_allclose(D[-3:-1], np.subtract(outputs, targets), rtol=1e-15)
    assert_allclose(D[len(made.inputs) - 2 : len(made.inputs)], -np.array(D[-3:-1]), rtol=1e-15)


def one(z):
    return 1


SAME = bp.Dense(1)
NET = od.small_network()


@pytest.mark.parametrize(
    ("kind", "call", "text"),
    [
        (
            ValueError,
            lambda: od.ordered_derivative([(one, {3: one}), (one, {1: one})], 1.0),
            "ordered_derivative expects z2 to read earlier variables, z1 to z1, got z3",
        ),
        (
            ValueError,
            lambda: od.ordered_derivative([(one, {2: one})], 1.0),
            "ordered_derivative expects z2 to read earlier variables, z1 to z1, got z2",
        ),
        (
            ValueError,
            lambda: od.ordered_derivative([(one, {0: one})], 1.0),
            "ordered_derivative expects z2 to read earlier variables, z1 to z1, got z0",
        ),
        (
            ValueError,
            lambda: od.ordered_derivative([(one, {1: one})]),
            "ordered_derivative expects z1 to read none, got z1",
        ),
        (
            ValueError,
            lambda: od.ordered_derivative([]),
            "ordered_derivative expects at least one variable, got none",
        ),
        (
            TypeError,
            lambda: od.ordered_derivative([7], 1.0),
            "ordered_derivative expects a pair (function, partials) for z2, got 7",
        ),
        (
            TypeError,
            lambda: od.ordered_derivative([(one, {1: 4.0})], 1.0),
            "ordered_derivative expects functions for z2 and its partials, got 4.0",
        ),
        (
            TypeError,
            lambda: od.ordered_derivative([(one, {1: one, 2: one})], 1.0, 2.0),
            "ordered_derivative expects functions of 2 arguments for z3, as it reads 2 variables, "
            "got (z)",
        ),
        (
            ValueError,
            lambda: od.simple_derivative(od.EXAMPLE, 1, 1, 1.0),
            "simple_derivative expects a variable from z2 to z3, got z1",
        ),
        (
            ValueError,
            lambda: od.as_system(bp.Network([bp.Dense(2), bp.Softmax()]), [1.0], [1.0, 0.0]),
            "as_system expects a chain of Dense and of activations, "
            "got Network([Dense(2), Softmax()])",
        ),
        (
            TypeError,
            lambda: od.as_system(bp.Dense(2), [1.0], [1.0, 0.0]),
            "as_system expects a Network, got Dense(2)",
        ),
        (
            ValueError,
            lambda: od.as_system(bp.Network([SAME, SAME]), [1.0], [1.0]),
            "as_system expects a chain of layers, each standing in it once, "
            "got Network([Dense(1), Dense(1)])",
        ),
        (
            ValueError,
            lambda: od.gradients(NET, [1.0, 2.0], [1.0]),
            "as_system expects an input of shape (D,) and a target of shape (2,), "
            "got (2,) and (1,)",
        ),
        (
            ValueError,
            lambda: od.gradients(NET, [1.0, 2.0, 3.0], [1.0, 0.0]),
            "Network expects inputs of shape (N, 2), got (1, 3)",
        ),
        (
            ValueError,
            lambda: od.gradients(bp.Network([bp.Dense(2)]), [1.0, 2.0], [1.0, 0.0]),
            "Network expects build(in_shape) before a pass, got none",
        ),
    ],
)
def test_errors(kind, call, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()


def test_a_function_of_numpy_tells_no_arguments():
    z, D = od.ordered_derivative([(np.sin, {1: np.cos})], 0.5)
    assert z[1] == math.sin(0.5)
    assert math.isclose(D[0], math.cos(0.5))
