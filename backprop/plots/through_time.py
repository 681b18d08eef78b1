"""The delta of recurrent layers, step by step: whether it vanishes or explodes on its way back."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from ..errors import expects
from ..layers import GRU, LSTM, RNN
from ..network import Network
from ..training.objective import require_network
from ..training.passes import values_of
from .picture import BLUE, ORANGE, Picture, written_out

RECURRENT = (RNN, LSTM, GRU)
COLORS = (BLUE, ORANGE, "#009E73", "#CC79A7")
"""One for each gate, from the palette of Okabe and Ito."""
DECADES = 10
"""How many powers of ten the colours span at most."""


def gradient_through_time(net, x, delta, /):
    r"""Draw the size of the delta behind every gate, unit and step of the recurrent layers.

    Above, a heat map for each layer, its gates one below the other, a row for each unit: the norm,
    over the examples, of $da$ (`gate_deltas`). Grey is zero. Below, the norm of each gate over all
    of its units, in the colour of the gate's name above: on its logarithmic axis a delta that
    shrinks, or grows, by the same factor in every step is a straight line.

    Args:
        net: a built Network with recurrent layers, also inside others; or one RNN, LSTM or GRU.
        x: a batch of inputs; a tuple of arrays if there are several.
        delta: dL/dy of the output.

    Raises:
        TypeError: `net` is something else.
        ValueError: it is not built, or has no recurrent layer; or a shape does not fit.
    """
    found = recurrent_parts("gradient_through_time", net, x, delta)
    sizes = [np.concatenate([*gates.values()], axis=-1) for _, gates in found]
    sizes = [np.sqrt((each**2).sum(axis=0)).T for each in sizes]
    norm = _scale_of(sizes)
    figure = Picture(4.4 * len(found) + 0.8, 5.2)
    panels = figure.subplots(2, len(found), squeeze=False, sharex="col", height_ratios=(2, 1))
    for (name, gates), size, (above, below) in zip(found, sizes, panels.T, strict=True):
        _heat_map(above, name, gates, size, norm)
        _curves(below, gates)
    words = "size of the delta, unit by unit"
    figure.colorbar(panels[0, 0].images[0], ax=panels[0, :], label=words, extend="min")
    panels[1, 0].set_ylabel("norm of a gate's delta")
    _one_logarithm(panels[1])
    return figure


def recurrent_parts(who, net, x, delta):
    """Return the names of all recurrent layers, each with its gates' deltas by name.

    Both passes are those of the network. Raises TypeError or ValueError for what does not fit.
    """
    xs = x if isinstance(x, tuple) else (x,)
    if isinstance(net, RECURRENT):
        xs, delta, cache = one_pass(who, net, xs, delta)
        return [(net.name or type(net).__name__, net.gate_deltas(delta, cache))]
    require_network(who, net)
    _, caches = values_of(net, xs)
    found = [*_inside(net, _fractions(delta, net.parameters), caches)]
    if not found:
        raise expects(who, "a network with an RNN, LSTM or GRU", repr(net))
    return found


def one_pass(who, layer, xs, delta):
    """Return inputs and delta of a recurrent layer as arrays, and the cache of its forward pass.

    Raises ValueError for what does not fit.
    """
    D = len(layer.params["Wx"])
    shape = np.shape(xs[0])
    if len(shape) != 3 or 0 in shape or shape[2] != D:
        raise expects(who, f"sequences of shape (N, T, {D})", shape)
    if np.shape(delta) != (*shape[:2], layer.units):
        what = f"a delta of shape {(*shape[:2], layer.units)}"
        raise expects(who, what, np.shape(delta))
    xs = tuple(_fractions(x, layer.Wx) for x in xs)
    return xs, _fractions(delta, layer.Wx), layer.forward(*xs)[1]


def _fractions(array, like):
    """Return an array as floats, of the type of `like` at least."""
    return np.asarray(array, np.result_type(np.asarray(array), like))


def _inside(net, delta, caches):
    """Yield the name and the gates' deltas of every recurrent layer of a network."""
    deltas = net.deltas(delta, caches)[net.inputs :]
    for number, (layer, cache, delta) in enumerate(zip(net, caches, deltas, strict=True)):
        if isinstance(layer, RECURRENT):
            yield f"{number} {layer.name}", layer.gate_deltas(delta, cache)
        elif isinstance(layer, Network):
            for name, gates in _inside(layer, delta, cache):
                yield f"{number}.{name}", gates


def _scale_of(sizes):
    """Return one logarithmic scale of colours for all layers."""
    positive = np.concatenate([each[each > 0] for each in sizes])
    if not len(positive):
        return LogNorm(0.1, 1)
    high = positive.max()
    low = max(positive.min(), high / 10**DECADES)
    return LogNorm(low if low < high else high / 10, high)


def _heat_map(axes, name, gates, size, norm):
    rows, T = size.shape
    H = rows // len(gates)
    ends = (0.5, T + 0.5, rows - 0.5, -0.5)
    axes.set_facecolor("0.85")
    shown = np.ma.masked_equal(size, 0)
    style = {"norm": norm, "cmap": "viridis", "aspect": "auto", "interpolation": "nearest"}
    axes.imshow(shown, extent=ends, **style)
    axes.hlines(np.arange(1, len(gates)) * H - 0.5, 0.5, T + 0.5, color="white", linewidth=2)
    places = np.arange(len(gates)) * H + (H - 1) / 2
    axes.set_yticks(places, [f"$da_{gate}$" if len(gates) > 1 else "$da$" for gate in gates])
    for label, color in zip(axes.get_yticklabels(), COLORS, strict=False):
        label.set_color(color)
    axes.set_title(f"{name}: {H} units", fontsize=10)


def _curves(axes, gates):
    for (gate, delta), color in zip(gates.items(), COLORS, strict=False):
        norms = np.sqrt((delta**2).sum(axis=(0, 2)))
        steps = np.arange(1, len(norms) + 1)
        style = {"color": color, "linewidth": 1, "markersize": 2.5, "label": gate}
        axes.plot(steps, np.where(norms > 0, norms, np.nan), "o-", **style)
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)


def _one_logarithm(panels):
    """Give panels of norms one logarithmic axis, so that layers can be compared."""
    norms = np.concatenate([line.get_ydata() for axes in panels for line in axes.lines])
    norms = norms[norms > 0]
    for axes in panels if len(norms) else ():
        axes.set(yscale="log", ylim=(norms.min() / 1.5, norms.max() * 1.5))
        written_out(axes.yaxis, norms.min(), norms.max())
