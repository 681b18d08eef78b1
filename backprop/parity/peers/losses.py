"""The losses: `peer(loss, y, target)`, classes being integers of 64 bits."""

import torch  # pyright: ignore[reportMissingImports]
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]

from ... import losses
from .peer import Peer


def softmax_cross_entropy(loss, y, t):
    """Rows of scores; classes as integers or rows of numbers, both as PyTorch takes them."""
    M = y.shape[-1]
    t = t.reshape(-1, M) if t.is_floating_point() else t.reshape(-1)
    return F.cross_entropy(y.reshape(-1, M), t, reduction=loss.reduction)


def cross_entropy(loss, y, t):
    """For classes the negative log-likelihood; PyTorch has none for rows of probabilities."""
    if t.is_floating_point():
        return -(t * torch.log(y)).sum() * _share(loss, y)
    log_p = torch.log(y).reshape(-1, y.shape[-1])
    return F.nll_loss(log_p, t.reshape(-1), reduction=loss.reduction)


def logistic_cross_entropy(loss, y, t):
    """The sum over outputs, the mean over examples."""
    c = F.binary_cross_entropy_with_logits(y, _rows_of(t, y), reduction="sum")
    return c * _share(loss, y)


def binary_cross_entropy(loss, y, t):
    """The sum over outputs, the mean over examples."""
    return F.binary_cross_entropy(y, _rows_of(t, y), reduction="sum") * _share(loss, y)


def mean_squared_error(loss, y, t):
    """The mean over outputs is inside the loss of an example: PyTorch's sum is M times ours."""
    if loss.reduction == "mean":
        return F.mse_loss(y, _rows_of(t, y))
    return F.mse_loss(y, _rows_of(t, y), reduction="sum") / y.shape[-1]


def half_squared_error(loss, y, t):
    """Half of PyTorch's sum."""
    return F.mse_loss(y, _rows_of(t, y), reduction="sum") / 2 * _share(loss, y)


def _share(loss, y):
    return y.shape[-1] / y.numel() if loss.reduction == "mean" else 1


def _rows_of(t, y):
    return t if t.is_floating_point() else F.one_hot(t, y.shape[-1]).to(y.dtype)


AS_TORCH_REDUCES = "Ours sums over outputs and averages over examples; PyTorch's mean is over both."

PEERS = {
    losses.SoftmaxCrossEntropy: Peer(
        softmax_cross_entropy, "F.cross_entropy", "Targets that are classes, rows or counts."
    ),
    losses.CrossEntropy: Peer(
        cross_entropy,
        "F.nll_loss of a logarithm",
        "For rows of probabilities PyTorch has no such loss: the formula, with its autograd. At"
        " a probability of zero we clip, and PyTorch is infinite.",
    ),
    losses.LogisticCrossEntropy: Peer(
        logistic_cross_entropy, "F.binary_cross_entropy_with_logits", AS_TORCH_REDUCES
    ),
    losses.BinaryCrossEntropy: Peer(
        binary_cross_entropy,
        "F.binary_cross_entropy",
        AS_TORCH_REDUCES + " PyTorch holds a logarithm at -100 or above and the denominator of the"
        " gradient at 1e-12 or above; we clip at the smallest normal number.",
    ),
    losses.MeanSquaredError: Peer(
        mean_squared_error,
        "F.mse_loss",
        "PyTorch's mean is ours; its sum is over outputs too, where ours takes their mean.",
    ),
    losses.HalfSquaredError: Peer(half_squared_error, "F.mse_loss", "Half of PyTorch's sum."),
}
