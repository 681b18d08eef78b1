"""Penalties: values, gradients against two estimates, which parameters, errors."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.layers.dense import Dense
from backprop.network import Network
from backprop.penalties import L1, L2, Penalty

both = pytest.mark.parametrize("penalty", [L1(0.3), L2(0.3)], ids=repr)


def weights(dtype=np.float64):
    return np.random.default_rng(0).standard_normal(6).astype(dtype)


def test_l1_by_hand():
    value, cache = L1(0.5).forward(np.array([1.0, -2.0, 0.0, -0.0]))
    assert value == 1.5
    assert_array_equal(L1(0.5).backward(cache), [0.5, -0.5, 0, 0])


def test_l2_by_hand():
    value, cache = L2(0.5).forward(np.array([1.0, -2.0, 0.0]))
    assert value == 1.25
    assert_array_equal(L2(0.5).backward(cache), [0.5, -1, 0])


def test_l2_of_the_cs231n_net():
    """Section 22 of the derivations: the loss with and without the term of strength 1."""
    W1, W2 = np.linspace(-0.7, 0.3, 5 * 50), np.linspace(-0.3, 0.4, 50 * 7)
    value, _ = L2(1.0).forward(np.concatenate([W1, W2]))
    assert_allclose(value, 26.5948426952 - 3.4702243556, rtol=0, atol=2e-10)


@both
def test_gradient_is_the_complex_step(penalty):
    w = weights()
    dw = penalty.backward(penalty.forward(w)[1])
    estimate = []
    for i in range(w.size):
        moved = w.astype(complex)
        moved[i] += 1e-30j
        estimate.append(penalty.forward(moved)[0].imag / 1e-30)
    assert_allclose(dw, estimate, rtol=1e-14)


@both
def test_gradient_is_the_central_difference(penalty):
    w, h = weights(), 1e-6
    dw = penalty.backward(penalty.forward(w)[1])
    for i in range(w.size):
        up, down = w.copy(), w.copy()
        up[i] += h
        down[i] -= h
        estimate = (penalty.forward(up)[0] - penalty.forward(down)[0]) / (2 * h)
        assert_allclose(dw[i], estimate, rtol=1e-7)


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_stay(penalty, dtype):
    w = weights(dtype)
    value, cache = penalty.forward(w)
    assert value.shape == ()
    assert value.dtype == dtype
    assert penalty.backward(cache).dtype == dtype
    assert penalty.backward(cache).shape == w.shape


@both
def test_passes_are_pure(penalty):
    w = weights()
    before = w.copy()
    w.flags.writeable = False
    _, cache = penalty.forward(w)
    first = penalty.backward(cache)
    penalty.forward(np.ones(3))
    assert_array_equal(penalty.backward(cache), first)
    assert_array_equal(w, before)
    assert first is not w


@both
def test_strength_multiplies_value_and_gradient_alike(penalty):
    w, kind = weights(), type(penalty)
    value, cache = kind(1.0).forward(w)
    double_value, double_cache = kind(2.0).forward(w)
    assert value > 0
    assert_allclose(double_value, 2 * value, rtol=1e-15)
    assert_allclose(kind(2.0).backward(double_cache), 2 * kind(1.0).backward(cache), rtol=1e-15)
    none, none_cache = kind(0).forward(w)
    assert none == 0
    assert_array_equal(kind(0).backward(none_cache), np.zeros(6))


@both
def test_no_weights_cost_nothing(penalty):
    value, cache = penalty.forward(np.empty(0, np.float32))
    assert value == 0
    assert penalty.backward(cache).shape == (0,)


# Which parameters


@pytest.mark.parametrize(
    ("on", "chosen"),
    [
        ("*.W*", {"0.W", "1.Wx", "1.Wh", "2.0.W"}),
        ("*", {"0.W", "0.b", "1.Wx", "1.Wh", "1.b", "2.0.W", "2.0.b"}),
        ("0.*", {"0.W", "0.b"}),
        (("0.W", "1.Wh"), {"0.W", "1.Wh"}),
        (["*.b"], {"0.b", "1.b", "2.0.b"}),
        ((), set()),
        ("*.w", set()),  # capitals count
    ],
)
def test_patterns_select_keys(on, chosen):
    keys = ("0.W", "0.b", "1.Wx", "1.Wh", "1.b", "2.0.W", "2.0.b")
    assert {key for key in keys if L2(1.0, on=on).selects(key)} == chosen


def test_the_default_spares_the_biases_of_a_network():
    net = Network([Dense(3), Network([Dense(2)])])
    net.build((4,), rng=0)
    chosen = [key for key in net.params if L2(1.0).selects(key)]
    assert chosen == ["0.W", "1.0.W"]


# Settings and errors


def test_settings_and_repr():
    assert L2(0.1).settings == {"strength": 0.1, "on": "*.W*"}
    assert repr(L2(0.1)) == "L2(0.1)"
    assert repr(L1(1, on=("0.W", "2.W"))) == "L1(1.0, on=('0.W', '2.W'))"


@pytest.mark.parametrize("kind", [L1, L2])
@pytest.mark.parametrize("strength", [-0.1, math.nan, math.inf, "much", None])
def test_wrong_strength(kind, strength):
    with pytest.raises(ValueError, match="strength") as error:
        kind(strength)
    what = f"strength to be a finite number of at least 0, got {strength!r}"
    assert str(error.value) == f"{kind.__name__} expects {what}"


@pytest.mark.parametrize("on", [3, None, ("0.W", 3)])
def test_wrong_patterns(on):
    with pytest.raises(TypeError) as error:
        L2(0.1, on=on)
    assert str(error.value) == f"L2 expects on to be a pattern or a list of patterns, got {on!r}"


def test_the_base_class_has_no_passes():
    with pytest.raises(NotImplementedError) as error:
        Penalty(1.0).forward(np.zeros(1))
    assert str(error.value) == "Penalty has no forward"
    with pytest.raises(NotImplementedError) as error:
        Penalty(1.0).backward(np.zeros(1))
    assert str(error.value) == "Penalty has no backward"
