"""Who may talk to an OPC UA device, what a client's write does, and what HistoryRead answers."""

import datetime as dt
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AddressSpace, AttributeService
from asyncua.server.history import HistoryManager
from asyncua.server.internal_server import InternalServer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from genba.errors import DeviceError, WrongType
from genba.plant import US, DataType, Scalar, Signal
from genba.testbed.servers.device import Simulation, from_raw, out_of_range, to_raw
from genba.testbed.servers.identity import is_trusted, reject

_log = logging.getLogger(__name__)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MOST_VALUES = 10_000
"""Values in one HistoryRead answer; more come by continuation point."""

VARIANTS: Mapping[DataType, ua.VariantType] = {
    DataType.BOOL: ua.VariantType.Boolean,
    DataType.INT: ua.VariantType.Int64,
    DataType.FLOAT: ua.VariantType.Double,
    DataType.STRING: ua.VariantType.String,
    DataType.JSON: ua.VariantType.String,
}


def moment(when: int) -> dt.datetime:
    """Microseconds UTC as the date and time of an OPC UA timestamp."""
    return _EPOCH + dt.timedelta(microseconds=when)


def micros(when: dt.datetime) -> int:
    """Date and time of an OPC UA timestamp as microseconds UTC."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return (when - _EPOCH) // dt.timedelta(microseconds=1)


def data_value(signal: Signal, value: Scalar, source_time: int, now: int) -> ua.DataValue:
    """Wrap a plant value as the device shows it; no value is a Bad status, not a zero."""
    source, server = moment(source_time), moment(now)
    if value is None:
        return ua.DataValue(
            ua.Variant(None, ua.VariantType.Null),
            StatusCode=ua.StatusCode(ua.StatusCodes.BadNoData),
            SourceTimestamp=source,
            ServerTimestamp=server,
        )
    raw = to_raw(signal, value)
    kind = VARIANTS[signal.type]
    if kind is ua.VariantType.Int64 and isinstance(raw, float):
        raw = round(raw)
    elif kind is ua.VariantType.Double:
        raw = float(raw)  # type: ignore[arg-type]
    return ua.DataValue(
        ua.Variant(raw, kind),
        StatusCode=ua.StatusCode(ua.StatusCodes.Good),
        SourceTimestamp=source,
        ServerTimestamp=server,
    )


class CertificateGate:
    """Lets a client in whose certificate is trusted, and who knows the password where one is set.

    asyncua shows the certificate twice: as the client claims it when it creates a session (here
    an unknown one gets the proper status code), and as the secure channel proved it when the
    session is activated. Only the second counts.
    """

    def __init__(self, runtime: Path, users: Mapping[str, str]) -> None:
        self._runtime = runtime
        self._users = users

    async def validate(
        self, certificate: x509.Certificate, application: ua.ApplicationDescription
    ) -> None:
        """Answer CreateSession: refuse unknown, expired or misnamed certificates."""
        der = certificate.public_bytes(Encoding.DER)
        now = dt.datetime.now(dt.UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise ServiceError(ua.StatusCodes.BadCertificateTimeInvalid)
        if not is_trusted(self._runtime, der):
            reject(self._runtime, der)
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)
        if application.ApplicationUri not in _uris(certificate):
            raise ServiceError(ua.StatusCodes.BadCertificateUriInvalid)

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        """Answer ActivateSession: None refuses."""
        if certificate is None or not is_trusted(self._runtime, bytes(certificate)):
            return None
        if self._users and (username is None or self._users.get(username) != password):
            return None
        return User(role=UserRole.User, name=username)


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


class DeviceAttributes(AttributeService):  # type: ignore[misc]
    """A device's attribute service: what a client writes goes to the machine, which may refuse."""

    def __init__(
        self, space: AddressSpace, signals: Mapping[ua.NodeId, Signal], simulation: Simulation
    ) -> None:
        super().__init__(space)
        self._signals = signals
        self._simulation = simulation

    async def write(
        self,
        params: ua.WriteParameters,
        user: User = User(role=UserRole.Admin),  # noqa: B008
    ) -> list[ua.StatusCode]:
        """Write item by item; each gets a status of its own."""
        if user.role is UserRole.Admin:
            by_itself: list[ua.StatusCode] = await super().write(params, user)
            return by_itself
        results = []
        for item in params.NodesToWrite:
            signal = self._signals.get(item.NodeId)
            if signal is None or item.AttributeId != ua.AttributeIds.Value:
                alone = ua.WriteParameters(NodesToWrite=[item])
                results += await super().write(alone, user)
            else:
                results.append(await self._write_signal(signal, item))
        return results

    async def _write_signal(self, signal: Signal, item: ua.WriteValue) -> ua.StatusCode:
        if not signal.writable:
            return ua.StatusCode(ua.StatusCodes.BadNotWritable)
        variant = item.Value.Value
        if variant is None or variant.VariantType is not VARIANTS[signal.type] or variant.is_array:
            return ua.StatusCode(ua.StatusCodes.BadTypeMismatch)
        value = from_raw(signal, variant.Value)
        if out_of_range(signal, value):
            return ua.StatusCode(ua.StatusCodes.BadOutOfRange)
        try:
            self._simulation.write(signal.id, value)
        except WrongType:
            return ua.StatusCode(ua.StatusCodes.BadTypeMismatch)
        except DeviceError as error:
            _log.info("%s refused %r: %s", signal.id, value, error)
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        now = self._simulation.now
        shown = data_value(signal, value, now, now)
        await self._aspace.write_attribute_value(item.NodeId, ua.AttributeIds.Value, shown)
        return ua.StatusCode(ua.StatusCodes.Good)


class DeviceHistory(HistoryManager):  # type: ignore[misc]
    """HistoryRead from the device's own memory, or from none."""

    def __init__(
        self,
        iserver: InternalServer,
        signals: Mapping[ua.NodeId, Signal],
        simulation: Simulation,
        kept: bool,
    ) -> None:
        super().__init__(iserver)
        self._signals = signals
        self._simulation = simulation
        self._kept = kept

    async def read_history(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        """Answer ReadRaw for each node."""
        return [self._read(params.HistoryReadDetails, item) for item in params.NodesToRead]

    def _read(self, details: Any, item: ua.HistoryReadValueId) -> ua.HistoryReadResult:
        signal = self._signals.get(item.NodeId)
        raw = isinstance(details, ua.ReadRawModifiedDetails) and not details.IsReadModified
        if signal is None:
            return _history_failure(ua.StatusCodes.BadNodeIdUnknown)
        if not self._kept or not raw:
            return _history_failure(ua.StatusCodes.BadHistoryOperationUnsupported)
        start, end, most = details.StartTime, details.EndTime, details.NumValuesPerNode
        unset = ua.get_win_epoch()
        first = None if start is None or start == unset else micros(start)
        last = None if end is None or end == unset else micros(end)
        given = (first is not None) + (last is not None) + bool(most)
        if given < 2:
            return _history_failure(ua.StatusCodes.BadHistoryOperationInvalid)
        try:
            values = self._between(signal, first, last)
        except DeviceError:
            return _history_failure(ua.StatusCodes.BadHistoryOperationUnsupported)
        return self._page(values, most, item.ContinuationPoint)

    def _between(self, signal: Signal, first: int | None, last: int | None) -> list[ua.DataValue]:
        """Values in the asked-for direction, without the end bound (OPC 10000-11, 6.5.3)."""
        now = self._simulation.now
        backward = first is None or (last is not None and last < first)
        if first is None:
            assert last is not None  # noqa: S101  (two of three bounds are given)
            low, high = 0, last + 1
        elif backward:
            assert last is not None  # noqa: S101
            low, high = last + 1, first + 1
        else:
            low, high = first, now + US if last is None else max(last, first + 1)
        rows = self._simulation.history(signal.id, low, high)
        values = [data_value(signal, value, when, when) for when, value in rows]
        return values[::-1] if backward else values

    def _page(
        self, values: list[ua.DataValue], most: int, continuation: bytes | None
    ) -> ua.HistoryReadResult:
        skip = int.from_bytes(continuation, "little") if continuation else 0
        size = min(most or _MOST_VALUES, _MOST_VALUES)
        page = values[skip : skip + size]
        result = ua.HistoryReadResult()
        result.HistoryData = ua.HistoryData(DataValues=page)
        if skip + size < len(values):
            result.ContinuationPoint = (skip + size).to_bytes(8, "little")
        if not page:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.GoodNoData)
        return result


def _history_failure(code: int) -> ua.HistoryReadResult:
    result = ua.HistoryReadResult()
    result.StatusCode = ua.StatusCode(code)
    result.HistoryData = ua.HistoryData()
    return result
