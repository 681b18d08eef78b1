"""Backpropagation through time, taken apart: contributions, truncation, copies, reach, errors."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import bptt

# N, T, D, H
SHAPES = [(1, 1, 1, 1), (2, 1, 3, 2), (1, 4, 2, 3), (3, 5, 2, 4), (2, 3, 4, 1)]

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_activation = pytest.mark.parametrize("activation", ["tanh", "relu"])
KEYS = ("Wx", "Wh", "b")


def built(shape, activation="tanh", dtype=np.float64):
    """Return an RNN, sequences, initial states, and deltas of all states."""
    N, T, D, H = shape
    rng = np.random.default_rng(0)
    rnn = bp.RNN(H, activation=activation, bias_init=bp.Given(rng.standard_normal(H) / 2))
    rnn.build((T, D), rng=rng, dtype=dtype)
    arrays = (rng.standard_normal(size) for size in ((N, T, D), (N, H), (N, T, H)))
    return rnn, *(array.astype(dtype) for array in arrays)


def gradients(rnn, x, h0, delta):
    return rnn.grads(delta, rnn.forward(x, states=(h0,))[1])


def only(delta, t):
    """Return the deltas of all states of which only that of step t is there."""
    alone = np.zeros_like(delta)
    alone[:, t] = delta[:, t]
    return alone


def assert_close(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@each_activation
@every_shape
def test_contributions_add_up_to_the_layers_gradient_of_one_error(shape, activation):
    rnn, x, h0, delta = built(shape, activation)
    for t in range(shape[1]):
        parts = bptt.contributions(rnn, x, t, delta[:, t], h0=h0)
        grads = gradients(rnn, x, h0, only(delta, t))
        assert_close((parts[key].sum(axis=0) for key in KEYS), (grads[key] for key in KEYS))


@each_activation
@every_shape
def test_over_all_errors_they_add_up_to_the_gradient(shape, activation):
    rnn, x, h0, delta = built(shape, activation)
    grads = gradients(rnn, x, h0, delta)
    parts = [bptt.contributions(rnn, x, t, delta[:, t], h0=h0) for t in range(shape[1])]
    for key in KEYS:
        assert_allclose(sum(p[key].sum(axis=0) for p in parts), grads[key], rtol=1e-11, atol=1e-13)


def test_a_contribution_is_the_slope_by_the_weights_of_one_step():
    rnn, x, h0, delta = built((2, 4, 3, 2))
    t, h = 3, 1e-6

    def energy(k, key, place, change):
        """Return E_t where only step k has the changed weight."""
        s = h0
        for step in range(t + 1):
            of_step = {name: rnn.params[name].copy() for name in KEYS}
            if step == k:
                of_step[key][place] += change
            s = np.tanh(x[:, step] @ of_step["Wx"] + s @ of_step["Wh"] + of_step["b"])
        return (s * delta[:, t]).sum()

    parts = bptt.contributions(rnn, x, t, delta[:, t], h0=h0)
    for k in range(t + 1):
        for key in KEYS:
            for place in np.ndindex(rnn.params[key].shape):
                slope = (energy(k, key, place, h) - energy(k, key, place, -h)) / (2 * h)
                assert_allclose(parts[key][k][place], slope, rtol=1e-7, atol=1e-9)


def test_the_delta_of_each_step_is_the_slope_by_its_net_input():
    rnn, x, h0, delta = built((2, 4, 3, 2))

    def energy(k, place, change):
        s = h0
        for step in range(4):
            z = x[:, step] @ rnn.Wx + s @ rnn.Wh + rnn.b
            z[place] += change if step == k else 0
            s = np.tanh(z)
        return (s * delta[:, 3]).sum()

    dz = bptt.contributions(rnn, x, 3, delta[:, 3], h0=h0)["z"]
    assert dz.shape == (4, 2, 2)
    for k in range(4):
        for place in np.ndindex(2, 2):
            slope = (energy(k, place, 1e-6) - energy(k, place, -1e-6)) / 2e-6
            assert_allclose(dz[k][place], slope, rtol=1e-7, atol=1e-9)


def test_without_an_initial_state_it_is_zero():
    rnn, x, h0, delta = built((2, 4, 3, 2))
    ones = bptt.contributions(rnn, x, 2, delta[:, 2])
    others = bptt.contributions(rnn, x, 2, delta[:, 2], h0=0 * h0)
    assert_close(ones.values(), others.values())
    assert_array_equal(ones["Wh"][0], np.zeros((2, 2)))


def test_single_precision_stays():
    rnn, x, h0, delta = built((2, 4, 3, 2), dtype=np.float32)
    parts = bptt.contributions(rnn, x, 2, delta[:, 2], h0=h0)
    assert {part.dtype for part in parts.values()} == {np.dtype(np.float32)}


def test_nothing_is_written_to():
    rnn, x, h0, delta = built((2, 4, 3, 2))
    for array in (x, h0, delta, *rnn.params.values()):
        array.flags.writeable = False
    bptt.contributions(rnn, x, 2, delta[:, 2], h0=h0)
    bptt.copies(rnn, x, delta, h0=h0)
    bptt.travel(rnn, x, 2, h0=h0)


# Truncation


def test_the_truncated_gradient_of_the_scalar_example():
    rnn, _, delta = bptt.scalar()
    u = [bptt.truncated(rnn, bptt.X, 2, delta[:, 2], steps)["Wx"].item() for steps in (1, 2, 3, 9)]
    whole = -0.027897307468642215
    assert_allclose(u, [-0.019821297606523878, 0.011442728658181912, whole, whole], rtol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_chunk_is_a_truncation(steps):
    rnn, _, delta = bptt.scalar()
    ours = bptt.truncated(rnn, bptt.X, 2, delta[:, 2], steps)
    assert_allclose([each.item() for each in ours.values()], bptt.of_chunk(steps), rtol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_chunks_of_a_long_sequence_are_sums_of_truncations(steps):
    # An error in every step: at place p of its chunk, p + 1 steps are kept.
    rnn, x, _, _ = built((2, 4, 3, 2))
    net = bp.Network([rnn])
    net.build((steps, 3), rng=1, dtype=np.float64)
    loss, target = bp.HalfSquaredError(reduction="sum"), np.zeros((2, 4, 2))
    train = bp.TruncatedBPTT(bp.TrainStep(net, loss, bp.SGD(0.0)))
    norms = [update.gradient_norm for update in train.updates(x, target)]
    y = rnn.predict(x)
    for chunk, norm in enumerate(norms):
        kept = [
            bptt.truncated(rnn, x, t, y[:, t], t + 1 - chunk * steps)
            for t in range(chunk * steps, (chunk + 1) * steps)
        ]
        total = [sum(each[key] for each in kept).ravel() for key in KEYS]
        assert_allclose(np.linalg.norm(np.concatenate(total)), norm, rtol=1e-12)


def test_distances():
    rnn, x, h0, delta = built((2, 5, 3, 2))
    whole = bptt.truncated(rnn, x, 4, delta[:, 4], 5, h0=h0)
    size = np.sqrt(sum((value**2).sum() for value in whole.values()))
    slow = []
    for steps in range(1, 6):
        part = bptt.truncated(rnn, x, 4, delta[:, 4], steps, h0=h0)
        slow.append(np.sqrt(sum(((whole[key] - part[key]) ** 2).sum() for key in KEYS)) / size)
    found = bptt.distances(rnn, x, 4, delta[:, 4], h0=h0)
    assert_allclose(found, slow, rtol=1e-12, atol=1e-15)
    assert found[-1] == 0


# Tied copies


@each_activation
@pytest.mark.parametrize("tied", [True, False])
@every_shape
def test_the_layered_network_does_the_same(shape, activation, tied):
    rnn, x, h0, delta = built(shape, activation)
    N, T, _, H = shape
    net = bptt.layered(rnn, T, tied=tied)
    assert net.param_count == rnn.param_count * (1 if tied else T)
    y, caches = net.forward(h0, *x.swapaxes(0, 1))
    assert_allclose(y.reshape(N, T, H), rnn.predict(x, h0), rtol=1e-13, atol=1e-15)
    (dh0, *dx), grads = net.backward(delta.reshape(N, T * H), caches)
    (dx_layer, dh0_layer), grads_layer = rnn.backward(delta, rnn.forward(x, h0)[1])
    assert_close((dh0, np.stack(dx, axis=1)), (dh0_layer, dx_layer))
    if tied:
        assert list(grads) == ["0.W", "0.b", "1.W"]
        keys = ("Wx", "b", "Wh")
        assert_close(grads.values(), (grads_layer[key] for key in keys))


@every_shape
def test_a_copys_gradient_is_what_its_step_contributes_to_all_errors(shape):
    rnn, x, h0, delta = built(shape)
    each = bptt.copies(rnn, x, delta, h0=h0)
    for key in KEYS:
        slow = np.zeros((shape[1], *rnn.params[key].shape))
        for t in range(shape[1]):
            slow[: t + 1] += bptt.contributions(rnn, x, t, delta[:, t], h0=h0)[key]
        assert_allclose(each[key], slow, rtol=1e-11, atol=1e-13)


def test_a_step_along_the_average_is_t_times_smaller():
    rnn, x, h0, delta = built((3, 5, 2, 4))
    grads, mean = gradients(rnn, x, h0, delta), bptt.averaged(rnn, x, delta, h0=h0)
    for key in KEYS:
        assert_allclose(5 * mean[key], grads[key], rtol=1e-11, atol=1e-13)


# Vanishing and exploding


@each_activation
@every_shape
def test_norms_are_those_of_the_jacobians_and_within_their_bounds(shape, activation):
    rnn, x, h0, _ = built(shape, activation)
    N, T, _, H = shape
    norms, bounds = bptt.travel(rnn, x, T - 1, h0=h0)
    assert len(norms) == len(bounds) == T
    assert (norms <= bounds * (1 + 1e-12)).all()
    assert norms[-1] == bounds[-1] == 1
    y = rnn.predict(x, h0)
    for k in range(T):
        jacobians = np.zeros((N, H, H))
        for i in range(H):  # the last state's i-th number by all of state k, through the layer
            if k == T - 1:
                jacobians[:, i, i] = 1
                continue
            _, cache = rnn.forward(x[:, k + 1 :], y[:, k])
            delta = np.zeros((N, T - 1 - k, H))
            delta[:, -1, i] = 1
            (_, dh), _ = rnn.backward(delta, cache)
            jacobians[:, :, i] = dh
        slow = max(np.linalg.norm(jacobian, 2) for jacobian in jacobians)
        assert_allclose(norms[k], slow, rtol=1e-11, atol=1e-15)


def test_at_rest_the_bound_is_reached():
    rnn, x = bptt.sequences(0.7)
    norms, bounds = bptt.travel(rnn, 0 * x, 29)
    assert_allclose(norms, 0.7 ** np.arange(29, -1, -1), rtol=1e-12)
    assert_allclose(bounds, norms, rtol=1e-12)


def test_reach_holds_the_norm_of_every_delta():
    rnn, x, h0, delta = built((2, 4, 3, 2))
    norms = bptt.reach(rnn, x, delta, h0=h0)
    assert_array_equal(norms, np.tril(norms))
    dz = bptt.contributions(rnn, x, 2, delta[:, 2], h0=h0)["z"]
    assert_allclose(norms[2, :3], [np.sqrt((each**2).sum()) for each in dz], rtol=1e-13)


def test_the_network_of_u_v_and_w():
    rng = np.random.default_rng(3)
    U, V, W = (rng.standard_normal(shape) for shape in ((4, 3), (3, 2), (3, 3)))
    net = bptt.network(5, U, V, W)
    x = rng.standard_normal((2, 5, 4))
    s, outputs = np.zeros((2, 3)), []
    for t in range(5):
        s = np.tanh(x[:, t] @ U + s @ W)
        outputs.append(s @ V)
    assert_allclose(net.predict(x), np.stack(outputs, axis=1), rtol=1e-12)


# Errors

RNN, X, H0, DELTA = built((2, 4, 3, 2))
TURNED = bp.RNN(2, reverse=True)
MASKED = bp.RNN(2, masked=True)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda: bptt.contributions(bp.LSTM(2), X, 1, DELTA[:, 1]),
            TypeError,
            "contributions expects an RNN, got LSTM(2)",
        ),
        (
            lambda: bptt.contributions(TURNED, X, 1, DELTA[:, 1]),
            ValueError,
            "contributions expects an RNN that is neither reversed nor masked, "
            "got RNN(2, reverse=True)",
        ),
        (
            lambda: bptt.layered(MASKED, 3),
            ValueError,
            "layered expects an RNN that is neither reversed nor masked, got RNN(2, masked=True)",
        ),
        (
            lambda: bptt.contributions(bp.RNN(2), X, 1, DELTA[:, 1]),
            ValueError,
            "RNN expects build(in_shape) before its parameters are used, got none",
        ),
        (
            lambda: bptt.contributions(RNN, X[:, :, :2], 1, DELTA[:, 1]),
            ValueError,
            "contributions expects sequences of shape (N, T, 3), got (2, 4, 2)",
        ),
        (
            lambda: bptt.copies(RNN, X[:, :0], DELTA[:, :0]),
            ValueError,
            "copies expects sequences of shape (N, T, 3), got (2, 0, 3)",
        ),
        (
            lambda: bptt.contributions(RNN, X, 4, DELTA[:, 3]),
            ValueError,
            "contributions expects a step t from 0 to 3, got 4",
        ),
        (
            lambda: bptt.travel(RNN, X, -1),
            ValueError,
            "travel expects t to be a whole number of at least 0, got -1",
        ),
        (
            lambda: bptt.contributions(RNN, X, 1, DELTA),
            ValueError,
            "contributions expects delta of shape (2, 2), got (2, 4, 2)",
        ),
        (
            lambda: bptt.contributions(RNN, X, 1, DELTA[:, 1], h0=H0[:1]),
            ValueError,
            "contributions expects h0 of shape (2, 2), got (1, 2)",
        ),
        (
            lambda: bptt.reach(RNN, X, DELTA[:, :2]),
            ValueError,
            "reach expects delta of shape (2, 4, 2), got (2, 2, 2)",
        ),
        (
            lambda: bptt.copies(RNN, X, DELTA[:, :2]),
            ValueError,
            "copies expects delta of shape (2, 4, 2), got (2, 2, 2)",
        ),
        (
            lambda: bptt.truncated(RNN, X, 1, DELTA[:, 1], 0),
            ValueError,
            "truncated expects steps to be a whole number of at least 1, got 0",
        ),
        (
            lambda: bptt.distances(RNN, X, 1, 0 * DELTA[:, 1]),
            ValueError,
            "distances expects a gradient that is not 0, got 0.0",
        ),
        (
            lambda: bptt.layered(bp.RNN(2), 3),
            ValueError,
            "RNN expects build(in_shape) before its parameters are used, got none",
        ),
        (
            lambda: bptt.layered(RNN, 0),
            ValueError,
            "layered expects T to be a whole number of at least 1, got 0",
        ),
    ],
)
def test_what_does_not_fit(call, kind, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()


def test_lists_do_as_well_as_arrays():
    h0, delta = [[0.1, 0.2], [0.3, 0.4]], DELTA[:, 2]
    ours = bptt.contributions(RNN, X.tolist(), 2, delta.tolist(), h0=h0)
    for name, parts in bptt.contributions(RNN, X, 2, delta, h0=np.array(h0)).items():
        assert_array_equal(ours[name], parts)
    assert_array_equal(bptt.reach(RNN, X.tolist(), DELTA.tolist()), bptt.reach(RNN, X, DELTA))
    ours = bptt.copies(RNN, X.tolist(), DELTA.tolist(), h0=h0)
    for name, parts in bptt.copies(RNN, X, DELTA, h0=np.array(h0)).items():
        assert_array_equal(ours[name], parts)
