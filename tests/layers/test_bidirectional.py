"""Bidirectional: two loops by hand, the same network wired by hand, last states, files, errors."""

import copy
import itertools
import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.checks import gradcheck
from backprop.initializers import Given
from backprop.layers import GRU, LSTM, RNN, Bidirectional, Concat, Dense, Last
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network
from backprop.optimizers import Adam
from backprop.training import fit, load, save

each_kind = pytest.mark.parametrize(("kind", "states"), [(RNN, 1), (LSTM, 2), (GRU, 1)])
all_or_last = pytest.mark.parametrize("last", [False, True], ids=["all", "last"])


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def built(net, *in_shapes):
    """Build `net` in double precision, with biases that are not zero, and return it."""
    net.build(*in_shapes, rng=0, dtype=np.float64)
    net.parameters += random(net.parameters.size, seed=1) / 10
    return net


def both_passes(net, *xs):
    """Return y, dx of every input, and the gradients, for a random delta."""
    y, cache = net.forward(*xs)
    dx, grads = net.backward(random(*y.shape, seed=3), cache)
    return y, *(dx if isinstance(dx, tuple) else (dx,)), *grads.values()


def assert_same(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_array_equal(one, other)


# What it computes


def states(x, layer):
    """Return the states of a simple recurrent layer over one sequence, in the order of reading."""
    h, read = np.zeros(layer.units), []
    for x_t in x:
        h = np.tanh(x_t @ layer.Wx + h @ layer.Wh + layer.b)
        read.append(h)
    return read


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 3, 2), (3, 5, 2, 4)], ids=str)
def test_one_loop_from_each_end(shape):
    N, T, D, H = shape
    net = built(Bidirectional(RNN(H)), (T, D))
    ends = built(Bidirectional(RNN(H), last=True), (T, D))
    x = random(N, T, D)
    y, last = net.predict(x), ends.predict(x)
    assert y.shape == (N, T, 2 * H)
    assert last.shape == (N, 2 * H)
    for n in range(N):
        onwards, back = states(x[n], net[0]), states(x[n, ::-1], net[1])
        for t in range(T):
            assert_allclose(y[n, t], [*onwards[t], *back[T - 1 - t]], rtol=1e-12)
        assert_allclose(last[n], [*onwards[-1], *back[-1]], rtol=1e-12)


def scalar(w, v, **settings):
    return RNN(1, init=Given([[w]]), recurrent_init=Given([[v]]), activation="relu", **settings)


def test_a_delta_that_reaches_every_input_from_both_sides():
    # All positive, so that the rectifier is the identity: h^f_t = x_t + 2 h^f_{t-1} and
    # h^g_t = 3 x_t + h^g_{t+1}.
    net = Bidirectional(scalar(1, 2), scalar(3, 1, reverse=True))
    net.build((3, 1), dtype=np.float64)
    y, cache = net.forward(np.reshape([1.0, 2, 3], (1, 3, 1)))
    assert y[0].tolist() == [[1, 18], [4, 15], [11, 9]]
    # Of L = h^f_3 + 10 h^g_1: h^f_3 = 4 x_1 + 2 x_2 + x_3 and h^g_1 = 3 (x_1 + x_2 + x_3).
    delta = np.zeros_like(y)
    delta[0, 2, 0], delta[0, 0, 1] = 1, 10
    dx, grads = net.backward(delta, cache)
    assert dx.ravel().tolist() == [34, 32, 31]
    # By w: 4 x_1 + 2 x_2 + x_3 and 10 (x_1 + x_2 + x_3); by v of h^f: h_2 + 2 h_1, and of h^g:
    # 10 (h_2 + h_3); by b: 4 + 2 + 1 and 10 (1 + 1 + 1).
    expected = {"0.Wx": 11, "0.Wh": 6, "0.b": 7, "1.Wx": 60, "1.Wh": 240, "1.b": 30}
    assert {key: value.item() for key, value in grads.items()} == expected


def test_its_last_states_have_seen_the_whole_sequence_and_those_of_last_have_not():
    x, other = random(1, 5, 2), random(1, 5, 2, seed=1)
    other[:, -1] = x[:, -1]  # only the last step is the same
    net = built(Network([Bidirectional(GRU(3)), Last()]), (5, 2))
    y, changed = net.predict(x), net.predict(other)
    assert_array_equal(y[:, 3:], changed[:, 3:])
    assert (y[:, :3] != changed[:, :3]).all()
    net = built(Bidirectional(GRU(3), last=True), (5, 2))
    assert (net.predict(x) != net.predict(other)).all()
    _, dx, *_ = both_passes(net, x)
    assert dx.all()


# The same, wired by hand


def by_hand(forward_layer, backward_layer, last, states):
    net = Network(inputs=1 + 2 * states)
    h = net.add(forward_layer, 0, *range(1, 1 + states))
    g = net.add(backward_layer, 0, *range(1 + states, 1 + 2 * states))
    if last:
        h, g = net.add(Last(), h), net.add(Last(reverse=True), g)
    net.add(Concat(), h, g)
    return net


@all_or_last
@each_kind
@pytest.mark.parametrize("given", [False, True], ids=["from zero", "from states"])
def test_it_is_two_layers_that_read_one_value(kind, states, last, given):
    states = states if given else 0
    shapes = [(4, 2), *[(3,)] * states, *[(3,)] * states]
    xs = [random(2, *shape, seed=seed) for seed, shape in enumerate(shapes)]
    ours = built(Bidirectional(kind(3), last=last), *shapes)
    hand = built(by_hand(kind(3), kind(3, reverse=True), last, states), *shapes)
    assert list(ours.params) == list(hand.params)
    assert_same(ours.params.values(), hand.params.values())
    assert_same(both_passes(ours, *xs), both_passes(hand, *xs))


@all_or_last
def test_layers_of_two_kinds_and_sizes(last):
    shapes = (4, 2), (3,), (5,)
    xs = [random(2, *shape, seed=seed) for seed, shape in enumerate(shapes)]
    pair = GRU(3), RNN(5, activation="relu", reverse=True)
    ours = built(Bidirectional(*pair, last=last), *shapes)
    assert ours.shapes[-1] == ((8,) if last else (4, 8))
    hand = built(by_hand(*copy.deepcopy(pair), last, 1), *shapes)
    assert_same(both_passes(ours, *xs), both_passes(hand, *xs))


def test_the_second_layer_has_the_settings_of_the_first_and_parameters_of_its_own():
    first = LSTM(3, forget_bias=-2.0)
    net = Bidirectional(first)
    assert net[0] is first
    assert net[1].settings == {**first.settings, "reverse": True}
    net.build((4, 2), rng=0)
    assert (net[0].Wx != net[1].Wx).all()
    assert [layer.name for layer in net] == ["lstm_1", "lstm_2", "concat_1"]


def test_built_again_it_takes_another_number_of_states():
    net = Bidirectional(RNN(3))
    for shapes in ([(4, 2)], [(4, 2), (3,), (3,)], [(5, 2)]):
        built(net, *shapes)
        assert net.inputs == len(shapes)
        twin = built(Bidirectional(RNN(3)), *shapes)
        xs = [random(2, *shape) for shape in shapes]
        assert_same(both_passes(net, *xs), both_passes(twin, *xs))


# A layer made of layers


def stack():
    layers = [Bidirectional(LSTM(3)), Bidirectional(GRU(2), RNN(1, reverse=True), last=True)]
    return Network([*layers, Dense(2)])


def test_parameters_of_a_stack_lie_in_one_vector():
    net = built(stack(), (4, 5))
    names = {0: ("Wx", "Wh", "b"), 1: ("Wx", "Wh", "b")}
    expected = [f"0.{side}.{name}" for side in names for name in names[side]]
    expected += ["1.0.Wx", "1.0.Wh", "1.0.b", "1.0.bh", "1.1.Wx", "1.1.Wh", "1.1.b", "2.W", "2.b"]
    assert list(net.params) == expected
    assert net[0][1].Wx is net.params["0.1.Wx"]
    assert all(np.shares_memory(value, net.parameters) for value in net.params.values())
    assert net.param_count == 2 * (5 + 3 + 1) * 12 + ((6 + 2 + 1) * 6 + 2) + (6 + 1 + 1) + 8
    gradcheck(net, random(2, 4, 5)).assert_ok()


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_have_layers_and_parameters_of_their_own(twin):
    net = built(stack(), (4, 5))
    other = twin(net)
    assert other[0].forward_layer is other[0][0] is not net[0][0]
    before = net.parameters.copy()
    other.parameters[...] = 0
    assert not other[0][1].Wx.any()
    assert_array_equal(net.parameters, before)
    single = net.astype(np.float32)
    assert single[0][1].Wx.dtype == np.float32
    assert net[0][1].Wx.dtype == np.float64


def test_files(tmp_path):
    path = tmp_path / "net.safetensors"
    net = stack()
    net.build((4, 5), rng=0)
    save(net, path)
    again = load(path)
    assert repr(again) == repr(net)
    assert list(again.params) == list(net.params)
    x = random(2, 4, 5)
    assert_array_equal(again.predict(x), net.predict(x))
    alone = Bidirectional(GRU(2, reset_after=False))
    alone.build((4, 5), (2,), (2,), rng=0)
    save(alone, path)
    xs = random(3, 4, 5), random(3, 2), random(3, 2)
    assert_array_equal(load(path).predict(*xs), alone.predict(*xs))
    assert type(load(path)) is Bidirectional


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Bidirectional(LSTM(8)), "Bidirectional(LSTM(8))"),
        (Bidirectional(GRU(8), last=True), "Bidirectional(GRU(8), last=True)"),
        (
            Bidirectional(GRU(8), RNN(3, reverse=True)),
            "Bidirectional(GRU(8), backward_layer=RNN(3, reverse=True))",
        ),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text
    layer.build((4, 2))
    assert repr(layer) == text


def test_summaries():
    net = Network([Bidirectional(RNN(3), last=True), Dense(2)])
    net.build((4, 2), rng=0)
    assert net.summary().splitlines() == [
        "   layer                             output  parameters  multiply-adds  cache",
        "0  Bidirectional(RNN(3), last=True)  (N, 6)          36            120    152",
        "1  Dense(2)                          (N, 2)          14             12     24",
        "-----------------------------------------------------------------------------",
        "   total                                             50            132    176",
    ]
    names = [line.split("  ")[1] for line in net[0].summary().splitlines()[1:6]]
    assert names == ["RNN(3)", "RNN(3, reverse=True)", "Last()", "Last(reverse=True)", "Concat()"]


def test_it_learns_what_one_direction_cannot():
    # At every step but the last, name the bit that comes next, at the last one that which came
    # first. Over all sequences of bits, nothing before a bit tells it: a layer that reads from the
    # beginning loses at least log 2 at five steps of six.
    x = np.float32(list(itertools.product([0, 1], repeat=6)))[..., np.newaxis]
    y = np.roll(x[..., 0], -1, axis=1).astype(int)
    loss, losses = SoftmaxCrossEntropy(), []
    for layer in (Bidirectional(GRU(8)), GRU(16)):
        net = Network([layer, Dense(2)])
        net.build((6, 1), rng=0)
        fit(net, (x, y), loss=loss, optimizer=Adam(0.02), epochs=150, progress=False)
        losses.append(loss.forward(net.predict(x), y)[0])
    both, one = losses
    assert both < 0.05
    assert one >= 5 / 6 * np.log(2) - 1e-6


# Errors

FORWARD = "forward_layer to be a recurrent layer with reverse=False, got"
BACKWARD = "backward_layer to be a recurrent layer with reverse=True, got"
WITH_STATES = "as many initial states for each layer, got"


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: Bidirectional(Dense(3)), ValueError, f"{FORWARD} Dense(3)"),
        (lambda: Bidirectional(8), ValueError, f"{FORWARD} 8"),
        (
            lambda: Bidirectional(RNN(3, reverse=True)),
            ValueError,
            f"{FORWARD} RNN(3, reverse=True)",
        ),
        (lambda: Bidirectional(RNN(3), RNN(3)), ValueError, f"{BACKWARD} RNN(3)"),
        (lambda: Bidirectional(RNN(3)).add(Dense(2)), TypeError, "no more layers, got Dense(2)"),
        (lambda: Bidirectional(RNN(3)).build((4, 2), (3,)), ValueError, f"{WITH_STATES} 1"),
        (lambda: Bidirectional(RNN(3)).build((4, 2), *[(3,)] * 3), ValueError, f"{WITH_STATES} 3"),
        (
            lambda: built(Bidirectional(RNN(3)), (4, 2), (3,), (3,)).predict(random(1, 4, 2)),
            ValueError,
            "3 inputs, got 1",
        ),
    ],
)
def test_layers_and_states_that_do_not_fit(make, kind, text):
    with pytest.raises(kind, match=f"^{re.escape(f'Bidirectional expects {text}')}$"):
        make()


@pytest.mark.parametrize(
    ("in_shapes", "text"),
    [
        ([(4,)], "LSTM 'lstm_1' expects sequences of shape (N, T, D), got (N, 4)"),
        ([(4, 2), (3,), (3,)], "LSTM 'lstm_1' expects 0 or 2 initial states, got 1"),
        (
            [(4, 2), (3,), (3,), (3,), (5,)],
            "LSTM 'lstm_2' expects initial states of shape (N, 3), got (N, 5)",
        ),
    ],
)
def test_what_does_not_fit_a_layer_inside_leaves_everything_as_it_was(in_shapes, text):
    net = built(Bidirectional(LSTM(3)), (4, 2))
    x = random(2, 4, 2)
    before = both_passes(net, x)
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        net.build(*in_shapes, rng=5)
    assert_same(both_passes(net, x), before)
