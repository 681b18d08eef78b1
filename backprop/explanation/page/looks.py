"""How arrays look on the page: what their axes are called, and where a window slides over them."""

import math

import numpy as np

from ...layers.conv2d import Conv2D
from ...layers.gru import GRU
from ...layers.lstm import LSTM
from ...layers.pool import AvgPool, MaxPool
from ...layers.rnn import RNN
from .expression import geometry

IMAGE = ["example", "row", "column", "channel"]
WINDOWS = ["example", "window's row", "window's column", "row", "column", "channel"]


def looks(run, shape, name, record, layer):
    """Return the names of an array's axes, and how it is laid out, as far as known."""
    rank = len(shape)
    bare = name.removeprefix("d").partition("[")[0]
    weight = bare[:1] == "W" or bare == "kernel"
    if isinstance(layer, Conv2D | MaxPool | AvgPool):
        return _looks_by_window(run, shape, bare, record, layer)
    if weight and rank == 2:
        return {"axes": ["from unit", "to unit"]}
    recurrent = isinstance(layer, RNN | LSTM | GRU)
    first = "time" if recurrent and bare in ("a", "h", "c", "da", "s", "u", "du") else "example"
    names = {
        1: ["unit"],
        2: ["time" if recurrent and shape[:1] > (1,) else "example", "unit"],
        3: [first, "example" if first == "time" else "time", "unit"],
        4: IMAGE,
    }
    return {"axes": names.get(rank, [])}


def _looks_by_window(run, shape, bare, record, layer):
    """Return the same for a layer whose window slides over an image."""
    weights = np.shape(getattr(layer, "W", 0))
    axes = IMAGE if len(shape) == 4 else WINDOWS if len(shape) == 6 else []
    if bare in ("W", "kernel") and len(shape) == 2 and math.prod(weights) == math.prod(shape):
        viewed = ["row", "column", "channel", "filter"]
        return {"axes": ["place and channel", "filter"], "view": weights, "viewed": viewed}
    image = run.call(record.steps, "forward").given[0].shape
    window = geometry(layer, image)
    if window is None:
        return {"axes": axes}
    N, (OH, OW), channels = image[0], window["positions"], image[3:]
    if bare == "x" and math.prod(shape) == math.prod(image):
        return {"axes": axes, "role": "image"}
    if math.prod(shape) == math.prod((N, OH, OW, *window["size"], *channels)):
        return {"axes": axes or ["window", "place and channel"], "role": "windows"}
    if shape[:3] == (N, OH, OW):
        return {"axes": axes, "role": "positions"}
    if len(shape) == 2 and shape[0] == N * OH * OW:
        view = {"view": (N, OH, OW, shape[1]), "viewed": IMAGE}
        return {"axes": ["window", "channel"], **view, "role": "positions"}
    return {"axes": axes}


def axes_of_value(value):
    """Return the names of the axes of what layers hand to each other."""
    names = {2: ["example", "unit"], 3: ["example", "time", "unit"], 4: IMAGE}
    return {"axes": names.get(np.ndim(value), [])}


def window_of(run, record, layer, arrays):
    """Return what a layer's window slides over, to look at beside a line's own arrays, or None.

    It is the image, x or dx; beside the line that makes the whole of dx, it is delta.
    """
    if record.inner or not isinstance(layer, Conv2D | MaxPool | AvgPool):
        return None
    x = run.call(record.steps, "forward").given[0]
    window = geometry(layer, np.shape(x))
    if window is None:
        return None
    names = [record.name, *record.operands]
    symbol, shown = "x", x
    if record.phase == "backward" and any(name[:2] in ("dx", "dX") for name in names):
        delta, symbol = run.call(record.steps, "backward").given[0], "dx"
        shown = run.call(record.steps, "backward").returned
        if np.shape(record.value) == shown.shape:
            symbol, shown = "delta", delta
    won = _winner(run, record.steps)
    return {
        "symbol": symbol,
        "array": arrays.add(shown),
        "window": window,
        "winner": None if won is None else arrays.add(won),
        "pool": not layer.params,
        "role": "positions" if symbol == "delta" else "image",
        "axes": IMAGE,
    }


def _winner(run, steps):
    """Return which place won in every window of a pooling, None if none did."""
    where = (steps, "forward", "winner")
    found = [r.value for r in run.records if (r.steps, r.phase, r.name) == where]
    return found[-1] if found else None
