"""The compiled steps of LSTM, RNN and GRU: tanh, NaN, the same bits twice, and NumPy's lines."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from backprop.compiled import FOUND, readable
from backprop.layers import GRU, LSTM, RNN

if FOUND:  # without Numba these tests are not to be chosen: they fail
    from backprop.compiled import recurrent

pytestmark = pytest.mark.fast

N, T, D = 3, 6, 4
LAYERS = [LSTM(37), LSTM(1, reverse=True), RNN(37), RNN(2, reverse=True), GRU(37), GRU(3)]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=repr)


def arrays(layer, states=0):
    """Return x, delta and so many initial states."""
    rng = np.random.default_rng(0)
    shapes = (N, T, D), (N, T, layer.units), *[(N, layer.units)] * states
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def in_double(given):
    return [each.astype(np.float64) for each in given]


def built(layer, states=0):
    layer = copy.copy(layer)
    layer.build((T, D), *[(layer.units,)] * states, rng=0)
    layer.b += np.random.default_rng(1).standard_normal(layer.b.shape, np.float32) / 3
    return layer


def both_passes(layer, x, delta, *states):
    """Return all arrays that come out of the two passes, with those of the cache."""
    y, cache = layer.forward(x, *states)
    dx, grads = layer.backward(delta, cache)
    kept = [value for value in cache if isinstance(value, np.ndarray)]
    return [y, *(dx if states else (dx,)), *grads.values(), *kept]


def tanh(x):
    """Return the compiled tanh of an array: the steps of an RNN that does nothing else."""
    h = np.zeros((2, x.size, 1), np.float32)
    recurrent.rnn_forward(x.reshape(1, -1, 1), h, np.zeros((1, 1), np.float32))
    return h[1, :, 0]


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1, 9, 12, 1e30])
def test_tanh_is_right_to_4e_7_of_its_value_and_never_above_1(scale):
    for start in np.linspace(-1, 1, 100, endpoint=False):
        x = ((start + np.linspace(0, 0.02, 1000)) * scale).astype(np.float32)
        x = x[x != 0]
        y, right = tanh(x), np.tanh(x.astype(np.float64))
        assert abs(y / right - 1).max() < 4e-7
        assert abs(y).max() <= 1


def test_tanh_of_what_is_no_ordinary_number():
    x = np.array([np.nan, np.inf, -np.inf, 0, 1e-45], np.float32)
    assert_array_equal(tanh(x), np.array([np.nan, 1, -1, 0, 1e-45], np.float32))


@pytest.mark.parametrize("N", [0, 1, 32, 70])
@pytest.mark.parametrize("shape", [(3, 1), (128, 512), (37, 70), (600, 90), (1024, 40), (1030, 40)])
def test_a_product_is_added_whatever_its_shape(N, shape):
    rng = np.random.default_rng(0)
    x, W = (rng.standard_normal(each, np.float32) for each in ((N, shape[0]), shape))
    y = rng.standard_normal((N, shape[1]), np.float32)
    right = y + x.astype(np.float64) @ W
    for weights in (W, np.asfortranarray(W)):
        added = y.copy()
        recurrent.add_product(x, recurrent.tiles(weights[:0], weights), added)
        assert abs(added - right).max(initial=0) <= 1e-5 * shape[0] ** 0.5


@every_layer
@pytest.mark.parametrize("states", [False, True], ids=["from zero", "from states"])
def test_both_passes_are_those_of_the_numpy_lines(layer, states):
    states = states * (2 if isinstance(layer, LSTM) else 1)
    layer, given = built(layer, states), arrays(layer, states)
    ours = both_passes(layer, *given)
    theirs = both_passes(layer.astype(np.float64), *in_double(given))
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == np.float32
        assert abs(one - other).max() <= 2e-6 * abs(other).max()


@every_layer
def test_the_compiled_steps_are_what_runs(layer, monkeypatch):
    ran = []
    for name in ("forward", "backward"):
        name = f"{type(layer).__name__.lower()}_{name}"
        run = getattr(recurrent, name)
        watched = lambda *args, run=run, name=name: (ran.append(name), run(*args))[1]  # noqa: E731
        monkeypatch.setattr(recurrent, name, watched)
    layer = built(layer)
    both_passes(layer, *arrays(layer))
    assert len(ran) == 2
    with readable():
        both_passes(layer, *arrays(layer))
    both_passes(layer.astype(np.float64), *in_double(arrays(layer)))
    assert len(ran) == 2


@every_layer
def test_the_second_time_gives_the_same_bits(layer):
    layer, given = built(layer), arrays(layer)
    for one, other in zip(both_passes(layer, *given), both_passes(layer, *given), strict=True):
        assert_array_equal(one, other)


@every_layer
def test_what_is_no_number_stays_none(layer):
    layer, (x, delta) = built(layer), arrays(layer)
    x[1, 2, 0] = np.nan
    y, cache = layer.forward(x)
    read = np.zeros((N, T), bool)
    read[1, :3] = layer.reverse
    read[1, 2] = True
    read[1, 3:] = not layer.reverse
    assert_array_equal(np.isnan(y), np.broadcast_to(read[..., np.newaxis], y.shape))
    dx, grads = layer.backward(delta, cache)
    assert_array_equal(np.isnan(dx).any(axis=(1, 2)), [False, True, False])
    assert all(np.isnan(value).any() for value in grads.values())


@every_layer
def test_a_delta_that_is_no_number_stays_none(layer):
    layer, (x, delta) = built(layer), arrays(layer)
    delta[2, 3, 0] = np.nan
    dx, _ = layer.backward(delta, layer.forward(x)[1])
    assert_array_equal(np.isnan(dx).any(axis=(1, 2)), [False, False, True])


@every_layer
def test_arrays_that_nobody_may_write_to(layer):
    layer, given = built(layer), arrays(layer)
    right = both_passes(layer, *given)
    for value in (*given, *layer.params.values()):
        value.flags.writeable = False
    y, cache = layer.forward(given[0])
    for value in cache:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    assert_array_equal(y, right[0])
    assert_array_equal(layer.backward(given[1], cache)[0], right[1])


@pytest.mark.parametrize("D", [1, 255 - 37, 256 - 37, 257 - 37, 400])
@pytest.mark.parametrize("states", [0, 2], ids=["from zero", "from states"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "in reverse"])
def test_an_lstm_predicts_what_forward_returns_for_narrow_and_wide_inputs(D, states, reverse):
    layer, given = LSTM(37, reverse=reverse), arrays(LSTM(37), states)
    layer.build((T, D), *[(37,)] * states, rng=0)
    layer.b += np.random.default_rng(1).standard_normal(layer.b.shape, np.float32) / 3
    x = np.random.default_rng(2).standard_normal((N, T, D), np.float32)
    given = x, given[1], *given[2:]
    kept = [each.copy() for each in (*given, *layer.params.values())]
    x, _, *states = given
    y, _ = layer.forward(x, *states)
    assert_array_equal(layer.predict(x, *states), y)
    ours = both_passes(layer, *given)
    theirs = both_passes(layer.astype(np.float64), *in_double(given))
    for one, other in zip(ours, theirs, strict=True):
        assert abs(one - other).max() <= 2e-6 * abs(other).max()
    for before, after in zip(kept, (*given, *layer.params.values()), strict=True):
        assert_array_equal(before, after)


@pytest.mark.parametrize("D", [4, 400])
def test_an_lstm_of_one_example_and_step_leaves_its_bias_alone(D):
    layer = LSTM(3)
    layer.build((1, D), rng=0)
    b, x = layer.b.copy(), np.ones((1, 1, D), np.float32)
    y, (*_, gates, _, _) = layer.forward(x)
    assert_array_equal(layer.predict(x), y)
    assert gates.shape == (1, 1, 12)
    assert_array_equal(layer.b, b)
