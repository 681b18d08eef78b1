"""Nielsen 2015: network.py."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop import Dataset, TrainStep, gradcheck, load_data, one_hot
from backprop.classics import nielsen
from backprop.classics.nielsen import (
    LOSS,
    RULE,
    mnist_of_the_book,
    network,
    train,
    unrecognised,
)
from mnist import MNIST, needs_mnist

DIGITS = load_data("digits")


def test_the_net_starts_normal_with_deviation_1():
    net = network((28, 28, 1))
    assert [value.shape for value in net.params.values()] == [(784, 30), (30,), (30, 10), (10,)]
    assert_allclose(net.parameters.std(), 1, rtol=0.02)
    assert_allclose(net.parameters.mean(), 0, rtol=0, atol=0.02)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def test_an_update_is_the_books_sum_over_columns():
    """The four equations for one column after another, summed and divided by their number."""
    net = network((8, 8, 1), 5).astype(np.float64)
    images, labels = DIGITS.x_train[:10].astype(np.float64), DIGITS.y_train[:10]
    w, b = [net[1].W.T.copy(), net[3].W.T.copy()], [net[1].b.copy(), net[3].b.copy()]
    sums = [0, 0], [0, 0]
    for image, label in zip(images, labels, strict=True):
        a = [image.ravel()]
        for weight, bias in zip(w, b, strict=True):
            a.append(sigma(weight @ a[-1] + bias))
        delta = (a[2] - one_hot(label, 10)) * a[2] * (1 - a[2])
        for layer in (1, 0):
            sums[0][layer] = sums[0][layer] + np.outer(delta, a[layer])
            sums[1][layer] = sums[1][layer] + delta
            delta = w[layer].T @ delta * a[layer] * (1 - a[layer])
    TrainStep(net, LOSS, RULE)(images, labels)
    for number, layer in enumerate((net[1], net[3])):
        assert_allclose(layer.W.T, w[number] - 3 / 10 * sums[0][number], rtol=1e-11, atol=1e-13)
        assert_allclose(layer.b, b[number] - 3 / 10 * sums[1][number], rtol=1e-11, atol=1e-13)


def test_gradients():
    net = network((3, 3, 1), 4, seed=2).astype(np.float64)
    x = np.random.default_rng(0).random((5, 3, 3, 1))
    gradcheck(net, x, loss=LOSS, target=np.array([3, 1, 4, 1, 5])).assert_ok()


def test_it_reads_small_digits():
    net, right = train(DIGITS, epochs=8, seed=1)
    assert len(right) == 8
    assert right[-1] == (net.predict(DIGITS.x_test).argmax(axis=1) == DIGITS.y_test).sum()
    assert right[-1] >= 0.9 * 359
    assert unrecognised(net, DIGITS) == []


def test_digits_can_stay_unrecognised():
    net, _ = train(DIGITS, epochs=8, seed=0)
    confused = unrecognised(net, DIGITS)
    assert len(confused) >= 2
    answers = net.predict(DIGITS.x_test).argmax(axis=1)
    assert_array_equal(np.isin(DIGITS.y_test, confused) & (answers == DIGITS.y_test), False)


@pytest.mark.slow
@needs_mnist
def test_mnist():
    table = nielsen.reproduce(mnist=MNIST)
    table.assert_ok()
    assert [row.published for row in table.rows] == ["23860", "9129", "9542, in 30"]


@pytest.mark.slow
@needs_mnist
def test_the_first_50_000_images_are_taken():
    data, every = mnist_of_the_book(MNIST), load_data(Path(MNIST))
    assert len(data.y_train) == 50_000
    assert_array_equal(data.y_train, every.y_train[:50_000])
    assert_array_equal(data.x_test, every.x_test)


def eleven_classes():
    return Dataset("d", *DIGITS.train, *DIGITS.test, (*DIGITS.classes, "ten"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda folder: network((8, 8, 1), 0),
            "network expects hidden to be a whole number of at least 1, got 0",
        ),
        (lambda folder: train(eleven_classes()), "train expects ten classes, got 11"),
        (
            lambda folder: train(DIGITS, epochs=0),
            "fit expects epochs to be a whole number of at least 1, got 0",
        ),
        (
            lambda folder: mnist_of_the_book(digits_in(folder)),
            "mnist_of_the_book expects 60000 images of shape (28, 28, 1) and 10000 to test, "
            "got 1438 of shape (8, 8, 1) and 359",
        ),
    ],
)
def test_errors(make, message, tmp_path):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(tmp_path)


def digits_in(folder):
    """Return a folder with the package's digits in the place of MNIST."""
    path = folder / "mnist.npz"
    parts = {"x_train": DIGITS.x_train, "y_train": DIGITS.y_train}
    np.savez(path, **parts, x_test=DIGITS.x_test, y_test=DIGITS.y_test)
    return path


def test_a_folder_without_mnist(tmp_path):
    with pytest.raises(FileNotFoundError, match="expects train-images-idx3-ubyte, "):
        mnist_of_the_book(tmp_path)


def test_the_picture():
    assert len(nielsen.draw(network((8, 8, 1), 7), np.array([3, 5])).axes) == 3
