r"""A batch in parts, one for each thread.

Where a layer takes every example by itself, $y_n = f(x_n; \theta)$, a batch may be cut into parts:
the outputs are the same, and the gradient, a sum over the examples, is the sum of the parts' own,

$$ \frac{\partial L}{\partial \theta} = \sum_{\text{parts}}\, \sum_{n \in \text{part}}
   \Bigl(\frac{\partial y_n}{\partial \theta}\Bigr)^{\!\top} \delta_n. $$

Passes are pure, so that the parts can go through one network at the same time. There are as many as
NumPy's BLAS may have threads (`OMP_NUM_THREADS`, or `threadpoolctl.threadpool_limits`), and each is
left with one: then both cores do not only multiply matrices, but all that comes between, too. The
parts' gradients are added in the order of the examples, whichever came first, so the same number of
threads gives the same bits.
"""

import contextlib
import contextvars
import functools
import importlib
import math
import os
import threading
from itertools import pairwise
from typing import Any

import numpy as np

from . import workers
from .compiled import FOUND, available, kernels
from .settings import ours

WORTH = 2**23
"""The multiply-adds that a part has at the least, forward: several times what it takes to wake a
thread, and to hand Python's lock from one to the other."""
WORTH_OF_LINES = 2**28
"""The same where there are no compiled kernels: then the lock changes hands at every operation, and
an LSTM of half a batch of 64 takes as long as one of the whole."""
SHARED = 4
"""The multiply-adds of an example for each parameter, at the least, as in a network whose weights
are shared by places or by steps. A fully connected one has one, its products are most of its time,
and there the threads of BLAS are the better ones."""
REUSE = 2**5
"""The multiply-adds that a part has at the least for each parameter: with fewer, it takes longer to
add the parts' gradients than is won."""
LONG = 2**17
"""The numbers of a vector that a thread has at the least, to add to them or to move them."""


def cut(net, arrays):
    """Return slices of a batch: as many as there are threads for, if each has enough to do.

    Args:
        net: a built Network.
        arrays: inputs (and targets) of the batch.
    """
    N = len(arrays[0]) if arrays[0].ndim else 0
    least = max(WORTH if available() else WORTH_OF_LINES, REUSE * net.parameters.size)
    if net.work * N < 2 * least or net.work < SHARED * net.parameters.size or not net.by_example:
        return [slice(0, N)]
    if any(each.shape[:1] != (N,) for each in arrays):
        return [slice(0, N)]  # which will be told as an error, of the whole batch
    return evenly(N, 1 if _here.inside else min(threads(), net.work * N // least))


def evenly(N, count):
    """Return `count` slices of `N` things, in order; N if they are fewer."""
    count = max(1, min(count, N))
    bounds = [N * k // count for k in range(count + 1)]
    return [slice(*each) for each in pairwise(bounds)]


def add(total, *others, threads):
    """Add vectors to the vector `total`, in this order; long ones in several threads."""

    def act(share):
        for other in others:
            total[share] += other[share]

    at_once(act, evenly(total.size, min(threads, total.size // LONG)))


def norm(vector, threads):
    """Return the Euclidean norm of a vector.

    By a kernel or, if `threads` of ours are about, by a single one of BLAS.
    """
    if compiled := kernels("updates", vector):
        return math.sqrt(compiled.squares(vector))
    if threads == 1:
        return math.sqrt(vector.dot(vector))
    with one_blas_thread():
        return math.sqrt(vector.dot(vector))


def by_example(thing):
    """Return whether a layer or a loss takes each example of a batch by itself."""
    return ours(type(thing)) if thing.by_example is None else thing.by_example


def at_once(act, *columns):
    """Return `[act(*row) for row in zip(*columns)]`, each row in a thread of its own.

    The first one runs in this thread. Each has a single thread of BLAS, and cuts nothing further.
    Raises what the first of them raised that failed, when all have ended.
    """
    (first, *others) = zip(*columns, strict=True)
    if not others or _here.inside:
        return [act(*row) for row in (first, *others)]

    def inside(*row):
        _here.inside = True
        try:
            return act(*row)
        finally:
            _here.inside = False

    with one_blas_thread(), workers.ready(len(others)) as team:
        begun = []
        try:
            for worker, row in zip(team, others, strict=True):
                # A copied context brings along what holds for this thread, such as np.errstate.
                worker.begin(functools.partial(contextvars.copy_context().run, inside, *row))
                begun.append(worker)
            results = [inside(*first)]
        finally:
            workers.wait_for(begun)
        return [*results, *(worker.outcome() for worker in begun)]


class _Here(threading.local):
    """What is true of this thread: whether it runs a part."""

    inside = False


_here = _Here()


def threads():
    """Return how many threads NumPy's BLAS may have, where nothing runs in parts."""
    with _limit.lock:
        return max(_limit.before or [library.get_num_threads() for library in _blas()], default=1)


def part_of(states, part) -> Any:
    """Return the states of the examples of a part; `states` are those that `forward` takes."""
    return _each(lambda state: state[part], states)


def joined(first, *others) -> Any:
    """Return the final states of a batch, from those of its parts."""
    return _each(lambda *parts: np.concatenate(parts), first, *others) if others else first


def _each(act, first, *others):
    """Return states of the same structure, made by `act` of the arrays in the same places."""
    if not first:
        return first
    if isinstance(first, dict):
        return {key: _each(act, first[key], *(each[key] for each in others)) for key in first}
    return tuple(act(*arrays) for arrays in zip(first, *others, strict=True))


class _Limit:
    """How BLAS is limited, which is one for all threads of the process: it is counted."""

    def __init__(self):
        self.lock = threading.RLock()
        self.depth = 0
        self.before = []  # the numbers of threads that the libraries had, and will have again


_limit = _Limit()


@contextlib.contextmanager
def one_blas_thread():
    """Leave BLAS a single thread.

    The threads of OpenBLAS go on turning for a tenth of a second when they have done something: in
    an update with threads of ours they would be in the way, between the passes too.
    """
    with _limit.lock:
        if _limit.depth == 0:
            _limit.before = [library.get_num_threads() for library in _blas()]
            for library in _blas():
                library.set_num_threads(1)
        _limit.depth += 1
    try:
        yield
    finally:
        with _limit.lock:
            _limit.depth -= 1
            if _limit.depth == 0:
                for library, count in zip(_blas(), _limit.before, strict=True):
                    library.set_num_threads(count)
                _limit.before = []


@functools.cache  # to look through all that is loaded takes long
def _blas():
    """Return the BLAS libraries that passes use, as threadpoolctl controls them.

    Those are NumPy's and, in compiled kernels, SciPy's, which the first of them would load in the
    midst of a pass, with as many threads as there are cores. It is loaded here, and gets as many as
    NumPy's may have.
    """
    loaded = _loaded_blas()
    if FOUND:
        allowed = max((library.get_num_threads() for library in loaded), default=1)
        importlib.import_module("scipy.linalg.cython_blas")
        before = {library.filepath for library in loaded}
        loaded = _loaded_blas()
        for library in loaded:
            if library.filepath not in before:
                library.set_num_threads(allowed)
    return loaded


def _loaded_blas():
    from threadpoolctl import ThreadpoolController  # is not needed to import this package

    return [each for each in ThreadpoolController().lib_controllers if each.user_api == "blas"]


def _begin_anew():
    """Forget all threads: a child process has none of its parent's."""
    workers.forget()
    _limit.__init__()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
