"""The fully connected layer."""

import math

import numpy as np

from ..errors import expects, whole
from ..initializers import Glorot, Initializer, Zeros
from ..layer import Layer, rows


class Dense(Layer):
    r"""A fully connected layer, applied to the last axis of its input.

    Shapes: $x\,(N, D)$, $W\,(D, M)$, $b\,(M)$, $y\,(N, M)$. More leading axes count as more
    examples.

    **Forward**

    $$ y = x W + b \tag{1} $$

    **Backward**

    $$ dW = x^\top \delta \tag{2} $$

    $$ db = \sum_n \delta_n \tag{3} $$

    $$ dx = \delta\, W^\top \tag{4} $$

    **Derivation.** In index form, $y_{nm} = \sum_d x_{nd} W_{dm} + b_m$. The weight $W_{dm}$ is a
    factor of $y_{nm}$ for every example $n$ and of no other output, so the chain rule sums over
    $n$:

    $$ \frac{\partial L}{\partial W_{dm}} = \sum_n \frac{\partial L}{\partial y_{nm}}
       \frac{\partial y_{nm}}{\partial W_{dm}} = \sum_n \delta_{nm}\, x_{nd}
       = (x^\top \delta)_{dm}. $$

    The bias is the weight of an input that is always 1: put $x_{nd} = 1$ to get (3). The input
    $x_{nd}$ reaches every output $m$ of its own example through $W_{dm}$, so here the sum is over
    $m$:

    $$ \frac{\partial L}{\partial x_{nd}} = \sum_m \delta_{nm}\, W_{dm} = (\delta W^\top)_{nd}. $$

    The Jacobian $\partial y/\partial W$, of shape $(N, M, D, M)$ and nearly all zeros, is never
    built.

    Args:
        units: $M$, the number of outputs.
        bias: whether to add $b$.
        init: how $W$ starts.
        bias_init: how $b$ starts.

    Raises:
        ValueError: `units` is not a positive whole number.

    Source: Rumelhart, Hinton and Williams, *Nature* 323 (1986), in matrix form.
    """

    param_names = ("W", "b")

    def __init__(
        self, units, *, bias=True, init: Initializer = Glorot(), bias_init: Initializer = Zeros()
    ):
        self.units = whole("Dense", "units", units)
        self.bias = bias
        self.init = init
        self.bias_init = bias_init
        self.param_names = ("W", "b") if bias else ("W",)
        self.b = 0

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if len(in_shape) < 1:
            raise expects(self.who, "inputs of shape (N, D)", "a single number for each example")
        rng = np.random.default_rng(rng)
        D, M = in_shape[-1], self.units
        self.W = self.init((D, M), rng=rng, dtype=dtype)
        if self.bias:
            self.b = self.bias_init((M,), rng=rng, dtype=dtype)
        return (*in_shape[:-1], M)

    def forward(self, x, /):
        y = x @ self.W + self.b  # (1)
        return y, x

    def backward(self, delta, cache, /):
        dx = delta @ self.W.T  # (4)
        return dx, self.grads(delta, cache)

    def grads(self, delta, cache, /):
        x, delta = rows(cache), rows(delta)
        dW = x.T @ delta  # (2)
        db = delta.sum(axis=0)  # (3)
        return {"W": dW, "b": db} if self.bias else {"W": dW}

    def multiply_adds(self, in_shape, /):
        return math.prod(in_shape) * self.units
