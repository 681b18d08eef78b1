"""Losses: what a network minimises, each with its hand-derived gradient."""

from .cross_entropy import (
    BinaryCrossEntropy,
    CrossEntropy,
    LogisticCrossEntropy,
    SoftmaxCrossEntropy,
)
from .loss import Loss
from .squared_error import HalfSquaredError, MeanSquaredError

__all__ = [
    "BinaryCrossEntropy",
    "CrossEntropy",
    "HalfSquaredError",
    "LogisticCrossEntropy",
    "Loss",
    "MeanSquaredError",
    "SoftmaxCrossEntropy",
]
