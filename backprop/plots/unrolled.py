"""A recurrent layer unrolled: its steps side by side, with the gates and their deltas."""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.patches import FancyBboxPatch, Rectangle

from ..errors import expects
from ..layers import GRU, LSTM, RNN
from ..training.passes import norm
from .picture import ORANGE, SIGNED, Picture, wide
from .through_time import one_pass

MOST = 12
"""How many steps there is room for."""
# All lengths are in inches: a unit of the axes is an inch of the picture.
WIDE, GAP, MARGIN, LETTERS = 1.2, 0.72, 0.25, 0.22
STRIP, BETWEEN, ARROW = 0.15, 0.1, 0.42
SIZE = 7.5
THIN, THICK, DECADES = 0.5, 4.5, 3
WORDS, WIRE = "0.3", "0.55"


def unrolled(layer, x, delta, /):
    r"""Draw the steps of an LSTM, a GRU or an RNN, with every gate's value and delta.

    Each step is a box. A gate is two strips with a cell for each unit: its value in grey, and below
    it the delta of what it is a squashed form of ($da_i$ and so on), in colour. Below the gates
    stand the states that the step makes, and the delta that comes back to them from the step after.
    The wires between the boxes are as wide as the logarithm of the norm of what goes back along
    them, which is written below: it is what `backward` hands to the initial states of the sequence
    that begins there.

    Args:
        layer: a built LSTM, GRU or RNN, neither reversed nor masked.
        x: sequences (N, T, D) of up to 12 steps. Of several examples the values are averaged and
            the deltas summed up.
        delta: dL/dh of every step, (N, T, H).

    Raises:
        TypeError: `layer` is something else.
        ValueError: it reads in reverse, is masked or not built; or a shape does not fit.
    """
    if not isinstance(layer, LSTM | GRU | RNN):
        raise expects("unrolled", "an LSTM, a GRU or an RNN", repr(layer), TypeError)
    if layer.reverse or layer.masked:
        raise expects("unrolled", "a layer that is neither reversed nor masked", repr(layer))
    (x,), delta, cache = one_pass("unrolled", layer, (x,), delta)
    if x.shape[1] > MOST:
        raise expects("unrolled", f"at most {MOST} steps", x.shape[1])
    return _Unrolled(layer, x, delta, cache).figure


def back_through_time(layer, x, delta):
    """Return the states before each step and after the last, and what comes back to each of them.

    Both are lists, one entry for each step and one more, of tuples: (h,) or (h, c). What comes back
    is `dx` of the initial states of a pass over the steps from there on.
    """
    H = layer.units
    count = len(layer.state_shapes(x.shape[1:]))
    states = [(np.zeros((len(x), H), x.dtype),) * count]
    for t in range(x.shape[1]):
        _, cache = layer.forward(x[:, t : t + 1], *states[-1])
        states.append(layer.final_states(cache))
    back = []
    for t in range(x.shape[1]):
        _, cache = layer.forward(x[:, t:], *states[t])
        (_, *parts), _ = layer.backward(delta[:, t:], cache)
        back.append(tuple(parts))
    return states, [*back, tuple(map(np.zeros_like, states[-1]))]


class _Unrolled:
    def __init__(self, layer, x, delta, cache):
        dx, _ = layer.backward(delta, cache)
        self.N, self.T, _ = x.shape
        self.gates, self.deltas = layer.gates(cache), layer.gate_deltas(delta, cache)
        self.states, self.back = back_through_time(layer, x, delta)
        self.dx, self.delta = dx, delta
        self.names = "hc"[: len(self.states[0])]
        every = [*self.deltas.values(), *(part for parts in self.back for part in parts)]
        self.most = max(float(np.abs(part.sum(axis=0)).max()) for part in every)
        self._scale_wires()
        self._open(layer)
        for t in range(self.T):
            self._step(t)
            self._between(t)

    def _scale_wires(self):
        parts = [part for parts in self.back for part in parts]
        steps = [each[:, t] for each in (self.dx, self.delta) for t in range(self.T)]
        logs = [math.log10(norm(part)) for part in (*parts, *steps) if norm(part) > 0] or [0.0]
        self.high = max(logs)
        self.low = min(*logs, self.high - DECADES)

    def _wide(self, part):
        """Return the width, in points, of a wire that `part` of a delta goes back along."""
        if norm(part) == 0:
            return THIN
        share = (math.log10(norm(part)) - self.low) / (self.high - self.low)
        return THIN + (THICK - THIN) * share

    def _open(self, layer):
        """Make the figure: rows of two strips, first the gates, then the states."""
        self.own_rows = [name for name in self.names if name not in self.gates]
        rows = [*self.gates, *self.own_rows]
        self.top = {name: BETWEEN + row * (2 * STRIP + BETWEEN) for row, name in enumerate(rows)}
        self.height = BETWEEN + len(rows) * (2 * STRIP + BETWEEN)
        right = 2 * MARGIN + self.T * (GAP + WIDE)
        above, below = ARROW + 0.75, ARROW + 0.45
        legend = self._legend(layer)
        bottom = self.height + below + 0.17 * len(legend) + 0.1
        right = max(right, 2 * MARGIN + max(map(wide, legend)))
        self.figure = Picture(right, bottom + above)
        self.figure.set_layout_engine("none")  # one pair of axes fills it
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, right), ylim=(bottom, -above))
        self.axes.set_autoscale_on(False)
        self.axes.set_axis_off()
        for row, words in enumerate(legend):
            self._text(MARGIN, self.height + below + 0.17 * row, words, WORDS, ha="left")
        name = layer.name or type(layer).__name__
        self._text(MARGIN, 0.17 - above, f"{name}: {self.T} steps, {layer.units} units", ha="left")

    def _legend(self, layer):
        mean, total = (" (mean of the batch)", f", summed over {self.N} examples")
        mean, total = (mean, total) if self.N > 1 else ("", "")
        scales = ["sigmoids from 0 to 1, tanh from −1 to 1"] if self.own_rows else []
        rows = [
            f"upper, grey: the value{mean}; white to dark: "
            f"{', '.join([*scales, 'states from −max to max'])}",
            f"lower, coloured: the delta before the squashing{total}; "
            f"blue below 0, orange above, full colour {self.most:.2g}",
        ]
        if self.own_rows:
            rows.append(
                f"{' and '.join(self.own_rows)}: lower, what comes back from the step after"
            )
        low, high = 10**self.low, 10**self.high
        rows.append(f"wires: width grows with log ‖δ‖ that goes back, {low:.1g} to {high:.1g}")
        return rows

    # A step

    def _step(self, t):
        left = MARGIN + GAP + t * (WIDE + GAP)
        box = FancyBboxPatch(
            (left, 0), WIDE, self.height, boxstyle="round,pad=0,rounding_size=0.08"
        )
        box.set(facecolor="white", edgecolor=WORDS, linewidth=0.8, zorder=1)
        self.axes.add_patch(box)
        most = [max(_largest(each[k]) for each in self.states) or 1 for k in range(len(self.names))]
        for name, gate in self.gates.items():
            low, high = (-most[0], most[0]) if name == "h" else (0 if name in "iforz" else -1, 1)
            self._strips(t, left, name, gate[:, t], self.deltas[name][:, t], low, high)
        for name in self.own_rows:
            k = self.names.index(name)
            value, delta = self.states[t + 1][k], self.back[t + 1][k]
            self._strips(t, left, name, value, delta, -most[k], most[k])
        middle = left + WIDE / 2
        self._vertical(middle, -ARROW, "δ", t, self.delta[:, t])
        self._vertical(middle, self.height, "dx", t, self.dx[:, t])
        self._text(middle, -ARROW - 0.1, f"step {t + 1}")

    def _strips(self, t, left, name, value, delta, low, high):
        top = self.top[name]
        self._text(left + LETTERS / 2 + 0.02, top + STRIP, name)
        value, delta = value.mean(axis=0), delta.sum(axis=0)
        shares = np.clip((value - low) / (high - low), 0, 1)
        greys = colormaps["Greys"](0.8 * shares)
        colors = SIGNED(0.5 + 0.5 * delta / (self.most or 1.0))
        start, end = left + LETTERS + 0.02, left + WIDE - 0.06
        for which, strip, y in (("value", greys, top), ("delta", colors, top + STRIP)):
            extent = (start, end, y + STRIP, y)
            style = {"aspect": "auto", "interpolation": "nearest", "zorder": 2}
            self.axes.imshow(strip[np.newaxis], extent=extent, gid=f"{which} {name}[{t}]", **style)
        frame = Rectangle((start, top), end - start, 2 * STRIP, fill=False, edgecolor=WORDS)
        frame.set(linewidth=0.5, zorder=3)
        self.axes.add_patch(frame)

    # Wires

    def _between(self, t):
        """Draw what goes back to the states before step t (from 0)."""
        start = MARGIN + t * (WIDE + GAP)
        for k, name in enumerate(self.names):
            y = self.top[name] + STRIP
            part = self.back[t][k]
            style = {"color": WIRE, "linewidth": self._wide(part), "zorder": 0.5}
            self.axes.plot([start, start + GAP], [y, y], gid=f"d{name}[{t}]", **style)
            self._text(start + GAP / 2, y - 0.12, f"d{name}", WORDS, size=SIZE - 0.5)
            self._text(start + GAP / 2, y + 0.12, f"{norm(part):.2g}", ORANGE, size=SIZE - 0.5)

    def _vertical(self, x, start, name, t, part):
        style = {"color": WIRE, "linewidth": self._wide(part), "zorder": 0.5}
        self.axes.plot([x, x], [start, start + ARROW], gid=f"{name}[{t}]", **style)
        words = f"‖{name}‖ {norm(part):.2g}"
        self._text(x + 0.08, start + ARROW / 2, words, WORDS, ha="left", size=SIZE - 0.5)

    def _text(self, x, y, words, color="black", *, ha="center", size=SIZE):
        style = {"ha": ha, "va": "center", "fontsize": size, "zorder": 4}
        self.axes.text(x, y, words, color=color, **style)


def _largest(state):
    """Return the size of the largest mean over the examples."""
    return float(np.abs(state.mean(axis=0)).max())
