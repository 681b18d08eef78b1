"""Neural networks in NumPy with every derivative coded by hand.

    import backprop as bp

    net = bp.Network([bp.Dense(32), bp.ReLU(), bp.Dense(10)])
    net.build((64,), rng=0)
    bp.gradcheck(net, x)

To read the code, begin with `layer.py`, the contract, and `layers/dense.py`, the first chapter.
"""

from .checks import gradcheck
from .layer import Layer
from .layers import (
    ELU,
    GELU,
    LSTM,
    RNN,
    SELU,
    Add,
    AvgPool,
    Concat,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Identity,
    Last,
    LeakyReLU,
    MaxPool,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from .losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    HalfSquaredError,
    LogisticCrossEntropy,
    Loss,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from .network import Network

__all__ = [
    "ELU",
    "GELU",
    "LSTM",
    "RNN",
    "SELU",
    "Add",
    "AvgPool",
    "BinaryCrossEntropy",
    "Concat",
    "Conv2D",
    "CrossEntropy",
    "Dense",
    "Dropout",
    "Flatten",
    "HalfSquaredError",
    "Identity",
    "Last",
    "Layer",
    "LeakyReLU",
    "LogisticCrossEntropy",
    "Loss",
    "MaxPool",
    "MeanSquaredError",
    "Network",
    "RNN",
    "ReLU",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Softsign",
    "Tanh",
    "gradcheck",
]
