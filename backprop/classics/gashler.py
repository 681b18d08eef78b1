r"""M. Gashler, *A thorough derivation of back-propagation* (2010): five layers, on purpose.

"For people who really want to understand it", says the title. With two layers one has to take the
pattern on trust; with five it repeats until one sees it. The input is layer 0, the output layer 5,
every unit is logistic, and the question is $\partial E/\partial w$ for a weight in each layer, of
$E = \frac12 \sum_k (a^5_k - t_k)^2$.

**Derivation.** A weight of layer 5 touches one output, and $\sigma' = \sigma (1 - \sigma)$:

$$ \frac{\partial E}{\partial w^5_{jk}} = (a^5_k - t_k)\, a^5_k (1 - a^5_k)\; a^4_j. $$

A weight of layer 4 touches one unit of layer 4, and through it both outputs:

$$ \frac{\partial E}{\partial w^4_{ij}}
   = \sum_k (a^5_k - t_k)\, a^5_k (1 - a^5_k)\; w^5_{jk}\; a^4_j (1 - a^4_j)\; a^3_i. $$

For a weight of layer 3 the sum runs over all paths from its unit to an output,

$$ \frac{\partial E}{\partial w^3_{hi}}
   = \sum_j \sum_k (a^5_k - t_k)\, a^5_k (1 - a^5_k)\; w^5_{jk}\; a^4_j (1 - a^4_j)\; w^4_{ij}\;
     a^3_i (1 - a^3_i)\; a^2_h, $$

and so on: one more layer is one more sum and one more pair of factors, $w$ and $a(1 - a)$, and what
stands before them has been computed already. That is all. Give it a name, $\delta$, and

$$ \delta^5 = (a^5 - t) \odot a^5 (1 - a^5) \tag{1} $$

$$ \delta^4 = (\delta^5 W^{5\top}) \odot a^4 (1 - a^4) \tag{2} $$

$$ \delta^3 = (\delta^4 W^{4\top}) \odot a^3 (1 - a^3) \tag{3} $$

$$ \delta^2 = (\delta^3 W^{3\top}) \odot a^2 (1 - a^2) \tag{4} $$

$$ \delta^1 = (\delta^2 W^{2\top}) \odot a^1 (1 - a^1) \tag{5} $$

with $\partial E/\partial W^l = a^{l-1\,\top} \delta^l$ in every layer, and a bias is the weight of
a unit that is always 1. `written_out` is these five lines; `network` is five times `Dense` and
`Sigmoid`, whose backward is the same line each time. They agree to the last digits.

Each $\delta$ has passed a factor $a(1 - a) \le 1/4$ more than the one above, and here shrinks with
every layer to between a quarter and a sixteenth: see `vanishing`.

**What is a reconstruction.** The text itself was not at hand: the derivation is the one that its
title announces, and the network's sizes, weights and numbers are this package's own.

Source: M. Gashler, *A thorough derivation of back-propagation for people who really want to
understand it*, September 2010.
"""

import itertools

import numpy as np

from ..errors import expects
from ..initializers import Given
from ..layers import Dense, Sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from .axes import open_frame
from .chains import check_in_turn
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("M. Gashler", 2010, "A thorough derivation of back-propagation: five layers")
SIZES = (3, 4, 3, 4, 3, 2)
X, TARGET = np.array([[0.5, -0.2, 0.1]]), np.array([[0.25, 0.75]])
LOSS = HalfSquaredError(reduction="sum")
DELTAS = {
    5: "0.04965306219394193 -0.04212858794671071",
    4: "-0.0030114969787963897 -0.0022917745965572727 -0.0014943403414838775",
    3: "0.0007175406979385966 0.00026602255634119515 -0.0001961323676953124 -0.0006401603480565014",
    2: "-6.404614319652167e-05 -5.152135446965409e-05 -3.728339739016413e-05",
    1: "1.588071804659507e-05 5.7629924444423865e-06 -4.59244266356943e-06 -1.5023923266841975e-05",
}
LENGTHS = {
    5: "0.058690057579270115",
    4: "0.0041918656649996035",
    3: "0.0009008837738361267",
    2: "8.38853476015883e-05",
    1: "1.2635878531423274e-05",
}


def network(sizes=SIZES):
    """Return logistic layers of these sizes, with weights and biases on straight lines.

    Raises:
        ValueError: there are not at least two sizes, or one is not a positive whole number.
    """
    if len(sizes) < 2:
        raise expects("network", "at least two sizes", len(sizes))
    layers = []
    for D, M in itertools.pairwise(sizes):
        W, b = np.linspace(-0.5, 0.5, D * M).reshape(D, M), np.linspace(-0.1, 0.1, M)
        layers += [Dense(M, init=Given(W), bias_init=Given(b)), Sigmoid()]
    net = Network(layers)
    net.build((sizes[0],), dtype=np.float64)
    return net


def table_of_deltas(net, x, target):
    r"""Return $\delta^l$ and $\partial E/\partial W^l$ of each layer, by its number from 1.

    Args:
        net: a built chain of `Dense` and an activation, in turn.
        x: inputs (N, D).
        target: targets (N, M).

    Raises:
        TypeError: it is no Network.
        ValueError: the network is another one.
    """
    check_in_turn("table_of_deltas", net)
    y, caches = net.forward(x)
    delta = LOSS.backward(LOSS.forward(y, target)[1])
    deltas, grads = net.deltas(delta, caches), net.grads(delta, caches)
    return {n // 2 + 1: (deltas[n + 1], grads[f"{n}.W"]) for n in range(0, len(net), 2)}


def written_out(net, x, target):
    r"""Return $\delta^5$ to $\delta^1$ of a five-layer logistic network, layer by layer.

    Raises:
        TypeError: it is no Network.
        ValueError: it is another one, or the targets have another shape.
    """
    check_in_turn("written_out", net)
    if [type(layer) for layer in net] != [Dense, Sigmoid] * 5:
        raise expects("written_out", "five times Dense and Sigmoid", repr(net))
    _, a1, a2, a3, a4, a5 = net.values(x)[0][::2]  # after each activation
    if np.shape(target) != a5.shape:
        raise expects("written_out", f"targets of shape {a5.shape}", np.shape(target))
    W2, W3, W4, W5 = (net[n].W for n in (2, 4, 6, 8))
    delta5 = (a5 - target) * a5 * (1 - a5)  # (1)
    delta4 = (delta5 @ W5.T) * a4 * (1 - a4)  # (2)
    delta3 = (delta4 @ W4.T) * a3 * (1 - a3)  # (3)
    delta2 = (delta3 @ W3.T) * a2 * (1 - a2)  # (4)
    delta1 = (delta2 @ W2.T) * a1 * (1 - a1)  # (5)
    return delta5, delta4, delta3, delta2, delta1


def reproduce():
    """Return the table of the five layers beside ours."""
    table = Reproduction(CLASSIC)
    net = network()
    y = net.predict(X)
    table.number("y", "0.450572318266 0.577353484034", y, computed=True)
    table.number("E", "0.03501803716489007", LOSS.forward(y, TARGET)[0], computed=True)
    rows, by_hand = table_of_deltas(net, X, TARGET), written_out(net, X, TARGET)
    for number in DELTAS:
        delta, dW = rows[number]
        table.number(f"delta {number}", DELTAS[number], delta, computed=True)
        length = np.linalg.norm(dW)
        table.number(f"length of dE/dW {number}", LENGTHS[number], length, computed=True)
        same = np.allclose(by_hand[5 - number], delta, rtol=1e-13, atol=0)
        same = "the same" if same else "another"
        table.claim(f"delta {number} written out", "the same", same, remark=TWO_WAYS)
    table.picture = draw
    return table


def draw():
    """Draw the deltas of each layer: every unit's, and their length."""
    rows = table_of_deltas(network(), X, TARGET)
    figure = Picture(5.2, 3.4)
    axes = figure.subplots()
    for number, (delta, _) in rows.items():
        axes.plot(np.full(delta.size, number), np.abs(delta[0]), "o", color=BLUE, alpha=0.7)
    lengths = [np.linalg.norm(delta) for delta, _ in rows.values()]
    axes.semilogy(
        list(rows), lengths, "s--", color=ORANGE, markersize=4, label="length of $\\delta$"
    )
    axes.plot([], [], "o", color=BLUE, label="size of each unit's")
    axes.set(xlabel="layer", ylabel="$\\delta$", title="E is at layer 5")
    axes.set_xticks(list(rows))
    axes.legend(frameon=False, loc="upper left")
    open_frame(axes, grid="y")
    return figure
