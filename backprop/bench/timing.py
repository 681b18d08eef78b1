"""How times are taken: turns, their median and spread, and the peak they are compared with."""

import time
from statistics import median

import numpy as np

REST = 0.15
"""Seconds before each turn, in which the threads of the side before fall asleep."""
PEAK_SIZE = 2048


def seconds_per_call(act, least):
    """Return the mean time of `act()`, called until `least` seconds have passed."""
    calls, begun = 0, time.perf_counter()
    while True:
        act()
        calls += 1
        elapsed = time.perf_counter() - begun
        if elapsed >= least:
            return elapsed / calls


def turn(begin, act, seconds):
    """Return the mean time of `act()` in one turn, and what its first call returned.

    After a rest comes `begin()`, and then a call that is not counted.
    """
    time.sleep(REST)
    begin()
    first = act()
    return seconds_per_call(act, seconds), first


def in_turns(keys, number):
    """Return `keys` in the order of round `number`: every other round goes backwards."""
    return list(keys) if number % 2 == 0 else list(reversed(list(keys)))


def matrix_product_peak(size=PEAK_SIZE, times=1):
    """Return the best of a few products of square matrices, in multiply-adds a second."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    np.dot(a, a)
    best = np.inf
    for _ in range(times):
        begun = time.perf_counter()
        np.dot(a, a)
        best = min(best, time.perf_counter() - begun)
    return size**3 / best


def spread(values):
    """Return the median, the least and the largest of some numbers."""
    return {"median": median(values), "least": min(values), "largest": max(values)}


def exponent(sizes, times):
    r"""Return the power $k$ with which $t = c\,s^k$ fits best: least squares of the logarithms."""
    k, _ = np.polyfit(np.log(sizes), np.log(times), 1)
    return float(k)
