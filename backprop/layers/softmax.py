"""Softmax as a layer of its own."""

import numpy as np

from ..errors import expects
from ..layer import Layer


class Softmax(Layer):
    r"""Scores into probabilities, along the last axis.

    Shapes: $x$ and $y\,(N, M)$. More leading axes count as more examples.

    **Forward**

    $$ z = e^{x - \max_k x_k} \tag{1} $$

    $$ y = \frac{z}{\sum_k z_k} \tag{2} $$

    **Backward**, row by row:

    $$ dx = y \odot \Bigl(\delta - \sum_k \delta_k y_k\Bigr) \tag{3} $$

    **Derivation.** The shift by the row's maximum cancels in (2) and keeps $e^x$ from overflowing.
    Every output depends on every score of its row, so the Jacobian is full:

    $$ \frac{\partial y_i}{\partial x_k} = \frac{[i = k]\, z_i}{\sum z} - \frac{z_i z_k}{(\sum z)^2}
       = y_i\,([i = k] - y_k). $$

    Its product with $\delta$ needs no matrix:

    $$ dx_k = \sum_i \delta_i\, y_i\,([i = k] - y_k)
       = y_k \Bigl(\delta_k - \sum_i \delta_i y_i\Bigr). $$

    Keeping only the diagonal, $\delta\,y(1 - y)$, is the usual mistake. Each row of $dx$ sums to
    zero, because adding a constant to a row of $x$ changes nothing.

    Source: Bridle, *Probabilistic interpretation of feedforward classification network outputs*
    (1990).
    """

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if len(in_shape) < 1:
            raise expects(self.who, "inputs of shape (N, M)", "a single number for each example")
        return in_shape

    def forward(self, x, /):
        z = np.exp(x - x.real.max(axis=-1, keepdims=True))  # (1)
        y = z / z.sum(axis=-1, keepdims=True)  # (2)
        return y, y

    def backward(self, delta, cache, /):
        y = cache
        dx = y * (delta - (delta * y).sum(axis=-1, keepdims=True))  # (3)
        return dx, {}
