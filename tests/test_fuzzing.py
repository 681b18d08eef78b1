"""Every layer and loss, and random networks, in configurations that nobody thought of.

A failure ends with the call that repeats it. The names in it are those of `checks/trials.py`.
"""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given

import backprop as bp
from backprop.checks import fuzzing, promises, trials
from backprop.checks.fuzzing import loss_trials, settings_of, trials_of
from backprop.checks.recipes import LAYERS, LOSSES, layers_of, one_from
from backprop.checks.wiring import networks
from backprop.network import inside

PUBLIC = {value for value in vars(bp).values() if isinstance(value, type)}


def names(kinds):
    return [kind.__name__ for kind in kinds]


def fuzz(strategy, check, examples):
    """Run `check` on what the strategy draws: the same every time."""
    settings_of(examples, derandomize=True)(given(strategy)(check))()


def check_layer(trial):
    """Hold a trial to the complex step; one in ten to all that `gradcheck` looks at."""
    promises.slopes_are_right(trial)
    if trial.draws[0].seed % 10 == 0:
        trial.gradcheck().assert_ok()


def check_loss(trial):
    """Hold a trial of a loss to the same, as the loss on top of nothing."""
    loss, target = trial.thing, trial.target
    promises.slopes_are_right(trials.Trial(bp.Identity(), *trial.draws, loss=loss, target=target))
    if trial.draws[0].seed % 10 == 0:
        trial.gradcheck().assert_ok()


examples = pytest.mark.parametrize(
    "examples", [200, pytest.param(5000, marks=pytest.mark.slow)], ids="{} examples".format
)


@examples
@pytest.mark.parametrize("kind", LAYERS, ids=names(LAYERS))
def test_layers(kind, examples):
    fuzz(trials_of(kind), check_layer, examples)


@examples
def test_networks(examples):
    fuzz(networks(), check_layer, examples)


@examples
@pytest.mark.parametrize("kind", LOSSES, ids=names(LOSSES))
def test_losses(kind, examples):
    fuzz(loss_trials(kind), check_loss, examples)


# Nothing is left out


def test_every_public_layer_and_loss_has_a_strategy():
    layers = {kind for kind in PUBLIC if issubclass(kind, bp.Layer)}
    assert set(LAYERS) | {bp.Layer, bp.Network} == layers
    assert set(LOSSES) | {bp.Loss} == {kind for kind in PUBLIC if issubclass(kind, bp.Loss)}


@pytest.mark.parametrize("kind", LAYERS, ids=names(LAYERS))
def test_every_setting_of_a_layer_is_varied(kind):
    settings = LAYERS[kind].settings
    assert set(settings) == set(inspect.signature(kind).parameters)
    for values in settings.values():
        assert len({repr(value) for value in drawn(one_from(values), 50)}) > 1


def drawn(strategy, count=300):
    return fuzzing.some_of(strategy, count, seed=0)


def test_inputs_are_of_every_kind():
    seen = drawn(trials_of(bp.LSTM))
    assert {trial.draws[0].make for trial in seen} == {trials.spread, trials.tied}
    for arrays in ([trial.draws[0].layout for trial in seen], [trial.layout for trial in seen]):
        assert set(arrays) == set(trials.LAYOUTS)
    shapes = [trial.draws[0].shape for trial in seen]
    assert {N for N, _, _ in shapes} == {1, 2, 3}
    assert {T for _, T, _ in shapes} == {1, 2, 3, 4}
    assert {len(trial.draws) for trial in seen} == {1, 2, 3, 4}
    assert {trial.layer.masked for trial in seen} == {False, True}
    assert {trial.layer.reverse for trial in seen} == {False, True}


def test_windows_overlap_and_tile_and_do_neither():
    seen = [trial.layer.window for trial in drawn(trials_of(bp.Conv2D))]
    axes = [axis for w in seen for axis in zip(w.size, w.stride, w.dilation, strict=True)]
    apart = {s - (K - 1) * d - 1 for K, s, d in axes}
    assert min(apart) < 0 < max(apart)
    assert 0 in apart
    assert {K for window in seen for K in window.size} == {1, 2, 3}
    assert any(window.size[0] != window.size[1] for window in seen)
    assert {"same", "valid", (0, 0), (1, 1), (2, 2)} <= {window.padding for window in seen}


def test_networks_are_of_every_kind():
    found = drawn(networks())
    seen = [trial.thing for trial in found]
    assert {net.inputs for net in seen} >= {1, 2, 3}
    assert any(net.is_chain and len(net) > 2 for net in seen)
    reads = [[value for _, values in net.steps for value in values] for net in seen]
    assert any(len(set(values)) < len(values) for values in reads), "a value that is read twice"
    assert any(len(net.owners()) < len(net) for net in seen), "a layer that stands twice"
    assert any(isinstance(layer, bp.Network) for net in seen for layer in net)
    kinds = {type(layer) for net in seen for layer in inside(net)}
    assert {bp.Dense, bp.Conv2D, bp.MaxPool, bp.RNN, bp.LSTM, bp.Add, bp.Concat} <= kinds
    assert {trial.loss is None for trial in found} == {False, True}


@pytest.mark.parametrize("kind", [bp.ReLU, bp.LeakyReLU, bp.MaxPool, bp.SELU])
def test_ties_and_zeros_are_where_the_kinks_are(kind):
    verdicts = {
        trial.gradcheck().verdict
        for trial in drawn(trials_of(kind), 100)
        if trial.draws[0].make is trials.tied
    }
    assert verdicts == {"ok", "undefined here"}


# What is printed is what was tried

NAMESPACE = {"bp": bp, **vars(trials)}


@pytest.mark.parametrize(
    "strategy", [trials_of(bp.RNN), trials_of(bp.MaxPool), networks(), loss_trials(bp.CrossEntropy)]
)
def test_a_trial_is_printed_as_the_call_that_repeats_it(strategy):
    for trial in drawn(strategy, 40):
        report, again = trial.gradcheck(), eval(repr(trial), NAMESPACE)
        assert report.name == again.name
        for one, other in zip(report.comparisons, again.comparisons, strict=True):
            assert one.name == other.name
            np.testing.assert_array_equal(one.analytic, other.analytic)


def test_what_is_printed():
    numbers = trials.Numbers(trials.spread, (2, 4), 7, layout=trials.every_other)
    trial = trials.Trial(bp.Dense(3, bias=False), numbers, layout=trials.backwards)
    assert repr(trial) == (
        "bp.gradcheck(ready(bp.Dense(3, bias=False), (4,)), every_other(spread((2, 4), 7)))"
        "  # delta: backwards"
    )
    shared = bp.Dense(4)
    net = trials.wired([shared, bp.Tanh(), bp.Add()], (0, 0), (1, 1), (0, 2), (2, 0, 3))
    assert trials.code(net) == (
        "wired([bp.Dense(4), bp.Tanh(), bp.Add()], (0, 0), (1, 1), (0, 2), (2, 0, 3))"
    )
    assert trials.code(bp.Network([bp.ReLU()])) == "bp.Network([bp.ReLU()])"

    class Dense(bp.Dense):
        """Not the one of the package."""

    assert trials.code(Dense(2)) == "Dense(2)"


@pytest.mark.parametrize("layout", [trials.fortran, trials.every_other, trials.backwards])
@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 1, 3)])
def test_layouts_move_nothing(layout, shape):
    x = trials.spread(shape, 0)
    moved = layout(x)
    np.testing.assert_array_equal(moved, x)
    assert moved.dtype == x.dtype
    if shape != (4,) or layout is not trials.fortran:
        assert moved.strides != x.strides


def test_the_numbers_are_what_they_say():
    x = trials.spread((3, 4), 1)
    assert np.diff(np.sort(x, axis=None)).min() > 0.1
    assert np.abs(x).min() > 0.05
    assert set(trials.tied((50,), 1)) == {-2, -1, 0, 1, 2}
    p = trials.shares((3, 4), 1)
    assert p.min() >= 0.1
    assert p.max() <= 0.9
    assert set(trials.ids((50,), 1, 3)) == {0, 1, 2}
    assert trials.ids((3,), 1, 3).dtype.kind == "i"


# What is wrong is found, and made small


def test_a_mistake_in_one_setting_is_found_and_shrunk():
    class Forgets(bp.Conv2D):
        """Does not turn the gradient back where the kernel was turned."""

        def grads(self, delta, cache, /):
            grads = super().grads(delta, cache)
            return {**grads, "W": self._turned(grads["W"])}

    settings = LAYERS[bp.Conv2D].settings
    strategy = fuzzing.trials(layers_of(Forgets, settings), LAYERS[bp.Conv2D].shapes)
    with pytest.raises(AssertionError, match=r"dW is off by") as caught:
        fuzz(strategy, check_layer, 200)
    (note,) = [note for note in caught.value.__notes__ if "trial=" in note]
    call = note.split("trial=")[1].splitlines()[0].rstrip(",")
    found = eval(call, {**NAMESPACE, "Forgets": Forgets})
    assert not found
    assert found["W"].verdict == "wrong"
    assert "Forgets(1, 2, flip=True, bias=False), (2, 2, 1)), spread((1, 2, 2, 1), 0)" in call


def test_runs_are_the_same_every_time():
    runs = [[repr(trial) for trial in drawn(networks(), 30)] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 20


def test_without_hypothesis_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import backprop as bp\n"
        "try:\n    bp.certify(bp.ReLU)\n"
        "except ImportError as error:\n    print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == (
        'certify expects Hypothesis, as pip install "explicit-backprop[certify]" brings it,'
        " got none"
    )
