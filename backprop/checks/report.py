"""What a gradient check found, as a table."""

import dataclasses
import html

import numpy as np

CENTRAL_TOLERANCE = 1e-7
COMPLEX_TOLERANCE = 1e-12


@dataclasses.dataclass
class Comparison:
    """One tensor's gradient against its estimates.

    Errors are the largest difference of an entry, relative to the largest entry of the tensor. A
    tensor whose gradient is all but zero is measured against a thousandth of `size` instead, the
    size of the numbers it was computed from: its rounding errors are of theirs.
    """

    name: str
    analytic: np.ndarray
    central: np.ndarray
    complex_: np.ndarray | None
    size: float

    @property
    def best(self):
        """The better of the two estimates: the complex step, if the code let it pass."""
        return self.central if self.complex_ is None else self.complex_

    @property
    def central_error(self):
        """Relative error against central differences."""
        return self._error(self.central, self.analytic)

    @property
    def complex_error(self):
        """Relative error against the complex step; None if the code lets no complex number pass."""
        return None if self.complex_ is None else self._error(self.complex_, self.analytic)

    @property
    def worst(self):
        """Index of the entry that differs most: from the better estimate, or if the verdict is
        `"unsure"` between the two estimates.
        """
        theirs = self.central if self.verdict == "unsure" else self.analytic
        flat = np.argmax(_differences(theirs, self.best))
        return tuple(int(i) for i in np.unravel_index(flat, self.analytic.shape))

    @property
    def verdict(self):
        """`"ok"`, `"wrong"`, or `"unsure"` where the two estimates contradict each other."""
        central_ok = self.central_error <= CENTRAL_TOLERANCE
        if self.complex_error is None:
            return "ok" if central_ok else "wrong"
        complex_ok = self.complex_error <= COMPLEX_TOLERANCE
        if complex_ok and central_ok:
            return "ok"
        # Of one mind with each other, the estimates are right. Else the function has a kink within
        # the step of the differences, or the code dropped an imaginary part.
        agree = self._error(self.central, self.complex_) <= CENTRAL_TOLERANCE
        return "wrong" if agree or not (complex_ok or central_ok) else "unsure"

    def _error(self, one, other):
        scale = max(_largest(one), _largest(other), 1e-3 * self.size)
        return _largest(_differences(one, other)) / scale


class Report:
    """The outcome of a gradient check: a table with one row for each tensor.

    `str` and notebooks show it, `bool` is true when every verdict is ok, `comparisons` holds the
    arrays themselves.
    """

    def __init__(self, name, comparisons):
        self.name = name
        self.comparisons = list(comparisons)

    def __bool__(self):
        """Whether every gradient is right."""
        return all(row.verdict == "ok" for row in self.comparisons)

    def __getitem__(self, name):
        """Return the Comparison of the tensor `name`."""
        return next(row for row in self.comparisons if row.name == name)

    @property
    def worst(self):
        """The Comparison with the worst verdict and, among those, the largest error."""
        order = ("ok", "unsure", "wrong")
        return max(self.comparisons, key=lambda row: (order.index(row.verdict), _error_of(row)))

    def assert_ok(self):
        """Raise AssertionError with the table as its message unless every gradient is right."""
        if not self:
            raise AssertionError(str(self))

    def rows(self):
        """Return the table's rows as tuples of text, the header first."""
        header = (
            "tensor",
            "entries",
            "complex step",
            "differences",
            "worst entry",
            "analytic",
            "estimate",
        )
        return [(*header, "verdict")] + [_row(row) for row in self.comparisons]

    def __str__(self):
        """Show the table as text."""
        rows = self.rows()
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([self._title(), *lines, *self._notes()])

    __repr__ = __str__

    def _repr_html_(self):
        header, *body = self.rows()
        head = "".join(f"<th>{cell}</th>" for cell in header)
        colours = {"ok": "inherit", "unsure": "#9a6700", "wrong": "#cf222e"}
        cells = "".join(
            f'<tr style="color:{colours[row[-1]]}">'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            + "</tr>"
            for row in body
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes())
        title = html.escape(self._title())
        return f"<p>{title}</p><table><tr>{head}</tr>{cells}</table>{notes}"

    def _title(self):
        counts = {v: sum(r.verdict == v for r in self.comparisons) for v in ("wrong", "unsure")}
        bad = ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
        return f"{self.name}: {bad or 'every gradient is right'}"

    def _notes(self):
        if all(row.verdict != "unsure" for row in self.comparisons):
            return []
        return [
            "unsure: the two estimates contradict each other. Either the function has a kink"
            " within the step of the differences (a ReLU at 0, a tied maximum), or the code drops"
            " imaginary parts (np.abs, np.var, a float buffer) and its complex step means nothing."
            " Of a kink one is rid by moving the inputs a little."
        ]


def _error_of(row):
    return row.central_error if row.complex_error is None else row.complex_error


def _row(row):
    i = row.worst
    complex_error = "not possible" if row.complex_error is None else f"{row.complex_error:.1e}"
    estimate = f"{row.best[i] + 0:.6g}"
    if row.verdict == "unsure":
        estimate += f" or {row.central[i] + 0:.6g}"
    numbers = (f"{row.analytic[i] + 0:.6g}", estimate)
    index = f"[{', '.join(map(str, i))}]"
    size = f"{row.analytic.size}"
    return (row.name, size, complex_error, f"{row.central_error:.1e}", index, *numbers, row.verdict)


def _largest(a):
    return float(np.max(np.abs(a), initial=0))


def _differences(a, b):
    """Return |a - b|, infinite where either is not finite."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b)
    return np.where(np.isfinite(difference), difference, np.inf)
