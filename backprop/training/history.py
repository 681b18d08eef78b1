"""What happened in training, epoch by epoch."""

import csv
import html
import io
from typing import NamedTuple

import numpy as np

from ..atomic import write
from ..errors import choice

NAN = float("nan")


class Epoch(NamedTuple):
    """The numbers of one epoch."""

    epoch: int
    """Its number, from 1."""
    loss: float
    """The loss that was minimised, over the epoch's examples, penalties included."""
    accuracy: float = NAN
    """The share of right answers while training, or NaN."""
    val_loss: float = NAN
    """The loss of the validation examples after the epoch, penalties included, or NaN."""
    val_accuracy: float = NAN
    """The share of right answers to them, or NaN."""
    rate: float = NAN
    """The learning rate of the epoch's last update."""
    gradient_norm: float = NAN
    """The mean over the updates of the gradient's norm, before clipping."""
    seconds: float = NAN
    """How long the updates took."""


class History:
    """The finished epochs of a `fit`. Every field of Epoch is an array: `history.val_loss`.

    Attributes:
        rows: the Epochs.
        state: the optimizer's state after the last update, for `fit(..., start=history)`.
        interrupted: whether Ctrl-C ended the training.
    """

    def __init__(self, rows=(), state=None):
        self.rows = list(rows)
        self.state = state
        self.interrupted = False

    def __len__(self):
        """Return how many epochs were finished."""
        return len(self.rows)

    def __getattr__(self, name):
        """Return one field of all epochs as an array."""
        if name not in Epoch._fields:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        kind = np.int64 if name == "epoch" else np.float64
        return np.array([getattr(row, name) for row in self.rows], kind)

    def __dir__(self):
        """Name the fields too."""
        return [*super().__dir__(), *Epoch._fields]

    def best(self, monitor="val_loss", min_delta=0.0):
        """Return the index of the best epoch, or None before there is one.

        Best is the smallest, or for an accuracy the largest; a later epoch has to be better by more
        than `min_delta`. An epoch whose number is NaN is never the best.
        """
        choice("History", "monitor", monitor, MONITORS)
        sign = -1 if monitor.endswith("accuracy") else 1
        best, least = None, float("inf")
        for number, value in enumerate(sign * getattr(self, monitor)):
            if value < least - (min_delta if best is not None else 0):
                best, least = number, float(value)
        return best

    def to_csv(self, path):
        """Write a line of names and one line an epoch; cut short, it leaves the old file."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(Epoch._fields)
        writer.writerows(self.rows)
        write("History.to_csv", path, text.getvalue().encode())

    def plot(self):
        """Draw the learning curves: `backprop.plots.learning_curves`."""
        from .. import plots

        return plots.learning_curves(self)

    def __repr__(self):
        """Show a table, of the first and last epochs if there are many."""
        names, lines = self._table()
        columns = list(zip(names, *lines, strict=True))
        widths = [max(map(len, column)) for column in columns]
        table = [
            "  ".join(word.rjust(width) for word, width in zip(line, widths, strict=True))
            for line in (names, *lines)
        ]
        return "\n".join([*table, *(["interrupted"] if self.interrupted else [])])

    def _repr_html_(self):
        names, lines = self._table()
        rows = [
            "<tr>" + "".join(f"<{tag}>{html.escape(word)}</{tag}>" for word in line) + "</tr>"
            for tag, line in [("th", names), *(("td", line) for line in lines)]
        ]
        return f"<table>{''.join(rows)}</table>" + (
            "<p>interrupted</p>" if self.interrupted else ""
        )

    def _table(self):
        """Return the names of the fields in use and the lines of the table, as words."""
        names = [name for name in Epoch._fields if not np.isnan(getattr(self, name)).all()]
        names = names if self.rows else list(Epoch._fields[:2])
        rows = [[f"{getattr(row, name):.4g}" for name in names] for row in self.rows]
        if len(rows) > 12:
            rows[4:-7] = [["..."] * len(names)]
        return names, rows


MONITORS = ("loss", "accuracy", "val_loss", "val_accuracy")
"""The fields by which epochs are compared."""
