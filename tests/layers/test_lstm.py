"""LSTM: published states, the definition gate by gate, the carried cell delta, states, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.layers import LSTM
from backprop.network import Network

# N, T, D, H
SHAPES = [(1, 1, 1, 1), (2, 1, 3, 2), (1, 4, 2, 3), (3, 5, 2, 4), (2, 3, 4, 1)]

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def line(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def given(Wx, Wh, b, T=1, **settings):
    """Return an LSTM with these parameters."""
    lstm = LSTM(len(Wh), **settings)
    lstm.build((T, len(Wx)), dtype=np.float64)
    lstm.Wx, lstm.Wh, lstm.b = Wx, Wh, b
    return lstm


def built(shape, **settings):
    """Return an LSTM, sequences, deltas and both initial states."""
    N, T, D, H = shape
    rng = np.random.default_rng(0)
    Wx, Wh, b = (rng.standard_normal(size) / 2 for size in ((D, 4 * H), (H, 4 * H), (4 * H,)))
    arrays = (rng.standard_normal(size) for size in ((N, T, D), (N, T, H), (N, H), (N, H)))
    return given(Wx, Wh, b, T, **settings), *arrays


def by_gate(array):
    """Return the four blocks of the last axis by the names of their gates."""
    return dict(zip("ifgo", np.split(array, 4, axis=-1), strict=True))


def ours(array):
    """Return an array whose blocks are i, f, o, g, as in CS231n, with its blocks i, f, g, o."""
    i, f, o, g = np.split(array, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def steps(x, h, c, Wx, Wh, b):
    """Return what each step of one sequence computes, gate by gate."""
    remembered = []
    for x_t in x:
        z = {gate: x_t @ Wx[gate] + h @ Wh[gate] + b[gate] for gate in "ifgo"}
        i, f, g, o = sigmoid(z["i"]), sigmoid(z["f"]), np.tanh(z["g"]), sigmoid(z["o"])
        before, h_before = c, h
        c = f * c + i * g
        h = o * np.tanh(c)
        remembered.append((i, f, g, o, before, c, h_before, h))
    return remembered


def unrolled(layer, x, delta, h0, c0):
    """Return h, dx, dh0, dc0, dWx, dWh and db by the table of section 11, one example at a time."""
    Wx, Wh, b = (by_gate(value) for value in (layer.Wx, layer.Wh, layer.b))
    dWx, dWh, db = ({k: np.zeros_like(v) for k, v in group.items()} for group in (Wx, Wh, b))
    h, dx, dh0, dc0 = (np.zeros(array.shape) for array in (delta, x, h0, c0))
    for n in range(len(x)):
        remembered = steps(x[n], h0[n], c0[n], Wx, Wh, b)
        h[n] = [step[-1] for step in remembered]
        dh_later = dc_later = np.zeros(h0.shape[1])
        for t in reversed(range(x.shape[1])):
            i, f, g, o, c_before, c, h_before, _ = remembered[t]
            dh = delta[n, t] + dh_later
            dc = dh * o * (1 - np.tanh(c) ** 2) + dc_later
            dz = {
                "i": dc * g * i * (1 - i),
                "f": dc * c_before * f * (1 - f),
                "g": dc * i * (1 - g**2),
                "o": dh * np.tanh(c) * o * (1 - o),
            }
            for gate in "ifgo":
                dWx[gate] += np.outer(x[n, t], dz[gate])
                dWh[gate] += np.outer(h_before, dz[gate])
                db[gate] += dz[gate]
                dx[n, t] += Wx[gate] @ dz[gate]
            dh_later = sum(Wh[gate] @ dz[gate] for gate in "ifgo")
            dc_later = dc * f
        dh0[n], dc0[n] = dh_later, dc_later
    packed = (np.concatenate(list(group.values()), axis=-1) for group in (dWx, dWh, db))
    return h, dx, dh0, dc0, *packed


def both_passes(layer, x, delta, *states):
    """Return y, dx, dh0 and dc0 if there are states, and the gradients."""
    y, cache = layer.forward(x, *states)
    dx, grads = layer.backward(delta, cache)
    return y, *(dx if states else (dx,)), *grads.values()


def assert_close(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@every_shape
def test_both_passes_are_the_definition(shape):
    layer, x, delta, h0, c0 = built(shape)
    assert_close(both_passes(layer, x, delta, h0, c0), unrolled(layer, x, delta, h0, c0))


@every_shape
def test_without_initial_states_they_are_zero(shape):
    layer, x, delta, h0, c0 = built(shape)
    y, dx, _, _, *grads = both_passes(layer, x, delta, 0 * h0, 0 * c0)
    assert_close(both_passes(layer, x, delta), (y, dx, *grads))


@every_shape
def test_in_reverse_it_is_the_layer_on_reversed_sequences(shape):
    layer, x, delta, h0, c0 = built(shape)
    turned = given(layer.Wx, layer.Wh, layer.b, shape[1], reverse=True)
    y, dx, *rest = both_passes(turned, x[:, ::-1], delta[:, ::-1], h0, c0)
    assert_close((y[:, ::-1], dx[:, ::-1], *rest), both_passes(layer, x, delta, h0, c0))


# Section 11 of the derivations


def test_published_single_step():
    Wx, Wh, b = line(-2.1, 1.3, 4, 20), line(-0.7, 2.2, 5, 20), line(0.3, 0.7, 20)
    layer = given(ours(Wx), ours(Wh), ours(b))
    x, h0, c0 = line(-0.4, 1.2, 3, 1, 4), line(-0.3, 0.7, 3, 5), line(-0.4, 0.9, 3, 5)
    y, cache = layer.forward(x, h0, c0)
    _, c = layer.final_states(cache)
    first = [0.24635157, 0.28610883, 0.32240467, 0.35525807, 0.38474904]
    last = [0.56735664, 0.66310127, 0.74419266, 0.80889665, 0.858299]
    cell = [0.32986176, 0.39145139, 0.451556, 0.51014116, 0.56717407]
    assert_allclose(y[0, 0], first, rtol=0, atol=1e-8)
    assert_allclose(y[2, 0], last, rtol=0, atol=1e-8)
    assert_allclose(c[0], cell, rtol=0, atol=1e-8)


def test_published_sequence():
    Wx, Wh, b = line(-0.2, 0.9, 5, 16), line(-0.3, 0.6, 4, 16), line(0.2, 0.7, 16)
    layer = given(ours(Wx), ours(Wh), ours(b), T=3)
    h0 = line(-0.4, 0.8, 2, 4)
    y, _ = layer.forward(line(-0.4, 0.6, 2, 3, 5), h0, np.zeros_like(h0))
    first = [0.01764008, 0.01823233, 0.01882671, 0.0194232]
    last = [0.81733511, 0.83677871, 0.85403753, 0.86935314]
    assert_allclose(y[0, 0], first, rtol=0, atol=1e-8)
    assert_allclose(y[1, 2], last, rtol=0, atol=1e-8)


def test_an_open_cell_carries_its_content_and_its_delta_unchanged():
    layer, x, delta, h0, c0 = built((2, 9, 3, 4))
    layer.Wx, layer.Wh = 0 * layer.Wx, 0 * layer.Wh
    layer.b = np.repeat([-1000.0, 1000.0, 0.0, 1000.0], 4)  # nothing in, all kept, all shown
    delta[:, :-1] = 0
    y, _, _, dc0, *_ = both_passes(layer, x, delta, h0, c0)
    assert_array_equal(y, np.broadcast_to(np.tanh(c0)[:, np.newaxis], y.shape))
    assert_allclose(dc0, delta[:, -1] * (1 - np.tanh(c0) ** 2), rtol=1e-14)


def test_a_stack_hands_its_delta_down_through_both_sums():
    below, x, _, h0, _ = built((2, 4, 3, 3))
    above = built((2, 4, 3, 2))[0]
    first = {"0." + name: value for name, value in below.params.items()}
    second = {"1." + name: value for name, value in above.params.items()}
    net = Network([LSTM(3), LSTM(2)])
    net.build((4, 3), dtype=np.float64)
    for name, value in {**first, **second}.items():
        net.params[name][...] = value
    y, caches = net.forward(x)
    delta = np.random.default_rng(1).standard_normal(y.shape)
    dx, grads = net.backward(delta, caches)
    no_3, no_2 = 0 * h0, np.zeros((2, 2))
    middle = unrolled(below, x, np.zeros((2, 4, 3)), no_3, no_3)[0]
    top = unrolled(above, middle, delta, no_2, no_2)
    bottom = unrolled(below, x, top[1], no_3, no_3)
    assert_close((y, dx), (top[0], bottom[1]))
    assert_close(grads.values(), (*bottom[4:], *top[4:]))


# Sizes and errors


def test_output_shape_parameters_and_multiply_adds():
    layer = LSTM(5)
    assert layer.build((7, 3), rng=0) == (7, 5)
    assert [p.shape for p in layer.params.values()] == [(3, 20), (5, 20), (20,)]
    assert layer.multiply_adds((7, 3)) == 7 * 4 * (3 * 5 + 5 * 5)
    assert layer.build((7, 3), (5,), (5,), rng=0) == (7, 5)
    assert layer.multiply_adds((7, 3), (5,), (5,)) == 1120


@pytest.mark.parametrize(("settings", "value"), [({}, 1), ({"forget_bias": -2.5}, -2.5)])
def test_only_the_forget_gates_start_with_a_bias(settings, value):
    layer = LSTM(3, **settings)
    layer.build((7, 2), rng=0)
    assert_array_equal(layer.b, [0] * 3 + [value] * 3 + [0] * 6)


def test_each_gate_is_drawn_by_itself():
    layer = LSTM(4)
    layer.build((7, 3), rng=0, dtype=np.float64)
    Wx, Wh = by_gate(layer.Wx), by_gate(layer.Wh)
    for gate in "ifgo":
        assert abs(Wx[gate]).max() <= np.sqrt(6 / (3 + 4))
        assert_allclose(Wh[gate] @ Wh[gate].T, np.eye(4), atol=1e-14)
    assert len({Wx[gate].tobytes() for gate in "ifgo"}) == 4


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LSTM(-1), "units to be a whole number of at least 1, got -1"),
        (lambda: LSTM(3, forget_bias="open"), "forget_bias to be a finite number, got 'open'"),
        (lambda: LSTM(3, forget_bias=np.inf), "forget_bias to be a finite number, got inf"),
        (lambda: LSTM(3).build((4,)), "sequences of shape (N, T, D), got (N, 4)"),
        (lambda: LSTM(3).build((4, 2), (3,)), "0 or 2 initial states, got 1"),
        (lambda: LSTM(3).build((4, 2), (3,), (4,)), "initial states of shape (N, 3), got (N, 4)"),
    ],
)
def test_settings_and_inputs_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'LSTM expects {text}')}$"):
        make()
