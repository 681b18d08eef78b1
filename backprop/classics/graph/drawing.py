"""Pictures of a labelled graph: values run to the right above the wires, derivatives back below."""

import numpy as np
from matplotlib.patches import Circle, Rectangle

from ...plots import BLUE, ORANGE, Picture
from ...plots.layout import Layout, controls, curve
from .primitives import Input

STYLES = ("wires", "halves")
# All lengths are in inches: a unit of the axes is an inch of the picture.
RADIUS, STUB, GAP, MARGIN = 0.2, 0.62, 0.85, 0.3
HALF, LINE = 0.6, 0.2
SIZE = 8
LETTER = 0.075
"""How wide a letter of a label is, about."""
HIGH = 0.15
"""How high a label is, about."""
WIRE, NODE = "0.55", "0.2"


def picture(output, values, local, d, style):
    """Return a Picture of what `output` is made of.

    Args:
        output: a node.
        values: the values of all nodes.
        local: their partial derivatives.
        d: the derivative of `output` by every node.
        style: one of `STYLES`.
    """
    return _Drawing(output, values, local, d, style).figure


class _Drawing:
    def __init__(self, output, values, local, d, style):
        self.values, self.local, self.d = values, local, d
        self.halves = style == "halves"
        self.layout = Layout(_ancestors(output), self._room)
        self.boxes = []  # what the labels on branches have to keep away from
        self.later = []  # these labels: bends of the wire, contribution
        self.strokes = {}  # points on the curves of every wire, by its bends
        self._open()
        for node in self.layout.nodes:
            self._node(node)
            self._stub(node)
        readers = dict.fromkeys(self.layout.nodes, 0)
        for wires in self.layout.wires.values():
            for i, *_ in wires:
                readers[i] += 1
        for j, wires in self.layout.wires.items():
            for slot, wire in enumerate(wires):
                self._wire(j, slot, wire, readers[wire[0]] > 1)
        for bends, number in self.later:
            self._on_branch(bends, number)

    # Measures

    def _width(self, place):
        """Return the width of the node itself."""
        if isinstance(place, tuple):
            return 0.0
        if isinstance(place.primitive, Input):
            return max(0.16, LETTER * len(place.name) + 0.08)
        return 2 * HALF if self.halves else 2 * RADIUS

    def _height(self, place):
        """Return half the height of the node itself."""
        if isinstance(place, tuple):
            return 0.0
        if self.halves and not isinstance(place.primitive, Input):
            return max(0.5 * LINE * (len(place.reads) + 0.5), RADIUS)
        return RADIUS

    def _room(self, a, b):
        """Return how far apart two neighbours in a column have to be."""
        if isinstance(a, tuple) and isinstance(b, tuple):
            return 0.26
        titled = not isinstance(b, tuple) and _title(b, self.halves)
        return self._height(a) + self._height(b) + 0.26 + (0.2 if titled else 0)

    def _open(self):
        """Make the figure and find the horizontal place of every column."""
        layout = self.layout
        widths = [max(map(self._width, column)) for column in layout.columns]
        wide = [GAP + 0.12 * max(0, len(column) - 4) for column in layout.columns]
        steps = np.cumsum([MARGIN] + [w + STUB + g for w, g in zip(widths, wide, strict=True)])
        self.left, self.widths = steps[:-1], widths
        self.right = steps[:-1] + widths + STUB  # where the curves begin
        tops = [y - self._height(place) for place, y in layout.y.items()]
        bottoms = [y + self._height(place) for place, y in layout.y.items()]
        top, bottom = min(tops) - 0.55, max(bottoms) + 0.3
        right = self.right[-1] + MARGIN
        self.figure = Picture(right, bottom - top)
        self.figure.set_layout_engine("none")  # one pair of axes fills it
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, right), ylim=(bottom, top))
        self.axes.set_axis_off()
        self._text(MARGIN, top + 0.17, "value", BLUE, ha="left")
        self._text(MARGIN + 0.45, top + 0.17, "derivative", ORANGE, ha="left")

    # Nodes

    def _node(self, node):
        column, y = self.layout.column[node], self.layout.y[node]
        right = self.left[column] + self.widths[column]
        width, height = self._width(node), self._height(node)
        x = right - width / 2
        if isinstance(node.primitive, Input):
            self._text(right - 0.04, y, node.name, "black", ha="right", size=SIZE + 1)
        elif self.halves:
            self._two_halves(node, x, y, height)
        else:
            self.axes.add_patch(Circle((x, y), RADIUS, facecolor="white", edgecolor=NODE))
            size = SIZE + 2 if len(node.primitive.symbol) < 3 else SIZE - 1
            self._text(x, y, node.primitive.symbol, "black", size=size)
        self._text(x, y - height - 0.1, _title(node, self.halves), "black")
        self.boxes.append((x - width / 2, y - height - 0.2, x + width / 2, y + height))

    def _two_halves(self, node, x, y, height):
        """Draw the partial derivatives in the left half, the value in the right."""
        corner = (x - HALF, y - height)
        self.axes.add_patch(
            Rectangle(corner, 2 * HALF, 2 * height, facecolor="white", edgecolor=NODE)
        )
        self.axes.plot([x, x], [y - height, y + height], color=NODE, linewidth=0.8)
        self._text(x + HALF / 2, y, _short(self.values[node]), BLUE)
        for slot, slope in enumerate(self.local[node]):
            self._text(x - HALF / 2, y + self._port(node, slot), _short(slope), ORANGE)

    def _port(self, node, slot):
        """Return how far below its middle a node reads from a wire."""
        count = len(node.reads)
        spread = LINE if self.halves else min(LINE, 1.4 * RADIUS / count)
        return spread * (slot - (count - 1) / 2)

    # Wires

    def _stub(self, node):
        """Draw the beginning of all wires from a node, with what is on all of them together."""
        column, y = self.layout.column[node], self.layout.y[node]
        right, start = self.right[column], self.right[column] - STUB
        self.axes.plot([start, right], [y, y], color=WIRE, linewidth=1, zorder=0)
        middle = (start + right) / 2
        if not self.halves or isinstance(node.primitive, Input):
            self._text(middle, y - 0.09, _short(self.values[node]), BLUE)
        self._text(middle, y + 0.1, _short(self.d[node]), ORANGE)
        self.boxes.append((start, y - 0.18, right, y + 0.19))

    def _wire(self, j, slot, wire, branch):
        """Draw the rest of a wire, from the stub on."""
        column, y = self.layout.column[wire[0]], self.layout.y[wire[0]]
        bends = [(self.right[column], y)]
        for point in wire[1:-1]:
            x, y = point[-1], self.layout.y[point]
            bends += [(self.left[x] - 0.1, y), (self.right[x], y)]
        column, y = self.layout.column[j], self.layout.y[j] + self._port(j, slot)
        edge = self.left[column] + self.widths[column] - self._width(j)
        if not self.halves:  # as far as the circle
            edge += RADIUS - (RADIUS**2 - self._port(j, slot) ** 2) ** 0.5
        bends.append((edge, y))
        ends = list(zip(bends[::2], bends[1::2], strict=True))
        for a, b in ends:
            self._curve(a, b)
        self.strokes[*bends] = [_along(a, b, t) for a, b in ends for t in np.linspace(0, 1, 25)]
        for (a, y), (b, _) in zip(bends[1:-1:2], bends[2::2], strict=True):
            self.axes.plot([a, b], [y, y], color=WIRE, linewidth=1, zorder=0)
        if branch:
            self.later.append((bends, j.primitive.backward(self.d[j], self.local[j])[slot]))

    def _curve(self, a, b):
        self.axes.add_patch(curve(a, b, edgecolor=WIRE, linewidth=1, zorder=0))

    def _on_branch(self, bends, number):
        """Write what a branch contributes, where on it there is most room."""
        text = _short(number)
        width = LETTER * len(text)
        places = [
            _along(a, b, t)
            for a, b in zip(bends[-2::-2], bends[::-2], strict=True)
            for t in (0.65, 0.7, 0.75, 0.6, 0.55, 0.8, 0.5, 0.45, 0.4, 0.35, 0.3)
        ]
        places += [
            ((a + b) / 2, y) for (a, y), (b, _) in zip(bends[1:-1:2], bends[2::2], strict=True)
        ]
        boxes = [(x - width / 2, y - HIGH / 2, x + width / 2, y + HIGH / 2) for x, y in places]
        others = [p for wire, points in self.strokes.items() if wire != (*bends,) for p in points]

        def crowded(n):
            covered = sum(_common(boxes[n], box) for box in self.boxes)
            return 1e4 * covered + sum(_inside(point, boxes[n]) for point in others)

        best = min(range(len(places)), key=crowded)
        self.boxes.append(boxes[best])
        white = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        x, y = places[best]
        self._text(x, y, text, ORANGE, bbox=white, size=SIZE - 1)

    def _text(self, x, y, text, color, *, ha="center", size=SIZE, bbox=None):
        style = {"ha": ha, "va": "center", "fontsize": size, "bbox": bbox}
        self.axes.text(x, y, text, color=color, **style)


def _ancestors(output):
    """Return the output and all that it is made of, read before reader."""
    needed = {output}
    for j in reversed(output.graph.nodes):
        if j in needed:
            needed.update(j.reads)
    return [j for j in output.graph.nodes if j in needed]


def _title(node, halves):
    """Return what stands above a node: its name, if it was given one, and its symbol."""
    if isinstance(node.primitive, Input):
        return ""
    name = "" if node.automatic else node.name
    if not halves:
        return name
    symbol = node.primitive.symbol
    return f"{name}: {symbol}" if name else symbol


def _short(number):
    """Return four digits of a number, with a real minus sign."""
    return f"{np.real(number) + 0.0:.4g}".replace("-", "−")


def _along(a, b, t):
    """Return the point of that curve at t, from 0 to 1."""
    weights = np.array([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    return tuple(weights @ np.array([a, *controls(a, b), b]))


def _inside(point, box):
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def _common(a, b):
    """Return the area that two boxes share."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    return max(wide, 0) * max(high, 0)
