r"""Suspects for recurrent layers: backpropagation through time with one equation changed.

Nobody can tell from outputs alone what went on between the steps. So a *twin* is looked for: a
plain cell written here whose states, with the very same parameters, are those of the layer that is
checked. Its backward pass is a list of equations; each mistake changes one of them, or a few, and
gives the numbers to compare with.

| file | what it holds |
|---|---|
| `equations.py` | how an equation that is written as text is worked out |
| `cell.py` | what a cell is |
| `simple.py`, `lstm.py`, `gru.py` | the cells that are known |
| `twin.py` | a cell with its parameters, run over a sequence, and back |
| `alterations.py` | the equations, wrong in one place |
| `sums.py` | right deltas, summed wrongly |
| `layouts.py` | the ways in which sequences and states may lie in arrays |
| `readings.py` | the ways in which parameters may be held |
| `search.py` | the cell, the layout and the reading that give the layer's outputs |
| `unknown.py` | what can be said without a twin |
"""

import itertools

import numpy as np

from .alterations import alterations
from .search import twins
from .sums import wrong_sums
from .unknown import own_steps


def recurrent(case):
    """Yield the gradients of the twin with each mistake in turn."""
    found = False
    for twin, names in itertools.islice(twins(case), 3):
        found = True
        for kind, evidence, changed in alterations(twin):
            gradients = names(twin.gradients(twin.backward(changed)))
            if _leaves_the_right_ones(case, gradients):
                yield kind, evidence, gradients
        for kind, evidence, gradients in wrong_sums(twin):
            yield kind, evidence, names(gradients)
    if not found:
        yield from own_steps(case)


def _leaves_the_right_ones(case, gradients):
    """Whether the gradients that were returned right are right with a mistake as well.

    A wrong equation is seen in all that depends on it; where one of these is right, the equation
    is not the mistake.
    """
    for name, returned in case.returned.items():
        value = gradients.get(name)
        if value is not None and name not in case.wrong and value.shape == returned.shape:
            room = 1e-4 * np.abs(returned).max(initial=0) + 1e-9
            if not np.abs(value - returned).max(initial=0) <= room:
                return False
    return True
