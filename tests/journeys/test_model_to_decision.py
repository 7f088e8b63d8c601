"""From recorded data to a decision: learned, verified, released, found, and taken back."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from tests.cli.command import genba
from tests.learn.worked import END, Worked
from tests.operate.devices import MemoryDriver

from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, VirtualClock

BOUND_S = 120.0
CALM = ("--from", "2026-01-05T12:00:00Z", "--to", "2026-01-05T16:00:00Z")


class Press:
    """The core of the press, stepped by hand, ten seconds at a time."""

    def __init__(self, works: Worked) -> None:
        self.clock = VirtualClock(END + 60 * US)
        self.device = MemoryDriver(self.clock)
        self.device.values = {"press-1.state": 6, "press-1.melt": 230.0, "press-1.cavity": 300.0}
        self.core = Core(
            works.plant, StateFolder(works.state.root), self.clock,
            drivers={"line": self.device}, judges=(), planners=(), trial_answers=10,
        )  # fmt: skip
        self.random = np.random.default_rng(3)

    async def steps(self, count: int, fault: float = 0.0) -> None:
        for _ in range(count):
            melt = 230 + self.random.normal(0, 0.7)
            cavity = 300 + 4 * (melt - 230) + self.random.normal(0, 4) + fault
            self.device.show("press-1.state", 6)
            self.device.show("press-1.melt", float(melt))
            self.device.show("press-1.cavity", float(cavity))
            await self.core.step(self.clock.now() + 10 * US)

    async def until(self, figure: str, count: int) -> None:
        end = time.monotonic() + BOUND_S
        while self.core.health()["models"][figure] != count:
            assert time.monotonic() < end, f"'{figure}' never became {count}"
            await self.steps(1)
            await asyncio.sleep(0.02)

    async def decisions(self) -> list[dict[str, Any]]:
        await self.core.recorded()
        rows = self.core.historian.rows("decisions").to_pylist()
        return [row for row in rows if row["equipment"] == "press-1"]


async def test_what_a_released_model_finds_becomes_a_decision_and_a_roll_back_ends_it(
    tmp_path: Path,
) -> None:
    works = Worked(tmp_path)
    name, state = works.model.digest[:10], ("--state", works.state.root)
    told = genba("model", "verify", name, tmp_path / "plant.yaml", *CALM, *state)
    assert told.exit_code == 0, told.stderr
    press = Press(works)
    await press.core.start()
    try:
        told = genba("model", "release", name, "--by", "ada", "--no-wait", *state)
        assert told.exit_code == 0, told.stderr
        await press.until("in_force", 1)
        before = len(await press.decisions())
        await press.steps(40, fault=80.0)
        decisions = (await press.decisions())[before:]
        found = [row for row in decisions if row["stage"] == "finding"]
        assert found[0]["kind"] == "model_anomaly"
        assert name in found[0]["text"]
        assert "mostly press-1.cavity (" in found[0]["text"], "the signal that left is named"
        evidence = json.loads(found[0]["data"])["evidence"]
        assert {piece["signal"] for piece in evidence} == {"press-1.melt", "press-1.cavity"}
        assert {row["stage"] for row in decisions} == {"finding", "proposal", "verdict"}
        (alarm,) = [a for a in press.core.alarms.standing() if a.kind == "model_anomaly"]
        assert alarm.active
        told = genba(
            "model", "rollback", name, "--by", "ada", "--why", "a drill", "--no-wait", *state
        )
        assert told.exit_code == 0, told.stderr
        await press.until("in_force", 0)
        await press.steps(2)
        assert not alarm.active
    finally:
        await press.core.stop()
    events = json.loads(genba("model", "history", name, "--json", *state).stdout)
    assert [(event["what"], event["where"]) for event in events] == [
        ("registered", ""), ("verified", ""), ("released", "core"), ("received", "core"),
        ("trial", "core"), ("started", "core"), ("rolled_back", "core"),
    ]  # fmt: skip
