"""One update: against sums done by hand, and against the worked examples of the literature."""

import math

import numpy as np
import pytest

from backprop.initializers import Given, Normal
from backprop.layer import Layer
from backprop.layers import RNN, BatchNorm, Dense, Dropout, Embedding, Flatten, ReLU, Sigmoid, Tanh
from backprop.losses import HalfSquaredError, SoftmaxCrossEntropy
from backprop.network import Network
from backprop.optimizers import SGD, Adam, AdamW
from backprop.penalties import L1, L2
from backprop.training import TrainStep


def build(layers, in_shape, dtype=np.float64, rng=0):
    net = Network(layers)
    net.build(in_shape, rng=rng, dtype=dtype)
    return net


def dense(W, b):
    return Dense(len(b), init=Given(W), bias_init=Given(b))


def small(dtype=np.float64):
    """A small net with a batch that it takes."""
    rng = np.random.default_rng(7)
    net = build([Dense(5), Tanh(), Dense(3)], (4,), dtype)
    return net, rng.standard_normal((6, 4)).astype(dtype), rng.integers(0, 3, 6)


def gradient(net, loss, x, y):
    """The gradient in the order of `net.parameters`, the long way."""
    out, caches = net.forward(x)
    grads = net.backward(loss.backward(loss.forward(out, y)[1]), caches)[1]
    return np.concatenate([grads[key].ravel() for key in net.params])


# What one update does


def test_sgd_moves_the_parameters_by_rate_times_gradient():
    net, x, y = small()
    loss = SoftmaxCrossEntropy()
    before, g = net.parameters.copy(), gradient(net, loss, x, y)
    value = float(loss.forward(net.predict(x), y)[0])
    assert TrainStep(net, loss, SGD(0.1))(x, y) == value
    np.testing.assert_allclose(net.parameters, before - 0.1 * g, rtol=1e-14)
    assert not np.array_equal(net.parameters, before)


def test_rate_overrides_the_optimizers():
    net, x, y = small()
    before, g = net.parameters.copy(), gradient(net, SoftmaxCrossEntropy(), x, y)
    TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1))(x, y, rate=0.5)
    np.testing.assert_allclose(net.parameters, before - 0.5 * g, rtol=1e-14)


def test_update_tells_what_it_saw():
    net, x, y = small()
    loss = SoftmaxCrossEntropy()
    expected, g = net.predict(x), gradient(net, loss, x, y)
    update = TrainStep(net, loss, SGD(0.1)).update(x, y)
    np.testing.assert_array_equal(update.y, expected)
    assert update.loss == update.data_loss == float(loss.forward(expected, y)[0])
    assert update.penalty == 0.0
    assert update.gradient_norm == pytest.approx(np.linalg.norm(g), rel=1e-14)


def test_update_begins_with_states_and_tells_those_it_ended_with():
    net = build([RNN(3), Dense(2)], (4, 2))
    rng = np.random.default_rng(0)
    x, t, h0 = (rng.standard_normal(shape) for shape in [(5, 4, 2), (5, 4, 2), (5, 3)])
    y, cache = net.forward(x, states={0: (h0,)})
    update = TrainStep(net, HalfSquaredError(), SGD(0.1)).update(x, t, states={0: (h0,)})
    np.testing.assert_array_equal(update.y, y)
    np.testing.assert_array_equal(update.states[0], net.final_states(cache)[0])
    net, x, y = small()
    assert TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1)).update(x, y).states == {}


def test_float32_stays_float32():
    net, x, y = small(np.float32)
    step = TrainStep(net, SoftmaxCrossEntropy(), Adam(), penalties=[L2(0.1), L1(0.1)], clip=0.1)
    update = step.update(x, y)
    assert update.y.dtype == net.parameters.dtype == step.state["m"].dtype == np.float32
    assert type(update.loss) is type(update.gradient_norm) is float


def test_several_inputs_come_as_a_tuple():
    net = Network(inputs=2)
    h = net.add(Dense(2, init=Given([[1.0, 2.0]])), 1)

    class Product(Layer):
        def build(self, a, b, *, rng=None, dtype=np.float32):
            return a

        def forward(self, a, b):
            return a * b, (a, b)

        def backward(self, delta, cache):
            a, b = cache
            return (delta * b, delta * a), {}

    net.add(Product(), 0, h)
    net.build((2,), (1,), dtype=np.float64)
    x = np.array([[3.0, 5.0]]), np.array([[2.0]])
    loss = TrainStep(net, HalfSquaredError(reduction="sum"), SGD(0.01))(x, np.array([[5.0, 20.0]]))
    # y = (3*2*1, 5*2*2) = (6, 20), delta = (1, 0), dW = 2 * 3 * (1, 0), db = 3 * (1, 0)
    assert loss == 0.5
    np.testing.assert_allclose(net.params["0.W"], [[0.94, 2.0]], rtol=1e-15)
    np.testing.assert_allclose(net.params["0.b"], [-0.03, 0.0], rtol=1e-15)


def test_state_counts_the_updates_and_goes_on_from_there():
    net, x, y = small()
    other = net.astype(np.float64)
    step = TrainStep(net, SoftmaxCrossEntropy(), Adam(0.01))
    for _ in range(5):
        step(x, y)
    assert step.state["t"] == 5

    first = TrainStep(other, SoftmaxCrossEntropy(), Adam(0.01))
    for _ in range(2):
        first(x, y)
    second = TrainStep(other, SoftmaxCrossEntropy(), Adam(0.01), state=first.state)
    for _ in range(3):
        second(x, y)
    np.testing.assert_array_equal(other.parameters, net.parameters)
    assert first.state["t"] == 2


def test_random_layers_are_functions_of_seed_and_update():
    def masks(seed, state=None, count=3):
        net = build([Dropout(0.5), Dense(2)], (50,))
        step = TrainStep(net, HalfSquaredError(), SGD(0.0), seed=seed, state=state)
        x = np.ones((4, 50))
        return [step.update(x, np.zeros((4, 2))).y for _ in range(count)], step.state

    seen, _ = masks(3)
    again, _ = masks(3)
    other, _ = masks(4)
    np.testing.assert_array_equal(seen, again)
    assert not np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], other[0])
    head, state = masks(3, count=1)
    tail, _ = masks(3, state, count=2)
    np.testing.assert_array_equal(seen, head + tail)


# Penalties, clipping, freezing


def test_penalties_are_in_the_loss_and_in_the_gradient():
    net, x, y = small()
    loss = SoftmaxCrossEntropy()
    weights = np.concatenate(
        [np.full(value.size, key.endswith("W")) for key, value in net.params.items()]
    )
    w, g = net.parameters.copy(), gradient(net, loss, x, y)
    value = float(loss.forward(net.predict(x), y)[0])
    step = TrainStep(net, loss, SGD(0.1), penalties=[L2(0.3), L1(0.2, on=["0.W", "2.b"])])
    update = step.update(x, y)
    some = np.concatenate([np.full(v.size, key in ("0.W", "2.b")) for key, v in net.params.items()])
    penalty = 0.15 * (w[weights] ** 2).sum() + 0.2 * np.abs(w[some]).sum()
    assert update.penalty == pytest.approx(penalty, rel=1e-14)
    assert update.data_loss == value
    assert update.loss == update.data_loss + update.penalty
    moved = g + 0.3 * weights * w + 0.2 * some * np.sign(w)
    np.testing.assert_allclose(net.parameters, w - 0.1 * moved, rtol=1e-13)


def test_the_penalised_loss_has_the_penalised_gradient():
    net, x, y = small()
    step = TrainStep(net, SoftmaxCrossEntropy(), SGD(1.0), penalties=[L2(0.3), L1(0.2)])
    net.parameters += 0.5 * np.sign(net.parameters)  # away from the kink of L1
    w = net.parameters.copy()
    g = step.objective(x, y).gradient
    for i in range(w.size):
        ends = []
        for h in (1e-6, -1e-6):
            net.parameters[...] = w
            net.parameters[i] += h
            ends.append(step.objective(x, y).loss)
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(g[i], rel=1e-6, abs=1e-9)


def test_clip_shortens_a_long_gradient_and_leaves_a_short_one():
    for clip, scale in [(0.01, None), (1e6, 1.0)]:
        net, x, y = small()
        w, g = net.parameters.copy(), gradient(net, SoftmaxCrossEntropy(), x, y)
        norm = np.linalg.norm(g)
        update = TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1), clip=clip).update(x, y)
        assert update.gradient_norm == pytest.approx(norm, rel=1e-14)
        np.testing.assert_allclose(net.parameters, w - 0.1 * g * (scale or clip / norm), rtol=1e-13)


@pytest.mark.parametrize("freeze", ["*.b", ("0.*",), ["0.W", "2.b"], "2.?"])
def test_frozen_numbers_keep_every_bit_and_the_others_move_as_without(freeze):
    patterns = (freeze,) if isinstance(freeze, str) else freeze
    nets = [small(np.float32)[0] for _ in range(2)]
    _, x, y = small(np.float32)
    start = {key: value.copy() for key, value in nets[0].params.items()}
    for net, frozen in zip(nets, [freeze, ()], strict=True):
        optimizer = AdamW(0.01, weight_decay=0.5)
        step = TrainStep(net, SoftmaxCrossEntropy(), optimizer, freeze=frozen)
        step(x, y)
    held = {"*.b": ["0.b", "2.b"], "0.*": ["0.W", "0.b"], "2.?": ["2.W", "2.b"]}
    held = [key for pattern in patterns for key in held.get(pattern, [pattern])]
    for key, value in nets[0].params.items():
        np.testing.assert_array_equal(value, start[key] if key in held else nets[1].params[key])
        assert (key in held) == np.array_equal(value, start[key])


def test_a_penalty_on_frozen_parameters_is_reported_and_moves_nothing():
    net, x, y = small()
    W = net[0].W.copy()
    penalty = L2(2.0, on="0.W")
    update = TrainStep(
        net, SoftmaxCrossEntropy(), SGD(0.1), penalties=[penalty], freeze="0.*"
    ).update(x, y)
    assert update.penalty == pytest.approx((W**2).sum(), rel=1e-14)
    np.testing.assert_array_equal(net[0].W, W)


def test_trained_numbers_that_lie_together_are_not_copied():
    net, _, _ = small()
    for freeze in ((), "0.*", "2.*", ("0.*", "2.b")):
        step = TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1), freeze=freeze)
        assert np.shares_memory(net.parameters[step.trained], net.parameters)


# Errors, all raised before anything changes


def raised(kind, call, *args, **kwargs):
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_what_a_step_is_made_of_is_checked():
    net, _, _ = small()
    ce, sgd = SoftmaxCrossEntropy(), SGD(0.1)
    keys = "0.W, 0.b, 2.W, 2.b"
    for kind, args, settings, text in [
        (TypeError, (Dense(3), ce, sgd), {}, "a Network, got Dense(3)"),
        (
            ValueError,
            (Network([Dense(3)]), ce, sgd),
            {},
            "a network after build(in_shape), got one before it",
        ),
        (TypeError, (net, None, sgd), {}, "a loss such as SoftmaxCrossEntropy(), got None"),
        (TypeError, (net, ce, "sgd"), {}, "an optimizer such as SGD(0.1), got 'sgd'"),
        (
            ValueError,
            (net, ce, sgd),
            {"freeze": "*.c"},
            f"freeze to fit one of the keys {keys}, got '*.c'",
        ),
        (
            ValueError,
            (net, ce, sgd),
            {"freeze": [0]},
            f"freeze to fit one of the keys {keys}, got 0",
        ),
        (
            ValueError,
            (net, ce, sgd),
            {"penalties": [L2(1.0, on="V")]},
            f"the pattern of L2(1.0, on='V') to fit one of the keys {keys}, got 'V'",
        ),
        (ValueError, (net, ce, sgd), {"freeze": "*"}, "parameters left to train, got none"),
        (
            ValueError,
            (build([Flatten()], (4,)), ce, sgd),
            {},
            "parameters left to train, got none",
        ),
        (ValueError, (net, ce, sgd), {"clip": 0}, "clip to be above 0, got 0"),
        (ValueError, (net, ce, sgd), {"clip": "x"}, "clip to be a finite number, got 'x'"),
        (
            ValueError,
            (net, ce, sgd),
            {"seed": -1},
            "seed to be a whole number of at least 0, got -1",
        ),
        (
            ValueError,
            (net, ce, sgd),
            {"state": {"t": 0}},
            "a state of t int, v (43,) float64, got t int",
        ),
    ]:
        assert raised(kind, TrainStep, *args, **settings) == "TrainStep expects " + text


def test_a_replaced_parameter_is_noticed():
    net, x, y = small()
    step = TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1))
    before = net.parameters.copy()
    net[2].b = np.zeros(3)
    message = raised(ValueError, step, x, y)
    assert message == "TrainStep expects 2.b to be changed by b[...] = array, got b = array"
    np.testing.assert_array_equal(net.parameters, before)
    assert step.state["t"] == 0


def test_a_vector_put_in_the_place_of_the_parameters_is_told():
    net, x, y = small()
    step = TrainStep(net, SoftmaxCrossEntropy(), SGD(0.1))
    net.parameters = net.parameters.copy()
    message = raised(ValueError, step, x, y)
    assert message == "TrainStep expects 0.W to be changed by W[...] = array, got W = array"


def test_a_loss_that_is_not_finite_changes_nothing():
    net, x, y = small()
    step = TrainStep(net, SoftmaxCrossEntropy(), Adam(0.1))
    step(x, y)
    net[2].W[0, 0] = np.nan
    before, m = net.parameters.copy(), step.state["m"].copy()
    with np.errstate(all="ignore"):
        message = raised(FloatingPointError, step, x, y)
    text = "a finite loss and gradient, got loss nan, gradient norm nan in update 2"
    assert message == "TrainStep expects " + text
    np.testing.assert_array_equal(net.parameters, before)
    np.testing.assert_array_equal(step.state["m"], m)
    assert step.state["t"] == 1


@pytest.mark.parametrize("kind", [FloatingPointError, ValueError, KeyboardInterrupt])
def test_an_update_that_fails_counts_no_batch_into_running_averages(kind):
    class Failing(HalfSquaredError):
        def forward(self, y, target, /):
            value, cache = super().forward(y, target)
            if kind is not FloatingPointError:
                raise kind
            return value * math.nan, cache

    net = build([Dense(3), Network([BatchNorm()]), Dense(2)], (4,))
    x, y = np.random.default_rng(0).standard_normal((6, 4)), np.zeros((6, 2))
    TrainStep(net, HalfSquaredError(), SGD(0.1))(x, y)
    parameters, averages = net.parameters.copy(), net.averages
    raised(kind, TrainStep(net, Failing(), SGD(0.1)), x, y)
    np.testing.assert_array_equal(net.parameters, parameters)
    assert list(averages) == ["1.0.mean", "1.0.variance"]
    assert all(net.averages[key] is averages[key] for key in averages)


def test_an_update_counts_its_batch_into_running_averages_once():
    net = build([BatchNorm(keep=0.5), Dense(2)], (4,))
    x = np.random.default_rng(0).standard_normal((6, 4))
    step = TrainStep(net, HalfSquaredError(), SGD(0.1), freeze="0.*")
    step(x, np.zeros((6, 2)))
    np.testing.assert_allclose(net[0].mean, 0.5 * x.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(net[0].variance, 0.5 + 0.5 * x.var(axis=0, ddof=1), rtol=1e-13)
    np.testing.assert_array_equal(net[0].gamma, np.ones(4))


def test_only_rows_that_were_looked_up_move():
    net = build([Embedding(5, 3), Flatten(), Dense(2)], (2,))
    before = net[0].W.copy()
    TrainStep(net, HalfSquaredError(), SGD(0.1))(np.array([[1, 3], [3, 3]]), np.zeros((2, 2)))
    moved = (before != net[0].W).any(axis=1)
    np.testing.assert_array_equal(moved, [False, True, False, True, False])


def test_a_loss_that_is_infinite_beside_a_finite_gradient():
    class Far(SoftmaxCrossEntropy):
        def forward(self, y, target, /):
            value, cache = super().forward(y, target)
            return value + math.inf, cache

    net, x, y = small()
    before = net.parameters.copy()
    message = raised(FloatingPointError, TrainStep(net, Far(), SGD(0.1)), x, y)
    assert message.startswith("TrainStep expects a finite loss and gradient, got loss inf, ")
    np.testing.assert_array_equal(net.parameters, before)


def test_a_gradient_that_is_not_finite_changes_nothing():
    class Wall(Layer):
        def forward(self, x):
            return x, None

        def backward(self, delta, cache):
            return delta * math.inf, {}

    net = build([Dense(2), Wall()], (3,))
    before = net.parameters.copy()
    step = TrainStep(net, HalfSquaredError(), SGD(0.1), clip=1.0)
    message = raised(FloatingPointError, step, np.ones((1, 3)), np.full((1, 2), 9.0))
    assert message.endswith("gradient norm inf in update 1")
    np.testing.assert_array_equal(net.parameters, before)


# Worked examples


def mazur():
    return build(
        [
            dense([[0.15, 0.25], [0.20, 0.30]], [0.35, 0.35]),
            Sigmoid(),
            dense([[0.40, 0.50], [0.45, 0.55]], [0.60, 0.60]),
            Sigmoid(),
        ],
        (2,),
    )


MAZUR = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def test_mazur_forward_and_backward():
    net, (x, t) = mazur(), MAZUR
    loss = HalfSquaredError(reduction="sum")
    values = [x]
    caches = []
    for layer in net:
        y, cache = layer.forward(values[-1])
        values.append(y)
        caches.append(cache)
    for value, expected in zip(
        values[1:],
        [
            [0.3775, 0.3925],
            [0.593269992107, 0.596884378260],
            [1.105905967060, 1.224921404096],
            [0.751365069552, 0.772928465321],
        ],
        strict=True,
    ):
        np.testing.assert_allclose(value[0], expected, rtol=0, atol=1e-12)
    E, cache = loss.forward(values[-1], t)
    assert abs(E - 0.2983711087600027) < 1e-15
    G2 = loss.backward(cache)
    d2, _ = net[3].backward(G2, caches[3])
    G1, grads2 = net[2].backward(d2, caches[2])
    d1, _ = net[1].backward(G1, caches[1])
    grads1 = net[0].grads(d1, caches[0])
    for value, expected in [
        (G2, [[0.741365069552, -0.217071534679]]),
        (d2, [[0.138498561629, -0.038098236517]]),
        (grads2["W"], [[0.082167040564, -0.022602540477], [0.082667627848, -0.022740242216]]),
        (G1, [[0.036350306393, 0.041370322649]]),
        (d1, [[0.008771354689, 0.009954254705]]),
        (grads1["W"], [[0.000438567734, 0.000497712735], [0.000877135469, 0.000995425471]]),
    ]:
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-12)


def test_mazur_first_update():
    for freeze in ["*.b", ()]:
        net = mazur()
        step = TrainStep(net, HalfSquaredError(reduction="sum"), SGD(0.5), freeze=freeze)
        assert step(*MAZUR) == pytest.approx(0.2983711087600027, abs=1e-15)
        moved = {
            "0.W": [[0.149780716133, 0.249751143632], [0.199561432266, 0.299502287265]],
            "2.W": [[0.358916479718, 0.511301270239], [0.408666186076, 0.561370121108]],
            "0.b": [0.35, 0.35] if freeze else [0.345614322655, 0.345022872647],
            "2.b": [0.60, 0.60] if freeze else [0.530750719186, 0.619049118258],
        }
        for key, expected in moved.items():
            np.testing.assert_allclose(net.params[key], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("freeze", "losses", "outputs"),
    [
        (
            "*.b",
            {
                1: 0.29102777369359933,
                2: 0.28354713312241997,
                10: 0.22091859205390404,
                100: 0.0200468282494252,
                1000: 0.001114349453733746,
                10000: 3.510187782978859e-05,
            },
            (0.015913620444, 0.984064273515),
        ),
        (
            (),
            {
                1: 0.28047144679143016,
                2: 0.2619076230693008,
                10: 0.12552703804413207,
                100: 0.006083131061206281,
                1000: 0.00027070458789574324,
                10000: 2.4475622359322627e-06,
            },
            (0.011587527391, 0.988458935026),
        ),
    ],
)
def test_mazur_ten_thousand_updates(freeze, losses, outputs):
    net, (x, t) = mazur(), MAZUR
    loss = HalfSquaredError(reduction="sum")
    step = TrainStep(net, loss, SGD(0.5), freeze=freeze)
    for n in range(1, 10001):
        step(x, t)
        if n in losses:
            value = loss.forward(net.predict(x), t)[0]
            assert value == pytest.approx(losses[n], rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(net.predict(x)[0], outputs, rtol=0, atol=1e-11)


def test_cs231n_two_layer_net_with_l2():
    def lin(a, b, shape):
        return np.linspace(a, b, math.prod(shape)).reshape(shape)

    layers = [
        dense(lin(-0.7, 0.3, (5, 50)), lin(-0.1, 0.9, (50,))),
        ReLU(),
        dense(lin(-0.3, 0.4, (50, 7)), lin(-0.9, 0.1, (7,))),
    ]
    x, y = lin(-5.5, 4.5, (5, 3)).T, np.array([0, 5, 1])
    for penalties, expected in [((), 3.4702243556), ([L2(1.0)], 26.5948426952)]:
        net = build(layers, (5,))
        step = TrainStep(net, SoftmaxCrossEntropy(), SGD(0.0), penalties=penalties)
        assert step(x, y) == pytest.approx(expected, abs=5e-11)
    scores = [
        11.53165108,
        12.2917344,
        13.05181771,
        13.81190102,
        14.57198434,
        15.33206765,
        16.09215096,
    ]
    np.testing.assert_allclose(net.predict(x)[0], scores, rtol=0, atol=5e-9)


def test_brownlee_twenty_epochs():
    data = np.array(
        [
            (2.7810836, 2.550537003, 0),
            (1.465489372, 2.362125076, 0),
            (3.396561688, 4.400293529, 0),
            (1.38807019, 1.850220317, 0),
            (3.06407232, 3.005305973, 0),
            (7.627531214, 2.759262235, 1),
            (5.332441248, 2.088626775, 1),
            (6.922596716, 1.77106367, 1),
            (8.675418651, -0.242068655, 1),
            (7.673756466, 3.508563011, 1),
        ]
    )
    hidden = [
        (0.13436424411240122, 0.8474337369372327, 0.763774618976614),
        (0.2550690257394217, 0.49543508709194095, 0.4494910647887381),
    ]
    output = [
        (0.651592972722763, 0.7887233511355132, 0.0938595867742349),
        (0.02834747652200631, 0.8357651039198697, 0.43276706790505337),
    ]
    # A row is a neuron, its bias last.
    units = [dense(np.array(u)[:, :2].T, np.array(u)[:, 2]) for u in (hidden, output)]
    net = build([units[0], Sigmoid(), units[1], Sigmoid()], (2,))
    step = TrainStep(net, HalfSquaredError(reduction="sum"), SGD(0.5))
    targets = np.eye(2)[data[:, 2].astype(int)]
    errors = [
        2 * sum(step(data[i : i + 1, :2], targets[i : i + 1]) for i in range(10)) for _ in range(20)
    ]
    published = [6.350, 5.531, 5.221, 4.951, 4.519, 4.173, 3.835, 3.506, 3.192, 2.898]
    published += [2.626, 2.377, 2.153, 1.953, 1.774, 1.614, 1.472, 1.346, 1.233, 1.132]
    np.testing.assert_allclose(errors, published, rtol=0, atol=5e-4)
    final = [
        (-1.4688375095432327, 1.850887325439514, 1.0858178629550297),
        (0.37711098142462157, -0.0625909894552989, 0.2765123702642716),
        (2.515394649397849, -0.3391927502445985, -0.9671565426390275),
        (-2.5584149848484263, 1.0036422106209202, 0.42383086467582715),
    ]
    for layer, rows in [(net[0], final[:2]), (net[2], final[2:])]:
        np.testing.assert_allclose(np.vstack([layer.W, layer.b]).T, rows, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(net.predict(data[:, :2]).argmax(axis=1), data[:, 2])


XOR = (
    np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
    np.array([[0.0], [1.0], [1.0], [0.0]]),
)


def test_caceres_xor():
    W1 = [
        [0.543404941791, 0.278369385094, 0.424517590749],
        [0.844776132320, 0.004718856191, 0.121569120783],
    ]
    # The numbers that NumPy's old generator gives for seed 100, to all digits.
    draws = np.random.RandomState(100).uniform(0, 1, 13)
    np.testing.assert_allclose(draws[:6].reshape(2, 3), W1, rtol=0, atol=1e-12)
    layers = [dense(draws[:6].reshape(2, 3), draws[6:9]), Sigmoid()]
    net = build([*layers, dense(draws[9:12].reshape(3, 1), draws[12:]), Sigmoid()], (2,))
    step = TrainStep(net, HalfSquaredError(reduction="sum"), SGD(0.1))
    losses = [step(*XOR) / 4 for _ in range(5000)]
    for n, expected in {
        0: 0.17037699424952266,
        10: 0.14810854056006129,
        100: 0.12479105106465957,
        1000: 0.12354562664781049,
        4999: 0.01071204906720074,
    }.items():
        assert losses[n] == pytest.approx(expected, abs=1e-9)
    outputs = [0.126365510716, 0.856676253653, 0.856153834378, 0.168557465294]
    np.testing.assert_allclose(net.predict(XOR[0])[:, 0], outputs, rtol=0, atol=1e-9)


def test_caceres_xor_does_not_learn_from_tiny_weights():
    init = Normal(0, 0.01)
    layers = [
        Dense(3, init=init, bias_init=init),
        Sigmoid(),
        Dense(1, init=init, bias_init=init),
        Sigmoid(),
    ]
    for seed in range(5):
        net = build(layers, (2,), rng=seed)
        step = TrainStep(net, HalfSquaredError(reduction="sum"), SGD(0.1))
        losses = [step(*XOR) / 4 for _ in range(5000)]
        assert losses[-1] == pytest.approx(0.125, abs=1e-6)


def test_mitchell_exercise_4_7():
    net = build([dense([[0.1], [0.1]], [0.1]), Sigmoid(), dense([[0.1]], [0.1]), Sigmoid()], (2,))
    step = TrainStep(net, HalfSquaredError(reduction="sum"), SGD(0.3, momentum=0.9))
    update = step.update(np.array([[1.0, 0.0]]), np.array([[1.0]]))
    assert update.y.item() == pytest.approx(0.538668479964, abs=1e-12)
    expected = [0.1008512818, 0.1, 0.1008512818, 0.1189103978, 0.1343929220]
    np.testing.assert_allclose(net.parameters, expected, rtol=0, atol=1e-10)
