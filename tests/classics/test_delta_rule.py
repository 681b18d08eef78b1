"""Single units: the perceptron against its loop and bound, the delta rule against differences."""

import re
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import delta_rule
from backprop.classics.delta_rule import CROSS_ENTROPY, TRUTH, Perceptron, Unit
from backprop.classics.exclusive_or import X as PATTERNS


def perceptron_by_hand(x, y, rate, epochs):
    """Return w, b and the mistakes of each epoch, number after number."""
    w, b, mistakes = [0.0] * len(x[0]), 0.0, []
    for _ in range(epochs):
        wrong = 0
        for pattern, label in zip(x, y, strict=True):
            z = b
            for i in range(len(w)):
                z += w[i] * pattern[i]
            answer = 1 if z > 0 else 0
            if answer != label:
                wrong += 1
            for i in range(len(w)):
                w[i] += rate * (label - answer) * pattern[i]
            b += rate * (label - answer)
        mistakes.append(wrong)
        if wrong == 0:
            break
    return w, b, mistakes


def clouds(seed, gap):
    """Two clouds of points in three dimensions, apart by at least `gap` along one axis."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (30, 3))
    y = (x[:, 0] > 0).astype(int)
    x[:, 0] += np.where(y == 1, gap, -gap) / 2
    return x, y


@pytest.mark.parametrize("rate", [1.0, 0.1, 3.0])
@pytest.mark.parametrize("labels", list(product((0, 1), repeat=4)))
def test_the_perceptron_is_its_loop(labels, rate):
    found = Perceptron(rate).fit(PATTERNS, labels, epochs=20)
    w, b, mistakes = perceptron_by_hand(PATTERNS.tolist(), labels, rate, 20)
    assert_allclose(found.w, w, rtol=0, atol=1e-12)
    assert_allclose(found.b, b, rtol=0, atol=1e-12)
    assert found.mistakes == mistakes
    assert found.converged is (mistakes[-1] == 0)


@pytest.mark.parametrize("name", ["AND", "OR"])
def test_what_a_line_separates_is_learned(name):
    found = Perceptron().fit(PATTERNS, TRUTH[name])
    assert found.converged
    assert_array_equal(found.predict(PATTERNS), TRUTH[name])


def test_xor_never_has_more_than_three_patterns_right():
    found = Perceptron().fit(PATTERNS, TRUTH["XOR"], epochs=200)
    assert not found.converged
    assert len(found.mistakes) == 200
    for w, b in found.path:
        assert ((PATTERNS @ w + b > 0) == TRUTH["XOR"]).sum() <= 3


def test_no_unit_of_a_fine_grid_answers_all_of_xor():
    grid = np.linspace(-2, 2, 41)
    w1, w2, b = np.meshgrid(grid, grid, grid)
    z = np.stack([x1 * w1 + x2 * w2 + b for x1, x2 in PATTERNS])
    truth = np.array(TRUTH["XOR"]).reshape(4, 1, 1, 1)
    assert ((z > 0) == truth).sum(axis=0).max() == 3


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gap", [0.1, 0.5])
def test_the_mistakes_are_within_novikoffs_bound(seed, gap):
    x, y = clouds(seed, gap)
    found = Perceptron().fit(x, y, epochs=10_000)
    assert found.converged
    u = np.column_stack([x, np.ones(len(x))])
    margin = np.abs(x[:, 0]).min()  # of the separating v = (1, 0, 0, 0)
    assert sum(found.mistakes) == len(found.path) - 1 <= (u**2).sum(axis=1).max() / margin**2


def test_the_rate_changes_the_scale_only():
    x, y = clouds(0, 0.2)
    one, four = (Perceptron(rate).fit(x, y) for rate in (1, 4))
    assert_allclose(four.w, 4 * one.w, rtol=1e-12)
    assert four.mistakes == one.mistakes


# The delta rule


def test_one_unit_with_half_the_squared_error():
    found = Unit(bp.Sigmoid(), w=[0.5, -0.25], b=0.1).slopes([[1, 2]], [1])
    assert_allclose(found.y, [[0.52497918747894]], rtol=0, atol=1e-14)
    assert_allclose(found.delta, [[-0.11845880923571206]], rtol=1e-12)
    assert_allclose(found.db, -0.11845880923571206, rtol=1e-12)
    assert_allclose(found.dw, [-0.1184588092, -0.2369176185], rtol=0, atol=1e-10)
    assert_allclose(found.dw, [found.db, 2 * found.db], rtol=1e-15)  # the factor x


def test_one_unit_with_the_cross_entropy():
    found = Unit(bp.Sigmoid(), w=[0.5, -0.25], b=0.1, loss=CROSS_ENTROPY).slopes([[1, 2]], [1])
    assert_allclose(found.delta, [[-0.47502081252106]], rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        (None, delta_rule.HALF_SQUARE),
        (bp.Sigmoid(), delta_rule.HALF_SQUARE),
        (bp.Sigmoid(), CROSS_ENTROPY),
        (bp.Tanh(), delta_rule.HALF_SQUARE),
        (bp.Softplus(), bp.MeanSquaredError()),
    ],
)
@pytest.mark.parametrize(("N", "D"), [(1, 1), (1, 3), (4, 2), (7, 5)])
def test_slopes_are_those_of_differences(activation, loss, N, D):
    rng = np.random.default_rng(N + D)
    x, t, w, h = rng.standard_normal((N, D)), rng.random(N), rng.standard_normal(D), 1e-6

    def cost(w, b):
        return Unit(activation, w=w, b=b, loss=loss).slopes(x, t).loss

    found = Unit(activation, w=w, b=0.3, loss=loss).slopes(x, t)
    for i, step in enumerate(h * np.eye(D)):
        slope = (cost(w + step, 0.3) - cost(w - step, 0.3)) / (2 * h)
        assert_allclose(found.dw[i], slope, rtol=1e-7, atol=1e-9)
    slope = (cost(w, 0.3 + h) - cost(w, 0.3 - h)) / (2 * h)
    assert_allclose(found.db, slope, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("activation", [bp.Sigmoid(), bp.Tanh(), bp.Identity()])
def test_the_unit_passes_the_gradient_check(activation):
    unit = Unit(activation, w=[0.5, -0.25, 0.8], b=0.1)
    bp.gradcheck(unit.net, np.random.default_rng(0).standard_normal((4, 3))).assert_ok()


def test_adaline_finds_least_squares():
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((20, 3)), rng.standard_normal(20)
    unit = Unit(w=[0.0, 0.0, 0.0]).fit(x, t, rate=0.02, updates=2000)
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(20)]), t)[0]
    assert_allclose([*unit.net[0].W[:, 0], unit.net[0].b[0]], solution, rtol=1e-9)


def test_adaline_answers_a_half_to_all_of_xor():
    unit = Unit(w=[0.3, -0.2]).fit(PATTERNS, TRUTH["XOR"], rate=0.1, updates=2000)
    assert_allclose(unit.predict(PATTERNS), [0.5] * 4, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["AND", "OR"])
def test_a_logistic_unit_learns_what_a_line_separates(name):
    unit = Unit(bp.Sigmoid()).fit(PATTERNS, TRUTH[name], rate=1.0, updates=2000)
    assert_array_equal(unit.predict(PATTERNS) > 0.5, np.equal(TRUTH[name], 1))


def test_units_do_not_share_their_weights():
    one, two = Unit(), Unit()
    one.fit(PATTERNS, [1, 1, 1, 1], rate=0.1, updates=1)
    assert_array_equal(two.net.parameters, 0)


def test_a_unit_of_a_unit():
    f, df, tempting = delta_rule.unit_of_unit(1.5, 2)
    assert_allclose(f, 0.7216325609518421, rtol=1e-14)
    assert_allclose(df, 0.018150085176305647, rtol=1e-12)
    assert_allclose(tempting, 0.200879008, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("w", "x"), [(1.5, 2.0), (-0.3, 0.7), (0.0, 1.0), (2.0, -1.0)])
def test_its_slope_is_that_of_differences(w, x):
    h = 1e-6
    above, below = (delta_rule.unit_of_unit(w + step, x)[0] for step in (h, -h))
    assert_allclose(delta_rule.unit_of_unit(w, x)[1], (above - below) / (2 * h), rtol=1e-7)


@pytest.mark.parametrize(
    ("call", "text", "kind"),
    [
        (lambda: Perceptron(0), "Perceptron expects rate to be above 0, got 0", ValueError),
        (
            lambda: Perceptron("fast"),
            "Perceptron expects rate to be a finite number, got 'fast'",
            ValueError,
        ),
        (
            lambda: Perceptron().fit(PATTERNS, [0, 1, 2, 0]),
            "Perceptron.fit expects labels 0 or 1, got 2",
            ValueError,
        ),
        (
            lambda: Perceptron().fit(PATTERNS, [-1, 1, 1, -1]),
            "Perceptron.fit expects labels 0 or 1, got -1",
            ValueError,
        ),
        (
            lambda: Perceptron().fit(PATTERNS, [0, 1]),
            "Perceptron.fit expects labels of shape (4,), got (2,)",
            ValueError,
        ),
        (
            lambda: Perceptron().fit([0, 1], [0, 1]),
            "Perceptron.fit expects inputs of shape (N, D), got (2,)",
            ValueError,
        ),
        (
            lambda: Perceptron().fit([[np.nan]], [0]),
            "Perceptron.fit expects finite inputs, got NaN or infinity",
            ValueError,
        ),
        (
            lambda: Perceptron().fit(PATTERNS, [0, 0, 0, 1], epochs=0),
            "Perceptron.fit expects epochs to be a whole number of at least 1, got 0",
            ValueError,
        ),
        (
            lambda: Perceptron().predict(PATTERNS),
            "Perceptron.predict expects fit before it, got none",
            ValueError,
        ),
        (
            lambda: Perceptron().fit(PATTERNS, [0, 0, 0, 1]).predict([[1, 2, 3]]),
            "Perceptron.predict expects inputs of shape (N, 2), got (1, 3)",
            ValueError,
        ),
        (
            lambda: Unit("logistic"),
            "Unit expects a layer such as Sigmoid(), got 'logistic'",
            TypeError,
        ),
        (lambda: Unit(w=[[1.0]]), "Unit expects w of shape (D,), got (1, 1)", ValueError),
        (
            lambda: Unit(bp.Sigmoid()).slopes([[1, 2]], [1.5]),
            "Unit expects targets from 0 to 1, the range of Sigmoid(), got 1.5",
            ValueError,
        ),
        (
            lambda: Unit(bp.Tanh()).fit([[1, 2]], [-2.0], rate=1, updates=1),
            "Unit expects targets from -1 to 1, the range of Tanh(), got -2.0",
            ValueError,
        ),
        (
            lambda: Unit(bp.ReLU()).slopes([[1, 2]], [-1.0]),
            "Unit expects targets from 0 to inf, the range of ReLU(), got -1.0",
            ValueError,
        ),
        (
            lambda: Unit().slopes([[1, 2]], [1, 2]),
            "Unit expects targets of shape (1,), got (2,)",
            ValueError,
        ),
        (
            lambda: Unit().slopes([[1, 2, 3]], [1]),
            "Network expects inputs of shape (N, 2), got (1, 3)",
            ValueError,
        ),
        (
            lambda: Unit().slopes([[1, 2]], ["a"]),
            "Unit expects targets that are numbers, got <U1",
            ValueError,
        ),
        (
            lambda: Unit(loss="mse"),
            "Unit expects a loss such as HalfSquaredError(), got 'mse'",
            TypeError,
        ),
        (
            lambda: Unit().fit([[1, 2]], [1], rate="a", updates=1),
            "Unit.fit expects rate to be a finite number, got 'a'",
            ValueError,
        ),
        (
            lambda: Unit().fit([[1, 2]], [1], rate=10, updates=2000),
            "Unit.fit expects a rate at which the loss stays finite, got 10",
            FloatingPointError,
        ),
        (
            lambda: Unit().fit([[1, 2]], [1], rate=1, updates=-1),
            "Unit.fit expects updates to be a whole number of at least 0, got -1",
            ValueError,
        ),
        (
            lambda: Unit().fit([[1, 2]], [1], rate=np.nan, updates=1),
            "Unit.fit expects rate to be a finite number, got nan",
            ValueError,
        ),
    ],
)
def test_errors(call, text, kind):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()


def test_a_fit_that_is_refused_changes_nothing():
    perceptron = Perceptron()
    assert not perceptron.converged
    perceptron.fit(PATTERNS, TRUTH["AND"])
    w, b, mistakes = perceptron.w, perceptron.b, perceptron.mistakes
    with pytest.raises(ValueError, match="epochs"):
        perceptron.fit(PATTERNS, TRUTH["OR"], epochs=0)
    assert perceptron.w is w
    assert perceptron.b == b
    assert perceptron.mistakes is mistakes
    assert perceptron.converged
