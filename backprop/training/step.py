"""One update of a network's parameters: the block that every training loop is made of."""

import copy
import math
from typing import NamedTuple

import numpy as np

from ..errors import expects, real, whole
from ..layer import Array
from ..optimizers import Optimizer, clip_by_global_norm
from ..parallel import norm
from ..selection import fits, where
from ..settings import ours
from .objective import Objective

MASKS = 1
"""Keeps the random streams of stochastic layers apart from those that shuffle the batches."""


class Update(NamedTuple):
    """What one update saw, before it changed the parameters."""

    data_loss: float
    """The loss of the batch, without penalties."""
    penalty: float
    """The sum of the penalties."""
    y: Array
    """What the network returned for the batch."""
    gradient_norm: float
    """The global norm of the gradient, before clipping."""
    states: dict
    """The states that recurrent layers ended with, by layer number."""

    @property
    def loss(self):
        """The number that the update made smaller."""
        return self.data_loss + self.penalty


class TrainStep:
    """One update after another: forward, loss, backward, penalties, clipping, optimizer.

        step = TrainStep(net, SoftmaxCrossEntropy(), Adam(1e-3))
        for x, y in my_batches:
            loss = step(x, y)

    What is remembered from one update to the next is `step.state`, a dict that one can print; its
    `"t"` counts the updates. Stochastic layers draw from a generator made from `(seed, t)` alone,
    so an update depends on its place in the run and on no hidden generator. Where a batch is cut
    into parts, each has its own, so another number of threads draws other numbers.

    Args:
        net: a built Network, whose parameters are updated in place.
        loss: a Loss.
        optimizer: an Optimizer.
        penalties: penalties on the parameters, added to loss and gradient alike.
        clip: the largest global norm of the gradient (penalties included); a longer one is
            shortened.
        freeze: patterns over parameter keys, such as `"*.b"` or `("0.*", "1.*")`. What they fit
            keeps every bit: the optimizer does not see it, so neither momentum nor weight decay
            moves it. (Running averages are no parameters, and go on.)
        seed: seed of the stochastic layers.
        state: the `state` of an earlier TrainStep to go on from; it is copied.

    Raises:
        TypeError: `net`, `loss` or `optimizer` is something else.
        ValueError: the network is not built, a pattern fits no key, nothing is left to train,
            `clip` is not positive, or `state` is not of this network and optimizer.
    """

    def __init__(
        self, net, loss, optimizer, *, penalties=(), clip=None, freeze=(), seed=0, state=None
    ):
        self.objective = Objective("TrainStep", net, loss, penalties)
        if not isinstance(optimizer, Optimizer):
            raise expects("TrainStep", "an optimizer such as SGD(0.1)", repr(optimizer), TypeError)
        self.net, self.optimizer = net, optimizer
        self.clip = None if clip is None else real("TrainStep", "clip", clip)
        if self.clip is not None and self.clip <= 0:
            raise expects("TrainStep", "clip to be above 0", clip)
        self.seed = whole("TrainStep", "seed", seed, least=0)
        mask = ~fits("TrainStep", "freeze", net, freeze)
        if not mask.any():
            raise expects("TrainStep", "parameters left to train", "none")
        self.trained = where(mask)
        self.state = optimizer.start(net.parameters[self.trained])
        if state is not None:
            self.state = _continued(self.state, state)

    def __call__(self, x, y, rate=None):
        """Do one update and return the loss before it: see `update`."""
        return self.update(x, y, rate).loss

    def update(self, x, y, rate=None, states=None):
        """Do one update and return what it saw.

        After an error the parameters and the running averages are as they were before.

        Args:
            x: the inputs of a batch; a tuple of arrays for a network with several inputs.
            y: the targets.
            rate: a learning rate instead of the optimizer's own.
            states: what recurrent layers begin with, as in `Network.forward`.

        Raises:
            ValueError: a parameter's array was replaced by another (`net[0].W = array`), which an
                update could not reach; or the batch does not suit the network or the loss.
            FloatingPointError: the loss or the gradient is NaN or infinite.
        """
        averages = self.net.averages
        try:
            value, g, length = self._gradient(x, y, states)
        except BaseException:
            self.net.averages = averages
            raise
        if self.clip is not None:
            g, _ = clip_by_global_norm(g, self.clip)
        # With nothing frozen `w` is the vector itself, and the last line copies nothing.
        w = self.net.parameters[self.trained]
        # An optimizer of one's own may work on other pieces than it would in one thread.
        shared = {"threads": value.parts} if ours(type(self.optimizer)) else {}
        self.optimizer.step(w, g, self.state, rate, **shared)
        self.net.parameters[self.trained] = w
        return Update(value.data_loss, value.penalty, value.y, length, value.states)

    def _gradient(self, x, y, states):
        """Return the Value at a batch, and the trained part of its gradient with its norm."""
        t = self.state["t"]
        rng = np.random.default_rng((self.seed, t, MASKS)) if self.net.stochastic else None
        value = self.objective(x, y, rng=rng, states=states)
        g = value.gradient[self.trained]
        length = norm(g, value.parts)
        if not math.isfinite(value.loss + length):
            got = f"loss {value.loss}, gradient norm {length} in update {t + 1}"
            raise expects("TrainStep", "a finite loss and gradient", got, FloatingPointError)
        return value, g, length


def _continued(fresh, state):
    """Return a copy of `state` if it has the entries of a `fresh` one, or raise ValueError."""
    mine, its = (_kinds(each) for each in (fresh, state))
    if mine != its:
        raise expects("TrainStep", f"a state of {mine}", its)
    return copy.deepcopy(state)


def _kinds(state):
    """Return `t int, v (43,) float32`: what a state is made of."""
    words = []
    for name, value in state.items():
        array = isinstance(value, np.ndarray)
        words.append(
            f"{name} {value.shape} {value.dtype}" if array else f"{name} {type(value).__name__}"
        )
    return ", ".join(words)
