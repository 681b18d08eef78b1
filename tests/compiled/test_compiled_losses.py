"""Compiled losses are their NumPy lines, and exponentials what NumPy's are."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import backprop as bp
from backprop.compiled import FOUND, readable
from backprop.layers.activations import sigmoid
from laid import LAID

if FOUND:  # without Numba these tests are not to be chosen: they fail
    from backprop.compiled import elementary, losses

pytestmark = pytest.mark.fast

SHAPES = [(1, 1), (1, 7), (6, 1), (5, 10), (3, 4, 2), (2, 1000), (300, 3)]
KINDS = ["ordinary", "far apart", "tied", "infinite below"]


def outputs(kind, shape):
    y = np.random.default_rng(0).standard_normal(shape)
    if kind == "far apart":
        y *= 1e4
    elif kind == "tied":
        y[:] = 3
    elif kind == "infinite below":
        y[..., 1:] = -np.inf
    return y.astype(np.float32)


def passes(loss, y, target):
    value, cache = loss.forward(y, target)
    return [value, *cache, loss.backward(cache)]


def largest(numbers):
    """Return the largest absolute value, leaving NaN aside."""
    return np.abs(numbers).max(initial=0, where=~np.isnan(numbers))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_softmax_cross_entropy(shape, kind, reduction):
    loss = bp.SoftmaxCrossEntropy(reduction=reduction)
    y, rng = outputs(kind, shape), np.random.default_rng(1)
    targets = [rng.integers(0, 3, shape).astype(np.float32)]
    if kind == "infinite below":
        targets = [np.zeros(shape, np.float32)]
        targets[0][..., 0] = 1
    elif shape[-1] > 1:
        targets += [rng.integers(0, shape[-1], shape[:-1], t) for t in ("int64", "uint16")]
    for target in targets:
        with np.errstate(invalid="ignore"), readable():
            lines, exact = (passes(loss, y.astype(t), target) for t in (np.float32, np.float64))
        with np.errstate(invalid="ignore"):
            found = passes(loss, y, target)
        for one, other, right in zip(found, lines, exact, strict=True):
            assert np.shape(one) == np.shape(other)
            assert np.asarray(one).dtype == np.asarray(other).dtype
            # What rounding does to the NumPy lines it may do to the kernel, twice over; and there
            # are two digits' ends for e^x, and one for each of three operations more.
            rounding = 2 * largest(other - right) + 4e-7 * largest(right)
            np.testing.assert_allclose(one, right, rtol=0, atol=rounding)


def test_nan_stays():
    loss = bp.SoftmaxCrossEntropy()
    for place in range(3):
        y = np.zeros((2, 3), np.float32)
        y[1, place] = np.nan
        value, cache = loss.forward(y, [0, 1])
        assert np.isnan(value)
        assert_array_equal(np.isnan(loss.backward(cache)), [[False] * 3, [True] * 3])


@pytest.mark.parametrize("lay", LAID, ids=lambda each: each.__name__)
def test_arrays_of_any_kind(lay):
    loss = bp.SoftmaxCrossEntropy()
    y, classes = outputs("ordinary", (5, 4)), np.array([0, 3, 1, 1, 2])
    t = np.eye(4, dtype=np.float32)[classes]
    right = passes(loss, y, t)
    for target in (lay(t), lay(classes)):
        for one, other in zip(passes(loss, lay(y), target), right, strict=True):
            assert_array_equal(one, other)


@pytest.mark.parametrize("wrong", [-1, 4, 2**40])
def test_a_class_that_does_not_exist_is_told_as_ever(wrong):
    with pytest.raises(ValueError, match=f"classes from 0 to 3, got {wrong}"):
        bp.SoftmaxCrossEntropy().forward(np.zeros((2, 4), np.float32), [0, wrong])
    assert losses.one_hot(np.array([0, wrong]), 4) is None


def test_rows_of_classes_are_those_of_every_loss():
    y, classes = outputs("ordinary", (2, 3, 4)), np.array([[0, 3, 1], [2, 2, 0]])
    for loss in (bp.HalfSquaredError(), bp.LogisticCrossEntropy(), bp.CrossEntropy()):
        found = loss.forward(abs(y), classes)[0]
        assert found == loss.forward(abs(y), np.eye(4, dtype=np.float32)[classes])[0]


class Tilted(bp.SoftmaxCrossEntropy):
    """A reader's."""

    def _enter(self, y, target):
        y, t, r = super()._enter(y, target)
        return y, 2 * t, r


def test_a_loss_of_ones_own_runs_its_own_lines(monkeypatch):
    y = outputs("ordinary", (5, 4))
    right = bp.SoftmaxCrossEntropy().forward(y, np.arange(5) % 4)[0]
    monkeypatch.setattr(losses, "softmax_cross_entropy", None)
    np.testing.assert_allclose(Tilted().forward(y, np.arange(5) % 4)[0], 2 * right, rtol=1e-6)


# Exponentials


def of_all(function, x):
    return np.array([function(each) for each in x.astype(np.float32)], np.float32)


def test_exp_is_right_to_its_last_digit_down_to_the_smallest_numbers():
    x = np.concatenate([np.linspace(-104, 0, 20001), [-0.0, -1e-30]]).astype(np.float32)
    right = np.exp(x.astype(np.float64))
    smallest = float(np.finfo(np.float32).smallest_subnormal)
    np.testing.assert_allclose(of_all(elementary.exp, x), right, rtol=1.2e-7, atol=smallest)
    assert elementary.exp(np.float32(0)) == 1
    assert elementary.exp(np.float32(-np.inf)) <= smallest
    assert np.isnan(elementary.exp(np.float32(np.nan)))


def test_sigmoid_is_right_however_far_it_is_saturated():
    x = np.linspace(-104, 104, 20001).astype(np.float32)
    right = sigmoid(x.astype(np.float64))
    smallest = float(np.finfo(np.float32).smallest_subnormal)
    np.testing.assert_allclose(of_all(elementary.sigmoid, x), right, rtol=2.4e-7, atol=smallest)
    assert np.isnan(elementary.sigmoid(np.float32(np.nan)))
    assert elementary.sigmoid(np.float32(np.inf)) == 1


def test_tanh_is_right():
    x = np.concatenate([np.linspace(-12, 12, 20001), [1e-30, 0, 1e30, np.inf]]).astype(np.float32)
    found = of_all(elementary.tanh, x)
    np.testing.assert_allclose(found, np.tanh(x.astype(np.float64)), rtol=4e-7)
    assert np.abs(found).max() == 1
    assert np.isnan(elementary.tanh(np.float32(np.nan)))
