"""What the contract promises (layer.py), one function for each promise.

Each takes a trial, which is anything with

    trial.layer                  # the layer, not built
    trial.in_shapes              # the shapes of its inputs, without the batch axis
    trial.build(dtype)           # a built copy
    trial.inputs(dtype, seed=)   # a list of inputs, by another seed others
    trial.delta(y, seed=)        # a delta for the output y

and raises AssertionError where the promise is broken. The tests hold every layer of the package to
all of them, `certify` yours.
"""

import copy
import pickle

import numpy as np

from ..network import inside
from .gradcheck import gradcheck

# Passes and their results


def forward(layer, xs):
    """Return `layer.forward(*xs)`, with the same masks every time."""
    draws = {"rng": np.random.default_rng(4)} if layer.stochastic else {}
    return layer.forward(*xs, **draws)


def backward(layer, delta, cache):
    """Return `layer.backward(delta, cache)` with dx as a tuple always."""
    dx, grads = layer.backward(delta, cache)
    return (dx if isinstance(dx, tuple) else (dx,)), grads


def arrays(value):
    """Yield the arrays in nested tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from arrays(part)


def freeze(value):
    """Make every array in `value` read-only, and return `value`."""
    for array in arrays(value):
        array.flags.writeable = False
    return value


def hold(condition, message):
    """Raise AssertionError with `message` unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def hold_same(ones, others, what, rtol=0.0, atol=0.0):
    """Raise AssertionError unless all arrays in two nested values are the same, or close."""
    ones, others = list(arrays(ones)), list(arrays(others))
    hold(len(ones) == len(others), f"{what}: {len(ones)} arrays and {len(others)}")
    for one, other in zip(ones, others, strict=True):
        hold(one.shape == other.shape, f"{what}: shapes {one.shape} and {other.shape}")
        with np.errstate(invalid="ignore"):
            apart = np.abs(one - other)
        close = (one == other) | (apart <= atol + rtol * np.abs(other)) | (one != one) & (other != other)
        hold(close.all(), f"{what}: {np.max(apart, initial=0):.1e} apart")


# The promises


def gradients_are_right(trial):
    """Every entry of every gradient agrees with its estimates."""
    gradcheck(trial.build(), *trial.inputs()).assert_ok()


def slopes_are_right(trial):
    r"""Each gradient agrees with the complex step along a random direction.

    $\sum_i d_i v_i = \operatorname{Im} L(a + \mathrm{i}hv)/h$ takes one pass for a whole tensor: a
    wrong entry shows in the sum unless a random number hides it.
    """
    layer, xs = trial.build(), freeze(trial.inputs())
    L, delta, y, cache = _loss(trial, layer, xs)
    dxs, grads = backward(layer, freeze(delta), cache)
    complex_layer = layer.astype(np.complex128)
    zs = [x.astype(np.complex128) if x.dtype.kind == "f" else x for x in xs]
    names = [f"x{k}" for k in range(len(zs))]
    tensors = {**dict(zip(names, zs, strict=True)), **complex_layer.params}
    rng = np.random.default_rng(8)
    size = max(1, np.max(np.abs(y)), abs(L)) * np.max(np.abs(delta))
    for name, d in {**dict(zip(names, dxs, strict=True)), **grads}.items():
        a = tensors[name]
        if a.dtype.kind != "c":
            continue  # integers have no slope
        hold(d.shape == a.shape, f"d{name} of shape {d.shape}, {name} of {a.shape}")
        v, kept = rng.standard_normal(a.shape), a.copy()
        a += 1e-100j * v
        slope = _loss(trial, complex_layer, zs, delta)[0].imag / 1e-100
        a[...] = kept
        scale = max(np.abs(d * v).sum(), 1e-3 * size)
        apart = abs((d * v).sum() - slope) / scale
        hold(apart <= 1e-12, f"d{name} is {apart:.1e} off along a random direction")


def _loss(trial, layer, xs, delta=None):
    """Return L, dL/dy, y and the cache: of the trial's loss, or of sums weighted by a delta."""
    y, cache = forward(layer, xs)
    if getattr(trial, "loss", None) is not None:
        L, of_loss = trial.loss.forward(y, trial.target.array())
        return L, trial.loss.backward(of_loss), y, cache
    delta = trial.delta(y) if delta is None else delta
    return (y * delta).sum(), delta, y, cache
