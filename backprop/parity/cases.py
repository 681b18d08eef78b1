"""What is compared with PyTorch, and by how much it may differ. Nothing here needs PyTorch."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import layers, losses, penalties, schedules
from ..layer import Layer
from ..losses import Loss
from ..network import Network
from ..optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp
from ..penalties import Penalty
from ..schedules import Schedule
from ..selfcheck import spread
from .table import BOUNDS

Bounds = Mapping[tuple[str, str], tuple[float, str]]


@dataclasses.dataclass
class Case:
    """Base of the cases: a `thing` of the package, in one configuration.

    `bounds` maps `(tensor, dtype)` to `(bound, reason)` where the bound is not the usual one.
    """

    thing: Any
    bounds: Bounds = dataclasses.field(default_factory=dict, kw_only=True)

    @property
    def name(self):
        """The class of what is compared, the rows' name in the table."""
        return type(self.thing).__name__

    @property
    def configuration(self):
        """The settings and the shapes, in words."""
        return f"`{self.thing!r}`"

    def bound(self, tensor, dtype):
        """Return the largest difference allowed, and the reason if it is not the usual one."""
        return self.bounds.get((tensor, dtype), (BOUNDS[dtype], ""))


@dataclasses.dataclass
class LayerCase(Case):
    """A layer, not built, and the shapes of its inputs with the batch axis.

    The inputs are spread evenly from -2 to 2, in random order. `whole` ones are whole numbers from
    -`whole` to `whole`: zeros and ties, where the layers have their kinks.
    """

    thing: Layer
    shapes: tuple
    whole: int = 0

    @property
    def configuration(self):
        """The settings and the shapes, in words."""
        shapes = " and ".join(map(str, self.shapes))
        return f"`{self.thing!r}` on {shapes}" + (f", whole to {self.whole}" if self.whole else "")

    def inputs(self, dtype):
        """Return inputs."""
        rng = np.random.default_rng(2)
        if self.whole:
            xs = [rng.integers(-self.whole, self.whole + 1, shape) for shape in self.shapes]
        else:
            xs = [spread(shape, rng) for shape in self.shapes]
        return [x.astype(dtype) for x in xs]


@dataclasses.dataclass
class LossCase(Case):
    """A loss and the shape of its outputs.

    The targets are `classes`, or else `rows`: of numbers from 0 to 1, that sum to 1 in
    `distributions`. `probabilities` are the outputs where the loss takes those.
    """

    thing: Loss
    shape: tuple
    targets: str = "rows"
    scale: float = 2.0
    """The largest score."""

    @property
    def configuration(self):
        """The settings, the shapes and the targets, in words."""
        scale = "" if self.scale == 2 else f", scores to {self.scale:g}"
        return f"`{self.thing!r}` on {self.shape}, {self.targets}{scale}"

    def outputs(self, dtype):
        """Return the outputs that the loss is given."""
        y = spread(self.shape, 0) * (self.scale / 2)
        if isinstance(self.thing, losses.BinaryCrossEntropy):
            y = 1 / (1 + np.exp(-y))
        elif isinstance(self.thing, losses.CrossEntropy):
            y = np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)
        return y.astype(dtype)

    def target(self, dtype):
        """Return the targets."""
        rng = np.random.default_rng(1)
        if self.targets == "classes":
            return rng.integers(0, self.shape[-1], self.shape[:-1])
        t = rng.random(self.shape)
        if self.targets == "distributions":
            t /= t.sum(axis=-1, keepdims=True)
        return t.astype(dtype)


@dataclasses.dataclass
class PenaltyCase(Case):
    """A penalty, on 12 weights of which one is zero."""

    thing: Penalty


@dataclasses.dataclass
class OptimizerCase(Case):
    """An optimizer, over 20 steps; `schedule` changes its rate and `clip` shortens gradients."""

    thing: Optimizer
    schedule: Schedule = dataclasses.field(default_factory=schedules.ConstantRate)
    clip: float | None = None

    @property
    def configuration(self):
        """The settings, in words."""
        schedule = "" if isinstance(self.schedule, schedules.ConstantRate) else f", {self.schedule}"
        clip = "" if self.clip is None else f", clipped to a norm of {self.clip:g}"
        return f"`{self.thing!r}`{schedule}{clip}, 20 steps"


@dataclasses.dataclass
class ScheduleCase(Case):
    """A schedule, over some epochs."""

    thing: Schedule
    epochs: int

    @property
    def configuration(self):
        """The settings, in words."""
        return f"`{self.thing!r}`, {self.epochs} epochs"


@dataclasses.dataclass
class TrainingCase(Case):
    """A model of the command line by name, trained for 100 updates on digits."""

    thing: str

    @property
    def name(self):
        """The model."""
        return self.thing

    @property
    def configuration(self):
        """The model, in words."""
        return "100 updates as `backprop train` does them"


def _wired(*steps):
    net = Network()
    for layer, *values in steps:
        net.add(layer, *values)
    return net


def _layers():
    """Return every public layer in several configurations."""
    row, image, odd, sequence, state = (4, 5), (2, 6, 8, 3), (2, 5, 7, 2), (3, 6, 4), (3, 5)
    shared = layers.Dense(5)
    activations = [
        layers.Identity(),
        layers.Sigmoid(),
        layers.Tanh(),
        layers.ReLU(),
        layers.LeakyReLU(),
        layers.LeakyReLU(slope=0.3),
        layers.ELU(),
        layers.ELU(alpha=0.7),
        layers.SELU(),
        layers.GELU(),
        layers.Softplus(),
        layers.Softsign(),
        layers.SiLU(),
        layers.Softmax(),
    ]
    pools = [
        (2, {}),
        (3, {"stride": 1}),
        (3, {"stride": 2, "padding": 1}),
        ((1, 3), {"stride": (2, 1)}),
        (3, {"padding": (2, 1)}),
        ((3, 4), {"stride": 2, "padding": "same"}),
    ]
    return [
        LayerCase(layers.Dense(3), (row,)),
        LayerCase(layers.Dense(1), ((1, 1),)),
        LayerCase(layers.Dense(3, bias=False), (sequence,)),
        LayerCase(layers.Dense(30), ((64, 400),)),
        LayerCase(layers.Conv2D(3, 3), (image,)),
        LayerCase(layers.Conv2D(2, (2, 3), stride=(2, 1), padding=(1, 2)), (odd,)),
        LayerCase(layers.Conv2D(2, 3, dilation=2, padding=2, bias=False), (odd,)),
        LayerCase(layers.Conv2D(2, 3, padding="same"), (odd,)),
        LayerCase(layers.Conv2D(2, (4, 2), padding="same"), (odd,)),
        LayerCase(layers.Conv2D(2, 4, padding="same", stride=2), (odd,)),
        LayerCase(layers.Conv2D(2, (2, 3), padding="same", stride=3, dilation=2), (odd,)),
        LayerCase(layers.Conv2D(3, (3, 2), flip=True), (image,)),
        LayerCase(layers.Conv2D(2, 3, flip=True, padding="same", stride=2), (odd,)),
        LayerCase(layers.Conv2D(16, 5, padding=2), ((8, 28, 28, 4),)),
        *(LayerCase(layers.MaxPool(size, **settings), (odd,)) for size, settings in pools),
        LayerCase(layers.MaxPool(2), (odd,), whole=1),
        LayerCase(layers.MaxPool(3, stride=2, padding=1), (odd,), whole=1),
        *(LayerCase(layers.AvgPool(size, **settings), (odd,)) for size, settings in pools),
        LayerCase(layers.AvgPool(3, stride=2, padding=1, count_include_pad=False), (odd,)),
        LayerCase(layers.AvgPool(2, padding="same", count_include_pad=False), (odd,)),
        *(
            LayerCase(layer, (sequence, *states))
            for layer, given in [
                (layers.RNN(5), (state,)),
                (layers.RNN(5, reverse=True), (state,)),
                (layers.RNN(5, activation="relu"), (state,)),
                (layers.LSTM(5), (state, state)),
                (layers.LSTM(5, reverse=True), (state, state)),
            ]
            for states in ((), given)
        ),
        LayerCase(layers.RNN(64), ((8, 28, 28),)),
        LayerCase(layers.LSTM(64), ((8, 28, 28),)),
        LayerCase(layers.LSTM(5, forget_bias=-1.0), ((1, 1, 1),)),
        *(LayerCase(layer, (row,)) for layer in activations),
        *(LayerCase(layer, ((4, 20),), whole=30) for layer in activations),
        LayerCase(layers.Softmax(), (sequence,)),
        LayerCase(layers.Dropout(), (row,)),
        LayerCase(layers.Dropout(rate=0.9), (image,)),
        LayerCase(layers.Flatten(), (image,)),
        LayerCase(layers.Flatten("columns"), (image,)),
        LayerCase(layers.Reshape((6, 24)), (image,)),
        LayerCase(layers.Last(), (sequence,)),
        LayerCase(layers.Last(reverse=True), (sequence,)),
        LayerCase(layers.Add(), (row, row, row)),
        LayerCase(layers.Concat(), (row, (4, 2))),
        LayerCase(
            Network(
                [
                    layers.Conv2D(4, 3, padding=1),
                    layers.ReLU(),
                    layers.MaxPool(2),
                    layers.Dropout(0.3),
                    layers.Flatten(),
                    layers.Dense(3),
                ]
            ),
            (image,),
        ),
        LayerCase(
            _wired((shared, 0), (layers.Tanh(), 1), (shared, 2), (layers.Add(), 0, 3)), (row,)
        ),
        LayerCase(
            _wired((layers.LSTM(3), 0), (layers.LSTM(3, reverse=True), 0), (layers.Concat(), 1, 2)),
            (sequence,),
        ),
        LayerCase(
            Network([Network([layers.Dense(4), layers.Softsign()]), layers.Softmax()]), (row,)
        ),
    ]


def _losses():
    """Return every public loss with both reductions, all kinds of targets, more axes."""
    kinds = {
        losses.SoftmaxCrossEntropy: ("classes", "distributions", "rows"),
        losses.CrossEntropy: ("classes", "distributions"),
        losses.LogisticCrossEntropy: ("rows", "classes"),
        losses.BinaryCrossEntropy: ("rows", "classes"),
        losses.MeanSquaredError: ("rows", "classes"),
        losses.HalfSquaredError: ("rows", "classes"),
    }
    return [
        *(
            LossCase(kind(reduction=reduction), shape, targets)
            for kind, all_targets in kinds.items()
            for targets in all_targets
            for reduction, shape in [("mean", (5, 4)), ("sum", (5, 4)), ("mean", (3, 6, 4))]
        ),
        LossCase(losses.SoftmaxCrossEntropy(), (5, 4), "classes", scale=60.0),
        LossCase(losses.LogisticCrossEntropy(), (5, 4), "rows", scale=60.0),
    ]


def _optimizers():
    step, cosine = schedules.StepDecay(5, 0.5), schedules.CosineDecay(20, floor=0.1)
    return [
        OptimizerCase(SGD(0.1)),
        OptimizerCase(SGD(0.1, momentum=0.9)),
        OptimizerCase(SGD(0.1, momentum=0.9, nesterov=True)),
        OptimizerCase(SGD(0.1, momentum=0.9, weight_decay=0.01)),
        OptimizerCase(SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
        OptimizerCase(AdaGrad(0.1)),
        OptimizerCase(RMSProp(0.01)),
        OptimizerCase(RMSProp(0.01, decay=0.9, epsilon=1e-5)),
        OptimizerCase(Adam(0.01)),
        OptimizerCase(Adam(0.01, beta1=0.8, beta2=0.99, epsilon=1e-5)),
        OptimizerCase(AdamW(0.01)),
        OptimizerCase(AdamW(0.01, weight_decay=0.1)),
        OptimizerCase(SGD(0.1), step),
        OptimizerCase(Adam(0.01), cosine),
        OptimizerCase(SGD(0.1, momentum=0.9), clip=1.0),
        OptimizerCase(Adam(0.01), clip=1.0),
    ]


def _schedules():
    return [
        ScheduleCase(schedules.ConstantRate(), 10),
        ScheduleCase(schedules.StepDecay(3, 0.5), 20),
        ScheduleCase(schedules.ExponentialDecay(0.9), 20),
        ScheduleCase(schedules.CosineDecay(20), 20),
        ScheduleCase(schedules.CosineDecay(20, floor=0.1), 20),
        ScheduleCase(schedules.WarmUp(5), 20),
        ScheduleCase(schedules.WarmUp(5, schedules.ExponentialDecay(0.9)), 20),
        ScheduleCase(schedules.ReduceOnPlateau(2, 0.5), 20),
        ScheduleCase(schedules.ReduceOnPlateau(3, 0.1, min_delta=0.05), 20),
    ]


def _trainings():
    summed = "the rounding errors of 100 updates add up"
    usual = {("w", "float32"): (1e-4, summed)}
    tipped = (
        "rounding tips a rectifier or a pool, and training goes on from there: begun from weights"
        " that differ in their last digit, our own run departs as far from itself"
    )
    of_cnn = {("losses", "float32"): (5e-2, tipped), ("w", "float32"): (1e-1, tipped)}
    names = ("mlp", "cnn", "lenet", "zhang", "rnn", "lstm")
    return [TrainingCase(name, bounds=of_cnn if name == "cnn" else usual) for name in names]


CASES = [
    *_layers(),
    *_losses(),
    PenaltyCase(penalties.L1(0.1)),
    PenaltyCase(penalties.L2(0.1)),
    *_optimizers(),
    *_schedules(),
    *_trainings(),
]
"""Everything that `parity` compares."""
