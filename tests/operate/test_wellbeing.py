"""Health is true: each thing that can be wrong is brought about, and is named with its mend."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.operate.devices import IDLE, MemoryDriver
from tests.operate.shop import START
from tests.operate.test_runtime import shop

from genba.historian.disk import Usage
from genba.operate import wellbeing
from genba.operate.audit import AuditLog
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import AcceleratedClock, Link

GIB = 2**30


class Works:
    """A core on one device in memory, running at its clock."""

    def __init__(self, folder: Path) -> None:
        self.clock = AcceleratedClock(START, 20.0, time.time())
        self.state = StateFolder(folder / "state")
        self.driver = MemoryDriver(self.clock)
        self.driver.values = dict(IDLE)
        self.core = Core(
            shop(), self.state, self.clock, drivers={"saw": self.driver}, judges=(), planners=()
        )
        self.free = 500.0
        self.core.wellbeing._watch._usage = lambda _: Usage(1000 * GIB, round(self.free * GIB))

    def parts(self) -> set[str]:
        return {reason["part"] for reason in self.core.health()["reasons"]}

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - it waits for what a plant does
                await asyncio.sleep(0.02)


@pytest.fixture
async def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Works]:
    monkeypatch.setattr(wellbeing, "LOOK_S", 0.05)
    monkeypatch.setattr(wellbeing, "RECENT_S", 1.0)
    made = Works(tmp_path)
    await made.core.start()
    running = asyncio.create_task(made.core.run())
    try:
        await made.until(lambda: made.core.loop.ticks and made.core.health()["status"] == "ok")
        yield made
    finally:
        await made.core.stop()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_lost_link_is_named_until_it_is_back(works: Works) -> None:
    works.driver.link = Link.CONNECTING
    assert works.parts() == {"connection saw"}
    reason = works.core.health()["reasons"][0]
    assert reason["mend"].startswith("look after the device")
    works.driver.link = Link.UP
    await works.until(lambda: works.core.health()["status"] == "ok")


async def test_a_dead_committer_is_named_until_it_is_started_again(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = works.core.historian._supervisor
    assert supervisor is not None
    with monkeypatch.context() as patch:

        def none_to_spare() -> None:
            raise OSError(11, "no process to spare")

        patch.setattr(supervisor, "_start", none_to_spare)
        os.kill(int(supervisor.pid or 0), signal.SIGKILL)
        await works.until(lambda: works.parts() == {"committer"})
    await works.until(lambda: works.core.health()["status"] == "ok")


async def test_a_disk_that_fills_is_named_and_stops_the_samples(works: Works) -> None:
    works.free = 50.0
    await works.until(lambda: works.parts() == {"disk"})
    assert works.core.wellbeing.records
    assert {fact.kind for fact in works.core.wellbeing.facts()} == {"disk_low"}
    works.free = 0.5
    await works.until(lambda: works.core.health()["disk"]["room"] == "none")
    assert {fact.kind for fact in works.core.wellbeing.facts()} == {"disk_full"}
    works.driver.show("saw.load", 51.0)
    await works.until(lambda: "historian" in works.parts())
    assert "takes no more samples" in str(works.core.health()["reasons"])
    assert not works.core.wellbeing.records
    works.free = 500.0
    await works.until(lambda: works.core.health()["status"] == "ok")
    await works.until(lambda: works.core.health()["historian"]["waiting"] == 0)


async def test_ticks_that_fail_are_named_for_a_while(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        async def broken(*_: object) -> None:
            raise ValueError("a defect")

        patch.setattr(works.core.loop, "tick", broken)
        await works.until(lambda: works.core._lateness.failed > 0)
        assert "loop" in works.parts()
    await works.until(lambda: works.core.health()["status"] == "ok")


async def test_a_loop_that_is_held_up_is_named(works: Works) -> None:
    missed = works.core._lateness.missed
    time.sleep(1.0)  # noqa: ASYNC251 - this is what must never happen
    await works.until(lambda: works.core._lateness.missed > missed)
    assert any("ticks were missed" in r["text"] for r in works.core.health()["reasons"])


async def test_a_loop_that_stands_still_is_not_alive(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wellbeing, "_STILL_S", 0.3)
    assert works.core.wellbeing.running
    release = asyncio.Event()

    async def stuck(*_: object) -> None:
        await release.wait()

    monkeypatch.setattr(works.core.loop, "tick", stuck)
    await works.until(lambda: not works.core.wellbeing.running)
    assert any("has not ticked" in r["text"] for r in works.core.health()["reasons"])
    release.set()


async def test_an_audit_log_that_cannot_be_written_is_named(works: Works) -> None:
    works.core.audit.error = "the audit log cannot be written: no room"
    assert "audit" in works.parts()


async def test_an_audit_log_that_somebody_changed_is_named_and_alarmed(works: Works) -> None:
    audit = works.core.audit

    def told() -> bool:
        kinds = {alarm.kind for alarm in works.core.alarms.all() if alarm.active}
        return "audit" in works.parts() and "audit_broken" in kinds

    await asyncio.wrap_future(audit.record("ann", "admin", "first", "x"))
    old = {path: path.read_bytes() for path in works.state.audit.iterdir()}
    await asyncio.wrap_future(audit.record("ann", "admin", "second", "x"))
    assert not told()
    for path, content in old.items():
        path.write_bytes(content)
    await asyncio.wrap_future(audit.record("ann", "admin", "third", "x"))
    await works.until(told)
    await works.core.stop()
    later = AuditLog(works.state.audit, works.state.secrets)
    later.look_back()
    later.close()
    assert "entry 2 was written, and is missing" in later.broken


def test_every_reason_has_a_mend() -> None:
    figures = {
        "connections": {"a": {"link": "down", "error": "refused"}},
        "audit": {"error": "no room", "broken": "entry 2 is missing"},
        "alarms": {"flood": True, "last_10_min": 30},
    }
    found = [*wellbeing._links(figures["connections"]), *wellbeing._rest(figures)]
    assert [reason.part for reason in found] == ["connection a", "audit", "audit", "alarms"]
    assert all(reason.mend for reason in found)
