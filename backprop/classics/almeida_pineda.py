r"""L. B. Almeida, F. J. Pineda (1987): recurrent backpropagation, through a fixed point.

Two kinds of backpropagation are told apart. In the *static* one a pass maps an input to an output,
layer by layer. In the *recurrent* one every unit may read every other, the activations are fed
round until they no longer change, and then the error is computed and sent back, round and round as
well, until the deltas no longer change. No step of the way is stored: the derivative is that of the
fixed point, which does not depend on how it was reached.

`FixedPoint` is that system as a layer, with both ways of finding its deltas: by relaxation, as the
authors do, and by solving the linear equations. In a Network, a `Dense` before it makes its inputs
from others, with the biases.

**Static is a special case.** Where the units can be numbered so that each reads earlier ones only,
$W$ is strictly triangular. Then $W \operatorname{diag} \varphi'$ is nilpotent: the activations are
right after as many steps as there are layers, layer by layer, and so are the deltas, from the last
layer to the first. That is ordinary backpropagation, and `of_chain` makes a `FixedPoint` of a chain
of `Dense` and `Sigmoid` layers to show it.

**What is a reconstruction.** The equations are those that summaries give of Almeida's *A learning
rule for asynchronous perceptrons with feedback in a combinatorial environment* and Pineda's
*Generalization of back-propagation to recurrent neural networks*; the papers themselves were not at
hand. The example is not theirs either: its numbers were computed independently.

**Traps.** Relaxing the deltas through $W$ rather than $W^\top$: both converge. Taking $\varphi'$
anywhere but at the fixed point. Stopping early: what is left of the forward relaxation is an error
of the gradient. Training can drive the spectral radius to 1: there the fixed point that was
followed vanishes, the activations fall to another and the error jumps, or nothing settles any more.
"""

import math
from itertools import islice, pairwise

import numpy as np

from ..checks import gradcheck
from ..errors import batch_of, choice, expects, real, whole
from ..initializers import Given, Initializer, Orthogonal
from ..layer import Layer
from ..layers import Dense, Sigmoid
from ..layers.activations import sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..optimizers import SGD, Adam
from ..plots import BLUE, ORANGE, Picture
from ..training import TrainStep
from .axes import open_frame
from .chains import check_chain
from .exclusive_or import XOR
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("L. B. Almeida, F. J. Pineda", 1987, "Recurrent backpropagation")
ULPS = 8
"""An example is at rest when it moves by no more than as many rounding errors of its size.

Its size is the largest that it had on the way, as it may come to rest at 0. Of complex numbers both
parts have to rest, each by its own size: one of them may be a step of the complex step.
"""


class FixedPoint(Layer):
    r"""Units that read each other until they are at rest.

    Shapes: $x\,(N, K)$, what the $K$ units get from outside; $W\,(K, K)$, with $W_{ij}$ from unit
    $i$ to unit $j$; activations $a$, net inputs $z$ and their gradient $dz\,(N, K)$; $y\,(N, M)$,
    the activations of those units that are outputs.

    **Forward**, from $a = 0$ and over and over until $a$ is at rest,

    $$ \bar a = \varphi(a W + x) \tag{1} $$

    $$ a = (1 - r)\,a + r\,\bar a \tag{2} $$

    and then, of the units $k$ that are outputs,

    $$ y = a_k \tag{3} $$

    **Backward**, with $e_k = \delta$ at the outputs and $e = 0$ elsewhere: from $dz = 0$ and over
    and over,

    $$ \overline{dz} = \varphi'(a) \odot (e + dz\, W^\top) \tag{4} $$

    and on as in (2) until $dz$ is at rest; or, without relaxation, the solution of a system of
    equations for each example:

    $$ (1 - \operatorname{diag}(\varphi')\, W)\, dz^\top = (\varphi' \odot e)^\top \tag{5} $$

    Then

    $$ dW = a^\top dz \tag{6} $$

    $$ dx = dz \tag{7} $$

    **Derivation.** At rest $a = \varphi(a W + x)$. Changes $\dot W$ and $\dot x$ change $a$ by
    $\dot a = (\dot a W + a \dot W + \dot x)\, D$, with $D = \operatorname{diag} \varphi'$ and
    $\dot a$ on both sides, so that

    $$ \dot a = (a \dot W + \dot x)\, D\, (1 - W D)^{-1}. $$

    The loss changes by $\dot a\, e^\top = (a \dot W + \dot x)\, dz^\top$, where $dz^\top$ is what
    stands between:

    $$ dz^\top = D\, (1 - W D)^{-1} e^\top = (1 - D W)^{-1} D\, e^\top, $$

    since $D (1 - W D) = (1 - D W) D$. This is (5); written as $dz = (e + dz\, W^\top) D$ it is the
    rest of (4). The coefficients of $\dot W$ and $\dot x$ are (6) and (7).

    **When it settles.** Near its fixed point, a step of the forward relaxation multiplies the
    distance by $W D$, and a step of the backward one by $D W$, which have the same eigenvalues. So
    both settle if their largest size, the spectral radius, is below 1, as with small weights, and
    at the same pace. With a smaller $r$ it is that of $1 - r + r\, W D$: large negative eigenvalues
    are damped then; $r \to 0$ is the differential equation of Pineda. Above 1, (5) may have a
    solution, but that is the gradient of a fixed point from which the relaxation runs away.

    Args:
        activation: `"sigmoid"` or `"tanh"`.
        outputs: the numbers of the units that are outputs; all if not given.
        adjoint: `"relax"`, (4), or `"solve"`, (5).
        rate: $r$, above 0 and at most 1.
        most: how many steps a relaxation may take.
        init: how $W$ starts. By default no step can stretch by more than $1/2$, and all settles.

    Raises:
        ValueError: a setting out of range; in `build`, inputs that are no rows or outputs that
            there are not.
        FloatingPointError: in a pass: a relaxation does not settle, or (5) has no solution.

    Source: Almeida (1987); Pineda (1987).
    """

    param_names = ("W",)

    def __init__(
        self,
        *,
        activation="sigmoid",
        outputs=None,
        adjoint="relax",
        rate=1.0,
        most=1000,
        init: Initializer = Orthogonal(0.5),
    ):
        self.activation = choice("FixedPoint", "activation", activation, ("sigmoid", "tanh"))
        self.outputs = None if outputs is None else _distinct(outputs)
        self.adjoint = choice("FixedPoint", "adjoint", adjoint, ("relax", "solve"))
        self.rate = real("FixedPoint", "rate", rate)
        if not 0 < self.rate <= 1:
            raise expects("FixedPoint", "rate to be above 0 and at most 1", repr(rate))
        self.most = whole("FixedPoint", "most", most)
        self.init = init

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if len(in_shape) != 1:
            raise expects(self.who, "inputs of shape (N, K)", batch_of(in_shape))
        (K,) = in_shape
        outputs = range(K) if self.outputs is None else self.outputs
        if max(outputs) >= K:
            raise expects(self.who, f"outputs from 0 to {K - 1}", max(outputs))
        self.W = self.init((K, K), rng=rng, dtype=dtype)
        return (len(outputs),)

    def forward(self, x, /):
        a = self._at_rest("activations", self.activations(x))
        y = a[:, self._shown]  # (3)
        return y, a

    def backward(self, delta, cache, /):
        a = cache
        if self.adjoint == "relax":
            dz = self._at_rest("deltas", self.deltas(delta, a), a)
        else:
            dz = self._solution(delta, a)
        dW = a.T @ dz  # (6)
        dx = dz  # (7)
        return dx, {"W": dW}

    def activations(self, x, /):
        """Yield the activations that the forward relaxation goes through, from zeros on."""
        zeros = np.zeros(x.shape, np.result_type(x, self.W))
        return self._steps(lambda a: self._phi(a @ self.W + x), zeros)  # (1)

    def deltas(self, delta, a, /):
        """Yield the dz that the backward relaxation at `a` goes through, from zeros on."""
        e, slope = self._errors(delta, a), self._slope(a)
        return self._steps(lambda dz: slope * (e + dz @ self.W.T), 0 * e)  # (4)

    def spectral_radius(self, a, /):
        """Return by how much a step of relaxation near `a` stretches at most, in the long run.

        Of several examples it is that of the worst. Both relaxations settle if it is below 1.
        """
        of_phi = self.W.real * self._slope(a.real)[:, np.newaxis]
        step = (1 - self.rate) * np.eye(a.shape[1]) + self.rate * of_phi
        return np.abs(np.linalg.eigvals(step)).max() if np.isfinite(step).all() else math.nan

    def _steps(self, target, value):
        while True:
            yield value
            value = (1 - self.rate) * value + self.rate * target(value)  # (2)

    def _at_rest(self, what, values, a=None):
        """Return the first of `values` that is where the one before it was, or raise."""
        value, step, size = None, np.zeros(1), 0.0
        with np.errstate(all="ignore"):  # what runs away is told below
            for before, value in pairwise(islice(values, self.most + 1)):
                size = np.maximum(size, _sizes(value))
                step = _sizes(value - before)
                if (step <= ULPS * np.finfo(value.dtype).eps * size).all():
                    return value
        what, moved = (
            f"{what} that settle within {self.most} steps",
            f"a last step of {step.max():.3g}",
        )
        raise self._failure(what, value if a is None else a, f"{moved} and ")

    def _solution(self, delta, a):
        e, slope = self._errors(delta, a), self._slope(a)
        system = np.eye(a.shape[1], dtype=a.dtype) - slope[:, :, np.newaxis] * self.W
        if not (np.linalg.cond(system) < 1 / np.finfo(a.dtype).eps).all():
            raise self._failure("an adjoint system with one solution", a)
        return np.linalg.solve(system, (slope * e)[:, :, np.newaxis])[:, :, 0]  # (5)

    def _failure(self, what, a, moved=""):
        got = f"{moved}a spectral radius of {self.spectral_radius(a):.3g}"
        return expects(self.who, what, got, FloatingPointError)

    def _errors(self, delta, a):
        e = np.zeros(a.shape, np.result_type(a, delta))
        e[:, self._shown] = delta
        return e

    @property
    def _shown(self):
        return slice(None) if self.outputs is None else list(self.outputs)

    def _phi(self, z):
        return sigmoid(z) if self.activation == "sigmoid" else np.tanh(z)

    def _slope(self, a):
        return a * (1 - a) if self.activation == "sigmoid" else 1 - a**2

    def multiply_adds(self, in_shape, /):
        """Return those of one step: how many are taken depends on the example."""
        (K,) = in_shape
        return K * K


def _sizes(value):
    """Return the largest real and the largest imaginary part of every row, (2, N)."""
    return np.abs([value.real, value.imag]).max(axis=2)


def _distinct(outputs):
    """Return the numbers of the output units, or raise ValueError."""
    units = list(outputs) if np.iterable(outputs) else []
    numbers = tuple(whole("FixedPoint", "an output", unit, least=0) for unit in units)
    if not numbers or len(set(numbers)) < len(numbers):
        raise expects("FixedPoint", "one or more outputs, each once", repr(outputs))
    return numbers


def of_chain(net, x, /):
    """Return what a chain of layers is as a FixedPoint: static backpropagation as recurrent.

    Args:
        net: a built Network of Dense and Sigmoid by turns.
        x: its inputs (N, D).

    Returns:
        The built FixedPoint, whose outputs are those of `net`; its inputs (N, K); and for each
        Dense layer the slice of the units that it feeds. The weights of layer l stand in the block
        `W[places[l - 1], places[l]]`; those of the first are in the inputs.

    Raises:
        TypeError: `net` is no Network.
        ValueError: `net` is another network, not built, or not for these inputs.
    """
    check_chain("of_chain", net)
    dense, kinds = net.layers[::2], [type(layer) for layer in net]
    if kinds != [Dense, Sigmoid] * len(dense) or not kinds:
        raise expects("of_chain", "a chain of Dense and Sigmoid by turns", repr(net))
    net.predict(x)  # which raises where `net` is not built, or not for these inputs
    ends = np.cumsum([layer.units for layer in dense]).tolist()
    places = [slice(end - layer.units, end) for end, layer in zip(ends, dense, strict=True)]
    W, inputs = np.zeros((ends[-1], ends[-1])), np.zeros((len(x), ends[-1]))
    for place, layer in zip(places, dense, strict=True):
        inputs[:, place] = layer.b
    inputs[:, places[0]] += x @ dense[0].W
    for before, place, layer in zip(places, places[1:], dense[1:], strict=False):
        W[before, place] = layer.W
    fixed = FixedPoint(outputs=range(places[-1].start, ends[-1]), init=Given(W))
    Network([fixed]).build((ends[-1],), dtype=np.float64)
    return fixed, inputs, places


# The numbers

LOSS = HalfSquaredError(reduction="sum")
INPUT, TARGET = np.array([[0.5, -0.3, 0.0, 0.0]]), np.array([[0.2, 0.9]])
A = "0.5543244769721153 0.4115916222498942 0.5416685801856301 0.5966469090393616"


def network(adjoint="relax"):
    """Return the example: four logistic units, of which the last two are outputs."""
    W = np.linspace(-0.8, 0.8, 16).reshape(4, 4)
    net = Network([FixedPoint(outputs=(2, 3), adjoint=adjoint, init=Given(W))])
    net.build((4,), dtype=np.float64)
    return net


def train(net, x, target, updates, optimizer, /):
    """Train on all examples at once and return the loss before each update and after the last.

    Raises:
        ValueError: `updates` is negative.
        FloatingPointError: an update has led to where the network does not settle any more.
    """
    whole("train", "updates", updates, least=0)
    step = TrainStep(net, LOSS, optimizer)
    losses = [step(x, target) for _ in range(updates)]
    return [*losses, LOSS.forward(net.predict(x), target)[0]]


def exclusive_or(rng=4):
    """Return a network of six units that read two numbers and each other; the last is its output.

    It is not trained yet. From most other seeds E jumps once on the way.
    """
    net = Network([Dense(6), FixedPoint(outputs=[5])])
    net.build((2,), rng=rng, dtype=np.float64)
    return net


def reproduce():
    """Return the numbers of the example beside ours, and of static backpropagation."""
    table = Reproduction(CLASSIC)
    _example(table)
    _static(table)
    net = network()
    losses = train(net, INPUT, TARGET, 300, SGD(2.0))
    goal = "the targets, which are ours"
    y = net.predict(INPUT)
    table.number("outputs after 300 updates", "0.2 0.9", y, remark=goal, tolerance=1e-4)
    table.told("E after 300 updates", f"below {losses[0]:.4g}", losses[-1], "the rate is ours")
    net = exclusive_or()
    losses = train(net, *XOR, 500, Adam(0.05))
    x, target = XOR
    right = int(((net.predict(x) > 0.5) == target).sum())
    what, ours = "exclusive or, after 500 updates", "an example of ours"
    table.claim(what, "4 of 4", f"{right} of 4", remark=ours)
    table.picture = draw
    return table


def _example(table):
    net = network()
    y, (a,) = net.forward(INPUT)
    loss, cache = LOSS.forward(y, TARGET)
    table.number("a", A, a, computed=True)
    table.number("E", "0.10438025824071887", loss, computed=True)
    steps, around = (
        steps_to(a, net[0].activations(INPUT)),
        "a band around what an independent program found",
    )
    table.band("steps until a is right to 1e-12", 15, 25, steps, remark=around)
    delta = LOSS.backward(cache)
    relaxed, solved = (network(way).backward(delta, [a]) for way in ("relax", "solve"))
    for name, known, found in (
        ("x", np.ravel(solved[0]), relaxed[0]),
        ("W", solved[1]["0.W"], relaxed[1]["0.W"]),
    ):
        what = f"dE/d{name}: solved, relaxed"
        table.number(what, known.tolist(), found, remark=TWO_WAYS, tolerance=1e-12)
    for row in gradcheck(net, INPUT, loss=LOSS, target=TARGET).comparisons:
        what = f"dE/d{row.name}: off from differences"
        table.number(what, "0", row.central_error, remark=TWO_WAYS, tolerance=1e-9)
    table.told("spectral radius", "below 1", net[0].spectral_radius(a), "the example is ours")


def steps_to(end, values, /, distance=1e-12):
    """Return after how many steps a relaxation is no farther than `distance` from its end."""
    return next(n for n, value in enumerate(values) if np.abs(value - end).max() <= distance)


def _static(table):
    """Compare a network of three layers, back once, with its fixed point, back and forth."""
    net = Network([Dense(3), Sigmoid(), Dense(4), Sigmoid(), Dense(2), Sigmoid()])
    net.build((2,), rng=0, dtype=np.float64)
    x, odd = XOR
    target = np.hstack([odd, 1 - odd])
    fixed, inputs, places = of_chain(net, x)
    y, caches = net.forward(x)
    delta = LOSS.backward(LOSS.forward(y, target)[1])
    deltas, grads = net.deltas(delta, caches)[1::2], net.grads(delta, caches)
    ours, a = fixed.forward(inputs)
    dz, of_fixed = fixed.backward(delta, a)

    def same(quantity, known, found):
        what = f"three layers: {quantity}"
        table.number(what, known.tolist(), found, remark=TWO_WAYS, tolerance=1e-14)

    same("y", y, ours)
    for number, place in enumerate(places):
        same(f"delta of layer {number + 1}", deltas[number], dz[:, place])
    for number in (1, 2):
        block = of_fixed["W"][places[number - 1], places[number]]
        same(f"dW of layer {number + 1}", grads[f"{2 * number}.W"], block)
    steps, follows = (
        steps_to(a, fixed.activations(inputs), 0),
        "follows from the derivation, not printed by the author",
    )
    table.claim("three layers: steps until a is at rest", 3, steps, remark=follows)


def draw():
    """Draw how both relaxations settle, and how the networks learn."""
    figure = Picture(9.0, 3.4)
    left, right = figure.subplots(1, 2)
    _draw_relaxations(left)
    net, odd = network(), exclusive_or()
    right.semilogy(train(net, INPUT, TARGET, 300, SGD(2.0)), color=BLUE, label="two outputs")
    right.semilogy(train(odd, *XOR, 500, Adam(0.05)), color=ORANGE, label="exclusive or")
    right.set(xlabel="updates", ylabel="E", title="training")
    for axes, where in ((left, "lower left"), (right, "upper right")):
        axes.legend(frameon=False, loc=where)
        open_frame(axes)
    return figure


def _draw_relaxations(axes):
    fixed = network()[0]
    y, a = fixed.forward(INPUT)
    delta = y - TARGET
    dz, _ = fixed.backward(delta, a)
    count = np.arange(21)
    for end, values, color, label in (
        (a, fixed.activations(INPUT), BLUE, "activations"),
        (dz, fixed.deltas(delta, a), ORANGE, "deltas"),
    ):
        distances = [np.linalg.norm(value - end) for value in islice(values, len(count))]
        axes.semilogy(count, distances, "o-", color=color, markersize=3, label=label)
    slope = fixed.spectral_radius(a) ** count
    axes.semilogy(count, slope, "--", color="gray", label=r"$\rho^n$, $\rho$ the spectral radius")
    axes.set(xlabel="step n", ylabel="distance from rest", title="relaxation")
