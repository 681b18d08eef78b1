"""Errors: the one form of every message, and what the checks of settings let pass."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest

from backprop.errors import batch_of, choice, expects, generator, pair, real, whole


def refusal(text):
    return pytest.raises(ValueError, match=f"^{re.escape(text)}$")


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError])
def test_every_message_has_one_form(kind):
    error = expects("Dense 'dense_2'", "inputs of shape (N, 256)", (32, 128), kind)
    assert type(error) is kind
    assert error.args == ("Dense 'dense_2' expects inputs of shape (N, 256), got (32, 128)",)


def test_an_error_is_a_value_error_if_nothing_is_said():
    assert type(expects("It", "this", "that")) is ValueError


@pytest.mark.parametrize(
    ("shape", "text"),
    [((), "(N,)"), ((3,), "(N, 3)"), ((28, 28, 1), "(N, 28, 28, 1)"), ([2, 3], "(N, 2, 3)")],
)
def test_the_shape_of_a_batch(shape, text):
    assert batch_of(shape) == text


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1), (7, 7), (np.int64(3), 3), (np.uint8(200), 200), (10**30, 10**30)]
)
def test_whole_returns_an_int(value, number):
    got = whole("It", "size", value)
    assert got == number
    assert type(got) is int


@pytest.mark.parametrize(
    "value", [0, -1, 1.0, 2.5, True, False, "3", None, [1], np.float64(2), np.bool_(True)]
)
def test_whole_refuses(value):
    with refusal(f"It expects size to be a whole number of at least 1, got {value!r}"):
        whole("It", "size", value)


def test_whole_with_another_least():
    assert whole("It", "size", 0, least=0) == 0
    assert whole("It", "size", -3, least=-3) == -3
    with refusal("It expects size to be a whole number of at least 5, got 4"):
        whole("It", "size", 4, least=5)


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (-0.5, -0.5), (np.float32(0.25), 0.25), (np.int8(-3), -3.0), (Fraction(1, 4), 0.25)],
)
def test_real_returns_a_float(value, number):
    got = real("It", "rate", value)
    assert got == number
    assert type(got) is float


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, True, None, "fast", "1", b"1", [1.0], 1j, np.float32(np.inf)],
)
def test_real_refuses(value):
    with refusal(f"It expects rate to be a finite number, got {value!r}"):
        real("It", "rate", value)


@pytest.mark.parametrize(
    ("bounds", "good", "bad", "range_"),
    [
        ({"least": 0}, [0, 1e-9, 1e9], [-1e-9, -3], " of at least 0"),
        ({"least": 0.5}, [0.5, 2], [0.25, 0], " of at least 0.5"),
        ({"below": 1}, [-5, 0.99], [1, 1.5], " below 1"),
        ({"least": 0, "below": 1}, [0, 0.5], [-1, 1], " of at least 0 below 1"),
    ],
)
def test_real_keeps_to_its_range(bounds, good, bad, range_):
    for value in good:
        assert real("It", "rate", value, **bounds) == value
    for value in bad:
        with refusal(f"It expects rate to be a finite number{range_}, got {value!r}"):
            real("It", "rate", value, **bounds)


def test_generator_is_the_one_given_or_made_from_a_seed():
    rng = np.random.default_rng(3)
    assert generator("It", rng) is rng
    assert generator("It", 3).random() == rng.random()


@pytest.mark.parametrize("value", [-2, 1.5, "a", [1, -1]])
def test_generator_refuses(value):
    what = "rng to be a numpy Generator or a seed, a whole number of at least 0"
    with refusal(f"It expects {what}, got {value!r}"):
        generator("It", value)


def test_choice_returns_one_of_its_options():
    assert choice("It", "mode", "same", ("same", "valid")) == "same"
    for value in ("full", None, 3, "SAME", ""):
        with refusal(f"It expects mode to be one of 'same', 'valid', got {value!r}"):
            choice("It", "mode", value, ("same", "valid"))


@pytest.mark.parametrize(
    ("value", "got"), [(3, (3, 3)), ((2, 5), (2, 5)), ([4, 1], (4, 1)), (np.int64(2), (2, 2))]
)
def test_pair_makes_two_of_one(value, got):
    assert pair("It", "size", value) == got


@pytest.mark.parametrize("value", [(), (1,), (1, 2, 3), [[1, 2]]])
def test_pair_refuses_any_other_count(value):
    with refusal(f"It expects size to be a whole number or a pair of them, got {value!r}"):
        pair("It", "size", value)


@pytest.mark.parametrize(("value", "wrong"), [(0, 0), ((0, 1), 0), ((1, 0.5), 0.5), ("33", "33")])
def test_pair_refuses_what_is_not_whole(value, wrong):
    with refusal(f"It expects size to be a whole number of at least 1, got {wrong!r}"):
        pair("It", "size", value)


def test_pair_with_another_least():
    assert pair("It", "padding", (0, 2), least=0) == (0, 2)
