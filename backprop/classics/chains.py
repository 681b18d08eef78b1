"""Chains of layers: what is asked of one."""

from ..errors import expects
from ..layers import Dense
from ..network import Network


def check_chain(who, net):
    """Raise TypeError or ValueError unless `net` is a Network in which layer follows layer."""
    if not isinstance(net, Network):
        raise expects(who, "a Network", repr(net), TypeError)
    if not net.is_chain or net.inputs > 1 or len(net.owners()) < len(net):
        raise expects(who, "a chain of layers, each standing in it once", repr(net))


def check_in_turn(who, net):
    """Raise TypeError or ValueError unless `net` is a chain of Dense and another, in turn."""
    check_chain(who, net)
    dense = [isinstance(layer, Dense) for layer in net]
    if dense != [True, False] * (len(dense) // 2):
        raise expects(who, "a chain of Dense and an activation, in turn", repr(net))


def check_same(who, layer):
    """Raise ValueError if a layer or a network does something else in training than later on."""
    if layer.stochastic or layer.stateful:
        what = "layers that do in training what they do in prediction"
        raise expects(who, what, repr(layer))
