"""Pictures of the sizes of deltas, layer by layer."""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.ticker import MaxNLocator

from ..errors import expects
from ..training import DeltaNorms
from ..training.passes import both_passes, norm
from .picture import BLUE, Picture, written_out

IN_A_COLUMN = 18
"""Names of layers in a column of the legend."""


def delta_norms(net, x, y, loss, /):
    r"""Draw the norm of delta at the output of every layer, for one batch.

    Read from bottom to top, as the deltas travel. Where they shrink by the same factor in every
    layer, the points lie on a straight line: a vanishing gradient.

    Args:
        net: a built Network.
        x: a batch of inputs; a tuple of arrays if the network has several inputs.
        y: the targets.
        loss: a Loss.

    Raises:
        TypeError: `net` is no Network or `loss` no Loss.
        ValueError: the network is not built, or the batch does not suit it.
    """
    passes = both_passes("delta_norms", net, x, y, loss)
    norms = np.array([norm(delta) for delta in passes.deltas[net.inputs :]])
    places = np.arange(len(norms))
    figure = Picture(5, 0.24 * len(norms) + 1.1)
    axes = figure.add_subplot()
    axes.plot(np.where(norms > 0, norms, np.nan), places, "o-", color=BLUE, linewidth=1)
    if norms.any():
        axes.set_xscale("log")
        low, high = (math.log10(end) for end in (norms[norms > 0].min(), norms.max()))
        axes.set_xlim(10 ** (math.floor(low) - 0.05), 10 ** (math.ceil(high) + 0.05))
        written_out(axes.xaxis, 10**low, 10**high)
    for place in places[norms == 0]:
        axes.annotate("0", (0.01, place), xycoords=("axes fraction", "data"), va="center")
    axes.set_yticks(places, [f"{number}  {layer.name}" for number, layer in enumerate(net)])
    axes.set_ylim(len(norms) - 0.5, -0.5)
    axes.set_xlabel(r"norm of $\delta$ at the layer's output")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    return figure


def delta_history(record, /):
    r"""Draw the norm of delta at the output of every layer, over the updates of a training.

    The darker, the nearer to the inputs. The axis is logarithmic: where the lines fan out, delta
    shrinks or grows from layer to layer; where one bends down, it vanishes as the network learns. A
    line that is interrupted is zero there.

    Args:
        record: a DeltaNorms that has been watching.

    Raises:
        TypeError: `record` is something else.
        ValueError: it has not looked once.
    """
    if not isinstance(record, DeltaNorms):
        raise expects("delta_history", "a DeltaNorms", repr(record), TypeError)
    if not record.norms:
        raise expects("delta_history", "a record of at least one look", "none")
    norms = np.array(record.norms)
    columns = math.ceil(len(record.names) / IN_A_COLUMN)
    rows = math.ceil(len(record.names) / columns)
    figure = Picture(5 + 1.6 * columns, max(3.4, 0.2 * rows + 0.6))
    axes = figure.add_subplot()
    shades = colormaps["viridis"](np.linspace(0, 0.92, len(record.names)))
    for name, color, line in zip(record.names, shades, norms.T, strict=True):
        style = {"color": color, "linewidth": 1.2, "markersize": 2.5, "label": name}
        shown = np.where(line > 0, line, np.nan)
        axes.plot(record.updates, shown, "o-" if len(norms) < 60 else "-", **style)
    if norms.any():
        axes.set_yscale("log")
        written_out(axes.yaxis, norms[norms > 0].min(), norms.max())
    axes.set(xlabel="updates", ylabel=r"norm of $\delta$ at the layer's output")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8, ncols=columns)
    return figure
