"""A machine's own process: findings pass the guard, are recorded, and nothing is ever written."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.learn.edge import models
from tests.learn.edge.models import graph, release, where_above
from tests.operate.devices import MemoryDriver, signal

from genba.learn.edge.keys import ReleaseKey, Trust
from genba.operate.edge import Edge
from genba.operate.edge_plant import signal_of
from genba.operate.state import StateFolder
from genba.plant import US, Connection, Equipment, Plant, Signal, VirtualClock, parse_time

START = parse_time("2026-01-05T06:00:00Z")
KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))


def plant(more_signals: tuple[Signal, ...] = (), **more: Any) -> Plant:
    press = Equipment(
        id="press",
        signals=(
            signal("force", owner="press", unit="kN"),
            signal("heat", owner="press", unit="Cel"),
            *more_signals,
        ),
    )
    connection = Connection(id="press", driver="opcua", url="opc.tcp://192.0.2.1:4840")
    return Plant(id="works", connections=(connection,), equipment=(press,), **more)


class Writes(MemoryDriver):
    """A press that must never be written to."""

    async def write(self, *told: Any) -> None:
        raise AssertionError(f"something was written: {told}")


class Cell:
    """One machine with its process, stepped by hand."""

    def __init__(self, folder: Path, start: int = START, **more: Any) -> None:
        self.clock = VirtualClock(start)
        self.press = Writes(self.clock)
        self.press.values = {"press.force": 0.0, "press.heat": 0.0}
        self.state = StateFolder(folder).hold()
        self.edge = Edge(
            plant(**more), self.state, self.clock, "cell", TRUST,
            drivers={"press": self.press}, trial_answers=5,
        )  # fmt: skip

    async def run(self, ticks: int, level: float) -> None:
        for _ in range(ticks):
            self.clock.set(self.clock.now() + US)
            self.press.show("press.force", level)
            self.press.show("press.heat", level)
            await self.edge.tick()

    def install(self, content: bytes) -> str:
        report = self.edge.node.receive(content)
        assert report.passed, report.why
        self.edge.node.activate(report.address)
        return report.address

    async def decisions(self, step: str) -> list[dict[str, Any]]:
        await self.edge._ingest.drained()
        found = self.edge.historian.rows("decisions").to_pylist()
        return [row for row in found if row["stage"] == step]

    async def stop(self) -> None:
        await self.edge.stop()
        self.state.release()


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncIterator[Cell]:
    made = Cell(tmp_path / "state")
    await made.edge.start()
    yield made
    await made.stop()


async def test_a_model_s_finding_raises_an_alarm_through_the_guard_and_clears_it(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genba.learn.edge.standing.FINDING_S", 3.0)
    cell.install(release(KEY))
    await cell.run(12, 0.2)
    assert cell.edge.alarms.standing() == []
    await cell.run(8, 3.0)
    (alarm,) = cell.edge.alarms.standing()
    assert alarm.equipment == "press"
    (proposal,) = await cell.decisions("proposal")
    assert (proposal["kind"], json.loads(proposal["data"])["writes"]) == ("alarm", [])
    assert cell.edge.models.findings == 1
    await cell.run(12, 0.2)
    await cell.edge._ingest.drained()
    said = cell.edge.historian.samples([signal_of("press")], START, cell.clock.now() + 1)
    told = [json.loads(text)["what"] for text in said["text"].to_pylist()]
    assert told == ["answer", "raised", "cleared"]


async def test_nothing_is_said_of_equipment_that_may_only_be_observed(tmp_path: Path) -> None:
    cell = Cell(
        tmp_path / "state", autonomy=({"equipment": "*", "kind": "alarm", "level": "observe"},)
    )
    await cell.edge.start()
    cell.install(release(KEY))
    await cell.run(12, 3.0)
    assert cell.edge.models.refused > 0
    assert cell.edge.models.findings == 0
    assert cell.edge.alarms.standing() == []
    (verdict, *_) = await cell.decisions("verdict")
    assert "observe only" in verdict["text"]
    await cell.stop()


async def test_a_release_that_goes_bad_says_nothing_and_the_one_before_goes_on(cell: Cell) -> None:
    first = cell.install(release(KEY))
    await cell.run(12, 0.2)
    assert cell.edge.node.slot("watch").force == first
    cell.install(release(KEY, graph(twist=where_above(0.5, models.nan)), probes=models.rows() * 0))
    await cell.run(4, 0.2)
    await cell.run(10, 3.0)
    assert cell.edge.node.slot("watch").force == first
    assert cell.edge.runners.withheld == 1
    (finding,) = await cell.decisions("finding")
    assert json.loads(finding["data"])["source"] == f"watch@{first[:12]}"


async def test_after_a_restart_the_window_is_full_at_once(tmp_path: Path) -> None:
    cell = Cell(tmp_path / "state")
    await cell.edge.start()
    first = cell.install(release(KEY))
    await cell.run(12, 0.2)
    await cell.stop()
    again = Cell(tmp_path / "state", cell.clock.now())
    await again.edge.start()
    assert again.edge.node.slot("watch").force == first
    await again.run(1, 0.2)
    assert again.edge.models.answers == 1
    await again.stop()


async def test_a_lost_device_gives_no_answer_and_no_finding(cell: Cell) -> None:
    cell.install(release(KEY))
    await cell.run(12, 0.2)
    before = cell.edge.models.answers
    for _ in range(30):
        cell.clock.set(cell.clock.now() + US)
        await cell.edge.tick()
    assert cell.edge.models.answers - before <= 6
    assert cell.edge.runners.withheld == 0
    assert cell.edge.health()["models"]["slots"]["watch"]["force"] is not None


async def test_a_model_that_knows_only_work_is_silent_while_the_machine_idles(
    tmp_path: Path,
) -> None:
    state = signal("state", owner="press", kind="state", type="int", role="state")
    cell = Cell(tmp_path / "state", more_signals=(state,))
    cell.press.values["press.state"] = 4
    await cell.edge.start()
    cell.install(release(KEY, working=True))
    await cell.run(12, 3.0)
    assert cell.edge.models.answers == 0
    cell.press.show("press.state", 6)
    await cell.run(12, 3.0)
    assert cell.edge.models.findings == 1
    assert cell.edge.models.answers == 9, "from the fourth row at work on"
    cell.press.show("press.state", 4)
    await cell.run(3, 3.0)
    assert cell.edge.models.answers == 9
    await cell.stop()
