"""Threads that stand ready: what they do comes out, whatever happens meanwhile."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from backprop import workers
from backprop.parallel import at_once
from backprop.workers import Signal, ready


def test_a_worker_does_one_thing_after_another():
    with ready(1) as (worker,):
        for number in range(300):
            worker.begin(lambda number=number: (number, threading.get_ident()))
            workers.wait_for([worker])
            assert worker.outcome() == (number, worker.ident)


def test_workers_are_used_again_and_nobody_has_the_same():
    with ready(2) as first:
        with ready(1) as second:
            assert not set(first) & set(second)
        assert len(set(first)) == 2
    with ready(2) as third:
        assert set(third) <= {*first, *second}


def test_what_went_wrong_is_raised_and_the_worker_goes_on():
    def fail(number):
        if number:
            raise ArithmeticError(f"number {number}")
        return number

    for _ in range(3):
        with pytest.raises(ArithmeticError, match="number 1"):
            at_once(fail, [0, 1, 2])
    assert at_once(lambda each: each, [0, 1, 2]) == [0, 1, 2]


def test_nothing_is_kept_of_what_was_done():
    with ready(1) as (worker,):
        worker.begin(lambda: np.zeros(3))
        workers.wait_for([worker])
    assert worker.act is worker.result is worker.error is None


def test_an_interruption_waits_for_those_who_are_still_at_work(monkeypatch):
    ended = []

    def work():
        time.sleep(0.05)
        ended.append(True)

    with ready(2) as both:
        for worker in both:
            worker.begin(work)
        interrupted = iter([True])

        def wait(self):
            if next(interrupted, False):
                raise KeyboardInterrupt
            self.event.wait()

        monkeypatch.setattr(Signal, "wait", wait)
        with pytest.raises(KeyboardInterrupt):
            workers.wait_for(both)
        assert len(ended) == 2


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.fast)])
def test_a_signal_is_waited_for_longer_than_a_thread_looks(compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(workers, "available", lambda: False)
    signal, seen = Signal(), []
    thread = threading.Thread(target=lambda: (signal.wait(), seen.append(True)))
    thread.start()
    time.sleep(0.05)
    assert not seen
    signal.set()
    thread.join(10)
    assert seen
    signal.wait()  # once given it stays
    signal.clear()
    assert not signal.event.is_set()
    assert not signal.seen.any()


ENDING = """
import threading
from backprop.parallel import at_once
print(at_once(lambda each: each, [1, 2, 3]))
print(sum(thread.name == "backprop" for thread in threading.enumerate()))
"""


def test_a_program_ends_when_it_is_done():
    command = [sys.executable, "-c", ENDING]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.split() == ["[1,", "2,", "3]", "2"]
    assert not ran.stderr
