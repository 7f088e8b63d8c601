"""Sparkplug B payloads: the few fields of the protobuf message that an edge node needs.

Field numbers and data types from Eclipse Sparkplug 3.0.0, section 6.4 (``sparkplug_b.proto``).
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from genba.plant import Scalar

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class SparkplugType(IntEnum):
    """Data types of metrics."""

    INT32 = 3
    INT64 = 4
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Timestamps in milliseconds UTC. Data messages name it by alias alone."""

    value: Scalar
    type: SparkplugType
    timestamp_ms: int | None = None
    name: str | None = None
    alias: int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """One message of an edge node or to it."""

    timestamp_ms: int
    metrics: tuple[Metric, ...] = ()
    seq: int | None = None


def encode_payload(payload: Payload) -> bytes:
    """Write a payload as protobuf."""
    parts = [_number(1, payload.timestamp_ms)]
    parts += [_block(2, _encode_metric(metric)) for metric in payload.metrics]
    if payload.seq is not None:
        parts.append(_number(3, payload.seq))
    return b"".join(parts)


def decode_payload(content: bytes) -> Payload:
    """Read a payload; fields that are not known are passed over.

    Raises
    ------
    ValueError
        If the bytes are no protobuf message.
    """
    timestamp, seq, metrics = 0, None, []
    for field, value in _fields(content):
        if field == 1 and isinstance(value, int):
            timestamp = value
        elif field == 2 and isinstance(value, bytes):
            metrics.append(_decode_metric(value))
        elif field == 3 and isinstance(value, int):
            seq = value
    return Payload(timestamp, tuple(metrics), seq)


def _encode_metric(metric: Metric) -> bytes:
    parts = []
    if metric.name is not None:
        parts.append(_block(1, metric.name.encode()))
    if metric.alias is not None:
        parts.append(_number(2, metric.alias))
    if metric.timestamp_ms is not None:
        parts.append(_number(3, metric.timestamp_ms))
    parts.append(_number(4, metric.type))
    if metric.value is None:
        parts.append(_number(7, 1))
    if metric.unit is not None:
        parts.append(_block(9, _properties({"engUnit": metric.unit})))
    if metric.value is not None:
        parts.append(_encode_value(metric.type, metric.value))
    return b"".join(parts)


def _encode_value(type_: SparkplugType, value: Scalar) -> bytes:
    match type_:
        case SparkplugType.INT32:
            return _number(10, int(value or 0) & 0xFFFFFFFF)
        case SparkplugType.INT64 | SparkplugType.UINT64:
            return _number(11, int(value or 0) & 0xFFFFFFFFFFFFFFFF)
        case SparkplugType.FLOAT:
            return _key(12, _FIXED32) + struct.pack("<f", float(value or 0))
        case SparkplugType.DOUBLE:
            return _key(13, _FIXED64) + struct.pack("<d", float(value or 0))
        case SparkplugType.BOOLEAN:
            return _number(14, int(bool(value)))
        case SparkplugType.STRING:
            return _block(15, str(value).encode())


def _decode_metric(content: bytes) -> Metric:
    held: dict[int, int | bytes] = dict(_fields(content))
    type_ = SparkplugType(_int(held.get(4), SparkplugType.BOOLEAN if 14 in held else 12))
    name, alias, timestamp = held.get(1), held.get(2), held.get(3)
    return Metric(
        value=None if held.get(7) else _decode_value(type_, held),
        type=type_,
        timestamp_ms=_int(timestamp, 0) if timestamp is not None else None,
        name=name.decode() if isinstance(name, bytes) else None,
        alias=_int(alias, 0) if alias is not None else None,
    )


def _decode_value(type_: SparkplugType, held: dict[int, int | bytes]) -> Scalar:
    match type_:
        case SparkplugType.INT32:
            return _signed(_int(held.get(10), 0), 32)
        case SparkplugType.INT64:
            return _signed(_int(held.get(11), 0), 64)
        case SparkplugType.UINT64:
            return _int(held.get(11), 0)
        case SparkplugType.FLOAT:
            return float(struct.unpack("<f", _int(held.get(12), 0).to_bytes(4, "little"))[0])
        case SparkplugType.DOUBLE:
            return float(struct.unpack("<d", _int(held.get(13), 0).to_bytes(8, "little"))[0])
        case SparkplugType.BOOLEAN:
            return bool(held.get(14, 0))
        case SparkplugType.STRING:
            text = held.get(15, b"")
            return text.decode() if isinstance(text, bytes) else ""


def _properties(texts: dict[str, str]) -> bytes:
    keys = b"".join(_block(1, key.encode()) for key in texts)
    values = (_number(1, SparkplugType.STRING) + _block(8, v.encode()) for v in texts.values())
    return keys + _joined(_block(2, value) for value in values)


def _joined(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts)


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _block(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(content):
        key, at = _read_varint(content, at)
        field, wire = key >> 3, key & 7
        value: int | bytes
        if wire == _VARINT:
            value, at = _read_varint(content, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire)
            if wire == _BYTES:
                size, at = _read_varint(content, at)
            if size is None or at + size > len(content):
                raise ValueError("no Sparkplug payload: a field runs past the end")
            piece = content[at : at + size]
            value = piece if wire == _BYTES else int.from_bytes(piece, "little")
            at += size
        yield field, value


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(content) or shift > 63:
            raise ValueError("no Sparkplug payload: a number does not end")
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _int(value: int | bytes | None, default: int) -> int:
    return value if isinstance(value, int) else default


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
