"""The gradient check of everything the package ships: what `backprop check` runs."""

import numpy as np

from . import layers, losses
from .checks import gradcheck
from .checks.trials import spread
from .network import Network

ACTIVATIONS = (
    layers.Identity,
    layers.Sigmoid,
    layers.Tanh,
    layers.ReLU,
    layers.LeakyReLU,
    layers.ELU,
    layers.SELU,
    layers.GELU,
    layers.Softplus,
    layers.Softsign,
    layers.SiLU,
)


def selfcheck():
    """Yield `(name, report)` for every public layer and loss, in no special configuration."""
    for thing, *shapes in _layers():
        xs = [numbers(thing, i, shape, rng=i) for i, shape in enumerate(shapes)]
        yield repr(thing), gradcheck(thing, *xs)
    for loss, y, target in _losses():
        yield repr(loss), gradcheck(loss, y, target=target)


def _layers():
    """Return every public layer with the shapes of its inputs, and a few networks."""
    row, image, sequence = (3, 4), (2, 7, 6, 2), (2, 5, 3)
    state, mask = (2, 3), (2, 5)
    shared = layers.Dense(4)
    residual = Network()
    hidden = residual.add(layers.Tanh(), residual.add(shared, 0))
    residual.add(layers.Add(), 0, residual.add(shared, hidden))
    return [
        (layers.Dense(3), row),
        (layers.Conv2D(3, (2, 3), stride=2, padding=1), image),
        (layers.Conv2D(2, 3, padding="same", dilation=2, flip=True), image),
        (layers.ConvTranspose2D(3, (2, 3), stride=2, padding=1, output_padding=1), image),
        (layers.DepthwiseConv2D((2, 3), multiplier=2, stride=2, padding=1), image),
        (layers.MaxPool(3, stride=2, padding=1), image),
        (layers.AvgPool(3, stride=2, padding=1), image),
        (layers.GlobalMaxPool(), image),
        (layers.GlobalAvgPool(), image),
        (layers.RNN(3), sequence, state),
        (layers.RNN(3, activation="relu", reverse=True), sequence),
        (layers.LSTM(3), sequence, state, state),
        (layers.LSTM(3, reverse=True), sequence),
        (layers.GRU(3), sequence, state),
        (layers.GRU(3, reset_after=False, reverse=True), sequence),
        (layers.Bidirectional(layers.GRU(2)), sequence, (2, 2), (2, 2)),
        (layers.Bidirectional(layers.LSTM(3), last=True), sequence),
        (layers.RNN(3, masked=True), sequence, state, mask),
        (layers.LSTM(3, masked=True), sequence, state, state, mask),
        (layers.GRU(3, masked=True), sequence, state, mask),
        (layers.Softmax(), row),
        *((activation(), row) for activation in ACTIVATIONS),
        (layers.PReLU(), image),
        (layers.Dropout(0.4), row),
        (layers.LayerNorm(), sequence),
        (layers.BatchNorm(), image),
        (layers.Embedding(5, 3), row),
        (layers.Flatten(), image),
        (layers.Flatten("columns"), image),
        (layers.Reshape((6, 14)), image),
        (layers.Last(), sequence),
        (layers.Add(), row, row),
        (layers.Concat(), row, (3, 2)),
        (
            Network(
                [
                    layers.Conv2D(2, 3, padding=1),
                    layers.Tanh(),
                    layers.MaxPool(2),
                    layers.Flatten(),
                    layers.Dense(3),
                ]
            ),
            image,
        ),
        (residual, row),
    ]


def _losses():
    """Return every public loss with outputs and targets for it."""
    y = spread((3, 4), 0)
    classes = np.array([2, 0, 3])
    real = spread((3, 4), 1)
    share = 1 / (1 + np.exp(-real))
    probabilities = np.exp(real) / np.exp(real).sum(axis=-1, keepdims=True)
    return [
        (losses.SoftmaxCrossEntropy(), y, classes),
        (losses.SoftmaxCrossEntropy(), y, probabilities),
        (losses.CrossEntropy(), probabilities, classes),
        (losses.LogisticCrossEntropy(), y, share),
        (losses.BinaryCrossEntropy(), share, probabilities),
        (losses.MeanSquaredError(), y, real),
        (losses.HalfSquaredError(), y, real),
    ]


def numbers(layer, position, shape, rng):
    """Return numbers for an input of `layer`: whole ones where it takes such, else spread ones."""
    if position in layer.integer_inputs:
        return np.random.default_rng(rng).integers(layer.integers_below(position), size=shape)
    return spread(shape, rng)
