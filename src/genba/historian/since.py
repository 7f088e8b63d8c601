"""Samples in the order in which they were stored: for whoever passes them on."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from genba.historian.historian import Historian
from genba.historian.reading import Wanted
from genba.historian.schema import SAMPLES
from genba.plant import DataType, Sample, Scalar, Signal

_QUERY = """
    SELECT signal, epoch_us(source_time) AS source, epoch_us(receive_time) AS receive,
        epoch_us(store_time) AS stored, value, text, quality, sequence
    FROM rows WHERE store_time < make_timestamptz({until})
    ORDER BY store_time, source_time, signal, sequence LIMIT {most} OFFSET {skip}
"""


class Place(NamedTuple):
    """How far a reader came: a store time (microseconds UTC), and how many samples of it it has."""

    time: int
    passed: int = 0


class Stored(NamedTuple):
    """A sample, and when it was stored."""

    sample: Sample
    time: int


def stored_since(
    historian: Historian, signals: Iterable[Signal], place: Place, most: int
) -> tuple[list[Stored], Place]:
    """Read at most ``most`` samples behind a place; give back also the place after them.

    Reading on from there gives every sample once, in the order of storing, also those that came
    late out of a buffer: nothing is stored before a place that was given back.

    Raises
    ------
    HistorianError
        If the historian cannot be read.
    """
    kinds = {signal.id: signal.type for signal in signals}
    if not kinds:
        return [], place
    wanted = Wanted(signals=tuple(sorted(kinds)), stored_from=place.time)
    query = _QUERY.format(until=historian.settled(), most=most, skip=place.passed)
    rows = historian.ask(SAMPLES, wanted, query).to_pylist()
    found = [Stored(_sample(row, kinds), row["stored"]) for row in rows]
    if not found:
        return [], place
    last = found[-1].time
    of_last = sum(entry.time == last for entry in found)
    return found, Place(last, of_last + (place.passed if last == place.time else 0))


def _sample(row: Mapping[str, object], kinds: Mapping[str, DataType]) -> Sample:
    name = str(row["signal"])
    value = plant_value(kinds[name], row["value"], row["text"])
    return Sample(
        name,
        int(row["source"]),  # type: ignore[call-overload]
        int(row["receive"]),  # type: ignore[call-overload]
        value,
        int(row["quality"]),  # type: ignore[call-overload]
        int(row["sequence"]),  # type: ignore[call-overload]
    )


def plant_value(kind: DataType, value: object, text: object) -> Scalar:
    """Turn the columns of a stored sample back into a value of the signal's type."""
    if isinstance(text, str):
        return int(text) if kind is DataType.INT else text
    if not isinstance(value, float):
        return None
    if kind is DataType.BOOL:
        return bool(value)
    return int(value) if kind is DataType.INT and value.is_integer() else value
