r"""Backpropagation in matrices: a layer's sensitivities, the product of all layers, the Jacobian.

Four ways to say the same thing. Each says why one vector per layer is enough.

**Sensitivity lemma** (H. S. Seung). Let $z_j = \sum_i x_i W_{ij} + b_j$, and let a cost $C$ depend
on $W$ and $b$ through $z$ alone. $\partial z_j/\partial b_j = 1$ and
$\partial z_j/\partial W_{ij} = x_i$, so that both are $\partial C/\partial z_j$ times something
known:

$$ \frac{\partial C}{\partial W} = x^\top \frac{\partial C}{\partial b}. \tag{1} $$

The outer product of a layer's input and of its bias sensitivity; so only the vector
$\partial C/\partial b$ has to travel. Over a batch each example has a sensitivity of its own, and
(1) sums over the examples.

**The layer's Jacobian.** One layer of a chain, $y = f(x)$, has $J_{ij} = \partial y_i/\partial
x_j$. A `backward` computes $\delta J$ for a row $\delta$, whatever the layer, so that the rows of
the unit matrix bring out $J$ itself:

$$ J_{i\cdot} = e_i\,J. \tag{2} $$

**The full product.** By the chain rule, layer after layer, with $e = \partial C/\partial y$:

$$ \frac{\partial C}{\partial x} = e\,J^L J^{L-1} \cdots J^1. \tag{3} $$

Multiplied from the left each step is a vector times a matrix; from the right, a matrix times a
matrix, for a result that is the same. That is the whole difference between backpropagation and
forward accumulation, and `multiplications` counts it.

**Diagonal matrices** (R. Rojas). An activation acts on each unit alone, so its Jacobian is
$D_l = \operatorname{diag}(\varphi'(z^l))$, and that of a `Dense` is $W_l^\top$. With column
vectors, and $W_l$ of shape (units before, units after):

$$ \delta^l = D_l\,W_{l+1}\,D_{l+1} \cdots W_L\,D_L\,e. \tag{4} $$

**The Jacobian of the weights** (E. Bendersky). $z_j$ depends on $W_{ik}$ only if $j = k$:

$$ \frac{\partial z_j}{\partial W_{ik}} = [j = k]\,x_i. \tag{5} $$

For $D$ inputs and $M$ units that is an array of $M$ times $DM$ numbers, one in $M$ of which is not
always zero. Its product with $\delta$ is (1): so it is never built, but here, to see it.

All are computed here the long way, for networks of your own, and compared with `net.backward`. The
texts named were not at hand; the statements are as they are generally told. The comparison's
network is this package's own.

Source: Seung, MIT 9.641, *Introduction to neural networks*, lecture on backpropagation; Rojas,
*Neural networks* (1996), section 7.3; Bendersky, *Backpropagation through a fully-connected layer*
(2018); Wikipedia, *Backpropagation*.
"""

import itertools

import numpy as np

from ..errors import expects, whole
from ..layer import Layer, rows
from ..layers import Dense, Sigmoid, Tanh
from ..network import Network
from .chains import check_in_turn, check_same
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("H. S. Seung; R. Rojas", 1996, "Sensitivities, Jacobians and the full product")


def sensitivities(net, x, delta):
    r"""Return $\partial C/\partial b$ of each example, for every `Dense`, by its number.

    Args:
        net: a built chain.
        x: inputs (N, D).
        delta: $\partial C/\partial y$, (N, M).

    Raises:
        TypeError: it is no Network.
        ValueError: it is no chain, or has a layer like `Dropout` that does something else
            in training; or a shape does not fit.
    """
    _require_chain("sensitivities", net)
    y, caches = net.forward(x)
    if np.shape(delta) != y.shape:
        raise expects("sensitivities", f"a delta of shape {y.shape}", np.shape(delta))
    deltas = net.deltas(delta, caches)
    return {n: deltas[n + 1] for n, layer in enumerate(net) if isinstance(layer, Dense)}


def outer_products(net, x, delta):
    r"""Return $\partial C/\partial W$ by key, from the bias sensitivities alone: the lemma.

    Args, errors: as in `sensitivities`.
    """
    of_b, found, gradients = sensitivities(net, x, delta), net.values(x)[0], {}
    for n, dC_db in of_b.items():
        key = f"{net.layers.index(net[n])}.W"  # of a shared layer, where it stands first
        dW = rows(found[n]).T @ rows(dC_db)  # (1)
        gradients[key] = gradients.get(key, 0) + dW
    return gradients


def jacobian(layer, x):
    """Return the Jacobian (M, D) of a built layer, or of a whole network, at one input (D).

    Args:
        layer: one with one input, which may have any shape; `M` and `D` count its numbers.
        x: one example, without the batch axis.

    Raises:
        TypeError: `layer` is neither.
        ValueError: it is not built, does something else in training, like `Dropout`, or `x` does
            not suit it.
    """
    if not isinstance(layer, Layer):
        raise expects("jacobian", "a layer or a Network", repr(layer), TypeError)
    check_same("jacobian", layer)
    _ = layer.params  # complains if it is not built
    x = np.asarray(x, dtype=float)[np.newaxis]
    y, cache = layer.forward(x)
    unit = np.eye(y.size)
    lines = [np.ravel(layer.backward(e.reshape(y.shape), cache)[0]) for e in unit]  # (2)
    return np.stack(lines)


def full_product(net, x, delta):
    r"""Return $\partial C/\partial x$ of one example as the product of all layers' Jacobians.

    Args:
        net: a built chain.
        x: one example (D).
        delta: $\partial C/\partial y$, (M).

    Raises:
        ValueError: as in `sensitivities`.
    """
    found = _one_example("full_product", net, x, delta)
    product = np.ravel(delta)
    for n in reversed(range(len(net))):
        product = product @ jacobian(net[n], found[n][0])  # (3)
    return product


def diagonals(net, x, delta):
    r"""Return $\delta^l$ of one example for every activation, by its number: Rojas' product.

    Args:
        net: a built chain of `Dense` and an activation, in turn.
        x: one example (D).
        delta: $\partial C/\partial y$, (M).

    Raises:
        TypeError: it is no Network.
        ValueError: the network is another one, or has an activation that mixes units.
    """
    check_in_turn("diagonals", net)
    found = _one_example("diagonals", net, x, delta)
    column, products = np.reshape(delta, (-1, 1)), {}
    for n in range(len(net) - 1, 0, -2):
        D = jacobian(net[n], found[n][0])
        if np.count_nonzero(D - np.diag(np.diag(D))):
            what = "activations that act on each unit alone"
            raise expects("diagonals", what, net[n].who)
        W = net[n + 1].W if n + 1 < len(net) else np.eye(len(D))  # on top, e itself
        column = D @ W @ column  # (4)
        products[n] = column[:, 0]
    return products


def weight_jacobian(x, units):
    r"""Return $\partial z/\partial W$ (M, D, M) of a `Dense` with so many units at one input (D).

    Raises:
        ValueError: `x` is not one row, or `units` not a positive whole number.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 1:
        raise expects("weight_jacobian", "an input of shape (D,)", x.shape)
    same = np.eye(whole("weight_jacobian", "units", units))
    return same[:, np.newaxis, :] * x[:, np.newaxis]  # (5)


def multiplications(sizes):
    """Return how many multiplications (3) takes through the weights, from the left and the right.

    Raises:
        ValueError: there are not at least two sizes.
    """
    if len(sizes) < 2:
        raise expects("multiplications", "at least two sizes", len(sizes))
    pairs = list(itertools.pairwise(sizes))
    from_loss = sum(D * M for D, M in pairs)
    from_input = sum(sizes[0] * D * M for D, M in pairs[1:]) + sizes[0] * sizes[-1]
    return from_loss, from_input


def _require_chain(who, net):
    if not isinstance(net, Network):
        raise expects(who, "a Network", repr(net), TypeError)
    if not net.is_chain or net.inputs > 1:
        raise expects(who, "a Network that is a chain", repr(net))
    check_same(who, net)


def _one_example(who, net, x, delta):
    """Return the values of one example, or raise ValueError."""
    _require_chain(who, net)
    y, _ = net.forward(np.asarray(x)[np.newaxis])
    if np.shape(delta) != y.shape[1:]:
        raise expects(who, f"a delta of shape {y.shape[1:]}", np.shape(delta))
    return net.values(np.asarray(x)[np.newaxis])[0]


def example():
    """Return a network of three layers, a batch of inputs, and deltas of its outputs."""
    net = Network([Dense(5), Tanh(), Dense(4), Sigmoid(), Dense(3), Sigmoid()])
    net.build((6,), rng=0, dtype=np.float64)
    rng = np.random.default_rng(1)
    return net, rng.standard_normal((7, 6)), rng.standard_normal((7, 3))


def reproduce():
    """Return each of the four ways beside `net.backward`."""
    table = Reproduction(CLASSIC)

    def same(quantity, backward, ours):
        known = backward.ravel().tolist()
        table.number(quantity, known, ours, remark=TWO_WAYS, tolerance=1e-14)

    net, x, delta = example()
    _, caches = net.forward(x)
    dx, grads = net.backward(delta, caches)
    deltas = net.deltas(delta, caches)
    for key, dW in outer_products(net, x, delta).items():
        same(f"lemma: dC/dW of {key}, 7 examples", grads[key], dW)
    for n, product in diagonals(net, x[0], delta[0]).items():
        same(f"Rojas: delta of layer {n // 2 + 1}", deltas[n][0], product)
    same("full product: dC/dx", dx[0], full_product(net, x[0], delta[0]))
    same("delta times the whole Jacobian", dx[0], delta[0] @ jacobian(net, x[0]))
    h = net.values(x)[0][4][0]
    flat = np.tensordot(deltas[5][0], weight_jacobian(h, 3), axes=1)
    same("Bendersky: delta times dz/dW", np.outer(h, deltas[5][0]), flat)
    left, right = multiplications((784, 100, 10))
    counted = "counted by hand"
    table.number("784-100-10: multiplications from the loss", "79400", left, remark=counted)
    table.number("784-100-10: from the input", "791840", right, remark=counted)
    return table
