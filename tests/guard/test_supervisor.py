"""The guard says no, with every reason, to whatever lies outside what the plant file allows."""

from dataclasses import replace

import pytest
from tests.guard.small_plant import PLANT, START, Bench

from genba.errors import Refused
from genba.guard import Approval
from genba.plant import (
    US,
    Autonomy,
    AutonomyRule,
    Decision,
    Evidence,
    Interlock,
    Proposal,
    Quality,
    Sample,
    Verdict,
    Write,
)


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.show_all()
    bench.wait(10)
    bench.show("oven.temperature", 200.0)
    return bench


def target(value: object, unit: str = "Cel") -> Write:
    return Write("oven.target", value, unit)


def refusal(bench: Bench, proposal: Proposal) -> str:
    verdict = bench.guard.decide(proposal)
    assert verdict.decision is Decision.REFUSED
    with pytest.raises(Refused):
        bench.guard.command(proposal, verdict)
    return " | ".join(verdict.reasons)


def test_a_legal_proposal_becomes_a_command_once(bench: Bench) -> None:
    proposal = bench.propose(target(230.0))
    verdict = bench.guard.decide(proposal)
    assert verdict.decision is Decision.ALLOWED
    assert verdict.reasons == ()
    assert bench.guard.command(proposal, verdict).writes == (target(230.0),)
    with pytest.raises(Refused):
        bench.guard.command(proposal, verdict)


def test_a_command_carries_the_value_in_the_signals_unit(bench: Bench) -> None:
    proposal = bench.propose(target(500.0, "K"))
    command = bench.guard.command(proposal, bench.guard.decide(proposal))
    assert command.writes[0].value == pytest.approx(226.85)
    assert command.writes[0].unit == "Cel"


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (Write("oven.nothing", 1.0, "1"), "no signal"),
        (Write("oven.temperature", 100.0, "Cel"), "no setpoint"),
        (target("hot"), "takes float"),
        (target(True), "takes float"),
        (target(None), "takes float"),
        (target(float("nan")), "not a finite number"),
        (target(float("inf")), "not a finite number"),
        (target(10**400), "too large"),
        (target(230.0, "kg"), "cannot be converted"),
        (target(230.0, "no unit"), "no unit"),
        (target(901.0), "outside 20 to 900"),
        (target(230.0, "K"), "outside 20 to 900"),
        (Write("oven.fan", 2.5, "1"), "takes int"),
        (Write("oven.fan", 11, "1"), "outside 0 to 10"),
        (Write("oven.light", 1, "1"), "takes bool"),
        (Write("oven.note", 5, "1"), "takes string"),
        (Write("oven.recipe", "{", "1"), "takes json"),
        (Write("oven.recipe", "NaN", "1"), "takes json"),
    ],
)
def test_what_does_not_fit_the_signal_is_refused(bench: Bench, write: Write, reason: str) -> None:
    assert reason in refusal(bench, bench.propose(write))


def test_every_reason_is_given(bench: Bench) -> None:
    bench.show("oven.door_open", True)
    told = refusal(bench, bench.propose(target(901.0), Write("oven.fan", 11, "1"), role="viewer"))
    assert "outside 20 to 900" in told
    assert "outside 0 to 10" in told
    assert "viewer" in told


def test_all_writes_or_none(bench: Bench) -> None:
    proposal = bench.propose(Write("oven.fan", 3, "1"), target(901.0))
    assert bench.guard.decide(proposal).decision is Decision.REFUSED


def test_a_setpoint_may_not_leap(bench: Bench) -> None:
    assert "5 per second" in refusal(bench, bench.propose(target(260.0)))
    bench.wait(20)
    bench.show("oven.temperature", 200.0)
    assert bench.guard.decide(bench.propose(target(260.0))).decision is Decision.ALLOWED


def test_a_rest_does_not_save_up_for_a_leap(bench: Bench) -> None:
    bench.wait(3600)
    bench.show("oven.temperature", 200.0)
    assert "more than 300" in refusal(bench, bench.propose(target(800.0)))


def test_while_a_write_is_not_confirmed_the_old_value_counts_too(bench: Bench) -> None:
    first = bench.propose(target(245.0))
    command = bench.guard.command(first, bench.guard.decide(first))
    bench.wait(1)
    bench.show("oven.temperature", 200.0)
    # From 245 five down is slow enough, but the device may still stand at 200 since 11 s.
    assert bench.guard.decide(bench.propose(target(249.0))).decision is Decision.ALLOWED
    assert "from 200" in refusal(bench, bench.propose(target(256.0)))
    bench.guard.confirm_written(command.writes[0], bench.now)
    assert "from 245" in refusal(bench, bench.propose(target(249.0)))


def test_without_a_known_value_there_is_no_rate() -> None:
    bench = Bench()
    bench.show("oven.temperature", 200.0)
    bench.show("oven.door_open", False)
    assert "not known" in refusal(bench, bench.propose(target(230.0)))


def test_an_interlock_lets_through_only_what_it_allows(bench: Bench) -> None:
    bench.show("oven.target", 60.0)
    bench.wait(5)
    bench.show("oven.temperature", 200.0)
    bench.show("oven.door_open", True)
    assert "the door is open" in refusal(bench, bench.propose(target(70.0)))
    assert bench.guard.decide(bench.propose(target(50.0))).decision is Decision.ALLOWED


FAN = PLANT.model_copy(
    update={
        "interlocks": (
            Interlock(
                id="fan", when="oven.fan == 0", signals=("oven.target",), allow="value <= 100"
            ),
            Interlock(id="dark", when="oven.light", signals=("oven.note",)),
        )
    }
)


def fanned() -> Bench:
    bench = Bench(FAN)
    bench.show_all()
    bench.show("oven.fan", 3)
    bench.show("oven.light", False)
    bench.wait(10)
    return bench


def test_an_interlock_sees_what_goes_out_together() -> None:
    """In whatever order: all writes of a proposal pass together."""
    bench = fanned()
    off, hot = Write("oven.fan", 0, "1"), target(200.0)
    for writes in ((off, hot), (hot, off)):
        assert "interlock fan holds oven.target" in refusal(bench, bench.propose(*writes))
    assert bench.guard.decide(bench.propose(Write("oven.fan", 2, "1"), hot)).reasons == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Write("oven.fan", 0, "1"), target(200.0)),
        (Write("oven.light", True, "1"), Write("oven.note", "x", "1")),
    ],
)
def test_an_interlock_sees_what_was_written_and_does_not_show_yet(
    first: Write, second: Write
) -> None:
    bench = fanned()
    proposal = bench.propose(first)
    early = bench.propose(second)
    verdict = bench.guard.decide(early)
    command = bench.guard.command(proposal, bench.guard.decide(proposal))
    assert "holds" in refusal(bench, bench.propose(second))
    late = bench.guard.command(early, verdict)
    assert "holds" in bench.guard.recheck(late, 0)[0]
    assert bench.guard.recheck(command, 0) == ()
    bench.guard.confirm_written(command.writes[0], bench.now)
    assert "holds" in refusal(bench, bench.propose(second))
    back = bench.propose(replace(first, value=type(first.value)(not first.value)))
    command = bench.guard.command(back, bench.guard.decide(back))
    bench.guard.confirm_written(command.writes[0], bench.now)
    bench.show(first.signal, command.writes[0].value)
    assert bench.guard.decide(bench.propose(second)).reasons == ()


def test_a_write_that_never_showed_holds_an_interlock_for_a_minute_only() -> None:
    bench = fanned()
    proposal = bench.propose(Write("oven.fan", 0, "1"))
    bench.guard.command(proposal, bench.guard.decide(proposal))
    bench.wait(59)
    bench.show("oven.fan", 3)
    assert "interlock fan" in refusal(bench, bench.propose(target(200.0)))
    bench.wait(2)
    assert bench.guard.decide(bench.propose(target(200.0))).reasons == ()


@pytest.mark.parametrize("trouble", ["missing", "bad", "stale", "wrong type", "future"])
def test_an_interlock_that_cannot_be_judged_is_active(trouble: str) -> None:
    bench = Bench()
    bench.show_all()
    bench.wait(10)
    if trouble == "missing":
        bench = Bench()
        bench.show("oven.door_open", False)
        bench.show("oven.target", 200.0)
    elif trouble == "bad":
        bench.show("oven.temperature", 200.0, quality=Quality.BAD)
    elif trouble == "wrong type":
        bench.show("oven.temperature", "warm")
    elif trouble == "future":
        ahead = bench.now + 60 * US
        bench.guard.observe([Sample("oven.temperature", ahead, bench.now, 200.0)])
    assert "interlock hot" in refusal(bench, bench.propose(Write("oven.fan", 3, "1")))


def test_what_is_reported_on_change_holds_while_its_connection_lives(bench: Bench) -> None:
    bench.wait(4000)
    bench.show("oven.temperature", 200.0)
    assert bench.guard.decide(bench.propose(target(210.0))).decision is Decision.ALLOWED
    bench.clock.set(bench.now + 60 * US)
    bench.show("oven.temperature", 200.0)
    assert "oven.door_open is 60 s old" in refusal(bench, bench.propose(target(211.0)))


def test_after_a_lost_link_the_repeated_older_value_counts(bench: Bench) -> None:
    shown = Sample("oven.door_open", bench.now - 900 * US, bench.now, False)
    bench.show("oven.door_open", False, quality=Quality.BAD)
    assert "bad quality" in refusal(bench, bench.propose(target(210.0)))
    bench.guard.observe([shown])
    assert bench.guard.decide(bench.propose(target(210.0))).decision is Decision.ALLOWED


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (("oven.nothing", 0, 1), "no signal"),
        (("oven.temperature", -3600, 200.0), "old"),
        (("oven.temperature", 60, 200.0), "future"),
        (("oven.temperature", 1, 200.0), "not observed at the time"),
        (("press.state", -10, 6), "was 6 and is 4 now"),
    ],
)
def test_evidence_must_be_fresh_and_still_true(
    bench: Bench, piece: tuple[str, int, object], reason: str
) -> None:
    name, offset_s, value = piece
    evidence = (Evidence(name, bench.now + offset_s * US, value),)
    assert reason in refusal(bench, bench.propose(Write("oven.fan", 3, "1"), evidence=evidence))


def test_fresh_evidence_is_accepted(bench: Bench) -> None:
    evidence = (
        bench.evidence("oven.temperature", 200.0),
        Evidence("press.state", bench.now - 10 * US, 4),
    )
    proposal = bench.propose(Write("oven.fan", 3, "1"), evidence=evidence)
    assert bench.guard.decide(proposal).decision is Decision.ALLOWED


def test_an_id_is_good_for_one_decision(bench: Bench) -> None:
    proposal = bench.propose(target(230.0))
    bench.guard.decide(proposal)
    assert "used before" in refusal(bench, proposal)


def test_a_proposal_expires(bench: Bench) -> None:
    old = bench.propose(Write("oven.fan", 3, "1"))
    bench.wait(601)
    bench.show("oven.temperature", 200.0)
    assert "expired" in refusal(bench, old)
    endless = bench.propose(Write("oven.fan", 3, "1"), expires=bench.now + 13 * 3600 * US)
    assert "may not live longer" in refusal(bench, endless)
    ahead = bench.propose(Write("oven.fan", 3, "1"), time=bench.now + 60 * US)
    assert "future" in refusal(bench, ahead)


def test_a_verdict_does_not_wait_for_ever(bench: Bench) -> None:
    proposal = bench.propose(Write("oven.fan", 3, "1"))
    verdict = bench.guard.decide(proposal)
    bench.wait(11)
    with pytest.raises(Refused, match="too old"):
        bench.guard.command(proposal, verdict)


def test_a_changed_proposal_is_not_the_allowed_one(bench: Bench) -> None:
    proposal = bench.propose(Write("oven.fan", 3, "1"))
    verdict = bench.guard.decide(proposal)
    swapped = bench.propose(Write("oven.fan", 9, "1"), id=proposal.id)
    with pytest.raises(Refused):
        bench.guard.command(swapped, verdict)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Autonomy.OBSERVE, Decision.REFUSED),
        (Autonomy.ADVISE, Decision.ADVISED),
        (Autonomy.APPROVE, Decision.AWAITING_APPROVAL),
        (Autonomy.AUTONOMOUS, Decision.ALLOWED),
    ],
)
def test_the_autonomy_level_decides_what_genba_may_do(level: Autonomy, expected: Decision) -> None:
    rules = (AutonomyRule(level=level),)
    bench = Bench(PLANT.model_copy(update={"autonomy": rules}))
    bench.show_all()
    assert bench.guard.decide(bench.propose(Write("oven.light", True, "1"))).decision is expected


def test_the_strictest_level_of_what_is_touched_counts(bench: Bench) -> None:
    proposal = bench.propose(Write("press.job_request", 1, "1"), kind="dispatch", equipment="oven")
    assert bench.guard.decide(proposal).decision is Decision.AWAITING_APPROVAL


def test_a_person_says_yes_and_everything_is_asked_again(bench: Bench) -> None:
    one = bench.propose(Write("press.job_request", 1, "1"), kind="dispatch")
    two = bench.propose(
        Write("press.job_request", 2, "1"),
        kind="dispatch",
        evidence=(bench.evidence("press.state", 4),),
    )
    bench.show("press.state", 4)
    for proposal in (one, two):
        assert bench.guard.decide(proposal).decision is Decision.AWAITING_APPROVAL
    assert [waiting.proposal for waiting in bench.guard.waiting()] == [one, two]
    verdict = bench.guard.approve(one.id, Approval("ann", "operator"))
    assert verdict.decision is Decision.ALLOWED
    assert bench.guard.command(one, verdict).proposal == one.id
    bench.show("press.state", 9)
    late = bench.guard.approve(two.id, Approval("ann", "operator"))
    assert "was 4 and is 9 now" in late.reasons[0]
    with pytest.raises(Refused):
        bench.guard.approve(one.id, Approval("ann", "operator"))


@pytest.mark.parametrize("role", ["viewer", "stranger", ""])
def test_who_may_not_decide_cannot_approve(bench: Bench, role: str) -> None:
    proposal = bench.propose(Write("press.job_request", 1, "1"), kind="dispatch")
    bench.guard.decide(proposal)
    with pytest.raises(Refused, match="may not decide"):
        bench.guard.approve(proposal.id, Approval("ann", role))
    assert bench.guard.waiting()[0].approvals == ()


def test_a_person_writes_by_hand_where_genba_only_advises() -> None:
    bench = Bench(PLANT.model_copy(update={"autonomy": ()}))
    bench.show_all()
    bench.wait(10)
    bench.show("oven.temperature", 200.0)
    by_hand = bench.propose(target(230.0), actor="ann", role="operator")
    decided = bench.guard.decide(by_hand, Approval("ann", "operator"))
    assert decided.decision is Decision.ALLOWED
    too_hot = bench.propose(target(901.0), actor="ann", role="admin")
    decided = bench.guard.decide(too_hot, Approval("ann", "admin"))
    assert decided.decision is Decision.REFUSED


def test_a_kind_reaches_only_its_own_signals(bench: Bench) -> None:
    smuggled = bench.propose(target(210.0), kind="heartbeat")
    assert "written by kind 'setpoint'" in refusal(bench, smuggled)
    misnamed = bench.propose(Write("press.job_request", 1, "1"), kind="setpoint")
    assert "written by kind 'dispatch'" in refusal(bench, misnamed)
    strange = bench.propose(Write("oven.fan", 3, "1"), kind="tuning")
    assert "may not decide on kind" in refusal(bench, strange)
    engineer = bench.propose(Write("oven.fan", 3, "1"), kind="tuning", role="engineer")
    assert bench.guard.decide(engineer).decision is Decision.ALLOWED


def test_no_person_sends_a_heartbeat(bench: Bench) -> None:
    beat = bench.propose(Write("oven.heartbeat", 1, "1"), kind="heartbeat")
    decided = bench.guard.decide(beat, Approval("ann", "admin"))
    assert decided.decision is Decision.REFUSED
    beat = bench.propose(Write("oven.heartbeat", 1, "1"), kind="heartbeat")
    assert bench.guard.decide(beat).decision is Decision.ALLOWED


def test_what_is_no_proposal_is_refused_and_not_stumbled_over(bench: Bench) -> None:
    for fields in (
        {"writes": [target(230.0)]},
        {"writes": ("oven.fan",)},
        {"writes": (Write(["oven.fan"], 1, "1"),)},
        {"writes": (Write("oven.fan", 1, None),)},
        {"time": "now"},
        {"kind": 5},
        {"id": ""},
        {"evidence": ("oven.temperature",)},
        {"writes": (Write("oven.fan", [1], "1"),)},
        {"writes": ()},
        {"equipment": "nothing"},
    ):
        base = {
            "id": f"odd-{sorted(fields)}-{fields!r}"[:100],
            "time": bench.now,
            "kind": "setpoint",
            "equipment": "oven",
            "writes": (Write("oven.fan", 1, "1"),),
            "reason": "odd",
        }
        refusal(bench, Proposal(**{**base, **fields}))


def test_verdicts_are_counted(bench: Bench) -> None:
    bench.guard.decide(bench.propose(Write("oven.fan", 3, "1")))
    bench.guard.decide(bench.propose(Write("oven.fan", 30, "1")))
    assert bench.guard.counts[Decision.ALLOWED] == 1
    assert bench.guard.counts[Decision.REFUSED] == 1


def test_a_clock_that_is_set_back_hides_no_lost_link(bench: Bench) -> None:
    def decide() -> Verdict:
        seen = (bench.evidence("oven.door_open", False),)
        return bench.guard.decide(bench.propose(Write("oven.light", True, "1"), evidence=seen))

    bench.clock._now -= 3600 * US
    bench.guard.observe([Sample("oven.door_open", START - 7200 * US, START, False)])
    # Signs of life from before count for nothing now.
    assert "s old" in decide().reasons[0]
    bench.wait(1)
    bench.show("oven.door_open", False)
    assert decide().decision is Decision.ALLOWED
    bench.show("oven.door_open", None, quality=Quality.BAD)
    assert "bad quality" in decide().reasons[0]


def test_who_may_not_approve_does_not_take_it_from_who_may(bench: Bench) -> None:
    job = Write("press.job_request", 1, "1")
    proposal = bench.propose(job, kind="dispatch")
    assert bench.guard.decide(proposal).decision is Decision.AWAITING_APPROVAL
    with pytest.raises(Refused, match="role 'viewer' of eve may not decide"):
        bench.guard.approve(proposal.id, Approval("eve", "viewer"))
    verdict = bench.guard.approve(proposal.id, Approval("ann", "operator"))
    assert verdict.decision is Decision.ALLOWED


def test_a_plan_is_decided_on_like_anything_else_and_writes_nothing(bench: Bench) -> None:
    plan = replace(bench.propose(target(230.0)), kind="replan", writes=())
    verdict = bench.guard.decide(plan)
    assert verdict.decision is Decision.ALLOWED
    assert bench.guard.command(plan, verdict).writes == ()
    writing = replace(bench.propose(target(230.0)), kind="replan")
    assert "writes nothing by itself" in refusal(bench, writing)


def test_a_plan_that_rests_on_old_values_is_refused(bench: Bench) -> None:
    plan = replace(bench.propose(target(230.0)), kind="replan", writes=())
    bench.wait(4000)
    assert bench.guard.decide(replace(plan, time=plan.time)).decision is Decision.REFUSED


def test_a_model_s_finding_may_raise_an_alarm_on_fresh_values_and_never_write(bench: Bench) -> None:
    alarm = replace(bench.propose(target(230.0)), kind="alarm", role="engineer", writes=())
    assert bench.guard.decide(alarm).decision is not Decision.REFUSED
    writing = replace(bench.propose(target(230.0)), kind="alarm", role="engineer")
    assert "writes nothing by itself" in refusal(bench, writing)
    late = replace(bench.propose(target(230.0)), kind="alarm", role="engineer", writes=())
    bench.wait(4000)
    assert bench.guard.decide(replace(late, time=late.time)).decision is Decision.REFUSED
