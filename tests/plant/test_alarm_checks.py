"""Alarms that can never come are errors; those that nobody can follow are warnings."""

import pytest
from tests.operate.alarms.pump import PUMP, plant

from genba.plant import AlarmRule, AlarmSetting, Limits, Plant, Problem, SignalAlarms, check_plant


def _alarms(made: Plant) -> list[Problem]:
    return [p for p in check_plant(made) if "alarms" in p.path or "limits" in p.path]


def _with(**changes: object) -> Plant:
    made = plant(AlarmRule(response="Look."))
    (pump,) = made.equipment
    signals = tuple(
        s.model_copy(update=changes) if s.id == f"{PUMP}.heat" else s for s in pump.signals
    )
    return made.model_copy(update={"equipment": (pump.model_copy(update={"signals": signals}),)})


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (AlarmRule(equipment="press-*", response="x"), "'press-*' fits no equipment"),
        (AlarmRule(signal="*.presure", response="x"), "'*.presure' fits no signal"),
        (AlarmRule(response="x", suppress_when="{equipment}.stat == 2"), "there is no signal"),
        (AlarmRule(response="x", suppress_when="{equipment}.state"), "neither true nor false"),
        (AlarmRule(response="x", suppress_when="{equipment}.state =="), "it ends too early"),
    ],
)
def test_a_rule_that_makes_no_sense(rule: AlarmRule, said: str) -> None:
    problems = [str(p) for p in _alarms(plant(rule)) if p.severity == "error"]
    assert any(said in problem for problem in problems), problems


def test_a_limit_without_a_response_deserves_a_look() -> None:
    problems = _alarms(plant(AlarmRule(kind="limit_high", response="Cool it.")))
    assert [(p.severity, p.path[-1]) for p in problems] == [
        ("warning", "low"),
        ("warning", "high_high"),
    ]
    assert _alarms(plant(AlarmRule(response="Look."))) == []
    assert _alarms(plant(AlarmRule(enabled=False))) == []


@pytest.mark.parametrize(
    ("alarms", "said"),
    [
        (SignalAlarms(low=AlarmSetting(response="x")), "has no limit low"),
        (SignalAlarms(rate=AlarmSetting(response="x")), "has no max_rate"),
        (SignalAlarms(high=AlarmSetting(suppress_when="nope > 1")), "there is no signal 'nope'"),
    ],
)
def test_an_alarm_of_a_signal_that_can_never_come(alarms: SignalAlarms, said: str) -> None:
    made = _with(alarms=alarms, limits=Limits(high=80.0))
    assert [said in str(p) for p in _alarms(made) if p.severity == "error"] == [True]
