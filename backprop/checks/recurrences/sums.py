"""Right deltas that are summed over the steps, or put in their places, in a wrong way."""

import itertools

import numpy as np

from .alterations import SWAPPED, TIME


def wrong_sums(twin):
    """Yield `(kind, evidence, gradients)` of right deltas that are summed or placed wrongly."""
    shares = twin.backward()
    right = twin.gradients(shares)
    for step, word in ((0, "first"), (-1, "last")):
        found = twin.gradients(shares, lambda share, step=step: share[step])
        dx = np.zeros_like(right["x"])
        dx[step] = right["x"][step]
        evidence = f"The sum over the steps holds the {word} one alone."
        yield f"{word} time step only", evidence, {**found, "x": dx}
    for step, word in ((0, "first"), (-1, "last")):
        same = np.broadcast_to(right["x"][step], right["x"].shape)
        evidence = f"dx of all steps is that of the {word} one."
        yield f"{word} time step only", evidence, {**right, "x": same}
    yield TIME, "dx is turned round in time.", {**right, "x": right["x"][::-1]}
    evidence = "The way back begins with the first step and runs forwards in time."
    yield TIME, evidence, twin.gradients(twin.backward(forwards=True))
    yield from _exchanged_blocks(twin, right)


def _exchanged_blocks(twin, right):
    """Yield right gradients in which the blocks of two gates are exchanged, or one is a copy."""
    gates = twin.cell.gates
    for a, b in itertools.permutations(range(len(gates)), 2):
        copied = [b if k == a else k for k in range(len(gates))]
        evidence = f"Gate {gates[a]} has the gradient of gate {gates[b]}."
        yield SWAPPED, evidence, _turned(right, copied)
        if a < b:
            copied[b] = a
            evidence = f"The gradients of gates {gates[a]} and {gates[b]} are exchanged."
            yield SWAPPED, evidence, _turned(right, copied)


def _turned(gradients, order):
    """Return gradients with the blocks of their gates in another order."""
    found = dict(gradients)
    for name in found.keys() & {"Wx", "Wh", "b", "bh"}:
        blocks = np.split(found[name], len(order), axis=-1)
        found[name] = np.concatenate([blocks[k] for k in order], axis=-1)
    return found
