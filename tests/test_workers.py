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
        interrupted_at("wait", 2, monkeypatch)
        with pytest.raises(TimeoutError):
            workers.wait_for(both)
        assert len(ended) == 2


def interrupted_at(place, times, monkeypatch):
    """Let a TimeoutError, as of an alarm, come up in a method of Signal, so many times."""
    method, left, main = getattr(Signal, place), [times], threading.get_ident()

    def interrupt(self):
        if left[0] and threading.get_ident() == main:
            left[0] -= 1
            raise TimeoutError("the alarm")
        method(self)

    monkeypatch.setattr(Signal, place, interrupt)


@pytest.mark.parametrize("place", ["set", "wait"])
@pytest.mark.parametrize("times", [1, 2])
def test_after_an_interruption_everyone_has_answers_of_his_own(place, times, monkeypatch):
    def old(number):
        time.sleep(0.02)
        return "old", number

    with monkeypatch.context() as patch:
        interrupted_at(place, times, patch)
        with pytest.raises(TimeoutError, match="the alarm"):
            at_once(old, [0, 1, 2])
    for _ in range(20):
        assert at_once(lambda each: ("new", each), [0, 1, 2]) == [("new", n) for n in range(3)]


class Unlikely(Exception):
    """An error that is false."""

    def __bool__(self):
        return False


def test_an_error_that_is_false_is_raised_too():
    def fail(number):
        if number:
            raise Unlikely

    with pytest.raises(Unlikely):
        at_once(fail, [0, 1])


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
