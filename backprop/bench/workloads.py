"""The six networks that are raced: once, as data, for every side.

A workload is a network of this package, not built yet, and what it is trained on. The other sides
read the layers and their settings, and take over the weights that the network was built with.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..errors import choice
from ..layer import Array, Layer, Shape
from ..layers import LSTM, RNN, Conv2D, Dense, Flatten, Last, MaxPool, ReLU, Sigmoid
from ..losses import SoftmaxCrossEntropy
from ..network import Network
from ..optimizers import SGD

CLASSES = 10


@dataclass(frozen=True)
class Workload:
    """A network and what it is trained on."""

    name: str
    described: str
    in_shape: Shape
    layers: Callable[[], list[Layer]]
    """Makes the layers, new ones each time."""
    batch: int
    """Examples in a batch."""
    batches: int = 4
    """How many batches are prepared. One after the other they make a cycle."""
    momentum: float = 0.9
    rate: float = 0.01


@dataclass(frozen=True)
class Problem:
    """A workload with weights and batches: what every side is given, and none of them changes."""

    workload: Workload
    net: Network
    """Built: the weights that every side begins with."""
    batches: list[tuple[Array, Array]]
    loss: SoftmaxCrossEntropy = field(default_factory=SoftmaxCrossEntropy)

    @property
    def optimizer(self):
        """A new one."""
        return SGD(self.workload.rate, momentum=self.workload.momentum)


def prepare(workload):
    """Return the Problem of a workload, the same every time."""
    net = Network(workload.layers())
    net.build(workload.in_shape, rng=0)
    rng = np.random.default_rng(1)
    batches = []
    for _ in range(workload.batches):
        x = rng.random((workload.batch, *workload.in_shape), np.float32)
        batches.append((x, rng.integers(CLASSES, size=workload.batch)))
    return Problem(workload, net, batches)


def step_multiply_adds(net):
    """Return the multiply-adds of forward and backward for one example of a built chain.

    A gradient by the weights takes as many as the forward pass, and so does the delta that is
    handed down. The first layer with parameters hands none down. If it is recurrent, what it does
    not compute is the product with `Wx`, at every step; deltas still travel through time.
    """
    forward = net.multiply_adds(net.in_shapes[0])
    return 3 * forward - _handed_down(net)


def _handed_down(net):
    """Return the multiply-adds of the delta that the first layer with parameters does not make."""
    for layer, shape in zip(net, net.shapes, strict=False):
        if isinstance(layer, LSTM | RNN):
            return shape[0] * layer.Wx.size
        if layer.params:
            return layer.multiply_adds(shape)
    return 0


def find(who, names):
    """Return the workloads of these names, all of them for none; raise ValueError for others."""
    for name in names:
        choice(who, "a workload", name, list(WORKLOADS))
    return [WORKLOADS[name] for name in dict.fromkeys(names)] or list(WORKLOADS.values())


def _mlp():
    return [Dense(512), ReLU(), Dense(256), ReLU(), Dense(CLASSES)]


def _mlp_small():
    return [Dense(30), Sigmoid(), Dense(CLASSES)]


def _lenet():
    convolutions = [Conv2D(6, 5, padding=2), ReLU(), MaxPool(2), Conv2D(16, 5), ReLU(), MaxPool(2)]
    dense = [Dense(120), ReLU(), Dense(84), ReLU(), Dense(CLASSES)]
    return [*convolutions, Flatten(), *dense]


def _cnn():
    convolutions = [Conv2D(32, 3), ReLU(), Conv2D(64, 3), ReLU(), MaxPool(2)]
    return [*convolutions, Flatten(), Dense(128), ReLU(), Dense(CLASSES)]


def _rnn():
    return [RNN(128), Last(), Dense(CLASSES)]


def _lstm():
    return [LSTM(128), Last(), Dense(CLASSES)]


IMAGE, ROWS, PIXELS = (28, 28, 1), (28, 28), (784,)
WORKLOADS = {
    each.name: each
    for each in (
        Workload("mlp", "784-512-256-10, ReLU, momentum", PIXELS, _mlp, 128),
        Workload(
            "mlp-small", "784-30-10, logistic, no momentum", PIXELS, _mlp_small, 10, 50, 0.0, 0.1
        ),
        Workload("lenet", "6@5x5, pool, 16@5x5, pool, 120-84-10, ReLU", IMAGE, _lenet, 64),
        Workload("cnn", "32@3x3, 64@3x3, pool, 128-10, ReLU", IMAGE, _cnn, 64, 2),
        Workload("rnn", "28 steps of 28, 128 tanh, the last to 10", ROWS, _rnn, 64),
        Workload("lstm", "28 steps of 28, 128 cells, the last to 10", ROWS, _lstm, 64),
    )
}
"""The workloads by name. All are trained on softmax with cross-entropy."""
