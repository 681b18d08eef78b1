"""A convolution as a matrix: equal to the layer, there and back."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import convolution_matrix as cm

CASES = [
    ((5, 5, 1), (1, 3), {}),
    ((5, 5, 1), (1, 3), {"flip": True}),
    ((6, 5, 2), (3, 2), {}),
    ((6, 5, 2), (3, 2), {"flip": True, "stride": 2}),
    ((6, 7, 1), (2, 3), {"padding": 1}),
    ((6, 7, 2), (2, (2, 3)), {"padding": (2, 0), "flip": True}),
    ((7, 7, 1), (1, 3), {"stride": 2, "padding": 1}),
    ((7, 8, 1), (2, 2), {"stride": (3, 2)}),
    ((7, 8, 2), (2, 2), {"stride": (1, 4), "padding": "same"}),
    ((8, 8, 1), (1, 3), {"dilation": 2}),
    ((8, 9, 2), (2, 2), {"dilation": (3, 2), "stride": 2, "padding": 1}),
    ((8, 9, 1), (1, (3, 2)), {"dilation": 2, "padding": "same", "flip": True}),
    ((3, 3, 3), (4, 1), {}),
    ((4, 4, 1), (1, 4), {"bias": False}),
    ((1, 1, 2), (2, 3), {"padding": "same", "bias": False}),
]


def made(in_shape, size, settings, seed=0):
    """Return a built layer with a bias that is not zero, and two images."""
    rng = np.random.default_rng(seed)
    layer = bp.Conv2D(*size, **settings, bias_init=bp.Normal(deviation=1))
    layer.build(in_shape, rng=rng, dtype=np.float64)
    return layer, rng.standard_normal((2, *in_shape))


every_case = pytest.mark.parametrize(("in_shape", "size", "settings"), CASES)


@every_case
def test_forward_is_the_layers(in_shape, size, settings):
    layer, x = made(in_shape, size, settings)
    assert_allclose(cm.forward(layer, x), layer.predict(x), rtol=0, atol=1e-12)


@every_case
def test_backward_is_the_layers(in_shape, size, settings):
    layer, x = made(in_shape, size, settings)
    y, cache = layer.forward(x)
    delta = np.random.default_rng(1).standard_normal(y.shape)
    dx, grads = layer.backward(delta, cache)
    of_T = cm.backward(layer, delta, x)
    assert_allclose(of_T[0], dx, rtol=0, atol=1e-12)
    assert_allclose(of_T[1], grads["W"], rtol=0, atol=1e-12)


@every_case
def test_the_columns_are_what_the_layer_makes_of_single_pixels(in_shape, size, settings):
    """The slow, obvious version: T's column c is the response to the image that is 1 at c."""
    layer, _ = made(in_shape, size, settings)
    pixels = np.eye(np.prod(in_shape)).reshape(-1, *in_shape)
    responses = layer.predict(pixels) - layer.predict(np.zeros((1, *in_shape)))
    T = responses.reshape(len(pixels), -1).T
    assert_allclose(cm.toeplitz(layer, in_shape), T, rtol=0, atol=1e-15)


def test_the_guides_matrix():
    layer = cm.convolution(np.arange(1.0, 10).reshape(3, 3, 1, 1), (4, 4, 1))
    C = [
        [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0],
        [0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0],
        [0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9],
    ]
    assert_array_equal(cm.toeplitz(layer, (4, 4, 1)), C)


@pytest.mark.parametrize("settings", [{}, {"flip": True}, {"padding": 2, "dilation": 2}])
def test_it_is_doubly_blocked_toeplitz(settings):
    layer, _ = made((6, 7, 1), (1, 3), settings)
    OH, OW = layer.window.positions(6, 7)
    T = cm.toeplitz(layer, (6, 7, 1)).reshape(OH, OW, 6, 7)
    assert_array_equal(T[1:, :, 1:, :], T[:-1, :, :-1, :])  # blocks depend on the difference
    assert_array_equal(T[:, 1:, :, 1:], T[:, :-1, :, :-1])  # and so do the numbers in each


def test_a_shared_layer_entry_stands_where_it_says():
    layer, _ = made((5, 4, 2), (3, 2), {"flip": True})
    S, T = cm.shared(layer, (5, 4, 2)), cm.toeplitz(layer, (5, 4, 2))
    assert S.shape == T.shape == (4 * 3 * 3, 5 * 4 * 2)
    for e, weight in enumerate(layer.W.ravel()):
        assert (e == S).sum() == 4 * 3
        assert (T[e == S] == weight).all()
    assert (T[S < 0] == 0).all()


def test_nothing_is_written_to():
    layer, x = made((5, 5, 1), (2, 3), {"flip": True})
    before = layer.W.copy(), x.copy()
    T = cm.toeplitz(layer, (5, 5, 1))
    T[...] = 7
    cm.backward(layer, np.ones((2, 3, 3, 2)), x)
    assert_array_equal(layer.W, before[0])
    assert_array_equal(x, before[1])


BUILT = made((5, 5, 2), (3, 3), {})[0]


def test_no_images():
    layer = cm.convolution(np.ones((2, 2, 1, 3)), (4, 4, 1))
    none, no_delta = np.empty((0, 4, 4, 1)), np.empty((0, 3, 3, 3))
    assert cm.forward(layer, none).shape == no_delta.shape
    dx, dW = cm.backward(layer, no_delta, none)
    assert dx.shape == none.shape
    assert_array_equal(dW, np.zeros((2, 2, 1, 3)))


@pytest.mark.parametrize(
    ("kind", "call", "text"),
    [
        (
            TypeError,
            lambda: cm.toeplitz(bp.Dense(3), (5, 5, 2)),
            "toeplitz expects a built Conv2D, got Dense(3)",
        ),
        (
            ValueError,
            lambda: cm.toeplitz(bp.Conv2D(3, 3), (5, 5, 2)),
            "Conv2D expects build(in_shape) before its parameters are used, got none",
        ),
        (
            ValueError,
            lambda: cm.toeplitz(BUILT, (5, 5, 1)),
            "Conv2D expects images of 2 channels, got 1",
        ),
        (
            ValueError,
            lambda: cm.toeplitz(BUILT, (5, 5)),
            "Conv2D expects images of shape (N, H, W, C), got (N, 5, 5)",
        ),
        (
            ValueError,
            lambda: cm.toeplitz(BUILT, 5),
            "toeplitz expects the shape (H, W, C) of an image, got 5",
        ),
        (
            ValueError,
            lambda: cm.toeplitz(BUILT, ("5", "5", "2")),
            "toeplitz expects the shape (H, W, C) of an image, got ('5', '5', '2')",
        ),
        (
            ValueError,
            lambda: cm.convolution(np.ones((3, 3)), (5, 5, 1)),
            "convolution expects a kernel of shape (K, K, C, F), got (3, 3)",
        ),
        (
            ValueError,
            lambda: cm.toeplitz(BUILT, (2, 5, 2)),
            "Conv2D expects images that a 3x3 window fits into with padding (0, 0), "
            "got (N, 2, 5, 2)",
        ),
        (
            ValueError,
            lambda: cm.toeplitz(BUILT, (102, 102, 2)),
            "toeplitz expects a matrix of at most 33,554,432 numbers, got 624,240,000",
        ),
        (
            ValueError,
            lambda: cm.backward(BUILT, np.ones((1, 3, 3, 2)), np.ones((1, 5, 5, 2))),
            "backward expects a delta of shape (1, 3, 3, 3), got (1, 3, 3, 2)",
        ),
    ],
)
def test_errors(kind, call, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()
