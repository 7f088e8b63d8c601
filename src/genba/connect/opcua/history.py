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
_NO_DATA = {ua.StatusCodes.GoodNoData, ua.StatusCodes.BadNoData, ua.StatusCodes.BadBoundNotFound}


async def read_history(
    services: Any, signal: Signal, node: ua.NodeId, start: int, end: int
) -> list[Change]:
    """Fetch the raw values of ``[start, end)`` (microseconds UTC), oldest first.

    Raises
    ------
    NoHistory
        If the device keeps none of this node.
    DeviceError
        If it does not give what it has.
    """
    await _require_history(services, signal, node)
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=_time(start),
        EndTime=_time(end),
        NumValuesPerNode=0,  # the device cuts as it must, and says so with a continuation point
        ReturnBounds=False,
    )
    changes: list[Change] = []
    more: bytes | None = None
    while True:
        result = await _read_part(services, signal, node, details, more)
        values = getattr(result.HistoryData, "DataValues", None) or []
        changes.extend(change_of(0, value) for value in values)
        more = result.ContinuationPoint
        if not more:
            break
    inside = (change for change in changes if start <= change.source_time < end)
    return sorted(inside, key=lambda change: change.source_time)


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
    details: ua.ReadRawModifiedDetails,
    continuation: bytes | None,
) -> Any:
    wanted = ua.HistoryReadValueId(NodeId=node, ContinuationPoint=continuation)
    params = ua.HistoryReadParameters(
        HistoryReadDetails=details,
        TimestampsToReturn=ua.TimestampsToReturn.Source,
        ReleaseContinuationPoints=False,
        NodesToRead=[wanted],
    )
    try:
        result = (await services.history_read(params))[0]
        code = int(result.StatusCode.value)
    except ua.UaStatusCodeError as error:
        result, code = None, int(error.code)
    if code in _KEEPS_NONE:
        raise NoHistory(
            f"signal '{signal.id}': the device keeps no history of it ({status_text(code)})"
        )
    if result is None or (code >> 30 >= 2 and code not in _NO_DATA):
        raise DeviceError(
            f"signal '{signal.id}': its history cannot be read ({status_text(code)}); "
            "see the device's own log"
        )
    return result


def _time(when: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=when)
