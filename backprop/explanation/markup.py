"""The page as Markdown with LaTeX, for a notebook, and as a LaTeX document."""

import numpy as np

from .derivation import PREAMBLE
from .formula import named, substituted
from .heatmap import ASCII, heat_map
from .prose import as_latex
from .setting import Note, Writer, dense, equation_of, kind_of, summed, ways_of
from .spelling import spelled
from .styles import Tex


class MarkdownWriter(Writer):
    """Writes for a notebook."""

    end = ""

    def __init__(self, digits, small):
        super().__init__(digits, small)
        self.style, self.names = Tex(digits, small), Tex(digits, 0)

    def page(self, items):
        """Return all items, one below the other."""
        return "\n\n".join(getattr(self, kind_of(item))(item) for item in items) + self.end + "\n"

    def title(self, item):
        return f"{'#' * (item.level + 1)} {item.text}"

    def place(self, item):
        return f"**{item.name}**" + (f": {item.flow}" if item.flow else "")

    def note(self, item):
        return f"*{item.text}*"

    def sum(self, item):
        name = item.name.replace("δ", r"\delta ")
        rows = self._lines(lambda style: summed(item, style))
        return self._formula(rf"\mathrm{{{name}}}", rows, item.total)

    def record(self, record):
        rows = self._lines(lambda style: substituted(record, style))
        name = "" if record.name == "" else named(record.name, self.style)
        return "\n\n".join([*self._head(record), self._formula(name, rows, record.value)])

    def _head(self, record):
        """Return an equation and its line."""
        code = f"{record.line.source}  # ({record.tag})  {record.line.place}"
        return [self._equation(equation_of(record)), self._code(code)]

    def step(self, item):
        record = item.nodes[0].record
        parts = [] if record is None else self._head(record)
        if record is not None and record.loops:
            counts = ", ".join(f"{name} = {count}" for name, count in record.loops.items())
            parts.insert(0, self.note(Note(f"{counts}:")))
        return "\n\n".join([*parts, *(self._entry(one, item.terms) for one in item.nodes)])

    def entries(self, item):
        return "\n\n".join(self._entry(one) for one in item.entries)

    def _entry(self, one, terms=4):
        """Return an entry: its formula, the same with numbers, and its value."""
        rows = [
            self._lines(lambda style, v=values: spelled(one.term, style, v, terms))
            for values in ways_of(one.term)
        ]
        rows.append(self.style.number(one.value))
        return self._aligned(self.style.symbol(one.symbol), rows)

    def way(self, item):
        rows = [
            f"| ${''.join(spelled(one.symbol, self.style))}$ | {one.place} "
            f"| ${self.style.number(one.value)}$ |"
            for one in item.factors
        ]
        head = [f"| {item.title} | where | value |", "|:--|:--|--:|"]
        return "\n".join([*head, *rows, f"| | product | ${self.style.number(item.product)}$ |"])

    def _equation(self, equation):
        return equation.source

    def _code(self, code):
        return f"```python\n{code}\n```"

    def _lines(self, draw):
        """Return what `draw` draws in pieces as one row of a formula, broken where it is long."""
        full, short = draw(self.style), draw(self.names)
        lines = [
            "".join((short if wide else full)[k] for k, wide in line) for line in self.broken(draw)
        ]
        return r" \\ &\quad ".join(lines)

    def _formula(self, name, row, value):
        values = [dense(one) for one in (value if isinstance(value, tuple) else (value,))]
        lines = [*([row] if row else []), *(self._value(one) for one in values)]
        maps = [self._map(one) for one in values if not self.fits(one)]
        return "\n\n".join([self._aligned(name, lines), *maps])

    def _map(self, value):
        """Return a large array as a map of characters."""
        return "```text\n" + "\n".join(heat_map(value)) + "\n```"

    def _aligned(self, name, lines):
        rows = r" \\ ".join(f"{name if k == 0 else ''} &= {row}" for k, row in enumerate(lines))
        return self._display(rf"\begin{{aligned}} {rows} \end{{aligned}}")

    def _display(self, tex):
        return f"$$ {tex} $$"

    def _value(self, value):
        if np.ndim(value) == 0:
            return self.style.value(value)
        shape = r" \times ".join(map(str, np.shape(value)))
        if self.fits(value):
            return rf"{self.style.value(value)} \quad ({shape})"
        return rf"\text{{{self.style.summary(value)}}} \quad ({shape})"


class LatexWriter(MarkdownWriter):
    """Writes a LaTeX document."""

    end = "\n\n\\end{document}"

    def page(self, items):
        """Return all items in one document."""
        return PREAMBLE + super().page(items)

    def title(self, item):
        return rf"\{'sub' * (item.level - 1)}section*{{{as_latex(item.text)}}}"

    def place(self, item):
        arrows = as_latex(item.flow).replace("→", r"$\to$").replace("δ", r"$\delta$")
        return rf"\paragraph{{{as_latex(item.name)}}} {arrows}"

    def note(self, item):
        return rf"\emph{{{as_latex(item.text)}}}".replace("…", r"\dots{}")

    def way(self, item):
        rows = [
            f"${''.join(spelled(one.symbol, self.style))}$ & {as_latex(one.place)} "
            rf"& ${self.style.number(one.value)}$ \\"
            for one in item.factors
        ]
        head = rf"\begin{{tabular}}{{llr}}{chr(10)}{item.title} & where & value \\ \hline"
        last = rf"\hline & product & ${self.style.number(item.product)}$"
        return "\n".join([head, *rows, last, r"\end{tabular}"])

    def _equation(self, equation):
        return f"\\begin{{equation}}\n{equation.tex} \\tag{{{equation.tag}}}\n\\end{{equation}}"

    def _code(self, code):
        return f"\\begin{{verbatim}}\n{code}\n\\end{{verbatim}}"

    def _map(self, value):
        return "\\begin{verbatim}\n" + "\n".join(heat_map(value, ASCII)) + "\n\\end{verbatim}"

    def _display(self, tex):
        return f"\\[ {tex} \\]"
