"""An uplink to a hub whose payloads are read by Google's protobuf: nothing is lost on the way."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from tests.connect.brokers import Mosquitto, running
from tests.connect.sparkplug_peer import PeerPayload, peer_payload
from tests.tcp_proxy import TcpProxy

from genba.connect.sparkplug_host import REBIRTH
from genba.historian import Historian
from genba.operate import wellbeing
from genba.operate.sense import LiveValues
from genba.operate.state import StateFolder
from genba.operate.uplink import UplinkPump
from genba.plant import US, Plant, Sample, SystemClock, Uplink

pytestmark = pytest.mark.peer("mosquitto")
Eventually = Callable[..., Any]
BASE = "spBv1.0/works/{}/lisbon"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again, and look for news, sooner than a plant needs to."""
    for name, seconds in (
        ("genba.connect.mqtt.LIVE_AGAIN_S", 0.1),
        ("genba.operate.uplink.LIVE_AGAIN_S", 0.1),
        ("genba.operate.uplink._PERIOD_S", 0.05),
        ("genba.operate.uplink._LOOK_S", 0.05),
        ("genba.connect.sparkplug_edge._BIRTH_EVERY_S", 0.1),
    ):
        monkeypatch.setattr(name, seconds)


def plant() -> Plant:
    equipment: dict[str, Any] = {
        "id": "mill",
        "connection": "c",
        "signals": [
            {"id": "mill.force", "equipment": "mill", "connection": "c", "address": "a"},
            {"id": "mill.state", "equipment": "mill", "connection": "c", "address": "b",
             "kind": "state", "type": "string"},
            {"id": "mill.count", "equipment": "mill", "connection": "c", "address": "c",
             "kind": "counter", "type": "int"},
            {"id": "mill.secret", "equipment": "mill", "connection": "c", "address": "d"},
        ],
    }  # fmt: skip
    return Plant.model_validate(
        {
            "id": "works",
            "connections": [{"id": "c", "driver": "opcua", "url": "opc.tcp://x:4840"}],
            "equipment": [equipment],
        }
    )


class Hub:
    """Hears all that a node says; may be its primary host."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.births: list[Any] = []
        self.deaths: list[Any] = []
        self.values: list[tuple[str, int, Any, bool]] = []
        self.micros: list[int] = []
        """What Genba adds to each timestamp, for another Genba."""
        self.seqs: list[int] = []
        self.aliases: dict[int, str] = {}
        self.client: aiomqtt.Client
        self._since = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Hub"]:
        async with aiomqtt.Client("127.0.0.1", self.port) as self.client:
            await self.client.subscribe("spBv1.0/works/#", qos=1)
            task = asyncio.create_task(self._listen())
            try:
                yield self
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                    await task

    async def state(self, online: bool) -> None:
        self._since += 1
        text = json.dumps({"online": online, "timestamp": self._since})
        await self.client.publish("spBv1.0/STATE/hub", text, qos=1, retain=True)

    async def command(self, *metrics: dict[str, Any]) -> None:
        await self.client.publish(BASE.format("NCMD"), peer_payload(None, *metrics))

    async def _listen(self) -> None:
        async for message in self.client.messages:
            kind = str(message.topic).split("/")[2]
            if kind == "NCMD":
                continue
            payload = PeerPayload.FromString(message.payload)
            if kind == "NDEATH":
                self.deaths.append(payload.metrics[0].long_value)
                continue
            if kind == "NBIRTH":
                assert payload.seq == 0
                self.births.append(payload)
                self.aliases = {m.alias: m.name for m in payload.metrics if m.alias}
            self.seqs.append(payload.seq)
            for metric in payload.metrics:
                name = metric.name or self.aliases[metric.alias]
                if name.startswith("mill") and not metric.is_null:
                    entry = (name, metric.timestamp, _value(metric), metric.is_historical)
                    self.values.append(entry)
                    self.micros.append(_micros(metric))


def _value(metric: Any) -> Any:
    for field in ("double_value", "long_value", "string_value", "boolean_value"):
        if metric.HasField(field):
            return getattr(metric, field)
    raise AssertionError("a metric without a value")


def _micros(metric: Any) -> int:
    named = zip(metric.properties.keys, metric.properties.values, strict=True)
    return next((held.int_value for key, held in named if key == "Microseconds"), 0)


class Site:
    """A plant with a historian and one uplink; what is recorded is kept to compare."""

    def __init__(self, folder: Path, port: int, **uplink: Any) -> None:
        self.clock = SystemClock()
        self.state = StateFolder(folder / "state")
        self.historian = Historian.open(self.state.historian, self.clock)
        self.live = LiveValues()
        self.file = self.state.root / "uplinks" / "hub.json"
        self.stored: list[tuple[str, int, Any]] = []
        self.uplink = Uplink.model_validate(
            {"id": "hub", "url": f"mqtt://127.0.0.1:{port}", "group": "works", "node": "lisbon",
             "signals": ["mill.[!s]*", "mill.state"],
             "options": {"timeout_s": 2.0, "rewind_s": 1.0}, **uplink}
        )  # fmt: skip
        self.pump = self.new_pump()
        self._number = 0

    def new_pump(self) -> UplinkPump:
        nowhere = self.state.secrets / "credentials.yaml"
        return UplinkPump(
            self.uplink, plant(), self.historian, self.live, self.clock, self.state, nowhere
        )

    async def record(self, signal: str, *values: Any) -> None:
        samples = []
        for value in values:
            self._number += 1
            now = self.clock.now() // 1000 * 1000
            before = max((t for s, t, _ in self.stored if s == signal), default=0)
            when = max(now, before * 1000 + 1000)
            samples.append(Sample(signal, when, now, value, 0, self._number))
            self.stored.append((signal, when // 1000, value))
        self.live.update(samples)
        await asyncio.to_thread(self.historian.append, samples)

    @property
    def shown(self) -> set[tuple[str, int, Any]]:
        return {entry for entry in self.stored if entry[0] != "mill.secret"}


@asynccontextmanager
async def site(folder: Path, port: int, **uplink: Any) -> AsyncIterator[Site]:
    subject = Site(folder, port, **uplink)
    subject.pump.start()
    try:
        yield subject
    finally:
        await subject.pump.stop()
        subject.historian.close()


def heard(hub: Hub) -> set[tuple[str, int, Any]]:
    return {entry[:3] for entry in hub.values}


@pytest.fixture
async def broker(free_port: Callable[[], int], tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with running(Mosquitto(free_port(), tmp_path)) as found:
        yield found


async def test_a_hub_is_told_what_there_is_and_what_comes(
    broker: Mosquitto, tmp_path: Path, eventually: Eventually
) -> None:
    async with Hub(broker.port).listening() as hub, site(tmp_path, broker.port) as subject:
        await eventually(lambda: hub.births)
        await subject.record("mill.force", 1.5, 2.5)
        await subject.record("mill.state", "running")
        await subject.record("mill.count", -7)
        await subject.record("mill.secret", 99.0)
        expected = {(s, t, v % 2**64 if v == -7 else v) for s, t, v in subject.shown}
        await eventually(lambda: heard(hub) == expected)
    names = {metric.name for metric in hub.births[0].metrics}
    assert names == {"bdSeq", REBIRTH, "mill.force", "mill.state", "mill.count"}
    assert not any(historical for *_, historical in hub.values)
    assert hub.seqs == list(range(len(hub.seqs)))
    assert hub.deaths == [0]


async def test_what_happens_while_the_broker_is_away_comes_later_oldest_first(
    broker: Mosquitto, tmp_path: Path, eventually: Eventually
) -> None:
    hub = Hub(broker.port)
    proxy = await TcpProxy(broker.port).start()
    async with site(tmp_path, proxy.port) as subject:
        async with hub.listening():
            await eventually(lambda: hub.births)
            await subject.record("mill.force", 1.0)
            await eventually(lambda: heard(hub) == subject.shown)
        await broker.stop()
        await eventually(lambda: subject.pump.health()["link"] == "down")
        await subject.record("mill.force", *[float(n) for n in range(2, 502)])
        proxy.refuse()  # so that the hub listens first: data that nobody hears is not sent again
        await broker.start()
        async with hub.listening():
            proxy.restore()
            await eventually(lambda: len(hub.births) >= 2 or subject.pump.health()["births"] >= 2)
            await eventually(lambda: heard(hub) >= subject.shown, what="the backlog")
            await subject.record("mill.force", 777.0)
            await eventually(lambda: heard(hub) >= subject.shown)
    await proxy.stop()
    late = [value for _, _, value, historical in hub.values if historical]
    in_order = [value for value in late if value > 1.0]
    assert in_order == sorted(in_order)
    assert hub.values[-1][2:] == (777.0, False)


async def test_a_restarted_plant_goes_on_where_the_hub_has_confirmed(
    broker: Mosquitto, tmp_path: Path, eventually: Eventually
) -> None:
    async with Hub(broker.port).listening() as hub, site(tmp_path, broker.port) as subject:
        await eventually(lambda: hub.births)
        await subject.record("mill.force", 1.0, 2.0)
        await eventually(lambda: heard(hub) == subject.shown)
        confirmed = subject.pump.health()["sent"]
        await eventually(lambda: subject.pump.health()["sent"] == 2 or confirmed == 2)
        await subject.pump.stop()
        await subject.record("mill.force", 3.0, 4.0, 5.0)
        subject.pump = subject.new_pump()
        subject.pump.start()
        await eventually(lambda: heard(hub) == subject.shown)
        counts = [entry[:3] for entry in hub.values]
    assert sorted(counts) == sorted(set(counts)), "nothing is sent twice after an orderly stop"
    lives = [birth.metrics[0].long_value for birth in hub.births]
    assert lives == [0, 1]
    assert hub.deaths == [0, 1]


async def test_a_node_waits_for_its_primary_host_and_dies_with_it(
    broker: Mosquitto, tmp_path: Path, eventually: Eventually
) -> None:
    async with (
        Hub(broker.port).listening() as hub,
        site(tmp_path, broker.port, host="hub") as subject,
    ):
        await eventually(lambda: "has not said" in subject.pump.health()["error"])
        await subject.record("mill.force", 1.0)
        await hub.state(online=True)
        await eventually(lambda: heard(hub) == subject.shown)
        await hub.state(online=False)
        await eventually(lambda: hub.deaths)
        await subject.record("mill.force", 2.0, 3.0)
        await eventually(lambda: "has not said" in subject.pump.health()["error"])
        assert heard(hub) != subject.shown
        await hub.state(online=True)
        await eventually(lambda: heard(hub) == subject.shown)
        assert [birth.metrics[0].long_value for birth in hub.births] == [0, 1]


async def test_a_hub_may_ask_for_a_birth_and_for_nothing_else(
    broker: Mosquitto, tmp_path: Path, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    async with Hub(broker.port).listening() as hub, site(tmp_path, broker.port) as subject:
        await eventually(lambda: hub.births)
        await hub.command({"name": "mill.force", "datatype": 10, "double_value": 5.0})
        await eventually(lambda: subject.pump.health()["refused_commands"] == 1)
        assert "refused a command for 'mill.force'" in caplog.text
        await hub.client.publish(BASE.format("NCMD"), b"\xff\xff")
        await eventually(lambda: subject.pump.health()["refused_commands"] == 2)
        await hub.command({"name": REBIRTH, "datatype": 11, "boolean_value": True})
        await eventually(lambda: len(hub.births) == 2)
        assert [birth.metrics[0].long_value for birth in hub.births] == [0, 0]
        await subject.record("mill.force", 6.0)
        await eventually(lambda: heard(hub) == subject.shown)


async def test_all_changes_within_a_millisecond_are_sent(
    broker: Mosquitto, tmp_path: Path, eventually: Eventually
) -> None:
    async with Hub(broker.port).listening() as hub, site(tmp_path, broker.port) as subject:
        await eventually(lambda: hub.births)
        now = subject.clock.now() // 1000 * 1000
        times = [(0, "idle"), (300, "held"), (300, "running"), (900, "idle")]
        samples = [
            Sample("mill.state", now + micros, now, value, 0, number)
            for number, (micros, value) in enumerate(times, 1)
        ]
        subject.live.update(samples)
        await asyncio.to_thread(subject.historian.append, samples)
        await eventually(lambda: len(hub.values) == 4)
        assert [entry[1:] for entry in hub.values] == [
            (now // 1000, value, False) for _, value in times
        ]
        assert hub.micros == [micros for micros, _ in times]


async def test_a_clock_that_was_set_back_while_stopped_hides_nothing(
    broker: Mosquitto, tmp_path: Path, eventually: Eventually
) -> None:
    async with site(tmp_path, broker.port) as subject:
        await subject.record("mill.force", 1.0)
        await eventually(lambda: subject.pump.health()["sent"] == 1)
        await subject.pump.stop()
        place = json.loads(subject.file.read_text())
        ahead = {**place, "time": place["time"] + 3600 * US}  # what a clock an hour ahead left
        subject.file.write_text(json.dumps(ahead))
        await broker.stop()
        subject.pump = subject.new_pump()
        subject.pump.start()
        await eventually(lambda: json.loads(subject.file.read_text())["time"] < ahead["time"])
        await subject.record("mill.force", 2.0, 3.0)
        await subject.pump.stop()
        await broker.start()
        again = Hub(broker.port)
        async with again.listening():
            # Not before the hub listens: one that comes late has no birth to read the data by.
            subject.pump = subject.new_pump()
            subject.pump.start()
            await eventually(lambda: {2.0, 3.0} <= {value for _, _, value, _ in again.values})


async def test_a_hub_that_is_away_for_long_is_a_reason_why_not_all_is_well(
    tmp_path: Path, free_port: Callable[[], int], eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async with site(tmp_path, free_port()) as subject:
        await eventually(lambda: "refused" in subject.pump.health()["error"].lower())
        health = {"hub": subject.pump.health()}
        assert 0.0 < health["hub"]["away_s"] < wellbeing.AWAY_S
        assert not list(wellbeing.absent_hubs(health))
        monkeypatch.setattr(wellbeing, "AWAY_S", 0.0)
        [reason] = wellbeing.absent_hubs(health)
        assert reason.part == "uplink hub"
        assert "refused" in reason.text.lower()
