"""How closely two computations agree, as a table."""

import dataclasses

import numpy as np

BOUNDS = {"float64": 1e-12, "float32": 1e-5}
"""The largest relative difference allowed, by type, where a case gives no other."""
COLUMNS = ("y", "dx", "parameters")


def difference(ours, theirs):
    """Return the largest difference of an entry, relative to the largest entry of `theirs`.

    It is infinite where shapes differ, a number is not finite, or theirs are all zero and ours not.
    """
    ours, theirs = (np.asarray(each, np.float64) for each in (ours, theirs))
    if ours.shape != theirs.shape or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return float("inf")
    largest, scale = (float(np.max(np.abs(each), initial=0)) for each in (ours - theirs, theirs))
    if scale == 0:
        return float("inf") if largest else 0.0
    return largest / scale


@dataclasses.dataclass(frozen=True)
class Figure:
    """How far one tensor is from PyTorch's."""

    tensor: str
    """What it is of: `y`, `dx`, `dW`, ..."""
    column: str
    """Where the table counts it: `y`, `dx` or `parameters`."""
    dtype: str
    difference: float
    """As the function of that name has it."""
    bound: float
    reason: str = ""
    """Why the bound is not that of BOUNDS."""

    @property
    def ok(self):
        """Whether the difference keeps within its bound."""
        return self.difference <= self.bound  # false for NaN


@dataclasses.dataclass(frozen=True)
class Row:
    """One thing in one configuration."""

    kind: str
    """`layer`, `loss`, `penalty`, `optimizer`, `schedule` or `training`."""
    name: str
    configuration: str
    figures: tuple[Figure, ...]

    @property
    def ok(self):
        """Whether every tensor keeps within its bound."""
        return all(figure.ok for figure in self.figures)

    def largest(self, column, dtype):
        """Return the largest difference of a column in a type, or None if it has no tensor."""
        found = [f.difference for f in self.figures if (f.column, f.dtype) == (column, dtype)]
        return max(found, default=None)

    def exceptions(self):
        """Return `{(tensor, dtype): (bound, reason)}` of the bounds that are not the usual ones."""
        return {(f.tensor, f.dtype): (f.bound, f.reason) for f in self.figures if f.reason}


class Parity:
    """The outcome of a comparison: true when every difference keeps within its bound.

    `print` shows it as text and `markdown()` gives it as Markdown; `rows` holds the figures.
    """

    def __init__(self, rows, versions, notes):
        self.rows = list(rows)
        self.versions = versions
        """What was compared, in words: versions and threads."""
        self.notes = notes
        """`{name: (what PyTorch calls it, where its conventions differ)}`."""

    def __bool__(self):
        """Whether every difference keeps within its bound."""
        return all(row.ok for row in self.rows)

    def assert_ok(self):
        """Raise AssertionError naming what differs, unless nothing does."""
        wrong = [
            f"{row.name}, {row.configuration}: {f.tensor} in {f.dtype} differs by"
            f" {f.difference:.1e}, more than {f.bound:.0e}"
            for row in self.rows
            for f in row.figures
            if not f.ok
        ]
        if wrong:
            raise AssertionError("\n".join(wrong))

    def largest(self, kinds, dtype):
        """Return the largest difference of all rows of some kinds in a type."""
        rows = [row for row in self.rows if row.kind in kinds]
        return max(f.difference for row in rows for f in row.figures if f.dtype == dtype)

    def __str__(self):
        """Show the table as text."""
        body, reasons = self._body()
        parts = [self._title(), _text(body), *reasons, "", _text(self._conventions())]
        return "\n".join([*parts, self.versions])

    __repr__ = __str__

    def markdown(self):
        """Return the table as Markdown."""
        body, reasons = self._body()
        parts = [
            "# Parity with PyTorch",
            self._title(),
            _markdown(body, right=range(2, 8)),
            *reasons,
        ]
        return "\n\n".join([*parts, _markdown(self._conventions()), self.versions]) + "\n"

    def _title(self):
        wrong = sum(not row.ok for row in self.rows)
        usual = " and ".join(f"{bound:.0e} in {dtype}" for dtype, bound in BOUNDS.items())
        return (
            f"{len(self.rows)} comparisons with PyTorch, {wrong or 'none'} out of bounds."
            " Differences are the largest of an entry, relative to the largest entry of its"
            f" tensor; the bounds are {usual} where no other is given."
        )

    def _body(self):
        """Return the rows of the main table, header first, and the reasons it refers to."""
        header = ["", "configuration"]
        header += [f"{column}, {dtype}" for dtype in BOUNDS for column in COLUMNS]
        rows, reasons = [(*header, "bound")], []
        for row in self.rows:
            numbers = [row.largest(column, dtype) for dtype in BOUNDS for column in COLUMNS]
            cells = ["" if n is None else f"{n:.1e}" if n else "0" for n in numbers]
            bounds = []
            for (tensor, dtype), (bound, reason) in row.exceptions().items():
                if reason not in reasons:
                    reasons.append(reason)
                bounds.append(f"{tensor} {dtype} {bound:.0e} ({reasons.index(reason) + 1})")
            verdict = "" if row.ok else "OUT OF BOUNDS "
            rows.append((row.name, row.configuration, *cells, verdict + ", ".join(bounds)))
        return rows, [f"({n}) {reason}" for n, reason in enumerate(reasons, start=1)]

    def _conventions(self):
        shown = {row.name for row in self.rows}
        rows = [(name, *words) for name, words in self.notes.items() if name in shown]
        return [("", "in PyTorch", "how compared, and where its conventions differ"), *rows]


def _text(rows):
    rows = [[cell.replace("`", "") for cell in row] for row in rows]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def _markdown(rows, right=()):
    header, *body = rows
    rule = ["---:" if k in right else "---" for k in range(len(header))]
    marked = [(f"`{row[0]}`", *row[1:]) for row in body]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *marked))
