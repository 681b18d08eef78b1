"""What a gradient check found, as a table."""

import html
import json
from dataclasses import asdict, dataclass

import numpy as np

from .comparison import VERDICTS, Comparison

COLOURS = {
    "ok": "inherit",
    "undefined here": "#57606a",
    "cannot tell": "#9a6700",
    "wrong": "#cf222e",
}
HEADER = (
    "tensor",
    "shape",
    "checked",
    "complex step",
    "differences",
    "float32",
    "worst entry",
    "gradient",
    "estimate",
    "verdict",
)


@dataclass(frozen=True)
class Diagnosis:
    """A known mistake that explains a wrong gradient."""

    kind: str
    """What the mistake is called, such as `"kernel not rotated"`."""
    tensor: str
    """Whose gradient it explains."""
    evidence: str
    """How one can tell."""

    def __str__(self):
        return f"{self.tensor}: {self.kind}. {self.evidence}"


class Report:
    """The outcome of a gradient check: findings about the passes, and a row for each tensor.

    It is true when the passes are pure and every gradient is right wherever there is one. `str` and
    notebooks show it as a table, `plot` draws it, `to_json` writes it.

    * `findings`: what the passes do that they must not, found before any number was compared.
    * `comparisons`: the numbers, a `Comparison` for each tensor; `report["W"]` is that of `W`.
    * `diagnoses`: the known mistakes that explain what is wrong.
    * `smallest`: the smallest input found that still fails, a `Smallest`.
    """

    def __init__(self, subject, findings, comparisons):
        self.name = subject.name
        self.taken_for = subject.taken_for
        self.findings = list(findings)
        self.comparisons: list[Comparison] = list(comparisons)
        self.diagnoses: list[Diagnosis] = []
        self.smallest = None
        layers = getattr(subject.thing, "layers", None)
        self.advice = (
            "check the layers one by one: alone each is easier to explain" if layers else ""
        )
        self.explained = False
        """Whether an explanation was looked for."""

    def __bool__(self):
        """Whether everything is right."""
        return self.verdict in VERDICTS[:2]

    @property
    def verdict(self):
        """The worst verdict of all: `"wrong"` too if a pass does what it must not."""
        if any(finding.serious for finding in self.findings):
            return "wrong"
        if not self.comparisons:
            return "cannot tell"
        return max((row.verdict for row in self.comparisons), key=VERDICTS.index)

    def __getitem__(self, name):
        """Return the Comparison of the tensor `name`."""
        return next(row for row in self.comparisons if row.name == name)

    def worst(self):
        """Return the Comparison with the worst verdict and, among those, the largest error."""
        return max(self.comparisons, key=lambda row: (VERDICTS.index(row.verdict), _error_of(row)))

    def assert_ok(self):
        """Raise AssertionError with the table as its message unless everything is right."""
        __tracebackhide__ = True  # pytest then shows the line of the test
        if not self:
            raise AssertionError(str(self))

    def rows(self):
        """Return the table's rows as tuples of text, the header first."""
        return [HEADER, *map(_row, self.comparisons)]

    def notes(self):
        """Return the sentences under the table."""
        notes = [f"{row.name}: {row.reason}" for row in self.comparisons if row.reason]
        notes += [f"diagnosis: {each}" for each in self.diagnoses]
        explained = {name for each in self.diagnoses for name in each.tensor.split(", ")}
        notes += [
            f"{row.name}: no mistake of the catalogue gives these numbers"
            + (f"; they are {row.where}" if row.where else "")
            for row in self.comparisons
            if row.verdict == "wrong" and row.name not in explained and self.explained
        ]
        if any(row.verdict == "wrong" and row.name not in explained for row in self.comparisons):
            notes += [self.advice] if self.advice else []
        notes += [
            f"{row.name}: in float32 the gradient holds NaN or infinity"
            for row in self.comparisons
            if row.float32_error is not None and not np.isfinite(row.float32_error)
        ]
        asleep = [row.name for row in self.comparisons if not row.of_checked.any()]
        if len(asleep) == len(self.comparisons) > 0:
            notes.append("every gradient is 0 for these inputs: little was tested")
        return notes + ([f"smallest input that fails: {self.smallest}"] if self.smallest else [])

    def __str__(self):
        """Show the table as text."""
        lines = [self.title, *map(str, self.findings)]
        if self.comparisons:
            rows = self.rows()
            widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
            lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, *self.notes()])

    __repr__ = __str__

    def _repr_html_(self):
        text = lambda words: f"<p>{html.escape(str(words))}</p>"  # noqa: E731
        head = "".join(f"<th>{cell}</th>" for cell in HEADER)
        cells = "".join(
            f'<tr style="color:{COLOURS[row[-1]]}">'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            + "</tr>"
            for row in self.rows()[1:]
        )
        table = f"<table><tr>{head}</tr>{cells}</table>" if cells else ""
        above = "".join(map(text, [self.title, *self.findings]))
        below = "".join(f"<pre>{html.escape(note)}</pre>" for note in self.notes())
        return above + table + below

    def plot(self):
        """Draw each gradient against its estimate, and where they differ; return the figure."""
        from .pictures import draw

        return draw(self)

    def as_dict(self):
        """Return everything as plain values, which JSON can hold."""
        return {
            "name": self.name,
            "taken_for": self.taken_for,
            "verdict": self.verdict,
            "findings": [asdict(finding) for finding in self.findings],
            "tensors": [_plain(row) for row in self.comparisons],
            "diagnoses": [asdict(each) for each in self.diagnoses],
            "smallest": None if self.smallest is None else str(self.smallest),
        }

    def to_json(self, path=None):
        """Return the report as JSON; write it to `path` if one is given."""
        text = json.dumps(self.as_dict(), indent=2)
        if path is not None:
            with open(path, "w", encoding="utf8") as file:
                file.write(text + "\n")
        return text

    @property
    def title(self):
        """The outcome in one line."""
        counts = {v: sum(r.verdict == v for r in self.comparisons) for v in VERDICTS}
        parts = [f"{counts[v]} {v}" for v in ("wrong", "cannot tell") if counts[v]]
        serious = sum(finding.serious for finding in self.findings)
        if serious:
            parts.insert(0, f"{serious} finding{'s' if serious > 1 else ''}")
        if not parts:
            kinks = sum(int(row.kinks.sum()) for row in self.comparisons)
            entries = "1 entry" if kinks == 1 else f"{kinks} entries"
            rest = f" wherever there is one; undefined at {entries}" if kinks else ""
            parts = [f"every gradient is right{rest}"] if self.comparisons else ["nothing to check"]
        return f"{self.name}, taken for {self.taken_for}: {', '.join(parts)}"


def _error_of(row):
    return row.central_error if row.complex_error is None else row.complex_error


def _row(row):
    index = row.worst
    value, estimate, *_ = row.at(index)
    exact = "not possible" if row.complex_ is None else f"{row.complex_error:.1e}"
    if row.complex_void:
        exact = "void"
    return (
        row.name,
        str(row.shape),
        f"{len(row.checked)} of {row.analytic.size}",
        exact,
        f"{row.central_error:.1e}",
        "-" if row.float32_error is None else f"{row.float32_error:.0e}",
        f"[{', '.join(map(str, index))}]",
        f"{value + 0:.6g}",
        f"{estimate + 0:.6g}",
        row.verdict,
    )


def _plain(row):
    value, estimate, left, right = row.at(row.worst)
    return {
        "name": row.name,
        "shape": list(row.shape),
        "checked": len(row.checked),
        "complex_error": None if row.complex_error is None else _number(row.complex_error),
        "central_error": _number(row.central_error),
        "float32_error": None if row.float32_error is None else _number(row.float32_error),
        "worst": {
            "index": list(row.worst),
            "gradient": _number(value),
            "estimate": _number(estimate),
            "left": _number(left),
            "right": _number(right),
        },
        "kinks": int(row.kinks.sum()),
        "verdict": row.verdict,
        "reason": row.reason,
    }


def _number(value):
    """Return a float as JSON can hold it: NaN and infinity have no form there."""
    return float(value) if np.isfinite(value) else str(value)
