"""Published networks as a whole: their outputs, deltas and gradients to the last printed digit."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.initializers import Given
from backprop.layers import AvgPool, Conv2D, Dense, Flatten, ReLU, Sigmoid
from backprop.losses import HalfSquaredError, SoftmaxCrossEntropy
from backprop.network import Network


def line(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def dense(W, b):
    """Return a Dense layer with these parameters."""
    return Dense(len(b), init=Given(W), bias_init=Given(b))


def ready(layers, in_shape):
    net = Network(layers)
    net.build(in_shape, dtype=np.float64)
    return net


# Zhang 2016, section 8 of the derivations

HALF_SQUARES = HalfSquaredError(reduction="sum")
CLASS = np.array([3])


def zhang():
    """Return the network and its image."""
    a, c, d = math.sqrt(6 / 175), math.sqrt(6 / 450), math.sqrt(6 / 202)
    k1 = line(-a, a, 1, 6, 5, 5).transpose(2, 3, 0, 1)
    k2 = line(-c, c, 6, 12, 5, 5).transpose(2, 3, 0, 1)
    layers = [
        Conv2D(6, 5, flip=True, init=Given(k1)),
        Sigmoid(),
        AvgPool(2),
        Conv2D(12, 5, flip=True, init=Given(k2)),
        Sigmoid(),
        AvgPool(2),
        Flatten("columns"),
        dense(line(-d, d, 192, 10), np.zeros(10)),
        Sigmoid(),
    ]
    return ready(layers, (28, 28, 1)), line(0, 1, 1, 28, 28, 1)


def zhang_loss(net, x):
    return HALF_SQUARES.forward(net.predict(x), CLASS)[0]


def test_zhangs_network_has_3898_parameters():
    assert zhang()[0].param_count == (25 + 1) * 6 + (25 * 6 + 1) * 12 + 192 * 10 + 10 == 3898


def test_zhangs_forward_pass():
    net, x = zhang()
    values = [x]
    for layer in net:
        values.append(layer.predict(values[-1]))
    _, _, C1, S1, _, C2, S2, f, _, y = values
    published = [
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
    assert_allclose(y, [published], rtol=1e-12)
    assert_allclose(zhang_loss(net, x), 2.813793005020869, rtol=1e-12)
    assert_allclose(C1[0, 0, 0, 0], 0.4231042334306399, rtol=1e-12)
    assert_allclose(S1[0, 11, 11, 5], 0.9706662426269879, rtol=1e-12)
    assert_allclose(C2[0, 0, 0, 0], 0.5351272973863411, rtol=1e-12)
    assert_allclose(S2[0, 3, 3, 11], 0.9894237709371231, rtol=1e-12)
    assert_allclose(f.sum(), 171.80310598257995, rtol=1e-12)


def zhang_gradients():
    """Return the network, its image and the gradients."""
    net, x = zhang()
    y, caches = net.forward(x)
    return net, x, net.grads(HALF_SQUARES.backward(HALF_SQUARES.forward(y, CLASS)[1]), caches)


def directions(gradient):
    """Return a random direction of length 1 in the whole tensor, and some single entries."""
    rng = np.random.default_rng(0)
    anywhere = rng.standard_normal(gradient.shape)
    places = rng.permutation(gradient.size)[:30]
    entries = ((np.arange(gradient.size) == place).reshape(gradient.shape) for place in places)
    return [anywhere / np.linalg.norm(anywhere), *entries]


each_tensor = pytest.mark.parametrize("name", ["0.W", "0.b", "3.W", "3.b", "7.W", "7.b"])


@each_tensor
def test_zhangs_gradients_agree_with_the_complex_step(name):
    net, x, grads = zhang_gradients()
    for direction in directions(grads[name]):
        twin = net.astype(np.complex128)
        twin.params[name][...] += 1e-100j * direction
        slope = zhang_loss(twin, x).imag / 1e-100
        expected = (grads[name] * direction).sum()
        assert_allclose(expected, slope, rtol=0, atol=1e-12 * np.linalg.norm(grads[name]))


@each_tensor
def test_zhangs_gradients_agree_with_central_differences(name):
    net, x, grads = zhang_gradients()
    for direction in directions(grads[name]):
        values = []
        for h in (1e-5, -1e-5):
            twin = net.astype(np.float64)
            twin.params[name][...] += h * direction
            values.append(zhang_loss(twin, x))
        slope = (values[0] - values[1]) / 2e-5
        expected = (grads[name] * direction).sum()
        assert_allclose(expected, slope, rtol=0, atol=1e-7 * np.linalg.norm(grads[name]))


def test_zhangs_deltas_step_by_step():
    net, x = zhang()
    y, caches = net.forward(x)
    delta = y - np.eye(10)[CLASS]
    deltas = net.deltas(delta, caches)
    S2, C1 = caches[4], caches[1]
    of_y = delta * y * (1 - y)
    df = of_y @ net[7].W.T
    dS2 = df.reshape(1, 12, 4, 4).transpose(0, 3, 2, 1)  # undo the column scan
    dC2 = dS2.repeat(2, axis=1).repeat(2, axis=2) / 4
    assert_allclose(deltas[8], of_y, rtol=1e-12)
    assert_allclose(deltas[6], dS2, rtol=1e-12)
    assert_allclose(deltas[5], dC2, rtol=1e-12)
    assert_allclose(deltas[4], dC2 * S2 * (1 - S2), rtol=1e-12)
    dC1 = deltas[3].repeat(2, axis=1).repeat(2, axis=2) / 4
    assert_allclose(deltas[1], dC1 * C1 * (1 - C1), rtol=1e-12)


# CS231n's network of two layers, section 22


def test_published_network_of_two_layers():
    first = dense(line(-0.7, 0.3, 5, 50), line(-0.1, 0.9, 50))
    second = dense(line(-0.3, 0.4, 50, 7), line(-0.9, 0.1, 7))
    net = ready([first, ReLU(), second], (5,))
    scores = net.predict(line(-5.5, 4.5, 5, 3).T)
    published = [11.53165108, 12.2917344, 13.05181771, 13.81190102, 14.57198434]
    assert_allclose(scores[0], [*published, 15.33206765, 16.09215096], rtol=0, atol=1e-8)
    loss, _ = SoftmaxCrossEntropy().forward(scores, np.array([0, 5, 1]))
    assert_allclose(loss, 3.4702243556, rtol=0, atol=1e-10)
    squares = sum((W**2).sum() for W in (first.W, second.W))
    assert_allclose(loss + squares / 2, 26.5948426952, rtol=0, atol=1e-10)


def test_layers_are_local():
    """A layer's gradients need its own input and the delta that arrives, and nothing else."""
    net, x, grads = zhang_gradients()
    y, caches = net.forward(x)
    deltas = net.deltas(y - np.eye(10)[CLASS], caches)
    values = [x]
    for number, layer in enumerate(net):
        y, alone = layer.forward(values[number])
        values.append(y)
        for name, gradient in layer.grads(deltas[number + 1], alone).items():
            assert_array_equal(gradient, grads[f"{number}.{name}"])
