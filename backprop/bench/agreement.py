"""Do the sides do the same work? Looked at before any time is taken."""

import numpy as np

from ..errors import expects

AGREE = 1e-3
"""How far a mean loss may be from ours, relative to it, and a probability from ours."""


class Disagreement(ValueError):
    """Two computations that should find the same numbers, and do not."""


def agree_on_losses(workload, side, ours, theirs, _=False):
    """Raise Disagreement unless two mean losses are the same to a few digits."""
    if not abs(theirs - ours) <= AGREE * abs(ours):
        what = f"{side} to find our loss for {workload}, {ours:.6g}"
        raise expects("bench", what, f"{theirs:.6g}", Disagreement)


def agree_on_outputs(workload, side, ours, theirs, probabilities=False):
    """Raise Disagreement unless two batches of outputs have the same softmax.

    `probabilities` tells that it has been taken of `theirs` already.
    """
    ours = _softmax(ours)
    theirs = theirs if probabilities else _softmax(theirs)
    apart = float(np.abs(theirs - ours).max())
    if not apart <= AGREE:
        what = f"{side} to find our probabilities for {workload}"
        raise expects("bench", what, f"some that are {apart:.2g} away", Disagreement)


def agree_on_gradients(way, ours, theirs, bound):
    """Raise Disagreement unless two gradients differ by at most `bound` of the largest entry."""
    apart = float(np.abs(np.subtract(ours, theirs)).max() / np.abs(ours).max())
    if not apart <= bound:
        what = f"{way} to give the gradient of backpropagation"
        raise expects("bench", what, f"one that is {apart:.1e} away", Disagreement)


def _softmax(y):
    p = np.exp(y - y.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)
