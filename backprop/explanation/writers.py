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


class TextWriter:
    """Writes for a terminal."""

    def __init__(self, digits, small):
        self.style, self.names = Text(digits, small), Text(digits, 0)

    def page(self, items):
        """Return all items, one below the other."""
        return "\n".join(getattr(self, _kind(item))(item) for item in items) + "\n"

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
        rows = (
            []
            if one.term is None
            else self._packed(spelled(one.term, self.style, False, terms), f"{name} = ")
        )
        if isinstance(one.term, Term):
            rows += self._packed(spelled(one.term, self.style, True, terms), f"{blank} = ")
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

    def _formula(self, draw):
        """Return the rows of what `draw` draws in pieces: small arrays in full where they fit."""
        both = zip(draw(self.style), draw(self.names), strict=True)
        return self._packed([full if full.width <= ROOM else short for full, short in both], "= ")

    def _packed(self, pieces, head):
        """Return the rows of pieces behind `head`, as many in a line as there is room for."""
        lines = []
        for piece in pieces:
            if lines and len(head) + lines[-1].width + piece.width <= ROOM + 2:
                lines[-1] = beside(lines[-1], piece)
            else:
                lines.append(piece)
        indented = [head, *[" " * len(head)] * len(lines)]
        return [
            row for line, start in zip(lines, indented, strict=False) for row in _rows(line, start)
        ]

    def _result(self, value):
        """Return the rows of a result, with its shape at the end."""
        if isinstance(value, tuple):
            return [row for one in value for row in self._result(one)]
        value = dense(value)
        shape = str(np.shape(value)) if np.ndim(value) else ""
        box = self.style.value(value) if is_small(value, self.style.small) else None
        large = box is None or box.width > ROOM - len(shape)
        box = word(self.style.summary(value)) if box is None or large else box
        rows = _rows(box)
        rows[box.base] = f"{rows[box.base]:{WIDTH - len(shape)}}{shape}".rstrip()
        return [*rows, *(f"{INDENT}{row}" for row in heat_map(value))] if large else rows


class MarkdownWriter:
    """Writes for a notebook."""

    end = ""

    def __init__(self, digits, small):
        self.style = Tex(digits, small)

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
        return self._formula(rf"\mathrm{{{name}}}", summed(item, self.style), item.total)

    def record(self, record):
        pieces = substituted(record, self.style)
        name = "" if record.name == "" else named(record.name, self.style)
        numbers = self._formula(name, pieces, record.value)
        return "\n\n".join([*self._head(record), numbers])

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
        both = (False, True) if isinstance(one.term, Term) else (False,) * (one.term is not None)
        rows = ["".join(spelled(one.term, self.style, values, terms)) for values in both]
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

    def _formula(self, name, pieces, value):
        values = value if isinstance(value, tuple) else (value,)
        lines = [
            *(["".join(pieces)] if pieces else []),
            *(self._value(dense(one)) for one in values),
        ]
        maps = [
            self._map(dense(one)) for one in values if not is_small(dense(one), self.style.small)
        ]
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
        if is_small(value, self.style.small):
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


def _kind(item):
    return type(item).__name__.lower()


def _number(record):
    """Return the equation's number; with the function's name, if it is one that a layer calls."""
    helper = f"{record.chapter} " if record.chapter.islower() else ""
    return f"{helper}({record.tag})"


def _rows(box, head="= "):
    """Return the rows of a box behind an equals sign."""
    return [f"{INDENT}{row}".rstrip() for row in beside(word(head), box).rows]
