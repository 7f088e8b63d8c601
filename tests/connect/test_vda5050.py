"""The VDA 5050 driver, both versions, on both brokers."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.connect.brokers import AnyBroker
from tests.connect.vda5050_vehicle import TIME_US, Vehicle, order

from genba.connect.driver import DriverContext
from genba.connect.vda5050 import Vda5050Driver
from genba.errors import ConnectionLost, DeviceError, NoHistory, PlantError, WrongType
from genba.plant import US, Connection, Link, Quality, Sample, Signal, VirtualClock

Eventually = Callable[..., Any]
NOW = 1_767_592_805 * US + 123_456


def signal(name: str, address: str, **fields: Any) -> Signal:
    return Signal.model_validate(
        {
            "id": f"amr.{name}",
            "equipment": "amr",
            "connection": "amr",
            "address": address,
            "kind": "state",
            "type": "string",
            **fields,
        }
    )


NODE = signal("node", "state:/lastNodeId")
LEFT = signal("left", "state:/nodeStates#", type="int")
LOADS = signal("loads", "state:/loads/*/loadId")
ACTIONS = signal("actions", "state:/actionStates", type="json")
ONLINE = signal("online", "connection:/connectionState")
ORDER = signal("order", "order", kind="setpoint", type="json")
INSTANT = signal("instant", "instantActions", kind="setpoint", type="json")
SIGNALS = (NODE, LEFT, LOADS, ACTIONS, ONLINE, ORDER, INSTANT)
CANCEL = json.dumps(
    {"actions": [{"actionId": "c1", "actionType": "cancelOrder", "blockingType": "NONE"}]}
)


def driver(port: int, version: str = "2.1.0", *more: Signal, **options: Any) -> Vda5050Driver:
    connection = Connection(
        id="amr",
        driver="vda5050",
        url=f"mqtt://127.0.0.1:{port}",
        options={
            "manufacturer": "Acme", "serial": "7", "version": version, "timeout_s": 2.0, **options,
        },
    )  # fmt: skip
    return Vda5050Driver(DriverContext(connection, (*SIGNALS, *more), VirtualClock(NOW), Path()))


@asynccontextmanager
async def connected(subject: Vda5050Driver) -> AsyncIterator[Vda5050Driver]:
    await subject.connect()
    try:
        yield subject
    finally:
        await subject.close()


def values(received: list[Sample], of: Signal) -> list[object]:
    return [s.value for s in received if s.signal == of.id]


@pytest.mark.parametrize("version", ["2.1.0", "3.0.0"])
async def test_state_comes_in_as_plant_words_on_change_only(
    broker: AnyBroker, eventually: Eventually, version: str
) -> None:
    path = "/powerSupply/stateOfCharge" if version[0] == "3" else "/batteryState/batteryCharge"
    charge = signal("charge", f"state:{path}", kind="measurement", type="float")
    received: list[Sample] = []
    async with (
        Vehicle(broker.port, version).running() as vehicle,
        connected(driver(broker.port, version, charge)) as subject,
    ):
        await subject.subscribe([*SIGNALS[:5], charge], received.extend)
        await vehicle.tell()
        await eventually(lambda: len(received) == 6)
        nodes = [{"nodeId": "N2", "sequenceId": 2, "released": True}]
        loads = [{"loadId": "O-1-01"}, {"loadId": "O-1-02"}]
        await vehicle.tell(nodeStates=nodes, loads=loads)
        await eventually(lambda: len(received) == 8)
        read = await subject.read([LOADS, NODE])
    assert values(received, NODE) == ["N1"]
    assert values(received, LEFT) == [0, 1]
    assert values(received, LOADS) == ["", "O-1-01,O-1-02"]
    assert values(received, ACTIONS) == ["[]"]
    assert values(received, ONLINE) == ["ONLINE"]
    assert values(received, charge) == [80.5]
    assert {s.source_time for s in received} == {TIME_US}
    assert {s.receive_time for s in received} == {NOW}
    assert [s.sequence for s in received] == list(range(1, 9))
    assert [s.value for s in read] == ["O-1-01,O-1-02", "N1"]


@pytest.mark.parametrize("version", ["2.1.0", "3.0.0"])
async def test_an_idle_vehicle_is_asked_for_its_state(
    broker: AnyBroker, eventually: Eventually, version: str
) -> None:
    received: list[Sample] = []
    async with (
        Vehicle(broker.port, version).running() as vehicle,
        connected(driver(broker.port, version)) as subject,
    ):
        await subject.subscribe([NODE], received.extend)
        await eventually(lambda: received)
    assert values(received, NODE) == ["N1"]
    assert vehicle.requests == 1


@pytest.mark.parametrize("version", ["2.1.0", "3.0.0"])
async def test_orders_go_out_with_a_header_and_return_when_taken(
    broker: AnyBroker, version: str
) -> None:
    async with (
        Vehicle(broker.port, version).running() as vehicle,
        connected(driver(broker.port, version)) as subject,
    ):
        await vehicle.tell()
        await subject.write(ORDER, order("o-1"))
        await subject.write(ORDER, order("o-1"))
        await subject.write(ORDER, order("o-2"))
        await subject.write(INSTANT, CANCEL)
        [read, instant] = await subject.read([ORDER, INSTANT])
    topics = [topic for topic, _ in vehicle.received]
    messages = [message for _, message in vehicle.received]
    assert topics == ["order", "order", "order", "instantActions"]
    assert [m["headerId"] for m in messages] == [0, 1, 2, 1]
    assert [(m["orderId"], m["orderUpdateId"]) for m in messages[:3]] == [
        ("o-1", 0), ("o-1", 1), ("o-2", 0),
    ]  # fmt: skip
    for message in messages:
        assert message["timestamp"] == "2026-01-05T06:00:05.123Z"
        assert (message["version"], message["manufacturer"]) == (version, "Acme")
        assert message["serialNumber"] == "7"
    assert read.value == order("o-2")
    assert read.quality == instant.quality == Quality.GOOD


async def test_a_refusal_is_passed_on_in_the_vehicles_words(broker: AnyBroker) -> None:
    async with (
        Vehicle(broker.port).running() as vehicle,
        connected(driver(broker.port)) as subject,
    ):
        await vehicle.tell()
        with pytest.raises(DeviceError, match=r"amr\.order.*refuses.*orderError: no route"):
            await subject.write(ORDER, order("bad-1"))
        await subject.write(ORDER, order("o-1"))
        with pytest.raises(WrongType, match="orderUpdateId 0 of order 'o-1' was already taken"):
            await subject.write(ORDER, order("o-1", orderUpdateId=0))


async def test_a_refusal_without_references_is_known_by_being_new(broker: AnyBroker) -> None:
    async with (
        Vehicle(broker.port).running() as vehicle,
        connected(driver(broker.port, timeout_s=1.0)) as subject,
    ):
        await vehicle.tell(errors=[{"errorType": "lowBattery", "errorLevel": "WARNING"}])
        await subject.read([NODE])
        for _ in range(2):
            with pytest.raises(DeviceError, match=r"refuses.*orderError: no route"):
                await subject.write(ORDER, order("bad-and-mute"))
        await subject.write(ORDER, order("o-1"))


async def test_no_sign_of_an_order_is_an_error(broker: AnyBroker) -> None:
    async with (
        Vehicle(broker.port, silent=True).running() as vehicle,
        connected(driver(broker.port, timeout_s=0.3)) as subject,
    ):
        await vehicle.tell()
        with pytest.raises(DeviceError, match=r"shows no sign of the order message within 0\.3 s"):
            await subject.write(ORDER, order("o-1"))
        [read] = await subject.read([ORDER])
    assert (read.value, read.quality) == (None, Quality.UNCERTAIN)


@pytest.mark.parametrize(
    ("target", "text", "part"),
    [
        (ORDER, "{", "no valid JSON"),
        (ORDER, "[]", "not an object"),
        (ORDER, '{"orderId": "o", "nodes": [], "edges": NaN}', "NaN is not JSON"),
        (ORDER, '{"orderId": "o", "nodes": []}', "'edges' is missing"),
        (ORDER, order("o", orderUpdateId=-1), "is below 0|already taken"),
        (ORDER, order("o", nodes=[{"nodeId": 5}]), "/nodes/0: 'sequenceId' is missing"),
        (INSTANT, '{"actions": [{"actionId": "a", "actionType": "x", "blockingType": "ALL"}]}',
         "/actions/0/blockingType.*not one of"),
    ],
)  # fmt: skip
async def test_a_message_that_breaks_the_schema_is_not_sent(
    broker: AnyBroker, target: Signal, text: str, part: str
) -> None:
    async with (
        Vehicle(broker.port).running() as vehicle,
        connected(driver(broker.port)) as subject,
    ):
        with pytest.raises(WrongType, match=rf"{target.id}.*({part}).*nothing was sent"):
            await subject.write(target, text)
        await subject.write(INSTANT, CANCEL)
    assert [topic for topic, _ in vehicle.received] == ["instantActions"]


@pytest.mark.parametrize(
    ("payload", "part"),
    [
        (b"\xff\xfe", "no valid JSON"),
        (b"[" * 100_000, "no valid JSON"),
        (b"[]", "not object"),
        (b"{}", "'headerId' is missing"),
    ],
)
async def test_an_invalid_message_is_counted_named_and_ignored(
    broker: AnyBroker, eventually: Eventually, payload: bytes, part: str
) -> None:
    received: list[Sample] = []
    async with (
        Vehicle(broker.port).running() as vehicle,
        connected(driver(broker.port)) as subject,
    ):
        await subject.subscribe([NODE], received.extend)
        await vehicle.raw("state", payload)
        await eventually(lambda: "invalid" in subject.health().error)
        health = subject.health()
        await vehicle.tell()
        await eventually(lambda: received)
    assert "1 invalid messages, the last in state" in health.error
    assert part in health.error
    assert health.link is Link.UP
    assert values(received, NODE) == ["N1"]


async def test_wrong_version_wrong_field_and_wrong_type_are_told(
    broker: AnyBroker, eventually: Eventually
) -> None:
    missing = signal("missing", "state:/notThere")
    typed = signal("typed", "state:/lastNodeId", type="int")
    received: list[Sample] = []
    async with (
        Vehicle(broker.port).running() as vehicle,
        connected(driver(broker.port, "2.1.0", missing, typed)) as subject,
    ):
        await subject.subscribe([missing, typed], received.extend)
        await vehicle.tell()
        await eventually(lambda: len(received) == 2)
        assert "state:/notThere" in subject.health().error
        assert "(and 1 more)" in subject.health().error
        assert {(s.value, s.quality) for s in received} == {(None, Quality.BAD)}
        vehicle.version = "3.0.0"
        await vehicle.tell()
        await eventually(lambda: "(and 2 more)" in subject.health().error)


async def test_a_vehicle_that_is_gone_turns_its_state_bad_until_it_is_back(
    broker: AnyBroker, eventually: Eventually
) -> None:
    received: list[Sample] = []
    async with (
        Vehicle(broker.port).running() as vehicle,
        connected(driver(broker.port)) as subject,
    ):
        await subject.subscribe([NODE, ONLINE], received.extend)
        await vehicle.tell()
        await eventually(lambda: len(received) == 2)
        await vehicle.online("OFFLINE")
        await eventually(lambda: subject.health().link is Link.DOWN)
        assert "OFFLINE" in subject.health().error
        assert [(s.value, s.quality) for s in received[2:]] == [
            ("N1", Quality.BAD), ("OFFLINE", Quality.GOOD),
        ]  # fmt: skip
        with pytest.raises(ConnectionLost, match="vehicle is OFFLINE; nothing was sent"):
            await subject.write(ORDER, order("o-1"))
        await vehicle.online()
        await vehicle.tell()
        await eventually(lambda: len(received) == 6)
        assert subject.health().link is Link.UP
    assert [(s.value, s.quality) for s in received if s.signal == NODE.id][-1] == (
        "N1", Quality.GOOD,
    )  # fmt: skip


async def test_a_broker_outage_is_survived(broker: AnyBroker, eventually: Eventually) -> None:
    received: list[Sample] = []
    async with connected(driver(broker.port)) as subject:
        await subject.subscribe([NODE], received.extend)
        async with Vehicle(broker.port).running() as vehicle:
            await vehicle.tell()
            await eventually(lambda: len(received) == 1)
            await broker.stop()
            await eventually(lambda: received[-1].quality == Quality.BAD)
            assert subject.health().link is Link.DOWN
            with pytest.raises(ConnectionLost):
                await subject.read([NODE])
        await broker.start()
        await eventually(lambda: subject.health().link is Link.UP)
        assert subject.health().reconnects == 1
        async with Vehicle(broker.port).running() as vehicle:
            await vehicle.tell()
            await eventually(lambda: received[-1].quality == Quality.GOOD)
    assert [s.sequence for s in received] == [1, 2, 3]


async def test_browse_lists_fields_and_setpoints(broker: AnyBroker) -> None:
    async with (
        Vehicle(broker.port).running() as vehicle,
        connected(driver(broker.port)) as subject,
    ):
        await vehicle.tell(loads=[{"loadId": "L"}])
        found = {entry.address: entry for entry in await subject.browse()}
    assert found["state:/lastNodeId"].value == "N1"
    assert found["state:/loads#"].value == 1
    assert found["state:/batteryState/batteryCharge"].type == "float"
    assert found["connection:/connectionState"].value == "ONLINE"
    assert found["order"].writable
    assert not found["state:/lastNodeId"].writable


async def test_a_silent_vehicle_is_named_with_its_topic(broker: AnyBroker) -> None:
    async with connected(driver(broker.port, timeout_s=0.2)) as subject:
        with pytest.raises(ConnectionLost, match="nothing on uagv/v2/Acme/7/state"):
            await subject.read([NODE])


async def test_history_is_refused_and_close_is_safe_twice(free_port: Callable[[], int]) -> None:
    subject = driver(free_port())
    with pytest.raises(NoHistory):
        await subject.history(NODE, 0, 1)
    await subject.close()
    await subject.close()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"version": "1.1.0"}, "option 'version'"),
        ({"serial": "a/b"}, "option 'serial'"),
        ({"serialNumber": "7"}, "'serialNumber' is not known.*serial"),
    ],
)
def test_a_bad_option_is_refused_at_once(options: dict[str, Any], part: str) -> None:
    with pytest.raises(PlantError, match=part):
        driver(1883, **{"version": "2.1.0", **options})


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"address": "lastNodeId"}, "no VDA 5050 address"),
        ({"address": "state"}, "has no pointer"),
        ({"address": "state:/a", "kind": "setpoint"}, "a setpoint is 'order'"),
        ({"address": "order"}, "a setpoint is 'order'"),
        ({"address": "order", "kind": "setpoint"}, "of type json"),
    ],
)
def test_a_bad_address_is_refused_at_once(fields: dict[str, Any], part: str) -> None:
    with pytest.raises(PlantError, match=part):
        driver(1883, "2.1.0", signal("x", **fields))
