"""The Sparkplug B driver: a host application that follows one edge node and its devices."""

import asyncio
import contextlib
import json
import math
from collections.abc import Iterable, Sequence
from typing import Annotated

import aiomqtt
from pydantic import StringConstraints

from genba.connect.backoff import Backoff
from genba.connect.conversion import to_device, to_plant, whole
from genba.connect.driver import DriverContext, Sink
from genba.connect.ending import end_task
from genba.connect.mqtt import MqttLink, MqttOptions
from genba.connect.options import read_options
from genba.connect.outlet import Outlet, Reading
from genba.connect.sparkplug_node import EdgeNode, Key, Rebirth, Update
from genba.connect.sparkplug_payload import DataType, Metric, Payload, decode, encode
from genba.errors import ConnectionLost, DeviceError, NoHistory, WrongType
from genba.plant import BrowseEntry, Health, Quality, Sample, Scalar, Signal
from genba.plant import DataType as PlantType

_NAMESPACE = "spBv1.0"
_REBIRTH = "Node Control/Rebirth"
_SEPARATOR = "::"
_PLANT_TYPES = {
    DataType.FLOAT: PlantType.FLOAT,
    DataType.DOUBLE: PlantType.FLOAT,
    DataType.BOOLEAN: PlantType.BOOL,
    DataType.STRING: PlantType.STRING,
    DataType.TEXT: PlantType.STRING,
    DataType.UUID: PlantType.STRING,
}

Name = Annotated[str, StringConstraints(pattern=r"^[^/+#]+$")]


class SparkplugOptions(MqttOptions):
    """Options of a Sparkplug connection: which edge node, and as which host it is followed."""

    group: Name
    node: Name
    host_id: Name | None = None
    """Id of this host application; default ``genba-`` and the connection's id."""


class SparkplugDriver:
    """Turns births, data and deaths of one edge node into samples, and writes by commands.

    An address is a metric's name, or ``<device>::<metric>`` for a device behind the node. The
    driver tells nodes that it is there (the STATE message of Sparkplug 3.0), asks for a rebirth
    when it comes up or misses a message, and marks values bad when their node or device dies.
    """

    def __init__(self, context: DriverContext) -> None:
        self._id = context.connection.id
        self._clock = context.clock
        self._options = options = read_options(context.connection, SparkplugOptions)
        host = options.host_id or f"genba-{self._id.replace('/', '-')}"
        self._state_topic = f"{_NAMESPACE}/STATE/{host}"
        self._state_time = 0
        self._node = EdgeNode()
        self._outlet = Outlet(context.clock)
        self._link = MqttLink(context, options, self._topics(), self, self._will)
        self._wanted: dict[Key, list[Signal]] = {}
        self._waiting: dict[asyncio.Future[Scalar], Key] = {}
        self._news = asyncio.Event()
        self._unsure = True
        self._asking: asyncio.Task[None] | None = None
        self._invalid = 0

    async def connect(self) -> None:
        """Open the link to the broker; the edge node may come later.

        Raises
        ------
        Untrusted
            If the broker refuses the login, or its certificate is not trusted.
        ConnectionLost
            If no broker answers.
        """
        await self._link.connect()

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Deliver ``signals`` whenever the node reports them, across reconnects and rebirths."""
        self._outlet.subscribe(signals, sink)
        for signal in signals:
            self._wanted.setdefault(_key(signal), []).append(signal)
        keys = {_key(signal) for signal in signals}
        self._deliver(u for key, u in self._node.values.items() if key in keys)

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        """Return what the node reported last, in the order of ``signals``.

        An edge node cannot be asked for one value, but reports each change at once.

        Raises
        ------
        ConnectionLost
            If the link is down or the node has not said what it holds.
        """
        await self._until_born({_key(signal)[0] for signal in signals})
        return [self._outlet.sample(self._present(signal)) for signal in signals]

    async def write(self, signal: Signal, value: Scalar) -> None:
        """Send a command and return when the node reports the value.

        Raises
        ------
        WrongType
            If the value is not of the metric's type.
        DeviceError
            If the node is away, has no such metric, keeps another value, or shows no sign in time.
        """
        raw = to_device(signal, value)
        key = _key(signal)
        await self._until_born({key[0]})
        if key not in self._node.types:
            raise DeviceError(self._unknown(signal))
        payload = self._command(signal, key, raw)
        reported: asyncio.Future[Scalar] = asyncio.get_running_loop().create_future()
        self._waiting[reported] = key
        try:
            await self._link.publish(self._topic("CMD", key[0]), payload)
            held = await asyncio.wait_for(reported, self._options.timeout_s)
        except TimeoutError:
            raise DeviceError(
                f"signal '{signal.id}': the node does not report '{signal.address}' within "
                f"{self._options.timeout_s:g} s; see whether it takes commands for it"
            ) from None
        finally:
            self._waiting.pop(reported, None)
        if not _same(held, raw):
            raise DeviceError(f"signal '{signal.id}': the node keeps {held!r} and not {raw!r}")

    async def browse(self) -> list[BrowseEntry]:
        """List the metrics of the last birth; a birth does not tell which can be written."""
        await self._until_born({""})
        return [
            BrowseEntry(
                address=_SEPARATOR.join(part for part in key if part),
                name=key[1].rsplit("/", 1)[-1],
                path="/".join(part for part in key if part),
                type=_plant_type(datatype),
                value=self._node.values[key].value,
            )
            for key, datatype in self._node.types.items()
        ]

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        """Refuse: a Sparkplug node cannot be asked for its past."""
        raise NoHistory(f"signal '{signal.id}': a Sparkplug node keeps no history to ask for")

    def health(self) -> Health:
        """How the link does; ``error`` also tells invalid and missing messages."""
        return self._outlet.health()

    async def close(self) -> None:
        """Say that this host goes, and end the link."""
        if self._link.up:
            with contextlib.suppress(DeviceError):
                await self._link.publish(self._state_topic, self._state(False), 1, retain=True)
        await self._link.close()
        await end_task(self._asking)  # last: a message could have begun it again until now
        self._outlet.closed()

    # --- what the link tells ---

    def message(self, topic: str, payload: bytes) -> None:
        """Take a message from the broker."""
        _, _, kind, _, *device = topic.split("/")
        try:
            self._take(kind, device[0] if device else "", decode(payload))
        except Rebirth as reason:
            self._need_birth(str(reason))
        except ValueError as error:
            self._invalid += 1
            text = f"{self._invalid} invalid messages, the last {kind}: {error}"
            self._outlet.fault("invalid messages", text)
        self._news.set()

    async def link_up(self) -> None:
        """Tell nodes that this host is there, and ask ours what it holds."""
        self._node.forget()
        await self._link.publish(self._state_topic, self._state(True), 1, retain=True)
        self._outlet.up()
        self._need_birth("")

    def link_down(self, error: str) -> None:
        """Note that the broker is gone, and with it all knowledge of the node."""
        self._node.forget()
        self._outlet.down(error)

    # --- inside ---

    def _take(self, kind: str, device: str, payload: Payload) -> None:
        if kind == "NBIRTH":
            self._unsure = False
            self._outlet.fault("gap", "")
            self._outlet.up()
            self._deliver(self._node.node_birth(payload))
        elif kind == "DBIRTH":
            self._deliver(self._node.device_birth(device, payload))
        elif kind in ("NDATA", "DDATA"):
            updates, missing = self._node.data(device, payload)
            self._deliver(updates)
            if missing:
                raise Rebirth(missing)
        elif kind == "NDEATH" and self._node.death_of_node(payload):
            self._outlet.down(f"connection '{self._id}': the edge node has died")
        elif kind == "DDEATH":
            dead = [s for key, held in self._wanted.items() if key[0] == device for s in held]
            self._outlet.mark_bad(dead)
            self._node.death_of_device(device, payload)

    def _deliver(self, updates: Iterable[Update]) -> None:
        readings = []
        for update in updates:
            readings += [self._reading(s, update) for s in self._wanted.get(update.key, ())]
            for future, key in self._waiting.items():
                if key == update.key and not future.done():
                    future.set_result(update.value)
        self._outlet.deliver(readings)

    def _reading(self, signal: Signal, update: Update) -> Reading:
        when = update.time_us if update.time_us is not None else self._clock.now()
        value: Scalar = None
        quality, problem = Quality.BAD, ""
        if update.problem:
            problem = f"signal '{signal.id}': '{signal.address}': {update.problem}"
        else:
            try:
                value, quality = to_plant(signal, update.value)
            except WrongType as error:
                problem = str(error)
        self._outlet.fault(signal.id, problem)
        return Reading(signal, when, value, quality)

    def _present(self, signal: Signal) -> Reading:
        update = self._node.values.get(_key(signal))
        if update is None:
            raise DeviceError(self._unknown(signal))
        return self._reading(signal, update)

    def _unknown(self, signal: Signal) -> str:
        return (
            f"signal '{signal.id}': the edge node has no metric '{signal.address}'; "
            "correct the address (browse lists what there is)"
        )

    def _command(self, signal: Signal, key: Key, raw: Scalar) -> bytes:
        datatype, now = self._node.types[key], self._clock.now() // 1000
        if isinstance(raw, float) and _plant_type(datatype) == PlantType.INT:
            number = whole(raw)
            raw = raw if number is None else number
        try:
            metric = Metric(key[1], timestamp_ms=now, datatype=datatype, raw=raw)
            return encode(Payload(now, None, (metric,)))
        except ValueError as error:
            raise WrongType(f"signal '{signal.id}': {error}; write a value that does") from None

    def _need_birth(self, reason: str) -> None:
        """Ask the node to be born again, until it is."""
        if reason:
            self._outlet.fault("gap", f"{reason}; asked the edge node for a rebirth")
        self._unsure = True
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name=f"rebirth {self._id}")

    async def _ask(self) -> None:
        backoff = Backoff(self._id, first_s=self._options.timeout_s, most_s=60.0)
        while self._unsure and self._link.up:
            now = self._clock.now() // 1000
            metric = Metric(_REBIRTH, timestamp_ms=now, datatype=DataType.BOOLEAN, raw=True)
            with contextlib.suppress(ConnectionLost):
                await self._link.publish(self._topic("CMD"), encode(Payload(now, None, (metric,))))
            await asyncio.sleep(backoff.next_s())

    async def _until_born(self, devices: set[str]) -> None:
        """Wait until the node and ``devices`` behind it have said what they hold."""
        if not self._link.up:
            raise ConnectionLost(f"connection '{self._id}': {self._outlet.error or 'it is down'}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.timeout_s):
                while self._unborn(devices):
                    self._news.clear()
                    await self._news.wait()
        if unborn := self._unborn(devices):
            raise ConnectionLost(
                f"connection '{self._id}': no birth came on {self._topic('BIRTH', min(unborn))}; "
                "check group, node and device, and whether it is on"
            )

    def _unborn(self, devices: set[str]) -> set[str]:
        return {d for d in devices if not self._node.alive or (d and d not in self._node.devices)}

    def _topics(self) -> list[tuple[str, int]]:
        own = [(self._topic("BIRTH"), 0), (self._topic("DATA"), 0), (self._topic("DEATH"), 1)]
        return own + [(self._topic(kind, "+"), 0) for kind in ("BIRTH", "DATA", "DEATH")]

    def _topic(self, kind: str, device: str = "") -> str:
        group, node = self._options.group, self._options.node
        if device:
            return f"{_NAMESPACE}/{group}/D{kind}/{node}/{device}"
        return f"{_NAMESPACE}/{group}/N{kind}/{node}"

    def _will(self) -> aiomqtt.Will:
        self._state_time = self._clock.now() // 1000
        return aiomqtt.Will(self._state_topic, self._state(False), qos=1, retain=True)

    def _state(self, online: bool) -> bytes:
        return json.dumps({"online": online, "timestamp": self._state_time}).encode()


def _key(signal: Signal) -> Key:
    device, separator, metric = signal.address.partition(_SEPARATOR)
    return (device, metric) if separator else ("", signal.address)


def _plant_type(datatype: int | None) -> str | None:
    try:
        return _PLANT_TYPES.get(DataType(datatype or 0), PlantType.INT).value
    except ValueError:
        return None


def _same(held: Scalar, wanted: Scalar) -> bool:
    if isinstance(held, int | float) and isinstance(wanted, int | float):
        is_real = float in (type(held), type(wanted))
        return held == wanted or (
            is_real and math.isclose(held, wanted, rel_tol=1e-6, abs_tol=1e-9)
        )
    return held == wanted
