r"""The cells without gates: $h_t = \phi(x_t W_x + h_{t-1} W_h + b)$."""

import numpy as np

from ..slopes import sigmoid
from .cell import PARAMETERS, TIME, Cell, logistic_slopes, tanh_slopes


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


CELLS = [
    simple("tanh", np.tanh, lambda a, h: 1 - h**2),
    simple("relu", lambda a: np.maximum(a, 0), lambda a, h: (a > 0).astype(float)),
    simple("sigma", sigmoid, lambda a, h: h * (1 - h)),
    simple("linear", lambda a: a, lambda a, h: np.ones_like(a)),
]
