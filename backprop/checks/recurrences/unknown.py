"""Cells that nobody knows: what a missing carry leaves of dx."""

import numpy as np

EVIDENCE = "Each step has the share of its own output alone: nothing comes back from later steps."


def own_steps(case):
    """Yield dx of (N, T, D) or (T, N, D) as it is where nothing is carried between the steps.

    An output that depends on the inputs of all steps up to its own, and on no later one, comes from
    a recurrence.
    """
    x, y = case.x.shape, case.y.shape
    if len(x) != 3 or len(y) != 3 or x[:2] != y[:2] or case.delta.shape != y:
        return
    for time in (1, 0):
        T = x[time]
        J = case.jacobian(case.first).reshape(*y, *x)
        J = np.moveaxis(J, (time, 3 + time), (0, 1))  # (step of y, step of x, ...)
        reached = np.abs(J).max(axis=(2, 3, 4, 5)) > 1e-12
        if T > 1 and np.array_equal(reached, np.tri(T, dtype=bool)):
            delta = np.moveaxis(case.delta, time, 0)
            dx = np.einsum("tab,tabcd->tcd", delta, J[range(T), range(T)])
            yield "hidden delta not carried", EVIDENCE, {case.first: np.moveaxis(dx, 0, time)}
