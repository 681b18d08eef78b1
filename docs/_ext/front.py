"""The picture of the first page: the package's own drawing of the best-known worked example."""

from pathlib import Path

import numpy as np
from writing import write_pages

import backprop as bp


def write_picture(app):
    """Draw it."""
    first = bp.Dense(2, init=bp.Given([[0.15, 0.25], [0.20, 0.30]]), bias_init=bp.Constant(0.35))
    second = bp.Dense(2, init=bp.Given([[0.40, 0.50], [0.45, 0.55]]), bias_init=bp.Constant(0.60))
    net = bp.Network([first, bp.Sigmoid(), second, bp.Sigmoid()])
    net.build((2,), dtype=np.float64)
    x, t = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
    drawn = net.draw(x, t, loss=bp.HalfSquaredError(reduction="sum"))
    write_pages(Path(app.srcdir, "_generated"), {"mazur.svg": drawn.svg()})


def setup(app):
    """Draw before Sphinx looks for pictures."""
    app.connect("builder-inited", write_picture, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
