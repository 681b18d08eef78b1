"""ZORB, the picture: what two of the networks made of their data."""

import numpy as np

from ...plots import BLUE, ORANGE, Picture
from ..axes import open_frame
from .experiments import sinc, spirals


def draw():
    """Draw the fit of sinc, beyond its data too, and the regions of the two spirals."""
    figure = Picture(9, 4)
    left, right = figure.subplots(1, 2)
    _draw_sinc(left)
    _draw_spirals(right)
    open_frame(left, right, grid=None)
    return figure


def _draw_sinc(axes):
    found = sinc()
    x, y = found.test
    axes.axvspan(-10, 10, color="0.93")
    axes.text(0, -0.9, "trained on", ha="center", fontsize=8)
    axes.plot(x, y, color=BLUE, label="sin(x) / x")
    axes.plot(x, found.network.predict(x), "--", color=ORANGE, label="network")
    axes.set(xlim=(-15, 15), ylim=(-1, 1.9), xlabel="x", ylabel="y")
    axes.set_title(f"sinc: training error {found.error:.4f}")
    axes.legend(frameon=False, loc="upper center", ncols=2, fontsize=8)


def _draw_spirals(axes):
    found = spirals()
    side = np.linspace(-14.5, 14.5, 300)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    regions = (found.network.predict(grid) > 0.5).reshape(len(side), len(side))
    colors = [BLUE, ORANGE]
    axes.contourf(side, side, regions, levels=[-0.5, 0.5, 1.5], colors=colors, alpha=0.25)
    for (x, y), marker, size in ((found.train, "o", 9), (found.test, "s", 12)):
        for label, color in enumerate(colors):
            chosen = x[y[:, 0] == label]
            axes.scatter(*chosen.T, s=size, marker=marker, color=color, linewidths=0)
    axes.set(aspect="equal", xlabel="first coordinate", ylabel="second coordinate")
    axes.set_title(f"spirals: {found.accuracy:.1%} right, {found.test_accuracy:.1%} of the test")
