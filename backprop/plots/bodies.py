"""What stands for the value of a layer in a diagram: circles for units, tiles, or a slim box.

All lengths are in inches. A body has its middle at (0, 0) until it is drawn; y grows downwards.
"""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.patches import Circle, Rectangle, Wedge

from ..layer import Array
from .picture import SIGNED, columns_for, mosaic

MOST_UNITS = 16
"""As many units are drawn as circles."""
FEW = 4
"""As many units have their numbers written beside them."""
RADIUS, TALLEST, APART = 0.13, 3.2, 0.58
TILE, BETWEEN, SLIM = 0.95, 0.06, 0.3
EDGE, BLANK = "0.25", "0.96"
VALUES = colormaps["Greys"]


class Units:
    """A circle for each unit: the value in its upper half, delta in its lower half."""

    def __init__(self, shape):
        self.count = math.prod(shape)
        self.written = self.count <= FEW
        self.spacing = APART if self.written else min(2.6 * RADIUS, TALLEST / self.count)
        self.radius = min(RADIUS, 0.42 * self.spacing)
        self.width = 2 * self.radius
        room = self.spacing / 2 if self.written else self.radius
        self.above = self.below = (self.count - 1) / 2 * self.spacing + room

    def places(self, y):
        """Return the height of every unit, if the middle is at `y`."""
        return y + (np.arange(self.count) - (self.count - 1) / 2) * self.spacing

    def draw(self, axes, x, y, value, delta, number):
        """Draw the units of a numbered value around (x, y); arrays that are not there are None."""
        halves = [
            ("value", shades(value, self.count), 180),
            ("delta", signs(delta, self.count), 0),
        ]
        for k, height in enumerate(self.places(y)):
            for name, colors, start in halves:
                style = {"color": colors[k], "linewidth": 0, "gid": f"{name} {number}[{k}]"}
                axes.add_patch(Wedge((x, height), self.radius, start, start + 180, **style))
            outline = Circle((x, height), self.radius, fill=False, edgecolor=EDGE, linewidth=0.8)
            axes.add_patch(outline)


class Tile:
    """A picture of many numbers, the values above, delta below."""

    def __init__(self, shape):
        H, W = arranged(np.empty(shape)).shape
        if len(shape) == 2:  # time runs to the right
            self.width, self.height = np.clip(0.06 * W, 0.8, 2.2), np.clip(0.06 * H, 0.25, 0.95)
        else:
            self.width, self.height = TILE, float(np.clip(TILE * H / W, 0.4, 1.2))
        self.above = self.below = self.height + BETWEEN / 2

    def draw(self, axes, x, y, value, delta, number):
        """Draw both tiles around (x, y), or a blank one for arrays that are not there."""
        left, top = x - self.width / 2, y - self.above
        frame = {"facecolor": BLANK, "edgecolor": EDGE, "linewidth": 0.6}
        if value is None:
            axes.add_patch(Rectangle((left, top), self.width, 2 * self.above, zorder=2, **frame))
            return
        for name, array, colors, start in (
            ("value", value, shades, top),
            ("delta", delta, signs, y + BETWEEN / 2),
        ):
            axes.add_patch(Rectangle((left, start), self.width, self.height, zorder=2, **frame))
            if array is not None:
                picture = arranged(array)
                rgba = colors(picture, picture.size).reshape(*picture.shape, 4)
                rgba[np.isnan(picture)] = 1
                extent = (left, left + self.width, start + self.height, start)
                style = {"aspect": "auto", "zorder": 3, "gid": f"{name} {number}"}
                axes.imshow(rgba, extent=extent, **style)


class Slim:
    """A box with a name in it, for a layer that only passes through what the tile before shows."""

    def __init__(self, length):
        self.width = SLIM
        self.above = self.below = max(length / 2 + 0.1, 0.5)

    def draw(self, axes, x, y, value, delta, number):
        """Draw the box around (x, y)."""
        corner = (x - self.width / 2, y - self.above)
        height = self.above + self.below
        box = Rectangle(corner, self.width, height, facecolor="white", edgecolor=EDGE, zorder=2)
        axes.add_patch(box)


def arranged(array) -> Array:
    """Return the numbers of one example as a picture, its gaps NaN.

    Images are a block of their channels, sequences have their steps side by side, and a vector is
    wrapped into a square.
    """
    if array.ndim == 3:
        C = array.shape[-1]
        return mosaic(array.transpose(2, 0, 1), min(columns_for(C), C))
    if array.ndim == 2:
        return array.T.astype(float)
    columns = math.ceil(math.sqrt(array.size))
    square = np.full(columns * math.ceil(array.size / columns), math.nan)
    square[: array.size] = array.ravel()
    return square.reshape(-1, columns)


def shades(array, count):
    """Return greys (count, 4) for values: white for the smallest, dark for the largest."""
    if array is None:
        return np.ones((count, 4))
    numbers = np.ravel(array).astype(float)
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    return VALUES(0.8 * (numbers - low) / (high - low) if high > low else 0.4 + 0 * numbers)


def signs(array, count):
    """Return colours (count, 4) for deltas: blue below zero, orange above, white for zero."""
    if array is None:
        return np.ones((count, 4))
    return SIGNED(0.5 + 0.5 * relative(array))


def relative(array):
    """Return the numbers of an array in a row, divided by the largest of their sizes."""
    numbers = np.ravel(array).astype(float)
    most = np.nanmax(np.abs(numbers), initial=0)
    return numbers / most if most > 0 else numbers
