"""The neighbours of many words at once: what goes in and what is to come out.

A window ends where its word's sentence ends, and reaches up to `reach` words to each side. The
program of 2013 draws the reach of every word anew from 1 to `window`, so that near words count more
often than far ones; so does this one.
"""

import numpy as np


def margins(sentence, /):
    """Return how many words stand before and after each in its sentence, each (N,).

    `sentence` (N,) is the number of every word's sentence; it never falls.
    """
    place = np.arange(len(sentence))
    before = place - sentence.searchsorted(sentence, side="left")
    after = sentence.searchsorted(sentence, side="right") - 1 - place
    return before, after


def neighbours(ids, before, after, places, reach, window, /):
    """Return the ids around the places (B,), and which of them count, each (B, 2 window).

    Args:
        ids, before, after: of all words of the text, (N,).
        places: the places in it, (B,).
        reach: how far the window of each goes, (B,), up to `window`.
        window: how many columns there are for each side.
    """
    offsets = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    first = -np.minimum(reach, before[places])[:, np.newaxis]
    last = np.minimum(reach, after[places])[:, np.newaxis]
    inside = (first <= offsets) & (offsets <= last)
    around = ids.take(places[:, np.newaxis] + offsets, mode="clip")
    return around, inside


def examples(ids, before, after, places, window, mode, rng, /):
    """Return the words that go in, all in one row, how many each example has, and what comes out.

    Skip-gram makes an example of every pair of a word and one around it, the bag of words one of
    every word that has any around it.
    """
    reach = rng.integers(1, window, len(places), endpoint=True)
    around, inside = neighbours(ids, before, after, places, reach, window)
    counts = inside.sum(axis=1)
    if mode == "skip-gram":
        return np.repeat(ids[places], counts), np.ones(counts.sum(), np.intp), around[inside]
    some = counts > 0
    return around[inside], counts[some], ids[places[some]]
