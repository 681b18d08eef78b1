"""A cell with its parameters, run over a sequence, and back with equations that may be wrong."""

import dataclasses

import numpy as np

from .cell import Cell
from .equations import worked_out

NAMES = ("Wx", "Wh", "b", "bh", "bh_n")
"""What a cell's parameters are called here; `bh` is added to the product with the state."""


def completed(parameters, N, H, G):
    """Return the parameters, and zeros for those that are not there."""
    zeros = {"b": np.zeros(G * H), "bh": np.zeros(G * H), "bh_n": np.zeros(H)}
    zeros |= {"h0": np.zeros((N, H)), "c0": np.zeros((N, H))}
    return {**zeros, **parameters}


def unrolled(cell, x, parameters):
    """Yield the values of each step of a sequence (T, N, D)."""
    h, c, a = parameters["h0"], parameters["c0"], np.zeros_like(parameters["h0"])
    for x_t in x:
        s = {name: parameters[name] for name in NAMES}
        s.update(x=x_t, h_before=h, c_before=c, a_h_before=a)
        with np.errstate(all="ignore"):
            cell.forward(s)
        yield s
        h, c, a = s["h"], s["c"], s.get("a_h")


@dataclasses.dataclass
class Twin:
    """A cell, its parameters, a sequence, and the deltas of its states and cells, (T, N, H)."""

    cell: Cell
    x: np.ndarray
    parameters: dict
    delta: np.ndarray
    delta_c: np.ndarray
    order: tuple
    """For each gate of the cell, the place in which the layer keeps it."""

    def as_kept(self, gates):
        """Return what belongs to the gates of the cell in the order in which the layer keeps it."""
        return [gates[self.order.index(place)] for place in range(len(self.order))]

    def __post_init__(self):
        """Work out everything that the way back needs."""
        self.steps = list(unrolled(self.cell, self.x, self.parameters))
        for s, delta, delta_c in zip(self.steps, self.delta, self.delta_c, strict=True):
            with np.errstate(all="ignore"):
                self.cell.slopes(s)
            H = delta.shape[-1]
            s.update({"delta": delta, "delta_c": delta_c, "0": np.zeros_like(delta)})
            s["Wh not transposed"] = self._untransposed("Wh", H)
            if self.x.shape[-1] == H:
                s["Wx not transposed"] = self._untransposed("Wx", H)
        self.equations = dict(self.cell.equations)
        if not self.delta_c.any() and "dc" in self.equations:
            self.equations["dc"] = self.equations["dc"].removeprefix("delta_c + ")

    def _untransposed(self, name, H):
        """Return what a row of deltas is multiplied by where no gate's matrix was transposed."""
        W = self.parameters[name]
        return np.vstack(np.split(W, W.shape[1] // H, axis=1))

    def backward(self, changed=(), forwards=False):
        """Return the shares of all steps in all gradients, along a first axis, by equation."""
        equations = {**self.equations, **dict(changed)}
        zero = self.steps[0]["0"]
        carried = {"dh_next": zero, "dc_next": zero}
        results = []
        with np.errstate(all="ignore"):
            for step in self.steps if forwards else reversed(self.steps):
                s = {**step, **carried}
                for name, text in equations.items():
                    s[name] = worked_out(text, s)
                carried = {"dh_next": s["dh_before"], "dc_next": s["dc_before"]}
                results.append(s)
        results = results if forwards else results[::-1]
        return {name: np.stack([s[name] for s in results]) for name in self._wanted(equations)}

    def _wanted(self, equations):
        """Return the names of the equations whose values belong to gradients."""
        names = [f"d{name}" for name in NAMES]
        return [n for n in ("dx", "dh_before", "dc_before", *names) if n in equations]

    def gradients(self, shares, part=None):
        """Return the gradients, by tensor: sums over the steps, or `part` of them."""
        total = part or (lambda share: share.sum(axis=0))
        found = {name: total(shares[f"d{name}"]) for name in NAMES if f"d{name}" in shares}
        for name in found.keys() & {"b", "bh", "bh_n"}:
            found[name] = found[name].sum(axis=0)
        found |= {"x": shares["dx"], "h0": shares["dh_before"][0], "c0": shares["dc_before"][0]}
        return found
