"""Layers over sequences: PyTorch has them batch first as well, with weights transposed."""

import functools

import torch  # pyright: ignore[reportMissingImports]
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]

from ... import layers
from .peer import Peer


def recurrent(layer, p, x, *more):
    """The sequence turned round where it is read from its end."""
    *states, mask = more if layer.masked else (*more, None)
    call, weights = functools.partial(torch.func.functional_call, _module(layer, p)), _weights(p)
    if isinstance(layer, layers.GRU) and not layer.reset_after:
        call = _reset_before
    if mask is None:
        y = _several(call, weights, _turned(layer, x), states)[0]
    else:
        y = _masked(layer, call, weights, _turned(layer, x), states, _turned(layer, mask))
    return _turned(layer, y)


def two_way(net, p, x, *states):
    """A Bidirectional of two alike, with PyTorch's `bidirectional=True`."""
    f, half = net.forward_layer, len(states) // 2
    module = _module(f, {"Wx": p["0.Wx"]}, bidirectional=True)
    weights = {}
    for number, suffix in ((0, ""), (1, "_reverse")):
        own = {name: p[f"{number}.{name}"] for name in f.params}
        weights.update({name + suffix: value for name, value in _weights(own).items()})
    pairs = [torch.stack(pair) for pair in zip(states[:half], states[half:], strict=True)]
    y, _ = torch.func.functional_call(module, weights, (x, _given(pairs)))
    return torch.cat([y[:, -1, : f.units], y[:, 0, f.units :]], dim=-1) if net.last else y


def _module(layer, p, **settings):
    if isinstance(layer, layers.RNN):
        settings["nonlinearity"] = layer.activation
    kind = getattr(torch.nn, type(layer).__name__)
    return kind(p["Wx"].shape[0], layer.units, batch_first=True, **settings)


def _weights(p):
    """The order of the gates is the same. Of the two biases the second is zero but for `bh`."""
    second = torch.zeros_like(p["b"])
    if "bh" in p:
        second = torch.cat([second[: -len(p["bh"])], p["bh"]])
    return {
        "weight_ih_l0": p["Wx"].T,
        "weight_hh_l0": p["Wh"].T,
        "bias_ih_l0": p["b"],
        "bias_hh_l0": second,
    }


def _several(call, weights, x, states):
    """Return all states of PyTorch's layer, and a list of the last ones."""
    y, last = call(weights, (x, _given([state[None] for state in states])))
    return y, [state[0] for state in (last if isinstance(last, tuple) else (last,))]


def _given(states):
    """Return initial states as PyTorch takes them: none, one, or a pair."""
    return None if not states else states[0] if len(states) == 1 else tuple(states)


def _masked(layer, call, weights, x, states, mask):
    """Step by step, the state before coming back by as much as the mask lacks to 1."""
    count = 2 if isinstance(layer, layers.LSTM) else 1
    states = states or [x.new_zeros(len(x), layer.units)] * count
    ys = []
    for t in range(x.shape[1]):
        _, made = _several(call, weights, x[:, t : t + 1], states)
        m = mask[:, t : t + 1]
        states = [m * new + (1 - m) * old for new, old in zip(made, states, strict=True)]
        ys.append(states[0])
    return torch.stack(ys, dim=1)


def _reset_before(weights, args):
    """The gated recurrent unit as first published, which PyTorch does not have."""
    x, h = args
    W_r, W_z, W_n = weights["weight_hh_l0"].chunk(3)
    h = x.new_zeros(len(x), W_r.shape[1]) if h is None else h[0]
    ys = []
    for a in F.linear(x, weights["weight_ih_l0"], weights["bias_ih_l0"]).unbind(dim=1):
        a_r, a_z, a_n = a.chunk(3, dim=-1)
        r, z = torch.sigmoid(a_r + F.linear(h, W_r)), torch.sigmoid(a_z + F.linear(h, W_z))
        h = (1 - z) * torch.tanh(a_n + F.linear(r * h, W_n)) + z * h
        ys.append(h)
    return torch.stack(ys, dim=1), h[None]


def _turned(layer, steps):
    return steps.flip(1) if layer.reverse else steps


MASKED = " PyTorch has no masks: it goes step by step then, and we blend the states."

PEERS = {
    layers.RNN: Peer(
        recurrent,
        "nn.RNN",
        "Weights transposed. PyTorch has two biases, of which the second is set to zero and kept"
        " there: trained, the two would move together, twice as fast as our one." + MASKED,
    ),
    layers.LSTM: Peer(
        recurrent,
        "nn.LSTM",
        "As nn.RNN; the gates come in the same order. PyTorch's forget bias starts at random, ours"
        " with 1.",
    ),
    layers.GRU: Peer(
        recurrent,
        "nn.GRU",
        "As nn.RNN; the gates come in the same order. The second bias is zero but for the"
        " candidate's third, our bh. PyTorch has no `reset_after=False`: the formula, with its"
        " autograd.",
    ),
    layers.Last: Peer(lambda layer, p, x: x[:, 0 if layer.reverse else -1], "indexing"),
    layers.Embedding: Peer(lambda layer, p, x: F.embedding(x, p["W"]), "F.embedding"),
}
