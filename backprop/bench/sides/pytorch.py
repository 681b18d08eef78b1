"""PyTorch, as its tutorials write it: modules, autograd, SGD."""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from ... import layers
from .side import Side, Unfit


class Eager(Side):
    """`nn.Sequential` of the modules that our layers are called there, images with channels first.

    Of the two biases of a recurrent module the second is zero and stays so: trained, the two would
    move together, twice as fast as our one.
    """

    library = "torch"

    def __init__(self, problem, threads):
        super().__init__(problem, threads)
        torch.set_num_threads(threads)
        shapes = [*problem.net.in_shapes, *problem.net.shapes[1:]]
        pairs = list(zip(problem.net, shapes, strict=False))
        self.modules = nn.Sequential(*(_module(layer, shape) for layer, shape in pairs))
        self.weights = [
            (target, torch.from_numpy(np.array(value)))
            for (layer, _), module, before in zip(pairs, self.modules, [None, *pairs], strict=False)
            for target, value in _weights(layer, module, before)
        ]
        self.net = self._prepared(self.modules)
        self.batches = [
            (torch.from_numpy(_channels_first(x)), torch.from_numpy(y)) for x, y in problem.batches
        ]
        self.start()

    def _prepared(self, modules):
        return modules

    def start(self):
        with torch.no_grad():
            for target, value in self.weights:
                target.copy_(value)
        trained = [p for p in self.modules.parameters() if p.requires_grad]
        workload = self.problem.workload
        self.optimizer = torch.optim.SGD(trained, lr=workload.rate, momentum=workload.momentum)

    def train(self):
        losses = []
        for x, y in self.batches:
            self.optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(self.net(x), y)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def predict(self):
        with torch.inference_mode():
            return [self.net(x) for x, _ in self.batches][-1].numpy()


class Compiled(Eager):
    """The same with `torch.compile`; whatever it cannot do is the reason to leave it out."""

    def _prepared(self, modules):
        return torch.compile(modules)

    def start(self):
        super().start()
        try:
            self.train()
            self.predict()
        except Exception as error:
            raise Unfit(f"failed: {str(error).strip().splitlines()[0]}") from error
        super().start()


class _Recurrent(nn.Module):
    """A recurrent module that returns all states and nothing else."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        module.bias_hh_l0.requires_grad_(False)

    def forward(self, x):
        return self.module(x)[0]


class _Last(nn.Module):
    def forward(self, x):
        return x[:, -1]


def _module(layer, shape):
    """Return PyTorch's module for a layer of ours that is given inputs of `shape`."""
    match layer:
        case layers.Dense():
            return nn.Linear(shape[-1], layer.units)
        case layers.Conv2D():
            return nn.Conv2d(shape[-1], layer.filters, layer.size, padding=layer.window.padding)
        case layers.MaxPool():
            return nn.MaxPool2d(layer.size)
        case layers.RNN():
            return _Recurrent(nn.RNN(shape[-1], layer.units, batch_first=True))
        case layers.LSTM():
            return _Recurrent(nn.LSTM(shape[-1], layer.units, batch_first=True))
        case layers.Last():
            return _Last()
        case layers.Flatten():
            return nn.Flatten()
        case layers.ReLU():
            return nn.ReLU()
        case layers.Sigmoid():
            return nn.Sigmoid()
        case layers.Tanh():
            return nn.Tanh()
    raise Unfit(f"no module for {layer!r}")


def _weights(layer, module, before):
    """Yield the tensors of a module and the values that they take over from a layer.

    `before` is the layer before with the shape of its inputs: after a Flatten of images the rows of
    a matrix are in another order.
    """
    p = layer.params
    match layer:
        case layers.Dense():
            W = p["W"]
            if before and isinstance(before[0], layers.Flatten) and len(before[1]) == 3:
                W = W.reshape(*before[1], -1).transpose(2, 0, 1, 3).reshape(W.shape)
            yield from [(module.weight, W.T), (module.bias, p["b"])]
        case layers.Conv2D():
            yield from [(module.weight, p["W"].transpose(3, 2, 0, 1)), (module.bias, p["b"])]
        case layers.RNN() | layers.LSTM():
            inner = module.module
            yield from [(inner.weight_ih_l0, p["Wx"].T), (inner.weight_hh_l0, p["Wh"].T)]
            yield from [(inner.bias_ih_l0, p["b"]), (inner.bias_hh_l0, np.zeros_like(p["b"]))]


def _channels_first(x):
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x
