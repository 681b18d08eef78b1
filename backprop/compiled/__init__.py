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
import functools
import importlib
import os
from importlib.util import find_spec

import numpy as np

from ..errors import expects
from ..settings import ours

FOUND = find_spec("numba") is not None and os.environ.get("BACKPROP_COMPILED") != "0"
"""Whether there is anything to run. Numba itself is imported by the first kernel that runs."""
TYPES = (np.dtype(np.float32), np.dtype(np.float64))
SINGLE = TYPES[:1]
"""For loops of exponentials, of which NumPy's own are faster in float64."""

_readers: dict[int, set] = {}  # what is left out for each `readable()` that is open


def kernels(name, *arrays, of=None, types=TYPES):
    """Return the module of compiled functions `name`; None where the NumPy lines are to run.

    Args:
        name: a file of this package.
        arrays: what the functions would be called with; all have to be of the same type.
        of: whose method asks. A class of somebody's own, made from one of this package, may have
            changed what a kernel would pass over: its NumPy lines run.
        types: those that the functions are written for.
    """
    if not FOUND or not (of is None or ours(type(of))):
        return None
    dtype = arrays[0].dtype
    if dtype not in types:
        return None
    for each in arrays:
        if each.dtype != dtype:
            return None
    if _readers:
        for left_out in list(_readers.values()):
            left_out.add(name)
        return None
    return _loaded(name)


def found():
    """Return whether there is anything to run."""
    return FOUND


def available():
    """Return whether compiled functions are to run at the moment."""
    return FOUND and not _readers


@functools.cache
def _loaded(name):
    return importlib.import_module(f".{name}", __package__)


@contextlib.contextmanager
def readable():
    """Run the NumPy lines only: compiled ones cannot be followed line by line.

    It holds for every thread: a pass may be the work of several. What it yields is a set, which
    gets the names of the files whose functions were left out meanwhile.
    """
    left_out = set()
    _readers[id(left_out)] = left_out
    try:
        yield left_out
    finally:
        del _readers[id(left_out)]


def plain(array):
    """Return an array as one whose memory loops may walk through: a copy, if need be."""
    return array if array.flags.carray else np.array(array, order="C")


def require_shape(who, array, shape):
    """Raise ValueError unless an array has this shape: compiled loops would go beyond its end."""
    if array.shape != tuple(shape):
        raise expects(who, f"a delta of shape {tuple(shape)}", array.shape)
