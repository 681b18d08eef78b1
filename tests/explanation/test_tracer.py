"""The tracer: what it records is what the shipped code computes, and it leaves no trace."""

import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import backprop as bp
from backprop.checks.promises import forward
from backprop.compiled import readable
from backprop.explanation.recording import record
from backprop.explanation.tracer import Tracer
from backprop.layers.activations import sigmoid
from backprop.selfcheck import spread
from cases import CASES

MSE = bp.MeanSquaredError()


class Twice(bp.Layer):
    r"""Twice its input, and then an accident.

    $$ y = 2 x \tag{1} $$

    $$ dx = 2 \delta \tag{2} $$
    """

    def forward(self, x, /):
        # fmt: off
        y = (
            2
            * x
        )  # (1)
        # fmt: on
        return y, None

    def backward(self, delta, cache, /):
        dx = delta.no_such_attribute  # (2)
        return dx, {}


def same(one, other):
    """Assert that two nests of arrays are the same, bit for bit."""
    if isinstance(one, tuple | list | dict):
        values = [each.values() if isinstance(each, dict) else each for each in (one, other)]
        assert len(one) == len(other)
        for a, b in zip(*values, strict=True):
            same(a, b)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    else:
        assert one == other


def network(layers, in_shape):
    net = bp.Network(layers)
    net.build(in_shape, rng=1, dtype=np.float64)
    return net


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_traced_pass_is_the_untraced_pass(case):
    plain, traced, xs = case.build(), case.build(), case.inputs()
    with readable():
        y, cache = forward(plain, xs)
        dx, grads = plain.backward(case.delta(y), cache)
    with Tracer(traced) as trace:
        y2, cache2 = forward(traced, xs)
        trace.phase = "backward"
        dx2, grads2 = traced.backward(case.delta(y), cache2)
    same((y, dx, grads), (y2, dx2, grads2))
    assert trace.records
    for one in trace.records:
        if one.name in ("y", "dx") and one.steps == () and one.chapter == type(traced).__name__:
            assert isinstance(one.value, tuple) or not one.value.flags.writeable
    named = {one.name: one.value for one in trace.records if one.steps == ()}
    for name, value in grads.items():
        if np.shape(named.get(f"d{name}")) == value.shape:
            same(named[f"d{name}"], value)


def test_every_value_of_a_chain():
    net = network([bp.Dense(3), bp.Tanh(), bp.Dense(2)], (4,))
    x, t = spread((5, 4), 0), spread((5, 2), 1)
    run = record(net, (x,), t, MSE)
    a = x @ net[0].W + net[0].b
    h = np.tanh(a)
    y = h @ net[2].W + net[2].b
    delta = 1 / 5 * 2 / 2 * (y - t)
    dh = delta @ net[2].W.T
    da = dh * (1 - h**2)
    expected = [
        ((0,), "forward", "Dense", 1, "y", a),
        ((1,), "forward", "Tanh", 1, "y", h),
        ((2,), "forward", "Dense", 1, "y", y),
        ((), "loss", "MeanSquaredError", 1, "d", y - t),
        ((), "loss", "MeanSquaredError", 2, "losses", ((y - t) ** 2).mean(axis=-1)),
        ((), "loss", "MeanSquaredError", 3, "loss", 0.2 * ((y - t) ** 2).mean(axis=-1).sum()),
        ((), "loss", "MeanSquaredError", 4, "", delta),
        ((2,), "backward", "Dense", 4, "dx", dh),
        ((2,), "backward", "Dense", 2, "dW", h.T @ delta),
        ((2,), "backward", "Dense", 3, "db", delta.sum(axis=0)),
        ((1,), "backward", "Tanh", 2, "dx", da),
        ((0,), "backward", "Dense", 4, "dx", da @ net[0].W.T),
        ((0,), "backward", "Dense", 2, "dW", x.T @ da),
        ((0,), "backward", "Dense", 3, "db", da.sum(axis=0)),
    ]
    for one, (*where, value) in zip(run.records, expected, strict=True):
        assert [one.steps, one.phase, one.chapter, one.tag, one.name] == where
        assert_array_equal(one.value, value)
        assert one.shape == np.shape(value)
    same(run.records[0].operands, {"x": x, "self.W": net[0].W, "self.b": net[0].b})
    assert_array_equal(run.call((1,), "backward").given[0], dh)
    assert_array_equal(run.call((1,), "backward").returned, da)
    assert_array_equal(run.grads["0.W"], x.T @ da)
    assert_array_equal(run.dxs[0], da @ net[0].W.T)
    assert [one.tag for one in run.of((2,), "backward")] == [4, 2, 3]


@pytest.mark.parametrize(
    ("layer", "loop", "once"),
    [
        (bp.RNN(2), [2, 3, 4, 5], [1, 6, 7, 8, 9]),
        (bp.LSTM(2), [*range(2, 17)], [1, 17, 18, 19, 20]),
        (bp.GRU(2), [*range(2, 17)], [1, *range(17, 23)]),
    ],
    ids=["RNN", "LSTM", "GRU"],
)
def test_steps_are_counted(layer, loop, once):
    T = 4
    net = network([layer], (T, 3))
    run = record(net, (spread((2, T, 3), 0),), spread((2, T, 2), 1), MSE)
    mine = [one for one in run.records if one.steps == (0,)]
    for tag in loop:
        found = [one for one in mine if one.tag == tag]
        order = range(T) if found[0].phase == "forward" else reversed(range(T))
        assert [one.round for one in found] == [1, 2, 3, 4]
        assert [one.loops for one in found] == [{"t": t} for t in order]
    for tag in once:
        assert [one.round for one in mine if one.tag == tag] == [1]
    states = [one.value for one in mine if one.name in ("new_h[t]",)]
    assert_array_equal(np.stack(states, axis=1), run.y)


def test_what_is_written_over_later_stays_as_it_was():
    net = network([bp.LSTM(2)], (3, 2))
    run = record(net, (spread((1, 3, 2), 0),), spread((1, 3, 2), 1), MSE)
    before, after = (next(one for one in run.records if one.tag == tag) for tag in (2, 3))
    assert_array_equal(after.operands["i"], before.value[:, :2])
    assert_array_equal(after.value, sigmoid(before.value[:, :2]))
    assert after.name == "i[:]"
    added = before.operands["h[t]"] @ net[0].Wh + net[0].b
    assert_array_equal(before.before + added, before.value)
    of_inputs, _ = (next(one for one in run.records if one.tag == tag) for tag in (1, 2))
    assert_array_equal(before.before, of_inputs.value[0])


def test_each_image_and_place_is_recorded(monkeypatch):
    monkeypatch.setattr(
        "backprop.layers.conv2d.parts", lambda x, _: map(slice, range(len(x)), range(1, 4))
    )
    net = network([bp.Conv2D(2, 2), bp.MaxPool(2)], (5, 5, 1))
    run = record(net, (spread((3, 5, 5, 1), 0),), spread((3, 2, 2, 2), 1), MSE)
    convolved = [one for one in run.records if (one.chapter, one.tag) == ("Conv2D", 2)]
    assert [one.round for one in convolved] == [1, 2, 3]
    images = [one.value.reshape(4, 4, 2) for one in convolved]
    assert_array_equal(np.stack(images), run.call((0,), "forward").returned)
    handed = [one for one in run.records if (one.chapter, one.tag) == ("MaxPool", 3)]
    assert [one.loops["k"] for one in handed] == [0, 1, 2, 3]


def test_shared_layers_and_fan_out_are_told_apart():
    net, shared = bp.Network(), bp.Dense(3)
    h = net.add(bp.Tanh(), net.add(shared, 0))
    net.add(bp.Add(), h, net.add(shared, h))
    net.build((3,), rng=1, dtype=np.float64)
    run = record(net, (spread((2, 3), 0),), spread((2, 3), 1), MSE)
    made = {
        one.steps: one.value for one in run.records if (one.chapter, one.name) == ("Dense", "dW")
    }
    assert sorted(made) == [(0,), (2,)]
    assert_array_equal(made[2,] + made[0,], run.grads["0.W"])
    to_tanh = run.call((1,), "backward").given[0]
    parts = run.call((3,), "backward").returned[0], run.call((2,), "backward").returned
    assert_array_equal(parts[0] + parts[1], to_tanh)


def test_layers_in_networks_in_networks():
    inner = bp.Network([bp.Dense(3), bp.Tanh()])
    net = network([bp.Dense(3), bp.Network([inner, bp.Dense(2)])], (4,))
    run = record(net, (spread((2, 4), 0),), spread((2, 2), 1), MSE)
    forth = [one.steps for one in run.records if one.phase == "forward"]
    assert forth == [(0,), (1, 0, 0), (1, 0, 1), (1, 1)]
    assert [one.chapter for one in run.of((1, 0), "backward")] == ["Tanh", *["Dense"] * 3]
    assert_array_equal(run.call((1,), "forward").returned, run.y)


def test_a_statement_of_several_lines_and_an_exception_inside():
    net = network([Twice()], (2,))
    before = sys.gettrace()
    trace = Tracer(net)
    with trace:
        y, caches = net.forward(np.ones((1, 2)))
    with trace, pytest.raises(AttributeError):
        net.backward(y, caches)
    assert sys.gettrace() is before
    assert [(one.tag, one.value.tolist()) for one in trace.records] == [(1, [[2.0, 2.0]])]
    with pytest.raises(AttributeError):
        record(net, (np.ones((1, 2)),), np.ones((1, 2)), MSE)
    assert sys.gettrace() is before


def test_a_trace_function_that_was_there_is_put_back():
    seen = []

    def watch(frame, event, arg):
        seen.append(event)

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        with Tracer():
            spread((1,), 0)
        found = sys.gettrace()
    finally:
        sys.settrace(before)
    assert found is watch


def test_other_threads_are_not_traced():
    net = network([bp.Dense(2)], (2,))
    with Tracer(net) as trace:
        thread = threading.Thread(target=net.forward, args=(np.ones((1, 2)),))
        thread.start()
        thread.join()
    assert trace.records == []


def test_running_averages_are_as_before():
    net = network([bp.BatchNorm()], (2,))
    held = net.averages
    run = record(net, (spread((3, 2), 0),), spread((3, 2), 1), MSE)
    assert {7, 8} <= {one.tag for one in run.records}
    same(net.averages, held)


def test_the_same_generator_draws_the_same_mask():
    net = network([bp.Dropout(0.5)], (8,))
    x = np.ones((1, 8))
    run = record(net, (x,), x, MSE, rng=3)
    assert_array_equal(run.records[0].value, 2.0 * (np.random.default_rng(3).random((1, 8)) >= 0.5))


def refused(kind, *args):
    with pytest.raises(kind) as error:
        record(*args)
    return str(error.value)


def test_what_cannot_be_recorded():
    net, x = network([bp.ReLU()], (1,)), np.ones((1, 1))
    assert refused(TypeError, bp.ReLU(), (x,), x, MSE) == (
        "explain expects a Network to send an example through, got ReLU()"
    )
    assert refused(TypeError, net, (x,), x, None) == (
        "explain expects loss=, such as HalfSquaredError(), to send back its gradient, got None"
    )
    assert refused(ValueError, net, (x,), None, MSE) == (
        "explain expects a target for the loss, got none"
    )
    assert refused(ValueError, bp.Network([bp.ReLU()]), (x,), x, MSE) == (
        "explain expects a network that is built, got Network([ReLU()])"
    )
