"""What is minimised, and what a minimisation went through."""

import math
from dataclasses import dataclass, field

import numpy as np

from ...errors import expects, real, whole
from .. import amplification


@dataclass
class Descent:
    """What a training went through."""

    errors: list[float] = field(default_factory=list)
    """Half the sum of the squared residuals: before the first step, and after each."""
    dampings: list[float] = field(default_factory=list)
    """What each step was damped by: by 0 without damping."""
    refused: list[int] = field(default_factory=list)
    """How many steps were tried and undone before each one that was taken."""

    @property
    def steps(self):
        """How many steps were taken."""
        return len(self.dampings)

    def note(self, error, damping=0.0, refused=0):
        """Add a step."""
        self.errors.append(error)
        self.dampings.append(damping)
        self.refused.append(refused)


class Problem:
    """The least squares of a net on examples, and the net's parameters `w` as one vector."""

    def __init__(self, who, net, x, target, steps, goal, jacobian):
        if not (hasattr(net, "params") and hasattr(net, "predict")):
            raise expects(who, "a net with params and predict", repr(net), TypeError)
        self.who, self.net, self.x = who, net, np.asarray(x)
        self.steps = whole(who, "steps", steps, least=0)
        self.goal = real(who, "goal", goal, least=0)
        self.target = np.asarray(target)
        if self.target.dtype.kind not in "biufc":
            raise expects(who, "targets that are numbers", self.target.dtype)
        y = np.asarray(net.predict(self.x))
        if self.target.shape != y.shape:
            raise expects(who, f"targets of shape {y.shape}", self.target.shape)
        if not net.params:
            raise expects(who, "a net with parameters", "none")
        if jacobian is not None and not callable(jacobian):
            raise expects(who, "jacobian to be a function", repr(jacobian), TypeError)
        own = getattr(net, "jacobian", None)
        self.jacobian = jacobian or (
            lambda net, x: own(x) if own else amplification.jacobian(net, x)
        )

    @property
    def w(self):
        return vector(self.net.params)

    @w.setter
    def w(self, w):
        start = 0
        for value in self.net.params.values():
            value[...] = w[start : start + value.size].reshape(value.shape)
            start += value.size

    def goes_on(self, history):
        return history.steps < self.steps and history.errors[-1] > self.goal

    def error(self, of_a_trial=False):
        """Return half the sum of the squared residuals. A trial may make it infinite or NaN."""
        with np.errstate(over="ignore", invalid="ignore"):
            error = float(((self.net.predict(self.x) - self.target) ** 2).sum() / 2)
        if not (of_a_trial or math.isfinite(error)):
            raise expects(self.who, "a finite error", error, FloatingPointError)
        return error

    def linearised(self):
        """Return the residuals, (NM), and the Jacobian, (NM, P)."""
        found = self.jacobian(self.net, self.x)
        if not isinstance(found, tuple | list) or len(found) != 2:
            what = "jacobian to return outputs and their derivatives"
            raise expects(self.who, what, type(found).__name__)
        y, J = found
        if J.shape != (*y.shape, self.w.size):
            raise expects(self.who, f"a Jacobian of shape {(*y.shape, self.w.size)}", J.shape)
        return (y - self.target).ravel(), J.reshape(y.size, -1)


def vector(arrays):
    """Return the arrays of a dict as one vector."""
    return np.concatenate([np.ravel(value) for value in arrays.values()])
