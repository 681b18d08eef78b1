r"""What training makes small: the loss of a batch plus penalties, a function of the parameters.

Shapes: $w\,(P)$ all parameters as they lie in `net.parameters`; $w_i$ those that penalty $P_i$ is
on.

$$ J(w) = L(w) + \sum_i P_i(w_i) \tag{1} $$

$$ \frac{\partial J}{\partial w} = \frac{\partial L}{\partial w}
   + \sum_i \frac{\partial P_i}{\partial w} \tag{2} $$

So a penalty changes the reported loss and the gradient alike.
"""

import functools
from typing import NamedTuple

import numpy as np

from ..errors import expects
from ..layer import Array
from ..losses import Loss
from ..network import Network
from ..parallel import add, at_once, by_example, cut, joined, part_of
from ..selection import fits, where
from ..settings import ours
from ..stretch import PASSES, shipped


class Value(NamedTuple):
    """The objective at one batch."""

    data_loss: float
    """$L$, the loss of the examples alone."""
    penalty: float
    """The sum of the penalties."""
    y: Array
    """What the network returned."""
    gradient: Array
    """The gradient of $J$, in the order of `net.parameters`."""
    states: dict
    """The states that recurrent layers ended with, by layer number."""
    parts: int
    """How many parts the batch was cut into, each with a thread."""

    @property
    def loss(self):
        """$J$."""
        return self.data_loss + self.penalty  # (1)


class Objective:
    """The loss of a network and its penalties, called with a batch."""

    def __init__(self, who, net, loss, penalties=()):
        require_network(who, net)
        require_loss(who, loss)
        self.who, self.net, self.loss = who, net, loss
        self.penalties = [
            (each, where(fits(who, f"the pattern of {each!r}", net, each.on))) for each in penalties
        ]

    def __call__(self, x, target, *, rng=None, states=None):
        """Return the Value at a batch. The inputs of a network with several come as a tuple.

        `rng` and `states` are those of `Network.forward`.
        """
        net = self.net
        check_views(self.who, net)
        xs = x if isinstance(x, tuple) else (x,)
        arrays = [np.asanyarray(each) for each in (*xs, target)]
        parts = cut(net, arrays) if by_example(self.loss) else [slice(None)]
        of_batch = self._of_part if len(parts) == 1 else functools.partial(self._of_parts, parts)
        data_loss, y, gradient, final_states = of_batch(arrays, rng, states)
        penalty = 0.0
        for each, part in self.penalties:
            P, cache = each.forward(net.parameters[part])
            penalty += float(P)
            gradient[part] += each.backward(cache)  # (2)
        return Value(data_loss, penalty, y, gradient, final_states, len(parts))

    def _of_parts(self, parts, arrays, rng, states):
        """Return what `_of_part` does of a whole batch, from parts that pass at the same time."""
        N = len(arrays[-1])
        states = self.net.enter_states(states, N)

        def act(part, rng):
            share = (part.stop - part.start) / N if self.loss.reduction == "mean" else 1.0
            return self._of_part([a[part] for a in arrays], rng, part_of(states, part), share)

        rngs = rng.spawn(len(parts)) if rng else [None] * len(parts)
        losses, ys, gradients, states = zip(*at_once(act, parts, rngs), strict=True)
        add(*gradients, threads=len(parts))
        return sum(losses), np.concatenate(ys), gradients[0], joined(*states)

    def _of_part(self, arrays, rng, states, share=1.0):
        """Return loss, output, gradient and final states, the first and third times `share`."""
        net, (*xs, target) = self.net, arrays
        # A chain of Dense layers is one call, together with its loss.
        one_call = net.chain and self.loss.ends_chains and not states
        if one_call and ours(type(net)) and shipped(net, *PASSES):
            xs = net.enter(*xs)
            if passed := net.chain.objective(*xs, target, self.loss, share):
                return *passed, {}
        y, caches = net.forward(*xs, rng=rng, states=states)
        loss, cache = self.loss.forward(y, target)
        delta = self.loss.backward(cache)
        gradient = net.gradient(delta if share == 1 else share * delta, caches)
        return share * float(loss), y, gradient, net.final_states(caches)

    def penalty(self):
        """Return the sum of the penalties."""
        w = self.net.parameters
        return sum((float(each.forward(w[part])[0]) for each, part in self.penalties), 0.0)


def require_network(who, net):
    """Raise TypeError or ValueError unless `net` is a built Network."""
    if not isinstance(net, Network):
        raise expects(who, "a Network", repr(net), TypeError)
    if net.in_shapes is None:
        raise expects(who, "a network after build(in_shape)", "one before it")


def require_loss(who, loss):
    """Raise TypeError unless `loss` is a Loss."""
    if not isinstance(loss, Loss):
        raise expects(who, "a loss such as SoftmaxCrossEntropy()", repr(loss), TypeError)


def check_views(who, net):
    """Raise ValueError if an array has taken a parameter's place: no update could reach it."""
    for key in net.replaced():
        name = key.rpartition(".")[2]
        raise expects(who, f"{key} to be changed by {name}[...] = array", f"{name} = array")
