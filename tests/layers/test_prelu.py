"""PReLU: the definition in loops, the layers it contains, the kink, what is learned, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.initializers import Constant, Given
from backprop.layers import Identity, LeakyReLU, PReLU, ReLU


def built(in_shape, **settings):
    layer = PReLU(**settings)
    assert layer.build(in_shape, rng=0, dtype=np.float64) == in_shape
    return layer


def both_passes(layer, x, delta):
    """Return y, dx and the gradients."""
    y, cache = layer.forward(x)
    return y, *layer.backward(delta, cache)


def slowly(x, alpha, delta):
    """Return y, dx and dalpha, number by number; `alpha` has one slope or one for each channel."""
    y, dx, dalpha = np.empty_like(x), np.empty_like(x), np.zeros_like(alpha)
    for place in np.ndindex(x.shape):
        c = place[-1] if len(alpha) > 1 else 0
        if x[place] > 0:
            y[place], dx[place] = x[place], delta[place]
        else:
            y[place], dx[place] = alpha[c] * x[place], alpha[c] * delta[place]
            dalpha[c] += delta[place] * x[place]
    return y, dx, dalpha


@pytest.mark.parametrize("shape", [(1, 1), (4, 3), (2, 5, 3), (2, 3, 4, 2)], ids=str)
@pytest.mark.parametrize("shared", [False, True])
def test_both_passes_are_the_definition(shape, shared):
    rng = np.random.default_rng(0)
    alpha = rng.standard_normal(1 if shared else shape[-1])
    layer = built(shape[1:], init=Given(alpha), shared=shared)
    x, delta = rng.standard_normal(shape), rng.standard_normal(shape)
    y, dx, grads = both_passes(layer, x, delta)
    for value, expected in zip((y, dx, grads["alpha"]), slowly(x, alpha, delta), strict=True):
        assert_allclose(value, expected, rtol=1e-13, atol=1e-14)


X = np.array([[-2.0, 3.0], [-4.0, -5.0]])
DELTA = np.array([[1.0, 10.0], [100.0, 1000.0]])


@pytest.mark.parametrize(
    ("alpha", "y", "dx", "dalpha"),
    [
        ([0.5, 0.25], [[-1, 3], [-2, -1.25]], [[0.5, 10], [50, 250]], [-402, -5000]),
        ([0.5], [[-1, 3], [-2, -2.5]], [[0.5, 10], [50, 500]], [-5402]),
    ],
)
def test_two_channels_by_hand(alpha, y, dx, dalpha):
    layer = built((2,), init=Given(alpha), shared=len(alpha) == 1)
    for value, expected in zip(both_passes(layer, X, DELTA), (y, dx), strict=False):
        assert_array_equal(value, expected)
    assert_array_equal(both_passes(layer, X, DELTA)[2]["alpha"], dalpha)


@pytest.mark.parametrize(
    ("slope", "twin"),
    [(0.0, ReLU()), (0.01, LeakyReLU()), (-0.3, LeakyReLU(-0.3)), (1, Identity())],
)
@pytest.mark.parametrize("shared", [False, True])
def test_with_its_slope_fixed_it_is_another_layer(slope, twin, shared):
    rng = np.random.default_rng(0)
    x, delta = rng.standard_normal((2, 5, 4, 3)), rng.standard_normal((2, 5, 4, 3))
    layer = built((5, 4, 3), init=Constant(slope), shared=shared)
    y, dx, _ = both_passes(layer, x, delta)
    expected_y, expected_dx, _ = both_passes(twin, x, delta)
    assert_array_equal(y, expected_y)
    assert_array_equal(dx, expected_dx)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_convention_at_zero(zero):
    layer = built((1,), init=Constant(0.3))
    y, dx, grads = both_passes(layer, np.array([[zero]]), np.array([[7.0]]))
    assert y == 0
    assert dx == 7 * 0.3
    assert grads["alpha"] == 0
    for step in (1e-100, -1e-100):  # the complex step finds the convention on either side
        y, _ = layer.forward(np.array([[complex(zero, step)]]))
        assert_allclose(y.imag / step, 0.3, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_numbers_pass(dtype):
    layer = PReLU()
    layer.build((2,), dtype=dtype)
    big = np.finfo(dtype).max
    assert_array_equal(layer.forward(np.array([[big, -big]], dtype))[0], [[big, -big / 4]])


def test_a_channels_slope_sums_over_its_pixels_and_leaves_the_others_alone():
    x, delta = -np.ones((2, 3, 4, 2)), np.zeros((2, 3, 4, 2))
    delta[..., 1] = 1
    layer = built((3, 4, 2))
    assert_array_equal(layer.grads(delta, layer.forward(x)[1])["alpha"], [0, -24])


def test_the_slope_is_learned():
    net = bp.Network([PReLU()])
    net.build((2,), dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((50, 2))
    target = np.where(x > 0, x, [0.9, -0.4] * x)
    step = bp.TrainStep(net, bp.MeanSquaredError(), bp.SGD(0.5))
    for _ in range(200):
        step(x, target)
    assert_allclose(net[0].alpha, [0.9, -0.4], rtol=1e-6)


@pytest.mark.parametrize(
    ("layer", "in_shape", "alpha"),
    [
        (PReLU(), (5,), [0.25] * 5),
        (PReLU(), (4, 6, 3), [0.25] * 3),
        (PReLU(shared=True), (4, 6, 3), [0.25]),
        (PReLU(init=Constant(-1)), (2,), [-1, -1]),
        (PReLU(shared=True), (), [0.25]),
    ],
    ids=str,
)
def test_one_slope_for_each_channel(layer, in_shape, alpha):
    assert layer.build(in_shape, rng=0) == in_shape
    assert_array_equal(layer.alpha, alpha)
    assert layer.param_count == len(alpha)
    assert layer.multiply_adds(in_shape) == 0


def test_single_numbers_share_a_slope():
    layer = built((), shared=True)
    y, dx, grads = both_passes(layer, np.array([-2.0, 3.0, -4.0]), np.array([1.0, 1.0, 2.0]))
    assert_array_equal(y, [-0.5, 3, -1])
    assert_array_equal(dx, [0.25, 1, 0.5])
    assert_array_equal(grads["alpha"], [-10])


def test_single_numbers_have_no_channels():
    text = "PReLU expects inputs of shape (N, C), got a single number for each example"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        PReLU().build(())
