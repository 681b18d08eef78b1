r"""Activations: one function applied to every number.

Since $y_i = \varphi(x_i)$ depends on no other $x_j$, the Jacobian is diagonal and every backward
here is

$$ dx = \delta \odot \varphi'(x). $$

Each chapter derives its $\varphi'$, from the output $y$ where that is shorter. The arithmetic stays
analytic, so that the complex step can differentiate the very same code: $|x|$ is written
$\max(x, -x)$, and a branch is taken on the real part. NumPy orders complex numbers by their real
parts first.
"""

import math

import numpy as np

from ..errors import real
from ..layer import Array, Layer


def sigmoid(x):
    """Return 1 / (1 + e^-x) as e^min(x, 0) / (1 + e^-|x|), which cannot overflow."""
    # One exponential and `np.where`, which has a branch at each number, would take twice as long.
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(np.minimum(x, -x)))


def maximum(x, y) -> Array:
    """Return the larger of x and y, of complex numbers by the real part alone; y where they tie."""
    if x.dtype.kind == "c":
        return np.where(x.real > np.real(y), x, y)
    # The same without a branch at each number: ten times as fast. Of complex numbers with the same
    # real part it would go on to compare the imaginary parts.
    return np.maximum(x, y)


def erfc(x):
    """Return the complementary error function, 1 - erf(x)."""
    from scipy import special  # takes longer to import than all of this package

    return special.erfc(x)


class Identity(Layer):
    r"""The linear unit: the output of a regression.

    Shapes: $x$ and $y$ any, the same.

    **Forward**

    $$ y = x \tag{1} $$

    **Backward**

    $$ dx = \delta \tag{2} $$

    **Derivation.** $\varphi'(x) = 1$.
    """

    def forward(self, x, /):
        y = x  # (1)
        return y, None

    def backward(self, delta, cache, /):
        dx = delta  # (2)
        return dx, {}


class Sigmoid(Layer):
    r"""The logistic function $\sigma$, from 0 to 1.

    Shapes: $x$ and $y$ any, the same.

    **Forward**

    $$ y = \sigma(x) = \frac{1}{1 + e^{-x}} \tag{1} $$

    **Backward**

    $$ dx = \delta \odot y \odot (1 - y) \tag{2} $$

    **Derivation.** By the chain rule on $(1 + e^{-x})^{-1}$,

    $$ \sigma'(x) = \frac{e^{-x}}{(1 + e^{-x})^2}
       = \frac{1}{1 + e^{-x}} \cdot \frac{e^{-x}}{1 + e^{-x}} = y\,(1 - y), $$

    at most $1/4$, at $x = 0$: a chain of $n$ of them shrinks a delta by $4^{-n}$ or more.

    Source: Rumelhart, Hinton and Williams, *Nature* 323 (1986), equations 2 and 5.
    """

    def forward(self, x, /):
        y = sigmoid(x)  # (1)
        return y, y

    def backward(self, delta, cache, /):
        y = cache
        dx = delta * y * (1 - y)  # (2)
        return dx, {}


class Tanh(Layer):
    r"""The hyperbolic tangent, from -1 to 1.

    Shapes: $x$ and $y$ any, the same.

    **Forward**

    $$ y = \tanh x \tag{1} $$

    **Backward**

    $$ dx = \delta \odot (1 - y^2) \tag{2} $$

    **Derivation.** By the quotient rule on $\sinh x / \cosh x$,

    $$ \tanh' x = \frac{\cosh^2 x - \sinh^2 x}{\cosh^2 x} = 1 - \tanh^2 x. $$

    It is the logistic function stretched: $\tanh x = 2\sigma(2x) - 1$.
    """

    def forward(self, x, /):
        y = np.tanh(x)  # (1)
        return y, y

    def backward(self, delta, cache, /):
        y = cache
        dx = delta * (1 - y**2)  # (2)
        return dx, {}


class ReLU(Layer):
    r"""The rectifier.

    Shapes: $x$ and $y$ any, the same.

    **Forward**

    $$ y = \max(x, 0) \tag{1} $$

    **Backward**

    $$ dx = \delta \odot [y > 0] \tag{2} $$

    **Derivation.** The slope is 1 above zero and 0 below, and $y > 0$ where $x > 0$: it is enough
    to remember $y$, which the layer above keeps as its input anyway. At zero there is a kink: the
    one-sided slopes are 0 and 1, any number between them is a subgradient, and by convention this
    layer takes
    $\varphi'(0) = 0$.
    """

    def forward(self, x, /):
        y = maximum(x, 0)  # (1)
        return y, y

    def backward(self, delta, cache, /):
        y = cache
        dx = delta * (y.real > 0)  # (2)
        return dx, {}


class LeakyReLU(Layer):
    r"""The rectifier with slope $\alpha$ below zero.

    Shapes: $x$ and $y$ any, the same.

    **Forward**

    $$ s = \begin{cases} 1 & x > 0 \\ \alpha & x \le 0 \end{cases} \tag{1} $$

    $$ y = s \odot x \tag{2} $$

    **Backward**

    $$ dx = \delta \odot s \tag{3} $$

    **Derivation.** $y = s x$ with $s$ constant on either side of zero. At the kink, $s = \alpha$ by
    convention.

    Args:
        slope: $\alpha$.

    Source: Maas, Hannun and Ng, *Rectifier nonlinearities improve neural network acoustic models*
    (2013).
    """

    def __init__(self, slope=0.01):
        self.slope = real("LeakyReLU", "slope", slope)

    def forward(self, x, /):
        s = np.where(x.real > 0, 1, self.slope).astype(x.dtype)  # (1)
        y = s * x  # (2)
        return y, s

    def backward(self, delta, cache, /):
        s = cache
        dx = delta * s  # (3)
        return dx, {}


class ELU(Layer):
    r"""The exponential linear unit: identity above zero, levelling off at $-\alpha$ below.

    Shapes: $x$ and $y$ any, the same.

    **Forward**

    $$ y = \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0 \end{cases} \tag{1} $$

    **Backward**

    $$ dx = \delta \odot \begin{cases} 1 & x > 0 \\ y + \alpha & x \le 0 \end{cases} \tag{2} $$

    **Derivation.** Below zero $\varphi'(x) = \alpha e^x = y + \alpha$. With $\alpha = 1$ the slopes
    meet at zero and there is no kink; otherwise $\varphi'(0) = \alpha$ by convention.

    Args:
        alpha: $\alpha$, not negative.

    Source: Clevert, Unterthiner and Hochreiter, *Fast and accurate deep network learning by
    exponential linear units* (2016).
    """

    def __init__(self, alpha=1.0):
        self.alpha = real("ELU", "alpha", alpha, least=0)

    def forward(self, x, /):
        positive = x.real > 0
        y = np.where(positive, x, self.alpha * np.expm1(np.where(positive, 0, x)))  # (1)
        return y, (positive, y)

    def backward(self, delta, cache, /):
        positive, y = cache
        dx = delta * np.where(positive, 1, y + self.alpha)  # (2)
        return dx, {}


class SELU(Layer):
    r"""The self-normalising unit: an ELU scaled so that mean 0 and variance 1 reproduce themselves.

    Shapes: $x$ and $y$ any, the same. $\alpha = 1.6732632423543772$,
    $\lambda = 1.0507009873554805$.

    **Forward**

    $$ y = \lambda \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0 \end{cases} \tag{1} $$

    **Backward**

    $$ dx = \delta \odot
       \begin{cases} \lambda & x > 0 \\ y + \lambda\alpha & x \le 0 \end{cases} \tag{2} $$

    **Derivation.** Below zero $\varphi'(x) = \lambda\alpha e^x = y + \lambda\alpha$. At zero the
    slopes are $\lambda$ and $\lambda\alpha$; by convention $\varphi'(0) = \lambda\alpha$. The
    constants solve $E[y] = 0$, $E[y^2] = 1$ for a standard normal $x$.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter, *Self-normalizing neural networks* (2017).
    """

    alpha = 1.6732632423543772
    scale = 1.0507009873554805

    def forward(self, x, /):
        positive = x.real > 0
        below = self.alpha * np.expm1(np.where(positive, 0, x))
        y = self.scale * np.where(positive, x, below)  # (1)
        return y, (positive, y)

    def backward(self, delta, cache, /):
        positive, y = cache
        dx = delta * np.where(positive, self.scale, y + self.scale * self.alpha)  # (2)
        return dx, {}


class GELU(Layer):
    r"""The Gaussian error linear unit: $x$ times the chance that a normal number is below $x$.

    Shapes: $x$ and $y$ any, the same.

    **Forward**, with $\Phi$ the distribution function of the standard normal:

    $$ \Phi = \tfrac12 \operatorname{erfc}\bigl(-x/\sqrt2\bigr) \tag{1} $$

    $$ y = x \odot \Phi \tag{2} $$

    **Backward**, with $\phi = \Phi'$ its density:

    $$ \phi = e^{-x^2/2} / \sqrt{2\pi} \tag{3} $$

    $$ dx = \delta \odot (\Phi + x \odot \phi) \tag{4} $$

    **Derivation.** The product rule on (2).

    Source: Hendrycks and Gimpel, *Gaussian error linear units* (2016).
    """

    def forward(self, x, /):
        Phi = erfc(x * -math.sqrt(0.5)) / 2  # (1)
        y = x * Phi  # (2)
        return y, (x, Phi)

    def backward(self, delta, cache, /):
        x, Phi = cache
        phi = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)  # (3)
        dx = delta * (Phi + x * phi)  # (4)
        return dx, {}


class Softplus(Layer):
    r"""The smooth rectifier.

    Shapes: $x$ and $y$ any, the same.

    **Forward**, in the form that cannot overflow:

    $$ y = \log(1 + e^x) = \max(x, 0) + \log\bigl(1 + e^{-|x|}\bigr) \tag{1} $$

    **Backward**

    $$ dx = \delta \odot \sigma(x) \tag{2} $$

    **Derivation.** $\varphi'(x) = e^x/(1 + e^x) = 1/(1 + e^{-x})$: the softplus is the integral of
    the logistic function as the rectifier is of the step.
    """

    def forward(self, x, /):
        y = np.maximum(x, 0) + np.log1p(np.exp(np.minimum(x, -x)))  # (1)
        return y, x

    def backward(self, delta, cache, /):
        x = cache
        dx = delta * sigmoid(x)  # (2)
        return dx, {}


class Softsign(Layer):
    r"""A sigmoid with slow tails, from -1 to 1.

    Shapes: $x$ and $y$ any, the same.

    **Forward**

    $$ a = 1 + |x| \tag{1} $$

    $$ y = x / a \tag{2} $$

    **Backward**

    $$ dx = \delta / a^2 \tag{3} $$

    **Derivation.** With $a' = \operatorname{sign} x$ and $x \operatorname{sign} x = |x|$, the
    quotient rule gives $\varphi'(x) = (a - |x|)/a^2 = 1/a^2$, which is continuous at zero.
    """

    def forward(self, x, /):
        a = 1 + np.maximum(x, -x)  # (1)
        y = x / a  # (2)
        return y, a

    def backward(self, delta, cache, /):
        a = cache
        dx = delta / a**2  # (3)
        return dx, {}


class SiLU(Layer):
    r"""The sigmoid linear unit, or swish.

    Shapes: $x$ and $y$ any, the same.

    **Forward**

    $$ s = \sigma(x) \tag{1} $$

    $$ y = x \odot s \tag{2} $$

    **Backward**

    $$ dx = \delta \odot s \odot (1 + x \odot (1 - s)) \tag{3} $$

    **Derivation.** The product rule with $s' = s(1 - s)$: $\varphi'(x) = s + x s (1 - s)$.

    Source: Elfwing, Uchibe and Doya, *Sigmoid-weighted linear units* (2018).
    """

    def forward(self, x, /):
        s = sigmoid(x)  # (1)
        y = x * s  # (2)
        return y, (x, s)

    def backward(self, delta, cache, /):
        x, s = cache
        dx = delta * s * (1 + x * (1 - s))  # (3)
        return dx, {}
