"""The training loop, against the same loop written out, and under everything that can go wrong."""

import csv
import io
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from backprop import schedules
from backprop.data import batches
from backprop.layers import Add, BatchNorm, Dense, Dropout, Embedding, Flatten, Tanh
from backprop.losses import HalfSquaredError, MeanSquaredError, SoftmaxCrossEntropy
from backprop.network import Network
from backprop.optimizers import SGD, Adam
from backprop.penalties import L1, L2
from backprop.training import (
    Checkpoint,
    EarlyStopping,
    History,
    TrainStep,
    evaluate,
    fit,
    load,
    save,
)
from backprop.training.history import Epoch


def build(layers=None, in_shape=(4,), dtype=np.float64):
    net = Network(layers or [Dense(5), Tanh(), Dense(3)])
    net.build(in_shape, rng=0, dtype=dtype)
    return net


def examples(count=50, dtype=np.float64):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((count, 4))
    return x.astype(dtype), np.abs(x[:, :3]).argmax(axis=1)


def train(net, data, **settings):
    """Call fit quietly, with a loss and an optimizer."""
    usual = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.1), "progress": False}
    return fit(net, data, **{**usual, **settings})


def raised(kind, call, *args, **kwargs):
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    return str(caught.value)


# What it does


def test_fit_is_the_loop_of_train_steps():
    x, y = examples()
    net, twin = build(), build()
    history = train(net, (x, y), epochs=3, batch_size=16, seed=4, optimizer=Adam(0.01))
    step = TrainStep(twin, SoftmaxCrossEntropy(), Adam(0.01), seed=4)
    losses, norms = [], []
    for epoch in range(3):
        seen = [
            (len(index), step.update(x[index], y[index]))
            for index in batches(50, 16, seed=4, epoch=epoch)
        ]
        losses.append(sum(n * update.loss for n, update in seen) / 50)
        norms.append(np.mean([update.gradient_norm for _, update in seen]))
    np.testing.assert_array_equal(net.parameters, twin.parameters)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-14)
    np.testing.assert_allclose(history.gradient_norm, norms, rtol=1e-14)
    np.testing.assert_array_equal(history.epoch, [1, 2, 3])
    np.testing.assert_array_equal(history.rate, [0.01] * 3)
    assert (history.seconds > 0).all()
    assert np.isnan(history.val_loss).all()
    assert np.isnan(history.val_accuracy).all()
    assert not history.interrupted


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    nets = [build([Dense(8), Dropout(0.5), Dense(3)]) for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        train(net, examples(), epochs=2, seed=seed)
    np.testing.assert_array_equal(nets[0].parameters, nets[1].parameters)
    assert not np.array_equal(nets[0].parameters, nets[2].parameters)


def test_a_resumed_run_is_the_same_run():
    def run(parts, net):
        history = None
        for epochs in parts:
            history = train(
                net,
                examples(),
                epochs=epochs,
                seed=3,
                start=history,
                optimizer=Adam(0.01),
                schedule=schedules.ReduceOnPlateau(1, 0.5, min_delta=0.05),
                validation=examples(20),
            )
        return history

    whole_net, parts_net = (build([Dense(8), Dropout(0.5), Dense(3)]) for _ in range(2))
    whole, parts = run([6], whole_net), run([2, 1, 3], parts_net)
    np.testing.assert_array_equal(parts_net.parameters, whole_net.parameters)
    for name in Epoch._fields:
        if name != "seconds":
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert parts.state["t"] == whole.state["t"] == 12
    np.testing.assert_array_equal(parts.state["v"], whole.state["v"])


def test_a_resumed_run_has_the_same_running_averages(tmp_path):
    def run(net, epochs, history=None):
        return train(net, examples(), epochs=epochs, batch_size=7, start=history)

    layers = [Dense(8), BatchNorm(), Tanh(), Dense(3)]
    whole, part = build(layers), build([Dense(8), BatchNorm(), Tanh(), Dense(3)])
    run(whole, 4)
    history = run(part, 1)
    save(part, tmp_path / "net")
    for net in (part, load(tmp_path / "net")):
        run(net, 3, history)
        np.testing.assert_array_equal(net.parameters, whole.parameters)
        for key, value in whole.averages.items():
            np.testing.assert_array_equal(net.averages[key], value)
    assert part[1].mean.any()


def test_validation_leaves_running_averages_alone():
    nets = [build([Dense(8), BatchNorm(), Dense(3)]) for _ in range(2)]
    for net, validation in zip(nets, [None, examples(20)], strict=True):
        train(net, examples(), epochs=2, validation=validation)
    for one, other in zip(nets[0].averages.values(), nets[1].averages.values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_going_on_leaves_the_earlier_history_as_it_was():
    net = build()
    first = train(net, examples(), epochs=2, optimizer=Adam(0.01))
    m = first.state["m"].copy()
    second = train(net, examples(), epochs=1, optimizer=Adam(0.01), start=first)
    assert (len(first), len(second), first.state["t"], second.state["t"]) == (2, 3, 4, 6)
    np.testing.assert_array_equal(first.state["m"], m)


# The loss that is reported is the one that is minimised


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_reported_loss_is_an_independent_evaluation(reduction):
    # With a rate of 0 every batch sees the same parameters, so the batches add up exactly.
    x, y = examples()
    net = build()
    loss = SoftmaxCrossEntropy(reduction=reduction)
    penalties = [L2(0.3), L1(0.1, on="*.b")]
    net.parameters += 0.1
    history = train(
        net,
        (x, y),
        loss=loss,
        optimizer=SGD(0.0),
        penalties=penalties,
        batch_size=16,
        validation=(x[:30], y[:30]),
    )
    z = net.predict(x)
    z = z - z.max(axis=1, keepdims=True)
    each = np.log(np.exp(z).sum(axis=1)) - z[np.arange(50), y]
    penalty = 0.15 * sum((net[i].W ** 2).sum() for i in (0, 2))
    penalty += 0.1 * sum(np.abs(net[i].b).sum() for i in (0, 2))
    combine = np.mean if reduction == "mean" else np.sum
    assert history.loss[0] == pytest.approx(combine(each) + penalty, rel=1e-12)
    assert history.val_loss[0] == pytest.approx(combine(each[:30]) + penalty, rel=1e-12)
    assert history.accuracy[0] == np.mean(z.argmax(axis=1) == y)
    assert history.val_accuracy[0] == np.mean(z[:30].argmax(axis=1) == y[:30])


def test_regression_has_no_accuracy():
    x, _ = examples()
    history = train(build(), (x, x[:, :3]), loss=MeanSquaredError(), validation=(x, x[:, :3]))
    assert np.isnan([history.accuracy, history.val_accuracy]).all()
    assert np.isfinite([history.loss, history.val_loss]).all()


def test_training_lowers_the_penalised_loss():
    net = build()
    history = train(net, examples(), epochs=30, optimizer=SGD(0.5), penalties=[L2(1e-3)])
    assert history.loss[-1] < history.loss[0]
    strong = build()
    train(strong, examples(), epochs=30, optimizer=SGD(0.5), penalties=[L2(0.1)])
    assert np.abs(strong[0].W).max() < np.abs(net[0].W).max()


def test_schedules_multiply_the_rate_of_every_update():
    asked = []

    def schedule(epoch, losses):
        asked.append((epoch, list(losses)))
        return 1 / (1 + epoch)

    history = train(build(), examples(), epochs=2, batch_size=20, schedule=schedule)
    first = float(history.loss[0])
    assert asked == [(epoch + i / 3, [first][:epoch]) for epoch in range(2) for i in range(3)]
    np.testing.assert_allclose(history.rate, [0.1 / (1 + 2 / 3), 0.1 / (1 + 1 + 2 / 3)])


def test_freeze_and_clip_reach_the_updates():
    net = build()
    W, b = net[0].W.copy(), net[0].b.copy()
    history = train(net, examples(), freeze="0.W", clip=1e-9, optimizer=SGD(1.0), batch_size=50)
    np.testing.assert_array_equal(net[0].W, W)
    assert 0 < np.linalg.norm(net[0].b - b) <= 1e-9
    assert history.gradient_norm[0] > 1e-3


# The data set


def test_the_data_set_is_neither_copied_nor_changed(tmp_path):
    x, y = examples(dtype=np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    mapped = tuple(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    nets = [build(dtype=np.float32) for _ in range(2)]
    for net, data in zip(nets, [mapped, (x, y)], strict=True):
        train(net, data, epochs=2)
    np.testing.assert_array_equal(nets[0].parameters, nets[1].parameters)
    assert nets[0].dtype == np.float32


def test_several_inputs_are_a_tuple():
    net = Network(inputs=2)
    h = net.add(Dense(3), 0)
    net.add(Add(), h, 1)
    net.build((4,), (3,), rng=0, dtype=np.float64)
    x, y = examples()
    zeros = np.zeros((50, 3))
    history = train(net, ((x, zeros), y), epochs=2)
    twin = build([Dense(3)])
    np.testing.assert_array_equal(history.loss, train(twin, (x, y), epochs=2).loss)
    np.testing.assert_array_equal(net.parameters, twin.parameters)


@pytest.mark.parametrize("count", [1, 31, 32, 33])
def test_every_example_counts_once_whatever_the_batch_size(count):
    x, y = examples(count)
    seen = []

    class Watching(SoftmaxCrossEntropy):
        def backward(self, cache, /):
            delta = super().backward(cache)
            seen.append(len(delta))
            return delta

    train(build(), (x, y), loss=Watching(), batch_size=32)
    assert seen == {1: [1], 31: [31], 32: [32], 33: [32, 1]}[count]


# What it refuses, before anything changes


def test_everything_is_checked_before_anything_changes():
    x, y = examples()
    bad_x, bad_y = x.copy(), y.copy()
    bad_x[40, 2], bad_y[49] = np.nan, 3
    net = build()
    before = net.parameters.copy()
    late = EarlyStopping(1)
    for kind, data, settings, text in [
        (
            ValueError,
            (x, y),
            {"epochs": 0},
            "fit expects epochs to be a whole number of at least 1, got 0",
        ),
        (
            ValueError,
            (x, y),
            {"batch_size": 2.5},
            "fit expects batch_size to be a whole number of at least 1, got 2.5",
        ),
        (
            ValueError,
            (x, y),
            {"seed": -1},
            "TrainStep expects seed to be a whole number of at least 0, got -1",
        ),
        (
            TypeError,
            (x, y),
            {"loss": 1},
            "TrainStep expects a loss such as SoftmaxCrossEntropy(), got 1",
        ),
        (
            TypeError,
            (x, y),
            {"optimizer": Adam},
            f"TrainStep expects an optimizer such as SGD(0.1), got {Adam!r}",
        ),
        (
            ValueError,
            (x, y),
            {"freeze": "z"},
            "TrainStep expects freeze to fit one of the keys 0.W, 0.b, 2.W, 2.b, got 'z'",
        ),
        (TypeError, (x, y, y), {}, "fit expects data to be a pair (x, y), got tuple"),
        (
            ValueError,
            (x, y[:-1]),
            {},
            "fit expects at least one example, as many inputs as targets, got [50, 49]",
        ),
        (
            ValueError,
            (x[:0], y[:0]),
            {},
            "fit expects at least one example, as many inputs as targets, got [0, 0]",
        ),
        (ValueError, (x[:, :3], y), {}, "fit expects inputs of shape (N, 4), got (N, 3)"),
        (ValueError, ((x, x), y), {}, "fit expects inputs of shape (N, 4), got (N, 4), (N, 4)"),
        (ValueError, (x.T[0], y), {}, "fit expects inputs of shape (N, 4), got (N,)"),
        (
            TypeError,
            (x.astype(complex), y),
            {},
            "Network expects inputs that are float64, got complex128",
        ),
        (
            ValueError,
            (bad_x, y),
            {},
            "fit expects x of finite numbers, got NaN or infinity in example 40",
        ),
        (ValueError, (x, bad_y), {}, "SoftmaxCrossEntropy expects classes from 0 to 2, got 3"),
        (
            TypeError,
            (x, y + 0.0),
            {},
            "SoftmaxCrossEntropy expects classes that are integers, got float64",
        ),
        (
            ValueError,
            (x, y),
            {"validation": (x, bad_y)},
            "SoftmaxCrossEntropy expects classes from 0 to 2, got 3",
        ),
        (
            ValueError,
            (x, y),
            {"validation": (bad_x, y)},
            "fit expects x of finite numbers, got NaN or infinity in example 40",
        ),
        (
            ValueError,
            (x, y),
            {"monitor": "accuracy"},
            "fit expects monitor to be one of 'loss', 'val_loss', got 'accuracy'",
        ),
        (
            ValueError,
            (x, y),
            {"monitor": "val_loss"},
            "fit expects validation examples, to monitor val_loss, got none",
        ),
        (
            ValueError,
            (x, y),
            {"callbacks": [late]},
            "fit expects validation examples, to monitor val_loss, got none",
        ),
        (
            TypeError,
            (x, y),
            {"callbacks": ["stop"]},
            "fit expects callbacks and a schedule that can be called, got 'stop'",
        ),
        (
            TypeError,
            (x, y),
            {"schedule": 0.9},
            "fit expects callbacks and a schedule that can be called, got 0.9",
        ),
        (
            TypeError,
            (x, y),
            {"start": [1]},
            "fit expects start to be the History of an earlier call, got [1]",
        ),
        (
            ValueError,
            (x, y),
            {"start": History([], {"t": 3})},
            "TrainStep expects a state of t int, v (43,) float64, got t int",
        ),
    ]:
        assert raised(kind, train, net, data, **settings) == text
        np.testing.assert_array_equal(net.parameters, before)


def test_a_loss_that_explodes_names_update_and_epoch_and_keeps_the_parameters():
    x, _ = examples()
    net = build([Dense(3)])
    kept = []
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as caught:
        train(
            net,
            (x, x[:, :3]),
            loss=HalfSquaredError(),
            optimizer=SGD(1e80),
            batch_size=50,
            epochs=9,
            callbacks=[lambda progress: kept.append(progress.net.parameters.copy())],
        )
    assert str(caught.value).startswith("TrainStep expects a finite loss and gradient, got loss ")
    assert str(caught.value).endswith(f"in update {len(kept) + 1}")
    assert caught.value.__notes__ == [f"in epoch {len(kept) + 1}"]
    np.testing.assert_array_equal(net.parameters, kept[-1])
    assert np.isfinite(net.parameters).all()


# Ctrl-C


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background, ignoring it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupting(*calls):
    """A schedule that sends SIGINT before the updates with these numbers."""
    count = iter(range(10**9))

    def schedule(epoch, losses):
        if next(count) in calls:
            signal.raise_signal(signal.SIGINT)
        return 1.0

    return schedule


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_lets_the_batch_finish_and_keeps_what_was_learned():
    x, y = examples()
    net, twin = build(), build()
    before = signal.getsignal(signal.SIGINT)
    history = train(net, (x, y), epochs=9, batch_size=10, schedule=interrupting(7))
    assert signal.getsignal(signal.SIGINT) is before
    assert history.interrupted
    assert len(history) == 1
    # The signal came while update 8 was being planned; the seven before it stay.
    step = TrainStep(twin, SoftmaxCrossEntropy(), SGD(0.1))
    for epoch in range(2):
        for index in list(batches(50, 10, seed=0, epoch=epoch))[: 5 - 3 * epoch]:
            step(x[index], y[index])
    np.testing.assert_array_equal(net.parameters, twin.parameters)
    assert history.state["t"] == 7
    assert "interrupted" in repr(history)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_is_given_back_after_a_training_and_after_an_error():
    def fail(progress):
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        raise RuntimeError("on purpose")

    train(build(), examples())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert raised(RuntimeError, train, build(), examples(), callbacks=[fail]) == "on purpose"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_raises():
    before = signal.getsignal(signal.SIGINT)

    def impatient(epoch, losses):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return 1.0

    with pytest.raises(KeyboardInterrupt):
        train(build(), examples(), schedule=impatient)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_during_the_last_batch_of_an_epoch_keeps_the_epoch():
    class Last(SoftmaxCrossEntropy):
        calls = 0

        def backward(self, cache, /):
            self.calls += 1
            if self.calls == 2:
                signal.raise_signal(signal.SIGINT)
            return super().backward(cache)

    history = train(
        build(), examples(), loss=Last(), batch_size=25, epochs=5, validation=examples()
    )
    assert history.interrupted
    assert len(history) == 1
    assert np.isfinite(history.val_loss[0])


@pytest.mark.usefixtures("ctrl_c")
def test_an_ignored_ctrl_c_stays_ignored_and_other_threads_train_too():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        history = train(build(), examples(), schedule=interrupting(0))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not history.interrupted
    found = []
    thread = threading.Thread(target=lambda: found.append(train(build(), examples())))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0].loss, history.loss)


SCRIPT = """
import numpy as np
import backprop.training as training
from backprop.layers import Dense
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network
from backprop.optimizers import SGD

net = Network([Dense(3)])
net.build((4,), rng=0)
data = np.ones((64, 4), np.float32), np.zeros(64, int)
history = training.fit(
    net, data, loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1), epochs=10**9
)
print(history.interrupted, np.isfinite(net.parameters).all(), len(history) > 0)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.usefixtures("ctrl_c")
def test_a_signal_from_outside_ends_a_training():
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline().startswith("epoch 1/1000000000  loss ")
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    assert out.splitlines()[-1] == "True True True"
    assert run.returncode == 0


# Callbacks


def test_callbacks_see_the_progress_and_may_stop_it():
    seen = []

    def callback(progress):
        seen.append((progress.epoch, progress.epochs, len(progress.history), progress.last))
        assert progress.step.state["t"] == 2 * progress.epoch
        assert progress.net is net
        if progress.epoch == 3:
            progress.stop()
            assert progress.last

    net = build()
    history = train(net, examples(), epochs=5, callbacks=[callback])
    assert seen == [(1, 5, 1, False), (2, 5, 2, False), (3, 5, 3, False)]
    assert len(history) == 3
    assert not history.interrupted


def scripted(monkeypatch, losses):
    """Make the validation losses come out as told, and note the parameters of each epoch."""
    told = iter(losses)

    def validated(row, step, held_out):
        return row._replace(val_loss=next(told))

    monkeypatch.setattr(sys.modules["backprop.training.fit"], "_validated", validated)


@pytest.mark.parametrize(
    ("losses", "settings", "epochs", "best"),
    [
        ([5, 4, 3, 4, 5, 6], {}, 5, 3),
        ([5, 4, 3, 4, 2, 6, 6], {}, 7, 5),
        ([5, 4, 3, 4], {}, 4, 3),  # all epochs were run
        ([5, np.nan, 4, 4, 4], {}, 5, 3),
        ([5, 4.95, 4.9, 4.8], {"min_delta": 0.1}, 3, 1),
        ([5, 4, 3, 4, 5, 6], {"restore_best": False}, 5, 5),
        ([np.nan, np.nan, np.nan], {}, 3, 3),
    ],
)
def test_early_stopping(monkeypatch, losses, settings, epochs, best):
    scripted(monkeypatch, losses)
    kept = []
    net = build()
    callbacks = [lambda now: kept.append(now.net.parameters.copy()), EarlyStopping(2, **settings)]
    history = train(net, examples(), epochs=len(losses), validation=examples(), callbacks=callbacks)
    assert len(history) == epochs
    np.testing.assert_array_equal(net.parameters, kept[best - 1])
    assert len({each.tobytes() for each in kept}) == epochs


def test_early_stopping_restores_running_averages(monkeypatch):
    scripted(monkeypatch, [5, 3, 4, 4])
    kept = []
    net = build([Dense(5), BatchNorm(), Dense(3)])
    callbacks = [lambda now: kept.append(now.net.predict(examples()[0])), EarlyStopping(2)]
    train(net, examples(), epochs=4, validation=examples(), callbacks=callbacks)
    np.testing.assert_array_equal(net.predict(examples()[0]), kept[1])
    assert (kept[1] != kept[3]).any()


def test_early_stopping_may_serve_two_trainings():
    stop = EarlyStopping(1, monitor="loss")
    for in_shape in [(4,), (3,)]:
        x, y = examples()
        net = build(in_shape=in_shape)
        train(net, (x[:, : in_shape[0]], y), epochs=2, callbacks=[stop])
        assert stop.kept.shape == net.parameters.shape


def test_early_stopping_restores_nothing_of_an_earlier_training(monkeypatch):
    stop = EarlyStopping(9)
    for losses in ([1.0], [np.nan, np.nan]):
        scripted(monkeypatch, losses)
        net, twin = build(), build()
        train(net, examples(), epochs=len(losses), validation=examples(), callbacks=[stop])
        scripted(monkeypatch, losses)
        train(twin, examples(), epochs=len(losses), validation=examples())
        np.testing.assert_array_equal(net.parameters, twin.parameters)


def test_early_stopping_by_accuracy_wants_more():
    history = History([Epoch(1, 1.0, 0.5), Epoch(2, 0.5, 0.9), Epoch(3, 0.4, 0.7)])
    assert history.best("accuracy") == 1
    assert history.best("loss") == 2
    assert history.best("loss", min_delta=0.2) == 1
    assert history.best("val_loss") is None


def test_callbacks_check_their_settings():
    names = "'loss', 'accuracy', 'val_loss', 'val_accuracy'"
    for call, settings, text in [
        (
            EarlyStopping,
            {"patience": 0},
            "EarlyStopping expects patience to be a whole number of at least 1, got 0",
        ),
        (
            EarlyStopping,
            {"patience": 1, "monitor": "f1"},
            f"EarlyStopping expects monitor to be one of {names}, got 'f1'",
        ),
        (
            EarlyStopping,
            {"patience": 1, "min_delta": -1},
            "EarlyStopping expects min_delta to be a finite number of at least 0, got -1",
        ),
        (
            Checkpoint,
            {"path": "x", "monitor": "f1"},
            f"Checkpoint expects monitor to be one of {names}, got 'f1'",
        ),
    ]:
        assert raised(ValueError, call, **settings) == text


def test_checkpoint_keeps_the_best_epoch(monkeypatch, tmp_path):
    scripted(monkeypatch, [5, 3, 4, 2, 6])
    kept, files = [], []
    path = tmp_path / "best.safetensors"

    def watch(now):
        kept.append(now.net.parameters.copy())
        files.append(load(path).parameters)

    callbacks = [Checkpoint(path), watch]
    train(build(), examples(), epochs=5, validation=examples(), callbacks=callbacks)
    for file, best in zip(files, [0, 1, 1, 3, 3], strict=True):
        np.testing.assert_array_equal(file, kept[best])


def test_checkpoint_keeps_the_running_averages_of_the_best_epoch(monkeypatch, tmp_path):
    scripted(monkeypatch, [5, 3, 4])
    kept, path = [], tmp_path / "best.safetensors"
    callbacks = [Checkpoint(path), lambda now: kept.append(now.net.averages)]
    net = build([Dense(5), BatchNorm(), Dense(3)])
    train(net, examples(), epochs=3, validation=examples(), callbacks=callbacks)
    for key, value in load(path).averages.items():
        np.testing.assert_array_equal(value, kept[1][key])
        assert (value != net.averages[key]).any()


# Whole numbers


def words(count=60):
    """Sentences of four ids; their class is whether the id 0 is among them."""
    ids = np.random.default_rng(2).integers(0, 6, (count, 4))
    return ids, (ids == 0).any(axis=1).astype(int)


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_ids_are_learned_from(kind):
    ids, y = words()
    net = build([Embedding(6, 3), Flatten(), Dense(8), Tanh(), Dense(2)])
    data = ids.astype(kind), y
    history = train(net, data, epochs=60, optimizer=Adam(0.02), batch_size=16, validation=data)
    assert history.val_accuracy[-1] == 1
    assert evaluate(net, data, loss=SoftmaxCrossEntropy()).accuracy == 1


def test_ids_are_checked_before_anything_changes():
    ids, y = words()
    late = ids.copy()
    late[57, 2] = 6
    net = build([Embedding(6, 3), Flatten(), Dense(2)])
    before = net.parameters.copy()
    what = "inputs that are whole numbers"
    for kind, data, text in [
        (ValueError, (late, y), f"fit expects {what} from 0 to 5, got 6"),
        (ValueError, (-late, y), f"fit expects {what} from 0 to 5, got -6"),
        (TypeError, (ids.astype(float), y), f"fit expects {what}, got float64"),
    ]:
        assert raised(kind, train, net, data) == text
    assert raised(ValueError, train, net, (ids, y), validation=(late, y)).endswith("got 6")
    message = raised(ValueError, evaluate, net, (late, y), loss=SoftmaxCrossEntropy())
    assert message == f"evaluate expects {what} from 0 to 5, got 6"
    np.testing.assert_array_equal(net.parameters, before)


# What is shown and what is remembered


def test_plain_lines_where_there_is_no_terminal(capsys):
    history = train(build(), examples(), epochs=2, validation=examples(20), progress=True)
    out, err = capsys.readouterr()
    assert err == ""
    assert "\r" not in out
    lines = out.splitlines()
    for line, row in zip(lines, history.rows, strict=True):
        words, speed = line.rsplit("  ", 1)
        assert words == (
            f"epoch {row.epoch}/2  loss {row.loss:.4f}  accuracy {row.accuracy:.4f}  "
            f"val_loss {row.val_loss:.4f}  val_accuracy {row.val_accuracy:.4f}"
        )
        assert speed == f"{50 / row.seconds:,.0f} examples/s"


def test_lines_do_not_wait_in_a_buffer(monkeypatch):
    pipe = io.TextIOWrapper(io.BufferedWriter(io.BytesIO(), 10**6), write_through=False)
    monkeypatch.setattr(sys, "stdout", pipe)
    seen = []
    callbacks = [lambda progress: seen.append(pipe.buffer.raw.getvalue().count(b"\n"))]
    train(build(), examples(), epochs=3, callbacks=callbacks, progress=True)
    assert seen == [1, 2, 3]


def test_what_means_nothing_is_not_shown(capsys):
    x, _ = examples()
    train(build(), (x, x[:, :3]), loss=MeanSquaredError(), progress=True)
    assert capsys.readouterr().out.startswith("epoch 1/1  loss ")
    train(build(), (x, x[:, :3]), loss=MeanSquaredError(), progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_bar_in_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    train(build(), examples(), epochs=2, batch_size=1, progress=True)
    shown = screen.getvalue()
    assert "0/100" in shown  # a bar over the examples of all epochs
    lines = [line.rpartition("\r")[2] for line in shown.split("\n")]
    assert [line.split("  ")[0] for line in lines[:2]] == ["epoch 1/2", "epoch 2/2"]
    assert shown.endswith("\r")  # and it is gone in the end


def test_history_as_a_table_and_as_a_file(tmp_path):
    rows = [Epoch(1, 2.25, 0.5, rate=0.1, gradient_norm=1.5, seconds=0.25)]
    rows.append(Epoch(2, 1 / 3, 0.75, rate=0.1, gradient_norm=1.25, seconds=0.5))
    history = History(rows)
    assert repr(history).splitlines() == [
        "epoch    loss  accuracy  rate  gradient_norm  seconds",
        "    1    2.25       0.5   0.1            1.5     0.25",
        "    2  0.3333      0.75   0.1           1.25      0.5",
    ]
    html = history._repr_html_()
    assert html.startswith("<table><tr><th>epoch</th><th>loss</th>")
    assert "<tr><td>2</td><td>0.3333</td><td>0.75</td>" in html
    path = tmp_path / "history.csv"
    history.to_csv(path)
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == list(Epoch._fields)
    assert [float(line["loss"]) for line in lines] == [2.25, 1 / 3]
    assert lines[0]["val_loss"] == "nan"
    missing = tmp_path / "missing" / "history.csv"
    message = raised(FileNotFoundError, history.to_csv, missing)
    text = f"History.to_csv expects to be able to write {missing}, got No such file or directory"
    assert message == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_long_history_is_shown_in_part():
    history = History([Epoch(i, 1 / i) for i in range(1, 101)])
    lines = repr(history).splitlines()
    epochs = [line.split()[0] for line in lines[1:]]
    assert epochs == ["1", "2", "3", "4", "...", "94", "95", "96", "97", "98", "99", "100"]
    np.testing.assert_array_equal(history.epoch, np.arange(1, 101))


def test_an_empty_history():
    history = History()
    assert repr(history) == "epoch  loss"
    assert len(history) == 0
    assert history.loss.shape == (0,)
    with pytest.raises(AttributeError, match="'History' object has no attribute 'lost'"):
        history.lost  # noqa: B018


def test_evaluate_agrees_with_the_validation_numbers():
    net = build()
    history = train(net, examples(), validation=examples(20), epochs=2)
    found = evaluate(net, examples(20), loss=SoftmaxCrossEntropy())
    assert (history.val_loss[-1], history.val_accuracy[-1]) == (found.loss, found.accuracy)
