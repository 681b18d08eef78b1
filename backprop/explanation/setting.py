"""What all writers of a page decide alike: what is written out, and where a line is broken."""

import dataclasses

import numpy as np

from .chapters import chapters
from .derivation import equations_of
from .prose import WIDTH
from .styles import Text, is_small
from .terms import Term

INDENT = " " * 7
ROOM = WIDTH - len(INDENT) - 2
"""How wide a formula can be, behind its equals sign."""


@dataclasses.dataclass(frozen=True)
class Note:
    """A remark."""

    text: str


OF_LINES = "The numbers are those of the NumPy lines; compiled kernels may round otherwise."


def remarks(recording):
    """Yield what stands at the foot of a page about all its numbers, if anything."""
    if recording.left_out:
        yield Note(OF_LINES)


class Writer:
    """What both writers decide alike: what is written out, and where a formula is broken."""

    def __init__(self, digits, small):
        self.text, self.short = Text(digits, small), Text(digits, 0)

    def page(self, items):
        """Return all items, one below the other."""
        return "\n".join(getattr(self, kind_of(item))(item) for item in items) + "\n"

    def fits(self, value):
        """Return whether an array is written out: if it is small, and no wider than a line."""
        if not is_small(value, self.text.small):
            return False
        return self.text.value(value).width <= ROOM - len(shape_of(value))

    def broken(self, draw, head="= "):
        """Return what `draw` draws in pieces, in lines: (piece, whether it is too wide).

        A piece is its number. Lines are broken where plain text behind `head` has no more room.
        """
        lines, used, room = [], 0, ROOM + 2 - len(head)
        for k, (full, short) in enumerate(zip(draw(self.text), draw(self.short), strict=True)):
            wide = full.width > ROOM
            width = (short if wide else full).width
            if not lines or used + width > room:
                lines.append([])
                used = 0
            lines[-1].append((k, wide))
            used += width
        return lines


def equation_of(record):
    """Return the equation that a record's line carries out."""
    chapter = next(one for one in chapters(record.line.file) if one.name == record.chapter)
    return equations_of(chapter)[record.tag]


def summed(item, style):
    """Return the terms of a sum in pieces, all but the first with a plus sign."""
    shown = [
        style.value(term) if is_small(term, style.small) else style.symbol("term", np.shape(term))
        for term in item.terms
    ]
    return [shown[0], *(style.beside(style.words(" + "), one) for one in shown[1:])]


def dense(value):
    """Return a sparse matrix as an array, anything else as it is."""
    return value.toarray() if hasattr(value, "toarray") else value


def ways_of(term):
    """Return how a formula is spelled, with values or not: both ways, if it is more than a name."""
    return () if term is None else (False, True) if isinstance(term, Term) else (False,)


def shape_of(value):
    """Return the text of an array's shape; nothing for a number."""
    return str(np.shape(value)) if np.ndim(value) else ""


def kind_of(item):
    """Return the name of the method that writes an item."""
    return type(item).__name__.lower()
