"""The gap ledger as it is read: entries of a period, and sums by signal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from genba.historian.reading import Reader, Wanted, check_period, check_signals
from genba.historian.schema import GAPS
from genba.plant import US, Recovery

if TYPE_CHECKING:
    from genba.historian.queries import Queries

_COLUMNS = (
    *("signal", "connection", "start", "end", "reason", "detail", "recovery", "recovered", "id"),
)
_NEWEST = """
    SELECT {columns} FROM (
        SELECT * FROM rows QUALIFY row_number() OVER (PARTITION BY id ORDER BY sequence DESC) = 1
    ) WHERE ("end" IS NULL OR "end" > start) AND {test}
"""


def gaps(
    reader: Reader,
    signals: Sequence[str] | None,
    start: int | None,
    end: int | None,
    *,
    open_only: bool,
) -> pa.Table:
    """Read the ledger; see :meth:`genba.historian.queries.Queries.gaps`."""
    if start is not None and end is not None:
        check_period(start, end)
    names = None if signals is None else check_signals(signals)
    test = "true"
    if start is not None:
        test = f'("end" IS NULL OR epoch_us("end") > {start})'
    if open_only:
        test = '"end" IS NULL'
    query = _NEWEST.format(columns=", ".join(f'"{name}"' for name in _COLUMNS), test=test)
    found = reader.table(
        GAPS, Wanted(end=end, signals=names), f'{query} ORDER BY start, signal, "end"'
    )
    return found.cast(pa.schema([GAPS.schema.field(name) for name in _COLUMNS]))


def by_signal(historian: "Queries") -> dict[str, list[dict[str, Any]]]:
    """Return the entries of each signal, oldest first; times in microseconds."""
    found = historian.gaps()
    for name in ("start", "end"):
        index = found.schema.get_field_index(name)
        found = found.set_column(index, name, found[name].cast(pa.int64()))
    kept: dict[str, list[dict[str, Any]]] = {}
    for row in found.to_pylist():
        kept.setdefault(row["signal"], []).append(row)
    return kept


def summary(entries: pa.Table, start: int, end: int) -> pa.Table:
    """Sum gaps up by signal, each cut to ``[start, end)``.

    Returns
    -------
    pa.Table
        ``signal``, ``gaps`` (count), ``open`` (whether the last one still lasts), and seconds:
        ``total_s``, ``recovered_s`` (fetched or delivered late in full), ``partly_s`` (some of it
        came, and nobody knows what did not), ``missing_s``; ``recovered`` counts samples.
    """
    sums: dict[str, dict[str, Any]] = {}
    columns = [entries[name].cast(pa.int64()).to_pylist() for name in ("start", "end", "recovered")]
    texts = [entries[name].to_pylist() for name in ("signal", "recovery")]
    for begin, until, count, signal, recovery in zip(*columns, *texts, strict=True):
        length_s = max(0, min(end if until is None else until, end) - max(begin, start)) / US
        one = sums.setdefault(
            signal,
            {
                "signal": signal,
                "gaps": 0,
                "open": False,
                **dict.fromkeys(("total_s", "recovered_s", "partly_s", "missing_s"), 0.0),
                "recovered": 0,
            },
        )
        one["gaps"] += 1
        one["open"] |= until is None
        one["total_s"] += length_s
        one[_KIND[Recovery(recovery)]] += length_s
        one["recovered"] += count or 0
    return pa.Table.from_pylist([sums[signal] for signal in sorted(sums)], schema=_SUMMARY)


_KIND = {
    Recovery.NONE: "missing_s",
    Recovery.PARTLY: "partly_s",
    Recovery.BUFFER: "recovered_s",
    Recovery.HISTORY: "recovered_s",
}
_SUMMARY = pa.schema(
    [
        ("signal", pa.string()),
        ("gaps", pa.int64()),
        ("open", pa.bool_()),
        *((name, pa.float64()) for name in ("total_s", "recovered_s", "partly_s", "missing_s")),
        ("recovered", pa.int64()),
    ]
)
