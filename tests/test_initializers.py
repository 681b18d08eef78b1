"""Initializers: fans, bounds, variances, orthogonality, given arrays, types, errors."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.initializers import (
    Constant,
    Given,
    Glorot,
    He,
    Initializer,
    LeCun,
    Normal,
    Orthogonal,
    Uniform,
    VarianceScaling,
    Zeros,
    fans,
)

INITIALIZERS = [
    Glorot(),
    Glorot("normal"),
    He(),
    He("normal"),
    LeCun(),
    LeCun("normal"),
    Uniform(-0.3, 0.1),
    Normal(2.0, 0.5),
    Orthogonal(),
    Constant(0.25),
    Zeros(),
    Given(np.arange(12).reshape(4, 3)),
]
RANDOM = INITIALIZERS[:9]
every_initializer = pytest.mark.parametrize("init", INITIALIZERS, ids=repr)


# Fans and variances


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4, 3), (4, 3)),
        ((5, 5, 4, 3), (100, 75)),  # a kernel: 25 places
        ((3, 1, 2, 7), (6, 21)),
        ((3,), (1, 3)),
    ],
)
def test_fans(shape, expected):
    assert fans(shape) == expected


VARIANCES = [
    (Glorot, (30, 50), 2 / 80),
    (Glorot, (5, 5, 3, 8), 2 / (75 + 200)),
    (He, (30, 50), 2 / 30),
    (He, (5, 5, 3, 8), 2 / 75),
    (LeCun, (30, 50), 1 / 30),
    (LeCun, (5, 5, 3, 8), 1 / 75),
]


@pytest.mark.parametrize(("kind", "shape", "variance"), VARIANCES)
def test_variance_of_the_scheme(kind, shape, variance):
    assert kind().variance(*fans(shape)) == pytest.approx(variance, rel=1e-15)


@pytest.mark.parametrize(("kind", "shape", "variance"), VARIANCES)
def test_uniform_draws(kind, shape, variance):
    W = kind()(shape, rng=3, dtype=np.float64)
    bound = math.sqrt(3 * variance)
    draws = np.random.default_rng(3).uniform(-1, 1, shape)
    assert_allclose(W, bound * draws, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("kind", "shape", "variance"), VARIANCES)
def test_normal_draws(kind, shape, variance):
    W = kind("normal")(shape, rng=3, dtype=np.float64)
    draws = np.random.default_rng(3).standard_normal(shape)
    assert_allclose(W, math.sqrt(variance) * draws, rtol=1e-12)


def test_the_bound_of_glorot_as_published():
    W = Glorot()((200, 300), rng=0, dtype=np.float64)
    bound = math.sqrt(6 / 500)
    assert np.abs(W).max() <= bound
    # One of 60,000 numbers lies in the outer thousandth, but for a chance of e^-60.
    assert np.abs(W).max() > 0.999 * bound


# Each moment below may be five of its own standard errors off.


@pytest.mark.parametrize("kind", [Glorot, He, LeCun])
@pytest.mark.parametrize(("distribution", "kurtosis"), [("uniform", 9 / 5), ("normal", 3)])
def test_measured_mean_and_variance(kind, distribution, kurtosis):
    shape = (200, 300)
    W = kind(distribution)(shape, rng=0, dtype=np.float64)
    variance = kind().variance(*shape)
    assert abs(W.mean()) < 5 * math.sqrt(variance / W.size)
    assert abs(W.var() / variance - 1) < 5 * math.sqrt((kurtosis - 1) / W.size)


def test_he_keeps_the_size_of_signals_through_relus():
    """E[y^2] of a ReLU layer equals E[x^2] of the one below; its share of five errors again."""
    rng = np.random.default_rng(0)
    W = He()((400, 20000), rng=rng, dtype=np.float64)
    x = np.abs(rng.standard_normal(400))
    y = np.maximum(x @ W, 0)
    spread = (y**2).std() / math.sqrt(y.size)
    assert abs((y**2).mean() - (x**2).mean()) < 5 * spread


def test_uniform():
    W = Uniform(-0.3, 0.1)((40, 50), rng=1, dtype=np.float64)
    assert_array_equal(W, np.random.default_rng(1).uniform(-0.3, 0.1, (40, 50)))
    assert W.min() >= -0.3
    assert W.max() < 0.1
    assert Uniform().settings == {"low": -0.05, "high": 0.05}
    assert_array_equal(Uniform(2, 2)((3,), rng=0), [2, 2, 2])


def test_normal():
    W = Normal(2.0, 0.5)((40, 50), rng=1, dtype=np.float64)
    assert_allclose(W, 2 + 0.5 * np.random.default_rng(1).standard_normal((40, 50)), rtol=1e-13)
    assert_array_equal(Normal(2.0, 0.0)((3,), rng=0), [2, 2, 2])


# Orthogonal


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (1, 4), (4, 1), (2, 3, 4)])
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_rows_or_columns_are_orthonormal(shape, gain):
    Q = Orthogonal(gain)(shape, rng=0, dtype=np.float64)
    assert Q.shape == shape
    Q = Q.reshape(-1, shape[-1])
    gram = Q.T @ Q if len(Q) >= Q.shape[1] else Q @ Q.T
    assert_allclose(gram, gain**2 * np.eye(len(gram)), rtol=0, atol=1e-14)


def test_an_orthogonal_matrix_keeps_lengths_for_ever():
    Q = Orthogonal()((6, 6), rng=0, dtype=np.float64)
    x = np.random.default_rng(1).standard_normal(6)
    assert_allclose(np.linalg.norm(x @ np.linalg.matrix_power(Q, 100)), np.linalg.norm(x))


def test_orthogonal_matrices_are_uniform_over_rotations():
    """Without the signs of R, the first entry of Q would have one sign only."""
    firsts = [Orthogonal()((2, 2), rng=seed, dtype=np.float64)[0, 0] for seed in range(200)]
    # Half of 200 should be positive; the standard error is 7.1, and five of them are allowed.
    assert abs(sum(first > 0 for first in firsts) - 100) < 36


# Fixed values


def test_constant_and_zeros():
    assert_array_equal(Constant(0.25)((2, 3)), np.full((2, 3), 0.25))
    assert_array_equal(Zeros()((2, 3)), np.zeros((2, 3)))


def test_given_is_a_copy():
    own = np.array([[1.0, 2.0], [3.0, 4.0]])
    init = Given(own)
    W = init((2, 2), dtype=np.float64)
    assert_array_equal(W, own)
    W[0, 0] = 9
    own[1, 1] = 9
    assert_array_equal(init((2, 2)), [[1, 2], [3, 4]])


def test_given_takes_lists():
    assert_array_equal(Given([[1, 2]])((1, 2)), [[1, 2]])


# Contract


@every_initializer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_type(init, dtype):
    W = init((4, 3), rng=0, dtype=dtype)
    assert W.shape == (4, 3)
    assert W.dtype == dtype
    assert W.flags.writeable


@every_initializer
def test_float32_is_the_default(init):
    assert init((4, 3), rng=0).dtype == np.float32


@every_initializer
def test_each_call_makes_a_new_array(init):
    first, second = init((4, 3), rng=0), init((4, 3), rng=0)
    assert_array_equal(first, second)
    assert not np.may_share_memory(first, second)


@pytest.mark.parametrize("init", RANDOM, ids=repr)
def test_randomness_comes_from_the_generator_alone(init):
    rng = np.random.default_rng(0)
    first, second = init((4, 3), rng=rng), init((4, 3), rng=rng)
    assert_array_equal(first, init((4, 3), rng=0))
    assert (first != second).any()
    assert (first != init((4, 3), rng=1)).any()


@pytest.mark.parametrize("init", RANDOM, ids=repr)
def test_float32_numbers_are_the_float64_ones_rounded(init):
    wide = init((4, 3), rng=0, dtype=np.float64)
    assert_array_equal(init((4, 3), rng=0), wide.astype(np.float32))


@every_initializer
def test_settings_make_it_again(init):
    again = type(init)(**init.settings)
    assert_array_equal(again((4, 3), rng=0), init((4, 3), rng=0))


def test_repr():
    assert [repr(init) for init in INITIALIZERS] == [
        "Glorot(distribution='uniform')",
        "Glorot(distribution='normal')",
        "He(distribution='uniform')",
        "He(distribution='normal')",
        "LeCun(distribution='uniform')",
        "LeCun(distribution='normal')",
        "Uniform(low=-0.3, high=0.1)",
        "Normal(mean=2.0, deviation=0.5)",
        "Orthogonal(gain=1.0)",
        "Constant(value=0.25)",
        "Zeros()",
        "Given([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0], [9.0, 10.0, 11.0]])",
    ]


# Errors

WRONG = [
    *[
        (
            lambda kind=kind: kind("cauchy"),
            f"{kind.__name__} expects distribution to be one of 'uniform', 'normal', got 'cauchy'",
        )
        for kind in (Glorot, He, LeCun)
    ],
    (lambda: Uniform("a", 1), "Uniform expects low to be a finite number, got 'a'"),
    (lambda: Uniform(1, 0), "Uniform expects high to be a finite number of at least 1, got 0"),
    (lambda: Normal(math.nan), "Normal expects mean to be a finite number, got nan"),
    (
        lambda: Normal(0, -1),
        "Normal expects deviation to be a finite number of at least 0, got -1",
    ),
    (lambda: Orthogonal(math.inf), "Orthogonal expects gain to be a finite number, got inf"),
    (lambda: Constant(None), "Constant expects value to be a finite number, got None"),
    (
        lambda: Given([[1.0, math.nan]]),
        "Given expects an array of finite numbers, got NaN or infinity in it",
    ),
    (lambda: Given("ab"), "Given expects an array of finite numbers, got 'ab'"),
    (lambda: Given([[1], [2, 3]]), "Given expects an array of finite numbers, got [[1], [2, 3]]"),
    (lambda: Given([1.0, 2.0])((2, 1)), "Given expects an array of shape (2, 1), got (2,)"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_errors(make, message):
    with pytest.raises(ValueError, match="expects") as error:
        make()
    assert str(error.value) == message


def test_the_base_classes_have_no_numbers():
    with pytest.raises(NotImplementedError) as error:
        Initializer()((2, 2))
    assert str(error.value) == "Initializer has no __call__"
    with pytest.raises(NotImplementedError) as error:
        VarianceScaling()((2, 2))
    assert str(error.value) == "VarianceScaling has no variance"
