"""The figure that every picture is, and what several kinds of pictures are made with."""

import io
import math
import threading

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import LogLocator, NullLocator

BLUE, ORANGE = "#0072B2", "#D55E00"
"""From the palette of Okabe and Ito, *Color universal design* (2008)."""
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
"""Colours for numbers of both signs: blue below zero, orange above."""
_ONE_AT_A_TIME = threading.Lock()


class Picture(Figure):
    """A Figure that notebooks show without pyplot."""

    def __init__(self, width, height):
        super().__init__(figsize=(width, height), dpi=150, layout="constrained")

    def png(self):
        """Return the content of a PNG file."""
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()

    def svg(self):
        """Return the content of an SVG file, in which text is text: it can be searched and edited.

        The same picture is the same file, to the last byte.
        """
        file = io.BytesIO()
        # These are settings of the process: no other thread may draw with them, or reset them.
        with _ONE_AT_A_TIME, rc_context({"svg.fonttype": "none", "svg.hashsalt": "backprop"}):
            self.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()

    _repr_png_ = png


def wide(words, size=7.5):
    """Return how wide a text is, in inches."""
    return TextPath((0, 0), words, size=size).get_extents().width / 72 if words else 0.0


def written_out(axis, low, high):
    """Write out the ticks of a logarithmic axis (0.05) and add some, if it spans few decades."""
    axis.set_minor_locator(NullLocator())
    if high < 1000 * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter("{x:g}")


def columns_for(count):
    """Return how many columns make a block of `count` tiles, rather wide than high."""
    return math.ceil(math.sqrt(1.5 * count))


def mosaic(tiles, columns, gap=math.nan):
    """Return tiles (N, H, W, ...) as one picture; `gap` fills what is between and left over."""
    N, H, W, *rest = tiles.shape
    rows = math.ceil(N / columns)
    block = np.full((rows * columns, H + 1, W + 1, *rest), gap)
    block[:N, :H, :W] = tiles
    block = block.reshape(rows, columns, H + 1, W + 1, *rest).swapaxes(1, 2)
    return block.reshape(rows * (H + 1), columns * (W + 1), *rest)[:-1, :-1]


def tiled(tiles, columns, title, label, **colors):
    """Return a Figure of tiles (N, H, W) of numbers, with their scale."""
    picture = mosaic(tiles, columns)
    H, W = picture.shape
    width = min(max(0.09 * W, 3), 12)
    figure = Picture(width + 1, max(width * H / W, 1) + 0.5)
    axes = figure.add_subplot()
    drawn = axes.imshow(picture, interpolation="nearest", **colors)
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    scale(figure, drawn, label)
    return figure


def scale(figure, drawn, label):
    """Put the scale of colours beside a picture, equally wide however large the picture is."""
    width, height = figure.get_size_inches()
    length = min(0.8 * height, 4)
    figure.colorbar(
        drawn, label=label, fraction=0.15 / width, shrink=length / height, aspect=length / 0.15
    )


def draw_image(axes, image, **limits):
    """Draw an image (H, W, C) without ticks or frame."""
    grey = image.shape[-1] == 1
    axes.imshow(image[..., 0] if grey else image, cmap="gray", interpolation="nearest", **limits)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
