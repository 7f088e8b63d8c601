"""Outages, end to end: what a real OPC UA server recorded meanwhile is in the historian, once."""

import asyncio
import contextlib
import os
import signal as signals
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.connect.opcua_device import URI, Device, befriend
from tests.tcp_proxy import TcpProxy

from genba.historian import Historian
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import Plant, SystemClock, load_plant

pytestmark = pytest.mark.timeout(90)

COUNT, STATE = "press-1.count", "press-1.state"
PLANT = """\
genba: 1
id: works
connections:
  - id: press-1
    driver: opcua
    url: "opc.tcp://127.0.0.1:{port}"
    options: {{publish_ms: 20, keepalive_s: 0.3, timeout_s: 1, outage_s: 1, queue_size: 1000}}
equipment:
  - id: press-1
    connection: press-1
    signals:
      - {{id: count, kind: counter, type: int, address: "nsu={uri};s=Count"}}
      - {{id: state, kind: state, type: int, address: "nsu={uri};s=State"}}
"""


class Press:
    """A device that counts on, 50 times a second, and keeps a history of its count."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.count = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        nodes = [self.device.nodes["Count"], self.device.nodes["State"]]
        await self.device.server.historize_node_data_change(nodes, period=None)
        self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.count += 1
            await self.device.put("Count", self.count)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None


@pytest.fixture
async def press(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Press]:
    device = await Device(tmp_path / "device", free_port()).start()
    StateFolder(tmp_path / "state")
    befriend(device, tmp_path / "state" / "pki")
    made = Press(device)
    await made.start()
    yield made
    await made.stop()
    await device.stop()


@pytest.fixture
async def proxy(press: Press) -> AsyncIterator[TcpProxy]:
    made = await TcpProxy(press.device.port).start()
    yield made
    await made.stop()


def plant_of(folder: Path, port: int) -> Plant:
    path = folder / "plant.yaml"
    path.write_text(PLANT.format(port=port, uri=URI), encoding="utf-8")
    return load_plant(path)


def stored(historian: Historian, since: int = 0) -> list[int]:
    """Return the counts that are stored, in the order of their source times."""
    rows = historian.samples([COUNT], since, 2**52).to_pylist()
    return [int(row["value"]) for row in rows if row["quality"] == 0 and row["value"] is not None]


def assert_each_once(values: list[int]) -> None:
    assert values == list(range(values[0], values[-1] + 1))


@contextlib.asynccontextmanager
async def running(folder: Path, plant: Plant) -> AsyncIterator[Core]:
    with StateFolder(folder / "state") as held:
        core = Core(plant, held, SystemClock(), judges=(), planners=())
        await core.start()
        ticking = asyncio.create_task(core.run())
        try:
            yield core
        finally:
            await core.stop()
            await ticking


@pytest.mark.parametrize("fault", ["cut", "blackhole"])
async def test_a_lost_link_is_in_the_ledger_and_what_it_missed_is_fetched(
    tmp_path: Path, press: Press, proxy: TcpProxy, eventually: Any, fault: str
) -> None:
    async with running(tmp_path, plant_of(tmp_path, proxy.port)) as core:
        await eventually(lambda: core.live.value(COUNT))
        first = press.count
        getattr(proxy, fault)()
        await eventually(lambda: core.health()["historian"]["gaps_open"] == 2)
        lost = press.count
        await eventually(lambda: press.count > lost + 120)
        began = time.monotonic()
        proxy.restore()
        await eventually(lambda: (core.live.value(COUNT) or 0) > lost + 120, 5.0, "live data")
        assert time.monotonic() - began < 5
        ledger = core.recovery.ledger
        await eventually(lambda: not ledger.standing() and not ledger.missing(), 20.0, "backfill")
        await eventually(lambda: core.health()["historian"]["backfilling"] == 0)
        await press.stop()
        await eventually(lambda: core.live.value(COUNT) == press.count)
        await core.recorded()
        values = stored(core.historian)
        assert values[0] <= first
        assert values[-1] == press.count
        assert_each_once(values)
        gaps = core.historian.gaps([COUNT]).to_pylist()
        assert gaps
        assert {gap["reason"] for gap in gaps} == {"link"}
        assert {gap["recovery"] for gap in gaps} <= {"history", "buffer"}
        assert sum(gap["recovered"] for gap in gaps) == core.health()["historian"]["backfilled"] > 0
        told = core.historian.rows("events", 0, 2**52, kind="gap.recovered").to_pylist()
        assert len(told) == 1


async def test_what_was_said_while_genba_was_dead_is_fetched(
    tmp_path: Path, press: Press, eventually: Any
) -> None:
    plant_of(tmp_path, press.device.port)
    command = [sys.executable, "-m", "genba", "run", str(tmp_path / "plant.yaml"), "--port", "0"]
    environment = {key: value for key, value in os.environ.items() if key[:6] != "GENBA_"}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def newest() -> int:
        with contextlib.suppress(Exception), reading(tmp_path) as historian:
            return max(stored(historian), default=0)
        return 0

    process = start()
    try:
        await until(lambda: newest() > 0)
        before = press.count
        await until(lambda: newest() > before)
        await eventually(lambda: (tmp_path / "state" / "alive.json").exists())
        process.kill()
        process.wait()
        dead = press.count
        await eventually(lambda: press.count > dead + 50)
        process = start()
        await until(lambda: recovered(tmp_path))
        await press.stop()
        await until(lambda: newest() == press.count)
    finally:
        process.send_signal(signals.SIGINT)
        await asyncio.to_thread(process.wait, 30)
    with reading(tmp_path) as historian:
        values = stored(historian)
        assert values[0] < before < dead < values[-1] == press.count
        assert_each_once(values)
        gaps = historian.gaps([COUNT]).to_pylist()
    (gap,) = [gap for gap in gaps if gap["reason"] == "stopped"]
    assert gap["recovery"] == "history"
    assert gap["recovered"] >= 50


def reading(folder: Path) -> Historian:
    return Historian.open(folder / "state" / "historian", SystemClock(), read_only=True)


def recovered(folder: Path) -> bool:
    with contextlib.suppress(Exception), reading(folder) as historian:
        gaps = historian.gaps([COUNT]).to_pylist()
        return bool(gaps) and all(gap["recovery"] in ("history", "buffer") for gap in gaps)
    return False


async def until(condition: Callable[[], bool], within_s: float = 45.0) -> None:
    """Wait for what only reading files shows; off the loop, on which the device lives."""
    deadline = time.monotonic() + within_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.2)


async def test_a_lost_sign_of_life_is_made_up_for_by_the_historian(
    tmp_path: Path, press: Press, eventually: Any
) -> None:
    plant = plant_of(tmp_path, press.device.port)
    async with running(tmp_path, plant) as core:
        await eventually(lambda: core.live.value(COUNT))
        await core.recorded()
    (tmp_path / "state" / "alive.json").write_text("", encoding="utf-8")
    away = press.count
    await eventually(lambda: press.count > away + 30)
    async with running(tmp_path, plant) as core:
        ledger = core.recovery.ledger
        await eventually(lambda: core.health()["historian"]["backfilled"] >= 30, 20.0)
        await eventually(lambda: not ledger.standing() and not ledger.missing(), 20.0)
        await press.stop()
        await eventually(lambda: core.live.value(COUNT) == press.count)
        await core.recorded()
        assert_each_once(stored(core.historian))
        assert stored(core.historian)[-1] == press.count
