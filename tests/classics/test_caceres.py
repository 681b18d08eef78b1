"""XOR from two kinds of weights: one net by its layers, many at once, two orders of updates."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import caceres
from backprop.classics.caceres import network, start, survey, train
from backprop.classics.exclusive_or import T, X


def test_the_first_weights():
    W1, b1, W2, b2 = start()
    assert_allclose(
        W1,
        [
            [0.543404941791, 0.278369385094, 0.424517590749],
            [0.844776132320, 0.004718856191, 0.121569120783],
        ],
        rtol=0,
        atol=1e-12,
    )
    assert_allclose(b1, [[0.670749084727, 0.825852755105, 0.136706589685]], rtol=0, atol=1e-12)
    assert_allclose(W2[:, 0], [0.575093329427, 0.891321954312, 0.209202122117], rtol=0, atol=1e-12)
    assert_allclose(b2, [[0.185328219550]], rtol=0, atol=1e-12)


def test_the_network_passes_the_gradient_check():
    bp.gradcheck(network(), X, loss=caceres.SUM, target=T).assert_ok()


def test_simultaneous_updates():
    net = network()
    losses = train(net)
    moments = [0.17037699424952266, 0.14810854056006129, 0.12479105106465957, 0.12354562664781049]
    assert_allclose(losses[[0, 10, 100, 1000]], moments, rtol=1e-12)
    assert_allclose(losses[4999], 0.01071204906720074, rtol=0, atol=1e-9)
    outputs = [0.126365510716, 0.856676253653, 0.856153834378, 0.168557465294]
    assert_allclose(net.predict(X)[:, 0], outputs, rtol=0, atol=1e-9)


def test_sequential_updates():
    net = network()
    losses = train(net, order="sequential")
    assert_allclose(losses[4999], 0.010699126471505695, rtol=0, atol=1e-9)
    outputs = [0.126315944, 0.856759305, 0.856248900, 0.168440115]
    assert_allclose(net.predict(X)[:, 0], outputs, rtol=0, atol=2e-9)


def by_hand(seed, iterations):
    """Return the weights after sequential updates, in the source's order."""
    W1, b1, W2, b2 = start(seed)

    def sigma(z):
        return 1 / (1 + np.exp(-z))

    for _ in range(iterations):
        h = sigma(X @ W1 + b1)
        y = sigma(h @ W2 + b2)
        of_y = (y - T) * y * (1 - y)
        W2 -= 0.1 * h.T @ of_y
        b2 -= 0.1 * of_y.sum(axis=0)
        of_h = of_y @ W2.T * h * (1 - h)
        W1 -= 0.1 * X.T @ of_h
        b1 -= 0.1 * of_h.sum(axis=0)
    return W1, W2


@pytest.mark.parametrize("seed", [0, 100])
def test_the_sequential_order_is_that_of_the_loop(seed):
    net = network(seed)
    train(net, 60, order="sequential")
    W1, W2 = by_hand(seed, 60)
    assert_allclose(net[0].W, W1, rtol=1e-12)
    assert_allclose(net[2].W, W2, rtol=1e-12)


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_many_nets_at_once_are_the_nets_one_by_one(draw):
    seeds = [100, 0, 7]
    losses, outputs = survey(seeds, draw, 300)
    assert losses.shape == (300, 3)
    for place, seed in enumerate(seeds):
        net = network(seed, draw)
        assert_allclose(losses[:, place], train(net, 300), rtol=1e-11)
        assert_allclose(outputs[place], net.predict(X)[:, 0], rtol=1e-11)


def test_small_normal_weights_stay_at_an_eighth():
    losses, outputs = survey(range(5), "normal")
    assert_allclose(losses[-1], 0.125, rtol=0, atol=1e-6)
    assert_allclose(outputs, 0.5, rtol=0, atol=1e-2)


def test_uniform_weights_are_solved_by_81_of_100_seeds():
    assert caceres.solved(survey(range(100))[1]).sum() == 81


def test_zero_is_a_stationary_point():
    net = network()
    net.parameters[:] = 0
    y, caches = net.forward(X)
    grads = net.grads(caceres.SUM.backward(caceres.SUM.forward(y, T)[1]), caches)
    assert_allclose(net.flatten(grads), 0, rtol=0, atol=1e-16)


def test_solved():
    outputs = np.array([[0.1, 0.9, 0.6, 0.4], [0.1, 0.9, 0.4, 0.4], [0.9, 0.1, 0.1, 0.9]])
    assert_array_equal(caceres.solved(outputs), [True, False, False])


def test_the_landscape_has_the_known_losses():
    found = caceres.landscape(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    net = network()
    losses = train(net)
    last = ((net.predict(X) - T) ** 2).mean() / 2
    assert_allclose(found, [0.125, losses[0], last], rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: start(0, "gamma"),
            "start expects draw to be one of 'uniform', 'normal', got 'gamma'",
        ),
        (lambda: start(-1), "start expects seed to be a whole number of at least 0, got -1"),
        (
            lambda: train(network(), 3, order="random"),
            "train expects order to be one of 'simultaneous', 'sequential', got 'random'",
        ),
        (
            lambda: train(network(), -3),
            "train expects iterations to be a whole number of at least 0, got -3",
        ),
        (
            lambda: survey([1], iterations=0.5),
            "survey expects iterations to be a whole number of at least 0, got 0.5",
        ),
        (lambda: survey([]), "survey expects at least one seed, got none"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
