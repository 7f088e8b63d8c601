"""What people decide outlives a restart, is done once, and wins over Genba."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.operate.test_runtime import ANN, Yard, shop, speed

from genba.errors import PlantError, Refused
from genba.guard import Guard
from genba.operate.by_hand import OtherBody
from genba.operate.manual import Manual
from genba.plant import (
    Approval,
    Autonomy,
    AutonomyRule,
    CriticalRule,
    Decision,
    Plant,
    VirtualClock,
)

BOB = Approval("bob", "operator")
HEART = AutonomyRule(kind="heartbeat", level=Autonomy.AUTONOMOUS)
APPROVE = shop(AutonomyRule(level=Autonomy.APPROVE), HEART)
AUTONOMOUS = shop()


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[Any]:
    running: list[Yard] = []

    async def start(plant: Plant) -> Yard:
        """Start, or stop and start anew on what the last one left."""
        if running:
            await running[-1].core.stop()
        yard = Yard(tmp_path, plant)
        if running:
            yard.clock.set(running[-1].clock.now())
            yard.driver.values = dict(running[-1].driver.values)
        running.append(yard)
        await yard.core.start()
        return yard

    yield start
    await running[-1].core.stop()


async def test_what_waits_waits_on_after_a_restart_with_the_yeses_so_far(started: Any) -> None:
    critical = CriticalRule(kind="dispatch")
    plant = APPROVE.model_copy(update={"critical": (critical,)})
    yard = await started(plant)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(5)
    (waiting,) = yard.core.by_hand.waiting()
    halfway = await yard.core.by_hand.approve(waiting.proposal.id, ANN)
    assert halfway.decision is Decision.AWAITING_APPROVAL
    yard = await started(plant)
    await yard.ticks(5)
    (again,) = yard.core.by_hand.waiting()
    assert again.proposal == waiting.proposal
    assert [yes.actor for yes in again.approvals] == ["ann"]
    with pytest.raises(Refused, match="said yes already"):
        await yard.core.by_hand.approve(waiting.proposal.id, ANN)
    done = await yard.core.by_hand.approve(waiting.proposal.id, BOB)
    assert done.decision is Decision.ALLOWED, done.reasons
    await yard.ticks(5)
    assert ("saw.job_lots", "O-1-01") in yard.driver.written
    yard = await started(plant)
    assert yard.core.by_hand.waiting() == []


async def test_how_many_must_say_yes_is_what_the_plant_file_says_now(started: Any) -> None:
    yard = await started(APPROVE)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(5)
    (waiting,) = yard.core.by_hand.waiting()
    assert (waiting.needed, waiting.critical) == (1, False)
    stricter = CriticalRule(kind="dispatch", people=3)
    yard = await started(APPROVE.model_copy(update={"critical": (stricter,)}))
    (again,) = yard.core.by_hand.waiting()
    assert (again.proposal, again.needed, again.critical) == (waiting.proposal, 3, True)
    assert yard.core.loop.proposals()[-1][1].needed == 3
    yard = await started(APPROVE)
    assert yard.core.by_hand.waiting()[0].needed == 1


async def test_what_was_refused_or_lapsed_waits_no_more(started: Any) -> None:
    yard = await started(APPROVE)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(5)
    (waiting,) = yard.core.by_hand.waiting()
    verdict = await yard.core.by_hand.refuse(waiting.proposal.id, ANN, "not today")
    assert verdict.decision is Decision.REFUSED
    yard = await started(APPROVE)
    assert yard.core.by_hand.waiting() == []


async def test_a_key_is_good_for_one_write_also_after_a_restart(started: Any) -> None:
    yard = await started(AUTONOMOUS)
    await yard.ticks(2)
    first = await yard.core.by_hand.submit(speed(12.0, "M1"), "key")
    assert first.decision is Decision.ALLOWED
    assert await yard.core.by_hand.submit(speed(12.0, "M2"), "key") == first
    with pytest.raises(OtherBody, match="another request"):
        await yard.core.by_hand.submit(speed(13.0, "M3"), "key")
    other = await yard.core.by_hand.submit(speed(12.0, "M4", actor="bob"), "key")
    assert other.proposal != first.proposal
    await yard.ticks(3)
    yard = await started(AUTONOMOUS)
    await yard.ticks(2)
    assert await yard.core.by_hand.submit(speed(12.0, "M5"), "key") == first
    await yard.ticks(2)
    assert "saw.speed" not in {name for name, _ in yard.driver.written}


async def test_what_somebody_holds_is_left_alone_over_a_restart(started: Any) -> None:
    yard = await started(AUTONOMOUS)
    await yard.core.manual.take("saw", "ann", "a new blade", None)
    yard = await started(AUTONOMOUS)
    (held,) = yard.core.manual.all()
    assert (held.target, held.by, held.reason) == ("saw", "ann", "a new blade")
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(5)
    assert "saw.job_request" not in {name for name, _ in yard.driver.written}
    assert "saw.heartbeat" in {name for name, _ in yard.driver.written}
    await yard.core.manual.release("saw", "ann")
    await yard.ticks(60)
    assert "saw.job_request" in {name for name, _ in yard.driver.written}
    kinds = [row["kind"] for row in await yard.rows("events")]
    assert (kinds.count("override.set"), kinds.count("override.released")) == (1, 1)
    with pytest.raises(PlantError, match="neither equipment nor a setpoint"):
        await yard.core.manual.take("saw.load", "ann", "x", None)


@pytest.mark.parametrize(
    "entry",
    [
        {"target": "saw", "by": "ann", "reason": "blade", "since": "now"},
        {"target": "saw", "by": "ann", "reason": "blade", "since": True},
        {"target": "saw", "by": "ann", "reason": "blade", "since": 1, "until": 2.5},
        {"target": ["saw"], "by": "ann", "reason": "blade", "since": 1},
        {"target": "saw", "by": None, "reason": "blade", "since": 1},
        {"target": "saw"},
        ["saw", "ann", "blade", 1],
        7,
    ],
)
def test_what_people_hold_is_read_in_full_or_not_at_all(tmp_path: Path, entry: object) -> None:
    clock = VirtualClock(0)
    file = tmp_path / "manual.json"
    good = {"target": "saw", "by": "ann", "reason": "blade", "since": 1, "until": None}
    file.write_text(json.dumps([good]))
    read = Manual(AUTONOMOUS, Guard(AUTONOMOUS, clock), clock, file, lambda _, row: None)
    assert [held.target for held in read.all()] == ["saw"]
    file.write_text(json.dumps([good, entry]))
    with pytest.raises(PlantError, match=r"manual\.json is damaged .*look at the plant"):
        Manual(AUTONOMOUS, Guard(AUTONOMOUS, clock), clock, file, lambda _, row: None)


async def test_a_knob_that_was_turned_at_the_machine_is_noticed(started: Any) -> None:
    yard = await started(AUTONOMOUS)
    await yard.ticks(2)
    await yard.core.by_hand.submit(speed(12.0, "M1"))
    await yard.ticks(3)
    assert yard.core.manual.all() == []
    yard.driver.show("saw.speed", 20.0)
    await yard.ticks(1)
    (held,) = yard.core.manual.all()
    assert (held.target, held.by) == ("saw.speed", "device")
    assert "changed at the machine from 12.0 to 20.0 m/s" in held.reason
    await yard.ticks(1801)
    assert yard.core.manual.all() == []


async def test_what_a_person_holds_outlasts_a_knob_and_a_shorter_hold(started: Any) -> None:
    yard = await started(AUTONOMOUS)
    await yard.ticks(2)
    await yard.core.by_hand.submit(speed(12.0, "M1"))
    await yard.ticks(3)
    manual = yard.core.manual
    await manual.take("saw.speed", "ann", "a new blade", None)
    yard.driver.show("saw.speed", 20.0)
    await yard.ticks(1)
    (held,) = manual.all()
    assert (held.by, held.until) == ("ann", None)
    taken_over = await manual.take("saw.speed", "bob", "I take over", 0.001)
    assert (taken_over.by, taken_over.until) == ("bob", None)
    assert (await manual.take("saw.speed", "bob", "nearly done", 0.001)).until is not None


async def test_a_program_gives_nothing_back_that_somebody_else_holds(started: Any) -> None:
    yard = await started(AUTONOMOUS)
    manual = yard.core.manual
    await manual.take("saw", "ann", "a new blade", None)
    with pytest.raises(Refused, match="ann holds saw: a program leaves that to people"):
        await manual.release("saw", "bot", program=True)
    with pytest.raises(Refused, match="ann holds saw"):
        await manual.take("saw", "bot", "mine", None, program=True)
    assert [held.by for held in manual.all()] == ["ann"]
    await manual.take("saw.speed", "bot", "a test", None, program=True)
    await manual.release("saw.speed", "bot", program=True)
    await manual.release("saw", "bob")
    assert manual.all() == []


async def test_a_machine_that_sets_its_own_recipe_with_a_job_is_no_hand(started: Any) -> None:
    yard = await started(AUTONOMOUS)
    await yard.ticks(2)
    yard.driver.show("saw.job_ack", 7)
    yard.driver.show("saw.speed", 20.0)
    await yard.ticks(1)
    assert yard.core.manual.all() == []


async def test_a_machine_in_maintenance_is_shown_and_cannot_be_released_here(started: Any) -> None:
    yard = await started(AUTONOMOUS)
    yard.driver.show("saw.mode", 2)
    await yard.ticks(1)
    (held,) = yard.core.manual.all()
    assert (held.target, held.by) == ("saw", "device")
    with pytest.raises(Refused, match="switch it back there"):
        await yard.core.manual.release("saw", "ann")
    yard.driver.show("saw.mode", 1)
    await yard.ticks(1)
    assert yard.core.manual.all() == []
