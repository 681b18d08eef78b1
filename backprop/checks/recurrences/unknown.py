"""Cells that nobody knows: what a missing carry leaves of dx."""

import numpy as np

EVIDENCE = "Each step has the share of its own output alone: nothing comes back from later steps."


def own_steps(case):
    """Yield dx of (N, T, D) or (T, N, D) as it is where nothing is carried between the steps.

    An output that depends on the inputs of all steps up to its own, and on no later one, comes from
    a recurrence.
    """
    shape, out = case.x.shape, case.y.shape
    if len(shape) != 3 or case.delta.shape != out:
        return
    for time in (1, 0):
        T = shape[time]
        if T > 1 and len(out) == 3 and out[:2] == shape[:2]:
            J = np.moveaxis(_jacobian(case, time), 1 + time, 0)
            delta = np.moveaxis(case.delta, time, 0)
        elif T > 1 and len(out) == 2 and shape[1 - time] in out:
            J, delta = _jacobian(case, time)[None], case.delta[None]
        else:
            continue
        # J is (step of y, step of x, ...); of a single output, that of the last step.
        later = np.tri(T, T)[-len(J) :]
        if np.array_equal(np.abs(J).max(axis=tuple(range(2, J.ndim))) > 1e-12, later > 0):
            own = J[range(len(J)), range(T - len(J), T)]
            dx = np.zeros((T, *J.shape[-2:]))
            axes = "tab,tabcd->tcd" if delta.ndim == 3 else "ta,tacd->tcd"
            dx[T - len(J) :] = np.einsum(axes, delta, own)
            yield "hidden delta not carried", EVIDENCE, {case.first: np.moveaxis(dx, 0, time)}


def _jacobian(case, time):
    """Return dy/dx with the steps of x as the first axis."""
    J = case.jacobian(case.first).reshape(*case.y.shape, *case.x.shape)
    return np.moveaxis(J, case.y.ndim + time, 0)
