"""What each layer and loss is called in PyTorch, as a function of tensors laid out as ours.

A peer is called as `peer(layer, p, *xs)` with the layer's parameters by name and its inputs. All
changes of layout are made inside, by PyTorch: autograd then brings the gradients back into our
layout by itself, and there is no second conversion that could hide a mistake in the first.
"""

from ...network import Network
from . import images, losses, plain, sequences
from .peer import Peer


def run(layer, params, *xs, rng=None):
    """Return the output of PyTorch's twin of a built `layer`.

    Args:
        layer: a built layer; only its settings and, in a Network, its wiring are read.
        params: tensors by the keys of `layer.params`.
        *xs: tensors.
        rng: the numpy Generator that stochastic layers draw from, as in `layer.forward`.
    """
    draws = {"rng": rng} if layer.stochastic else {}
    return PEERS[type(layer)].run(layer, params, *xs, **draws)


def network(net, p, *xs, rng=None):
    """Every layer's peer, wired as the Network is."""
    first = {id(layer): number for number, layer in net.owners()}
    values = list(xs)
    for layer, reads in net.steps:
        own = {name: p[f"{first[id(layer)]}.{name}"] for name in layer.params}
        values.append(run(layer, own, *(values[i] for i in reads), rng=rng))
    return values[-1]


PEERS = {
    **plain.PEERS,
    **images.PEERS,
    **sequences.PEERS,
    **losses.PEERS,
    Network: Peer(network, "the layers' peers", "Wired as the Network is; autograd runs back."),
}
