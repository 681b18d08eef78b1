"""Images divided where they are read: the numbers of `load_data`, a part at a time."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import backprop as bp
from backprop.data import Scaled, load_data

WHOLE = np.arange(256, dtype=np.uint8).reshape(32, 4, 2)


@pytest.mark.parametrize("white", [255, 1000.0])
def test_the_numbers_are_those_of_load_data(tmp_path, white):
    parts = {"x_train": WHOLE, "x_test": WHOLE, "y_train": np.arange(32), "y_test": np.arange(32)}
    np.savez(tmp_path / "a.npz", **parts)
    expected = load_data(tmp_path / "a.npz", white=white).x_train[..., 0]
    x = Scaled(WHOLE, white)
    assert (x.shape, x.ndim, x.dtype, len(x)) == ((32, 4, 2), 3, np.float32, 32)
    for index in (slice(None), slice(3, 9), np.array([7, 0, 7]), 5, (slice(None), slice(2))):
        assert_array_equal(x[index], expected[index], strict=True)
    assert_array_equal(np.asarray(x), expected, strict=True)
    assert np.asarray(x, np.float64).dtype == np.float64


def test_nothing_is_copied():
    assert np.shares_memory(Scaled(WHOLE).array, WHOLE)


def test_what_is_not_finite_is_seen_after_the_division():
    x = np.zeros((4, 2))
    x[2, 1] = np.nan
    net = bp.Network([bp.Dense(2)])
    net.build((2,), rng=0)
    with pytest.raises(ValueError, match="NaN or infinity in example 2"):
        bp.fit(
            net,
            (Scaled(x), np.zeros(4, int)),
            loss=bp.SoftmaxCrossEntropy(),
            optimizer=bp.SGD(0.1),
            progress=False,
        )


def test_how_it_is_shown():
    assert repr(Scaled(WHOLE)) == "Scaled(uint8 of shape (32, 4, 2), white=255)"


@pytest.mark.parametrize(
    ("array", "white", "expected"),
    [
        (np.array(["a"]), 255, "an array of numbers, got <U1 of shape (1,)"),
        (np.uint8(3), 255, "an array of numbers, got uint8 of shape ()"),
        (WHOLE, 0, "white to be a finite number of at least 1, got 0"),
    ],
)
def test_what_cannot_be_scaled(array, white, expected):
    with pytest.raises(ValueError, match=r"^Scaled") as caught:
        Scaled(array, white)
    assert str(caught.value) == f"Scaled expects {expected}"


def test_numbers_that_are_to_be_there_already_are_told():
    with pytest.raises(ValueError, match="Scaled expects to make its numbers anew"):
        np.array(bp.Scaled(np.zeros((2, 3), np.uint8)), copy=False)
