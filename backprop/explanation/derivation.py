r"""A derivation with, under each equation, the line of code that carries it out.

The docstring is taken apart into prose and equations, and nothing of it is lost: put together again
the parts are the docstring. An equation with a tag gets the line that ends in `# (n)`.
"""

import dataclasses
import functools
import re
import textwrap

from ..errors import expects
from .chapters import Line, chapter
from .plain import plain
from .prose import WIDTH, as_latex, as_markdown, as_text

DISPLAY = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)
PREAMBLE = r"""\documentclass{article}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath,amssymb}
\setcounter{MaxMatrixCols}{32}
\makeatletter\def\verbatim@font{\ttfamily\footnotesize}\makeatother
\begin{document}
"""


@dataclasses.dataclass(frozen=True)
class Prose:
    """Text between equations, in Markdown."""

    source: str


@dataclasses.dataclass(frozen=True)
class Equation:
    """A displayed equation; if it has a number, with its line of code."""

    source: str
    """As in the docstring, with the dollars."""
    tex: str
    """The formula without its tag."""
    tag: int | None = None
    lines: tuple[Line, ...] = ()

    @property
    def text(self):
        """The formula in plain text."""
        return plain(self.tex)


@dataclasses.dataclass(frozen=True)
class Derivation:
    """A chapter to look at: `print` it, let a notebook show it, or take its `latex()`."""

    name: str
    parts: tuple[Prose | Equation, ...]

    @property
    def equations(self):
        """The numbered equations by number."""
        return {part.tag: part for part in self.parts if isinstance(part, Equation) and part.tag}

    def only(self, *numbers):
        """Return these numbered equations alone, without the prose, in the order given."""
        missing = [number for number in numbers if number not in self.equations]
        if missing:
            known = ", ".join(map(str, self.equations))
            raise expects("only", f"equations of {self.name}, {known}", missing[0])
        return Derivation(self.name, tuple(self.equations[number] for number in numbers))

    def __str__(self):
        """Return it for a terminal."""
        blocks = [f"{self.name}\n{'=' * len(self.name)}"]
        for part in self.parts:
            if isinstance(part, Equation):
                blocks.append(_text(part))
            elif part.source.strip():
                blocks.append(as_text(part.source.strip("\n")))
        return "\n\n".join(blocks) + "\n"

    __repr__ = __str__

    def _repr_markdown_(self):
        """Return it for a notebook."""
        blocks = [f"## {self.name}"]
        for part in self.parts:
            if isinstance(part, Equation):
                blocks += [part.source, *(f"```python\n{_code(line)}\n```" for line in part.lines)]
            elif part.source.strip():
                blocks.append(as_markdown(part.source.strip("\n")))
        return "\n\n".join(blocks) + "\n"

    def latex(self):
        """Return it as a LaTeX document, for a hand-out."""
        blocks = [PREAMBLE + f"\\section*{{{self.name}}}"]
        for part in self.parts:
            if isinstance(part, Equation):
                kind = "equation" if part.tag else "equation*"
                tag = f" \\tag{{{part.tag}}}" if part.tag else ""
                blocks.append(f"\\begin{{{kind}}}\n{part.tex}{tag}\n\\end{{{kind}}}")
                blocks += [
                    f"\\begin{{verbatim}}\n{_code(line)}\n\\end{{verbatim}}" for line in part.lines
                ]
            elif part.source.strip():
                blocks.append(as_latex(part.source.strip("\n")))
        return "\n\n".join(blocks) + "\n\n\\end{document}\n"


@functools.cache
def equations_of(chapter):
    """Return the numbered equations of a chapter by number."""
    found = _parts(chapter.doc, chapter.lines)
    return {one.tag: one for one in found if isinstance(one, Equation) and one.tag}


def derivation(thing):
    """Return the derivation of a layer, a loss or anything else that has one in its docstring.

    Raises TypeError if it has none, or no source to be read.
    """
    found = chapter(thing)
    return Derivation(found.name, tuple(_parts(found.doc, found.lines)))


def _parts(doc, lines):
    """Yield prose and equations in turn: together they are `doc`."""
    end = 0
    for match in DISPLAY.finditer(doc):
        if match.start() > end:
            yield Prose(doc[end : match.start()])
        end = match.end()
        number = re.search(r"\\tag\{(\d+)\}", match[1])
        tag = int(number[1]) if number else None
        tex = " ".join(re.sub(r"\\tag\{\d+\}", "", match[1]).split())
        of_it = tuple(line for line in lines if line.tag == tag)
        yield Equation(match[0], tex, tag, of_it)
    if end < len(doc):
        yield Prose(doc[end:])


def _text(equation):
    """Return an equation over its line, numbered on the left."""
    number = f"({equation.tag})" if equation.tag else ""
    formula = textwrap.fill(
        equation.text,
        WIDTH - 7,
        subsequent_indent=" " * 9,
        break_long_words=False,
        break_on_hyphens=False,
    )
    rows = [f"{number:>5}  {formula}"]
    for line in equation.lines:
        code = [f"       | {row}" for row in line.source.splitlines()]
        if len(code[-1]) + len(line.place) + 2 > WIDTH:
            code.append("")
        rows += [*code[:-1], code[-1] + line.place.rjust(WIDTH - len(code[-1]))]
    return "\n".join(rows)


def _code(line):
    return f"{line.source}  # ({line.tag})  {line.place}"
