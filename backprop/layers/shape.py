"""Layers that move numbers and compute nothing: the delta goes back the way the number came."""

import math

import numpy as np

from ..errors import batch_of, choice, expects, whole
from ..layer import Layer


class Flatten(Layer):
    r"""All numbers of an example in one row.

    Shapes: $x\,(N, \dots)$, $y\,(N, D)$ with $D$ the product of the other axes.

    **Forward**

    $$ y = \operatorname{vec}(x) \tag{1} $$

    **Backward**

    $$ dx = \operatorname{vec}^{-1}(\delta) \tag{2} $$

    **Derivation.** A rearrangement $y_{\pi(i)} = x_i$ has a permutation matrix as its Jacobian, and
    the transpose of a permutation is its inverse.

    Args:
        order: `"C"` reads an image row by row, all channels of a pixel together; `"columns"` reads
            each channel $(H, W)$ by itself, column by column, one channel after the other, as in
            MATLAB.

    Raises:
        ValueError: another `order`, or `"columns"` for inputs that are no images.
    """

    def __init__(self, order="C"):
        self.order = choice("Flatten", "order", order, ("C", "columns"))

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if self.order == "columns" and len(in_shape) != 3:
            raise expects(self.who, "images (N, H, W, C) to read by columns", batch_of(in_shape))
        return (math.prod(in_shape),)

    def forward(self, x, /):
        # Columns first, channels before pixels: an exchange of H and C, which is its own inverse.
        axes = (0, 3, 2, 1) if self.order == "columns" else range(x.ndim)
        turned = x.transpose(*axes)
        y = turned.reshape(len(x), -1)  # (1)
        return y, (turned.shape, axes)

    def backward(self, delta, cache, /):
        shape, axes = cache
        dx = delta.reshape(shape).transpose(*axes)  # (2)
        return dx, {}


class Reshape(Layer):
    r"""The numbers of an example in another shape, in the same order.

    Shapes: $x\,(N, \dots)$, $y\,(N, *\text{shape})$.

    **Forward**

    $$ y = \operatorname{reshape}(x) \tag{1} $$

    **Backward**

    $$ dx = \operatorname{reshape}^{-1}(\delta) \tag{2} $$

    **Derivation.** As for Flatten, the Jacobian is a permutation matrix; here even the identity.

    Args:
        shape: the shape of one example, without the batch axis.

    Raises:
        ValueError: `shape` does not hold as many numbers as an example.
    """

    def __init__(self, shape):
        axes = shape if isinstance(shape, list | tuple) else (shape,)
        self.shape = tuple(whole("Reshape", "an axis of shape", axis) for axis in axes)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if math.prod(in_shape) != math.prod(self.shape):
            numbers = f"{math.prod(self.shape)} numbers an example, to fill {self.shape}"
            raise expects(self.who, numbers, f"{math.prod(in_shape)} in {tuple(in_shape)}")
        return self.shape

    def forward(self, x, /):
        y = x.reshape(len(x), *self.shape)  # (1)
        return y, x.shape

    def backward(self, delta, cache, /):
        dx = delta.reshape(cache)  # (2)
        return dx, {}


class Last(Layer):
    r"""The last step of a sequence.

    Shapes: $x\,(N, T, D)$, $y\,(N, D)$.

    **Forward**

    $$ y = x_T \tag{1} $$

    **Backward**

    $$ dx_t = \delta\,[t = T] \tag{2} $$

    **Derivation.** The loss sees no other step directly, so their deltas are zero here; what they
    get comes to them through the recurrent layer below.

    Args:
        reverse: take step 1, which is the last that a recurrent layer with `reverse=True` came to.
            After a Bidirectional neither is right: its `last=True` takes both.
    """

    def __init__(self, reverse=False):
        self.reverse = bool(reverse)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if len(in_shape) != 2:
            raise expects(self.who, "sequences of shape (N, T, D)", batch_of(in_shape))
        return in_shape[1:]

    def forward(self, x, /):
        T = 0 if self.reverse else -1
        y = x[:, T]  # (1)
        return y, x.shape

    def backward(self, delta, cache, /):
        T = 0 if self.reverse else -1
        dx = np.zeros(cache, delta.dtype)
        dx[:, T] = delta  # (2)
        return dx, {}
