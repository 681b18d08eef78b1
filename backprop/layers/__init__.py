"""The layers: one chapter each."""

from .activations import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from .conv2d import Conv2D
from .dense import Dense
from .dropout import Dropout
from .lstm import LSTM
from .merge import Add, Concat
from .pool import AvgPool, MaxPool
from .rnn import RNN
from .shape import Flatten, Last, Reshape
from .softmax import Softmax

__all__ = [
    "ELU",
    "GELU",
    "LSTM",
    "RNN",
    "SELU",
    "Add",
    "AvgPool",
    "Concat",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Identity",
    "Last",
    "LeakyReLU",
    "MaxPool",
    "ReLU",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]
