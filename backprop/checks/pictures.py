"""Pictures of a gradient check: each gradient against its estimate, and where they differ."""

import numpy as np
from matplotlib.colors import SymLogNorm, TwoSlopeNorm

from ..plots import Picture
from .comparison import VERDICTS

INK = {"ok": "#0969da", "undefined here": "#8c959f", "cannot tell": "#bf8700", "wrong": "#cf222e"}
GATES = {3: "r z n", 4: "i f g o"}


def draw(report):
    """Return a Picture with a row for each tensor: the points on the left, the map on the right."""
    rows = report.comparisons
    picture = Picture(max(len(rows), 1), 3, figsize=(11, 2.9 * max(len(rows), 1)))
    return picture
