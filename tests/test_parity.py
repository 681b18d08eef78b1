"""PyTorch computes the same numbers. Those tests need the extra `parity`: run with -m parity."""

import dataclasses
import importlib
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import backprop as bp
from backprop.compiled import readable
from backprop.models import MODELS
from backprop.parity.case import LayerCase, LossCase, TrainingCase
from backprop.parity.cases import CASES
from backprop.parity.table import BOUNDS, Figure, Parity, Row, difference
from cases import CASES as LAYERS

WHOLE = 2  # whole numbers from -2 to 2: every kink is met
EPSILON = 1e-5  # of the normalisations in the table of tests


@pytest.fixture(scope="module")
def found():
    """All of `bp.parity()`, done once."""
    return bp.parity()


def public(kind):
    return {c for c in vars(bp).values() if isinstance(c, type) and issubclass(c, kind)} - {kind}


# What needs no PyTorch: that nothing is left out, the table, the error


@pytest.mark.parametrize("kind", [bp.Layer, bp.Loss, bp.Optimizer])
def test_everything_public_is_compared(kind):
    compared = {type(case.thing) for case in CASES}
    assert {each.__name__ for each in public(kind) - compared} == set()


def test_penalties_schedules_and_models_are_compared():
    compared = {type(case.thing) for case in CASES}
    for kind in (bp.penalties.Penalty, bp.schedules.Schedule):
        assert {each.__name__ for each in public(kind) - compared} == set()
    assert {case.thing for case in CASES if isinstance(case, TrainingCase)} == set(MODELS)


def test_a_bound_that_is_not_the_usual_one_has_a_reason():
    for case in CASES:
        for (_, dtype), (bound, reason) in case.bounds.items():
            assert bound > 0
            assert dtype in ("float64", "float32")
            assert reason


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([1.0, -4.0], [1.0, -4.0], 0),
        ([1.0, -4.5], [1.0, -4.0], 0.125),
        ([1.5, 4.0], [1.0, -4.0], 2),
        ([0.0], [0.0], 0),
        ([1e-300], [0.0], np.inf),
        ([np.nan], [np.nan], np.inf),
        ([np.inf], [np.inf], np.inf),
        ([1.0], [1.0, 1.0], np.inf),
        ([], [], 0),
        (np.float32(3), 2.0, 0.5),
    ],
)
def test_difference(ours, theirs, expected):
    assert difference(ours, theirs) == expected


def rows(*, gap=1e-16):
    y = Figure("y", "y", "float64", gap, 1e-12)
    dW = Figure("dW", "parameters", "float32", 2e-4, 1e-3, "sums are long")
    return [Row("layer", "Dense", "`Dense(3)` on (4, 5)", (y, dW)), Row("loss", "Loss", "", ())]


NOTES = {"Dense": ("F.linear", "W transposed."), "Other": ("F.other", "")}

TEXT = """\
2 comparisons with PyTorch, none out of bounds. Differences are the largest of an entry, relative \
to the largest entry of its tensor; the bounds are 1e-12 in float64 and 1e-05 in float32 where no \
other is given.
       configuration       y, float64  dx, float64  parameters, float64  y, float32  dx, float32  \
parameters, float32  bound
Dense  Dense(3) on (4, 5)  1.0e-16                                                                \
2.0e-04              dW float32 1e-03 (1)
Loss
(1) sums are long

       in PyTorch  how compared, and where its conventions differ
Dense  F.linear    W transposed.
PyTorch 0"""


def test_table_as_text():
    assert str(Parity(rows(), "PyTorch 0", NOTES)) == TEXT


def test_table_as_markdown():
    found = Parity(rows(gap=0), "PyTorch 0", NOTES).markdown().split("\n\n")
    assert found[:2] == ["# Parity with PyTorch", TEXT.splitlines()[0]]
    assert found[2].splitlines()[1:] == [
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        "| `Dense` | `Dense(3)` on (4, 5) | 0 |  |  |  |  | 2.0e-04 | dW float32 1e-03 (1) |",
        "| `Loss` |  |  |  |  |  |  |  |  |",
    ]
    assert found[3:] == [
        "(1) sums are long",
        "|  | in PyTorch | how compared, and where its conventions differ |\n"
        "| --- | --- | --- |\n"
        "| `Dense` | F.linear | W transposed. |",
        "PyTorch 0\n",
    ]


@pytest.mark.parametrize("gap", [2e-12, np.nan])
def test_a_difference_out_of_bounds_is_told(gap):
    found = Parity(rows(gap=gap), "PyTorch 0", NOTES)
    assert not found
    assert str(found).startswith("2 comparisons with PyTorch, 1 out of bounds.")
    assert "OUT OF BOUNDS dW float32 1e-03 (1)" in str(found)
    with pytest.raises(AssertionError) as caught:
        found.assert_ok()
    assert str(caught.value) == (
        f"Dense, `Dense(3)` on (4, 5): y in float64 differs by {gap:.1e}, more than 1e-12"
    )


def test_within_bounds():
    found = Parity(rows(), "PyTorch 0", NOTES)
    assert found
    found.assert_ok()
    assert found.largest(["layer", "loss"], "float32") == 2e-4


def test_without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError) as caught:
        bp.parity()
    assert str(caught.value) == (
        'parity expects PyTorch, which pip install "explicit-backprop[parity]" brings, got none'
    )


@pytest.mark.parametrize(
    ("words", "gap", "code", "start"),
    [
        ([], 0, 0, "2 comparisons"),
        (["--markdown"], 0, 0, "2 comparisons"),
        ([], 1, 1, "2 comparisons"),
    ],
)
def test_command(monkeypatch, capsys, words, gap, code, start):
    table = Parity(rows(gap=gap), "PyTorch 0", NOTES)
    monkeypatch.setattr(importlib.import_module("backprop.parity"), "parity", lambda: table)
    monkeypatch.setattr(sys, "argv", ["backprop.parity", *words])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("backprop.parity", run_name="__main__")
    assert caught.value.code == code
    assert capsys.readouterr().out.rstrip() == (table.markdown() if words else str(table)).rstrip()


# What needs it


@pytest.mark.parity
@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(c.configuration) for c in CASES])
def test_parity(found, number):
    Parity([found.rows[number]], "", {}).assert_ok()


@pytest.mark.parity
@pytest.mark.parametrize("whole", [0, WHOLE], ids=["spread", "whole"])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_every_layer_of_the_table_of_tests(case, whole):
    from backprop.parity.measure import compute

    for dtype, bound in BOUNDS.items():
        # The NumPy lines: test_compiled.py holds kernels to them, as terms that cancel allow.
        with readable():
            ours, theirs = compute(LayerCase(case.layer, case.shapes, whole), dtype)
        # Of a normalised thing a gradient can be all but zero: the rest of a difference of numbers
        # as large as the largest gradient over the smallest deviation.
        terms = max(np.abs(each).max() for each in theirs.values()) / EPSILON**0.5
        for name, value in theirs.items():
            cancels = "Norm" in str(case) and name.startswith("d")
            size = terms if cancels else np.abs(value).max()
            np.testing.assert_allclose(ours[name], value, rtol=0, atol=bound * size, err_msg=name)


@pytest.mark.parity
@pytest.mark.parametrize("kind", [bp.RNN, bp.LSTM, bp.GRU])
def test_masks_at_the_end_are_sequences_that_end(kind):
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence

    from backprop.parity.peers import sequences

    lengths, T = [6, 1, 4], 6
    x = np.random.default_rng(0).standard_normal((3, T, 4))
    mask = (np.arange(T) < np.array(lengths)[:, np.newaxis]).astype(float)
    layer = kind(5, masked=True)
    layer.build((T, 4), (T,), rng=0, dtype=np.float64)
    y, _ = layer.forward(x, mask)
    p = {name: torch.from_numpy(value) for name, value in layer.params.items()}
    packed = pack_padded_sequence(torch.from_numpy(x), lengths, True, enforce_sorted=False)
    weights = sequences._weights(p)
    _, last = torch.func.functional_call(sequences._module(layer, p), weights, (packed,))
    last = last[0] if kind is bp.LSTM else last
    np.testing.assert_allclose(y[:, -1], last[0].numpy(), rtol=0, atol=1e-14)


@pytest.mark.parity
def test_everything_compared_has_its_name_in_pytorch(found):
    assert {row.name for row in found.rows} == set(found.notes) | set(MODELS)


ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
STATED = (
    r"In (\d+) comparisons the outputs, .* differ by at most (\S+)\s+in float64 and (\S+) in"
    r" float32, .*to (\S+) in float64\. In float32 they do to (\S+), but for `cnn`: .* by (\S+), as"
)


def test_the_readme_counts_the_comparisons():
    assert int(re.search(STATED, README, re.DOTALL)[1]) == len(CASES)


def test_the_table_of_the_docs_has_every_case():
    lines = (ROOT / "docs/parity.md").read_text().splitlines()
    shown = [tuple(line.split(" | ")[:2]) for line in lines]
    wanted = [(f"| `{case.name}`", case.configuration) for case in CASES]
    assert [row for row in shown if row in wanted] == wanted


@pytest.mark.parity
def test_the_readme_has_the_figures(found):
    once = ("layer", "loss", "penalty", "optimizer", "schedule")
    losses = {
        (r.name, f.dtype): f.difference
        for r in found.rows
        for f in r.figures
        if f.tensor == "losses"
    }
    cnn = losses.pop(("cnn", "float32"))
    measured = [
        found.largest(once, "float64"),
        found.largest(once, "float32"),
        max(value for (_, dtype), value in losses.items() if dtype == "float64"),
        max(value for (_, dtype), value in losses.items() if dtype == "float32"),
        cnn,
    ]
    stated = [float(each) for each in re.search(STATED, README, re.DOTALL).groups()[1:]]
    # The last digits depend on the machine.
    assert all(m <= 10 * s for m, s in zip(measured, stated, strict=True)), measured


@pytest.mark.parity
def test_the_float32_run_of_cnn_departs_from_itself():
    from backprop.parity.training import UPDATES

    data = bp.load_data("digits")
    runs = []
    for nudge in (0, 1):
        model = MODELS["cnn"](data.x_train.shape[1:], 10)
        model.net.build(data.x_train.shape[1:], rng=0)
        w = model.net.parameters
        w += nudge * np.spacing(w)
        step = bp.TrainStep(model.net, model.loss, model.optimizer)
        count = len(data.x_train)
        batches = [n for e in range(3) for n in bp.batches(count, 32, seed=0, epoch=e)]
        runs.append([step(data.x_train[n], data.y_train[n]) for n in batches[:UPDATES]])
    apart = np.abs(np.divide(*runs) - 1)
    assert apart[0] < 1e-6 < 1e-4 < apart.max()


@pytest.mark.parity
def test_where_conventions_differ():
    """What the notes of the table say of PyTorch."""
    import torch
    import torch.nn.functional as F

    x = torch.tensor([20.5], dtype=torch.float64)
    assert F.softplus(x) == x
    assert 0 < F.softplus(x, threshold=700) - x < 2.1e-9
    one, zero = torch.ones(1), torch.zeros(1)
    assert F.binary_cross_entropy(zero, one) == 100
    assert F.nll_loss(torch.log(torch.tensor([[0.0, 1.0]])), torch.tensor([0])) == torch.inf
    assert torch.optim.RMSprop([one]).defaults["lr"] == 0.01
    assert torch.optim.Adagrad([one]).defaults["eps"] == 1e-10
    with pytest.raises(RuntimeError, match="padding='same' is not supported for strided"):
        F.conv2d(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3), padding="same", stride=2)
    with pytest.raises(RuntimeError, match="pad should be at most half of effective kernel size"):
        F.max_pool2d(torch.zeros(1, 1, 4, 4), 3, padding=2)
    w = torch.zeros(2, requires_grad=True)
    w.grad = torch.tensor([3.0, 4.0])
    torch.nn.utils.clip_grad_norm_([w], 5.0)
    assert 5 - 2e-6 < w.grad.norm() < 5


@pytest.mark.parity
def test_velocity_keeps_its_rate_in_ours_only():
    import torch

    ours, v = np.zeros(1), torch.zeros(1, dtype=torch.float64, requires_grad=True)
    sgd, twin = bp.SGD(1.0, momentum=0.5), torch.optim.SGD([v], lr=1.0, momentum=0.5)
    state = sgd.start(ours)
    for rate, g in ((1.0, 1.0), (0.1, 0.0)):
        sgd.step(ours, np.array([g]), state, rate)
        v.grad = torch.tensor([g], dtype=torch.float64)
        twin.param_groups[0]["lr"] = rate
        twin.step()
    assert ours[0] == -1.5  # 1, and half of that
    assert v.item() == -1.05  # 1, and half of that at the new rate


@pytest.mark.parity
def test_the_report_says_what_was_compared(found):
    import torch

    assert f"PyTorch {torch.__version__}, NumPy {np.__version__}" in found.versions
    assert f"{len(CASES)} comparisons with PyTorch, none out of bounds" in str(found)


class Careless(bp.Dense):
    def backward(self, delta, cache, /):
        dx, grads = super().backward(delta, cache)
        return dx, {**grads, "b": delta.mean(axis=0)}


class Shifted(bp.MeanSquaredError):
    def backward(self, cache, /):
        return super().backward(cache) * (1 + 1e-4)


class Slow(bp.SGD):
    def update(self, w, g, state, rate, /):
        super().update(w, g, state, rate * (1 - 1e-4))


@pytest.mark.parity
@pytest.mark.parametrize(
    ("case", "thing", "wrong"),
    [
        (LayerCase(bp.Dense(3), ((4, 5),)), Careless(3), {"db"}),
        (LossCase(bp.MeanSquaredError(), (5, 4)), Shifted(), {"delta"}),
        (next(c for c in CASES if isinstance(c.thing, bp.SGD)), Slow(0.1), {"w"}),
    ],
    ids=["layer", "loss", "optimizer"],
)
def test_a_mistake_is_found(monkeypatch, case, thing, wrong):
    from backprop.parity import optimizers, peers
    from backprop.parity.measure import measure

    table = optimizers.OPTIMIZERS if isinstance(thing, bp.Optimizer) else peers.PEERS
    monkeypatch.setitem(table, type(thing), table[type(thing).__base__])
    row = measure(dataclasses.replace(case, thing=thing))
    assert {f.tensor for f in row.figures if not f.ok} == wrong
    assert {f.dtype for f in row.figures if not f.ok} == {"float64", "float32"}
