"""This package, through its public face."""

import numpy as np

from ... import compiled
from ...training import TrainStep
from .side import Side

if compiled.FOUND:
    # Now, as the other sides import what they compute with.
    import numba  # noqa: F401  # pyright: ignore[reportMissingImports]


class Ours(Side):
    """TrainStep and `Network.predict`."""

    library = "numba" if compiled.FOUND else ""

    def __init__(self, problem, threads):
        super().__init__(problem, threads)
        self.net = problem.net.astype(problem.net.dtype)
        self.start()

    def start(self):
        self.net.parameters[:] = self.problem.net.parameters
        self.step = TrainStep(self.net, self.problem.loss, self.problem.optimizer)

    def train(self):
        return float(np.mean([self.step(x, y) for x, y in self.problem.batches]))

    def predict(self):
        return [self.net.predict(x) for x, _ in self.problem.batches][-1]
