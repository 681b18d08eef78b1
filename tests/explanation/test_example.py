"""The page of an example: the numbers that everyone has computed by hand, where they belong."""

import re

import numpy as np
import pytest

import backprop as bp
from backprop.classics import mazur
from backprop.explanation.boxes import Box, beside, bracketed, grid, raised, word
from backprop.explanation.formula import substituted
from backprop.explanation.styles import Tex, Text
from backprop.selfcheck import spread

MSE = bp.MeanSquaredError()

PAGE = """\
Network of 2 layers, L = HalfSquaredError() = 0.125
===================================================

Forward
-------

0 Dense(1):  x → v1 (1, 1) → 1 Sigmoid()

  (1)  y = x W + b
       | y = x @ self.W + self.b                                    dense.py:NN, forward
       = ( 1  2 ) ⎛  2 ⎞ + ( 0 )
                  ⎝ -1 ⎠
       = ( 0 )                                                                    (1, 1)

1 Sigmoid():  v1 → v2 (1, 1) → Loss

  (1)  y = σ(x) = 1/(1 + e⁻ˣ)
       | y = sigmoid(x)                                       activations.py:NN, forward
       = σ( 0 )
       = ( 0.5 )                                                                  (1, 1)

Loss:  HalfSquaredError() reads v2 as y, makes L and δ = dL/dv2

  (1)  d = y − t
       | d = y - t                                          squared_error.py:NN, forward
       = ( 0.5 ) - ( 1 )
       = ( -0.5 )                                                                 (1, 1)

  (2)  ℓ = 1/2 Σₘ dₘ²
       | losses = (d**2).sum(axis=-1) / 2                   squared_error.py:NN, forward
       = sum(( -0.5 )², axis=-1) / 2
       = ( 0.125 )                                                                  (1,)

  (3)  L = r Σₙ ℓₙ
       | loss = r * losses.sum()                            squared_error.py:NN, forward
       = 1 · sum( 0.125 )
       = 0.125

  (4)  δ = r d
       | return r * d                                      squared_error.py:NN, backward
       = 1 · ( -0.5 )
       = ( -0.5 )                                                                 (1, 1)

Backward
--------

1 Sigmoid():  Loss → δ = dL/dv2 → dL/dv1

  (2)  dx = δ ⊙ y ⊙ (1 − y)
       | dx = delta * y * (1 - y)                            activations.py:NN, backward
       = ( -0.5 ) ⊙ ( 0.5 ) ⊙ (1 - ( 0.5 ))
       = ( -0.125 )                                                               (1, 1)

0 Dense(1):  1 Sigmoid() → δ = dL/dv1 → dL/dx

  (4)  dx = δ Wᵀ
       | dx = delta @ self.W.T                                     dense.py:NN, backward
       = ( -0.125 ) ⎛  2 ⎞ᵀ
                    ⎝ -1 ⎠
       = ( -0.25  0.125 )                                                         (1, 2)

  (2)  dW = xᵀ δ
       | dW = x.T @ delta                                             dense.py:NN, grads
       = ( 1  2 )ᵀ ( -0.125 )
       = ⎛ -0.125 ⎞                                                               (2, 1)
         ⎝  -0.25 ⎠

  (3)  db = Σₙ δₙ
       | db = delta.sum(axis=0)                                       dense.py:NN, grads
       = sum(( -0.125 ), axis=0)
       = ( -0.125 )                                                                 (1,)
"""


def explained(layers, in_shape, x, y, loss=MSE, **more):
    net = bp.Network(layers) if isinstance(layers, list) else layers
    net.build(in_shape, rng=1, dtype=np.float64)
    return bp.explain(net, x, y, loss=loss, **more)


def test_the_page_of_the_smallest_network():
    layers = [bp.Dense(1, init=bp.Given([[2.0], [-1.0]])), bp.Sigmoid()]
    loss = bp.HalfSquaredError()
    page = explained(layers, (2,), np.array([[1.0, 2.0]]), np.array([[1.0]]), loss)
    text = re.sub(r"\.py:\d\d", ".py:NN", str(page))
    assert text == PAGE
    assert repr(page) == str(page)


@pytest.fixture(scope="module")
def by_hand():
    return bp.explain(mazur.network(), mazur.X, mazur.TARGET, loss=mazur.LOSS, digits=12)


PRINTED = [
    ("0 Dense(2):  x", "0.3775 0.3925"),
    ("1 Sigmoid():  v1", "0.593269992 0.596884378"),
    ("2 Dense(2):  v2", "1.105905967 1.224921404"),
    ("3 Sigmoid():  v3", "0.75136507 0.772928465"),
    ("Loss:", "0.298371109 0.741365069552 -0.217071534679"),
    ("3 Sigmoid():  Loss", "0.138498561629 -0.038098236517"),
    ("2 Dense(2):  3", mazur.DW2 + " 0.036350306"),
    ("1 Sigmoid():  2", "0.008771354689 0.009954254705"),
    ("0 Dense(2):  1", mazur.DW1),
]


@pytest.mark.parametrize(("place", "numbers"), PRINTED, ids=[place for place, _ in PRINTED])
def test_the_numbers_of_the_2_2_2_network_stand_at_their_layer(by_hand, place, numbers):
    (part,) = [
        part for part in re.split(r"\n\n(?=\S+ ?\S*:  )", str(by_hand)) if place in part[:60]
    ]
    shown = [float(n) for n in re.findall(r"(?<= )-?\d+\.?\d*(?:e-?\d+)?(?= )", part)]
    for number in numbers.split():
        digits = len(number.partition(".")[2])
        unit = 10.0**-digits  # the post cuts off as often as it rounds
        assert any(abs(n - float(number)) <= unit * 1.001 for n in shown), number


def test_what_is_shown_is_what_was_recorded(by_hand):
    for one in by_hand.recording.records:
        for n in np.ravel(one.value):
            assert f"{n:.12g}" in str(by_hand)


def test_markdown_and_latex():
    page = bp.explain(mazur.network(), mazur.X, mazur.TARGET, loss=mazur.LOSS)
    markdown, latex = page._repr_markdown_(), page.latex()
    substitution = (
        r"\begin{pmatrix} 0.59327 & 0.596884 \end{pmatrix}\,"
        r"\begin{pmatrix} 0.4 & 0.5 \\ 0.45 & 0.55 \end{pmatrix}"
        r" + \begin{pmatrix} 0.6 & 0.6 \end{pmatrix} \\"
    )
    for text in (markdown, latex):
        assert substitution in text
        assert r"\begin{pmatrix} 1.10591 & 1.22492 \end{pmatrix} \quad (1 \times 2)" in text
        assert r"\operatorname{sum}\left(\begin{pmatrix} 0.298371 \end{pmatrix}\right)" in text
        assert r"{\begin{pmatrix} 0.05 & 0.1 \end{pmatrix}}^\top" in text
        assert text.count(r"\begin{aligned}") == len(page.recording.records)
    assert markdown.startswith("## Network of 4 layers, L = HalfSquaredError() = 0.298371\n")
    assert "```python\ndW = x.T @ delta  # (2)  dense.py" in markdown
    assert "**2 Dense(2)**: v2 → v3 (1, 2) → 3 Sigmoid()" in markdown
    assert r"\paragraph{2 Dense(2)} v2 $\to$ v3 (1, 2) $\to$ 3 Sigmoid()" in latex
    assert latex.startswith("\\documentclass{article}")
    assert latex.endswith("\\end{document}\n")
    assert latex.count("\\begin{") == latex.count("\\end{")
    latex.replace("⎛", "").encode("latin-1")  # nothing that LaTeX would not know


def test_fan_out_and_shared_layers_are_sums():
    net, shared = bp.Network(), bp.Dense(1, init=bp.Constant(0.5))
    h = net.add(bp.Identity(), net.add(shared, 0))
    net.add(bp.Add(), h, net.add(shared, h))
    page = explained(net, (1,), np.array([[2.0]]), np.array([[0.5]]), bp.HalfSquaredError())
    text = str(page)
    assert "1 Identity():  v1 → v2 (1, 1) → 2 Dense(1) and 3 Add()" in text
    assert "3 Add():  v2, v3 → v4 (1, 1) → Loss" in text
    assert "1 Identity():  2 Dense(1) and 3 Add() → δ = dL/dv2 → dL/dv1" in text
    assert "v2 is read 2 times: its deltas are summed." in text
    at = text.index("       dL/dv2\n       = ( 1 ) + ( 0.5 )\n       = ( 1.5 )")
    assert at < text.index("0 Dense(1):  1 Identity()")
    assert "0 Dense(1):  stands at 0 and 2: its gradients are summed" in text
    assert "       dW\n       = ( 1 ) + ( 3 )\n       = ( 4 )" in text
    assert "       db\n       = ( 1 ) + ( 1.5 )\n       = ( 2.5 )" in text
    assert r"\mathrm{dL/dv2} &= \begin{pmatrix} 1 \end{pmatrix} + \begin" in page._repr_markdown_()


def test_rounds_of_a_loop():
    page = explained([bp.RNN(1), bp.Last()], (5, 1), spread((1, 5, 1), 0), np.ones((1, 1)))
    text = str(page)
    forth, back = text.split("\nBackward\n")
    assert [int(t) for t in re.findall(r"t = (\d):", forth)] == [0, 1, 4]
    assert [int(t) for t in re.findall(r"t = (\d):", back)] == [4, 3, 0]
    assert text.count("… 2 more rounds in the same way …") == 2
    assert back.count("After the loop:") == 1
    assert "*t = 4:*" in page._repr_markdown_()
    assert r"\emph{\dots{} 2 more rounds" in page.latex()


def test_long_formulas_are_broken_in_latex_where_they_are_in_text():
    page = explained([bp.Dense(6)], (6,), spread((1, 6), 0), spread((1, 6), 1), small=36)
    assert r"\end{pmatrix} \\ &\quad  + \begin{pmatrix}" in page.latex()
    wide = explained([bp.Identity()], (12,), np.full((1, 12), 1 / 3), np.zeros((1, 12)))
    for text in (str(wide), wide._repr_markdown_(), wide.latex()):
        assert "0.333333 " not in text
        assert "from 0.3333 to 0.3333" in text


def test_large_arrays_have_their_name_and_shape():
    page = explained([bp.Dense(20)], (30,), spread((3, 30), 0), spread((3, 20), 1))
    text = str(page)
    assert "= x⟨3×30⟩ W⟨30×20⟩ + b⟨20⟩\n       = from " in text
    assert "= x⟨3×30⟩ᵀ δ⟨3×20⟩" in text
    assert r"\underset{3 \times 30}{x}\,\underset{30 \times 20}{W}" in page._repr_markdown_()
    assert max(map(len, text.splitlines())) <= 88
    full = explained([bp.Dense(1)], (3,), np.ones((1, 3)), np.ones((1, 1)), small=0)
    assert "= x⟨1×3⟩ W⟨3×1⟩ + b⟨1⟩" in str(full)


NETWORKS = {
    "images": (
        [bp.Conv2D(2, 2), bp.BatchNorm(), bp.ReLU(), bp.MaxPool(2), bp.Flatten(), bp.Dense(2)],
        spread((2, 5, 5, 1), 0),
    ),
    "more images": (
        [bp.DepthwiseConv2D(2), bp.ConvTranspose2D(2, 2), bp.AvgPool(2), bp.GlobalMaxPool()],
        spread((1, 4, 4, 2), 0),
    ),
    "sequences": (
        [bp.Bidirectional(bp.GRU(2)), bp.LSTM(2), bp.LayerNorm(), bp.Last(), bp.Softmax()],
        spread((1, 4, 2), 0),
    ),
    "words": ([bp.Embedding(4, 2), bp.Flatten(), bp.Dense(2)], np.array([[1, 3]])),
    "units": (
        [
            bp.GELU(),
            bp.ELU(),
            bp.SELU(),
            bp.PReLU(),
            bp.SiLU(),
            bp.Softsign(),
            bp.Softplus(),
            bp.LeakyReLU(),
            bp.Tanh(),
            bp.Dropout(),
            bp.Reshape((2,)),
        ],
        spread((1, 2), 0),
    ),
    "nested": (
        [bp.Network([bp.Dense(2), bp.Network([bp.Tanh()])]), bp.Dense(2)],
        spread((1, 2), 0),
    ),
}


@pytest.mark.parametrize(("layers", "x"), NETWORKS.values(), ids=NETWORKS)
def test_pages_of_every_kind_of_network(layers, x):
    """Every line that ran outside another one stands on the page, in three forms."""
    net = bp.Network(layers)
    out = net.build(x.shape[1:], rng=1, dtype=np.float64)
    page = bp.explain(net, x, np.ones((len(x), *out)), loss=MSE, rng=0)
    text, markdown, latex = str(page), page._repr_markdown_(), page.latex()
    for one in page.recording.records:
        if not one.inner:
            assert one.line.source in text
            assert one.line.source in markdown
            assert one.line.source in latex
    assert "⟨⟩" not in text
    assert " ? " not in text
    long = [row for row in text.splitlines() if len(row) > 88 and "  | " not in row]
    assert long == []
    assert {letter for letter in latex if not letter.isascii()} <= set("…")  # LaTeX knows no other
    widest = re.findall(r"\\begin\{pmatrix\}(.*?)\\\\", latex)
    assert max(row.count("&") for row in widest) < 16
    for text in (markdown, latex):
        assert text.count("\\begin{") == text.count("\\end{")
        assert text.count("\\left(") == text.count("\\right)")


def test_two_inputs_and_nothing_changed():
    net = bp.Network(inputs=2)
    net.add(bp.Add(), 0, 1)
    net.add(bp.BatchNorm())
    net.build((2,), (2,), rng=0)
    held = {name: value.copy() for name, value in net.averages.items()}
    page = bp.explain(net, (np.ones((1, 2)), np.ones((1, 2))), np.ones((1, 2)), loss=MSE)
    assert "0 Add():  x0, x1 → v2 (1, 2) → 1 BatchNorm()" in str(page)
    assert all(np.array_equal(net.averages[name], value) for name, value in held.items())


def test_formulas():
    class Layer(bp.Layer):
        r"""Brackets.

        $$ y = x \tag{1} $$
        """

        def forward(self, x, /):
            a, k = x + 1, 2
            y = (x - (a - x)) / (a / x) * -k + (x * (x + a)) ** 2 @ np.eye(2)  # (1)
            return y, None

    layer = Layer()
    from backprop.explanation.tracer import Tracer

    with Tracer(layer) as trace:
        layer.forward(np.array([[1.0, 2.0]]))
    pieces = substituted(trace.records[0], Text())
    x, a = "( 1  2 )", "( 2  3 )"
    written = f"({x} - ({a} - {x})) / ({a} / {x}) · (-2) + ({x} ⊙ ({x} + {a}))² eye(2)"
    assert str(beside(*pieces)) == written
    assert "".join(substituted(trace.records[0], Tex())).count("pmatrix") == 16


def test_boxes():
    matrix = bracketed(grid([["1", "20"], ["300", "4"]]))
    assert matrix.rows == ("⎛   1  20 ⎞", "⎝ 300   4 ⎠")
    assert bracketed(word("a")).rows == ("(a)",)
    assert raised(matrix, "ᵀ").rows == ("⎛   1  20 ⎞ᵀ", "⎝ 300   4 ⎠ ")
    three = Box(("a", "b", "c"), 1)
    assert beside(three, word("="), matrix).rows == (
        "a            ",
        "b=⎛   1  20 ⎞",
        "c ⎝ 300   4 ⎠",
    )
    assert str(bracketed(three)) == "⎛ a ⎞\n⎜ b ⎟\n⎝ c ⎠"


def test_numbers_and_names_in_both_styles():
    text, tex = Text(4), Tex(4)
    assert [text.number(n) for n in (True, 3, 1 / 3, -0.0, 1e-7)] == [
        "1",
        "3",
        "0.3333",
        "0",
        "1e-07",
    ]
    assert tex.number(1.5e-7) == r"1.5 \cdot 10^{-7}"
    assert str(text.value(np.arange(8).reshape(2, 2, 2))) == "⎛ 0  1 ⎞ ⎛ 4  5 ⎞\n⎝ 2  3 ⎠ ⎝ 6  7 ⎠"
    names = {"delta": "δ", "dgamma": "dγ", "delta[t]": "δ[t]", "xhat": "x̂", "dxhat": "dx̂", "W": "W"}
    for name, shown in names.items():
        assert str(text.symbol(name)) == shown
    names = {
        "delta": r"\delta",
        "dgamma": r"d\gamma",
        "xhat": r"\hat x",
        "dW": "dW",
        "da_i": "da_{i}",
        "winner": r"\mathit{winner}",
        "a[t]": "a[t]",
        "W_rz": "W_{rz}",
    }
    for name, shown in names.items():
        assert tex.symbol(name) == shown


@pytest.mark.parametrize(
    ("args", "settings", "message"),
    [
        ((), {}, "an input x to send through the network, got none"),
        ((1, 1), {"digits": 0}, "digits to be a whole number of at least 1, got 0"),
        ((1, 1), {"of": "0.x[0,0]", "most": 0}, "most to be a whole number of at least 1, got 0"),
        ((1, 1), {"small": -1}, "small to be a whole number of at least 0, got -1"),
    ],
)
def test_what_cannot_be_shown(args, settings, message):
    net = bp.Network([bp.ReLU()])
    net.build((1,))
    with pytest.raises(ValueError, match="explain expects") as error:
        bp.explain(net, *(np.ones((1, 1)) for _ in args), loss=MSE, **settings)
    assert str(error.value) == f"explain expects {message}"
