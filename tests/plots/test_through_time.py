"""Gradients through time, and unrolled layers, show the deltas of the layers' own passes."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop import plots
from backprop.classics.lstm_steps import trace
from backprop.layers import GRU, LSTM, RNN, BatchNorm, Bidirectional, Dense, Last
from backprop.network import Network
from backprop.plots.picture import SIGNED
from backprop.plots.unrolled import back_through_time
from plots.pictures import assert_legible, named, words

N, T, D, H = 2, 4, 3, 5
LAYERS = {"LSTM": LSTM, "GRU": GRU, "RNN": RNN, "relu": lambda H: RNN(H, activation="relu")}
every_layer = pytest.mark.parametrize("kind", LAYERS)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def built(kind, T=T, H=H):
    layer = LAYERS[kind](H)
    layer.build((T, D), rng=0, dtype=np.float64)
    return layer


def shown(axes):
    return np.ma.filled(axes.images[0].get_array(), 0)


# Through time


def test_a_heat_map_is_the_size_of_every_gates_delta():
    lstm, x, delta = built("LSTM"), random(N, T, D), random(N, T, H, seed=1)
    figure = plots.gradient_through_time(lstm, x, delta)
    steps = trace(lstm, x, delta)
    above, below = figure.axes[:2]
    for row, gate in enumerate("ifgo"):
        da = steps[f"da_{gate}"]
        block = shown(above)[row * H : (row + 1) * H]
        assert_allclose(block, np.sqrt((da**2).sum(axis=1)).T, rtol=1e-10)
        line = next(line for line in below.lines if line.get_label() == gate)
        norms = [np.linalg.norm(each) or np.nan for each in da]
        assert_allclose(line.get_ydata(), norms, rtol=1e-10)
        assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        assert line.get_color() == above.get_yticklabels()[row].get_color()
    assert below.get_yscale() == "log"
    assert [label.get_text() for label in above.get_yticklabels()] == [
        *("$da_i$", "$da_f$", "$da_g$", "$da_o$")
    ]
    assert_legible(figure)


def network():
    net = Network([LSTM(4), BatchNorm(), Bidirectional(GRU(3)), RNN(5), Last(), Dense(2)])
    net.build((T, D), rng=0, dtype=np.float64)
    return net


def test_a_network_has_a_heat_map_for_every_recurrent_layer():
    net, x, delta = network(), random(N, T, D), random(N, 2, seed=1)
    averages = net.averages
    figure = plots.gradient_through_time(net, x, delta)
    assert all(net.averages[key] is averages[key] for key in averages)
    titles = ["0 lstm_1: 4 units", "2.0 gru_1: 3 units", "2.1 gru_2: 3 units", "3 rnn_1: 5 units"]
    maps = figure.axes[:4]
    assert [axes.get_title() for axes in maps] == titles
    _, caches = net.forward(x)
    deltas = net.deltas(delta, caches)
    inner = net[2].deltas(deltas[3], caches[2])
    places = [
        (net[0], deltas[1], caches[0]),
        (net[2][0], inner[1], caches[2][0]),
        (net[2][1], inner[2], caches[2][1]),
        (net[3], deltas[4], caches[3]),
    ]
    for axes, (layer, at_output, cache) in zip(maps, places, strict=True):
        da = np.concatenate([*layer.gate_deltas(at_output, cache).values()], axis=-1)
        assert_allclose(shown(axes), np.sqrt((da**2).sum(axis=0)).T, rtol=1e-12)
    assert len({axes.get_ylim() for axes in figure.axes[4:8]}) == 1
    assert_legible(figure)


def test_a_delta_that_vanishes_is_a_straight_line():
    """One linear unit: da shrinks by w in every step."""
    rnn = built("relu", T=6, H=1)
    rnn.Wh[...], rnn.Wx[...] = 0.1, 1
    delta = np.zeros((1, 6, 1))
    delta[:, -1] = 1
    figure = plots.gradient_through_time(rnn, np.ones((1, 6, D)), delta)
    assert_allclose(figure.axes[1].lines[0].get_ydata(), 0.1 ** np.arange(5, -1, -1.0), rtol=1e-12)
    assert_allclose(shown(figure.axes[0])[0], 0.1 ** np.arange(5, -1, -1.0), rtol=1e-12)


def test_a_masked_layer_takes_its_mask():
    lstm = LSTM(H, masked=True)
    lstm.build((T, D), (T,), rng=0, dtype=np.float64)
    mask = np.ones((N, T))
    mask[:, 2:] = 0
    figure = plots.gradient_through_time(lstm, (random(N, T, D), mask), random(N, T, H))
    assert (shown(figure.axes[0])[:, 2:] == 0).all()
    assert_legible(figure)


@every_layer
def test_whole_numbers_are_taken_as_fractions(kind):
    layer, x = built(kind), np.arange(N * T * D).reshape(N, T, D) % 3
    delta = np.ones((N, T, H), int)
    figures = [
        draw(layer, *inputs)
        for draw in (plots.gradient_through_time, plots.unrolled)
        for inputs in ((x, delta), (x.astype(float), delta.astype(float)))
    ]
    assert figures[0].svg() == figures[1].svg()
    assert figures[2].svg() == figures[3].svg()
    assert shown(figures[0].axes[0]).max() > 0


def test_deltas_of_zero_are_drawn():
    x = random(N, T, D)
    assert_legible(plots.gradient_through_time(built("RNN"), x, np.zeros((N, T, H))))
    assert_legible(plots.unrolled(built("LSTM"), x, np.zeros((N, T, H))))


def test_one_step_is_drawn():
    layer = built("GRU", T=1)
    assert_legible(plots.gradient_through_time(layer, random(1, 1, D), random(1, 1, H)))
    assert_legible(plots.unrolled(layer, random(1, 1, D), random(1, 1, H)))


# Unrolled


@every_layer
@pytest.mark.parametrize("steps", [1, 4, 12])
def test_no_two_texts_of_an_unrolled_layer_overlap(kind, steps):
    layer = built(kind, T=steps)
    assert_legible(plots.unrolled(layer, random(N, steps, D), random(N, steps, H, seed=1)))


def test_what_comes_back_is_that_of_the_derivation():
    lstm, x, delta = built("LSTM"), random(N, T, D), random(N, T, H, seed=1)
    states, back = back_through_time(lstm, x, delta)
    steps = trace(lstm, x, delta)
    for t in range(T):
        assert_allclose(states[t][0], steps["h_before"][t], rtol=1e-12, atol=1e-15)
        assert_allclose(states[t][1], steps["c_before"][t], rtol=1e-12, atol=1e-15)
        assert_allclose(back[t][0], steps["dh_before"][t], rtol=1e-10, atol=1e-14)
        assert_allclose(back[t][1], steps["dc_before"][t], rtol=1e-10, atol=1e-14)
    assert_array_equal(back[T], np.zeros((2, N, H)))


def test_strips_are_the_gates_and_their_deltas():
    lstm, x, delta = built("LSTM"), random(N, T, D), random(N, T, H, seed=1)
    found = named(plots.unrolled(lstm, x, delta))
    steps = trace(lstm, x, delta)
    totals = {gate: steps[f"da_{gate}"].sum(axis=1) for gate in "ifgo"}
    back = {"h": steps["dh_later"].sum(axis=1), "c": steps["dc_later"].sum(axis=1)}
    first = {"h": steps["dh_before"][0].sum(axis=0), "c": steps["dc_before"][0].sum(axis=0)}
    parts = [*totals.values(), *back.values(), *first.values()]
    most = max(np.abs(each).max() for each in parts)
    for name, total in (totals | back).items():
        for t in range(T):
            (strip,) = found[f"delta {name}[{t}]"]
            wanted = SIGNED(0.5 + total[t] / most / 2)
            assert_allclose(strip.get_array()[0], wanted, atol=0.02)
    for name in "ifgohc":
        mean = steps[name].mean(axis=1)
        for t in range(T):
            darkness = -found[f"value {name}[{t}]"][0].get_array()[0, :, 0]
            assert (np.diff(darkness[np.argsort(mean[t])]) >= 0).all()


def test_wires_are_as_wide_as_the_logarithm_of_what_goes_back():
    lstm, x, delta = built("LSTM"), random(N, T, D), random(N, T, H, seed=1)
    figure = plots.unrolled(lstm, x, delta)
    found, steps = named(figure), trace(lstm, x, delta)
    dx, _ = lstm.backward(delta, lstm.forward(x)[1])
    parts = {f"dh[{t}]": steps["dh_before"][t] for t in range(T)}
    parts |= {f"dc[{t}]": steps["dc_before"][t] for t in range(T)}
    parts |= {f"dx[{t}]": dx[:, t] for t in range(T)} | {f"δ[{t}]": delta[:, t] for t in range(T)}
    logs = np.log10([np.linalg.norm(part) for part in parts.values()])
    widths = [found[gid][0].get_linewidth() for gid in parts]
    low = min(logs.min(), logs.max() - 3)
    assert_allclose(widths, 0.5 + 4 * (logs - low) / (logs.max() - low), rtol=1e-9)
    assert {f"{np.linalg.norm(steps['dh_before'][t]):.2g}" for t in range(T)} <= {*words(figure)}


def test_an_rnn_has_one_row():
    found = named(plots.unrolled(built("RNN"), random(N, T, D), random(N, T, H)))
    rows = {gid.split("[")[0] for gid in found}
    assert rows == {"value h", "delta h", "dh", "dx", "δ"}


X, DELTA = random(N, T, D), random(N, T, H)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plots.gradient_through_time(Network([Dense(2)]), X, DELTA),
            "gradient_through_time expects a network after build(in_shape), got one before it",
        ),
        (
            lambda: plots.gradient_through_time(built("LSTM"), X[..., :2], DELTA),
            "gradient_through_time expects sequences of shape (N, T, 3), got (2, 4, 2)",
        ),
        (
            lambda: plots.gradient_through_time(built("LSTM"), X, DELTA[:, 0]),
            "gradient_through_time expects a delta of shape (2, 4, 5), got (2, 5)",
        ),
        (
            lambda: plots.gradient_through_time(network(), X, DELTA),
            "Network expects a delta of shape (N, 2), got (2, 4, 5)",
        ),
        (
            lambda: plots.gradient_through_time(LSTM(3), X, DELTA),
            "LSTM expects build(in_shape) before its parameters are used, got none",
        ),
        (
            lambda: plots.unrolled(built("RNN"), X[:, :0], DELTA[:, :0]),
            "unrolled expects sequences of shape (N, T, 3), got (2, 0, 3)",
        ),
        (
            lambda: plots.unrolled(built("RNN"), random(1, 13, D), random(1, 13, H)),
            "unrolled expects at most 12 steps, got 13",
        ),
        (
            lambda: plots.unrolled(RNN(2, reverse=True), X, DELTA),
            "unrolled expects a layer that is neither reversed nor masked, "
            "got RNN(2, reverse=True)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()


def test_a_network_without_recurrent_layers():
    net = Network([Dense(2)])
    net.build((3,))
    with pytest.raises(ValueError, match="expects") as error:
        plots.gradient_through_time(net, random(1, 3), np.zeros((1, 2)))
    assert str(error.value) == (
        "gradient_through_time expects a network with an RNN, LSTM or GRU, got Network([Dense(2)])"
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plots.gradient_through_time(Dense(2), X, DELTA),
            "gradient_through_time expects a Network, got Dense(2)",
        ),
        (
            lambda: plots.unrolled(Dense(2), X, DELTA),
            "unrolled expects an LSTM, a GRU or an RNN, got Dense(2)",
        ),
    ],
)
def test_what_is_no_recurrent_layer(call, text):
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        call()
