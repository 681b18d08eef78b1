"""The way to one number's gradient: every factor, and the very float at its end."""

import itertools
import math
import re

import numpy as np
import pytest

import backprop as bp
from backprop.checks.trials import ready
from backprop.classics import mazur
from backprop.compiled import readable
from backprop.explanation.path import ENTRIES, MOST, Path
from backprop.explanation.recording import record
from backprop.explanation.setting import OF_LINES
from backprop.explanation.spelling import spelled
from backprop.explanation.styles import Text
from backprop.explanation.terms import Number, Term, worked_out
from backprop.selfcheck import spread
from cases import CASES, LOSS_CASES, wired

MSE = bp.MeanSquaredError()

WAY = """\
dL/d(0.W[0,0]) = 0.0004385677344743465
======================================

HalfSquaredError():  L = 0.298371

  (4)  δ = r d
       | return r * d
       δ[0,0] = r · d[0,0]
              = 1 · 0.741365
              = 0.741365
       δ[0,1] = r · d[0,1]
              = 1 · (-0.217072)
              = -0.217072

3 Sigmoid()

  (2)  dx = δ ⊙ y ⊙ (1 − y)
       | dx = delta * y * (1 - y)
       dx[0,0] = δ[0,0] · y[0,0] · (1 - y[0,0])
               = 0.741365 · 0.751365 · (1 - 0.751365)
               = 0.138499
       dx[0,1] = δ[0,1] · y[0,1] · (1 - y[0,1])
               = (-0.217072) · 0.772928 · (1 - 0.772928)
               = -0.0380982

2 Dense(2)

  (4)  dx = δ Wᵀ
       | dx = delta @ self.W.T
       dx[0,0] = δ[0,0] · W[0,0] + δ[0,1] · W[0,1]
               = 0.138499 · 0.4 + (-0.0380982) · 0.5
               = 0.0363503

1 Sigmoid()

  (2)  dx = δ ⊙ y ⊙ (1 − y)
       | dx = delta * y * (1 - y)
       dx[0,0] = δ[0,0] · y[0,0] · (1 - y[0,0])
               = 0.0363503 · 0.59327 · (1 - 0.59327)
               = 0.00877135

0 Dense(2)

  (2)  dW = xᵀ δ
       | dW = x.T @ delta
       dW[0,0] = x[0,0] · δ[0,0]
               = 0.05 · 0.00877135
               = 0.000438568

       Way 1 of 2:
       r · d[0,0]  HalfSquaredError (4) 0.741365
       y[0,0]      3 Sigmoid (2) 0.751365
       1 - y[0,0]  3 Sigmoid (2) 0.248635
       W[0,0]      2 Dense (4) 0.4
       y[0,0]      1 Sigmoid (2) 0.59327
       1 - y[0,0]  1 Sigmoid (2) 0.40673
       x[0,0]      0 Dense (2) 0.05
                   product 0.000668396

       Way 2 of 2:
       r · d[0,1]  HalfSquaredError (4) -0.217072
       y[0,1]      3 Sigmoid (2) 0.772928
       1 - y[0,1]  3 Sigmoid (2) 0.227072
       W[0,1]      2 Dense (4) 0.5
       y[0,0]      1 Sigmoid (2) 0.59327
       1 - y[0,0]  1 Sigmoid (2) 0.40673
       x[0,0]      0 Dense (2) 0.05
                   product -0.000229828

       0.0004385677344743465 is what stands in grads["0.W"], to the last bit.
"""


def squeezed(text):
    """Return a page without the places of its lines, and with one blank before a factor's value."""
    text = re.sub(r" +\w+\.py:\d+, \w+$", "", text, flags=re.MULTILINE)
    return re.sub(r"(\)|product) {3,}", r"\1 ", text)


def test_the_way_to_the_first_weight_of_the_2_2_2_network():
    page = bp.explain(mazur.network(), mazur.X, mazur.TARGET, loss=mazur.LOSS, of="0.W[0,0]")
    assert squeezed(str(page)) == WAY
    assert repr(page) == str(page)
    assert f"{page.value:.9f}" == "0.000438568"
    assert sum(math.prod(f.value for f in way) for way in page.products()) == pytest.approx(
        page.value, rel=1e-15
    )


@pytest.mark.parametrize(
    ("of", "places"),
    [
        ("2.W[0,0]", ["HalfSquaredError (4)", "3 Sigmoid (2)", "3 Sigmoid (2)", "2 Dense (2)"]),
        ("2.W[1,1]", ["HalfSquaredError (4)", "3 Sigmoid (2)", "3 Sigmoid (2)", "2 Dense (2)"]),
        ("2.b[1]", ["HalfSquaredError (4)", "3 Sigmoid (2)", "3 Sigmoid (2)"]),
        ("3.x[0,0]", ["HalfSquaredError (4)", "3 Sigmoid (2)", "3 Sigmoid (2)"]),
        ("3.y[0,1]", ["HalfSquaredError (4)"]),
    ],
)
def test_one_chain_of_factors_has_the_very_float_as_its_product(of, places):
    page = bp.explain(mazur.network(), mazur.X, mazur.TARGET, loss=mazur.LOSS, of=of)
    (way,) = page.products()
    assert [factor.place for factor in way] == places
    assert math.prod(factor.value for factor in way) == page.value
    assert "The chain of factors:" in str(page)


def built(layers, in_shape, dtype=np.float64):
    net = bp.Network(layers) if isinstance(layers, list) else layers
    net.build(in_shape, rng=1, dtype=dtype)
    return net


def shared():
    net, twice = bp.Network(), bp.Dense(2)
    h = net.add(bp.Tanh(), net.add(twice, 0))
    g = net.add(bp.Network([bp.Dense(2), bp.ReLU()]), h)
    net.add(bp.Concat(), h, net.add(twice, g))
    return net


def fan_out_inside():
    inner = bp.Network()
    a = inner.add(bp.Dense(2), 0)
    inner.add(bp.Add(), a, inner.add(bp.Dense(2), 0))
    return bp.Network([bp.Dense(2), inner, bp.Tanh()])


def units(kind):
    return [bp.Dense(2), kind(), bp.Dense(2)]


KINDS = [
    bp.Identity,
    bp.Sigmoid,
    bp.Tanh,
    bp.ReLU,
    bp.LeakyReLU,
    bp.ELU,
    bp.SELU,
    bp.GELU,
    bp.Softplus,
    bp.Softsign,
    bp.SiLU,
    bp.Softmax,
    bp.Dropout,
    bp.LayerNorm,
    bp.BatchNorm,
]

NETWORKS = {
    "rows": ([bp.Dense(3), bp.Tanh(), bp.Dense(2)], (5, 4)),
    "shared": (shared(), (2, 2)),
    "fan-out inside": (fan_out_inside(), (2, 2)),
    "rnn": ([bp.RNN(2), bp.Last(), bp.Dense(1)], (2, 4, 2)),
    "reversed": ([bp.RNN(2, reverse=True, activation="relu"), bp.Dense(1)], (2, 4, 2)),
    "lstm": ([bp.LSTM(2), bp.LSTM(2), bp.Dense(1)], (2, 3, 2)),
    "gru": ([bp.GRU(2), bp.Last()], (2, 3, 2)),
    "gru before": ([bp.GRU(2, reset_after=False)], (1, 2, 2)),
    "bidirectional": ([bp.Bidirectional(bp.RNN(2)), bp.Dense(1)], (2, 3, 2)),
    "images": (
        [bp.Conv2D(2, 3, padding=1), bp.ReLU(), bp.MaxPool(2), bp.Flatten(), bp.Dense(3)],
        (2, 6, 6, 1),
    ),
    "overlap": ([bp.MaxPool(2, stride=1), bp.Conv2D(1, 2, stride=2)], (1, 5, 5, 1)),
    "mean": (
        [bp.Conv2D(2, 2, flip=True), bp.AvgPool(2, padding=1), bp.GlobalAvgPool()], (1, 4, 4, 1)
    ),
    "columns": ([bp.Flatten("columns"), bp.Reshape((4, 2)), bp.Dense(1)], (2, 2, 2, 2)),
    **{kind.__name__: (units(kind), (3, 2)) for kind in KINDS},
}  # fmt: skip


def entries(array, most=7):
    """Yield some indexes of an array, from its beginning to its end."""
    every = list(itertools.product(*map(range, array.shape)))
    return every[:: max(1, len(every) // most)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("layers", "shape"), NETWORKS.values(), ids=NETWORKS)
def test_the_last_float_is_the_gradient_bit_for_bit(layers, shape, dtype):
    net = built(layers, shape[1:], dtype)
    x = spread(shape, 0).astype(dtype)
    with readable():
        y, caches = net.forward(x, rng=0)
        target = spread(y.shape, 1)
        _, cache = MSE.forward(y, target)
        dx, grads = net.backward(MSE.backward(cache), caches)
    run = record(net, (x,), target, MSE, rng=0)
    for key, gradient in grads.items():
        for index in entries(gradient):
            page = Path(run, f"{key}[{','.join(map(str, index))}]")
            assert page.value.tobytes() == gradient[index].tobytes()
            assert str(page).startswith("dL/d(")
    if net.is_chain:
        for index in entries(dx):
            page = Path(run, f"0.x[{', '.join(map(str, index))}]")
            assert page.value.tobytes() == dx[index].tobytes()


@pytest.mark.parametrize(("layers", "shape"), NETWORKS.values(), ids=NETWORKS)
def test_each_formula_gives_the_value_of_its_entry(layers, shape):
    net = built(layers, shape[1:])
    out = net.forward(spread(shape, 0), rng=0)[0].shape
    run = record(net, (spread(shape, 0),), spread(out, 1), MSE, rng=0)
    for key, gradient in run.grads.items():
        for index in entries(gradient, 3):
            page = Path(run, f"{key}[{','.join(map(str, index))}]")
            for node in page.nodes:
                assert worked_out(node.term) == pytest.approx(node.value, rel=1e-12, abs=1e-15)
                for number, source in node.sources.items():
                    assert number.value == source.value
            ways = page.products(most=100)
            if ways:
                total = sum(math.prod(factor.value for factor in way) for way in ways)
                assert total == pytest.approx(page.value, rel=1e-12, abs=1e-15)


SMALL = [case for case in CASES if case.build().multiply_adds(*case.in_shapes) < 10**4]


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_every_parameter_and_input_of_every_layer(case):
    """What `of` can take apart is every layer in every configuration, on its own and inside."""
    if type(case.layer) is bp.Network:
        net = case.build()
    else:
        inputs = len(case.shapes)
        net = ready(wired((case.layer, *range(inputs)), inputs=inputs), *case.in_shapes)
    xs = case.inputs()
    y, _ = net.forward(*xs, rng=np.random.default_rng(0))
    run = record(net, tuple(xs), spread(y.shape, 1), MSE, rng=0)
    dx, _ = run.call((0,), "backward").held[1]
    dxs = dx if isinstance(dx, tuple) else (dx,)
    handed = {f"0.x{k or ''}": array for k, array in enumerate(dxs) if array is not None}
    for key, gradient in {**run.grads, **handed}.items():
        for index in entries(gradient, 2):
            page = Path(run, f"{key}[{','.join(map(str, index))}]")
            assert page.value.tobytes() == gradient[index].tobytes()
            assert page.nodes[-1] is page.root


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
def test_every_loss(case):
    net = built([bp.Identity()], case.y.shape[1:], case.y.dtype)
    run = record(net, (case.y,), case.target, case.loss)
    for index in entries(run.dxs[0], 4):
        page = Path(run, f"0.x[{','.join(map(str, index))}]")
        assert page.value.tobytes() == run.dxs[0][index].tobytes()


def test_a_masked_step_has_two_shares_and_a_state_that_it_began_with():
    net = wired((bp.RNN(1, masked=True), 0, 1, 2), inputs=3)
    net.build((3, 1), (1,), (3,), rng=1, dtype=np.float64)
    xs = spread((1, 3, 1), 0), np.ones((1, 1)), np.array([[1.0, 0.5, 0.0]])
    page = bp.explain(net, xs, np.ones((1, 3, 1)), loss=MSE, of="0.x1[0,0]")
    assert page.value == page.recording.dxs[1][0, 0]
    text = str(page)
    assert "dx[0,0] = dh[0,0] of (5) + dold[0,0] of (2)\n" in text
    assert "ds[0,0] = dh[0,0] of (3) + dold[0,0] of (2)\n" in text
    of_mask = bp.explain(net, xs, np.ones((1, 3, 1)), loss=MSE, of="0.x2[0,1]")
    assert of_mask.root.symbol == "dm[0,0]"
    assert of_mask.value == page.recording.dxs[2][0, 1]


def test_what_a_fold_sums_and_windows_see():
    net = built([bp.Conv2D(1, 2, padding=1), bp.ConvTranspose2D(1, 2)], (2, 2, 1))
    target = spread((1, 4, 4, 1), 1)
    page = bp.explain(net, spread((1, 2, 2, 1), 0), target, loss=MSE, of="0.x[0,0,1,0]")
    text = " ".join(str(page).split())
    stamps = "dX[0,1,2,0,0,0] + dX[0,1,1,0,1,0] + dX[0,0,2,1,0,0] + dX[0,0,1,1,1,0]"
    assert f"dx[0,0,1,0] = {stamps} = " in text
    assert "dY[0,0,1,0,0,0] = δ[0,0,1,0] = " in text


def test_the_terms_of_a_sum_over_examples():
    net = built([bp.Dense(1)], (2,))
    page = bp.explain(net, spread((3, 2), 0), spread((3, 1), 1), loss=MSE, of="0.W[1,0]")
    assert "dW[1,0] = x[0,1] · δ[0,0] + x[1,1] · δ[1,0] + x[2,1] · δ[2,0]" in str(page)
    assert [node.symbol for node in page.nodes] == [
        "delta[0,0]",
        "delta[1,0]",
        "delta[2,0]",
        "dW[1,0]",
    ]
    assert "Way 3 of 3:" in str(page)


def test_of_a_long_sum_the_largest_terms_are_followed():
    net = built([bp.Dense(1)], (1,))
    x, target = np.arange(1.0, 11.0)[:, np.newaxis], np.zeros((10, 1))
    page = bp.explain(net, x, target, loss=MSE, of="0.W[0,0]")
    followed = {number.index[0] for number in page.root.sources}
    assert followed == {6, 7, 8, 9}
    assert len(followed) == MOST
    assert "+ … (6 smaller)" in str(page)
    assert page.products() is None
    assert r"\text{ + … (6 smaller)}" in page._repr_markdown_()


def test_of_many_entries_the_weightiest_are_followed_and_one_way_to_the_loss():
    layers = [bp.RNN(6), bp.RNN(6), bp.Last(), bp.Dense(4)]
    net = built(layers, (9, 3))
    x, target = spread((3, 9, 3), 0), spread((3, 4), 1)
    page = bp.explain(net, x, target, loss=MSE, of="0.Wx[1,2]")
    assert not page.complete
    assert page.products() is None
    assert page.value == page.recording.grads["0.Wx"][1, 2]
    assert (
        f"Of all entries on the way {len(page.nodes)} are taken apart, the weightiest ones;"
        " the others stand there as numbers. most=None takes all apart, most=100 more."
    ) in str(page)
    assert page.nodes[0].record.phase == "loss"
    node = page.root
    while node.sources:
        node = next(iter(node.sources.values()))
    assert node.record.phase == "loss"


def test_a_pixel_under_two_convolutions_is_one_way_of_a_page_or_two():
    layers = [bp.Conv2D(8, 3), bp.ReLU(), bp.Conv2D(8, 3), bp.ReLU(), bp.Flatten(), bp.Dense(4)]
    net = built(layers, (8, 8, 1))
    example = spread((1, 8, 8, 1), 0), spread((1, 4), 1)
    short = bp.explain(net, *example, loss=MSE, of="0.x[0,4,4,0]")
    more = bp.explain(net, *example, loss=MSE, of="0.x[0,4,4,0]", most=40)
    assert len(short.nodes) == ENTRIES
    assert len(str(short).splitlines()) <= 120
    assert len(more.nodes) == 40
    assert short.value == more.value == short.recording.dxs[0][0, 4, 4, 0]
    way, *_ = str(short).partition(OF_LINES)  # which stands at the foot, where Numba is installed
    assert way.rstrip().endswith(f"{short.value} is what backward handed down, to the last bit.")


def test_all_entries_with_every_term():
    net = built([bp.Dense(6), bp.Tanh(), bp.Dense(5)], (2,))
    example = spread((3, 2), 0), spread((3, 5), 1)
    some = bp.explain(net, *example, loss=MSE, of="0.W[1,0]")
    page = bp.explain(net, *example, loss=MSE, of="0.W[1,0]", most=None)
    assert not some.complete
    assert page.complete
    assert len(page.nodes) == 3 * 5 + 3 + 3 + 1
    assert "smaller" not in str(page)
    ways = page.products(most=15)
    assert len(ways) == 15
    total = sum(math.prod(factor.value for factor in way) for way in ways)
    assert total == pytest.approx(page.value, rel=1e-14)


def test_what_comes_to_nothing_is_not_followed():
    net = built([bp.Dense(2), bp.ReLU(), bp.Dense(1)], (1,))
    net[0].W[:] = [[1.0, -1.0]]
    page = bp.explain(net, np.ones((1, 1)), np.zeros((1, 1)), loss=MSE, of="0.x[0,0]")
    assert [node.symbol for node in page.nodes if "ReLU" in node.place] == ["dx[0,0]"]
    dead = bp.explain(net, np.ones((1, 1)), np.zeros((1, 1)), loss=MSE, of="0.W[0,1]")
    assert dead.value == 0
    assert len(dead.nodes) == 1
    unread = built([bp.Identity(), bp.Last()], (2, 1))
    page = bp.explain(unread, np.ones((1, 2, 1)), np.zeros((1, 1)), loss=MSE, of="0.y[0,0,0]")
    assert page.value == 0
    assert "1 Last(), which hands nothing to it" in {node.place for node in page.nodes}


def test_fan_out_and_shared_layers_are_named_as_sums():
    net, twice = bp.Network(), bp.Dense(1, init=bp.Constant(0.5))
    h = net.add(bp.Tanh(), net.add(twice, 0))
    net.add(bp.Add(), h, net.add(twice, h))
    built(net, (1,))
    page = bp.explain(
        net, np.array([[2.0]]), np.array([[0.5]]), loss=bp.HalfSquaredError(), of="0.W[0,0]"
    )
    text = str(page)
    assert "dL/dv2[0,0] = δ[0,0] of 3 + dx[0,0] of 2\n" in text
    assert "dW[0,0] = dW[0,0] of 2 + dW[0,0] of 0\n" in text
    assert "Way 3 of 3:" in text


def test_a_grey_pixel_needs_no_channel():
    net = built([bp.Conv2D(1, 2), bp.Flatten(), bp.Dense(1)], (3, 3, 1))
    x, target = spread((1, 3, 3, 1), 0), np.zeros((1, 1))
    page = bp.explain(net, x, target, loss=MSE, of="0.x[0,1,2]")
    assert page.value == bp.explain(net, x, target, loss=MSE).recording.dxs[0][0, 1, 2, 0]


def test_rounds_are_named():
    net = built([bp.RNN(1), bp.Last()], (3, 1))
    page = bp.explain(net, spread((1, 3, 1), 0), np.ones((1, 1)), loss=MSE, of="0.Wh[0,0]")
    text = str(page)
    assert "dh = daₜ Wₕᵀ   t = 2\n" in text
    assert "da[1][0,0] = dh[0,0] · φ'(new_h[1][0,0])" in text
    assert "*t = 2:*\n\n$$ dh" in page._repr_markdown_()
    assert r"da[1][0,0] &= dh[0,0] \cdot \varphi'(new_{h}[1][0,0])" in page.latex()
    assert page.latex().isascii()


def test_markdown_and_latex():
    page = bp.explain(mazur.network(), mazur.X, mazur.TARGET, loss=mazur.LOSS, of="2.W[0,0]")
    markdown, latex = page._repr_markdown_(), page.latex()
    formula = (
        r"\begin{aligned} dW[0,0] &= x[0,0] \cdot \delta[0,0] \\"
        r"  &= 0.59327 \cdot 0.138499 \\  &= 0.082167 \end{aligned}"
    )
    assert f"$$ {formula} $$" in markdown
    assert f"\\[ {formula} \\]" in latex
    assert "| The chain of factors | where | value |\n|:--|:--|--:|\n| $r \\cdot d" in markdown
    assert "| $1 - y[0,0]$ | 3 Sigmoid (2) | $0.248635$ |\n" in markdown
    assert "| | product | $0.082167$ |" in markdown
    assert "$1 - y[0,0]$ & 3 Sigmoid (2) & $0.248635$ \\\\\n" in latex
    assert latex.count("\\begin{") == latex.count("\\end{")


def refused(of, layers=None, shape=(1, 2), kind=ValueError):
    net = built(layers or [bp.Dense(2), bp.Sigmoid()], shape[1:])
    x = np.zeros(shape, int) if net.integer_inputs else spread(shape, 0)
    target = spread(net.forward(x)[0].shape, 1)
    with pytest.raises(kind, match="explain expects") as error:
        bp.explain(net, x, target, loss=MSE, of=of)
    return str(error.value).removeprefix("explain expects ")


@pytest.mark.parametrize("of", ["0.W", "W[0,0]", "0.W[0;0]", "0.W[-1,0]", "", 7])
def test_what_is_no_name(of):
    assert refused(of) == f'of= to be like "2.W[3,1]" or "0.x[0,5]", got {of!r}'


@pytest.mark.parametrize("of", ["0.Q[0,0]", "1.W[0,0]", "7.W[0,0]", "1.0.W[0,0]"])
def test_what_is_not_there(of):
    assert refused(of) == f"of= to be an entry of 0.W, 0.b, or x or y of a layer, got {of!r}"


@pytest.mark.parametrize(
    ("of", "shape"),
    [("0.W[2,0]", (2, 2)), ("0.b[0,0]", (2,)), ("1.x[1,0]", (1, 2)), ("0.b[2]", (2,))],
)
def test_what_is_out_of_range(of, shape):
    assert refused(of) == f"of= to be an entry of shape {shape}, got {of!r}"


def test_whole_numbers_have_no_gradient():
    got = refused("0.x[0,1]", [bp.Embedding(3, 2)])
    assert got == "an input that is not whole numbers, got '0.x[0,1]'"


def test_of_without_an_example():
    with pytest.raises(ValueError, match="explain expects") as error:
        bp.explain(bp.Dense, of="0.W[0,0]")
    assert str(error.value) == "explain expects an input x to send through the network, got none"


class Odd(bp.Layer):
    r"""A layer whose tagged lines do what nobody foresaw.

    $$ y = x W \tag{1} $$

    $$ dx = \delta W \tag{2} $$

    $$ dW = \sum \delta x \tag{3} $$
    """

    param_names = ("W",)

    def build(self, in_shape, /, *, rng=None, dtype=np.float64):
        self.W = np.ones(in_shape, dtype)
        return in_shape

    def forward(self, x, /):
        y = x * self.W  # (1)
        return y, x

    def backward(self, delta, cache, /):
        dx = np.cumsum(delta * self.W, axis=-1)  # (2)
        dW = self.W.copy()
        np.copyto(dW, (delta * cache)[0])  # (3)
        return dx, {"W": dW}


@pytest.mark.parametrize(
    ("of", "line"),
    [
        ("0.x[0,1]", "dx = np.cumsum(delta * self.W, axis=-1)"),
        ("0.W[1]", "np.copyto(dW, (delta * cache)[0])"),
    ],
)
def test_what_cannot_be_taken_apart_is_an_error(of, line):
    message = refused(of, [Odd()], (1, 2), NotImplementedError)
    assert message.startswith(f"lines that it can take apart, got {line} (test_path.py:")


class Misled(bp.Layer):
    r"""A layer whose tagged line is not all of what it computes.

    $$ y = 3 x \tag{1} $$

    $$ dx = 3 \delta \tag{2} $$
    """

    def forward(self, x, /):
        y = 3 * x  # (1)
        return y, None

    def backward(self, delta, cache, /):
        dx = 3 * delta  # (2)
        dx = dx + 0
        return dx, {}


def test_a_number_that_no_tagged_line_made_is_an_error():
    message = refused("0.x[0,0]", [Misled()], (1, 2), NotImplementedError)
    assert message.startswith("lines that it can take apart, got what it returns (test_path.py:")


class Silent(bp.MeanSquaredError):
    """A loss without a tagged line."""

    def backward(self, cache, /):
        d, r = cache
        return r * 2 / d.shape[-1] * d


class Mute(Silent):
    """One without any."""

    def forward(self, y, target, /):
        y, t, r = self._enter(y, target)
        return r * ((y - t) ** 2).mean(axis=-1).sum(), (y - t, r)


@pytest.mark.parametrize("loss", [Silent(), Mute()])
def test_a_loss_needs_tagged_lines(loss):
    net = built([bp.Dense(1)], (1,))
    with pytest.raises(NotImplementedError) as error:
        bp.explain(net, np.ones((1, 1)), np.ones((1, 1)), loss=loss, of="0.W[0,0]")
    assert str(error.value) == (
        f"explain expects a loss whose gradient is a tagged line, got {loss!r}"
    )


def test_spelling():
    a, b, c = (Number(name, value) for name, value in (("a", -1.0), ("b", 2.0), ("c", 3.0)))
    difference = Term("-", (a, Term("-", (b, c))))
    formulas = [
        (Term("*", (a, Term("+", (b, c)))), "a · (b + c)", "(-1) · (2 + 3)", -5),
        (difference, "a - (b - c)", "-1 - (2 - 3)", 0),
        (Term("/", (a, Term("*", (b, c)))), "a / (b · c)", "(-1) / (2 · 3)", -1 / 6),
        (Term("neg", (Term("^2", (a,)),)), "-a²", "-(-1)²", -1),
        (Term("*", (b, Term(" > ", (b, a)))), "b · [b > a]", "2 · [2 > -1]", 2),
        (Term("maximum", (a, b)), "max(a, b)", "max(-1, 2)", 2),
        (Term("mean", (b, c, a, b)), "mean(b, c, a, b)", "mean(2, 3, -1, 2)", 1.5),
    ]
    for term, symbols, values, result in formulas:
        assert "".join(map(str, spelled(term, Text()))) == symbols
        assert "".join(map(str, spelled(term, Text(), values=True))) == values
        assert worked_out(term) == result
