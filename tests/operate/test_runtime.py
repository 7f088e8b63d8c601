"""A core on devices in memory: it connects, ticks, listens to people, and stops cleanly."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.operate.devices import IDLE, MemoryDriver
from tests.operate.shop import SHOP, START

from genba.connect import backoff
from genba.historian import Historian
from genba.operate.judge import Judgement, Sight
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plan import Situation
from genba.plant import (
    US,
    AcceleratedClock,
    Approval,
    Autonomy,
    AutonomyRule,
    Clock,
    Decision,
    Plant,
    Proposal,
    Quality,
    SystemClock,
    VirtualClock,
    Write,
    load_plant,
)

AUTONOMOUS = (AutonomyRule(level=Autonomy.AUTONOMOUS),)


class Yard:
    """A core and its one device; the shop without vehicle, so that lots are brought by hand."""

    def __init__(self, folder: Path, plant: Plant, clock: Clock | None = None, **more: Any) -> None:
        self.clock = clock or VirtualClock(START)
        self.folder = StateFolder(folder / "state")
        self.driver = MemoryDriver(self.clock)
        self.driver.values = dict(IDLE)
        self.core = Core(
            plant,
            self.folder,
            self.clock,
            drivers={"saw": self.driver},
            **{"judges": (), "planners": (), **more},
        )

    async def ticks(self, count: int = 1) -> None:
        for _ in range(count):
            await self.core.step(self.clock.now() + US)

    async def rows(self, name: str) -> list[dict[str, Any]]:
        await self.core.recorded()
        rows: list[dict[str, Any]] = self.core.historian.rows(
            name, START - US, START + 10**12
        ).to_pylist()
        return rows


ANN = Approval("ann", "operator")


def shop(*rules: AutonomyRule) -> Plant:
    equipment = tuple(e for e in SHOP.equipment if e.id != "amr")
    return SHOP.model_copy(
        update={
            "autonomy": rules or AUTONOMOUS,
            "equipment": tuple(
                e.model_copy(
                    update={
                        "signals": tuple(
                            s.model_copy(update={"connection": "saw"}) for s in e.signals
                        )
                    }
                )
                for e in equipment
            ),
            "vehicles": (),
        }
    )


@pytest.fixture
async def yards(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Yard]]]:
    made: list[Yard] = []

    async def make(*rules: AutonomyRule, **more: Any) -> Yard:
        yard = Yard(tmp_path, shop(*rules), **more)
        made.append(yard)
        await yard.core.start()
        return yard

    yield make
    for yard in made:
        await yard.core.stop()


def speed(value: float, name: str, **more: Any) -> Proposal:
    writes = (Write("saw.speed", value, "m/s"),)
    fields = {"actor": "ann", "role": "operator", "source": "person", **more}
    return Proposal(name, START, "setpoint", "saw", writes, "a person wants it", **fields)


async def test_a_lot_that_is_brought_is_worked_on(yards: Any) -> None:
    yard = await yards()
    await yard.ticks(3)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(5)
    assert [value for name, value in yard.driver.written if name == "saw.job_lots"] == ["O-1-01"]
    stages = [row["stage"] for row in await yard.rows("decisions") if row["kind"] == "dispatch"]
    assert stages == ["proposal", "verdict", "command", "outcome"]
    assert yard.core.health()["loop"]["commands_done"] == 1


async def test_no_job_goes_to_a_machine_that_does_not_hear_genba(yards: Any) -> None:
    yard = await yards()
    yard.driver.fails = "deaf"
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(60)
    assert {name for name, _ in yard.driver.written} == {"saw.heartbeat"}
    outcomes = [row for row in await yard.rows("decisions") if row["stage"] == "outcome"]
    assert [row["kind"] for row in outcomes] == ["heartbeat"]


async def test_a_refused_job_is_tried_again_less_and_less(yards: Any) -> None:
    yard = await yards()
    yard.driver.job_error = "the clamp is open"
    await yard.ticks(3)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(200)
    asked = [value for name, value in yard.driver.written if name == "saw.job_request"]
    assert asked == list(range(1, len(asked) + 1))
    assert 3 <= len(asked) <= 5
    yard.driver.job_error = ""
    await yard.ticks(300)
    assert yard.core.health()["loop"]["commands_done"] == 1


async def test_a_machine_that_takes_a_job_and_does_nothing_is_not_pestered(yards: Any) -> None:
    yard = await yards()
    yard.driver.starts = False
    await yard.ticks(3)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(120)
    asked = [value for name, value in yard.driver.written if name == "saw.job_request"]
    assert asked == [1, 2, 3]


async def test_at_advise_genba_says_once_what_it_would_do(yards: Any) -> None:
    heart = AutonomyRule(kind="heartbeat", level=Autonomy.AUTONOMOUS)
    yard = await yards(AutonomyRule(level=Autonomy.ADVISE), heart)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(30)
    assert [v.decision for _, v in yard.core.loop.proposals()] == [Decision.ADVISED]
    assert "saw.job_request" not in {name for name, _ in yard.driver.written}


async def test_at_approve_a_person_says_yes(yards: Any) -> None:
    heart = AutonomyRule(kind="heartbeat", level=Autonomy.AUTONOMOUS)
    yard = await yards(AutonomyRule(level=Autonomy.APPROVE), heart)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(5)
    proposal, verdict = yard.core.loop.proposals()[-1]
    assert verdict.decision is Decision.AWAITING_APPROVAL
    assert (await yard.core.by_hand.approve(proposal.id, ANN)).decision is Decision.ALLOWED
    await yard.ticks(5)
    assert ("saw.job_lots", "O-1-01") in yard.driver.written
    decided = [
        json.loads(row["data"])["decision"]
        for row in await yard.rows("decisions")
        if row["stage"] == "verdict"
    ]
    assert decided == ["awaiting_approval", "allowed"]


async def test_a_persons_write_goes_through_the_guard(yards: Any) -> None:
    yard = await yards(AutonomyRule(level=Autonomy.ADVISE))
    await yard.ticks(2)
    assert (await yard.core.by_hand.submit(speed(12.0, "M1"))).decision is Decision.ALLOWED
    assert (await yard.core.by_hand.submit(speed(99.0, "M2"))).decision is Decision.REFUSED
    assert (
        await yard.core.by_hand.submit(speed(12.0, "M3", role="viewer"))
    ).decision is Decision.REFUSED
    await yard.ticks(3)
    assert [value for name, value in yard.driver.written if name == "saw.speed"] == [12.0]


async def test_followers_get_each_tick_once_and_hold_up_nobody(yards: Any) -> None:
    yard = await yards()
    ticks = yard.core.subscribe_ticks()
    _, everything = await anext(ticks)
    assert {sample.signal for sample in everything} == set(IDLE)
    following = asyncio.ensure_future(anext(ticks))
    await asyncio.sleep(0)
    yard.driver.show("saw.load", 60.0)
    yard.driver.show("saw.load", 61.0)
    await yard.ticks()
    _, changed = await following
    assert {(s.signal, s.value) for s in changed} >= {("saw.load", 61.0)}
    assert len([s for s in changed if s.signal == "saw.load"]) == 1
    await ticks.aclose()


async def test_judges_and_planners_plug_in_and_their_failures_are_survived(yards: Any) -> None:
    class Prophet:
        name = "prophet"

        def judge(self, sight: Sight) -> Sequence[Judgement]:
            raise KeyError("no crystal ball")

    class Lazy:
        name = "lazy"
        kinds = frozenset({"dispatch"})

        def propose(self, situation: Situation) -> Sequence[Proposal]:
            raise NotImplementedError("tomorrow")

    yard = await yards(judges=(Prophet(),), planners=(Lazy(),))
    await yard.ticks(3)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(5)
    assert ("saw.job_lots", "O-1-01") in yard.driver.written
    told = {finding.kind for finding in yard.core.loop.findings()}
    assert told >= {"judge_prophet", "planner_lazy"}
    assert yard.core.health()["loop"]["planner_fallbacks"] > 0


async def test_what_an_advanced_planner_gets_refused_the_plain_one_plans(yards: Any) -> None:
    class Reckless:
        name = "reckless"
        kinds = frozenset({"dispatch", "transport"})

        def propose(self, situation: Situation) -> Sequence[Proposal]:
            writes = (Write("saw.job_quantity", 10**6, "furlong"),)
            name = f"reckless-{situation.time}"
            return [
                Proposal(name, situation.time, "dispatch", "saw", writes, "why not", "reckless")
            ]

    yard = await yards(planners=(Reckless(),))
    await yard.ticks(3)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(30)
    assert ("saw.job_lots", "O-1-01") in yard.driver.written
    assert ("saw.job_quantity", 10**6) not in yard.driver.written


async def test_a_lost_link_is_an_event_and_health_says_so(yards: Any) -> None:
    yard = await yards()
    await yard.ticks(2)
    assert yard.core.health()["status"] == "ok"
    yard.driver.link = type(yard.driver.link).DOWN
    yard.driver.show("saw.state", 4, Quality.BAD)
    await yard.ticks(2)
    health = yard.core.health()
    assert (health["status"], health["connections"]["saw"]["link"]) == ("degraded", "down")
    kinds = [row["kind"] for row in await yard.rows("events") if row["kind"].startswith("link.")]
    assert kinds == ["link.up", "link.down"]


async def test_a_device_that_comes_late_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Awaitable[None]]
) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.01)
    yard = Yard(tmp_path, shop())
    yard.driver.refuses_to_connect = 2
    await yard.core.start()
    health = yard.core.health()
    assert "is it switched on" in health["connections"]["saw"]["error"]
    await eventually(lambda: yard.core.live.get("saw.state") is not None)
    await yard.ticks()
    assert yard.core.health()["connections"]["saw"]["error"] == ""
    await yard.core.stop()


async def test_running_and_stopping_loses_nothing(
    tmp_path: Path, eventually: Callable[..., Awaitable[None]]
) -> None:
    import time

    clock = AcceleratedClock(START, 50.0, time.time())
    yard = Yard(tmp_path, shop(), clock)
    await yard.core.start()
    running = asyncio.create_task(yard.core.run())
    await eventually(lambda: yard.core.loop.ticks > 20)
    yard.driver.show("saw.load", 71.5)
    report = yard.core.health()["loop"]
    assert report["late_p99_ms"] >= report["late_p50_ms"] >= 0
    await yard.core.stop()
    await asyncio.wait_for(running, 5)
    await yard.core.stop()
    assert yard.driver.link == "closed"
    with Historian.open(yard.folder.historian, clock, read_only=True) as store:
        found = store.samples(["saw.load"], START - US, START + 10**12).to_pylist()
    assert [row["value"] for row in found][-1] == 71.5


async def test_a_clock_that_stands_until_all_have_started_is_waited_for_and_did_not_jump(
    tmp_path: Path, eventually: Callable[..., Awaitable[None]]
) -> None:
    import time

    clock = AcceleratedClock(START, 50.0, time.time() + 2.5)
    yard = Yard(tmp_path, shop(), clock)
    await yard.core.start()
    running = asyncio.create_task(yard.core.run())
    await eventually(lambda: yard.core.loop.ticks > 5)
    assert clock.now() > START
    await yard.core.stop()
    await asyncio.wait_for(running, 5)
    with Historian.open(yard.folder.historian, clock, read_only=True) as store:
        events = store.rows("events", START - US, START + 10**12).to_pylist()
    assert "clock.jumped" not in {row["kind"] for row in events}


async def test_a_core_whose_clock_stands_still_can_be_stopped(tmp_path: Path) -> None:
    import time

    yard = Yard(tmp_path, shop(), AcceleratedClock(START, 50.0, time.time() + 600))
    await yard.core.start()
    running = asyncio.create_task(yard.core.run())
    await asyncio.sleep(0.1)
    await yard.core.stop()
    await asyncio.wait_for(running, 5)
    assert yard.core.loop.ticks == 0


async def test_a_tick_that_fails_does_not_end_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Awaitable[None]]
) -> None:
    import time

    yard = Yard(tmp_path, shop(), AcceleratedClock(START, 50.0, time.time()))
    await yard.core.start()
    good = yard.core.loop.tick
    calls = []

    async def bad_at_first(*told: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        await good(*told)

    monkeypatch.setattr(yard.core.loop, "tick", bad_at_first)
    running = asyncio.create_task(yard.core.run())
    await eventually(lambda: yard.core.loop.ticks > 3)
    assert yard.core.health()["loop"]["failed"] == 1
    assert yard.core.health()["status"] == "degraded"
    await yard.core.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_what_a_person_refused_may_be_proposed_again_before_long(yards: Any) -> None:
    heart = AutonomyRule(kind="heartbeat", level=Autonomy.AUTONOMOUS)
    yard = await yards(AutonomyRule(level=Autonomy.APPROVE), heart)
    yard.driver.show("saw.station", "O-1-01")
    await yard.ticks(5)
    proposal, _ = yard.core.loop.proposals()[-1]
    await yard.core.by_hand.refuse(proposal.id, ANN, "not now")
    await yard.ticks(90)
    asked = [p for p, v in yard.core.loop.proposals() if v.decision is Decision.AWAITING_APPROVAL]
    assert len({p.id for p in asked}) == 2


async def test_what_a_driver_cannot_read_as_a_value_is_kept_as_it_came(
    tmp_path: Path, eventually: Callable[..., Awaitable[None]]
) -> None:
    (tmp_path / "load.csv").write_text("signal,time,value\nload,2026-01-05T06:00:00Z,nan\n")
    file = tmp_path / "plant.yaml"
    file.write_text(
        "genba: 1\nid: yard\n"
        f"connections:\n  - {{id: saw, driver: replay, url: 'file:{tmp_path / 'load.csv'}'}}\n"
        "equipment:\n  - {id: works, level: site}\n"
        "  - id: saw\n    parent: works\n    connection: saw\n    signals:\n"
        "      - {id: load, kind: measurement, type: float, unit: '1', address: load}\n"
    )
    core = Core(load_plant(file), StateFolder(tmp_path / "state"), SystemClock())
    await core.start()
    try:
        await eventually(lambda: core.health()["historian"]["quarantined"] == 1)
        await core.recorded()
        [row] = core.historian.rows("quarantine", 0, 2**52).to_pylist()
    finally:
        await core.stop()
    assert (row["signal"], row["reason"]) == ("saw.load", "not_a_number")
    assert json.loads(row["value"]) == {"number": "nan"}
