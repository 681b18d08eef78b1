"""What stands in the columns of a diagram: a value of the network, with its name and captions."""

import math

from ..layers import (
    ELU,
    GELU,
    GRU,
    LSTM,
    RNN,
    SELU,
    Add,
    Bidirectional,
    Concat,
    Dropout,
    Flatten,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from .bodies import MOST_UNITS, Slim, Tile, Units
from .picture import wide

UNIT_BY_UNIT = (
    *(ELU, GELU, SELU, Dropout, Identity, LeakyReLU, PReLU, ReLU),
    *(Sigmoid, SiLU, Softplus, Softsign, Tanh),
)
SLIM_ONES = (*UNIT_BY_UNIT, Flatten, Reshape, Add, Concat)
RECURRENT = (RNN, LSTM, GRU, Bidirectional)
ROW = 0.15
"""The height of a line of captions, in inches."""


class Node:
    """A value of the network, with what it looks like."""

    def __init__(self, net, number, nodes):
        made_by = number - net.inputs
        self.number, self.shape = number, net.shapes[number]
        self.layer = net[made_by] if made_by >= 0 else None
        self.reads = [nodes[i] for i in net.steps[made_by][1]] if self.layer else []
        which = f" {number}" if net.inputs > 1 else ""
        self.title = f"{made_by} {self.layer.name}" if self.layer else f"input{which}"
        self.body = self._body()
        self.captions = []

    def _body(self):
        if len(self.shape) < 2 and math.prod(self.shape) <= MOST_UNITS:
            return Units(self.shape)
        if isinstance(self.layer, SLIM_ONES):
            return Slim(wide(self.title))
        return Tile(self.shape)

    @property
    def slim(self):
        """Whether it is a slim box, with its name inside."""
        return isinstance(self.body, Slim)

    @property
    def loops(self):
        """Whether an arrow leads from the layer back to itself."""
        return isinstance(self.layer, RECURRENT)

    @property
    def width(self):
        """How wide its column has to be."""
        words = self.captions if self.slim else [self.title, *self.captions]
        return max(self.body.width, *map(wide, words))

    @property
    def above(self):
        """How far it reaches up from its middle, the name included."""
        return self.body.above + (0 if self.slim else 0.2) + (0.2 if self.loops else 0)

    @property
    def below(self):
        """How far it reaches down from its middle, the captions included."""
        return self.body.below + 0.05 + ROW * len(self.captions)


def room(a, b):
    """Return how far apart two neighbours in a column have to be."""
    below = a.below if isinstance(a, Node) else 0.0
    above = b.above if isinstance(b, Node) else 0.0
    return below + above + 0.2


def both_units(node):
    """Return whether the node and all that it reads are drawn unit by unit."""
    return all(isinstance(each.body, Units) for each in (node, *node.reads))
