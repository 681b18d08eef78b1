"""The optimizers' kernels give the bits of their NumPy lines."""

import math

import numpy as np
import pytest

from backprop import SGD, Adam, AdamW, compiled

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "optimizer", [SGD(0.1), SGD(0.1, momentum=0.9), Adam(0.1), AdamW(0.1)], ids=repr
)
def test_every_bit_is_that_of_the_numpy_lines(optimizer, dtype):
    def moved():
        rng = np.random.default_rng(0)
        w = rng.standard_normal(10007).astype(dtype)
        state = optimizer.start(w)
        for _ in range(4):
            g = rng.standard_normal(w.size).astype(dtype) * 10 ** rng.uniform(-9, 3)
            optimizer.step(w, g.astype(dtype), state)
        return w.tobytes(), [state[name].tobytes() for name in optimizer.slots]

    fast = moved()
    with compiled.readable():
        assert moved() == fast


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 3_000_000])
def test_the_sum_of_squares_is_right_however_long(size, dtype):
    g = np.random.default_rng(0).standard_normal(size).astype(dtype)
    right = math.fsum(g.astype(np.float64) ** 2)
    found = compiled.kernels("updates", g).squares(g)
    assert found == pytest.approx(right, rel=1e-6 if dtype == np.float32 else 1e-13)
