"""Compiled max pooling is its NumPy lines, to the last bit."""

import numpy as np
import pytest

from backprop.compiled import readable
from backprop.layers import MaxPool
from laid import LAID

pytestmark = pytest.mark.fast

# Size, settings, (H, W).
TABLE = [
    (2, {}, (4, 6)),
    (1, {}, (2, 3)),
    (2, {}, (5, 3)),
    ((4, 5), {}, (4, 5)),
    (3, {"stride": 1}, (5, 4)),
    (3, {"stride": 2}, (6, 6)),
    (2, {"stride": 3}, (5, 7)),
    (1, {"stride": 3}, (6, 9)),
    ((1, 3), {"stride": (2, 1)}, (4, 5)),
    (3, {"stride": 2, "padding": 1}, (5, 6)),
    ((3, 2), {"padding": (2, 1)}, (4, 4)),
    (2, {"stride": 1, "padding": (0, 1)}, (3, 3)),
    (2, {"padding": "same"}, (5, 5)),
    ((3, 4), {"stride": 2, "padding": "same"}, (5, 6)),
    (5, {"stride": 4, "padding": 4}, (1, 1)),
    (5, {"stride": 1, "padding": "same"}, (2, 1)),
    (17, {"stride": 2}, (19, 17)),  # 289 places do not fit into a byte
]
KINDS = ["different", "tied", "zeros", "infinite", "nan"]

every_row = pytest.mark.parametrize(
    ("size", "settings", "image"), TABLE, ids=[f"{s}-{more}-{image}" for s, more, image in TABLE]
)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["32", "64"])


def inputs(kind, shape, rng):
    x = rng.standard_normal(shape)
    if kind == "tied":
        x = rng.integers(-1, 2, shape) + 0.5
    elif kind == "zeros":
        x = rng.choice([0.0, -0.0], shape)
    elif kind == "infinite":
        x = rng.choice([1.0, 2.0, np.inf, -np.inf], shape, p=[0.1, 0.1, 0.1, 0.7])
    elif kind == "nan":
        x[rng.random(shape) < 0.2] = np.nan
    return x


def assert_twins(layer, x, delta):
    """Compare both passes with the NumPy lines: numbers, bits, types and shapes."""
    with readable():
        y, (winner, shape) = layer.forward(x)
        dx, _ = layer.backward(delta, (winner, shape))
    got, cache = layer.forward(x)
    for one, other in [
        (got, y),
        (cache[0], winner),
        (layer.backward(delta, cache)[0], dx),
    ]:
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        number = ~np.isnan(other)
        np.testing.assert_array_equal(np.isnan(one), ~number)
        assert one[number].tobytes() == other[number].tobytes()
    assert cache[1] == shape
    predicted = layer.predict(x)
    assert predicted.dtype == got.dtype
    assert predicted.shape == got.shape
    assert predicted.tobytes() == got.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@every_row
@each_dtype
def test_both_passes_to_the_last_bit(size, settings, image, kind, dtype):
    rng = np.random.default_rng(0)
    layer = MaxPool(size, **settings)
    for channels in (1, 3, 40):
        x = inputs(kind, (2, *image, channels), rng).astype(dtype)
        delta = rng.standard_normal((2, *layer.build(x.shape[1:]))).astype(dtype)
        assert_twins(layer, x, delta)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, -0.0])
@every_row
def test_deltas_that_are_no_ordinary_numbers(size, settings, image, value):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, *image, 3))
    layer = MaxPool(size, **settings)
    delta = rng.choice([1.0, value], (2, *layer.build(x.shape[1:])))
    with np.errstate(invalid="ignore"):  # infinity times 0
        assert_twins(layer, x, delta)


@pytest.mark.parametrize("laid", LAID)
@each_dtype
def test_however_the_numbers_lie(laid, dtype):
    rng = np.random.default_rng(2)
    layer = MaxPool(3, stride=2, padding=1)
    x = rng.standard_normal((2, 5, 6, 3)).astype(dtype)
    delta = rng.standard_normal((2, 3, 3, 3)).astype(dtype)
    assert_twins(layer, laid(x), laid(delta))
    y, (winner, shape) = layer.forward(x)
    expected = layer.backward(delta, (winner, shape))[0]
    assert layer.forward(laid(x))[0].tobytes() == y.tobytes()
    assert layer.predict(laid(x)).tobytes() == y.tobytes()
    assert layer.backward(delta, (laid(winner), shape))[0].tobytes() == expected.tobytes()


def test_no_images_at_all():
    layer = MaxPool(2)
    y, cache = layer.forward(np.zeros((0, 4, 4, 3)))
    assert y.shape == (0, 2, 2, 3)
    assert layer.backward(y, cache)[0].shape == (0, 4, 4, 3)


def test_nan_comes_through():
    x = np.zeros((1, 2, 8, 1))
    for place in range(4):
        x[0, place // 2, 2 * place + place % 2] = np.nan
    assert np.isnan(MaxPool(2).forward(x)[0]).all()
    with readable():
        assert np.isnan(MaxPool(2).forward(x)[0]).all()
