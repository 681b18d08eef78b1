"""GRU: both published forms gate by gate, known states and gradients, gates held open, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.initializers import Constant, Given
from backprop.layers import GRU
from backprop.network import Network

# N, T, D, H
SHAPES = [(1, 1, 1, 1), (2, 1, 3, 2), (1, 4, 2, 3), (3, 5, 2, 4), (2, 3, 4, 1)]

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_form = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])


def line(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def given(Wx, Wh, b, bh, T=1, **settings):
    """Return a GRU with these parameters; without the gate after the product, `bh` is not read."""
    layer = GRU(len(Wh), **settings)
    layer.build((T, len(Wx)), dtype=np.float64)
    for name, value in {"Wx": Wx, "Wh": Wh, "b": b, "bh": bh}.items():
        if name in layer.params:
            layer.params[name][...] = value
    return layer


def built(shape, **settings):
    """Return a GRU, sequences, deltas and initial states."""
    N, T, D, H = shape
    rng = np.random.default_rng(0)
    sizes = (D, 3 * H), (H, 3 * H), (3 * H,), (H,)
    parameters = [rng.standard_normal(size) / 2 for size in sizes]
    arrays = (rng.standard_normal(size) for size in ((N, T, D), (N, T, H), (N, H)))
    return given(*parameters, T, **settings), *arrays


def by_gate(array):
    """Return the three blocks of the last axis by the names of their gates."""
    return dict(zip("rzn", np.split(array, 3, axis=-1), strict=True))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def steps(layer, x, h):
    """Return what each step of one sequence computes, gate by gate, in the form of the layer."""
    Wx, Wh, b = (by_gate(value) for value in (layer.Wx, layer.Wh, layer.b))
    remembered = []
    for x_t in x:
        r = sigmoid(x_t @ Wx["r"] + h @ Wh["r"] + b["r"])
        z = sigmoid(x_t @ Wx["z"] + h @ Wh["z"] + b["z"])
        if layer.reset_after:
            n = np.tanh(x_t @ Wx["n"] + b["n"] + r * (h @ Wh["n"] + layer.bh))
        else:
            n = np.tanh(x_t @ Wx["n"] + b["n"] + (r * h) @ Wh["n"])
        before, h = h, z * h + (1 - z) * n
        remembered.append((r, z, n, before, h))
    return remembered


def step_back(layer, dh, r, z, n, h):
    """Return the deltas of a_r, a_z, a_n, those of h by itself, and dW_n and db_h of one step."""
    W_n = by_gate(layer.Wh)["n"]
    dz_z = dh * (h - n) * z * (1 - z)
    dz_n = dh * (1 - z) * (1 - n**2)
    if layer.reset_after:
        dz_r = dz_n * (h @ W_n + layer.bh) * r * (1 - r)
        return dz_r, dz_z, dz_n, W_n @ (r * dz_n), np.outer(h, r * dz_n), r * dz_n
    dz_r = (W_n @ dz_n) * h * r * (1 - r)
    return dz_r, dz_z, dz_n, r * (W_n @ dz_n), np.outer(r * h, dz_n), None


def unrolled(layer, x, delta, h0):
    """Return h, dx, dh0 and the gradients, one example after the other, one gate at a time."""
    Wx, Wh = by_gate(layer.Wx), by_gate(layer.Wh)
    grads = {name: np.zeros_like(value) for name, value in layer.params.items()}
    dWx, dWh, db = (by_gate(grads[name]) for name in ("Wx", "Wh", "b"))
    h, dx, dh0 = (np.zeros(array.shape) for array in (delta, x, h0))
    for i in range(len(x)):
        remembered = steps(layer, x[i], h0[i])
        h[i] = [step[-1] for step in remembered]
        dh_later = np.zeros(layer.units)
        for t in reversed(range(x.shape[1])):
            r, z, n, before, _ = remembered[t]
            dh = delta[i, t] + dh_later
            *deltas, dh_inner, dW_n, dbh = step_back(layer, dh, r, z, n, before)
            dz = dict(zip("rzn", deltas, strict=True))
            for gate in "rzn":
                dWx[gate] += np.outer(x[i, t], dz[gate])
                db[gate] += dz[gate]
                dx[i, t] += Wx[gate] @ dz[gate]
            for gate in "rz":
                dWh[gate] += np.outer(before, dz[gate])
            dWh["n"] += dW_n
            if layer.reset_after:
                grads["bh"] += dbh
            dh_later = z * dh + dh_inner + Wh["r"] @ dz["r"] + Wh["z"] @ dz["z"]
        dh0[i] = dh_later
    return h, dx, dh0, *grads.values()


def both_passes(layer, x, delta, *h0):
    """Return y, dx, dh0 if there is an h0, and the gradients."""
    y, cache = layer.forward(x, *h0)
    dx, grads = layer.backward(delta, cache)
    return y, *(dx if h0 else (dx,)), *grads.values()


def assert_close(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@each_form
@every_shape
def test_both_passes_are_the_definition(shape, reset_after):
    layer, x, delta, h0 = built(shape, reset_after=reset_after)
    assert_close(both_passes(layer, x, delta, h0), unrolled(layer, x, delta, h0))


@each_form
@every_shape
def test_without_an_initial_state_it_is_zero(shape, reset_after):
    layer, x, delta, h0 = built(shape, reset_after=reset_after)
    y, dx, _, *grads = both_passes(layer, x, delta, 0 * h0)
    assert_close(both_passes(layer, x, delta), (y, dx, *grads))


@each_form
@every_shape
def test_in_reverse_it_is_the_layer_on_reversed_sequences(shape, reset_after):
    layer, x, delta, h0 = built(shape, reset_after=reset_after)
    turned, *_ = built(shape, reset_after=reset_after, reverse=True)
    y, dx, *rest = both_passes(turned, x[:, ::-1], delta[:, ::-1], h0)
    assert_close((y[:, ::-1], dx[:, ::-1], *rest), both_passes(layer, x, delta, h0))


# Known numbers


@pytest.mark.parametrize(
    ("reset_after", "first", "last"),
    [
        (
            True,
            [-0.06677728, -0.06720883, -0.06760328, -0.06742395, -0.06590174],
            [0.60581243, 0.59914285, 0.59059024, 0.57976949, 0.56620353],
        ),
        (
            False,
            [-0.14504814, -0.08431074, -0.02162877, 0.04300550, 0.10960029],
            [0.49285546, 0.55533731, 0.61405081, 0.66998804, 0.72417593],
        ),
    ],
    ids=["after", "before"],
)
def test_states_of_another_implementation(reset_after, first, last):
    # ONNX Runtime 1.32 in single precision, `linear_before_reset` being 1 and 0.
    Wx, Wh = line(-0.7, 0.8, 4, 15), line(0.9, -0.6, 5, 15)
    b, bh = line(-0.3, 0.5, 15), line(0.4, -0.8, 5)
    layer = given(Wx, Wh, b, bh, T=3, reset_after=reset_after)
    y, _ = layer.forward(line(-0.4, 0.9, 2, 3, 4), line(-0.5, 0.6, 2, 5))
    assert_allclose(y[0, 0], first, rtol=0, atol=2e-7)
    assert_allclose(y[1, 2], last, rtol=0, atol=2e-7)


SCALAR = {
    # One unit, three steps, L = (h_3 - 0.3)^2 / 2: by scalars of 40 digits, derivatives as
    # differences over 2e-13.
    True: {
        "y": [0.51714580992389845, 0.27998683389961099, 0.417748356014297],
        "Wx": [[0.00086824100002156363, -0.010055547997848923, 0.0060345931216633822]],
        "Wh": [[0.0004657808575462318, 0.0025573108851943394, 0.010159285375994567]],
        "b": [0.0025868343872386727, -0.0085882610148359397, 0.057758406630406099],
        "bh": [0.033674977453431395],
        "x": [0.0039483201512532883, 0.0096025812231234016, 0.036525719428018308],
        "h0": [[0.00024723089151067437]],
    },
    False: {
        "y": [0.48002480383977243, 0.17476304034453722, 0.29630371784717053],
        "Wx": [[-7.8646027946096765e-6, 0.00026389336913641913, -0.00034706827128696765]],
        "Wh": [[2.4036185907288395e-5, -9.0827401672796856e-5, -0.00022551606429154198]],
        "b": [6.886864608486361e-5, 0.00019019155795921133, -0.0020554308111162762],
        "x": [-0.00012188252615691679, -0.00019653188501262805, -0.0013485533820688077],
        "h0": [[4.8788816199373224e-6]],
    },
}


@each_form
def test_a_single_unit_by_scalars(reset_after):
    Wx, Wh, b, bh = [[0.5, -0.3, 0.8]], [[0.6, 0.9, -0.7]], [0.1, -0.2, 0.3], [0.4]
    layer = given(Wx, Wh, b, bh, T=3, reset_after=reset_after)
    y, cache = layer.forward(np.reshape([1, -0.5, 0.25], (1, 3, 1)), np.array([[-0.4]]))
    delta = np.zeros((1, 3, 1))
    delta[0, 2] = y[0, 2] - 0.3
    (dx, dh0), grads = layer.backward(delta, cache)
    found = {"y": y.ravel(), **grads, "x": dx.ravel(), "h0": dh0}
    assert found.keys() == SCALAR[reset_after].keys()
    for name, value in SCALAR[reset_after].items():
        assert_allclose(found[name], value, rtol=1e-11)


# Gates held open and shut


def held(shape, r, z, **settings):
    """Return a GRU whose gates stand at `r` and `z` whatever comes, and its data."""
    layer, *arrays = built(shape, **settings)
    logit = {0: -1000.0, 0.5: 0.0, 1: 1000.0}
    for name in ("Wx", "Wh", "b"):
        by_gate(layer.params[name])["r"][...] = logit[r] if name == "b" else 0
        by_gate(layer.params[name])["z"][...] = logit[z] if name == "b" else 0
    return layer, *arrays


@each_form
def test_an_open_update_gate_carries_the_state_and_its_delta_unchanged(reset_after):
    layer, x, delta, h0 = held((2, 9, 3, 4), r=0.5, z=1, reset_after=reset_after)
    y, dx, dh0, *grads = both_passes(layer, x, delta, h0)
    assert_array_equal(y, np.broadcast_to(h0[:, np.newaxis], y.shape))
    assert_allclose(dh0, delta.sum(axis=1), rtol=1e-14)
    for gradient in (dx, *grads):
        assert not gradient.any()


@each_form
def test_with_both_gates_shut_a_step_forgets_what_was(reset_after):
    layer, x, delta, h0 = held((2, 5, 3, 4), r=0, z=0, reset_after=reset_after)
    y, dx, dh0, *_ = both_passes(layer, x, delta, h0)
    Wx, b = by_gate(layer.Wx)["n"], by_gate(layer.b)["n"]
    assert_allclose(y, np.tanh(x @ Wx + b), rtol=1e-14)
    assert_allclose(dx, (delta * (1 - y**2)) @ Wx.T, rtol=1e-13)
    assert not dh0.any()


@each_form
def test_with_the_reset_gate_open_a_step_is_that_of_a_simple_recurrent_layer(reset_after):
    layer, x, delta, h0 = held((2, 1, 3, 4), r=1, z=0, reset_after=reset_after)
    Wx, Wh, b = (by_gate(value)["n"] for value in (layer.Wx, layer.Wh, layer.b))
    y, _, dh0, *_ = both_passes(layer, x, delta, h0)
    assert_allclose(y[:, 0], np.tanh(x[:, 0] @ Wx + h0 @ Wh + b + layer.bh), rtol=1e-14)
    assert_allclose(dh0, (delta * (1 - y**2))[:, 0] @ Wh.T, rtol=1e-13)


def test_where_the_candidates_weights_are_diagonal_both_forms_are_one():
    after, x, delta, h0 = built((3, 5, 2, 4))
    before, *_ = built((3, 5, 2, 4), reset_after=False)
    after.bh[...] = 0
    for layer in (after, before):
        by_gate(layer.Wh)["n"][...] *= np.eye(4)
    y, dx, dh0, dWx, dWh, db, _ = both_passes(after, x, delta, h0)
    other = both_passes(before, x, delta, h0)
    diagonal = np.hstack([np.ones((4, 8)), np.eye(4)])
    assert_close((y, dx, dh0, dWx, dWh * diagonal, db), (*other[:4], other[4] * diagonal, other[5]))


# Deltas that travel


@each_form
def test_no_delta_reaches_a_later_step(reset_after):
    layer, x, delta, _ = built((2, 5, 3, 4), reset_after=reset_after)
    delta[:, 2:] = 0
    dx, _ = layer.backward(delta, layer.forward(x)[1])
    assert_array_equal(dx[:, 2:], np.zeros_like(dx[:, 2:]))
    assert dx[:, :2].all()


@each_form
def test_a_sequence_in_two_halves_is_the_whole_if_its_state_is_handed_on(reset_after):
    layer, x, delta, h0 = built((2, 6, 3, 4), reset_after=reset_after)
    y, dx, dh0, *grads = both_passes(layer, x, delta, h0)
    y_1, cache_1 = layer.forward(x[:, :2], h0)
    y_2, cache_2 = layer.forward(x[:, 2:], y_1[:, -1])
    (dx_2, dh), grads_2 = layer.backward(delta[:, 2:], cache_2)
    delta_1 = delta[:, :2].copy()
    delta_1[:, -1] += dh
    (dx_1, dh0_1), grads_1 = layer.backward(delta_1, cache_1)
    assert_close((np.hstack([y_1, y_2]), np.hstack([dx_1, dx_2]), dh0_1), (y, dx, dh0))
    assert_close([grads_1[name] + grads_2[name] for name in grads_1], grads)


def test_a_stack_hands_its_delta_down_through_both_sums():
    below, x, _, h0 = built((2, 4, 3, 3))
    above = built((2, 4, 3, 2), reset_after=False)[0]
    first = {"0." + name: value.copy() for name, value in below.params.items()}
    second = {"1." + name: value.copy() for name, value in above.params.items()}
    net = Network([GRU(3), GRU(2, reset_after=False)])
    net.build((4, 3), dtype=np.float64)
    for name, value in {**first, **second}.items():
        net.params[name][...] = value
    y, caches = net.forward(x)
    delta = np.random.default_rng(1).standard_normal(y.shape)
    dx, grads = net.backward(delta, caches)
    middle = unrolled(below, x, np.zeros((2, 4, 3)), 0 * h0)[0]
    top = unrolled(above, middle, delta, np.zeros((2, 2)))
    bottom = unrolled(below, x, top[1], 0 * h0)
    assert_close((y, dx), (top[0], bottom[1]))
    assert_close(grads.values(), (*bottom[3:], *top[3:]))


# Sizes and errors


@pytest.mark.parametrize(
    ("reset_after", "shapes"),
    [(True, [(3, 15), (5, 15), (15,), (5,)]), (False, [(3, 15), (5, 15), (15,)])],
)
def test_output_shape_parameters_and_multiply_adds(reset_after, shapes):
    layer = GRU(5, reset_after=reset_after)
    assert layer.build((7, 3), rng=0) == (7, 5)
    assert [p.shape for p in layer.params.values()] == shapes
    assert layer.multiply_adds((7, 3)) == 7 * 3 * (3 * 5 + 5 * 5)
    assert layer.build((7, 3), (5,), rng=0) == (7, 5)
    assert layer.multiply_adds((7, 3), (5,)) == 840


def test_each_gate_is_drawn_by_itself():
    layer = GRU(4)
    layer.build((7, 3), rng=0, dtype=np.float64)
    Wx, Wh = by_gate(layer.Wx), by_gate(layer.Wh)
    for gate in "rzn":
        assert abs(Wx[gate]).max() <= np.sqrt(6 / (3 + 4))
        assert_allclose(Wh[gate] @ Wh[gate].T, np.eye(4), atol=1e-14)
    assert len({Wx[gate].tobytes() for gate in "rzn"}) == 3
    assert not layer.b.any()
    assert not layer.bh.any()


@pytest.mark.parametrize("start", [Constant(0.5), Given([0, 0, 1.5, 2.5, 0, 0])], ids=str)
def test_the_bias_of_the_gates_starts_as_said_that_inside_the_candidate_with_zero(start):
    layer = GRU(2, bias_init=start)
    layer.build((7, 3), rng=0)
    assert_array_equal(layer.b, start((6,)))
    assert_array_equal(layer.bh, [0, 0])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: GRU(2.5), "units to be a whole number of at least 1, got 2.5"),
        (lambda: GRU(3).build((4,)), "sequences of shape (N, T, D), got (N, 4)"),
        (lambda: GRU(3).build((4, 2), (3,), (3,)), "0 or 1 initial states, got 2"),
        (lambda: GRU(3).build((4, 2), (4,)), "initial states of shape (N, 3), got (N, 4)"),
    ],
)
def test_settings_and_inputs_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'GRU expects {text}')}$"):
        make()
