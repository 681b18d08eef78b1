"""Recurrent backpropagation: the fixed point, both adjoints, static as a special case, errors."""

import re
from itertools import islice

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import almeida_pineda
from backprop.classics.almeida_pineda import INPUT, LOSS, TARGET, FixedPoint, of_chain
from backprop.classics.exclusive_or import T, X

ADJOINTS = pytest.mark.parametrize("adjoint", ["relax", "solve"])
SETTINGS = [
    {},
    {"activation": "tanh"},
    {"outputs": (2, 0)},
    {"rate": 0.4},
    {"activation": "tanh", "outputs": [3], "rate": 0.7},
]
every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)


def built(K=4, dtype=np.float64, size=0.8, **settings):
    """Return a layer whose W stretches by at most `size`, and inputs for it."""
    layer = FixedPoint(init=bp.Orthogonal(size), **settings)
    layer.build((K,), rng=1, dtype=dtype)
    return layer, np.random.default_rng(2).standard_normal((3, K)).astype(dtype)


def given(W, **settings):
    layer = FixedPoint(init=bp.Given(W), **settings)
    layer.build((len(W),), dtype=np.float64)
    return layer


def phi(layer, z):
    return np.tanh(z) if layer.activation == "tanh" else 1 / (1 + np.exp(-z))


# The fixed point and its gradient


@every_setting
def test_at_rest_every_unit_is_what_it_reads(settings):
    layer, x = built(**settings)
    y, a = layer.forward(x)
    assert_allclose(a, phi(layer, a @ layer.W + x), rtol=1e-13, atol=1e-15)
    assert_array_equal(y, a[:, list(settings.get("outputs", range(4)))])


@every_setting
@ADJOINTS
def test_gradients_are_those_of_the_relaxed_outputs(settings, adjoint):
    layer, x = built(adjoint=adjoint, **settings)
    report = bp.gradcheck(layer, x)
    report.assert_ok()
    for row in report.comparisons:
        assert row.complex_error <= 1e-12
        assert row.central_error <= 1e-9


@ADJOINTS
def test_gradients_are_differences_of_the_relaxed_energy(adjoint):
    net = almeida_pineda.network(adjoint)
    y, caches = net.forward(INPUT)
    dx, grads = net.backward(LOSS.backward(LOSS.forward(y, TARGET)[1]), caches)

    def energy(W, x):
        a = np.zeros((1, 4))
        for _ in range(200):
            a = 1 / (1 + np.exp(-(a @ W + x)))
        return 0.5 * ((a[:, 2:] - TARGET) ** 2).sum()

    W, h = net[0].W.copy(), 1e-5
    for place in np.ndindex(4, 4):
        step = np.zeros((4, 4))
        step[place] = h
        slope = (energy(W + step, INPUT) - energy(W - step, INPUT)) / (2 * h)
        assert_allclose(grads["0.W"][place], slope, rtol=1e-7, atol=1e-11)
    for unit in range(4):
        step = h * np.eye(4)[unit]
        slope = (energy(W, INPUT + step) - energy(W, INPUT - step)) / (2 * h)
        assert_allclose(dx[0, unit], slope, rtol=1e-7, atol=1e-11)


@every_setting
@pytest.mark.parametrize("K", [4, 7])
def test_both_adjoints_agree(settings, K):
    layer, x = built(K, **settings)
    y, a = layer.forward(x)
    delta = np.random.default_rng(3).standard_normal(y.shape)
    relaxed = layer.backward(delta, a)
    layer.adjoint = "solve"
    solved = layer.backward(delta, a)
    assert_allclose(relaxed[0], solved[0], rtol=0, atol=1e-12)
    assert_allclose(relaxed[1]["W"], solved[1]["W"], rtol=0, atol=1e-12)


def test_it_keeps_every_promise_of_a_layer():
    settings = {
        "activation": ["sigmoid", "tanh"],
        "outputs": [None, (0,), (1, 0)],
        "adjoint": ["relax", "solve"],
        "rate": [1.0, 0.5],
    }
    shapes = [(1, 2), (2, 2), (3, 4), (2, 5)]
    assert bp.certify(FixedPoint, settings, shapes=shapes, examples=20)


def test_the_example():
    net = almeida_pineda.network()
    y, (a,) = net.forward(INPUT)
    numbers = [0.5543244769721153, 0.4115916222498942, 0.5416685801856301, 0.5966469090393616]
    assert_allclose(a[0], numbers, rtol=1e-14)
    assert_allclose(LOSS.forward(y, TARGET)[0], 0.10438025824071887, rtol=1e-13)
    found = almeida_pineda.steps_to(a, net[0].activations(INPUT))
    assert 15 <= found <= 25  # "about 20"


def test_a_complex_unit_that_goes_through_zero_settles():
    # The slope by W of a unit that comes to rest at 0 dies out: it never stops shrinking.
    layer = given(np.array([[0.0, 0.9], [0.0, 0.0]]), activation="tanh")
    report = bp.gradcheck(layer, np.array([[0.0, 0.0], [0.3, 0.2]]))
    report.assert_ok()


# Relaxations


def test_activations_and_deltas_are_the_steps_of_the_relaxations():
    layer, x = built(outputs=(1, 3), rate=0.6)
    a, slow = np.zeros((3, 4)), []
    for _ in range(6):
        slow.append(a)
        a = 0.4 * a + 0.6 * phi(layer, a @ layer.W + x)
    assert_allclose(list(islice(layer.activations(x), 6)), slow, rtol=1e-13, atol=1e-15)
    _, a = layer.forward(x)
    delta, e = np.array([[1.0, -2.0]] * 3), np.array([[0.0, 1.0, 0.0, -2.0]] * 3)
    dz, slow = np.zeros((3, 4)), []
    for _ in range(6):
        slow.append(dz)
        dz = 0.4 * dz + 0.6 * a * (1 - a) * (e + dz @ layer.W.T)
    assert_allclose(list(islice(layer.deltas(delta, a), 6)), slow, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("settings", [{}, {"rate": 0.5}, {"activation": "tanh"}], ids=str)
def test_both_relaxations_settle_at_the_pace_of_the_spectral_radius(settings):
    layer, x = built(size=0.9, **settings)
    x = x[:1]
    _, a = layer.forward(x)
    dz, _ = layer.backward(np.ones((1, 4)), a)
    radius = layer.spectral_radius(a)
    for end, values in ((a, layer.activations(x)), (dz, layer.deltas(np.ones((1, 4)), a))):
        distances = [np.linalg.norm(value - end) for value in islice(values, 40)]
        count = sum(distance > 1e-11 for distance in distances) - 1
        assert count >= 8
        pace = (distances[count] / distances[4]) ** (1 / (count - 4))
        assert_allclose(pace, radius, rtol=0.15)


def test_the_spectral_radius_is_that_of_the_worst_example():
    layer, x = built(activation="tanh", rate=0.5)
    _, a = layer.forward(x)
    radii = []
    for row in a:
        step = 0.5 * np.eye(4) + 0.5 * layer.W @ np.diag(1 - row**2)
        radii.append(abs(np.linalg.eigvals(step)).max())
    assert_allclose(layer.spectral_radius(a), max(radii), rtol=1e-12)


def test_a_smaller_rate_settles_what_swings():
    # A unit that keeps turning itself off: z = -3 tanh'(a) has to be damped.
    W, x = np.array([[-3.0]]), np.array([[0.2]])
    with pytest.raises(FloatingPointError):
        given(W, activation="tanh").forward(x)
    damped = given(W, activation="tanh", rate=0.3)
    assert damped.spectral_radius(damped.forward(x)[1]) < 1
    bp.gradcheck(damped, x).assert_ok()


# Static backpropagation


@pytest.mark.parametrize("sizes", [(2,), (3, 2), (3, 4, 2), (2, 2, 2, 1)], ids=str)
@ADJOINTS
def test_a_chain_is_a_triangular_fixed_point(sizes, adjoint):
    layers = [part for units in sizes for part in (bp.Dense(units), bp.Sigmoid())]
    net = bp.Network(layers)
    net.build((3,), rng=0, dtype=np.float64)
    x = np.random.default_rng(1).standard_normal((5, 3))
    y, caches = net.forward(x)
    delta = np.random.default_rng(2).standard_normal(y.shape)
    deltas, grads = net.deltas(delta, caches), net.grads(delta, caches)
    fixed, inputs, places = of_chain(net, x)
    fixed.adjoint = adjoint
    assert_array_equal(np.triu(fixed.W, 1), fixed.W)
    found, a = fixed.forward(inputs)
    dz, of_fixed = fixed.backward(delta, a)
    assert_allclose(found, y, rtol=1e-14)
    for number, place in enumerate(places):
        of_net = deltas[1 + 2 * number]  # at the output of this Dense layer
        assert_allclose(dz[:, place], of_net, rtol=1e-12, atol=1e-15)
        db = dz[:, place].sum(axis=0)
        assert_allclose(db, grads[f"{2 * number}.b"], rtol=1e-12, atol=1e-14)
        dW = of_fixed["W"][places[number - 1], place] if number else x.T @ dz[:, place]
        assert_allclose(dW, grads[f"{2 * number}.W"], rtol=1e-12, atol=1e-14)
    assert almeida_pineda.steps_to(a, fixed.activations(inputs), 0) == len(sizes)
    assert fixed.spectral_radius(a) == 0


def test_a_chain_without_biases():
    net = bp.Network([bp.Dense(3, bias=False), bp.Sigmoid(), bp.Dense(2, bias=False), bp.Sigmoid()])
    net.build((2,), rng=0, dtype=np.float64)
    x = np.random.default_rng(1).standard_normal((4, 2))
    fixed, inputs, _ = of_chain(net, x)
    assert_allclose(fixed.predict(inputs), net.predict(x), rtol=1e-14)


# Training


def test_a_fixed_point_is_trained_to_its_target():
    net = almeida_pineda.network()
    losses = almeida_pineda.train(net, INPUT, TARGET, 300, bp.SGD(2.0))
    assert len(losses) == 301
    assert_allclose(losses[0], 0.10438025824071887, rtol=1e-13)
    assert (np.diff(losses) < 0).all()
    assert_allclose(net.predict(INPUT), TARGET, rtol=0, atol=1e-5)


def test_exclusive_or_is_learned():
    net = almeida_pineda.exclusive_or()
    losses = almeida_pineda.train(net, X, T, 500, bp.Adam(0.05))
    assert losses[-1] < 1e-3 < 0.4 < losses[0]
    assert_array_equal(net.predict(X) > 0.5, T == 1)


# Errors


def test_settings_are_shown():
    layer = FixedPoint(outputs=range(2, 4), adjoint="solve", rate=0.5)
    assert repr(layer) == "FixedPoint(outputs=(2, 3), adjoint='solve', rate=0.5)"
    assert layer.build((4,)) == (2,)
    assert layer.multiply_adds((4,)) == 16


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: FixedPoint(activation="relu"),
            "FixedPoint expects activation to be one of 'sigmoid', 'tanh', got 'relu'",
        ),
        (
            lambda: FixedPoint(adjoint="guess"),
            "FixedPoint expects adjoint to be one of 'relax', 'solve', got 'guess'",
        ),
        (
            lambda: FixedPoint(rate="fast"),
            "FixedPoint expects rate to be a finite number, got 'fast'",
        ),
        (
            lambda: FixedPoint(rate=0),
            "FixedPoint expects rate to be above 0 and at most 1, got 0",
        ),
        (
            lambda: FixedPoint(rate=1.5),
            "FixedPoint expects rate to be above 0 and at most 1, got 1.5",
        ),
        (
            lambda: FixedPoint(most=0),
            "FixedPoint expects most to be a whole number of at least 1, got 0",
        ),
        (
            lambda: FixedPoint(outputs=[1, -1]),
            "FixedPoint expects an output to be a whole number of at least 0, got -1",
        ),
        (
            lambda: FixedPoint(outputs=[1, 1]),
            "FixedPoint expects one or more outputs, each once, got [1, 1]",
        ),
        (
            lambda: FixedPoint(outputs=[]),
            "FixedPoint expects one or more outputs, each once, got []",
        ),
        (
            lambda: FixedPoint(outputs=2),
            "FixedPoint expects one or more outputs, each once, got 2",
        ),
        (
            lambda: FixedPoint(outputs=[1, 4]).build((4,)),
            "FixedPoint expects outputs from 0 to 3, got 4",
        ),
        (
            lambda: FixedPoint().build((4, 2)),
            "FixedPoint expects inputs of shape (N, K), got (N, 4, 2)",
        ),
        (
            lambda: of_chain(bp.Network([bp.Dense(2), bp.Tanh()]), X),
            "of_chain expects a chain of Dense and Sigmoid by turns, "
            "got Network([Dense(2), Tanh()])",
        ),
        (
            lambda: of_chain(bp.Network([]), X),
            "of_chain expects a chain of Dense and Sigmoid by turns, got Network([])",
        ),
        (
            lambda: of_chain(bp.Network([bp.Dense(2), bp.Sigmoid()]), X),
            "Network expects build(in_shape) before a pass, got none",
        ),
        (
            lambda: almeida_pineda.train(almeida_pineda.network(), INPUT, TARGET, -1, bp.SGD(1.0)),
            "train expects updates to be a whole number of at least 0, got -1",
        ),
    ],
)
def test_what_does_not_fit(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()


SWINGS = given(np.array([[-3.0]]), activation="tanh", most=50)
IDENTITY = given(np.array([[1.0]]), activation="tanh", adjoint="solve")
DOUBLES = given(np.array([[2.0]]), activation="tanh")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: SWINGS.forward(np.array([[0.0], [0.2]])),
            "FixedPoint expects activations that settle within 50 steps, "
            "got a last step of 1.99 and a spectral radius of 3",
        ),
        (
            lambda: DOUBLES.forward(np.array([[np.nan]])),
            "FixedPoint expects activations that settle within 1000 steps, "
            "got a last step of nan and a spectral radius of nan",
        ),
        (  # 0 is a fixed point of tanh(2 a), but a drop of anything else leaves it for good
            lambda: DOUBLES.backward(np.ones((1, 1)), np.zeros((1, 1))),
            "FixedPoint expects deltas that settle within 1000 steps, "
            "got a last step of 5.36e+300 and a spectral radius of 2",
        ),
        (  # a = tanh(a): 1 - D W = 0
            lambda: IDENTITY.backward(np.ones((1, 1)), np.zeros((1, 1))),
            "FixedPoint expects an adjoint system with one solution, got a spectral radius of 1",
        ),
    ],
)
def test_what_does_not_settle(call, text):
    with pytest.raises(FloatingPointError, match=f"^{re.escape(text)}$"):
        call()


def test_training_that_leaves_what_settles_keeps_the_last_good_parameters():
    net = bp.Network([FixedPoint(activation="tanh", most=200)])
    net.build((3,), rng=0, dtype=np.float64)
    step = bp.TrainStep(net, LOSS, bp.SGD(50.0))
    before = []

    def train():
        for _ in range(50):
            before.append(net.parameters.copy())
            step(np.array([[0.3, -0.2, 0.1]]), np.array([[-0.9, 0.9, -0.9]]))

    with pytest.raises(FloatingPointError):
        train()
    assert_array_equal(net.parameters, before[-1])


def test_a_chain_is_a_network():
    with pytest.raises(TypeError, match=r"^of_chain expects a Network, got Dense\(2\)$"):
        of_chain(bp.Dense(2), np.zeros((4, 2)))
