"""Monitored items as OPC 10000-4 wants them, where asyncua's own server differs.

A deadband counts from the value that was reported last (7.22.2): asyncua counts from the one
before, so that a counter which rises in small steps would never be heard of again. And a queue
that is full says so with the overflow bit (7.11), where asyncua drops values without a word.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from asyncua import ua
from asyncua.server.monitored_item_service import MonitoredItemService
from asyncua.server.subscription_service import SubscriptionService

_OVERFLOW = 0x480
"""Info bits of a data value: Overflow."""

_NO_FILTER = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValue)


class DeviceSubscriptions(SubscriptionService):  # type: ignore[misc]
    """The subscriptions of a device."""

    async def create_subscription(
        self,
        params: ua.CreateSubscriptionParameters,
        callback: Callable[..., Any],
        session_id: ua.NodeId,
        request_callback: Callable[..., Any] | None = None,
    ) -> ua.CreateSubscriptionResult:
        """Create one with monitored items of ours."""
        result = await super().create_subscription(params, callback, session_id, request_callback)
        subscription = self.subscriptions[result.SubscriptionId]
        subscription.monitored_item_srv = DeviceItems(subscription, self.aspace)
        return result


class DeviceItems(MonitoredItemService):  # type: ignore[misc]
    """The monitored items of one subscription. The device never changes a shown value in place."""

    async def datachange_callback(
        self, handle: int, value: ua.DataValue, error: ua.StatusCode | None = None
    ) -> None:
        """Queue a value that is news to the client."""
        if error is not None:
            await self.trigger_statuschange(error)
            return
        item = self._monitored_items[self._monitored_datachange[handle]]
        if item.mode == ua.MonitoringMode.Disabled:
            return
        reported = item.mvalue.current_dvalue
        if reported is not None and not _is_news(reported, value, item.filter):
            return
        item.mvalue.current_dvalue = value
        self._make_room(item.monitored_item_id, item.queue_size)
        event = ua.MonitoredItemNotification(ClientHandle=item.client_handle, Value=value)
        await self.isub.enqueue_datachange_event(item.monitored_item_id, event, item.queue_size)

    def _make_room(self, item_id: int, size: int) -> None:
        """Drop the oldest of a full queue, and mark the one behind the hole."""
        queue = self.isub._triggered_datachanges.get(item_id)
        if not queue or not size or len(queue) < size:
            return
        del queue[0]
        if queue:
            value = queue[0].Value
            status = ua.StatusCode((value.StatusCode.value if value.StatusCode else 0) | _OVERFLOW)
            marked = replace(value, StatusCode=status)
            queue[0] = ua.MonitoredItemNotification(queue[0].ClientHandle, marked)


def _is_news(reported: ua.DataValue, value: ua.DataValue, filter_: Any) -> bool:
    # Not by its class: a client in the same process may have loaded that anew.
    wanted = filter_ if hasattr(filter_, "DeadbandType") else _NO_FILTER
    if reported.StatusCode != value.StatusCode:
        return True
    if wanted.Trigger == ua.DataChangeTrigger.Status:
        return False
    by_time = wanted.Trigger == ua.DataChangeTrigger.StatusValueTimestamp
    if by_time and reported.SourceTimestamp != value.SourceTimestamp:
        return True
    before, now = _plain(reported), _plain(value)
    if wanted.DeadbandType == ua.DeadbandType.Absolute and _is_number(before) and _is_number(now):
        return bool(abs(now - before) > wanted.DeadbandValue)
    return bool(before != now)


def _plain(value: ua.DataValue) -> Any:
    return None if value.Value is None else value.Value.Value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
