"""The data types of Sparkplug B, and how their values become those of signals and back."""

import base64
import json
import math
import struct
from enum import IntEnum
from typing import Any

from genba.connect.protobuf import FIXED32, FIXED64, number, piece, varint
from genba.plant import DataType as PlantType
from genba.plant import Scalar


class DataType(IntEnum):
    """Data types of metrics (Sparkplug 3.0.0, 6.4.16)."""

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
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    INT8_ARRAY = 22
    INT16_ARRAY = 23
    INT32_ARRAY = 24
    INT64_ARRAY = 25
    UINT8_ARRAY = 26
    UINT16_ARRAY = 27
    UINT32_ARRAY = 28
    UINT64_ARRAY = 29
    FLOAT_ARRAY = 30
    DOUBLE_ARRAY = 31
    BOOLEAN_ARRAY = 32
    STRING_ARRAY = 33
    DATETIME_ARRAY = 34


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
_REALS = (DataType.FLOAT, DataType.DOUBLE)
_TEXTS = (DataType.STRING, DataType.TEXT, DataType.UUID)
_BINARY = (DataType.BYTES, DataType.FILE)
_COMPOUND = (DataType.DATASET, DataType.TEMPLATE)
_ELEMENTS = {
    DataType.INT8_ARRAY: "b",
    DataType.INT16_ARRAY: "h",
    DataType.INT32_ARRAY: "i",
    DataType.INT64_ARRAY: "q",
    DataType.UINT8_ARRAY: "B",
    DataType.UINT16_ARRAY: "H",
    DataType.UINT32_ARRAY: "I",
    DataType.UINT64_ARRAY: "Q",
    DataType.FLOAT_ARRAY: "f",
    DataType.DOUBLE_ARRAY: "d",
    DataType.DATETIME_ARRAY: "q",
}


def kind_of(datatype: int | None) -> DataType:
    """Find a data type.

    Raises
    ------
    ValueError
        If there is none of that number.
    """
    try:
        return DataType(datatype if datatype is not None else -1)
    except ValueError:
        raise ValueError(f"data type {datatype} cannot be a signal") from None


def plant_type(datatype: int | None) -> PlantType | None:
    """Which type a signal of a metric has; None where it cannot be a signal."""
    try:
        kind = kind_of(datatype)
    except ValueError:
        return None
    if kind in _BITS:
        return PlantType.INT
    if kind in _REALS:
        return PlantType.FLOAT
    if kind is DataType.BOOLEAN:
        return PlantType.BOOL
    return PlantType.STRING if kind in (*_TEXTS, *_BINARY) else PlantType.JSON


def value_of(raw: Any, datatype: int | None) -> Scalar:
    """Read a wire value as its data type says.

    Bytes and files become base64 text; arrays, data sets and templates JSON text.

    Raises
    ------
    ValueError
        If the type is unknown, or is not what was sent.
    """
    value = plain(raw, kind_of(datatype))
    return to_json(value) if isinstance(value, list | dict) else value


def plain(raw: Any, kind: DataType) -> Any:
    """Read a wire value as a number, a text, a list or a dictionary.

    Raises
    ------
    ValueError
        If it is not of that kind.
    """
    if kind in _BITS and type(raw) is int:
        bits = _BITS[kind]
        whole = raw & ((1 << bits) - 1)
        return whole - (1 << bits) if kind in _SIGNED and whole >> (bits - 1) else whole
    if kind in _REALS and type(raw) is float:
        return raw
    if kind is DataType.BOOLEAN and type(raw) is bool:
        return raw
    if kind in _TEXTS and isinstance(raw, str):
        return raw
    if kind in _COMPOUND and isinstance(raw, dict):
        return raw
    if isinstance(raw, bytes):
        if kind in _BINARY:
            return base64.b64encode(raw).decode("ascii")
        if kind in _ELEMENTS or kind in (DataType.BOOLEAN_ARRAY, DataType.STRING_ARRAY):
            return _array(raw, kind)
    raise ValueError(f"a {type(raw).__name__} was sent as {kind.name}")


def to_json(value: Any) -> str:
    """Write what was read as compact JSON; a NaN or an infinity becomes ``null``."""
    return json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(held) for held in value]
    if isinstance(value, dict):
        return {name: _finite(held) for name, held in value.items()}
    return value


def _array(data: bytes, kind: DataType) -> list[Any]:
    """Read a packed array, little-endian (6.4.16)."""
    if kind is DataType.STRING_ARRAY:
        return [text.decode("utf-8") for text in data.split(b"\0")[: data.count(b"\0")]]
    if kind is DataType.BOOLEAN_ARRAY:
        if len(data) < 4:
            raise ValueError("an array of booleans has no length")
        count = int.from_bytes(data[:4], "little")
        if count > 8 * (len(data) - 4):
            raise ValueError(f"an array of {count} booleans ends too early")
        return [bool(data[4 + i // 8] >> (7 - i % 8) & 1) for i in range(count)]
    code = _ELEMENTS[kind]
    size = struct.calcsize(code)
    if len(data) % size:
        raise ValueError(f"an array of {size}-byte elements has {len(data)} bytes")
    return list(struct.unpack(f"<{len(data) // size}{code}", data))


def encode_value(raw: Any, datatype: int | None) -> bytes:
    """Write the value of a metric: a number, a boolean or a text.

    Raises
    ------
    ValueError
        If it does not fit its data type, or the type cannot be written.
    """
    kind = kind_of(datatype)
    if kind in _BITS and isinstance(raw, int) and not isinstance(raw, bool):
        return _encode_whole(raw, kind)
    if kind in _REALS and isinstance(raw, int | float) and not isinstance(raw, bool):
        try:
            if kind is DataType.FLOAT:
                return varint(12 << 3 | FIXED32) + struct.pack("<f", raw)
            return varint(13 << 3 | FIXED64) + struct.pack("<d", raw)
        except OverflowError:
            raise ValueError(f"{raw} does not fit {kind.name}") from None
    if kind is DataType.BOOLEAN and isinstance(raw, bool):
        return number(14, int(raw))
    if kind in _TEXTS and isinstance(raw, str):
        return piece(15, raw.encode())
    raise ValueError(f"{raw!r} does not fit {kind.name}")


def _encode_whole(raw: int, kind: DataType) -> bytes:
    bits = _BITS[kind]
    low = -(1 << (bits - 1)) if kind in _SIGNED else 0
    high = (1 << (bits - 1)) - 1 if kind in _SIGNED else (1 << bits) - 1
    if not low <= raw <= high:
        raise ValueError(f"{raw} does not fit {kind.name}")
    wide = bits == 64
    return number(11 if wide else 10, raw & (0xFFFFFFFFFFFFFFFF if wide else 0xFFFFFFFF))
