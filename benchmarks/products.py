"""The products of matrices that a step of `mlp` is made of, by NumPy's BLAS and by PyTorch's.

    python benchmarks/products.py

What is left of a step's time when these are taken off is all that a library can do about it: the
products are OpenBLAS's in NumPy's wheels, and MKL's in PyTorch's.
"""

from statistics import median

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from backprop.bench.timing import in_turns, turn
from backprop.bench.workloads import WORKLOADS
from backprop.network import Network

THREADS, ROUNDS, SECONDS = 2, 9, 0.05


def products(workload):
    """Yield the name and the two factors of every product of a step of a chain of Dense layers."""
    net = Network(workload.layers())
    net.build(workload.in_shape, rng=0)
    rng = np.random.default_rng(1)
    dense = [layer for layer in net if layer.params]
    for number, layer in enumerate(dense):
        D, M = layer.W.shape
        x, delta = (rng.standard_normal((workload.batch, n), np.float32) for n in (D, M))
        yield f"y = x W, {D} to {M}", x, layer.W
        yield f"dW, {D} x {M}", x.T, delta
        if number:
            yield f"dx, {M} to {D}", delta, layer.W.T


def measure(A, B):
    """Return the median microseconds that each library takes for A B, in turns."""
    TA, TB = torch.from_numpy(A), torch.from_numpy(B)
    acts = {"NumPy": lambda: A @ B, "PyTorch": lambda: TA @ TB}
    times = {side: [] for side in acts}
    for number in range(ROUNDS):
        for side in in_turns(acts, number):
            times[side].append(turn(lambda: None, acts[side], SECONDS)[0])
    return [1e6 * median(each) for each in times.values()]


def main():
    torch.set_num_threads(THREADS)
    print("| product | NumPy, µs | PyTorch, µs |\n| --- | ---: | ---: |")
    totals = [0.0, 0.0]
    with threadpool_limits(THREADS):
        for name, A, B in products(WORKLOADS["mlp"]):
            found = measure(A, B)
            totals = [total + each for total, each in zip(totals, found, strict=True)]
            print(f"| {name} | {found[0]:.0f} | {found[1]:.0f} |", flush=True)
    print(f"| together | {totals[0]:.0f} | {totals[1]:.0f} |")


if __name__ == "__main__":
    main()
