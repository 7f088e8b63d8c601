"""From a machine without the core to a hub: each finding and each sample arrives once."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.connect.brokers import Mosquitto, running
from tests.learn.edge.models import release
from tests.operate.test_edge import KEY, TRUST, Writes, plant
from tests.operate.test_uplink import quick

from genba.historian import Historian
from genba.operate.edge import Edge
from genba.operate.edge_plant import signal_of
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, Plant, SystemClock

__all__ = ["quick"]

pytestmark = pytest.mark.peer("mosquitto")
Eventually = Callable[..., Any]
STEP_S = 0.05
FOUND = signal_of("press")
NAMES = ("press.force", "press.heat", FOUND)


def edge_plant(port: int) -> Plant:
    uplink = {
        "id": "hub", "url": f"mqtt://127.0.0.1:{port}", "group": "works", "node": "cell",
        "host": "hub",
    }  # fmt: skip
    return plant(uplinks=(uplink,))


def hub_plant(port: int) -> Plant:
    """What the hub is told: signals of the node ``cell``, its findings among them."""
    common = {"equipment": "press", "connection": "cell"}
    link = {
        "id": "cell", "driver": "sparkplug", "url": f"mqtt://127.0.0.1:{port}",
        "options": {"group": "works", "node": "cell", "host_id": "hub"},
    }  # fmt: skip
    signals = [
        {"id": "press.force", "address": "press.force", "sample_s": 0.01, **common},
        {"id": "press.heat", "address": "press.heat", "sample_s": 0.01, **common},
        {"id": FOUND, "address": FOUND, "kind": "event", "type": "json", **common},
    ]
    equipment = [{"id": "press", "connection": "cell", "signals": signals}]
    return Plant.model_validate(
        {"id": "hub", "tick_s": 0.2, "connections": [link], "equipment": equipment}
    )


class Machine:
    """A press with its own process; ``work`` lets it run at a level for some steps."""

    def __init__(self, folder: Path, port: int) -> None:
        self.clock = SystemClock()
        self.press = Writes(self.clock)
        self.press.values = {"press.force": 0.0, "press.heat": 0.0}
        self.state = StateFolder(folder / "cell").hold()
        self.edge = Edge(
            edge_plant(port), self.state, self.clock, "cell", TRUST, drivers={"press": self.press}
        )

    async def work(self, steps: int, level: float) -> None:
        for step in range(steps):  # a hub stores what changes
            self.press.show("press.force", level + step / 1000)
            self.press.show("press.heat", level - step / 1000)
            await self.edge.tick()
            await asyncio.sleep(STEP_S)

    async def stop(self) -> None:
        await self.edge.stop()
        self.state.release()


@asynccontextmanager
async def hub(folder: Path, port: int) -> AsyncIterator[Core]:
    with StateFolder(folder / "hub-state") as state:
        core = Core(hub_plant(port), state, SystemClock(), judges=(), planners=())
        await core.start()
        try:
            yield core
        finally:
            await core.stop()


def recorded(historian: Historian, start: int) -> Counter[tuple[str, int, Any]]:
    rows = historian.samples(NAMES, start, start + 3600 * US).to_pylist()
    return Counter(
        (row["signal"], round(row["source_time"].timestamp() * 1e6),
         row["value"] if row["text"] is None else row["text"])
        for row in rows if row["quality"] < 2
    )  # fmt: skip


def told(historian: Historian, start: int) -> list[str]:
    rows = historian.samples([FOUND], start, start + 3600 * US)["text"].to_pylist()
    return [json.loads(text)["what"] for text in rows if text is not None]


@pytest.fixture(autouse=True)
def committed_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Historian, "start_committing", lambda _, every_s: None)


async def test_findings_of_an_outage_and_a_restart_arrive_once_when_the_hub_is_back(
    free_port: Callable[[], int], tmp_path: Path, eventually: Eventually
) -> None:
    broker = Mosquitto(free_port(), tmp_path)
    start = SystemClock().now() - US
    machine = Machine(tmp_path, broker.port)
    content = release(KEY, step_s=STEP_S)
    report = machine.edge.node.receive(content)
    assert report.passed, report.why
    machine.edge.node.activate(report.address)
    machine.edge.node.confirm("watch")
    async with running(broker):
        await machine.edge.start()
        async with hub(tmp_path, broker.port) as core:
            await eventually(lambda: machine.edge.health()["uplinks"]["hub"]["link"] == "up")
            await machine.work(8, 0.2)
            await broker.stop()
            await machine.work(8, 3.0)  # a finding while the link is down
            await machine.stop()
            machine = Machine(tmp_path, broker.port)  # and the machine starts anew
            await machine.edge.start()
            await machine.work(8, 0.2)
            await broker.start()
            await eventually(lambda: machine.edge.health()["uplinks"]["hub"]["link"] == "up", 20.0)
            await machine.work(8, 3.0)
            await machine.edge._ingest.drained()
            mine = recorded(machine.edge.historian, start)
            await eventually(lambda: recorded(core.historian, start) >= mine, 20.0, "the backlog")
            assert recorded(core.historian, start) == mine
            assert told(core.historian, start).count("raised") >= 2
            assert max(recorded(core.historian, start).values()) == 1
        await machine.stop()
