"""What was stored last of each signal: where recording goes on after a restart."""

from collections.abc import Iterable

from genba.historian.queries import Queries
from genba.historian.reading import Wanted
from genba.historian.schema import SAMPLES
from genba.plant import US, DataType, Sample, Scalar, Signal

SPANS_US = (600 * US, *(days * 86_400 * US for days in (1, 2, 4, 8, 16, 32, 60)))
"""How far back a signal is looked for, step by step: most have spoken in the last ten minutes.

Each step looks only for those that are still missing, so that a few silent ones do not make a
start read all that the others have said.
"""

_LAST = """
    SELECT signal, (newest).source AS source, (newest).receive AS receive, (newest).value AS value,
        (newest).text AS text, (newest).quality AS quality, (newest).sequence AS sequence
    FROM (
        SELECT signal, max({
            source: epoch_us(source_time), stored: epoch_us(store_time), sequence: sequence,
            receive: epoch_us(receive_time), value: value, text: text, quality: quality
        }) AS newest
        FROM rows GROUP BY signal, quality = 2
    )
    ORDER BY (newest).source, (newest).stored, (newest).sequence
"""


def last_stored(historian: Queries, signals: Iterable[Signal], until: int) -> list[Sample]:
    """Return of each signal the last value that was not bad, and the last bad one; oldest first.

    A signal that changed last more than 60 days before ``until`` counts as never stored.

    Raises
    ------
    HistorianError
        If the historian cannot be read.
    """
    kinds = {signal.id: signal.type for signal in signals}
    missing = set(kinds)
    found: list[Sample] = []
    end: int | None = None
    for span in SPANS_US:
        if not missing:
            break
        wanted = Wanted(until - span, end, tuple(sorted(missing)))
        rows = [_sample(row, kinds) for row in historian.ask(SAMPLES, wanted, _LAST).to_pylist()]
        found += rows
        missing -= {sample.signal for sample in rows if sample.quality < 2}
        end = until - span
    return sorted(_newest(found), key=lambda sample: sample.source_time)


def _newest(found: Iterable[Sample]) -> list[Sample]:
    """Leave of what several spans gave the newest of each signal and kind."""
    kept: dict[tuple[str, bool], Sample] = {}
    for sample in found:
        kept.setdefault((sample.signal, sample.quality == 2), sample)
    return list(kept.values())


def _sample(row: dict[str, object], kinds: dict[str, DataType]) -> Sample:
    name = str(row["signal"])
    return Sample(
        name,
        int(row["source"]),  # type: ignore[call-overload]
        int(row["receive"]),  # type: ignore[call-overload]
        _value(row["value"], row["text"], kinds[name]),
        int(row["quality"]),  # type: ignore[call-overload]
        int(row["sequence"]),  # type: ignore[call-overload]
    )


def _value(number: object, text: object, kind: DataType) -> Scalar:
    if isinstance(text, str):
        return int(text) if kind is DataType.INT and number is not None else text
    assert number is None or isinstance(number, float)  # noqa: S101 - the column's type
    return number
