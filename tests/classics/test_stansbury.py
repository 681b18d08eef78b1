"""Stansbury's noisy gates and curves."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop import gradcheck
from backprop.classics import stansbury
from backprop.classics.stansbury import LOSS, chain, examples, prepare, train, weights


def sigma(z):
    return 1 / (1 + np.exp(-z))


def alone(task, hidden, seed, epochs, anneal=0.95):
    """The loop for one net with one hidden layer or none, written out; return its losses."""
    draw = np.random.RandomState(seed)
    x, t = examples(task, draw)
    W, b = weights((x.shape[1], hidden, 1) if hidden else (x.shape[1], 1), draw)
    gate, losses = task in stansbury.GATES, []
    rate = 2.0 if gate else 0.2
    for _ in range(epochs):
        losses.append(0.0)
        for a, target in zip(x, t, strict=True):
            h = (sigma if gate else np.tanh)(a @ W[0] + b[0]) if hidden else a
            z = h @ W[-1] + b[-1]
            y = sigma(z) if gate else z
            losses[-1] += ((y - target) ** 2).sum() / 2
            delta = (y - target) * (y * (1 - y) if gate else 1)
            if hidden:
                delta1 = W[1] @ delta * (h * (1 - h) if gate else 1 - h**2)
                W[0] = W[0] - rate * np.outer(a, delta1)
                b[0] = b[0] - rate * delta1
            W[-1] = W[-1] - rate * np.outer(h, delta)
            b[-1] = b[-1] - rate * delta
        rate *= anneal
    return losses


@pytest.mark.parametrize(
    ("task", "hidden"), [("and", 0), ("xor", 4), ("ring", 2), ("sin", 3), ("abs", 0)]
)
def test_it_is_the_loop_written_out(task, hidden):
    run = train(task, hidden=hidden, seeds=(4,), epochs=2, anneal=0.9)
    assert_allclose(run.losses, alone(task, hidden, 4, 2, 0.9), rtol=1e-9)


def test_seeds_at_once_are_seeds_one_by_one():
    run = train("or", hidden=2, seeds=(3, 5, 7), epochs=2)
    each = [train("or", hidden=2, seeds=(seed,), epochs=2) for seed in (3, 5, 7)]
    assert_allclose(run.losses, np.sum([one.losses for one in each], axis=0), rtol=1e-12)
    assert_allclose(run.error, np.concatenate([one.error for one in each]), rtol=1e-11)
    assert_array_equal(run.accuracy, np.concatenate([one.accuracy for one in each]))


@pytest.mark.parametrize(
    ("task", "hidden", "published", "accuracy"),
    [
        ("and", 0, [10.1126, 1.4214, 0.8146], 1.0),
        pytest.param("or", 0, [7.1585, 1.2107, 0.8843], 0.99, marks=pytest.mark.slow),
        pytest.param("xor", 0, [29.344, 27.889, 25.039], 0.46, marks=pytest.mark.slow),
        ("xor", 4, [28.713, 9.567, 0.6036], 0.995),
    ],
)
def test_losses_and_accuracy(task, hidden, published, accuracy):
    run = train(task, hidden=hidden)
    assert_allclose([run.losses[e] for e in (0, 9, 99)], published, rtol=0, atol=1e-3)
    assert_allclose(run.accuracy, accuracy, rtol=1e-14)


def test_a_curve():
    run = train("sin", hidden=3)
    assert_allclose([run.losses[e] for e in (0, 9, 99)], [113.94, 48.60, 28.45], rtol=0, atol=0.01)
    assert_allclose(run.error, 0.283, rtol=0, atol=1e-3)


def test_the_path_of_the_absolute_value_is_chaotic_and_that_of_the_sine_is_not():
    for task, low, high in (("abs", 1e-3, 1), ("sin", 0, 1e-9)):
        plain, nudged = (
            train(task, hidden=3, epochs=10, nudge=nudge).losses[9] for nudge in (0, 1e-14)
        )
        assert low <= abs(nudged / plain - 1) <= high


def test_examples():
    x, t = examples("ring", np.random.RandomState(0))
    assert (x.shape, t.shape, t.sum()) == ((450, 2), (450, 1), 400)
    centre = x[t[:, 0] == 0]
    assert_allclose(centre.mean(axis=0), 0.5, rtol=0, atol=0.1)
    assert_allclose(centre.std(axis=0), 0.15, rtol=0, atol=0.04)
    for task, ones in (("and", 50), ("or", 150), ("xor", 100)):
        x, t = examples(task, np.random.RandomState(0))
        assert (x.shape, t.sum()) == ((200, 2), ones)
    x, t = examples("abs", np.random.RandomState(0))
    assert_array_equal(np.sort(x[:, 0]), np.linspace(-5, 5, 200))
    assert_allclose((t - abs(x)).std(), 0.5, rtol=0, atol=0.1)


def test_gradients():
    for task, hidden in (("xor", 4), ("sin", 3), ("or", 0)):
        net, x, t = prepare(task, hidden, (123, 5))
        gradcheck(net, x[:6], loss=LOSS, target=t[:6]).assert_ok()


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_chains(depth):
    def error(w):
        for _ in range(depth):
            w = sigma(w)
        return (w - 0.3) ** 2 / 2

    w = np.linspace(-3, 3, 13)
    found, slope = chain(w, depth, target=0.3)
    assert_allclose(found, error(w), rtol=1e-13)
    assert_allclose(slope, error(w + 1e-100j).imag / 1e-100, rtol=1e-12)
    assert (abs(slope) <= 4.0**-depth).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: train("nand"),
            "stansbury expects task to be one of 'and', 'or', 'xor', 'ring', 'sin', 'abs', "
            "got 'nand'",
        ),
        (
            lambda: train("or", hidden=-1),
            "stansbury expects hidden to be a whole number of at least 0, got -1",
        ),
        (
            lambda: train("or", epochs=0.5),
            "stansbury expects epochs to be a whole number of at least 0, got 0.5",
        ),
        (
            lambda: train("or", anneal=-0.1),
            "stansbury expects anneal to be a finite number of at least 0, got -0.1",
        ),
        (
            lambda: train("or", nudge=np.inf),
            "stansbury expects nudge to be a finite number, got inf",
        ),
        (
            lambda: train("or", seeds=(1.5,)),
            "stansbury expects seed to be a whole number of at least 0, got 1.5",
        ),
        (lambda: train("or", seeds=()), "stansbury expects at least one seed, got none"),
        (lambda: chain(1.0, 2), "chain expects weights of shape (N,), got ()"),
        (
            lambda: chain([1.0], 0),
            "chain expects depth to be a whole number of at least 1, got 0",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


def test_the_picture():
    gate, curve = (train(task, hidden=3, epochs=1) for task in ("xor", "sin"))
    assert len(stansbury.draw(gate, curve).axes) == 3
