"""Threads that stand ready to do a part.

A core that has gone to sleep takes longer to wake than a small network's pass takes. So where there
is Numba, a thread that waits goes on looking for a millisecond or two, before it sleeps; it leaves
the core to whoever else has work for it.
"""

import atexit
import contextlib
import functools
import os
import threading

import numpy as np

from .compiled import available

_idle = []
_lock = threading.Lock()


class Signal:
    """Something that one thread does and another waits for."""

    def __init__(self):
        self.event = threading.Event()
        self.seen = np.zeros(1, bool)  # the same, for compiled code to look at

    def set(self):
        self.event.set()
        self.seen[0] = True

    def clear(self):
        self.event.clear()
        self.seen[0] = False

    def wait(self):
        if available() and (until := _until()):
            until(self.seen)
        self.event.wait()


@functools.cache
def _until():
    """Return what looks at a signal; None where a thread cannot let others have its core."""
    if not hasattr(os, "sched_yield"):
        return None
    from .compiled.waiting import until  # needs Numba

    until(np.ones(1, bool))  # compiled by who asks for a worker: if it fails, nobody waits
    return until


class Worker(threading.Thread):
    """A thread that does one thing after another."""

    def __init__(self):
        super().__init__(name="backprop", daemon=True)
        self.asked, self.ended = Signal(), Signal()
        self.act = self.result = self.error = None
        self.ended.set()
        if available():
            _until()
        self.start()

    @property
    def free(self):
        """Whether it has ended what it was asked for, and has not been asked again."""
        return self.act is None and self.ended.event.is_set()

    def run(self):
        while True:
            self.asked.wait()
            self.asked.clear()
            if self.act is None:
                return
            try:
                self.result, self.error = self.act(), None
            except BaseException as error:
                self.result, self.error = None, error
            self.act = None
            self.ended.set()

    def begin(self, act):
        """Begin to do `act()`; None ends the thread."""
        self.act = act
        self.ended.clear()
        self.asked.set()

    def outcome(self):
        """Return what came out, or raise it."""
        if self.error is not None:
            raise self.error
        return self.result


@contextlib.contextmanager
def ready(count):
    """Give `count` workers, which nobody else has meanwhile."""
    workers = []
    try:
        with _lock:
            while len(workers) < count:
                workers.append(_idle.pop() if _idle else Worker())
        yield workers
    finally:
        # One that an interruption left in the midst of something is not asked again.
        free = [worker for worker in workers if worker.free]
        for worker in free:
            worker.result = worker.error = None
        with _lock:
            _idle.extend(free)


def wait_for(workers):
    """Return when all have ended, interrupted or not: then what they use may be put back."""
    interruption = None
    while True:
        try:
            for worker in workers:
                worker.ended.wait()
            break
        except BaseException as error:
            interruption = error
    if interruption is not None:
        raise interruption


def dismiss():
    """End the threads, before the interpreter ends."""
    with _lock:
        workers = _idle[:]
        _idle.clear()
    for worker in workers:
        worker.begin(None)
    for worker in workers:
        worker.join()


def forget():
    """Begin anew: a child process has no thread of its parent's."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


atexit.register(dismiss)
