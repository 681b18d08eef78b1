"""The compiled kernels beside their NumPy lines, over every layer and configuration of cases.py.

Marked `fast`, what needs Numba; the rest is about finding it, or not.
"""

import pkgutil

import numpy as np
import pytest

import backprop as bp
from backprop import compiled
from backprop.checks.promises import backward, forward, hold_same
from backprop.checks.subjects import arrays
from cases import CASES

INNER = {"winograd", "elementary", "waiting"}  # which other files use, or threads that wait
KERNELS = {each.name for each in pkgutil.iter_modules(compiled.__path__)}
TOLERANCES = {np.float32: 2e-6, np.float64: 1e-14}


def found(case, layer, xs, deltas):
    """Return all that the passes of a case give, and append what was drawn as delta."""
    averages = layer.averages
    y, cache = forward(layer, xs)
    delta = deltas[0] if deltas else case.delta(y)
    deltas.append(delta)
    backwards = backward(layer, delta, cache), layer.grads(delta, cache)
    layer.averages = averages
    return {"y and cache": (y, cache), "backward": backwards, "predict": layer.predict(*xs)}


@pytest.mark.fast
@pytest.mark.parametrize("dtype", TOLERANCES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kernels_find_what_the_numpy_lines_find(case, dtype):
    layer, xs, deltas = case.build(dtype), case.inputs(dtype), []
    fast, twice = (found(case, layer, xs, deltas) for _ in range(2))
    with compiled.readable():
        slow = found(case, layer, xs, deltas)
        xs = [x.astype(np.float64) if x.dtype == dtype else x for x in xs]
        exact = found(case, layer.astype(np.float64), xs, [deltas[0].astype(np.float64)])
    for what in fast:
        hold_same(f"{what} of kernels, twice", fast[what], twice[what])
        of_each = zip(*(arrays(each[what]) for each in (fast, slow, exact)), strict=True)
        for one, other, right in of_each:
            # What rounding does to the NumPy lines it may do to a kernel, three times over.
            error = other - right if other.dtype.kind == "f" else np.zeros(0)
            rounding = 3 * float(np.abs(error).max(initial=0))
            hold_same(
                f"{what} of kernels and of NumPy",
                one,
                other,
                TOLERANCES[dtype],
                TOLERANCES[dtype] + rounding,
            )


@pytest.mark.fast
def test_every_kernel_is_reached(monkeypatch):
    reached = set()
    load = compiled._loaded

    def noted(name):
        reached.add(name)
        return load(name)

    monkeypatch.setattr(compiled, "_loaded", noted)
    for case in CASES:
        layer = case.build(np.float32)
        y, cache = forward(layer, case.inputs(np.float32))
        backward(layer, case.delta(y), cache)
    net = bp.Network([bp.Dense(3), bp.ReLU()])
    net.build((2,), rng=0)
    bp.TrainStep(net, bp.SoftmaxCrossEntropy(), bp.SGD())(np.zeros((4, 2)), [0, 1, 2, 0])
    assert reached | INNER == KERNELS


@pytest.mark.parametrize(
    "arrays",
    [
        [np.zeros(2, np.complex128)],
        [np.zeros(2, np.float16)],
        [np.zeros(2, np.float32), np.zeros(2)],
        [np.zeros(2, int)],
    ],
    ids=["complex", "half", "mixed", "whole"],
)
def test_other_numbers_have_no_kernels(arrays, monkeypatch):
    monkeypatch.setattr(compiled, "FOUND", True)
    assert compiled.kernels("none of this name", *arrays) is None


def test_without_numba_and_for_readers_there_are_no_kernels(monkeypatch):
    monkeypatch.setattr(compiled, "FOUND", False)
    assert compiled.kernels("none of this name", np.zeros(2)) is None
    monkeypatch.setattr(compiled, "FOUND", True)
    with compiled.readable(), compiled.readable():
        assert compiled.kernels("none of this name", np.zeros(2)) is None
    with pytest.raises(ModuleNotFoundError, match="none of this name"):
        compiled.kernels("none of this name", np.zeros(2))
