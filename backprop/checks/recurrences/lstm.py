r"""Long short-term memory: $c_t = f c_{t-1} + i g$ and $h_t = o \tanh(c_t)$."""

import numpy as np

from ..slopes import sigmoid
from .cell import FACTOR, PARAMETERS, TIME, Cell, logistic_slopes, tanh_slopes


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


CELLS = [long_short(forget) for forget in (0.0, 1.0)]
