"""The rectifier that learns its slope."""

import numpy as np

from ..errors import expects
from ..initializers import Constant, Initializer
from ..layer import Layer


class PReLU(Layer):
    r"""The rectifier with a learned slope $\alpha$ below zero, one for each channel.

    Shapes: $x$ and $y$ any, the same; $\alpha\,(C)$ for a last axis of length $C$, or $(1)$.

    **Forward**

    $$ y = x \odot \bigl([x > 0] + \alpha \odot [x \le 0]\bigr) \tag{1} $$

    **Backward**

    $$ dx = \delta \odot \bigl([x > 0] + \alpha \odot [x \le 0]\bigr) \tag{2} $$

    $$ d\alpha = \sum_n \delta_n \odot \min(x_n, 0) \tag{3} $$

    **Derivation.** To the input this is LeakyReLU: on either side of zero $y$ is linear in $x$, and
    at the kink $\varphi'(0) = \alpha$ by convention. To $\alpha$ it is a weight that multiplies
    $\min(x, 0)$. That of channel $c$ does so in every example $n$ (a pixel or a step of a sequence
    counts as one), so the chain rule sums over them:

    $$ \frac{\partial L}{\partial \alpha_c} = \sum_n \frac{\partial L}{\partial y_{nc}}
       \frac{\partial y_{nc}}{\partial \alpha_c} = \sum_n \delta_{nc} \min(x_{nc}, 0), $$

    which has no jump at $x_{nc} = 0$, where $\alpha_c$ multiplies zero. A shared $\alpha$
    multiplies in every channel too: its sum is over $n$ and $c$.

    With $\alpha = 0$ this is ReLU, with $\alpha = 1$ the identity. A penalty on $\alpha$ would pull
    it towards ReLU; the authors used none.

    Args:
        init: how $\alpha$ starts.
        shared: whether all channels have the same $\alpha$.

    Raises:
        ValueError: in `build`, inputs without a last axis to have slopes for.

    Source: He, Zhang, Ren and Sun, *Delving deep into rectifiers* (2015).
    """

    param_names = ("alpha",)

    def __init__(self, *, init: Initializer = Constant(0.25), shared=False):
        self.init = init
        self.shared = bool(shared)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if not (in_shape or self.shared):
            raise expects(self.who, "inputs of shape (N, C)", "a single number for each example")
        self.alpha = self.init((1,) if self.shared else in_shape[-1:], rng=rng, dtype=dtype)
        return in_shape

    def forward(self, x, /):
        y = x * ((x.real > 0) + self.alpha * (x.real <= 0))  # (1)
        return y, x

    def backward(self, delta, cache, /):
        x = cache
        dx = delta * ((x.real > 0) + self.alpha * (x.real <= 0))  # (2)
        dalpha = (delta * np.minimum(x, 0)).reshape(-1, self.alpha.size).sum(axis=0)  # (3)
        return dx, {"alpha": dalpha}
