r"""J. Seiffertt and D. C. Wunsch, *Backpropagation and Ordered Derivatives in the Time Scales
Calculus* (2010): one derivative for steps and for continuous time.

A *time scale* is any closed set of real numbers: the real line, the multiples of a step, a few
points. Calculus on it has the derivative and the difference quotient as special cases of one thing,
and so it may have one backpropagation for updates in jumps and for a continuous flow.

**Calculus.** From $t$ the *forward jump* leads to the next point,
$\sigma(t) = \inf\{s \in \mathbb T : s > t\}$, over a gap called the *graininess*:

$$ \mu = \sigma(t) - t \tag{1} $$

The *delta derivative* is the slope along the jump and, where there is none, the limit:

$$ f^\Delta(t) = \begin{cases} \bigl(f(\sigma(t)) - f(t)\bigr)/\mu & \mu > 0 \\
   f'(t) & \mu = 0 \end{cases} \tag{2} $$

Its chain rule has, in place of the slope at one point, the mean of all slopes along the jump:

$$ (f \circ g)^\Delta(t) = g^\Delta(t) \int_0^1 f'\bigl(g(t) + h \mu\, g^\Delta(t)\bigr)\, dh
   \tag{3} $$

**Derivation.** $g$ jumps by $\Delta g = \mu\, g^\Delta(t)$, and by the fundamental theorem
$f(g + \Delta g) - f(g) = \Delta g \int_0^1 f'(g + h\, \Delta g)\, dh$. Divide by $\mu$. The naive
$f'(g)\, g^\Delta$ is right for $\mu \to 0$ only.

**Slopes of activations along a jump**,
$s(z, \Delta z) = \bigl(\varphi(z + \Delta z) - \varphi(z)\bigr)/\Delta z$. To divide a difference
of nearly equal numbers by their distance would lose digits. For the logistic function, with $a$ the
smaller and $b$ the larger of $z$ and $z + \Delta z$,

$$ s = \sigma(b)\, \sigma(-a)\, \frac{1 - e^{-(b - a)}}{b - a} \tag{4} $$

as $\sigma(b) - \sigma(a) = \frac{e^{-a} - e^{-b}}{(1 + e^{-a})(1 + e^{-b})}$. Each factor is exact
to rounding, and as $b - a \to 0$ the last one goes to 1 and $s$ to
$\sigma(z)(1 - \sigma(z)) = \sigma'(z)$.

**Backpropagation along a jump.** The weights jump from $W$ to $W^\sigma$, and with them all sums
and outputs. A bar is the mean of before and after. With half the squared error and targets $y$,

$$ \delta_a = \bar a - y \tag{5} $$

at the output, and from layer to layer

$$ \delta_z = \delta_a \odot s(z, z^\sigma - z) \tag{6} $$

$$ dW = \bar a^\top \delta_z \tag{7} $$

$$ db = \textstyle\sum_n \delta_{z,n} \tag{8} $$

$$ \delta_a = \delta_z \bar W^\top \tag{9} $$

The new weights are those that lie in the direction of their own slopes, at a rate $\eta$:

$$ W^\sigma = W - \eta\, \mu\, dW \tag{10} $$

**Derivation.** Every equation is (3) for one operation. For $\varphi$ that is (6); for the square,
whose slope is linear, the mean is that of the ends, (5). A product changes by
$a^\sigma W^\sigma - a W = (a^\sigma - a) \bar W + \bar a\, (W^\sigma - W)$, which is (7) and (9).
So nothing is neglected, and over any jump, however wide, the loss changes by exactly

$$ L^\sigma - L = \langle dW, W^\sigma - W \rangle + \langle db, b^\sigma - b \rangle
   = -\eta\, \mu\, (\|dW\|^2 + \|db\|^2) \le 0, $$

summed over the layers, the second part by (10). As $\mu \to 0$ the bars fall away and the slopes
become derivatives: (5) to (9) are ordinary backpropagation, from which they differ by a term in
proportion to $\mu$. In (10) the new weights stand on both sides: they are found by solving for
them. Ordinary descent is the first guess; it may overshoot, this cannot.

**Reconstruction.** Of the paper, only the abstract was at hand: a chain rule for several variables
on time scales, ordered derivatives, and weight updates of a feedforward network. Definitions and
(3) are standard (Bohner and Peterson, *Dynamic Equations on Time Scales*, 2001). That every local
derivative is replaced by its mean along the jump, and that the jump is that of the weights, is how
it was put together here; the paper's own update may differ. The numbers of the example were
computed independently.
"""

import math

import numpy as np
from scipy.optimize import root

from ..errors import expects, real, whole
from ..initializers import Normal
from ..layers import Dense, Identity, ReLU, Sigmoid, Tanh
from ..layers.activations import sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from ..settings import Configured
from .axes import open_frame
from .chains import check_chain
from .exclusive_or import XOR
from .reproduction import Classic, Reproduction

CLASSIC = Classic(
    "J. Seiffertt and D. C. Wunsch",
    2010,
    "Backpropagation and Ordered Derivatives in the Time Scales Calculus",
)
LOSS = HalfSquaredError(reduction="sum")
FOLLOWS = "follows from the derivation, not printed by the author"
NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
"""Of Gauss' quadrature on [-1, 1], exact for polynomials of degree 39."""


class TimeScale(Configured):
    """A closed set of real numbers. `t in scale` tells whether `t` is one of them."""

    def __contains__(self, t):
        raise NotImplementedError(f"{type(self).__name__} has no __contains__")

    def _next(self, t):
        raise NotImplementedError(f"{type(self).__name__} has no _next")

    def jump(self, t, /):
        """Return the forward jump of `t`: the next point, or `t` itself if none is next.

        Raises:
            ValueError: `t` is not in the time scale.
        """
        if t not in self:
            raise expects(repr(self), "a t that lies in it", t)
        return self._next(t)

    def graininess(self, t, /):
        """Return how far it is from `t` to its forward jump.

        Raises:
            ValueError: `t` is not in the time scale.
        """
        return self.jump(t) - t  # (1)

    def has_maximum(self, t, /):
        """Return whether `t` is the largest point of all."""
        return False


class Reals(TimeScale):
    """All real numbers: nothing is next, and the delta derivative is the derivative."""

    def __contains__(self, t):
        return math.isfinite(t)

    def _next(self, t):
        return t


class Multiples(TimeScale):
    """The multiples of a step `h`.

    Raises:
        ValueError: `h` is no finite number above 0.
    """

    def __init__(self, h=1.0):
        if not real("Multiples", "h", h) > 0:
            raise expects("Multiples", "h to be a number above 0", repr(h))
        self.h = float(h)

    def __contains__(self, t):
        return math.isfinite(t) and abs(t / self.h - round(t / self.h)) <= 1e-9

    def _next(self, t):
        return (round(t / self.h) + 1) * self.h


class Points(TimeScale):
    """Some points, in any order.

    Raises:
        ValueError: they are not at least two different finite numbers.
    """

    def __init__(self, points):
        array = np.unique(np.asarray(points, dtype=float))
        if array.size < 2 or not np.isfinite(array).all():
            raise expects("Points", "at least two different finite numbers", repr(points))
        self.points = array.tolist()

    def __contains__(self, t):
        return t in self.points

    def _next(self, t):
        return next((s for s in self.points if s > t), t)

    def has_maximum(self, t, /):
        return t == self.points[-1]


def delta_derivative(f, t, scale, /):
    """Return the delta derivative of `f` at `t`.

    Args:
        f: a function of a number. Where nothing is next it is differentiated by a complex step, and
            so has to be analytic and to take complex numbers.
        t: a point of the time scale, not its maximum.
        scale: a TimeScale.

    Raises:
        ValueError: `t` is not in the time scale, or its maximum, from where nothing leads on.
    """
    mu = scale.graininess(t)
    if scale.has_maximum(t):
        raise expects("delta_derivative", f"a t below the maximum of {scale!r}", t)
    if mu == 0:
        return f(t + 1e-100j).imag / 1e-100
    return (f(scale.jump(t)) - f(t)) / mu  # (2)


def chain_rule(f_prime, g, t, scale, /):
    """Return the delta derivative of f(g(t)) by the chain rule of time scales.

    Args:
        f_prime: the derivative of f, a function of an array.
        g: a function of a number, as in `delta_derivative`.
        t: a point of the time scale, not its maximum.
        scale: a TimeScale.

    Raises:
        ValueError: as in `delta_derivative`.
    """
    slope, mu = delta_derivative(g, t, scale), scale.graininess(t)
    h = (NODES + 1) / 2
    return slope * (WEIGHTS / 2 * f_prime(g(t) + h * mu * slope)).sum()  # (3)


def averaged_slope(activation, z, dz, /):
    """Return (phi(z + dz) - phi(z)) / dz without loss of digits, and phi'(z) where dz is 0.

    Args:
        activation: a Sigmoid, Tanh, ReLU or Identity.
        z: an array.
        dz: an array of the same shape.

    Raises:
        TypeError: it is another layer.
    """
    z, dz = np.asarray(z), np.asarray(dz)
    if isinstance(activation, Sigmoid):
        return _logistic_slope(z, dz)
    if isinstance(activation, Tanh):
        return 4 * _logistic_slope(2 * z, 2 * dz)  # tanh z = 2 sigma(2z) - 1
    if isinstance(activation, Identity):
        return np.ones_like(z)
    if isinstance(activation, ReLU):
        a, b = np.minimum(z, z + dz), np.maximum(z, z + dz)
        across = (a < 0) & (b > 0)
        return np.where(across, b / np.where(across, b - a, 1), np.where(a >= 0, b > 0, False))
    raise expects(
        "averaged_slope", "a Sigmoid, Tanh, ReLU or Identity", repr(activation), TypeError
    )


def _logistic_slope(z, dz):
    a, b, gap = np.minimum(z, z + dz), np.maximum(z, z + dz), np.maximum(dz, -dz)
    share = np.where(gap > 0, -np.expm1(-gap) / np.where(gap > 0, gap, 1), 1)
    return sigmoid(b) * sigmoid(-a) * share  # (4)


def slopes(net, jumped, x, target, /):
    """Return the gradients along the jump from one network's weights to another's.

    The change of the loss is exactly the sum of their products with the changes of the weights.
    Where the two networks are equal, they are the gradients of ordinary backpropagation.

    Args:
        net: a built Network, a chain of Dense and of Sigmoid, Tanh, ReLU or Identity.
        jumped: the same with other weights.
        x: the inputs (N, D).
        target: the targets (N, M).

    Raises:
        ValueError: the networks are no such chains, or the targets have another shape.
        TypeError: one is no Network, or there is another activation.
    """
    _check_twins(net, jumped)
    before, after = net.values(x)[0], jumped.values(x)[0]
    if np.shape(target) != before[-1].shape:
        raise expects("slopes", f"targets of shape {before[-1].shape}", np.shape(target))
    delta = (before[-1] + after[-1]) / 2 - target  # (5)
    grads = {}
    for number in reversed(range(len(net))):
        layer, other, a = net[number], jumped[number], (before[number] + after[number]) / 2
        if isinstance(layer, Dense):
            W = (layer.W + other.W) / 2
            grads[f"{number}.W"] = a.T @ delta  # (7)
            grads[f"{number}.b"] = delta.sum(axis=0)  # (8)
            delta = delta @ W.T  # (9)
        else:
            move = after[number] - before[number]
            delta = delta * averaged_slope(layer, before[number], move)  # (6)
    return {key: grads[key] for key in net.params}


def _check_twins(net, jumped):
    """Raise TypeError or ValueError unless both are built chains that differ in numbers alone."""
    check_chain("slopes", net)
    check_chain("slopes", jumped)
    alike = [type(layer) for layer in net] == [type(layer) for layer in jumped]
    if not alike or _shapes(net) != _shapes(jumped):
        raise expects("slopes", "two chains of the same layers", f"{net!r} and {jumped!r}")


def _shapes(net):
    return [value.shape for value in net.params.values()]


def leap(net, x, target, mu, /, *, rate=1.0):
    """Return a network with the weights after a jump.

    Args:
        net: as in `slopes`, of some dozens of weights.
        x: the inputs (N, D).
        target: the targets (N, M).
        mu: the graininess.
        rate: the learning rate.

    Raises:
        ValueError: as in `slopes`; or no weights were found that solve (10).
        TypeError: as in `slopes`.
    """
    mu, rate = real("leap", "mu", mu, least=0), real("leap", "rate", rate, least=0)
    _check_twins(net, net)
    net, jumped = net.astype(np.float64), net.astype(np.float64)

    def residual(parameters):
        jumped.parameters[:] = parameters
        step = rate * mu * net.flatten(slopes(net, jumped, x, target))
        return parameters - (net.parameters - step)  # (10)

    first = net.parameters - residual(net.parameters)
    found = root(residual, first, tol=1e-13)
    if not np.abs(residual(found.x)).max() <= 1e-9:  # so that NaN is refused as well
        raise expects("leap", "a graininess for which the jump is found", mu)
    return jumped


def train(net, x, target, scale, /, *, start=0.0, jumps=1, rate=1.0):
    """Train a network in place along a time scale; return the times and the losses at them.

    Args:
        net: as in `slopes`, of some dozens of weights.
        x: the inputs (N, D).
        target: the targets (N, M).
        scale: a TimeScale of single points.
        start: the time at which to begin.
        jumps: how many jumps to make.
        rate: the learning rate.

    Raises:
        ValueError: as in `leap`; or from some point nothing leads on.
        TypeError: as in `slopes`.
    """
    whole("train", "jumps", jumps)
    times, losses = [start], [_loss(net, x, target)]
    for _ in range(jumps):
        t = times[-1]
        mu = scale.graininess(t)
        if mu == 0:
            raise expects("train", f"a time scale with a point next to t = {t:g}", repr(scale))
        net.parameters[:] = leap(net, x, target, mu, rate=rate).parameters
        times.append(scale.jump(t))
        losses.append(_loss(net, x, target))
    return times, losses


def _loss(net, x, target):
    return float(LOSS.forward(net.predict(x), target)[0])


def change_told(net, jumped, x, target, /):
    """Return by how much the loss changes over a jump, from the slopes along it.

    Args:
        net: as in `slopes`.
        jumped: the same with other weights.
        x: the inputs (N, D).
        target: the targets (N, M).

    Raises:
        TypeError, ValueError: as in `slopes`.
    """
    return net.flatten(slopes(net, jumped, x, target)) @ (jumped.parameters - net.parameters)


def ordinary(net, x, target, /):
    """Return the gradients of ordinary backpropagation, by the layers."""
    y, caches = net.forward(x)
    _, cache = LOSS.forward(y, target)
    return net.grads(LOSS.backward(cache), caches)


def small_network(seed=1):
    """Return a 2-3-1 network for the exclusive or."""
    hidden, output = Dense(3, init=Normal(deviation=1)), Dense(1, init=Normal(deviation=1))
    net = Network([hidden, Tanh(), output, Sigmoid()])
    net.build((2,), rng=seed, dtype=np.float64)
    return net


def descend(mu, jumps):
    """Return the losses of ordinary descent on the exclusive or, in steps of `mu`."""
    net = small_network()
    losses = [_loss(net, *XOR)]
    for _ in range(jumps):
        net.parameters -= mu * net.flatten(ordinary(net, *XOR))
        losses.append(_loss(net, *XOR))
    return losses


def departure(mu):
    """Return how far the slopes along a jump are from the gradient, in shares of its length."""
    net = small_network()
    gradient = net.flatten(ordinary(net, *XOR))
    along = net.flatten(slopes(net, leap(net, *XOR, mu), *XOR))
    return float(np.linalg.norm(along - gradient) / np.linalg.norm(gradient))


def reproduce():
    """Return the example of the chain rule, and how backpropagation along a jump behaves."""
    table = Reproduction(CLASSIC)
    _chain_rule(table)
    net = small_network()
    jumped = leap(net, *XOR, 10.0)
    change = _loss(jumped, *XOR) - _loss(net, *XOR)
    apart = abs(change - change_told(net, jumped, *XOR))
    what = "over a jump of 10, the loss and what the slopes tell apart by"
    table.band(what, 0, 1e-12, apart, remark=FOLLOWS)
    for mu in (1.0, 0.1, 0.01, 0.001):
        why = "for the eye: the rows below assert it"
        table.told(f"mu = {mu:g}: slopes off the gradient by", "-", departure(mu), why)
    for mu in (0.01, 0.001):
        ratio = departure(mu) / departure(mu / 10)
        what = f"the same, mu = {mu:g} over mu = {mu / 10:g}"
        table.band(what, 9.7, 10.3, ratio, remark=FOLLOWS)
    losses = {
        "along the jump": train(small_network(), *XOR, Multiples(10.0), jumps=30)[1],
        "ordinary": descend(10.0, 30),
    }
    rises = {name: int((np.diff(each) > 0).sum()) for name, each in losses.items()}
    what = "30 jumps of 10: how often the loss rises"
    table.claim(what, 0, rises["along the jump"], remark=FOLLOWS)
    why = "no promise is made: its steps are too wide here"
    table.told("the same, ordinary descent", "-", rises["ordinary"], why)
    table.picture = draw
    return table


def _chain_rule(table):
    """Add the rows of f(y) = y^3 and g(t) = t^2 at t = 2."""
    published = {
        Multiples(1.0): ("5", "665", "240"),
        Multiples(0.5): ("4.5", "360.28125", "216"),
        Reals(): ("4", "192", "192"),
    }
    for scale, (inner, both, naive) in published.items():
        mu = f"mu = {scale.graininess(2.0):g}"
        slope = delta_derivative(lambda t: t**2, 2.0, scale)
        direct = delta_derivative(lambda t: (t**2) ** 3, 2.0, scale)
        by_rule = chain_rule(lambda y: 3 * y**2, lambda t: t**2, 2.0, scale)
        table.number(f"{mu}: delta derivative of t^2", inner, slope, computed=True)
        table.number(f"{mu}: of its cube", both, direct, computed=True, tolerance=1e-10)
        table.number(f"{mu}: by the chain rule", both, by_rule, computed=True, tolerance=1e-10)
        table.number(f"{mu}: by the naive one", naive, 3 * 2.0**4 * slope, computed=True)


def draw():
    """Draw the losses of jumps and of ordinary steps, and how the two agree as jumps get small."""
    figure = Picture(9, 3.3)
    left, right = figure.subplots(1, 2)
    times, losses = train(small_network(), *XOR, Multiples(10.0), jumps=30)
    left.semilogy(times, descend(10.0, 30), "o-", color=ORANGE, markersize=3, label="ordinary")
    left.semilogy(times, losses, "o-", color=BLUE, markersize=3, label="along the jump")
    left.set(xlabel="time", ylabel="loss", title="exclusive or, in jumps of 10")
    left.legend(frameon=False)
    gaps = np.logspace(-5, 1, 13)
    right.loglog(gaps, [departure(mu) for mu in gaps], "o-", color=BLUE, markersize=3)
    right.set(
        xlabel=r"graininess $\mu$",
        ylabel="relative difference",
        title="slopes along the jump - gradient",
    )
    open_frame(left, right)
    return figure
