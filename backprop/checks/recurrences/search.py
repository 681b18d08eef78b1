"""The search for a twin: the cell, the layout and the reading that give a layer's outputs."""

import itertools

import numpy as np

from . import gru, lstm, simple
from .layouts import fitting
from .readings import in_order, readings
from .twin import Twin, completed, unrolled


def twins(case):
    """Yield `(twin, names)`: a recurrence with the same outputs, and how to name its gradients."""
    for first in list(case.tensors)[: max(1, min(2, len(case.subject.inputs)))]:
        others = {name: x.shape for name, x in case.tensors.items() if name != first}
        known = {}
        for layout, x, states, deltas in fitting(case, case.tensors[first]):
            H = states.shape[-1]
            for cells in (simple.CELLS, lstm.CELLS, gru.CELLS):
                gates = len(cells[0].gates)
                key = (x.shape[1:], H, gates)
                if key not in known:
                    known[key] = list(readings(others, x.shape, H, gates))
                for read in known[key]:
                    for cell, order in _matches(case, cells, x, read, states):
                        yield from _twin(case, cell, first, layout, read, order, deltas)


def _matches(case, cells, x, read, states):
    """Yield the cells and the orders of gates that give the known states.

    All orders run at once, and as soon as none of them gives the states of a step it is over.
    """
    _, N, _ = x.shape
    H, gates = states.shape[-1], len(cells[0].gates)
    orders = list(itertools.permutations(range(gates)))
    held = read(case.tensors)
    # Without a further axis numpy would take (orders, gates H) for rows of a batch.
    parameters = completed(in_order(held, np.array(orders), H), N, H, gates)
    for name in ("b", "bh"):
        parameters[name] = np.expand_dims(parameters[name], -2)
    for cell in cells:
        alive = np.ones(len(orders), bool)
        for s, h, c in zip(unrolled(cell, x, parameters), *states, strict=True):
            for value, known in ((s["h"], h), (s["c"], c)):
                if not np.isnan(known[0, 0]):  # a state is shown as a whole, or not at all
                    alive &= _is(value, known)
            if not alive.any():
                break
        for k in np.flatnonzero(alive):
            yield cell, orders[k]


def _is(values, known):
    """Whether states are the known ones, for each of many along the axes in front."""
    with np.errstate(all="ignore"):
        away = np.abs(values - known) - 1e-8 * np.abs(known)
    return (away <= 1e-10).all(axis=(-2, -1))


def _twin(case, cell, first, layout, read, order, deltas):
    """Yield the twin, with the gates of its parameters in order, if its right gradients are right.

    Where biases are zero, or there is one step only, the outputs alone do not tell which is which.
    """
    x = layout.steps(case.tensors[first])
    H = deltas.shape[-1]

    def parameters(tensors):
        found = in_order(read(tensors), np.array([order]), H)
        return {k: v[0] if k in ("Wx", "Wh", "b", "bh") else v for k, v in found.items()}

    held = completed(parameters(case.tensors), x.shape[1], H, len(cell.gates))
    twin = Twin(cell, x, held, deltas[0], deltas[1], order)
    names = _namer(case, lambda t: {**parameters(t), "x": layout.steps(t[first])})
    right = names(twin.gradients(twin.backward()))
    if all(_near(right[n], case.right(n)) for n in case.wrong if n in right):
        yield twin, names


def _near(a, b):
    return np.allclose(a, b, rtol=1e-4, atol=1e-5 * max(np.abs(b).max(initial=0), 1e-9))


def _namer(case, read):
    """Return the function that brings the twin's gradients into the tensors of the case.

    `read` only cuts, joins and repeats. Applied to tensors of serial numbers, it says where each
    entry goes.
    """
    starts = np.cumsum([0, *(x.size for x in case.tensors.values())])
    serial = {
        name: start + np.arange(x.size).reshape(x.shape)
        for (name, x), start in zip(case.tensors.items(), starts, strict=False)
    }
    places = read(serial)

    def names(gradients):
        flat = np.zeros(starts[-1])
        for name, place in places.items():
            np.add.at(flat, place, gradients[name])
        return {name: flat[place] for name, place in serial.items()}

    return names
