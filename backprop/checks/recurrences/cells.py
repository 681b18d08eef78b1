"""The cells that are known: what they compute, and the equations of their way back.

`forward(s)` adds to the values `s` of a step; parameters may have further axes in front, so that
many readings run at once. `slopes(s)` adds what only the way back needs, wrong slopes among it.
"""

import dataclasses
from collections.abc import Callable

import numpy as np


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


def sigmoid(a):
    """Return the logistic function."""
    return (1 + np.tanh(a / 2)) / 2


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


# h_t = phi(x W_x + h_{t-1} W_h + b)


def simple(form, phi, slope):
    """Return the cell without gates whose activation is `phi`, with its slope from a and h."""

    def forward(s):
        s["a_h"] = s["x"] @ s["Wx"] + s["h_before"] @ s["Wh"] + s["b"] + s["bh"]
        s["h"] = phi(s["a_h"])
        s["c"] = s["c_before"]

    def slopes(s):
        h, a = s["h"], s["a_h"]
        if form == "tanh":
            s.update(tanh_slopes("h", h, a))
        elif form == "sigma":
            s.update({**logistic_slopes("h", h, a), "h": h})
        s[f"{form}'(a_h)"] = slope(a, h)
        s[f"{form}'(a_h) of the step before"] = slope(s["a_h_before"], s["h_before"])

    right = f"{form}'(a_h)"
    return Cell(
        f"a recurrent layer with {form}",
        "h",
        forward,
        slopes,
        {
            "dh": "delta + dh_next",
            "da_h": f"dh * {right}",
            "da": "[da_h]",
            "dx": "da @ Wx.T",
            "dh_before": "da @ Wh.T",
            "dc_before": "0",
            **PARAMETERS,
        },
        {right: [(TIME, f"{right} of the step before")]},
    )


# c_t = f c_{t-1} + i g, h_t = o tanh(c_t)


def long_short(forget):
    """Return the LSTM whose forget gate has the constant `forget` added to its bias."""

    def forward(s):
        a = s["x"] @ s["Wx"] + s["h_before"] @ s["Wh"] + s["b"] + s["bh"]
        i, f, g, o = np.split(a, 4, axis=-1)
        f = f + forget
        s.update(a_i=i, a_f=f, a_g=g, a_o=o)
        s.update(i=sigmoid(i), f=sigmoid(f), g=np.tanh(g), o=sigmoid(o))
        s["c"] = s["f"] * s["c_before"] + s["i"] * s["g"]
        s["tanh(c)"] = np.tanh(s["c"])
        s["h"] = s["o"] * s["tanh(c)"]

    def slopes(s):
        for k in "ifo":
            s.update(logistic_slopes(k, s[k], s[f"a_{k}"]))
        s.update(tanh_slopes("g", s["g"], s["a_g"]))
        tanh_c, c, before = s["tanh(c)"], s["c"], np.tanh(s["c_before"])
        s["tanh'(c)"], s["(1 - c^2)"], s["(1 - h^2)"] = 1 - tanh_c**2, 1 - c**2, 1 - s["h"] ** 2
        s["tanh'(tanh(c))"], s["(1 - tanh(c))"] = 1 - np.tanh(tanh_c) ** 2, 1 - tanh_c
        s["tanh(c_before)"], s["tanh'(c_before)"] = before, 1 - before**2

    others = {k: [(FACTOR, other) for other in "ifgo" if other != k] for k in "ifgo"}
    return Cell(
        "an LSTM",
        "ifgo",
        forward,
        slopes,
        {
            "dh": "delta + dh_next",
            "do": "dh * tanh(c)",
            "dc": "delta_c + dc_next + dh * o * tanh'(c)",
            "df": "dc * c_before",
            "di": "dc * g",
            "dg": "dc * i",
            **{f"da_{k}": f"d{k} * sigma'(a_{k})" for k in "ifo"},
            "da_g": "dg * tanh'(a_g)",
            "da": "[da_i, da_f, da_g, da_o]",
            "dx": "da @ Wx.T",
            "dh_before": "da @ Wh.T",
            "dc_before": "dc * f",
            **PARAMETERS,
        },
        {
            **others,
            "c_before": [(TIME, "c"), (FACTOR, "tanh(c)"), (FACTOR, "h_before")],
            "tanh(c)": [(FACTOR, "c"), (TIME, "tanh(c_before)"), (FACTOR, "h")],
            "tanh'(c)": [(TIME, "tanh'(c_before)")],
        },
        has_c=True,
    )


# h_t = (1 - z) n + z h_{t-1}, or the other way round


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


CELLS = [
    simple("tanh", np.tanh, lambda a, h: 1 - h**2),
    simple("relu", lambda a: np.maximum(a, 0), lambda a, h: (a > 0).astype(float)),
    simple("sigma", sigmoid, lambda a, h: h * (1 - h)),
    simple("linear", lambda a: a, lambda a, h: np.ones_like(a)),
    *(long_short(forget) for forget in (0.0, 1.0)),
    *(gated(after, keeps) for after in (False, True) for keeps in (True, False)),
]
