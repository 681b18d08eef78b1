r"""P. Sadowski, *Notes on Backpropagation*: output units and their losses.

Is the derivative that starts it all that of the activation, or that of the loss? Both. With
$y = \varphi(z)$ at the output, the chain rule has one factor for each,

$$ \delta = \frac{\partial L}{\partial z}
   = \frac{\partial L}{\partial y}\,\frac{\partial y}{\partial z}. $$

The question comes up because in three pairs, which are the usual ones, the product is so short
that neither factor is to be seen in it.

**Identity and half the squared error.** $(y - t) \cdot 1$.

**Logistic and cross-entropy**, $L = -t \log y - (1 - t) \log(1 - y)$:

$$ \frac{\partial L}{\partial y} = \frac{y - t}{y (1 - y)} $$

$$ \frac{\partial y}{\partial z} = y (1 - y) $$

and the product is $y - t$.

**Softmax and cross-entropy**, $L = -\sum_i t_i \log y_i$. Here each output depends on every score:

$$ \frac{\partial L}{\partial y_i} = -\frac{t_i}{y_i} $$

$$ J_{ik} = \frac{\partial y_i}{\partial z_k} = y_i\,([i = k] - y_k) \tag{1} $$

$$ \delta_k = \sum_i -\frac{t_i}{y_i}\, y_i\,([i = k] - y_k)
   = -t_k + y_k \sum_i t_i, $$

which is $y - t$ if the targets sum to 1, and $S y - t$ if they sum to $S$.

Every layer below has its own activation's slope alone, times what arrives from above: $\delta
\leftarrow (\delta W^\top) \odot \varphi'(z)$.

**In finite precision** the two ways part. At a score of 1000 the logistic function rounds to 1, and
$\partial L/\partial y$ divides by the zero that $\partial y/\partial z$ then multiplies by. Taken
together, from the scores,

$$ -\log y_c = \log \sum_k e^{z_k - m} - (z_c - m), \qquad m = \max_k z_k $$

$$ L = \max(z, 0) - z t + \log\bigl(1 + e^{-|z|}\bigr), $$

nothing overflows: so `SoftmaxCrossEntropy` and `LogisticCrossEntropy` take scores. `Softmax` and
`Sigmoid` followed by `CrossEntropy` and `BinaryCrossEntropy` are the long way.

`two_factors` shows the factors for scores of yours, the long way and the short one.

**What is a reconstruction.** The note itself could not be read. The pairs are the ones it is known
for; the numbers were computed independently.

Source: P. Sadowski, *Notes on backpropagation*, University of California Irvine.
"""

from typing import NamedTuple

import numpy as np

from ..errors import choice, expects
from ..layer import Array
from ..layers import Identity, Sigmoid, Softmax
from ..losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    HalfSquaredError,
    LogisticCrossEntropy,
    SoftmaxCrossEntropy,
)
from ..plots import BLUE, ORANGE, Picture
from .axes import open_frame
from .reproduction import Classic, Reproduction

CLASSIC = Classic("P. Sadowski", 2016, "Notes on Backpropagation: output units and their losses")
PAIRS = {
    "identity": (Identity(), HalfSquaredError, HalfSquaredError),
    "logistic": (Sigmoid(), BinaryCrossEntropy, LogisticCrossEntropy),
    "softmax": (Softmax(), CrossEntropy, SoftmaxCrossEntropy),
}
"""Output unit, its loss after it, and the loss that takes the scores."""
FOLLOWS = "follows from the derivation, not printed by the author"
Z, CLASSES = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]]), np.array([2, 0])
ROW = "0.0900305732 0.2447284711 0.6652409558"
JACOBIAN = (
    "0.0819250691 -0.0220330445 -0.0598920245 -0.0220330445 0.1848364465 -0.1628034020 "
    "-0.0598920245 -0.1628034020 0.2226954265"
)


class Factors(NamedTuple):
    """What makes up the delta of an output."""

    y: Array
    """The outputs (N, M)."""
    dL_dy: Array
    """The derivative of the loss, (N, M)."""
    dy_dz: Array
    """That of the activation: slopes (N, M), or for a softmax Jacobians (N, M, M)."""
    delta: Array
    """Their product, as the layer's `backward` finds it, (N, M)."""
    fused: Array
    """The same from the loss that takes the scores, (N, M)."""


def two_factors(z, t, kind="softmax", reduction="sum"):
    """Return the Factors of the output's delta.

    Args:
        z: scores (N, M).
        t: targets (N, M).
        kind: "identity", "logistic" or "softmax".
        reduction: "sum" or "mean", see `Loss`.

    Raises:
        ValueError: there is no such kind, a shape does not fit, or a target is outside the range of
            the loss.
    """
    activation, after, of_scores = PAIRS[choice("two_factors", "kind", kind, tuple(PAIRS))]
    z, t = np.asarray(z, dtype=float), np.asarray(t, dtype=float)
    if z.ndim != 2 or t.shape != z.shape:
        raise expects("two_factors", "scores and targets (N, M)", f"{z.shape} and {t.shape}")
    y, cache = activation.forward(z)
    loss, fused = after(reduction=reduction), of_scores(reduction=reduction)
    dL_dy = loss.backward(loss.forward(y, t)[1])
    delta, _ = activation.backward(dL_dy, cache)
    if kind == "softmax":
        dy_dz = np.stack([softmax_jacobian(row) for row in y])
    else:
        dy_dz, _ = activation.backward(np.ones_like(y), cache)
    return Factors(y, dL_dy, dy_dz, delta, fused.backward(fused.forward(z, t)[1]))


def softmax_jacobian(y):
    """Return the Jacobian (M, M) of a softmax that has the outputs y (M).

    Raises:
        ValueError: `y` is not one row of probabilities.
    """
    y = np.asarray(y)
    if y.ndim != 1 or y.size == 0:
        raise expects("softmax_jacobian", "outputs of shape (M,)", y.shape)
    if not (abs(y.sum() - 1) <= 1e-6 and (y >= 0).all()):
        raise expects("softmax_jacobian", "probabilities that sum to 1", y.tolist())
    return y[:, np.newaxis] * (np.eye(y.size) - y)  # (1)


def reproduce():
    """Return the pairs, the Jacobian, and the losses at extreme scores."""
    table = Reproduction(CLASSIC)
    t = np.eye(3)[CLASSES]
    found = two_factors(Z, t, reduction="mean")
    reverse = " ".join(reversed(ROW.split()))
    table.number("softmax y", f"{ROW} {reverse}", found.y, computed=True)
    for reduction, value in (("sum", "0.8152119288887609"), ("mean", "0.40760596444438046")):
        loss, _ = SoftmaxCrossEntropy(reduction=reduction).forward(Z, CLASSES)
        table.number(f"cross-entropy, {reduction}", value, loss, computed=True)
    delta = "0.0450152866 0.1223642355 -0.1673795221"
    table.number("mean, row 1: both factors", delta, found.delta[0], computed=True)
    table.number("mean, row 1: fused", delta, found.fused[0], computed=True)
    table.number("Jacobian of row 1", JACOBIAN, softmax_jacobian(found.y[0]), computed=True)
    _, y = Softmax().forward(Z[:1])
    product, _ = Softmax().backward(np.array([[0.3, -0.1, 0.2]]), y)
    table.number(
        "(0.3, -0.1, 0.2) J", "0.0148024203 -0.0576542384 0.0428518181", product, computed=True
    )
    _products(table, t)
    _extreme(table)
    table.picture = draw
    return table


def _products(table, t):
    """Add the rows of the products of both factors."""
    for kind in PAIRS:
        found = two_factors(Z, t, kind)
        known = (found.y - t).ravel().tolist()
        name = f"{kind}: both factors are y - t"
        table.number(name, known, found.delta, remark=FOLLOWS, tolerance=1e-12)
    counts = np.array([[0.0, 2.0, 1.0]])
    found = two_factors(Z[:1], counts)
    known = (3 * found.y - counts).ravel().tolist()
    table.number("softmax, targets of sum 3", known, found.delta, remark=FOLLOWS, tolerance=1e-12)


def _extreme(table):
    """Add the rows at scores where the exponentials overflow."""
    z = np.array([[1000.0, 0.0, -1000.0]])
    for label, known in ((0, "0"), (1, "1000")):
        loss, _ = SoftmaxCrossEntropy().forward(z, np.array([label]))
        table.number(f"scores 1000, 0, -1000: class {label}", known, loss, computed=True)
    loss, _ = LogisticCrossEntropy().forward(np.array([[800.0]]), np.array([[0.0]]))
    table.number("logistic score 800, target 0", "800", loss, computed=True)
    mistaken = two_factors(z, np.eye(3)[[1]])
    table.number("class 1 at 1000: fused", "1 -1 0", mistaken.fused, remark=FOLLOWS)
    lost = "finite, but rounding has taken the mistake away"
    shown = " ".join(f"{value + 0.0:g}" for value in mistaken.delta[0])
    table.told("class 1 at 1000: both factors", "1 -1 0", shown, why=lost)
    deltas = [two_factors(z, row[np.newaxis], kind).delta for kind in PAIRS for row in np.eye(3)]
    finite, promise = bool(np.isfinite(deltas).all()), "a promise of this package"
    table.claim("the long way at 1000", "finite", "finite" if finite else "not", remark=promise)


def draw():
    """Draw the factors of a logistic output, and the deltas that two losses make of them."""
    z = np.linspace(-8, 8, 161)[:, np.newaxis]
    found = two_factors(z, np.ones_like(z), "logistic")
    slow = (found.y - 1) * found.dy_dz  # of half the squared error
    figure = Picture(8.6, 3.2)
    left, right = figure.subplots(1, 2)
    left.semilogy(z, -found.dL_dy, color=ORANGE, label=r"$-\partial L/\partial y$")
    left.semilogy(z, found.dy_dz, "--", color=BLUE, label=r"$\partial y/\partial z$")
    left.semilogy(z, -found.delta, ":", color="0.3", label=r"their product, $t - y$")
    left.set(xlabel="score $z$", title="cross-entropy, target 1")
    right.plot(z, -found.delta, color=ORANGE, label="cross-entropy")
    right.plot(z, -slow, "--", color=BLUE, label="half the squared error")
    right.set(xlabel="score $z$", ylabel=r"$-\delta$", title="what is left of a bad mistake")
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)
        open_frame(axes)
    return figure
