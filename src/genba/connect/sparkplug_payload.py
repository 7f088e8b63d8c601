"""The Sparkplug B payload on the wire (``sparkplug_b.proto``; Sparkplug 3.0.0, chapter 6.4).

What comes may come from anyone, so reading is bounded: by size, by number of parts, and by how
deep templates lie in templates. What is no payload raises ``ValueError``.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from genba.connect.protobuf import BYTES, FIXED32, FIXED64, VARINT, fields, number, piece
from genba.connect.sparkplug_types import DataType, encode_value, kind_of, plain, value_of
from genba.plant import Quality

__all__ = ["DataType", "Metric", "Payload", "decode", "encode", "value_of"]

MOST_BYTES = 4 * 2**20
MOST_PARTS = 50_000
"""Metrics, cells and parameters in one payload."""
MOST_DEPTH = 8
"""Templates within templates."""

_LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""
_QUALITY = "Quality"
_QUALITIES = {0: Quality.BAD, 192: Quality.GOOD, 500: Quality.UNCERTAIN}
"""Codes of the property ``Quality``: bad, good, stale (6.4.11)."""
_CODES = {quality: code for code, quality in _QUALITIES.items()}
_MICROS = "Microseconds"
"""A property of Genba's own: what of a source time its timestamp in milliseconds has no room for.
Other hosts ignore it, as they may any property."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. After a birth, ``alias`` may stand for ``name``, and ``datatype`` be left out."""

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int | None = None
    historical: bool = False
    """Whether it was buffered while the node was offline: true then, not now."""
    transient: bool = False
    """Whether the node thinks it not worth keeping."""
    is_null: bool = False
    quality: Quality = Quality.GOOD
    """What its property ``Quality`` says."""
    raw: Any = None
    """The value as it lies on the wire; :func:`value_of` reads it by its data type. Data sets and
    templates are dictionaries, arrays bytes."""
    micros: int = 0
    """Microseconds (0 to 999) after ``timestamp_ms``, where another Genba says so."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A message of an edge node or to one."""

    timestamp_ms: int | None = None
    seq: int | None = None
    metrics: tuple[Metric, ...] = ()


class _Budget:
    """Counts the parts of one payload."""

    def __init__(self) -> None:
        self._left = MOST_PARTS

    def take(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"it has more than {MOST_PARTS:,} parts")


def decode(data: bytes) -> Payload:
    """Read a payload.

    Raises
    ------
    ValueError
        If the bytes are none, or more than a payload may have.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"it has {len(data):,} bytes, more than {MOST_BYTES:,}")
    timestamp, seq = None, None
    metrics: list[Metric] = []
    budget = _Budget()
    for field, wire, value in fields(data):
        if (field, wire) == (1, VARINT):
            timestamp = _time(value)
        elif (field, wire) == (2, BYTES):
            metrics.append(_metric(value, budget, 0))
        elif (field, wire) == (3, VARINT):
            seq = value
    return Payload(timestamp, seq, tuple(metrics))


def encode(payload: Payload) -> bytes:
    """Write a payload whose metrics have values of their data type.

    Raises
    ------
    ValueError
        If a value does not fit its data type.
    """
    data = bytearray()
    if payload.timestamp_ms is not None:
        data += number(1, payload.timestamp_ms)
    for metric in payload.metrics:
        data += piece(2, _encode_metric(metric))
    if payload.seq is not None:
        data += number(3, payload.seq)
    return bytes(data)


def _metric(data: bytes, budget: _Budget, depth: int) -> Metric:
    budget.take()
    found: dict[str, Any] = {}
    for field, wire, value in fields(data):
        if (field, wire) in _PLAIN:
            name, read = _PLAIN[field, wire]
            found[name] = read(value)
        elif (field, wire) == (9, BYTES):
            found["quality"], found["micros"] = _properties(value, budget)
        elif (field, wire) == (17, BYTES):
            found["raw"] = _data_set(value, budget)
        elif (field, wire) == (18, BYTES):
            found["raw"] = _template(value, budget, depth + 1)
    return Metric(**found)


def _text(data: bytes) -> str:
    return data.decode("utf-8")


def _real32(data: bytes) -> float:
    return float(struct.unpack("<f", data)[0])


def _real64(data: bytes) -> float:
    return float(struct.unpack("<d", data)[0])


def _word(value: int) -> int:
    return value & 0xFFFFFFFF


def _whole(value: int) -> int:
    return value


def _time(value: int) -> int:
    if value > _LATEST_MS:
        raise ValueError(f"timestamp {value} lies beyond the year 9999")
    return value


_PLAIN: dict[tuple[int, int], tuple[str, Callable[[Any], Any]]] = {
    (1, BYTES): ("name", _text),
    (2, VARINT): ("alias", _whole),
    (3, VARINT): ("timestamp_ms", _time),
    (4, VARINT): ("datatype", _word),
    (5, VARINT): ("historical", bool),
    (6, VARINT): ("transient", bool),
    (7, VARINT): ("is_null", bool),
    (10, VARINT): ("raw", _word),
    (11, VARINT): ("raw", _whole),
    (12, FIXED32): ("raw", _real32),
    (13, FIXED64): ("raw", _real64),
    (14, VARINT): ("raw", bool),
    (15, BYTES): ("raw", _text),
    (16, BYTES): ("raw", bytes),
}
_VALUES: dict[tuple[int, int], Callable[[Any], Any]] = {
    (0, VARINT): _word,
    (1, VARINT): _whole,
    (2, FIXED32): _real32,
    (3, FIXED64): _real64,
    (4, VARINT): bool,
    (5, BYTES): _text,
}
"""How data set cells, template parameters and properties hold their value, from a first field on
that differs: int, long, float, double, boolean, string."""


def _value(data: bytes, first: int, type_field: int | None = None) -> tuple[int | None, Any]:
    """Read the type, where it stands beside it, and the value of a cell or the like."""
    datatype, raw = None, None
    for field, wire, value in fields(data):
        if field == type_field and wire == VARINT:
            datatype = _word(value)
        elif (read := _VALUES.get((field - first, wire))) is not None:
            raw = read(value)
    return datatype, raw


def _properties(data: bytes, budget: _Budget) -> tuple[Quality, int]:
    """Find ``Quality`` and ``Microseconds`` in a property set (6.4.11 to 6.4.13)."""
    keys: list[str] = []
    values: list[bytes] = []
    for field, wire, value in fields(data):
        if (field, wire) == (1, BYTES):
            budget.take()
            keys.append(_text(value))
        elif (field, wire) == (2, BYTES):
            values.append(value)
    quality, micros = Quality.GOOD, 0
    for key, held in zip(keys, values, strict=False):
        if key == _QUALITY:
            quality = _QUALITIES.get(_value(held, 3, type_field=1)[1], Quality.UNCERTAIN)
        elif key == _MICROS:
            said = _value(held, 3, type_field=1)[1]
            micros = said if type(said) is int and 0 <= said < 1000 else 0
    return quality, micros


def _data_set(data: bytes, budget: _Budget) -> dict[str, Any]:
    columns: list[str] = []
    types: list[int] = []
    rows: list[bytes] = []
    for field, wire, value in fields(data):
        if (field, wire) == (2, BYTES):
            budget.take()
            columns.append(_text(value))
        elif (field, wire) == (3, VARINT):
            budget.take()
            types.append(_word(value))
        elif (field, wire) == (4, BYTES):
            budget.take()
            rows.append(value)
    if len(types) != len(columns):
        raise ValueError(f"a data set has {len(columns)} columns and {len(types)} types")
    return {"columns": columns, "rows": [_row(row, types, budget) for row in rows]}


def _row(data: bytes, types: list[int], budget: _Budget) -> list[Any]:
    cells = []
    for field, wire, value in fields(data):
        if (field, wire) == (1, BYTES):
            budget.take()
            cells.append(_value(value, 1)[1])
    if len(cells) != len(types):
        raise ValueError(f"a row has {len(cells)} cells, the data set {len(types)} columns")
    return [_plain(raw, kind) for raw, kind in zip(cells, types, strict=True)]


def _template(data: bytes, budget: _Budget, depth: int) -> dict[str, Any]:
    if depth > MOST_DEPTH:
        raise ValueError(f"templates lie more than {MOST_DEPTH} deep in each other")
    found: dict[str, Any] = {"metrics": {}, "parameters": {}}
    for field, wire, value in fields(data):
        if (field, wire) == (1, BYTES):
            found["version"] = _text(value)
        elif (field, wire) == (2, BYTES):
            metric = _metric(value, budget, depth)
            name = metric.name if metric.name is not None else str(metric.alias)
            raw = None if metric.is_null else metric.raw
            found["metrics"][name] = _plain(raw, metric.datatype)
        elif (field, wire) == (3, BYTES):
            budget.take()
            names = [_text(v) for f, w, v in fields(value) if (f, w) == (1, BYTES)]
            datatype, raw = _value(value, 3, type_field=2)
            found["parameters"]["".join(names[-1:])] = _plain(raw, datatype)
        elif (field, wire) == (4, BYTES):
            found["template"] = _text(value)
    return found


def _plain(raw: Any, datatype: int | None) -> Any:
    return None if raw is None else plain(raw, kind_of(datatype))


def _encode_metric(metric: Metric) -> bytes:
    data = bytearray()
    if metric.name is not None:
        data += piece(1, metric.name.encode())
    if metric.alias is not None:
        data += number(2, metric.alias)
    if metric.timestamp_ms is not None:
        data += number(3, metric.timestamp_ms)
    if metric.datatype is not None:
        data += number(4, metric.datatype)
    if metric.historical:
        data += number(5, 1)
    if metric.transient:
        data += number(6, 1)
    if metric.is_null:
        data += number(7, 1)
    properties: dict[str, int] = {}
    if metric.quality is not Quality.GOOD:
        properties[_QUALITY] = _CODES[metric.quality]
    if metric.micros:
        properties[_MICROS] = metric.micros
    if properties:
        keys = b"".join(piece(1, key.encode()) for key in properties)
        type_ = number(1, DataType.INT32)
        values = b"".join(piece(2, type_ + number(3, code)) for code in properties.values())
        data += piece(9, keys + values)
    return (
        bytes(data) if metric.is_null else bytes(data) + encode_value(metric.raw, metric.datatype)
    )
