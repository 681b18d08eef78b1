"""All cases measured: the report that `parity` returns."""

import contextlib
import platform

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from threadpoolctl import threadpool_limits

from .cases import CASES
from .measure import measure
from .optimizers import OPTIMIZERS, PENALTIES
from .peers import PEERS
from .schedules import SCHEDULES
from .table import Parity


def report(cases=CASES):
    """Measure `cases`, on one thread, and return the Parity."""
    versions = (
        f"PyTorch {torch.__version__}, NumPy {np.__version__}, Python {platform.python_version()},"
        f" {platform.machine()}, 1 CPU thread"
    )
    twins = {**PEERS, **PENALTIES, **OPTIMIZERS, **SCHEDULES}
    notes = {kind.__name__: (twin.called, twin.note) for kind, twin in twins.items()}
    with one_thread():
        return Parity(map(measure, cases), versions, notes)


@contextlib.contextmanager
def one_thread():
    """Compute on one thread: the work is small, and sums come out the same every time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
