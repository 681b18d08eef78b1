"""Batches that are functions of (seed, epoch), splits by class, and labels as rows."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from backprop.data import batches, mask_of, one_hot, split


@given(count=st.integers(1, 200), batch_size=st.integers(1, 250), epoch=st.integers(0, 5))
def test_an_epoch_has_every_example_once(count, batch_size, epoch):
    parts = list(batches(count, batch_size, seed=0, epoch=epoch))
    sizes = [len(part) for part in parts]
    assert sizes[:-1] == [batch_size] * (len(parts) - 1)
    assert 1 <= sizes[-1] <= batch_size
    assert_array_equal(np.sort(np.concatenate(parts)), np.arange(count))


def order(**key):
    return np.concatenate(list(batches(50, 8, **key))).tolist()


def test_an_epoch_depends_on_its_seed_and_number_alone():
    orders = [order(seed=seed, epoch=epoch) for seed in (0, 1) for epoch in (0, 1)]
    again = [order(seed=seed, epoch=epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert orders == again
    assert len(set(map(tuple, orders))) == 4
    assert orders[1] == np.random.default_rng((0, 1)).permutation(50).tolist()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"count": 0}, "count to be a whole number of at least 1, got 0"),
        ({"batch_size": 0}, "batch_size to be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size to be a whole number of at least 1, got 2.5"),
        ({"seed": -1}, "seed to be a whole number of at least 0, got -1"),
        ({"epoch": None}, "epoch to be a whole number of at least 0, got None"),
    ],
)
def test_batches_that_cannot_be(change, expected):
    given = {"count": 5, "batch_size": 2, "seed": 0, "epoch": 0} | change
    with pytest.raises(ValueError, match=r"^batches") as caught:
        batches(given.pop("count"), given.pop("batch_size"), **given)
    assert str(caught.value) == f"batches expects {expected}"


@given(
    labels=st.lists(st.integers(0, 4), min_size=12, max_size=80),
    fraction=st.sampled_from([0.2, 0.25, 0.5]),
    seed=st.integers(0, 3),
)
def test_a_split_keeps_the_mixture_the_pairs_and_the_order(labels, fraction, seed):
    y = np.array(labels)
    x = np.arange(len(y))
    wanted = {label: round(fraction * labels.count(label)) for label in labels}
    if not any(wanted.values()):
        return
    (x_train, y_train), (x_test, y_test) = split(x, y, fraction, seed=seed)
    assert {label: np.count_nonzero(y_test == label) for label in labels} == wanted
    assert_array_equal(np.sort(np.concatenate([x_train, x_test])), x)
    assert_array_equal(y[x_train], y_train)
    assert_array_equal(y[x_test], y_test)
    assert np.all(np.diff(x_train) > 0)
    assert np.all(np.diff(x_test) > 0)


def test_a_split_depends_on_its_seed():
    x, y = np.arange(100), np.arange(100) % 2
    first, again, other = (split(x, y, 0.5, seed=seed)[1][0].tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_targets_that_are_no_classes_are_split_as_one():
    x, y = np.arange(10), np.linspace(0, 1, 10)
    (x_train, y_train), (x_test, y_test) = split(x, y, 0.3, seed=0)
    assert len(x_train) == len(y_train) == 7
    assert_array_equal(y[x_test], y_test)


@pytest.mark.parametrize(
    ("x", "y", "fraction", "expected"),
    [
        (np.zeros(3), np.zeros(4), 0.5, "as many inputs as targets, got shapes (3,) and (4,)"),
        (np.zeros(3), np.zeros(()), 0.5, "as many inputs as targets, got shapes (3,) and ()"),
        (np.zeros(4), np.zeros(4), 0.1, "at least one example on either side, got 4 and 0"),
        (np.zeros(4), np.zeros(4), 0.9, "at least one example on either side, got 0 and 4"),
        (np.zeros(0), np.zeros(0), 0.5, "at least one example on either side, got 0 and 0"),
        (
            np.zeros(4),
            np.zeros(4),
            1,
            "fraction to be a finite number of at least 0 below 1, got 1",
        ),
    ],
)
def test_splits_that_cannot_be(x, y, fraction, expected):
    with pytest.raises(ValueError, match=r"^split") as caught:
        split(x, y, fraction, seed=0)
    assert str(caught.value) == f"split expects {expected}"


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_one_hot_is_the_identity_at_the_labels(shape):
    labels = np.random.default_rng(0).integers(0, 5, shape)
    rows = one_hot(labels, 5)
    assert rows.dtype == np.float32
    assert_array_equal(rows, np.eye(5)[labels])
    assert one_hot(labels, 5, np.float64).dtype == np.float64


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        ([0, 5], 5, "labels from 0 to 4, got 5"),
        ([0, -1], 5, "labels from 0 to 4, got -1"),
        ([0.0, 1.0], 5, "labels that are whole numbers, got float64"),
        ([True], 5, "labels that are whole numbers, got bool"),
        ([0], 0, "classes to be a whole number of at least 1, got 0"),
    ],
)
def test_labels_that_are_none(labels, classes, expected):
    with pytest.raises(ValueError, match=r"^one_hot") as caught:
        one_hot(labels, classes)
    assert str(caught.value) == f"one_hot expects {expected}"


# Masks


def test_mask_of_lengths():
    mask = mask_of([3, 0, 4], 4)
    assert_array_equal(mask, [[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
    assert mask.dtype == np.float32
    assert mask_of(np.array([1], np.uint8), 2, bool).tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("lengths", "T", "text"),
    [
        ([1, 5], 4, "lengths from 0 to 4, got 5"),
        ([-1, 5], 4, "lengths from 0 to 4, got -1"),
        ([1.0], 4, "lengths that are whole numbers, of shape (N,), got float64 of shape (1,)"),
        ([[1]], 4, "lengths that are whole numbers, of shape (N,), got int64 of shape (1, 1)"),
        ([1], 0, "T to be a whole number of at least 1, got 0"),
    ],
)
def test_lengths_that_make_no_mask(lengths, T, text):
    with pytest.raises(ValueError, match=f"^{re.escape('mask_of expects ' + text)}$"):
        mask_of(lengths, T)
