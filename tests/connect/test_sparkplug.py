"""The Sparkplug driver against an edge node whose payloads come from Google's protobuf."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from tests.connect.brokers import AnyBroker
from tests.connect.sparkplug_peer import PeerPayload, peer_payload

from genba.connect.driver import DriverContext
from genba.connect.sparkplug import SparkplugDriver
from genba.errors import ConnectionLost, DeviceError, NoHistory, PlantError, WrongType
from genba.plant import US, Connection, Link, Quality, Sample, Signal, VirtualClock

Eventually = Callable[..., Any]
NOW = 1_767_592_805 * US
DOUBLE, INT32, BOOL, STRING, DATASET = 10, 3, 11, 12, 16


def signal(name: str, address: str, **fields: Any) -> Signal:
    return Signal.model_validate(
        {
            "id": f"climate.{name}",
            "equipment": "climate",
            "connection": "climate",
            "address": address,
            **fields,
        }
    )


TEMPERATURE = signal("temperature", "Hall/Temperature")
COUNT = signal("count", "Count", kind="setpoint", type="int")
FAN = signal("fan", "fan-1::Running", kind="state", type="bool")


class Edge:
    """An edge node of group ``hall`` with one device ``fan-1``."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.temperature, self.count, self.lives, self.seq = 21.5, -3, 0, 0
        self.commands: list[Any] = []
        self.states: list[dict[str, Any]] = []
        self.keeps = False
        self.client: aiomqtt.Client

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Edge"]:
        will = aiomqtt.Will("spBv1.0/hall/NDEATH/climate", self._death(), 1)
        async with aiomqtt.Client("127.0.0.1", self.port, will=will) as self.client:
            await self.client.subscribe([("spBv1.0/hall/NCMD/climate", 0)])
            await self.client.subscribe([("spBv1.0/STATE/#", 1)])
            listening = asyncio.create_task(self._listen())
            try:
                yield self
            finally:
                listening.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listening

    async def birth(self) -> None:
        self.seq = -1
        await self.send(
            "NBIRTH",
            {"name": "bdSeq", "datatype": 4, "long_value": self.lives},
            {"name": "Hall/Temperature", "alias": 1, "datatype": DOUBLE, "timestamp": 5_000,
             "double_value": self.temperature},
            {"name": "Count", "alias": 2, "datatype": INT32, "int_value": self.count % 2**32},
            {"name": "Table", "datatype": DATASET, "bytes_value": b""},
        )  # fmt: skip
        running = {"name": "Running", "alias": 3, "datatype": BOOL, "boolean_value": True}
        await self.send("DBIRTH", running, device="/fan-1")

    async def send(self, kind: str, *metrics: dict[str, Any], device: str = "") -> None:
        self.seq = (self.seq + 1) % 256
        await self.raw(kind, peer_payload(self.seq, *metrics), device)

    async def raw(self, kind: str, payload: bytes, device: str = "") -> None:
        await self.client.publish(f"spBv1.0/hall/{kind}/climate{device}", payload)

    async def die(self, life: int) -> None:
        await self.raw("NDEATH", self._death(life))

    def _death(self, life: int | None = None) -> bytes:
        number = self.lives if life is None else life
        return peer_payload(None, {"name": "bdSeq", "datatype": 4, "long_value": number})

    async def _listen(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            async for message in self.client.messages:
                if "/STATE/" in str(message.topic):
                    self.states.append(json.loads(message.payload))
                    continue
                command = PeerPayload.FromString(message.payload).metrics[0]
                self.commands.append(command)
                if command.name == "Node Control/Rebirth":
                    await self.birth()
                else:
                    self.count = self.count if self.keeps else command.int_value
                    await self.send("NDATA", {"alias": 2, "int_value": self.count % 2**32})


def driver(port: int, *signals: Signal, **options: Any) -> SparkplugDriver:
    connection = Connection(
        id="climate",
        driver="sparkplug",
        url=f"mqtt://127.0.0.1:{port}",
        options={"group": "hall", "node": "climate", "timeout_s": 2.0, **options},
    )
    chosen = signals or (TEMPERATURE, COUNT, FAN)
    return SparkplugDriver(DriverContext(connection, chosen, VirtualClock(NOW), Path()))


@asynccontextmanager
async def connected(subject: SparkplugDriver) -> AsyncIterator[SparkplugDriver]:
    await subject.connect()
    try:
        yield subject
    finally:
        await subject.close()


def values(received: list[Sample], of: Signal) -> list[tuple[object, int]]:
    return [(s.value, s.quality) for s in received if s.signal == of.id]


async def test_the_host_asks_for_a_birth_and_follows_data_by_alias(
    broker: AnyBroker, eventually: Eventually
) -> None:
    received: list[Sample] = []
    async with Edge(broker.port).running() as edge, connected(driver(broker.port)) as subject:
        await subject.subscribe([TEMPERATURE, COUNT, FAN], received.extend)
        await eventually(lambda: len(received) == 3)
        await edge.send("NDATA", {"alias": 1, "timestamp": 6_000, "double_value": 22.25})
        await eventually(lambda: len(received) == 4)
        read = await subject.read([FAN, TEMPERATURE])
    assert values(received, TEMPERATURE) == [(21.5, Quality.GOOD), (22.25, Quality.GOOD)]
    assert values(received, COUNT) == [(-3, Quality.GOOD)]
    assert values(received, FAN) == [(True, Quality.GOOD)]
    times = [s.source_time for s in received if s.signal == TEMPERATURE.id]
    assert times == [5 * US, 6 * US]
    assert [s.value for s in read] == [True, 22.25]
    assert edge.commands[0].name == "Node Control/Rebirth"
    assert edge.commands[0].boolean_value


async def test_nodes_are_told_when_the_host_comes_and_goes(
    broker: AnyBroker, eventually: Eventually
) -> None:
    async with Edge(broker.port).running() as edge:
        async with connected(driver(broker.port, host_id="plant")):
            await eventually(lambda: edge.states)
        await eventually(lambda: len(edge.states) == 2)
    stamp = NOW // 1000
    assert edge.states == [
        {"online": True, "timestamp": stamp}, {"online": False, "timestamp": stamp},
    ]  # fmt: skip


async def test_a_gap_is_noticed_and_mended_by_a_rebirth(
    broker: AnyBroker, eventually: Eventually
) -> None:
    received: list[Sample] = []
    async with (
        Edge(broker.port).running() as edge,
        connected(driver(broker.port, reorder_s=0.05)) as subject,
    ):
        await subject.subscribe([TEMPERATURE], received.extend)
        await eventually(lambda: received)
        births = len(edge.commands)
        edge.seq += 1  # a message got lost
        edge.temperature = 25.0
        await asyncio.wait_for(_until_asked(edge, births), 5)
        await eventually(lambda: values(received, TEMPERATURE)[-1] == (25.0, Quality.GOOD))
        assert subject._order.gaps >= 1


async def _until_asked(edge: Edge, births: int) -> None:
    while len(edge.commands) == births:
        await edge.send("NDATA", {"alias": 1, "double_value": 24.0})
        await asyncio.sleep(0.02)


async def test_deaths_mark_values_bad_and_a_stale_death_is_ignored(
    broker: AnyBroker, eventually: Eventually
) -> None:
    received: list[Sample] = []
    async with Edge(broker.port).running() as edge, connected(driver(broker.port)) as subject:
        await subject.subscribe([TEMPERATURE, FAN], received.extend)
        await eventually(lambda: len(received) == 2)
        await edge.send("DDEATH", device="/fan-1")
        await eventually(lambda: len(received) == 3)
        assert values(received, FAN)[-1] == (True, Quality.BAD)
        await edge.die(life=99)
        await edge.send("NDATA", {"alias": 1, "double_value": 23.0})
        await eventually(lambda: len(received) == 4)
        assert values(received, TEMPERATURE)[-1] == (23.0, Quality.GOOD)
        await edge.die(life=0)
        await eventually(lambda: len(received) == 5)
        assert values(received, TEMPERATURE)[-1] == (23.0, Quality.BAD)
        assert subject.health().link is Link.DOWN
        assert "died" in subject.health().error
        await edge.birth()
        await eventually(lambda: len(received) == 7)
        assert values(received, FAN)[-1] == (True, Quality.GOOD)
        assert subject.health().link is Link.UP


async def test_a_write_returns_when_the_node_reports_the_value(broker: AnyBroker) -> None:
    async with Edge(broker.port).running() as edge, connected(driver(broker.port)) as subject:
        await subject.write(COUNT, 41)
        assert [s.value for s in await subject.read([COUNT])] == [41]
        edge.keeps = True
        with pytest.raises(DeviceError, match=r"climate\.count.*keeps 41 and not 7"):
            await subject.write(COUNT, 7)
        with pytest.raises(WrongType, match="does not fit INT32"):
            await subject.write(COUNT, 2**40)
        with pytest.raises(WrongType, match="takes int"):
            await subject.write(COUNT, "x")


async def test_a_scaled_value_is_written_as_the_whole_number_that_it_stands_for(
    broker: AnyBroker,
) -> None:
    """0.3 / 0.1 is 2.9999999999999996 in floating point."""
    tenths = signal("tenths", "Count", kind="setpoint", scale=0.1)
    async with (
        Edge(broker.port).running() as edge,
        connected(driver(broker.port, tenths)) as subject,
    ):
        await subject.write(tenths, 0.3)
        assert edge.count == 3
        with pytest.raises(WrongType, match="does not fit INT32"):
            await subject.write(tenths, 0.35)


async def test_garbage_unknown_metrics_and_wrong_types_are_told(
    broker: AnyBroker, eventually: Eventually
) -> None:
    table = signal("table", "Table")
    wrong = signal("wrong", "Count", type="string", kind="state")
    nothing = signal("nothing", "Nothing")
    received: list[Sample] = []
    async with (
        Edge(broker.port).running() as edge,
        connected(driver(broker.port, table, wrong, nothing)) as subject,
    ):
        await subject.subscribe([table, wrong], received.extend)
        await eventually(lambda: len(received) == 2)
        assert {(s.value, s.quality) for s in received} == {(None, Quality.BAD)}
        assert "the plant file says string" in subject.health().error
        assert "(and 1 more)" in subject.health().error
        with pytest.raises(DeviceError, match="no metric 'Nothing'"):
            await subject.read([nothing])
        await edge.raw("NDATA", b"\xff\xff\xff")
        await eventually(lambda: "(and 2 more)" in subject.health().error)
        assert subject.health().link is Link.UP


async def test_a_metric_of_a_type_that_is_no_signal_is_told(
    broker: AnyBroker, eventually: Eventually
) -> None:
    table = signal("table", "Table")
    async with (
        Edge(broker.port).running() as edge,
        connected(driver(broker.port, table)) as subject,
    ):
        [sample] = await subject.read([table])
        assert (sample.value, sample.quality) == (None, Quality.BAD)
        assert "climate.table" in subject.health().error
        assert "a bytes was sent as DATASET" in subject.health().error
        await edge.birth()


async def test_garbage_is_counted_and_named(broker: AnyBroker, eventually: Eventually) -> None:
    async with Edge(broker.port).running() as edge, connected(driver(broker.port)) as subject:
        await edge.raw("NDATA", b"\xff\xff\xff")
        await edge.raw("NDATA", b"\xff\xff\xff")
        await eventually(lambda: "2 invalid messages, the last in NDATA" in subject.health().error)


async def test_a_broker_outage_is_survived(broker: AnyBroker, eventually: Eventually) -> None:
    received: list[Sample] = []
    async with connected(driver(broker.port)) as subject:
        await subject.subscribe([TEMPERATURE], received.extend)
        async with Edge(broker.port).running() as edge:
            await edge.birth()
            await eventually(lambda: received)
            await broker.stop()
            await eventually(lambda: received[-1].quality == Quality.BAD)
            assert subject.health().link is Link.DOWN
        await broker.start()
        await eventually(lambda: subject.health().link is Link.UP)
        async with Edge(broker.port).running() as edge:
            await edge.birth()
            await eventually(lambda: received[-1].quality == Quality.GOOD)


async def test_browse_lists_metrics_with_their_types(broker: AnyBroker) -> None:
    async with Edge(broker.port).running(), connected(driver(broker.port)) as subject:
        await subject.read([FAN])
        found = {entry.address: entry for entry in await subject.browse()}
    assert (found["Hall/Temperature"].type, found["Hall/Temperature"].value) == ("float", 21.5)
    assert found["Count"].type == "int"
    assert found["fan-1::Running"].type == "bool"
    assert found["Table"].type == "json"


async def test_no_birth_is_one_clear_error(broker: AnyBroker) -> None:
    async with connected(driver(broker.port, timeout_s=0.2)) as subject:
        with pytest.raises(ConnectionLost, match=r"no birth came on spBv1\.0/hall/NBIRTH/climate"):
            await subject.read([TEMPERATURE])


async def test_history_is_refused_and_close_is_safe_twice(free_port: Callable[[], int]) -> None:
    subject = driver(free_port())
    with pytest.raises(NoHistory):
        await subject.history(TEMPERATURE, 0, 1)
    await subject.close()
    await subject.close()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"group": "a/b"}, "option 'group'"),
        ({"edge": "x"}, "'edge' is not known.*host_id"),
    ],
)
def test_a_bad_option_is_refused_at_once(options: dict[str, Any], part: str) -> None:
    with pytest.raises(PlantError, match=part):
        driver(1883, **options)
