"""The Sparkplug B payload on the wire: the part of protocol buffers that it needs.

Field numbers are those of ``sparkplug_b.proto`` (Sparkplug 3.0.0, chapter 6.4). Data sets,
templates, properties and extensions are skipped. What is no payload raises ``ValueError``.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from genba.plant import Scalar

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


class DataType(IntEnum):
    """Data types of metrics that can be signals (6.4.16)."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15


_BITS = {
    DataType.INT8: 8,
    DataType.INT16: 16,
    DataType.INT32: 32,
    DataType.INT64: 64,
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
    DataType.DATETIME: 64,
}
_SIGNED = (DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64)
_TEXTS = (DataType.STRING, DataType.TEXT, DataType.UUID)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. After a birth, ``alias`` may stand for ``name``, and ``datatype`` be left out."""

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int | None = None
    historical: bool = False
    """Whether it was buffered while the node was offline: true then, not now."""
    is_null: bool = False
    raw: int | float | bool | str | None = None
    """The value as it lies on the wire; :func:`value_of` reads it by its data type."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A message of an edge node or to one."""

    timestamp_ms: int | None = None
    seq: int | None = None
    metrics: tuple[Metric, ...] = ()


def decode(data: bytes) -> Payload:
    """Read a payload.

    Raises
    ------
    ValueError
        If the bytes are none.
    """
    timestamp, seq = None, None
    metrics: list[Metric] = []
    for number, wire, value in _fields(data):
        if (number, wire) == (1, _VARINT):
            timestamp = _time(value)
        elif (number, wire) == (2, _BYTES):
            metrics.append(_metric(value))
        elif (number, wire) == (3, _VARINT):
            seq = value
    return Payload(timestamp, seq, tuple(metrics))


def value_of(raw: Any, datatype: int | None) -> Scalar:
    """Read a wire value as its data type says.

    Raises
    ------
    ValueError
        If the type is unknown, cannot be a signal (a data set, say), or is not what was sent.
    """
    try:
        kind = DataType(datatype if datatype is not None else -1)
    except ValueError:
        raise ValueError(f"data type {datatype} cannot be a signal") from None
    if kind in _BITS and type(raw) is int:
        bits = _BITS[kind]
        number = raw & ((1 << bits) - 1)
        return number - (1 << bits) if kind in _SIGNED and number >> (bits - 1) else number
    if kind in (DataType.FLOAT, DataType.DOUBLE) and type(raw) is float:
        return raw
    if kind is DataType.BOOLEAN and type(raw) is bool:
        return raw
    if kind in _TEXTS and isinstance(raw, str):
        return raw
    raise ValueError(f"a {type(raw).__name__} was sent as {kind.name}")


def encode(payload: Payload) -> bytes:
    """Write a payload whose metrics have values of their data type.

    Raises
    ------
    ValueError
        If a value does not fit its data type.
    """
    data = bytearray()
    if payload.timestamp_ms is not None:
        data += _tag(1, _VARINT) + _varint(payload.timestamp_ms)
    for metric in payload.metrics:
        body = _encode_metric(metric)
        data += _tag(2, _BYTES) + _varint(len(body)) + body
    if payload.seq is not None:
        data += _tag(3, _VARINT) + _varint(payload.seq)
    return bytes(data)


def _metric(data: bytes) -> Metric:
    found: dict[str, Any] = {}
    for number, wire, value in _fields(data):
        if (number, wire) == (1, _BYTES):
            found["name"] = value.decode("utf-8")
        elif (number, wire) == (2, _VARINT):
            found["alias"] = value
        elif (number, wire) == (3, _VARINT):
            found["timestamp_ms"] = _time(value)
        elif (number, wire) == (4, _VARINT):
            found["datatype"] = value & 0xFFFFFFFF
        elif (number, wire) == (5, _VARINT):
            found["historical"] = bool(value)
        elif (number, wire) == (7, _VARINT):
            found["is_null"] = bool(value)
        elif (number, wire) == (10, _VARINT):
            found["raw"] = value & 0xFFFFFFFF
        elif (number, wire) == (11, _VARINT):
            found["raw"] = value
        elif (number, wire) == (12, _FIXED32):
            found["raw"] = struct.unpack("<f", value)[0]
        elif (number, wire) == (13, _FIXED64):
            found["raw"] = struct.unpack("<d", value)[0]
        elif (number, wire) == (14, _VARINT):
            found["raw"] = bool(value)
        elif (number, wire) == (15, _BYTES):
            found["raw"] = value.decode("utf-8")
        elif number in (16, 17, 18, 19):
            found["raw"] = None
    return Metric(**found)


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Yield field number, wire type and value: an int for varints, else the bytes."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0 or number >= 2**29:
            raise ValueError(f"field number {number} does not exist")
        if wire == _VARINT:
            value, at = _read_varint(data, at)
            yield number, wire, value
            continue
        if wire == _BYTES:
            length, at = _read_varint(data, at)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire} is not used by Sparkplug")
        if length > end - at:
            raise ValueError("it ends in the middle of a field")
        yield number, wire, data[at : at + length]
        at += length


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if at + index >= len(data):
            raise ValueError("it ends in the middle of a number")
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + index + 1
    raise ValueError("a number has more than 10 bytes")


def _time(value: int) -> int:
    if value > _LATEST_MS:
        raise ValueError(f"timestamp {value} lies beyond the year 9999")
    return value


def _encode_metric(metric: Metric) -> bytes:
    data = bytearray()
    if metric.name is not None:
        name = metric.name.encode()
        data += _tag(1, _BYTES) + _varint(len(name)) + name
    if metric.alias is not None:
        data += _tag(2, _VARINT) + _varint(metric.alias)
    if metric.timestamp_ms is not None:
        data += _tag(3, _VARINT) + _varint(metric.timestamp_ms)
    if metric.datatype is not None:
        data += _tag(4, _VARINT) + _varint(metric.datatype)
    if metric.is_null:
        return bytes(data + _tag(7, _VARINT) + b"\x01")
    return bytes(data) + _encode_value(metric)


def _encode_value(metric: Metric) -> bytes:
    raw = metric.raw
    kind = DataType(metric.datatype if metric.datatype is not None else -1)
    if kind in _BITS and isinstance(raw, int) and not isinstance(raw, bool):
        bits = _BITS[kind]
        low = -(1 << (bits - 1)) if kind in _SIGNED else 0
        high = (1 << (bits - 1)) - 1 if kind in _SIGNED else (1 << bits) - 1
        if not low <= raw <= high:
            raise ValueError(f"{raw} does not fit {kind.name}")
        wide = bits == 64
        number = raw & (0xFFFFFFFFFFFFFFFF if wide else 0xFFFFFFFF)
        return _tag(11 if wide else 10, _VARINT) + _varint(number)
    if kind in (DataType.FLOAT, DataType.DOUBLE) and isinstance(raw, int | float):
        try:
            if kind is DataType.FLOAT:
                return _tag(12, _FIXED32) + struct.pack("<f", raw)
            return _tag(13, _FIXED64) + struct.pack("<d", raw)
        except OverflowError:
            raise ValueError(f"{raw} does not fit {kind.name}") from None
    if kind is DataType.BOOLEAN and isinstance(raw, bool):
        return _tag(14, _VARINT) + (b"\x01" if raw else b"\x00")
    if kind in _TEXTS and isinstance(raw, str):
        text = raw.encode()
        return _tag(15, _BYTES) + _varint(len(text)) + text
    raise ValueError(f"{raw!r} does not fit {kind.name}")


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
