"""The classics: the systems in which backpropagation was derived and taught, one file each.

Every file holds a derivation, the system in this package's layers, and `reproduce()`: the numbers
that its author printed, beside ours.

    from backprop.classics import mazur

    print(mazur.reproduce())

The command is `backprop classics list`, which takes a word to look for, `backprop classics run
mazur` or `python -m backprop.classics mazur`.
"""

import importlib

from ..errors import expects
from .reproduction import Classic, Reproduction

__all__ = ["NAMES", "Classic", "Reproduction", "find", "load", "reproduce"]

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
    """Return the module of the classic `name`; `-` may stand for `_`, and capitals for small ones.

    Raises:
        ValueError: there is none of that name. The message has those that `find` finds, or all.
    """
    file = str(name).replace("-", "_").lower()
    if file not in NAMES:
        near = find(str(name)) or NAMES
        raise expects("classics", f"one of {', '.join(near)}", repr(name))
    return importlib.import_module(f".{file}", __name__)


def find(words, /):
    """Return the names of the classics that have all `words` in their name, author, year or title.

    Words are told apart by spaces, `-` or `_`; without any, no classic has them.
    """
    sought = words.lower().replace("-", " ").replace("_", " ").split()
    found = []
    for name in NAMES:
        about = f"{name} {load(name).CLASSIC.described}".lower()
        if sought and all(word in about for word in sought):
            found.append(name)
    return tuple(found)


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
