"""Full-batch minimisation by L-BFGS-B."""

import math

import numpy as np

from ..errors import expects, real, whole
from ..selection import fits, where
from .examples import Examples
from .objective import Objective


def minimize(
    net,
    data,
    *,
    loss,
    penalties=(),
    freeze=(),
    max_iterations=200,
    tolerance=1e-5,
    progress=False,
):
    """Train `net` in place by L-BFGS-B on all examples at once: for small nets and data sets.

    It learns the curvature from the last few gradients, chooses its own steps, and is
    deterministic. The vectors of SciPy are float64, but the loss of a float32 network is known to
    seven digits only: the search ends where a step makes less difference than that, which may be
    before the gradient is within `tolerance`. Build the network with `dtype=np.float64` to go on.

    Args:
        net: a built Network without random layers; it ends with the best parameters met (and the
            running averages of then), also if the search is cut short by an error or by Ctrl-C.
        data: a pair `(x, y)`; `x` is a tuple of arrays if the network has several inputs.
        loss: a Loss.
        penalties: penalties on the parameters.
        freeze: patterns over the keys of parameters that are to stay as they are.
        max_iterations: how many steps to make at most.
        tolerance: stop when no entry of the gradient is larger.
        progress: whether to print a line for each iteration.

    Returns:
        SciPy's OptimizeResult: `fun` the loss with penalties, `nit` iterations, `nfev` evaluations,
        `success`, `message`, and besides `losses`, an array with the loss after each iteration.

    Raises:
        TypeError: an argument is of another kind.
        ValueError: the network has random layers or nothing left to train, or the examples do not
            suit.
        FloatingPointError: a loss is NaN or infinite.

    Source: Byrd, Lu, Nocedal and Zhu, *A limited memory algorithm for bound constrained
    optimization* (1995).
    """
    from scipy import optimize  # takes longer to import than all of this package

    objective = Objective("minimize", net, loss, penalties)
    max_iterations = whole("minimize", "max_iterations", max_iterations)
    tolerance = real("minimize", "tolerance", tolerance, least=0)
    if net.stochastic:
        raise expects("minimize", "a network without random layers", repr(net))
    mask = ~fits("minimize", "freeze", net, freeze)
    if not mask.any():
        raise expects("minimize", "parameters left to train", "none")
    search = _Search(objective, Examples("minimize", net, data, loss)[:], where(mask), progress)
    start = net.parameters[search.part].astype(np.float64)
    options = {
        "maxiter": max_iterations,
        "gtol": tolerance,
        "ftol": 0.0,
        "maxfun": 20 * max_iterations,
    }
    try:
        found = optimize.minimize(
            search.evaluate,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=search.note,
            options=options,
        )
    finally:
        net.parameters[search.part], net.averages = search.best
    found.losses = np.array(search.losses)
    return found


class _Search:
    """The objective as SciPy calls it, and the best of the points that it was called with."""

    def __init__(self, objective, batch, part, progress):
        self.objective, self.batch, self.part, self.progress = objective, batch, part, progress
        self.best = objective.net.parameters[part].copy(), objective.net.averages
        self.least = math.inf
        self.losses = []

    def evaluate(self, w):
        """Return the loss at `w` and its gradient."""
        net, parameters = self.objective.net, self.objective.net.parameters
        parameters[self.part] = w
        value = self.objective(*self.batch)
        if not math.isfinite(value.loss):
            raise expects("minimize", "a finite loss", value.loss, FloatingPointError)
        if value.loss < self.least:
            self.least, self.best = value.loss, (parameters[self.part].copy(), net.averages)
        return value.loss, value.gradient[self.part].astype(np.float64)

    def note(self, intermediate_result):
        """Remember the loss after an iteration."""
        self.losses.append(float(intermediate_result.fun))
        if self.progress:
            print(f"iteration {len(self.losses)}  loss {self.losses[-1]:.6g}")
