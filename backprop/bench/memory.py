"""Peak memory of one side in a process of its own: what it adds to its imports and the data.

    python -m backprop.bench.memory WORKLOAD SIDE THREADS

prints the bytes, or `None` where the system does not tell.
"""

import contextlib
import sys
from pathlib import Path

from .child import python
from .sides import load
from .sides.side import Unfit
from .workloads import WORKLOADS, prepare

CYCLES = 3
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_memory(workload, side, threads):
    """Return the bytes that training adds, at the most, in a fresh process; None if unknown."""
    printed = python("-m", __spec__.name, workload, side, str(threads))
    last = printed.split()[-1]
    return None if last == "None" else int(last)


def added(workload, name, threads):
    """Return by how many bytes this process grows, at the most, when a side trains a workload."""
    from threadpoolctl import threadpool_limits

    kind = load(name, threads)
    problem = prepare(WORKLOADS[workload])
    before = _forget_peak()
    if before is None:
        return None
    with threadpool_limits(threads), contextlib.suppress(Unfit):
        side = kind(problem, threads)
        for _ in range(CYCLES):
            side.train()
    return _peak() - before


def _forget_peak():
    """Begin to look for the peak anew; return the bytes in memory now, None if unknown."""
    try:
        CLEAR.write_text("5")
        return _status("VmRSS")
    except OSError:
        pass
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _unit()


def _peak():
    if STATUS.exists():
        return _status("VmHWM")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _unit()


def _unit():
    return 1 if sys.platform == "darwin" else 1024


def _status(name):
    lines = STATUS.read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    print(added(sys.argv[1], sys.argv[2], int(sys.argv[3])))
