"""One number's gradient, followed from the loss to it: every factor, its place and its value."""

import dataclasses
import heapq
import itertools
import math
import re
from typing import Any

import numpy as np

from ..errors import expects
from ..layers.gru import GRU
from ..network import Network
from .entries import Number, Term, entry, largest, operands_of, unknown, worked_out
from .example import Place, Title, brief, name_of
from .formula import symbol
from .links import Links
from .recording import Recording
from .writers import LatexWriter, MarkdownWriter, Note, TextWriter

NAME = re.compile(r"(\d+(?:\.\d+)*)\.(\w+)\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]")
MOST = 4
"""How many terms of a long sum are followed, the largest ones."""
ENTRIES = 32
"""How many entries are followed; a single way to the loss in any case."""


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """An entry of something that backward made: how it is computed, and from what."""

    record: Any
    """The line that made it; None for a sum that the network makes of what readers hand down."""
    place: str
    symbol: str
    value: Any
    """The float that the shipped code computed."""
    term: Any
    """The formula: Numbers and Terms."""
    sources: dict
    """The nodes that numbers of the formula come from, by number, as far as they are followed."""


@dataclasses.dataclass(frozen=True)
class Step:
    """A line on the way, or a sum that the network makes, with its entries."""

    nodes: tuple[Node, ...]


@dataclasses.dataclass(frozen=True)
class Way:
    """A product that leads from the loss to the gradient, factor by factor."""

    title: str
    factors: tuple

    @property
    def product(self):
        """The product of the factors, from the loss on."""
        return math.prod(factor.value for factor in self.factors)


@dataclasses.dataclass(frozen=True)
class Factor:
    """A factor of a product: its symbol, where it stands, and its value."""

    symbol: Any
    place: str
    value: Any


class Path:
    """What leads from the loss to one entry of a gradient.

    Args:
        recording: one example's passes.
        of: the entry, such as "2.W[3,1]", or "0.x[0,5]" for an input of layer 0.

    Raises:
        ValueError: there is no such tensor, or no such entry.
        NotImplementedError: on the way there is a line that cannot be taken apart.
    """

    def __init__(self, recording: Recording, of, digits=6):
        self.recording, self.of, self.digits = recording, of, digits
        self._links = Links(recording)
        self._nodes: dict = {}
        self._open: list = []
        self._weight = (0, -1.0)
        self.root = self._root(of)
        self._follow()

    @property
    def value(self):
        """The gradient: the float that `backward` returned."""
        return self.root.value

    @property
    def nodes(self):
        """All entries on the way, from the loss on."""
        ranked = [(self._rank(node), key[-1], node) for key, node in self._nodes.items()]
        return [node for *_, node in sorted(ranked, key=lambda one: one[:2])]

    def products(self, most=MOST):
        """Return each way as a list of factors, from the loss on; None if there are too many."""
        try:
            return _products(self.root, most) if self.complete else None
        except OverflowError:
            return None

    def __str__(self):
        """Return the page for a terminal."""
        return TextWriter(self.digits, 0).page(self.items())

    __repr__ = __str__

    def _repr_markdown_(self):
        """Return the page for a notebook."""
        return MarkdownWriter(self.digits, 0).page(self.items())

    def latex(self):
        """Return the page as a LaTeX document, for a hand-out."""
        return LatexWriter(self.digits, 0).page(self.items())

    def html(self):
        """Return the page for a browser: one file, which needs nothing else."""
        from .page.chain import HtmlWriter

        return HtmlWriter(self.digits, 0).page(self.items())

    def items(self):
        """Yield what stands on the page, from the loss to the gradient."""
        run, steps = self.recording, None
        yield Title(f"dL/d({self.of}) = {self.value!s}", 1)
        for _, nodes in itertools.groupby(self.nodes, key=lambda node: id(node.record or node)):
            first, *more = nodes
            if first.record is not None and first.record.steps != steps:
                steps = first.record.steps
                loss = f"L = {run.value:.{self.digits}g}"
                name = name_of(steps, run.layer(steps)) if steps else brief(run.loss)
                yield Place(name, "" if steps else loss)
            yield Step((first, *more))
        ways = self.products() or []
        for number, factors in enumerate(ways, start=1):
            title = "The chain of factors" if len(ways) == 1 else f"Way {number} of {len(ways)}"
            yield Way(title, tuple(factors))
        key = self.of.partition("[")[0]
        if not self.complete:
            yield Note("Not every term is followed: the other ones stand there as numbers.")
        where = f'stands in grads["{key}"]' if key in run.grads else "backward handed down"
        yield Note(f"{self.value!s} is what {where}, to the last bit.")

    def _rank(self, node):
        if node.record is None:
            return max((self._rank(one) for one in node.sources.values()), default=-1) + 0.5
        return self._links.order[id(node.record)]

    # The end of the way

    def _root(self, of):
        steps, name, index = self._parsed(of)
        key = f"{'.'.join(map(str, steps))}.{name}"
        run = self.recording
        if name in ("x", "y"):
            array, index = self._of_value(steps, name, index, of)
            return (
                self._given(steps, index) if name == "y" else self._handed(steps, 0, array, index)
            )
        if key not in run.grads:
            raise self._no_such(of)
        gradient = run.grads[key]
        index = _checked(of, index, gradient.shape)
        places = [n for n, layer in enumerate(run.net) if layer is run.net[steps[0]]]
        inner = ".".join([*map(str, steps[1:]), name])
        arrays = [run.call((n,), "backward").held[1][1][inner] for n in reversed(places)]
        if len(arrays) == 1:
            root = self._made(arrays[0], index, steps)
        else:
            whose = [
                ((n,), array, index) for n, array in zip(reversed(places), arrays, strict=True)
            ]
            root = self._sum((key, index), f"d{name}", gradient[index], whose)
        if root.value.tobytes() != gradient[index].tobytes():
            raise unknown(root.record)
        return root

    def _parsed(self, of):
        match = NAME.fullmatch(of) if isinstance(of, str) else None
        if match is None:
            what = 'of= to be like "2.W[3,1]" or "0.x[0,5]"'
            raise expects("explain", what, repr(of))
        steps = tuple(map(int, match[1].split(".")))
        try:
            self.recording.layer(steps)
        except (IndexError, TypeError):
            raise self._no_such(of) from None
        return steps, match[2], tuple(int(n) for n in match[3].split(","))

    def _no_such(self, of):
        names = ", ".join([*self.recording.grads, "or x or y of a layer"])
        return expects("explain", f"of= to be an entry of {names}", repr(of))

    def _of_value(self, steps, name, index, of):
        """Return the gradient that a layer is given (y) or hands down (x), and the index in it."""
        (given, *_), (dx, _) = self.recording.call(steps, "backward").held
        array = given if name == "y" else dx[0] if isinstance(dx, tuple) else dx
        if array is None:
            raise expects("explain", "an input that is not whole numbers", repr(of))
        return array, _checked(of, index, array.shape)

    # The way

    def _made(self, array, index, steps):
        """Return the node of an entry of a gradient that a layer returned."""
        made = self._links.maker(array, index, by=steps)
        layer = self.recording.layer(steps)
        if made is None and isinstance(layer, GRU) and array.shape == layer.Wh.shape:
            # dWh is put together from the gradients of both gates and of the candidate.
            gates = 2 * layer.units
            name, column = ("dW_rz", 0) if index[1] < gates else ("dW_n", gates)
            records = self.recording.of(steps, "backward")
            record = next(one for one in records if one.name == name)
            made = record, (index[0], index[1] - column)
        if made is None:
            raise unknown(self._last(steps), "what it returns")
        return self._node(*made)

    def _last(self, steps):
        return self.recording.of(steps, "backward")[-1]

    def _node(self, record, index):
        """Return the node of an entry of what a line made; where it comes from is found later."""
        key = (id(record), index)
        if key not in self._nodes:
            value = record.value[index] if index else record.value
            if _folds(record):
                term = Number(f"fold(dX)[{','.join(map(str, index))}]", value, "fold", index)
            else:
                term = entry(record, index, self.recording.layer(record.steps))
            _agree(record, term, value)
            name = f"{_symbol(record)}[{','.join(map(str, index))}]"
            place = f"{_place(record)} ({record.tag})"
            self._nodes[key] = Node(record, place, name, value, term, {})
            heapq.heappush(self._open, (self._weight, len(self._nodes), self._nodes[key]))
        return self._nodes[key]

    def _follow(self):
        """Find where the entries come from: one way to the loss, then the weightiest others.

        A weight is a pair. The first number is 0 on that one way and 1 beside it; the second is
        minus the share that an entry has in the gradient, as far as sizes tell.
        """
        self.complete = True
        while self._open:
            (beside, share), _, node = heapq.heappop(self._open)
            if beside and len(self._nodes) >= ENTRIES:
                self.complete = False
                return
            parts = largest(node.term, MOST)
            parts = node.term.parts if parts == [node.term] and _is(node.term, "+") else parts
            sizes = [abs(worked_out(part)) for part in parts]
            order = sorted(range(len(parts)), key=lambda k, sizes=sizes: -sizes[k])
            self.complete &= not _is(node.term, "+") or len(parts) == len(node.term.parts)
            for k in order:
                for number in operands_of(parts[k]):
                    self._weight = (beside, share * float(sizes[k] / (sum(sizes) or 1)))
                    source = self._source(node.record, number)
                    if source is not None:
                        node.sources[number] = source
                        beside = 1

    def _source(self, record, number):
        """Return the node that a number of a line's formula comes from, None if none."""
        if number.source == "fold":
            return self._node(*self._links.folded(record, number.index))
        origin = self._links.of(record, number)
        if origin is None:
            raise unknown(record, number.symbol)
        kind, *where = origin
        if kind == "given":
            return None
        return self._node(*where) if kind == "line" else self._given(*where)

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
            whose.append(((*prefix, number), part, index))
        if len(whose) == 1:
            steps, part, _ = whose[0]
            return self._handed(steps, 0, part, index)
        total = run.delta_of(prefix, value)[index]
        return self._sum((prefix, value, index), f"dL/dv{value}", total, whose)

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
        if not part[index]:
            return self._zero(steps, index)
        raise unknown(self._last(steps), "what it returns")

    def _zero(self, steps, index):
        """Return the node of an entry that no line has added to: zero, as it was made."""
        key = ("zero", steps, index)
        if key not in self._nodes:
            name = f"dx[{','.join(map(str, index))}]"
            zero = self.recording.dtype.type(0)
            place = f"{name_of(steps, self.recording.layer(steps))}, which hands nothing to it"
            self._nodes[key] = Node(None, place, name, zero, Number("0", zero), {})
        return self._nodes[key]

    def _part(self, steps, array, index):
        """Return the node of a part of a sum: of what is handed down, or of a gradient."""
        is_gradient = any(
            array is one for one in self.recording.call(steps, "backward").held[1][1].values()
        )
        if is_gradient:
            return self._made(array, index, steps)
        return self._handed(steps, 0, array, index)

    def _sum(self, key, symbol, value, whose):
        """Return the node of a sum over readers, or over the places of a shared layer."""
        if key not in self._nodes:
            sources, numbers = {}, []
            for place, array, index in whose:
                node = self._part(place, array, index)
                name = f"{node.symbol} of {'.'.join(map(str, place))}"
                number = Number(name, array[index], "sum", (*place, *index))
                sources[number] = node
                numbers.append(number)
            listed = f"{symbol}[{','.join(map(str, whose[0][2]))}]"
            place = "its readers" if symbol.startswith("dL") else "the places of the layer"
            term = Term("+", tuple(numbers))
            self._nodes[key] = Node(None, place, listed, value, term, sources)
        return self._nodes[key]


def _checked(of, index, shape):
    """Return an index into `shape`, a last axis of length 1 left out or not; or raise."""
    if len(index) == len(shape) - 1 and shape[-1:] == (1,):
        index = (*index, 0)
    if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
        raise expects("explain", f"of= to be an entry of shape {shape}", repr(of))
    return index


def _agree(record, term, value):
    """Raise NotImplementedError unless a formula gives, but for rounding, what its line gave."""
    parts = [abs(worked_out(part)) for part in getattr(term, "parts", [])]
    unit = np.finfo(np.asarray(value).dtype).eps
    bound = unit * (len(parts) + 16) * (sum(parts) + abs(value))
    if abs(worked_out(term) - value) > bound:
        raise unknown(record)


def _folds(record):
    """Return whether a line calls `fold`, whose own lines are on the way then."""
    return ".fold(" in record.line.source and not record.inner and "dX" in record.line.source


def _symbol(record):
    if not record.name:
        return "delta"
    name, _, inner = symbol(record.name).partition("[")
    for counter, value in record.loops.items():
        inner = re.sub(rf"\b{counter}\b", str(value), inner)
    return f"{name}[{inner}" if inner and len(inner) < 8 else name


def _place(record):
    return f"{'.'.join(map(str, record.steps))} {record.chapter}".strip()


def _products(node, most):
    """Return the ways to a node, each a list of factors; raise OverflowError beyond `most`."""
    if node.record is not None and node.record.phase == "loss":
        return [[Factor(node.term, node.place, node.value)]]
    ways = []
    for part in node.term.parts if _is(node.term, "+") else [node.term]:
        factors = part.parts if _is(part, "*") else (part,)
        followed = [one for one in factors if any(n in node.sources for n in operands_of(one))]
        if len(followed) != 1 or followed[0] not in node.sources:
            if not followed:
                continue  # it comes to nothing
            return [[Factor(Number(node.symbol, node.value), node.place, node.value)]]
        own = [
            Factor(one, node.place, worked_out(one)) for one in factors if one is not followed[0]
        ]
        ways += [[*way, *own] for way in _products(node.sources[followed[0]], most)]
        if len(ways) > most:
            raise OverflowError
    return ways


def _is(term, operation):
    return isinstance(term, Term) and term.operation == operation
