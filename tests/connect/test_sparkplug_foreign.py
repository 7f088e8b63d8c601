"""Sparkplug with strangers: npm's edge node before our host, npm's reader behind our node."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import PEERS_FOLDER
from tests.connect.brokers import Mosquitto, running
from tests.connect.test_field_gaps import Told, listening
from tests.operate.test_uplink import site

from genba.connect.conformance import check_driver, describe, failures
from genba.connect.driver import DriverContext
from genba.connect.sparkplug import SparkplugDriver
from genba.plant import Connection, GapReason, Quality, Recovery, Signal, SystemClock

pytestmark = [pytest.mark.peer("sparkplug-client"), pytest.mark.peer("mosquitto")]
Eventually = Callable[..., Any]
FOLDER = PEERS_FOLDER / "sparkplug-client"

BIRTH = [
    {"name": "Speed", "type": "Double", "value": 1.5},
    {"name": "Count", "type": "Int32", "value": -3},
    {"name": "Name", "type": "String", "value": "mill"},
    {"name": "Table", "type": "DataSet", "value": {
        "numOfColumns": 2, "types": ["string", "int32"], "columns": ["tool", "uses"],
        "rows": [["T1", 7], ["T2", -1]]}},
]  # fmt: skip
DEVICE_BIRTH = [{"name": "Setpoint", "type": "Double", "value": 0.0}]


def signal(name: str, address: str, **fields: Any) -> Signal:
    return Signal.model_validate(
        {"id": f"mill.{name}", "equipment": "mill", "connection": "line", "address": address,
         **fields}
    )  # fmt: skip


SPEED = signal("speed", "Speed")
COUNT = signal("count", "Count", kind="counter", type="int")
NAME = signal("name", "Name", kind="state", type="string")
TABLE = signal("table", "Table", kind="state", type="json")
SETPOINT = signal("setpoint", "spindle::Setpoint", kind="setpoint")
SIGNALS = (SPEED, COUNT, NAME, TABLE, SETPOINT)
NODE = {"group": "works", "node": "foreign"}


class Peer:
    """A program of Node.js that is told and tells line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode().strip())

    def tell(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading


@asynccontextmanager
async def peer(program: str, **options: Any) -> AsyncIterator[Peer]:
    process = await asyncio.create_subprocess_exec(
        "node", program, json.dumps(options), cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    subject = Peer(process)
    try:
        yield subject
    finally:
        await subject.kill()


def edge(port: int) -> Any:
    return peer(
        "edge.js", url=f"mqtt://127.0.0.1:{port}", birth=BIRTH, device="spindle",
        deviceBirth=DEVICE_BIRTH, **NODE,
    )  # fmt: skip


@pytest.fixture
async def broker(free_port: Callable[[], int], tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with running(Mosquitto(free_port(), tmp_path)) as found:
        yield found


def values(told: Told, of: Signal) -> list[Any]:
    return [sample.value for sample in told.live if sample.signal == of.id]


async def test_our_host_keeps_the_protocol_with_a_foreign_node(broker: Mosquitto) -> None:
    async with edge(broker.port):
        connection = Connection(
            id="line", driver="sparkplug", url=f"mqtt://127.0.0.1:{broker.port}", options=NODE
        )
        driver = SparkplugDriver(DriverContext(connection, SIGNALS, SystemClock(), Path()))
        checks = await check_driver(driver, [SPEED, COUNT, SETPOINT], write=(SETPOINT, 42.0))
    assert not failures(checks), describe(checks)


async def test_our_host_reads_a_foreign_node_its_buffer_and_its_deaths(
    broker: Mosquitto, eventually: Eventually
) -> None:
    async with (
        edge(broker.port) as node,
        listening("sparkplug", broker.port, SIGNALS, **NODE) as (_, told),
    ):
        await eventually(lambda: len(told.live) >= len(SIGNALS))
        assert values(told, NAME) == ["mill"]
        assert json.loads(values(told, TABLE)[0]) == {
            "columns": ["tool", "uses"], "rows": [["T1", 7], ["T2", -1]],
        }  # fmt: skip
        for number in range(300):  # more than a round of the sequence
            node.tell(data=[{"name": "Count", "type": "Int32", "value": number}])
        await eventually(lambda: values(told, COUNT)[-1] == 299)
        assert values(told, COUNT) == [-3, *range(300)]
        assert not told.gaps

        node.tell(deviceDeath=True)
        await eventually(lambda: told.live[-1].quality == Quality.BAD)
        assert told.live[-1].signal == SETPOINT.id
        away = time.time_ns() // 1_000_000
        await node.kill()
        await eventually(lambda: {s.signal for s in told.live if s.quality == Quality.BAD}
                         == {s.id for s in SIGNALS})  # fmt: skip
        async with edge(broker.port) as again:
            await eventually(lambda: told.gaps)
            assert {gap.reason for gap in told.gaps} == {GapReason.DEVICE}
            kept = {"name": "Speed", "type": "Double", "timestamp": away, "isHistorical": True}
            again.tell(data=[{**kept, "value": 9.25}])
            await eventually(lambda: [s for s in told.recorded if s.signal == SPEED.id])
            await eventually(lambda: told.gaps[-1].recovery is Recovery.BUFFER)
    [late] = [s for s in told.recorded if s.signal == SPEED.id]
    assert (late.value, late.source_time) == (9.25, away * 1000)
    assert 9.25 not in values(told, SPEED)


async def test_a_foreign_reader_reads_our_node(
    broker: Mosquitto, tmp_path: Path, eventually: Eventually
) -> None:
    url = f"mqtt://127.0.0.1:{broker.port}"
    async with peer("listener.js", url=url, group="works") as listener:
        await eventually(lambda: "listening" in listener.lines)
        async with site(tmp_path, broker.port) as subject:
            await eventually(lambda: any("NBIRTH" in line for line in listener.lines))
            await subject.record("mill.force", 1.5, 2.5)
            await subject.record("mill.state", "läuft")
            await subject.record("mill.count", 12)
            await eventually(lambda: subject.pump.health()["sent"] == 4)
            rebirth = {"name": "Node Control/Rebirth", "type": "Boolean", "value": True}
            listener.tell(topic="spBv1.0/works/NCMD/lisbon", metrics=[rebirth])
            await eventually(lambda: sum("NBIRTH" in line for line in listener.lines) == 2)
        await eventually(lambda: any("NDEATH" in line for line in listener.lines))
    told = [json.loads(line) for line in listener.lines if line.startswith("{")]
    births = [entry for entry in told if "NBIRTH" in entry["topic"]]
    aliases = {m["alias"]: m["name"] for m in births[0]["metrics"] if "alias" in m}
    data = [
        (aliases[metric["alias"]], metric["value"])
        for entry in told
        if "NDATA" in entry["topic"]
        for metric in entry["metrics"]
    ]
    assert sorted(data, key=str) == [
        ("mill.count", 12), ("mill.force", 1.5), ("mill.force", 2.5), ("mill.state", "läuft"),
    ]  # fmt: skip
    again = {m["name"]: m.get("value") for m in births[1]["metrics"]}
    assert (again["mill.force"], again["mill.count"], again["bdSeq"]) == (2.5, 12, 0)
