"""The network as a diagram: values from left to right, and the deltas that come back."""

import math
from itertools import pairwise

import numpy as np
from matplotlib.patches import FancyArrowPatch

from ..errors import batch_of, choice, expects
from ..layers import Dense
from ..training.objective import require_network
from ..training.passes import both_passes, norm
from .bodies import SLIM, Units, relative
from .layout import Layout, curve
from .nodes import ROW, UNIT_BY_UNIT, Node, both_units, room
from .picture import BLUE, ORANGE, Picture, wide

LINES = ("gradients", "deltas")
# All lengths are in inches: a unit of the axes is an inch of the picture.
MARGIN, GAP, FAN, BUS = 0.25, 0.32, 0.8, 0.06
SIZE = 7.5
THIN, THICK, DECADES = 0.4, 4.0, 3
"""Widths of wires, in points, and over how many decades of norms they grow at least."""
WIDEST = 3.0
"""The width, in points, of a layer's widest line."""
WIRE, WORDS = "0.55", "0.3"


def diagram(net, x=None, y=None, /, *, loss=None, lines="gradients"):
    r"""Draw a network: its structure alone, or with the values and deltas of one batch.

    Every value has a column: circles for up to 16 units, tiles for more numbers, a slim box for an
    activation or a change of shape between tiles. Values are grey and stand above, the sum over the
    batch of $\delta$ = dL/d(value) is coloured and stands below. Under a column are its shape, the
    norm of its delta over the whole batch, and the norm of the layer's gradients. The wires get
    thinner where that of $\delta$ vanishes, by powers of ten.

    Args:
        net: a built Network.
        x: a batch of inputs; a tuple of arrays if the network has several inputs.
        y: the targets.
        loss: a Loss.
        lines: what the lines of a `Dense` between circles show: `"gradients"` dL/dW, or `"deltas"`,
            what goes back along each weight, $W_{ij} \sum_n \delta_{nj}$.

    Raises:
        TypeError: `net` is no Network, or there is a batch and `loss` is no Loss.
        ValueError: the network is not built, or has over 150 values; the batch does not suit it;
            there is but a part of `x`, `y` and `loss`; or `lines` is another word.
    """
    require_network("draw", net)
    choice("draw", "lines", lines, LINES)
    given = [name for name, each in (("x", x), ("y", y), ("loss", loss)) if each is not None]
    if len(given) in (1, 2):
        raise expects("draw", "x, y and loss together, or none of them", " and ".join(given))
    passes = both_passes("draw", net, x, y, loss) if given else None
    return _Diagram(net, passes, lines).figure


class _Diagram:
    def __init__(self, net, passes, lines):
        self.net, self.passes, self.lines = net, passes, lines
        self.grads = {} if passes is None else passes.grads
        self.nodes = []
        for number in range(len(net.shapes)):
            self.nodes.append(Node(net, number, self.nodes))
            self.nodes[-1].captions = self._captions(self.nodes[-1])
        self.down = self._norms()
        self.layout = Layout(self.nodes, room)
        self.legend = self._legend()
        self._open()
        for node in self.nodes:
            self._node(node)
        for node, slot, wire in self._wires():
            self._how(node, slot, wire)(node, slot, wire)

    # What is shown

    def _captions(self, node):
        captions = [batch_of(node.shape)]
        if self.passes is None:
            count = node.layer.param_count if node.layer else 0
            return captions + ([f"{count:,} params"] if count else [])
        delta = self.passes.deltas[node.number]
        if delta is not None:
            captions.append(f"‖δ‖ {norm(delta):.3g}")
        grads = self._of_layer(node)
        if grads:
            captions.append(f"‖dθ‖ {math.hypot(*map(norm, grads.values())):.3g}")
        return captions

    def _of_layer(self, node):
        """Return the gradients of the node's layer, summed over all places where it stands."""
        if node.layer is None:
            return {}
        first = next(n for n, layer in self.net.owners() if layer is node.layer)
        return {name: self.grads[f"{first}.{name}"] for name in node.layer.params}

    def _norms(self):
        """Return the deltas that layers hand down, by node and slot, and keep their range."""
        self.low, self.high = 0.0, 0.0
        if self.passes is None:
            return {}
        down = {
            (self.net.inputs + number, slot): part
            for number in range(len(self.net))
            for slot, part in enumerate(self.passes.handed_down(number))
        }
        sizes = [norm(part) for part in down.values() if part is not None]
        logs = [math.log10(size) for size in sizes if size > 0] or [0.0]
        self.high = max(logs)
        self.low = min(*logs, self.high - DECADES)
        return down

    def _wire_width(self, part):
        """Return the width, in points, of a wire that `part` of a delta goes back along."""
        if part is None or norm(part) == 0:
            return THIN
        share = (math.log10(norm(part)) - self.low) / (self.high - self.low)
        return THIN + (THICK - THIN) * share

    def _legend(self):
        """Return the lines of words below the picture."""
        if self.passes is None:
            return []
        N = len(self.passes.values[0])
        mean, total = (" (mean of the batch)", f", summed over {N} examples") if N > 1 else ("", "")
        rows = [
            f"loss {self.passes.loss:.4g}",
            f"upper, grey: the value{mean}; white the layer's smallest, dark its largest",
            f"lower, coloured: δ = dL/d(value){total}; "
            "blue below 0, orange above, full colour the layer's largest",
            "‖δ‖, ‖dθ‖: norms of δ of the whole batch, and of the gradients of the parameters",
        ]
        wired = [self._how(node, slot, w) for node, slot, w in self._wires()]
        if self._weights in wired:
            shown = "dL/dW" if self.lines == "gradients" else "W δ, the delta that goes back"
            rows.append(f"lines of weights: {shown}, width relative to the layer's largest")
        if self._units in wired:
            rows.append("lines from unit to unit: the delta that goes back, likewise")
        if self._wire in wired:
            low, high = 10**self.low, 10**self.high
            rows.append(f"wires: width grows with log ‖δ‖ that goes back, {low:.1g} to {high:.1g}")
        if any(len(node.shape) == 2 for node in self.nodes):
            rows.append("sequences: time runs to the right")
        return rows

    def _wires(self):
        """Return node, slot and places of every wire."""
        return [
            (node, slot, wire)
            for node in self.nodes
            for slot, wire in enumerate(self.layout.wires[node])
        ]

    def _how(self, node, slot, wire):
        """Return the method that draws a wire."""
        if len(wire) > 2 or not both_units(node):
            return self._wire
        if isinstance(node.layer, Dense):
            return self._weights
        return self._units if isinstance(node.layer, UNIT_BY_UNIT) else self._wire

    # Places

    def _open(self):
        """Make the figure, and find where every column begins and ends."""
        columns = [[p for p in column if isinstance(p, Node)] for column in self.layout.columns]
        self.left, self.right, x = [], [], MARGIN
        for column in columns:
            fan = any(isinstance(node.layer, Dense) and both_units(node) for node in column)
            x += 0 if not self.left else FAN if fan else GAP
            self.left.append(x)
            x += max((node.width for node in column), default=SLIM)
            self.right.append(x)
        y = self.layout.y
        nodes = [place for place in y if isinstance(place, Node)]
        top = min([y[n] - n.above for n in nodes] + [*y.values()]) - MARGIN
        bottom = max([y[n] + n.below for n in nodes] + [*y.values()]) + MARGIN
        self.legend_at = bottom
        right = max(x, MARGIN + max(map(wide, self.legend), default=0)) + MARGIN
        bottom += (0.17 * len(self.legend) + 0.1) if self.legend else 0
        self.figure = Picture(right, bottom - top)
        self.figure.set_layout_engine("none")  # one pair of axes fills it
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self._nodes_and_legend_begin(right, bottom, top)

    def _nodes_and_legend_begin(self, right, bottom, top):
        self.limits = {"xlim": (0, right), "ylim": (bottom, top)}
        self.axes.set(**self.limits)
        self.axes.set_autoscale_on(False)
        self.axes.set_axis_off()
        for row, words in enumerate(self.legend):
            self._text(MARGIN, self.legend_at + 0.17 * row, words, WORDS, ha="left")

    def _middle(self, node):
        column = self.layout.column[node]
        return (self.left[column] + self.right[column]) / 2, self.layout.y[node]

    # Nodes

    def _node(self, node):
        x, y = self._middle(node)
        value = delta = None
        if self.passes is not None:
            value = self.passes.values[node.number].mean(axis=0)
            delta = self.passes.deltas[node.number]
            delta = None if delta is None else delta.sum(axis=0)
        node.body.draw(self.axes, x, y, value, delta, node.number)
        if node.slim:
            self._text(x, y, node.title, "black", rotation=90)
        else:
            self._text(x, y - node.above + 0.09, node.title, "black")
        for row, words in enumerate(node.captions):
            self._text(x, y + node.body.below + 0.05 + ROW * (row + 0.5), words, WORDS)
        if node.loops:
            self._loop(node, x, y)
        if value is not None and getattr(node.body, "written", False):
            self._numbers(node, x, y, value, delta)

    def _numbers(self, node, x, y, value, delta):
        """Write the value above every unit, and its delta below."""
        for k, height in enumerate(node.body.places(y)):
            away = node.body.radius + 0.08
            self._text(x, height - away, _short(value.ravel()[k]), WORDS, size=SIZE - 1)
            if delta is not None:
                number = delta.ravel()[k]
                self._text(x, height + away, _short(number), _color(number), size=SIZE - 1)

    def _loop(self, node, x, y):
        half, top = 0.35 * node.body.width, y - node.body.above
        self.axes.add_patch(
            FancyArrowPatch(
                (x + half, top),
                (x - half, top),
                connectionstyle=f"arc3,rad={0.12 / half:.3f}",
                arrowstyle="-|>",
                mutation_scale=7,
                color=WIRE,
                shrinkA=0,
                shrinkB=0,
            )
        )

    # Wires

    def _weights(self, node, slot, wire):
        """Draw a line for each weight."""
        shares = np.zeros(node.layer.params["W"].shape)
        if self.passes is not None:
            shares = self._shown_of_weights(node)
            shares = relative(shares).reshape(shares.shape)
        read = wire[0]
        a, b = self._ends(read, node)
        above, below = read.body.places(a[1]), node.body.places(b[1])
        for k in np.argsort(np.abs(shares), axis=None):  # the widest on top
            i, j = np.unravel_index(k, shares.shape)
            gid = f"{node.number - self.net.inputs}.W[{i}, {j}]"
            self._line((a[0], above[i]), (b[0], below[j]), shares[i, j], gid)

    def _shown_of_weights(self, node):
        if self.lines == "gradients":
            return self._of_layer(node)["W"]
        return node.layer.params["W"] * self.passes.deltas[node.number].sum(axis=0)

    def _units(self, node, slot, wire):
        """Draw a line for each unit."""
        shares = np.zeros(node.body.count)
        if self.passes is not None:
            shares = relative(self.down[node.number, slot].sum(axis=0))
        read = wire[0]
        a, b = self._ends(read, node)
        for k, (above, below) in enumerate(
            zip(read.body.places(a[1]), node.body.places(b[1]), strict=True)
        ):
            gid = f"{node.number - self.net.inputs}[{k}]"
            self._line((a[0], above), (b[0], below), shares[k], gid)

    def _line(self, a, b, share, gid):
        width, color = (0.5, WIRE) if self.passes is None else (WIDEST * abs(share), _color(share))
        style = {"color": color, "linewidth": width, "gid": gid, "zorder": 1}
        self.axes.plot(*zip(a, b, strict=True), **style)

    def _ends(self, read, node):
        """Return where a direct connection begins and ends: at the edges of both bodies."""
        (a, y), (b, z) = self._middle(read), self._middle(node)
        return (a + read.body.width / 2, y), (b - node.body.width / 2, z)

    def _wire(self, node, slot, wire):
        """Draw what leads from a value to a layer that reads it, past the columns between."""
        part = self.down.get((node.number, slot))
        width = 1.0 if self.passes is None else self._wire_width(part)
        a, b = self._ends(wire[0], node)
        b = (b[0], b[1] + 0.22 * (slot - (len(node.reads) - 1) / 2))
        a, b = self._bus(wire[0], a, BUS), self._bus(node, b, -BUS)
        bends = [a, (self.right[self.layout.column[wire[0]]], a[1])]
        for point in wire[1:-1]:
            column, y = point[-1], self.layout.y[point]
            bends += [(self.left[column], y), (self.right[column], y)]
        bends += [(self.left[self.layout.column[node]], b[1]), b]
        gid = f"wire {wire[0].number} to {node.number}"
        style = {"edgecolor": WIRE, "linewidth": width, "zorder": 0.5, "capstyle": "round"}
        for start, end in pairwise(bends):
            self.axes.add_patch(curve(start, end, gid=gid, **style))

    def _bus(self, node, end, away):
        """Return where a wire ends: for several units, at a line along all of them."""
        if not isinstance(node.body, Units) or node.body.count == 1:
            return end
        x, places = end[0] + away, node.body.places(self.layout.y[node])
        y = [places[0] - node.body.radius, places[-1] + node.body.radius]
        self.axes.plot([x, x], y, color=WIRE, linewidth=1.5, zorder=0.5)
        return x, end[1]

    def _text(self, x, y, words, color, *, ha="center", size=SIZE, rotation=0):
        style = {"ha": ha, "va": "center", "fontsize": size, "rotation": rotation}
        self.axes.text(x, y, words, color=color, zorder=4, **style)


def _short(number):
    """Return four digits of a number, with a real minus sign."""
    return f"{float(number) + 0.0:.4g}".replace("-", "−")


def _color(number):
    return BLUE if number < 0 else ORANGE
