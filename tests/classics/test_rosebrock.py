"""Rosebrock 2021: XOR with the bias trick."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop import Dense, Given, gradcheck
from backprop.classics import rosebrock
from backprop.classics.exclusive_or import XOR
from backprop.classics.rosebrock import LOSS, networks, predict, train, weights, with_ones

RNG = np.random.default_rng(2)


def test_a_column_of_ones_is_a_bias():
    W, b, x, delta = (RNG.standard_normal(shape) for shape in ((3, 2), (2,), (5, 3), (5, 2)))
    plain = Dense(2, init=Given(W), bias_init=Given(b))
    plain.build((3,), dtype=np.float64)
    trick = Dense(2, bias=False, init=Given([*W, b]))
    trick.build((4,), dtype=np.float64)
    assert_allclose(trick.predict(with_ones(x)), plain.predict(x), rtol=1e-14)
    dW = trick.grads(delta, with_ones(x))["W"]
    expected = plain.grads(delta, x)
    assert_allclose(dW, [*expected["W"], expected["b"]], rtol=1e-14)


def test_the_hidden_layer_has_a_unit_more_and_the_output_has_not():
    assert [W.shape for W in weights((2, 2, 1), 0)] == [(3, 3), (3, 1)]
    assert [W.shape for W in weights((64, 32, 16, 10), 0)] == [(65, 33), (33, 17), (17, 10)]
    assert [W.shape for W in weights((2, 1), 0)] == [(3, 1)]
    numbers = np.random.RandomState(4).randn(12) / np.sqrt(2)
    assert_array_equal(np.concatenate([W.ravel() for W in weights((2, 2, 1), 4)]), numbers)


def one_by_one(seed, epochs, rate):
    """The article's loop, written out for one net; return its weights."""
    W1, W2 = weights((2, 2, 1), seed)
    for _ in range(epochs):
        for x, t in zip(with_ones(XOR[0]), XOR[1], strict=True):
            h = 1 / (1 + np.exp(-x @ W1))
            y = 1 / (1 + np.exp(-h @ W2))
            delta2 = (y - t) * y * (1 - y)
            delta1 = W2 @ delta2 * h * (1 - h)
            W2 = W2 - rate * np.outer(h, delta2)
            W1 = W1 - rate * np.outer(x, delta1)
    return W1, W2


def test_each_net_is_trained_as_it_would_be_alone():
    net = networks((2, 2, 1), (0, 5, 9))
    losses = train(net, *XOR, 60, rate=0.4)
    assert list(losses) == [1]
    for s, seed in enumerate((0, 5, 9)):
        W1, W2 = one_by_one(seed, 60, 0.4)
        assert_allclose(net[0].W[s], W1, rtol=1e-11)
        assert_allclose(net[2].W[s], W2, rtol=1e-11)


def test_losses_are_those_after_the_epoch():
    net = networks((2, 2, 1), (0, 1))
    losses = train(net, *XOR, 200)
    assert list(losses) == [1, 100, 200]
    y = predict(net, XOR[0])
    assert y.shape == (4, 2, 1)
    assert_allclose(losses[200], ((y[..., 0] - XOR[1]) ** 2).sum(axis=0) / 2, rtol=1e-14)


def test_seed_0_learns_xor():
    net = networks((2, 2, 1), (0,))
    losses = train(net, *XOR, 4000)
    assert_array_equal(predict(net, XOR[0])[:, 0] > 0.5, XOR[1] == 1)
    assert losses[4000] < 0.01


def test_without_a_hidden_layer_all_outputs_stay_in_the_middle():
    net = networks((2, 1), (0, 1, 2))
    losses = train(net, *XOR, 2000)
    assert_allclose(losses[2000], 0.5, rtol=0, atol=0.01)
    assert not ((predict(net, XOR[0]) > 0.5) == XOR[1][:, np.newaxis]).all(axis=(0, 2)).any()


def test_gradients():
    net = networks((2, 2, 1), (0, 1))
    x, target = (np.repeat(rows[:, np.newaxis], 2, axis=1) for rows in (with_ones(XOR[0]), XOR[1]))
    gradcheck(net, x, loss=LOSS, target=target).assert_ok()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: with_ones([1, 2]), "with_ones expects rows of shape (N, D), got (2,)"),
        (lambda: weights((2,), 0), "weights expects sizes of two layers or more, got [2]"),
        (
            lambda: weights((2, 0, 1), 0),
            "weights expects a layer's size to be a whole number of at least 1, got 0",
        ),
        (
            lambda: weights((2, 1), -1),
            "weights expects seed to be a whole number of at least 0, got -1",
        ),
        (lambda: networks((2, 1), []), "networks expects at least one seed, got none"),
        (
            lambda: train(networks((2, 1), [0]), *XOR, -1),
            "train expects epochs to be a whole number of at least 0, got -1",
        ),
        (
            lambda: train(networks((2, 1), [0]), *XOR, 1, rate=-1),
            "train expects rate to be a finite number of at least 0, got -1",
        ),
        (
            lambda: predict(networks((2, 1), [0]), [[1, 2, 3]]),
            "Network expects inputs of shape (N, 1, 3), got (1, 1, 4)",
        ),
        (
            lambda: train(networks((2, 1), [0]), XOR[0], XOR[1][:, 0], 1),
            "HalfSquaredError expects targets of shape (1, 1, 1), got (1, 1)",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


def test_the_picture():
    net = networks((2, 2, 1), (0, 1))
    assert len(rosebrock.draw(net, train(net, *XOR, 100)).axes) == 3
