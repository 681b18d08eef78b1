r"""What stands between the equations: Markdown with `$...$`, as the docstrings have it.

It becomes text for a terminal, Markdown whose `Args:` are a list, or LaTeX.
"""

import re
import textwrap

from .plain import plain

WIDTH = 88
MARKED = re.compile(r"(\$[^$]+\$|`[^`]+`|\*\*.+?\*\*|\*[^*\s][^*]*\*)", re.DOTALL)
HEADING = re.compile(r"^(Args|Returns|Raises|Yields|Attributes):\n", re.MULTILINE)
NAMES = re.compile(r"\*{0,2}\w+(, \*{0,2}\w+)*")
ESCAPED = str.maketrans(
    {
        **{letter: f"\\{letter}" for letter in "#%&_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
)


def as_text(markdown, width=WIDTH):
    """Return prose for a terminal, its formulas in plain text."""
    text = "".join(_spoken(piece) for piece in MARKED.split(markdown))
    return "\n\n".join(_filled(part, width) for part in re.split(r"\n\s*\n", text))


def as_markdown(markdown):
    """Return prose for a notebook: lists in place of the sections that a docstring indents."""
    return "\n\n".join(_listed(part) for part in re.split(r"\n\s*\n", markdown))


def as_latex(markdown):
    """Return prose as LaTeX."""
    return "\n\n".join(_typeset(part) for part in re.split(r"\n\s*\n", as_markdown(markdown)))


def _spoken(piece):
    """Return a piece of Markdown as text; code keeps its quotes, since it is told apart by them."""
    if piece.startswith("$") and piece.endswith("$"):
        return plain(piece[1:-1])
    return piece.strip("*") if MARKED.fullmatch(piece) else piece


def _filled(paragraph, width):
    """Return a paragraph in lines of `width`; one that is indented, or a list, as it is."""
    if re.search(r"^( {2,}|[*-] )", paragraph, re.MULTILINE):
        return paragraph
    return textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)


def _listed(paragraph):
    if not HEADING.match(paragraph):
        return paragraph
    title, body = paragraph.split("\n", 1)
    items = re.split(r"\n(?=\S)", textwrap.dedent(body))
    items = [" ".join(item.split()).partition(":") for item in items]
    return f"**{title}**\n\n" + "\n".join(
        f"* `{name}`:{rest}" if colon and NAMES.fullmatch(name) else f"* {name}{colon}{rest}"
        for name, colon, rest in items
    )


def _typeset(paragraph):
    if paragraph.startswith("    "):
        return f"\\begin{{verbatim}}\n{textwrap.dedent(paragraph)}\n\\end{{verbatim}}"
    if paragraph.startswith("* "):
        items = [_inline(item) for item in re.split(r"^\* ", paragraph, flags=re.MULTILINE)[1:]]
        body = "\n".join(f"\\item {item.strip()}" for item in items)
        return f"\\begin{{itemize}}\n{body}\n\\end{{itemize}}"
    return _inline(paragraph)


def _inline(text):
    """Return a run of Markdown as LaTeX; formulas stay, code and emphasis are marked."""
    return "".join(_marked(piece) for piece in MARKED.split(text))


def _marked(piece):
    if piece.startswith("$"):
        return piece
    for mark, command in (("`", "texttt"), ("**", "textbf"), ("*", "emph")):
        if piece.startswith(mark) and piece.endswith(mark) and len(piece) > 2 * len(mark):
            return f"\\{command}{{{_escaped(piece[len(mark) : -len(mark)])}}}"
    return _escaped(piece)


def _escaped(text):
    return text.translate(ESCAPED)
