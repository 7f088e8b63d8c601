"""What is critical takes different people; each yes, and each write, has everything asked again."""

import pytest
from tests.guard.small_plant import PLANT, Bench, signal

from genba.errors import Refused
from genba.guard import PROGRAM, Approval, Override
from genba.plant import (
    US,
    Autonomy,
    AutonomyRule,
    Command,
    CriticalRule,
    DataType,
    Decision,
    Equipment,
    PackMLMode,
    Plant,
    Proposal,
    Role,
    SignalKind,
    Write,
)

CRITICAL = PLANT.model_copy(update={"critical": (CriticalRule(signals=("oven.target",)),)})
ANN, BOB, CAT = (Approval(name, "operator") for name in ("ann", "bob", "cat"))


def bench_on(plant: object = CRITICAL) -> Bench:
    bench = Bench(plant)  # type: ignore[arg-type]
    bench.show_all()
    bench.wait(10)
    bench.show("oven.temperature", 200.0)
    return bench


def hotter(bench: Bench, **more: object) -> Proposal:
    return bench.propose(Write("oven.target", 230.0, "Cel"), **more)


def test_two_different_people_are_needed_even_where_genba_is_autonomous() -> None:
    bench = bench_on()
    proposal = hotter(bench)
    first = bench.guard.decide(proposal)
    assert (first.decision, first.needed) == (Decision.AWAITING_APPROVAL, 2)
    halfway = bench.guard.approve(proposal.id, ANN)
    assert halfway.decision is Decision.AWAITING_APPROVAL
    assert [yes.actor for yes in halfway.approvals] == ["ann"]
    done = bench.guard.approve(proposal.id, BOB)
    assert done.decision is Decision.ALLOWED
    assert [(yes.actor, yes.time) for yes in done.approvals] == [
        ("ann", bench.now),
        ("bob", bench.now),
    ]
    assert bench.guard.command(proposal, done).writes[0].value == 230.0


@pytest.mark.parametrize("again", ["ann", "Ann", " ANN "])
def test_the_same_person_does_not_count_twice(again: str) -> None:
    bench = bench_on()
    proposal = hotter(bench)
    bench.guard.decide(proposal)
    bench.guard.approve(proposal.id, ANN)
    with pytest.raises(Refused, match="said yes already; it takes 2 different people"):
        bench.guard.approve(proposal.id, Approval(again, "admin"))
    assert len(bench.guard.waiting()[0].approvals) == 1
    assert bench.guard.approve(proposal.id, BOB).decision is Decision.ALLOWED


def test_who_proposes_is_none_of_the_two() -> None:
    bench = bench_on()
    proposal = hotter(bench, actor="ann", role="admin", source="person")
    verdict = bench.guard.decide(proposal, Approval("ann", "admin"))
    assert (verdict.decision, verdict.needed) == (Decision.AWAITING_APPROVAL, 2)
    with pytest.raises(Refused, match="ann proposed it; 2 other people"):
        bench.guard.approve(proposal.id, Approval("ann", "admin"))
    assert bench.guard.approve(proposal.id, BOB).decision is Decision.AWAITING_APPROVAL
    assert bench.guard.approve(proposal.id, CAT).decision is Decision.ALLOWED


def test_where_one_person_suffices_it_is_not_who_proposed_it() -> None:
    rule = CriticalRule(signals=("oven.target",), people=1)
    bench = bench_on(PLANT.model_copy(update={"critical": (rule,)}))
    proposal = hotter(bench, actor="ann", role="admin", source="person")
    verdict = bench.guard.decide(proposal, Approval("ann", "admin"))
    assert (verdict.decision, verdict.needed) == (Decision.AWAITING_APPROVAL, 1)
    with pytest.raises(Refused, match="ann proposed it; somebody else must say yes"):
        bench.guard.approve(proposal.id, Approval("ann", "admin"))
    assert bench.guard.approve(proposal.id, BOB).decision is Decision.ALLOWED


@pytest.mark.parametrize("role", [None, "viewer"])
def test_a_yes_counts_no_more_once_its_person_may_not_decide(role: str | None) -> None:
    bench = bench_on()
    roles: dict[str, str | None] = dict.fromkeys(("ann", "bob", "cat"), "operator")
    bench.guard.roles.now = roles.get
    proposal = hotter(bench)
    bench.guard.decide(proposal)
    bench.guard.approve(proposal.id, ANN)
    roles["ann"] = role
    assert bench.guard.waiting()[0].approvals == ()
    halfway = bench.guard.approve(proposal.id, BOB)
    assert (halfway.decision, halfway.needed) == (Decision.AWAITING_APPROVAL, 2)
    assert [yes.actor for yes in halfway.approvals] == ["bob"]
    assert "the yes of ann counts no more" in halfway.reasons[0]
    done = bench.guard.approve(proposal.id, CAT)
    assert [yes.actor for yes in done.approvals] == ["bob", "cat"]
    command = bench.guard.command(proposal, done)
    roles["cat"] = role
    assert bench.guard.recheck(command, 0) == (
        "cat is disabled or unknown by now"
        if role is None
        else "cat is viewer by now, who may not decide on 'setpoint'",
    )
    roles["cat"] = "operator"
    assert bench.guard.recheck(command, 0) == ()


def test_what_somebody_proposed_falls_with_them() -> None:
    bench = bench_on()
    roles: dict[str, str | None] = dict.fromkeys(("ann", "bob"), "operator")
    bench.guard.roles.now = roles.get
    proposal = hotter(bench, actor="ann", source="person")
    bench.guard.decide(proposal, ANN)
    roles["ann"] = None
    ended = bench.guard.approve(proposal.id, BOB)
    assert (ended.decision, ended.reasons) == (
        Decision.REFUSED,
        ("ann is disabled or unknown by now",),
    )


def test_what_is_only_advised_is_advised_also_where_it_is_critical() -> None:
    plant = CRITICAL.model_copy(update={"autonomy": (AutonomyRule(level=Autonomy.ADVISE),)})
    bench = bench_on(plant)
    assert bench.guard.decide(hotter(bench)).decision is Decision.ADVISED


def test_a_proposal_that_writes_one_critical_signal_is_critical() -> None:
    bench = bench_on()
    both = bench.propose(Write("oven.fan", 3, "1"), Write("oven.target", 230.0, "Cel"))
    assert bench.guard.decide(both).needed == 2
    harmless = bench.propose(Write("oven.fan", 3, "1"))
    assert bench.guard.decide(harmless).decision is Decision.ALLOWED


def test_an_interlock_that_closed_while_people_looked_ends_it() -> None:
    bench = bench_on()
    proposal = hotter(bench)
    bench.guard.decide(proposal)
    bench.guard.approve(proposal.id, ANN)
    bench.show("oven.door_open", True)
    verdict = bench.guard.approve(proposal.id, BOB)
    assert verdict.decision is Decision.REFUSED
    assert "interlock door holds oven.target" in verdict.reasons[0]
    assert bench.guard.waiting() == []


@pytest.mark.parametrize(("now_shown", "allowed"), [(205.0, True), (260.0, False)])
def test_a_measurement_may_move_a_little_while_a_person_looks(
    now_shown: float, allowed: bool
) -> None:
    plant = PLANT.model_copy(update={"autonomy": (AutonomyRule(level=Autonomy.APPROVE),)})
    bench = bench_on(plant)
    proposal = hotter(bench, evidence=(bench.evidence("oven.temperature", 200.0),))
    assert bench.guard.decide(proposal).decision is Decision.AWAITING_APPROVAL
    bench.wait(300)
    stale = bench.guard.waiting()[0].proposal
    bench.show("oven.temperature", now_shown)
    verdict = bench.guard.approve(stale.id, ANN)
    assert (verdict.decision is Decision.ALLOWED) is allowed, verdict.reasons


def test_a_person_refuses_with_a_reason() -> None:
    bench = bench_on()
    proposal = hotter(bench)
    bench.guard.decide(proposal)
    with pytest.raises(Refused, match="may not decide"):
        bench.guard.refuse(proposal.id, Approval("eve", "viewer"), "no")
    verdict = bench.guard.refuse(proposal.id, ANN, "the oven is being cleaned")
    assert verdict.reasons == ("refused by ann (operator): the oven is being cleaned",)
    with pytest.raises(Refused, match="no proposal"):
        bench.guard.approve(proposal.id, BOB)


def test_what_waits_in_vain_lapses_once_and_says_who_had_said_yes() -> None:
    bench = bench_on()
    proposal = hotter(bench)
    bench.guard.decide(proposal)
    bench.guard.approve(proposal.id, ANN)
    bench.wait(601)
    ((lapsed, verdict),) = bench.guard.lapsed()
    assert lapsed == proposal
    assert verdict.reasons == ("it expired: of 2 people only ann said yes in time",)
    assert bench.guard.lapsed() == []
    with pytest.raises(Refused):
        bench.guard.approve(proposal.id, BOB)


# -- right before the write -------------------------------------------------------------------


def given(bench: Bench, *writes: Write, **more: object) -> Command:
    proposal = bench.propose(*writes, **more)
    return bench.guard.command(proposal, bench.guard.decide(proposal))


def test_each_write_is_let_out_once_and_in_order() -> None:
    bench = bench_on(PLANT)
    command = given(bench, Write("oven.fan", 3, "1"), Write("oven.target", 230.0, "Cel"))
    assert "is not its next" in bench.guard.recheck(command, 1)[0]
    assert bench.guard.recheck(command, 0) == ()
    assert "is not its next" in bench.guard.recheck(command, 0)[0]
    assert bench.guard.recheck(command, 1) == ()


def test_an_interlock_that_closes_between_two_writes_stops_the_second() -> None:
    bench = bench_on(PLANT)
    command = given(bench, Write("oven.fan", 3, "1"), Write("oven.target", 230.0, "Cel"))
    assert bench.guard.recheck(command, 0) == ()
    bench.show("oven.door_open", True)
    assert "interlock door" in bench.guard.recheck(command, 1)[0]


def test_evidence_that_changes_before_the_write_stops_it_unless_the_command_changed_it() -> None:
    bench = bench_on(PLANT)
    bench.show("oven.fan", 1)
    writes = (Write("oven.fan", 3, "1"), Write("oven.light", True, "1"))
    bench.show("press.state", 4)
    evidence = (bench.evidence("oven.fan", 1), bench.evidence("press.state", 4))
    command = given(bench, *writes, evidence=evidence)
    assert bench.guard.recheck(command, 0) == ()
    bench.show("oven.fan", 3)
    assert bench.guard.recheck(command, 1) == ()
    bench.show("press.state", 4)
    later = given(bench, *writes[1:], evidence=(bench.evidence("press.state", 4),))
    bench.show("press.state", 9)
    assert "was 4 and is 9 now" in bench.guard.recheck(later, 0)[0]


def test_a_command_that_is_not_the_guards_is_not_let_out() -> None:
    bench = bench_on(PLANT)
    command = given(bench, Write("oven.fan", 3, "1"))
    forged = Command(command.id, command.proposal, command.time, (Write("oven.fan", 9, "1"),))
    assert "was not given by this guard" in bench.guard.recheck(forged, 0)[0]


def test_a_command_that_comes_too_late_is_not_let_out() -> None:
    bench = bench_on(PLANT)
    command = given(bench, Write("oven.fan", 3, "1"), expires=bench.now + 2 * US)
    bench.wait(3)
    bench.show("oven.temperature", 200.0)
    assert bench.guard.recheck(command, 0) == ("the proposal has expired",)


# -- in manual --------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["oven", "oven.target"])
def test_what_is_in_manual_is_kept_off_by_genba_and_free_for_people(target: str) -> None:
    bench = bench_on(PLANT)
    command = given(bench, Write("oven.target", 230.0, "Cel"))
    bench.guard.overrides.hold(Override(target, "ann", "cleaning", bench.now))
    verdict = bench.guard.decide(hotter(bench))
    assert verdict.reasons == (f"{target} is in manual, by ann: cleaning",)
    assert "in manual" in bench.guard.recheck(command, 0)[0]
    by_hand = hotter(bench, actor="bob", source="person")
    assert bench.guard.decide(by_hand, BOB).decision is Decision.ALLOWED
    program = hotter(bench, actor="bot", source=PROGRAM)
    refused = bench.guard.decide(program, Approval("bot", "operator"))
    assert refused.reasons == (f"{target} is in manual, by ann: cleaning",)
    beat = bench.propose(Write("oven.heartbeat", 5, "1"), kind="heartbeat")
    assert bench.guard.decide(beat).decision is Decision.ALLOWED
    assert bench.guard.overrides.release(target) is not None
    bench.guard.decide(hotter(bench))
    assert bench.guard.decide(bench.propose(Write("oven.fan", 3, "1"))).reasons == ()


def test_an_override_stops_what_a_program_has_under_way() -> None:
    bench = bench_on(PLANT)
    bot = Approval("bot", "operator")
    proposal = hotter(bench, actor="bot", source=PROGRAM)
    command = bench.guard.command(proposal, bench.guard.decide(proposal, bot))
    bench.guard.overrides.hold(Override("oven", "ann", "cleaning", bench.now))
    assert "in manual" in bench.guard.recheck(command, 0)[0]


def test_an_override_ends_by_itself_where_it_says_when() -> None:
    bench = bench_on(PLANT)
    until = bench.now + 60 * US
    bench.guard.overrides.hold(Override("oven", "device", "turned", bench.now, until))
    assert bench.guard.decide(hotter(bench)).decision is Decision.REFUSED
    bench.wait(61)
    bench.show("oven.temperature", 200.0)
    assert bench.guard.decide(hotter(bench)).decision is Decision.ALLOWED


@pytest.mark.parametrize("mode", [PackMLMode.MAINTENANCE, PackMLMode.MANUAL])
def test_a_machine_that_shows_a_manual_mode_is_left_alone(mode: PackMLMode) -> None:
    shown = signal("oven", "mode", kind=SignalKind.STATE, type=DataType.INT, role=Role.MODE)
    oven = Equipment(id="oven", signals=(*PLANT.equipment[0].signals, shown))
    fields = {name: getattr(PLANT, name) for name in Plant.model_fields}
    plant = Plant(**{**fields, "equipment": (oven, *PLANT.equipment[1:])})
    bench = bench_on(plant)
    bench.show("oven.mode", int(mode))
    assert f"oven itself shows mode {int(mode)}" in bench.guard.decide(hotter(bench)).reasons[0]
    bench.show("oven.mode", int(PackMLMode.PRODUCTION))
    assert bench.guard.decide(hotter(bench)).decision is Decision.ALLOWED


def test_genbas_own_proposal_names_evidence() -> None:
    bench = bench_on(PLANT)
    assert "names no evidence" in bench.guard.decide(hotter(bench, evidence=())).reasons[0]
    by_hand = hotter(bench, actor="bob", evidence=())
    assert bench.guard.decide(by_hand, BOB).decision is Decision.ALLOWED
