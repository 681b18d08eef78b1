r"""R. Rojas, *Neural Networks* (1996), chapter 7: backpropagation labels a graph.

A network is a directed graph without cycles, and every node of it computes a primitive function.
Rojas draws a node in two halves, a B-diagram: the function at the right, and at the left what its
derivative is at the place where the node stands. Going forward fills both. Going backward, the
constant 1 is fed into the output and runs through the same graph in the other direction, with two
rules: what arrives over several edges is added; what leaves a node is multiplied by what is stored
in its left half. What an input collects is the derivative of the output by that input.

    from backprop.classics.graph import Graph

    g = Graph()
    x, y, z = g.inputs(x=-2, y=5, z=-4)
    f = (x + y) * z
    value, d = g.differentiate(f)
    g.draw(f)

**Derivation.** By induction over the nodes, with three cases.

*Composition*, $y = f(g(x))$: the node of $f$ holds $f'(g(x))$ and that of $g$ holds $g'(x)$. The
backward run makes the product of both from the 1, which is the chain rule.

$$ \frac{dy}{dx} = f'(g(x))\; g'(x) $$

*Addition*, $y = f(x) + g(x)$: the 1 is copied to both branches, each returns its derivative, and
they meet and are added in $x$.

$$ \frac{dy}{dx} = f'(x) + g'(x) $$

*A weighted edge*, $y = w x$: it multiplies by $w$ in both directions. A node with several arguments
stores one partial derivative for every edge that it reads from, and that edge is weighted so. If
the rules hold for all graphs with $n$ nodes, they hold for $n + 1$: take the output node off, and
what it read are outputs of smaller graphs, whose derivatives arrive at the inputs each multiplied
by its partial derivative, and are added. `Graph` has this as equations (1) to (3), and
`primitives.py` has the derivatives of all primitives.

**Learning.** Extend the network by a node $\tfrac12 (o_j - t_j)^2$ behind every output $o_j$, and
one that adds them up to $E$. What arrives at the net input of unit $j$ is $\delta_j$, and with it

$$ \frac{\partial E}{\partial w_{ij}} = o_i\, \delta_j, \qquad
   \Delta w_{ij} = -\gamma\, o_i\, \delta_j $$

is what the weight collects that leads there from unit $i$ (`examples.layered`). In layers, and with
logistic units, this gives the usual equations; but no layers are asked for. Units may read what
lies far behind them, and any number of units may read the same one.

**What is whose.** The account of Rojas' chapter is a reconstruction, which was not compared with
the text of the book. The numbers are those of others who taught backpropagation on such graphs: the
notes *Backpropagation, Intuitions* of CS231n (Karpathy, 2015), C. Olah's *Calculus on Computational
Graphs* (2015), and the books *Deep Learning from Scratch* of K. Saitoh, of which the third also
compares with central differences, to the last digit.

**Traps.** Contributions are added: a node that assigns what arrives loses all paths but one, which
goes unnoticed until a node is read twice. The order has to be such that all readers of a node come
before it. And no weight may change before all derivatives are known.
"""

import numpy as np

from ...initializers import Given
from ...layers import Add, Dense, Sigmoid, Tanh
from ...losses import HalfSquaredError
from ...network import Network
from ..reproduction import TWO_WAYS, Classic, Reproduction
from . import examples
from .labelling import Graph
from .nodes import Node, add, exp, log, maximum, relu, sigmoid, square, tanh
from .primitives import Primitive

__all__ = [
    "CLASSIC",
    "Graph",
    "Node",
    "Primitive",
    "add",
    "draw",
    "examples",
    "exp",
    "log",
    "maximum",
    "relu",
    "reproduce",
    "sigmoid",
    "square",
    "tanh",
]

CLASSIC = Classic("R. Rojas", 1996, "Neural Networks, chapter 7: backpropagation on graphs")
W1 = [[0.15, 0.25], [0.20, 0.30], [0.35, 0.35]]
W2 = [[0.40, 0.50], [0.45, 0.55], [0.60, 0.60]]
X, TARGET = [0.05, 0.10], [0.01, 0.99]
ROUNDING = 1e-15
CS231N = "printed in the notes of CS231n"
SAITOH = "printed by Saitoh"


def reproduce():
    """Return the printed values and derivatives of all worked examples beside ours."""
    table = Reproduction(CLASSIC)
    _cs231n(table)
    _saitoh(table)
    g, e = examples.two_paths()
    values, d = _labels(g, e)
    table.number("Olah: c, d, e", "3 2 6", _at(g, values, "c d e"), remark="printed by Olah")
    table.number("Olah: de/da, de/db", "2 5", _at(g, d, "a b"), remark="printed by Olah")
    _networks(table)
    table.picture = draw
    return table


def draw():
    """Draw the quotient of CS231n, labelled."""
    g, f = examples.quotient()
    return g.draw(f)


def _cs231n(table):
    g, f = examples.sum_times()
    values, d = _labels(g, f)
    table.number("(x+y)z: q, f", "3 -12", _at(g, values, "q f"), remark=CS231N)
    table.number("(x+y)z: by x, y, z", "-4 -4 3", _at(g, d, "x y z"), remark=CS231N)
    g, f = examples.routing()
    value, d = g.differentiate(f)
    table.number("2(xy+max(z,w))", "-20", value, remark=CS231N)
    slopes = _at(g, d, "x y z w")
    table.number("2(xy+max(z,w)): by x, y, z, w", "-8 6 2 0", slopes, remark=CS231N)
    g, f = examples.neuron()
    value, d = g.differentiate(f)
    dw, dx = _at(g, d, "w0 w1 w2"), _at(g, d, "x0 x1")
    table.number("neuron", "0.73", value, remark=CS231N)
    table.number("neuron: by w", "-0.20 -0.39 0.20", dw, remark=CS231N)
    table.number("neuron: by x", "0.39 -0.59", dx, remark=CS231N)
    digits = "-0.19661193324148185 -0.3932238664829637 0.19661193324148185"
    table.number("neuron, all digits", "0.7310585786300049", value, computed=True)
    table.number("neuron: by w, all digits", digits, dw, computed=True)
    digits = "0.3932238664829637 -0.5898357997244456"
    table.number("neuron: by x, all digits", digits, dx, computed=True)
    g, f = examples.quotient()
    values, d = _labels(g, f)
    digits = "3.0179862099620918 1.9525741268224333 1.5456448841066441"
    table.number("quotient: num, den, f", digits, _at(g, values, "num den f"), computed=True)
    digits = "2.0595697955721652 1.5922327514838093"
    table.number("quotient: by x, y", digits, _at(g, d, "x y"), computed=True)


def _saitoh(table):
    g, price = examples.shop()
    value, d = g.differentiate(price)
    table.number("shop", "715", value, computed=True, tolerance=1e-12)
    digits, names = "2.2 110 3.3 165 650", "apple apples orange oranges tax"
    table.number("shop: by " + names, digits, _at(g, d, names), computed=True, tolerance=1e-12)
    g, f = examples.square_of_product()
    values, d = _labels(g, f)
    other = "printed in an introduction by others"
    table.number("(3·2)²: h, f", "6 36", _at(g, values, "h f"), remark=other)
    table.number("(3·2)²: by 3, 2", "24 36", _at(g, d, "x y"), remark=other)
    g, y = examples.three_functions()
    value, d = g.differentiate(y)
    table.number("exp(x²)²", "1.648721270700128", value, remark=SAITOH)
    table.number("exp(x²)²: by x", "3.297442541400256", d[g["x"]], remark=SAITOH)
    slope = g.differences(y)[g["x"]]
    table.number("the same, h = 1e-4", "3.2974426293330694", slope, remark=SAITOH)
    g = Graph()
    x = g.input("x", 2)
    slope = g.differences(square(x))[x]
    table.number("x² at 2, h = 1e-4", "4.000000000004", slope, computed=True)


def _networks(table):
    """Compare with networks of this package's layers, and a cascade with differences."""
    for what, apart in (
        ("2-2-2 with error nodes, less Network", layered_less_network()),
        ("residual block, less Network", residual_less_network()),
    ):
        table.band(what, 0, ROUNDING, apart, remark=TWO_WAYS)
    U, V = np.linspace(-0.6, 0.6, 12).reshape(4, 3), np.zeros((4, 4))
    V[np.tril_indices(4, -1)] = np.linspace(-0.5, 0.7, 6)
    g, y = examples.cascade(U, V, [0.5, -1])
    values, d = _labels(g, y)
    digits = "-0.43304330712551575 -0.08328497540872741 -0.02210307649089459 -0.1211815777411497"
    table.number("cascade: y", digits, _at(g, values, "y[0] y[1] y[2] y[3]"), computed=True)
    worst = max(abs(slope - d[node]) for node, slope in g.differences(y, 1e-5).items())
    table.band("cascade, less central differences", 0, 1e-10, worst, remark=TWO_WAYS)


def layered_less_network():
    """Return the largest difference of a weight's derivative on the graph from Network's."""
    weights = [np.array(W1), np.array(W2)]
    after, _ = examples.learning_step(weights, X, TARGET, rate=1)
    layers = []
    for W in weights:
        layers += [Dense(2, init=Given(W[:-1]), bias_init=Given(W[-1])), Sigmoid()]
    net = Network(layers)
    net.build((2,), dtype=np.float64)
    grads = _gradients(net, X, TARGET)
    theirs = [np.vstack([grads[f"{number}.W"], grads[f"{number}.b"]]) for number in (0, 2)]
    pairs = zip(weights, after, theirs, strict=True)
    return max(float(abs(W - new - dW).max()) for W, new, dW in pairs)


def residual_less_network():
    """Return the same for a residual block."""
    A, B = np.linspace(-0.9, 0.8, 6).reshape(2, 3), np.linspace(0.7, -0.6, 6).reshape(3, 2)
    x = [0.5, -1.0]
    g, L = examples.residual(A, B, x)
    _, d = g.differentiate(0.5 * L)
    net = Network()
    h = net.add(Dense(3, bias=False, init=Given(A)), 0)
    h = net.add(Tanh(), h)
    h = net.add(Dense(2, bias=False, init=Given(B)), h)
    net.add(Add(), 0, h)
    net.build((2,), dtype=np.float64)
    grads = _gradients(net, x, [0, 0])
    return max(
        abs(d[g[f"{name}[{i},{j}]"]] - number)
        for name, key in (("W1", "0.W"), ("W2", "2.W"))
        for (i, j), number in np.ndenumerate(grads[key])
    )


def _gradients(net, x, t):
    loss = HalfSquaredError()
    y, caches = net.forward(np.array([x]))
    _, cache = loss.forward(y, np.array([t], dtype=np.float64))
    return net.grads(loss.backward(cache), caches)


def _labels(g, output):
    values, local = g.forward()
    return values, g.backward(output, local)


def _at(g, labels, names):
    """Return the labels of the nodes with these names."""
    return [labels[g[name]] for name in names.split()]
