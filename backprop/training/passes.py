"""Both passes of one batch, every number of them kept: what is watched and drawn."""

from dataclasses import dataclass

import numpy as np

from ..layer import Array
from ..network import Network
from .objective import require_loss, require_network


@dataclass(frozen=True, eq=False)
class Passes:
    """What both passes of a network through one batch made."""

    net: Network
    loss: float
    values: list[Array]
    """As `Network.values` returns them."""
    deltas: list[Array]
    """As `Network.deltas` returns them."""
    caches: list

    @property
    def grads(self):
        """The gradients by key, as `Network.grads` returns them."""
        return self.net.grads(self.deltas[-1], self.caches)

    def handed_down(self, number):
        """Return the delta that layer `number` hands down to each of the values it reads."""
        delta = self.deltas[self.net.inputs + number]
        dx, _ = self.net[number].backward(delta, self.caches[number])
        return dx if isinstance(dx, tuple) else (dx,)


def both_passes(who, net, x, y, loss):
    """Return the Passes of one batch; running averages stay as they are.

    `x` is a tuple of arrays if the network has several inputs. Raises TypeError or ValueError for
    what does not fit.
    """
    require_network(who, net)
    require_loss(who, loss)
    values, caches = values_of(net, x if isinstance(x, tuple) else (x,))
    value, cache = loss.forward(values[-1], y)
    delta = loss.backward(cache)
    return Passes(net, float(value), values, net.deltas(delta, caches), caches)


def values_of(net, xs):
    """Return what `net.values` returns, without moving the running averages."""
    averages = net.averages
    try:
        return net.values(*xs, rng=np.random.default_rng(0))
    finally:
        net.averages = averages


def norm(array):
    """Return the Euclidean norm of all numbers of an array."""
    return float(np.linalg.norm(np.ravel(array)))
