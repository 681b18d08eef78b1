"""The checker: it passes what is right, fails what is wrong, and says which entry."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import backprop as bp
from backprop.selfcheck import spread


def inputs(*shape, seed=0):
    return spread(shape, seed)


# What is right passes


def test_a_layer_that_is_not_built_is_built_for_the_inputs():
    layer = bp.LSTM(3)
    assert bp.gradcheck(layer, inputs(2, 4, 5))
    with pytest.raises(ValueError, match="build"):
        _ = layer.params  # the layer itself is as it was


def test_nothing_that_is_passed_in_changes():
    net = bp.Network([bp.Dense(4), bp.Tanh(), bp.Dense(2)])
    net.build((3,), rng=0)
    before = net.parameters.copy()
    x = inputs(2, 3)
    x.flags.writeable = False
    assert bp.gradcheck(net, x)
    assert np.array_equal(net.parameters, before)
    assert net.dtype == np.float32


@pytest.mark.parametrize("target", [np.array([2, 0]), np.array([[0.2, 0.3, 0.5], [1, 0, 0]])])
def test_a_network_with_its_loss(target):
    net = bp.Network([bp.Dense(4), bp.Tanh(), bp.Dense(3)])
    report = bp.gradcheck(net, inputs(2, 5), loss=bp.SoftmaxCrossEntropy(), target=target)
    assert [row.name for row in report.comparisons] == ["x", "0.W", "0.b", "2.W", "2.b"]
    report.assert_ok()


def test_a_loss_by_itself():
    assert bp.gradcheck(bp.SoftmaxCrossEntropy(), inputs(3, 4), target=np.array([0, 3, 1]))
    assert bp.gradcheck(bp.MeanSquaredError(), inputs(3, 4), target=inputs(3, 4, seed=1))


def test_several_inputs_have_numbered_names():
    report = bp.gradcheck(bp.RNN(2), inputs(2, 3, 4), inputs(2, 2))
    assert [row.name for row in report.comparisons] == ["x0", "x1", "Wx", "Wh", "b"]


def test_masks_are_the_same_in_every_pass():
    assert bp.gradcheck(bp.Dropout(0.5), inputs(4, 6))


# What is wrong fails


class Wrong(bp.Layer):
    """y = x^2 with a derivative that is wrong by a factor."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def forward(self, x, /):
        return x**2, x

    def backward(self, delta, cache, /):
        return 2 * self.factor * cache * delta, {}


@pytest.mark.parametrize("error", [1, 1e-3, 1e-6, 1e-9, 3e-12])
def test_errors_far_below_the_reach_of_differences_are_found(error):
    report = bp.gradcheck(Wrong(1 + error), inputs(3, 4))
    assert not report
    assert report["x"].verdict == "wrong"
    assert_allclose(report["x"].complex_error, error, rtol=1e-3 if error < 1e-3 else 1)


def test_one_wrong_entry_is_pointed_at():
    class OneOff(bp.Dense):
        def grads(self, delta, cache, /):
            grads = super().grads(delta, cache)
            grads["W"][2, 1] += 0.01
            return grads

    report = bp.gradcheck(OneOff(3), inputs(2, 4))
    assert [row.verdict for row in report.comparisons] == ["ok", "wrong", "ok"]
    assert report.worst().name == "W"
    assert report.worst().worst == (2, 1)


MISTAKES = {
    "the activation's derivative left out": (bp.Tanh, lambda s, d, c: (d, {})),
    "the sign": (bp.Tanh, lambda s, d, c: (-d * (1 - c**2), {})),
    "softmax's diagonal only": (bp.Softmax, lambda s, d, c: (d * c * (1 - c), {})),
    "the mean for the sum": (
        lambda: bp.Dense(3),
        lambda s, d, c: (d @ s.W.T, {k: g / len(d) for k, g in s.grads(d, c).items()}),
    ),
    "W for its transpose": (lambda: bp.Dense(4), lambda s, d, c: (d @ s.W, s.grads(d, c))),
    "NaN": (bp.Tanh, lambda s, d, c: (d * np.nan, {})),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_usual_mistakes_fail(mistake):
    make, backward = MISTAKES[mistake]
    layer = make()
    kind = type(layer)
    layer.__class__ = type("Mine", (kind,), {"backward": lambda s, d, c, /: backward(s, d, c)})
    assert not bp.gradcheck(layer, inputs(3, 4))


def test_a_loss_whose_gradient_forgets_the_mean_fails():
    class Forgets(bp.SoftmaxCrossEntropy):
        def backward(self, cache, /):
            return 2 * super().backward(cache)

    assert not bp.gradcheck(Forgets(), inputs(2, 3), target=np.array([0, 1]))


# What has no derivative, and what cannot be told


def test_a_kink_is_listed_with_both_slopes():
    report = bp.gradcheck(bp.ReLU(), np.array([[0.0, 1.0, -1.0]]))
    assert report
    row = report["x"]
    assert row.verdict == "undefined here"
    assert row.worst == (0, 0)
    assert row.kinks.tolist() == [True, False, False]
    value, _, left, right = row.at((0, 0))
    assert value == 0
    assert left == pytest.approx(0, abs=1e-12)
    assert abs(right) > 0.01
    assert "undefined at 1 of 3 entries; at [0, 0] the slopes are" in str(report)
    assert "1 of 1 lie between their slopes" in report._repr_html_()


@pytest.mark.parametrize(("at_zero", "verdict"), [(0.5, "undefined here"), (1.5, "wrong")])
def test_any_slope_between_the_two_will_do_and_no_other(at_zero, verdict):
    class Rectifier(bp.Layer):
        def forward(self, x, /):
            return np.where(x.real > 0, x, 0), x

        def backward(self, delta, cache, /):
            return delta * np.where(cache > 0, 1, np.where(cache < 0, 0, at_zero)), {}

    assert bp.gradcheck(Rectifier(), np.array([[0.0, 1.0, -1.0]]))["x"].verdict == verdict


def test_a_branch_whose_neighbours_agree_is_no_mistake():
    # max(x, 0) - max(-x, 0) = x, yet at 0 both rectifiers say 0, and so does backpropagation
    net = bp.Network()
    net.add(bp.ReLU(), 0)
    net.add(bp.LeakyReLU(-1.0), 0)
    net.add(bp.Dense(1, init=bp.Constant(-1.0), bias=False), 0)
    net.add(bp.ReLU(), 3)
    net.add(bp.Dense(1, init=bp.Constant(-1.0), bias=False), 4)
    net.add(bp.Add(), 1, 5, 2)
    assert bp.gradcheck(net, np.array([[0.0], [1.0]]))


def test_an_estimate_that_is_worse_than_the_difference_decides_nothing():
    class Noisy(bp.Layer):
        """x^3 drowned in rounding, in code that lets no complex number pass."""

        def forward(self, x, /):
            y = np.empty(x.shape)
            y[...] = (x**3 + 1e10) - 1e10
            return y, x

        def backward(self, delta, cache, /):
            return delta * 3 * cache**2, {}

    report = bp.gradcheck(Noisy(), inputs(2, 3))
    assert report["x"].verdict == "cannot tell"
    assert not report
    assert "cannot tell: the differences are themselves only good to" in str(report)


def test_code_that_stops_complex_numbers_is_checked_by_differences():
    class Floats(bp.Layer):
        def forward(self, x, /):
            y = np.empty(x.shape)
            y[...] = x**3
            return y, x

        def backward(self, delta, cache, /):
            return delta * 3 * cache**2, {}

    report = bp.gradcheck(Floats(), inputs(2, 3))
    assert report
    assert report["x"].complex_error is None
    assert "not possible" in str(report)


def test_a_complex_step_that_means_nothing_is_told_and_done_without():
    class Modulus(bp.Layer):
        def forward(self, x, /):
            return np.abs(x) ** 2, x

        def backward(self, delta, cache, /):
            return delta * 2 * cache, {}

    report = bp.gradcheck(Modulus(), inputs(2, 3))
    assert report, report
    assert report["x"].complex_error is None or report["x"].complex_void


# The report


def test_the_table():
    text = str(bp.gradcheck(Wrong(), np.array([[0.5, 1.0]])))
    title, header, row = text.splitlines()
    assert title == "Wrong, taken for a layer: every gradient is right"
    assert header.split("  ")[0] == "tensor"
    assert row.split()[:6] == ["x", "(1,", "2)", "2", "of", "2"]
    assert row.endswith("ok")


def test_assert_ok_shows_the_table():
    report = bp.gradcheck(Wrong(1.5), inputs(1, 2))
    with pytest.raises(AssertionError, match="Wrong, taken for a layer: 1 wrong\ntensor"):
        report.assert_ok()


def test_html_escapes_names():
    class Odd(Wrong):
        pass

    Odd.__name__ = "<b>"
    assert "&lt;b&gt;" in bp.gradcheck(Odd(), inputs(1, 2))._repr_html_()


# Bad input

FINITE = "gradcheck expects inputs of finite numbers, at least one, got "


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: bp.gradcheck(3, inputs(1)),
            TypeError,
            "gradcheck expects a layer, an object with forward and backward, or a function and its"
            " gradient, got 3",
        ),
        (
            lambda: bp.gradcheck(bp.Tanh()),
            ValueError,
            "gradcheck expects one input or more, got none",
        ),
        (
            lambda: bp.gradcheck(bp.Tanh(), inputs(1, 2), rng=-2),
            ValueError,
            "gradcheck expects rng to be a numpy Generator or a seed, a whole number of at least 0,"
            " got -2",
        ),
        (
            lambda: bp.gradcheck(bp.Tanh(), np.empty((0, 3))),
            ValueError,
            FINITE + "an array of shape (0, 3)",
        ),
        (
            lambda: bp.gradcheck(bp.Tanh(), np.array([[np.nan]])),
            ValueError,
            FINITE + "an array of shape (1, 1)",
        ),
        (
            lambda: bp.gradcheck(bp.Tanh(), np.array(["a"])),
            TypeError,
            "gradcheck expects inputs of real numbers, got <U1",
        ),
        (
            lambda: bp.gradcheck(bp.MeanSquaredError(), inputs(1, 2), loss=bp.MeanSquaredError()),
            ValueError,
            "gradcheck expects as many inputs as forward takes, and target= for a loss, got 1 for"
            " MeanSquaredError()",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


# Impure passes and gradients that are none


def kinds(report):
    """Return the kinds of the findings that count."""
    return [finding.kind for finding in report.findings if finding.serious]


def test_a_missing_gradient_is_named():
    class Forgetful(bp.Dense):
        def grads(self, delta, cache, /):
            return {"W": super().grads(delta, cache)["W"]}

    report = bp.gradcheck(Forgetful(2), inputs(1, 2))
    assert kinds(report) == ["missing gradient"]
    assert "b: its gradient is missing; backward gave those of x, W" in str(report)


def test_a_gradient_of_the_wrong_shape_is_named():
    class Flat(bp.Dense):
        def grads(self, delta, cache, /):
            return {name: g.ravel() for name, g in super().grads(delta, cache).items()}

    report = bp.gradcheck(Flat(2), inputs(1, 3))
    assert kinds(report) == ["wrong shape"]
    assert "W: its gradient has shape (6,) and W (3, 2)" in str(report)


def test_a_backward_that_overwrites_its_delta_is_stopped_at_the_line():
    class Overwrites(bp.Layer):
        def forward(self, x, /):
            return 2 * x, None

        def backward(self, delta, cache, /):
            delta *= 2
            return delta, {}

    report = bp.gradcheck(Overwrites(), inputs(1, 3))
    assert kinds(report) == ["overwrites delta"]
    assert "backward changed the delta it was given, in line" in str(report)
    assert str(report).count("delta *= 2") == 1


def test_what_is_lost_in_rounding_is_measured_and_not_called_wrong():
    # All of a batch alike: the variance is 0, and 1 / sqrt(epsilon) blows up what cancels to 0
    net = bp.Network([bp.Embedding(1, 2, init=bp.Glorot()), bp.BatchNorm(), bp.LSTM(3)])
    net.build((6,), rng=0, dtype=np.float64)
    for seed in range(10):
        report = bp.gradcheck(net, np.zeros((2, 6), int), rng=seed)
        assert report, report


@pytest.mark.parametrize("error", [1e-6, 1e-8, 1e-10, 3e-12])
def test_losses_are_held_to_the_last_digits_too(error):
    class Off(bp.MeanSquaredError):
        def backward(self, cache, /):
            return (1 + error) * super().backward(cache)

    target = inputs(3, 4, seed=1)
    assert bp.gradcheck(Off(), inputs(3, 4), target=target)["x"].verdict == "wrong"
    net = bp.Network([bp.Dense(4)])
    assert not bp.gradcheck(net, inputs(3, 4), loss=Off(), target=target)


def test_a_parameter_without_entries_has_nothing_to_check():
    class Scaled:
        def __init__(self):
            self.W, self.none = np.ones((3, 2)), np.empty(0)

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, delta):
            self.dW, self.dnone = self.x.T @ delta, np.empty(0)
            return delta @ self.W.T

    report = bp.gradcheck(Scaled(), inputs(2, 3))
    report.assert_ok()
    assert [row.name for row in report.comparisons] == ["x", "W"]
