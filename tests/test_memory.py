"""What a pass gives back is there for the next one."""

import subprocess
import sys

import pytest

STEPS = """
import resource
import numpy as np
import backprop as bp

net = bp.Network([bp.Dense(500), *[bp.Tanh() for _ in range(10)], bp.Dense(1)])
net.build((10,), rng=0)
step = bp.TrainStep(net, bp.HalfSquaredError(), bp.SGD(1e-4))
x, y = np.ones((1000, 10)), np.ones((1000, 1))
for _ in range(3):
    step(x, y)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step(x, y)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is the allocator of Linux that is told")
def test_a_step_maps_no_memory_anew():
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True)
    # One output of half a million numbers alone takes up five hundred pages.
    assert int(done.stdout) < 100
