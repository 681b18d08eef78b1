"""Equations as text: `dc_next + dh * o * tanh'(c)`.

A sum of products; a factor is a name or a product of matrices, `da @ Wh.T`. Names are whatever the
values are kept under: `tanh'(c)` and `(1 - z)` are names too. `[da_i, da_f]` lies side by side.
Written as text, an equation can be changed in one place, and be shown.
"""

from functools import lru_cache

import numpy as np


def worked_out(text, values):
    """Return the value of an equation's right side."""
    total = None
    for term in _parsed(text):
        product = None
        for factor in term:
            chain = None
            for name in factor:
                value = _looked_up(name, values)
                chain = value if chain is None else chain @ value
            product = chain if product is None else product * chain
        total = product if total is None else total + product
    return total


@lru_cache(maxsize=4096)
def _parsed(text):
    return tuple(
        tuple(tuple(factor.split(" @ ")) for factor in term.split(" * "))
        for term in text.split(" + ")
    )


def _looked_up(name, values):
    if name[0] == "[":
        return np.concatenate([values[part] for part in name[1:-1].split(", ")], axis=-1)
    if name[0] == "-":
        return -values[name[1:]]
    if name.endswith(".T"):
        return values[name[:-2]].T
    return values[name]
