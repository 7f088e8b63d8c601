"""From plant to hub, Genba to Genba: all that one recorded is recorded by the other, once."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.connect.brokers import Mosquitto, running
from tests.operate.test_uplink import Site, quick, site

from genba.historian import Historian
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, Plant, SystemClock

__all__ = ["quick"]

pytestmark = pytest.mark.peer("mosquitto")
Eventually = Callable[..., Any]
NAMES = ("mill.force", "mill.state", "mill.count")


def hub_plant(port: int) -> Plant:
    """What the hub is told: the metrics of the node ``lisbon`` are signals of its own."""
    common = {"equipment": "mill", "connection": "lisbon"}
    return Plant.model_validate(
        {
            "id": "hub",
            "tick_s": 0.2,
            "connections": [
                {"id": "lisbon", "driver": "sparkplug", "url": f"mqtt://127.0.0.1:{port}",
                 "options": {"group": "works", "node": "lisbon", "host_id": "hub"}},
            ],
            "equipment": [
                {"id": "mill", "connection": "lisbon", "signals": [
                    {"id": "mill.force", "address": "mill.force", **common},
                    {"id": "mill.state", "address": "mill.state", "kind": "state",
                     "type": "string", **common},
                    {"id": "mill.count", "address": "mill.count", "kind": "counter",
                     "type": "int", **common},
                ]},
            ],
        }
    )  # fmt: skip


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
    """What the hub has, without its own marks: bad quality, and good again as of now."""
    rows = historian.samples(NAMES, start, start + 3600 * US).to_pylist()
    return Counter(
        (row["signal"], round(row["source_time"].timestamp() * 1000),
         row["value"] if row["text"] is None else row["text"])
        for row in rows
        if row["quality"] < 2 and row["source_time"] != row["receive_time"]
    )  # fmt: skip


def expected(subject: Site) -> Counter[tuple[str, int, Any]]:
    return Counter(subject.shown)


@pytest.fixture(autouse=True)
def committed_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub stops twice; a process that commits would take seconds to start each time."""
    monkeypatch.setattr(Historian, "start_committing", lambda _, every_s: None)


async def test_cuts_and_restarts_lose_and_double_nothing(
    free_port: Callable[[], int], tmp_path: Path, eventually: Eventually
) -> None:
    broker = Mosquitto(free_port(), tmp_path)
    start = SystemClock().now() - US
    async with running(broker), site(tmp_path, broker.port, host="hub") as subject:
        await subject.record("mill.force", 0.5)  # before the hub was ever there

        async with hub(tmp_path, broker.port) as core:
            await eventually(lambda: subject.pump.health()["link"] == "up")
            await subject.record("mill.force", 1.0, 2.0)
            await subject.record("mill.state", "idle", "running")
            await eventually(lambda: core.live.value("mill.state") == "running")
            await broker.stop()
            await eventually(lambda: subject.pump.health()["link"] == "down")
            await subject.record("mill.force", *[10.0 + n for n in range(200)])
            await subject.record("mill.count", 1, 2, 3)
            await broker.start()
            await eventually(lambda: core.live.value("mill.count") == 3)
            await subject.record("mill.state", "held")
            await eventually(lambda: core.live.value("mill.state") == "held")

        await eventually(lambda: subject.pump.health()["link"] == "down")  # the hub is away
        await subject.record("mill.force", *[500.0 + n for n in range(50)])
        await subject.pump.stop()  # and the plant stops, too
        await subject.record("mill.count", 4, 5)
        subject.pump = subject.new_pump()
        subject.pump.start()

        async with hub(tmp_path, broker.port) as core:
            await eventually(lambda: core.live.value("mill.count") == 5)
            await eventually(
                lambda: recorded(core.historian, start) >= expected(subject), 15.0, "the backlog"
            )
            assert recorded(core.historian, start) == expected(subject)
