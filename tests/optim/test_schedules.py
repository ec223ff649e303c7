"""Schedules: values at the boundaries, and what holds for all of them."""

from __future__ import annotations

import itertools
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.optim
from chainrule.errors import InputError
from chainrule.optim import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Schedule,
    Step,
    Warmup,
)

unit = st.floats(0, 1)
open_unit = st.floats(0.001, 0.999)
plain = st.one_of(
    st.just(Constant()),
    st.builds(Step, st.floats(0.01, 50), open_unit),
    st.builds(Exponential, open_unit),
    st.builds(Cosine, unit),
    st.builds(OneCycle, open_unit, unit, unit),
)
schedules = plain | st.builds(Warmup, st.floats(0.01, 20), plain)
SMOOTH = [Constant(), Exponential(), Cosine(), Cosine(0.1), OneCycle(), OneCycle(0.5, 0, 0)]


def test_constant():
    assert [Constant().factor(epoch, 10) for epoch in (0, 0.1, 10, 11)] == [1, 1, 1, 1]


def test_step_changes_at_whole_stairs_only():
    step = Step(2, 0.1)
    assert step.factor(0, 10) == step.factor(1.999, 10) == 1
    assert step.factor(2, 10) == step.factor(3.999, 10) == 0.1
    assert step.factor(4, 10) == pytest.approx(0.01)
    assert Step(0.1, 0.5).factor(0.3, 1) == 0.125
    assert Step() == Step(1, 0.1)


def test_exponential():
    assert Exponential(0.5).factor(0, 10) == 1
    assert Exponential(0.5).factor(3, 10) == 0.125
    assert Exponential(0.25).factor(0.5, 10) == 0.5


def test_cosine():
    assert Cosine().factor(0, 10) == 1
    assert Cosine().factor(5, 10) == pytest.approx(0.5)
    assert Cosine().factor(10, 10) == 0
    assert Cosine(0.2).factor(10, 10) == 0.2
    assert Cosine(0.2).factor(12, 10) == 0.2  # past the end the last factor holds


def test_one_cycle():
    cycle = OneCycle(0.25, 0.1, 0.01)
    assert cycle.factor(0, 8) == 0.1
    assert cycle.factor(1, 8) == pytest.approx(0.55)
    assert cycle.factor(2, 8) == 1
    assert cycle.factor(5, 8) == pytest.approx(0.505)
    assert cycle.factor(8, 8) == pytest.approx(0.01)


def test_warmup():
    warmup = Warmup(2, "cosine")
    assert [warmup.factor(e, 10) for e in (0, 0.5, 1, 2)] == [0, 0.25, 0.5, 1]
    assert warmup.factor(6, 10) == pytest.approx(0.5)
    assert warmup.factor(10, 10) == 0
    assert Warmup(1).factor(1, 1) == 1
    assert Warmup(4, "cosine").factor(2, 2) == 0.5  # training ends within the warm-up


def test_warmup_takes_a_schedule_or_its_spelling():
    assert Warmup(2, Cosine(0.1)) == Warmup(2, "cosine( 0.1 )") == Warmup(2, then="cosine(0.1)")
    assert Warmup(2, Cosine(0.1)).then == "cosine(0.1)"
    assert SCHEDULES.make("warmup(1, cosine)") == Warmup(1, Cosine())
    assert SCHEDULES.make("warmup(then=step(3, gamma=0.5))").following == Step(3, 0.5)


@given(schedules, st.floats(0, 200), st.floats(0, 100))
def test_the_factor_is_finite_and_in_the_unit_interval(schedule, epoch, epochs):
    factor = schedule.factor(epoch, epochs)
    assert type(factor) is float
    assert math.isfinite(factor)
    assert 0 <= factor <= 1


@given(schedules)
def test_spelling_and_pickle_round_trip(schedule):
    assert SCHEDULES.make(schedule.spelling) == schedule
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert again.factor(1.5, 10) == schedule.factor(1.5, 10)


@given(plain, st.floats(0.5, 5))
def test_warmup_is_continuous_where_the_other_schedule_begins(then, length):
    warmup, gap = Warmup(length, then), 1e-7
    before, at = warmup.factor(length - gap, 20), warmup.factor(length, 20)
    assert at == then.factor(0, 20 - length)
    assert before == pytest.approx(at, abs=1e-5)


@pytest.mark.parametrize("schedule", [*SMOOTH, *(Warmup(1.5, s) for s in SMOOTH)], ids=repr)
def test_smooth_schedules_do_not_jump(schedule):
    values = [schedule.factor(i / 1000, 10) for i in range(10_001)]
    jumps = [abs(b - a) for a, b in itertools.pairwise(values)]
    assert max(jumps) < 1e-3


def test_one_cycle_peaks_once():
    values = [OneCycle().factor(i / 100, 10) for i in range(1001)]
    peak = values.index(max(values))
    assert peak == 300
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)


@pytest.mark.parametrize(
    ("spelling", "words"),
    [
        ("cosin", "unknown schedule 'cosin'.*did you mean 'cosine'"),
        ("onecicle", "did you mean 'one_cycle'"),
        ("warmup(1, cosin)", "did you mean 'cosine'"),
        ("warmup(1, warmup(2))", "must not be another warmup.*one warmup of more epochs"),
        ("warmup(0)", "Warmup: epochs must be a number above 0, got 0"),
        ("warmup(1, 2)", "2 is not a registered schedule"),
        ("step(0)", "Step: every must be"),
        ("step(1, 0)", r"Step: gamma must be a number in \(0, 1\], got 0"),
        ("exponential(1.1)", "Exponential: gamma must be"),
        ("cosine(-0.1)", "Cosine: final must be"),
        ("one_cycle(1)", "OneCycle: peak_at must be"),
        ("one_cycle(start=2)", "OneCycle: start must be"),
        ("one_cycle(final=2)", "OneCycle: final must be"),
        ("constant(1)", "cannot make the schedule"),
    ],
)
def test_bad_arguments_are_refused(spelling, words):
    with pytest.raises(InputError, match=words):
        SCHEDULES.make(spelling)


def test_registered_names_and_exports():
    assert SCHEDULES.names() == sorted(
        ["constant", "cosine", "exponential", "one_cycle", "step", "warmup"]
    )
    for cls in SCHEDULES.classes().values():
        assert issubclass(cls, Schedule)
        assert cls.__name__ in chainrule.optim.__all__
