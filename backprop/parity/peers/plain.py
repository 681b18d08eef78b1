"""Dense, the activations, dropout, and layers that move numbers."""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]

from ... import layers
from .peer import Peer


def dense(layer, p, x):
    """(D, M) to (M, D)."""
    return F.linear(x, p["W"].T, p.get("b"))


def dropout(layer, p, x, *, rng, predict):
    """The mask is drawn as the layer draws it, from the same Generator."""
    if predict:
        return F.dropout(x, layer.rate, training=False)
    kept = torch.from_numpy(np.random.default_rng(rng).random(tuple(x.shape)) >= layer.rate)
    return x * kept / (1 - layer.rate)


def layer_norm(layer, p, x):
    """Over the last axis."""
    return F.layer_norm(x, x.shape[-1:], p.get("gamma"), p.get("beta"), layer.epsilon)


def batch_norm(layer, p, x, *, rng, predict):
    """Positions (M, C): what PyTorch would take for images channels first."""
    rows = x.reshape(-1, x.shape[-1])
    mean, variance = p["mean"].clone(), p["variance"].clone()
    if len(rows) == 1 and not predict:  # which PyTorch refuses
        p["mean"] = layer.keep * mean + (1 - layer.keep) * rows[0].detach()
        return (x - x) * p["gamma"] + p["beta"]
    y = F.batch_norm(
        rows,
        mean,
        variance,
        p["gamma"],
        p["beta"],
        training=not predict,
        momentum=1 - layer.keep,
        eps=layer.epsilon,
    )
    p.update(mean=mean, variance=variance)  # PyTorch has written into them
    return y.reshape(x.shape)


def flatten(layer, p, x):
    """Column by column is row by row of the transposed channels."""
    return torch.flatten(x.permute(0, 3, 2, 1) if layer.order == "columns" else x, start_dim=1)


PEERS = {
    layers.Dense: Peer(dense, "F.linear", "The weight is W transposed."),
    layers.Dropout: Peer(
        dropout, "x * mask / (1 - rate)", "The mask is given: PyTorch would draw another one."
    ),
    layers.LayerNorm: Peer(layer_norm, "F.layer_norm", "PyTorch can take more axes together."),
    layers.BatchNorm: Peer(
        batch_norm,
        "F.batch_norm",
        "PyTorch's momentum is 1 - `keep`. Of the running averages, the variance is the unbiased"
        " one in both. PyTorch refuses a batch of one position, for which we give beta.",
    ),
    layers.Flatten: Peer(flatten, "torch.flatten", "By columns, after a permutation."),
    layers.Reshape: Peer(lambda layer, p, x: x.reshape(len(x), *layer.shape), "reshape"),
    layers.Add: Peer(lambda layer, p, *xs: sum(xs[1:], xs[0]), "+"),
    layers.Concat: Peer(lambda layer, p, *xs: torch.cat(xs, dim=-1), "torch.cat"),
    layers.Identity: Peer(lambda layer, p, x: torch.nn.Identity()(x), "nn.Identity"),
    layers.Sigmoid: Peer(lambda layer, p, x: torch.sigmoid(x), "torch.sigmoid"),
    layers.Tanh: Peer(lambda layer, p, x: torch.tanh(x), "torch.tanh"),
    layers.ReLU: Peer(lambda layer, p, x: F.relu(x), "F.relu", "The slope at zero is 0 in both."),
    layers.LeakyReLU: Peer(
        lambda layer, p, x: F.leaky_relu(x, layer.slope),
        "F.leaky_relu",
        "At zero both take the slope of the negative side.",
    ),
    layers.PReLU: Peer(
        lambda layer, p, x: F.prelu(x.reshape(-1, x.shape[-1]), p["alpha"]).reshape(x.shape),
        "F.prelu",
        "PyTorch's default is one slope for all channels. At zero both take the learned slope.",
    ),
    layers.ELU: Peer(
        lambda layer, p, x: F.elu(x, layer.alpha), "F.elu", "At zero both take the slope alpha."
    ),
    layers.SELU: Peer(lambda layer, p, x: F.selu(x), "F.selu", "As F.elu."),
    layers.GELU: Peer(
        lambda layer, p, x: F.gelu(x, approximate="none"),
        "F.gelu",
        "The exact form, PyTorch's default. It takes 1 + erf, which loses the digits of a large"
        " negative input; we take erfc.",
    ),
    layers.Softplus: Peer(
        lambda layer, p, x: F.softplus(x, threshold=700),
        "F.softplus",
        "PyTorch returns x itself above its `threshold` of 20, where the two differ by up to"
        " 2e-9; here it is set to 700.",
    ),
    layers.Softsign: Peer(lambda layer, p, x: F.softsign(x), "F.softsign"),
    layers.SiLU: Peer(lambda layer, p, x: F.silu(x), "F.silu"),
    layers.Softmax: Peer(lambda layer, p, x: F.softmax(x, dim=-1), "F.softmax"),
}
