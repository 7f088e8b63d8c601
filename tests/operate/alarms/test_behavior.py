"""Delays, deadbands, suppression, shelving, floods: what an operator sees, and when."""

import pytest
from tests.operate.alarms.pump import OFF, PUMP, Desk, plant

from genba.errors import Refused
from genba.operate.alarms import Fact, FactJudge, heartbeat_facts, link_facts
from genba.operate.alarms.facts import Refusals
from genba.operate.alarms.flood import Flood
from genba.operate.judge import Judgement, Sight
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    AlarmPriority,
    AlarmRule,
    AlarmSetting,
    AlarmState,
    Decision,
    Finding,
    Proposal,
    Severity,
    Verdict,
    priority_of,
    settings_of,
)

S = AlarmState
PRESSURE, HEAT = f"{PUMP}.pressure", f"{PUMP}.heat"
LOW, HIGH, HIGH_HIGH = f"{PRESSURE}:limit_low", f"{HEAT}:limit_high", f"{HEAT}:limit_high_high"


def _state(desk: Desk, name: str) -> AlarmState:
    found = desk.alarms.find(name)
    assert found is not None
    return found.state


def test_a_condition_counts_after_its_on_delay_and_its_return_after_the_off_delay() -> None:
    desk = Desk()
    desk.see(PRESSURE, 0.5)
    desk.wait(4)
    assert _state(desk, LOW) is S.NORMAL
    desk.wait(1)
    assert _state(desk, LOW) is S.UNACKNOWLEDGED
    desk.alarms.acknowledge(LOW, desk.now, "mori")
    desk.see(PRESSURE, 3.0)
    assert _state(desk, LOW) is S.ACKNOWLEDGED
    desk.wait(3)
    assert _state(desk, LOW) is S.LATCHED_ACKNOWLEDGED
    desk.alarms.reset(LOW, desk.now, "mori")
    assert _state(desk, LOW) is S.NORMAL


def test_a_short_dip_within_the_on_delay_is_no_alarm() -> None:
    desk = Desk()
    desk.see(PRESSURE, 0.5)
    desk.see(PRESSURE, 3.0)
    desk.wait(60)
    assert desk.transitions() == []


def test_the_deadband_of_the_plant_file_holds() -> None:
    desk = Desk()
    desk.see(PRESSURE, 0.5)
    desk.wait(5)
    desk.see(PRESSURE, 1.4)
    desk.wait(60)
    assert _state(desk, LOW) is S.UNACKNOWLEDGED
    desk.see(PRESSURE, 1.6)
    desk.wait(60)
    assert _state(desk, LOW) is S.LATCHED_UNACKNOWLEDGED


def test_what_is_suppressed_by_design_speaks_once_its_reason_is_gone() -> None:
    desk = Desk()
    desk.see(f"{PUMP}.state", OFF)
    assert _state(desk, LOW) is S.SUPPRESSED
    desk.see(PRESSURE, 0.1)
    desk.wait(600)
    assert _state(desk, LOW) is S.SUPPRESSED
    assert desk.annunciated() == 0
    desk.see(f"{PUMP}.state", 6)
    assert _state(desk, LOW) is S.UNACKNOWLEDGED


def test_an_unknown_state_of_the_machine_suppresses_nothing() -> None:
    desk = Desk()
    desk.see(f"{PUMP}.state", None)
    desk.see(PRESSURE, 0.1)
    desk.wait(5)
    assert _state(desk, LOW) is S.UNACKNOWLEDGED


def test_shelving_ends_by_itself_and_says_so() -> None:
    desk = Desk()
    desk.see(HEAT, 90.0)
    desk.alarms.shelve(HIGH, desk.now, "mori", 600, "fan is being changed")
    desk.see(HEAT, 20.0)
    desk.see(HEAT, 95.0)
    assert desk.annunciated() == 1
    desk.wait(600)
    assert _state(desk, HIGH) is S.UNACKNOWLEDGED
    last = desk.rows[-1]
    assert (last["event"], last["actor"], last["reason"]) == (
        "unshelve",
        "genba",
        "its time is over",
    )


@pytest.mark.parametrize(("seconds", "comment"), [(0, "x"), (86_401, "x"), (600, " ")])
def test_shelving_needs_a_reason_and_an_end(seconds: float, comment: str) -> None:
    desk = Desk()
    with pytest.raises(Refused):
        desk.alarms.shelve(HIGH, desk.now, "mori", seconds, comment)
    assert desk.transitions() == []


def test_a_critical_alarm_is_not_shelved_for_long() -> None:
    desk = Desk(plant(AlarmRule(kind="limit_high", priority=AlarmPriority.CRITICAL)))
    with pytest.raises(Refused, match="30 minutes at most"):
        desk.alarms.shelve(HIGH, desk.now, "mori", 3600, "why not")


def test_the_first_of_several_alarms_is_first_out() -> None:
    desk = Desk()
    desk.see(HEAT, 90.0)
    desk.see(HEAT, 130.0)
    first = {a.id: a.first_out for a in desk.alarms.standing()}
    assert first == {HIGH: True, HIGH_HIGH: False}


def test_an_alarm_that_comes_three_times_a_minute_chatters() -> None:
    desk = Desk()
    alarm = desk.alarms.find(HIGH)
    assert alarm is not None
    for times in range(1, 4):
        desk.see(HEAT, 90.0)
        assert alarm.chattering(desk.now) is (times == 3)
        desk.see(HEAT, 20.0)
    desk.wait(61)
    assert not alarm.chattering(desk.now)


def test_an_alarm_is_stale_after_a_day() -> None:
    desk = Desk()
    desk.see(HEAT, 90.0)
    alarm = desk.alarms.find(HIGH)
    assert alarm is not None
    desk.wait(24 * 3600)
    assert not alarm.stale(desk.now)
    desk.wait(1)
    assert alarm.stale(desk.now)


def test_a_flood_begins_above_ten_and_ends_below_five_in_ten_minutes() -> None:
    flood = Flood()
    changes = []
    for second in range(11):
        flood.annunciated(second * US)
        changes.append(flood.changed(second * US))
    assert changes == [False] * 10 + [True]
    ends = [s for s in range(11, 700) if flood.changed(s * US)]
    assert ends == [606], "four are left when the seventh is ten minutes old"


def test_after_a_restart_what_is_gone_returns_and_what_stands_stays_acknowledged() -> None:
    desk = Desk()
    desk.see(HEAT, 130.0)
    desk.alarms.acknowledge(HIGH, desk.now, "mori", "on my way")
    desk.restart()
    desk.see(HEAT, 90.0)
    assert _state(desk, HIGH) is S.ACKNOWLEDGED
    assert _state(desk, HIGH_HIGH) is S.RETURNED
    assert desk.rows[-1]["reason"] == "not found again after Genba's restart"


def test_findings_that_are_told_once_return_at_once_and_wait_for_a_person() -> None:
    desk = Desk()
    finding = Finding("F-1", desk.now, "drift", PUMP, "it drifts", Severity.WARNING)
    desk.alarms.take([Judgement(finding)], desk.now)
    desk.alarms.tick(desk.now)
    assert _state(desk, f"{PUMP}:drift") is S.RETURNED
    note = Finding("F-2", desk.now, "note", PUMP, "all is well", Severity.INFO)
    desk.alarms.take([Judgement(note)], desk.now)
    assert desk.alarms.find(f"{PUMP}:note") is None


def test_what_nobody_wants_is_no_alarm() -> None:
    desk = Desk(plant(AlarmRule(signal="*.heat", enabled=False)))
    desk.see(HEAT, 200.0)
    assert desk.transitions() == []


def test_a_device_that_takes_no_heartbeat_is_an_alarm_until_it_does() -> None:
    unheard = {"saw"}
    judge = FactJudge(lambda _: heartbeat_facts(unheard))
    (found,) = judge.judge(Sight(US, (), LiveValues()))
    assert (found.key, found.stands) == (("saw", "heartbeat", "saw"), True)
    assert settings_of(plant(), "saw", "", "heartbeat").on_delay_s == 60
    unheard.clear()
    (found,) = judge.judge(Sight(2 * US, (), LiveValues()))
    assert found.clears


def test_links_that_are_down_are_told_one_by_one() -> None:
    links = {"a": {"link": "down", "error": "no route"}, "b": {"link": "up", "error": ""}}
    judge = FactJudge(lambda _: link_facts(links))
    found = list(judge.judge(Sight(US, (), LiveValues())))
    assert [(j.key, j.stands) for j in found] == [(("", "link_down", "a"), True)]
    links["a"]["link"] = "up"
    links["b"]["link"] = "connecting"
    found = list(judge.judge(Sight(2 * US, (), LiveValues())))
    assert [(j.about, j.stands, j.clears) for j in found] == [
        ("b", True, False),
        ("a", False, True),
    ]


def test_refusals_that_repeat_are_a_fact_for_ten_minutes() -> None:
    refusals = Refusals()
    for second in range(5):
        assert list(refusals.facts(second * US)) == []
        for source in ("edd", "person"):
            proposal = Proposal("P", second * US, "dispatch", PUMP, (), "", source=source)
            verdict = Verdict("P", second * US, Decision.REFUSED, ("too hot",))
            refusals.refused(proposal, verdict)
    (fact,) = refusals.facts(5 * US)
    assert isinstance(fact, Fact)
    assert "too hot" in fact.text
    assert list(refusals.facts(700 * US)) == []


@pytest.mark.parametrize(
    ("severity", "seconds", "priority"),
    [("severe", 60, "critical"), ("severe", 600, "high"), ("major", 1800, "low"),
     ("minor", 60, "medium")],
)  # fmt: skip
def test_a_priority_comes_from_consequence_and_time(
    severity: str, seconds: float, priority: str
) -> None:
    assert priority_of(severity, seconds) == priority  # type: ignore[arg-type]


def test_the_more_particular_setting_wins_field_by_field() -> None:
    rules = (
        AlarmRule(equipment="pump-*", response="Look.", on_delay_s=9, priority="high"),
        AlarmRule(kind="limit_high", severity="minor"),
    )
    found = settings_of(plant(*rules), PUMP, HEAT, "limit_high")
    assert (found.response, found.on_delay_s, found.priority) == ("Look.", 9, AlarmPriority.LOW)
    assert found.enabled is True
    general = AlarmSetting(response="a", latch=True)
    assert AlarmSetting(response="b").over(general) == AlarmSetting(response="b", latch=True)


def test_a_link_that_is_down_is_one_alarm_and_not_one_for_each_value() -> None:
    desk = Desk()
    alarms = desk.alarms
    alarms.take([_standing("link_down", "", "plc")], desk.now)
    desk.wait(30)
    alarms.take([_standing("stale", PUMP, HEAT), _standing("stale", PUMP, PRESSURE)], desk.now)
    desk.wait(600)
    assert [a.id for a in alarms.standing() if not a.state.hidden] == ["plc:link_down"]
    alarms.take([_standing("link_down", "", "plc", clears=True)], desk.now)
    alarms.take([_standing("stale", PUMP, HEAT, clears=True)], desk.now)
    desk.wait(30)
    asking = {a.id for a in alarms.standing() if a.state is S.UNACKNOWLEDGED}
    assert asking == {f"{PRESSURE}:stale"}, "what is still old has a cause of its own"


def _standing(kind: str, equipment: str, about: str, *, clears: bool = False) -> Judgement:
    finding = Finding(f"F-{kind}-{about}", 0, kind, equipment, "x", Severity.WARNING)
    return Judgement(finding, stands=not clears, clears=clears, about=about)
