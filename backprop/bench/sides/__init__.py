"""The sides of the race: this package, and its peers."""

import importlib
import os
from importlib.metadata import version

from ...errors import choice
from ...settings import DISTRIBUTION

OURS = "backprop"
SIDES = {
    OURS: ("ours", "Ours"),
    "NumPy alone": ("numpy_alone", "Plain"),
    "pytorch": ("pytorch", "Eager"),
    "torch.compile": ("pytorch", "Compiled"),
    "jax": ("with_jax", "Jitted"),
    "scikit-learn": ("scikit_learn", "Perceptron"),
}
"""Where each side is defined: its file and its class."""
USUAL = ("NumPy alone", "pytorch", "jax", "scikit-learn")
"""The sides that are raced if none is named. `torch.compile` takes minutes to compile."""


def load(name, threads):
    """Return the class of a side. Raises ImportError if its library is not installed."""
    # JAX makes as many threads as this says, once it is imported; the others can be told later.
    os.environ["NPROC"] = str(threads)
    file, kind = SIDES[name]
    return getattr(importlib.import_module(f".{file}", __package__), kind)


def available(who, names, threads):
    """Return `{name: class}` of ours and of the peers `names`, and `{name: reason}` of the missing.

    Raises ValueError for a name that is none of SIDES.
    """
    peers = [name for name in SIDES if name != OURS]
    for name in names:
        choice(who, "a peer", name, peers)
    found, missing = {OURS: load(OURS, threads)}, {}
    for name in dict.fromkeys(names):
        try:
            found[name] = load(name, threads)
        except ImportError:
            missing[name] = f'not installed: pip install "{DISTRIBUTION}[bench]" brings it'
    return found, missing


def versions(sides):
    """Return `{distribution: version}` of the classes of sides."""
    libraries = dict.fromkeys([DISTRIBUTION, *(s.library for s in sides)])
    return {library: version(library) for library in libraries if library}
