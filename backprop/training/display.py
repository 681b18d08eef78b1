"""What `fit` shows while it runs."""

import sys

from tqdm.std import tqdm


class Display:
    """One bar over all epochs in a terminal, and one plain line after each epoch everywhere.

    The bar lives only where standard output is a terminal. In a file, a pipe or a notebook, whose
    saved output would keep every state of it, there are just the lines.
    """

    def __init__(self, shown, examples, first, last):
        self.shown = shown
        self.last = last
        self.examples = examples
        self.bar = tqdm(
            f"epoch {first + 1}/{last}",
            total=examples * (last - first),
            file=sys.stdout,
            disable=not (shown and sys.stdout.isatty()),
            unit=" examples",
            leave=False,
            dynamic_ncols=True,
        )

    def __enter__(self):
        """Show the bar."""
        return self

    def __exit__(self, *error):
        """Take the bar away."""
        self.bar.close()

    def batch(self, epoch, count, tally):
        """Move the bar on by `count` examples of the epoch (from 0)."""
        if self.bar.update(count):  # it has just been drawn: these are the words for the next time
            words = _words(loss=tally.loss, accuracy=tally.accuracy)
            self.bar.set_description_str(f"epoch {epoch + 1}/{self.last}", refresh=False)
            self.bar.set_postfix_str(words, refresh=False)

    def epoch(self, row):
        """Write the line of a finished epoch."""
        if self.shown:
            words = _words(**{name: getattr(row, name) for name in row._fields[1:5]})
            speed = f"{self.examples / row.seconds:,.0f} examples/s"
            line = f"epoch {row.epoch}/{self.last}  {words}  {speed}"
            self.bar.write(line, file=sys.stdout)
            sys.stdout.flush()  # a pipe would keep the lines back


def _words(**numbers):
    """Return `loss 0.1234  accuracy 0.9861`, without the numbers that are NaN."""
    return "  ".join(f"{name} {value:.4f}" for name, value in numbers.items() if value == value)
