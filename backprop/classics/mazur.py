r"""M. Mazur, *A Step by Step Backpropagation Example* (2015): the 2-2-2 network, worked by hand.

Two inputs, two logistic hidden units, two logistic outputs, half the squared error, one example.
The post prints its numbers, so that readers can check their own. It updates the weights and leaves
the biases.

**Derivation.** With row vectors, $z^l = a^{l-1} W^l + b^l$ and $a^l = \sigma(z^l)$, where
$\sigma' = \sigma (1 - \sigma)$:

$$ \delta^2 = (a^2 - t) \odot a^2 (1 - a^2) $$

$$ \delta^1 = (\delta^2 W^{2\top}) \odot a^1 (1 - a^1) $$

$$ dW^2 = a^{1\top} \delta^2, \qquad dW^1 = x^\top \delta^1 $$

These are the equations of `Dense`, `Sigmoid` and `HalfSquaredError`; nothing else is needed.

**The order of the updates.** $\delta^1$ goes through $W^2$ as it was in the forward pass: all
deltas first, then all updates. The post's text says so. Its last figures mix two programs. The
error after the first round and the last outputs are those of one that changes $W^2$ first and takes
$\delta^1$ through the changed one, which is no longer the gradient; the last error is that of the
right one, after 9 999 updates. Early on the two differ by a millionth, so it goes unnoticed.
`train(order=...)` does both.
"""

import functools

import numpy as np

from ..errors import choice, whole
from ..initializers import Given
from ..layers import Dense, Sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from .axes import open_frame
from .reproduction import Classic, Reproduction

CLASSIC = Classic("M. Mazur", 2015, "A Step by Step Backpropagation Example", seconds=3)
X, TARGET = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
RATE = 0.5
DW2 = "0.082167040564 -0.022602540477 0.082667627848 -0.022740242216"
DW1 = "0.000438567734 0.000497712735 0.000877135469 0.000995425471"
LOSS = HalfSquaredError()


def network():
    """Return the network with the weights of the post."""
    hidden = Dense(2, init=Given([[0.15, 0.25], [0.20, 0.30]]), bias_init=Given([0.35, 0.35]))
    output = Dense(2, init=Given([[0.40, 0.50], [0.45, 0.55]]), bias_init=Given([0.60, 0.60]))
    net = Network([hidden, Sigmoid(), output, Sigmoid()])
    net.build((2,), dtype=np.float64)
    return net


def backward(net):
    """Return the loss of the post's example, the caches, and the delta of the output."""
    y, caches = net.forward(X)
    loss, cache = LOSS.forward(y, TARGET)
    return loss, caches, LOSS.backward(cache)


def train(updates, *, order="simultaneous", biases=False):
    """Update the network; return it, and its loss before each update and after the last.

    Args:
        updates: how many.
        order: "simultaneous": first all deltas, then all updates, which is the gradient.
            "sequential": the output layer is changed first, and the hidden deltas go through it.
        biases: whether these learn too. The post leaves them.

    Raises:
        ValueError: `updates` is negative, or there is no such order.
    """
    whole("train", "updates", updates, least=0)
    choice("train", "order", order, ("simultaneous", "sequential"))
    net = network()
    hidden, _, output, _ = net
    names = ("W", "b") if biases else ("W",)
    losses = []
    for _ in range(updates):
        loss, caches, delta = backward(net)
        grads = net.grads(delta, caches)
        losses.append(loss)
        for name in names:
            output.params[name][...] -= RATE * grads[f"2.{name}"]
        if order == "sequential":
            grads = net.grads(delta, caches)  # of the same pass, through the changed W2: the trap
        for name in names:
            hidden.params[name][...] -= RATE * grads[f"0.{name}"]
    losses.append(backward(net)[0])
    return net, losses


def reproduce():
    """Return the post's numbers beside ours."""
    table = Reproduction(CLASSIC)
    _one_pass(table)
    once, losses = train(1)
    table.number("W2 after one update", "0.35891648 0.51130127 0.408666186 0.561370121", once[2].W)
    table.number("W1 after one update", "0.149780716 0.24975114 0.19956143 0.29950229", once[0].W)
    table.number("E after 1, simultaneous", "0.29102777369359933", losses[1], computed=True)
    _, right = train(10_000)
    said = "printed as that after 10 000"
    table.number("E after 9 999, simultaneous", "0.0000351085", right[9_999], remark=said)
    table.number("E after 10 000, simultaneous", "3.510187782979e-05", right[-1], computed=True)
    net, wrong = train(10_000, order="sequential")
    table.number("E after 1, sequential", "0.291027924", wrong[1])
    table.number("outputs after 10 000, sequential", "0.015912196 0.984065734", net.predict(X))
    net, losses = train(10_000, biases=True)
    table.number("E after 10 000, with biases", "2.4475622359e-06", losses[-1], computed=True)
    table.picture = functools.partial(draw, right, wrong)
    return table


def _one_pass(table):
    net = network()
    _, z1, a1, z2, a2 = net.values(X)[0]
    loss, caches, delta = backward(net)
    deltas, grads = net.deltas(delta, caches), net.grads(delta, caches)
    table.number("z1 of h1", "0.3775", z1[0, 0])
    table.number("a1", "0.593269992 0.596884378", a1)
    table.number("z2 of o1", "1.105905967", z2[0, 0])
    table.number("a2", "0.75136507 0.772928465", a2)
    table.number("E", "0.298371109", loss)
    table.number("dE/da2", "0.741365069552 -0.217071534679", deltas[4], computed=True)
    table.number("delta2", "0.138498561629 -0.038098236517", deltas[3], computed=True)
    table.number("dE/dw5", "0.082167041", grads["2.W"][0, 0])
    table.number("dE/dW2", DW2, grads["2.W"], computed=True)
    table.number("dE/da1 of h1", "0.036350306", deltas[2][0, 0])
    table.number("delta1", "0.008771354689 0.009954254705", deltas[1], computed=True)
    table.number("dE/dw1", "0.000438568", grads["0.W"][0, 0])
    table.number("dE/dW1", DW1, grads["0.W"], computed=True)


def draw(right, wrong):
    """Draw how the error falls, and how the wrong order leads beside the right one.

    Args:
        right: the losses that `train` returns.
        wrong: the same, of the order "sequential".
    """
    figure = Picture(8.4, 3.2)
    left, middle = figure.subplots(1, 2)
    updates = np.arange(len(right))
    left.loglog(updates + 1, right, color=BLUE)
    left.set(xlabel="updates + 1", ylabel="error", title="simultaneous")
    middle.semilogx(updates + 1, np.subtract(wrong, right) / right, color=ORANGE)
    middle.set(
        xlabel="updates + 1", ylabel="relative difference", title="sequential - simultaneous"
    )
    open_frame(left, middle)
    return figure
