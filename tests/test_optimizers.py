"""Optimizers: published numbers, obvious loops, closed forms, pieces, state, errors."""

import copy
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.compiled import readable
from backprop.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Optimizer,
    RMSProp,
    clip_by_global_norm,
)

OPTIMIZERS = [
    SGD(0.1),
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.3),
    AdaGrad(0.1),
    RMSProp(0.1),
    Adam(0.1),
    AdamW(0.1, weight_decay=0.3),
]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)


def vectors(size, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(size).astype(dtype), rng.standard_normal(size).astype(dtype)


# The obvious versions: one parameter after the other, Python floats, the state as a dict of floats.


def sgd(o, w, g, s):
    g = g + o.weight_decay * w
    s["v"] = o.momentum * s["v"] - o.rate * g
    return w + (o.momentum * s["v"] - o.rate * g if o.nesterov else s["v"])


def adagrad(o, w, g, s):
    s["s"] = s["s"] + g * g
    return w - o.rate * g / (math.sqrt(s["s"]) + o.epsilon)


def rmsprop(o, w, g, s):
    s["s"] = o.decay * s["s"] + (1 - o.decay) * g * g
    return w - o.rate * g / (math.sqrt(s["s"]) + o.epsilon)


def adam(o, w, g, s):
    s["m"] = o.beta1 * s["m"] + (1 - o.beta1) * g
    s["v"] = o.beta2 * s["v"] + (1 - o.beta2) * g * g
    m = s["m"] / (1 - o.beta1 ** s["t"])
    v = s["v"] / (1 - o.beta2 ** s["t"])
    return w - o.rate * m / (math.sqrt(v) + o.epsilon)


def adamw(o, w, g, s):
    return adam(o, w, g, s) - o.rate * o.weight_decay * w


OBVIOUS = {SGD: sgd, AdaGrad: adagrad, RMSProp: rmsprop, Adam: adam, AdamW: adamw}


def obvious_steps(optimizer, w, gradients, state):
    """Return the parameters and the state after one obvious step for each gradient."""
    w, state = w.copy(), copy.deepcopy(state)
    for g in gradients:
        state["t"] += 1
        for i in range(len(w)):
            one = {k: state[k] if k == "t" else float(state[k][i]) for k in state}
            w[i] = OBVIOUS[type(optimizer)](optimizer, float(w[i]), float(g[i]), one)
            for name in optimizer.slots:
                state[name][i] = one[name]
    return w, state


def assert_states_equal(state, other, **tolerance):
    assert state.keys() == other.keys()
    for name in state:
        assert_allclose(state[name], other[name], **tolerance)


# Numbers of the CS231n assignments, section 22 of the derivations


def lin(first, last):
    return np.linspace(first, last, 20)


FIXTURES = [
    pytest.param(
        SGD(1e-3, momentum=0.9),
        {"t": 0, "v": lin(0.6, 0.9)},
        [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789],
        {"t": 1, "v": [0.5406, 0.55475789, 0.56891579, 0.58307368, 0.59723158]},
        id="SGD",
    ),
    pytest.param(
        RMSProp(1e-2, decay=0.99),
        {"t": 0, "s": lin(0.6, 0.9)},
        [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247],
        {"t": 1, "s": [0.5976, 0.6126277, 0.6277108, 0.64284931, 0.65804321]},
        id="RMSProp",
    ),
    pytest.param(
        Adam(1e-2),
        {"t": 5, "m": lin(0.6, 0.9), "v": lin(0.7, 0.5)},
        [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977],
        {
            "t": 6,
            "m": [0.48, 0.49947368, 0.51894737, 0.53842105, 0.55789474],
            "v": [0.69966, 0.68908382, 0.67851319, 0.66794809, 0.65738853],
        },
        id="Adam",
    ),
]


@pytest.mark.parametrize(("optimizer", "state", "w_row", "state_row"), FIXTURES)
def test_published_step(optimizer, state, w_row, state_row):
    w, g, state = lin(-0.4, 0.6), lin(-0.6, 0.4), copy.deepcopy(state)
    obvious_w, obvious_state = obvious_steps(optimizer, w, [g], state)
    optimizer.step(w, g, state)
    assert_allclose(w[:5], w_row, rtol=0, atol=6e-9)
    assert state["t"] == state_row["t"]
    for name in optimizer.slots:
        assert_allclose(state[name][:5], state_row[name], rtol=0, atol=6e-9)
    assert_allclose(w, obvious_w, rtol=1e-14)
    assert_states_equal(state, obvious_state, rtol=1e-14)


@every_optimizer
def test_steps_are_the_obvious_ones(optimizer):
    w, _ = vectors(7)
    gradients = [vectors(7, seed)[1] for seed in range(5)]
    state = optimizer.start(w)
    expected_w, expected_state = obvious_steps(optimizer, w, gradients, state)
    for g in gradients:
        optimizer.step(w, g, state)
    assert_allclose(w, expected_w, rtol=1e-13)
    assert_states_equal(state, expected_state, rtol=1e-13)


# By hand


def test_plain_sgd_by_hand():
    w = np.array([1.0, -2.0])
    SGD(0.5).step(w, np.array([2.0, 4.0]), SGD().start(w))
    assert_array_equal(w, [0, -4])


def test_nesterov_by_hand():
    # v: -0.5, then 0.5 * -0.5 - 0.5 * 2 = -1.25. w: 1 + 0.5 * -0.5 - 0.5, then + 0.5 * -1.25 - 1.
    optimizer, w = SGD(0.5, momentum=0.5, nesterov=True), np.array([1.0])
    state = optimizer.start(w)
    optimizer.step(w, np.array([1.0]), state)
    assert (w[0], state["v"][0]) == (0.25, -0.5)
    optimizer.step(w, np.array([2.0]), state)
    assert (w[0], state["v"][0]) == (-1.375, -1.25)


def test_nesterov_stores_the_point_ahead():
    """The rule as published, with the gradient at the point ahead, on a function of its own."""
    optimizer = SGD(0.1, momentum=0.9, nesterov=True)
    w, _ = vectors(3)
    state, u, v = optimizer.start(w), w.copy(), np.zeros(3)
    for _ in range(10):
        v = 0.9 * v - 0.1 * np.sin(u + 0.9 * v)
        u = u + v
        optimizer.step(w, np.sin(w), state)
        assert_allclose(w, u + 0.9 * v, rtol=1e-13)


def test_adagrad_by_hand():
    # Squares 9, then 9 + 16 = 25: steps 0.5 * 3 / 3 and 0.5 * 4 / 5.
    optimizer, w = AdaGrad(0.5, epsilon=1e-300), np.array([1.0])
    state = optimizer.start(w)
    optimizer.step(w, np.array([3.0]), state)
    assert (w[0], state["s"][0]) == (0.5, 9)
    optimizer.step(w, np.array([4.0]), state)
    assert_allclose(w, [0.1], rtol=1e-15)
    assert state["s"][0] == 25


@pytest.mark.parametrize("optimizer", [AdaGrad(1.0, epsilon=1.0), Adam(1.0, epsilon=1.0)], ids=repr)
def test_epsilon_is_outside_the_root(optimizer):
    w = np.zeros(1)
    optimizer.step(w, np.array([3.0]), optimizer.start(w))
    assert_allclose(w, [-3 / (3 + 1)], rtol=1e-14)


@pytest.mark.parametrize("optimizer", [AdaGrad(0.1), Adam(0.1)], ids=repr)
def test_the_first_step_is_the_rate_in_every_direction(optimizer):
    w = np.zeros(3)
    optimizer.step(w, np.array([1e4, -1.0, 0.0]), optimizer.start(w))
    assert_allclose(w, [-0.1, 0.1, 0], rtol=2e-8)


def test_decay_in_the_gradient_and_decay_beside_it():
    w = np.array([2.0])
    SGD(0.5, weight_decay=0.1).step(w, np.zeros(1), SGD().start(w))
    assert_allclose(w, [2 * (1 - 0.5 * 0.1)], rtol=1e-15)
    w = np.array([2.0])
    optimizer = AdamW(0.5, weight_decay=0.1)
    optimizer.step(w, np.zeros(1), optimizer.start(w))
    assert_allclose(w, [2 * (1 - 0.5 * 0.1)], rtol=1e-15)


def test_adamw_without_decay_is_adam():
    (w, g), (same, _) = vectors(5), vectors(5)
    AdamW(0.1, weight_decay=0).step(w, g, Adam().start(w))
    Adam(0.1).step(same, g, Adam().start(same))
    assert_array_equal(w, same)


# Closed forms on the bowl a w^2 / 2, whose gradient is a w


def test_sgd_on_a_bowl():
    a, rate = np.array([0.1, 1.0, 3.0, 19.0]), 0.1
    w = start = np.array([1.0, -2.0, 3.0, 4.0])
    w, optimizer = start.copy(), SGD(rate)
    state = optimizer.start(w)
    for t in range(1, 21):
        optimizer.step(w, a * w, state)
        assert_allclose(w, (1 - rate * a) ** t * start, rtol=1e-13)


def test_momentum_on_a_bowl():
    """The two roots of z^2 - (1 + momentum - rate a) z + momentum give w of every step."""
    a, rate, momentum, w = 2.0, 0.1, 0.3, np.array([1.0])
    optimizer = SGD(rate, momentum=momentum)
    z1, z2 = np.roots([1, -(1 + momentum - rate * a), momentum])
    part = (1 - rate * a - z2) / (z1 - z2)  # from w_0 = 1 and w_1 = 1 - rate a
    state = optimizer.start(w)
    for t in range(1, 21):
        optimizer.step(w, a * w, state)
        assert_allclose(w[0], (part * z1**t + (1 - part) * z2**t).real, rtol=1e-10)


@pytest.mark.parametrize("step", range(1, 6))
def test_adam_under_a_constant_gradient(step):
    """The corrections undo the start at zero exactly: each step is the rate."""
    w, g = np.zeros(2), np.array([0.5, -3.0])
    optimizer = Adam(0.1, epsilon=1e-300)
    state = optimizer.start(w)
    for _ in range(step):
        optimizer.step(w, g, state)
    assert_allclose(w, [-0.1 * step, 0.1 * step], rtol=1e-13)


# Contract


@every_optimizer
def test_pieces_equal_one_pass_bit_for_bit(optimizer):
    small, whole = copy.copy(optimizer), copy.copy(optimizer)
    small.block, whole.block = 8, 1000
    w, _ = vectors(37, dtype=np.float32)
    same = w.copy()
    state, same_state = small.start(w), whole.start(same)
    for seed in range(3):
        g = vectors(37, seed, np.float32)[1]
        small.step(w, g, state)
        whole.step(same, g, same_state)
    assert w.tobytes() == same.tobytes()
    assert state["t"] == same_state["t"] == 3
    for name in optimizer.slots:
        assert state[name].tobytes() == same_state[name].tobytes()


@every_optimizer
def test_any_number_of_threads_gives_the_same_bits(optimizer, monkeypatch):
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr("backprop.optimizers.LONG", 10)
        one = copy.copy(optimizer)
        one.block = 8
        w, g = vectors(37, dtype=np.float32)
        state = one.start(w)
        for _ in range(3):
            one.step(w, g, state, threads=count)
        results.append([w.tobytes(), *(state[name].tobytes() for name in one.slots)])
    assert results[0] == results[1] == results[2]


@every_optimizer
def test_more_numbers_than_one_piece(optimizer):
    size = 2 * optimizer.block + 3
    w, g = vectors(size)
    ends = np.array([0, optimizer.block - 1, optimizer.block, size - 1])
    few = w[ends]
    optimizer.step(w, g, optimizer.start(w))
    optimizer.step(few, g[ends], optimizer.start(few))
    assert_allclose(w[ends], few, rtol=1e-15)


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_stay(optimizer, dtype):
    w, g = vectors(5, dtype=dtype)
    state = optimizer.start(w)
    optimizer.step(w, g, state, rate=np.float64(0.1))
    assert w.dtype == dtype
    assert all(state[name].dtype == dtype for name in optimizer.slots)
    assert type(state["t"]) is int


@every_optimizer
def test_a_step_works_in_float32_throughout(optimizer):
    """Within `update` nothing is wider than its arguments."""

    seen = []

    class Watched(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
            plain = [x.view(np.ndarray) if isinstance(x, Watched) else x for x in inputs]
            if out:
                kwargs["out"] = tuple(x.view(np.ndarray) for x in out)
            result = getattr(ufunc, method)(*plain, **kwargs)
            seen.append(result.dtype)
            return result.view(Watched)

    w, g = (x.view(Watched) for x in vectors(5, dtype=np.float32))
    state = optimizer.start(w)
    with readable():
        optimizer.step(w, g, state)
    assert len(seen) >= 4
    assert set(seen) == {np.dtype(np.float32)}


@every_optimizer
def test_the_gradient_is_only_read(optimizer):
    w, g = vectors(5)
    before = g.copy()
    g.flags.writeable = False
    optimizer.step(w, g, optimizer.start(w))
    assert_array_equal(g, before)


@every_optimizer
def test_w_and_state_change_in_place(optimizer):
    w, g = vectors(5)
    net, before = w.view(), w.copy()
    state = optimizer.start(w)
    arrays = {name: state[name] for name in optimizer.slots}
    optimizer.step(w, g, state)
    assert_array_equal(net, w)
    assert (w != before).all()
    for name, array in arrays.items():
        assert state[name] is array
        assert array.any()


@every_optimizer
def test_one_optimizer_trains_two_vectors(optimizer):
    settings = copy.deepcopy(vars(optimizer))
    runs = [vectors(5, seed) for seed in range(2)]
    alone = []
    for w, g in runs:
        w = w.copy()
        state = optimizer.start(w)
        optimizer.step(w, g, state)
        optimizer.step(w, g, state)
        alone.append(w)
    states = [optimizer.start(w) for w, _ in runs]
    for _ in range(2):
        for (w, g), state in zip(runs, states, strict=True):
            optimizer.step(w, g, state)
    for (w, _), expected in zip(runs, alone, strict=True):
        assert_array_equal(w, expected)
    assert vars(optimizer) == settings


@every_optimizer
def test_a_saved_state_goes_on_bit_for_bit(optimizer):
    w, g = vectors(5)
    state = optimizer.start(w)
    optimizer.step(w, g, state)
    saved_w, saved = w.copy(), copy.deepcopy(state)
    optimizer.step(w, g, state)
    optimizer.step(saved_w, g, saved)
    assert_array_equal(w, saved_w)
    assert_states_equal(state, saved, rtol=0)


@every_optimizer
def test_the_rate_can_be_overridden(optimizer):
    other = copy.copy(optimizer)
    other.rate = 0.025
    w, g = vectors(5)
    same = w.copy()
    optimizer.step(w, g, optimizer.start(w), rate=0.025)
    other.step(same, g, other.start(same))
    assert_array_equal(w, same)
    assert optimizer.rate == 0.1


@every_optimizer
def test_rate_zero_moves_nothing_at_first(optimizer):
    w, g = vectors(5)
    before = w.copy()
    optimizer.step(w, g, optimizer.start(w), rate=0)
    assert_array_equal(w, before)


@every_optimizer
def test_no_gradient_at_the_start_is_no_division_by_zero(optimizer):
    w = np.zeros(3, np.float32)
    optimizer.step(w, np.zeros(3, np.float32), optimizer.start(w))
    assert_array_equal(w, np.zeros(3))


@every_optimizer
def test_an_empty_vector_is_no_trouble(optimizer):
    w = np.empty(0, np.float32)
    state = optimizer.start(w)
    optimizer.step(w, w.copy(), state)
    assert state["t"] == 1


def test_settings_and_repr():
    assert SGD().settings == {
        "rate": 0.01,
        "momentum": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
    }
    assert (
        repr(SGD(0.1, momentum=0.9, nesterov=True)) == "SGD(rate=0.1, momentum=0.9, nesterov=True)"
    )
    assert repr(Adam(1e-3)) == "Adam()"
    assert repr(AdamW(1e-2, weight_decay=0)) == "AdamW(rate=0.01, weight_decay=0.0)"
    for optimizer in OPTIMIZERS:
        again = type(optimizer)(**optimizer.settings)
        assert vars(again) == vars(optimizer)


# Errors

WRONG_SETTINGS = [
    *[
        (kind, {"rate": -0.1}, "rate to be a finite number of at least 0, got -0.1")
        for kind in (SGD, AdaGrad, RMSProp, Adam, AdamW)
    ],
    (SGD, {"rate": math.nan}, "rate to be a finite number of at least 0, got nan"),
    (SGD, {"rate": "fast"}, "rate to be a finite number of at least 0, got 'fast'"),
    (SGD, {"momentum": 1}, "momentum to be a finite number of at least 0 below 1, got 1"),
    (SGD, {"momentum": -0.1}, "momentum to be a finite number of at least 0 below 1, got -0.1"),
    (SGD, {"weight_decay": -1}, "weight_decay to be a finite number of at least 0, got -1"),
    (RMSProp, {"decay": 1.0}, "decay to be a finite number of at least 0 below 1, got 1.0"),
    (Adam, {"beta1": 1.0}, "beta1 to be a finite number of at least 0 below 1, got 1.0"),
    (AdamW, {"beta2": 1.5}, "beta2 to be a finite number of at least 0 below 1, got 1.5"),
    (AdamW, {"weight_decay": -1}, "weight_decay to be a finite number of at least 0, got -1"),
    *[
        (kind, {"epsilon": 0}, "an epsilon above 0, got 0")
        for kind in (AdaGrad, RMSProp, Adam, AdamW)
    ],
]


@pytest.mark.parametrize(("kind", "settings", "message"), WRONG_SETTINGS)
def test_wrong_settings(kind, settings, message):
    with pytest.raises(ValueError, match="expects") as error:
        kind(**settings)
    assert str(error.value) == f"{kind.__name__} expects {message}"


WRONG_STEPS = [
    (
        lambda o, w, g, s: o.step(w, g[:3], s),
        "parameters and gradient as vectors of one length, got (4,) and (3,)",
    ),
    (
        lambda o, w, g, s: o.step(w, g[:1], s),
        "parameters and gradient as vectors of one length, got (4,) and (1,)",
    ),
    (
        lambda o, w, g, s: o.step(w.reshape(2, 2), g.reshape(2, 2), s),
        "parameters and gradient as vectors of one length, got (2, 2) and (2, 2)",
    ),
    (lambda o, w, g, s: o.step(w, g, SGD().start(w)), "a state of t, m, v, got t, v"),
    (lambda o, w, g, s: o.step(w, g, {**s, "v": s["v"][:1]}), "v of shape (4,), got (1,)"),
    (
        lambda o, w, g, s: o.step(w, g, s, rate=-1),
        "rate to be a finite number of at least 0, got -1",
    ),
    (
        lambda o, w, g, s: o.step(w, g, s, rate=math.inf),
        "rate to be a finite number of at least 0, got inf",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG_STEPS)
def test_a_wrong_step_changes_nothing(call, message):
    optimizer, (w, g) = Adam(), vectors(4)
    state, before = optimizer.start(w), w.copy()
    with pytest.raises(ValueError, match="expects") as error:
        call(optimizer, w, g, state)
    assert str(error.value) == f"Adam expects {message}"
    assert_array_equal(w, before)
    assert_states_equal(state, optimizer.start(w), rtol=0)


def test_the_base_class_has_no_equations():
    w = np.zeros(1)
    with pytest.raises(NotImplementedError) as error:
        Optimizer(0.1).step(w, w.copy(), {"t": 0})
    assert str(error.value) == "Optimizer has no update"


def test_an_optimizer_of_ones_own():
    class Signs(Optimizer):
        slots = ("flips",)

        def update(self, w, g, state, rate, /):
            state["flips"] += g < 0
            w -= rate * np.sign(g)

    optimizer, w = Signs(0.5), np.array([1.0, 2.0])
    state = optimizer.start(w)
    optimizer.step(w, np.array([3.0, -4.0]), state)
    assert_array_equal(w, [0.5, 2.5])
    assert_array_equal(state["flips"], [0, 1])


# Clipping


def test_a_short_gradient_is_itself():
    g = np.array([3.0, -4.0])
    same, length = clip_by_global_norm(g, 5)
    assert same is g
    assert (length, type(length)) == (5, float)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_long_gradient_keeps_its_direction(dtype):
    g = np.array([3, -4], dtype)
    clipped, length = clip_by_global_norm(g, 0.5)
    assert length == 5
    assert clipped.dtype == dtype
    assert_allclose(clipped, [0.3, -0.4], rtol=1e-6)
    assert_array_equal(g, [3, -4])


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_squares_neither_overflow_nor_vanish(size):
    g = np.full(4, size, np.float32)
    clipped, length = clip_by_global_norm(g, size)
    assert_allclose(length, 2 * size, rtol=1e-6)
    assert_allclose(clipped, g / 2, rtol=1e-6)


def test_no_gradient_has_no_length():
    for g in (np.zeros(3), np.empty(0)):
        same, length = clip_by_global_norm(g, 1)
        assert same is g
        assert length == 0


@pytest.mark.parametrize(
    ("g", "limit", "message"),
    [
        ([1.0], 0, "a limit above 0, got 0"),
        ([1.0], -1, "a limit above 0, got -1"),
        ([1.0], math.nan, "limit to be a finite number, got nan"),
        ([1.0, math.nan], 1, "a finite gradient, got one of length nan"),
        ([1.0, -math.inf], 1, "a finite gradient, got one of length inf"),
    ],
)
def test_clipping_errors(g, limit, message):
    with pytest.raises(ValueError, match="expects") as error:
        clip_by_global_norm(np.array(g), limit)
    assert str(error.value) == f"clip_by_global_norm expects {message}"
