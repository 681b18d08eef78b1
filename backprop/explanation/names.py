"""What a reader calls an entry: layer, name and place, as in "2.W[3,1]"."""

import dataclasses
import re

from ..errors import expects
from .formula import symbol

NAME = re.compile(r"(loss|\d+(?:\.\d+)*)\.(\w+)(?:\[\s*(\d+)\s*\])?\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]")


@dataclasses.dataclass(frozen=True)
class Name:
    """An entry's name, taken apart."""

    text: str
    steps: tuple[int, ...]
    """The numbers of the layer; none for the loss."""
    name: str
    count: int | None
    """Which round of a loop is meant: "0.da_i[4][0,1]" is of round 4."""
    index: tuple[int, ...]


def parsed(text) -> Name | None:
    """Return the parts of a name, or None if it is no name."""
    match = NAME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    layer, name, count, index = match.groups()
    steps = () if layer == "loss" else tuple(map(int, layer.split(".")))
    place = tuple(int(n) for n in index.split(","))
    return Name(text, steps, name, None if count is None else int(count), place)


def checked(argument, text, index, shape):
    """Return an index into `shape`, a last axis of length 1 left out or not; or raise."""
    if len(index) == len(shape) - 1 and shape[-1:] == (1,):
        index = (*index, 0)
    if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
        raise expects("explain", f"{argument}= to be an entry of shape {shape}", repr(text))
    return index


def listed(index):
    """Return an index in brackets; nothing for a single number's."""
    return f"[{','.join(map(str, index))}]" if index else ""


def symbol_of(record, source):
    """Return the symbol of an operand or of a result, its counters as numbers: `h[t]` is h[2].

    In the first of several parts of a batch an entry is counted as in the whole.
    """
    source = source.replace("[part]", "") if record.round == 1 else source
    name, bracket, inner = symbol(source).partition("[")
    for counter, value in record.loops.items():
        inner = re.sub(rf"\b{counter}\b", str(value), inner)
    if len(inner) < 14:
        return name + bracket + inner
    return f"{name}(k={record.loops['k']})" if "k" in record.loops else name
