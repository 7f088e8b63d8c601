"""Read what a device recorded itself (OPC 10000-11, raw values)."""

import datetime as dt
from typing import Any

from asyncua import ua

from genba.connect.opcua.faults import status_text
from genba.connect.opcua.notification import Change, change_of
from genba.errors import DeviceError, NoHistory
from genba.plant import Signal

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_KEEPS_NONE = {
    ua.StatusCodes.BadHistoryOperationUnsupported,
    ua.StatusCodes.BadHistoryOperationInvalid,
    ua.StatusCodes.BadServiceUnsupported,
    ua.StatusCodes.BadNotSupported,
    ua.StatusCodes.BadNotImplemented,
    ua.StatusCodes.BadUserAccessDenied,
    ua.StatusCodes.BadNoDataAvailable,
}
_PLACE_LOST = {
    ua.StatusCodes.BadContinuationPointInvalid,
    ua.StatusCodes.BadNoContinuationPoints,
}
_VALUES_PER_READ = 5_000
_NO_DATA = {ua.StatusCodes.GoodNoData, ua.StatusCodes.BadNoData, ua.StatusCodes.BadBoundNotFound}


async def read_history(
    services: Any, signal: Signal, node: ua.NodeId, start: int, end: int
) -> list[Change]:
    """Fetch the raw values of ``[start, end)`` (microseconds UTC), oldest first, each once.

    The device is asked for a few thousand at a time. It goes on with a continuation point; where
    it gives none though there must be more, or has lost it, it is asked again from the last time
    that it gave, and what comes twice is left out.

    Raises
    ------
    NoHistory
        If the device keeps none of this node.
    DeviceError
        If it does not give what it has.
    """
    await _require_history(services, signal, node)
    found: dict[tuple[int, object, int], Change] = {}
    begin, most = start, _VALUES_PER_READ
    more: bytes | None = None
    while begin < end:
        try:
            values, more = await _read_part(services, signal, node, begin, end, most, more)
        except _LostItsPlace:
            more, reached = None, _last_time(found, begin)
            if reached <= begin:
                raise DeviceError(
                    f"signal '{signal.id}': the device cannot go on reading its history; "
                    "see the device's own log"
                ) from None
            begin = reached
            continue
        changes = [change_of(0, value) for value in values]
        before = len(found)
        for change in changes:
            if start <= change.source_time < end:
                found.setdefault((change.source_time, repr(change.raw), change.status), change)
        if more:
            continue
        if len(changes) < most:
            break
        if len(found) == before:  # all of them are of one moment: go past it
            most *= 2
        begin = max(begin, _last_time(found, begin))
    return sorted(found.values(), key=lambda change: change.source_time)


def _last_time(found: dict[tuple[int, object, int], Change], otherwise: int) -> int:
    return max((key[0] for key in found), default=otherwise)


async def _require_history(services: Any, signal: Signal, node: ua.NodeId) -> None:
    level = (await services.read_attributes([node], ua.AttributeIds.AccessLevel))[0]
    bits = level.Value.Value if level.Value is not None else None
    if isinstance(bits, int) and not bits & (1 << ua.AccessLevel.HistoryRead.value):
        raise NoHistory(
            f"signal '{signal.id}': the device keeps no history of '{signal.address}'; "
            "switch it on there, or do without"
        )


async def _read_part(
    services: Any,
    signal: Signal,
    node: ua.NodeId,
    start: int,
    end: int,
    most: int,
    continuation: bytes | None,
) -> tuple[list[ua.DataValue], bytes | None]:
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=_time(start),
        EndTime=_time(end),
        NumValuesPerNode=most,
        ReturnBounds=False,
    )
    params = ua.HistoryReadParameters(
        HistoryReadDetails=details,
        TimestampsToReturn=ua.TimestampsToReturn.Source,
        ReleaseContinuationPoints=False,
        NodesToRead=[ua.HistoryReadValueId(NodeId=node, ContinuationPoint=continuation)],
    )
    try:
        result = (await services.history_read(params))[0]
        code = int(result.StatusCode.value)
    except ua.UaStatusCodeError as error:
        result, code = None, int(error.code)
    if continuation is not None and code in _PLACE_LOST:
        raise _LostItsPlace
    if code in _KEEPS_NONE:
        raise NoHistory(
            f"signal '{signal.id}': the device keeps no history of it ({status_text(code)})"
        )
    if code in _NO_DATA:
        return [], None
    if result is None or code >> 30 >= 2:
        raise DeviceError(
            f"signal '{signal.id}': its history cannot be read ({status_text(code)}); "
            "see the device's own log"
        )
    values = getattr(result.HistoryData, "DataValues", None) or []
    return list(values), result.ContinuationPoint or None


class _LostItsPlace(Exception):
    """The device does not know its continuation point any more."""


def _time(when: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=when)
