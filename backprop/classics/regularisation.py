r"""Regularisation: a penalty on the weights, their decay, and stopping early.

**Univariate logistic least squares** (R. Grosse). One weight, one bias, one example, and a penalty:
small enough to draw as a graph, and yet $w$ reaches the cost in two ways.

$$ z = w x + b \tag{1} $$

$$ y = \sigma(z) \tag{2} $$

$$ L = \tfrac12 (y - t)^2 \tag{3} $$

$$ R = \tfrac12 w^2 \tag{4} $$

$$ J = L + \lambda R \tag{5} $$

A bar says $\partial J/\partial$, so that $\bar J = 1$, $\bar L = 1$, $\bar R = \lambda$, and

$$ \bar y = y - t \tag{6} $$

$$ \bar z = \bar y\,\sigma'(z) \tag{7} $$

$$ \bar w = \bar z\,x + \lambda w \tag{8} $$

$$ \bar b = \bar z \tag{9} $$

In (8) two paths meet, and are added. The formula for $\partial J/\partial w$, written out, would
repeat most of itself for $\partial J/\partial b$; the four lines compute each value once. In this
package $\bar y$ is `delta`, $\bar w$ is `dW`, and the regulariser is the penalty `L2`.

**Weight decay.** Rumelhart, Hinton and Williams let every weight lose a share $d = 0.2\,\%$ after
each change:

$$ w \leftarrow (1 - d)(w - \eta g) = w - \eta'\,(g + \lambda w), \qquad
   \eta' = (1 - d)\,\eta \tag{10} $$

$$ \lambda = \frac{d}{(1 - d)\,\eta} \tag{11} $$

so without momentum it is gradient descent on $L + \frac\lambda2 |w|^2$, to the last digit.

**Stopping early** is a regulariser that nobody wrote down. A linear unit that starts at $w = 0$ and
descends $\frac12 |X w - t|^2$ has $w \leftarrow w - \eta X^\top (X w - t)$. Along an eigenvector
of $X^\top X$ with eigenvalue $s > 0$ this is a recursion for one number,
$u \leftarrow (1 - \eta s)\,u + \eta s\,u^*$, where $u^*$ is the least squares solution. After $k$
steps, of $u^*$ there is the share

$$ 1 - (1 - \eta s)^k \tag{12} $$

whereas the penalty leaves

$$ \frac{s}{s + \lambda}. \tag{13} $$

With $\lambda = 1/(\eta k)$ both are near 1 for large $s$, near $\eta k s$ for small, and for small
$\eta s$ never more than 0.21 apart: both keep what the data say loudly and drop the rest. A network
has no such formula, but its validation loss has the same bend: `overfit` stops there.

**What is a reconstruction.** The lecture was not at hand: the equations are Grosse's as it is
generally told, and no numbers of it are known here. The examples are this package's own.

Source: R. Grosse, CSC321 Lecture 6, *Backpropagation*, University of Toronto (2017); Rumelhart,
Hinton and Williams, *Nature* 323 (1986); COMP90051 lecture 7, University of Melbourne (2017).
"""

from typing import NamedTuple

import numpy as np

from ..errors import expects, real, whole
from ..initializers import Constant, Given, Zeros
from ..layer import Array
from ..layers import Dense, Sigmoid, Tanh
from ..layers.activations import sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..optimizers import SGD, Adam
from ..penalties import L2
from ..plots import BLUE, ORANGE, Picture
from ..training import EarlyStopping, TrainStep, fit
from .axes import open_frame
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("R. Grosse", 2017, "Lecture 6: Backpropagation; and regularisation", seconds=2)
SUM = HalfSquaredError(reduction="sum")


class Bars(NamedTuple):
    """What (1) to (9) compute."""

    z: Array
    y: Array
    L: Array
    R: Array
    J: Array
    y_bar: Array
    z_bar: Array
    w_bar: Array
    b_bar: Array


def univariate(w, b, x, t, strength):
    r"""Return Grosse's example: the costs, and the derivative of $J$ by everything.

    Args:
        w: weight.
        b: bias.
        x: input.
        t: target.
        strength: $\lambda$, not negative.

    Raises:
        ValueError: `strength` is negative or not finite.
    """
    strength = real("univariate", "strength", strength, least=0)
    z = w * x + b  # (1)
    y = sigmoid(z)  # (2)
    L = (y - t) ** 2 / 2  # (3)
    R = w**2 / 2  # (4)
    J = L + strength * R  # (5)
    y_bar = y - t  # (6)
    z_bar = y_bar * y * (1 - y)  # (7)
    w_bar = z_bar * x + strength * w  # (8)
    b_bar = z_bar  # (9)
    return Bars(z, y, L, R, J, y_bar, z_bar, w_bar, b_bar)


def decay_as_penalty(rate, decay=0.002):
    """Return the `SGD` and the `L2` that are the update at `rate` with `decay` after it.

    Args:
        rate: of the update, above 0.
        decay: the share that every parameter loses after each change, below 1.

    Raises:
        ValueError: a number is outside its range.
    """
    decay = real("decay_as_penalty", "decay", decay, least=0, below=1)
    if real("decay_as_penalty", "rate", rate) <= 0:
        raise expects("decay_as_penalty", "rate to be above 0", rate)
    optimizer = SGD((1 - decay) * rate)  # (10)
    penalty = L2(decay / ((1 - decay) * rate), on="*")  # (11)
    return optimizer, penalty


def share_when_stopped(s, rate, updates):
    """Return what is left of the least squares solution along eigenvalues `s`, after `updates`."""
    updates = whole("share_when_stopped", "updates", updates, least=0)
    return 1 - (1 - rate * np.asarray(s)) ** updates  # (12)


def share_with_penalty(s, strength):
    """Return what a penalty of this strength leaves of it."""
    s = np.asarray(s)
    return s / (s + strength)  # (13)


def stopped(x, t, rate, updates):
    r"""Return $w$ of a linear unit after `updates` from 0, as (12) has it.

    Args:
        x: inputs (N, D), of rank D.
        t: targets (N).
        rate: of descent on half the sum of the squares.
        updates: how many.

    Raises:
        ValueError: the shapes do not fit, the columns of `x` depend on each other, or the descent
            would not converge.
    """
    x, t = np.asarray(x), np.asarray(t)
    if x.ndim != 2 or t.shape != x.shape[:1]:
        raise expects("stopped", "inputs (N, D) and targets (N)", f"{x.shape} and {t.shape}")
    s, V = np.linalg.eigh(x.T @ x)
    if not s[0] > 1e-12 * s[-1]:  # NaN is refused as well
        raise expects("stopped", "independent columns", f"eigenvalues {s}")
    if not 0 < rate * s[-1] < 2:
        raise expects("stopped", f"a rate from 0 to {2 / s[-1]:.6g}", rate)
    solution = V.T @ (x.T @ t) / s
    return V @ (share_when_stopped(s, rate, updates) * solution)


def descended(x, t, rate, updates):
    """Return the same `w` from a `Dense` and `SGD`, update by update."""
    unit = Network([Dense(1, bias=False, init=Zeros())])
    unit.build(x.shape[1:], dtype=np.float64)
    step = TrainStep(unit, SUM, SGD(rate))
    for _ in range(updates):
        step(x, t[:, np.newaxis])
    return unit[0].W[:, 0]


def trained_with_decay(rate=0.1, decay=0.002, updates=200):
    """Return the parameters of one network, trained by decay as told and by its penalty."""
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((8, 3)), rng.random((8, 2))
    found = []
    for as_penalty in (False, True):
        net = Network([Dense(4), Sigmoid(), Dense(2), Sigmoid()])
        net.build((3,), rng=1, dtype=np.float64)
        optimizer, penalty = decay_as_penalty(rate, decay)
        if as_penalty:
            step = TrainStep(net, SUM, optimizer, penalties=[penalty])
        else:
            step = TrainStep(net, SUM, SGD(rate))
        for _ in range(updates):
            step(x, t)
            net.parameters *= 1 if as_penalty else 1 - decay
        found.append(net.parameters)
    return found


def noisy(count, rng):
    """Return inputs from -1 to 1, and a sine with noise of deviation 0.3."""
    x = rng.uniform(-1, 1, (count, 1))
    return x, np.sin(3 * x) + 0.3 * rng.standard_normal((count, 1))


def overfit(patience=None, *, epochs=1500, seed=0):
    """Fit 40 tanh units to 12 noisy examples; return the network, its History and the other data.

    Args:
        patience: of `EarlyStopping` on a second set; None to run all epochs.
        epochs: how many at most.
        seed: of data and weights.
    """
    rng = np.random.default_rng(seed)
    data, validation = noisy(12, rng), noisy(100, rng)
    net = Network([Dense(40), Tanh(), Dense(40), Tanh(), Dense(1)])
    net.build((1,), rng=seed, dtype=np.float64)
    callbacks = [] if patience is None else [EarlyStopping(patience)]
    history = fit(
        net,
        data,
        loss=HalfSquaredError(),
        optimizer=Adam(0.01),
        epochs=epochs,
        batch_size=len(data[0]),
        validation=validation,
        callbacks=callbacks,
        progress=False,
    )
    return net, history, noisy(1000, rng)


def reproduce():
    """Return the example with bars, decay and penalty, and what stopping early does."""
    table = Reproduction(CLASSIC)
    bars = univariate(0.8, -0.3, 1.5, 0.2, 0.1)
    net = Network([Dense(1, init=Given([[0.8]]), bias_init=Constant(-0.3)), Sigmoid()])
    net.build((1,), dtype=np.float64)
    value = TrainStep(net, SUM, SGD(), penalties=[L2(0.1)]).objective([[1.5]], [[0.2]])
    known = value.gradient.tolist()
    table.number("J = L + lambda R", value.loss, bars.J, remark=TWO_WAYS, tolerance=1e-15)
    found = [bars.w_bar, bars.b_bar]
    table.number("w bar, b bar", known, found, remark=TWO_WAYS, tolerance=1e-15)
    _, penalty = decay_as_penalty(0.1)
    ours, by_hand = penalty.strength, "0.002 / 0.0998"
    table.number("lambda of a decay by 0.2 %", "0.0200400802", ours, remark=by_hand)
    apart = np.abs(np.subtract(*trained_with_decay())).max()
    table.number("decay and penalty apart by", "0", apart, remark=TWO_WAYS, tolerance=1e-12)
    x, t = regression()
    known = stopped(x, t, 0.02, 300).tolist()
    found = descended(x, t, 0.02, 300)
    table.number("300 steps, by (12)", known, found, remark=TWO_WAYS, tolerance=1e-12)
    net, history, (x, t) = overfit()
    early, _, _ = overfit(patience=200)
    ends = [float(HalfSquaredError().forward(each.predict(x), t)[0]) for each in (early, net)]
    best, own = history.val_loss.argmin(), "a band of ours: the example is ours"
    table.band("best epoch of 1500, stopped early", 20, 800, best, remark=own)
    table.band("test error, stopped early over not", 0, 0.8, ends[0] / ends[1], remark=own)
    table.picture = draw
    return table


def regression():
    """Return inputs (20, 4) that matter more and less, and targets (20)."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((20, 4)) * [1, 0.5, 0.2, 0.05], rng.standard_normal(20)


def draw():
    """Draw where the validation loss bends, and what stopping and a penalty leave."""
    figure = Picture(8.6, 3.4)
    left, right = figure.subplots(1, 2)
    _, history, _ = overfit()
    best = int(history.val_loss.argmin())
    left.semilogy(history.epoch, history.loss, color=BLUE, label="training")
    left.semilogy(history.epoch, history.val_loss, "--", color=ORANGE, label="validation")
    left.axvline(history.epoch[best], color="0.6", linewidth=1)
    left.set(xlabel="epoch", ylabel="loss", title=f"best at epoch {history.epoch[best]:.0f}")
    s = np.geomspace(0.01, 100, 200)
    updates, rate = 100, 0.01
    kept = share_when_stopped(s, rate, updates), share_with_penalty(s, 1 / (rate * updates))
    right.semilogx(s, kept[0], color=BLUE, label="stopped after $k$ steps")
    right.semilogx(s, kept[1], "--", color=ORANGE, label="penalty, $\\lambda = 1/(\\eta k)$")
    right.set(xlabel="eigenvalue $s$ over $\\lambda$", ylabel="share of least squares")
    right.set_title("what is left of a linear unit")
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)
        open_frame(axes)
    return figure
