"""The layer that a rescaled activation needs."""

import numpy as np

from ...layer import Layer


class Scale(Layer):
    r"""One factor and one shift for all numbers.

    Shapes: $x$ and $y$ any, the same; $s\,(1)$, $c\,(1)$.

    **Forward**

    $$ y = s x + c \tag{1} $$

    **Backward**

    $$ ds = \sum_i \delta_i\, x_i \tag{2} $$

    $$ dc = \sum_i \delta_i \tag{3} $$

    $$ dx = s\, \delta \tag{4} $$

    **Derivation.** Dense with a single weight and a single bias, which all numbers share: each
    $y_i = s x_i + c$ depends on both, so their gradients sum over everything, and on no other
    $x_j$. It begins as the identity, $s = 1$ and $c = 0$.
    """

    param_names = ("s", "c")

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        self.s = np.ones(1, dtype)
        self.c = np.zeros(1, dtype)
        return in_shape

    def forward(self, x, /):
        y = self.s * x + self.c  # (1)
        return y, x

    def backward(self, delta, cache, /):
        dx = self.s * delta  # (4)
        return dx, self.grads(delta, cache)

    def grads(self, delta, cache, /):
        x = cache
        ds = (delta * x).sum().reshape(1)  # (2)
        dc = delta.sum().reshape(1)  # (3)
        return {"s": ds, "c": dc}
