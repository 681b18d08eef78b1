"""What a benchmark returns: figures that print as a table, draw themselves and are written."""

import json
import os
import platform

import numpy as np

from ..atomic import write


class Measured:
    """The figures of one benchmark, and what they were measured on."""

    title = ""
    header: tuple[str, ...] = ()
    """The columns of the table; words stand left, and numbers right, from column `words` on."""
    words = 1

    def __init__(self, rows, settings, notes=()):
        self.rows = list(rows)
        """One dictionary for each row, as JSON has them: every figure, unrounded."""
        self.settings = settings
        """How it was measured: `{name: value}`."""
        self.notes = list(notes)
        """Lines under the table: what was left out, and why."""

    def cells(self):
        """Return the rows of the table as texts."""
        raise NotImplementedError

    def plot(self):
        """Return the Picture of the figures."""
        raise NotImplementedError

    def __str__(self):
        """Show the table as text."""
        rows = [self.header, *self.cells()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [self.title]
        for row in rows:
            padded = [
                cell.ljust(width) if k < self.words else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(padded).rstrip())
        return "\n".join([*lines, *self._remarks()])

    __repr__ = __str__

    def markdown(self):
        """Return the table as Markdown."""
        rule = ["---" if k < self.words else "---:" for k in range(len(self.header))]
        lines = [f"| {' | '.join(row)} |" for row in (self.header, rule, *self.cells())]
        return "\n\n".join([self.title, "\n".join(lines), *self._remarks()])

    def to_json(self):
        """Return everything as the text of a JSON object."""
        whole = {
            "title": self.title,
            "settings": self.settings,
            "rows": self.rows,
            "notes": self.notes,
        }
        return json.dumps(whole, indent=1)

    def save(self, json_path=None, plot_path=None):
        """Write the figures as JSON and the picture as .png, each if a path is given."""
        if json_path is not None:
            write("--json", json_path, (self.to_json() + "\n").encode())
        if plot_path is not None:
            write("--plot", plot_path, self.plot().png())

    def _remarks(self):
        settings = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        return [*self.notes, settings]


def machine():
    """Return what a measurement was made on, and how busy it was: `{name: value}`."""
    about: dict[str, str | float] = {"Python": platform.python_version(), "NumPy": np.__version__}
    about |= {"processor": _processor(), "cores": os.cpu_count() or 1}
    if hasattr(os, "getloadavg"):
        about["load at the end"] = round(os.getloadavg()[0], 1)
    return about


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model na")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def milliseconds(seconds):
    """Return a time in milliseconds, as text of three digits."""
    return digits(1e3 * seconds)


def digits(value):
    """Return a number as text of three digits: 1,230, 12.3 or 0.0123."""
    rounded = float(f"{value:.3g}")
    if rounded >= 100:
        return f"{rounded:,.0f}"
    return f"{rounded:#.3g}" if rounded else "0"


def between(low, high):
    """Return the text of a spread."""
    return f"{low}–{high}"
