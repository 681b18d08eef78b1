"""How well a network does on examples."""

from dataclasses import dataclass, field

import numpy as np

from ..errors import whole
from ..layer import Array
from .examples import Examples
from .objective import require_loss, require_network


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` found. Where answers are not right or wrong, only `loss` counts."""

    loss: float
    """The loss of all examples together, as the loss's reduction has it, without penalties."""
    accuracy: float
    """The share of right answers, or NaN."""
    confusion: Array | None = field(repr=False)
    """Counts (K, K): row the true class, column the answer; None without one class an example."""
    predictions: Array | None = field(repr=False)
    """The classes answered, in the order of the examples; None as above."""


def evaluate(net, data, *, loss, batch_size=256):
    """Return the loss, accuracy and confusion matrix of `net` on examples.

    Args:
        net: a built Network; it is asked by `predict`.
        data: a pair `(x, y)`; `x` is a tuple of arrays if the network has several inputs.
        loss: a Loss.
        batch_size: how many examples to predict at a time.

    Raises:
        TypeError: an argument is something else.
        ValueError: the network is not built, there is no example, a number is not finite, or shapes
            or targets do not suit the network and the loss.
    """
    require_network("evaluate", net)
    require_loss("evaluate", loss)
    batch_size = whole("evaluate", "batch_size", batch_size)
    return evaluation(net, Examples("evaluate", net, data, loss), loss, batch_size)


def evaluation(net, examples, loss, batch_size=256):
    """Return the Evaluation of Examples that have been checked."""
    tally = Tally(loss)
    answers, truths, K = [], [], 0
    for start in range(0, len(examples), batch_size):
        x, target = examples[start : start + batch_size]
        y = net.predict(*x)
        tally.add(float(loss.forward(y, target)[0]), y, target)
        answer, truth = _classes(loss, y, target)
        answers.append(answer)
        truths.append(truth)
        K = max(y.shape[-1], 2)
    if answers[0] is None:
        return Evaluation(tally.loss, tally.accuracy, None, None)
    predictions, truth = np.concatenate(answers), np.concatenate(truths)
    pairs = np.bincount((truth * K + predictions).ravel(), minlength=K * K)
    return Evaluation(tally.loss, tally.accuracy, pairs.reshape(K, K), predictions)


class Tally:
    """The loss and the accuracy of many batches as if they were one."""

    def __init__(self, loss):
        self.of = loss
        self.examples = 0
        self.total = 0.0
        self.penalties = 0.0
        self.answered = 0
        self.right = 0

    def add(self, value, y, target, penalty=0.0):
        """Count a batch whose loss is `value`, to which `penalty` comes."""
        N = len(y)
        self.examples += N
        self.penalties += penalty * N
        self.total += value * N if self.of.reduction == "mean" else value
        correct = self.of.correct(y, target)
        if correct is not None:
            self.answered += correct.size
            self.right += int(correct.sum())

    @property
    def loss(self):
        """The mean or sum of the examples' losses, as the reduction says, plus the mean penalty."""
        loss = self.total / self.examples if self.of.reduction == "mean" else self.total
        return loss + self.penalties / self.examples

    @property
    def accuracy(self):
        """The share of right answers, or NaN if answers are not right or wrong."""
        return self.right / self.answered if self.answered else float("nan")


def _classes(loss, y, target):
    """Return the classes answered and the true ones, or two None if there is not one an example."""
    if target.ndim < y.ndim:
        return y.argmax(axis=-1), target.astype(np.int64)
    if loss.correct(y, target) is None:
        return None, None
    threshold = getattr(loss, "threshold", None)  # yes-or-no questions: one makes two classes
    if threshold is None:
        return y.argmax(axis=-1), target.argmax(axis=-1)
    if y.shape[-1] == 1:
        return (y[..., 0] > threshold).astype(np.int64), (target[..., 0] > 0.5).astype(np.int64)
    return None, None
