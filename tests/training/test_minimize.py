"""L-BFGS-B, against closed forms and scikit-learn-free sums."""

import numpy as np
import pytest

from backprop.layers import BatchNorm, Dense, Dropout, Sigmoid, Tanh
from backprop.losses import HalfSquaredError, SoftmaxCrossEntropy
from backprop.network import Network
from backprop.penalties import L2
from backprop.training import minimize


def build(layers, in_shape, dtype=np.float64, rng=0):
    net = Network(layers)
    net.build(in_shape, rng=rng, dtype=dtype)
    return net


def raised(kind, call, *args, **kwargs):
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def line(count=30):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((count, 4))
    return x, x @ rng.standard_normal((4, 2)) + 0.1 * rng.standard_normal((count, 2))


def test_least_squares_is_the_solution_of_the_normal_equations():
    x, t = line()
    net = build([Dense(2)], (4,))
    # Nearer to the solution no step lowers a loss of 16 digits, and the search cannot say success.
    found = minimize(net, (x, t), loss=HalfSquaredError(reduction="sum"), tolerance=1e-7)
    A = np.hstack([x, np.ones((len(x), 1))])
    solution, residual, *_ = np.linalg.lstsq(A, t)
    np.testing.assert_allclose(np.vstack([net[0].W, net[0].b]), solution, rtol=0, atol=1e-8)
    assert found.fun == pytest.approx(residual.sum() / 2, rel=1e-12)
    assert found.success


def test_ridge_regression_and_frozen_biases():
    x, t = line()
    net = build([Dense(2)], (4,))
    loss = HalfSquaredError(reduction="sum")
    found = minimize(net, (x, t), loss=loss, penalties=[L2(3.0)], freeze="*.b", tolerance=1e-9)
    W = np.linalg.solve(x.T @ x + 3.0 * np.eye(4), x.T @ t)
    np.testing.assert_allclose(net[0].W, W, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(net[0].b, [0.0, 0.0])
    expected = 0.5 * ((x @ W - t) ** 2).sum() + 1.5 * (W**2).sum()
    assert found.fun == pytest.approx(expected, rel=1e-12)
    assert found.x.shape == (8,)


def test_losses_fall_and_the_net_ends_at_the_best_point():
    x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    net = build([Dense(4), Tanh(), Dense(2)], (2,), rng=1)
    loss = SoftmaxCrossEntropy()
    found = minimize(net, (x, y), loss=loss, penalties=[L2(1e-4)], tolerance=1e-7)
    assert (np.diff(found.losses) <= 0).all()
    assert len(found.losses) == found.nit
    assert found.losses[-1] == found.fun
    weights = sum((layer.W**2).sum() for layer in (net[0], net[2]))
    value = loss.forward(net.predict(x), y)[0] + 0.5e-4 * weights
    assert value == pytest.approx(found.fun, rel=1e-12)
    np.testing.assert_array_equal(net.predict(x).argmax(axis=1), y)
    assert np.abs(found.jac).max() <= 1e-7


def test_float32_networks_stay_float32():
    x, t = line()
    net = build([Dense(2)], (4,), np.float32)
    found = minimize(net, (x.astype(np.float32), t), loss=HalfSquaredError(), tolerance=1e-4)
    solution = np.linalg.lstsq(np.hstack([x, np.ones((len(x), 1))]), t)[0]
    assert net.parameters.dtype == np.float32
    np.testing.assert_allclose(np.vstack([net[0].W, net[0].b]), solution, rtol=0, atol=1e-3)
    assert found.fun == pytest.approx(
        float(HalfSquaredError().forward(net.predict(x), t)[0]), rel=1e-6
    )


def test_iterations_are_limited_and_shown(capsys):
    x, t = line()
    net = build([Dense(3), Sigmoid(), Dense(2)], (4,))
    found = minimize(net, (x, t), loss=HalfSquaredError(), max_iterations=3, progress=True)
    assert found.nit == 3
    lines = [f"iteration {i}  loss {value:.6g}" for i, value in enumerate(found.losses, 1)]
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_an_error_on_the_way_leaves_the_best_point(kind):
    seen = []

    class Failing(HalfSquaredError):
        def forward(self, y, target, /):
            value, cache = super().forward(y, target)
            if len(seen) == 6:
                raise kind
            if len(seen) == 5:
                value = value + 100  # the last point is not the best
            seen.append((float(value), net.parameters.copy()))
            return value, cache

    x, t = line()
    net = build([Dense(3), Sigmoid(), Dense(2)], (4,))
    loss = Failing()
    with pytest.raises(kind):
        minimize(net, (x, t), loss=loss)
    np.testing.assert_array_equal(net.parameters, min(seen, key=lambda each: each[0])[1])


def test_running_averages_are_those_of_the_best_point():
    seen = []

    class Noting(HalfSquaredError):
        def forward(self, y, target, /):
            value, cache = super().forward(y, target)
            if len(y) > 1:
                seen.append((float(value), net.averages))
            return value, cache

    x, t = line()
    net = build([Dense(3), BatchNorm(), Sigmoid(), Dense(2)], (4,))
    minimize(net, (x, t), loss=Noting(), max_iterations=5)
    best = min(seen[1:], key=lambda each: each[0])[1]  # the first call only judges the targets
    assert len(seen) > 5
    assert all(net.averages[key] is best[key] for key in best)


def test_a_loss_that_is_not_finite():
    class Broken(HalfSquaredError):
        def backward(self, cache, /):
            self.broken = True
            return super().backward(cache)

        def forward(self, y, target, /):
            value, cache = super().forward(y, target)
            return (value * np.nan if hasattr(self, "broken") else value), cache

    x, t = line()
    net = build([Dense(2)], (4,))
    before = net.parameters.copy()
    message = raised(FloatingPointError, minimize, net, (x, t), loss=Broken())
    assert message == "minimize expects a finite loss, got nan"
    np.testing.assert_array_equal(net.parameters, before)


def test_what_is_minimised_is_checked():
    x, t = line()
    net = build([Dense(2)], (4,))
    before = net.parameters.copy()
    for kind, settings, text in [
        (
            ValueError,
            {"max_iterations": 0},
            "max_iterations to be a whole number of at least 1, got 0",
        ),
        (
            ValueError,
            {"tolerance": -1},
            "tolerance to be a finite number of at least 0, got -1",
        ),
        (ValueError, {"freeze": "*"}, "parameters left to train, got none"),
        (ValueError, {"freeze": "x"}, "freeze to fit one of the keys 0.W, 0.b, got 'x'"),
        (TypeError, {"loss": "mse"}, "a loss such as SoftmaxCrossEntropy(), got 'mse'"),
    ]:
        message = raised(kind, minimize, net, (x, t), **{"loss": HalfSquaredError(), **settings})
        assert message == "minimize expects " + text
    np.testing.assert_array_equal(net.parameters, before)
    random = build([Dropout(0.5), Dense(2)], (4,))
    message = raised(ValueError, minimize, random, (x, t), loss=HalfSquaredError())
    assert message == f"minimize expects a network without random layers, got {random!r}"
