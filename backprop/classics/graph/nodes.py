"""Nodes, and the arithmetic and functions that make nodes from nodes."""

import numbers
from typing import Any

from ...errors import expects
from . import primitives as p


class Node:
    """A place in a graph: a primitive, and the nodes that it reads.

    Arithmetic with nodes makes nodes. A number beside one becomes part of the primitive: `3 * x` is
    an edge of weight 3.
    """

    __array_ufunc__ = None  # an array beside a node is refused, and not taken apart

    def __init__(self, graph: Any, name: str, primitive: Any, reads: tuple["Node", ...]):
        self.graph = graph
        self.name = name
        self.automatic = bool(reads)
        """Whether nobody gave it its name."""
        self.primitive = primitive
        self.reads = reads

    def named(self, name, /):
        """Give this node a name, for pictures, messages and `graph[name]`; return the node.

        Raises:
            ValueError: another node has that name.
        """
        self.graph.take_name(name, instead_of=self.name)
        self.name, self.automatic = name, False
        return self

    @property
    def who(self):
        """Primitive and name, as error messages begin."""
        return f"{type(self.primitive).__name__} {self.name!r}"

    def __repr__(self):
        """Show what it is and reads: `f = Multiply(v3, z)`."""
        if isinstance(self.primitive, p.Input):
            return f"{self.name} = Input({self.primitive.value})"
        reads = ", ".join(read.name for read in self.reads)
        return f"{self.name} = {type(self.primitive).__name__}({reads})"

    def __add__(self, other) -> "Node":
        return self._join(other, p.Add, p.Shift)

    def __sub__(self, other) -> "Node":
        return self._join(other, p.Subtract, lambda c: p.Shift(-c))

    def __mul__(self, other) -> "Node":
        return self._join(other, p.Multiply, p.Scale)

    def __truediv__(self, other) -> "Node":
        if isinstance(other, numbers.Real) and other == 0:
            raise expects(f"a quotient of {self.name!r}", "a divisor other than 0", other)
        return self._join(other, p.Divide, lambda c: p.Scale(1 / c))

    def __pow__(self, other) -> "Node":
        if not isinstance(other, numbers.Real):
            return NotImplemented
        return self.graph.apply(p.Square() if other == 2 else p.Power(other), self)

    def __neg__(self) -> "Node":
        return -1 * self

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other) -> "Node":
        return -self + other

    def __rtruediv__(self, other) -> "Node":
        return self**-1 if other == 1 else self**-1 * other

    def _join(self, other, both, one) -> Any:
        """Apply the primitive `both` to two nodes, or `one(c)` to this node beside a number c."""
        if isinstance(other, Node):
            return self.graph.apply(both(), self, other)
        if isinstance(other, numbers.Real):
            return self.graph.apply(one(other), self)
        return NotImplemented


def add(*nodes: Node) -> Node:
    """Return the sum of one or more nodes, as one node."""
    return _apply(p.Add(), *nodes)


def maximum(u: Node, v: Node, /) -> Node:
    """Return the larger of two nodes, the first if they are equal."""
    return _apply(p.Max(), u, v)


def square(u: Node, /) -> Node:
    """Return the square of a node, which `u**2` is too."""
    return _apply(p.Square(), u)


def exp(u: Node, /) -> Node:
    """Return the exponential function of a node."""
    return _apply(p.Exp(), u)


def log(u: Node, /) -> Node:
    """Return the natural logarithm of a node."""
    return _apply(p.Log(), u)


def sigmoid(u: Node, /) -> Node:
    """Return the logistic function of a node."""
    return _apply(p.Sigmoid(), u)


def tanh(u: Node, /) -> Node:
    """Return the hyperbolic tangent of a node."""
    return _apply(p.Tanh(), u)


def relu(u: Node, /) -> Node:
    """Return a node where it is above 0, and else 0."""
    return _apply(p.ReLU(), u)


def _apply(primitive, *nodes):
    if not nodes or not isinstance(nodes[0], Node):
        got = repr(nodes[0]) if nodes else "none"
        raise expects(type(primitive).__name__, "nodes of a graph", got, TypeError)
    return nodes[0].graph.apply(primitive, *nodes)
