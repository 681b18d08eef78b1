"""The LSTM gate by gate: every intermediate, its gradients, the incomplete cell delta, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import lstm_steps
from backprop.classics.lstm_steps import EQUATIONS, GateByGate, trace

# N, T, D, H
SHAPES = [(1, 1, 1, 1), (2, 1, 3, 2), (1, 4, 2, 3), (3, 5, 2, 4), (2, 3, 4, 1)]

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def built(shape, dtype=np.float64):
    """Return an LSTM, sequences, deltas and both initial states."""
    N, T, D, H = shape
    rng = np.random.default_rng(0)
    lstm = bp.LSTM(H)
    lstm.build((T, D), rng=rng, dtype=dtype)
    lstm.b += rng.standard_normal(4 * H).astype(dtype)
    arrays = (rng.standard_normal(size) for size in ((N, T, D), (N, T, H), (N, H), (N, H)))
    return lstm, *(array.astype(dtype) for array in arrays)


def assert_close(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@every_shape
def test_it_is_the_layer(shape):
    lstm, x, delta, *states = built(shape)
    y, cache = lstm.forward(x, *states)
    dxs, grads = lstm.backward(delta, cache)
    steps = trace(lstm, x, delta, states=states)
    dx, ours = lstm_steps.gradients(lstm, x, steps)
    assert_close((steps["h"].swapaxes(0, 1), steps["c"][-1]), (y, lstm.final_states(cache)[1]))
    assert_close((dx, steps["dh_before"][0], steps["dc_before"][0]), dxs)
    assert list(ours) == list(grads)
    assert_close(ours.values(), grads.values())


@every_shape
def test_without_initial_states_they_are_zero(shape):
    lstm, x, delta, h0, c0 = built(shape)
    zeros = (0 * h0, 0 * c0)
    assert_close(trace(lstm, x, delta).values(), trace(lstm, x, delta, states=zeros).values())


@every_shape
def test_every_equation_of_the_table_holds(shape):
    lstm, x, delta, *states = built(shape)
    steps = trace(lstm, x, delta, states=states)
    letters = {"sigmoid": lambda a: 1 / (1 + np.exp(-a)), "tanh": np.tanh, "Wh": lstm.Wh}
    for name, value in lstm.params.items():
        blocks = dict(zip("ifgo", np.split(value, 4, axis=-1), strict=True))
        letters |= {f"{name}_{gate}": block for gate, block in blocks.items()}
    for t in range(shape[1]):
        of_step = {name: value[t] for name, value in steps.items()}
        of_step["da"] = np.hstack([of_step[f"da_{gate}"] for gate in "ifgo"])
        for name, equation in EQUATIONS.items():
            value = eval(equation, {**letters, **of_step, "x": x[:, t]})
            assert_allclose(of_step[name], value, rtol=1e-12, atol=1e-15)
        assert_array_equal(of_step["delta"], delta[:, t])


def test_each_step_reads_what_its_neighbours_hand_on():
    lstm, x, delta, *states = built((3, 5, 2, 4))
    steps = trace(lstm, x, delta, states=states)
    for state, first in zip("hc", states, strict=True):
        assert_array_equal(steps[f"{state}_before"][0], first)
        assert_array_equal(steps[f"{state}_before"][1:], steps[state][:-1])
        assert_array_equal(steps[f"d{state}_later"][:-1], steps[f"d{state}_before"][1:])
        assert_array_equal(steps[f"d{state}_later"][-1], np.zeros((3, 4)))


@pytest.mark.parametrize("name", ["a_i", "a_f", "a_g", "a_o", "i", "f", "g", "o", "c", "h"])
def test_every_delta_is_the_slope_by_its_quantity(name):
    lstm, x, delta, h0, c0 = built((2, 4, 3, 2))

    def energy(step, place, change):
        """Return the error, with a change of one number on the way."""

        def moved(value, t, quantity):
            value = value.copy()
            if (t, quantity) == (step, name):
                value[place] += change
            return value

        total, h, c = 0.0, h0, c0
        for t in range(4):
            blocks = np.split(x[:, t] @ lstm.Wx + h @ lstm.Wh + lstm.b, 4, axis=1)
            a = {g: moved(each, t, f"a_{g}") for g, each in zip("ifgo", blocks, strict=True)}
            out = {gate: 1 / (1 + np.exp(-a[gate])) for gate in "ifo"} | {"g": np.tanh(a["g"])}
            out = {gate: moved(value, t, gate) for gate, value in out.items()}
            c = moved(out["f"] * c + out["i"] * out["g"], t, "c")
            h = moved(out["o"] * np.tanh(c), t, "h")
            total += (h * delta[:, t]).sum()
        return total

    found = trace(lstm, x, delta, states=(h0, c0))["d" + name]
    for t in range(4):
        for place in np.ndindex(2, 2):
            slope = (energy(t, place, 1e-6) - energy(t, place, -1e-6)) / 2e-6
            assert_allclose(found[t][place], slope, rtol=1e-7, atol=1e-9)


def test_single_precision_stays():
    lstm, x, delta, *_ = built((2, 4, 3, 2), np.float32)
    steps = trace(lstm, x, delta)
    assert {value.dtype for value in steps.values()} == {np.dtype(np.float32)}


def test_nothing_is_written_to():
    lstm, x, delta, *states = built((2, 4, 3, 2))
    for array in (x, delta, *states, *lstm.params.values()):
        array.flags.writeable = False
    lstm_steps.gradients(lstm, x, trace(lstm, x, delta, states=states))


def test_the_table_of_one_unit_holds_its_numbers():
    lstm, x, delta, *_ = built((1, 3, 2, 1))
    steps = trace(lstm, x, delta)
    header, *rows = lstm_steps.tabulate(steps).splitlines()
    assert header.split() == ["t", "=", "1", "t", "=", "2", "t", "=", "3"]
    assert [row.split()[0] for row in rows] == list(EQUATIONS)
    for row in rows:
        name, *_, first, second, third = row.split()
        assert EQUATIONS[name] in row
        assert_allclose([float(first), float(second), float(third)], steps[name].ravel(), rtol=1e-5)


def test_a_zero_has_no_minus_in_the_table():
    lstm, x, delta, *_ = built((1, 3, 2, 1))
    for sign in (1, -1):
        rows = lstm_steps.tabulate(trace(lstm, x, sign * delta)).splitlines()
        of_f = rows[1 + list(EQUATIONS).index("df")].split()
        assert of_f[-3] == "0"  # from a cell of zeros


def test_the_table_of_several_units_holds_norms():
    lstm, x, delta, *_ = built((2, 3, 2, 4))
    steps = trace(lstm, x, delta)
    row = lstm_steps.tabulate(steps).splitlines()[1 + list(EQUATIONS).index("da_f")]
    norms = [np.sqrt((each**2).sum()) for each in steps["da_f"]]
    assert_allclose([float(word) for word in row.split()[-3:]], norms, rtol=1e-5)


# The incomplete cell delta


@pytest.mark.parametrize("T", [1, 2, 5])
def test_the_whole_cell_delta_is_right(T):
    report = lstm_steps.checked(T, carry=True)
    report.assert_ok()
    assert all(row.complex_error <= 1e-12 for row in report.comparisons)


def test_the_whole_cell_delta_is_right_with_initial_states():
    _, x, _, h0, c0 = built((2, 4, 3, 2))
    bp.gradcheck(GateByGate(2), x, h0, c0).assert_ok()


def test_the_incomplete_one_is_right_for_one_step():
    lstm_steps.checked(1, carry=False).assert_ok()


@pytest.mark.parametrize(("T", "wrong"), [(2, ["x", "Wx", "b"]), (5, ["x", "Wx", "Wh", "b"])])
def test_the_incomplete_one_is_wrong_for_more_and_the_check_says_why(T, wrong):
    report = lstm_steps.checked(T, carry=False)
    assert [row.name for row in report.comparisons if row.verdict == "wrong"] == wrong
    assert [each.kind for each in report.diagnoses] == ["cell delta not carried"]


def test_only_the_cell_delta_is_left_out():
    lstm, x, delta, *states = built((2, 3, 3, 2))
    whole, part = (trace(lstm, x, delta, states=states, carry=carry) for carry in (True, False))
    for name in whole:
        assert_allclose(part[name][-1], whole[name][-1], rtol=1e-14)
    assert_array_equal(part["dc_later"], np.zeros_like(part["dc_later"]))
    assert_array_equal(part["dh_later"][:-1], part["dh_before"][1:])


def test_the_layer_is_an_lstm_of_its_own_name():
    layer = GateByGate(3, carry=False)
    assert repr(layer) == "GateByGate(3, carry=False)"
    net = bp.Network([layer, bp.Dense(2)])
    net.build((4, 2), rng=0)
    assert net.state_shapes() == {}
    x = np.ones((2, 4, 2), np.float32)
    y, caches = net.forward(x)
    grads = net.grads(y, caches)
    assert list(grads) == list(net.params)
    assert_array_equal(net.predict(x), y)


def test_gates_in_the_order_of_the_assignment():
    assert_array_equal(lstm_steps.reordered(np.arange(8)), [0, 1, 2, 3, 6, 7, 4, 5])


# Errors

UNBUILT = bp.LSTM(2)
LAYER, X, DELTA, H0, C0 = built((2, 4, 3, 2))


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda: trace(bp.GRU(2), X, DELTA),
            TypeError,
            "trace expects an LSTM, got GRU(2)",
        ),
        (
            lambda: trace(bp.LSTM(2, reverse=True), X, DELTA),
            ValueError,
            "trace expects an LSTM that is neither reversed nor masked, got LSTM(2, reverse=True)",
        ),
        (
            lambda: trace(bp.LSTM(2, masked=True), X, DELTA),
            ValueError,
            "trace expects an LSTM that is neither reversed nor masked, got LSTM(2, masked=True)",
        ),
        (
            lambda: trace(UNBUILT, X, DELTA),
            ValueError,
            "LSTM expects build(in_shape) before its parameters are used, got none",
        ),
        (
            lambda: trace(LAYER, X[0], DELTA),
            ValueError,
            "trace expects sequences of shape (N, T, 3), got (4, 3)",
        ),
        (
            lambda: trace(LAYER, X[:, :0], DELTA[:, :0]),
            ValueError,
            "trace expects sequences of shape (N, T, 3), got (2, 0, 3)",
        ),
        (
            lambda: trace(LAYER, X, DELTA[:, :3]),
            ValueError,
            "trace expects delta of shape (2, 4, 2), got (2, 3, 2)",
        ),
        (
            lambda: trace(LAYER, X, DELTA, states=(H0,)),
            ValueError,
            "trace expects two states of shape (2, 2), got (2, 2)",
        ),
        (
            lambda: trace(LAYER, X, DELTA, states=(H0, C0[:1])),
            ValueError,
            "trace expects two states of shape (2, 2), got (2, 2) and (1, 2)",
        ),
    ],
)
def test_what_does_not_fit(call, kind, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()


def test_lists_do_as_well_as_arrays():
    states = np.stack([H0, C0])
    ours = trace(LAYER, X.tolist(), DELTA.tolist(), states=states)
    for name, array in trace(LAYER, X, DELTA, states=(H0, C0)).items():
        assert_array_equal(ours[name], array)
    dx, grads = lstm_steps.gradients(LAYER, X.tolist(), ours)
    assert_array_equal(dx, lstm_steps.gradients(LAYER, X, ours)[0])
    assert set(grads) == {"Wx", "Wh", "b"}
