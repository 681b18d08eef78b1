"""The cross-entropies: minus the log-probability that a network gives to what happened."""

import numpy as np

from ..compiled import SINGLE, kernels
from ..layers.activations import sigmoid
from .loss import Loss


class SoftmaxCrossEntropy(Loss):
    r"""The cross-entropy of a softmax, straight from its scores (logits).

    Shapes: $y$ and $t\,(N, M)$, or classes $(N)$; $L$ a number. More leading axes count as more
    examples.

    **Forward**, with sums over the $M$ outputs of a row:

    $$ u = y - \max_k y_k \tag{1} $$

    $$ z = e^u \tag{2} $$

    $$ a = \sum_k z_k \tag{3} $$

    $$ \ell = \sum_k t_k\,(\log a - u_k) \tag{4} $$

    $$ L = r \sum_n \ell_n \tag{5} $$

    **Backward**

    $$ p = \frac{z}{a} \tag{6} $$

    $$ S = \sum_k t_k \tag{7} $$

    $$ \delta = r\,(S\,p - t) \tag{8} $$

    **Derivation.** The softmax is $p_k = e^{y_k}/\sum_j e^{y_j} = z_k/a$: the shift by the
    row's maximum cancels, and with it no exponent is positive and $a \ge 1$, so that nothing
    overflows and no logarithm meets a zero. The cross-entropy $-\sum_k t_k \log p_k$ with
    $\log p_k = u_k - \log a$ is (4). The shift has no share in the derivative either, so take
    $\log p_k = y_k - \log \sum_j e^{y_j}$:

    $$ \frac{\partial \log p_k}{\partial y_i} = [i = k] - \frac{e^{y_i}}{\sum_j e^{y_j}}
       = [i = k] - p_i $$

    $$ \frac{\partial \ell}{\partial y_i} = -\sum_k t_k\,([i = k] - p_i)
       = p_i \sum_k t_k - t_i = S p_i - t_i. $$

    The division by $p$ in the derivative of the logarithm has cancelled against the softmax's own
    slope: a confident mistake has a large gradient. $S = 1$ if $t$ is a distribution, and then
    $\delta = r\,(p - t)$. A sum of $S$ classes, as of the context words of a skip-gram, is a row of
    counts.

    Args:
        reduction: "mean" or "sum", see `Loss`.

    Raises:
        TypeError, ValueError: as in `Loss`; targets are not negative.

    Source: Bridle, *Probabilistic interpretation of feedforward classification network outputs*
    (1990).
    """

    least = 0
    ends_chains = True

    def forward(self, y, target, /):
        y, t, r = self._enter(y, target)
        if compiled := kernels("losses", y, t, of=self, types=SINGLE):
            losses, z, a = compiled.softmax_cross_entropy(y, t)
            return y.dtype.type(r * losses), (z, a, t, r)
        u = y - y.real.max(axis=-1, keepdims=True)  # (1)
        z = np.exp(u)  # (2)
        a = z.sum(axis=-1, keepdims=True)  # (3)
        losses = (t * (np.log(a) - u)).sum(axis=-1)  # (4)
        loss = r * losses.sum()  # (5)
        return loss, (z, a, t, r)

    def backward(self, cache, /):
        z, a, t, r = cache
        if compiled := kernels("losses", z, a, t, of=self, types=SINGLE):
            return compiled.softmax_cross_entropy_backward(z, a, t, r)
        p = z / a  # (6)
        S = t.sum(axis=-1, keepdims=True)  # (7)
        return r * (S * p - t)  # (8)

    def _agree(self, y, t):
        return y.argmax(axis=-1) == t.argmax(axis=-1)


class CrossEntropy(Loss):
    r"""The cross-entropy of probabilities: what stands after a `Softmax` layer.

    Prefer `SoftmaxCrossEntropy`: a probability that has been rounded to zero has lost its
    logarithm, and its gradient.

    Shapes: $y$ and $t\,(N, M)$, or classes $(N)$; $L$ a number. More leading axes count as more
    examples. That $y$ lies in [0, 1] is not checked.

    **Forward**, with $\epsilon$ the smallest normal number of the type of $y$:

    $$ p = \max(y, \epsilon) \tag{1} $$

    $$ \ell = -\sum_k t_k \log p_k \tag{2} $$

    $$ L = r \sum_n \ell_n \tag{3} $$

    **Backward**

    $$ \delta = -r\,\frac{t \odot [y > \epsilon]}{p} \tag{4} $$

    **Derivation.** $\partial \log p_k/\partial p_k = 1/p_k$, and output $k$ appears in one term
    only. The clip (1) is a convention that keeps $\log 0$ finite (87.3 in float32, 708.4 in
    float64). At and below $\epsilon$ the loss is constant, so its gradient there is 0: delta is the
    gradient of the number that is printed. After a softmax, whose Jacobian is $p_k([i = k] - p_i)$,
    the factor $1/p$ cancels and the delta of `SoftmaxCrossEntropy` is left.

    Args:
        reduction: "mean" or "sum", see `Loss`.

    Raises:
        TypeError, ValueError: as in `Loss`; targets are not negative.

    Source: Hinton, *Connectionist learning procedures* (1989); Bridle (1990).
    """

    least = 0

    def forward(self, y, target, /):
        y, t, r = self._enter(y, target)
        epsilon = float(np.finfo(y.dtype).tiny)
        p = np.maximum(y, epsilon)  # (1)
        losses = -(t * np.log(p)).sum(axis=-1)  # (2)
        loss = r * losses.sum()  # (3)
        return loss, (p, y.real > epsilon, t, r)

    def backward(self, cache, /):
        p, inside, t, r = cache
        return -r * t * inside / p  # (4)

    _agree = SoftmaxCrossEntropy._agree


class LogisticCrossEntropy(Loss):
    r"""The cross-entropy of logistic outputs, straight from their scores (logits).

    Shapes: $y$ and $t\,(N, M)$, or classes $(N)$; $L$ a number. More leading axes count as more
    examples. Each output is a yes-or-no question of its own.

    **Forward**, in the form that cannot overflow:

    $$ c = \max(y, 0) - y \odot t + \log\bigl(1 + e^{-|y|}\bigr) \tag{1} $$

    $$ \ell = \sum_m c_m \tag{2} $$

    $$ L = r \sum_n \ell_n \tag{3} $$

    **Backward**

    $$ \delta = r\,(\sigma(y) - t) \tag{4} $$

    **Derivation.** Let $p = \sigma(y) = 1/(1 + e^{-y})$. Then $-\log p = \log(1 + e^{-y})$ and
    $-\log(1 - p) = \log(1 + e^{y}) = y + \log(1 + e^{-y})$, so the cross-entropy of one output is

    $$ -t \log p - (1 - t) \log(1 - p) = (1 - t)\, y + \log(1 + e^{-y}). $$

    For $y < 0$ write $\log(1 + e^{-y}) = -y + \log(1 + e^{y})$; both signs together are (1). As
    $\frac{d}{dy} \log(1 + e^{-y}) = -e^{-y}/(1 + e^{-y}) = \sigma(y) - 1$, the derivative is
    $(1 - t) + \sigma(y) - 1 = \sigma(y) - t$. The slope $p(1 - p)$ of the logistic function, which
    stalls learning under a squared error, has cancelled.

    Args:
        reduction: "mean" or "sum", see `Loss`.

    Raises:
        TypeError, ValueError: as in `Loss`; targets are from 0 to 1.

    Source: Hinton, *Connectionist learning procedures* (1989).
    """

    least, most = 0, 1
    threshold = 0.0
    """The output above which the answer is yes. A row is right if all its answers are."""

    def forward(self, y, target, /):
        y, t, r = self._enter(y, target)
        c = np.maximum(y, 0) - y * t + np.log1p(np.exp(np.minimum(y, -y)))  # (1)
        losses = c.sum(axis=-1)  # (2)
        loss = r * losses.sum()  # (3)
        return loss, (y, t, r)

    def backward(self, cache, /):
        y, t, r = cache
        return r * (sigmoid(y) - t)  # (4)

    def _agree(self, y, t):
        return ((y > self.threshold) == (t > 0.5)).all(axis=-1)


class BinaryCrossEntropy(Loss):
    r"""The cross-entropy of independent probabilities: what stands after a `Sigmoid` layer.

    Prefer `LogisticCrossEntropy`: a probability that has been rounded to 0 or 1 has lost its
    logarithm, and its gradient.

    Shapes: $y$ and $t\,(N, M)$, or classes $(N)$; $L$ a number. More leading axes count as more
    examples. That $y$ lies in [0, 1] is not checked.

    **Forward**, with $\epsilon$ the smallest normal number of the type of $y$:

    $$ p = \max(y, \epsilon) \tag{1} $$

    $$ q = \max(1 - y, \epsilon) \tag{2} $$

    $$ \ell = -\sum_m t_m \log p_m + (1 - t_m) \log q_m \tag{3} $$

    $$ L = r \sum_n \ell_n \tag{4} $$

    **Backward**

    $$ \delta = r \Bigl(\frac{(1 - t) \odot [1 - y > \epsilon]}{q}
       - \frac{t \odot [y > \epsilon]}{p}\Bigr) \tag{5} $$

    **Derivation.** The derivative of $\log y$ is $1/y$, that of $\log(1 - y)$ is $-1/(1 - y)$.
    Where nothing is clipped, (5) is $r\,(y - t)/(y(1 - y))$, and the slope $y(1 - y)$ of a
    `Sigmoid` below cancels its denominator: the delta of `LogisticCrossEntropy` is left. The clips
    are a convention, as in `CrossEntropy`: where one holds, its term is constant and its gradient
    0.

    Args:
        reduction: "mean" or "sum", see `Loss`.

    Raises:
        TypeError, ValueError: as in `Loss`; targets are from 0 to 1.

    Source: Hinton, *Connectionist learning procedures* (1989).
    """

    least, most = 0, 1
    threshold = 0.5
    """The output above which the answer is yes. A row is right if all its answers are."""

    def forward(self, y, target, /):
        y, t, r = self._enter(y, target)
        epsilon = float(np.finfo(y.dtype).tiny)
        p = np.maximum(y, epsilon)  # (1)
        q = np.maximum(1 - y, epsilon)  # (2)
        losses = -(t * np.log(p) + (1 - t) * np.log(q)).sum(axis=-1)  # (3)
        loss = r * losses.sum()  # (4)
        return loss, (p, q, y.real > epsilon, (1 - y).real > epsilon, t, r)

    def backward(self, cache, /):
        p, q, above, below, t, r = cache
        return r * ((1 - t) * below / q - t * above / p)  # (5)

    _agree = LogisticCrossEntropy._agree
