"""Set-point control in the loop: learned, driven, doubted, handed back; whoever interferes."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.operate.ovens import Works, copied, learn_into, plant_in, text_of

from genba.errors import ControlError, Refused
from genba.operate.driven import Driver
from genba.operate.set_point_desk import SetPointDesk
from genba.operate.state import PROCESSES
from genba.plant import US


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the oven was learned from an hour of its plain controller."""
    folder = tmp_path_factory.mktemp("learned")
    learn_into(folder)
    return folder


@pytest.fixture
async def works(tmp_path: Path, learned: Path) -> AsyncIterator[Callable[..., Any]]:
    made: list[Works] = []

    async def make(level: str = "autonomous", **more: Any) -> Works:
        state = copied(learned, tmp_path)
        one = Works(state, plant_in(tmp_path, text_of(level, **more)))
        made.append(one)
        await one.core.start()
        return one

    yield make
    for one in made:
        await one.core.stop()


async def test_a_plant_that_wants_nothing_controlled_has_no_process_for_it(works: Any) -> None:
    subject = await works(control=("    control: true\n", ""))
    await subject.run(2)
    assert subject.core.set_points.driven == {}
    assert subject.core.set_points._desk.process is None
    with pytest.raises(ControlError, match="control: true"):
        subject.core.set_points.run("oven", "ada")


async def test_nothing_is_driven_before_it_was_learned(works: Any) -> None:
    subject = await works()
    kept = subject.state.root / PROCESSES / "oven-heat.json"
    content = kept.read_bytes()
    kept.unlink()
    await subject.run(2)
    assert "genba twin learn oven-heat" in subject.driven.why
    assert subject.core.set_points._desk.process is None
    kept.write_bytes(content)
    await subject.run(8)
    assert subject.driven.driver is Driver.CONTROL


async def test_what_is_switched_on_again_says_so_and_what_it_lacks(works: Any) -> None:
    subject = await works()
    points = subject.core.set_points
    points.stop("oven", "ada")
    assert points.run("oven", "ben").why == "ben switched control on"
    points.stop("oven", "ada")
    (subject.state.root / PROCESSES / "oven-heat.json").unlink()
    assert "`genba twin learn oven-heat`" in points.run("oven", "ben").why


async def test_it_takes_over_without_a_jump_reaches_the_target_and_hands_back_without_one(
    works: Any,
) -> None:
    subject = await works()
    await subject.run(25)
    assert subject.driven.driver is Driver.CONTROL
    assert subject.oven.heat == pytest.approx(200.0, abs=1.0)
    subject.core.set_points.stop("oven", "ada")
    await subject.run(6)
    assert subject.oven.setpoint == 190.0
    assert subject.driven.driver is Driver.PLAIN
    moves = np.abs(np.diff([190.0, *subject.setpoints]))
    assert moves.max() <= 5.0 + 1e-9
    assert await subject.drivers() == ["control", "handing back", "plain"]
    subject.core.set_points.run("oven", "ben")
    await subject.run(8)
    assert subject.driven.driver is Driver.CONTROL


async def test_each_choice_is_a_decision_with_reason_expectation_and_model(works: Any) -> None:
    subject = await works()
    await subject.run(8)
    rows = [r for r in await subject.rows("decisions", ["setpoint"]) if r["equipment"] == "oven"]
    assert {row["stage"] for row in rows} == {"proposal", "verdict", "command", "outcome"}
    first = next(json.loads(row["data"]) for row in rows if row["stage"] == "proposal")
    assert first["source"] == f"control@{subject.driven.model}"
    assert "if nothing changes" in first["reason"]
    (heat, _) = json.loads(first["context"]["expected"])
    assert heat["stays"] < heat["chosen"]
    assert {piece["signal"] for piece in first["evidence"]} >= {"oven.heat", "oven.setpoint"}


async def test_what_was_expected_is_set_beside_what_came(works: Any) -> None:
    subject = await works()
    await subject.run(30)
    assert subject.driven.checked >= 2
    assert subject.driven.within > 0
    (heat, _) = subject.driven.came
    assert heat.came == pytest.approx(200.0, abs=1.5)


async def test_at_the_level_advise_nothing_is_written_and_advice_is_not_repeated(
    works: Any,
) -> None:
    subject = await works("advise")
    await subject.run(25)
    assert subject.setpoints == []
    assert subject.driven.driver is Driver.ADVICE
    assert subject.driven.advised["oven.setpoint"] == pytest.approx(195.0)
    proposals = [
        r for r in await subject.rows("decisions", ["setpoint"]) if r["stage"] == "proposal"
    ]
    assert len(proposals) == 1


async def test_at_the_level_observe_nothing_is_even_proposed(works: Any) -> None:
    subject = await works("observe")
    await subject.run(8)
    assert await subject.rows("decisions", ["setpoint"]) == []
    assert subject.driven.why == "the level is observe"


async def test_at_the_level_approve_one_choice_waits_for_people_and_is_done_after_a_yes(
    works: Any,
) -> None:
    from genba.plant import Approval

    subject = await works("approve")
    for _ in range(60):
        await subject.run(0.25)
        if subject.core.guard.waiting():
            break
    (waiting,) = subject.core.guard.waiting()
    assert subject.setpoints == []
    await subject.core.by_hand.approve(waiting.proposal.id, Approval("ada", "operator"))
    await subject.run(1)
    assert subject.setpoints[0] == pytest.approx(195.0)
    assert subject.driven.driver in (Driver.CONTROL, Driver.ADVICE)
    assert subject.driven.handover.plain == {"oven.setpoint": 190.0}


async def test_where_nothing_is_proved_it_only_advises_unless_the_plant_file_says_more(
    works: Any,
) -> None:
    wide = ("low: 120, high: 240", "low: 195, high: 205")
    subject = await works(keeps=wide)
    await subject.run(8)
    assert "nothing is proved" in subject.driven.about
    assert subject.setpoints == []
    assert subject.driven.driver is Driver.ADVICE


async def test_the_plant_file_may_let_it_drive_without_a_proof(works: Any) -> None:
    wide = ("low: 120, high: 240", "low: 195, high: 205")
    subject = await works(
        keeps=wide, more=("    control: true\n", "    control: true\n    unproved: autonomous\n")
    )
    await subject.run(20)
    assert "nothing is proved" in subject.driven.about
    assert subject.oven.heat == pytest.approx(200.0, abs=1.5)


async def test_a_knob_that_is_turned_at_the_machine_keeps_control_off(works: Any) -> None:
    subject = await works()
    await subject.run(12)
    written = len(subject.setpoints)
    subject.oven.turn(185.0)
    await subject.run(10)
    assert len(subject.setpoints) == written
    assert "manual" in subject.driven.why
    assert subject.driven.handover.plain == {"oven.setpoint": 185.0}
    assert len(await subject.rows("events", ["control.base"])) == 1


async def test_set_points_of_a_person_are_the_new_base(works: Any) -> None:
    from genba.guard import PERSON
    from genba.plant import Proposal, Write

    subject = await works()
    await subject.run(12)
    proposal = Proposal(
        "hand-1", subject.clock.now(), "setpoint", "oven",
        (Write("oven.setpoint", 185.0, "Cel"),), "a test", source=PERSON, actor="ada",
    )  # fmt: skip
    await subject.core.by_hand.submit(proposal)
    await subject.run(1)
    assert subject.driven.handover.plain == {"oven.setpoint": 185.0}
    subject.core.set_points.stop("oven", "ada")
    await subject.run(8)
    assert subject.oven.setpoint == 185.0


async def test_a_model_that_is_contradicted_stands_back_says_so_and_comes_back(
    works: Any,
) -> None:
    subject = await works()
    await subject.run(12)
    subject.oven.heat -= 5.0
    await subject.run(4)
    (found,) = [f for f in subject.core.loop.findings() if f.kind == "control_doubted"]
    assert "genba twin learn oven-heat" in found.text
    assert subject.driven.driver in (Driver.BACK, Driver.PLAIN)
    await subject.run(45)
    assert subject.driven.driver is Driver.CONTROL
    assert not [f for f in subject.core.loop.findings() if f.text == found.text]


async def test_a_process_that_drifted_for_good_is_left_to_its_own_controller_ever_longer(
    works: Any,
) -> None:
    subject = await works()
    await subject.run(12)
    subject.oven.loss *= 1.5
    await subject.run(45)
    assert subject.driven.doubted
    assert (await subject.drivers()).count("control") <= 4
    assert subject.driven.driver in (Driver.BACK, Driver.PLAIN)
    assert 180.0 <= subject.oven.setpoint <= 210.0


async def test_a_sensor_that_says_nothing_brings_the_plain_controller_back(works: Any) -> None:
    subject = await works()
    await subject.run(12)
    subject.oven.broken = None
    await subject.run(14)
    assert all(np.isfinite(subject.setpoints))
    assert subject.driven.driver is Driver.PLAIN
    assert subject.oven.setpoint == 190.0


async def test_a_killed_process_delays_no_tick_and_is_started_again(works: Any) -> None:
    subject = await works()
    await subject.run(12)
    child = subject.core.set_points._desk.process
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait()
    await subject.run(1)
    facts = [f for f in subject.core.loop.findings() if f.kind == "control_down"]
    assert facts
    assert "SIGKILL" in facts[0].text
    plain = dict(subject.driven.handover.plain)
    await subject.run(12)
    assert subject.core.set_points._desk.process is not child
    assert subject.driven.driver is Driver.CONTROL
    assert subject.driven.handover.plain == plain
    assert not [f for f in subject.core.alarms.standing() if f.kind == "control_down" and f.active]


async def test_a_process_that_stays_away_has_its_set_points_given_back_by_the_core(
    works: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = await works()
    await subject.run(15)
    monkeypatch.setattr("genba.operate.set_point_desk.MODULE", "genba.no_such_module")
    child = subject.core.set_points._desk.process
    child.kill()
    child.process.wait()
    await subject.run(20)
    assert subject.driven.driver is Driver.PLAIN
    assert subject.oven.setpoint == 190.0


async def test_a_process_that_hangs_is_ended(works: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = await works()
    await subject.run(8)
    desk: SetPointDesk = subject.core.set_points._desk
    child = desk.process
    assert child is not None
    os.kill(child.process.pid, signal.SIGSTOP)
    monkeypatch.setattr("genba.operate.set_point_desk.HANGS_S", 0.2)
    monkeypatch.setattr("genba.operate.set_point_desk.SETTLE_S", 0.3)
    await subject.run(1)
    await asyncio.to_thread(child.process.wait, 10)
    monkeypatch.setattr("genba.operate.set_point_desk.HANGS_S", 60.0)
    monkeypatch.setattr("genba.operate.set_point_desk.SETTLE_S", 120.0)
    await subject.run(0.5)
    assert desk.restarts == 1
    await subject.run(10)
    assert subject.driven.driver is Driver.CONTROL


async def test_what_came_too_late_is_not_taken(works: Any) -> None:
    from genba.control.chooser import Setting
    from genba.operate.set_point_host import Said

    subject = await works()
    await subject.run(8)
    before, points = len(subject.setpoints), subject.core.set_points
    now = subject.clock.now()
    points._take(Said(now - 30 * US, {"oven-heat": Setting({"oven.setpoint": 180.0}, "old")}), now)
    assert points._asking.waiting == []
    assert "late" in subject.driven.why
    assert len(subject.setpoints) == before


async def test_a_changed_file_is_refused_and_told(works: Any) -> None:
    subject = await works()
    kept = subject.state.root / PROCESSES / "oven-heat.json"
    kept.write_text(kept.read_text().replace('"rows": ', '"rows": 1'))
    await subject.run(3)
    assert "changed or damaged" in subject.driven.why
    assert subject.driven.doubted
    assert subject.setpoints == []


async def test_what_a_person_switched_off_stays_off_and_what_was_plain_is_known_after_a_restart(
    works: Any, tmp_path: Path
) -> None:
    subject = await works()
    await subject.run(15)
    assert subject.oven.setpoint != 190.0
    await subject.core.stop()
    plant, left = subject.core.plant, subject.oven.setpoint
    second = Works(subject.state, plant, subject.clock.now() + 60 * US)
    second.oven.setpoint = second.oven.values["oven.setpoint"] = left  # type: ignore[assignment]
    second.oven.heat = 200.0
    await second.core.start()
    try:
        await second.run(6)
        assert second.driven.handover.plain == {"oven.setpoint": 190.0}
        second.core.set_points.stop("oven", "ada")
        await second.run(5)
        assert second.oven.setpoint == 190.0
    finally:
        await second.core.stop()
    third = Works(subject.state, plant, second.clock.now() + 60 * US)
    await third.core.start()
    try:
        await third.run(4)
        assert third.setpoints == []
        assert third.driven.why == "ada switched control off"
    finally:
        await third.core.stop()


async def test_an_experiment_moves_set_points_within_half_a_step_and_gives_the_base_back(
    works: Any,
) -> None:
    subject = await works(experiments=True)
    await subject.run(4)
    subject.core.set_points.experiment("oven", 8, "ada")
    await subject.run(6)
    assert subject.driven.driver is Driver.EXPERIMENT
    assert "expected to tell" in subject.driven.tried
    await subject.run(6)
    assert not subject.driven.trying
    played = subject.setpoints
    assert max(played) - min(played) <= 10.0
    assert "ended: the experiment ends: it is over" in subject.driven.tried


async def test_an_experiment_needs_permission(works: Any) -> None:
    subject = await works()
    with pytest.raises(Refused, match="experiments: true"):
        subject.core.set_points.experiment("oven", 8, "ada")


async def test_an_experiment_needs_the_level_autonomous(works: Any) -> None:
    subject = await works("approve", experiments=True)
    with pytest.raises(Refused, match="need the level autonomous"):
        subject.core.set_points.experiment("oven", 8, "ada")


async def test_an_experiment_ends_at_once_when_a_person_objects(works: Any) -> None:
    subject = await works(experiments=True)
    await subject.run(4)
    subject.core.set_points.experiment("oven", 20, "ada")
    await subject.run(3)
    assert subject.driven.trying
    await subject.core.manual.take("oven", "ben", "looking at it", None)
    await subject.run(0.5)
    assert not subject.driven.trying
    assert "ben" in subject.driven.tried


async def test_an_unknown_process_is_told_which_there_are(works: Any) -> None:
    subject = await works()
    with pytest.raises(ControlError, match="it has: oven-heat"):
        subject.core.set_points.run("furnace", "ada")


async def test_a_machine_with_several_controlled_processes_is_told_to_name_one(works: Any) -> None:
    another = (
        "  - {id: oven-too, equipment: oven, physics: heated_body, step_s: 20, control: true,\n"
        "     signals: {setpoint: oven.setpoint, ambient: oven.air, temperature: oven.heat},\n"
        "     objective: {targets: {temperature: {value: 200}}}}\n"
    )
    subject = await works(several=("autonomy:", another + "autonomy:"))
    with pytest.raises(ControlError, match=r"several processes: oven-heat, oven-too\. Name one"):
        subject.core.set_points.run("oven", "ada")


async def test_a_late_answer_delays_no_tick_and_is_not_taken_when_it_comes(works: Any) -> None:
    subject = await works()
    await subject.run(12)
    assert subject.driven.driver is Driver.CONTROL
    child = subject.core.set_points._desk.process
    os.kill(child.process.pid, signal.SIGSTOP)
    try:
        ticks = subject.core.loop.ticks
        for _ in range(60):  # as a core that keeps time does: nothing waits for what chooses
            subject.oven.pass_time(5)
            subject.clock.set(subject.clock.now() + 5 * US)
            await asyncio.wait_for(subject.core._tick(), 10)
            await subject.core._actor.settle()
        assert subject.core.loop.ticks == ticks + 60
        assert child.open > 0
        assert subject.driven.driver is Driver.PLAIN
        assert subject.oven.setpoint == 190.0
    finally:
        os.kill(child.process.pid, signal.SIGCONT)
    before = len(subject.setpoints)
    await asyncio.to_thread(child.settle, 60)
    await subject.core._tick()
    assert "s late, and is not taken" in subject.driven.why
    assert len(subject.setpoints) == before
