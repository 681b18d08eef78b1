"""Entries that stand taken apart below the line that made them: picked ones, or the largest."""

import dataclasses
from typing import Any

import numpy as np

from ..errors import expects
from ..network import Network
from .calls import was_written
from .entries import entry
from .formula import symbol
from .links import Links
from .names import checked, listed, parsed, symbol_of
from .recurrent import of_input, of_parameter
from .styles import is_small
from .terms import Number, Term, agree


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """A number: how it is computed, and by which line."""

    symbol: str
    value: Any
    term: Any = None
    """The formula, Numbers and Terms; None where there is none, or it cannot be taken apart."""
    record: Any = None


@dataclasses.dataclass(frozen=True)
class Entries:
    """Entries that are taken apart, one below the other."""

    entries: tuple[Entry, ...]


def largest_of(run, record, small):
    """Return the entry of largest size of a line's result, in a list; none if it is written out."""
    value = record.value
    if not isinstance(value, np.ndarray) or is_small(value, small) or not value.any():
        return []
    index = np.unravel_index(np.argmax(np.nan_to_num(np.abs(value))), value.shape)
    index = tuple(map(int, index))
    name = symbol_of(record, record.name) if record.name else "delta"
    return [_of_line(run, record, index, name + listed(index))]


def _of_line(run, record, index, name):
    value = record.value[index] if index else record.value
    return Entry(name, value, _formula(run, record, index, value), record)


def _formula(run, record, index, value):
    """Return the formula of a line's entry, None if it cannot be taken apart."""
    try:
        term = entry(record, index, run.layer(record.steps))
        agree(record, term, value)
    except NotImplementedError:
        return None
    return term


class Picker:
    """Finds the entries that a reader names.

    A name is a layer's number, or `loss`; what is meant of it; and the place in that array:

        "0.y[0,3,2,1]"      what layer 0 makes, "0.x[...]" what it reads
        "3.delta[0,7]"      the delta that layer 3 is given, "3.dx[...]" the one it hands down
        "0.dW[1,2,0,3]"     the gradient of a parameter, "0.W[...]" the parameter
        "0.a[2,0,5]"        the result of any line, under its name on the page
        "0.da_i[4][0,1]"    the same, where a loop has rounds: that of round 4

    Args:
        recording: one example's passes.
    """

    def __init__(self, recording):
        self.run, self._links = recording, Links(recording)

    def picked(self, text):
        """Return the entry of that name, or raise ValueError."""
        name = parsed(text)
        if name is None:
            what = 'pick= to hold names like "0.y[0,3,2,1]" or "3.delta[0,7]"'
            raise expects("explain", what, repr(text))
        try:
            self.run.layer(name.steps)
        except (IndexError, TypeError):
            what = f"pick= to name one of the layers 0 to {len(self.run.net) - 1}, or loss"
            raise expects("explain", what, repr(text)) from None
        arrays = self._arrays(name.steps)
        if name.name in arrays and name.count is None:
            array, phase, position = arrays[name.name]
            index = checked("pick", text, name.index, np.shape(array))
            return self._entry(name, array, phase, position, index)
        record = self._line(name, arrays)
        index = checked("pick", text, name.index, record.shape)
        return _of_line(self.run, record, index, self._symbol(name, index))

    def _arrays(self, steps):
        """Return what has a name at a layer: (array, pass, which input it belongs to)."""
        run = self.run
        if not steps:
            return {"y": (run.y, "loss", 0), "delta": (run.delta, "loss", 0)}
        (xs, (y, _)), ((delta, *_), (dx, grads)) = (
            run.call(steps, phase).held for phase in ("forward", "backward")
        )
        params, dxs = run.layer(steps).params, dx if isinstance(dx, tuple) else (dx,)
        arrays = {name: (value, "given", 0) for name, value in params.items()}
        arrays |= {f"d{name}": (value, "backward", 0) for name, value in grads.items()}
        for phase, sign, many in (("forward", "x", xs), ("backward", "dx", dxs)):
            for k, one in enumerate(many):
                if one is not None:
                    arrays[f"{sign}{k}" if len(many) > 1 else sign] = (one, phase, k)
        arrays |= {"y": (y, "forward", 0), "delta": (delta, "backward", 0)}
        return {name: found for name, found in arrays.items() if "." not in name}

    def _line(self, name, arrays):
        """Return the line whose result has that name."""
        phases = ("forward", "backward") if name.steps else ("loss",)
        lines = [
            record
            for record in self.run.records
            if record.steps == name.steps and record.phase in phases and not record.inner
        ]
        found = [one for one in lines if symbol(one.name).partition("[")[0] == name.name]
        if not found:
            names = {symbol(one.name).partition("[")[0]: None for one in lines if one.name}
            known = ", ".join(dict.fromkeys([*arrays, *names]))
            where = f"layer {'.'.join(map(str, name.steps))}" if name.steps else "the loss"
            raise expects("explain", f"pick= to name one of {known} of {where}", repr(name.text))
        counts = [next(iter(one.loops.values()), None) for one in found]
        if name.count in counts:
            return found[counts.index(name.count)]
        known = ", ".join(map(str, sorted(n for n in counts if n is not None)))
        what = f"pick= to name a round of {known}, as in {_with_count(name, counts[0])!r}"
        what = what if known else f"pick= without a round, as in {_with_count(name, None)!r}"
        raise expects("explain", what, repr(name.text))

    def _entry(self, name, array, phase, position, index):
        """Return an entry of what a layer is given or hands on, by the line that made it."""
        value = array[index] if index else array
        title = self._symbol(name, index)
        made = None if phase == "given" else self._made(name, array, phase, position, index)
        if made is None:
            return Entry(title, value, self._sum_of_readers(name, array, index))
        record, at = made
        return Entry(title, value, _formula(self.run, record, at, value), record)

    def _made(self, name, array, phase, position, index):
        run, steps = self.run, name.steps
        made = self._links.maker(array, index, by=steps, phase=phase) if np.ndim(array) else None
        while made is not None and not was_written(*made):
            record, at = made
            made = self._links.maker(record.held[record.name], at, before=record)
        if made is None and phase == "backward" and not isinstance(run.layer(steps), Network):
            made = of_parameter(run, steps, array.shape, index)
            if name.name.startswith("dx"):
                sums = of_input(run, steps, position, index)
                made = made or (sums[0] if len(sums) == 1 else None)
                made = made or (self._links.uncropped(steps, index) if array.ndim == 4 else None)
        if made is None or made[0].inner or not _equal(made[0].value, made[1], array[index]):
            return None
        return made

    def _sum_of_readers(self, name, array, index):
        """Return the sum that a delta with several readers is, None if it has one."""
        if name.name != "delta" or not name.steps:
            return None
        *prefix, number = name.steps
        terms = self.run.handed(tuple(prefix), self.run.network(prefix).inputs + number)
        numbers = [Number(f"dx{listed(index)}", term[index]) for term in terms]
        return Term("+", tuple(numbers)) if len(numbers) > 1 else None

    def _symbol(self, name, index):
        count = "" if name.count is None else f"[{name.count}]"
        return f"{name.name}{count}{listed(index)}"


def _with_count(name, count):
    layer = ".".join(map(str, name.steps)) or "loss"
    return f"{layer}.{name.name}{'' if count is None else f'[{count}]'}{listed(name.index)}"


def _equal(value, index, number):
    return value[index].tobytes() == number.tobytes()
