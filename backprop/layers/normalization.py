"""Normalisation: of each example over its features, of each feature over the batch."""

import math
import threading

import numpy as np

from ..errors import expects, real
from ..initializers import Constant, Initializer, Zeros
from ..layer import Layer, rows, sum_rows

UPDATE = threading.Lock()
"""Held while running averages are replaced: no pass loses what another one just added."""


class LayerNorm(Layer):
    r"""Each example, on its own, shifted and scaled to mean 0 and variance 1 over the last axis.

    Shapes: $x, u, \hat x, y\,(N, D)$, $\mu, v, s\,(N, 1)$, $\gamma, \beta\,(D)$. More leading axes
    count as more examples: every step of a sequence is normalised by itself.

    **Forward**

    $$ \mu = \frac1D \sum_d x_d \tag{1} $$

    $$ u = x - \mu \tag{2} $$

    $$ v = \frac1D \sum_d u_d^2 \tag{3} $$

    $$ s = \sqrt{v + \epsilon} \tag{4} $$

    $$ \hat x = u / s \tag{5} $$

    $$ y = \gamma \odot \hat x + \beta \tag{6} $$

    **Backward**

    $$ d\hat x = \gamma \odot \delta \tag{7} $$

    $$ dx = \frac1s \Bigl( d\hat x - \frac1D \sum_d d\hat x_d
       - \hat x\, \frac1D \sum_d d\hat x_d\, \hat x_d \Bigr) \tag{8} $$

    $$ d\gamma = \sum_n \delta_n \odot \hat x_n \tag{9} $$

    $$ d\beta = \sum_n \delta_n \tag{10} $$

    **Derivation.** (7), (9) and (10) are those of an affine layer whose matrix is diagonal. For (8)
    take one example. A number $x_k$ reaches $\hat x_i = u_i/s$ by three ways: as itself, through
    the mean, and through the deviation. For the first two, $\partial u_i/\partial x_k = [i = k] -
    1/D$. For the third,

    $$ \frac{\partial v}{\partial x_k} = \frac2D \sum_i u_i \bigl([i = k] - \tfrac1D\bigr)
       = \frac2D\, u_k, \qquad \text{for } \sum_i u_i = 0, $$

    so that the mean drops out of it, and

    $$ \frac{\partial s}{\partial x_k} = \frac1{2s} \frac{\partial v}{\partial x_k}
       = \frac{u_k}{D s} = \frac{\hat x_k}{D}. $$

    Together, by the quotient rule,

    $$ \frac{\partial \hat x_i}{\partial x_k}
       = \frac1s \frac{\partial u_i}{\partial x_k} - \frac{u_i}{s^2} \frac{\partial s}{\partial x_k}
       = \frac1s \Bigl([i = k] - \frac1D - \frac{\hat x_i\, \hat x_k}{D}\Bigr). $$

    Multiplied by $d\hat x_i$ and summed over $i$ this is (8), and no $D \times D$ matrix is built.
    What (8) takes away is the part of $d\hat x$ along $(1, \dots, 1)$ and the part along $\hat x$:
    to add a constant to an example or (but for $\epsilon$) to stretch it changes nothing.

    Args:
        epsilon: $\epsilon$, added to the variance, so that an example of equal numbers becomes
            zeros.
        scale: whether to multiply by $\gamma$; without, $\gamma = 1$.
        shift: whether to add $\beta$; without, $\beta = 0$.
        gamma_init: how $\gamma$ starts.
        beta_init: how $\beta$ starts.

    Raises:
        ValueError: `epsilon` is not above 0.

    Source: Ba, Kiros and Hinton, *Layer normalization* (2016).
    """

    param_names = ("gamma", "beta")

    def __init__(
        self,
        *,
        epsilon=1e-5,
        scale=True,
        shift=True,
        gamma_init: Initializer = Constant(1),
        beta_init: Initializer = Zeros(),
    ):
        self.epsilon = _above_zero("LayerNorm", epsilon)
        self.scale, self.shift = bool(scale), bool(shift)
        self.gamma_init, self.beta_init = gamma_init, beta_init
        self.param_names = ("gamma",) * self.scale + ("beta",) * self.shift
        if not self.scale:
            self.gamma = 1
        if not self.shift:
            self.beta = 0

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        D = _features(self.who, in_shape)
        rng = np.random.default_rng(rng)
        if self.scale:
            self.gamma = self.gamma_init((D,), rng=rng, dtype=dtype)
        if self.shift:
            self.beta = self.beta_init((D,), rng=rng, dtype=dtype)
        return in_shape

    def forward(self, x, /):
        mu = _mean(x)  # (1)
        u = x - mu  # (2)
        v = _mean(u * u)  # (3)
        s = np.sqrt(v + self.epsilon)  # (4)
        xhat = u / s  # (5)
        y = self.gamma * xhat + self.beta  # (6)
        return y, (xhat, s)

    def backward(self, delta, cache, /):
        xhat, s = cache
        dxhat = self.gamma * delta  # (7)
        dx = (dxhat - _mean(dxhat) - xhat * _mean(dxhat * xhat)) / s  # (8)
        return dx, self.grads(delta, cache)

    def grads(self, delta, cache, /):
        xhat, _ = cache
        dgamma = sum_rows(delta * xhat)  # (9)
        dbeta = sum_rows(delta)  # (10)
        both = {"gamma": dgamma, "beta": dbeta}
        return {name: both[name] for name in self.param_names}

    def multiply_adds(self, in_shape, /):
        return math.prod(in_shape) * (2 if self.scale else 1)


class BatchNorm(Layer):
    r"""Each feature shifted and scaled to mean 0 and variance 1 over the batch.

    Shapes: $x, u, \hat x, y\,(M, C)$, all others $(C)$. $M$ counts positions: the examples and, for
    images $(N, H, W, C)$ and sequences $(N, T, C)$, the pixels and steps of each. So the layer
    after a convolution and the layer after Dense are the same one.

    **Forward**

    $$ \mu = \frac1M \sum_m x_m \tag{1} $$

    $$ u = x - \mu \tag{2} $$

    $$ v = \frac1M \sum_m u_m^2 \tag{3} $$

    $$ s = \sqrt{v + \epsilon} \tag{4} $$

    $$ \hat x = u / s \tag{5} $$

    $$ y = \gamma \odot \hat x + \beta \tag{6} $$

    Then the batch is counted into the running averages, of which a pass keeps the share $\kappa$:

    $$ \bar\mu \leftarrow \kappa\, \bar\mu + (1 - \kappa)\, \mu \tag{7} $$

    $$ \bar v \leftarrow \kappa\, \bar v + (1 - \kappa)\, \frac{M}{M - 1}\, v \tag{8} $$

    **Predict** uses them, so that no example depends on the others:

    $$ \bar s = \sqrt{\bar v + \epsilon} \tag{9} $$

    $$ y = \frac{\gamma}{\bar s} \odot (x - \bar\mu) + \beta \tag{10} $$

    **Backward**

    $$ d\gamma = \sum_m \delta_m \odot \hat x_m \tag{11} $$

    $$ d\beta = \sum_m \delta_m \tag{12} $$

    $$ dx = \frac{\gamma}{M s} \odot (M \delta - d\beta - \hat x \odot d\gamma) \tag{13} $$

    **Derivation.** Take one feature. Its value $x_k$ at position $k$ reaches $\hat x_m = u_m/s$ of
    every position $m$: through the mean, $\partial u_m/\partial x_k = [m = k] - 1/M$, and through
    the deviation. The variance sees the mean as well, but there it cancels, because the $u_m$ sum
    to zero:

    $$ \frac{\partial v}{\partial x_k} = \frac2M \sum_m u_m \bigl([m = k] - \tfrac1M\bigr)
       = \frac2M\, u_k, \qquad
       \frac{\partial s}{\partial x_k} = \frac1{2s} \frac{\partial v}{\partial x_k}
       = \frac{\hat x_k}{M}. $$

    By the quotient rule,

    $$ \frac{\partial \hat x_m}{\partial x_k}
       = \frac1s \frac{\partial u_m}{\partial x_k} - \frac{u_m}{s^2} \frac{\partial s}{\partial x_k}
       = \frac1s \Bigl([m = k] - \frac1M - \frac{\hat x_m\, \hat x_k}{M}\Bigr), $$

    and the chain rule sums over the positions,

    $$ \frac{\partial L}{\partial x_k}
       = \sum_m \delta_m\, \gamma\, \frac{\partial \hat x_m}{\partial x_k}
       = \frac\gamma{s} \Bigl(\delta_k - \frac1M \sum_m \delta_m
       - \hat x_k\, \frac1M \sum_m \delta_m \hat x_m\Bigr), $$

    in which the two sums are (12) and (11): what the parameters learn is what $x$ loses. The
    running averages are no part of $y$, so nothing goes back through (7) and (8).

    **Which variance.** $v$ divides by $M$: then $\hat x$ has mean square 1 in this very batch
    (but for $\epsilon$). $\bar v$ estimates the variance of all examples, of which the $u_m^2$ fall
    short, being measured from the batch's own mean: on average by $(M - 1)/M$, which (8) makes up
    for. A batch of one position has variance 0 and says nothing about the others: it gives $y =
    \beta$ and $dx = 0$, and leaves $\bar v$ alone.

    **State.** (7) and (8) are all that a pass changes. They put new arrays into `mean` and
    `variance` and write into none, one pass after the other where passes run in several threads.

    Args:
        keep: $\kappa$, the share of the running averages that a pass keeps, from 0 to below 1;
            what others call momentum is in some places $\kappa$ and in others $1 - \kappa$.
        epsilon: $\epsilon$, added to the variance.
        gamma_init: how $\gamma$ starts; `Zeros()` makes a residual block start as its shortcut.
        beta_init: how $\beta$ starts.

    Raises:
        ValueError: `keep` is out of range, or `epsilon` not above 0.

    Source: Ioffe and Szegedy, *Batch normalization: accelerating deep network training by reducing
    internal covariate shift* (2015).
    """

    param_names = ("gamma", "beta")
    average_names = ("mean", "variance")
    by_example = False  # it normalises the examples of a batch by each other

    def __init__(
        self,
        *,
        keep=0.9,
        epsilon=1e-5,
        gamma_init: Initializer = Constant(1),
        beta_init: Initializer = Zeros(),
    ):
        self.keep = real("BatchNorm", "keep", keep, least=0, below=1)
        self.epsilon = _above_zero("BatchNorm", epsilon)
        self.gamma_init, self.beta_init = gamma_init, beta_init

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        C = _features(self.who, in_shape)
        rng = np.random.default_rng(rng)
        self.gamma = self.gamma_init((C,), rng=rng, dtype=dtype)
        self.beta = self.beta_init((C,), rng=rng, dtype=dtype)
        self.mean, self.variance = np.zeros(C, dtype), np.ones(C, dtype)
        return in_shape

    def forward(self, x, /):
        M = len(rows(x))
        mu = sum_rows(x) / M  # (1)
        u = x - mu  # (2)
        v = sum_rows(u * u) / M  # (3)
        s = np.sqrt(v + self.epsilon)  # (4)
        xhat = u / s  # (5)
        y = self.gamma * xhat + self.beta  # (6)
        self._count_in(mu, v, M)
        return y, (xhat, s)

    def _count_in(self, mu, v, M):
        """Put the running averages with one more batch in their place."""
        k, dtype = self.keep, self.mean.dtype
        with UPDATE:
            self.mean = (k * self.mean + (1 - k) * mu).astype(dtype)  # (7)
            if M > 1:
                self.variance = (k * self.variance + (1 - k) * M / (M - 1) * v).astype(dtype)  # (8)

    def predict(self, x, /):
        s = np.sqrt(self.variance + self.epsilon)  # (9)
        return self.gamma / s * (x - self.mean) + self.beta  # (10)

    def backward(self, delta, cache, /):
        xhat, s = cache
        grads = self.grads(delta, cache)
        M, dgamma, dbeta = len(rows(delta)), grads["gamma"], grads["beta"]
        dx = self.gamma / (M * s) * (M * delta - dbeta - xhat * dgamma)  # (13)
        return dx, grads

    def grads(self, delta, cache, /):
        xhat, _ = cache
        dgamma = sum_rows(delta * xhat)  # (11)
        dbeta = sum_rows(delta)  # (12)
        return {"gamma": dgamma, "beta": dbeta}

    def multiply_adds(self, in_shape, /):
        return 2 * math.prod(in_shape)


def _mean(x):
    """Return the mean along the last axis, which stays, with length 1."""
    # A product with ones, for the reason that `sum_rows` gives.
    X, D = rows(x), x.shape[-1]
    return (X @ np.ones(D, X.dtype) / D).reshape(*x.shape[:-1], 1)


def _features(who, in_shape):
    """Return the length of the last axis, or raise ValueError if there is only the batch's."""
    if len(in_shape) < 1:
        raise expects(who, "inputs of shape (N, D)", "a single number for each example")
    return in_shape[-1]


def _above_zero(who, epsilon):
    epsilon = real(who, "epsilon", epsilon)
    if epsilon <= 0:
        raise expects(who, "epsilon to be above 0", repr(epsilon))
    return epsilon
