"""Kernels look before they loop, and stand back where a class is not of this package."""

import numpy as np
import pytest

import backprop as bp
from backprop.layers.windows import Window

pytestmark = pytest.mark.fast

LAYERS = [
    (bp.MaxPool(2), (2, 4, 4, 3)),
    (bp.LSTM(3), (2, 5, 4)),
    (bp.RNN(3), (2, 5, 4)),
    (bp.GRU(3), (2, 5, 4)),
    (bp.Conv2D(2, 3), (2, 5, 5, 1)),
    (bp.Conv2D(64, 3), (2, 14, 14, 32)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=repr)
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("length", [1, 7])
def test_a_delta_of_another_shape_is_told(layer, shape, axis, length):
    layer.build(shape[1:], rng=0)
    y, cache = layer.forward(np.ones(shape, np.float32))
    wrong = list(y.shape)
    wrong[axis] = length
    delta = np.ones(wrong, np.float32)
    with pytest.raises(ValueError, match="shape"):
        layer.backward(delta, cache)


def test_windows_that_an_image_does_not_have_are_told():
    with pytest.raises(ValueError, match="fold expects windows of images of shape"):
        Window("here", 3).fold(np.ones((2, 30, 30, 3, 3, 1)), 6, 6)


class Straight(bp.RNN):
    """A reader's: no squashing at all."""

    def _phi(self, z):
        return z


def test_what_a_reader_overrides_is_what_runs():
    layer = Straight(3)
    layer.build((1, 4), rng=0)
    x = np.full((2, 1, 4), 10, np.float32)
    np.testing.assert_allclose(layer.predict(x)[:, 0], x[:, 0] @ layer.Wx, rtol=1e-6)
