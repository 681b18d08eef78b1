"""Masked steps: padded batches against their sequences one at a time, real masks, both ways."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.layers import GRU, LSTM, RNN, Bidirectional, Last
from backprop.layers.sequences import blend, blend_backward

N, T, D, H = 4, 6, 2, 3
LENGTHS = [6, 1, 4, 3]

LAYERS = {
    "RNN": lambda **settings: RNN(H, **settings),
    "RNN relu": lambda **settings: RNN(H, activation="relu", **settings),
    "LSTM": lambda **settings: LSTM(H, **settings),
    "GRU": lambda **settings: GRU(H, **settings),
    "GRU before": lambda **settings: GRU(H, reset_after=False, **settings),
}
STATES = {"RNN": 1, "RNN relu": 1, "LSTM": 2, "GRU": 1, "GRU before": 1}

every_layer = pytest.mark.parametrize("kind", LAYERS)
both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reversed"])


def built(kind, steps=T, states=True, **settings):
    """Return a layer for sequences of `steps`, with initial states or without."""
    layer = LAYERS[kind](**settings)
    shapes = [(H,)] * STATES[kind] * states + [(steps,)] * layer.masked
    layer.build((steps, D), *shapes, rng=0, dtype=np.float64)
    layer.b += np.random.default_rng(1).standard_normal(layer.b.shape) / 3
    return layer


def numbers(kind, seed=0):
    """Return sequences, initial states and deltas."""
    rng = np.random.default_rng(seed)
    x, *starts, delta = (
        rng.standard_normal(shape) for shape in [(N, T, D), *[(N, H)] * STATES[kind], (N, T, H)]
    )
    return x, starts, delta


def close(one, other):
    assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@both_ways
@every_layer
def test_a_padded_batch_is_its_sequences_one_at_a_time(kind, reverse):
    layer = built(kind, reverse=reverse, masked=True)
    x, starts, delta = numbers(kind)
    m = bp.mask_of(LENGTHS, T, np.float64)
    delta[m == 0] = 0
    y, cache = layer.forward(x, *starts, m)
    (dx, *dstarts, dm), grads = layer.backward(delta, cache)
    total = {name: np.zeros_like(value) for name, value in grads.items()}
    for n, length in enumerate(LENGTHS):
        one, now = slice(n, n + 1), slice(0, length)
        alone = built(kind, length, reverse=reverse)
        y_n, cache_n = alone.forward(x[one, now], *(start[one] for start in starts))
        (dx_n, *dstarts_n), grads_n = alone.backward(delta[one, now], cache_n)
        close(y[one, now], y_n)
        close(dx[one, now], dx_n)
        for dstart, dstart_n in zip(dstarts, dstarts_n, strict=True):
            close(dstart[one], dstart_n)
        for state, state_n in zip(
            layer.final_states(cache), alone.final_states(cache_n), strict=True
        ):
            close(state[one], state_n)
        for name, value in grads_n.items():
            total[name] += value
    for name in total:
        close(grads[name], total[name])
    assert_array_equal(dx[m == 0], 0)
    assert dm.shape == m.shape


@every_layer
def test_padding_shows_the_last_state_and_its_deltas_go_there(kind):
    layer = built(kind, states=False, masked=True)
    x, _, delta = numbers(kind)
    m = bp.mask_of(LENGTHS, T, np.float64)
    y, cache = layer.forward(x, m)
    gathered = np.where(m[..., np.newaxis], delta, 0)
    for n, length in enumerate(LENGTHS):
        assert_array_equal(y[n, length:], np.broadcast_to(y[n, length - 1], (T - length, H)))
        gathered[n, length - 1] += delta[n, length:].sum(axis=0)
    (dx, _), grads = layer.backward(delta, cache)
    (dx_gathered, _), grads_gathered = layer.backward(gathered, cache)
    close(dx, dx_gathered)
    for name in grads:
        close(grads[name], grads_gathered[name])


@both_ways
@every_layer
def test_last_gives_each_sequence_its_own_last_state(kind, reverse):
    layer = built(kind, states=False, reverse=reverse, masked=True)
    x, _, _ = numbers(kind)
    y, _ = Last(reverse=reverse).forward(layer.forward(x, bp.mask_of(LENGTHS, T, np.float64))[0])
    for n, length in enumerate(LENGTHS):
        alone = built(kind, length, states=False, reverse=reverse)
        close(y[n], alone.forward(x[n : n + 1, :length])[0][0, 0 if reverse else -1])


@both_ways
@every_layer
def test_what_the_padding_holds_does_not_matter(kind, reverse):
    layer = built(kind, states=False, reverse=reverse, masked=True)
    x, _, delta = numbers(kind)
    m = bp.mask_of(LENGTHS, T, np.float64)
    outcomes = []
    for filler in (0.0, 7.5):
        x[m == 0] = filler
        y, cache = layer.forward(x, m)
        (dx, _), grads = layer.backward(delta, cache)
        outcomes.append([y, dx, *grads.values()])
    for one, other in zip(*outcomes, strict=True):
        assert_array_equal(one, other)


@both_ways
@every_layer
def test_a_mask_of_ones_changes_no_bit(kind, reverse):
    x, starts, delta = numbers(kind)
    plain, masked = (built(kind, reverse=reverse, masked=masked) for masked in (False, True))
    y, cache = plain.forward(x, *starts)
    y_masked, cache_masked = masked.forward(x, *starts, np.ones((N, T)))
    dxs, grads = plain.backward(delta, cache)
    (*dxs_masked, _), grads_masked = masked.backward(delta, cache_masked)
    pairs = [(y, y_masked), *zip(dxs, dxs_masked, strict=True)]
    for one, other in [*pairs, *((grads[name], grads_masked[name]) for name in grads)]:
        assert_array_equal(one, other)


@every_layer
def test_a_sequence_without_any_step_keeps_its_initial_state(kind):
    layer = built(kind, masked=True)
    x, starts, delta = numbers(kind)
    y, cache = layer.forward(x, *starts, np.zeros((N, T)))
    for state, start in zip(layer.final_states(cache), starts, strict=True):
        assert_array_equal(state, start)
    assert_array_equal(y, np.broadcast_to(starts[0][:, np.newaxis], y.shape))
    (dx, dh0, *_), grads = layer.backward(delta, cache)
    close(dh0, delta.sum(axis=1))
    for value in (dx, *grads.values()):
        assert_array_equal(value, 0)


@pytest.mark.parametrize("mask", ["zeros and ones", "real"])
@both_ways
@every_layer
def test_gradients_with_any_mask(kind, reverse, mask):
    rng = np.random.default_rng(3)
    m = rng.standard_normal((N, T)) if mask == "real" else rng.integers(0, 2, (N, T))
    x, starts, _ = numbers(kind)
    bp.gradcheck(built(kind, reverse=reverse, masked=True), x, *starts, m).assert_ok()


def test_gradients_inside_a_network_with_a_mask_that_is_read_twice():
    net = bp.Network(inputs=2)
    h = net.add(LSTM(3, masked=True), 0, 1)
    back = net.add(RNN(2, reverse=True, masked=True), 0, 1)
    net.add(bp.Concat(), net.add(Last(), h), net.add(Last(reverse=True), back))
    net.add(bp.Dense(3))
    net.build((T, D), (T,), rng=0, dtype=np.float64)
    x, _, _ = numbers("LSTM")
    m = bp.mask_of(LENGTHS, T)
    bp.gradcheck(net, x, m).assert_ok()
    loss = bp.SoftmaxCrossEntropy()
    bp.gradcheck(net, x, m, loss=loss, target=np.array([0, 2, 1, 1])).assert_ok()
    assert_allclose(net.predict(x, m)[1], net.predict(x[1:2], m[1:2])[0], rtol=1e-13)


@pytest.mark.parametrize("last", [False, True])
def test_both_layers_of_a_bidirectional_read_one_mask(last):
    layer = Bidirectional(LSTM(H, masked=True), last=last)
    layer.build((T, D), (T,), rng=0, dtype=np.float64)
    x, _, _ = numbers("LSTM")
    y = layer.predict(x, bp.mask_of(LENGTHS, T))
    for n, length in enumerate(LENGTHS):
        alone = Bidirectional(LSTM(H), last=last)
        alone.build((length, D), dtype=np.float64)
        alone.parameters[:] = layer.parameters
        close(y[n] if last else y[n, :length], alone.predict(x[n : n + 1, :length])[0])


def test_a_network_of_one_precision_stays_in_it_whatever_the_mask_is_made_of():
    net = bp.Network(inputs=2)
    net.add(LSTM(3, masked=True), 0, 1)
    net.build((T, D), (T,), rng=0)
    x = numbers("LSTM")[0].astype(np.float32)
    for m in (bp.mask_of(LENGTHS, T), bp.mask_of(LENGTHS, T, bool), bp.mask_of(LENGTHS, T, int)):
        y, cache = net.forward(x, m)
        dxs, grads = net.backward(y, cache)
        assert {value.dtype for value in (y, *dxs, *grads.values())} == {np.dtype(np.float32)}


def test_fit_learns_from_sequences_of_different_length():
    # Which number came last? Only each sequence's own last state can tell.
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 9, 400)
    x = rng.integers(0, 3, (400, 8))
    y = x[np.arange(400), lengths - 1]
    net = bp.Network(inputs=2)
    net.add(RNN(12, masked=True), 0, 1)
    net.add(Last())
    net.add(bp.Dense(3))
    net.build((8, 3), (8,), rng=0)
    data = ((bp.one_hot(x, 3), bp.mask_of(lengths, 8)), y)
    loss = bp.SoftmaxCrossEntropy()
    bp.fit(net, data, loss=loss, optimizer=bp.Adam(0.01), epochs=15, progress=False)
    assert bp.evaluate(net, data, loss=loss).accuracy > 0.99


def test_blend_by_hand():
    m, new, old = np.array([[1.0], [0.0], [0.25]]), np.full((3, 2), 8.0), np.full((3, 2), 4.0)
    assert_array_equal(blend(m, new, old), [[8, 8], [4, 4], [5, 5]])
    ds = np.array([[1.0, 2.0]] * 3)
    dnew, dold, dm = blend_backward(ds, m, new, old)
    assert_array_equal(dnew, [[1, 2], [0, 0], [0.25, 0.5]])
    assert_array_equal(dold, [[0, 0], [1, 2], [0.75, 1.5]])
    assert_array_equal(dm, [[12], [12], [12]])


# The recipe of mask_of for a loss of every step


def test_a_loss_of_every_step_leaves_out_the_padding():
    K, rng = 3, np.random.default_rng(5)
    y, classes = rng.standard_normal((N, T, K)), rng.integers(0, K, (N, T))
    w = bp.mask_of(LENGTHS, T, np.float64)[..., np.newaxis]
    loss = bp.SoftmaxCrossEntropy(reduction="sum")
    value, cache = loss.forward(y, bp.one_hot(classes, K, np.float64) * w / w.sum())
    delta = loss.backward(cache)
    counts = w[..., 0] == 1
    mean = bp.SoftmaxCrossEntropy()
    expected, cache = mean.forward(y[counts], classes[counts])
    assert value == pytest.approx(expected, rel=1e-14)
    close(delta[counts], mean.backward(cache))
    assert_array_equal(delta[~counts], 0)


def test_the_mean_counts_rows_of_zeros():
    K, rng = 3, np.random.default_rng(5)
    y, classes = rng.standard_normal((N, T, K)), rng.integers(0, K, (N, T))
    w = bp.mask_of(LENGTHS, T, np.float64)[..., np.newaxis]
    value, cache = bp.SoftmaxCrossEntropy().forward(y, bp.one_hot(classes, K) * w)
    counts = w[..., 0] == 1
    expected, _ = bp.SoftmaxCrossEntropy().forward(y[counts], classes[counts])
    assert value == pytest.approx(expected * sum(LENGTHS) / (N * T), rel=1e-14)
    assert_array_equal(bp.SoftmaxCrossEntropy().backward(cache)[~counts], 0)


# Errors


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: RNN(3, masked=True).build((4, 2)),
            "RNN expects a mask of shape (N, 4) as its last input, got none",
        ),
        (
            lambda: RNN(3, masked=True).build((4, 2), (3,)),
            "RNN expects a mask of shape (N, 4) as its last input, got (N, 3)",
        ),
        (
            lambda: LSTM(3, masked=True).build((4, 2), (4, 1)),
            "LSTM expects a mask of shape (N, 4) as its last input, got (N, 4, 1)",
        ),
        (
            lambda: LSTM(3, masked=True).build((4, 2), (3,), (4,)),
            "LSTM expects 0 or 2 initial states, got 1",
        ),
        (
            lambda: RNN(3, masked=True).build((4, 2), (4,), (4,)),
            "RNN expects initial states of shape (N, 3), got (N, 4)",
        ),
        (
            lambda: Bidirectional(RNN(3, masked=True)).build((4, 2)),
            "Bidirectional expects a mask as its last input, got none",
        ),
        (
            lambda: Bidirectional(RNN(3, masked=True), RNN(3, reverse=True)),
            "Bidirectional expects both layers masked or neither, got RNN(3, reverse=True)",
        ),
        (
            lambda: Bidirectional(RNN(3, masked=True)).build((4, 2), (3,), (4,)),
            "Bidirectional expects as many initial states for each layer, got 1",
        ),
        (
            lambda: RNN(3).build((4, 2), (4,)),
            "RNN expects initial states of shape (N, 3), got (N, 4)",
        ),
    ],
)
def test_inputs_that_do_not_fit(make, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        make()
