"""Truncated backpropagation through time: chunks by hand, carried states, bias, memory."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.initializers import Given
from backprop.layers import LSTM, RNN, Dense, Dropout, Last, Tanh
from backprop.losses import HalfSquaredError, SoftmaxCrossEntropy
from backprop.network import Network
from backprop.optimizers import SGD, Adam
from backprop.penalties import L2
from backprop.training import TrainStep, TruncatedBPTT

N, D, K = 3, 2, 4


def build(steps, layers=None, dtype=np.float64):
    """Return a network of two recurrent layers for sequences of so many steps."""
    net = Network(layers or [LSTM(5), Tanh(), RNN(4), Dense(K)])
    net.build((steps, D), rng=0, dtype=dtype)
    return net


def sequences(steps, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, steps, D)), rng.integers(0, K, (N, steps))


def raised(kind, call, *args):
    with pytest.raises(kind) as caught:
        call(*args)
    return str(caught.value)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_one_chunk_is_the_ordinary_step_bit_for_bit(reduction):
    x, y = sequences(7)
    nets = [build(7, [LSTM(5), Dropout(0.3), Dense(K)]) for _ in range(2)]
    ordinary, chunked = (
        TrainStep(net, SoftmaxCrossEntropy(reduction=reduction), Adam(0.01), penalties=[L2(0.1)])
        for net in nets
    )
    train = TruncatedBPTT(chunked)
    for _ in range(3):
        train.reset()
        assert train(x, y) == ordinary(x, y)
    assert_array_equal(nets[0].parameters, nets[1].parameters)


def test_two_chunks_are_two_updates_by_hand_with_initial_states_as_inputs():
    x, y = sequences(6)
    net = Network([LSTM(5), Dense(K)])
    net.build((3, D), rng=0, dtype=np.float64)
    by_hand = Network(inputs=3)
    lstm = LSTM(5)
    by_hand.add(lstm, 0, 1, 2)
    by_hand.add(Dense(K))
    by_hand.build((3, D), (5,), (5,), rng=0, dtype=np.float64)
    step = TrainStep(by_hand, SoftmaxCrossEntropy(), SGD(0.5))
    h = c = np.zeros((N, 5))
    losses = []
    for part in (slice(0, 3), slice(3, 6)):
        _, cache = lstm.forward(x[:, part], h, c)
        losses.append(step((x[:, part], h, c), y[:, part]))
        h, c = lstm.final_states(cache)  # of the parameters before the update
    train = TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), SGD(0.5)))
    assert train(x, y) == pytest.approx(sum(losses) / 2, rel=1e-14)
    assert_array_equal(net.parameters, by_hand.parameters)
    assert_array_equal(train.states[0], (h, c))


def test_a_chunks_gradient_is_that_with_a_constant_initial_state():
    x, y = sequences(4)
    net, rate = build(2), 0.125
    train = TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), SGD(rate)))
    updates = train.updates(x, y)
    next(updates)
    states, before = train.states, net.parameters.copy()
    gradient = complex_step(net, x[:, 2:], y[:, 2:], states)
    next(updates)
    assert_allclose((before - net.parameters) / rate, gradient, rtol=1e-11, atol=1e-14)


def complex_step(net, x, y, states):
    """Return the gradient of the loss by every parameter, `states` held fast."""
    twin = net.astype(np.complex128)
    gradient = np.empty(net.parameters.size)
    for i in range(gradient.size):
        twin.parameters[i] += 1e-100j
        out, _ = twin.forward(x, states=states)
        gradient[i] = SoftmaxCrossEntropy().forward(out, y)[0].imag / 1e-100
        twin.parameters[i] -= 1e-100j
    return gradient


@pytest.mark.parametrize("masked", [False, True])
def test_carried_states_give_the_outputs_of_one_long_forward(masked):
    x, y = sequences(12)
    mask = [bp.mask_of([12, 5, 8], 12, np.float64)] * masked
    nets = []
    for steps in (12, 3):
        net = Network(inputs=1 + masked)
        h = net.add(LSTM(5, masked=masked), 0, *[1] * masked)
        h = net.add(RNN(4, masked=masked), h, *[1] * masked)
        net.add(Dense(K), h)
        net.build((steps, D), *[(steps,)] * masked, rng=0, dtype=np.float64)
        nets.append(net)
    long, short = nets
    train = TruncatedBPTT(TrainStep(short, SoftmaxCrossEntropy(), SGD(0.0)))
    outputs = [update.y for update in train.updates((x, *mask), y)]
    expected = long.predict(x, *mask)
    assert_allclose(np.hstack(outputs), expected, rtol=1e-12, atol=1e-14)
    loss = SoftmaxCrossEntropy().forward(expected, y)[0]
    train.reset()
    assert train((x, *mask), y) == pytest.approx(loss, rel=1e-13)
    # Across calls, too, until they are reset.
    train.reset()
    halves = []
    for part in (slice(0, 6), slice(6, 12)):
        inputs = tuple(each[:, part] for each in (x, *mask))
        halves += [update.y for update in train.updates(inputs, y[:, part])]
    assert_array_equal(np.hstack(halves), np.hstack(outputs))
    train.reset()
    again = next(train.updates((x, *mask), y)).y
    assert_array_equal(again, outputs[0])


def test_the_loss_of_chunks_is_that_of_the_sequence_with_the_mean_penalty():
    x, y = sequences(6)
    for reduction in ("mean", "sum"):
        loss = SoftmaxCrossEntropy(reduction=reduction)
        long, short = build(6), build(2)
        train = TruncatedBPTT(TrainStep(short, loss, SGD(0.0), penalties=[L2(0.3)]))
        expected = loss.forward(long.predict(x), y)[0] + 0.15 * sum(
            (value**2).sum() for key, value in short.params.items() if "W" in key
        )
        assert train(x, y) == pytest.approx(expected, rel=1e-12)


def test_a_rate_reaches_every_update():
    x, y = sequences(6)
    net = build(2)
    before = net.parameters.copy()
    TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1)))(x, y, rate=0.0)
    assert_array_equal(net.parameters, before)


def test_an_update_that_fails_leaves_the_states_of_the_chunk_before():
    x, y = sequences(6)
    x[0, 5, 0] = np.nan
    net = build(2)
    train = TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1)))
    updates = train.updates(x, y)
    next(updates), next(updates)
    states, before = train.states, net.parameters.copy()
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        next(updates)
    assert train.states is states
    assert_array_equal(net.parameters, before)


# Section 10 of the derivations: what is left out


def scalar_net(steps):
    init = {"init": Given([[0.5]]), "recurrent_init": Given([[0.8]])}
    net = Network([RNN(1, **init)])
    net.build((steps, 1), rng=0, dtype=np.float64)
    return net


X = np.array([1.0, -0.5, 0.25]).reshape(1, 3, 1)
STATES = [0.0, 0.46211715726000974, 0.11912538166040551]
OF_U = {3: -0.019821297606523878, 2: 0.03126402626470579, 1: -0.03934003612682413}
OF_W = {3: -0.009444878569526556, 2: -0.028895285883896244, 1: 0.0}


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_chunk_keeps_the_terms_of_its_own_steps(kept):
    net = scalar_net(kept)
    first = 3 - kept
    y, cache = net.forward(X[:, first:], states={0: (np.array([[STATES[first]]]),)})
    delta = np.zeros_like(y)
    delta[0, -1] = y[0, -1] - 0.3
    grads = net.grads(delta, cache)
    steps = range(first + 1, 4)
    assert_allclose(grads["0.Wx"], [[sum(OF_U[t] for t in steps)]], rtol=1e-12)
    assert_allclose(grads["0.Wh"], [[sum(OF_W[t] for t in steps)]], rtol=1e-12)


def test_the_table_of_the_docstring():
    rows = [
        f"| {name} | {sum(OF_U[t] for t in steps):.4f} | {sum(OF_W[t] for t in steps):.4f} |"
        for name, steps in [
            ("step 3", (3,)),
            ("steps 2 and 3", (3, 2)),
            ("steps 1 to 3", (3, 2, 1)),
        ]
    ]
    for row in rows:
        assert row in TruncatedBPTT.__doc__


def test_the_truncated_gradient_as_an_update():
    # A chunk a step, the loss on the last step only: earlier targets are what the layer answers.
    net = scalar_net(1)
    train = TruncatedBPTT(TrainStep(net, HalfSquaredError(reduction="sum"), SGD(1.0)))
    targets = np.array([*STATES[1:], 0.3]).reshape(1, 3, 1)
    train(X, targets)
    assert_allclose(net[0].Wx, [[0.5 - OF_U[3]]], rtol=1e-12)
    assert_allclose(net[0].Wh, [[0.8 - OF_W[3]]], rtol=1e-12)


# What it is for


def echo(steps, delay, seed=0):
    """Return random bits and, as targets, the bits of so many steps before."""
    bits = np.random.default_rng(seed).integers(0, 2, (N, steps))
    x = bp.one_hot(bits, D)
    return x, np.roll(bits, delay, axis=1)


def test_what_takes_longer_than_a_chunk_is_remembered_only_because_states_are_carried():
    x, y = echo(2000, 2)
    losses = {}
    for carried in (True, False):
        net = Network([LSTM(12), Dense(2)])
        net.build((5, D), rng=0)
        train = TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), Adam(0.02)))
        found = []
        for update in train.updates(x, y):
            found.append(update.loss)
            if not carried:
                train.reset()
        losses[carried] = np.mean(found[-50:])
    # Without, the first two bits of five can only be guessed.
    assert losses[True] < 0.02
    assert losses[False] > 0.9 * 0.4 * np.log(2)


def test_memory_is_that_of_one_chunk_however_long_the_sequence(tmp_path):
    peaks = []
    for steps in (1_000, 10_000):
        x = np.lib.format.open_memmap(tmp_path / f"{steps}.npy", "w+", np.float32, (1, steps, 200))
        y = np.zeros((1, steps), np.uint8)
        net = Network([RNN(4), Dense(2)])
        net.build((100, 200), rng=0)
        train = TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), SGD(0.01)))
        train(x[:, :100], y[:, :100])
        tracemalloc.start()
        train(x, y)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    chunk = 100 * 200 * 4
    assert peaks[1] < peaks[0] + chunk / 2
    assert peaks[1] < 5 * chunk  # the whole sequence is 100 chunks


# Errors, all raised before anything changes


def test_what_it_is_made_of_is_checked():
    def made(layers, in_shape):
        net = Network(layers)
        net.build(in_shape, rng=0)
        return TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1)))

    net = build(3)
    for kind, call, args, text in [
        (TypeError, TruncatedBPTT, (net,), f"a TrainStep, got {net!r}"),
        (ValueError, made, ([Dense(2)], (3, 2)), "a layer that hands its states on, got none"),
        (
            ValueError,
            made,
            ([RNN(2, reverse=True)], (3, 2)),
            "a layer that hands its states on, got none",
        ),
        (
            ValueError,
            made,
            ([RNN(5), Last()], (3, 2)),
            "inputs and outputs of as many steps, got [(3, 2), (5,)]",
        ),
    ]:
        assert raised(kind, call, *args) == "TruncatedBPTT expects " + text


@pytest.mark.parametrize(
    ("x", "y", "got"),
    [
        ((2, 7, 2), (2, 7), "[(2, 7, 2), (2, 7)]"),
        ((2, 6, 2), (2, 3), "[(2, 6, 2), (2, 3)]"),
        ((2, 6, 2), (3, 6), "[(2, 6, 2), (3, 6)]"),
        ((2, 6, 2), (2,), "[(2, 6, 2), (2,)]"),
        ((6,), (6,), "[(6,), (6,)]"),
        ((2, 0, 2), (2, 0), "[(2, 0, 2), (2, 0)]"),
    ],
)
def test_sequences_that_make_no_chunks(x, y, got):
    net = build(3)
    before = net.parameters.copy()
    train = TruncatedBPTT(TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1)))
    text = "TruncatedBPTT expects inputs and targets of as many sequences, of a multiple of 3 steps"
    args = np.zeros(x), np.zeros(y, int)
    for call in (train, train.updates):
        assert raised(ValueError, call, *args) == f"{text}, got shapes {got}"
    assert_array_equal(net.parameters, before)


def test_other_sequences_need_a_reset():
    x, y = sequences(6)
    train = TruncatedBPTT(TrainStep(build(3), SoftmaxCrossEntropy(), SGD(0.1)))
    train(x, y)
    text = "LSTM 'lstm_1' expects states of shapes [(2, 5), (2, 5)], got [(3, 5), (3, 5)]"
    assert raised(ValueError, train, x[:2], y[:2]) == text
    train.reset()
    train(x[:2], y[:2])
