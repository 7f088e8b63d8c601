"""The OPC UA driver: one secured session with one server, kept alive until it is closed."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from asyncua import ua

from genba.connect.driver import DriverContext, Sink
from genba.connect.opcua.address import Address, parse_address
from genba.connect.opcua.browse import browse
from genba.connect.opcua.conditions import ConditionWatch
from genba.connect.opcua.faults import TRANSPORT_ERRORS, status_text, unreachable
from genba.connect.opcua.history import read_history
from genba.connect.opcua.keeper import LinkKeeper
from genba.connect.opcua.notification import Change, change_of
from genba.connect.opcua.options import OpcUaOptions
from genba.connect.opcua.session import Session
from genba.connect.opcua.subscription import Meter, Receiver, Subscription
from genba.connect.opcua.values import convert, to_variant, unfit_sample
from genba.connect.opcua.watch import SignalWatch
from genba.connect.options import host_and_port, option_problems, read_options
from genba.errors import DeviceError, PlantError
from genba.plant import (
    BrowseEntry,
    Connection,
    Health,
    Problem,
    Quality,
    Sample,
    Scalar,
    Signal,
    Weight,
)

_NODES_PER_READ = 500
_SCHEMES = {"opc.tcp": 4840}
_ACKNOWLEDGE = ua.ObjectIds.AcknowledgeableConditionType_Acknowledge
_CONFIRM = ua.ObjectIds.AcknowledgeableConditionType_Confirm

logging.getLogger("asyncua").addHandler(logging.NullHandler())  # what matters is in our errors


class OpcUaDriver:
    """A :class:`~genba.connect.driver.Driver` for OPC UA servers (OPC 10000-4).

    Addresses are node ids: ``nsu=urn:maker:machine;s=Temperature`` (the namespace's URI, which
    survives restarts) or ``ns=2;i=1001``.

    After a lost link it goes on where it was (:class:`LinkKeeper`); values that were delivered
    before are left out. While the link is down, the last values are repeated once with bad
    quality. What the sink refuses is kept and offered again (:class:`Delivery`).
    """

    def __init__(self, context: DriverContext) -> None:
        self._options = read_options(context.connection, OpcUaOptions)
        host_and_port(context.connection, _SCHEMES)
        self._context = context
        self._who = f"connection {context.connection.id}"
        self._url = context.connection.url
        self._clock = context.clock
        self._addresses: dict[str, Address] = {}
        self._session = Session(context, self._options)
        self._meter = Meter()
        self._keeper = LinkKeeper(context, self._options, self._session, self._meter)
        self._watches: list[SignalWatch] = []
        self._types: dict[tuple[int, str], ua.VariantType] = {}
        self._conditions: ConditionWatch | None = None
        if self._options.alarms:
            self._conditions = ConditionWatch(context, self._session, self._meter)
        self._one_history = asyncio.Lock()

    @staticmethod
    def check_options(connection: Connection) -> list[Problem]:
        """Find all that is wrong with a connection's url and options."""
        found = option_problems(connection, OpcUaOptions)
        try:
            host_and_port(connection, _SCHEMES)
        except PlantError as error:
            text, _, mend = (
                str(error).removeprefix(f"connection '{connection.id}': ").partition("; ")
            )
            where = f"connections[{connection.id}].url"
            found.append(Problem(Weight.ERROR, where, text, mend, ("url",)))
        return found

    async def connect(self) -> None:
        """Open the session once; from then on the driver reconnects by itself until closed."""
        if self._keeper.running:
            return
        try:
            await self._keeper.start()
        except TRANSPORT_ERRORS as error:
            raise unreachable(self._who, self._url, error) from error
        if self._conditions is not None:
            await self._keep(self._conditions)

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Deliver every change of ``signals`` to ``sink``, until closed."""
        watch = SignalWatch(
            signals,
            sink,
            self._resolve,
            self._options,
            self._clock,
            self._meter,
            self._context.missed,
            self._context.unfit,
        )
        self._watches.append(watch)
        await self._keep(watch)

    async def _keep(self, receiver: Receiver) -> None:
        subscription = Subscription(receiver, self._options, self._clock, self._meter)
        await self._ask(self._keeper.add(subscription))

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        """Read present values from the device, in the order of ``signals``."""
        nodes = [self._resolve(signal) for signal in signals]
        found: list[ua.DataValue] = []
        for start in range(0, len(nodes), _NODES_PER_READ):
            params = ua.ReadParameters(
                TimestampsToReturn=ua.TimestampsToReturn.Source,
                NodesToRead=[
                    ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value)
                    for node in nodes[start : start + _NODES_PER_READ]
                ],
            )
            found += await self._ask(self._services.read(params))
        now = self._clock.now()
        return [self._sample(s, v, now) for s, v in zip(signals, found, strict=True)]

    async def write(self, signal: Signal, value: Scalar) -> None:
        """Write one value, in the node's own type, and return when the device took it."""
        node = self._resolve(signal)
        variant = to_variant(signal, value, await self._type(signal, node))
        item = ua.WriteValue(
            NodeId=node,
            AttributeId=ua.AttributeIds.Value,
            Value=ua.DataValue(variant, StatusCode=None),
        )
        code = (await self._ask(self._services.write(ua.WriteParameters([item]))))[0]
        if not code.is_good():
            raise DeviceError(
                f"signal '{signal.id}': the device did not take {value!r} "
                f"({status_text(code.value)}); {_mend_of_write(code.value)}"
            )

    async def acknowledge(self, condition: str, event: str, comment: str = "") -> None:
        """Acknowledge on the device the state ``event`` of an alarm."""
        await self._answer(_ACKNOWLEDGE, condition, event, comment)

    async def confirm(self, condition: str, event: str, comment: str = "") -> None:
        """Confirm on the device that a person has dealt with the state ``event`` of an alarm."""
        await self._answer(_CONFIRM, condition, event, comment)

    async def _answer(self, method: int, condition: str, event: str, comment: str) -> None:
        if self._conditions is None:
            raise DeviceError(f"{self._who}: its alarms are not watched; write option alarms: true")
        self._services  # noqa: B018 - raises while the link is down
        await self._ask(self._conditions.answer(method, condition, event, comment))

    async def browse(self) -> list[BrowseEntry]:
        """List the variables below the Objects folder, without the server's own."""
        found: list[BrowseEntry] = await self._ask(browse(self._services, self._session.namespaces))
        return found

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        """Fetch what the device recorded in ``[start, end)``, oldest first, each value once.

        One at a time: the device has live values to send as well.
        """
        node = self._resolve(signal)
        async with self._one_history:
            changes = await self._ask(read_history(self._services, signal, node, start, end))
        now = self._clock.now()
        return [self._recorded(signal, change, now) for change in changes]

    def _recorded(self, signal: Signal, change: Change, now: int) -> Sample:
        """Turn what a device recorded into a sample: void where it is no value of the signal."""
        unfit = unfit_sample(signal, change, now)
        if unfit is not None:
            self._context.unfit(*unfit)
            return Sample(signal.id, change.source_time, now, None, Quality.BAD)
        return Sample(signal.id, change.source_time, now, *convert(signal, change))

    def health(self) -> Health:
        """How the link does, without asking the device."""
        keeper, wrong = self._keeper, list(self._meter.errors.values())
        error = keeper.error or (wrong[0] if wrong else "")
        if not keeper.error and len(wrong) > 1:
            error += f" (and {len(wrong) - 1} more)"
        return Health(
            keeper.link,
            keeper.since,
            self._meter.last_received,
            self._meter.received,
            keeper.reconnects,
            error,
        )

    async def close(self) -> None:
        """End the session. Safe to call twice, and before connecting."""
        await self._keeper.stop()
        for watch in self._watches:
            watch.end()
        if self._conditions is not None:
            self._conditions.end()

    @property
    def _services(self) -> Any:
        return self._keeper.services

    async def _ask(self, request: Coroutine[Any, Any, Any]) -> Any:
        """Await a request and turn what asyncua raises into our errors."""
        try:
            return await request
        except ua.UaStatusCodeError as error:
            raise DeviceError(
                f"{self._who}: the device refused the request ({status_text(error.code)}); "
                "see the device's own log"
            ) from error
        except TRANSPORT_ERRORS as error:
            raise unreachable(self._who, self._url, error) from error

    def _resolve(self, signal: Signal) -> ua.NodeId:
        address = self._addresses.get(signal.address)
        if address is None:
            address = self._addresses[signal.address] = parse_address(signal.address)
        return address.resolve(self._session.namespaces)

    async def _type(self, signal: Signal, node: ua.NodeId) -> ua.VariantType:
        """Find the type that a node takes: that of its present value, else its DataType."""
        key = self._keeper.renewed, signal.address  # a device may be another one next time
        if key in self._types:
            return self._types[key]
        wanted = (ua.AttributeIds.DataType, ua.AttributeIds.Value)
        params = ua.ReadParameters(
            NodesToRead=[ua.ReadValueId(NodeId=node, AttributeId=name) for name in wanted]
        )
        declared, present = await self._ask(self._services.read(params))
        if declared.StatusCode is not None and not declared.StatusCode.is_good():
            raise self._bad_address(signal, declared.StatusCode.value)
        kind = ua.VariantType.Null
        if present.Value is not None:
            kind = present.Value.VariantType
        if kind is ua.VariantType.Null:
            data_type = declared.Value.Value
            if data_type.NamespaceIndex == 0 and 0 < data_type.Identifier <= 25:
                kind = ua.VariantType(data_type.Identifier)
        self._types[key] = kind
        return kind

    def _sample(self, signal: Signal, found: ua.DataValue, now: int) -> Sample:
        change = change_of(0, found)
        if change.status in _NO_SUCH_NODE:
            raise self._bad_address(signal, change.status)
        value, quality = convert(signal, change)
        return Sample(signal.id, change.source_time or now, now, value, quality)

    def _bad_address(self, signal: Signal, code: int) -> DeviceError:
        return DeviceError(
            f"signal '{signal.id}': the device has no readable '{signal.address}' "
            f"({status_text(code)}); correct its address, or browse the device for it"
        )


_NO_SUCH_NODE = {
    ua.StatusCodes.BadNodeIdUnknown,
    ua.StatusCodes.BadNodeIdInvalid,
    ua.StatusCodes.BadAttributeIdInvalid,
    ua.StatusCodes.BadNotReadable,
    ua.StatusCodes.BadUserAccessDenied,
}


def _mend_of_write(code: int) -> str:
    if code in (ua.StatusCodes.BadNotWritable, ua.StatusCodes.BadUserAccessDenied):
        return "give this plant's login write access on the device"
    if code in (ua.StatusCodes.BadNodeIdUnknown, ua.StatusCodes.BadNodeIdInvalid):
        return "correct its address"
    if code == ua.StatusCodes.BadTypeMismatch:
        return "correct its type"
    if code == ua.StatusCodes.BadOutOfRange:
        return "write a value inside the device's range"
    return "see the device's own log"
