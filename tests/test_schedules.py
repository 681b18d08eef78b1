"""Schedules: exact values, purity, errors."""

import math

import pytest

from backprop.schedules import (
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    WarmUp,
)

SCHEDULES = [
    ConstantRate(),
    StepDecay(2, 0.5),
    ExponentialDecay(0.9),
    CosineDecay(4, floor=0.1),
    WarmUp(2, StepDecay(1, 0.5)),
    ReduceOnPlateau(1, 0.5, min_delta=0.1),
]


@pytest.mark.parametrize("epoch", [0, 0.25, 7, 1000])
def test_constant(epoch):
    assert ConstantRate()(epoch, (1.0, 2.0)) == 1


@pytest.mark.parametrize(
    ("epoch", "factor"),
    [(0, 1), (2.999, 1), (3, 0.5), (5, 0.5), (5.999, 0.5), (6, 0.25), (30.5, 2.0**-10)],
)
def test_step(epoch, factor):
    assert StepDecay(3, 0.5)(epoch) == factor


@pytest.mark.parametrize(("epoch", "factor"), [(0, 1), (1, 0.25), (0.5, 0.5), (2.5, 0.03125)])
def test_exponential(epoch, factor):
    assert ExponentialDecay(0.25)(epoch) == factor


@pytest.mark.parametrize(
    ("epoch", "factor"),
    [(0, 1), (1, (2 + math.sqrt(2)) / 4), (2, 0.5), (3, (2 - math.sqrt(2)) / 4), (4, 0), (9, 0)],
)
def test_cosine(epoch, factor):
    assert CosineDecay(4)(epoch) == pytest.approx(factor, rel=1e-14, abs=1e-16)


@pytest.mark.parametrize(("epoch", "factor"), [(0, 1), (2, 0.6), (4, 0.2), (100, 0.2)])
def test_cosine_with_a_floor(epoch, factor):
    assert CosineDecay(4, floor=0.2)(epoch) == pytest.approx(factor, rel=1e-14)


@pytest.mark.parametrize(
    ("epoch", "factor"), [(0, 0), (0.5, 0.25), (1, 0.5), (2, 1), (2.5, 1), (99, 1)]
)
def test_warm_up(epoch, factor):
    assert WarmUp(2)(epoch) == factor


@pytest.mark.parametrize(
    ("epoch", "factor"), [(0, 0), (1, 0.5), (2, 1), (2.9, 1), (3, 0.5), (4, 0.25)]
)
def test_what_follows_the_warm_up_counts_from_its_end(epoch, factor):
    assert WarmUp(2, StepDecay(1, 0.5))(epoch) == factor


def test_a_warm_up_can_be_part_of_an_epoch():
    schedule = WarmUp(0.5, ExponentialDecay(0.25))
    assert [schedule(epoch) for epoch in (0, 0.25, 0.5, 1)] == [0, 0.5, 1, 0.5]


def test_what_follows_the_warm_up_does_not_see_its_losses():
    schedule = WarmUp(1.5, ReduceOnPlateau(1, 0.5))
    assert schedule(2, (1.0, 5.0)) == 1
    assert schedule(3, (1.0, 5.0, 9.0)) == 1  # 9 is the first loss that counts
    assert schedule(4, (1.0, 5.0, 9.0, 9.0)) == 0.5


@pytest.mark.parametrize(
    ("losses", "cuts"),
    [
        ((), 0),
        ((1.0,), 0),
        ((3.0, 2.0, 1.0), 0),
        ((3.0, 3.0), 0),
        ((3.0, 3.0, 3.0), 1),  # two epochs without improvement
        ((3.0, 3.0, 2.0, 2.0), 0),  # each improvement starts the count anew
        ((3.0, 4.0, 5.0, 2.0), 1),
        ((3.0, 3.0, 3.0, 3.0), 1),  # and so does each cut
        ((3.0, 3.0, 3.0, 3.0, 3.0), 2),
        ((3.0, 4.0, 3.5, 3.0, 3.0), 2),  # compared with the best, not with the last
        ((math.nan,), 0),
        ((math.nan, math.nan), 1),
        ((1.0, math.nan, 0.5), 0),
    ],
)
def test_on_plateau(losses, cuts):
    assert ReduceOnPlateau(2, 0.25)(len(losses), losses) == 0.25**cuts


def test_on_plateau_min_delta():
    schedule = ReduceOnPlateau(1, 0.5, min_delta=0.25)
    assert schedule(2, (1.0, 0.8)) == 0.5
    assert schedule(2, (1.0, 0.75)) == 0.5  # not more than min_delta
    assert schedule(2, (1.0, 0.7)) == 1
    assert schedule(3, (1.0, 0.8, 0.7)) == 0.5  # against 1.0, which is still the best


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
class TestContract:
    """What holds for every schedule."""

    def test_it_is_a_function(self, schedule):
        before = dict(vars(schedule))
        losses = [3.0, 2.0, 2.5, 2.4]
        asked = [(schedule(epoch, losses[: int(epoch)]), epoch) for epoch in (0, 1.5, 4, 2, 3)]
        for factor, epoch in reversed(asked):
            assert schedule(epoch, losses[: int(epoch)]) == factor
            assert schedule(epoch, tuple(losses[: int(epoch)])) == factor
        assert vars(schedule) == before
        assert losses == [3.0, 2.0, 2.5, 2.4]

    def test_its_factor_is_a_plain_number(self, schedule):
        assert type(schedule(1)) is float
        assert type(schedule(1.5, (1.0,))) is float

    def test_its_settings_make_it_again(self, schedule):
        again = type(schedule)(**schedule.settings)
        assert vars(again) == vars(schedule)


def test_repr():
    assert [repr(schedule) for schedule in SCHEDULES] == [
        "ConstantRate()",
        "StepDecay(2, 0.5)",
        "ExponentialDecay(0.9)",
        "CosineDecay(4.0, floor=0.1)",
        "WarmUp(2.0, after=StepDecay(1, 0.5))",
        "ReduceOnPlateau(1, 0.5, min_delta=0.1)",
    ]


WRONG = [
    (
        lambda: StepDecay(0, 0.5),
        "StepDecay expects every to be a whole number of at least 1, got 0",
    ),
    (
        lambda: StepDecay(1.5, 0.5),
        "StepDecay expects every to be a whole number of at least 1, got 1.5",
    ),
    (
        lambda: StepDecay(1, -1),
        "StepDecay expects factor to be a finite number of at least 0, got -1",
    ),
    (
        lambda: ExponentialDecay(math.nan),
        "ExponentialDecay expects factor to be a finite number of at least 0, got nan",
    ),
    (lambda: CosineDecay(0), "CosineDecay expects epochs above 0, got 0"),
    (
        lambda: CosineDecay(-1),
        "CosineDecay expects epochs to be a finite number of at least 0, got -1",
    ),
    (
        lambda: CosineDecay(1, floor=-1),
        "CosineDecay expects floor to be a finite number of at least 0, got -1",
    ),
    (lambda: WarmUp(0), "WarmUp expects epochs above 0, got 0"),
    (
        lambda: ReduceOnPlateau(0, 0.5),
        "ReduceOnPlateau expects patience to be a whole number of at least 1, got 0",
    ),
    (
        lambda: ReduceOnPlateau(1, 1),
        "ReduceOnPlateau expects factor to be a finite number of at least 0 below 1, got 1",
    ),
    (
        lambda: ReduceOnPlateau(1, 0.5, min_delta=-1),
        "ReduceOnPlateau expects min_delta to be a finite number of at least 0, got -1",
    ),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_wrong_settings(make, message):
    with pytest.raises(ValueError, match="expects") as error:
        make()
    assert str(error.value) == message


def test_after_the_warm_up_must_come_a_schedule():
    with pytest.raises(TypeError) as error:
        WarmUp(1, 0.5)
    assert str(error.value) == "WarmUp expects after to be a schedule, got 0.5"


def test_the_base_class_has_no_factor():
    with pytest.raises(NotImplementedError) as error:
        Schedule()(0)
    assert str(error.value) == "Schedule has no __call__"
