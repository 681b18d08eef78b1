r"""The vanishing gradient: what a long product of slopes and weights does to a delta.

**Derivation.** In a chain of layers, $z^l = a^{l-1} W_l$ and $a^l = \varphi(z^l)$, a delta goes
down by

$$ \delta^{l-1} = (\delta^l W_l^\top) \odot \varphi'(z^{l-1}). $$

The length of a vector times a matrix is at most the matrix's largest singular value $\|W_l\|$ times
the vector's, and its product with $\varphi'$ at most $\max|\varphi'|$ times that:

$$ |\delta^{l-1}| \le \max|\varphi'|\;\|W_l\|\;|\delta^l|. $$

The logistic function has $\max \varphi' = 1/4$, at 0. So a chain of $n$ of them with unit weights
has a slope of at most

$$ \tfrac14^n \tag{1} $$

and where $\|W_l\| < 4$ the delta shrinks by a constant factor with every layer, and in a recurrent
network with every step back in time. $\tanh$ reaches 1 at 0, a rectifier has 1 wherever it is not
0: neither shrinks a delta by itself. But the weights remain. A rectified network without biases has
$\varphi(c z) = c\,\varphi(z)$ for $c > 0$, and its slopes do not change with the scale; so

$$ W_l \to c\,W_l \text{ for all } l \quad\Rightarrow\quad
   \delta^l \to c^{\,L-l}\,\delta^l $$

for the same delta at the top, $L$ being the last layer: it vanishes for $c < 1$ and explodes for
$c > 1$. `initialisation` tells how to choose $c$.

`delta_lengths` reports the length of delta for each layer of any network of yours.

**What is a reconstruction.** Hochreiter's thesis was not at hand. The powers of 1/4 are arithmetic,
the slope of the ten-layer chain was computed independently, and the deep networks are this
package's own.

Source: S. Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München
(1991); Bengio, Simard and Frasconi, *Learning long-term dependencies with gradient descent is
difficult* (1994).
"""

import numpy as np

from ..errors import expects, real, whole
from ..initializers import Given, Glorot, He
from ..layers import Dense, ReLU, Sigmoid, Tanh
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from . import initialisation
from .axes import open_frame
from .reproduction import Classic, Reproduction

CLASSIC = Classic("S. Hochreiter", 1991, "Untersuchungen zu dynamischen neuronalen Netzen")
DEPTH, WIDTH = 10, 50
FOLLOWS = "follows from the derivation, not printed by the author"
BOUNDS = {
    2: "0.0625",
    5: "9.765625e-04",
    10: "9.5367431640625e-07",
    20: "9.094947017729282e-13",
}
KINDS = {
    "logistic": (Sigmoid, Glorot()),
    "tanh": (Tanh, Glorot()),
    "ReLU": (ReLU, He()),
}


def delta_lengths(net, x, delta):
    r"""Return the length of $\delta$ at the output of every layer, over the batch as a whole.

    Args:
        net: a built Network of any wiring.
        x: a batch of inputs; a tuple of arrays if the network has several inputs.
        delta: $\partial L/\partial y$, in the shape of its output.

    Raises:
        TypeError: `net` is no Network.
        ValueError: a shape does not fit.
    """
    if not isinstance(net, Network):
        raise expects("delta_lengths", "a Network", repr(net), TypeError)
    averages = net.averages
    y, caches = net.forward(*(x if isinstance(x, tuple) else (x,)), rng=np.random.default_rng(0))
    net.averages = averages  # a look, not a step of training
    if np.shape(delta) != y.shape:
        raise expects("delta_lengths", f"a delta of shape {y.shape}", np.shape(delta))
    deltas = net.deltas(np.asarray(delta), caches)[net.inputs :]
    return np.array([np.linalg.norm(each) for each in deltas])


def bound(n):
    r"""Return the largest slope that a chain of $n$ logistic units with unit weights can have.

    Raises:
        ValueError: `n` is not a whole number.
    """
    n = whole("bound", "n", n, least=0)
    return (1 / 4) ** n  # (1)


def chain(n, *, x=0.5, w=1.0, b=0.0):
    """Return dy/dx of a chain of `n` logistic units at `x`.

    Args:
        n: how many.
        x: the input.
        w: the weight of each.
        b: the bias of each.

    Raises:
        ValueError: `n` is not a positive whole number, or another one is not finite.
    """
    x = real("chain", "x", x)
    layers = []
    for _ in range(whole("chain", "n", n)):
        layers += [Dense(1, init=Given([[w]]), bias_init=Given([b])), Sigmoid()]
    net = Network(layers)
    net.build((1,), dtype=np.float64)
    y, caches = net.forward([[x]])
    dx, _ = net.backward(np.ones_like(y), caches)
    return np.asarray(dx).item()


def deep(kind, depth=DEPTH, width=WIDTH, *, scale=1.0, seed=0):
    """Return a network of equal layers without biases: `Dense` and an activation, in turn.

    Args:
        kind: "logistic" or "tanh", with Glorot's weights, or "ReLU", with He's.
        depth: how many layers.
        width: how many units in each.
        scale: what all weights are multiplied by: $c$ of the derivation.
        seed: of the weights.

    Raises:
        ValueError: there is no such kind, or a number is outside its range.
    """
    if kind not in KINDS:
        raise expects("deep", f"a kind from {', '.join(KINDS)}", repr(kind))
    activation, init = KINDS[kind]
    sizes = [width] * (1 + whole("deep", "depth", depth))
    net = initialisation.deep(sizes, init, activation, seed)
    net.parameters *= real("deep", "scale", scale)
    return net


def lengths(net, seed=1):
    """Return the lengths of delta after each activation, for random inputs and a random delta."""
    rng = np.random.default_rng(seed)
    x, delta = (rng.standard_normal((20, net.shapes[-1][0])) for _ in range(2))
    return delta_lengths(net, x, delta)[1::2]


def reproduce():
    """Return the powers of 1/4, the chain, and the three kinds of deep networks."""
    table = Reproduction(CLASSIC)
    for n, published in BOUNDS.items():
        what = f"bound for {n} logistic units"
        table.number(what, published, bound(n), remark="a power of 1/4", tolerance=0)
    table.number(
        "slope of a chain of 10 at 0.5", "3.4831156097851636e-07", chain(10), computed=True
    )
    net = deep("logistic")
    found = lengths(net)
    limits = [np.linalg.norm(layer.W, 2) / 4 for layer in net.layers[2::2]]
    held = int((found[:-1] <= limits * found[1:]).sum())
    ours = f"{held} of {DEPTH - 1}"
    table.claim("logistic: layers within the bound", "9 of 9", ours, remark=FOLLOWS)
    once, twice = (lengths(deep("ReLU", scale=c)) for c in (1, 2))
    powers = [2.0**k for k in reversed(range(DEPTH))]
    grown = twice / once
    table.number(
        "ReLU, weights doubled: growth by layer", powers, grown, remark=FOLLOWS, tolerance=0
    )
    why = "weights and inputs of this package's own"
    for kind in KINDS:
        ends = lengths(deep(kind))
        table.told(f"{kind}: delta, first over last layer", "", ends[0] / ends[-1], why)
    table.picture = draw
    return table


def draw():
    """Draw the lengths of delta, for the three kinds, and for rectifiers at three scales."""
    figure = Picture(8.6, 3.4)
    left, right = figure.subplots(1, 2)
    layers = np.arange(1, DEPTH + 1)
    for (kind, mark), color in zip(
        (("logistic", "o-"), ("tanh", "s--"), ("ReLU", "^:")), (BLUE, ORANGE, "0.4"), strict=True
    ):
        found = lengths(deep(kind))
        left.semilogy(layers, found / found[-1], mark, color=color, markersize=4, label=kind)
    left.semilogy(layers, 0.25 ** (DEPTH - layers), color="0.7", label="$1/4$ for each layer")
    for (scale, mark), color in zip(
        ((0.5, "o-"), (1, "^:"), (2, "s--")), (BLUE, "0.4", ORANGE), strict=True
    ):
        found = lengths(deep("ReLU", scale=scale))
        label = f"He's weights times {scale:g}"
        right.semilogy(layers, found / found[-1], mark, color=color, markersize=4, label=label)
    left.set_ylabel(r"length of $\delta$, over that of the last layer")
    left.set_title("Kinds of units")
    right.set_title("ReLU: the weights remain")
    for axes in (left, right):
        axes.set_xlabel("layer")
        axes.legend(frameon=False, fontsize=8)
        open_frame(axes)
    return figure
