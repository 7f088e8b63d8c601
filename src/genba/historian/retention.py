"""Forgetting by policy: whole days, signal by signal, never what is not summed up yet.

Rows go by the UTC day of their time: a day goes when its last moment is older than the policy says.
A file that holds nothing else is taken out of the table; of others the rest is written anew. The
files themselves leave the disk at the next vacuum, an hour later, when no query reads them any
more. What waits in the spool is never touched.
"""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from genba.errors import HistorianError
from genba.historian.age import newest
from genba.historian.encoding import QUICK
from genba.historian.horizon import Horizons
from genba.historian.lake import LakeTable
from genba.historian.moving import Store
from genba.historian.parquet import GROUP_ROWS, DataFile, FileWriter, cuts, sort
from genba.historian.policy import Policy
from genba.historian.schema import RECORDS, ROLLUP_1H, ROLLUP_1M, SAMPLES
from genba.plant import US

_DAY_US = 86_400 * US
_EPOCH = dt.date(1970, 1, 1)
_MADE_OF = {
    SAMPLES.name: (ROLLUP_1M.name, ROLLUP_1H.name),
    ROLLUP_1M.name: (ROLLUP_1M.name, ROLLUP_1H.name),
}
"""By table, the rollups in which nothing of a day may be due when its rows go."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """A file of which rows are to go: all, or those of some signals.

    ``bytes`` is what they take, for a part of a file in proportion to its row groups.
    """

    table: str
    file: DataFile
    signals: frozenset[str] | None
    bytes: int

    @property
    def day(self) -> dt.date:
        """The day that the rows belong to."""
        return self.file.day


def expired(store: Store, policy: Policy, now: int | None = None) -> Iterator[Expiry]:
    """Find what the policy lets go.

    Parameters
    ----------
    store : Store
        Of the historian.
    policy : Policy
        How long what is kept.
    now : int, optional
        Microseconds UTC; default the newest store time (:func:`genba.historian.age.newest`).
    """
    now = newest(store) if now is None else now
    if now is None:
        return
    for name, lengths in policy.signals.items():
        table = store.tables[name]
        for file in table.snapshot().files:
            yield from _of_signals(store, table, file, lengths, now)
    for name in RECORDS:
        if name in policy.records:
            for file in store.tables[name].snapshot().files:
                if _end(file) <= now - policy.records[name]:
                    yield Expiry(name, file, None, file.size)


def _of_signals(
    store: Store, table: LakeTable, file: DataFile, lengths: dict[str, int], now: int
) -> Iterator[Expiry]:
    end, name = _end(file), table.layout.name
    over = {signal for signal, length in lengths.items() if end <= now - length}
    if not over:
        return
    if any(store.due.touches(coarser, end - _DAY_US, end) for coarser in _MADE_OF.get(name, ())):
        return
    held = signals_in(table.root / file.path)
    gone = over & held.keys()
    if gone == held.keys():
        yield Expiry(name, file, None, file.size)
    elif gone:
        share = sum(held[signal] for signal in gone) / max(1, file.rows)
        yield Expiry(name, file, frozenset(gone), round(file.size * share))


def forget(
    store: Store, policy: Policy, stop: threading.Event | None = None, now: int | None = None
) -> int:
    """Let go what the policy says; give back how many bytes of files that frees.

    Horizons are written first, so that no answer is taken from rows that are partly gone. The
    caller holds the committer's lock; when ``stop`` is set, the rest follows next time.

    Raises
    ------
    HistorianError
        If a file cannot be read or written; its rows stay.
    """
    freed = 0
    found = list(expired(store, policy, now))
    _advance(store, found)
    for expiry in found:
        if stop is not None and stop.is_set():
            break
        table = store.tables[expiry.table]
        rest = None if expiry.signals is None else _without(table, expiry)
        table.replace([expiry.file], [] if rest is None else [rest], forgets=True)
        freed += expiry.file.size - (rest.size if rest is not None else 0)
    return freed


def _advance(store: Store, found: list[Expiry]) -> None:
    horizons = Horizons(store.folder.root)
    times: dict[str, dict[str, int]] = {}
    for expiry in found:
        if expiry.table not in RECORDS:
            path = store.tables[expiry.table].root / expiry.file.path
            own = times.setdefault(expiry.table, {})
            for signal in expiry.signals or signals_in(path):
                own[signal] = max(own.get(signal, 0), _end(expiry.file))
    for table, own in times.items():
        horizons.advance(table, own)


def _without(table: LakeTable, expiry: Expiry) -> DataFile:
    """Write the rows that stay, a row group of the old file at a time."""
    gone = pa.array(sorted(expiry.signals or ()))
    writer = FileWriter(table.root, table.layout, expiry.day, QUICK)
    try:
        with pq.ParquetFile(table.root / expiry.file.path) as source:
            for rows in source.iter_batches(GROUP_ROWS):
                part = pa.Table.from_batches([rows]).cast(table.layout.schema)
                rest = part.filter(pc.invert(pc.is_in(part["signal"], gone)))
                if rest.num_rows:
                    ordered = sort(rest, table.layout)
                    writer.write(ordered, cuts(ordered))
        return writer.finish()
    except (OSError, pa.ArrowException) as error:
        writer.abandon()
        raise HistorianError(
            f"table {table.root} cannot forget what is over: {error}; it stays as it was"
        ) from error


@lru_cache(maxsize=4096)
def signals_in(path: Path) -> dict[str, int]:
    """Count the rows of each signal in a data file; files never change.

    Raises
    ------
    HistorianError
        If the file cannot be read.
    """
    try:
        column = pq.read_table(path, columns=["signal"], partitioning=None)["signal"]
    except (OSError, pa.ArrowException) as error:
        raise HistorianError(f"data file {path} cannot be read: {error}") from error
    counts = pc.value_counts(column)
    return dict(
        zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
    )


def _end(file: DataFile) -> int:
    return ((file.day - _EPOCH).days + 1) * _DAY_US
