"""The Sparkplug B driver: a host application that follows one edge node and its devices."""

import asyncio
import contextlib
import math
from collections.abc import Coroutine, Iterable, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from genba.connect.conversion import not_finite, to_device, to_plant, whole
from genba.connect.driver import DriverContext, Sink
from genba.connect.mqtt import MqttOptions
from genba.connect.mqtt_driver import MqttDriver
from genba.connect.options import read_options
from genba.connect.outlet import Reading
from genba.connect.sparkplug_host import NAMESPACE, HostState, RebirthRequests
from genba.connect.sparkplug_late import Late
from genba.connect.sparkplug_node import EdgeNode, Key, Update
from genba.connect.sparkplug_order import InOrder, Rebirth
from genba.connect.sparkplug_payload import Metric, Payload, decode, encode
from genba.connect.sparkplug_types import plant_type
from genba.errors import ConnectionLost, DeviceError, WrongType
from genba.plant import (
    BrowseEntry,
    GapReason,
    Quality,
    Sample,
    Scalar,
    Signal,
)
from genba.plant import DataType as PlantType

_SEPARATOR = "::"
_CONTROL = ("Node Control/", "Device Control/")

Name = Annotated[str, StringConstraints(pattern=r"^[^/+#]+$")]
_Message = tuple[str, str, Payload]


class SparkplugOptions(MqttOptions):
    """Options of a Sparkplug connection: which edge node, and as which host it is followed."""

    group: Name
    node: Name
    host_id: Name | None = None
    """Id of this host application; default ``genba-`` and the connection's id. Nodes that keep
    their values while their primary host is away know it by this id."""
    reorder_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    """How long to wait for a missing message before asking for a rebirth, wall seconds."""


class SparkplugDriver(MqttDriver[SparkplugOptions]):
    """Turns births, data and deaths of one edge node into samples, and writes by commands.

    An address is a metric's name, or ``<device>::<metric>`` for a device behind the node. The
    driver tells nodes that it is there (the STATE message of Sparkplug 3.0), asks for a rebirth
    when it comes up or misses a message, and marks values bad when their node or device dies.
    """

    speaks = "a Sparkplug node"

    def __init__(self, context: DriverContext) -> None:
        options = read_options(context.connection, SparkplugOptions)
        self._group, self._edge = options.group, options.node
        host = options.host_id or f"genba-{context.connection.id.replace('/', '-')}"
        self._state = HostState(host)
        topics = [*self._topics(), (self._state.topic, 1)]
        will = lambda: self._state.will(self._now_ms())  # noqa: E731
        super().__init__(context, options, topics, will)
        self._record = context.record
        self._known = {_key(signal) for signal in context.signals}
        self._node = EdgeNode()
        self._order: InOrder[_Message] = InOrder()
        self._patience: asyncio.TimerHandle | None = None
        self._rebirths = RebirthRequests(self._id, self._topic("CMD"), self._link.publish)
        self._late = Late(self._outlet.outages)
        self._wanted: dict[Key, list[Signal]] = {}
        self._waiting: dict[asyncio.Future[Scalar], Key] = {}
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Deliver ``signals`` whenever the node reports them, across reconnects and rebirths."""
        self._outlet.subscribe(signals, sink)
        for signal in signals:
            self._wanted.setdefault(_key(signal), []).append(signal)
        keys = {_key(signal) for signal in signals}
        self._deliver([u for key, u in self._node.values.items() if key in keys])

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
                address=_address(key),
                name=key[1].rsplit("/", 1)[-1],
                path="/".join(part for part in key if part),
                type=plant_type(datatype),
                value=held.value if (held := self._node.values.get(key)) else None,
            )
            for key, datatype in self._node.types.items()
        ]

    async def close(self) -> None:
        """Say that this host goes, and end the link."""
        self._state.leaving = True
        await super().close()
        self._forget()
        await self._rebirths.close()  # last: a message could have begun it again until now

    # --- what the link tells ---

    def message(self, topic: str, payload: bytes) -> None:
        """Take a message from the broker."""
        if topic == self._state.topic:
            if self._state.contradicted(payload):
                self._later(self._say_online())
            return
        _, _, kind, _, *device = topic.split("/")
        try:
            self._arrange(kind, device[0] if device else "", decode(payload))
        except Rebirth as reason:
            self._need_birth(str(reason))
        except ValueError as error:
            self._refuse_message(kind, error)
        self._news.set()

    async def link_up(self) -> None:
        """Tell nodes that this host is there, and ask ours what it holds."""
        self._forget()
        await self._say_online()
        self._outlet.up()
        self._rebirths.afresh()
        self._rebirths.ask(self._now_ms)

    # --- inside ---

    def _forget(self) -> None:
        self._node.forget()
        self._order.end()
        self._rebirths.born()  # nothing can be asked until the link is up again
        self._late.cut()
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    async def _say_online(self) -> None:
        await self._link.publish(self._state.topic, self._state.said(True), 1, retain=True)

    async def _take_leave(self) -> None:
        await self._link.publish(self._state.topic, self._state.said(False), 1, retain=True)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do in the background what fails only together with the link."""

        async def do() -> None:
            with contextlib.suppress(DeviceError):
                await work

        task = asyncio.create_task(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _arrange(self, kind: str, device: str, payload: Payload) -> None:
        """Put messages into order; births and deaths of the node stand outside it."""
        if kind == "NBIRTH":
            self._rebirths.born()
            self._order.begin(payload.seq)
            self._outlet.fault("gap", "")
            self._outlet.up()
            self._deliver(self._node.node_birth(payload), payload, birth=True)
        elif kind == "NDEATH":
            if self._node.death_of_node(payload):
                self._order.end()
                self._late.cut()
                text = f"connection '{self._id}': the edge node has died"
                self._outlet.down(text, reason=GapReason.DEVICE)
        else:
            for message in self._order.take(payload.seq, (kind, device, payload)):
                self._take(*message)
            if self._order.waiting and self._patience is None:
                loop = asyncio.get_running_loop()
                self._patience = loop.call_later(self._options.reorder_s, self._give_up)

    def _give_up(self) -> None:
        """Take what came early, and have the node say anew what was in the missing message."""
        self._patience = None
        messages, missing = self._order.give_up()
        if not missing:
            return
        self._late.cut()
        self._outlet.lost(None, GapReason.LINK, f"connection '{self._id}': {missing}", mark=False)
        for message in messages:
            self._take(*message)
        self._need_birth(missing)
        self._news.set()

    def _take(self, kind: str, device: str, payload: Payload) -> None:
        try:
            if kind == "DBIRTH":
                self._deliver(self._node.device_birth(device, payload), payload, birth=True)
            elif kind in ("NDATA", "DDATA"):
                updates, missing = self._node.data(device, payload)
                self._deliver(updates, payload)
                if missing:
                    self._need_birth(missing)
            elif kind == "DDEATH":
                dead = [s for key, held in self._wanted.items() if key[0] == device for s in held]
                self._node.death_of_device(device)
                text = f"connection '{self._id}': the node lost its device '{device}'"
                self._outlet.lost(dead, GapReason.DEVICE, text)
        except Rebirth as reason:
            self._need_birth(str(reason))

    def _deliver(
        self, updates: Iterable[Update], payload: Payload | None = None, birth: bool = False
    ) -> None:
        readings, late = [], []
        for update in updates:
            signals = self._wanted.get(update.key, ())
            if update.historical:
                late += [self._reading(signal, update) for signal in signals]
                continue
            readings += [self._reading(signal, update) for signal in signals]
            if birth and update.key not in self._known:
                self._tell_stranger(update)
            for future, key in self._waiting.items():
                if key == update.key and not future.done():
                    future.set_result(update.value)
        sent_ms = None if payload is None else payload.timestamp_ms
        self._outlet.deliver(readings, sent=None if sent_ms is None else sent_ms * 1000)
        if late:
            self._record([self._outlet.sample(reading) for reading in late])
            self._late.came([reading.source_time for reading in late])
        elif readings and not birth:
            self._late.live()

    def _tell_stranger(self, update: Update) -> None:
        """Record the value of a metric that no signal stands for, once a birth."""
        _, name = update.key
        if update.problem or name.startswith(_CONTROL):
            return
        signal = Signal.model_construct(id=f"{self._id}:{_address(update.key)}")
        when = update.time_us if update.time_us is not None else self._clock.now()
        self._record([self._outlet.sample(Reading(signal, when, update.value, update.quality))])

    def _reading(self, signal: Signal, update: Update) -> Reading:
        when = update.time_us if update.time_us is not None else self._clock.now()
        value: Scalar = None
        quality, problem = Quality.BAD, ""
        if update.problem:
            problem = f"signal '{signal.id}': '{signal.address}': {update.problem}"
        else:
            try:
                value, quality = to_plant(signal, update.value)
                quality = max(quality, update.quality)
                if value is None and update.value is not None:
                    problem = not_finite(signal, update.value)
            except WrongType as error:
                problem = str(error)
            if problem and update.quality is not Quality.BAD:
                # A node reports by exception: each update is told once.
                raw, told = update.value, update.quality
                self._outlet.unfit(signal, when, raw, problem, told, each=True)
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
        datatype, now = self._node.types[key], self._now_ms()
        if isinstance(raw, float) and plant_type(datatype) is PlantType.INT:
            number = whole(raw)
            raw = raw if number is None else number
        try:
            metric = Metric(key[1], timestamp_ms=now, datatype=datatype, raw=raw)
            return encode(Payload(now, None, (metric,)))
        except ValueError as error:
            raise WrongType(f"signal '{signal.id}': {error}; write a value that does") from None

    def _need_birth(self, reason: str) -> None:
        """Ask the node to be born again, until it is."""
        self._outlet.fault("gap", f"{reason}; asked the edge node for a rebirth")
        self._rebirths.ask(self._now_ms)

    async def _until_born(self, devices: set[str]) -> None:
        """Wait until the node and ``devices`` behind it have said what they hold."""
        self._check_link()
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
        if device:
            return f"{NAMESPACE}/{self._group}/D{kind}/{self._edge}/{device}"
        return f"{NAMESPACE}/{self._group}/N{kind}/{self._edge}"

    def _now_ms(self) -> int:
        return self._clock.now() // 1000


def _key(signal: Signal) -> Key:
    device, separator, metric = signal.address.partition(_SEPARATOR)
    return (device, metric) if separator else ("", signal.address)


def _address(key: Key) -> str:
    return _SEPARATOR.join(part for part in key if part)


def _same(held: Scalar, wanted: Scalar) -> bool:
    if isinstance(held, int | float) and isinstance(wanted, int | float):
        is_real = float in (type(held), type(wanted))
        return held == wanted or (
            is_real and math.isclose(held, wanted, rel_tol=1e-6, abs_tol=1e-9)
        )
    return held == wanted
