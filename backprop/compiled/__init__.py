"""The same sums, compiled: what Numba makes faster, where it is installed, and never needed.

    pip install "explicit-backprop[fast]"

A layer is written in NumPy, as its chapter derives it. Where NumPy has to walk through memory once
for each operation, or Python has to call it once for each step, a method begins with

    if compiled := kernels("pool", x):
        return compiled.max_forward(x, self.window)

and a file of this package holds the same sum as plain loops, which Numba compiles when they are
first called and keeps on disk. A test holds each of them equal to its NumPy lines.

The NumPy lines run without Numba, for complex numbers, for types that differ, inside `readable()`,
and everywhere if the environment says `BACKPROP_COMPILED=0`.
"""

import contextlib
import importlib
import os
from importlib.util import find_spec

import numpy as np

FOUND = find_spec("numba") is not None and os.environ.get("BACKPROP_COMPILED") != "0"
"""Whether there is anything to run. Numba itself is imported by the first kernel that runs."""
TYPES = (np.dtype(np.float32), np.dtype(np.float64))

_reading = 0


def kernels(name, *arrays):
    """Return the module of compiled functions `name`; None where the NumPy lines are to run.

    Args:
        name: a file of this package.
        arrays: what the functions would be called with; all have to be of the same type.
    """
    if not FOUND or _reading:
        return None
    dtype = arrays[0].dtype
    if dtype not in TYPES or any(each.dtype != dtype for each in arrays):
        return None
    return importlib.import_module(f".{name}", __package__)


@contextlib.contextmanager
def readable():
    """Run the NumPy lines only: compiled ones cannot be followed line by line."""
    global _reading
    _reading += 1
    try:
        yield
    finally:
        _reading -= 1
