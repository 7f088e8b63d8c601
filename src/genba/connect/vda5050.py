"""The VDA 5050 driver: one vehicle of version 2.x or 3.x at an MQTT broker, seen as its master."""

import asyncio
import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from genba.connect.conversion import not_finite, to_device, to_plant
from genba.connect.driver import DriverContext, Sink
from genba.connect.mqtt import MqttOptions
from genba.connect.mqtt_driver import MqttDriver
from genba.connect.options import read_options
from genba.connect.outlet import Reading, at_sample_time
from genba.connect.vda5050_address import INCOMING, OUTGOING, Address, extract, parse_address
from genba.connect.vda5050_message import (
    Arrivals,
    Header,
    Json,
    Outcome,
    actions_outcome,
    check_message,
    check_sender,
    number_order,
    order_outcome,
    parse_body,
    parse_message,
)
from genba.errors import ConnectionLost, DeviceError, WrongType
from genba.plant import (
    BrowseEntry,
    DataType,
    GapReason,
    Quality,
    Sample,
    Scalar,
    Signal,
    parse_time,
)

_QOS = {"connection": 1, "state": 0, "factsheet": 0, "order": 0, "instantActions": 0}
"""Quality of service by topic (VDA 5050 2.1.0, 6.2)."""
_HEADER = ("headerId", "timestamp", "version", "manufacturer", "serialNumber")

Level = Annotated[str, StringConstraints(pattern=r"^[^/+#$\s][^/+#\s]*$")]


class Vda5050Options(MqttOptions):
    """Options of a VDA 5050 connection: where in the topic tree the vehicle is."""

    interface: Level = "uagv"
    manufacturer: Level
    serial: Level
    version: Annotated[str, Field(pattern=r"^[23]\.\d+\.\d+$")] = "2.1.0"


class Vda5050Driver(MqttDriver[Vda5050Options]):
    """Follows one vehicle's state, connection and factsheet, and sends it orders and actions.

    A value is delivered when it changed, a measurement at most once in its sample time. While the
    vehicle or the broker is away, what the state told last is marked bad. A message that is not
    as its schema demands is counted, named in the health, and otherwise ignored.
    """

    speaks = "a VDA 5050 vehicle"

    def __init__(self, context: DriverContext) -> None:
        options = read_options(context.connection, Vda5050Options)
        self._major = int(options.version[0])
        self._base = f"{options.interface}/v{self._major}/{options.manufacturer}/{options.serial}"
        super().__init__(context, options, [(f"{self._base}/{n}", _QOS[n]) for n in INCOMING])
        self._addresses = {s.id: (s, parse_address(s)) for s in context.signals}
        self._wanted: dict[str, tuple[Signal, Address]] = {}
        self._header = Header(options.version, options.manufacturer, options.serial)
        self._last: dict[str, tuple[int, Json]] = {}
        self._taken: dict[str, tuple[str, Json]] = {}
        """What was sent last and taken, by topic: as it was written, and as it was sent."""
        self._waiting: dict[asyncio.Future[None], Outcome] = {}
        self._arrivals = Arrivals()
        self._seen = asyncio.Event()

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Deliver ``signals`` whenever they change, across reconnects."""
        self._outlet.subscribe(signals, sink)
        new = [(signal, self._address(signal)) for signal in signals]
        self._wanted.update({signal.id: (signal, address) for signal, address in new})
        for topic, (when, message) in self._last.items():
            self._outlet.deliver(self._readings(topic, when, message, new))

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        """Return what the vehicle told last, in the order of ``signals``.

        A vehicle tells each change at once; only after a (re)connect it is asked. A setpoint
        reads as what was sent, if the state shows that the vehicle took it.

        Raises
        ------
        ConnectionLost
            If the link is down or the vehicle has told nothing yet.
        """
        self._check_link()
        pairs = [(signal, self._address(signal)) for signal in signals]
        await self._heard_from({address.topic for _, address in pairs if address.topic in INCOMING})
        return [self._outlet.sample(self._present(signal, address)) for signal, address in pairs]

    async def write(self, signal: Signal, value: Scalar) -> None:
        """Send an order or instant actions, and return when the state shows that they were taken.

        Parameters
        ----------
        signal
            One with the address ``order`` or ``instantActions``.
        value
            JSON text without a header. An order without ``orderUpdateId`` gets the next one.

        Raises
        ------
        WrongType
            If it is not as the schema of the vehicle's version demands; it is not sent.
        DeviceError
            If the vehicle is away, refuses it, or shows no sign of it in time.
        """
        topic = self._address(signal).topic
        if topic not in OUTGOING:
            raise DeviceError(f"signal '{signal.id}' is told by the vehicle and cannot be written")
        message = self._message(signal, topic, to_device(signal, value))
        if (away := self._away()) is not None:
            raise ConnectionLost(f"signal '{signal.id}': {away}; nothing was sent")
        _, before = self._last.get("state", (0, None))
        judge = order_outcome if topic == "order" else actions_outcome
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[taken] = judge(message, before)
        try:
            await self._publish(topic, message)
            await asyncio.wait_for(taken, self._options.timeout_s)
            self._taken[topic] = (str(value), message)
        except TimeoutError:
            raise DeviceError(
                f"signal '{signal.id}': the vehicle shows no sign of the {topic} message within "
                f"{self._options.timeout_s:g} s; look at its state before sending it again"
            ) from None
        except DeviceError as error:
            raise DeviceError(f"signal '{signal.id}': {error}") from None
        finally:
            self._waiting.pop(taken, None)

    async def browse(self) -> list[BrowseEntry]:
        """List the fields of the messages that the vehicle has sent, and the two setpoints."""
        await self._heard_from({"state"})
        told = self._last.items()
        return [
            *(entry for topic, (_, message) in told for entry in _entries(topic, message)),
            *(BrowseEntry(name, name, name, DataType.JSON, writable=True) for name in OUTGOING),
        ]

    # --- what the link tells ---

    def message(self, topic: str, payload: bytes) -> None:
        """Take a message from the broker."""
        name = topic.rsplit("/", 1)[-1]
        if name == "connection" and not payload:
            return  # a retained message that was cleared
        try:
            message = parse_message(self._major, name, payload)
            check_sender(message, self._options.manufacturer, self._options.serial)
            when = parse_time(message["timestamp"])
            missing = self._arrivals.take(name, message["headerId"], when)
        except ValueError as error:
            self._refuse_message(name, error)
            return
        if missing:
            told = [s for s, address in self._wanted.values() if address.topic == name]
            text = f"connection '{self._id}': {missing} {name} messages did not come"
            self._outlet.lost(told, GapReason.LINK, text, mark=False)
        self._last[name] = (when, message)
        if name == "connection":
            self._connection(message["connectionState"])
        elif name == "state":
            self._settle(message)
        wanted = self._wanted.values()
        self._outlet.deliver(self._readings(name, when, message, wanted), at_sample_time)
        self._seen.set()

    async def link_up(self) -> None:
        """Note that the broker is there, and ask for a state, which may else take half a minute."""
        self._forget()
        self._outlet.up()
        now = self._clock.now()
        asked = ["state"]
        if any(address.topic == "factsheet" for _, address in self._addresses.values()):
            asked.append("factsheet")
        requests = [
            {
                "actionId": f"{self._id}-{topic}-{now}",
                "actionType": f"{topic}Request",
                "blockingType": "NONE",
            }
            for topic in asked
        ]
        await self._publish(
            "instantActions", self._header.complete("instantActions", {"actions": requests}, now)
        )

    # --- inside ---

    def _forget(self) -> None:
        self._last.clear()
        self._arrivals.clear()

    def _connection(self, state: str) -> None:
        if state in ("ONLINE", "HIBERNATING"):
            self._outlet.up()
            return
        told = [s for s, address in self._wanted.values() if address.topic == "state"]
        self._last.pop("state", None)
        text = f"connection '{self._id}': {self._away()}"
        self._outlet.down(text, of=told, reason=GapReason.DEVICE)

    def _away(self) -> str | None:
        if not self._link.up:
            return "the link to the broker is down"
        known = self._last.get("connection")
        if known is None or known[1]["connectionState"] in ("ONLINE", "HIBERNATING"):
            return None
        return f"the vehicle is {known[1]['connectionState']}"

    def _settle(self, state: Json) -> None:
        for future, outcome in self._waiting.items():
            told = outcome(state)
            if told is None or future.done():
                continue
            if told:
                future.set_exception(DeviceError(f"the vehicle refuses it: {told}"))
            else:
                future.set_result(None)

    async def _publish(self, topic: str, message: Json) -> None:
        payload = json.dumps(message, separators=(",", ":")).encode()
        await self._link.publish(f"{self._base}/{topic}", payload, qos=_QOS[topic])
        self._header.sent(topic)

    def _message(self, signal: Signal, topic: str, text: Scalar) -> Json:
        try:
            body = parse_body(str(text))
            if topic == "order":
                _, last = self._taken.get("order", ("", None))
                body = number_order(body, last)
            message = self._header.complete(topic, body, self._clock.now())
            check_message(self._major, topic, message)
        except ValueError as error:
            raise WrongType(
                f"signal '{signal.id}': {error}; nothing was sent, correct the {topic} message "
                f"(VDA 5050 {self._options.version})"
            ) from None
        return message

    def _readings(
        self, topic: str, when: int, message: Json, pairs: Iterable[tuple[Signal, Address]]
    ) -> Iterator[Reading]:
        for signal, address in pairs:
            if address.topic == topic:
                yield self._reading(signal, address, when, message)

    def _reading(self, signal: Signal, address: Address, when: int, message: Json) -> Reading:
        raw = extract(address, message)
        try:
            value, quality = to_plant(signal, raw)
            wrong = "" if value is not None else not_finite(signal, raw)
        except WrongType as error:
            value, quality, wrong = None, Quality.BAD, str(error)
        if raw is not None and value is None:
            self._outlet.unfit(signal, when, raw, wrong)
        if raw is None:
            wrong = (
                f"signal '{signal.id}': the vehicle's {address.topic} has no field "
                f"'{signal.address}'; correct the address"
            )
        self._outlet.fault(signal.id, wrong)
        return Reading(signal, when, value, quality)

    def _present(self, signal: Signal, address: Address) -> Reading:
        if address.topic in OUTGOING:
            return self._setpoint(signal, address.topic)
        when, message = self._last[address.topic]
        return self._reading(signal, address, when, message)

    def _setpoint(self, signal: Signal, topic: str) -> Reading:
        if topic not in self._taken or "state" not in self._last:
            return Reading(signal, self._clock.now(), None, Quality.UNCERTAIN)
        text, message = self._taken[topic]
        when, state = self._last["state"]
        judge = order_outcome if topic == "order" else actions_outcome
        shown = judge(message)(state) == ""
        return Reading(signal, when, text, Quality.GOOD if shown else Quality.UNCERTAIN)

    async def _heard_from(self, topics: set[str]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.timeout_s):
                while not topics <= self._last.keys():
                    self._seen.clear()
                    await self._seen.wait()
        missing = topics - self._last.keys()
        if missing:
            raise ConnectionLost(
                f"connection '{self._id}': the vehicle sends nothing on {self._base}/"
                f"{min(missing)}; check interface, manufacturer, serial and version, "
                "and whether it is on"
            )

    def _address(self, signal: Signal) -> Address:
        known, address = self._addresses.get(signal.id, (None, None))
        if known is None or address is None or known.address != signal.address:
            return parse_address(signal)
        return address


def _entries(topic: str, value: Any, path: str = "") -> Iterator[BrowseEntry]:
    """The leaves of a message, and its lists as counts and as JSON."""
    if isinstance(value, dict):
        for name, held in value.items():
            if path or name not in _HEADER:
                yield from _entries(topic, held, f"{path}/{name.replace('~', '~0')}")
        return
    address, name = f"{topic}:{path}", path.rsplit("/", 1)[-1]
    if isinstance(value, list):
        count = DataType.INT
        yield BrowseEntry(
            f"{address}#", f"{name}_count", f"{topic}{path}#", count, value=len(value)
        )
        text = json.dumps(value, separators=(",", ":"))
        yield BrowseEntry(address, name, f"{topic}{path}", DataType.JSON, value=text)
        return
    kinds = {bool: DataType.BOOL, int: DataType.INT, float: DataType.FLOAT, str: DataType.STRING}
    yield BrowseEntry(address, name, f"{topic}{path}", kinds.get(type(value)), value=value)
