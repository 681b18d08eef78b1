"""The ways in which sequences and states lie in arrays.

A layout is written in letters: `NTD` is a batch first, `NH` the last state, `TH` the states of one
sequence without a batch; `c` in front means the cells of an LSTM. Several outputs come one after
another in one flat array.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Layout:
    """How x lies, and what of the states y shows, in which order."""

    x: str
    y: tuple[str, ...]

    def steps(self, x):
        """Return x as (T, N, D)."""
        missing = [letter for letter in "TND" if letter not in self.x]
        x = x.reshape((1,) * len(missing) + x.shape)
        letters = "".join(missing) + self.x
        return x.transpose([letters.index(letter) for letter in "TND"])

    def shown(self, h, c):
        """Return the output whose states and cells are `h` and `c`, (T, N, H)."""
        parts = [_part(c if each[0] == "c" else h, each.lstrip("c")) for each in self.y]
        return parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])

    def widths(self, T, N, y, others):
        """Return the widths H that states may have: what fits an output like y."""
        if len(self.y) == 1:
            letters = self.y[0].lstrip("c")
            return {y.shape[letters.index("H")]} if len(letters) == y.ndim else set()
        each = sum((T if "T" in part else 1) * N for part in self.y)
        return {H for x in others for H in x.shape if y.shape == (each * H,)}


def _part(states, letters):
    if "T" not in letters:
        states = states[-1:]
    have = "TNH"
    for letter in "TN":
        if letter not in letters:
            states, have = (
                states[(slice(None),) * have.index(letter) + (0,)],
                have.replace(letter, ""),
            )
    return states.transpose([have.index(letter) for letter in letters])


LAYOUTS = [
    Layout(x, tuple(y.split()))
    for x, ys in {
        "NTD": ["NTH", "NH", "TNH", "THN", "HN"],
        "TND": ["TNH", "NH", "NTH", "THN", "HN"],
        "TDN": ["THN", "HN", "TNH", "NH"],
        "DTN": ["HTN", "HN"],
        "DNT": ["HNT", "HN"],
        "NDT": ["NHT", "NH", "TNH"],
        "ND": ["NH", "NH cNH"],
        "DN": ["HN", "HN cHN"],
        "TD": ["TH", "H"],
        "DT": ["HT", "H"],
        "D": ["H", "H cH"],
    }.items()
    for y in ys
] + [
    Layout(x, tuple(y.split()))
    for x in ("NTD", "TND")
    for all_ in (x.replace("D", "H"), "")
    for y in (f"{all_} NH", f"{all_} NH cNH", f"{all_} c{all_}")
    if len(y.split()) > 1 and y.strip() != "c"
]
"""The usual ones first: where several fit, the first whose numbers are those of y is taken."""


def fitting(case, x):
    """Yield layouts that fit in shape, with the known states and cells, and their deltas.

    What a layout shows of serial numbers says where each entry of y and of its delta belongs; a
    state that is not shown is NaN.
    """
    others = list(case.tensors.values())
    for layout in LAYOUTS:
        if len(layout.x) != x.ndim or case.delta.shape != case.y.shape:
            continue
        steps = layout.steps(x)
        T, N, _ = steps.shape
        for H in layout.widths(T, N, case.y, others):
            serial = np.arange(2 * T * N * H).reshape(2, T, N, H)
            places = layout.shown(*serial)
            if places.shape == case.y.shape:
                states, deltas = np.full(serial.size, np.nan), np.zeros(serial.size)
                states[places] = case.y
                np.add.at(deltas, places, case.delta)
                yield layout, steps, states.reshape(serial.shape), deltas.reshape(serial.shape)
