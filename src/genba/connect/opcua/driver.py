"""The OPC UA driver: one secured session with one server, kept alive until it is closed."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from asyncua import ua

from genba.connect.backoff import Backoff
from genba.connect.driver import DriverContext, Sink
from genba.connect.opcua.address import Address, parse_address
from genba.connect.opcua.browse import browse
from genba.connect.opcua.faults import LINK_IS_GONE, TRANSPORT_ERRORS, status_text, unreachable
from genba.connect.opcua.history import read_history
from genba.connect.opcua.notification import Notification, change_of, decode_publish
from genba.connect.opcua.options import OpcUaOptions
from genba.connect.opcua.session import Session
from genba.connect.opcua.subscription import (
    Meter,
    Subscription,
    acknowledgement,
    subscription_is_gone,
)
from genba.connect.opcua.values import convert, to_variant
from genba.connect.options import host_and_port, read_options
from genba.errors import ConnectionLost, DeviceError, GenbaError
from genba.plant import BrowseEntry, Health, Link, Sample, Scalar, Signal

_PUBLISH_REQUESTS = 3
"""Publish requests that wait at the device, so that it can send while an answer travels."""
_NODES_PER_READ = 500
_FRESH_S = 5.0
_FRESH_LOOK_S = 0.05
_STABLE_S = 10.0
"""After a link that held this long, the next attempt to reconnect comes at once."""
_FAILURES = (GenbaError, *TRANSPORT_ERRORS)

_LOG = logging.getLogger("genba.connect.opcua")
logging.getLogger("asyncua").addHandler(logging.NullHandler())  # what matters is in our errors


class OpcUaDriver:
    """A :class:`~genba.connect.driver.Driver` for OPC UA servers (OPC 10000-4).

    Addresses are node ids: ``nsu=urn:maker:machine;s=Temperature`` (the namespace's URI, which
    survives restarts) or ``ns=2;i=1001``.

    After a lost link the same session is taken up again and what the device sent meanwhile is
    fetched from it (Republish). A device that has forgotten the session gets a new one; first
    values that were delivered before are left out. While the link is down, the last values are
    repeated once with bad quality.
    """

    def __init__(self, context: DriverContext) -> None:
        self._options = read_options(context.connection, OpcUaOptions)
        host_and_port(context.connection, {"opc.tcp": 4840})
        self._context = context
        self._who = f"connection {context.connection.id}"
        self._url = context.connection.url
        self._clock = context.clock
        self._addresses: dict[str, Address] = {}
        self._session = Session(context, self._options)
        self._meter = Meter()
        self._subscriptions: list[Subscription] = []
        self._types: dict[str, ua.VariantType] = {}
        self._acknowledgements: list[ua.SubscriptionAcknowledgement] = []
        self._in_order = asyncio.Lock()
        self._subscribed = asyncio.Event()
        self._backoff = Backoff(seed=context.connection.id)
        self._supervisor: asyncio.Task[None] | None = None
        self._heard = time.monotonic()
        self._link = Link.CONNECTING
        self._since = self._clock.now()
        self._reconnects = 0
        self._error = ""

    async def connect(self) -> None:
        """Open the session once; from then on the driver reconnects by itself until closed."""
        if self._supervisor is not None:
            return
        self._turn(Link.CONNECTING)
        try:
            await self._session.open()
        except TRANSPORT_ERRORS as error:
            self._turn(Link.DOWN, str(error))
            raise unreachable(self._who, self._url, error) from error
        except DeviceError as error:
            self._turn(Link.DOWN, str(error))
            raise
        self._turn(Link.UP)
        self._supervisor = asyncio.create_task(self._supervise(), name=f"opcua {self._who}")

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Deliver every change of ``signals`` to ``sink``, until closed."""
        subscription = Subscription(
            signals, sink, self._resolve, self._options, self._clock, self._meter
        )
        self._subscriptions.append(subscription)
        if self._link is Link.UP:
            try:
                async with self._in_order:
                    await self._ask(subscription.create(self._session))
            except ConnectionLost:
                pass  # it is created as soon as the link is back
            except DeviceError:
                self._subscriptions.remove(subscription)
                raise
        self._subscribed.set()

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

    async def browse(self) -> list[BrowseEntry]:
        """List the variables below the Objects folder, without the server's own."""
        found: list[BrowseEntry] = await self._ask(browse(self._services, self._session.namespaces))
        return found

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        """Fetch what the device recorded in ``[start, end)``, oldest first."""
        node = self._resolve(signal)
        changes = await self._ask(read_history(self._services, signal, node, start, end))
        now = self._clock.now()
        return [
            Sample(signal.id, change.source_time, now, *convert(signal, change))
            for change in changes
        ]

    def health(self) -> Health:
        """How the link does, without asking the device."""
        wrong = list(self._meter.errors.values())
        error = self._error or (wrong[0] if wrong else "")
        if not self._error and len(wrong) > 1:
            error += f" (and {len(wrong) - 1} more)"
        return Health(
            self._link,
            self._since,
            self._meter.last_received,
            self._meter.received,
            self._reconnects,
            error,
        )

    async def close(self) -> None:
        """End the session. Safe to call twice, and before connecting."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.cancel()
            await asyncio.gather(supervisor, return_exceptions=True)
        await self._session.close()
        if self._link is not Link.CLOSED:
            self._turn(Link.CLOSED)

    @property
    def _services(self) -> Any:
        """The services of asyncua's session, while the link is up."""
        if self._link is not Link.UP:
            why = f": {self._error}" if self._error else ""
            raise ConnectionLost(f"{self._who}: the link to {self._url} is {self._link.value}{why}")
        return self._session.client.uaclient.session

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
        if signal.address in self._types:
            return self._types[signal.address]
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
        self._types[signal.address] = kind
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

    async def _supervise(self) -> None:
        """Receive and reconnect in turn; whatever happens, the machine is never given up."""
        while True:
            began = time.monotonic()
            try:
                reason = await self._until_lost()
                self._turn(Link.DOWN, reason)
                for subscription in self._subscriptions:
                    subscription.mark_bad()
            except Exception as error:  # noqa: BLE001 - a driver that dies loses its machine
                self._turn(Link.DOWN, self._unexpected(error))
            if time.monotonic() - began > _STABLE_S:
                self._backoff.reset()
            await self._reconnect()

    async def _until_lost(self) -> str:
        """Receive until the link is lost; says why it was."""
        self._heard = time.monotonic()
        work = [self._publish() for _ in range(_PUBLISH_REQUESTS)]
        work += [self._watch(), self._keep_fresh()]
        tasks = [asyncio.create_task(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            errors = [error for task in done if (error := task.exception()) is not None]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for error in errors:
            if not isinstance(error, _FAILURES):
                raise error
        if not errors:
            return ""
        if isinstance(errors[0], GenbaError):
            return str(errors[0])
        return str(unreachable(self._who, self._url, errors[0]))

    async def _publish(self) -> None:
        """Keep one publish request at the device, and take what it answers."""
        while True:
            await self._subscribed.wait()
            request = ua.PublishRequest()
            request.Parameters.SubscriptionAcknowledgements = self._acknowledgements
            self._acknowledgements = []
            try:
                body = await self._session.raw_request(request, 0)
            except ua.UaStatusCodeError as error:
                if int(error.code) in LINK_IS_GONE:
                    raise
                if int(error.code) == ua.StatusCodes.BadTooManyPublishRequests:
                    return
                if int(error.code) == ua.StatusCodes.BadNoSubscription:
                    await self._renew_stale(everything=True)
                continue
            self._heard = time.monotonic()
            notification = decode_publish(body.read(len(body)))
            async with self._in_order:
                await self._take(notification)

    async def _take(self, notification: Notification) -> None:
        subscription = next(
            (each for each in self._subscriptions if each.id == notification.subscription), None
        )
        if subscription is None:
            return
        if subscription.misses_before(notification):
            await subscription.fetch_missing(self._session, notification.sequence)
            if subscription.misses_before(notification):
                subscription.skip_to(notification)
        subscription.take(notification)
        if notification.is_data:
            self._acknowledgements.append(acknowledgement(notification))
        if subscription_is_gone(notification):
            await subscription.create(self._session)

    async def _watch(self) -> None:
        """Find out when the device no longer answers, or no longer publishes."""
        patience = self._options.keepalive_s
        state = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)
        while True:
            await asyncio.sleep(patience / 2)
            if time.monotonic() - self._heard > 1.5 * patience:
                async with asyncio.timeout(self._options.timeout_s):
                    await self._services.read_attributes([state], ua.AttributeIds.Value)
                self._heard = time.monotonic()
            await self._renew_stale(everything=False)

    async def _keep_fresh(self) -> None:
        """Look for aging measurements four times in the shortest freshness of all signals."""
        await self._subscribed.wait()
        shortest_s = min((s.freshness_s for s in self._context.signals), default=_FRESH_S)
        while True:
            await asyncio.sleep(max(_FRESH_LOOK_S, shortest_s / 4 / self._clock.speed))
            for subscription in list(self._subscriptions):
                await subscription.refresh(self._session)

    async def _renew_stale(self, *, everything: bool) -> None:
        async with self._in_order:
            for subscription in self._subscriptions:
                if subscription.is_stale or (everything and subscription.id is not None):
                    await subscription.create(self._session)

    async def _reconnect(self) -> None:
        """Try until it works: at once after a stable link, with growing pauses otherwise."""
        if self._backoff.attempts:
            await asyncio.sleep(self._backoff.next_s())
        else:
            self._backoff.attempts = 1
        while True:
            try:
                resumed = await self._session.resume()
                if not resumed:
                    await self._session.open()
                self._types.clear()
                self._meter.errors.clear()
                for subscription in self._subscriptions:
                    if not (resumed and await subscription.catch_up(self._session)):
                        await subscription.create(self._session)
            except _FAILURES as error:
                self._error = str(error) or type(error).__name__
            except Exception as error:  # noqa: BLE001 - as in _supervise
                self._error = self._unexpected(error)
            else:
                break
            await asyncio.sleep(self._backoff.next_s())
        self._reconnects += 1
        self._turn(Link.UP)

    def _unexpected(self, error: Exception) -> str:
        _LOG.error("%s: unexpected", self._who, exc_info=error)
        return f"{self._who}: unexpected {type(error).__name__}: {error}"

    def _turn(self, link: Link, error: str = "") -> None:
        self._link, self._error = link, error
        self._since = self._clock.now()


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
