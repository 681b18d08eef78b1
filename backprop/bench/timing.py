"""How times are taken: turns, their median and spread, and the peak they are compared with."""

import time
from statistics import median

import numpy as np

REST = 0.05
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


def alternating(acts, rounds, seconds):
    """Return, for each of the functions `acts`, its time in each round.

    They take turns, each round in the reverse order of the one before. A turn begins with one call
    that is not counted.
    """
    times = [[] for _ in acts]
    for number in range(rounds):
        order = range(len(acts)) if number % 2 == 0 else reversed(range(len(acts)))
        for k in order:
            acts[k]()
            times[k].append(seconds_per_call(acts[k], seconds))
    return times


def matrix_product_peak(size=PEAK_SIZE, times=3):
    """Return the best of a few products of square matrices, in multiply-adds a second."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    a @ a
    best = np.inf
    for _ in range(times):
        begun = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - begun)
    return size**3 / best


def spread(values):
    """Return the median, the least and the largest of some numbers."""
    return {"median": median(values), "least": min(values), "largest": max(values)}


def exponent(sizes, times):
    r"""Return the power $k$ that $t \approx c\,s^k$ fits best, by least squares of the logarithms."""
    k, _ = np.polyfit(np.log(sizes), np.log(times), 1)
    return float(k)
