"""What an author printed, beside what this package computes: a table, a verdict on every row."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import numpy as np

from ..errors import expects

HEADER = ("quantity", "published", "ours", "difference", "")
ROUNDING = 1e-12
"""No number is held to more than this share of its size: beyond lies the order of the sums."""
COMPUTED = "computed, not printed by the author"
TWO_WAYS = "two ways of this package, which have to agree"
GAP = 2
"""Blanks between the columns of a table."""
SHOWN, DIGITS = 2, 10
"""So many entries of an array, and digits of each, are shown; more of them were compared."""


@dataclass(frozen=True)
class Classic:
    """Who, when and what. Every file of this package that holds a system has one."""

    author: str
    year: int
    title: str
    seconds: float = 1
    """How long `reproduce()` takes, about, on two cores, without MNIST."""
    needs_mnist: bool = False
    """Whether `reproduce(mnist=FOLDER)` does more than `reproduce()`."""

    @property
    def described(self):
        """Author, year and title."""
        return f"{self.author} ({self.year}). {self.title}"


@dataclass(frozen=True)
class Row:
    """One quantity. `ok` is None where nothing is asserted, and then `remark` says why."""

    quantity: str
    published: str
    ours: str
    difference: str
    ok: bool | None
    remark: str = ""


class Reproduction:
    """The rows of one classic. It is true when every number that is asserted agrees.

    A function `reproduce()` makes one and adds a row for every quantity:

        table = Reproduction(CLASSIC)
        table.number("error before", "0.298371109", loss)  # to the last printed digit
        table.band("solved, of 12 seeds", 7, 11, solved)   # where chance has a part
        table.claim("patterns right", "4 of 4", f"{right} of 4")

    Not every number was printed by an author. A row says in `remark` where what stands in the
    column "published" comes from otherwise: `COMPUTED` by an independent program, `TWO_WAYS` of
    this package, or whatever else it is.

    * `rows`: the rows so far.
    * `picture`: None, or a function without arguments that returns a figure.
    """

    def __init__(self, classic, /):
        self.classic = classic
        self.rows: list[Row] = []
        self.picture: Callable[[], Any] | None = None

    def number(self, quantity, published, ours, /, *, computed=False, remark="", tolerance=None):
        """Add a number, or an array of them, that has to agree.

        Args:
            quantity: its name.
            published: the digits as printed, in a string, numbers apart by spaces; or numbers. Each
                number of `ours` may be one unit away in the last digit, which may have been rounded
                or cut; a whole number has to be met exactly. A difference of 1e-12 of its size is
                rounding and is always let through.
            ours: number or array, with as many entries as `published`.
            computed: short for `remark=COMPUTED`.
            remark: where `published` comes from, if not from the author.
            tolerance: the largest absolute difference, instead of the unit in the last digit.

        Raises:
            ValueError: there are more or fewer numbers on one side.
        """
        texts = _texts(published)
        found = np.ravel(np.asarray(ours, dtype=np.float64))
        if len(texts) != found.size:
            raise expects(f"the row {quantity!r}", f"{len(texts)} numbers", found.size)
        values = np.array([float(text) for text in texts])
        allowed = np.array([_unit(text) for text in texts]) if tolerance is None else tolerance
        difference = np.abs(found - values)
        ok = bool((difference <= np.maximum(allowed, ROUNDING * np.abs(values))).all())
        shown = (_entries(texts), _entries([f"{value:.{DIGITS}g}" for value in found]))
        remark = COMPUTED if computed else remark
        self._add(quantity, *shown, f"{difference.max(initial=0):.1e}", ok, remark)

    def band(self, quantity, low, high, ours, /, *, published=None, remark=""):
        """Add a number that depends on chance and has to lie from `low` to `high`, bounds included.

        `published` is what the author saw, as text, where that is not the band itself; `remark` as
        in `number`.
        """
        band = f"{low:g} to {high:g}"
        ok = bool(low <= ours <= high)
        remark = "; ".join(filter(None, [f"asserted: {band}" if published else "", remark]))
        self._add(quantity, published or band, f"{ours:.6g}", "" if ok else "outside", ok, remark)

    def claim(self, quantity, published, ours, /, *, remark=""):
        """Add a statement: `ours` has to be equal to `published`; `remark` as in `number`."""
        ok = bool(published == ours)
        self._add(quantity, str(published), str(ours), "" if ok else "differs", ok, remark)

    def told(self, quantity, published, ours, /, why):
        """Add what is shown and not asserted, with the reason: chance, or it was not reproduced."""
        shown = f"{ours:.6g}" if isinstance(ours, float) else str(ours)
        self._add(quantity, str(published), shown, "", None, why)

    def _add(self, *cells):
        self.rows.append(Row(*cells))

    def __bool__(self):
        """Whether every row that asserts something holds."""
        return all(row.ok is not False for row in self.rows)

    def assert_ok(self):
        """Raise AssertionError with the table as its message unless all of it is reproduced."""
        __tracebackhide__ = True
        if not self:
            raise AssertionError(str(self))

    @property
    def title(self):
        """Author, year and title."""
        return self.classic.described

    @property
    def outcome(self):
        """How many of the asserted rows hold, in one line."""
        asserted = [row for row in self.rows if row.ok is not None]
        told = len(self.rows) - len(asserted)
        rest = f"; {told} told, not asserted" if told else ""
        return f"{sum(bool(row.ok) for row in asserted)} of {len(asserted)} agree{rest}"

    def cells(self):
        """Return the table as rows of text, the header first, and the remarks, numbered."""
        remarks = list(dict.fromkeys(row.remark for row in self.rows if row.remark))
        body = []
        for row in self.rows:
            mark = f"[{remarks.index(row.remark) + 1}]" if row.remark else ""
            verdict = " ".join(filter(None, ["WRONG" if row.ok is False else "", mark]))
            body.append((row.quantity, row.published, row.ours, row.difference, verdict))
        return [HEADER, *body], [f"[{i}] {remark}" for i, remark in enumerate(remarks, start=1)]

    def text(self, columns=None):
        """Return title, table, remarks and outcome as text, wrapped to so many columns if given."""
        rows, remarks = self.cells()
        widths = _narrowed(rows, columns)
        lines = [line for row in rows for line in _lines(row, widths)]
        if columns is not None:
            remarks = [textwrap.fill(each, columns, subsequent_indent="    ") for each in remarks]
        return "\n".join([self.title, "", *lines, *remarks, self.outcome])

    def __str__(self):
        """Show title, table, remarks and outcome as text."""
        return self.text()

    __repr__ = __str__

    def markdown(self):
        """Return the same as Markdown, under a heading."""
        (header, *body), remarks = self.cells()
        lines = [f"## {self.title}", "", _line(header), _line(["---"] * len(header))]
        lines += [*map(_line, body), "", *(f"{remark}  " for remark in remarks)]
        return "\n".join([*lines, "", f"{self.outcome}.", ""])

    _repr_markdown_ = markdown  # a notebook shows a table


def _narrowed(rows, columns):
    """Return the widths of a table's columns: the widest made narrower while they have no room.

    None gets narrower than its longest word.
    """
    cells = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in cells]
    longest = [max(map(len, " ".join(column).split()), default=0) for column in cells]
    while columns is not None and sum(widths) + GAP * (len(widths) - 1) > columns:
        wide = [n for n, width in enumerate(widths) if width > longest[n]]
        if not wide:
            break
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _lines(row, widths):
    """Return the lines of one row of the table: more than one where a cell has to be wrapped."""
    cells = [
        textwrap.wrap(cell, width, break_on_hyphens=False) if len(cell) > width else [cell]
        for cell, width in zip(row, widths, strict=True)
    ]
    gap = " " * GAP
    wrapped = zip_longest(*cells, fillvalue="")
    return [gap.join(map(str.ljust, line, widths)).rstrip() for line in wrapped]


def _line(cells):
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _texts(published):
    """Return the printed numbers, each as the text that it was printed as."""
    if isinstance(published, str):
        return published.split()
    if isinstance(published, float):
        return [f"{published:.16e}"]  # all its digits count, also those of 1.0
    if isinstance(published, int):
        return [str(published)]
    return [text for each in published for text in _texts(each)]


def _unit(text):
    """Return one unit in the last printed digit; 0 for a whole number."""
    exponent = int(Decimal(text).as_tuple().exponent)
    return 0.0 if exponent >= 0 else 10.0**exponent * (1 + 1e-9)


def _entries(texts):
    """Return the first numbers; one with more digits than are shown is rounded."""
    shown = " ".join(
        text if len(text) <= DIGITS + 4 else f"{float(text):.{DIGITS}g}" for text in texts[:SHOWN]
    )
    return shown if len(texts) <= SHOWN else f"{shown} ... ({len(texts)})"
