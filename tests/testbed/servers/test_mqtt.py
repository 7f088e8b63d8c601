"""Vehicles and edge nodes speak their standards on either broker, and obey what they are told."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiomqtt
import jsonschema
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from tests.testbed.servers.mqtt_plant import as_json, fleet_memory, mqtt_plant, order
from tests.testbed.servers.small_plant import START, Memory

from genba.errors import TestbedError
from genba.plant import US, VirtualClock
from genba.testbed.served import ServedPlant
from genba.testbed.servers.sparkplug_payload import (
    Metric,
    Payload,
    SparkplugType,
    decode_payload,
    encode_payload,
)

Eventually = Callable[..., Awaitable[None]]
SCHEMAS = files("genba.connect") / "schemas" / "vda5050"
BROKERS = [
    pytest.param(False, marks=pytest.mark.peer("mosquitto"), id="mosquitto"),
    pytest.param(True, id="amqtt"),
]


class Fleet:
    """A served fleet and everything that was said on its broker, by topic."""

    def __init__(self, runtime: Path, port: int, embedded: bool, credentials: bool = False) -> None:
        plant = mqtt_plant(port, "fleet" if credentials else None)
        self.port = port
        self.memory = fleet_memory(plant)
        self.users = {"fleet": ("control", "secret")}
        self.served = ServedPlant(
            plant,
            self.memory,
            VirtualClock(START),
            runtime,
            users=self.users if credentials else None,
            embedded_broker=embedded,
        )
        self.said: dict[str, list[bytes]] = {}
        self.retained: set[str] = set()
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.served.start()
        listening = asyncio.Event()
        self._task = asyncio.create_task(self._listen(listening))
        await asyncio.wait_for(listening.wait(), 10)

    async def _listen(self, listening: asyncio.Event) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            self._client = client
            await client.subscribe("#", qos=1)
            listening.set()
            async for message in client.messages:
                topic = str(message.topic)
                if not topic.startswith("$"):
                    self.said.setdefault(topic, []).append(bytes(message.payload))
                    if message.retain:
                        self.retained.add(topic)

    async def say(self, topic: str, content: bytes) -> None:
        assert self._client is not None
        await self._client.publish(topic, content, qos=1)

    def last(self, topic: str) -> dict[str, Any]:
        return as_json(self.said[topic][-1])

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.served.stop()


@pytest_asyncio.fixture(params=BROKERS)
async def fleet(
    request: pytest.FixtureRequest, tmp_path: Path, free_port: Callable[[], int]
) -> AsyncIterator[Fleet]:
    fleet = Fleet(tmp_path, free_port(), request.param)
    await fleet.start()
    yield fleet
    await fleet.stop()


def check(version: str, kind: str, message: dict[str, Any]) -> None:
    """Hold a message against the published JSON schema."""
    schema = json.loads((SCHEMAS / version / f"{kind}.schema").read_text())
    jsonschema.validate(message, schema, format_checker=jsonschema.FormatChecker())


async def test_messages_are_valid_by_the_published_schemas(
    fleet: Fleet, eventually: Eventually
) -> None:
    fleet.memory.set("amr.node", "N2", after_s=1)
    fleet.memory.set("hoist.node", "N2")
    await fleet.served.push()
    states = {"plant/v2/Acme/A1/state", "plant/v3/Acme/H1/state"}
    await eventually(lambda: states <= set(fleet.said))
    # The state from the start of the link may come first.
    newest = "2026-01-05T06:00:01.000Z"
    await eventually(lambda: fleet.last("plant/v2/Acme/A1/state")["timestamp"] == newest)
    for base, version in (("plant/v2/Acme/A1", "2.1.0"), ("plant/v3/Acme/H1", "3.0.0")):
        for kind in ("state", "connection", "factsheet"):
            message = fleet.last(f"{base}/{kind}")
            check(version, kind, message)
            assert message["version"] == version
        assert fleet.last(f"{base}/connection")["connectionState"] == "ONLINE"
        assert {f"{base}/connection", f"{base}/factsheet"} <= fleet.retained


async def test_a_state_comes_on_change_and_at_least_every_30_s(
    fleet: Fleet, eventually: Eventually
) -> None:
    topic = "plant/v2/Acme/A1/state"
    for _ in range(61):
        fleet.memory.advance(fleet.memory.now + US)
        await fleet.served.push()
    fleet.memory.set("amr.node", "N2", after_s=1)
    await fleet.served.push()

    def later() -> list[dict[str, Any]]:
        """Without the state at the start, which may come before we listen."""
        states = [as_json(message) for message in fleet.said.get(topic, [])]
        return [s for s in states if s["timestamp"] > "2026-01-05T06:00:01"]

    await eventually(lambda: len(later()) == 3, what="three states")
    assert [s["timestamp"][14:19] for s in later()] == ["00:30", "01:00", "01:02"]
    assert [s["headerId"] for s in later()] == [1, 2, 3]


async def test_orders_and_instant_actions_reach_the_vehicle_without_header(
    fleet: Fleet, eventually: Eventually
) -> None:
    await fleet.say("plant/v2/Acme/A1/order", json.dumps(order("T-1")).encode())
    pause = {"actionId": "p1", "actionType": "startPause", "blockingType": "HARD"}
    ask = {"actionId": "f1", "actionType": "factsheetRequest", "blockingType": "NONE"}
    sheet = "plant/v2/Acme/A1/factsheet"
    await eventually(lambda: sheet in fleet.said)
    before = len(fleet.said[sheet])
    await fleet.say(
        "plant/v2/Acme/A1/instantActions", json.dumps({"actions": [pause, ask]}).encode()
    )
    await eventually(lambda: len(fleet.memory.written) == 2, what="order and instant actions")
    (first, taken), (second, actions) = fleet.memory.written
    assert (first, second) == ("amr.order", "amr.instant_actions")
    body = json.loads(str(taken))
    assert body["orderId"] == "T-1"
    assert not {"headerId", "timestamp", "version", "manufacturer", "serialNumber"} & set(body)
    assert json.loads(str(actions)) == {"actions": [pause, ask]}
    await eventually(lambda: len(fleet.said[sheet]) == before + 1, what="the factsheet")


async def test_what_a_vehicle_refuses_stands_in_its_errors_until_it_takes_the_next(
    fleet: Fleet, eventually: Eventually
) -> None:
    fleet.memory._refuse = ("amr.order",)
    state = "plant/v2/Acme/A1/state"
    await fleet.say("plant/v2/Acme/A1/order", b"no json")
    await fleet.say("plant/v2/Acme/A1/order", json.dumps(order("T-2")).encode())
    await eventually(
        lambda: state in fleet.said and len(fleet.last(state)["errors"]) == 2, what="two errors"
    )
    errors = fleet.last(state)["errors"]
    assert [e["errorType"] for e in errors] == ["validationError", "orderError"]
    assert errors[1]["errorReferences"] == [{"referenceKey": "orderId", "referenceValue": "T-2"}]
    check("2.1.0", "state", fleet.last(state))
    fleet.memory._refuse = ()
    await fleet.say("plant/v2/Acme/A1/order", json.dumps(order("T-3")).encode())
    await eventually(lambda: fleet.last(state)["errors"] == [], what="a state without errors")


async def test_leaving_politely_is_offline_and_death_of_the_node(
    fleet: Fleet, eventually: Eventually
) -> None:
    await asyncio.gather(*(server.stop() for server in fleet.served.servers))
    topic = "plant/v3/Acme/H1/connection"
    await eventually(lambda: fleet.last(topic)["connectionState"] == "OFFLINE")
    await eventually(lambda: "spBv1.0/works/NDEATH/hall" in fleet.said)


async def test_a_broken_link_is_told_by_the_last_will_and_healed(
    fleet: Fleet, eventually: Eventually
) -> None:
    hoist = next(s for s in fleet.served.servers if s.signals[0].equipment == "hoist")
    topic = "plant/v3/Acme/H1/connection"

    def told() -> list[str]:
        return [as_json(m)["connectionState"] for m in fleet.said.get(topic, [])]

    await eventually(lambda: told() == ["ONLINE"])
    hoist._link._client._client.socket().shutdown(socket.SHUT_RDWR)
    await eventually(
        lambda: told() == ["ONLINE", "CONNECTION_BROKEN", "ONLINE"], what="last will and return"
    )
    for message in fleet.said[topic]:
        check("3.0.0", "connection", as_json(message))


async def test_sparkplug_birth_data_command_and_rebirth(
    fleet: Fleet, eventually: Eventually
) -> None:
    node = "spBv1.0/works/{}/hall"
    rebirth = Metric(value=True, type=SparkplugType.BOOLEAN, name="Node Control/Rebirth")
    await fleet.say(node.format("NCMD"), encode_payload(Payload(0, (rebirth,))))
    await eventually(lambda: node.format("NBIRTH") in fleet.said)
    birth = decode_payload(fleet.said[node.format("NBIRTH")][-1])
    by_name = {m.name: m for m in birth.metrics}
    assert birth.seq == 0
    assert set(by_name) == {"bdSeq", "Node Control/Rebirth", "Hall/Temperature", "Hall/Fan"}
    assert by_name["Hall/Temperature"].value == 21.5
    assert by_name["Hall/Temperature"].type is SparkplugType.DOUBLE
    fleet.memory.drain()
    fleet.memory.set("hall.temperature", 22.5, after_s=2)
    await fleet.served.push()
    fan = Metric(75.0, SparkplugType.DOUBLE, alias=by_name["Hall/Fan"].alias)
    await fleet.say(node.format("NCMD"), encode_payload(Payload(0, (fan,))))
    await eventually(lambda: len(fleet.said.get(node.format("NDATA"), [])) == 2, what="two NDATA")
    first, second = (decode_payload(m) for m in fleet.said[node.format("NDATA")])
    assert [(m.alias, m.value, m.name) for m in first.metrics] == [
        (by_name["Hall/Temperature"].alias, 22.5, None)
    ]
    assert first.metrics[0].timestamp_ms == (START + 2 * US) // 1000
    assert (first.seq, second.seq) == (1, 2)
    assert fleet.memory.written == [("hall.fan", 75.0)]
    assert second.metrics[0].value == 75.0


async def test_a_setpoint_out_of_range_is_answered_with_what_is_held(
    fleet: Fleet, eventually: Eventually
) -> None:
    node = "spBv1.0/works/{}/hall"
    fan = Metric(175.0, SparkplugType.DOUBLE, name="Hall/Fan")
    await fleet.say(node.format("NCMD"), encode_payload(Payload(0, (fan,))))
    await eventually(lambda: node.format("NDATA") in fleet.said)
    answer = decode_payload(fleet.said[node.format("NDATA")][-1])
    assert [m.value for m in answer.metrics] == [40.0]
    assert fleet.memory.written == []


@pytest.mark.parametrize("embedded", BROKERS)
async def test_where_a_password_is_set_strangers_stay_outside(
    embedded: bool, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    fleet = Fleet(tmp_path, free_port(), embedded, credentials=True)
    await fleet.served.start()
    async with aiomqtt.Client("127.0.0.1", fleet.port, username="control", password="secret"):
        pass
    for login in ({}, {"username": "control", "password": "wrong"}):
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", fleet.port, **login):
                pass
    await fleet.served.stop()


def test_credentials_that_nobody_gave_are_named(tmp_path: Path) -> None:
    plant = mqtt_plant(1, "fleet")
    with pytest.raises(TestbedError, match="GENBA_CREDENTIALS_FLEET"):
        ServedPlant(plant, Memory(plant), VirtualClock(START), tmp_path)


@pytest.mark.peer("mosquitto")
async def test_mosquitto_sub_and_pub_see_a_vehicle_and_order_it(
    tmp_path: Path, free_port: Callable[[], int], eventually: Eventually
) -> None:
    fleet = Fleet(tmp_path, free_port(), embedded=False)
    await fleet.served.start()
    port = str(fleet.port)
    told = await asyncio.create_subprocess_exec(
        *("mosquitto_sub", "-p", port, "-t", "plant/v2/Acme/A1/connection", "-C", "1", "-W", "10"),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await told.communicate()
    check("2.1.0", "connection", as_json(output))
    message = json.dumps(order("T-9"))
    sent = await asyncio.create_subprocess_exec(
        *("mosquitto_pub", "-p", port, "-q", "1", "-t", "plant/v2/Acme/A1/order", "-m", message)
    )
    assert await sent.wait() == 0
    await eventually(lambda: [name for name, _ in fleet.memory.written] == ["amr.order"])
    await fleet.served.stop()


_VALUES = st.one_of(
    st.tuples(st.just(SparkplugType.INT64), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(SparkplugType.INT32), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(SparkplugType.UINT64), st.integers(0, 2**64 - 1)),
    st.tuples(st.just(SparkplugType.DOUBLE), st.floats(allow_nan=False)),
    st.tuples(st.just(SparkplugType.FLOAT), st.floats(allow_nan=False, width=32)),
    st.tuples(st.just(SparkplugType.BOOLEAN), st.booleans()),
    st.tuples(st.just(SparkplugType.STRING), st.text()),
    st.tuples(st.sampled_from(SparkplugType), st.none()),
)


@given(
    st.lists(
        st.tuples(_VALUES, st.none() | st.text(min_size=1), st.none() | st.integers(0, 2**40))
    ),
    st.none() | st.integers(0, 255),
)
def test_a_payload_holds_what_was_put_in(metrics: list[Any], seq: int | None) -> None:
    payload = Payload(
        1_767_592_800_000,
        tuple(Metric(value, type_, 5, name, alias) for (type_, value), name, alias in metrics),
        seq,
    )
    assert decode_payload(encode_payload(payload)) == payload


@given(st.binary())
def test_garbage_is_refused_or_read_but_never_breaks(content: bytes) -> None:
    try:
        decode_payload(content)
    except ValueError:
        return
