"""Penalties on large weights: terms of the loss that depend on the parameters alone.

    value, cache = penalty.forward(w)   # w: the numbers that `on` selects, in one vector
    dw = penalty.backward(cache)        # what they add to the gradient of w

Like a loss, a penalty is pure, and value and gradient belong together: training adds both or
neither.
"""

import numpy as np

from .errors import expects, real
from .selection import matches
from .settings import Configured


class Penalty(Configured):
    r"""A term of the loss that depends on parameters.

    Args:
        strength: $\lambda$, what multiplies it, not negative.
        on: which parameters, as a pattern or a list of patterns over their keys, such as "2.W". The
            default takes every weight and no bias.

    Raises:
        ValueError: `strength` is negative or not finite.
        TypeError: `on` is not made of strings.
    """

    def __init__(self, strength, on="*.W*"):
        who = type(self).__name__
        patterns = [on] if isinstance(on, str) else on
        if not isinstance(patterns, list | tuple) or not all(isinstance(p, str) for p in patterns):
            raise expects(who, "on to be a pattern or a list of patterns", repr(on), TypeError)
        self.strength = real(who, "strength", strength, least=0)
        self.on = on

    def selects(self, key, /):
        """Return whether the parameter `key` is one of those that `on` names."""
        return matches(key, self.on)

    def forward(self, w, /):
        """Return the value, a scalar, and the cache that `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, cache, /):
        """Return `dw` in the shape of `w`."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")


class L1(Penalty):
    r"""The sum of the sizes of the weights, which drives small ones to zero.

    $$ L = \lambda \sum_i |w_i| \tag{1} $$

    $$ dw = \lambda \operatorname{sign} w \tag{2} $$

    **Derivation.** The slope is $-\lambda$ below zero and $\lambda$ above. At zero there is a kink,
    any number between the two is a subgradient, and by convention it is 0.

    Args, errors: see `Penalty`.

    Source: Tibshirani, *Regression shrinkage and selection via the lasso* (1996).
    """

    def forward(self, w, /):
        value = self.strength * np.maximum(w, -w).sum()  # (1)
        return value, w

    def backward(self, cache, /):
        w = cache
        return self.strength * np.sign(w.real)  # (2)


class L2(Penalty):
    r"""Half the sum of the squared weights, which pulls each to zero in proportion to its size.

    $$ L = \frac\lambda2 \sum_i w_i^2 \tag{1} $$

    $$ dw = \lambda w \tag{2} $$

    **Derivation.** $w_i$ appears in one term, and the half cancels the 2 of the square. Under plain
    gradient descent at rate $\eta$ this multiplies each weight by $1 - \eta\lambda$: weight decay.

    Args, errors: see `Penalty`.

    Source: Krogh and Hertz, *A simple weight decay can improve generalization* (1992).
    """

    def forward(self, w, /):
        value = self.strength / 2 * (w**2).sum()  # (1)
        return value, w

    def backward(self, cache, /):
        w = cache
        return self.strength * w  # (2)
