"""The page of an example in three forms: text, Markdown with LaTeX, and a LaTeX document."""

import dataclasses

import numpy as np

from .boxes import beside, word
from .chapters import chapters
from .derivation import PREAMBLE, equations_of
from .entries import Term
from .formula import named, substituted
from .heatmap import ASCII, heat_map
from .prose import WIDTH, as_latex
from .spelling import spelled
from .styles import Tex, Text, is_small

INDENT = " " * 7
ROOM = WIDTH - len(INDENT) - 2
"""How wide a formula can be, behind its equals sign."""


@dataclasses.dataclass(frozen=True)
class Note:
    """A remark."""

    text: str


class Writer:
    """What both writers decide alike: what is written out, and where a formula is broken."""

    def __init__(self, digits, small):
        self.text, self.short = Text(digits, small), Text(digits, 0)

    def page(self, items):
        """Return all items, one below the other."""
        return "\n".join(getattr(self, _kind(item))(item) for item in items) + "\n"

    def fits(self, value):
        """Return whether an array is written out: if it is small, and no wider than a line."""
        if not is_small(value, self.text.small):
            return False
        return self.text.value(value).width <= ROOM - len(_shape(value))

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


class TextWriter(Writer):
    """Writes for a terminal."""

    def __init__(self, digits, small):
        super().__init__(digits, small)
        self.style = self.text

    def title(self, item):
        rule = "=" if item.level == 1 else "-"
        return f"{'' if item.level == 1 else chr(10)}{item.text}\n{rule * len(item.text)}"

    def place(self, item):
        return f"\n{item.name}:  {item.flow}" if item.flow else f"\n{item.name}"

    def note(self, item):
        return f"\n{INDENT}{item.text}"

    def sum(self, item):
        rows = self._formula(lambda style: summed(item, style))
        return "\n".join(["", f"{INDENT}{item.name}", *rows, *self._result(item.total)])

    def record(self, record):
        rows = self._head(record)
        rows += self._formula(lambda style: substituted(record, style))
        return "\n".join([*rows, *self._result(record.value)])

    def _head(self, record, loops=False):
        """Return the rows of an equation and its line; with `loops`, of which round it is."""
        equation = equation_of(record)
        code, place = f"{INDENT}| {record.line.source}", record.line.place
        if len(code) + len(place) + 2 > WIDTH:
            code = f"{code}\n"
        gap = " " * (WIDTH - len(code.rpartition("\n")[2]) - len(place))
        counts = "".join(f"   {name} = {count}" for name, count in record.loops.items())
        formula = equation.text.rstrip(".,") + (counts if loops else "")
        return ["", f"{_number(record):>5}  {formula}", code + gap + place]

    def step(self, item):
        record = item.nodes[0].record
        rows = [""] if record is None else self._head(record, loops=True)
        return "\n".join(
            [*rows, *(row for one in item.nodes for row in self._entry(one, item.terms))]
        )

    def entries(self, item):
        return "\n".join(["", *(row for one in item.entries for row in self._entry(one))])

    def _entry(self, one, terms=4):
        """Return the rows of an entry: its formula, the same with numbers, and its value."""
        name = str(self.style.symbol(one.symbol))
        blank = " " * len(name)
        rows = []
        for values in _ways(one.term):
            head = f"{blank if values else name} = "
            rows += self._formula(lambda style, v=values: spelled(one.term, style, v, terms), head)
        return [*rows, f"{INDENT}{blank if rows else name} = {self.style.number(one.value)}"]

    def way(self, item):
        shown = [str(beside(*spelled(one.symbol, self.style))) for one in item.factors]
        places, values = [one.place for one in item.factors], [one.value for one in item.factors]
        table = zip([*shown, ""], [*places, "product"], [*values, item.product], strict=True)
        width = max(map(len, shown))
        room = max(WIDTH - len(INDENT) - width - 16, *map(len, places))
        rows = [
            f"{INDENT}{name:{width}}  {place:{room}}{self.style.number(value):>14}"
            for name, place, value in table
        ]
        return "\n".join(["", f"{INDENT}{item.title}:", *rows])

    def _formula(self, draw, head="= "):
        """Return the rows of what `draw` draws in pieces: small arrays in full where they fit."""
        full, short = draw(self.text), draw(self.short)
        lines = [
            beside(*((short if wide else full)[k] for k, wide in line))
            for line in self.broken(draw, head)
        ]
        starts = [head, *[" " * len(head)] * len(lines)]
        return [
            row for line, start in zip(lines, starts, strict=False) for row in _rows(line, start)
        ]

    def _result(self, value):
        """Return the rows of a result, with its shape at the end."""
        if isinstance(value, tuple):
            return [row for one in value for row in self._result(one)]
        value = dense(value)
        shape = _shape(value)
        fits = self.fits(value)
        box = self.style.value(value) if fits else word(self.style.summary(value))
        rows = _rows(box)
        rows[box.base] = f"{rows[box.base]:{WIDTH - len(shape)}}{shape}".rstrip()
        return rows if fits else [*rows, *(f"{INDENT}{row}" for row in heat_map(value))]


class MarkdownWriter(Writer):
    """Writes for a notebook."""

    end = ""

    def __init__(self, digits, small):
        super().__init__(digits, small)
        self.style, self.names = Tex(digits, small), Tex(digits, 0)

    def page(self, items):
        """Return all items, one below the other."""
        return "\n\n".join(getattr(self, _kind(item))(item) for item in items) + self.end + "\n"

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
            for values in _ways(one.term)
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
            f"${''.join(spelled(one.symbol, self.style))}$ & {one.place} "
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


def _ways(term):
    """Return how a formula is spelled, with values or not: both ways, if it is more than a name."""
    return () if term is None else (False, True) if isinstance(term, Term) else (False,)


def _shape(value):
    return str(np.shape(value)) if np.ndim(value) else ""


def _kind(item):
    return type(item).__name__.lower()


def _number(record):
    """Return the equation's number; with the function's name, if it is one that a layer calls."""
    helper = f"{record.chapter} " if record.chapter.islower() else ""
    return f"{helper}({record.tag})"


def _rows(box, head="= "):
    """Return the rows of a box behind an equals sign."""
    return [f"{INDENT}{row}".rstrip() for row in beside(word(head), box).rows]
