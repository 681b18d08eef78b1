"""Sequences as the recurrent layers see them: a step after the other, unless it is masked."""

import numpy as np

from ..compiled import kernels
from ..errors import batch_of, expects
from ..layer import Array


def check_sequence(who, units, in_shape, more, allowed, masked=False):
    """Return (T, D) of sequences of `in_shape`, or raise ValueError.

    `more` are the shapes of the further inputs: of as many initial states as the tuple `allowed`
    has it and, where the layer is `masked`, of the mask.
    """
    if len(in_shape) != 2:
        raise expects(who, "sequences of shape (N, T, D)", batch_of(in_shape))
    states = more
    if masked:
        *states, mask = more or [None]
        if mask != in_shape[:1]:
            what = f"a mask of shape {batch_of(in_shape[:1])} as its last input"
            raise expects(who, what, "none" if mask is None else batch_of(mask))
    if len(states) not in allowed:
        counts = " or ".join(map(str, allowed))
        raise expects(who, f"{counts} initial states", len(states))
    for state in states:
        if state != (units,):
            raise expects(who, f"initial states of shape (N, {units})", batch_of(state))
    return in_shape


def in_steps(x, reverse):
    """Return sequences (N, T, D) as steps (T, N, D), where they lie."""
    steps = x.swapaxes(0, 1)
    return steps[::-1] if reverse else steps


def time_first(x, reverse):
    """Return sequences (N, T, D) as steps (T, N, D), each in one piece of memory."""
    return np.ascontiguousarray(in_steps(x, reverse))


def batch_first(steps, reverse):
    """Return steps (T, N, D) as sequences (N, T, D): the inverse and transpose of `time_first`."""
    return (steps[::-1] if reverse else steps).swapaxes(0, 1)


def states_and_mask(more, masked, reverse) -> tuple[tuple, Array]:
    """Return the initial states and the mask, as steps (T, N, 1), among the further inputs."""
    if not masked:
        return more, None
    *states, m = more
    return tuple(states), time_first(m[..., np.newaxis], reverse)


def compiled_steps(layer, can, *arrays):
    """Return the compiled steps, or None where the NumPy lines are to run.

    Those are written for float32, since NumPy's own tanh is faster in float64, and without masks.
    """
    can = can and not layer.masked and arrays[0].dtype == np.float32
    return kernels("recurrent", *arrays, of=layer) if can else None


def made_by_steps(states, masked):
    """Return the array for what the steps make of `states` (T + 1, N, H): these, unless masked."""
    return np.empty_like(states[1:]) if masked else states[1:]


def of_inputs(dx, dstates, dm, reverse):
    """Return what `backward` hands down: dx alone, or with those of further inputs in a tuple.

    `dx` and `dm` are steps, `dm` is None where there is no mask.
    """
    dx = batch_first(dx, reverse)
    dmask = () if dm is None else (batch_first(dm, reverse)[..., 0],)
    return (dx, *dstates, *dmask) if dstates or dmask else dx


def by_name(names, steps, reverse):
    """Return the stretches that lie side by side in `steps` (T, N, ...) by name, each (N, T, H)."""
    parts = np.split(batch_first(steps, reverse), len(names), axis=-1)
    return dict(zip(names, parts, strict=True))


def blend(m, new, old):
    r"""Return the state after a step that may be masked: the new one, or the old one as it was.

    Shapes: $m\,(N, 1)$, all others $(N, H)$. With $\tilde s$ what the step makes of the state
    $s_{t-1}$,

    $$ s_t = m_t \odot \tilde s_t + (1 - m_t) \odot s_{t-1} \tag{1} $$

    which for $m = 1$ is $\tilde s_t$ and for $m = 0$ is $s_{t-1}$, both to the last bit.
    """
    return m * new + (1 - m) * old  # (1)


def blend_backward(ds, m, new, old):
    r"""Return the gradients of the new state, the old one and the mask: `blend` transposed.

    $$ d\tilde s = m_t \odot ds \tag{1} $$

    $$ ds_{t-1} = (1 - m_t) \odot ds \tag{2} $$

    $$ dm_t = \sum_k ds_k\,(\tilde s_t - s_{t-1})_k \tag{3} $$

    The delta goes two ways: through the step, and past it, straight to the state before. That
    state is read by the step too, and its delta is the sum of both.
    """
    dnew = m * ds  # (1)
    dold = (1 - m) * ds  # (2)
    dm = (ds * (new - old)).sum(axis=-1, keepdims=True)  # (3)
    return dnew, dold, dm
