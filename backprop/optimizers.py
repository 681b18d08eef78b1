"""How parameters move down the gradient. An optimizer reads gradients and computes none.

    state = optimizer.start(w)      # {"t": 0, ...}: everything it will remember, in the open
    optimizer.step(w, g, state)     # changes w and state in place

The parameters `w` and their gradient `g` are flat vectors, as `net.parameters` and
`net.flatten(grads)` are. An optimizer holds settings only, so one can train many networks.
"""

import math

import numpy as np

from .compiled import kernels
from .errors import expects, real
from .parallel import LONG, at_once, evenly
from .settings import Configured


class Optimizer(Configured):
    """Base of the optimizers: the settings, the state, and the walk over the vector.

    Write one of your own by naming its state vectors in `slots` and overriding `update`.
    """

    slots: tuple[str, ...] = ()
    """The names of the state vectors."""

    # A step works on pieces of this many numbers. The parameters, the gradient, the state and the
    # intermediate results, 128 KiB each in float32, then stay in a core's own cache: for Adam on
    # half a million parameters that is five times as fast as one pass over whole vectors.
    block = 32768

    def __init__(self, rate):
        self.rate = real(type(self).__name__, "rate", rate, least=0)

    def start(self, w, /):
        """Return the state before the first step: the count of steps "t", and zeros."""
        return {"t": 0, **{name: np.zeros_like(w) for name in self.slots}}

    def step(self, w, g, state, /, rate=None, *, threads=1):
        """Move the vector `w` along its gradient `g`, and `state` with it, both in place.

        Args:
            w: parameters (P).
            g: gradient (P); not changed.
            state: what `start` returned, as the steps since then have left it.
            rate: to be used instead of `self.rate`, as a schedule wants it.
            threads: how many may share a long vector. Each number is moved by itself, so any
                number of threads gives the same bits.

        Raises:
            ValueError: a vector or the state does not fit, or `rate` is negative.
        """
        rate = real(type(self).__name__, "rate", self.rate if rate is None else rate, least=0)
        self._check(w, g, state)
        state["t"] += 1
        if w.size < 2 * LONG or threads == 1:
            self._move(w, g, state, rate)
            return

        def act(share):
            slots = {name: state[name][share] for name in self.slots}
            self._move(w[share], g[share], {"t": state["t"], **slots}, rate)

        at_once(act, evenly(w.size, min(threads, w.size // LONG)))

    def _move(self, w, g, state, rate):
        """Do the equations on one share of the vectors: compiled, or piece by piece."""
        compiled = kernels("updates", w, g, of=self)
        if compiled and self._compiled(compiled, w, g, state, rate):
            return
        for start in range(0, w.size, self.block):
            part = slice(start, start + self.block)
            slots = {name: state[name][part] for name in self.slots}
            self.update(w[part], g[part], {"t": state["t"], **slots}, rate)

    def _compiled(self, compiled, w, g, state, rate):
        """Do the same in one walk through memory, if there is a kernel; return whether it did."""
        return False

    def update(self, w, g, state, rate, /):
        """Do the equations, in place, on one piece of the vectors; `t` counts this step too."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def _check(self, w, g, state):
        """Raise ValueError unless the gradient and the state are made for the vector `w`."""
        who = type(self).__name__
        if w.ndim != 1 or g.shape != w.shape:
            what = "parameters and gradient as vectors of one length"
            raise expects(who, what, f"{w.shape} and {g.shape}")
        if state.keys() != {"t", *self.slots}:
            raise expects(who, f"a state of {', '.join(('t', *self.slots))}", ", ".join(state))
        for name in self.slots:
            if state[name].shape != w.shape:
                raise expects(who, f"{name} of shape {w.shape}", state[name].shape)


class SGD(Optimizer):
    r"""Gradient descent, with momentum if wanted: a heavy ball in a viscous fluid.

    $$ g \leftarrow g + \lambda w \tag{1} $$

    $$ v \leftarrow \mu v - \eta g \tag{2} $$

    $$ w \leftarrow w + v \tag{3} $$

    and with `nesterov` in place of (3)

    $$ w \leftarrow w + \mu v - \eta g \tag{4} $$

    **Derivation.** Under a constant gradient $v$ tends to $-\eta g/(1 - \mu)$: momentum 0.9 makes
    ten steps of one. Nesterov's rule takes the gradient at the point to which the momentum is about
    to carry the weights, $u$ being the weights proper:

    $$ v' = \mu v - \eta\, g(u + \mu v), \qquad u' = u + v'. $$

    If it is this point $w = u + \mu v$ that is stored, then

    $$ w' = u' + \mu v' = w - \mu v + v' + \mu v' = w + \mu v' - \eta g(w), $$

    which is (4), and asks for the gradient at $w$ only. Weight decay is the gradient of
    $\frac\lambda2 |w|^2$; it moves every parameter, whereas an `L2` penalty spares the biases and
    shows in the loss.

    Args:
        rate: $\eta$.
        momentum: $\mu$, from 0 to below 1.
        nesterov: whether to use (4).
        weight_decay: $\lambda$.

    Raises:
        ValueError: a number is outside its range.

    Source: Rumelhart, Hinton and Williams, *Nature* 323 (1986), equation 9; Sutskever, Martens,
    Dahl and Hinton, *On the importance of initialization and momentum in deep learning* (2013);
    Bengio, Boulanger-Lewandowski and Pascanu, *Advances in optimizing recurrent networks* (2013)
    for (4).
    """

    slots = ("v",)

    def __init__(self, rate=0.01, *, momentum=0.0, nesterov=False, weight_decay=0.0):
        super().__init__(rate)
        self.momentum = real("SGD", "momentum", momentum, least=0, below=1)
        self.nesterov = nesterov
        self.weight_decay = real("SGD", "weight_decay", weight_decay, least=0)

    def update(self, w, g, state, rate, /):
        v = state["v"]
        if self.weight_decay:
            g = g + self.weight_decay * w  # (1)
        v[:] = self.momentum * v - rate * g  # (2)
        if self.nesterov:
            w += self.momentum * v - rate * g  # (4)
        else:
            w += v  # (3)

    def _compiled(self, compiled, w, g, state, rate):
        if plain := not (self.weight_decay or self.nesterov):
            compiled.momentum(w, g, state["v"], self.momentum, rate)
        return plain


class AdaGrad(Optimizer):
    r"""A rate of its own for each parameter, the smaller the larger its gradients were so far.

    $$ s \leftarrow s + g^2 \tag{1} $$

    $$ w \leftarrow w - \eta \frac{g}{\sqrt{s} + \epsilon} \tag{2} $$

    **Derivation.** The first step is $\eta$ in every direction, whatever the size of $g$; under a
    constant gradient step $t$ is $\eta/\sqrt t$. $\epsilon$ stands outside the root, here and
    everywhere below.

    Args:
        rate: $\eta$.
        epsilon: $\epsilon$, which keeps a parameter without gradient from dividing 0 by 0.

    Raises:
        ValueError: a number is outside its range.

    Source: Duchi, Hazan and Singer, *Adaptive subgradient methods for online learning and
    stochastic optimization* (2011).
    """

    slots = ("s",)

    def __init__(self, rate=0.01, *, epsilon=1e-8):
        super().__init__(rate)
        self.epsilon = _positive("AdaGrad", epsilon)

    def update(self, w, g, state, rate, /):
        s = state["s"]
        s += g**2  # (1)
        w -= rate * g / (np.sqrt(s) + self.epsilon)  # (2)


class RMSProp(Optimizer):
    r"""AdaGrad that forgets: a running mean of the squared gradients in place of their sum.

    $$ s \leftarrow \rho s + (1 - \rho)\, g^2 \tag{1} $$

    $$ w \leftarrow w - \eta \frac{g}{\sqrt{s} + \epsilon} \tag{2} $$

    Args:
        rate: $\eta$.
        decay: $\rho$, from 0 to below 1.
        epsilon: $\epsilon$.

    Raises:
        ValueError: a number is outside its range.

    Source: Tieleman and Hinton, *Neural networks for machine learning*, lecture 6.5 (2012).
    """

    slots = ("s",)

    def __init__(self, rate=0.001, *, decay=0.99, epsilon=1e-8):
        super().__init__(rate)
        self.decay = real("RMSProp", "decay", decay, least=0, below=1)
        self.epsilon = _positive("RMSProp", epsilon)

    def update(self, w, g, state, rate, /):
        s = state["s"]
        s[:] = self.decay * s + (1 - self.decay) * g**2  # (1)
        w -= rate * g / (np.sqrt(s) + self.epsilon)  # (2)


class Adam(Optimizer):
    r"""Momentum and RMSProp at once, each freed from the zero that it started from.

    $$ m \leftarrow \beta_1 m + (1 - \beta_1)\, g \tag{1} $$

    $$ v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \tag{2} $$

    $$ \hat m = \frac{m}{1 - \beta_1^t} \tag{3} $$

    $$ \hat v = \frac{v}{1 - \beta_2^t} \tag{4} $$

    $$ w \leftarrow w - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon} \tag{5} $$

    **Derivation.** $t$ counts the steps from 1. Started at zero, a running mean is
    $m_t = (1 - \beta_1) \sum_{i=1}^t \beta_1^{t-i} g_i$, whose weights sum to $1 - \beta_1^t$:
    dividing by it makes them sum to 1. The first step is $\eta$ in every direction, whatever the
    size of $g$.

    Args:
        rate: $\eta$.
        beta1: $\beta_1$, from 0 to below 1.
        beta2: $\beta_2$, likewise.
        epsilon: $\epsilon$.

    Raises:
        ValueError: a number is outside its range.

    Source: Kingma and Ba, *Adam: a method for stochastic optimization* (2015), algorithm 1.
    """

    slots = ("m", "v")

    def __init__(self, rate=0.001, *, beta1=0.9, beta2=0.999, epsilon=1e-8):
        who = type(self).__name__
        super().__init__(rate)
        self.beta1 = real(who, "beta1", beta1, least=0, below=1)
        self.beta2 = real(who, "beta2", beta2, least=0, below=1)
        self.epsilon = _positive(who, epsilon)

    def update(self, w, g, state, rate, /):
        m, v, t = state["m"], state["v"], state["t"]
        m[:] = self.beta1 * m + (1 - self.beta1) * g  # (1)
        v[:] = self.beta2 * v + (1 - self.beta2) * g**2  # (2)
        m_hat = m / (1 - self.beta1**t)  # (3)
        v_hat = v / (1 - self.beta2**t)  # (4)
        w -= rate * m_hat / (np.sqrt(v_hat) + self.epsilon)  # (5)

    def _compiled(self, compiled, w, g, state, rate):
        m, v, t = state["m"], state["v"], state["t"]
        compiled.adam(w, g, m, v, self.beta1, self.beta2, t, rate, self.epsilon)
        return True


class AdamW(Adam):
    r"""Adam with weight decay that its division does not touch.

    $$ w \leftarrow w - \eta \lambda w \tag{1} $$

    and then Adam's five equations.

    **Derivation.** Added to the gradient, $\lambda w$ would be divided by $\sqrt{\hat v}$ too, and
    weights with large gradients would decay less. As in most implementations, and unlike in the
    paper, the decay is in proportion to the whole rate $\eta$, not only to the factor of its
    schedule.

    Args:
        rate: $\eta$.
        beta1: $\beta_1$, from 0 to below 1.
        beta2: $\beta_2$, likewise.
        epsilon: $\epsilon$.
        weight_decay: $\lambda$.

    Raises:
        ValueError: a number is outside its range.

    Source: Loshchilov and Hutter, *Decoupled weight decay regularization* (2019), algorithm 2.
    """

    def __init__(self, rate=0.001, *, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
        super().__init__(rate, beta1=beta1, beta2=beta2, epsilon=epsilon)
        self.weight_decay = real("AdamW", "weight_decay", weight_decay, least=0)

    def update(self, w, g, state, rate, /):
        w -= rate * self.weight_decay * w  # (1)
        super().update(w, g, state, rate)

    def _compiled(self, compiled, w, g, state, rate):
        compiled.decay(w, self.weight_decay, rate)
        return super()._compiled(compiled, w, g, state, rate)


def clip_by_global_norm(g, limit, /):
    """Return the gradient vector, shortened to the length `limit` if it is longer, and its length.

    Args:
        g: gradient; not changed, and returned itself if it is short enough.
        limit: the longest length allowed, above 0.

    Raises:
        ValueError: `limit` is not above 0, or `g` holds NaN or infinity.

    Source: Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*
    (2013), algorithm 1.
    """
    who = "clip_by_global_norm"
    if not real(who, "limit", limit) > 0:
        raise expects(who, "a limit above 0", limit)
    from scipy import linalg  # takes longer to import than this file and all that it imports

    # BLAS scales: huge squares do not overflow.
    length = float(linalg.norm(g.ravel(), check_finite=False))
    if not math.isfinite(length):
        raise expects(who, "a finite gradient", f"one of length {length}")
    return (g if length <= limit else g * (limit / length)), length


def _positive(who, epsilon):
    """Return epsilon as a float above 0, or raise ValueError."""
    if real(who, "epsilon", epsilon, least=0) == 0:
        raise expects(who, "an epsilon above 0", epsilon)
    return float(epsilon)
