"""Dropout: its mask, its expectation, where its randomness comes from, errors."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.layers import Dropout

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["32", "64"])
each_rate = pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])


def ones(*shape, dtype=np.float64):
    return np.ones(shape, dtype)


@each_rate
def test_forward_is_the_definition(rate):
    x = np.random.default_rng(0).standard_normal((4, 5, 3))
    u = np.random.default_rng(7).random(x.shape)
    expected = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        if u[place] >= rate:
            expected[place] = x[place] / (1 - rate)
    y, _ = Dropout(rate).forward(x, rng=np.random.default_rng(7))
    assert_allclose(y, expected, rtol=1e-15)


@each_rate
def test_backward_uses_the_mask_of_its_own_forward(rate):
    layer = Dropout(rate)
    mask, cache = layer.forward(ones(6, 7), rng=1)
    layer.forward(ones(6, 7), rng=2)
    delta = np.random.default_rng(0).standard_normal((6, 7))
    dx, grads = layer.backward(delta, cache)
    assert_array_equal(dx, mask * delta)
    assert grads == {}


@each_rate
def test_the_expected_output_is_the_input(rate):
    y, _ = Dropout(rate).forward(ones(100_000), rng=0)
    deviation = math.sqrt(rate / (1 - rate) / y.size)  # of a mean of so many independent numbers
    assert abs(y.mean() - 1) <= 5 * deviation + 1e-12


@each_dtype
def test_a_number_is_dropped_or_scaled(dtype):
    y, _ = Dropout(0.75).forward(ones(50, 50, dtype=dtype), rng=0)
    assert y.dtype == dtype
    assert set(np.unique(y)) == {0, 4}


def test_the_same_generator_gives_the_same_mask():
    one, other = (
        Dropout().forward(ones(20, 20), rng=np.random.default_rng(3))[0] for _ in range(2)
    )
    assert_array_equal(one, other)
    assert_array_equal(one, Dropout().forward(ones(20, 20), rng=3)[0])


def test_a_generator_goes_on_from_pass_to_pass():
    rng = np.random.default_rng(3)
    one, other = (Dropout().forward(ones(20, 20), rng=rng)[0] for _ in range(2))
    assert (one != other).any()


def test_with_no_generator_every_pass_draws_afresh():
    one, other = (Dropout().forward(ones(40, 40))[0] for _ in range(2))
    assert (one != other).any()


def test_every_example_gets_a_mask_of_its_own():
    y, _ = Dropout().forward(ones(2, 400), rng=0)
    assert (y[0] != y[1]).any()


@each_rate
def test_predict_returns_its_input(rate):
    x = ones(3, 4)
    assert Dropout(rate).predict(x) is x


@each_dtype
def test_a_rate_of_zero_changes_no_bit(dtype):
    x = np.random.default_rng(0).standard_normal((5, 6)).astype(dtype)
    y, cache = Dropout(0).forward(x)
    assert_array_equal(y, x)
    assert_array_equal(Dropout(0).backward(x, cache)[0], x)


@pytest.mark.parametrize("rate", [1, 1.0, -0.1, math.nan, math.inf, "half", None, True])
def test_a_rate_is_at_least_0_and_below_1(rate):
    text = f"Dropout expects rate to be a finite number of at least 0 below 1, got {rate!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Dropout(rate)
