"""A core whose disk is full: it says so, goes on by itself, and knows what it could not store."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.operate.devices import IDLE, SAW, MemoryDriver, plant

from genba.errors import HistorianError
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import SystemClock


async def test_what_a_full_disk_refused_is_in_the_ledger(
    tmp_path: Path, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SystemClock()
    driver = MemoryDriver(clock)
    driver.values = dict(IDLE)
    with StateFolder(tmp_path / "state") as state:
        core = Core(
            plant(equipment=(SAW,), tick_s=0.1), state, clock, drivers={"saw": driver},
            judges=(), planners=(),
        )  # fmt: skip
        await core.start()
        ticking = asyncio.create_task(core.run())
        try:
            driver.show("saw.load", 1.0)
            await eventually(lambda: core.live.value("saw.load") == 1.0)
            await core.recorded()
            await eventually(lambda: (tmp_path / "state" / "alive.json").exists())
            core._ingest._most = core._ingest.waiting + 20
            with monkeypatch.context() as full:
                full.setattr(core.historian, "append_all", _no_room)
                for number in range(100):
                    driver.show("saw.load", 2.0 + number)
                    await asyncio.sleep(0)
                await eventually(lambda: "disk is full" in core.health()["historian"]["error"])
                await eventually(lambda: core.health()["historian"]["gaps_open"] == 1)
                assert core.health()["status"] == "degraded"
                assert core.live.value("saw.load") == 101.0
            core._ingest._most = 500_000
            await eventually(lambda: not core.recovery.ledger.standing())
            await core.recorded()
            rows = core.historian.samples(["saw.load"], 0, 2**52).to_pylist()
            kept = [row["value"] for row in rows]
            (gap,) = core.historian.gaps(["saw.load"]).to_pylist()
        finally:
            await core.stop()
            await ticking
    lost = [value for value in range(2, 102) if value not in kept]
    assert len(kept) == len(set(kept))
    assert lost
    assert lost[-1] == 101
    assert gap["reason"] == "disk_full"
    last_kept = max(row["source_time"] for row in rows)
    assert last_kept < gap["start"] < gap["end"]


def _no_room(*_: object) -> None:
    raise HistorianError("the disk is full")
