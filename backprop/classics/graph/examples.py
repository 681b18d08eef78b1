"""Worked examples. Each returns its graph and the output; `graph["x"]` is the node named x."""

from itertools import pairwise

import numpy as np

from ...errors import expects
from .labelling import Graph
from .nodes import add, exp, maximum, sigmoid, square, tanh


def sum_times():
    """(x + y) z, of CS231n: a sum copies, a product swaps."""
    g = Graph()
    x, y, z = g.inputs(x=-2, y=5, z=-4)
    q = (x + y).named("q")
    return g, (q * z).named("f")


def routing():
    """2 (x y + max(z, w)), of CS231n: a maximum passes everything to the larger one."""
    g = Graph()
    x, y, z, w = g.inputs(x=3, y=-4, z=2, w=-1)
    return g, (2 * (x * y + maximum(z, w))).named("f")


def neuron():
    """A logistic unit with two inputs, of CS231n, the logistic function in four steps."""
    g = Graph()
    w0, x0, w1, x1, w2 = g.inputs(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    dot = (w0 * x0 + w1 * x1 + w2).named("dot")
    return g, (1 / (exp(-dot) + 1)).named("f")


def quotient():
    """(x + σ(y)) / (σ(x) + (x + y)²), of CS231n: nobody would differentiate it by hand."""
    g = Graph()
    x, y = g.inputs(x=3, y=-4)
    num = (x + sigmoid(y)).named("num")
    den = (sigmoid(x) + square(x + y)).named("den")
    return g, (num / den).named("f")


def shop():
    """The price of apples and oranges with tax, of Saitoh: what a little more of each costs."""
    g = Graph()
    apple, apples, orange, oranges, tax = g.inputs(
        apple=100, apples=2, orange=150, oranges=3, tax=1.1
    )
    return g, ((apple * apples + orange * oranges) * tax).named("price")


def square_of_product():
    """(3 · 2)²."""
    g = Graph()
    x, y = g.inputs(x=3, y=2)
    h = (x * y).named("h")
    return g, square(h).named("f")


def two_paths():
    """(a + b)(b + 1), of Olah: b reaches e over two paths."""
    g = Graph()
    a, b = g.inputs(a=2, b=1)
    c, d = (a + b).named("c"), (b + 1).named("d")
    return g, (c * d).named("e")


def three_functions():
    """(exp(x²))², of Saitoh: a chain of three functions."""
    g = Graph()
    x = g.input("x", 0.5)
    return g, square(exp(square(x))).named("y")


# Networks


def layered(weights, x, t):
    """Layers of logistic units, extended by error nodes: of Rojas.

    Args:
        weights: for every layer an array (D + 1, M). The last row belongs to an extra input, 1, and
            holds the biases.
        x: the inputs (D,).
        t: the targets, one for every unit of the last layer.

    Returns the graph, the error, and for each layer the nodes of its weights, and of its net
    inputs: what arrives at the net input of unit j is its delta.

    Raises:
        ValueError: the shapes do not fit together.
    """
    sizes = [len(x), *(np.shape(W)[-1] for W in weights)]
    needed = [(D + 1, M) for D, M in pairwise(sizes)]
    if [np.shape(W) for W in weights] != needed or len(t) != sizes[-1]:
        got = f"{[np.shape(W) for W in weights]} and {len(t)}"
        raise expects("layered", f"weights {needed} and {sizes[-1]} targets", got)
    g = Graph()
    o = [g.input(f"x[{i}]", number) for i, number in enumerate(x)]
    one = g.input("1", 1)
    w, z = [], []
    for number, W in enumerate(weights, start=1):
        w.append(_inputs(g, f"w{number}", W))
        z.append(_net_inputs([*o, one], w[-1]))
        o = [sigmoid(node) for node in z[-1]]
    errors = [0.5 * square(node - float(target)) for node, target in zip(o, t, strict=True)]
    return g, add(*errors).named("E"), w, z


def learning_step(weights, x, t, rate):
    """Return the weights of a `layered` network after one step, and the error before it.

    Every weight is an input of the graph, and collects its own derivative. All are known before the
    first weight changes.
    """
    g, E, w, _ = layered(weights, x, t)
    error, d = g.differentiate(E)
    gradients = [np.array([[d[node] for node in row] for row in matrix]) for matrix in w]
    return [W - rate * dW for W, dW in zip(weights, gradients, strict=True)], error


def residual(W1, W2, x):
    """The sum of the squares of x + tanh(x W1) W2: every input skips past the layer, too.

    Args:
        W1: (D, H).
        W2: (H, D).
        x: (D,).

    Raises:
        ValueError: the shapes do not fit together.
    """
    D, H = len(x), np.shape(W2)[0]
    if np.shape(W1) != (D, H) or np.shape(W2) != (H, D):
        got = f"{np.shape(W1)} and {np.shape(W2)}"
        raise expects("residual", f"W1 ({D}, H) and W2 (H, {D})", got)
    g = Graph()
    o = [g.input(f"x[{i}]", number) for i, number in enumerate(x)]
    h = [tanh(z) for z in _net_inputs(o, _inputs(g, "W1", W1))]
    y = [u + z for u, z in zip(o, _net_inputs(h, _inputs(g, "W2", W2)), strict=True)]
    return g, add(*(square(node) for node in y)).named("L")


def cascade(U, V, x):
    """A fully connected cascade of tanh units: each reads 1, all inputs and all units before it.

    Args:
        U: (units, D + 1), the weights of 1 and of the inputs.
        V: (units, units), of which the part below the diagonal is read: V[i, k] leads from k to i.
        x: (D,).

    Returns the graph and the last unit; the units are named y[0], y[1] and so on.

    Raises:
        ValueError: the shapes do not fit together.
    """
    n, D = len(U), len(x)
    if np.shape(U) != (n, D + 1) or np.shape(V) != (n, n) or n == 0:
        got = f"{np.shape(U)} and {np.shape(V)}"
        raise expects("cascade", f"U (units, {D + 1}) and V (units, units)", got)
    g = Graph()
    one = g.input("1", 1)
    read = [one, *(g.input(f"x[{i}]", number) for i, number in enumerate(x))]
    for i in range(len(U)):
        u = [g.input(f"U[{i},{j}]", number) for j, number in enumerate(U[i])]
        v = [g.input(f"V[{i},{k}]", number) for k, number in enumerate(V[i][:i])]
        products = [weight * node for weight, node in zip([*u, *v], read, strict=True)]
        read.append(tanh(add(*products)).named(f"y[{i}]"))
    return g, read[-1]


def _inputs(g, name, W):
    """Return an input for every entry of a matrix, in lists."""
    return [
        [g.input(f"{name}[{i},{j}]", number) for j, number in enumerate(row)]
        for i, row in enumerate(np.asarray(W))
    ]


def _net_inputs(o, w):
    """Return for every unit the sum of what it reads, each times its weight."""
    return [
        add(*(u * weight for u, weight in zip(o, column, strict=True)))
        for column in zip(*w, strict=True)
    ]
