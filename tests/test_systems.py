"""Published networks as a whole: their outputs, deltas and gradients to the last printed digit."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from backprop.classics import zhang
from backprop.initializers import Given
from backprop.layers import Dense, ReLU
from backprop.losses import SoftmaxCrossEntropy
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
    net, x = zhang.network(), zhang.IMAGE
    y, caches = net.forward(x)
    delta = y - np.eye(10)[zhang.CLASS]
    deltas, grads = net.deltas(delta, caches), net.grads(delta, caches)
    values = [x]
    for number, layer in enumerate(net):
        y, alone = layer.forward(values[number])
        values.append(y)
        for name, gradient in layer.grads(deltas[number + 1], alone).items():
            assert_array_equal(gradient, grads[f"{number}.{name}"])
