"""The chapters: one page for each layer, loss and optimizer, out of its docstring and its code.

Under every equation stands the line that carries it out, as `backprop.explain` finds it. No formula
is written a second time.
"""

import ast
import dataclasses
import html
import inspect
from pathlib import Path

from docstrings import described, first_sentence, members, prose, signature
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from writing import write_pages

import backprop as bp
from backprop.explanation.derivation import Equation
from backprop.layers import activations, sequences, windows

TOP = Path(bp.__file__).parent
ARGUMENTS = "**Args:**"


@dataclasses.dataclass(frozen=True)
class Page:
    """A page, and what its chapters are about."""

    slug: str
    title: str
    subjects: tuple
    notebooks: tuple[str, ...] = ()
    intro: object = None
    """A module whose docstring comes first."""


def _page(subject, *notebooks):
    return Page(subject.__name__.lower(), subject.__name__, (subject,), notebooks)


ACTIVATIONS = [bp.Identity, bp.Sigmoid, bp.Tanh, bp.ReLU, bp.LeakyReLU, bp.ELU]
ACTIVATIONS += [bp.SELU, bp.GELU, bp.Softplus, bp.Softsign, bp.SiLU]
SCHEDULES = [bp.ConstantRate, bp.StepDecay, bp.ExponentialDecay, bp.CosineDecay, bp.WarmUp]
SCHEDULES += [bp.ReduceOnPlateau]
INITIALIZERS = [bp.Zeros, bp.Constant, bp.Given, bp.Uniform, bp.Normal, bp.Glorot, bp.He, bp.LeCun]
INITIALIZERS += [bp.Orthogonal]

GROUPS = {
    ("dense", "Dense and activations"): [
        _page(bp.Dense, "02_mlp", "03_worked_example"),
        Page("activations", "Activations", tuple(ACTIVATIONS), ("02_mlp",), activations),
        _page(bp.PReLU, "19_your_own_layer"),
        _page(bp.Softmax, "04_losses"),
    ],
    ("images", "Images"): [
        _page(bp.Conv2D, "07_convolution", "09_zhang"),
        Page("windows", "Windows and fold", (windows,), ("07_convolution",)),
        _page(bp.ConvTranspose2D, "07_convolution"),
        _page(bp.DepthwiseConv2D, "07_convolution"),
        *(_page(each, "08_pooling") for each in (bp.MaxPool, bp.AvgPool)),
        *(_page(each, "08_pooling") for each in (bp.GlobalMaxPool, bp.GlobalAvgPool)),
    ],
    ("sequences", "Sequences"): [
        _page(bp.RNN, "11_rnn", "13_vanishing"),
        _page(bp.LSTM, "12_lstm", "13_vanishing"),
        _page(bp.GRU, "12_lstm"),
        _page(bp.Bidirectional, "11_rnn"),
        Page("masks", "Masks", (sequences.blend, sequences.blend_backward)),
        _page(bp.Embedding, "15_word2vec"),
    ],
    ("regular", "Normalisation and regularisation"): [
        _page(bp.LayerNorm),
        _page(bp.BatchNorm),
        _page(bp.Dropout, "14_optimizers"),
        Page("penalties", "Penalties", (bp.L1, bp.L2), ("14_optimizers",)),
    ],
    ("wiring", "Wiring"): [
        _page(bp.Add, "05_computational_graph"),
        _page(bp.Concat, "05_computational_graph"),
        _page(bp.Flatten),
        _page(bp.Reshape),
        _page(bp.Last, "11_rnn"),
    ],
    ("losses", "Losses"): [
        _page(bp.SoftmaxCrossEntropy, "04_losses"),
        _page(bp.CrossEntropy, "04_losses"),
        _page(bp.LogisticCrossEntropy, "04_losses"),
        _page(bp.BinaryCrossEntropy, "04_losses"),
        _page(bp.MeanSquaredError, "04_losses"),
        _page(bp.HalfSquaredError, "03_worked_example"),
    ],
    ("optimizers", "Optimizers and starts"): [
        *(_page(each, "14_optimizers") for each in (bp.SGD, bp.AdaGrad, bp.RMSProp)),
        *(_page(each, "14_optimizers") for each in (bp.Adam, bp.AdamW)),
        Page("schedules", "Schedules", tuple(SCHEDULES), ("14_optimizers",), bp.schedules),
        Page("initializers", "Initializers", tuple(INITIALIZERS), (), bp.initializers),
    ],
}


def told_in_chapters():
    """Return the page of everything that has a chapter."""
    return {
        subject: page for pages in GROUPS.values() for page in pages for subject in page.subjects
    }


def forgotten():
    """Return what is public, has numbered equations, and is on no page."""
    told = set(told_in_chapters())
    public = [getattr(bp, name) for name in bp.__all__]
    return [one.__name__ for one in public if r"\tag{" in (one.__doc__ or "") and one not in told]


def _anchor(file, number):
    return f"{Path(file).stem.replace('_', '-')}-{number}"


def derivation(subject, *, lines=True):
    """Yield the blocks of a chapter: prose, equations, and under each its line."""
    for part in bp.explain(subject).parts:
        if not isinstance(part, Equation):
            yield prose(part.source)
            continue
        yield part.source
        for line in part.lines if lines else ():
            yield (
                f"```{{code-line}} {_anchor(line.file, line.number)}\n"
                f":place: {line.place}\n\n{line.source}\n```"
            )


def _subject(subject, alone):
    """Yield the blocks of one subject."""
    if inspect.ismodule(subject):
        yield from derivation(subject)
        return
    name = subject.__name__
    public = f"backprop.{name}" if name in bp.__all__ else f"{subject.__module__}.{name}"
    kind = "class" if isinstance(subject, type) else "function"
    if not alone:
        yield f"## {name}"
    call = described(kind, public, signature(subject), "")
    blocks = list(derivation(subject))
    settings = [k for k, block in enumerate(blocks) if ARGUMENTS in block]
    if settings:  # the derivation comes first, and the call where its arguments are told
        told, rest = blocks[settings[0]].split(ARGUMENTS, 1)
        blocks[settings[0]] = f"{told}{call}\n{ARGUMENTS}{rest}"
    else:
        blocks.append(call)
    yield from blocks
    more = members(subject, public) if kind == "class" else ""
    if more:
        yield ("## " if alone else "### ") + "More methods"
        yield more


def code(file, name=None):
    """Return the block that shows a file's code, or that of a class or function in it."""
    where = "" if name is None else f":object: {name}\n"
    return f"```{{chapter-code}} {Path(file).relative_to(TOP.parent)}\n{where}```"


def _code_of(subject):
    whole = inspect.ismodule(subject)
    return code(inspect.getsourcefile(subject), None if whole else subject.__qualname__)


def _written(page, notebooks):
    alone = len(page.subjects) == 1
    blocks = [f"# {page.title}"]
    see = [
        f"[{notebooks[each]}](../notebooks/{each}.ipynb)"
        for each in page.notebooks
        if each in notebooks
    ]
    if see:
        blocks.append("```{div} beside\nBy hand and by number: " + ", ".join(see) + "\n```")
    if page.intro is not None:
        blocks += derivation(page.intro, lines=False)
    for subject in page.subjects:
        blocks += _subject(subject, alone)
        blocks += [("##" if alone else "###") + " The code", _code_of(subject)]
    return "\n\n".join(blocks) + "\n"


def _sentence(page):
    thing = page.intro or page.subjects[0]
    return first_sentence(thing)


def _overview():
    """Return the page that leads to all chapters."""
    blocks = [
        "# Layers",
        "A layer is a chapter: its derivation, and under each equation the line that carries it"
        " out. These pages are made of the docstrings and of the code itself."
        " `bp.explain(bp.LSTM)` prints the same in a terminal.",
        "```python\ny, cache  = layer.forward(x)              # the numbers that the derivative"
        " needs\ndx, grads = layer.backward(delta, cache)  # delta = dL/dy, from the layer above\n"
        "```",
        "`delta` is $\\partial L/\\partial y$; `d` + name is $\\partial L/\\partial$ of that name,"
        " in its shape. Single capitals are lengths of axes: $N$ examples, $T$ steps, $H, W, C$ of"
        " an image, $D$ features in, $M$ out. What other books call these is in"
        " [notation](../notation.md).",
    ]
    for (_, title), pages in GROUPS.items():
        rows = "\n".join(f"[{page.title}]({page.slug}.md)\n: {_sentence(page)}\n" for page in pages)
        listed = "\n".join(page.slug for page in pages)
        blocks.append(f"## {title}\n\n{rows}")
        blocks.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```")
    return "\n\n".join(blocks) + "\n"


def write_chapters(app):
    """Write all pages."""
    from notebooks import titles

    missing = forgotten()
    if missing:
        raise RuntimeError(f"docs/_ext/chapters.py has no page for {', '.join(missing)}")
    notebooks = titles(Path(app.srcdir))
    pages = {
        f"{page.slug}.md": _written(page, notebooks) for pages in GROUPS.values() for page in pages
    }
    pages["index.md"] = _overview()
    write_pages(Path(app.srcdir, "chapters"), pages)


class CodeLine(Directive):
    """The line of code that carries out the equation above it, and where it stands."""

    has_content = True
    required_arguments = 1
    option_spec = {"place": directives.unchanged_required}

    def run(self):
        """Return the line beside its place."""
        code = highlight("\n".join(self.content), PythonLexer(), HtmlFormatter(nowrap=True))
        place = html.escape(self.options["place"])
        raw = (
            '<div class="code-line no-copybutton"><div class="highlight"><pre>'
            f'{code.rstrip()}</pre></div><a class="place" href="#{self.arguments[0]}">{place}</a>'
            "</div>\n"
        )
        return [nodes.raw("", raw, format="html")]


class ChapterCode(Directive):
    """A class or file without its docstring, every line with the number that it has in its file."""

    required_arguments = 1
    option_spec = {"object": directives.unchanged}

    def run(self):
        """Return the code."""
        file = TOP.parent / self.arguments[0]
        self.state.document.settings.env.note_dependency(str(file))
        tree = ast.parse(file.read_text())
        wanted = self.options.get("object")
        if wanted is None:
            first, last, told = 1, len(file.read_text().splitlines()), tree
        else:
            told = next(one for one in tree.body if getattr(one, "name", "") == wanted)
            first = min([told.lineno, *(each.lineno for each in told.decorator_list)])
            last = told.end_lineno
        rows = file.read_text().splitlines()
        doc = told.body[0]
        kept = [
            (number, rows[number - 1])
            for number in range(first, last + 1)
            if not doc.lineno <= number <= doc.end_lineno
        ]
        return [nodes.raw("", _numbered(file, kept), format="html")]


def _numbered(file, rows):
    """Return lines of code as HTML, each with its number and an anchor."""
    while rows and not rows[0][1].strip():
        rows = rows[1:]
    code = highlight("\n".join(row for _, row in rows), PythonLexer(stripnl=False),
                     HtmlFormatter(nowrap=True)).rstrip("\n")  # fmt: skip
    lines = "\n".join(
        f'<span class="code-row" id="{_anchor(file, number)}"><span class="linenos">{number}</span>'
        f"{line}</span>"
        for (number, _), line in zip(rows, code.split("\n"), strict=True)
    )
    name = html.escape(str(file.relative_to(TOP.parent)))
    return (
        f'<div class="chapter-code"><p class="file">{name}</p>'
        f'<div class="highlight-python notranslate"><div class="highlight"><pre>{lines}\n'
        "</pre></div></div></div>\n"
    )


def setup(app):
    """Register the directives, and write the pages before Sphinx looks for them."""
    app.add_directive("code-line", CodeLine)
    app.add_directive("chapter-code", ChapterCode)
    app.connect("builder-inited", write_chapters, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
