"""The alarms and conditions of an OPC UA server (OPC 10000-9): told, refreshed, acknowledged."""

import asyncio
from dataclasses import replace
from typing import Any

from asyncua import ua

from genba.connect.driver import DriverContext, untold
from genba.connect.opcua.absence import Absence
from genba.connect.opcua.address import parse_address
from genba.connect.opcua.condition_fields import condition_event, event_filter, fields_of
from genba.connect.opcua.faults import TRANSPORT_ERRORS, status_text
from genba.connect.opcua.notification import Notification
from genba.connect.opcua.session import Session
from genba.connect.opcua.subscription import Meter
from genba.errors import DeviceError
from genba.plant import ConditionEvent

_MOST_EVENTS = 10_000
_ALARMS = "alarms"
_STALE = {
    ua.NodeId(ua.ObjectIds.RefreshRequiredEventType),
    ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType),
}
_ROUND_BEGINS = ua.NodeId(ua.ObjectIds.RefreshStartEventType)
_ROUND_ENDS = ua.NodeId(ua.ObjectIds.RefreshEndEventType)
_ANSWERED = {
    ua.StatusCodes.BadConditionBranchAlreadyAcked: "it was acknowledged before",
    ua.StatusCodes.BadConditionBranchAlreadyConfirmed: "it was confirmed before",
    ua.StatusCodes.BadEventIdUnknown: "its state has changed meanwhile; look at it again",
    ua.StatusCodes.BadNodeIdUnknown: "the device has no such alarm, or it needs no answer",
    ua.StatusCodes.BadMethodInvalid: "the device has no such alarm, or it needs no answer",
    ua.StatusCodes.BadUserAccessDenied: "give this plant's login the right to do so on the device",
}


class ConditionWatch:
    """The :class:`~genba.connect.opcua.subscription.Receiver` of a server's conditions.

    All that the device retains is asked for (ConditionRefresh) when the link comes up, and when
    the device says that events were lost.
    """

    def __init__(self, context: DriverContext, session: Session, meter: Meter) -> None:
        self.absence = Absence((), untold)
        self.has_room = True
        self._connection = context.connection.id
        self._tell = context.conditions
        self._clock = context.clock
        self._session = session
        self._meter = meter
        self._kinds: dict[ua.NodeId, str] = {}
        self._retained: dict[tuple[str, str], ConditionEvent] = {}
        self._round: set[tuple[str, str]] | None = None
        self._subscription = 0
        self._asking: asyncio.Task[None] | None = None

    async def arm(self, session: Session, subscription: int) -> None:
        """Watch the server's events; a server that has none is said to have none."""
        self._subscription = subscription
        self._meter.errors.pop(_ALARMS, None)
        parameters = ua.MonitoringParameters(
            ClientHandle=0,
            SamplingInterval=0.0,
            QueueSize=_MOST_EVENTS,
            DiscardOldest=True,
            Filter=event_filter(),
        )
        item = ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(
                NodeId=ua.NodeId(ua.ObjectIds.Server), AttributeId=ua.AttributeIds.EventNotifier
            ),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=parameters,
        )
        params = ua.CreateMonitoredItemsParameters(
            SubscriptionId=subscription,
            TimestampsToReturn=ua.TimestampsToReturn.Neither,
            ItemsToCreate=[item],
        )
        result = (await session.client.uaclient.session.create_monitored_items(params))[0]
        if not result.StatusCode.is_good():
            code = status_text(result.StatusCode.value)
            self._meter.errors[_ALARMS] = (
                f"connection {self._connection}: the device tells of no alarms ({code}); "
                "leave option alarms out, or switch its events on there"
            )
            return
        self._kinds = await _kinds_of_conditions(session)
        await self._refresh()

    async def resumed(self, _session: Session) -> None:
        """Ask for all conditions: what changed in the outage is among them."""
        await self._refresh()

    def lost(self) -> None:
        """A round that was going on will not be ended."""
        self._round = None

    def take(self, notification: Notification) -> None:
        """Tell of each condition's change."""
        now = self._clock.now()
        for event in notification.events:
            found = fields_of(event)
            kind = found.get("type")
            if kind == _ROUND_BEGINS:
                self._round = set()
            elif kind == _ROUND_ENDS:
                self._end_round(now)
            elif kind in _STALE:
                self._asking = asyncio.create_task(self._refresh())
            else:
                self._take_one(found, now)

    def _take_one(self, found: dict[str, Any], now: int) -> None:
        refreshed = self._round is not None
        event = condition_event(
            found, self._connection, self._kinds, self._session.namespaces, now, refreshed
        )
        if event is None:
            return
        key = event.condition, event.branch
        if self._round is not None:
            self._round.add(key)
        if event.retain:
            self._retained[key] = event
        else:
            self._retained.pop(key, None)
        self._tell(event)

    def _end_round(self, now: int) -> None:
        """Tell of conditions that the device no longer lists."""
        listed, self._round = self._round, None
        if listed is None:
            return
        for key in [key for key in self._retained if key not in listed]:
            gone = self._retained.pop(key)
            self._tell(
                replace(gone, time=now, receive_time=now, retain=False, active=None, refreshed=True)
            )

    async def _refresh(self) -> None:
        """Ask for all conditions that are retained (OPC 10000-9, 5.5.7)."""
        argument = ua.Variant(ua.UInt32(self._subscription), ua.VariantType.UInt32)
        code = await _call(
            self._session,
            ua.NodeId(ua.ObjectIds.ConditionType),
            ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh),
            [argument],
        )
        if code >> 30 >= 2 and code != ua.StatusCodes.BadRefreshInProgress:
            self._meter.errors[_ALARMS] = (
                f"connection {self._connection}: the device does not list its alarms "
                f"({status_text(code)}); those from before the link came up are not known"
            )

    async def answer(self, method: int, condition: str, event: str, comment: str) -> None:
        """Acknowledge or confirm the state ``event`` of a condition (OPC 10000-9, 5.7.3).

        Raises
        ------
        DeviceError
            If the device does not take it.
        """
        node = parse_address(condition).resolve(self._session.namespaces)
        try:
            identity = bytes.fromhex(event)
        except ValueError:
            raise DeviceError(f"alarm '{condition}': '{event}' is no event id") from None
        code = await _call(
            self._session,
            node,
            ua.NodeId(method),
            [
                ua.Variant(identity, ua.VariantType.ByteString),
                ua.Variant(ua.LocalizedText(comment), ua.VariantType.LocalizedText),
            ],
        )
        if code >> 30 >= 2:
            why = _ANSWERED.get(code, "see the device's own log")
            raise DeviceError(
                f"connection {self._connection}: the device did not take the answer to alarm "
                f"'{condition}' ({status_text(code)}); {why}"
            )

    def end(self) -> None:
        """Nothing more comes."""
        if self._asking is not None:
            self._asking.cancel()


async def _call(
    session: Session, node: ua.NodeId, method: ua.NodeId, arguments: list[ua.Variant]
) -> int:
    request = ua.CallMethodRequest(ObjectId=node, MethodId=method, InputArguments=arguments)
    try:
        result = (await session.client.uaclient.session.call([request]))[0]
    except ua.UaStatusCodeError as error:
        return int(error.code)
    return int(result.StatusCode.value)


async def _kinds_of_conditions(session: Session) -> dict[ua.NodeId, str]:
    """Names of all types of conditions that the device has, its maker's own among them."""
    root = ua.NodeId(ua.ObjectIds.ConditionType)
    names = {root: "ConditionType"}
    level = [root]
    while level:
        params = ua.BrowseParameters()
        params.NodesToBrowse = [
            ua.BrowseDescription(
                NodeId=node,
                BrowseDirection=ua.BrowseDirection.Forward,
                ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasSubtype),
                IncludeSubtypes=True,
                NodeClassMask=int(ua.NodeClass.ObjectType),
                ResultMask=int(ua.BrowseResultMask.BrowseName),
            )
            for node in level
        ]
        level = []
        try:
            results = await session.client.uaclient.session.browse(params)
        except TRANSPORT_ERRORS:
            return names  # types are shown by their node ids then
        for result in results:
            for reference in result.References or []:
                node = ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
                if node not in names:
                    names[node] = str(reference.BrowseName.Name or "")
                    level.append(node)
    return names
