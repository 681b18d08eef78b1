"""The optimizers' kernels give the bits of their NumPy lines."""

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
