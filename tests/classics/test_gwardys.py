"""From cut connections to a convolution, in both conventions."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import correlate

from backprop.classics import gwardys as g

SHAPES = [((3, 3), (2, 2)), ((5, 4), (3, 2)), ((4, 6), (1, 3)), ((3, 3), (3, 3)), ((2, 2), (1, 1))]
every_shape = pytest.mark.parametrize(("image", "kernel"), SHAPES)
both = pytest.mark.parametrize("convention", g.CONVENTIONS)


def drawn(image, kernel):
    rng = np.random.default_rng(0)
    out = [L - K + 1 for L, K in zip(image, kernel, strict=True)]
    return rng.standard_normal(out), rng.standard_normal(image), rng.standard_normal(kernel)


def test_the_example():
    assert_array_equal(g.forward(g.A, g.K), [[23, 33], [53, 63]])
    assert_array_equal(g.forward(g.A, g.K, "cross-correlation"), [[37, 47], [67, 77]])
    dA, dw = g.backward(g.D, g.A, g.K)
    assert_array_equal(dA, [[4, -1, -3], [10, 7, 0.5], [4, 3, 0.5]])
    assert_array_equal(dw, [[19.5, 17], [12, 9.5]])


@every_shape
def test_forward_is_scipys(image, kernel):
    _, A, w = drawn(image, kernel)
    assert_allclose(g.forward(A, w), g.convolve(A, w, "valid"), rtol=0, atol=1e-14)
    expected = correlate(A, w, "valid")
    assert_allclose(g.forward(A, w, "cross-correlation"), expected, rtol=0, atol=1e-14)


@every_shape
@both
def test_all_ways_agree(image, kernel, convention):
    delta, A, w = drawn(image, kernel)
    dA, dw = g.backward(delta, A, w, convention)
    z, *dense = g.cut_and_shared(delta, A, w, convention)
    assert_allclose(z, g.forward(A, w, convention), rtol=0, atol=1e-14)
    for way in (g.backward_by_rotation(delta, A, w, convention), dense):
        assert_allclose(way[0], dA, rtol=0, atol=1e-14)
        assert_allclose(way[1], dw, rtol=0, atol=1e-13)


@every_shape
@both
def test_gradients_are_those_of_the_complex_step(image, kernel, convention):
    delta, A, w = drawn(image, kernel)
    dA, dw = g.backward(delta, A, w, convention)
    for place in np.ndindex(A.shape):
        moved = A.astype(complex)
        moved[place] += 1e-30j
        slope = (delta * g.forward(moved, w, convention)).sum().imag / 1e-30
        assert abs(slope - dA[place]) <= 1e-13
    for place in np.ndindex(w.shape):
        moved = w.astype(complex)
        moved[place] += 1e-30j
        slope = (delta * g.forward(A, moved, convention)).sum().imag / 1e-30
        assert abs(slope - dw[place]) <= 1e-13


def test_the_conventions_are_one_with_the_kernel_turned():
    delta, A, w = drawn((5, 4), (3, 2))
    other = g.forward(A, g.turned(w), "cross-correlation")
    assert_allclose(g.forward(A, w), other, rtol=0, atol=1e-14)
    dA, dw = g.backward(delta, A, w)
    dA_other, dw_other = g.backward(delta, A, g.turned(w), "cross-correlation")
    assert_allclose(dA, dA_other, rtol=0, atol=1e-14)
    assert_allclose(dw, g.turned(dw_other), rtol=0, atol=1e-14)


def test_a_rotation_in_the_wrong_convention_is_wrong_unless_the_kernel_is_symmetric():
    delta, A, w = drawn((5, 4), (3, 2))
    right, wrong = (g.backward_by_rotation(delta, A, w, each)[0] for each in g.CONVENTIONS)
    assert np.abs(right - wrong).max() > 0.1
    w = w + g.turned(w)
    right, wrong = (g.backward_by_rotation(delta, A, w, each)[0] for each in g.CONVENTIONS)
    assert_allclose(right, wrong, rtol=0, atol=1e-14)


def test_the_recursion_with_a_logistic_function_between():
    ours, of_layers = g.recursion()
    assert ours.shape == (5, 4)
    assert_allclose(ours, of_layers, rtol=0, atol=1e-14)


def test_connections():
    S = g.connections((3, 3), (2, 2), "cross-correlation")
    assert_array_equal(S[0], [0, 1, -1, 2, 3, -1, -1, -1, -1])
    assert_array_equal(g.connections((3, 3), (2, 2))[0], [3, 2, -1, 1, 0, -1, -1, -1, -1])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: g.forward(g.K, g.A),
            "forward expects a kernel (K, K') and an image (H, W), not smaller, "
            "got (3, 3) and (2, 2)",
        ),
        (
            lambda: g.forward(g.A, g.K[0]),
            "forward expects a kernel (K, K') and an image (H, W), not smaller, "
            "got (2,) and (3, 3)",
        ),
        (
            lambda: g.forward(g.A, g.K, "correlation"),
            "forward expects convention to be one of 'convolution', 'cross-correlation', "
            "got 'correlation'",
        ),
        (
            lambda: g.backward(g.A, g.A, g.K),
            "backward expects a delta of shape (2, 2), got (3, 3)",
        ),
        (
            lambda: g.backward_by_rotation(g.A, g.A, g.K),
            "backward_by_rotation expects a delta of shape (2, 2), got (3, 3)",
        ),
        (
            lambda: g.cut_and_shared(g.A, g.A, g.K),
            "cut_and_shared expects a delta of shape (2, 2), got (3, 3)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
