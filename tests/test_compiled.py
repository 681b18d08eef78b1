"""The compiled kernels beside their NumPy lines, over every layer and configuration of cases.py.

Marked `fast`, what needs Numba; the rest is about finding it, or not.
"""

import pkgutil

import numpy as np
import pytest

from backprop import compiled
from backprop.checks.promises import backward, forward, hold_same
from cases import CASES

KERNELS = {each.name for each in pkgutil.iter_modules(compiled.__path__)}
TOLERANCES = {np.float32: 2e-6, np.float64: 1e-14}


@pytest.mark.fast
@pytest.mark.parametrize("dtype", TOLERANCES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kernels_find_what_the_numpy_lines_find(case, dtype):
    layer, xs = case.build(dtype), case.inputs(dtype)
    averages = layer.averages

    def found():
        layer.averages = averages
        y, cache = forward(layer, xs)
        delta = case.delta(y)
        dxs, grads = backward(layer, delta, cache)
        return y, cache, dxs, grads, layer.grads(delta, cache), layer.predict(*xs)

    fast, twice = found(), found()
    with compiled.readable():
        slow = found()
    tolerance = TOLERANCES[dtype]
    for what, one, again, other in zip(
        ("y", "cache", "dx", "gradients", "grads", "predict"), fast, twice, slow, strict=True
    ):
        hold_same(f"{what} of kernels, twice", one, again)
        hold_same(f"{what} of kernels and of NumPy", one, other, tolerance, tolerance)


@pytest.mark.fast
def test_every_kernel_is_reached_by_a_case(monkeypatch):
    reached = set()
    original = compiled.importlib.import_module

    def noted(name, package):
        reached.add(name.removeprefix("."))
        return original(name, package)

    monkeypatch.setattr(compiled.importlib, "import_module", noted)
    for case in CASES:
        layer = case.build(np.float32)
        y, cache = forward(layer, case.inputs(np.float32))
        backward(layer, case.delta(y), cache)
    assert reached == KERNELS


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
