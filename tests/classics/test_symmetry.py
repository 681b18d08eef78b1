"""Rumelhart, Hinton and Williams 1986: symmetry."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop import gradcheck
from backprop.classics import symmetry
from backprop.classics.symmetry import (
    LOSS,
    PUBLISHED,
    network,
    patterns,
    random_weights,
    solved,
    symmetric,
    train,
)


def test_eight_of_64_patterns_are_symmetric():
    x, d = patterns()
    assert len({tuple(row) for row in x}) == 64
    assert d.sum() == 8
    assert all(
        (list(row) == list(reversed(row))) == bool(t) for row, t in zip(x, d[:, 0], strict=True)
    )


def test_the_means_of_both_classes_are_the_same_so_no_single_unit_can_tell():
    x, d = patterns()
    for value in (0, 1):
        assert_array_equal(x[d[:, 0] == value].mean(axis=0), 6 * [0.5])


def test_the_published_weights():
    x, d = patterns()
    net = network(PUBLISHED)
    y = net.predict(x)
    assert_array_equal(symmetric(net, x), d[:, 0] == 1)
    assert_allclose(y[d == 1], 0.881277, rtol=0, atol=1e-6)
    assert_allclose(y[d == 0].max(), 0.156343, rtol=0, atol=1e-6)
    assert_allclose(LOSS.forward(y, d)[0], 0.3464, rtol=0, atol=5e-5)
    hidden = net[0].predict(x)
    assert_allclose(hidden[d[:, 0] == 1], -1.1, rtol=1e-12)


def test_training_from_seed_0():
    x, d = patterns()
    net = network(random_weights(0))
    errors = train(net, 1425)
    assert_array_equal(symmetric(net, x), d[:, 0] == 1)
    assert len(errors) == 1426
    assert np.argmax(np.less(errors, 0.1)) == 505
    assert_allclose(errors[-1], 0.0068, rtol=0, atol=5e-5)
    W = [
        [-8.146, -10.846, 5.353, -5.354, 10.845, 8.144],
        [8.140, 10.839, -5.351, 5.350, -10.840, -8.141],
    ]
    assert_allclose(net[0].W.T, W, rtol=0, atol=1e-3)
    assert_allclose(net[0].W, -net[0].W[::-1], rtol=0, atol=3e-3)  # the mirror's antisymmetry


def test_sweeps_are_the_papers_equations():
    x, d = patterns()
    net = network(random_weights(3))
    errors = train(net, 4)
    w = [np.array(each) for each in random_weights(3)]
    v = [0 * each for each in w]
    for error in errors[:-1]:
        y1 = 1 / (1 + np.exp(-(x @ w[0] + w[1])))
        y2 = 1 / (1 + np.exp(-(y1 @ w[2] + w[3])))
        assert_allclose(error, ((y2 - d) ** 2).sum() / 2, rtol=1e-13)
        dx2 = (y2 - d) * y2 * (1 - y2)
        dx1 = dx2 @ w[2].T * y1 * (1 - y1)
        for i, g in enumerate((x.T @ dx1, dx1.sum(0), y1.T @ dx2, dx2.sum(0))):
            v[i] = -0.1 * g + 0.9 * v[i]
            w[i] = w[i] + v[i]
    assert_allclose(net.parameters, np.concatenate([each.ravel() for each in w]), rtol=1e-12)


def test_gradients():
    x, d = patterns()
    for weights in (PUBLISHED, random_weights(0)):
        gradcheck(network(weights), x, loss=LOSS, target=d).assert_ok()


def test_the_seeds_at_once_are_the_seeds_one_by_one():
    x, d = patterns()
    seeds, alone = (0, 1, 3), []
    for seed in seeds:
        net = network(random_weights(seed))
        train(net, 1425)
        alone.append(bool((symmetric(net, x) == (d[:, 0] == 1)).all()))
    assert list(solved(seeds)) == alone == [True, False, True]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda net: symmetric(net, [[0, 1, 0.5, 0, 0, 1]]),
            "symmetric expects bits that are 0 or 1, got 0.5",
        ),
        (
            lambda net: symmetric(net, [[0, 1]]),
            "symmetric expects rows of shape (N, 6), got (1, 2)",
        ),
        (lambda net: symmetric(net, [0] * 6), "symmetric expects rows of shape (N, 6), got (6,)"),
        (
            lambda net: symmetric(net, [6 * [np.nan]]),
            "symmetric expects bits that are 0 or 1, got nan",
        ),
        (
            lambda net: train(net, -1),
            "train expects sweeps to be a whole number of at least 0, got -1",
        ),
        (
            lambda net: random_weights(0.5),
            "random_weights expects seed to be a whole number of at least 0, got 0.5",
        ),
        (lambda net: solved([]), "solved expects at least one seed, got none"),
        (
            lambda net: solved([0], -1),
            "solved expects sweeps to be a whole number of at least 0, got -1",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(network(PUBLISHED))


def test_the_picture():
    assert len(symmetry.draw().axes) == 3
