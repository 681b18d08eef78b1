"""The kinds of cases: a thing in one configuration, and by how much it may differ."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import losses, schedules
from ..layer import Layer
from ..losses import Loss
from ..optimizers import Optimizer
from ..penalties import Penalty
from ..schedules import Schedule
from ..selfcheck import numbers, spread
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
        xs = [numbers(self.thing, i, shape, rng) for i, shape in enumerate(self.shapes)]
        if self.whole:
            a = self.whole
            xs = [x if x.dtype.kind == "i" else rng.integers(-a, a + 1, x.shape) for x in xs]
        return [x if i in self.thing.integer_inputs else x.astype(dtype) for i, x in enumerate(xs)]


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
