"""Ours and PyTorch's numbers for one case, and how far they are apart."""

import copy
import functools

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from . import optimizers, schedules, training
from .case import (
    LayerCase,
    LossCase,
    OptimizerCase,
    PenaltyCase,
    ScheduleCase,
    TrainingCase,
)
from .peers import PEERS, run
from .table import BOUNDS, Figure, Row, difference

MASKS = 3
"""The seed of stochastic layers."""


def measure(case):
    """Return the Row of a case."""
    kind = type(case).__name__.removesuffix("Case").lower()
    figures = []
    for dtype in BOUNDS:
        ours, theirs = compute(case, dtype)
        for tensor, value in theirs.items():
            bound, reason = case.bound(tensor, dtype)
            gap = difference(ours[tensor], value)
            figures.append(Figure(tensor, _column(tensor), dtype, gap, bound, reason))
    return Row(kind, case.name, case.configuration, tuple(figures))


@functools.singledispatch
def compute(case, dtype) -> tuple[dict, dict]:
    """Return two dicts of arrays by tensor: ours and PyTorch's."""
    raise TypeError(f"compute expects a case of case.py, got {case!r}")


@compute.register
def _(case: LayerCase, dtype):
    layer, xs = copy.deepcopy(case.thing), case.inputs(dtype)
    layer.build(*(shape[1:] for shape in case.shapes), rng=0, dtype=dtype)
    rng = np.random.default_rng(1)
    for value in layer.params.values():
        value += (0.1 * rng.standard_normal(value.shape)).astype(dtype)  # biases too are not zero
    before = copy.deepcopy(layer)  # forward changes running averages
    draws = {"rng": np.random.default_rng(MASKS)} if layer.stochastic else {}
    y, cache = layer.forward(*xs, **draws)
    delta = np.random.default_rng(4).standard_normal(y.shape).astype(y.dtype)
    dx, grads = layer.backward(delta, cache)
    ours = {"y": y, **layer.averages} | {f"d{name}": each for name, each in grads.items()}
    dxs = dx if isinstance(dx, tuple) else (dx,)
    ours |= {f"dx{n or ''}": each for n, each in enumerate(dxs) if each is not None}
    if layer.stochastic or layer.stateful:
        ours["predict"] = layer.predict(*xs)
    return ours, _theirs(before, xs, delta)


def _theirs(layer, xs, delta):
    """Return what PyTorch makes of a built layer, its inputs and a delta."""
    p = {name: _leaf(value) for name, value in layer.params.items()}
    p |= {name: torch.tensor(value) for name, value in layer.averages.items()}
    leaves = [torch.from_numpy(x) if x.dtype.kind == "i" else _leaf(x) for x in xs]
    y = run(layer, p, *leaves, rng=np.random.default_rng(MASKS))
    theirs = {"y": y} | {name: p[name] for name in layer.averages}
    of = {f"dx{n or ''}": leaf for n, leaf in enumerate(leaves) if leaf.requires_grad}
    of |= {f"d{name}": p[name] for name in layer.params}
    dz = torch.autograd.grad(y, list(of.values()), torch.from_numpy(delta))
    theirs |= dict(zip(of, dz, strict=True))
    if layer.stochastic or layer.stateful:
        theirs["predict"] = run(layer, p, *leaves, predict=True)
    return {name: each.detach().numpy() for name, each in theirs.items()}


@compute.register
def _(case: LossCase, dtype):
    y, target = case.outputs(dtype), case.target(dtype)
    loss, cache = case.thing.forward(y, target)
    leaf = _leaf(y)
    theirs = PEERS[type(case.thing)].run(case.thing, leaf, torch.from_numpy(target))
    (delta,) = torch.autograd.grad(theirs, leaf)
    return (
        {"loss": loss, "delta": case.thing.backward(cache)},
        {"loss": theirs.item(), "delta": delta.numpy()},
    )


@compute.register
def _(case: PenaltyCase, dtype):
    w = np.linspace(-1, 1.2, 12).round(1).astype(dtype)  # one of them is 0
    value, cache = case.thing.forward(w)
    leaf = _leaf(w)
    theirs = optimizers.PENALTIES[type(case.thing)].run(case.thing, leaf)
    (dw,) = torch.autograd.grad(theirs, leaf)
    return (
        {"loss": value, "dw": case.thing.backward(cache)},
        {"loss": theirs.item(), "dw": dw.numpy()},
    )


@compute.register
def _(case: OptimizerCase, dtype):
    ours, theirs = optimizers.steps(case, dtype)
    return {"w": ours}, {"w": theirs}


@compute.register
def _(case: ScheduleCase, dtype):
    if dtype != "float64":  # factors are Python's own numbers
        return {}, {}
    ours, theirs = schedules.factors(case)
    return {"factors": ours}, {"factors": theirs}


@compute.register
def _(case: TrainingCase, dtype):
    return training.curves(case, dtype)


def _leaf(x):
    return torch.tensor(x, requires_grad=True)


def _column(tensor):
    if tensor in ("y", "predict", "loss", "losses", "factors"):
        return "y"
    return "dx" if tensor.startswith(("dx", "delta")) else "parameters"
