"""Recurrent layers."""

import torch  # pyright: ignore[reportMissingImports]

from ... import layers
from .peer import Peer


def rnn(layer, p, x, h0=None):
    """Weights transposed, the second bias zero."""
    module = torch.nn.RNN(*p["Wx"].shape, nonlinearity=layer.activation, batch_first=True)
    return _recur(module, layer, p, x, None if h0 is None else h0[None])


def lstm(layer, p, x, h0=None, c0=None):
    """The order of the gates is the same: i, f, g, o."""
    module = torch.nn.LSTM(p["Wx"].shape[0], layer.units, batch_first=True)
    states = None if h0 is None or c0 is None else (h0[None], c0[None])
    return _recur(module, layer, p, x, states)


def _recur(module, layer, p, x, states):
    weights = {
        "weight_ih_l0": p["Wx"].T,
        "weight_hh_l0": p["Wh"].T,
        "bias_ih_l0": p["b"],
        "bias_hh_l0": torch.zeros_like(p["b"]),
    }
    x = x.flip(1) if layer.reverse else x
    y, _ = torch.func.functional_call(module, weights, (x, states))
    return y.flip(1) if layer.reverse else y


PEERS = {
    layers.RNN: Peer(
        rnn,
        "nn.RNN",
        "Weights transposed. PyTorch has two biases, of which the second is set to zero and kept"
        " there: trained, the two would move together, twice as fast as our one.",
    ),
    layers.LSTM: Peer(
        lstm,
        "nn.LSTM",
        "As nn.RNN; the gates come in the same order. PyTorch's forget bias starts at random, ours"
        " with 1.",
    ),
    layers.Last: Peer(lambda layer, p, x: x[:, 0 if layer.reverse else -1], "indexing"),
}
