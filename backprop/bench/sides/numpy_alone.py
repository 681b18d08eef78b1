"""This package without its compiled kernels, as it is where Numba is not installed."""

import contextlib

import numba  # noqa: F401  # pyright: ignore[reportMissingImports]  # without it: ours twice

from ... import compiled
from .ours import Ours


class Plain(Ours):
    """Ours, with NumPy's lines only."""

    library = ""

    def __init__(self, problem, threads):
        with _as_without():
            super().__init__(problem, threads)

    def train(self):
        with _as_without():
            return super().train()

    def predict(self):
        with _as_without():
            return super().predict()


@contextlib.contextmanager
def _as_without():
    """Let there be no kernels. (`readable()` notes which are left out, which takes its time.)"""
    found, compiled.FOUND = compiled.FOUND, False
    try:
        yield
    finally:
        compiled.FOUND = found
