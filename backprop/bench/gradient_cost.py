r"""What a gradient costs, in forward passes: backpropagation, central differences, sums over paths.

The networks are chains of tanh units, all hidden layers as wide as the input, with one output and
half its squared error as the loss. Three ways lead to the gradient by all $p$ parameters.

**Backpropagation** takes one forward and one backward pass, whatever $p$ is.

**Central differences** take two forward passes for each parameter,

$$ \frac{\partial L}{\partial \theta_k} \approx
   \frac{L(\theta + h e_k) - L(\theta - h e_k)}{2h}, \tag{1} $$

so $2p$. Where $p$ is large, some of the parameters are moved, chosen at random, and the time is
that of one of them times $p$.

**The sum over all paths**, each derivative by itself, with the slopes $z$ of the edges:

$$ \frac{\partial L}{\partial \theta_k} = \sum_{P:\, \theta_k \to L} \ \prod_{(i,j) \in P} z_{ij}.
   \tag{2} $$

A path is walked from its parameter to the loss, the product growing by a factor at every edge, and
what several paths have in common at their beginning is multiplied once. The factors are counted and
divided by the multiply-adds of a forward pass; where they are few enough they are also carried out,
in plain Python, and the time is divided by that of a forward pass in plain Python.

All three are seen to give the same numbers before they are timed.

Source: Olah, *Calculus on Computational Graphs: Backpropagation* (2015), who says that
backpropagation can make training ten million times faster, which is a point on the line of (1);
Aggarwal, *Neural Networks and Deep Learning* (2018), section 3.2, for (2).
"""

import time
from itertools import pairwise
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from ..checks.estimates import central_difference
from ..layers import Dense, Tanh
from ..losses import HalfSquaredError
from ..network import Network
from .agreement import agree_on_gradients
from .measured import Measured, digits, machine, milliseconds
from .timing import seconds_per_call

WIDTHS = (1, 2, 4, 8, 16, 50, 158, 500, 1580)
"""Of networks of 10 to ten million parameters, in steps of about the root of ten and ten."""
DEPTH = 4
DEPTHS = (1, 2, 4, 8, 16, 32)
"""Of networks 8 wide."""
WIDTH = 8
BATCH = 64
STEP = 1e-5
WALKED = 300_000
"""The largest number of factors that is carried out."""
ENOUGH = 1e-6
"""How far two gradients may be apart, relative to the largest entry that is compared."""
LOSS = HalfSquaredError()


class Case:
    """One network with a batch, and the ways to its gradient."""

    def __init__(self, width, depth):
        self.sizes = [width] * (depth + 1) + [1]
        hidden = [layer for _ in range(depth) for layer in (Dense(width), Tanh())]
        self.net = Network([*hidden, Dense(1)])
        self.net.build((width,), rng=0, dtype=np.float64)
        rng = np.random.default_rng(1)
        self.x, self.y = rng.standard_normal((BATCH, width)), rng.standard_normal((BATCH, 1))
        self.entries = rng.permutation(self.net.param_count)

    def forward(self):
        """Return the loss."""
        return LOSS.forward(self.net.predict(self.x), self.y)[0]

    def backpropagation(self, examples=BATCH):
        """Return the gradient, of the first few examples, by one pass forward and one back."""
        y, caches = self.net.forward(self.x[:examples])
        _, cache = LOSS.forward(y, self.y[:examples])
        return self.net.flatten(self.net.grads(LOSS.backward(cache), caches))

    def central(self, k):
        """Return the derivative by parameter `k` by two passes forward."""
        w = self.net.parameters
        before = w[k]

        def phi(h):
            w[k] = before + h
            return self.forward()

        try:
            return central_difference(phi, STEP)  # (1)
        finally:
            w[k] = before

    def paths(self):
        """Return the gradient of one example, the first, by the sum over all paths."""
        x, target = self.x[0].tolist(), float(self.y[0, 0])
        weights = self._weights()
        values, (output,) = _run(weights, x)
        # edges[l][j][k]: the slope from what unit j of layer l sums up to what k of the next does.
        edges = [
            [[(1 - a * a) * w for w in row] for a, row in zip(after, W, strict=True)]
            for after, (W, _) in zip(values[1:], weights[1:], strict=True)
        ]
        error = output - target
        gradient = []
        for level, (a, (_, b)) in enumerate(zip(values, weights, strict=True)):
            units = range(len(b))
            gradient += [_walk(edges, level, j, z, error) for z in a for j in units]  # (2)
            gradient += [_walk(edges, level, j, 1.0, error) for j in units]
        return np.array(gradient)

    def plain_forward(self):
        """Return the loss of the first example, computed in plain Python."""
        _, (output,) = _run(self._weights(), self.x[0].tolist())
        return (output - float(self.y[0, 0])) ** 2 / 2

    def _weights(self):
        """Return W and b of every Dense as lists."""
        return [(p["W"].tolist(), p["b"].tolist()) for p in (each.params for each in self.net) if p]


def _run(weights, x):
    """Return what each layer reads, and what the last one gives, in plain Python."""
    values, z = [x], x
    for W, b in weights:
        z = [sum(a * w for a, w in zip(x, column, strict=True)) for column in zip(*W, strict=True)]
        z = [each + bias for each, bias in zip(z, b, strict=True)]
        x = np.tanh(z).tolist()
        values.append(x)
    return values[:-1], z


def _walk(edges, level, j, product, error):
    """Return the sum of the products of all paths that go on from unit `j` of a level."""
    if level == len(edges):
        return product * error
    ways = enumerate(edges[level][j])
    return sum(_walk(edges, level + 1, k, product * z, error) for k, z in ways)


def factors(sizes):
    """Return how many factors the walks over all paths multiply, and the forward multiply-adds.

    Args:
        sizes: the numbers of inputs, of the units of each layer, and of outputs, which is 1.
    """
    total, below = 0, 1  # below: the factors on all ways from one unit to the loss
    for n, m in reversed(list(pairwise(sizes))):
        total += (n + 1) * m * below
        below = m * (1 + below)
    return total, sum(n * m for n, m in pairwise(sizes))


class GradientCost(Measured):
    """What one gradient costs in each of the three ways, in forward passes."""

    title = "The cost of one gradient in forward passes"
    header = (
        "width",
        "depth",
        "parameters",
        "forward ms",
        "backpropagation",
        "central differences",
        "of them measured",
        "times as long",
        "sum over paths",
        "the same, measured",
    )
    words = 0

    def cells(self):
        shown = []
        for row in self.rows:
            walked = row["paths_measured"]
            shown.append(
                (
                    *(f"{row[name]:,}" for name in ("width", "depth", "parameters")),
                    milliseconds(row["forward_seconds"]),
                    digits(row["backpropagation"]),
                    power(row["central"]),
                    f"{row['moved']:,}",
                    power(row["times_as_long"]),
                    power(row["paths"]),
                    "" if walked is None else power(walked),
                )
            )
        return shown

    def plot(self):
        from .pictures import draw_gradient_cost

        return draw_gradient_cost(self.rows)


def power(value):
    """Return a number as text of three digits, in powers of ten from a million on."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return digits(value) if value < 1e6 else f"{mantissa}e{int(exponent)}"


def measure(*, rounds, seconds, threads, widths=WIDTHS, depths=DEPTHS, tell=lambda line: None):
    """Measure networks that get wider, and others that get deeper; return the GradientCost.

    Args:
        rounds: how often each way has its turn.
        seconds: how long a turn is at least.
        threads: how many threads the matrix products may use.
        widths: of the networks of DEPTH hidden layers.
        depths: of the networks WIDTH wide.
        tell: called with a line for each network.
    """
    rows = []
    with threadpool_limits(threads):
        shapes = [("wider", n, DEPTH) for n in widths] + [("deeper", WIDTH, n) for n in depths]
        for series, width, depth in shapes:
            tell(f"gradient: width {width}, {depth} hidden")
            rows.append({"series": series, **cost(Case(width, depth), rounds, seconds)})
    largest = max(rows, key=lambda row: row["parameters"])
    days = largest["central_seconds"] / 86400
    notes = [
        f"At {largest['parameters']:,} parameters a gradient by central differences takes"
        f" {power(largest['times_as_long'])} times as long as by backpropagation:"
        f" {digits(days)} days, not {milliseconds(largest['backpropagation_seconds'])} ms."
    ]
    settings = {"batch": BATCH, "rounds": rounds, "seconds a turn": seconds, "threads": threads}
    return GradientCost(rows, settings | machine(), notes)


def cost(case, rounds, seconds):
    """Return the row of a Case; raise Disagreement if the three ways do not agree."""
    p = case.net.param_count
    counted, forward_work = factors(case.sizes)
    walked = counted <= WALKED
    _agree(case, walked)
    times = {"forward": [], "backpropagation": [], "entry": [], "paths": []}
    moved = 0
    for _ in range(rounds):
        times["forward"].append(seconds_per_call(case.forward, seconds))
        times["backpropagation"].append(seconds_per_call(case.backpropagation, seconds))
        entry, count = _central(case, seconds)
        times["entry"].append(entry)
        moved = max(moved, count)
        if walked:
            plain = seconds_per_call(case.plain_forward, seconds / 4)
            times["paths"].append(seconds_per_call(case.paths, seconds / 4) / plain)
    passes = {
        name: [each / one for each, one in zip(times[name], times["forward"], strict=True)]
        for name in ("backpropagation", "entry")
    }
    ratio = [a / b for a, b in zip(passes["entry"], passes["backpropagation"], strict=True)]
    return {
        "width": case.sizes[0],
        "depth": len(case.sizes) - 2,
        "parameters": p,
        "forward_seconds": median(times["forward"]),
        "backpropagation_seconds": median(times["backpropagation"]),
        "central_seconds": p * median(times["entry"]),
        "backpropagation": median(passes["backpropagation"]),
        "central": p * median(passes["entry"]),
        "moved": moved,
        "times_as_long": p * median(ratio),
        "paths": counted / forward_work,
        "paths_measured": median(times["paths"]) if walked else None,
    }


def _central(case, seconds):
    """Return the time that one entry takes, and how many entries were found: all, or fewer."""
    count, begun = 0, time.perf_counter()
    for k in case.entries:
        case.central(k)
        count += 1
        if time.perf_counter() - begun > seconds:
            break
    return (time.perf_counter() - begun) / count, count


def _agree(case, walked):
    """Raise Disagreement unless all ways find the same numbers, as far as they are taken."""
    gradient = case.backpropagation()
    some = case.entries[:3]
    moved = [case.central(k) for k in some]
    agree_on_gradients("central differences", gradient[some], moved, ENOUGH)
    if walked:
        one = case.backpropagation(examples=1)
        agree_on_gradients("the sum over all paths", one, case.paths(), ENOUGH)
