"""A network as a table: shapes, parameters, work and memory of every layer."""

import numpy as np

from .errors import batch_of


def summary(net):
    """Return the table of a built network as text.

    The multiply-adds are those of `forward` for one example. The cache is what one example's
    `forward` keeps for `backward`, in bytes, as counted in a pass over zeros: a layer that keeps
    its input keeps the output of the layer before it, and an array that two layers keep counts
    once.
    """
    inputs = [
        np.zeros((1, *shape), np.int64 if i in net.integer_inputs else net.dtype)
        for i, shape in enumerate(net.in_shapes)
    ]
    averages = net.averages
    _, caches = net.forward(*inputs)
    net.averages = averages
    seen = {id(array) for array in (*map(_owner, net.params.values()), *inputs)}
    rows = [("", "layer", "reads", "output", "parameters", "multiply-adds", "cache")]
    counted = set()
    for number, ((layer, reads), cache) in enumerate(zip(net.steps, caches, strict=True)):
        out_shape = net.shapes[net.inputs + number]
        work = layer.multiply_adds(*(net.shapes[i] for i in reads))
        shared = id(layer) in counted
        counted.add(id(layer))
        size = 0 if shared else layer.param_count
        name = f"{layer!r}, shared" if shared else repr(layer)
        read = ", ".join(map(str, reads))
        numbers = (size, work, _bytes(cache, seen))
        rows.append((str(number), name, read, batch_of(out_shape), *numbers))
    return _table(rows, chain=net.is_chain)


def _table(rows, chain):
    if chain:
        rows = [row[:2] + row[3:] for row in rows]
    header, *body = rows
    words = len(header) - 3
    totals = [sum(column) for column in zip(*(row[words:] for row in body), strict=True)]
    body.append(("", "total", *[""] * (words - 2), *totals))
    rows = [header, *((*row[:words], *(f"{n:,}" for n in row[words:])) for row in body)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(w) for cell, w in zip(row[:words], widths, strict=False)]
        cells += [cell.rjust(w) for cell, w in zip(row[words:], widths[words:], strict=True)]
        lines.append("  ".join(cells))
    return "\n".join([*lines[:-1], "-" * len(lines[0]), lines[-1]])


def _bytes(cache, seen):
    """Return the bytes of the arrays in `cache` that are not in `seen`, and put them there."""
    if isinstance(cache, tuple | list):
        return sum(_bytes(part, seen) for part in cache)
    if not isinstance(cache, np.ndarray) or id(_owner(cache)) in seen:
        return 0
    seen.add(id(_owner(cache)))
    return _owner(cache).nbytes


def _owner(array):
    """Return the array that owns the memory of `array`."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
