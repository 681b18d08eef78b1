"""The checker: it passes what is right, fails what is wrong, and says which entry."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import backprop as bp
from backprop.checks import central_differences, complex_step
from backprop.selfcheck import spread


def inputs(*shape, seed=0):
    return spread(shape, seed)


# The estimators


def test_the_textbook_figures():
    # Saitoh, Deep Learning from Scratch 3: y = (exp(x^2))^2 at 0.5, dy/dx = 4 x y
    x = np.array([0.5])
    assert math.exp(0.5**2) ** 2 == 1.648721270700128
    y = lambda: ((np.exp(x**2)) ** 2).sum()  # noqa: E731
    assert_allclose(central_differences(y, x), 3.297442541400256, rtol=1e-9)
    x = x + 0j
    assert complex_step(y, x).item() == pytest.approx(3.297442541400256, rel=1e-15)
    at = lambda x: math.exp(x**2) ** 2  # noqa: E731
    h = 1e-4
    assert (at(0.5 + h) - at(0.5 - h)) / (2 * h) == pytest.approx(3.2974426293330694, abs=4e-12)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 1, 2)])
def test_estimators_leave_the_array_as_it_was(shape):
    for estimator, dtype in ((central_differences, float), (complex_step, complex)):
        array = inputs(*shape).astype(dtype)
        before = array.copy()
        slopes = estimator(lambda a=array: (a**3).sum(), array)
        assert_allclose(slopes, 3 * before.real**2, rtol=1e-8, atol=1e-9)
        assert np.array_equal(array, before)


def test_the_complex_step_does_not_depend_on_cancellation():
    # A loss of 1e12 with a slope of 1: differences see noise, the complex step does not.
    big = lambda x: (x + 1e12).sum()  # noqa: E731
    x = np.array([0.25])
    assert abs(central_differences(lambda: big(x), x).item() - 1) > 1e-7
    z = x + 0j
    assert complex_step(lambda: big(z), z).item() == 1


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
    assert report.worst.name == "W"
    assert report.worst.worst == (2, 1)


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


# What cannot be told


def test_a_kink_is_not_called_wrong():
    report = bp.gradcheck(bp.ReLU(), np.array([[0.0, 1.0, -1.0]]))
    assert report["x"].verdict == "unsure"
    assert not report
    assert "kink" in str(report)
    assert "kink" in report._repr_html_()


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


# The report


def test_the_table():
    text = str(bp.gradcheck(Wrong(), np.array([[0.5, 1.0]])))
    title, header, row = text.splitlines()
    assert title == "Wrong: every gradient is right"
    assert header.split("  ")[0] == "tensor"
    assert row.split()[:2] == ["x", "2"]
    assert row.endswith("ok")


def test_assert_ok_shows_the_table():
    report = bp.gradcheck(Wrong(1.5), inputs(1, 2))
    with pytest.raises(AssertionError, match="Wrong: 1 wrong\ntensor"):
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
            "gradcheck expects an object with the method forward, got 3",
        ),
        (
            lambda: bp.gradcheck(bp.Tanh()),
            ValueError,
            "gradcheck expects one input or more, got none",
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
            TypeError,
            "gradcheck expects a layer below the loss, got MeanSquaredError()",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_a_missing_gradient_is_named():
    class Forgetful(bp.Dense):
        def grads(self, delta, cache, /):
            return {"W": super().grads(delta, cache)["W"]}

    with pytest.raises(ValueError, match="gradcheck expects a gradient for 'b', got those of"):
        bp.gradcheck(Forgetful(2), inputs(1, 2))


def test_a_gradient_of_the_wrong_shape_is_named():
    class Flat(bp.Dense):
        def grads(self, delta, cache, /):
            return {name: g.ravel() for name, g in super().grads(delta, cache).items()}

    message = r"gradcheck expects the gradient of 'W' to have shape \(3, 2\), got \(6,\)"
    with pytest.raises(ValueError, match=message):
        bp.gradcheck(Flat(2), inputs(1, 3))


def test_a_backward_that_overwrites_its_delta_is_stopped_at_the_line():
    class Overwrites(bp.Layer):
        def forward(self, x, /):
            return 2 * x, None

        def backward(self, delta, cache, /):
            delta *= 2
            return delta, {}

    with pytest.raises(ValueError, match="read-only") as caught:
        bp.gradcheck(Overwrites(), inputs(1, 3))
    note = "gradcheck: a pass writes to nothing that it is given, delta included"
    assert caught.value.__notes__ == [note]


def test_a_backward_without_gradients_is_told_what_to_return():
    class Bare(bp.Layer):
        def forward(self, x, /):
            return 2 * x, None

        def backward(self, delta, cache, /):
            return 2 * delta

    with pytest.raises(TypeError) as caught:
        bp.gradcheck(Bare(), inputs(1, 3))
    assert str(caught.value) == (
        "gradcheck expects backward to return (dx, grads), grads being a dict, got ndarray"
    )


def test_an_unsure_row_shows_the_entry_on_the_kink():
    report = bp.gradcheck(bp.ReLU(), np.array([[-1.0, 0.0, 1.0]]))
    assert report["x"].worst == (0, 1)
