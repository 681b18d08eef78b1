"""Which step of a page made a number that a later step reads: by where in memory it lies.

A map of the memory says of every place which step wrote there last, and as which entry of its
result. It is kept up to date step by step, so what a step reads is looked up just before it.
"""

import numpy as np


class Memory:
    """Who wrote last where; and who handed on what lies there, without writing."""

    def __init__(self):
        self._written, self._handed = {}, {}

    def write(self, step, array, handed_on=False, start=0):
        """Note that the entries of `array` are now those of a step's result, `start` being the
        first: where a step has several results, their entries are counted on.
        """
        if not _is_array(array):
            return
        owner, places = _places(array)
        for known in [self._handed] if handed_on else [self._written, self._handed]:
            _, steps, entries = known.setdefault(id(owner), _blank(owner))
            steps[places], entries[places] = step, start + np.arange(array.size)

    def read(self, array, own, copies=()):
        """Return runs (first entry, how many, step, first entry there), one a row.

        Entries that no step made are in none. What is nowhere in memory because it was copied on
        the way is looked for among `copies`: arrays of which it may be a copy. What one of the
        steps `own` made, the reader's own layer, comes from there, whoever has handed it on since.
        """
        if not _is_array(array):
            return np.zeros((0, 4), np.int32)
        runs = self._runs(array, own)
        for other in copies:
            if len(runs):
                break
            if _same(array, other):
                runs = self._runs(other, own)
        return runs

    def _runs(self, array, own):
        made, entries = self._look_up(self._written, array)
        if not np.isin(made, own).any():
            made, entries = self._look_up(self._handed, array)
        return _runs(made, entries)

    def _look_up(self, known, array):
        owner, places = _places(array)
        _, steps, entries = known.get(id(owner)) or _blank(owner)
        return steps[places], entries[places]


def owner_of(array):
    """Return the array whose memory `array` is a view of."""
    owner = array
    while True:
        base = owner.base
        if not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)  # what as_strided puts between
        if not isinstance(base, np.ndarray):
            return owner
        owner = base


def _is_array(array):
    return isinstance(array, np.ndarray) and array.size > 0


def _places(array):
    """Return whose memory an array is in, and the place of every entry there."""
    owner = owner_of(array)
    start = np.lib.array_utils.byte_bounds(owner)[0]
    offsets = np.array(array.__array_interface__["data"][0] - start)
    for n, stride in zip(array.shape, array.strides, strict=True):
        offsets = offsets[..., np.newaxis] + np.arange(n) * stride
    return owner, offsets.ravel() // owner.itemsize


def _blank(owner):
    return owner, np.full(owner.size, -1, np.int32), np.zeros(owner.size, np.int32)


def _same(one, other):
    if not _is_array(other) or one.size != other.size or one.dtype != other.dtype:
        return False
    return one.tobytes() == other.tobytes()


def _runs(steps, entries):
    """Return stretches over which the step stays and its entries rise one by one."""
    breaks = (np.diff(steps) != 0) | (np.diff(entries) != 1)
    first = np.flatnonzero(np.concatenate([[True], breaks]))
    length = np.diff(np.append(first, len(steps)))
    runs = np.stack([first, length, steps[first], entries[first]], axis=1)
    return runs[runs[:, 2] >= 0].astype(np.int32)
