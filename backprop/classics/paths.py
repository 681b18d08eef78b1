r"""C. Aggarwal, *Neural Networks and Deep Learning* (2018), section 3.2: a sum over paths.

A derivative in a graph is a sum over all paths. Their number grows exponentially with the depth.
Backpropagation finds the same sum in the time that it takes to look at every edge once, by dynamic
programming. C. Olah, *Calculus on Computational Graphs: Backpropagation* (2015), tells the same.

**Derivation.** Let $z_{ij} = \partial y_j / \partial y_i$ stand on the edge from node $i$ to node
$j$. The *pathwise aggregation lemma*: the derivative of $y_t$ by $y_s$ is the sum, over all paths
from $s$ to $t$, of the product of what stands on their edges.

$$ \frac{\partial y_t}{\partial y_s} = \sum_{P:\, s \to t} \ \prod_{(i,j) \in P} z_{ij} \tag{1} $$

All paths from $i$ to $t$ begin with one of the edges $(i, j)$ that leave $i$, and go on with a path
from $j$ to $t$. So with $S_i = \partial y_t / \partial y_i$, what is common to the paths that go
through $j$ is factored out,

$$ S_i = \sum_{j} z_{ij} \sum_{P:\, j \to t} \ \prod_{(k,l) \in P} z_{kl}, $$

and the inner sum is $S_j$ by the lemma itself. In the reverse of a topological order,

$$ S_t = 1 \tag{2} $$

$$ S_i = \sum_{j} z_{ij}\, S_j \tag{3} $$

takes every edge once and finds the derivatives by *all* nodes. Olah's smallest case: three edges
from X to Y and three from Y to Z are nine paths, but
$\alpha\delta + \alpha\epsilon + \dots + \gamma\zeta =
(\alpha + \beta + \gamma)(\delta + \epsilon + \zeta)$.

The paths can be factored at the other end as well. Then $T_j = \partial y_j / \partial y_s$, the
forward mode, finds the derivatives *of* all nodes by one input:

$$ T_s = 1 \tag{4} $$

$$ T_j = \sum_{i} z_{ij}\, T_i \tag{5} $$

For $p$ inputs and one output these are $p$ sweeps over the edges, and the reverse is one.

**The number of paths** is the same sum with 1 on every edge: so it too is found without a walk.

**Without derivatives.** Central differences need two forward passes for each of $p$ parameters,

$$ \frac{\partial L}{\partial \theta_k} \approx
   \frac{L(\theta + h e_k) - L(\theta - h e_k)}{2h}, $$

where backpropagation takes one forward pass and one backward, which costs about two more. Olah's
ten million is such a $p$.

**What is whose.** The lemma and the algorithm are Aggarwal's. His example, five layers of two nodes
that multiply, is a reconstruction after his later book; the numbers in it were computed, not
printed by him. Olah's nine paths are given from memory.
"""

import math
import time
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from ..checks.estimates import central_difference
from ..errors import expects, whole
from ..layers import Dense, Tanh
from ..losses import HalfSquaredError
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from .axes import open_frame
from .graph import Graph, examples
from .reproduction import COMPUTED, TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("C. Aggarwal", 2018, "Neural Networks and Deep Learning, section 3.2: paths")
SIZES = ((1, 1), (2, 2, 1), (4, 4, 2), (8, 8, 4), (16, 16, 4))
LOSS = HalfSquaredError()
WEEKS_A_YEAR = 365.25 / 7
TOLD = "as it is told: not seen in print"
OLAH = "printed by Olah"


def paths(edges, source, target):
    """Return an iterator over every path from `source` to `target`, each a tuple of edges.

    Args:
        edges: a list of triples (i, j, z): from node i to node j, with the slope z. The nodes are
            anything that can be the key of a dictionary. Two edges may join the same two nodes.
        source: a node.
        target: a node.

    Raises:
        TypeError: `edges` is no list or tuple.
        ValueError: one of them is no triple; they run in a circle, or meet no such node.
    """
    _known("paths", edges, source, target)  # complains at once: the walk itself begins later
    return _walk(_by_node(edges, 0), source, target)


def _walk(leaving, source, target):
    begun: list[tuple[Any, tuple]] = [(source, ())]
    while begun:
        node, path = begun.pop()
        if node == target:
            yield path
        else:
            begun += [(edge[1], (*path, edge)) for edge in reversed(leaving[node])]


def sum_over_paths(edges, source, target):
    """Return the derivative of `target` by `source` as a sum over all paths.

    Args and Raises: as in `paths`.
    """
    products = [math.prod(z for _, _, z in path) for path in paths(edges, source, target)]
    return sum(products)  # (1)


def reverse(edges, target):
    """Return the derivative of `target` by every node, a dictionary: one visit to every edge.

    Args and Raises: as in `paths`.
    """
    order = _known("reverse", edges, target)
    leaving = _by_node(edges, 0)
    S = {target: 1}  # (2)
    for i in reversed(order):
        if i != target:
            S[i] = sum(z * S[j] for _, j, z in leaving[i])  # (3)
    return S


def forward(edges, source):
    """Return the derivative of every node by `source`, a dictionary: one visit to every edge.

    Args and Raises: as in `paths`.
    """
    order = _known("forward", edges, source)
    arriving = _by_node(edges, 1)
    T = {source: 1}  # (4)
    for j in order:
        if j != source:
            T[j] = sum(z * T[i] for i, _, z in arriving[j])  # (5)
    return T


def count_paths(edges, source, target):
    """Return how many paths there are, without walking any of them.

    Args and Raises: as in `paths`.
    """
    _known("count_paths", edges, source, target)
    return reverse([(i, j, 1) for i, j, _ in edges], target)[source]


def powers(depth, w):
    """Return a graph, its input and its output: w to the power 2^depth, as Aggarwal builds it.

    The two nodes of the first layer are w, and each of the two in every layer after it multiplies
    the two before; the output multiplies the last two.

    Raises:
        ValueError: `depth` is not at least 1, or w is no number.
    """
    whole("powers", "depth", depth)
    g = Graph()
    source = g.input("w", w)
    a, b = 1 * source, 1 * source
    for _ in range(depth - 1):
        a, b = a * b, a * b
    return g, source, a * b


# Without derivatives


def network(sizes):
    """Return a network of tanh units for these numbers of inputs, hidden units and outputs."""
    *hidden, outputs = sizes[1:]
    layers = [layer for units in hidden for layer in (Dense(units), Tanh())]
    net = Network([*layers, Dense(outputs)])
    net.build((sizes[0],), rng=0, dtype=np.float64)
    return net


def central_differences(net, x, target, h=1e-5):
    """Return the gradient of half the squared error by all parameters, and the passes it took.

    Args:
        net: a built Network. The parameters of a copy are moved, and put back after every pass.
        x: a batch of inputs.
        target: the targets.
        h: how far a parameter is moved to either side.
    """
    net = net.astype(np.float64)
    theta, passes = net.parameters.copy(), 0

    def along(k):
        def phi(moved):
            nonlocal passes
            passes += 1
            net.parameters[k] = theta[k] + moved
            value, _ = LOSS.forward(net.predict(x), target)
            net.parameters[k] = theta[k]
            return value

        return phi

    gradient = np.array([central_difference(along(k), h) for k in range(theta.size)])
    return gradient, passes


def backpropagation(net, x, target):
    """Return the same gradient by one forward and one backward pass."""
    y, caches = net.forward(x)
    _, cache = LOSS.forward(y, target)
    return net.flatten(net.grads(LOSS.backward(cache), caches))


def compare(sizes):
    """Return, for one network and one example, what a gradient costs in both ways.

    Args:
        sizes: the numbers of its inputs, hidden units and outputs.

    Returns the number p of parameters, the forward passes of central differences, their largest
    difference from backpropagation, and how many times as long they took.
    """
    net, rng = network(sizes), np.random.default_rng(1)
    x, target = rng.standard_normal((1, sizes[0])), rng.standard_normal((1, sizes[-1]))
    start = time.perf_counter()
    estimate, passes = central_differences(net, x, target)
    middle = time.perf_counter()
    gradients = [backpropagation(net, x, target) for _ in range(10)]
    long, short = middle - start, (time.perf_counter() - middle) / 10
    worst = float(np.max(abs(estimate - gradients[0])))
    return net.parameters.size, passes, worst, long / short


# The numbers


def reproduce():
    """Return the numbers of the two examples, and of the costs, beside ours."""
    table = Reproduction(CLASSIC)
    _aggarwal(table)
    _olah(table)
    measured = [compare(sizes) for sizes in SIZES]
    p, passes, worst, ratio = zip(*measured, strict=True)
    wanted, follows = (
        [2 * each for each in p],
        "follows from the derivation, not printed by the author",
    )
    table.claim("central differences: passes", wanted, list(passes), remark=follows)
    table.band("largest difference from backpropagation", 0, 1e-9, max(worst), remark=TWO_WAYS)
    table.told(
        "times as long as backpropagation", f"of order p = {p[-1]}", ratio[-1], "measured time"
    )
    table.picture = draw
    return table


def _aggarwal(table):
    for w, value, slope in (
        (1.1, "21.1137767453526", "614.2189598648031"),
        (2, "4294967296", "68719476736"),
    ):
        g, source, output = powers(5, w)
        values, local = g.forward()
        edges = g.edges(local)
        table.number(f"w^32 at {w}", value, values[output], computed=True)
        found = sum_over_paths(edges, source, output)
        table.number(f"its derivative over all paths at {w}", slope, found, computed=True)
        table.number("by S", slope, reverse(edges, output)[source], computed=True)
        table.number("by T", slope, forward(edges, source)[output], computed=True)
    walked = len(list(paths(edges, source, output)))
    table.claim("paths, walked", 2**5, walked, remark=TOLD)
    table.claim("paths, counted", 2**5, count_paths(edges, source, output), remark=TOLD)
    table.claim("edges", 20, len(edges), remark=COMPUTED)


def _olah(table):
    first, second = (2.0, 3.0, 5.0), (7.0, 11.0, 13.0)
    edges = [("X", "Y", z) for z in first] + [("Y", "Z", z) for z in second]
    table.claim("paths from X to Z", 9, len(list(paths(edges, "X", "Z"))), remark=TOLD)
    factored = f"{sum(first) * sum(second):g}"
    found = sum_over_paths(edges, "X", "Z")
    table.number("sum of 9 products, product of 2 sums", factored, found, remark=TWO_WAYS)
    g, e = examples.two_paths()
    _, local = g.forward()
    edges, inputs = g.edges(local), (g["a"], g["b"])
    S = reverse(edges, e)
    back = [S[i] for i in inputs]
    table.number("de/da, de/db: one sweep back", "2 5", back, remark=OLAH)
    T = [forward(edges, i)[e] for i in inputs]
    table.number("de/da, de/db: a sweep for each", "2 5", T, remark=OLAH)
    years = 1e7 / WEEKS_A_YEAR
    table.number("ten million weeks, in years", "200000", years, remark=OLAH, tolerance=10_000)
    table.number("the same", "191650", round(years), computed=True)


def draw():
    """Draw how the costs grow: with the depth of a graph, and with the number of parameters."""
    figure = Picture(8.6, 3.3)
    left, right = figure.subplots(1, 2)
    depths = range(1, 21)
    walked, swept = zip(*(_sizes(depth) for depth in depths), strict=True)
    left.semilogy(depths, walked, "s-", color=ORANGE, markersize=3, label="paths")
    left.semilogy(depths, swept, "o-", color=BLUE, markersize=3, label="edges")
    left.set(xlabel="depth of the graph", ylabel="number", title=r"$w^{2^{\mathrm{depth}}}$")
    left.set_xticks(range(0, 21, 5))
    p, passes, *_ = zip(*(compare(sizes) for sizes in SIZES), strict=True)
    right.loglog(p, passes, "s-", color=ORANGE, markersize=3, label="central differences")
    right.loglog(p, [2] * len(p), "o-", color=BLUE, markersize=3, label="backpropagation")
    right.set(xlabel="parameters", ylabel="passes", title="one gradient of a network")
    for axes in (left, right):
        axes.legend(frameon=False)
        open_frame(axes)
    return figure


def _sizes(depth):
    """Return the number of paths and of edges of Aggarwal's graph."""
    g, source, output = powers(depth, 1)
    edges = g.edges(g.forward()[1])
    return count_paths(edges, source, output), len(edges)


# Graphs as edges


def _known(who, edges, *nodes):
    """Return all nodes in topological order, or raise ValueError."""
    reads = {}
    if not isinstance(edges, list | tuple):
        raise expects(who, "a list of edges", repr(edges), TypeError)
    for edge in edges:
        if not isinstance(edge, list | tuple) or len(edge) != 3:
            raise expects(who, "edges (i, j, z)", repr(edge))
    for i, j, _ in edges:
        reads.setdefault(i, [])
        reads.setdefault(j, []).append(i)
    try:
        order = list(TopologicalSorter(reads).static_order())
    except CycleError as error:
        circle = " -> ".join(map(str, error.args[1]))
        raise expects(who, "edges without a circle", circle) from None
    for node in nodes:
        if node not in reads:
            raise expects(who, "a node that an edge meets", repr(node))
    return order


def _by_node(edges, end):
    """Return for every node the edges that it is the beginning (0) or the end (1) of."""
    found = {node: [] for edge in edges for node in edge[:2]}
    for edge in edges:
        found[edge[end]].append(edge)
    return found
