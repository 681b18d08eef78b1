"""Entries on the way from the loss to a gradient, and the products that lead along it."""

import dataclasses
import math
from typing import Any

from .terms import Number, is_a, operands_of, worked_out

MOST = 4
"""How many terms of a long sum are followed, the largest ones."""


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
    terms: float = MOST
    """How many terms of a long sum are written."""


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


def products(node, most):
    """Return the ways to a node, each a list of factors; raise OverflowError beyond `most`."""
    if node.record is not None and node.record.phase == "loss":
        return [[Factor(node.term, node.place, node.value)]]
    ways = []
    for part in node.term.parts if is_a(node.term, "+") else [node.term]:
        factors = part.parts if is_a(part, "*") else (part,)
        followed = [one for one in factors if any(n in node.sources for n in operands_of(one))]
        if len(followed) != 1 or followed[0] not in node.sources:
            if not followed:
                continue  # it comes to nothing
            return [[Factor(Number(node.symbol, node.value), node.place, node.value)]]
        own = [
            Factor(one, node.place, worked_out(one)) for one in factors if one is not followed[0]
        ]
        ways += [[*way, *own] for way in products(node.sources[followed[0]], most)]
        if len(ways) > most:
            raise OverflowError
    return ways
