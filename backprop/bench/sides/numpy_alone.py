"""This package without its compiled kernels, as it is where Numba is not installed."""

import numba  # noqa: F401  # pyright: ignore[reportMissingImports]  # without it: ours twice

from ... import compiled
from .ours import Ours


class Plain(Ours):
    """Ours, with NumPy's lines only."""

    library = ""

    def train(self):
        with compiled.readable():
            return super().train()

    def predict(self):
        with compiled.readable():
            return super().predict()
