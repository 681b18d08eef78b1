"""Mistakes are called by their names in code that the names were not made on, and by no other."""

import dataclasses

import numpy as np
import pytest

import backprop as bp
from checks.more_planted import MORE_PLANTED, Loop, Pooled
from checks.planted import Planted, of, x

TWINS = list({id(planted.twin): planted.twin for planted in MORE_PLANTED}.values())


@pytest.mark.parametrize("planted", MORE_PLANTED, ids=lambda planted: f"{planted}: {planted.note}")
def test_the_name_is_right_and_no_other_is_given(planted):
    report = bp.gradcheck(planted.make(), *planted.inputs)
    assert not report
    assert {each.kind for each in report.diagnoses} == {planted.kind}, report
    explained = {name for each in report.diagnoses for name in each.tensor.split(", ")}
    assert explained >= {row.name for row in report.comparisons if row.verdict == "wrong"}, report


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_the_right_layer_passes(twin):
    report = bp.gradcheck(twin.make(), *twin.inputs)
    assert report, report
    assert not report.diagnoses


def test_a_made_up_factor_is_no_name_for_one_number():
    right, wrong = "self.db += d[n]", "self.db += 1.7 * d[n]"
    planted = Planted("", of("self", Loop, x(3, 1), n=1, m=1), right, wrong)
    report = bp.gradcheck(planted.make(), *planted.inputs)
    assert not report
    assert not report.diagnoses
    larger = dataclasses.replace(planted, twin=of("self", Loop, x(3, 2), n=2, m=2))
    report = bp.gradcheck(larger.make(), *larger.inputs)
    assert [each.kind for each in report.diagnoses] == ["factor 1.7"]


def test_all_lengths_that_a_factor_may_be_are_said():
    class Stiff(Pooled):
        """It takes no other shape, so that nothing tells N from T."""

        def forward(self, x):
            assert x.shape == (4, 4, 3)
            return super().forward(x)

        def backward(self, d):
            return self.T * super().backward(d)

    report = bp.gradcheck(Stiff(), np.random.default_rng(0).standard_normal((4, 4, 3)))
    (diagnosis,) = report.diagnoses
    assert diagnosis.kind == "factor T"
    assert "T = N = 4 here" in diagnosis.evidence


def smudged(code):
    """Return code whose first gradient is off by some percent, another in each entry."""

    def smudge(dx):
        return dx * (1 + np.random.default_rng(3).uniform(0.02, 0.05, np.shape(dx)))

    if isinstance(code, type):

        class Smudged(code):
            def backward(self, d):
                dx = super().backward(d)
                return (smudge(dx[0]), *dx[1:]) if isinstance(dx, tuple) else smudge(dx)

        return Smudged

    def backward(d, cache):
        found = code[1](d, cache)
        return (smudge(found[0]), *found[1:]) if isinstance(found, tuple) else smudge(found)

    return code[0], backward


@pytest.mark.parametrize("twin", [t for t in TWINS if t.style != "scipy"], ids=str)
def test_numbers_that_no_mistake_gives_have_no_name(twin):
    wrong = dataclasses.replace(twin, code=smudged(twin.code))
    report = bp.gradcheck(wrong.make(), *wrong.inputs)
    assert not report
    assert not report.diagnoses, report
