"""The rectifier that learns its slope."""

import numpy as np

from ..errors import expects
from ..initializers import Constant
from ..layer import Layer


class PReLU(Layer):
    r"""The rectifier with a learned slope $\alpha$ below zero, one for each channel.

    Shapes: $x$ and $y$ any, the same; $\alpha\,(C)$ for a last axis of length $C$, or $(1)$.

    **Forward**

    $$ y = \begin{cases} x & x > 0 \\ \alpha \odot x & x \le 0 \end{cases} \tag{1} $$

    **Backward**

    $$ dx = \delta \odot \begin{cases} 1 & x > 0 \\ \alpha & x \le 0 \end{cases} \tag{2} $$

    $$ d\alpha = \sum_n \delta_n \odot \begin{cases} 0 & x_n > 0 \\ x_n & x_n \le 0 \end{cases}
       \tag{3} $$

    **Derivation.** To the input this is LeakyReLU: on either side of zero $y$ is linear in $x$, and
    at the kink $\varphi'(0) = \alpha$ by convention. To $\alpha$ it is Dense with one weight for
    each channel: $y_{nc} = \alpha_c\, x_{nc}$ where $x_{nc} \le 0$, and no $\alpha$ anywhere else.
    The slope is a factor of every example, and of every pixel or step, in its channel, so the chain
    rule sums over all of them:

    $$ \frac{\partial L}{\partial \alpha_c} = \sum_{n:\,x_{nc} \le 0} \delta_{nc}\, x_{nc}. $$

    At zero this has no kink, since $x_{nc} = 0$ adds nothing on either side. A single $\alpha$ for
    all channels collects their sum.

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

    def __init__(self, *, init=Constant(0.25), shared=False):
        self.init = init
        self.shared = bool(shared)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if not (in_shape or self.shared):
            raise expects(self.who, "inputs of shape (N, C)", "a single number for each example")
        self.alpha = self.init((1,) if self.shared else in_shape[-1:], rng=rng, dtype=dtype)
        return in_shape

    def forward(self, x, /):
        y = np.where(x.real > 0, x, self.alpha * x)  # (1)
        return y, x

    def backward(self, delta, cache, /):
        x = cache
        dx = delta * np.where(x.real > 0, 1, self.alpha)  # (2)
        share = delta * np.where(x.real > 0, 0, x)
        dalpha = share.reshape(-1, self.alpha.size).sum(axis=0)  # (3)
        return dx, {"alpha": dalpha}
