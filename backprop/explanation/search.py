"""The search for the numbers that a gradient is made of, from it back to the loss."""

import heapq
import itertools
import math
import re

from ..errors import expects
from ..network import Network
from .entries import entry
from .example import name_of
from .links import Links
from .names import checked, parsed, symbol_of
from .recording import Recording
from .recurrent import blended, of_input, of_parameter
from .terms import Number, Term, agree, is_a, largest, operands_of, unknown, worked_out
from .ways import MOST, Node

INPUT = re.compile(r"x\d*")


class Search:
    """Finds the entry that a name means, and on which ones it depends.

    Args:
        recording: one example's passes.
        of: the entry's name.
        most: how many entries are taken apart, the weightiest ones; None for all, with every term.

    Raises:
        ValueError: there is no such tensor, or no such entry.
        NotImplementedError: on the way there is a line that cannot be taken apart.
    """

    def __init__(self, recording: Recording, of, most: int | None):
        self.recording, self.most = recording, most
        self.terms = math.inf if most is None else MOST
        """How many terms of a long sum are followed."""
        self.complete = True
        """Whether every term is followed."""
        self._links = Links(recording)
        self._nodes: dict = {}
        self._open: list = []
        self._count = itertools.count()
        self._weight = (0, -1.0)
        self.root = self._root(of)
        self._follow()

    @property
    def nodes(self):
        """All entries on the way, from the loss on."""
        ranked = [(self._rank(node), key[-1], node) for key, node in self._nodes.items()]
        return [node for *_, node in sorted(ranked, key=lambda one: one[:2])]

    def _rank(self, node):
        if node.record is None:
            return max((self._rank(one) for one in node.sources.values()), default=-1) + 0.5
        return self._links.order[id(node.record)]

    # The end of the way

    def _root(self, of):
        steps, name, index = self._parsed(of)
        key = f"{'.'.join(map(str, steps))}.{name}"
        run = self.recording
        if name == "y" or INPUT.fullmatch(name):
            position = int(name[1:] or 0)
            array, index = self._of_value(steps, name, position, index, of)
            if name == "y":
                return self._given(steps, index)
            return self._handed(steps, position, array, index)
        if key not in run.grads:
            raise self._no_such(of)
        gradient = run.grads[key]
        index = checked("of", of, index, gradient.shape)
        places = [n for n, layer in enumerate(run.net) if layer is run.net[steps[0]]]
        inner = ".".join([*map(str, steps[1:]), name])
        arrays = [run.call((n,), "backward").held[1][1][inner] for n in reversed(places)]
        if len(arrays) == 1:
            root = self._made(arrays[0], index, steps)
        else:
            made = [
                ((n,), self._made(array, index, (n, *steps[1:])))
                for n, array in zip(reversed(places), arrays, strict=True)
            ]
            place = "the places of the layer"
            root = self._sum((key, index), f"d{name}", place, gradient[index], made)
        if root.value.tobytes() != gradient[index].tobytes():
            raise unknown(root.record)
        return root

    def _parsed(self, of):
        name = parsed(of)
        if name is None or not name.steps or name.count is not None:
            what = 'of= to be like "2.W[3,1]" or "0.x[0,5]"'
            raise expects("explain", what, repr(of))
        try:
            self.recording.layer(name.steps)
        except (IndexError, TypeError):
            raise self._no_such(of) from None
        return name.steps, name.name, name.index

    def _no_such(self, of):
        names = ", ".join([*self.recording.grads, "or x or y of a layer"])
        return expects("explain", f"of= to be an entry of {names}", repr(of))

    def _of_value(self, steps, name, position, index, of):
        """Return the gradient that a layer is given (y) or hands down (x), and the index in it."""
        (given, *_), (dx, _) = self.recording.call(steps, "backward").held
        dxs = dx if isinstance(dx, tuple) else (dx,)
        if name != "y" and position >= len(dxs):
            raise self._no_such(of)
        array = given if name == "y" else dxs[position]
        if array is None:
            raise expects("explain", "an input that is not whole numbers", repr(of))
        return array, checked("of", of, index, array.shape)

    # The way

    def _made(self, array, index, steps):
        """Return the node of an entry of a gradient that a layer returned."""
        made = self._links.maker(array, index, by=steps)
        made = made or of_parameter(self.recording, steps, array.shape, index)
        if made is None:
            raise self._unknown(steps)
        return self._node(*made)

    def _unknown(self, steps):
        """Return the error for what a layer returns, where no numbered line has made it."""
        ran = self.recording.of(steps, "backward")
        if ran:
            return unknown(ran[-1], "what it returns")
        got = f"what {name_of(steps, self.recording.layer(steps))} returns"
        what = "numbered lines on the way"
        return expects("explain", what, got, NotImplementedError)

    def _node(self, record, index):
        """Return the node of an entry of what a line made; where it comes from is found later."""
        key = (id(record), index)
        if key not in self._nodes:
            value = record.value[index] if index else record.value
            term = entry(record, index, self.recording.layer(record.steps))
            agree(record, term, value)
            name = f"{_symbol(record)}[{','.join(map(str, index))}]"
            place = f"{_place(record)} ({record.tag})"
            self._nodes[key] = Node(record, place, name, value, term, {})
            self._expand(self._nodes[key])
        return self._nodes[key]

    def _expand(self, node):
        """Note where the numbers of a node's formula come from, each with its weight.

        A weight is a pair. The first number is 0 on one way to the loss and 1 beside it; the second
        is minus the share that an entry has in the gradient, as far as sizes tell.
        """
        beside, share = self._weight
        parts = largest(node.term, self.terms)
        parts = node.term.parts if parts == [node.term] and is_a(node.term, "+") else parts
        self.complete &= not is_a(node.term, "+") or len(parts) == len(node.term.parts)
        sizes = [float(abs(worked_out(part))) for part in parts]
        for k in sorted(range(len(parts)), key=lambda k: -sizes[k]):
            for number in operands_of(parts[k]):
                origin = self._origin(node.record, number)
                if origin is not None:
                    weight = (beside, share * sizes[k] / (sum(sizes) or 1))
                    order = (weight, next(self._count))
                    heapq.heappush(self._open, (*order, node, number, origin))
                    beside = 1

    def _follow(self):
        """Find where the entries come from: one way to the loss, then the weightiest others."""
        while self._open:
            weight, _, node, number, origin = heapq.heappop(self._open)
            if weight[0] and self.most is not None and len(self._nodes) >= self.most:
                self.complete = False
                return
            self._weight = weight
            node.sources[number] = self._reached(*origin)

    def _origin(self, record, number):
        """Return where a number of a line's formula comes from, None if it depends on no delta."""
        if number.source == "ds" and record.chapter == "blend_backward":
            return "sum", record, number
        origin = self._links.of(record, number)
        if origin is None:
            raise unknown(record, number.symbol)
        return origin if origin[0] != "given" else None

    def _reached(self, kind, *where):
        """Return the node that an origin names."""
        ways = {"line": self._node, "delta": self._given, "sum": self._blend}
        return ways[kind](*where)

    def _given(self, steps, index):
        """Return the node of an entry of the delta that a layer is given."""
        net = self.recording.network(steps[:-1])
        return self._delta(steps[:-1], net.inputs + steps[-1], index)

    def _delta(self, prefix, value, index):
        run = self.recording
        net = run.network(prefix)
        readers = [
            (number, position)
            for number, (_, reads) in reversed(list(enumerate(net.steps)))
            for position, one in enumerate(reads)
            if one == value
        ]
        if not readers:
            if prefix:
                return self._given(prefix, index)
            return self._node(self._of_loss(), index)
        whose = []
        for number, position in readers:
            dx, _ = run.call((*prefix, number), "backward").held[1]
            part = dx[position] if isinstance(dx, tuple) else dx
            whose.append(((*prefix, number), position, part))
        parts = [(place, self._handed(place, k, part, index)) for place, k, part in whose]
        if len(parts) == 1:
            return parts[0][1]
        total = run.delta_of(prefix, value)[index]
        return self._sum((prefix, value, index), f"dL/dv{value}", "its readers", total, parts)

    def _of_loss(self):
        """Return the record of the line that made the loss's gradient."""
        run = self.recording
        for record in reversed(run.records):
            if record.phase == "loss" and record.held[""] is run.delta:
                return record
        what = "a loss whose gradient is a tagged line"
        raise expects("explain", what, repr(run.loss), NotImplementedError)

    def _handed(self, steps, position, part, index):
        """Return the node of an entry of what a reader hands down."""
        made = self._links.maker(part, index, by=steps)
        if made is not None:
            return self._node(*made)
        if isinstance(self.recording.layer(steps), Network):
            return self._delta(steps, position, index)
        own = self._links.within(self.recording.call(steps, "backward").held[0][0], part, index)
        if own is not None:
            return self._given(steps, own)
        made = of_input(self.recording, steps, position, index)
        if made:
            return self._total((steps, position, index), "dx", part[index], made)
        made = self._links.uncropped(steps, index) if part.ndim == 4 else None
        if made is not None:
            return self._node(*made)
        if not part[index]:
            return self._zero(steps, index)
        raise self._unknown(steps)

    def _blend(self, record, number):
        """Return the node of what a masked step is given: a sum that no line makes."""
        made = [(one, number.index) for one in blended(self.recording, record)]
        key = ("ds", record.steps, record.round, number.index)
        return self._total(key, "ds", number.value, made)

    def _total(self, key, name, value, made):
        """Return the node of a sum of entries that lines of one layer have made."""
        nodes = [self._node(*one) for one in made]
        if len(nodes) == 1 and nodes[0].value == value:
            return nodes[0]
        place = name_of(made[0][0].steps, self.recording.layer(made[0][0].steps))
        parts = [(node.record.tag, node) for node in nodes]
        return self._sum((*key[:-1], name, key[-1]), name, f"the lines of {place}", value, parts)

    def _zero(self, steps, index):
        """Return the node of an entry that no line has added to: zero, as it was made."""
        key = ("zero", steps, index)
        if key not in self._nodes:
            name = f"dx[{','.join(map(str, index))}]"
            zero = self.recording.dtype.type(0)
            place = f"{name_of(steps, self.recording.layer(steps))}, which hands nothing to it"
            self._nodes[key] = Node(None, place, name, zero, Number("0", zero), {})
        return self._nodes[key]

    def _sum(self, key, symbol, place, value, parts):
        """Return the node of a sum over readers, over the places of a shared layer, or of lines."""
        if key not in self._nodes:
            numbers = [
                Number(f"{node.symbol} of {_dotted(whose)}", node.value, "sum", (k,))
                for k, (whose, node) in enumerate(parts)
            ]
            listed = f"{symbol}[{','.join(map(str, key[-1]))}]"
            sources = dict(zip(numbers, (node for _, node in parts), strict=True))
            self._nodes[key] = Node(None, place, listed, value, Term("+", tuple(numbers)), sources)
        return self._nodes[key]


def _dotted(whose):
    return ".".join(map(str, whose)) if isinstance(whose, tuple) else f"({whose})"


def _symbol(record):
    return symbol_of(record, record.name) if record.name else "delta"


def _place(record):
    return f"{'.'.join(map(str, record.steps))} {record.chapter}".strip()
