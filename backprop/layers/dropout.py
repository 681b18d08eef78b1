"""Dropout."""

import numpy as np

from ..errors import real
from ..layer import Layer


class Dropout(Layer):
    r"""Zeros chosen at random in `forward`; nothing in `predict`.

    Shapes: $x$ and $y$ any, the same.

    **Forward**, with $u$ uniform on $[0, 1)$ and $p$ the rate:

    $$ m = \frac{[u \ge p]}{1 - p} \tag{1} $$

    $$ y = m \odot x \tag{2} $$

    **Backward**

    $$ dx = m \odot \delta \tag{3} $$

    **Derivation.** Given the mask, $y$ is linear in $x$ with diagonal Jacobian $m$, and the mask is
    in the cache. Since $E[m] = 1$, the expected output is $x$, which is what `predict` returns.

    The mask is drawn from the Generator that `forward` is given, so a pass is repeated by giving it
    the same one; with none, every pass draws afresh.

    Args:
        rate: $p$, the share of numbers that are dropped, at least 0 and below 1.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, *Dropout* (2014), scaled
    while training.
    """

    stochastic = True

    def __init__(self, rate=0.5):
        self.rate = real("Dropout", "rate", rate, least=0, below=1)

    def forward(self, x, /, *, rng=None):
        u = np.random.default_rng(rng).random(x.shape)
        m = ((u >= self.rate) / (1 - self.rate)).astype(x.dtype)  # (1)
        y = m * x  # (2)
        return y, m

    def backward(self, delta, cache, /):
        m = cache
        dx = m * delta  # (3)
        return dx, {}

    def predict(self, x, /):
        return x
