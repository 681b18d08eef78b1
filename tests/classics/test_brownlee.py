"""Brownlee's network, against the tutorial's numbers and against its loops."""

import math
import random
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import brownlee
from backprop.classics.brownlee import CLASSES, DATA, network, neurons, train


def loops(data, classes, counts, rate, epochs, seed):
    """Return neurons of both layers and the epochs' errors, in lists and loops."""
    draw = random.Random(seed)
    D, H, K = counts
    layers = [
        [[draw.random() for _ in range(fan_in + 1)] for _ in range(units)]
        for fan_in, units in ((D, H), (H, K))
    ]
    errors = []
    for _ in range(epochs):
        total = 0.0
        for x, label in zip(data, classes, strict=True):
            values = [list(x)]
            for layer in layers:
                sums = [
                    n[-1] + sum(a * w for a, w in zip(values[-1], n, strict=False)) for n in layer
                ]
                values.append([1 / (1 + math.exp(-z)) for z in sums])
            t = [1.0 if k == label else 0.0 for k in range(K)]
            total += sum((a - b) ** 2 for a, b in zip(values[2], t, strict=True))
            out = [(y - a) * y * (1 - y) for y, a in zip(values[2], t, strict=True)]
            hidden = [
                h * (1 - h) * sum(out[k] * layers[1][k][j] for k in range(K))
                for j, h in enumerate(values[1])
            ]
            for layer, deltas, inputs in zip(layers, (hidden, out), values, strict=False):
                for neuron, delta in zip(layer, deltas, strict=True):
                    for i, a in enumerate([*inputs, 1.0]):
                        neuron[i] -= rate * delta * a
        errors.append(total)
    return layers, errors


def test_the_first_weights_are_pythons_own():
    net = network(2, 2, 2)
    assert_array_equal(
        neurons(net[0]),
        [
            [0.13436424411240122, 0.8474337369372327, 0.763774618976614],
            [0.2550690257394217, 0.49543508709194095, 0.4494910647887381],
        ],
    )
    assert_array_equal(
        neurons(net[2]),
        [
            [0.651592972722763, 0.7887233511355132, 0.0938595867742349],
            [0.02834747652200631, 0.8357651039198697, 0.43276706790505337],
        ],
    )


def test_forward_pass():
    y = network(2, 1, 2).predict([[1, 0]])
    assert_allclose(y, [[0.6629970129852887, 0.7253160725279748]], rtol=1e-14)


def test_deltas():
    output, hidden = brownlee.backward_test(network(2, 1, 2))
    assert_allclose(output, [[0.14619064683582808, -0.0771723774346327]], rtol=1e-14)
    assert_allclose(hidden, [[0.0005348048046610517]], rtol=1e-12)


def test_twenty_epochs():
    net = network(2, 2, 2)
    errors = train(net, DATA, CLASSES)
    assert [f"{error:.3f}" for error in errors] == brownlee.EPOCH_ERRORS.split()
    for dense, published in ((net[0], brownlee.HIDDEN), (net[2], brownlee.OUTPUT)):
        expected = [float(text) for text in published.split()]
        assert_allclose(neurons(dense).ravel(), expected, rtol=0, atol=1e-12)
    assert_array_equal(net.predict(DATA).argmax(axis=1), CLASSES)


@pytest.mark.parametrize(
    ("counts", "rate", "epochs", "seed"),
    [((2, 2, 2), 0.5, 20, 1), ((2, 1, 2), 0.1, 3, 2), ((3, 5, 4), 0.3, 4, 3), ((1, 3, 2), 1, 2, 4)],
)
def test_training_is_the_loop(counts, rate, epochs, seed):
    rng = np.random.default_rng(seed)
    x, classes = rng.standard_normal((9, counts[0])), rng.integers(0, counts[2], 9)
    net = network(*counts, seed=seed)
    errors = train(net, x, classes, rate=rate, epochs=epochs)
    layers, expected = loops(x.tolist(), classes.tolist(), counts, rate, epochs, seed)
    assert_allclose(errors, expected, rtol=1e-12)
    assert_allclose(neurons(net[0]), layers[0], rtol=1e-11)
    assert_allclose(neurons(net[2]), layers[1], rtol=1e-11)


def test_the_network_passes_the_gradient_check():
    loss = bp.HalfSquaredError(reduction="sum")
    bp.gradcheck(network(2, 3, 2), DATA, loss=loss, target=CLASSES).assert_ok()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: network(2, 0, 2),
            "network expects hidden to be a whole number of at least 1, got 0",
        ),
        (
            lambda: train(network(2, 2, 2), DATA, CLASSES[:3]),
            "train expects classes of shape (10,), got (3,)",
        ),
        (
            lambda: train(network(2, 2, 2), DATA, CLASSES, epochs=0),
            "train expects epochs to be a whole number of at least 1, got 0",
        ),
        (
            lambda: train(network(2, 2, 2), DATA, CLASSES + 1),
            "HalfSquaredError expects classes from 0 to 1, got 2",
        ),
        (
            lambda: train(network(2, 2, 2), 1.0, 1),
            "train expects examples of shape (N, D), got ()",
        ),
        (
            lambda: train(network(2, 2, 2), np.empty((0, 2)), np.empty(0, int)),
            "train expects examples of shape (N, D), got (0, 2)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
