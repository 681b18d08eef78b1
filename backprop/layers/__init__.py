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
from .bidirectional import Bidirectional
from .conv2d import Conv2D
from .conv_transpose2d import ConvTranspose2D
from .dense import Dense
from .depthwise_conv2d import DepthwiseConv2D
from .dropout import Dropout
from .embedding import Embedding
from .gru import GRU
from .lstm import LSTM
from .merge import Add, Concat
from .normalization import BatchNorm, LayerNorm
from .pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from .prelu import PReLU
from .rnn import RNN
from .shape import Flatten, Last, Reshape
from .softmax import Softmax

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "Add",
    "AvgPool",
    "BatchNorm",
    "Bidirectional",
    "Concat",
    "Conv2D",
    "ConvTranspose2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "Identity",
    "Last",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool",
    "PReLU",
    "ReLU",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]
