"""What each layer and loss is called in PyTorch, as a function of tensors laid out as ours.

A peer is called as `peer(layer, p, *xs)` with the layer's parameters by name and its inputs. All
changes of layout are made inside, by PyTorch: autograd then brings the gradients back into our
layout by itself, and there is no second conversion that could hide a mistake in the first.
"""

from ...layers import Bidirectional
from ...network import Network
from . import images, losses, plain, sequences
from .peer import Peer


def run(layer, p, *xs, rng=None, predict=False):
    """Return the output of PyTorch's twin of a built `layer`.

    Args:
        layer: a built layer; only its settings and, in a Network, its wiring are read.
        p: tensors by the keys of `layer.params` and of `layer.averages`, whose are replaced.
        *xs: tensors.
        rng: the numpy Generator that stochastic layers draw from, as in `layer.forward`.
        predict: whether it stands for `layer.predict`.
    """
    plain = not (layer.stochastic or layer.stateful)
    mode = {} if plain else {"rng": rng, "predict": predict}
    return PEERS[type(layer)].run(layer, p, *xs, **mode)


def network(net, p, *xs, **mode):
    """Every layer's peer, wired as the Network is."""
    first = {id(layer): number for number, layer in net.owners()}
    values = list(xs)
    for layer, reads in net.steps:
        start = f"{first[id(layer)]}."
        own = {key.removeprefix(start): p[key] for key in p if key.startswith(start)}
        values.append(run(layer, own, *(values[i] for i in reads), **mode))
        p.update({start + name: own[name] for name in layer.averages})
    return values[-1]


def bidirectional(net, p, *xs):
    """PyTorch's own where its two layers are of one kind and size, and nothing is masked."""
    f, g = net[0], net[1]
    alike = type(f) is type(g) and {**f.settings, "reverse": True} == g.settings
    known = alike and not f.masked and getattr(f, "reset_after", True)
    return (sequences.two_way if known else network)(net, p, *xs)


PEERS = {
    **plain.PEERS,
    **images.PEERS,
    **sequences.PEERS,
    **losses.PEERS,
    Bidirectional: Peer(
        bidirectional,
        "nn.RNN, nn.LSTM, nn.GRU",
        "With `bidirectional=True`. PyTorch's last step, of two layers of one kind and size, is not"
        " `last=True`: its second half has seen one step only.",
    ),
    Network: Peer(network, "the layers' peers", "Wired as the Network is; autograd runs back."),
}
