"""What passes must not do is found before numbers are compared, each thing by its own name."""

import numpy as np
import pytest

import backprop as bp
from backprop.selfcheck import spread
from checks.planted import PLANTED

x = spread((3, 4), 0)


def planted(kind, style):
    return next(p for p in PLANTED if p.kind == kind and p.style == style)


@pytest.mark.parametrize(
    ("kind", "style", "text"),
    [
        ("overwrites delta", "pair", "backward changed the delta it was given, in line"),
        ("overwrites its input", "self", "forward changed the input x, in line"),
        ("overwrites the cache", "pair", "backward changed the cache, in line"),
        ("overwrites its parameters", "self", "backward changed the parameter W, in line"),
        (
            "answer differs on the second call",
            "self",
            "backward gives another gradient of W when it is called again: it is added to the"
            " earlier one, which nobody has set to zero",
        ),
        ("depends on an earlier forward", "self", "the gradients depend on an earlier pass"),
        ("missing gradient", "layer", "g: its gradient is missing; backward gave those of x"),
        ("wrong shape", "self", "b: its gradient has shape (1, 2) and b (2,)"),
        ("wrong dtype", "self", "W: its gradient is float32 and W float64"),
        (
            "nondeterministic forward",
            "self",
            "forward gives another answer each time, even from a fixed seed: its derivative cannot"
            " be checked. Let it take a generator, or draw the same mask in every pass",
        ),
    ],
)
def test_findings_say_what_was_done(kind, style, text):
    each = planted(kind, style)
    report = bp.gradcheck(each.make(), *each.inputs)
    assert not report
    assert report.verdict == "wrong"
    found = [finding for finding in report.findings if finding.kind == kind]
    assert found
    assert found[0].serious
    assert text in str(report)


def test_the_line_that_writes_is_shown():
    each = planted("overwrites delta", "pair")
    report = bp.gradcheck(each.make(), *each.inputs)
    assert ": dout *= slope\n" in str(report)


def test_a_view_is_worth_a_note_and_no_more():
    report = bp.gradcheck(bp.Identity(), x)
    assert report
    assert [finding.kind for finding in report.findings] == ["returns a view of its input"] * 2
    assert "note: y is a view of x, not numbers of its own" in str(report)
    assert "note: x: its gradient is a view of delta" in str(report)


@pytest.mark.parametrize("own", [False, True])
def test_generators_are_seeded_and_that_is_told(own):
    class Mask:
        def __init__(self):
            self.rng = np.random.default_rng(3) if own else None

        def forward(self, x):
            draw = self.rng.random if own else np.random.random_sample
            self.mask = draw(x.shape) < 0.5
            return x * self.mask

        def backward(self, delta):
            return delta * self.mask

    state = np.random.get_state()[1].copy()  # noqa: NPY002
    report = bp.gradcheck(Mask(), x)
    assert report, report
    assert "note: forward draws from np.random's global state or from a generator" in str(report)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_a_backward_that_takes_no_notice_of_delta():
    class Last(bp.Layer):
        def forward(self, x, /):
            return x**2, x

        def backward(self, delta, cache, /):
            return 2 * cache, {}

    report = bp.gradcheck(Last(), x)
    assert "not linear in delta" in [finding.kind for finding in report.findings]
    assert "the gradient of x does not double with delta" in str(report)


def test_not_a_number_is_a_finding():
    class Nan(bp.Tanh):
        def backward(self, delta, cache, /):
            return delta * np.nan, {}

    report = bp.gradcheck(Nan(), x)
    assert "not finite" in [finding.kind for finding in report.findings]
    assert report["x"].verdict == "wrong"
    assert "NaN" in report.to_json() or "nan" in report.to_json()


def test_a_backward_that_raises_is_shown_with_its_line():
    class Raises:
        def forward(self, x):
            return x.sum(axis=1)

        def backward(self, delta):
            return delta @ np.ones((2, 2))

    report = bp.gradcheck(Raises(), x)
    assert [finding.kind for finding in report.findings] == ["crash"]
    assert "backward raised ValueError: matmul" in str(report)
    assert "return delta @ np.ones((2, 2))" in str(report)


def test_a_forward_that_raises_is_left_to_raise():
    class Raises:
        def forward(self, x):
            raise RuntimeError("no wheels")

        def backward(self, delta):
            return delta

    with pytest.raises(RuntimeError, match="no wheels"):
        bp.gradcheck(Raises(), x)


@pytest.mark.parametrize("value", [None, 3.0, "text", [1.0, 2.0]])
def test_gradients_that_are_no_arrays(value):
    class Odd:
        def forward(self, x):
            return x * 2

        def backward(self, delta):
            return value

    report = bp.gradcheck(Odd(), x)
    assert not report
    kinds = {"wrong shape", "wrong type", "missing gradient"}
    assert {finding.kind for finding in report.findings if finding.serious} & kinds
