"""The classics: the systems in which backpropagation was derived and taught, one file each.

Every file holds a derivation, the system in this package's layers, and `reproduce()`: the numbers
that its author printed, beside ours.

    from backprop.classics import mazur

    print(mazur.reproduce())

The command is `backprop classics list`, `backprop classics run mazur` or `python -m
backprop.classics mazur`.
"""

import importlib

from ..errors import expects
from .reproduction import Classic, Reproduction

__all__ = ["NAMES", "Classic", "Reproduction", "load", "reproduce"]

NAMES = (
    "delta_rule",
    "sensitivity",
    "mazur",
    "brownlee",
    "caceres",
    "rosebrock",
    "mitchell",
    "stansbury",
    "nielsen",
    "gashler",
    "sadowski",
    "zhang",
    "gwardys",
    "convolution_matrix",
    "pooling_matrix",
    "bptt",
    "lstm_steps",
    "word2vec",
    "amplification",
    "cascade",
    "levenberg_marquardt",
    "graph",
    "ordered_derivatives",
    "time_scales",
    "zorb",
    "symmetry",
    "family_trees",
    "paths",
    "almeida_pineda",
    "initialisation",
    "vanishing",
    "regularisation",
)
"""In reading order. Each is a file of this folder."""


def load(name, /):
    """Return the module of the classic `name`; `-` may stand for `_`.

    Raises:
        ValueError: there is none of that name.
    """
    file = name.replace("-", "_")
    if file not in NAMES:
        raise expects("classics", f"one of {', '.join(NAMES)}", repr(name))
    return importlib.import_module(f".{file}", __name__)


def reproduce(name, /, *, mnist=None):
    """Run the classic `name` and return its Reproduction.

    Args:
        name: one of `NAMES`.
        mnist: a folder with the four files of MNIST. Without it, what needs them is left out, and
            said to be.

    Raises:
        ValueError: there is no such classic, or no MNIST in the folder.
    """
    module = load(name)
    return module.reproduce(mnist=mnist) if module.CLASSIC.needs_mnist else module.reproduce()
