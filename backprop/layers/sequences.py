"""Sequences as the recurrent layers see them: a step after the other."""

import numpy as np

from ..errors import batch_of, expects


def check_sequence(who, units, in_shape, states, allowed):
    """Return (T, D) of sequences of `in_shape`, or raise ValueError.

    `states` are the shapes of the initial states, of which as many as in the tuple `allowed` may
    come.
    """
    if len(in_shape) != 2:
        raise expects(who, "sequences of shape (N, T, D)", batch_of(in_shape))
    if len(states) not in allowed:
        counts = " or ".join(map(str, allowed))
        raise expects(who, f"{counts} initial states", len(states))
    for state in states:
        if state != (units,):
            raise expects(who, f"initial states of shape (N, {units})", batch_of(state))
    return in_shape


def time_first(x, reverse):
    """Return sequences (N, T, D) as steps (T, N, D), each in one piece of memory."""
    steps = x.swapaxes(0, 1)
    return np.ascontiguousarray(steps[::-1] if reverse else steps)


def batch_first(steps, reverse):
    """Return steps (T, N, D) as sequences (N, T, D): the inverse and transpose of `time_first`."""
    return (steps[::-1] if reverse else steps).swapaxes(0, 1)
