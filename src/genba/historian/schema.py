"""The tables of the historian: their columns, their order, and how plain values become rows."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import HistorianError
from genba.plant import Sample, parse_time

TIME = pa.timestamp("us", "UTC")


_FIRST_TIME = parse_time("0001-01-02T00:00:00Z")
_LAST_TIME = parse_time("9999-12-30T00:00:00Z")


class NotStorable(HistorianError):
    """Samples or records that have no place in their table, today or ever."""


_EXACT = 2**53
"""Integers beyond this have no exact float64; their digits are kept in ``text`` as well."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table holds and how it lies on disk.

    ``time`` names the column that decides the day a row belongs to; ``order`` the columns by which
    rows are sorted inside a file. Where ``renewed``, rows that differ in nothing but the last
    column of ``order`` replace each other: the greatest holds.
    """

    name: str
    schema: pa.Schema
    time: str
    order: tuple[str, ...]
    renewed: bool = False

    @property
    def bounded(self) -> tuple[str, ...]:
        """Columns whose least and greatest value per file stand in the Delta log."""
        return tuple(
            field.name
            for field in self.schema
            if field.name in self.order or field.name in (self.time, "store_time")
        )


def _field(name: str, kind: pa.DataType, *, needed: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=not needed)


def _records(name: str, **columns: pa.DataType) -> Layout:
    schema = pa.schema(
        [
            _field("id", pa.string(), needed=True),
            _field("time", TIME, needed=True),
            _field("sequence", pa.int64(), needed=True),
            *(_field(column, kind) for column, kind in columns.items()),
        ]
    )
    return Layout(name, schema, "time", ("time", "sequence"))


SAMPLES = Layout(
    "samples",
    pa.schema(
        [
            _field("signal", pa.string(), needed=True),
            _field("source_time", TIME, needed=True),
            _field("receive_time", TIME, needed=True),
            _field("store_time", TIME, needed=True),
            _field("sequence", pa.int64(), needed=True),
            _field("value", pa.float64()),
            _field("text", pa.string()),
            _field("quality", pa.int8(), needed=True),
        ]
    ),
    "source_time",
    ("signal", "source_time", "sequence"),
)

EVENTS = _records(
    "events",
    equipment=pa.string(),
    kind=pa.string(),
    severity=pa.string(),
    text=pa.string(),
    data=pa.string(),
)

OPERATIONS = _records(
    "operations",
    lot=pa.string(),
    order=pa.string(),
    product=pa.string(),
    operation=pa.string(),
    equipment=pa.string(),
    start=TIME,
    end=TIME,
    setup_s=pa.float64(),
    planned_cycle_s=pa.float64(),
    planned_setup_s=pa.float64(),
    quantity=pa.int64(),
    good=pa.int64(),
    scrap=pa.int64(),
    rework=pa.int64(),
    energy_kwh=pa.float64(),
)

LOTS = _records(
    "lots",
    lot=pa.string(),
    order=pa.string(),
    product=pa.string(),
    quantity=pa.int64(),
    status=pa.string(),
    location=pa.string(),
)

DECISIONS = _records(
    "decisions",
    stage=pa.string(),
    ref=pa.string(),
    equipment=pa.string(),
    kind=pa.string(),
    text=pa.string(),
    data=pa.string(),
)

GAPS = _records(
    "gaps",
    signal=pa.string(),
    connection=pa.string(),
    start=TIME,
    end=TIME,
    reason=pa.string(),
    detail=pa.string(),
    recovery=pa.string(),
    recovered=pa.int64(),
)
"""What was never received: ``time`` is the start; the newest row of an id counts."""

QUARANTINE = _records(
    "quarantine",
    signal=pa.string(),
    connection=pa.string(),
    source_time=pa.int64(),
    receive_time=TIME,
    number=pa.int64(),
    value=pa.string(),
    quality=pa.int64(),
    reason=pa.string(),
    detail=pa.string(),
    status=pa.string(),
    correction=pa.string(),
    by=pa.string(),
    why=pa.string(),
)
"""What did not fit, whole: ``time`` is when it was set apart; the newest row of an id counts.

``source_time`` is microseconds as given, which may be no time at all; ``number`` the sample's own
sequence number; ``value`` and ``correction`` JSON text.
"""

ALARMS = _records(
    "alarms",
    alarm=pa.string(),
    event=pa.string(),
    before=pa.string(),
    after=pa.string(),
    active=pa.bool_(),
    priority=pa.string(),
    equipment=pa.string(),
    signal=pa.string(),
    kind=pa.string(),
    actor=pa.string(),
    comment=pa.string(),
    reason=pa.string(),
    until=TIME,
    data=pa.string(),
)
"""The journal of alarms (ISA-18.2): one row for each transition; the newest of an alarm counts."""


def _rollup(name: str) -> Layout:
    """A table of summaries: of each signal and step, what its samples amount to.

    ``area`` is the integral in value times seconds from the first sample (``begin``) to the end of
    the step, over the ``known_s`` of it in which the value is known; ``held`` tells whether the
    last sample holds at the end. ``increase`` is how far a counter came within the step.
    """
    whole, number = pa.int64(), pa.float64()
    needed = {"count": whole, "good": whole, "sum": number, "area": number, "known_s": number}
    needed |= {"increase": number, "begin": TIME, "held": pa.bool_()}
    values = dict.fromkeys(("min", "max", "first", "last"), number)
    values |= {f"{side}_time": TIME for side in list(values)}
    schema = pa.schema(
        [
            _field("signal", pa.string(), needed=True),
            _field("time", TIME, needed=True),
            _field("sequence", whole, needed=True),
            _field("store_time", TIME, needed=True),
            *(_field(column, kind, needed=True) for column, kind in needed.items()),
            *(_field(column, kind) for column, kind in values.items()),
        ]
    )
    return Layout(name, schema, "time", ("signal", "time", "sequence"), renewed=True)


ROLLUP_1M = _rollup("rollup_1m")
ROLLUP_1H = _rollup("rollup_1h")
ROLLUPS = {layout.name: layout for layout in (ROLLUP_1M, ROLLUP_1H)}

RECORDS = {
    layout.name: layout
    for layout in (EVENTS, OPERATIONS, LOTS, DECISIONS, GAPS, QUARANTINE, ALARMS)
}
TABLES = {SAMPLES.name: SAMPLES, **RECORDS, **ROLLUPS}


def records_layout(name: str) -> Layout:
    """Find a table of records.

    Raises
    ------
    HistorianError
        If there is none of that name.
    """
    try:
        return RECORDS[name]
    except KeyError:
        raise HistorianError(
            f"the historian has no table '{name}'; it has {', '.join(sorted(RECORDS))}"
        ) from None


def batch_of_samples(samples: Sequence[Sample], store_time: int) -> pa.RecordBatch:
    """Turn samples into columns; numbers and booleans go to ``value``, strings to ``text``.

    An integer beyond 2**53 has no exact float64: its digits stand in ``text`` too.

    Raises
    ------
    NotStorable
        If a sample holds something that has no place in the table.
    """
    try:
        signals, sources, receives, values, qualities, sequences = zip(*samples, strict=True)
        numbers, texts = _split(values)
        columns = [
            pa.array(signals, pa.string()).dictionary_encode(),
            pa.array(sources, pa.int64()).cast(TIME),
            pa.array(receives, pa.int64()).cast(TIME),
            pa.repeat(pa.scalar(store_time, TIME), len(samples)),
            pa.array(sequences, pa.int64()),
            pa.array(numbers, pa.float64()),
            pa.array(texts, pa.string()) if texts else pa.nulls(len(samples), pa.string()),
            pa.array(qualities, pa.int8()),
        ]
        _check(columns, SAMPLES)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeError) as error:
        raise NotStorable(f"samples cannot be stored: {error}") from None
    return pa.RecordBatch.from_arrays(columns, schema=spooled(SAMPLES))


def _split(values: tuple[Any, ...]) -> tuple[Sequence[float | None], list[str | None]]:
    kinds = set(map(type, values))
    if kinds <= {float, bool}:
        return values, []
    if kinds <= {float, bool, int} and min(values) >= -_EXACT and max(values) <= _EXACT:
        return list(map(float, values)), []
    numbers: list[float | None] = []
    texts: list[str | None] = []
    for value in values:
        number, text = _place(value)
        numbers.append(number)
        texts.append(text)
    return numbers, texts


def _place(value: Any) -> tuple[float | None, str | None]:
    if value is None:
        return None, None
    if isinstance(value, str):
        return None, value
    if isinstance(value, int) and abs(value) > _EXACT:
        digits = str(operator.index(value))
        return (float(value) if len(digits) < 300 else None), digits
    if isinstance(value, (bool, int, float)):
        return float(value), None
    raise TypeError(f"a value of type {type(value).__name__} is neither number, text nor boolean")


def batch_of_rows(layout: Layout, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Turn mappings into columns; times are microseconds UTC, missing columns are null.

    Raises
    ------
    NotStorable
        If a row has a column that the table has not, lacks id or time, or holds a wrong type.
    """
    known = set(layout.schema.names)
    for row in rows:
        if not known.issuperset(row):
            extra = sorted(set(row) - known)[0]
            raise NotStorable(
                f"table '{layout.name}' has no column '{extra}'; it has {', '.join(sorted(known))}"
            )
    columns = []
    for field in layout.schema:
        try:
            columns.append(pa.array([row.get(field.name) for row in rows], field.type))
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise NotStorable(
                f"column '{field.name}' of table '{layout.name}' takes {field.type}: {error}"
            ) from None
    _check(columns, layout, besides="sequence")
    return pa.RecordBatch.from_arrays(columns, names=layout.schema.names)


def _check(columns: Iterable[pa.Array], layout: Layout, besides: str = "") -> None:
    for column, field in zip(columns, layout.schema, strict=True):
        if column.null_count and not field.nullable and field.name != besides:
            raise NotStorable(f"column '{field.name}' of table '{layout.name}' must not be empty")
        if pa.types.is_timestamp(field.type):
            bounds = pc.min_max(column.cast(pa.int64())).as_py()
            least, most = bounds["min"], bounds["max"]
            if least is not None and not _FIRST_TIME <= least <= most <= _LAST_TIME:
                raise NotStorable(
                    f"column '{field.name}' of table '{layout.name}' holds a time before the "
                    "year 1 or after 9999; mend the clock that it comes from"
                )


def spooled(layout: Layout) -> pa.Schema:
    """Schema of a table in the spool: signals as a dictionary, else as in the table."""
    if "signal" not in layout.schema.names:
        return layout.schema
    index = layout.schema.get_field_index("signal")
    kind = pa.dictionary(pa.int32(), pa.string())
    return layout.schema.set(index, _field("signal", kind, needed=True))


def table_of_samples(table: pa.Table | pa.RecordBatch, store_time: int) -> pa.Table:
    """Bring a columnar batch of samples into the spool's schema.

    ``signal``, ``source_time`` and one of ``value`` and ``text`` must be there; ``receive_time``
    defaults to the source time, ``sequence`` to 0, ``quality`` to good.

    Raises
    ------
    HistorianError
        If a column is missing, unknown or of a type that cannot be turned without loss.
    """
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    names = set(table.column_names)
    extra = names - set(SAMPLES.schema.names)
    missing = {"signal", "source_time"} - names
    if extra or missing or not names & {"value", "text"}:
        wrong = f"has no column '{min(missing)}'" if missing else "has neither value nor text"
        wrong = f"has an unknown column '{min(extra)}'" if extra else wrong
        raise HistorianError(
            f"a table of samples {wrong}; it takes {', '.join(SAMPLES.schema.names)}"
        )
    count = table.num_rows
    defaults: dict[str, Any] = {
        "receive_time": lambda: table["source_time"],
        "sequence": lambda: pa.repeat(pa.scalar(0, pa.int64()), count),
        "value": lambda: pa.nulls(count, pa.float64()),
        "text": lambda: pa.nulls(count, pa.string()),
        "quality": lambda: pa.repeat(pa.scalar(0, pa.int8()), count),
    }
    columns = []
    for field in spooled(SAMPLES):
        if field.name == "store_time":
            column = pa.repeat(pa.scalar(store_time, TIME), count)
        else:
            column = table[field.name] if field.name in names else defaults[field.name]()
        columns.append(_cast(column, field))
    _check(columns, SAMPLES)
    return pa.Table.from_arrays(columns, schema=spooled(SAMPLES))


def _cast(column: pa.ChunkedArray | pa.Array, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    try:
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise HistorianError(
            f"column '{field.name}' of a table of samples takes {field.type}: {error}"
        ) from None
