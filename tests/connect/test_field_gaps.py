"""What MQTT and Modbus drivers did not hear is told: since when, why, and what came late."""

import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage
from tests.connect import test_modbus, test_vda5050
from tests.connect.brokers import AnyBroker
from tests.connect.modbus_device import Device, running
from tests.connect.sparkplug_peer import peer_payload
from tests.connect.test_sparkplug import COUNT, FAN, TEMPERATURE, Edge
from tests.connect.vda5050_vehicle import Vehicle

from genba.connect import sparkplug_late
from genba.connect.driver import Driver, DriverContext
from genba.connect.registry import open_driver
from genba.plant import Connection, Gap, GapReason, Link, Quality, Recovery, Sample, SystemClock

Eventually = Callable[..., Any]


@dataclass
class Told:
    """All that a driver tells."""

    gaps: list[Gap] = field(default_factory=list)
    live: list[Sample] = field(default_factory=list)
    recorded: list[Sample] = field(default_factory=list)


@asynccontextmanager
async def listening(
    kind: str, port: int, signals: Sequence[Any], **options: Any
) -> AsyncIterator[tuple[Driver, Told]]:
    told = Told()
    scheme = "modbus" if kind == "modbus" else "mqtt"
    connection = Connection(
        id="line", driver=kind, url=f"{scheme}://127.0.0.1:{port}", options=options
    )
    driver = open_driver(
        DriverContext(
            connection, tuple(signals), SystemClock(), Path(),
            missed=told.gaps.append, record=told.recorded.extend,
        )
    )  # fmt: skip
    await driver.connect()
    try:
        await driver.subscribe(signals, told.live.extend)
        yield driver, told
    finally:
        await driver.close()


NODE = {"group": "hall", "node": "climate", "host_id": "plant"}
VEHICLE = {"manufacturer": "Acme", "serial": "7"}


async def test_a_broker_that_was_away_is_a_gap_of_every_signal(
    broker: AnyBroker, eventually: Eventually
) -> None:
    signals = [TEMPERATURE, FAN]
    async with listening("sparkplug", broker.port, signals, **NODE) as (driver, told):
        async with Edge(broker.port).running() as edge:
            await edge.birth()
            await eventually(lambda: len(told.live) >= 2)
            before = told.live[-1].receive_time
            await broker.stop()
            await eventually(lambda: "refused" in driver.health().error.lower())
        await broker.start()
        started = time.monotonic()
        await eventually(lambda: driver.health().link is Link.UP)
        async with Edge(broker.port).running() as edge:
            edge.temperature = 22.0
            await edge.birth()
            await eventually(lambda: len(told.gaps) == 2)
        assert time.monotonic() - started < 5.0
    of_node, of_device = told.gaps
    assert (of_node.signals, of_device.signals) == ((TEMPERATURE.id,), (FAN.id,))
    for gap in told.gaps:
        assert (gap.reason, gap.recovery) == (GapReason.BROKER, Recovery.NONE)
        assert gap.start <= before
    assert of_node.end == next(s for s in told.live if s.value == 22.0).receive_time


async def test_a_node_that_died_and_a_device_that_went_are_gaps_of_their_signals(
    broker: AnyBroker, eventually: Eventually
) -> None:
    signals = [TEMPERATURE, FAN]
    async with (
        Edge(broker.port).running() as edge,
        listening("sparkplug", broker.port, signals, **NODE) as (_, told),
    ):
        await eventually(lambda: len(told.live) >= 2)
        await edge.send("DDEATH", device="/fan-1")
        await eventually(lambda: told.live[-1].quality == Quality.BAD)
        await edge.send("DBIRTH", {"name": "Running", "datatype": 11, "boolean_value": True},
                        device="/fan-1")  # fmt: skip
        await eventually(lambda: len(told.gaps) == 1)
        await edge.die(life=0)
        await eventually(lambda: told.live[-1].quality == Quality.BAD)
        await edge.birth()
        await eventually(lambda: len(told.gaps) == 3)
    assert [gap.signals for gap in told.gaps] == [(FAN.id,), (TEMPERATURE.id,), (FAN.id,)]
    assert {gap.reason for gap in told.gaps} == {GapReason.DEVICE}


async def test_what_a_node_kept_is_recorded_and_never_live(
    broker: AnyBroker, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparkplug_late, "QUIET_S", 0.2)
    async with (
        Edge(broker.port).running() as edge,
        listening("sparkplug", broker.port, [TEMPERATURE], **NODE) as (_, told),
    ):
        await eventually(lambda: told.live)
        await edge.die(life=0)
        await eventually(lambda: told.live[-1].quality == Quality.BAD)
        while_away = time.time_ns() // 1_000_000 + 1
        await eventually(lambda: time.time_ns() // 1_000_000 > while_away + 3)
        await edge.birth()
        await eventually(lambda: told.gaps)
        live = len(told.live)
        for number in range(3):
            await edge.send(
                "NDATA",
                {"alias": 1, "timestamp": while_away + number, "is_historical": True,
                 "double_value": 30.0 + number},
            )  # fmt: skip
        await eventually(lambda: len(told.gaps) == 2)
        await edge.send("NDATA", {"alias": 1, "double_value": 21.0})
        await eventually(lambda: len(told.live) > live)
        await eventually(lambda: len(told.gaps) == 3)
    late = [s for s in told.recorded if s.signal == TEMPERATURE.id]
    assert [(s.value, s.source_time) for s in late] == [
        (30.0 + n, (while_away + n) * 1000) for n in range(3)
    ]
    assert not {s.value for s in told.live} & {30.0, 31.0, 32.0}
    whole, came, rest = told.gaps
    assert [gap.recovery for gap in told.gaps] == [Recovery.NONE, Recovery.BUFFER, Recovery.BUFFER]
    # What the node believed delivered before it began to keep values is in no buffer.
    assert whole.start < came.start == while_away * 1000
    assert (came.end, rest.start, rest.end) == (late[-1].source_time + 1, came.end, whole.end)


async def test_metrics_without_a_signal_are_recorded_once_a_birth(
    broker: AnyBroker, eventually: Eventually
) -> None:
    async with (
        Edge(broker.port).running() as edge,
        listening("sparkplug", broker.port, [TEMPERATURE], **NODE) as (_, told),
    ):
        await eventually(lambda: len(told.recorded) == 2)
        for _ in range(5):
            await edge.send("NDATA", {"alias": 2, "int_value": 9})
        await edge.send("NDATA", {"alias": 1, "double_value": 25.0})
        await eventually(lambda: told.live[-1].value == 25.0)
    assert [(s.signal, s.value) for s in told.recorded] == [
        ("line:Count", -3), ("line:fan-1::Running", True),
    ]  # fmt: skip


async def test_swapped_messages_come_in_order_without_a_rebirth(
    broker: AnyBroker, eventually: Eventually
) -> None:
    async with (
        Edge(broker.port).running() as edge,
        listening("sparkplug", broker.port, [TEMPERATURE], **NODE) as (_, told),
    ):
        await eventually(lambda: told.live)
        edge.seq += 1
        late = peer_payload(edge.seq, {"alias": 1, "timestamp": 7_000, "double_value": 1.0})
        await edge.send("NDATA", {"alias": 1, "timestamp": 8_000, "double_value": 2.0})
        await edge.raw("NDATA", late)
        await eventually(lambda: len(told.live) >= 3)
    assert [s.value for s in told.live] == [21.5, 1.0, 2.0]
    assert len(edge.commands) == 1
    assert not told.gaps


async def test_a_node_that_is_always_wrong_is_not_asked_all_the_time(
    broker: AnyBroker, eventually: Eventually
) -> None:
    options = {**NODE, "reorder_s": 0.01}
    async with (
        Edge(broker.port).running() as edge,
        listening("sparkplug", broker.port, [COUNT], **options) as (driver, told),
    ):
        await eventually(lambda: told.live)
        for number in range(30):
            edge.seq += 5
            await edge.send("NDATA", {"alias": 2, "int_value": number})
            await eventually(lambda: "is missing" in driver.health().error, 3.0)
        assert len(edge.commands) <= 2


async def test_a_host_that_is_said_to_be_gone_says_that_it_is_there(
    broker: AnyBroker, eventually: Eventually
) -> None:
    async with (
        Edge(broker.port).running() as edge,
        listening("sparkplug", broker.port, [TEMPERATURE], **NODE),
    ):
        await eventually(lambda: any(state["online"] for state in edge.states))
        stale = json.dumps({"online": False, "timestamp": 1_000})
        await edge.client.publish("spBv1.0/STATE/plant", stale, 1, retain=True)
        await eventually(lambda: [s["online"] for s in edge.states[-2:]] == [False, True])


async def test_a_vehicle_that_was_offline_is_a_gap_of_its_state(
    broker: AnyBroker, eventually: Eventually
) -> None:
    signals = [test_vda5050.NODE, test_vda5050.ONLINE]
    async with (
        Vehicle(broker.port).running() as vehicle,
        listening("vda5050", broker.port, signals, **VEHICLE) as (driver, told),
    ):
        await vehicle.tell()
        await eventually(lambda: len(told.live) >= 2)
        await vehicle.online("OFFLINE")
        await eventually(lambda: driver.health().link is Link.DOWN)
        await vehicle.online()
        await vehicle.tell()
        await eventually(lambda: told.gaps)
        vehicle.numbers["state"] += 2
        await vehicle.tell()
        await eventually(lambda: len(told.gaps) == 2)
    assert [(g.signals, g.reason) for g in told.gaps] == [
        ((test_vda5050.NODE.id,), GapReason.DEVICE),
        ((test_vda5050.NODE.id,), GapReason.LINK),
    ]
    assert "2 state messages did not come" in told.gaps[1].detail


async def test_a_header_of_another_vehicle_and_one_that_was_overtaken_are_refused(
    broker: AnyBroker, eventually: Eventually
) -> None:
    async with (
        Vehicle(broker.port).running() as vehicle,
        listening("vda5050", broker.port, [test_vda5050.NODE], **VEHICLE) as (driver, told),
    ):
        await vehicle.tell()
        await eventually(lambda: told.live)
        await vehicle.tell(manufacturer="Other")
        await eventually(lambda: "vehicle Other/7" in driver.health().error)
        await vehicle.tell(manufacturer="Acme", timestamp="2026-01-05T05:00:00.000Z", headerId=0)
        await eventually(lambda: "and is older" in driver.health().error)
        assert len(told.live) == 1


async def test_a_modbus_device_that_was_away_is_a_gap(
    free_port: Callable[[], int], eventually: Eventually
) -> None:
    temperature = test_modbus.signal("temperature", "holding:100:float32")
    device = Device(free_port(), test_modbus.HOLDING)
    async with (
        running(device),
        listening("modbus", device.port, [temperature], timeout_s=0.3) as (driver, told),
    ):
        await eventually(lambda: len(told.live) > 3)
        before = told.live[-1].receive_time
        await device.stop()
        await eventually(lambda: driver.health().link is not Link.UP)
        await device.start()
        returned = time.monotonic()
        await eventually(lambda: told.gaps)
        assert time.monotonic() - returned < 5.0
    [gap] = told.gaps
    assert gap.signals == (temperature.id,)
    assert gap.end is not None
    assert before <= gap.start < gap.end
    assert gap.reason in (GapReason.DEVICE, GapReason.LINK)
    assert not [s for s in told.live if gap.start < s.receive_time < gap.end and s.quality == 0]


@pytest.mark.parametrize("kind", ["sparkplug", "vda5050"])
async def test_dropped_messages_are_told_also_after_the_link_is_back(
    broker: AnyBroker, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("genba.connect.mqtt.MOST_WAITING", 5)
    options, signals, topic = {
        "sparkplug": (NODE, [TEMPERATURE], b"spBv1.0/STATE/plant"),
        "vda5050": (VEHICLE, [test_vda5050.NODE], b"uagv/v2/Acme/7/connection"),
    }[kind]
    monkeypatch.setattr("genba.connect.mqtt.LIVE_AGAIN_S", 0.05)
    async with listening(kind, broker.port, signals, **options) as (driver, _):
        client = driver._link._client  # type: ignore[attr-defined]
        for _ in range(9):  # in one turn of the loop, as a burst does
            burst = MQTTMessage(topic=topic)
            client._on_message(client._client, None, burst)
        await eventually(
            lambda: (
                driver.health().reconnects >= 1
                and driver.health().link is Link.UP
                and "messages were dropped since the start" in driver.health().error
            )
        )
