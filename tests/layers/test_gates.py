"""The gates of recurrent layers by name, and the deltas behind them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.classics.lstm_steps import trace
from backprop.layers import GRU, LSTM, RNN

N, T, D, H = 3, 5, 2, 4
LAYERS = {
    "RNN": (RNN, {}),
    "RNN relu": (RNN, {"activation": "relu"}),
    "LSTM": (LSTM, {}),
    "GRU": (GRU, {}),
    "GRU before": (GRU, {"reset_after": False}),
}
every_layer = pytest.mark.parametrize("kind", LAYERS)
both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reversed"])


def built(kind, **settings):
    make, more = LAYERS[kind]
    layer = make(H, **more, **settings)
    layer.build((T, D), *[(T,)] * layer.masked, rng=0, dtype=np.float64)
    layer.b += np.random.default_rng(1).standard_normal(layer.b.shape) / 3
    return layer


def numbers(seed=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, T, D)), rng.standard_normal((N, T, H)), rng.random((N, T))


@every_layer
@both_ways
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
def test_gate_deltas_side_by_side_are_what_the_gradients_are_made_of(kind, reverse, masked):
    layer = built(kind, reverse=reverse, masked=masked)
    x, delta, m = numbers()
    _, cache = layer.forward(x, *[m] * masked)
    dx, grads = layer.backward(delta, cache)
    da = np.concatenate([*layer.gate_deltas(delta, cache).values()], axis=-1)
    assert_allclose(da @ layer.Wx.T, dx[0] if masked else dx, rtol=1e-13, atol=1e-15)
    assert_allclose(da.sum(axis=(0, 1)), grads["b"], rtol=1e-12, atol=1e-15)


def test_the_names_are_those_of_the_equations():
    x, delta, _ = numbers()
    lstm = built("LSTM")
    _, cache = lstm.forward(x)
    steps = trace(lstm, x, delta)
    gates, deltas = lstm.gates(cache), lstm.gate_deltas(delta, cache)
    assert [*gates] == [*deltas] == [*"ifgo"]
    for name in "ifgo":
        assert_allclose(gates[name], steps[name].swapaxes(0, 1), rtol=1e-13)
        assert_allclose(deltas[name], steps[f"da_{name}"].swapaxes(0, 1), rtol=1e-11, atol=1e-15)


def test_the_gates_of_a_gru_make_its_states():
    gru, (x, delta, _) = built("GRU"), numbers()
    h, cache = gru.forward(x)
    before = np.concatenate([np.zeros((N, 1, H)), h[:, :-1]], axis=1)
    r, z, n = gru.gates(cache).values()
    assert_allclose((1 - z) * n + z * before, h, rtol=1e-13)
    assert ((r > 0) & (r < 1)).all()
    deltas = gru.gate_deltas(delta, cache)
    assert [*gru.gates(cache)] == [*deltas] == [*"rzn"]
    dh = delta[:, -1]
    assert_allclose(deltas["z"][:, -1], (dh * (before - n)[:, -1] * (z * (1 - z))[:, -1]))


def test_an_rnn_has_its_state_alone():
    rnn, (x, delta, _) = built("RNN"), numbers()
    h, cache = rnn.forward(x)
    assert [*rnn.gates(cache)] == [*rnn.gate_deltas(delta, cache)] == ["h"]
    assert_array_equal(rnn.gates(cache)["h"], h)


@every_layer
def test_a_reversed_layer_has_its_gates_where_its_inputs_are(kind):
    forwards, backwards = built(kind), built(kind, reverse=True)
    x, _, _ = numbers()
    _, cache = forwards.forward(x)
    _, of_reversed = backwards.forward(x[:, ::-1])
    for name, gate in forwards.gates(cache).items():
        assert_array_equal(backwards.gates(of_reversed)[name], gate[:, ::-1])
