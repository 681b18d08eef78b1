"""The contract that every loss keeps."""

import math
from typing import Any

import numpy as np

from ..compiled import SINGLE, kernels
from ..errors import choice, expects
from ..settings import Configured


class Loss(Configured):
    r"""A number $L$ that says how far outputs are from their targets, and its gradient.

    The two passes are those of a layer, and as pure:

        loss, cache = ce.forward(y, target)
        delta = ce.backward(cache)  # dL/dy, in the shape and type of y

    **Reduction.** A loss defines $\ell_n$, the loss of one example: of one row of `y`, whose last
    axis is the outputs. Then

    $$ L = r \sum_n \ell_n,
       \qquad r = \begin{cases} 1/N & \text{"mean"} \\ 1 & \text{"sum"} \end{cases} $$

    and this $r$ is the only place where anything is divided by the number of examples: layers sum.
    More leading axes count as more examples.

    **Targets** are rows of numbers in the shape of `y`, or integer classes in the shape of `y`
    without its last axis, if that has at least two outputs. Class $c$ stands for the row that is 1
    at $c$ and 0 elsewhere. Nothing is broadcast.

    Args:
        reduction: "mean" or "sum".

    Raises:
        TypeError: `y` is not of a floating type; `target` does not hold numbers.
        ValueError: a shape does not fit, `y` is empty, a class does not exist, a target is NaN or
            outside the range of the loss, or `reduction` is neither.
    """

    least, most = -math.inf, math.inf
    """The range of the targets."""
    by_example: bool | None = None
    """Whether the loss of an example depends on no other one, so that a batch may be cut into
    parts. If nothing is said, it does not for the losses of this package, and may for others."""

    ends_chains: bool = False
    """Whether there is a compiled call that goes through Dense layers and this loss together."""

    def __init__(self, *, reduction="mean"):
        self.reduction = choice(type(self).__name__, "reduction", reduction, ("mean", "sum"))

    def forward(self, y, target, /):
        """Return the loss, a scalar, and the cache that `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, cache, /):
        """Return `delta` = dL/dy."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def correct(self, y, target, /):
        """Return which examples are answered correctly, or None where that means nothing.

        Given a class, the answer is the largest output; given a row, it is the loss that decides.
        """
        y, t, _ = self._enter(y, target)
        if np.ndim(target) == y.ndim:
            return self._agree(y, t)
        return y.argmax(axis=-1) == t.argmax(axis=-1)

    def _agree(self, y, t):
        """Return which rows of outputs give the answer of their row of targets, or None."""

    def _enter(self, y, target) -> tuple[Any, Any, float]:
        """Return the outputs, the targets as rows of their shape and type, and $r$; or raise."""
        who, y, target = type(self).__name__, np.asarray(y), np.asarray(target)
        if y.dtype.kind not in "fc":
            raise expects(who, "outputs of a floating type", y.dtype, TypeError)
        if y.size == 0 or y.ndim == 0:
            raise expects(who, "outputs of shape (N, M) without an empty axis", y.shape)
        dtype = np.real(y).dtype
        if target.shape == y.shape:
            t = self._values(target).astype(dtype, copy=False)
        elif target.shape == y.shape[:-1] and y.shape[-1] > 1:
            t = self._rows(target, y)
        else:
            classes = f" or classes of shape {y.shape[:-1]}" if y.shape[-1] > 1 else ""
            raise expects(who, f"targets of shape {y.shape}{classes}", target.shape)
        return y, t, y.shape[-1] / y.size if self.reduction == "mean" else 1.0

    def _values(self, target):
        """Return targets in the shape of the outputs, or raise TypeError or ValueError."""
        who = type(self).__name__
        if target.dtype.kind not in "biuf":
            raise expects(who, "targets that are real numbers", target.dtype, TypeError)
        good = np.isfinite(target) & (target >= self.least) & (target <= self.most)
        if not good.all():
            what = f"finite targets from {self.least:g} to {self.most:g}"
            raise expects(who, what, target[~good][0])
        return target

    def _rows(self, target, y):
        """Return the rows that integer classes stand for, or raise TypeError or ValueError."""
        who = type(self).__name__
        if target.dtype.kind not in "iu":
            raise expects(who, "classes that are integers", target.dtype, TypeError)
        if compiled := kernels("losses", y, of=self, types=SINGLE):
            t = compiled.one_hot(target, y.shape[-1])
            if t is not None:
                return t
        M = y.shape[-1]
        good = (target >= 0) & (target < M)
        if not good.all():
            raise expects(who, f"classes from 0 to {M - 1}", target[~good][0])
        return (target[..., np.newaxis] == np.arange(M)).astype(np.real(y).dtype)
