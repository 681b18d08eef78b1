"""Which line made a number: found by where in memory it lay.

The recording holds every array that a tagged line made, so that no address is used twice. A number
that a line reads at some address was made by the last line before it that wrote there.
"""

from typing import Any

import numpy as np

from ..layers.gru import GRU
from ..layers.lstm import LSTM
from ..layers.rnn import RNN
from ..layers.sequences import time_first
from .formula import symbol

SAME = ("tanh_c", "kernel", "x_k")
"""Names of forward values that backward works out again, pads, or puts in another order."""


class Links:
    """Finds where the numbers of a recording come from."""

    def __init__(self, recording):
        self.recording = recording
        self.order = {id(record): n for n, record in enumerate(recording.records)}
        self._places = [_Place(record.held.get("")) for record in recording.records]
        self._depends = {}
        known = [recording.caches, recording.inputs, [*recording.net.params.values()]]
        known += [call.held for call in recording.calls if call.phase == "forward"]
        self._forward = [_Place(array) for array in _arrays(known)]

    def maker(self, array, index, before=None, by=None, phase="backward") -> Any:
        """Return the record that made an entry and the index in its result, or None.

        It ran before the record `before`; or, if not said, before the layer `by` was through with
        that pass.
        """
        address = _address(array, index)
        last = self._end(by, phase) if before is None else self.order[id(before)]
        for n in reversed(range(last)):
            found = self._places[n].index(address)
            if found is not None:
                return self.recording.records[n], found
        return None

    def _end(self, steps, phase):
        """Return how many records there were when a layer's pass was through."""
        ran = self.recording.of(steps or (), phase) if steps or phase == "loss" else []
        return self.order[id(ran[-1])] + 1 if ran else len(self._places)

    def depends(self, record):
        """Return whether a record's result depends on a delta."""
        if record.phase != "backward":
            return record.phase == "loss"
        key = id(record)
        if key not in self._depends:
            self._depends[key] = any(
                _is_delta(source) or self._is_made_of_delta(record, source)
                for source in record.operands
            )
        return self._depends[key]

    def _is_made_of_delta(self, record, source):
        array = record.held.get(source)
        if not isinstance(array, np.ndarray) or array.size == 0:
            return False
        made = self.maker(array, (0,) * array.ndim, record)
        return made is not None and made[0].phase == record.phase and self.depends(made[0])

    def of(self, record, number):
        """Return where an operand's entry comes from.

        ("line", record, index): a line that depends on a delta. ("delta", steps, index): handed to
        the layer. ("given",): a number that does not depend on a delta. None: not known.
        """
        if record.phase == "loss":
            return ("given",)
        array = record.held.get(number.source)
        if number.source == record.name and record.before is not None:
            array = record.held[""]
        if not isinstance(array, np.ndarray):
            return ("given",)
        made = self.maker(array, number.index, record)
        if made is not None:
            return ("line", *made) if self.depends(made[0]) else ("given",)
        if not _is_delta(number.source):
            return ("given",) if self._is_forward(array, number) else None
        return self._from_above(record, array, number)

    def within(self, outer, array, index):
        """Return which entry of `outer` an entry of a view of it is, or None."""
        return _Place(outer).index(_address(array, index))

    def uncropped(self, steps, index) -> Any:
        """Return where an entry of the image that a layer returned stood before it was cropped.

        It is (record, index) of a line that added to a view of the image with its margins; None if
        no line did.
        """
        window: Any = getattr(self.recording.layer(steps), "window", None)
        views = [one.held[""] for one in self.recording.of(steps, "backward") if one.loops]
        views = [view for view in views if isinstance(view, np.ndarray) and view.ndim == 4]
        images = list(
            {id(view.base): view.base for view in views if view.base is not None}.values()
        )
        n, u, v, c = index
        if window is None:
            return None
        _, H, W, _ = self.recording.call(steps, "forward").given[0].shape
        (top, _), (left, _) = window.margins(H, W)
        for image in images:
            if n < len(image):
                return self.maker(image, (n, u + top, v + left, c), by=steps)
            n -= len(image)
        return None

    def _is_forward(self, array, number):
        if symbol(number.source).partition("[")[0] in SAME:
            return True
        address = _address(array, number.index)
        return any(place.index(address) is not None for place in self._forward) or any(
            _same(place.array, array) for place in self._forward
        )

    def _from_above(self, record, array, number):
        """Return the entry of the layer's delta that an entry of `delta` inside it is."""
        call = self.recording.call(record.steps, "backward")
        (given, *_), _ = call.held
        address = _address(array, number.index)
        found = _Place(given).index(address)
        if found is not None:
            return "delta", record.steps, found
        layer = self.recording.layer(record.steps)
        if isinstance(layer, RNN | LSTM | GRU) and symbol(number.source) == "delta[t]":
            places = time_first(np.arange(given.size).reshape(given.shape), layer.reverse)
            place = places[(record.loops["t"], *number.index)]
            return "delta", record.steps, _at(place, given.shape)
        if _same(given, array):
            place = np.ravel_multi_index(number.index, array.shape)
            return "delta", record.steps, _at(place, given.shape)
        return ("given",) if not number.value else None  # what a loop began with: zeros


class _Place:
    """Where in memory the entries of an array lie."""

    def __init__(self, array):
        self.array = array if isinstance(array, np.ndarray) and array.size else None
        if self.array is not None:
            self.low, self.high = np.lib.array_utils.byte_bounds(self.array)

    def index(self, address):
        """Return which entry lies at an address, or None."""
        array = self.array
        if array is None or not self.low <= address < self.high:
            return None
        offsets = np.array(array.__array_interface__["data"][0])
        for n, stride in zip(array.shape, array.strides, strict=True):
            offsets = offsets[..., np.newaxis] + np.arange(n) * stride
        found = np.argwhere(offsets == address)
        return tuple(map(int, found[0])) if len(found) else None


def _same(one, other):
    """Return whether two arrays hold the same numbers in the same order: a copy, or reshaped."""
    return one is not None and one.size == other.size and one.tobytes() == other.tobytes()


def _at(place, shape):
    return tuple(map(int, np.unravel_index(place, shape)))


def _address(array, index):
    start = array.__array_interface__["data"][0]
    return start + sum(i * stride for i, stride in zip(index, array.strides, strict=True))


def _arrays(nest):
    """Yield the arrays in a nest of tuples, lists and dicts."""
    if isinstance(nest, np.ndarray):
        yield nest
    elif isinstance(nest, tuple | list | dict):
        for one in nest.values() if isinstance(nest, dict) else nest:
            yield from _arrays(one)


def _is_delta(source):
    """Return whether a name is that of a gradient: `delta`, or `d` and a name."""
    name = symbol(source).partition("[")[0]
    return name == "delta" or (name[:1] == "d" and name not in ("d", "dtype") and len(name) > 1)
