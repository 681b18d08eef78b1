"""Arrays on their way into a page: every number to the last bit, every array once."""

import base64
import zlib

import numpy as np

ALIGNED = 8
"""Every array begins at a multiple of this many bytes, so that a browser can read it in place."""


class Arrays:
    """Arrays in one piece of memory, and where in it each of them lies.

    `table` has for each its type, its shape and the byte that it begins at. Arrays of the same
    bytes are kept once.
    """

    def __init__(self):
        self.table = []
        self._pieces, self._size = [], 0
        self._known, self._starts = {}, {}

    def add(self, value):
        """Return the number of an array in the table."""
        array = _plain(value)
        data = array.tobytes()
        key = (array.dtype.str, array.shape, data)
        if key not in self._known:
            self._known[key] = len(self.table)
            kind = array.dtype.str.lstrip("<|")
            self.table.append({"type": kind, "shape": array.shape, "at": self._start(data)})
        return self._known[key]

    def packed(self):
        """Return all bytes, compressed (zlib) and as base64."""
        return base64.b64encode(zlib.compress(b"".join(self._pieces), 9)).decode()

    def _start(self, data):
        if data not in self._starts:
            self._starts[data] = self._size
            padded = data + b"\0" * (-len(data) % ALIGNED)
            self._pieces.append(padded)
            self._size += len(padded)
        return self._starts[data]


def _plain(value):
    """Return a value as an array of a type that JavaScript has, with the lowest byte first."""
    array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    if array.dtype == bool:
        return array.astype("u1")
    if array.dtype.kind in "iu":
        small = array.size == 0 or np.abs(array).max() < 2**31
        return array.astype("<i4" if small else "<f8")
    return array.astype("<f8" if array.itemsize >= 8 else "<f4", copy=False)
