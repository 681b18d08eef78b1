"""Many networks of one shape, trained at once: what depends on chance is asked of several seeds."""

import numpy as np

from ..errors import batch_of, expects, whole
from ..initializers import Glorot, Initializer, Zeros
from ..layer import Layer


class ManyDense(Layer):
    r"""S fully connected layers side by side, each with inputs, weights and biases of its own.

    Shapes: $x\,(N, S, D)$, $W\,(S, D, M)$, $b\,(S, M)$, $y\,(N, S, M)$.

    **Forward**, for every $s$

    $$ y_s = x_s W_s + b_s \tag{1} $$

    **Backward**

    $$ dW_s = x_s^\top \delta_s \tag{2} $$

    $$ db_s = \sum_n \delta_{ns} \tag{3} $$

    $$ dx_s = \delta_s\, W_s^\top \tag{4} $$

    **Derivation.** $y_s$ depends on no parameter and no input but those of $s$, so the equations
    are those of `Dense`, once for each $s$. Activations do not mix their numbers either. Under a
    loss that is a sum over $s$, S networks of these layers are therefore trained by one update as
    each of them would be alone, in little more time than one of them takes.

    Args:
        units: $M$, the number of outputs of each layer.
        bias: whether to add $b$.
        init: how $W$ starts.
        bias_init: how $b$ starts.

    Raises:
        ValueError: `units` is not a positive whole number.
    """

    def __init__(
        self, units, *, bias=True, init: Initializer = Glorot(), bias_init: Initializer = Zeros()
    ):
        self.units = whole("ManyDense", "units", units)
        self.bias = bias
        self.init = init
        self.bias_init = bias_init
        self.param_names = ("W", "b") if bias else ("W",)
        self.b = 0

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if len(in_shape) != 2:
            raise expects(self.who, "inputs of shape (N, S, D)", batch_of(in_shape))
        rng = np.random.default_rng(rng)
        (S, D), M = in_shape, self.units
        self.W = self.init((S, D, M), rng=rng, dtype=dtype)
        if self.bias:
            self.b = self.bias_init((S, M), rng=rng, dtype=dtype)
        return S, M

    def forward(self, x, /):
        y = _each(_each(x) @ self.W) + self.b  # (1)
        return y, x

    def backward(self, delta, cache, /):
        dx = _each(_each(delta) @ self.W.mT)  # (4)
        return dx, self.grads(delta, cache)

    def grads(self, delta, cache, /):
        x = cache
        dW = _each(x).mT @ _each(delta)  # (2)
        db = delta.sum(axis=0)  # (3)
        return {"W": dW, "b": db} if self.bias else {"W": dW}

    def multiply_adds(self, in_shape, /):
        S, D = in_shape
        return S * D * self.units


def _each(x):
    """Turn (N, S, D) to (S, N, D), a matrix for each network, or back."""
    return x.swapaxes(0, 1)


def descend(net, loss, x, target, rate):
    """Move `net` once down the gradient of `loss`, and return the loss before that."""
    y, caches = net.forward(x)
    value, cache = loss.forward(y, target)
    net.parameters -= rate * net.flatten(net.grads(loss.backward(cache), caches))
    return value
