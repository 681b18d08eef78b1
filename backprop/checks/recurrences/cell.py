"""What a cell is: what it computes, and the equations of its way back.

`forward(s)` adds to the values `s` of a step; parameters may have further axes in front, so that
many readings run at once. `slopes(s)` adds what only the way back needs, wrong slopes among it.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ..slopes import sigmoid


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """A recurrent cell, its gates, and the equations of its way back in the order of the work."""

    name: str
    gates: str
    forward: Callable
    slopes: Callable
    equations: dict
    instead: dict = dataclasses.field(default_factory=dict)
    """What may stand in a factor's place by mistake: by the factor, pairs of kind and factor."""
    has_c: bool = False


def logistic_slopes(k, y, a):
    """Return the slope of a logistic gate `k`, and the wrong ones."""
    return {
        f"sigma'(a_{k})": y * (1 - y),
        f"sigma'({k})": sigmoid(y) * (1 - sigmoid(y)),
        f"a_{k}(1 - a_{k})": a * (1 - a),
        f"(1 - {k}^2)": 1 - y**2,
        f"{k}": y,
        f"(1 - {k})": 1 - y,
    }


def tanh_slopes(k, y, a):
    """Return the slope of a tanh, and the wrong ones."""
    return {
        f"tanh'(a_{k})": 1 - y**2,
        f"tanh'({k})": 1 - np.tanh(y) ** 2,
        f"(1 - a_{k}^2)": 1 - a**2,
        f"{k}(1 - {k})": y * (1 - y),
        f"sigma'(a_{k})": sigmoid(a) * (1 - sigmoid(a)),
        f"(1 - {k})": 1 - y,
    }


def wrong_slopes(right):
    """Return the names of the slopes that may stand in the place of the right one."""
    form, k = right[:-1].split("'(")
    k = k.removeprefix("a_")
    if right == "tanh'(c)":
        return ["(1 - c^2)", "tanh'(tanh(c))", "(1 - h^2)", "(1 - tanh(c))"]
    make = {"sigma": logistic_slopes, "tanh": tanh_slopes}.get(form)
    return list(make(k, 0.5, 0.5))[1:] if make else []


TIME = "wrong neighbour in time"
FACTOR = "wrong factor of a product"
MISSING = "factor of a product dropped"

PARAMETERS = {"dWx": "x.T @ da", "dWh": "h_before.T @ da", "db": "da", "dbh": "da"}
