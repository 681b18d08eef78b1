"""Table 4.2 against its loops, exercise 4.7, the identity task."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import mitchell
from backprop.classics.mitchell import exercise_4_7, network, stochastic_backpropagation


def sigma(z):
    return 1 / (1 + math.exp(-z))


def exercise_by_hand():
    """Return the weights (ca, cb, c0, dc, d0) after each update, in plain numbers."""
    w, last, found = [0.1] * 5, [0.0] * 5, []
    for a, b, t in ((1, 0, 1), (0, 1, 0)):
        c = sigma(w[0] * a + w[1] * b + w[2])
        d = sigma(w[3] * c + w[4])
        of_d = d * (1 - d) * (t - d)
        of_c = c * (1 - c) * w[3] * of_d
        change = [of_c * a, of_c * b, of_c, of_d * c, of_d]
        last = [0.3 * new + 0.9 * old for new, old in zip(change, last, strict=True)]
        w = [old + new for old, new in zip(w, last, strict=True)]
        found.append(w)
    return found


def test_exercise_after_one_update():
    weights, _ = exercise_4_7(1)
    published = [0.1008512818, 0.1, 0.1008512818, 0.1189103978, 0.1343929220]
    assert_allclose(weights, published, rtol=0, atol=1e-10)


@pytest.mark.parametrize("updates", [1, 2])
def test_exercise_by_hand(updates):
    assert_allclose(exercise_4_7(updates)[0], exercise_by_hand()[updates - 1], rtol=1e-14)


def test_error_terms_have_the_books_sign():
    _, net = exercise_4_7(0)
    of_d, of_c = mitchell.error_terms(net, [[1, 0]], np.array([[1]]))
    assert_allclose(of_d, [[0.114643073434]], rtol=0, atol=1e-12)
    assert_allclose(of_c, [[0.002837606062]], rtol=0, atol=1e-12)


def table_4_2(net, x, t, rate, momentum, epochs):
    """Return the weights after the algorithm, unit after unit."""
    W1, b1, W2, b2 = (net.params[key].copy() for key in ("0.W", "0.b", "2.W", "2.b"))
    last = [np.zeros_like(each) for each in (W1, b1, W2, b2)]
    for _ in range(epochs):
        for pattern, target in zip(x, t, strict=True):
            h = np.array([sigma(pattern @ W1[:, j] + b1[j]) for j in range(len(b1))])
            o = np.array([sigma(h @ W2[:, k] + b2[k]) for k in range(len(b2))])
            of_o = o * (1 - o) * (target - o)
            of_h = [h[j] * (1 - h[j]) * sum(W2[j] * of_o) for j in range(len(h))]
            changes = (np.outer(pattern, of_h), np.array(of_h), np.outer(h, of_o), of_o)
            for w, before, change in zip((W1, b1, W2, b2), last, changes, strict=True):
                before[...] = rate * change + momentum * before
                w += before
    return W1, b1, W2, b2


@pytest.mark.parametrize(
    ("sizes", "rate", "momentum", "epochs"),
    [((2, 3, 1), 0.05, 0.0, 3), ((3, 2, 4), 0.3, 0.9, 4), ((1, 1, 1), 1.0, 0.5, 5)],
)
def test_the_table_is_its_loop(sizes, rate, momentum, epochs):
    rng = np.random.default_rng(sizes[0])
    x, t = rng.standard_normal((5, sizes[0])), rng.random((5, sizes[2]))
    net = network(*sizes, init=bp.Uniform(-1, 1), seed=3)
    expected = table_4_2(net, x, t, rate, momentum, epochs)
    stochastic_backpropagation(net, x, t, rate=rate, momentum=momentum, epochs=epochs)
    for found, each in zip(net.params.values(), expected, strict=True):
        assert_allclose(found, each, rtol=1e-12, atol=1e-14)


def test_errors_are_those_before_each_update():
    net = network(2, 2, 1, seed=0)
    x, t = np.array([[1.0, 0.0]]), np.array([[1.0]])
    before = (net.predict(x) - t).item() ** 2 / 2
    errors = stochastic_backpropagation(net, x, t, epochs=3)
    assert_allclose(errors[0], before, rtol=1e-14)
    assert errors[2] < errors[1] < errors[0]


def test_weights_start_within_a_twentieth():
    w = network(20, 10, 5, seed=0).parameters
    assert np.abs(w).max() <= 0.05
    assert np.abs(w).max() > 0.045


def test_the_network_passes_the_gradient_check():
    net = network(3, 2, 4, init=bp.Uniform(-1, 1))
    x = np.random.default_rng(0).standard_normal((5, 3))
    bp.gradcheck(net, x, loss=mitchell.LOSS, target=np.arange(5) % 4).assert_ok()


def test_identity_finds_a_code():
    net, errors = mitchell.identity(seed=0, epochs=2000)
    assert_array_equal(net.predict(mitchell.IDENTITY).argmax(axis=1), range(8))
    codes = mitchell.codes(net, mitchell.IDENTITY)
    assert codes.shape == (8, 3)
    assert len(np.unique(np.round(codes), axis=0)) == 8
    assert errors[-1] < errors[0] / 20


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: network(0, 1, 1),
            "network expects n_in to be a whole number of at least 1, got 0",
        ),
        (
            lambda: stochastic_backpropagation(network(2, 1, 1), [[1, 0]], [[1], [0]]),
            "stochastic_backpropagation expects targets of shape (1, n_out), got (2, 1)",
        ),
        (
            lambda: stochastic_backpropagation(network(2, 1, 1), [[1, 0]], [[1.5]]),
            "stochastic_backpropagation expects targets from 0 to 1, got 1.5",
        ),
        (
            lambda: stochastic_backpropagation(network(2, 1, 1), [[1, 0]], [[1]], rate=-1),
            "stochastic_backpropagation expects rate to be a finite number of at least 0, got -1",
        ),
        (
            lambda: stochastic_backpropagation(network(2, 1, 1), [[1, 0]], [[1]], momentum=1),
            "SGD expects momentum to be a finite number of at least 0 below 1, got 1",
        ),
        (
            lambda: stochastic_backpropagation(network(2, 1, 1), [[1, 0]], [[1]], epochs=0),
            "stochastic_backpropagation expects epochs to be a whole number of at least 1, got 0",
        ),
        (lambda: exercise_4_7(3), "exercise_4_7 expects at most 2 updates, got 3"),
        (
            lambda: exercise_4_7(-1),
            "exercise_4_7 expects updates to be a whole number of at least 0, got -1",
        ),
        (
            lambda: stochastic_backpropagation(network(2, 1, 1), 1.0, [[1]]),
            "stochastic_backpropagation expects inputs of shape (N, n_in), got ()",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
