"""Zhang's network: the report's steps, the layers, and differences."""

import dataclasses
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import backprop as bp
from backprop.classics import zhang
from mnist import MNIST, needs_mnist

TARGET = np.eye(10)[3]
PUBLISHED = [
    0.7624721603411293,
    0.768015695530913,
    0.7734682914126296,
    0.7788296352857677,
    0.7840995102500735,
    0.7892777923402996,
    0.7943644475491756,
    0.799359528753934,
    0.8042631725613679,
    0.8090755960859035,
]


def random_case(seed):
    """Return a network with random weights and biases, an image, a class."""
    rng = np.random.default_rng(seed)
    net = zhang.network()
    net.parameters[:] = rng.uniform(-0.4, 0.4, net.param_count)
    return net, rng.random((1, 28, 28, 1)), rng.integers(10, size=1)


def steps(net, image, target):
    """Return the values, deltas and gradients of the report's own passes."""
    params = zhang.terms(net.params)
    values = zhang.forward(params, image[0, ..., 0])
    return values, *zhang.backward(params, values, np.eye(10)[target[0]])


def test_parameters():
    assert zhang.network().param_count == (25 + 1) * 6 + (25 * 6 + 1) * 12 + 192 * 10 + 10 == 3898


def test_the_forward_pass_in_the_reports_terms():
    values, _, _ = steps(zhang.network(), zhang.IMAGE, zhang.CLASS)
    assert_allclose(values["y"], PUBLISHED, rtol=1e-12)
    assert_allclose(((values["y"] - TARGET) ** 2).sum() / 2, 2.813793005020869, rtol=1e-12)
    assert_allclose(values["C1"][0, 0, 0], 0.4231042334306399, rtol=1e-12)
    assert_allclose(values["S1"][5, 11, 11], 0.9706662426269879, rtol=1e-12)
    assert_allclose(values["C2"][0, 0, 0], 0.5351272973863411, rtol=1e-12)
    assert_allclose(values["S2"][11, 3, 3], 0.9894237709371231, rtol=1e-12)
    assert_allclose(values["f"].sum(), 171.80310598257995, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_every_value_and_delta_is_the_layers(seed):
    net, image, target = random_case(seed)
    values, deltas, _ = steps(net, image, target)
    found = [image]
    for layer in net:
        found.append(layer.predict(found[-1]))
    y, caches = net.forward(image)
    of_layers = net.deltas(y - np.eye(10)[target], caches)
    maps = {"C1": 2, "S1": 3, "C2": 5, "S2": 6}
    for name, number in maps.items():
        assert_allclose(values[name], found[number][0].transpose(2, 0, 1), rtol=1e-12)
    assert_allclose(values["f"], found[7][0], rtol=1e-12)
    assert_allclose(values["y"], found[9][0], rtol=1e-12)
    before = {"C1": 1, "S1": 3, "C2": 4, "S2": 6}  # deltas of C1 and C2 are before the logistic
    for name, number in before.items():
        ours = of_layers[number][0].transpose(2, 0, 1)
        assert_allclose(deltas[name], ours, rtol=1e-12, atol=1e-12 * np.abs(ours).max())
    assert_allclose(deltas["f"], of_layers[7][0], rtol=1e-12)
    assert_allclose(deltas["y"], of_layers[8][0], rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_every_gradient_is_the_layers(seed):
    net, image, target = random_case(seed)
    _, _, grads = steps(net, image, target)
    _, of_layers = zhang.layers_gradients(net, image, target)
    for name, ours in zhang.terms(of_layers).items():
        assert grads[name].shape == ours.shape
        assert_allclose(grads[name], ours, rtol=0, atol=1e-12 * np.abs(ours).max())


@pytest.mark.parametrize("name", zhang.KEYS)
@pytest.mark.parametrize("seed", [None, 0])
def test_gradients_agree_with_central_differences(name, seed):
    case = (zhang.network(), zhang.IMAGE, zhang.CLASS) if seed is None else random_case(seed)
    before = case[0].parameters.copy()
    assert zhang.difference_error(*case, name) <= 1e-7
    assert (case[0].parameters == before).all()


def test_the_network_passes_the_gradient_check():
    net, image, target = random_case(0)
    loss = zhang.LOSS
    bp.gradcheck(net, image, loss=loss, target=np.eye(10)[target]).assert_ok()


def test_enlarged_digits():
    small = bp.load_data("digits")
    large = zhang.enlarged(small)
    assert large.x_train.shape == (1438, 28, 28, 1)
    assert (large.x_train[:, 3:-2:3, 3:-2:3] == small.x_train).all()
    assert large.x_train[:, :2].max() == large.x_train[:, :, -2:].max() == 0
    assert large.classes == small.classes


def test_training_is_the_settings_of_the_report():
    """Two updates by hand: rate 1, the mean of a batch of 50."""
    digits = zhang.enlarged(bp.load_data("digits"))
    x, y = digits.x_train[:100], digits.y_train[:100]
    few = dataclasses.replace(digits, x_train=x, y_train=y)
    net, error = zhang.train(few, seed=1)
    twin = zhang.model((28, 28, 1), 10).net
    twin.build((28, 28, 1), rng=1)
    for batch in bp.batches(100, 50, seed=1, epoch=0):
        _, grads = zhang.layers_gradients(twin, x[batch], y[batch])
        twin.parameters -= twin.flatten(grads) / 50
    assert_allclose(net.parameters, twin.parameters, rtol=0, atol=1e-6)
    right = net.predict(digits.x_test).argmax(axis=1) == digits.y_test
    assert error == pytest.approx(1 - right.mean())


def backward_of(target):
    params = zhang.terms(zhang.network().params)
    return zhang.backward(params, zhang.forward(params, zhang.IMAGE[0, ..., 0]), target)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: zhang.forward(zhang.terms(zhang.network().params), zhang.IMAGE),
            "forward expects one image of shape (28, 28), got (1, 28, 28, 1)",
        ),
        (
            lambda: zhang.difference_error(zhang.network(), zhang.IMAGE, zhang.CLASS, "k3"),
            "difference_error expects one of k1, b1, k2, b2, W, b, got 'k3'",
        ),
        (
            lambda: zhang.train(bp.load_data("digits")),
            "train expects images of shape (N, 28, 28, 1), got (1438, 8, 8, 1)",
        ),
        (
            lambda: zhang.train(bp.load_data("digits"), epochs=0),
            "train expects epochs to be a whole number of at least 1, got 0",
        ),
        (
            lambda: backward_of(3),
            "backward expects a target of shape (10,), got ()",
        ),
        (
            lambda: zhang.difference_error(None, None, None, "W", entries=0),
            "difference_error expects entries to be a whole number of at least 1, got 0",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.slow
def test_without_mnist_it_is_told():
    table = zhang.reproduce()
    table.assert_ok()
    told = [row.remark for row in table.rows if row.ok is None]
    assert told[0] == "needs MNIST: --mnist"
    assert table.picture is not None
    assert table.picture().png().startswith(b"\x89PNG")


@pytest.mark.slow
@needs_mnist
def test_one_epoch_of_mnist():
    table = zhang.reproduce(mnist=MNIST)
    table.assert_ok()
    (row,) = (row for row in table.rows if row.quantity == "error on MNIST after 1 epoch, %")
    assert abs(float(row.ours) - 11.27) <= 1.5
