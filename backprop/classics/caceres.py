r"""P. Caceres, *The Multilayer Perceptron* (2020): XOR, and why it matters where the weights start.

Two inputs, three logistic hidden units, one logistic output; the four patterns together, their
gradients summed, rate 0.1. From weights uniform on [0, 1) the net learns XOR; from normal weights
of deviation 0.01, says the text, it does not learn at all.

**Derivation.** For a pass over the four patterns, with $E = \frac12 \sum_n (y_n - t_n)^2$:

$$ h = \sigma(x W_1 + b_1) \tag{1} $$

$$ y = \sigma(h W_2 + b_2) \tag{2} $$

$$ \delta_2 = (y - t) \odot y (1 - y) \tag{3} $$

$$ \delta_1 = (\delta_2 W_2^\top) \odot h (1 - h) \tag{4} $$

$$ W_2 \leftarrow W_2 - \eta\, h^\top \delta_2 \tag{5} $$

$$ b_2 \leftarrow b_2 - \eta \sum_n \delta_{2,n} \tag{6} $$

$$ W_1 \leftarrow W_1 - \eta\, x^\top \delta_1 \tag{7} $$

$$ b_1 \leftarrow b_1 - \eta \sum_n \delta_{1,n} \tag{8} $$

`network` and `train` have these from `Dense`, `Sigmoid` and `HalfSquaredError`. `survey` writes
them out: NumPy's product of stacks of matrices lets the same lines train a hundred nets at once,
each with weights of its own.

**Why small weights stay.** With $W = 0$ every $h$ is 1/2 and every $y$ the same, so that at
$y = 1/2$ the four errors $\pm 1/2$ cancel in (5) to (8): the origin is a stationary point, with
loss 1/8. It is a saddle, and so flat that from a hundredth away 5000 steps of 0.1 do not lead out
of it.

**The order of the updates.** The source changes $W_2$ before it takes $\delta_2$ through it. Then
(4) is not the gradient: its last loss differs in the fifth decimal. `train(order=...)` does both.

The loss that is reported is $\frac12$ of the *mean* square over the patterns, the one that is
descended half the *sum*. The source tells that all four patterns are right in the end, and that
the loss falls fast to about 0.13 and then slowly; all further digits were computed independently.

Source: P. Caceres, *Introduction to neural network models of cognition*, chapter *The multilayer
perceptron*.
"""

import numpy as np

from ..errors import choice, expects, whole
from ..initializers import Given
from ..layers import Dense, Sigmoid
from ..layers.activations import sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from .axes import open_frame
from .exclusive_or import T, X
from .reproduction import Classic, Reproduction

CLASSIC = Classic("P. Caceres", 2020, "The Multilayer Perceptron: XOR", seconds=2)
RATE, ITERATIONS = 0.1, 5000
SHAPES = ((2, 3), (1, 3), (3, 1), (1, 1))
SUM = HalfSquaredError(reduction="sum")


def start(seed=100, draw="uniform"):
    """Return $W_1$, $b_1$, $W_2$ and $b_2$, drawn in this order by NumPy's generator of old.

    Args:
        seed: 100 in the source.
        draw: "uniform" on [0, 1), or "normal" of deviation 0.01.

    Raises:
        ValueError: there is no such draw, or `seed` is not a whole number.
    """
    choice("start", "draw", draw, ("uniform", "normal"))
    random = np.random.RandomState(whole("start", "seed", seed, least=0))
    scale = {"uniform": (random.uniform, 0, 1), "normal": (random.normal, 0, 0.01)}
    distribution, *numbers = scale[draw]
    return [distribution(*numbers, shape) for shape in SHAPES]


def network(seed=100, draw="uniform"):
    """Return the 2-3-1 network with these weights."""
    W1, b1, W2, b2 = start(seed, draw)
    hidden = Dense(3, init=Given(W1), bias_init=Given(b1[0]))
    output = Dense(1, init=Given(W2), bias_init=Given(b2[0]))
    net = Network([hidden, Sigmoid(), output, Sigmoid()])
    net.build((2,), dtype=np.float64)
    return net


def train(net, iterations=ITERATIONS, *, order="simultaneous"):
    """Train the network in place; return the loss before each update, half the mean square.

    Args:
        net: what `network` returned.
        iterations: how many updates.
        order: "simultaneous": first all deltas, then all updates, which is the gradient.
            "sequential": the output layer is changed first, and the hidden deltas go through it.

    Raises:
        ValueError: `iterations` is negative, or there is no such order.
    """
    choice("train", "order", order, ("simultaneous", "sequential"))
    hidden, _, output, _ = net
    losses = []
    for _ in range(whole("train", "iterations", iterations, least=0)):
        y, caches = net.forward(X)
        loss, cache = SUM.forward(y, T)
        losses.append(loss / len(X))
        delta = SUM.backward(cache)
        grads = net.grads(delta, caches)
        for name in ("W", "b"):
            output.params[name][...] -= RATE * grads[f"2.{name}"]
        if order == "sequential":
            grads = net.grads(delta, caches)  # of the same pass, through the changed W2
        for name in ("W", "b"):
            hidden.params[name][...] -= RATE * grads[f"0.{name}"]
    return np.array(losses)


def survey(seeds, draw="uniform", iterations=ITERATIONS):
    """Train a net for each seed, all at once; return losses (iterations, S) and outputs (S, 4).

    Args:
        seeds: S whole numbers.
        draw: as in `start`.
        iterations: how many updates.

    Raises:
        ValueError: there is no seed, or what `start` raises; or `iterations` is negative.
    """
    drawn = [start(seed, draw) for seed in seeds]
    if not drawn:
        raise expects("survey", "at least one seed", "none")
    parts = zip(*drawn, strict=True)
    W1, b1, W2, b2 = (np.stack(part) for part in parts)  # one more axis in front: the nets
    losses = []
    for _ in range(whole("survey", "iterations", iterations, least=0)):
        h = sigmoid(X @ W1 + b1)  # (1)
        y = sigmoid(h @ W2 + b2)  # (2)
        losses.append(((y - T) ** 2).mean(axis=(1, 2)) / 2)
        delta2 = (y - T) * y * (1 - y)  # (3)
        delta1 = (delta2 @ W2.mT) * h * (1 - h)  # (4)
        W2 -= RATE * (h.mT @ delta2)  # (5)
        b2 -= RATE * delta2.sum(axis=1, keepdims=True)  # (6)
        W1 -= RATE * (X.T @ delta1)  # (7)
        b1 -= RATE * delta1.sum(axis=1, keepdims=True)  # (8)
    y = sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2)
    return np.array(losses), y[..., 0]


def solved(outputs):
    """Return which nets, of outputs (S, 4), answer all patterns correctly."""
    return ((outputs > 0.5) == (T[:, 0] > 0.5)).all(axis=1)


def reproduce():
    """Return the numbers beside ours."""
    table = Reproduction(CLASSIC)
    net = network()
    losses = train(net)
    moments = "0.17037699424952266 0.14810854056006129 0.12479105106465957 0.12354562664781049"
    found = losses[[0, 10, 100, 1000]]
    about = "'about' that, of no iteration in particular; ours is the one of 100"
    table.number("loss after its fast fall", "0.13", losses[100], remark=about)
    table.number("loss at 0, 10, 100, 1000", moments, found, computed=True)
    table.number("loss at 4999", "0.01071204906720074", losses[-1], computed=True)
    outputs = "0.126365510716 0.856676253653 0.856153834378 0.168557465294"
    table.number("outputs", outputs, net.predict(X), computed=True)
    table.claim("patterns right", "4 of 4", f"{int(((net.predict(X) > 0.5) == T).sum())} of 4")
    net = network()
    losses = train(net, order="sequential")
    table.number("loss at 4999, W2 first", "0.010699126471505695", losses[-1], computed=True)
    outputs = "0.126315944 0.856759305 0.856248900 0.168440115"
    table.number("outputs, W2 first", outputs, net.predict(X), computed=True)
    losses, outputs = survey(range(5), "normal")
    table.number("last loss from N(0, 0.01), 5 seeds", ["0.125000"] * 5, losses[-1], computed=True)
    learned, says = (
        f"{solved(outputs).sum()} of 5",
        "the author says that it fails; the seeds are ours",
    )
    table.claim("patterns learned from N(0, 0.01)", "0 of 5", learned, remark=says)
    _, outputs = survey(range(100))
    table.number("uniform: solved, of 100 seeds", "81", solved(outputs).sum(), computed=True)
    table.picture = draw
    return table


def landscape(a, b, seed=100):
    """Return the loss over the plane through zero, the first weights and the trained ones.

    Args:
        a: how much of the first weights, any shape.
        b: how much of the trained ones, the same shape.
        seed: of the first weights.
    """
    net = network(seed)
    first = net.parameters.copy()
    train(net)
    vectors = a[..., np.newaxis] * first + b[..., np.newaxis] * net.parameters
    W1, b1, W2, b2 = np.split(
        vectors, np.cumsum([np.prod(shape) for shape in SHAPES])[:-1], axis=-1
    )
    h = sigmoid(X @ W1.reshape(*a.shape, 2, 3) + b1[..., np.newaxis, :])
    y = sigmoid(h @ W2[..., np.newaxis] + b2[..., np.newaxis])
    return ((y - T) ** 2).mean(axis=(-1, -2)) / 2


def draw():
    """Draw the losses of the seeds, and the loss over a plane."""
    figure = Picture(8.8, 3.4)
    left, right = figure.subplots(1, 2)
    losses, outputs = survey(range(30))
    for name, chosen, color in (
        ("uniform, learned", solved(outputs), BLUE),
        ("uniform, not learned", ~solved(outputs), "0.6"),
    ):
        lines = left.plot(losses[:, chosen], color=color, linewidth=0.8)
        lines[0].set_label(f"{name}: {chosen.sum()} of {len(chosen)}")
    losses, outputs = survey(range(5), "normal")
    lines = left.plot(losses, color=ORANGE)
    lines[0].set_label(f"normal, 0.01: {solved(outputs).sum()} of 5 learned")
    left.set(xlabel="iteration", ylabel="loss", ylim=(0, 0.3))
    left.legend(frameon=False, fontsize=8)
    open_frame(left, grid=None)
    a, b = np.meshgrid(np.linspace(-1.2, 2.2, 69), np.linspace(-0.5, 1.5, 61))
    drawn = right.contourf(a, b, landscape(a, b), 24, cmap="viridis")
    for word, place in (("zero", (0, 0)), ("start", (1, 0)), ("end", (0, 1))):
        right.plot(*place, "o", color="white")
        right.annotate(word, place, (6, 4), textcoords="offset points", color="white")
    right.set(xlabel="share of the first weights", ylabel="share of the trained weights")
    figure.colorbar(drawn, ax=right, label="loss")
    return figure
