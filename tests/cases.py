"""One table of every layer in many configurations: a new layer is done when it stands here.

`test_contract.py` runs every promise of the contract over it.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

import backprop as bp
from backprop.checks.trials import ready
from backprop.selfcheck import numbers


@dataclasses.dataclass
class Case:
    """A layer, not built, and the shapes of its inputs, with the batch axis."""

    layer: bp.Layer
    shapes: tuple

    def __str__(self):
        return f"{self.layer!r} on {' and '.join(map(str, self.shapes))}"

    @property
    def in_shapes(self):
        """The shapes without the batch axis."""
        return [shape[1:] for shape in self.shapes]

    def build(self, dtype: npt.DTypeLike = np.float64):
        """Return a built copy whose parameters are all away from zero, biases too."""
        return ready(self.layer, *self.in_shapes, dtype=dtype)

    def inputs(self, dtype: npt.DTypeLike = np.float64, seed=2):
        """Return inputs for it, whole numbers where it takes such."""
        rng = np.random.default_rng(seed)
        xs = [numbers(self.layer, i, shape, rng) for i, shape in enumerate(self.shapes)]
        return [x if x.dtype.kind == "i" else x.astype(dtype) for x in xs]

    def delta(self, y, seed=3):
        """Return a random delta for the output `y`."""
        return np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)

    def gradcheck(self, layer):
        """Return the outcome of a gradient check of `layer` in this configuration."""
        xs = self.inputs()
        numbers = layer.param_count + sum(x.size for x in xs)
        # Of very many numbers a few, and all of them along random directions.
        entries = 300 if numbers < 1000 else 20
        return bp.gradcheck(layer, *xs, entries=entries, explain=False)


@dataclasses.dataclass
class LossCase:
    """A loss, outputs, and a target for them."""

    loss: bp.Loss
    y: np.ndarray
    target: np.ndarray

    def build(self):
        """Return the loss."""
        return self.loss

    def gradcheck(self, loss):
        """Return the outcome of a gradient check of `loss` in this configuration."""
        return bp.gradcheck(loss, self.y, target=self.target, explain=False)


def wired(*steps, inputs=1):
    """Return a Network of `(layer, *values)`."""
    net = bp.Network(inputs=inputs)
    for layer, *values in steps:
        net.add(layer, *values)
    return net


shared, recurrent, gated = bp.Dense(3), bp.RNN(3), bp.GRU(3)
two_way = bp.Bidirectional(bp.RNN(2))
block = bp.Network([bp.Dense(3), bp.Tanh()])
averaged, looked_up = bp.BatchNorm(), bp.Embedding(5, 2)

ACTIVATIONS = [
    bp.Identity(),
    bp.Sigmoid(),
    bp.Tanh(),
    bp.ReLU(),
    bp.LeakyReLU(),
    bp.LeakyReLU(slope=0.3),
    bp.ELU(),
    bp.ELU(alpha=0.7),
    bp.SELU(),
    bp.GELU(),
    bp.Softplus(),
    bp.Softsign(),
    bp.SiLU(),
    bp.PReLU(),
    bp.PReLU(init=bp.Constant(-0.5), shared=True),
    bp.Softmax(),
    bp.Dropout(),
    bp.Dropout(rate=0.0),
    bp.Dropout(rate=0.9),
]

IMAGES = [(1, 1, 1, 1), (2, 3, 4, 2), (3, 1, 5, 3)]

TABLE = [
    *((layer, shape) for layer in ACTIVATIONS for shape in [(1, 1), (4, 5), (2, 3, 4)]),
    # Dense: one example, one unit, sequences and images
    (bp.Dense(3), (4, 5)),
    (bp.Dense(1), (1, 1)),
    (bp.Dense(2, bias=False), (3, 4)),
    (bp.Dense(2), (2, 3, 4)),
    (bp.Dense(2), (2, 2, 3, 4)),
    # All matrices square: no transposition betrays itself by a shape
    (bp.Dense(3), (3, 3)),
    (bp.Conv2D(4, 2), (1, 3, 3, 1)),
    (bp.RNN(3), (1, 3, 3)),
    (bp.LSTM(1), (1, 4, 4)),
    (bp.GRU(1), (1, 3, 3)),
    (bp.LSTM(2), (1, 3, 2)),
    # Conv2D: even and oblong kernels, strides that do not tile, padding, dilation, orientations
    (bp.Conv2D(2, 3), (2, 5, 6, 2)),
    (bp.Conv2D(1, 1), (1, 1, 1, 1)),
    (bp.Conv2D(3, 2), (2, 4, 5, 1)),
    (bp.Conv2D(2, (1, 4)), (1, 3, 6, 2)),
    (bp.Conv2D(2, (4, 1), bias=False), (2, 5, 2, 2)),
    (bp.Conv2D(2, 3, stride=2), (2, 6, 8, 1)),
    (bp.Conv2D(2, 2, stride=3), (2, 7, 6, 2)),
    (bp.Conv2D(2, 3, stride=(1, 2), padding=(2, 1)), (2, 4, 5, 2)),
    (bp.Conv2D(2, 3, padding=1), (1, 4, 4, 3)),
    (bp.Conv2D(2, 2, padding=3), (1, 2, 3, 1)),
    (bp.Conv2D(1, 1, padding=91), (2, 1, 1, 1)),  # so many windows that each image is a part
    (bp.Conv2D(2, 3, padding="same"), (2, 4, 5, 2)),
    (bp.Conv2D(2, 4, padding="same"), (2, 5, 5, 1)),
    (bp.Conv2D(2, (2, 3), padding="same", stride=2), (2, 5, 6, 2)),
    (bp.Conv2D(2, 3, padding="valid", dilation=2), (2, 7, 6, 1)),
    (bp.Conv2D(2, (2, 3), dilation=(3, 1), stride=2, padding=1), (2, 6, 7, 2)),
    (bp.Conv2D(2, 3, flip=True), (2, 5, 4, 2)),
    (bp.Conv2D(2, (2, 3), flip=True, stride=2, padding="same", dilation=2), (2, 5, 6, 2)),
    # ConvTranspose2D: stamps side by side, overlapping and apart, cut off, longer at the end
    (bp.ConvTranspose2D(2, 3), (2, 4, 3, 2)),
    (bp.ConvTranspose2D(1, 1), (1, 1, 1, 1)),
    (bp.ConvTranspose2D(33, 4), (2, 16, 16, 1)),  # so many windows that each image is a part
    (bp.ConvTranspose2D(1, 2, stride=2), (2, 3, 5, 2)),  # more stamps in a row than pixels in one
    (bp.ConvTranspose2D(2, 1, stride=3), (2, 3, 2, 2)),
    (bp.ConvTranspose2D(3, 2, stride=2), (2, 3, 4, 2)),
    (bp.ConvTranspose2D(2, (1, 4), bias=False), (2, 3, 2, 1)),
    (bp.ConvTranspose2D(2, 3, stride=2), (1, 3, 4, 2)),
    (bp.ConvTranspose2D(2, 2, stride=3, output_padding=(2, 1)), (2, 2, 3, 2)),
    (bp.ConvTranspose2D(2, 3, padding=1), (2, 4, 4, 1)),
    (bp.ConvTranspose2D(2, 4, padding=3), (2, 5, 4, 2)),
    (bp.ConvTranspose2D(2, 3, stride=2, padding=1, output_padding=1), (2, 3, 3, 2)),
    (bp.ConvTranspose2D(2, (3, 2), stride=(1, 2), padding=(2, 1)), (2, 4, 3, 2)),
    (bp.ConvTranspose2D(2, 3, dilation=2, padding="valid"), (2, 3, 2, 2)),
    (bp.ConvTranspose2D(2, (2, 3), dilation=(3, 1), stride=2, padding=1), (2, 3, 4, 1)),
    (bp.ConvTranspose2D(2, 3, padding="same"), (2, 4, 3, 2)),
    (bp.ConvTranspose2D(2, 4, padding="same", stride=2), (1, 3, 2, 2)),
    (bp.ConvTranspose2D(2, (2, 3), padding="same", stride=3, dilation=2), (2, 2, 3, 2)),
    # DepthwiseConv2D: one kernel a channel and several, in the geometries of Conv2D
    (bp.DepthwiseConv2D(3), (2, 5, 6, 2)),
    (bp.DepthwiseConv2D(1), (1, 1, 1, 1)),
    (bp.DepthwiseConv2D(1, padding=105), (2, 1, 1, 1)),  # each image is a part
    (bp.DepthwiseConv2D(2, multiplier=3), (1, 4, 5, 2)),
    (bp.DepthwiseConv2D((1, 4), multiplier=2, bias=False), (2, 3, 6, 1)),
    (bp.DepthwiseConv2D(3, stride=2), (2, 6, 8, 3)),
    (bp.DepthwiseConv2D(2, stride=3), (2, 7, 6, 2)),
    (bp.DepthwiseConv2D(3, stride=(1, 2), padding=(2, 1), multiplier=2), (2, 4, 5, 2)),
    (bp.DepthwiseConv2D(2, padding=3), (1, 2, 3, 2)),
    (bp.DepthwiseConv2D(4, padding="same"), (2, 5, 5, 2)),
    (bp.DepthwiseConv2D((2, 3), padding="same", stride=2, multiplier=2), (2, 5, 6, 2)),
    (bp.DepthwiseConv2D((2, 3), dilation=(3, 1), stride=2, padding=1), (2, 6, 7, 2)),
    # Pools: side by side, overlapping, apart, not tiling, padded
    *(
        (pool(size, **settings), shape)
        for pool in (bp.MaxPool, bp.AvgPool)
        for size, settings, shape in [
            (2, {}, (2, 4, 6, 2)),
            (2, {}, (1, 5, 3, 1)),
            (1, {}, (1, 2, 2, 1)),
            (3, {"stride": 1}, (2, 5, 4, 2)),
            (3, {"stride": 2}, (2, 6, 6, 2)),
            (2, {"stride": 3}, (2, 5, 6, 2)),
            ((1, 3), {"stride": (2, 1)}, (2, 4, 5, 2)),
            (3, {"stride": 2, "padding": 1}, (2, 5, 6, 2)),
            (3, {"padding": (2, 1)}, (1, 4, 4, 2)),
            (2, {"padding": "same"}, (2, 5, 5, 1)),
            ((3, 4), {"stride": 2, "padding": "same"}, (2, 5, 6, 2)),
        ]
    ),
    (bp.AvgPool(3, stride=2, padding=1, count_include_pad=False), (2, 5, 6, 2)),
    (bp.AvgPool(2, padding="same", count_include_pad=False), (2, 5, 3, 1)),
    *((pool(), shape) for pool in (bp.GlobalMaxPool, bp.GlobalAvgPool) for shape in IMAGES),
    # Recurrent: one step and more, one example, initial states, reversed, stacked
    *(
        (layer(3, **settings), *shapes)
        for layer, states in ((bp.RNN, 1), (bp.LSTM, 2), (bp.GRU, 1))
        for settings in ({}, {"reverse": True})
        for shapes in [
            [(2, 4, 5)],
            [(1, 1, 1)],
            [(3, 1, 2), *[(3, 3)] * states],
            [(2, 5, 2), *[(2, 3)] * states],
        ]
    ),
    (bp.RNN(3, activation="relu"), (2, 4, 5)),
    (bp.RNN(3, activation="relu", reverse=True), (2, 3, 2), (2, 3)),
    (bp.LSTM(2, forget_bias=-1.0), (2, 6, 3)),
    (bp.GRU(3, reset_after=False), (2, 4, 5)),
    (bp.GRU(1, reset_after=False), (1, 1, 1)),
    (bp.GRU(3, reset_after=False), (3, 1, 2), (3, 3)),
    (bp.GRU(3, reset_after=False, reverse=True), (2, 5, 2), (2, 3)),
    # Both ways: by default and with another layer, all states and the last ones, initial states
    (bp.Bidirectional(bp.RNN(3)), (2, 4, 5)),
    (bp.Bidirectional(bp.LSTM(1)), (1, 1, 1)),
    (bp.Bidirectional(bp.GRU(3), last=True), (2, 4, 5)),
    (bp.Bidirectional(bp.RNN(2), last=True), (1, 1, 1)),
    (bp.Bidirectional(bp.LSTM(2), bp.GRU(3, reverse=True)), (2, 3, 4)),
    (bp.Bidirectional(bp.GRU(2), bp.GRU(3, reverse=True)), (2, 3, 4), (2, 2), (2, 3)),
    (bp.Bidirectional(bp.RNN(3)), (3, 1, 2), (3, 3), (3, 3)),
    (bp.Bidirectional(bp.LSTM(2), last=True), (2, 4, 3), *[(2, 2)] * 4),
    (bp.Bidirectional(bp.GRU(2, masked=True), last=True), (2, 4, 3), (2, 4)),
    (bp.Bidirectional(bp.RNN(2, masked=True)), (2, 4, 3), (2, 2), (2, 2), (2, 4)),
    # Masked: any real mask, with and without initial states, one step, reversed
    *(
        (layer(3, masked=True, **settings), *shapes)
        for layer, states in ((bp.RNN, 1), (bp.LSTM, 2), (bp.GRU, 1))
        for settings in ({}, {"reverse": True})
        for shapes in [[(2, 4, 2), (2, 4)], [(3, 1, 2), *[(3, 3)] * states, (3, 1)]]
    ),
    (bp.RNN(4, activation="relu", masked=True), (2, 3, 2), (2, 4), (2, 3)),
    (bp.GRU(4, reset_after=False, masked=True), (2, 3, 2), (2, 4), (2, 3)),
    (bp.Last(), (2, 3, 4)),
    (bp.Last(), (1, 1, 1)),
    (bp.Last(reverse=True), (2, 3, 4)),
    # Normalisation: rows, sequences and images, one number, nothing to take a variance of
    *(
        (layer, shape)
        for layer in (bp.LayerNorm(), bp.BatchNorm())
        for shape in [(4, 5), (1, 1), (1, 3), (3, 1), (2, 2), (2, 3, 4), (3, 2, 3, 2)]
    ),
    (bp.LayerNorm(scale=False), (2, 3, 4)),
    (bp.LayerNorm(shift=False, epsilon=0.1), (4, 3)),
    (bp.LayerNorm(scale=False, shift=False), (4, 3)),
    (bp.BatchNorm(keep=0.0, epsilon=0.1), (4, 3)),
    (bp.BatchNorm(keep=0.5, gamma_init=bp.Zeros()), (2, 3, 2)),
    # Embedding: ids that occur never, once and often, one id, one row, one number, more axes
    (bp.Embedding(5, 3), (2, 4)),
    (bp.Embedding(50, 2), (3, 4)),
    (bp.Embedding(1, 1), (1,)),
    (bp.Embedding(4, 3), (6,)),
    (bp.Embedding(4, 2), (2, 2, 3)),
    # Shapes and merges
    (bp.Flatten(), (2, 3, 4, 2)),
    (bp.Flatten(), (1, 3)),
    (bp.Flatten(order="columns"), (2, 3, 4, 2)),
    (bp.Reshape((4, 6)), (2, 3, 4, 2)),
    (bp.Reshape(6), (1, 2, 3)),
    (bp.Add(), (2, 3), (2, 3)),
    (bp.Add(), (1, 2, 2), (1, 2, 2), (1, 2, 2)),
    (bp.Concat(), (2, 3), (2, 1)),
    (bp.Concat(), (1, 2, 2), (1, 2, 1), (1, 2, 4)),
    # Networks: a chain, a CNN, stacked and two-way recurrence, a shortcut, shared and nested layers
    (bp.Network([bp.Dense(4), bp.Sigmoid(), bp.Dense(2), bp.Softmax()]), (3, 5)),
    (bp.Network([bp.Flatten(), bp.Dense(4), bp.Dropout(0.3), bp.Tanh()]), (2, 3, 2)),
    (
        bp.Network(
            [bp.Conv2D(2, 3, padding=1), bp.ReLU(), bp.MaxPool(2), bp.Flatten(), bp.Dense(3)]
        ),
        (2, 6, 6, 1),
    ),
    (
        bp.Network(
            [bp.Conv2D(2, 3, flip=True), bp.Sigmoid(), bp.AvgPool(2), bp.Flatten("columns")]
        ),
        (2, 6, 6, 1),
    ),
    (
        bp.Network(
            [
                bp.DepthwiseConv2D(3, padding="same", stride=2),
                bp.PReLU(),
                bp.ConvTranspose2D(2, 4, padding="same", stride=2),
                bp.GlobalAvgPool(),
            ]
        ),
        (2, 4, 6, 3),
    ),
    (bp.Network([bp.LSTM(3), bp.RNN(2), bp.LSTM(2, reverse=True), bp.Dense(2)]), (2, 4, 3)),
    (wired((bp.RNN(2), 0), (bp.RNN(2, reverse=True), 0), (bp.Concat(), 1, 2)), (2, 4, 3)),
    (
        bp.Network(
            [bp.Bidirectional(bp.LSTM(2)), bp.Bidirectional(bp.GRU(2), last=True), bp.Dense(2)]
        ),
        (2, 4, 3),
    ),
    (wired((two_way, 0), (two_way, 1), (bp.Add(), 1, 2)), (2, 3, 4)),
    (wired((bp.Bidirectional(bp.GRU(2)), 0, 1, 2), inputs=3), (2, 3, 4), (2, 2), (2, 2)),
    (bp.Network([bp.GRU(3), bp.GRU(2, reset_after=False), bp.GRU(2, reverse=True)]), (2, 4, 3)),
    (wired((bp.LSTM(2), 0, 1, 2), (bp.Last(), 3), inputs=3), (2, 4, 3), (2, 2), (2, 2)),
    (wired((gated, 0), (gated, 1), (bp.Last(), 2)), (2, 4, 3)),
    (
        wired(
            (bp.LSTM(3, masked=True), 0, 1),
            (bp.RNN(2, reverse=True, masked=True), 2, 1),
            (bp.Last(reverse=True), 3),
            inputs=2,
        ),
        (2, 4, 3),
        (2, 4),
    ),
    (wired((bp.Dense(3), 0), (bp.Tanh(), 1), (bp.Add(), 0, 2)), (4, 3)),
    (wired((bp.Add(), 0, 0), (bp.Dense(2), 1)), (2, 3)),
    (wired((shared, 0), (bp.Tanh(), 1), (shared, 2), (bp.Add(), 2, 3)), (4, 3)),
    (wired((recurrent, 0), (recurrent, 1), (bp.Last(), 2)), (2, 4, 3)),
    (wired((block, 0), (block, 1), (bp.Concat(), 1, 2), (bp.Dense(2), 3)), (4, 3)),
    (bp.Network([bp.Network([bp.Network([bp.Dense(2)]), bp.Softsign()]), bp.Dense(1)]), (4, 3)),
    # Networks that normalise, and networks on whole numbers, beside others and read twice
    (
        bp.Network([bp.Conv2D(2, 3), bp.BatchNorm(), bp.ReLU(), bp.Flatten(), bp.Dense(2)]),
        (2, 5, 5, 1),
    ),
    (bp.Network([bp.Dense(3), bp.Network([bp.BatchNorm()]), bp.Dropout(), bp.Dense(2)]), (5, 3)),
    (wired((averaged, 0), (bp.Tanh(), 1), (averaged, 2), (bp.Add(), 2, 3)), (5, 3)),
    (bp.Network([bp.Embedding(6, 3), bp.LSTM(2), bp.LayerNorm(), bp.Dense(2)]), (2, 4)),
    (bp.Network([bp.Network([bp.Embedding(6, 2)]), bp.Flatten()]), (2, 3)),
    (wired((bp.Embedding(6, 2), 1), (bp.Concat(), 0, 2), (bp.Tanh(), 3), inputs=2), (3, 4), (3,)),
    (wired((bp.Embedding(6, 2), 0), (bp.Embedding(4, 2), 0), (bp.Add(), 1, 2)), (3, 2)),
    (wired((looked_up, 0), (looked_up, 1), (bp.Concat(), 2, 3), inputs=2), (3,), (3,)),
]

CASES = [Case(layer, shapes) for layer, *shapes in TABLE]

PROBABILITIES = np.array([[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])
OUTSIDE = np.array([[-0.5, 0.4, 1.5], [0.6, -1.0, 2.0]])  # where the clips of the logarithms hold
CLASSES, COUNTS = np.array([2, 0]), np.array([[1.0, 2.0, 0.0], [0.0, 3.0, 1.0]])
SHARES = np.array([[0.9, 0.2, 1.0], [0.0, 0.3, 0.6]])

# Losses: both reductions, both kinds of target, rows that sum to 1 and others
LOSS_CASES = [
    LossCase(loss(reduction=reduction), y, target)
    for reduction in ("mean", "sum")
    for loss, ys, targets in [
        (bp.SoftmaxCrossEntropy, [3 * OUTSIDE], [CLASSES, PROBABILITIES, COUNTS]),
        (bp.CrossEntropy, [PROBABILITIES, OUTSIDE], [CLASSES, COUNTS]),
        (bp.LogisticCrossEntropy, [3 * OUTSIDE], [CLASSES, SHARES]),
        (bp.BinaryCrossEntropy, [PROBABILITIES, OUTSIDE], [CLASSES, SHARES]),
        (bp.MeanSquaredError, [OUTSIDE], [CLASSES, SHARES]),
        (bp.HalfSquaredError, [OUTSIDE], [CLASSES, SHARES]),
    ]
    for y in ys
    for target in targets
]
