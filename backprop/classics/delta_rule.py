r"""One unit: Rosenblatt's perceptron, the delta rule of Widrow and Hoff, and the logistic unit.

Backpropagation is the delta rule taken through several layers, so everything that is hard about its
last layer is here already: which derivatives enter, and which factor belongs to which parameter.

**Perceptron.** A weighted sum and a threshold, $[\cdot]$ being 1 where true and 0 elsewhere:

$$ z = x w + b \tag{1} $$

$$ \hat y = [z > 0] \tag{2} $$

After each example, $y$ being its label, 0 or 1:

$$ w \leftarrow w + \eta\,(y - \hat y)\, x^\top \tag{3} $$

$$ b \leftarrow b + \eta\,(y - \hat y) \tag{4} $$

Nothing is differentiated: a threshold has slope 0. A right answer changes nothing; a wrong one
moves $z$ of that example by $\pm\eta(|x|^2 + 1)$ to its own side. If some line separates the
classes, the mistakes come to an end (Novikoff 1962). Let $v = (w, b)$ and $u = (x, 1)$, let
$v^*$ of length 1 separate with margin $\gamma$, and $|u| \le R$. With $\eta = 1$ a mistake adds
$\pm u$, so that $v \cdot v^*$ grows by $\gamma$ or more, while $|v|^2$ grows by $R^2$ or less, for
$\pm u \cdot v \le 0$. After $m$ mistakes $m\gamma \le v \cdot v^* \le |v| \le R\sqrt m$, hence

$$ m \le (R/\gamma)^2. $$

**XOR** has no such line. It would need $b \le 0$, $w_1 + b > 0$, $w_2 + b > 0$ and
$w_1 + w_2 + b \le 0$: the middle two add up to $w_1 + w_2 + 2b > 0$, the outer two to
$w_1 + w_2 + 2b \le 0$. So no single unit gets more than three of the four patterns; of the 16 ways
to label them, a line fits all but XOR and its opposite.

**Delta rule** (ADALINE): leave out the threshold, take $y = z$ and descend
$E = \frac12 (y - t)^2$. Then $\partial E/\partial z = y - t$ and
$\Delta w = \eta\,(t - y)\,x^\top$: (3) with $z$ in place of $\hat y$, and now it is a gradient.

**Generalised delta rule**: with any smooth $y = \varphi(z)$, by the chain rule

$$ \delta = \frac{\partial E}{\partial z} = (y - t)\,\varphi'(z), \qquad
   \frac{\partial E}{\partial w} = x^\top \delta, \qquad \frac{\partial E}{\partial b} = \delta. $$

`Unit` is all of these, made of `Dense`, an activation and a loss. Of the logistic unit,
$\varphi' = y(1 - y)$, it is often said that its gradient is $-(t - \sigma(z))\,\sigma'(z)$: that
is $\partial E/\partial b$; $\partial E/\partial w$ has the factor $x$ besides. With the
cross-entropy $-t \log y - (1 - t) \log(1 - y)$ the slope cancels, and $\delta = y - t$.

**A logistic unit of a logistic unit**, $f(w) = \sigma(\sigma(w x))$, has

$$ \frac{df}{dw} = \sigma'(\sigma(w x))\; \sigma'(w x)\; x. $$

The tempting $f(1 - f)$ is the first of the three factors alone.

**Not from the papers**: the texts of Rosenblatt and of Widrow and Hoff were not at hand. The rules
are theirs as they are generally told, and the numbers below were computed independently.

Source: Rosenblatt, *The perceptron*, Psychological Review 65 (1958); Widrow and Hoff, *Adaptive
switching circuits*, IRE WESCON (1960); Novikoff, *On convergence proofs for perceptrons* (1962).
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from ..errors import expects, real, whole
from ..initializers import Constant, Given
from ..layer import Array, Layer
from ..layers import Dense, Identity, ReLU, Sigmoid, Tanh
from ..losses import BinaryCrossEntropy, HalfSquaredError, Loss
from ..network import Network
from ..plots import BLUE, ORANGE, Picture
from .axes import open_frame
from .exclusive_or import X as PATTERNS
from .reproduction import Classic, Reproduction

CLASSIC = Classic("B. Widrow and M. Hoff", 1960, "Perceptron, delta rule, logistic unit", seconds=1)
TRUTH = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}
RANGES = {Sigmoid: (0, 1), Tanh: (-1, 1), ReLU: (0, np.inf)}
"""What an activation can come near to. Others are taken to reach everything."""
FOLLOWS = "follows from the derivation, not printed by the author"
SEPARABLE = "a line separates them, so it can be learned; not printed by the author"
HALF_SQUARE, CROSS_ENTROPY = HalfSquaredError(reduction="sum"), BinaryCrossEntropy(reduction="sum")


def _threshold(x, w, b):
    z = x @ w + b  # (1)
    return (z > 0).astype(int)  # (2)


class Perceptron:
    """Rosenblatt's unit, which learns from its mistakes alone.

        Perceptron().fit(x, labels).predict(x)

    After `fit`: `w` and `b`, `mistakes` (how many there were in each epoch), `path` (every `(w, b)`
    on the way) and `converged`.

    Args:
        rate: the step, above 0. Starting from zeros it changes the scale and nothing else.

    Raises:
        ValueError: `rate` is not above 0.
    """

    def __init__(self, rate=1.0):
        self.rate = real("Perceptron", "rate", rate)
        if self.rate <= 0:
            raise expects("Perceptron", "rate to be above 0", rate)
        self.w, self.mistakes, self.path = None, [], []

    def fit(self, x, y, epochs=100):
        """Learn from examples in their order until an epoch has no mistake; return self.

        Args:
            x: (N, D).
            y: labels (N), each 0 or 1.
            epochs: how many at most.

        Raises:
            ValueError: a shape does not fit, `x` is not finite, or a label is neither 0 nor 1.
        """
        x, y = _examples("Perceptron.fit", x), np.asarray(y)
        if y.shape != x.shape[:1]:
            raise expects("Perceptron.fit", f"labels of shape {x.shape[:1]}", y.shape)
        if not np.isin(y, (0, 1)).all():
            raise expects("Perceptron.fit", "labels 0 or 1", y[~np.isin(y, (0, 1))][0])
        epochs = whole("Perceptron.fit", "epochs", epochs)
        self.w, self.b = np.zeros(x.shape[1]), 0.0
        self.mistakes, self.path = [], [(self.w, self.b)]
        for _ in range(epochs):
            self.mistakes.append(sum(self._learn(*example) for example in zip(x, y, strict=True)))
            if self.converged:
                break
        return self

    def _learn(self, x, y):
        """Take one example; return whether it was answered wrongly."""
        error = y - _threshold(x, self.w, self.b)
        if error:
            self.w = self.w + self.rate * error * x  # (3)
            self.b = self.b + self.rate * error  # (4)
            self.path.append((self.w, self.b))
        return bool(error)

    @property
    def converged(self):
        """Whether the last epoch was without a mistake. Not before `fit`."""
        return self.mistakes[-1:] == [0]

    def predict(self, x):
        """Return 0 or 1 for each row of `x`.

        Raises:
            ValueError: nothing was learned yet, or the shape does not fit.
        """
        if self.w is None:
            raise expects("Perceptron.predict", "fit before it", "none")
        x = _examples("Perceptron.predict", x)
        if x.shape[1] != self.w.size:
            raise expects("Perceptron.predict", f"inputs of shape (N, {self.w.size})", x.shape)
        return _threshold(x, self.w, self.b)


class Slopes(NamedTuple):
    """What the generalised delta rule finds at a batch."""

    loss: float
    y: Array
    """The outputs (N, 1)."""
    delta: Array
    """dE/dz, (N, 1)."""
    dw: Array
    """dE/dw, (D)."""
    db: Array
    """dE/db, a number."""


class Unit:
    """One unit with a smooth activation: ADALINE, a logistic unit, or another.

        unit = Unit(Sigmoid(), w=[0.5, -0.25], b=0.1)
        unit.slopes([[1, 2]], [1]).dw
        unit.fit(x, t, rate=0.5, updates=1000).predict(x)

    Args:
        activation: a layer such as `Sigmoid()`; none is the linear unit, ADALINE.
        w: the weights to begin with.
        b: the bias to begin with.
        loss: a loss of its output.

    Raises:
        TypeError: `activation` is not a layer, or `loss` not a loss.
        ValueError: `w` is not a list of finite numbers, or `b` not one of them.
    """

    def __init__(
        self, activation: Layer | None = None, *, w=(0.0, 0.0), b=0.0, loss: Loss = HALF_SQUARE
    ):
        activation = Identity() if activation is None else activation
        if not isinstance(activation, Layer):
            raise expects("Unit", "a layer such as Sigmoid()", repr(activation), TypeError)
        w = Given(w).array
        if w.ndim != 1:
            raise expects("Unit", "w of shape (D,)", w.shape)
        if not isinstance(loss, Loss):
            raise expects("Unit", "a loss such as HalfSquaredError()", repr(loss), TypeError)
        first = Dense(1, init=Given(w[:, np.newaxis]), bias_init=Constant(b))
        self.net, self.loss = Network([first, activation]), loss
        self.net.build(w.shape, dtype=np.float64)
        self.least, self.most = RANGES.get(type(activation), (-np.inf, np.inf))

    def slopes(self, x, t):
        """Return the Slopes at inputs (N, D) and targets (N).

        Raises:
            ValueError: a shape does not fit, or a target lies where the activation never gets to.
        """
        t = np.asarray(t)
        if t.dtype.kind not in "biufc":
            raise expects("Unit", "targets that are numbers", t.dtype)
        beyond = (t < self.least) | (t > self.most)
        if beyond.any():
            what = f"targets from {self.least} to {self.most}, the range of {self.net[1]!r}"
            raise expects("Unit", what, t[beyond][0])
        y, caches = self.net.forward(x)
        if t.shape != y.shape[:1]:
            raise expects("Unit", f"targets of shape {y.shape[:1]}", t.shape)
        loss, cache = self.loss.forward(y, t[:, np.newaxis])
        delta = self.loss.backward(cache)
        grads = self.net.grads(delta, caches)
        of_z = self.net.deltas(delta, caches)[1]
        return Slopes(float(loss), y, of_z, grads["0.W"][:, 0], grads["0.b"][0])

    def fit(self, x, t, *, rate, updates):
        """Descend the gradient of all examples together, and return self.

        Args:
            x: inputs (N, D).
            t: targets (N).
            rate: what the gradient is multiplied by.
            updates: how many steps to take.

        Raises:
            ValueError: a number is outside its range, or as in `slopes`.
            FloatingPointError: the loss is no longer finite: the rate is too large.
        """
        rate = real("Unit.fit", "rate", rate)
        for _ in range(whole("Unit.fit", "updates", updates, least=0)):
            with np.errstate(over="ignore", invalid="ignore"):  # the loss tells it below
                found = self.slopes(x, t)
            if not np.isfinite(found.loss):
                what = "a rate at which the loss stays finite"
                raise expects("Unit.fit", what, f"{rate:g}", FloatingPointError)
            self.net[0].W[:, 0] -= rate * found.dw
            self.net[0].b[0] -= rate * found.db
        return self

    def predict(self, x):
        """Return the outputs (N)."""
        return self.net.predict(x)[:, 0]


def unit_of_unit(w, x):
    r"""Return $f = \sigma(\sigma(w x))$, $df/dw$, and $f(1 - f)$, which is something else."""
    net = Network([Dense(1, bias=False, init=Given([[w]])), Sigmoid(), Sigmoid()])
    net.build((1,), dtype=np.float64)
    f, caches = net.forward([[x]])
    df = net.grads(np.ones_like(f), caches)["0.W"]
    return f.item(), df.item(), (f * (1 - f)).item()


def _examples(who, x):
    x = np.asarray(x, dtype=float)
    if x.ndim != 2 or x.size == 0:
        raise expects(who, "inputs of shape (N, D)", x.shape)
    if not np.isfinite(x).all():
        raise expects(who, "finite inputs", "NaN or infinity")
    return x


def right(answers, truth):
    """Return "3 of 4": how many answers are the truth."""
    return f"{int(np.sum(answers == np.asarray(truth)))} of {len(truth)}"


def reproduce():
    """Return the numbers of single units, and what they can and cannot learn."""
    table = Reproduction(CLASSIC)
    found = Unit(Sigmoid(), w=[0.5, -0.25], b=0.1).slopes([[1, 2]], [1])
    table.number("sigma(z)", "0.52497918747894", found.y, computed=True)
    table.number("squared error: delta", "-0.11845880923571206", found.delta, computed=True)
    table.number("squared error: dE/dw", "-0.1184588092 -0.2369176185", found.dw, computed=True)
    found = Unit(Sigmoid(), w=[0.5, -0.25], b=0.1, loss=CROSS_ENTROPY).slopes([[1, 2]], [1])
    table.number("cross-entropy: delta", "-0.47502081252106", found.delta, computed=True)
    f, df, tempting = unit_of_unit(1.5, 2)
    table.number("f = sigma(sigma(3))", "0.7216325609518421", f, computed=True)
    table.number("df/dw", "0.018150085176305647", df, computed=True)
    table.number("f (1 - f), not df/dw", "0.200879008", tempting, computed=True)
    _learned(table)
    table.picture = draw
    return table


def _learned(table):
    """Add the rows of what a unit learns, and of XOR."""
    for name in ("AND", "OR"):
        answers = Perceptron().fit(PATTERNS, TRUTH[name]).predict(PATTERNS)
        table.claim(f"perceptron: {name}", "4 of 4", right(answers, TRUTH[name]), remark=FOLLOWS)
        unit = Unit(Sigmoid()).fit(PATTERNS, TRUTH[name], rate=1.0, updates=2000)
        answers = unit.predict(PATTERNS) > 0.5
        table.claim(f"logistic: {name}", "4 of 4", right(answers, TRUTH[name]), remark=SEPARABLE)
    learned = [y for y in product((0, 1), repeat=4) if Perceptron().fit(PATTERNS, y).converged]
    table.number("perceptron: learned, of all 16 labellings", "14", len(learned), remark=FOLLOWS)
    path = Perceptron().fit(PATTERNS, TRUTH["XOR"], epochs=1000).path
    most = max(int((_threshold(PATTERNS, *each) == TRUTH["XOR"]).sum()) for each in path)
    table.band("perceptron: XOR, most right at any time", 0, 3, most, remark=FOLLOWS)
    adaline = Unit(w=[0.3, -0.2]).fit(PATTERNS, TRUTH["XOR"], rate=0.1, updates=2000)
    halves, squares = [0.5] * 4, "the solution by least squares"
    table.number("ADALINE: XOR", halves, adaline.predict(PATTERNS), remark=squares, tolerance=1e-9)


def draw():
    """Draw the lines that the perceptron draws; for XOR, all of those that it goes round in."""
    figure = Picture(8.4, 3.2)
    for axes, name in zip(figure.subplots(1, 3, sharey=True), TRUTH, strict=True):
        perceptron = Perceptron().fit(PATTERNS, TRUTH[name], epochs=20)
        path = perceptron.path[-1:] if perceptron.converged else perceptron.path[-40:]
        for w, b in path:
            if w.any():  # the line x w + b = 0, through its point next to 0 and along it
                foot, along = -b * w / (w @ w), 5 * np.array([-w[1], w[0]])
                axes.plot(*np.transpose([foot - along, foot + along]), color="0.5", linewidth=1)
        for label, color in enumerate((BLUE, ORANGE)):
            chosen = PATTERNS[np.equal(TRUTH[name], label)]
            axes.plot(*chosen.T, "so"[label], color=color, markersize=9, label=f"label {label}")
        ending = f"{len(perceptron.mistakes)} epochs" if perceptron.converged else "no end"
        axes.set(xlim=(-0.6, 1.6), ylim=(-0.6, 1.6), xticks=(0, 1), yticks=(0, 1))
        axes.set(title=f"{name}: {ending}", xlabel="$x_1$")
        open_frame(axes, grid=None)
    figure.axes[0].set_ylabel("$x_2$")
    figure.axes[0].legend(loc="lower left", frameon=False, fontsize=8)
    return figure
