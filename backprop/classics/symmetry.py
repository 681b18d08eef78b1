r"""Rumelhart, Hinton and Williams, *Learning representations by back-propagating errors* (1986).

The first of its two nets: is a row of six bits its own mirror image? Every bit is 1 in half of the
symmetric rows and in half of the others. So a weighted sum of the bits has the same mean over both,
no threshold tells them apart, and hidden units are needed. Two are enough.

**Derivation.** Sums of the inputs, $x_j = \sum_i y_i w_{ji}$, go through $y_j = 1/(1 + e^{-x_j})$.
A sweep goes through all cases $c$ and adds up; then all weights change at once:

$$ E = \tfrac12 \sum_c \sum_j (y_{jc} - d_{jc})^2, \qquad
   \frac{\partial E}{\partial y_j} = y_j - d_j, \qquad
   \frac{\partial E}{\partial x_j} = \frac{\partial E}{\partial y_j}\, y_j (1 - y_j) $$

$$ \frac{\partial E}{\partial w_{ji}} = \frac{\partial E}{\partial x_j}\, y_i, \qquad
   \frac{\partial E}{\partial y_i} = \sum_j \frac{\partial E}{\partial x_j}\, w_{ji}, \qquad
   \Delta w(t) = -\varepsilon \frac{\partial E}{\partial w}(t) + \alpha\, \Delta w(t - 1) $$

These are the equations of `HalfSquaredError(reduction="sum")`, `Sigmoid`, `Dense` and `SGD`.

**What it learns.** Weights at equal distance from the middle become equal and opposite, so a hidden
unit sees differences only. With $d_k \in \{-1, 0, 1\}$ the difference of the bits of pair $k$,

$$ x_j = b_j + u_1 d_1 + u_2 d_2 + u_3 d_3. $$

A symmetric row leaves $b_j < 0$: the unit is off. Were the $u$ in the ratio 1 : 2 : 4, the sum
could not vanish otherwise: $d_1 + 2 d_2 + 4 d_3 = 0$ makes $d_1$ even, so 0, then $d_2 + 2 d_3 = 0$
makes $d_2$ even, and so on. It is positive or negative, and the two hidden units have opposite
weights, so one of them is on, and turns the output off. The paper's weights have that ratio, to
their rounding. It is enough, and not necessary: what has to differ from zero are the sums. The net
trained here from seed 0 finds the ratio 1 : 1.52 : 2.03.

**What is not told in the paper** is which random numbers it began with. It needed 1 425 sweeps.
Of the seeds here, fewer than half are done by then. The others answer "no" to everything, 56 of 64
right, and some of them leave this plateau later.

Source: *Nature* 323, 533-536, figure 1.
"""

import itertools

import numpy as np

from ..errors import expects, whole
from ..initializers import Given
from ..layers import Dense, Sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..optimizers import SGD
from ..plots import BLUE, ORANGE, Picture
from ..training import TrainStep
from .axes import open_frame
from .many import ManyDense
from .reproduction import COMPUTED, Classic, Reproduction

CLASSIC = Classic(
    "D. Rumelhart, G. Hinton and R. Williams",
    1986,
    "Learning representations by back-propagating errors: symmetry",
    seconds=2,
)
BITS, SWEEPS = 6, 1425
AROUND = "a band around what an independent program found"
LOSS = HalfSquaredError(reduction="sum")
RULE = SGD(0.1, momentum=0.9)
"""The paper's epsilon and alpha."""

PUBLISHED = (
    np.transpose([(14.2, -3.6, 7.2, -7.2, 3.6, -14.2), (-14.2, 3.6, -7.1, 7.1, -3.6, 14.2)]),
    np.array([-1.1, -1.1]),
    np.array([[-8.8], [-8.8]]),
    np.array([6.4]),
)
"""W1, b1, W2 and b2 of figure 1."""


def patterns():
    """Return all 64 rows of six bits, and 1 for the eight symmetric ones."""
    x = np.array(list(itertools.product((0.0, 1.0), repeat=BITS)))
    return x, (x == x[:, ::-1]).all(axis=1, keepdims=True).astype(float)


def random_weights(seed):
    """Return W1, b1, W2 and b2, drawn in this order, all between -0.3 and 0.3."""
    draw = np.random.RandomState(whole("random_weights", "seed", seed, least=0)).uniform
    return [draw(-0.3, 0.3, shape) for shape in ((BITS, 2), 2, (2, 1), 1)]


def network(weights, /):
    """Return the net with the weights `(W1, b1, W2, b2)`."""
    W1, b1, W2, b2 = (Given(each) for each in weights)
    hidden, output = Dense(2, init=W1, bias_init=b1), Dense(1, init=W2, bias_init=b2)
    net = Network([hidden, Sigmoid(), output, Sigmoid()])
    net.build((BITS,), dtype=np.float64)
    return net


def symmetric(net, rows, /):
    """Return what `net` answers for each row of bits: whether it is its own mirror image.

    Raises:
        ValueError: they are not rows of six numbers that are 0 or 1.
    """
    rows = np.asarray(rows)
    if rows.ndim != 2 or rows.shape[1] != BITS:
        raise expects("symmetric", f"rows of shape (N, {BITS})", rows.shape)
    strangers = rows[(rows != 0) & (rows != 1)]
    if strangers.size:
        raise expects("symmetric", "bits that are 0 or 1", strangers[0])
    return net.predict(rows)[:, 0] > 0.5


def train(net, sweeps, /):
    """Train `net` on all patterns; return E before each sweep and after the last.

    Raises:
        ValueError: `sweeps` is negative.
    """
    whole("train", "sweeps", sweeps, least=0)
    x, d = patterns()
    step = TrainStep(net, LOSS, RULE)
    errors = [step(x, d) for _ in range(sweeps)]
    return [*errors, float(LOSS.forward(net.predict(x), d)[0])]


def solved(seeds, sweeps=SWEEPS, /):
    """Return, for each of the `seeds`, whether it leads to a net that is right on all patterns.

    Raises:
        ValueError: there is no seed, one is not a whole number of at least 0, or `sweeps` is
            negative.
    """
    whole("solved", "sweeps", sweeps, least=0)
    drawn = [random_weights(seed) for seed in seeds]
    if not drawn:
        raise expects("solved", "at least one seed", "none")
    W1, b1, W2, b2 = (Given(np.stack(each)) for each in zip(*drawn, strict=True))
    hidden, output = ManyDense(2, init=W1, bias_init=b1), ManyDense(1, init=W2, bias_init=b2)
    nets = Network([hidden, Sigmoid(), output, Sigmoid()])
    x, d = (np.repeat(each[:, np.newaxis], len(drawn), axis=1) for each in patterns())
    nets.build(x.shape[1:], dtype=np.float64)
    step = TrainStep(nets, LOSS, RULE)
    for _ in range(sweeps):
        step(x, d)
    return ((nets.predict(x) > 0.5) == d).all(axis=(0, 2))


def reproduce():
    """Return the paper's numbers beside ours."""
    table = Reproduction(CLASSIC)
    x, d = patterns()
    net = network(PUBLISHED)
    y = net.predict(x)
    table.claim("patterns right, published weights", "64 of 64", _right(net), remark=COMPUTED)
    table.number("the 8 symmetric ones", ["0.881277"] * 8, y[d == 1], computed=True)
    table.number("the largest other", "0.156343", y[d == 0].max(), computed=True)
    table.number("E", "0.3464", LOSS.forward(y, d)[0], computed=True)
    net = network(random_weights(0))
    errors = train(net, SWEEPS)
    A, B = net[0].W.T
    table.claim(
        "patterns right after 1 425 sweeps, seed 0", "64 of 64", _right(net), remark=COMPUTED
    )
    table.number("sweeps until E < 0.1", "505", np.argmax(np.less(errors, 0.1)), computed=True)
    table.number("E after 1 425", "0.0068", errors[-1], computed=True)
    table.number("weights of A", "-8.146 -10.846 5.353 -5.354 10.845 8.144", A, computed=True)
    table.number("weights of B", "8.140 10.839 -5.351 5.350 -10.840 -8.141", B, computed=True)
    table.band("seeds solved after 1 425, of 30", 9, 15, solved(range(30)).sum(), remark=AROUND)
    table.band(
        "seeds solved after 5 000, of 30", 15, 23, solved(range(30), 5000).sum(), remark=AROUND
    )
    table.picture = draw
    return table


def _right(net):
    x, d = patterns()
    return f"{(symmetric(net, x) == d[:, 0]).sum()} of {len(x)}"


def draw():
    """Draw the hidden weights of the paper and of seed 0, and how E of the latter falls."""
    ours = network(random_weights(0))
    errors = train(ours, SWEEPS)
    figure = Picture(10.5, 3.2)
    left, middle, right = figure.subplots(1, 3)
    places = np.arange(1, BITS + 1)
    for axes, net, title in ((left, network(PUBLISHED), "published"), (middle, ours, "seed 0")):
        for unit, color in enumerate((BLUE, ORANGE)):
            shift = 0.4 * unit - 0.2
            axes.bar(
                places + shift, net[0].W[:, unit], 0.38, color=color, label=f"unit {'AB'[unit]}"
            )
        axes.axhline(0, color="black", linewidth=0.8)
        axes.axvline((BITS + 1) / 2, 0, 0.8, color="grey", linewidth=0.8, linestyle=":")
        axes.set(xlabel="bit", ylabel="weight to the hidden unit", title=title, xticks=places)
    left.legend(frameon=False, loc="upper center", ncols=2)
    right.semilogy(errors, color=BLUE)
    right.set(xlabel="sweeps", ylabel="E", title="seed 0")
    right.grid(alpha=0.3)
    open_frame(left, middle, right, grid=None)
    return figure
