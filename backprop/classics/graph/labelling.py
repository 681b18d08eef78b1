"""The graph, and the passes that label its nodes: forward, backward, and forward with slopes."""

import numpy as np

from ...checks.estimates import central_difference
from ...errors import choice, expects, real
from .drawing import STYLES, picture
from .nodes import Node
from .primitives import Input, Primitive


class Graph:
    r"""A graph of primitive functions that labels itself with values and derivatives.

        g = Graph()
        x, y, z = g.inputs(x=-2, y=5, z=-4)
        f = (x + y) * z
        values, local = g.forward()
        d = g.backward(f, local)
        print(values[f], d[x], d[y], d[z])

    A node reads only nodes that are older than itself. So there are no cycles, and the order in
    which the nodes were made is a topological one. The passes are pure: labels are returned, in
    dictionaries whose keys are the nodes, and the graph keeps none.

    **Forward.** Every node $j$ is labelled on both sides: right with its value, left with one
    partial derivative for every node that it reads.

    $$ y_j = f_j(y_{i}, y_{i'}, \dots), \qquad
       z_{ij} = \frac{\partial f_j}{\partial y_i}(y_{i}, y_{i'}, \dots) \tag{1} $$

    **Backward.** Feed 1 into the output $t$ and run the graph in the opposite direction: multiply
    where an edge is followed, add where edges meet. With $S_i = \partial y_t/\partial y_i$:

    $$ S_t = 1 \tag{2} $$

    $$ S_i = \sum_{j \text{ reads } i} z_{ij}\, S_j \tag{3} $$

    **Derivation.** The value $y_i$ reaches $y_t$ only through the nodes that read it, and when it
    moves, each of them moves by $z_{ij}$ times as much. So the chain rule is (3); a node that reads
    $y_i$ twice, as in $y_i y_i$, counts twice. All readers are younger than $i$: run through from
    the youngest node to the oldest, each has its own label before it is asked for.

    **Forward with slopes.** The same sum in the other direction, from one node $s$ to all,
    $T_j = \partial y_j/\partial y_s$: a pass for every input, where backward takes one in all.

    $$ T_s = 1 \tag{4} $$

    $$ T_j = \sum_{i \text{ read by } j} z_{ij}\, T_i \tag{5} $$

    **Arrays.** Inputs may be arrays of one shape. The graph is then run at as many points at once,
    each for itself. A derivative has that shape too, or is one number where it is the same at all.
    """

    def __init__(self):
        self.nodes: list[Node] = []
        self.names: set[str] = set()

    # Wiring

    def input(self, name, value, /):
        """Return a new input.

        Args:
            name: what `forward` calls it.
            value: what it is unless `forward` is told otherwise: a number or an array.

        Raises:
            ValueError: another node has that name, or the value is not finite numbers.
        """
        primitive = Input(_numbers(f"Input {name!r}", value))
        self.take_name(name)
        return self._append(name, primitive, ())

    def inputs(self, **values):
        """Return new inputs, one for each keyword."""
        return tuple(self.input(name, value) for name, value in values.items())

    def apply(self, primitive, /, *reads):
        """Return a new node that applies a primitive to nodes.

        Raises:
            TypeError: `primitive` is no Primitive.
            ValueError: one of `reads` is no node of this graph.
        """
        if not isinstance(primitive, Primitive):
            got = repr(primitive)
            raise expects("apply", "a primitive such as Exp()", got, TypeError)
        for read in reads:
            if not isinstance(read, Node) or read.graph is not self:
                got = f"{read.name!r} of another" if isinstance(read, Node) else repr(read)
                raise expects(type(primitive).__name__, "nodes of one graph", got)
        name = f"v{len(self.nodes)}"
        while name in self.names:
            name += "'"
        self.take_name(name)
        return self._append(name, primitive, reads)

    def take_name(self, name, /, *, instead_of=None):
        """Note that a name is used; raise ValueError if it was before."""
        if not isinstance(name, str) or not name or (name in self.names and name != instead_of):
            raise expects("Graph", "a name that no other node has", repr(name))
        self.names.discard(instead_of)
        self.names.add(name)

    def _append(self, *what):
        self.nodes.append(Node(self, *what))
        return self.nodes[-1]

    def __getitem__(self, name):
        """Return the node of this name."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise expects("Graph", f"one of {', '.join(n.name for n in self.nodes)}", repr(name))

    # Passes

    def forward(self, **changed):
        """Return both labels of every node: a dictionary of values and one of partial derivatives.

        Args:
            **changed: values of inputs, by name, in place of those that they were made with.

        Raises:
            ValueError: there is no such input, or its value is no finite number; shapes differ;
                or a node has no finite value and derivatives, as at a division by 0.
        """
        primitives = self._primitives(changed)
        values, local = {}, {}
        with np.errstate(all="ignore"):
            for j in self.nodes:
                arguments = [values[i] for i in j.reads]
                values[j], local[j] = primitives[j].forward(*arguments)  # (1)
                if not all(np.isfinite(number).all() for number in (values[j], *local[j])):
                    what = "arguments at which it and its derivatives are finite"
                    raise expects(j.who, what, ", ".join(map(str, arguments)))
        return values, local

    def backward(self, output, local, /):
        """Return the derivative of a node by every node, a dictionary.

        Args:
            output: the node to differentiate.
            local: the partial derivatives that `forward` returned.

        Raises:
            ValueError: `local` does not label this node.
        """
        _check_labelled(output, local)
        S = dict.fromkeys(local, 0.0)
        S[output] = 1.0  # (2)
        for j in reversed(local):
            for i, part in zip(j.reads, j.primitive.backward(S[j], local[j]), strict=True):
                S[i] = S[i] + part  # (3)
        return S

    def tangents(self, source, local, /):
        """Return the derivative of every node by one node, a dictionary.

        Args:
            source: the node to differentiate by, usually an input.
            local: the partial derivatives that `forward` returned.

        Raises:
            ValueError: `local` does not label this node.
        """
        _check_labelled(source, local)
        T = dict.fromkeys(local, 0.0)
        T[source] = 1.0  # (4)
        for j in local:
            if j is not source and j.reads:
                T[j] = sum(z * T[i] for i, z in zip(j.reads, local[j], strict=True))  # (5)
        return T

    def differentiate(self, output, /, **changed):
        """Return the value of a node and its derivatives by all nodes: forward, then backward.

        Raises:
            ValueError: `output` is no node of this graph, or as in `forward`.
        """
        values, local = self.forward(**changed)
        _check_labelled(output, local)
        return values[output], self.backward(output, local)

    def differences(self, output, h=1e-4, /, **changed):
        """Return the derivative of a node by every input, estimated by central differences.

        Args:
            output: a node.
            h: how far an input is moved to either side: two forward passes for each.
            **changed: as in `forward`.

        Raises:
            ValueError: `h` is not above 0, or as in `forward`.
        """
        if not real("differences", "h", h, least=0):
            raise expects("differences", "h above 0", h)
        values, local = self.forward(**changed)
        _check_labelled(output, local)

        def along(moved):
            held = {**changed, moved.name: values[moved]}
            return lambda t: self.forward(**{**held, moved.name: values[moved] + t})[0][output]

        inputs = [node for node in self.nodes if isinstance(node.primitive, Input)]
        return {node: central_difference(along(node), h) for node in inputs}

    def edges(self, local, /):
        """Return all edges as triples: the node read, the node that reads it, the slope."""
        return [(i, j, z) for j in local for i, z in zip(j.reads, local[j], strict=True)]

    def draw(self, output, /, *, style="wires", **changed):
        """Return a picture of what `output` is made of, with values and derivatives.

        Args:
            output: a node.
            style: "wires": values above the wires and derivatives below; "halves": every node with
                its value in the right half and its partial derivatives in the left.
            **changed: as in `forward`.

        Raises:
            ValueError: there is no such style, the values are not single numbers, there are too
                many nodes to draw, or as in `forward`.
        """
        choice("draw", "style", style, STYLES)
        values, local = self.forward(**changed)
        _check_labelled(output, local)
        if np.ndim(values[output]):
            raise expects("draw", "single numbers", f"shape {np.shape(values[output])}")
        return picture(output, values, local, self.backward(output, local), style)

    def _primitives(self, changed):
        """Return the primitive of every node, with new ones for the inputs that are changed."""
        found = {node: node.primitive for node in self.nodes}
        inputs = {node.name: node for node in self.nodes if isinstance(node.primitive, Input)}
        for name, value in changed.items():
            if name not in inputs:
                raise expects("forward", f"inputs named {', '.join(inputs)}", repr(name))
            found[inputs[name]] = Input(_numbers(inputs[name].who, value))
        shapes = {np.shape(found[node].value) for node in inputs.values()} - {()}
        if len(shapes) > 1:
            got = " and ".join(map(str, sorted(shapes)))
            raise expects("forward", "single numbers and arrays of one shape", got)
        return found


def _numbers(who, value):
    """Return a number or an array as NumPy's, whole numbers as float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "iufc" or not np.isfinite(array).all():
        raise expects(who, "a finite number or an array of such", repr(value))
    return (array.astype(np.float64) if array.dtype.kind in "iu" else array)[()]


def _check_labelled(node, local):
    if node not in local:
        raise expects("Graph", "one of its own nodes that has labels", repr(node))
