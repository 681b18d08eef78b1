"""Entries that a reader picks, and maps of the arrays that they stand in."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import backprop as bp
from backprop.checks.trials import ready
from backprop.explanation.heatmap import ASCII, COLUMNS, ROWS, heat_map
from backprop.explanation.picks import Picker
from backprop.explanation.recording import record
from backprop.explanation.terms import worked_out
from backprop.selfcheck import spread
from cases import CASES, wired

MSE = bp.MeanSquaredError()
MAP = """\
   0       4
0  ·-░ ▒-▓ █
1 -█ ▓ ▒ ░ ·
· 0   ░ to 0.5   ▒ to 1   ▓ to 1.5   █ to 2   - negative"""

PAGE = """\
       = from -4 to 12                                                            (1, 3)
          0
       0  █-▒ ·
       · 0   ░ to 3   ▒ to 6   ▓ to 9   █ to 12   - negative

       y[0,0] = x[0,0] · W[0,0] + x[0,1] · W[1,0] + b[0]
              = 2 · 3 + 3 · 2 + 0
              = 12
"""


def test_a_map():
    value = np.array([[0, -0.5, 1, -1.5, 2], [-2, 1.5, 1, 0.5, 0]])
    assert "\n".join(heat_map(value)) == MAP
    letters = str.maketrans("·░▒▓█", ASCII)
    assert "\n".join(heat_map(value, ASCII)) == MAP.translate(letters)
    assert heat_map(np.arange(2.0))[:2] == ["  0", "  · █"]


@pytest.mark.parametrize("shape", [(1000,), (3, 500), (500, 3), (100, 100), (1, 28, 28, 16)])
def test_a_map_is_bounded_and_keeps_the_largest(shape):
    value = np.random.default_rng(0).uniform(-1, 1, shape)
    value.flat[value.size // 2] = -5
    rows = heat_map(value)
    assert len(rows) <= ROWS + 4
    assert max(map(len, rows)) <= 73
    assert sum(row.count("-█") for row in rows[1 : 1 + ROWS]) == 1
    assert max(map(len, rows[1 : 1 + ROWS])) <= 2 * COLUMNS + 5


def test_what_is_shown_of_more_axes_and_of_many_entries():
    value = np.zeros((2, 4, 4, 3))
    value[1, 2, 3, 1] = 1
    assert heat_map(value)[-1] == "[1,:,:,1] alone, where the largest is"
    assert heat_map(value)[3:5] == ["2  · · · █", "3  · · · ·"]
    assert heat_map(value[:, :3])[-1] == "[1,2,:,:] alone, where the largest is"
    assert heat_map(np.ones((40, 40)))[-1] == "each cell the largest of 3 x 2 entries"
    assert heat_map(np.ones((2, 20, 20)))[-2:] == [
        "[0,:,:] alone, where the largest is",
        "each cell the largest of 2 x 1 entries",
    ]


def test_what_is_no_finite_number_and_what_is_no_float():
    rows = heat_map(np.array([[np.nan, np.inf, -1.0, 0.0]]))
    assert rows[1] == "0  ? ?-█ ·"
    assert heat_map(np.array([[True, False]]))[1] == "0  █ ·"
    assert heat_map(np.array([[0, 7]], np.uint8))[1] == "0  · █"
    assert heat_map(np.array([[1 + 2j, -1j]]))[1] == "0  █ ·"
    assert heat_map(np.zeros((1, 2)))[-1].startswith("· 0   ░ to 0 ")


def small(**more):
    net = bp.Network([bp.Dense(3, init=bp.Given([[3.0, -1, 0], [2, -1, 0]]))])
    net.build((2,), dtype=np.float64)
    return bp.explain(net, np.array([[2.0, 3.0]]), np.ones((1, 3)), loss=MSE, **more)


def test_a_large_array_is_a_map_with_its_largest_entry():
    text = str(small(small=2))
    assert PAGE.replace("-4", "-5").replace("-▒ ·", "-▒ ·") in text
    assert "W[" not in str(small(small=2, pick=[])).replace("W⟨", "")
    page = small(small=2)
    assert "```text\n   0\n0  █-▒ ·\n" in page._repr_markdown_()
    assert "\\begin{verbatim}\n   0\n0  @-* .\n" in page.latex()
    assert r"y[0,0] &= x[0,0] \cdot W[0,0] + x[0,1] \cdot W[1,0] + b[0] \\" in page.latex()


def test_picked_entries_stand_below_the_line_that_made_them():
    picked = ["0.y[0,1]", "0.dW[1,2]", "0.delta[0,1]", "0.x[0,1]", "loss.d[0,2]", "loss.y[0,2]"]
    page = small(pick=picked)
    text = str(page)
    forth, back = text.split("Backward\n--------")
    assert "y[0,1] = x[0,0] · W[0,1] + x[0,1] · W[1,1] + b[1]\n" in forth
    assert "       d[0,2] = y[0,2] - t[0,2]\n              = 0 - 1\n              = -1\n" in forth
    assert "       δ[0,1] = r · 2 / M · d[0,1]\n" in forth
    assert "       dW[1,2] = x[0,1] · δ[0,2]\n               = 3 · (-0.666667)\n" in back
    assert text.endswith("Picked, and made by no line of a layer:\n\n       x[0,1] = 3\n")
    assert [one.symbol for one in page.picked][-1] == "y[0,2]"
    assert page.picked[-1].record.steps == (0,)
    assert str(small(pick="0.y[0,1]")) == str(small(pick=["0.y[0,1]"]))
    assert r"dW[1,2] &= x[0,1] \cdot \delta[0,2] \\" in page._repr_markdown_()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_name_of_every_layer(case):
    """An entry has the value that stands in that array, and a formula gives it."""
    inputs = len(case.shapes)
    net = ready(wired((case.layer, *range(inputs)), inputs=inputs), *case.in_shapes)
    xs = case.inputs()
    y, _ = net.forward(*xs, rng=np.random.default_rng(0))
    run = record(net, tuple(xs), spread(y.shape, 1), MSE, rng=0)
    picker = Picker(run)
    for name, (array, *_) in picker._arrays((0,)).items():
        index = [n // 2 for n in array.shape]
        found = picker.picked(f"0.{name}[{','.join(map(str, index))}]")
        assert found.value.tobytes() == array[tuple(index)].tobytes()
        if found.term is not None:
            assert worked_out(found.term) == pytest.approx(found.value, rel=1e-10, abs=1e-13)


TAKEN_APART = [
    ([bp.Conv2D(2, 3, padding=1)], (1, 4, 4, 1), ["y[0,1,2,1]", "dW[1,2,0,1]", "dx[0,3,3,0]"]),
    ([bp.Conv2D(2, 3, padding=1)], (1, 4, 4, 1), ["X[3,4]", "dX[7,2]", "db[1]"]),
    ([bp.MaxPool(2)], (1, 4, 4, 1), ["dx[0,1,1,0]", "dx_k[2][0,1,1,0]"]),
    ([bp.LSTM(2)], (1, 3, 2), ["y[0,1,1]", "dWx[1,5]", "da_i[2][0,1]", "new_c[1][0,0]"]),
    ([bp.GRU(2)], (1, 3, 2), ["dWh[1,5]", "dWh[1,0]", "n[1][0,1]", "dx[0,2,1]"]),
    ([bp.BatchNorm()], (3, 2), ["xhat[2,1]", "mu[1]", "dx[2,0]", "dgamma[1]"]),
    ([bp.GlobalMaxPool()], (1, 2, 2, 1), ["dx[0,1,1,0]"]),
    ([bp.DepthwiseConv2D(2)], (1, 3, 3, 2), ["y[0,1,1,1]", "dx[0,1,1,0]"]),
]


@pytest.mark.parametrize(("layers", "shape", "names"), TAKEN_APART)
def test_what_is_taken_apart(layers, shape, names):
    net = bp.Network(layers)
    out = net.build(shape[1:], rng=1, dtype=np.float64)
    picks = [f"0.{name}" for name in names]
    page = bp.explain(
        net, spread(shape, 0), spread((shape[0], *out), 1), loss=MSE, pick=picks, small=0
    )
    for one, name in zip(page.picked, names, strict=True):
        assert one.symbol == name
        assert worked_out(one.term) == pytest.approx(one.value, rel=1e-10)
        assert one.record is not None
    text = str(page)
    assert all(
        f"  {name} = ".replace("gamma", "γ").replace("xhat", "x̂").replace("mu", "μ") in text
        for name in names
    )


def test_a_pick_in_a_round_that_is_left_out_is_shown():
    net = bp.Network([bp.RNN(1), bp.Last()])
    net.build((5, 1), rng=1, dtype=np.float64)
    example = spread((1, 5, 1), 0), np.ones((1, 1))
    assert "       t = 2:\n" not in str(bp.explain(net, *example, loss=MSE))
    page = str(bp.explain(net, *example, loss=MSE, pick=["0.da[2][0,0]"]))
    assert "       t = 2:\n" in page
    assert "da[2][0,0] = dh[0,0] · φ'(new_h[2][0,0])\n" in page


def test_a_maximum_is_taken_from_the_line_that_wrote_it():
    net = bp.Network([bp.MaxPool(2)])
    net.build((2, 2, 1), dtype=np.float64)
    for place, largest in itertools.product(range(4), [5.0]):
        x = np.arange(4.0)
        x[place] = largest
        page = bp.explain(
            net, x.reshape(1, 2, 2, 1), np.ones((1, 1, 1, 1)), loss=MSE, pick="0.y[0,0,0,0]"
        )
        assert page.picked[0].value == largest
        if place:
            assert page.picked[0].record.loops == {"k": place}
            assert worked_out(page.picked[0].term) == largest


def test_a_delta_with_several_readers_is_their_sum():
    net = wired((bp.Tanh(), 0), (bp.Dense(2), 1), (bp.Add(), 1, 2))
    net.build((2,), rng=0, dtype=np.float64)
    page = bp.explain(
        net, spread((1, 2), 0), spread((1, 2), 1), loss=MSE, pick=["0.delta[0,1]", "2.x1[0,0]"]
    )
    assert worked_out(page.picked[0].term) == page.recording.call((0,), "backward").given[0][0, 1]
    assert "       δ[0,1] = dx[0,1] + dx[0,1]\n" in str(page)
    assert page.picked[1].record.steps == (1,)
    assert_array_equal(page.picked[1].value, page.recording.call((1,), "forward").returned[0, 0])


def refused(pick):
    net = bp.Network([bp.RNN(2), bp.Dense(3)])
    net.build((3, 2), rng=0, dtype=np.float64)
    with pytest.raises(ValueError, match="explain expects") as error:
        bp.explain(net, spread((1, 3, 2), 0), spread((1, 3, 3), 1), loss=MSE, pick=[pick])
    return str(error.value).removeprefix("explain expects ")


@pytest.mark.parametrize("pick", ["y[0,1]", "1.y", "1.y[-1,0]", "1.y[0][1][2]", "", 3])
def test_what_is_no_name(pick):
    assert refused(pick) == (
        f'pick= to hold names like "0.y[0,3,2,1]" or "3.delta[0,7]", got {pick!r}'
    )


@pytest.mark.parametrize("pick", ["2.y[0,0]", "1.0.y[0,0]"])
def test_what_is_no_layer(pick):
    assert refused(pick) == f"pick= to name one of the layers 0 to 1, or loss, got {pick!r}"


@pytest.mark.parametrize(
    ("pick", "message"),
    [
        ("1.q[0]", "pick= to name one of W, b, dW, db, x, dx, y, delta of layer 1"),
        ("loss.q[0]", "pick= to name one of y, delta, d, losses, loss of the loss"),
        ("1.y[0,0]", "pick= to be an entry of shape (1, 3, 3)"),
        ("1.y[0,0,3]", "pick= to be an entry of shape (1, 3, 3)"),
        ("0.da[1][0,2]", "pick= to be an entry of shape (1, 2)"),
        ("0.da[0,1]", "pick= to name a round of 0, 1, 2, as in '0.da[2][0,1]'"),
        ("0.da[3][0,1]", "pick= to name a round of 0, 1, 2, as in '0.da[2][0,1]'"),
        ("1.y[0][0,0,1]", "pick= without a round, as in '1.y[0,0,1]'"),
    ],
)
def test_what_is_not_there(pick, message):
    assert refused(pick) == f"{message}, got {pick!r}"


def test_pick_without_an_example():
    with pytest.raises(ValueError, match="explain expects") as error:
        bp.explain(bp.Dense, pick=["0.W[0,0]"])
    assert str(error.value) == "explain expects an input x to send through the network, got none"


def test_a_pick_beside_of():
    with pytest.raises(ValueError, match="explain expects") as error:
        small(pick=["0.y[0,0]"], of="0.b[0]")
    assert str(error.value) == "explain expects pick= or of=, got both"
