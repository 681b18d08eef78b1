r"""The functions that stand in the nodes of a graph, each with its partial derivatives.

`forward` returns both sides of the node: the value $y$, and one partial derivative for every
argument, at the place where the arguments are. Nothing else is needed to go backwards: what arrives
is multiplied by the partial derivatives and passed on, one product to every argument. Every
function comes with its letters: $u$ and $v$ are arguments, $c$ is a constant.

A primitive of your own needs `forward` and a `symbol`; `graph.apply(Cosine(), x)` puts it to use.
"""

import numpy as np

from ...layers.activations import sigmoid as logistic


class Primitive:
    r"""A function of numbers that knows its partial derivatives.

    $$ \Bigl(\frac{\partial L}{\partial y}\,\frac{\partial y}{\partial u},\
       \frac{\partial L}{\partial y}\,\frac{\partial y}{\partial v},\ \dots\Bigr) \tag{1} $$
    """

    symbol = "f"
    """How pictures show it, with or without mathematics between dollar signs."""

    def forward(self, *arguments):
        """Return the value, and a tuple of its partial derivatives."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, delta, local, /):
        """Return the derivative by every argument, for `delta`, the derivative by the value."""
        return tuple(delta * slope for slope in local)  # (1)


class Input(Primitive):
    """A number that is given, and no function of anything."""

    symbol = ""

    def __init__(self, value):
        self.value = value

    def forward(self):
        return self.value, ()


class Add(Primitive):
    r"""A sum, of any number of terms: every one gets a copy of what arrives.

    $$ y = \sum_i u_i \tag{1} $$

    $$ \frac{\partial y}{\partial u_i} = 1 \tag{2} $$
    """

    symbol = "+"

    def forward(self, *u):
        y = sum(u[1:], start=u[0])  # (1)
        local = (1.0,) * len(u)  # (2)
        return y, local


class Subtract(Primitive):
    r"""A difference.

    $$ y = u - v \tag{1} $$

    $$ \frac{\partial y}{\partial u} = 1, \qquad \frac{\partial y}{\partial v} = -1 \tag{2} $$
    """

    symbol = "−"

    def forward(self, u, v, /):
        y = u - v  # (1)
        local = (1.0, -1.0)  # (2)
        return y, local


class Multiply(Primitive):
    r"""A product: the arguments change places.

    $$ y = u v \tag{1} $$

    $$ \frac{\partial y}{\partial u} = v, \qquad \frac{\partial y}{\partial v} = u \tag{2} $$
    """

    symbol = "×"

    def forward(self, u, v, /):
        y = u * v  # (1)
        local = (v, u)  # (2)
        return y, local


class Divide(Primitive):
    r"""A quotient.

    $$ y = u / v \tag{1} $$

    $$ \frac{\partial y}{\partial u} = \frac{1}{v}, \qquad
       \frac{\partial y}{\partial v} = -\frac{u}{v^2} = -\frac{y}{v} \tag{2} $$
    """

    symbol = "/"

    def forward(self, u, v, /):
        y = u / v  # (1)
        local = (1 / v, -y / v)  # (2)
        return y, local


class Max(Primitive):
    r"""The larger of two, the first if they are equal: it alone gets what arrives.

    $$ y = [u \ge v]\, u + [u < v]\, v \tag{1} $$

    $$ \frac{\partial y}{\partial u} = [u \ge v], \qquad
       \frac{\partial y}{\partial v} = [u < v] \tag{2} $$
    """

    symbol = "max"

    def forward(self, u, v, /):
        first = 1.0 * (np.real(u) >= np.real(v))
        y = first * u + (1 - first) * v  # (1)
        local = (first, 1 - first)  # (2)
        return y, local


class Scale(Primitive):
    r"""A weighted edge: it multiplies by its weight on the way forth and on the way back.

    $$ y = c u \tag{1} $$

    $$ \frac{\partial y}{\partial u} = c \tag{2} $$
    """

    def __init__(self, c):
        self.c = c
        self.symbol = _signed("×", c)

    def forward(self, u, /):
        y = self.c * u  # (1)
        local = (self.c,)  # (2)
        return y, local


class Shift(Primitive):
    r"""A constant added.

    $$ y = u + c \tag{1} $$

    $$ \frac{\partial y}{\partial u} = 1 \tag{2} $$
    """

    def __init__(self, c):
        self.c = c
        self.symbol = _signed("+", c) if c >= 0 else _signed("", c)

    def forward(self, u, /):
        y = u + self.c  # (1)
        local = (1.0,)  # (2)
        return y, local


class Power(Primitive):
    r"""A power with a constant exponent: $1/u$ is the one with $c = -1$.

    $$ y = u^c \tag{1} $$

    $$ \frac{\partial y}{\partial u} = c\, u^{c-1} \tag{2} $$
    """

    def __init__(self, c):
        self.c = c
        self.symbol = "$1/u$" if c == -1 else f"$u^{{{c:g}}}$"

    def forward(self, u, /):
        y = u**self.c  # (1)
        local = (self.c * u ** (self.c - 1),)  # (2)
        return y, local


class Square(Primitive):
    r"""The power with exponent 2.

    $$ y = u^2 \tag{1} $$

    $$ \frac{\partial y}{\partial u} = 2 u \tag{2} $$
    """

    symbol = "$u^2$"

    def forward(self, u, /):
        y = u**2  # (1)
        local = (2 * u,)  # (2)
        return y, local


class Exp(Primitive):
    r"""The exponential function, its own derivative.

    $$ y = e^u \tag{1} $$

    $$ \frac{\partial y}{\partial u} = y \tag{2} $$
    """

    symbol = "exp"

    def forward(self, u, /):
        y = np.exp(u)  # (1)
        local = (y,)  # (2)
        return y, local


class Log(Primitive):
    r"""The natural logarithm.

    $$ y = \ln u \tag{1} $$

    $$ \frac{\partial y}{\partial u} = \frac{1}{u} \tag{2} $$
    """

    symbol = "ln"

    def forward(self, u, /):
        y = np.log(u)  # (1)
        local = (1 / u,)  # (2)
        return y, local


class Sigmoid(Primitive):
    r"""The logistic function.

    $$ y = \frac{1}{1 + e^{-u}} \tag{1} $$

    $$ \frac{\partial y}{\partial u} = y\,(1 - y) \tag{2} $$
    """

    symbol = "σ"

    def forward(self, u, /):
        y = logistic(u)  # (1)
        local = (y * (1 - y),)  # (2)
        return y, local


class Tanh(Primitive):
    r"""The hyperbolic tangent.

    $$ y = \tanh u \tag{1} $$

    $$ \frac{\partial y}{\partial u} = 1 - y^2 \tag{2} $$
    """

    symbol = "tanh"

    def forward(self, u, /):
        y = np.tanh(u)  # (1)
        local = (1 - y**2,)  # (2)
        return y, local


class ReLU(Primitive):
    r"""The rectifier; its derivative at 0 is taken to be 0.

    $$ y = [u > 0]\, u \tag{1} $$

    $$ \frac{\partial y}{\partial u} = [u > 0] \tag{2} $$
    """

    symbol = "ReLU"

    def forward(self, u, /):
        on = 1.0 * (np.real(u) > 0)
        y = on * u  # (1)
        local = (on,)  # (2)
        return y, local


def _signed(sign, c):
    return f"{sign}{c:g}".replace("-", "−")
