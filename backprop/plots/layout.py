"""Where the nodes of a graph are drawn: columns from left to right, few crossings, nothing near.

The output stands at the right, and what is read by a node stands one column further left than the
node, or more. An edge over several columns gets a point in every column between, which is placed as
the nodes are: so it runs past them.
"""

from itertools import pairwise

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ..errors import expects

MOST = 150
"""Nodes: in a row they are as wide as a picture can be."""
SWEEPS = 12


class Layout:
    """Places for nodes, of which the last one is the output, made of all the others.

    A node has `reads`, the nodes that it is made of, which stand before it.

    * `nodes`: these nodes, in their order.
    * `column`: the column of every node, 0 at the left.
    * `wires`: for every node, a list with one wire for each node that it reads: the places that
      the wire runs through.
    * `columns`: for every column, its places from top to bottom: nodes, and points of wires.
    * `y`: the height of every place, growing downwards.
    """

    def __init__(self, nodes, room):
        """Place the nodes; two neighbours `a` and `b` are `room(a, b)` apart at least."""
        self.nodes, output = nodes, nodes[-1]
        if len(self.nodes) > MOST:
            raise expects("draw", f"at most {MOST} nodes", len(self.nodes))
        rank = {output: 0}
        for j in reversed(self.nodes):
            for i in j.reads:
                rank[i] = max(rank.get(i, 0), rank[j] + 1)
        last = max(rank.values())
        self.column = {node: last - rank[node] for node in self.nodes}
        self.columns = [[] for _ in range(last + 1)]
        self.wires = {}
        self._fill(output)
        self.near = self._neighbours()
        self._order()
        self.y = self._heights(room)

    def _fill(self, output):
        """Put all places into their columns, in the order of a walk back from the output."""
        seen = set()

        def visit(j):
            if j in seen:
                return
            seen.add(j)
            self.columns[self.column[j]].append(j)
            self.wires[j] = []
            for slot, i in enumerate(j.reads):
                between = range(self.column[i] + 1, self.column[j])
                points = [(i, j, slot, column) for column in between]
                for point in points:
                    self.columns[point[-1]].append(point)
                self.wires[j].append([i, *points, j])
                visit(i)

        visit(output)

    def _neighbours(self):
        """Return for every place what is wired to it, on the left and on the right.

        A wire arrives at a node a little higher or lower than the one before it.
        """
        near = {place: ([], []) for column in self.columns for place in column}
        for wires in self.wires.values():
            for slot, wire in enumerate(wires):
                for a, b in pairwise(wire):
                    shift = (slot + 1) / (len(wires) + 1) - 0.5 if b is wire[-1] else 0.0
                    near[a][1].append((b, shift))
                    near[b][0].append((a, -shift))
        return near

    def _order(self):
        """Sort the columns by the middle of their neighbours, there and back; keep the best."""
        best = [self._crossings(), [list(column) for column in self.columns]]
        for sweep in range(SWEEPS):
            side = (sweep + 1) % 2
            walk = self.columns if side == 0 else self.columns[::-1]
            for column in walk:
                self._sort(column, side)
            crossings = self._crossings()
            if crossings < best[0]:
                best = [crossings, [list(column) for column in self.columns]]
        self.columns = best[1]

    def _sort(self, column, side):
        at = self._positions()
        middle = {}
        for place in column:
            found = [at[other] + shift for other, shift in self.near[place][side]]
            middle[place] = np.mean(found) if found else at[place]
        column.sort(key=middle.__getitem__)

    def _positions(self):
        return {p: n - len(column) / 2 for column in self.columns for n, p in enumerate(column)}

    def _crossings(self):
        """Return how many pairs of wires cross between two columns."""
        at = self._positions()
        count = 0
        for column in self.columns:
            ends = [(at[a], at[b] + shift) for a in column for b, shift in self.near[a][1]]
            count += sum(
                (a - c) * (b - d) < 0 for n, (a, b) in enumerate(ends) for c, d in ends[:n]
            )
        return count

    def _heights(self, room):
        """Draw every place to the middle of its neighbours, and keep the room between places.

        From right to left to those at its right, then from left to right to those at its left: so
        a chain ends up straight.
        """
        y = {}
        for column in self.columns:
            y.update(zip(column, _spread(np.zeros(len(column)), column, room), strict=True))
        for sweep in range(SWEEPS):
            side = (sweep + 1) % 2
            for column in self.columns[:: -1 if side else 1]:
                wanted = []
                for place in column:
                    found = [y[other] for other, _ in self.near[place][side]]
                    wanted.append(np.mean(found) if found else y[place])
                y.update(zip(column, _spread(wanted, column, room), strict=True))
        return y


def _spread(wanted, column, room):
    """Return the heights nearest to `wanted`, in the sum of squares, that leave room between.

    Without the room that those above take up, the heights only have to rise: neighbours that do not
    are pooled at their mean.
    """
    offset = np.cumsum([0.0, *(room(a, b) for a, b in pairwise(column))])
    pools = []
    for height in np.subtract(wanted, offset):
        pools.append([height, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            total = count + pools[-1][1]
            pools[-1] = [(pools[-1][0] * pools[-1][1] + mean * count) / total, total]
    return np.concatenate([np.full(count, mean) for mean, count in pools]) + offset


def controls(a, b):
    """Return the inner points of the Bezier curve that leaves a and arrives at b horizontally."""
    middle = (a[0] + b[0]) / 2
    return (middle, a[1]), (middle, b[1])


def curve(a, b, **style):
    """Return that curve as a patch."""
    codes = [Path.MOVETO, *[Path.CURVE4] * 3]
    return PathPatch(Path([a, *controls(a, b), b], codes), fill=False, **style)
