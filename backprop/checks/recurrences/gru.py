r"""The gated recurrent unit: $h_t = (1 - z) n + z h_{t-1}$, or the other way round."""

import numpy as np

from ..slopes import sigmoid
from .cell import FACTOR, MISSING, TIME, Cell, logistic_slopes, tanh_slopes


def gated(after, keeps):
    """Return the GRU that resets after or before the product, and keeps h by z or by 1 - z."""
    keep, take, gap = ("z", "(1 - z)", "(h_before - n)")
    if not keeps:
        keep, take, gap = "(1 - z)", "z", "(n - h_before)"

    def forward(s):
        H = s["h_before"].shape[-1]
        h, W, b = s["h_before"], s["Wh"], s["bh"]
        z, r, n = np.split(s["x"] @ s["Wx"] + s["b"], 3, axis=-1)
        m = h @ W + b
        z, r = z + m[..., :H], r + m[..., H : 2 * H]
        s.update(a_z=z, a_r=r, z=sigmoid(z), r=sigmoid(r))
        s["m"], s["(r h_before)"] = m[..., 2 * H :] + s["bh_n"], s["r"] * h
        inner = s["(r h_before)"] @ W[..., 2 * H :] + b[..., 2 * H :] + s["bh_n"]
        s["a_n"] = n + (s["r"] * s["m"] if after else inner)
        s["n"] = np.tanh(s["a_n"])
        s["(1 - z)"] = 1 - s["z"]
        s["h"] = s[keep] * h + s[take] * s["n"]
        s["c"] = s["c_before"]

    def slopes(s):
        for k in "zr":
            s.update(logistic_slopes(k, s[k], s[f"a_{k}"]))
        s.update(tanh_slopes("n", s["n"], s["a_n"]))
        h, before, n, H = s["h"], s["h_before"], s["n"], s["h"].shape[-1]
        s["(h_before - n)"], s["(n - h_before)"], s["(r h)"] = before - n, n - before, s["r"] * h
        s["(h - n)"], s["(n - h)"] = h - n, n - h
        s["Wh_zr"], s["Wh_n"] = s["Wh"][:, : 2 * H], s["Wh"][:, 2 * H :]

    reset = {"dr": "da_n * m", "dm": "da_n * r"}
    paths = f"dh * {keep} + dah @ Wh.T"
    products = {f"dWh_{k}": f"h_before.T @ da_{k}" for k in "zr"}
    products["dWh_n"] = "h_before.T @ dm" if after else "(r h_before).T @ da_n"
    if not after:
        reset = {"du": "da_n @ Wh_n.T", "dr": "du * h_before"}
        paths = f"dh * {keep} + du * r + [da_z, da_r] @ Wh_zr.T"
    return Cell(
        f"a GRU that resets {'after' if after else 'before'} the product",
        "zrn",
        forward,
        slopes,
        {
            "dh": "delta + dh_next",
            "dz": f"dh * {gap}",
            "dn": f"dh * {take}",
            "da_z": "dz * sigma'(a_z)",
            "da_n": "dn * tanh'(a_n)",
            **reset,
            "da_r": "dr * sigma'(a_r)",
            "da": "[da_z, da_r, da_n]",
            **({"dah": "[da_z, da_r, dm]"} if after else {}),
            "dx": "da @ Wx.T",
            "dh_before": paths,
            "dc_before": "0",
            "dWx": "x.T @ da",
            **products,
            "dWh": "[dWh_z, dWh_r, dWh_n]",
            "db": "da",
            "dbh": "dah" if after else "da",
            "dbh_n": "dm" if after else "da_n",
        },
        {
            "z": [(FACTOR, "(1 - z)"), (FACTOR, "r")],
            "(1 - z)": [(FACTOR, "z"), (FACTOR, "r")],
            "r": [(FACTOR, "z"), (FACTOR, "(1 - z)")],
            "m": [(FACTOR, "h_before"), (FACTOR, "n")],
            "(h_before - n)": _instead_of_the_gap("(n - h_before)", "(h - n)"),
            "(n - h_before)": _instead_of_the_gap("(h_before - n)", "(n - h)"),
            "(r h_before)": [(MISSING, "h_before"), (TIME, "(r h)")],
            "dm": [(MISSING, "da_n")],
            "dah": [(MISSING, "da")],
        },
    )


def _instead_of_the_gap(turned, neighbour):
    return [("factor -1", turned), (TIME, neighbour), (FACTOR, "n"), (FACTOR, "h_before")]


CELLS = [gated(after, keeps) for after in (False, True) for keeps in (True, False)]
