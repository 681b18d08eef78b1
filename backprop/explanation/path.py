"""One number's gradient, followed from the loss to it: every factor, its place and its value."""

import itertools

from .example import Place, Title, brief, name_of
from .markup import LatexWriter, MarkdownWriter
from .recording import Recording
from .search import Search
from .setting import Note, remarks
from .terminal import TextWriter
from .ways import MOST, Factor, Node, Step, Way, products

__all__ = ["ENTRIES", "MOST", "Factor", "Node", "Path", "Step", "Way"]

ENTRIES = 12
"""How many entries are taken apart if nothing is said; a single way to the loss in any case."""


class Path:
    """What leads from the loss to one entry of a gradient.

    Args:
        recording: one example's passes.
        of: the entry, such as "2.W[3,1]", or "0.x[0,5]" for an input of layer 0.
        digits: how many digits of a number are shown.
        most: how many entries are taken apart, the weightiest ones; None for all, with every term.

    Raises:
        ValueError: there is no such tensor, or no such entry.
        NotImplementedError: on the way there is a line that cannot be taken apart.
    """

    def __init__(self, recording: Recording, of, digits=6, most: int | None = ENTRIES):
        self.recording, self.of, self.digits = recording, of, digits
        self.search = Search(recording, of, most)
        self.root, self.complete = self.search.root, self.search.complete

    @property
    def value(self):
        """The gradient: the float that `backward` returned."""
        return self.root.value

    @property
    def nodes(self):
        """All entries on the way, from the loss on."""
        return self.search.nodes

    def products(self, most=MOST):
        """Return each way as a list of factors, from the loss on; None if there are too many."""
        try:
            return products(self.root, most) if self.complete else None
        except OverflowError:
            return None

    def __str__(self):
        """Return the page for a terminal."""
        return TextWriter(self.digits, 0).page(self.items())

    __repr__ = __str__

    def _repr_markdown_(self):
        """Return the page for a notebook."""
        return MarkdownWriter(self.digits, 0).page(self.items())

    def latex(self):
        """Return the page as a LaTeX document, for a hand-out."""
        return LatexWriter(self.digits, 0).page(self.items())

    def html(self):
        """Return the page for a browser: one file, which needs nothing else."""
        from .page.chain import HtmlWriter

        return HtmlWriter(self.digits, 0).page(self.items())

    def items(self):
        """Yield what stands on the page, from the loss to the gradient."""
        run, steps = self.recording, None
        yield Title(f"dL/d({self.of}) = {self.value!s}", 1)
        for _, nodes in itertools.groupby(self.nodes, key=lambda node: id(node.record or node)):
            first, *more = nodes
            if first.record is not None and first.record.steps != steps:
                steps = first.record.steps
                loss = f"L = {run.value:.{self.digits}g}"
                name = name_of(steps, run.layer(steps)) if steps else brief(run.loss)
                yield Place(name, "" if steps else loss)
            yield Step((first, *more), self.search.terms)
        ways = self.products() or []
        for number, factors in enumerate(ways, start=1):
            title = "The chain of factors" if len(ways) == 1 else f"Way {number} of {len(ways)}"
            yield Way(title, tuple(factors))
        key = self.of.partition("[")[0]
        if not self.complete:
            yield Note(
                f"Of all entries on the way {len(self.nodes)} are taken apart, the weightiest"
                " ones; the others stand there as numbers. most=None takes all apart, most=100"
                " more."
            )
        where = f'stands in grads["{key}"]' if key in run.grads else "backward handed down"
        yield Note(f"{self.value!s} is what {where}, to the last bit.")
        yield from remarks(run)
