"""LayerNorm and BatchNorm: numbers by hand, loops, the Jacobian, running averages, errors."""

import itertools
import math
import re
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.initializers import Constant, Given, Zeros
from backprop.layers import BatchNorm, Conv2D, Dense, LayerNorm
from backprop.network import Network

SHAPES = [(1, 1), (1, 4), (5, 1), (2, 3), (6, 4), (2, 3, 4), (2, 3, 2, 3)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
both_layers = pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])


def built(layer, shape, dtype=np.float64):
    """Return `layer` built, with parameters that are neither 1 nor 0, an input and a delta."""
    rng = np.random.default_rng(len(shape))
    layer.build(shape[1:], dtype=dtype)
    for value in layer.params.values():
        value += rng.standard_normal(value.shape).astype(dtype)
    x, delta = 3 * rng.standard_normal(shape) + 2, rng.standard_normal(shape)
    return layer, x.astype(dtype), delta.astype(dtype)


def refusal(kind, text):
    return pytest.raises(kind, match=f"^{re.escape(text)}$")


def groups(layer, x):
    """Return the indices of the numbers that are normalised together, group by group."""
    places = np.arange(x.size).reshape(-1, x.shape[-1])
    return list(places if isinstance(layer, LayerNorm) else places.T)


def normalised(x, epsilon):
    """Return xhat of one group, number after number."""
    mean = sum(x) / len(x)
    variance = sum((each - mean) ** 2 for each in x) / len(x)
    return [(each - mean) / math.sqrt(variance + epsilon) for each in x]


def jacobian(x, epsilon):
    """Return d xhat_i / d x_k of one group, by the quotient rule and nothing cancelled."""
    D = len(x)
    mean = sum(x) / D
    u = [each - mean for each in x]
    s = math.sqrt(sum(each**2 for each in u) / D + epsilon)
    J = np.zeros((D, D))
    for i, k in np.ndindex(D, D):
        ds = sum(2 * u[j] * ((j == k) - 1 / D) for j in range(D)) / D / (2 * s)
        J[i, k] = (((i == k) - 1 / D) * s - u[i] * ds) / s**2
    return J


# By hand: numbers 1 and 5, mean 3, variance 4, s = 2.5 with epsilon = 2.25, xhat = -0.8 and 0.8


def test_layer_norm_by_hand():
    layer = LayerNorm(epsilon=2.25, gamma_init=Given([2, 3]), beta_init=Given([10, 20]))
    layer.build((2,), dtype=np.float64)
    y, cache = layer.forward(np.array([[1.0, 5.0]]))
    assert_allclose(y, [[8.4, 22.4]], rtol=1e-15)
    # dxhat = (2, -3), its mean -0.5, the mean of dxhat xhat -2
    dx, grads = layer.backward(np.array([[1.0, -1.0]]), cache)
    assert_allclose(dx, [[0.36, -0.36]], rtol=1e-14)
    assert_allclose(grads["gamma"], [-0.8, -0.8], rtol=1e-15)
    assert_allclose(grads["beta"], [1, -1], rtol=1e-15)


def test_batch_norm_by_hand():
    layer = BatchNorm(keep=0.75, epsilon=2.25, gamma_init=Constant(2), beta_init=Constant(10))
    layer.build((1,), dtype=np.float64)
    y, cache = layer.forward(np.array([[1.0], [5.0]]))
    assert_allclose(y, [[8.4], [11.6]], rtol=1e-15)
    dx, grads = layer.backward(np.array([[1.0], [-1.0]]), cache)
    assert_allclose(grads["gamma"], [-1.6], rtol=1e-15)
    assert_allclose(grads["beta"], [0], atol=1e-15)
    # 2 / (2 * 2.5) * (2 - 0 - (-0.8)(-1.6))
    assert_allclose(dx, [[0.288], [-0.288]], rtol=1e-14)
    # 0.75 * 0 + 0.25 * 3, and 0.75 * 1 + 0.25 * 8: the two squares of 2 divided by M - 1 = 1
    assert_allclose(layer.mean, [0.75], rtol=1e-15)
    assert_allclose(layer.variance, [2.75], rtol=1e-15)
    # 2 / sqrt(2.75 + 2.25) * (3.25 - 0.75) + 10
    assert_allclose(layer.predict(np.array([[3.25]])), [[10 + math.sqrt(5)]], rtol=1e-15)


# The definitions, in loops


@both_layers
@every_shape
def test_forward_is_the_definition(kind, shape):
    layer, x, _ = built(kind(epsilon=0.01), shape)
    xhat = np.empty(x.size)
    for group in groups(layer, x):
        xhat[group] = normalised(x.ravel()[group].tolist(), 0.01)
    y, _ = layer.forward(x)
    expected = layer.gamma * xhat.reshape(x.shape) + layer.beta
    assert_allclose(y, expected, rtol=1e-12, atol=1e-13)


@both_layers
@every_shape
def test_backward_is_the_contraction_of_the_jacobian(kind, shape):
    layer, x, delta = built(kind(epsilon=0.01), shape)
    y, cache = layer.forward(x)
    dx, grads = layer.backward(delta, cache)
    dxhat, expected = (layer.gamma * delta).ravel(), np.empty(x.size)
    for group in groups(layer, x):
        expected[group] = dxhat[group] @ jacobian(x.ravel()[group].tolist(), 0.01)
    assert_allclose(dx, expected.reshape(x.shape), rtol=1e-12, atol=1e-13)
    xhat = (y - layer.beta) / layer.gamma
    dgamma, dbeta = np.zeros(shape[-1]), np.zeros(shape[-1])
    for place in np.ndindex(*shape):
        dgamma[place[-1]] += delta[place] * xhat[place]
        dbeta[place[-1]] += delta[place]
    assert_allclose(grads["gamma"], dgamma, rtol=1e-11, atol=1e-13)
    assert_allclose(grads["beta"], dbeta, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("scale", "shift", "names"),
    [
        (True, True, ["gamma", "beta"]),
        (True, False, ["gamma"]),
        (False, True, ["beta"]),
        (False, False, []),
    ],
)
def test_layer_norm_without_scale_or_shift(scale, shift, names):
    layer, x, delta = built(LayerNorm(scale=scale, shift=shift), (4, 3))
    whole, _, _ = built(LayerNorm(), (4, 3))
    whole.gamma[...] = layer.gamma
    whole.beta[...] = layer.beta
    (y, cache), (whole_y, whole_cache) = layer.forward(x), whole.forward(x)
    (dx, grads), (whole_dx, whole_grads) = (
        layer.backward(delta, cache),
        whole.backward(delta, whole_cache),
    )
    assert_array_equal(y, whole_y)
    assert_array_equal(dx, whole_dx)
    assert list(grads) == list(layer.params) == names
    for name in names:
        assert_array_equal(grads[name], whole_grads[name])


# What it is for


@both_layers
@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4), (2, 3, 2, 3)], ids=str)
def test_what_is_normalised_has_mean_0_and_variance_1(kind, shape):
    layer = kind(epsilon=1e-9)
    layer.build(shape[1:], dtype=np.float64)
    y, _ = layer.forward(built(kind(), shape)[1])
    for group in groups(layer, y):
        assert np.mean(y.ravel()[group]) == pytest.approx(0, abs=1e-14)
        assert np.var(y.ravel()[group]) == pytest.approx(1, rel=1e-7)


@both_layers
def test_shifting_and_stretching_a_group_changes_nothing(kind):
    layer, x, delta = built(kind(epsilon=1e-12), (5, 4))
    shift, stretch = 10.0, 7.0
    if kind is BatchNorm:  # every feature by its own numbers
        shift, stretch = np.arange(4.0), np.arange(1.0, 5)
    y, cache = layer.forward(x)
    moved_y, moved_cache = layer.forward(stretch * x + shift)
    assert_allclose(moved_y, y, rtol=1e-10)
    dx, moved_dx = layer.backward(delta, cache)[0], layer.backward(delta, moved_cache)[0]
    assert_allclose(stretch * moved_dx, dx, rtol=1e-9, atol=1e-12)
    for group in groups(layer, x):
        part, numbers = dx.ravel()[group], x.ravel()[group]
        assert part.sum() == pytest.approx(0, abs=1e-12)
        assert part @ (numbers - numbers.mean()) == pytest.approx(0, abs=1e-10)


@both_layers
def test_equal_numbers_become_beta(kind):
    layer, _, delta = built(kind(), (3, 3))
    y, cache = layer.forward(np.full((3, 3), 0.1))
    assert_allclose(y, np.broadcast_to(layer.beta, (3, 3)), rtol=1e-12, atol=1e-12)
    dx, _ = layer.backward(delta, cache)
    assert np.isfinite(dx).all()
    assert_allclose(dx.sum(axis=-1 if kind is LayerNorm else 0), 0, atol=1e-10)


@pytest.mark.parametrize("shape", [(6, 4), (3, 2, 4), (1, 2, 3, 4)], ids=str)
def test_batch_norm_counts_pixels_and_steps_as_rows(shape):
    layer, x, delta = built(BatchNorm(), shape)
    flat, _, _ = built(BatchNorm(), (6, 4))
    flat.gamma, flat.beta = layer.gamma, layer.beta
    y, cache = layer.forward(x)
    flat_y, flat_cache = flat.forward(x.reshape(6, 4))
    assert_array_equal(y, flat_y.reshape(shape))
    for one, other in zip(layer.averages.values(), flat.averages.values(), strict=True):
        assert_array_equal(one, other)
    dx, grads = layer.backward(delta, cache)
    flat_dx, flat_grads = flat.backward(delta.reshape(6, 4), flat_cache)
    assert_array_equal(dx, flat_dx.reshape(shape))
    for name in grads:
        assert_array_equal(grads[name], flat_grads[name])


def test_the_order_of_the_batch_is_none_to_batch_norm():
    layer, x, delta = built(BatchNorm(), (7, 3))
    order = np.random.default_rng(0).permutation(7)
    y, cache = layer.forward(x)
    dx, _ = layer.backward(delta, cache)
    mixed_y, cache = layer.forward(x[order])
    mixed_dx, _ = layer.backward(delta[order], cache)
    assert_allclose(mixed_y, y[order], rtol=1e-12)
    assert_allclose(mixed_dx, dx[order], rtol=1e-11, atol=1e-14)


def test_a_shift_before_batch_norm_is_without_effect():
    net = Network([Conv2D(3, 2), BatchNorm()])
    net.build((4, 4, 2), rng=0, dtype=np.float64)
    rng = np.random.default_rng(1)
    y, cache = net.forward(rng.standard_normal((2, 4, 4, 2)))
    grads = net.grads(rng.standard_normal(y.shape), cache)
    assert_allclose(grads["0.b"], 0, atol=1e-13)
    assert abs(grads["0.W"]).min() > 1e-3


# Running averages


def test_running_averages_forget_at_the_rate_of_keep():
    layer, _, _ = built(BatchNorm(keep=0.8), (4, 2))
    rng = np.random.default_rng(3)
    mean, variance = np.zeros(2), np.ones(2)
    for _ in range(5):
        x = rng.standard_normal((4, 2))
        layer.forward(x)
        mean = 0.8 * mean + 0.2 * x.mean(axis=0)
        variance = 0.8 * variance + 0.2 * x.var(axis=0, ddof=1)
        assert_allclose(layer.mean, mean, rtol=1e-13)
        assert_allclose(layer.variance, variance, rtol=1e-13)


def test_the_running_variance_does_not_fall_short():
    # Over all batches that can be drawn, the estimates average to the variance of the population.
    population = [0.0, 1.0, 5.0]
    for M in (2, 3):
        layer = BatchNorm(keep=0.0)
        layer.build((1,), dtype=np.float64)
        found, biased = [], []
        for batch in itertools.product(population, repeat=M):
            layer.forward(np.array(batch)[:, np.newaxis])
            found.append(float(layer.variance[0]))
            biased.append(np.var(batch))
        assert np.mean(found) == pytest.approx(np.var(population), rel=1e-12)
        assert np.mean(biased) == pytest.approx((M - 1) / M * np.var(population), rel=1e-12)


def test_predict_uses_the_running_averages_and_moves_nothing():
    layer, x, _ = built(BatchNorm(epsilon=0.5), (4, 3))
    layer.mean, layer.variance = np.array([1.0, 2.0, 3.0]), np.array([0.0, 3.5, 8.5])
    expected = np.empty_like(x)
    for n, c in np.ndindex(4, 3):
        s = math.sqrt(layer.variance[c] + 0.5)
        expected[n, c] = layer.gamma[c] * (x[n, c] - layer.mean[c]) / s + layer.beta[c]
    before = layer.averages
    assert_allclose(layer.predict(x), expected, rtol=1e-13)
    assert_allclose(layer.predict(x[1:2]), expected[1:2], rtol=1e-13)
    assert all(layer.averages[name] is before[name] for name in before)


def test_predict_comes_to_be_forward_where_all_batches_are_alike():
    layer, x, _ = built(BatchNorm(keep=0.5), (400, 3))
    for _ in range(60):
        y, _ = layer.forward(x)
    assert_allclose(layer.variance, x.var(axis=0, ddof=1), rtol=1e-12)
    layer.variance = layer.variance * (399 / 400)  # v again: all but the factor M / (M - 1)
    assert_allclose(layer.predict(x), y, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 3), (1, 1, 1, 3)], ids=str)
def test_one_position_says_nothing_about_the_variance(shape):
    layer, x, delta = built(BatchNorm(keep=0.75), shape)
    layer.variance = np.array([4.0, 5.0, 6.0])
    y, cache = layer.forward(x)
    dx, grads = layer.backward(delta, cache)
    assert_array_equal(y, np.broadcast_to(layer.beta, shape))
    assert not dx.any()
    assert not grads["gamma"].any()
    assert_array_equal(grads["beta"], delta.ravel())
    assert_array_equal(layer.variance, [4, 5, 6])
    assert_allclose(layer.mean, 0.25 * x.ravel(), rtol=1e-15)
    assert np.isfinite(layer.predict(x)).all()


def test_averages_that_are_held_stay_as_they_are_and_can_come_back():
    layer, x, _ = built(BatchNorm(), (4, 3))
    before = layer.averages
    numbers = {name: value.copy() for name, value in before.items()}
    layer.forward(x)
    assert list(layer.averages) == ["mean", "variance"]
    for name, value in layer.averages.items():
        assert (value != before[name]).all()
        assert_array_equal(before[name], numbers[name])
    layer.averages = before
    assert layer.mean is before["mean"]
    assert layer.variance is before["variance"]


def test_averages_have_to_fit():
    layer, _, _ = built(BatchNorm(), (4, 3))
    layer.name = "bn"
    what = "BatchNorm 'bn' expects averages of shapes {'mean': (3,), 'variance': (3,)}"
    before = layer.averages
    with refusal(ValueError, f"{what}, got {{'mean': (3,)}}"):
        layer.averages = {"mean": np.zeros(3)}
    with refusal(ValueError, f"{what}, got {{'mean': (2,), 'variance': (3,)}}"):
        layer.averages = {"mean": np.zeros(2), "variance": np.ones(3)}
    assert layer.mean is before["mean"]
    with refusal(ValueError, "Dense expects averages of shapes {}, got {'mean': ()}"):
        Dense(3).averages = {"mean": 0.0}
    with refusal(
        ValueError, "BatchNorm expects build(in_shape) before its parameters are used, got none"
    ):
        _ = BatchNorm().averages


def test_a_layer_norm_that_is_not_built_has_no_parameters():
    text = "LayerNorm expects build(in_shape) before its parameters are used, got none"
    for settings in ({}, {"scale": False}, {"shift": False}):
        with refusal(ValueError, text):
            _ = LayerNorm(**settings).params
    assert LayerNorm(scale=False, shift=False).params == {}


def test_which_layers_have_averages():
    assert BatchNorm().stateful
    assert not LayerNorm().stateful
    assert LayerNorm().averages == {}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_running_averages_keep_their_type(dtype):
    layer, x, _ = built(BatchNorm(), (4, 3), dtype)
    for given in (x, x.astype(np.float64)):
        layer.forward(given)
        assert layer.mean.dtype == layer.variance.dtype == dtype
    twin = layer.astype(np.complex128)
    assert twin.mean.dtype == twin.variance.dtype == np.complex128
    assert_array_equal(twin.mean, layer.mean.astype(np.complex128))


def test_passes_in_several_threads_lose_no_update():
    layer, x, _ = built(BatchNorm(keep=0.999), (4, 3))
    ready = threading.Barrier(4)

    def work():
        ready.wait()
        for _ in range(200):
            layer.forward(x)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_allclose(layer.mean, (1 - 0.999**800) * x.mean(axis=0), rtol=1e-11)
    expected = 0.999**800 + (1 - 0.999**800) * x.var(axis=0, ddof=1)
    assert_allclose(layer.variance, expected, rtol=1e-11)


# Sums in single precision


def test_a_large_batch_far_from_zero_keeps_its_variance():
    x = np.random.default_rng(0).random((25_088, 3)).astype(np.float32) + 100
    layer = BatchNorm(keep=0.0)
    layer.build((3,))
    layer.forward(x)
    assert_allclose(layer.mean, x.mean(axis=0, dtype=np.float64), rtol=1e-5)
    # The mean of x^2 less the square of the mean, about 10^4 both, would have lost it.
    assert_allclose(layer.variance, x.var(axis=0, ddof=1, dtype=np.float64), rtol=1e-4)


# Shapes and errors


@both_layers
def test_shapes_and_counts(kind):
    layer = kind()
    assert layer.build((5, 6, 3)) == (5, 6, 3)
    assert layer.gamma.shape == layer.beta.shape == (3,)
    assert_array_equal(layer.gamma, np.ones(3))
    assert_array_equal(layer.beta, np.zeros(3))
    assert layer.param_count == 6
    assert layer.multiply_adds((5, 6, 3)) == 2 * 90


def test_a_scale_is_half_of_the_multiply_adds():
    assert LayerNorm(scale=False).multiply_adds((5, 3)) == 15


def test_a_fresh_batch_norm_predicts_its_input():
    layer = BatchNorm(epsilon=1e-12)
    layer.build((3,), dtype=np.float64)
    assert_array_equal(layer.averages["mean"], np.zeros(3))
    assert_array_equal(layer.averages["variance"], np.ones(3))
    x = np.random.default_rng(0).standard_normal((2, 3))
    assert_allclose(layer.predict(x), x, rtol=1e-11)


def test_gamma_of_zero_lets_nothing_through():
    layer = BatchNorm(gamma_init=Zeros())
    layer.build((3,), dtype=np.float64)
    y, _ = layer.forward(np.random.default_rng(0).standard_normal((4, 3)))
    assert not y.any()


@both_layers
@pytest.mark.parametrize("epsilon", [0, 0.0, -1e-5])
def test_epsilon_is_above_0(kind, epsilon):
    with refusal(
        ValueError, f"{kind.__name__} expects epsilon to be above 0, got {float(epsilon)}"
    ):
        kind(epsilon=epsilon)


@both_layers
@pytest.mark.parametrize("epsilon", [math.nan, math.inf, None, "small", True])
def test_epsilon_is_a_number(kind, epsilon):
    text = f"{kind.__name__} expects epsilon to be a finite number, got {epsilon!r}"
    with refusal(ValueError, text):
        kind(epsilon=epsilon)


@pytest.mark.parametrize("keep", [1, 1.0, -0.1, math.nan, None, True])
def test_keep_is_a_share(keep):
    text = f"BatchNorm expects keep to be a finite number of at least 0 below 1, got {keep!r}"
    with refusal(ValueError, text):
        BatchNorm(keep=keep)


@both_layers
def test_a_single_number_for_each_example_has_no_features(kind):
    text = "expects inputs of shape (N, D), got a single number for each example"
    with refusal(ValueError, f"{kind.__name__} {text}"):
        kind().build(())
