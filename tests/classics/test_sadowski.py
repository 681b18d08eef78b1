"""Output units and their losses: both factors, their product, and where they overflow."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import backprop as bp
from backprop.classics import sadowski
from backprop.classics.sadowski import CLASSES, Z, two_factors

KINDS = ("identity", "logistic", "softmax")


def cost(z, t, kind, scale):
    """The loss of scores, the obvious way."""
    if kind == "identity":
        return scale * ((z - t) ** 2).sum() / 2
    if kind == "logistic":
        y = 1 / (1 + np.exp(-z))
        return -scale * (t * np.log(y) + (1 - t) * np.log(1 - y)).sum()
    y = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -scale * (t * np.log(y)).sum()


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("N", "M"), [(1, 1), (1, 4), (5, 3)])
def test_product_and_fused_are_the_slope_of_differences(kind, reduction, N, M):
    rng = np.random.default_rng(N + M)
    z, t, h = rng.standard_normal((N, M)), rng.random((N, M)), 1e-6
    found = two_factors(z, t, kind, reduction)
    scale = 1 / N if reduction == "mean" else 1
    for place in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[place] = h
        slope = (cost(z + step, t, kind, scale) - cost(z - step, t, kind, scale)) / (2 * h)
        assert_allclose(found.delta[place], slope, rtol=1e-7, atol=1e-9)
    assert_allclose(found.fused, found.delta, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_the_factors_make_the_product(kind):
    rng = np.random.default_rng(0)
    z, t = rng.standard_normal((4, 3)), rng.random((4, 3))
    found = two_factors(z, t, kind)
    if kind == "softmax":
        product = np.einsum("ni,nik->nk", found.dL_dy, found.dy_dz)
    else:
        product = found.dL_dy * found.dy_dz
    assert_allclose(product, found.delta, rtol=1e-12, atol=1e-15)


def test_the_factors_are_those_of_the_formulas():
    rng = np.random.default_rng(0)
    z, t = rng.standard_normal((4, 3)), rng.random((4, 3))
    found = two_factors(z, t, "logistic")
    y = found.y
    assert_allclose(found.dL_dy, (y - t) / (y * (1 - y)), rtol=1e-12, atol=1e-14)
    assert_allclose(found.dy_dz, y * (1 - y), rtol=1e-14)
    found = two_factors(z, t, "softmax")
    assert_allclose(found.dL_dy, -t / found.y, rtol=1e-14)
    assert_allclose(two_factors(z, t, "identity").dL_dy, z - t, rtol=1e-14)


@pytest.mark.parametrize("S", [1, 3, 0.5])
def test_targets_that_sum_to_s(S):
    rng = np.random.default_rng(1)
    z, t = rng.standard_normal((4, 3)), rng.random((4, 3))
    t *= S / t.sum(axis=1, keepdims=True)
    found = two_factors(z, t, "softmax")
    assert_allclose(found.delta, S * found.y - t, rtol=0, atol=1e-14)


def test_published_numbers():
    found = two_factors(Z, np.eye(3)[CLASSES], reduction="mean")
    expected = [0.0450152866, 0.1223642355, -0.1673795221]
    assert_allclose(found.delta[0], expected, rtol=0, atol=1e-10)
    assert_allclose(found.fused[0], expected, rtol=0, atol=1e-10)
    row = [0.0900305732, 0.2447284711, 0.6652409558]
    assert_allclose(found.y, [row, row[::-1]], rtol=0, atol=1e-10)
    J = sadowski.softmax_jacobian(found.y[0])
    assert_allclose(J.ravel(), np.array(sadowski.JACOBIAN.split(), float), rtol=0, atol=1e-10)
    product = [0.0148024203, -0.0576542384, 0.0428518181]
    assert_allclose(np.array([0.3, -0.1, 0.2]) @ J, product, rtol=0, atol=1e-10)


@pytest.mark.parametrize("M", [1, 2, 5])
def test_the_jacobian_is_that_of_differences(M):
    z, h = np.random.default_rng(M).standard_normal(M), 1e-6
    softmax = bp.Softmax()
    J = sadowski.softmax_jacobian(softmax.predict(z[np.newaxis])[0])
    for k, step in enumerate(h * np.eye(M)):
        above, below = (softmax.predict((z + s)[np.newaxis])[0] for s in (step, -step))
        assert_allclose(J[:, k], (above - below) / (2 * h), rtol=1e-7, atol=1e-9)
    assert_allclose(J.sum(axis=0), 0, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [30, 800, 1000])
def test_nothing_overflows(kind, size):
    z = np.array([[size, 0.0, -size]])
    for t in np.eye(3):
        found = two_factors(z, t[np.newaxis], kind)
        for each in found:
            assert np.isfinite(each).all()
        assert_allclose(found.fused, found.y - t, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: two_factors(Z, Z, "tanh"),
            "two_factors expects kind to be one of 'identity', 'logistic', 'softmax', got 'tanh'",
        ),
        (
            lambda: two_factors(Z, CLASSES),
            "two_factors expects scores and targets (N, M), got (2, 3) and (2,)",
        ),
        (
            lambda: two_factors(Z, Z, "logistic"),
            "BinaryCrossEntropy expects finite targets from 0 to 1, got 2.0",
        ),
        (
            lambda: sadowski.softmax_jacobian([[1.0]]),
            "softmax_jacobian expects outputs of shape (M,), got (1, 1)",
        ),
        (
            lambda: sadowski.softmax_jacobian([0.5, 0.6]),
            "softmax_jacobian expects probabilities that sum to 1, got [0.5, 0.6]",
        ),
        (
            lambda: sadowski.softmax_jacobian([1.5, -0.5]),
            "softmax_jacobian expects probabilities that sum to 1, got [1.5, -0.5]",
        ),
        (
            lambda: sadowski.softmax_jacobian([np.nan, 1.0]),
            "softmax_jacobian expects probabilities that sum to 1, got [nan, 1.0]",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
