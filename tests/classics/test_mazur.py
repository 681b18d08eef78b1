"""Mazur's 2-2-2 network."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import mazur


def test_the_network_passes_the_gradient_check():
    bp.gradcheck(mazur.network(), mazur.X, loss=mazur.LOSS, target=mazur.TARGET).assert_ok()


@pytest.mark.parametrize(
    ("biases", "updates", "loss"),
    [
        (False, 0, 0.2983711087600027),
        (False, 1, 0.29102777369359933),
        (False, 2, 0.28354713312241997),
        (False, 10, 0.22091859205390404),
        (False, 100, 0.0200468282494252),
        (False, 1000, 0.001114349453733746),
        (True, 1, 0.28047144679143016),
        (True, 2, 0.2619076230693008),
        (True, 10, 0.12552703804413207),
        (True, 100, 0.006083131061206281),
        (True, 1000, 0.00027070458789574324),
    ],
)
def test_losses(biases, updates, loss):
    _, losses = mazur.train(updates, biases=biases)
    assert len(losses) == updates + 1
    assert_allclose(losses[-1], loss, rtol=1e-11)


def test_biases_after_one_update():
    net, _ = mazur.train(1, biases=True)
    assert_allclose(net[0].b, [0.345614322655, 0.345022872647], rtol=0, atol=1e-12)
    assert_allclose(net[2].b, [0.530750719186, 0.619049118258], rtol=0, atol=1e-12)


def test_biases_stay_where_the_post_leaves_them():
    net, _ = mazur.train(3)
    assert_array_equal(net[0].b, [0.35, 0.35])
    assert_array_equal(net[2].b, [0.60, 0.60])


def sequential_by_hand(updates):
    """Return the weights, the output layer changed first."""
    x, t, W1, W2 = (
        *(a.copy() for a in (mazur.X, mazur.TARGET)),
        *(mazur.network()[i].W.copy() for i in (0, 2)),
    )

    def sigma(z):
        return 1 / (1 + np.exp(-z))

    for _ in range(updates):
        h = sigma(x @ W1 + 0.35)
        y = sigma(h @ W2 + 0.60)
        of_y = (y - t) * y * (1 - y)
        W2 -= 0.5 * h.T @ of_y
        of_h = of_y @ W2.T * h * (1 - h)
        W1 -= 0.5 * x.T @ of_h
    return W1, W2


def test_the_sequential_order_is_that_of_the_loop():
    net, _ = mazur.train(50, order="sequential")
    W1, W2 = sequential_by_hand(50)
    assert_allclose(net[0].W, W1, rtol=1e-13)
    assert_allclose(net[2].W, W2, rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: mazur.train(-1),
            "train expects updates to be a whole number of at least 0, got -1",
        ),
        (
            lambda: mazur.train(1, order="random"),
            "train expects order to be one of 'simultaneous', 'sequential', got 'random'",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        call()
