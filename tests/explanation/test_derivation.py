"""Derivations over their code: nothing of a docstring is lost, every equation has its line."""

import inspect
import re

import numpy as np
import pytest

import backprop as bp
from backprop.explanation.derivation import Equation
from backprop.explanation.plain import plain
from backprop.explanation.prose import as_latex, as_markdown, as_text

PUBLIC = [value for value in vars(bp).values() if isinstance(value, type)]
CHAPTERS = [kind for kind in PUBLIC if issubclass(kind, bp.Layer | bp.Loss)]
every_chapter = pytest.mark.parametrize("kind", CHAPTERS, ids=lambda kind: kind.__name__)


class Doubled(bp.Dense):
    """A layer that inherits its derivation."""


class Halved(bp.Layer):
    r"""Half of its input.

    $$ y = x / 2 \tag{1} $$

    $$ dx = \delta / 2 \tag{2} $$
    """

    def forward(self, x, /):
        y = x / 2  # (1)
        return y, None

    def backward(self, delta, cache, /):
        return delta / 2, {}


@every_chapter
def test_nothing_of_the_docstring_is_lost(kind):
    page = bp.explain(kind)
    assert "".join(part.source for part in page.parts) == inspect.cleandoc(kind.__doc__)


@every_chapter
def test_every_equation_has_the_line_that_ends_in_its_tag(kind):
    equations = bp.explain(kind).equations
    tags = [int(n) for n in re.findall(r"\\tag\{(\d+)\}", kind.__doc__)]
    assert list(equations) == tags
    source, _ = inspect.getsourcelines(kind)
    module = inspect.getsource(inspect.getmodule(kind)).splitlines()
    for tag, equation in equations.items():
        (line,) = equation.lines
        assert line.file == inspect.getsourcefile(kind)
        assert module[line.number - 1].strip() == f"{line.source}  # ({tag})"
        assert module[line.number - 1] + "\n" in source
        assert callable(getattr(kind, line.method))


@every_chapter
def test_the_text_has_every_equation_and_line_and_no_latex(kind):
    page = bp.explain(kind)
    text = str(page)
    for part in page.parts:
        if isinstance(part, Equation):
            assert " ".join(part.text.split()) in " ".join(text.split())
            assert all(line.source in text for line in part.lines)
    assert "\\" not in text
    assert "$" not in text
    assert not re.search(r"[_^]\{", text)
    assert max(map(len, text.splitlines())) <= 100


@every_chapter
def test_markdown_and_latex_have_every_equation_and_line(kind):
    page = bp.explain(kind)
    markdown, latex = page._repr_markdown_(), page.latex()
    for part in page.parts:
        if isinstance(part, Equation):
            assert part.source in markdown
            assert part.tex in latex
            for line in part.lines:
                code = f"{line.source}  # ({line.tag})  {line.place}"
                assert f"```python\n{code}\n```" in markdown
                assert f"\\begin{{verbatim}}\n{code}\n\\end{{verbatim}}" in latex
    assert latex.count("\\begin{") == latex.count("\\end{")
    assert len(re.findall(r"(?<!\\)[{]", latex)) == len(re.findall(r"(?<!\\)[}]", latex))


def test_the_first_page_of_dense():
    page = str(bp.explain(bp.Dense))
    assert page.startswith("Dense\n=====\n\nA fully connected layer, applied to the last axis")
    line = bp.explain(bp.Dense).equations[2].lines[0]
    assert (line.source, line.method) == ("dW = x.T @ delta", "grads")
    assert f"  (2)  dW = xᵀ δ\n       | dW = x.T @ delta{line.place:>63}\n" in page


def test_an_object_is_explained_as_its_class_and_a_heir_as_its_parent():
    assert bp.explain(bp.LSTM(3)) == bp.explain(bp.LSTM)
    assert bp.explain(Doubled) == bp.explain(bp.Dense)
    assert str(bp.explain(bp.Adam)).count("optimizers.py:") == 5
    assert repr(bp.explain(bp.ReLU)) == str(bp.explain(bp.ReLU))


def test_a_function_has_a_derivation_too():
    from backprop.layers.sequences import blend_backward

    assert bp.explain(blend_backward).equations[3].lines[0].source.startswith("dm = (ds * (new")


def test_some_equations_alone():
    page = bp.explain(bp.LSTM)
    some = page.only(16, 10)
    assert some.parts == (page.equations[16], page.equations[10])
    assert str(some).startswith("LSTM\n====\n\n (16)  dc = dc ⊙ f\n")
    message = re.escape("only expects equations of Dense, 1, 2, 3, 4, got 7")
    with pytest.raises(ValueError, match=f"^{message}$"):
        bp.explain(bp.Dense).only(1, 7)


def test_a_file_has_a_derivation_too():
    from backprop.classics import symmetry
    from backprop.classics.word2vec import questions

    page = bp.explain(questions)
    assert "".join(part.source for part in page.parts) == inspect.getdoc(questions)
    assert str(page).startswith("questions\n=========\n\nThe output of word2vec")
    lines = {tag: one.lines[0] for tag, one in page.equations.items()}
    assert list(lines) == [1, 2, 3, 4, 5, 6]
    assert (lines[6].source, lines[6].method) == ("dU = S.T @ h", "backward")
    assert "".join(part.source for part in bp.explain(symmetry).parts) == inspect.getdoc(symmetry)
    assert bp.explain(symmetry).equations == {}


def test_a_module_without_a_file_has_none():
    import sys

    with pytest.raises(TypeError) as error:
        bp.explain(sys)
    assert str(error.value) == (
        f"explain expects something with a derivation in its docstring, got {sys}"
    )


def test_an_equation_can_have_no_line():
    page = bp.explain(Halved)
    assert [line.source for line in page.equations[1].lines] == ["y = x / 2"]
    assert page.equations[2].lines == ()
    assert "(2)  dx = δ / 2" in str(page)


@pytest.mark.parametrize("thing", [3, int, "Dense"])
def test_what_has_no_derivation(thing):
    with pytest.raises(TypeError) as error:
        bp.explain(thing)
    assert str(error.value) == (
        f"explain expects something with a derivation in its docstring, got {thing}"
    )


def test_what_has_no_source():
    namespace = {"__name__": "nowhere"}
    exec('def f():\n    r"""$$ y = x \\tag{1} $$"""', namespace)
    with pytest.raises(TypeError) as error:
        bp.explain(namespace["f"])
    got = namespace["f"]
    assert str(error.value) == f"explain expects something whose source can be read, got {got}"
    with pytest.raises(TypeError):
        bp.explain(np.ndarray)


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"dx = \delta\, W^\top \tag{4}", "dx = δ Wᵀ"),
        (r"\frac{\partial L}{\partial W_{dm}}", "∂L/∂W_dm"),
        (r"\frac{1}{1 + e^{-x}}", "1/(1 + e⁻ˣ)"),
        (r"\frac1{2s}", "1/(2s)"),
        (r"\frac{(a+b)(c)}{2}", "(a+b)(c)/2"),
        (r"\frac{(a) + (b)}{2}", "((a) + (b))/2"),
        (r"\sqrt{v + \epsilon}", "√(v + ε)"),
        (r"\hat x_k", "x̂ₖ"),
        (r"h_{t-1}", "hₜ₋₁"),
        (r"e^{x - \max_k x_k}", "e^(x − maxₖ xₖ)"),
        (r"e^{y_i}", "e^(yᵢ)"),
        (r"\begin{cases} 1 & x > 0 \\ \alpha & x \le 0 \end{cases}", "{ 1 if x > 0; α if x ≤ 0 }"),
        (r"dx_k \mathrel{+}= \Bigl(a\Bigr)", "dxₖ += (a)"),
        (r"\tanh' x = \max(y, \infty)", "tanh' x = max(y, ∞)"),
        (r"a \unknown b", "a unknown b"),
    ],
)
def test_latex_in_plain_text(tex, text):
    assert plain(tex) == text


def test_prose_in_three_forms():
    prose = (
        "The *rate* is $\\eta$, **never** `a_b`.\n\nArgs:\n    lr: 5% of\n        it.\n    No name"
    )
    assert as_text(prose) == (
        "The rate is η, never `a_b`.\n\nArgs:\n    lr: 5% of\n        it.\n    No name"
    )
    assert as_markdown(prose).endswith("**Args:**\n\n* `lr`: 5% of it.\n* No name")
    assert as_markdown("Returns:\n    A `Report`: print it") == (
        "**Returns:**\n\n* A `Report`: print it"
    )
    assert as_latex(prose) == (
        "The \\emph{rate} is $\\eta$, \\textbf{never} \\texttt{a\\_b}.\n\n\\textbf{Args:}\n\n"
        "\\begin{itemize}\n\\item \\texttt{lr}: 5\\% of it.\n\\item No name\n\\end{itemize}"
    )
    assert as_latex("    x = 1") == "\\begin{verbatim}\nx = 1\n\\end{verbatim}"
