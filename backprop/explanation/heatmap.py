"""An array too large to be written out, as a map: a character for an entry or a block of them."""

import math

import numpy as np

SHADES = "·░▒▓█"
ASCII = ".:*#@"
ROWS, COLUMNS = 16, 32
"""How many cells a map has at most; a cell takes two characters, and 80 of them hold a row."""
PLANE = 16
"""How many pixels make an image that is shown as one."""


def heat_map(value, shades=SHADES):
    """Return the rows of a map: the numbers of rows and columns, signs and sizes, and a scale.

    Of more than two axes, one plane is shown, the one with the entry of largest size; where there
    are too many entries, a cell shows the one of largest size in its block.
    """
    value = np.real(np.asarray(value)).astype(float)
    matrix, where = _plane(value)
    steps = [math.ceil(n / most) for n, most in zip(matrix.shape, (ROWS, COLUMNS), strict=True)]
    cells = [
        [_largest(matrix[i : i + steps[0], j : j + steps[1]]) for j in _starts(matrix, steps, 1)]
        for i in _starts(matrix, steps, 0)
    ]
    most = max((abs(v) for row in cells for v in row if math.isfinite(v)), default=0.0)
    labels = [str(i) if value.ndim > 1 else "" for i in _starts(matrix, steps, 0)]
    width = max(map(len, labels))
    columns = "".join(f"{j:<8}" for j in list(_starts(matrix, steps, 1))[::4])
    rows = [f"{'':{width}}  {columns}".rstrip()]
    for label, row in zip(labels, cells, strict=True):
        rows.append(f"{label:>{width}} {''.join(_cell(v, most, shades) for v in row)}")
    return [*rows, _scale(most, shades), *_notes(where, steps)]


def _plane(value):
    """Return the matrix of an array that is shown, and its place if there are other ones."""
    if value.ndim < 2:
        return value.reshape(1, -1), ""
    axes = (value.ndim - 2, value.ndim - 1)
    if value.ndim > 3 and value.shape[1] * value.shape[2] >= PLANE:
        axes = (1, 2)
    at = np.unravel_index(np.argmax(_sizes(value)), value.shape)
    place = [slice(None) if axis in axes else int(i) for axis, i in enumerate(at)]
    shown = [":" if axis in axes else str(i) for axis, i in enumerate(place)]
    others = math.prod(value.shape) != math.prod(value.shape[axis] for axis in axes)
    return value[tuple(place)], f"[{','.join(shown)}]" if others else ""


def _sizes(value):
    return np.nan_to_num(np.abs(value), nan=np.inf)


def _starts(matrix, steps, axis):
    return range(0, matrix.shape[axis], steps[axis])


def _largest(block):
    return float(block.flat[np.argmax(_sizes(block))])


def _cell(value, most, shades):
    """Return a sign and a shade: none of the five for what is no finite number."""
    if not math.isfinite(value):
        return " ?"
    level = min(4, math.ceil(4 * abs(value) / most)) if value else 0
    return ("-" if value < 0 else " ") + shades[level]


def _scale(most, shades):
    sizes = "".join(f"   {shades[k]} to {k * most / 4:.3g}" for k in (1, 2, 3, 4))
    return f"{shades[0]} 0{sizes}   - negative"


def _notes(where, steps):
    """Return the remarks on what is shown of an array."""
    notes = [f"{where} alone, where the largest is"] if where else []
    if max(steps) > 1:
        notes.append(f"each cell the largest of {steps[0]} x {steps[1]} entries")
    return notes
