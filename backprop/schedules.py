"""How the learning rate changes over training.

A schedule is called with the epoch, a real number (2.5 is the middle of the third one), and with
the monitored losses of the epochs finished so far. It returns the factor that multiplies the
optimizer's rate. It remembers nothing, so a resumed training goes on with the rates of an
uninterrupted one.
"""

import math

from .errors import expects, real, whole
from .settings import Configured


class Schedule(Configured):
    """Base of the schedules: settings in, factor out."""

    def __call__(self, epoch, losses=()):
        """Return the factor at `epoch`, a number from 0, after epochs that ended with `losses`."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__")


class ConstantRate(Schedule):
    """The optimizer's own rate, all the time."""

    def __call__(self, epoch, losses=()):
        return 1.0


class StepDecay(Schedule):
    r"""A staircase, $\text{factor}^{\lfloor \text{epoch}/\text{every} \rfloor}$.

    Args:
        every: epochs on each stair, a whole number.
        factor: from one stair to the next, not negative.
    """

    def __init__(self, every, factor):
        self.every = whole("StepDecay", "every", every)
        self.factor = real("StepDecay", "factor", factor, least=0)

    def __call__(self, epoch, losses=()):
        return self.factor ** (epoch // self.every)


class ExponentialDecay(Schedule):
    r"""A steady decay, $\text{factor}^{\text{epoch}}$.

    Args:
        factor: from one epoch to the next, not negative.
    """

    def __init__(self, factor):
        self.factor = real("ExponentialDecay", "factor", factor, least=0)

    def __call__(self, epoch, losses=()):
        return self.factor**epoch


class CosineDecay(Schedule):
    r"""Half a wave from 1 down to the floor $f$, which it keeps from epoch $T$ on:

    $$ f + (1 - f)\,\frac{1 + \cos(\pi\, \text{epoch}/T)}{2}. $$

    Args:
        epochs: $T$, above 0.
        floor: $f$, not negative.

    Source: Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts* (2017),
    equation 5, without the restarts.
    """

    def __init__(self, epochs, floor=0.0):
        self.epochs = _above_zero("CosineDecay", epochs)
        self.floor = real("CosineDecay", "floor", floor, least=0)

    def __call__(self, epoch, losses=()):
        wave = (1 + math.cos(math.pi * min(epoch / self.epochs, 1))) / 2
        return self.floor + (1 - self.floor) * wave


class WarmUp(Schedule):
    """A straight line from 0 up to where another schedule begins, and then that schedule.

    The other one counts its epochs, and the losses it is shown, from the end of the warm-up.

    Args:
        epochs: length of the warm-up, above 0; less than 1 is possible.
        after: the schedule to go on with.

    Source: Goyal et al., *Accurate, large minibatch SGD: training ImageNet in 1 hour* (2017).
    """

    def __init__(self, epochs, after: Schedule = ConstantRate()):
        self.epochs = _above_zero("WarmUp", epochs)
        if not callable(after):
            raise expects("WarmUp", "after to be a schedule", repr(after), TypeError)
        self.after = after

    def __call__(self, epoch, losses=()):
        slope = min(epoch / self.epochs, 1)
        return slope * self.after(max(epoch - self.epochs, 0), losses[math.ceil(self.epochs) :])


class ReduceOnPlateau(Schedule):
    """A cut whenever the monitored loss has stopped falling.

    The loss of an epoch is an improvement if it is lower than the best so far by more than
    `min_delta`; NaN is none. After `patience` epochs in a row without one, the factor applies once
    more and the counting starts anew.

    Args:
        patience: epochs to wait, a whole number.
        factor: what a cut multiplies the rate by, below 1.
        min_delta: the improvement that is too small to count, not negative.
    """

    def __init__(self, patience, factor, min_delta=0.0):
        self.patience = whole("ReduceOnPlateau", "patience", patience)
        self.factor = real("ReduceOnPlateau", "factor", factor, least=0, below=1)
        self.min_delta = real("ReduceOnPlateau", "min_delta", min_delta, least=0)

    def __call__(self, epoch, losses=()):
        best, waited, cuts = math.inf, 0, 0
        for loss in losses:
            if loss < best - self.min_delta:
                best, waited = loss, 0
            else:
                waited += 1
            if waited == self.patience:
                waited, cuts = 0, cuts + 1
        return self.factor**cuts


def _above_zero(who, epochs):
    """Return `epochs` as a float above 0, or raise ValueError."""
    if real(who, "epochs", epochs, least=0) == 0:
        raise expects(who, "epochs above 0", epochs)
    return float(epochs)
