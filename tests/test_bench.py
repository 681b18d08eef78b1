"""The benchmarks: that they measure the same work, count it right and leave nothing out.

No time is asserted.
"""

import dataclasses
import json
import os
import subprocess
import sys
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

import backprop as bp
from backprop.bench import gradient_cost, growth, memory, race, results, sides, startup, ways
from backprop.bench.agreement import (
    Disagreement,
    agree_on_gradients,
    agree_on_losses,
    agree_on_outputs,
)
from backprop.bench.measured import digits
from backprop.bench.sides.ours import Ours
from backprop.bench.sides.side import Side, Unfit
from backprop.bench.timing import exponent, in_turns, matrix_product_peak, spread, turn
from backprop.bench.workloads import WORKLOADS, Workload, find, prepare, step_multiply_adds

ROOT = Path(__file__).parents[1]
TINY = Workload("tiny", "", (6,), lambda: [bp.Dense(5), bp.ReLU(), bp.Dense(10)], 3, 2)
PEAK = 1e9

# What is counted: each net written out by hand, forward multiply-adds layer by layer, and the
# delta that its first layer does not hand down.
DENSE = {
    "mlp": [(784, 512), (512, 256), (256, 10)],
    "mlp-small": [(784, 30), (30, 10)],
    "lenet": [(400, 120), (120, 84), (84, 10)],
    "cnn": [(12 * 12 * 64, 128), (128, 10)],
    "rnn": [(128, 10)],
    "lstm": [(128, 10)],
}
BEFORE = {  # parameters, multiply-adds, those of the delta that is not made
    "mlp": (0, 0, 784 * 512),
    "mlp-small": (0, 0, 784 * 30),
    "lenet": (
        (25 * 6 + 6) + (25 * 6 * 16 + 16),
        28 * 28 * 25 * 6 + 10 * 10 * 25 * 6 * 16,
        28 * 28 * 25 * 6,
    ),
    "cnn": (
        (9 * 32 + 32) + (9 * 32 * 64 + 64),
        26 * 26 * 9 * 32 + 24 * 24 * 9 * 32 * 64,
        26 * 26 * 9 * 32,
    ),
    "rnn": ((28 + 128 + 1) * 128, 28 * (28 + 128) * 128, 28 * 28 * 128),
    "lstm": ((28 + 128 + 1) * 512, 28 * (28 + 128) * 512, 28 * 28 * 512),
}


@pytest.fixture
def quick(monkeypatch):
    """No large products, no rests."""
    monkeypatch.setattr(race, "matrix_product_peak", lambda: PEAK)
    monkeypatch.setattr("backprop.bench.timing.REST", 0)


@pytest.fixture
def without(monkeypatch):
    """Return a function that makes a library impossible to import."""

    def hide(library, file):
        monkeypatch.setitem(sys.modules, library, None)
        monkeypatch.delitem(sys.modules, f"backprop.bench.sides.{file}", raising=False)

    return hide


def measured(peers=(), **settings):
    how = {"rounds": 2, "seconds": 0, "threads": 1, "memory": False, **settings}
    return results.measure([TINY], peers, **how)


# The work


@pytest.mark.parametrize("name", WORKLOADS)
def test_work_and_parameters_are_those_written_out_by_hand(name):
    net = prepare(WORKLOADS[name]).net
    parameters, forward, spared = BEFORE[name]
    dense = DENSE[name]
    assert net.param_count == parameters + sum(d * m + m for d, m in dense)
    forward += sum(d * m for d, m in dense)
    assert net.multiply_adds(net.in_shapes[0]) == forward
    assert step_multiply_adds(net) == 3 * forward - spared


def test_a_problem_is_the_same_every_time():
    one, two = prepare(TINY), prepare(TINY)
    np.testing.assert_array_equal(one.net.parameters, two.net.parameters)
    for (x, y), (x2, y2) in zip(one.batches, two.batches, strict=True):
        np.testing.assert_array_equal(x, x2)
        np.testing.assert_array_equal(y, y2)
        assert x.dtype == np.float32
        assert x.shape == (3, 6)
    assert len(one.batches) == 2


def test_workloads_are_found_by_name_once_each():
    assert [each.name for each in find("bench", [])] == list(WORKLOADS)
    assert [each.name for each in find("bench", ["lstm", "mlp", "lstm"])] == ["lstm", "mlp"]


def test_ours_leaves_the_problem_alone_and_starts_anew():
    problem = prepare(WORKLOADS["mlp-small"])
    before = problem.net.parameters.copy()
    side = Ours(problem, 1)
    first = side.train()
    assert side.train() < first
    np.testing.assert_array_equal(problem.net.parameters, before)
    side.start()
    assert side.train() == first


def test_the_loss_of_a_cycle_is_the_mean_over_its_batches():
    problem = prepare(TINY)
    twin = problem.net.astype(np.float32)
    step = bp.TrainStep(twin, bp.SoftmaxCrossEntropy(), bp.SGD(0.01, momentum=0.9))
    losses = [step(x, y) for x, y in problem.batches]
    assert Ours(problem, 1).train() == np.mean(losses)


# The sides


SMALL = {
    name: dataclasses.replace(each, batch=min(each.batch, 8), batches=2)
    for name, each in WORKLOADS.items()
}
REFUSED = {"lenet": "Conv2D", "cnn": "Conv2D", "rnn": "RNN", "lstm": "LSTM"}


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "peer"),
    [(n, p) for n, p in product(SMALL, sides.USUAL) if p != "scikit-learn" or n not in REFUSED],
)
def test_every_side_finds_the_same_losses_and_outputs(name, peer):
    problem = prepare(SMALL[name])
    ours, theirs = Ours(problem, 1), sides.load(peer, 1)(problem, 1)
    for _ in range(2):  # from the same weights again, momentum forgotten
        ours.start()
        theirs.start()
        for _ in range(3):  # so that a wrong momentum or gradient would show
            assert theirs.train() == pytest.approx(ours.train(), rel=1e-5)
        agree_on_outputs(name, peer, ours.predict(), theirs.predict(), theirs.gives_probabilities)


@pytest.mark.parity
@pytest.mark.parametrize(("name", "layer"), REFUSED.items())
def test_scikit_learn_has_perceptrons_only(name, layer):
    with pytest.raises(Unfit, match=f"^has no {layer}$"):
        sides.load("scikit-learn", 1)(prepare(SMALL[name]), 1)


@pytest.mark.parity
def test_sides_leave_the_problem_alone():
    problem = prepare(SMALL["mlp-small"])
    before = problem.net.parameters.copy(), problem.batches[0][0].copy()
    for peer in sides.USUAL:
        sides.load(peer, 1)(problem, 1).train()
    np.testing.assert_array_equal(problem.net.parameters, before[0])
    np.testing.assert_array_equal(problem.batches[0][0], before[1])


@pytest.mark.parity
@pytest.mark.parametrize("peer", ["pytorch", "jax"])
def test_a_layer_that_a_peer_does_not_know_is_unfit(peer):
    problem = prepare(dataclasses.replace(TINY, layers=lambda: [bp.Dense(5), bp.GELU()]))
    with pytest.raises(Unfit, match=r"^no (module|function) for GELU\(\)$"):
        sides.load(peer, 1)(problem, 1)


@pytest.mark.parity
def test_one_activation_for_all_layers():
    layers = [bp.Dense(5), bp.ReLU(), bp.Dense(5), bp.Tanh(), bp.Dense(10)]
    problem = prepare(dataclasses.replace(TINY, layers=lambda: layers))
    with pytest.raises(Unfit, match=r"^has one activation for all layers$"):
        sides.load("scikit-learn", 1)(problem, 1)


@pytest.mark.parity
def test_what_torch_compile_cannot_do_is_told(monkeypatch):
    import torch

    def broken(modules):
        def fail(x):
            raise RuntimeError("\nno compiler\nand more")

        return fail

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(Unfit, match=r"^failed: no compiler$"):
        sides.load("torch.compile", 1)(prepare(TINY), 1)


@pytest.mark.parametrize(
    ("library", "file", "peer"),
    [
        ("torch", "pytorch", "pytorch"),
        ("torch", "pytorch", "torch.compile"),
        ("jax", "with_jax", "jax"),
        ("sklearn.neural_network", "scikit_learn", "scikit-learn"),
    ],
)
def test_a_missing_peer_is_left_out_and_the_table_says_so(quick, without, library, file, peer):
    without(library, file)
    found = measured([peer])
    line = f'{peer} is left out: not installed: pip install "explicit-backprop[bench]" brings it'
    assert found.notes == [line]
    assert line in str(found).splitlines()
    assert line in found.markdown().splitlines()
    assert {row["side"] for row in found.rows} == {"backprop"}


class Choosy(Ours):
    def __init__(self, problem, threads):
        raise Unfit("has no taste for it")


def test_a_side_that_does_not_fit_is_left_out_and_the_table_says_so(quick, monkeypatch):
    monkeypatch.setattr(sides, "load", lambda name, threads: Ours if name == "backprop" else Choosy)
    found = measured(["jax"])
    assert found.notes == ["tiny: jax is left out: has no taste for it"]


def test_a_side_has_to_be_written_out():
    side = Side(None, 1)
    for method in (side.start, side.train, side.predict):
        with pytest.raises(NotImplementedError):
            method()


# The race


class Careless(Ours):
    def train(self):
        return super().train() * 1.01


class Confused(Ours):
    def predict(self):
        return super().predict()[:, ::-1]


class Modest(Ours):
    gives_probabilities = True

    def predict(self):
        return bp.Softmax().predict(super().predict())


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Careless, r"^bench expects jax to find our loss for tiny, 2\.\d+, got 2\.\d+$"),
        (
            Confused,
            r"^bench expects jax to find our probabilities for tiny, got some that are 0\.\d+ aw",
        ),
    ],
)
def test_a_side_that_does_other_work_is_not_timed(quick, kind, text):
    with pytest.raises(Disagreement, match=text):
        race.race(TINY, {"backprop": Ours, "jax": kind}, 1, 0, 1)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: agree_on_losses("mlp", "jax", 2.0, 2.01),
            "bench expects jax to find our loss for mlp, 2, got 2.01",
        ),
        (
            lambda: agree_on_losses("mlp", "jax", 2.0, np.nan),
            "bench expects jax to find our loss for mlp, 2, got nan",
        ),
        (
            lambda: agree_on_outputs("mlp", "jax", np.zeros((1, 2)), np.array([[0, np.log(3)]])),
            "bench expects jax to find our probabilities for mlp, got some that are 0.25 away",
        ),
        (
            lambda: agree_on_gradients("one way", [1.0, 4.0], [1.0, 5.0], 0.1),
            "bench expects one way to give the gradient of backpropagation, got one that is 2.5e-01"
            " away",
        ),
    ],
)
def test_disagreements_say_what_differs(call, text):
    with pytest.raises(Disagreement) as error:
        call()
    assert str(error.value) == text


def test_what_agrees_passes():
    agree_on_losses("mlp", "jax", 2.0, 2.001)
    y = np.array([[1.0, 2.0]])
    agree_on_outputs("mlp", "jax", y, y + 7)  # the softmax is the same
    agree_on_outputs("mlp", "jax", y, bp.Softmax().predict(y), probabilities=True)
    agree_on_gradients("one way", [1.0, 4.0], [1.0, 4.1], 0.1)


def test_the_rows_of_a_race(quick):
    kinds = {"backprop": Ours, "jax": Modest}
    rows, unfit = race.race(TINY, kinds, 3, 0, 1)
    assert unfit == {}
    assert [(row.task, row.side) for row in rows] == list(product(race.TASKS, kinds))
    forward = 6 * 5 + 5 * 10
    for row in rows:
        assert (row.workload, row.batch, row.parameters, row.peak) == ("tiny", 3, 95, PEAK)
        assert row.multiply_adds == 3 * (forward if row.task == "predict" else 3 * forward - 30)
        assert len(row.seconds) == len(row.ratios) == 3
        assert min(row.seconds) > 0
        ours = rows[0] if row.task == "train" else rows[2]
        ratios = np.divide(row.seconds, ours.seconds)
        np.testing.assert_allclose(row.ratios, ratios, rtol=1e-12)
        assert row.side != "backprop" or row.ratios == (1, 1, 1)


def test_the_figures_of_a_row():
    row = race.Row("w", "train", "jax", 10, 5, 100, (0.5, 0.1, 0.2), (2.0, 1.0, 4.0), 1000.0, 7)
    figures = row.to_dict()
    assert figures["examples_per_second"] == 50
    assert figures["share_of_peak"] == 0.5
    assert figures["seconds_spread"] == {"median": 0.2, "least": 0.1, "largest": 0.5}
    assert figures["ratio_spread"] == {"median": 2.0, "least": 1.0, "largest": 4.0}
    assert figures["memory"] == 7
    assert set(figures) == FIELDS


FIELDS = {
    *("workload", "task", "side", "batch", "parameters", "multiply_adds", "seconds", "ratios"),
    *("peak", "memory", "seconds_spread", "ratio_spread", "examples_per_second", "share_of_peak"),
}
MACHINE = {"Python", "NumPy", "processor", "cores"}


def test_table_and_json_have_every_field(quick, monkeypatch):
    monkeypatch.setattr(sides, "load", lambda name, threads: Ours if name == "backprop" else Modest)
    monkeypatch.setattr(results, "peak_memory", lambda *_: 12_300_000)
    told = []
    found = measured(["jax"], memory=True, tell=told.append)
    assert told == ["tiny: , batches of 3"]
    whole = json.loads(found.to_json())
    assert set(whole) == {"title", "settings", "rows", "notes"}
    assert {"rounds", "seconds a turn", "threads", "peak in GF/s", *MACHINE} <= set(
        whole["settings"]
    )
    assert whole["settings"]["explicit-backprop"]
    assert all(set(row) == FIELDS for row in whole["rows"])
    assert [row["memory"] for row in whole["rows"]] == [12_300_000, 12_300_000, None, None]
    _, header, *rest = str(found).splitlines()
    assert header.split() == " ".join(results.Results.header).split()
    assert [line.split()[:3] for line in rest[:4]] == [
        ["tiny", task, side] for task in race.TASKS for side in ("backprop", "jax")
    ]
    assert rest[0].endswith("12.3")
    marked = found.markdown().splitlines()
    assert marked[2] == f"| {' | '.join(results.Results.header)} |"
    assert marked[3].startswith("| --- | --- | --- | ---: |")
    assert len([line for line in marked if line.startswith("| tiny |")]) == 4


def test_the_peak_memory_of_a_process_of_its_own():
    used = memory.peak_memory("mlp-small", "backprop", 1)
    if sys.platform == "linux":
        assert 10_000 < used < 1e9
    else:
        assert used is None or used >= 0


def test_memory_that_the_system_does_not_tell_is_none(monkeypatch):
    monkeypatch.setattr(memory, "python", lambda *_: "a warning\nNone\n")
    assert memory.peak_memory("mlp", "backprop", 1) is None


# Taking times


def test_exponents_of_powers():
    sizes = np.array([1, 2, 4, 8, 16])
    assert exponent(sizes, 3 * sizes**1.7) == pytest.approx(1.7, abs=1e-12)
    assert exponent(sizes, np.full(5, 2.0)) == pytest.approx(0, abs=1e-12)
    bent = exponent(sizes, sizes + 10)  # a fixed cost flattens the line
    assert 0 < bent < 1


def test_the_order_of_every_other_round_goes_backwards():
    keys = {"a": 1, "b": 2, "c": 3}
    assert in_turns(keys, 0) == in_turns(keys, 2) == ["a", "b", "c"]
    assert in_turns(keys, 1) == ["c", "b", "a"]


def test_a_turn_begins_with_a_call_that_is_not_counted(monkeypatch):
    calls = []
    clock = iter([0.0, 1.0, 2.0, 3.0])
    monkeypatch.setattr("backprop.bench.timing.REST", 0)
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))

    def act():
        calls.append("act")
        return len(calls)

    seconds, first = turn(lambda: calls.append("begin"), act, 2.5)
    assert (seconds, first) == (1.0, 2)
    assert calls == ["begin", "act", "act", "act", "act"]


def test_the_spread():
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "least": 1.0, "largest": 3.0}


def test_a_peak_is_a_rate():
    assert matrix_product_peak(size=16, times=1) > 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (1, "1.00"), (12.345, "12.3"), (99.96, "100"), (1234, "1,230")],
)
def test_numbers_have_three_digits(value, text):
    assert digits(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(7.0, "7.00"), (999_999, "1,000,000"), (2e7, "2.00e7")]
)
def test_large_numbers_are_powers_of_ten(value, text):
    assert gradient_cost.power(value) == text


# Growth


def test_growth_has_a_row_for_everything_that_doubles(quick):
    series = {name: (make, sizes[:3]) for name, (make, sizes) in growth.SERIES.items()}
    found = growth.measure(rounds=2, seconds=0, threads=1, series=series)
    assert [row["doubled"] for row in found.rows] == list(growth.SERIES)
    assert found.header[0] == "doubled"
    for row, cells in zip(found.rows, found.cells(), strict=True):
        assert np.shape(row["seconds"]) == (3, 2)
        assert set(row) == {
            *("doubled", "sizes", "seconds", "seconds_spread", "multiply_adds"),
            *("exponent", "work_exponent", "last_doubling", "work_last_doubling"),
        }
        assert len(cells) == len(found.header)
        middle = [each["median"] for each in row["seconds_spread"]]
        assert row["exponent"] == exponent(row["sizes"], middle)
        assert row["last_doubling"] == middle[-1] / middle[-2]
    work = {row["doubled"]: row["work_exponent"] for row in found.rows}
    assert work["batch"] == pytest.approx(1, abs=1e-12)
    assert work["length"] == pytest.approx(1, abs=0.01)
    assert 1 < work["width"] < 2 < work["image side"] < 4
    assert found.plot().png()


@pytest.mark.parametrize(("make", "sizes"), growth.SERIES.values(), ids=growth.SERIES)
def test_the_sizes_double_and_every_one_can_be_built(make, sizes):
    assert all(b == 2 * a for a, b in pairwise(sizes))
    for size in (sizes[0], sizes[-1]):
        workload = make(size)
        assert bp.Network(workload.layers()).build(workload.in_shape) == (10,)


# Starting up


def test_startup_starts_everything_in_fresh_interpreters(monkeypatch):
    chosen = {name: startup.COMMANDS[name] for name in ("python", "import numpy")}
    monkeypatch.setattr(startup, "COMMANDS", chosen)
    found = startup.measure([], rounds=2, threads=1)
    assert [row["command"] for row in found.rows] == list(chosen)
    for row in found.rows:
        assert len(row["seconds"]) == 2
        assert min(row["seconds"]) > 0
    assert found.cells()[0][-1] == "0"
    assert len(found.cells()[1]) == len(found.header)
    assert found.plot().png()


def test_a_peer_that_cannot_be_started_is_said(monkeypatch, without):
    without("torch", "pytorch")
    monkeypatch.setattr(startup, "COMMANDS", {"python": startup.COMMANDS["python"]})
    found = startup.measure(["pytorch"], rounds=1, threads=1)
    assert [row["command"] for row in found.rows] == ["python"]
    assert found.notes[0].startswith("pytorch is left out: not installed: ")


def test_import_backprop_leaves_the_benchmarks_alone():
    code = "import sys, backprop; print('backprop.bench' in sys.modules)"
    assert startup.python("-c", code).split() == ["False"]


# The cost of a gradient


def test_the_networks_have_from_ten_to_ten_million_parameters():
    d = gradient_cost.DEPTH
    counts = [d * width * (width + 1) + width + 1 for width in gradient_cost.WIDTHS]
    assert counts[0] == ways.Case(gradient_cost.WIDTHS[0], d).net.param_count == 10
    assert 0.99e7 < counts[-1] < 1e7


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (1, 4), (2, 3), (3, 2), (5, 1)])
def test_three_ways_to_a_gradient(width, depth):
    case = ways.Case(width, depth)
    sizes = [width] * (depth + 1) + [1]
    assert case.net.param_count == sum(n * m + m for n, m in pairwise(sizes))
    gradient = case.backpropagation()
    moved = [case.central(k) for k in range(case.net.param_count)]
    np.testing.assert_allclose(moved, gradient, atol=1e-8)
    one = case.backpropagation(examples=1)
    np.testing.assert_allclose(case.paths(), one, rtol=1e-10, atol=1e-14)
    value = case.net.predict(case.x[:1])[0, 0] - case.y[0, 0]
    assert case.plain_forward() == pytest.approx(value**2 / 2, rel=1e-12)


def test_moving_a_parameter_leaves_it_where_it_was():
    case = ways.Case(2, 2)
    before = case.net.parameters.copy()
    case.central(3)
    np.testing.assert_array_equal(case.net.parameters, before)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 2, 1), (3, 3, 3, 1), (2, 3, 4, 2, 1)])
def test_the_factors_are_those_of_the_walks(sizes):
    count = 0

    def walk(level, j):
        nonlocal count
        count += 1
        if level < len(sizes) - 1:
            for k in range(sizes[level + 1]):
                walk(level + 1, k)

    for level in range(1, len(sizes)):
        for _ in range(sizes[level - 1] + 1):  # the weights of a unit, and its bias
            for j in range(sizes[level]):
                # Not the first call: it multiplies nothing, and the last one by the error.
                walk(level, j)
                count -= 1
    ends = sum(
        (sizes[level - 1] + 1) * int(np.prod(sizes[level:])) for level in range(1, len(sizes))
    )
    forward = sum(n * m for n, m in pairwise(sizes))
    assert ways.factors(sizes) == (count + ends, forward)


def test_the_cost_of_gradients_has_every_field(monkeypatch):
    monkeypatch.setattr(gradient_cost, "WALKED", 500)
    told = []
    found = gradient_cost.measure(
        rounds=2, seconds=0, threads=1, widths=(1, 4), depths=(2,), tell=told.append
    )
    shapes = ["width 1, 4 hidden", "width 4, 4 hidden", "width 8, 2 hidden"]
    assert told == [f"gradient: {shape}" for shape in shapes]
    assert [row["parameters"] for row in found.rows] == [10, 85, 153]
    assert [row["series"] for row in found.rows] == ["wider", "wider", "deeper"]
    for row, cells in zip(found.rows, found.cells(), strict=True):
        assert set(row) == {
            *("series", "width", "depth", "parameters", "forward_seconds", "central_seconds"),
            *("backpropagation_seconds", "backpropagation", "central", "moved", "times_as_long"),
            *("paths", "paths_measured"),
        }
        assert len(cells) == len(found.header)
        assert row["moved"] >= 1
    assert found.rows[0]["paths_measured"] > 0
    assert found.rows[1]["paths_measured"] is None
    assert found.notes[0].startswith("At 153 parameters a gradient by central differences takes ")
    assert found.plot().png()


def test_a_wrong_gradient_is_not_timed(monkeypatch):
    right = ways.Case.backpropagation
    monkeypatch.setattr(ways.Case, "backpropagation", lambda self: 2 * right(self))
    with pytest.raises(Disagreement, match=r"^bench expects central differences to give the grad"):
        gradient_cost.cost(ways.Case(2, 2), 1, 0)


# The command


def command(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "backprop", "bench", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_the_command_prints_writes_and_draws(tmp_path):
    words = ("--rounds", "1", "--seconds", "0.01", "--threads", "1", "--no-memory")
    out = ("--json", "race.json", "--plot", "race.png", "--markdown")
    done = command("mlp-small", *words, *out, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-2:] == ["race.json", "race.png"]
    assert any(line.startswith("| mlp-small | train | backprop | ") for line in lines)
    found = json.loads((tmp_path / "race.json").read_text())
    assert {row["workload"] for row in found["rows"]} == {"mlp-small"}
    assert imread(tmp_path / "race.png").std() > 0
    assert "mlp-small: 784-30-10, logistic, no momentum, batches of 10\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("vgg",),
            "bench expects a workload to be one of 'mlp', 'mlp-small', 'lenet', 'cnn', 'rnn',"
            " 'lstm', got 'vgg'",
        ),
        (
            ("mlp-small", "--against", "numpy"),
            "bench expects a peer to be one of 'NumPy alone', 'pytorch', 'torch.compile', 'jax',"
            " 'scikit-learn', got 'numpy'",
        ),
        (
            ("mlp", "lenet", "--measure", "growth"),
            "bench expects no workloads with --measure growth, got mlp lenet",
        ),
        (
            ("--json", "none/x.json"),
            "--json expects a file in a folder that exists, got none/x.json",
        ),
        (("--plot", "none/x.png"), "--plot expects a file in a folder that exists, got none/x.png"),
        (("--json", "."), "--json expects a file in a folder that exists, got ."),
        (("--plot", "x.svg"), "--plot expects a file that ends in .png, got x.svg"),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_is_measured(tmp_path, words, text):
    done = command(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"backprop: {text}\n"
    assert list(tmp_path.iterdir()) == []


# The pictures


def rows_of(sides_):
    base = {"parameters": 1, "multiply_adds": 100, "peak": 1000.0}
    return [
        race.Row(
            workload=name,
            task=task,
            side=side,
            batch=10,
            seconds=(0.1, 0.2),
            ratios=(2.0, 3.0),
            **base,
        ).to_dict()
        for name in ("mlp", "cnn")
        for task in race.TASKS
        for side in sides_
    ]


@pytest.mark.parametrize("sides_", [["backprop"], ["backprop", "pytorch"], list(sides.SIDES)])
def test_the_picture_of_a_race(sides_, tmp_path):
    figure = results.Results(rows_of(sides_), {}).plot()
    (tmp_path / "race.png").write_bytes(figure.png())
    assert imread(tmp_path / "race.png").std() > 0
    shown = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert shown == [name for name in sides.SIDES if name != "backprop" and name in sides_]
    assert [axes.get_title() for axes in figure.axes] == ["a training step", "a prediction"]
    words = "times as fast as that side (right of 1: faster)" if shown else "share of the peak"
    assert {axes.get_xlabel() for axes in figure.axes} == {words}
