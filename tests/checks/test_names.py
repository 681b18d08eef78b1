"""Mistakes are called by their names in code that the names were not made on, and by no other."""

import pytest

import backprop as bp
from checks.more_planted import MORE_PLANTED

TWINS = list({id(planted.twin): planted.twin for planted in MORE_PLANTED}.values())


@pytest.mark.parametrize("planted", MORE_PLANTED, ids=lambda planted: f"{planted}: {planted.note}")
def test_the_name_is_right_and_no_other_is_given(planted):
    report = bp.gradcheck(planted.make(), *planted.inputs)
    assert not report
    assert {each.kind for each in report.diagnoses} == {planted.kind}, report


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_the_right_layer_passes(twin):
    report = bp.gradcheck(twin.make(), *twin.inputs)
    assert report, report
    assert not report.diagnoses
