"""Pictures of the sizes of deltas, layer by layer."""

import math

import numpy as np

from .picture import BLUE, Picture, written_out


def delta_norms(net, x, y, loss, /):
    r"""Draw the norm of delta at the output of every layer, for one batch.

    Read from bottom to top, as the deltas travel. Where they shrink by the same factor in every
    layer, the points lie on a straight line: a vanishing gradient.

    Args:
        net: a built Network.
        x: a batch of inputs; a tuple of arrays if the network has several inputs.
        y: the targets.
        loss: a Loss.
    """
    averages = net.averages
    out, caches = net.forward(*(x if isinstance(x, tuple) else (x,)), rng=0)
    net.averages = averages
    _, cache = loss.forward(out, y)
    deltas = net.deltas(loss.backward(cache), caches)[net.inputs :]
    norms = np.array([float(np.linalg.norm(delta.ravel())) for delta in deltas])
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
