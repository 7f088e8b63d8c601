"""Data files: rows sorted, cut into row groups that a query can skip, encoded column by column."""

import contextlib
import datetime as dt
import itertools
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genba.historian.encoding import Effort
from genba.historian.folder import sync_folder
from genba.historian.schema import Layout

GROUP_ROWS = 131_072
"""Most rows in a row group."""
_LEAST_GROUP = 1024
_GROUP_BYTES = 16 * 2**20
_DAY_US = 86_400_000_000
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a table, as the Delta log knows it.

    ``low`` and ``high`` hold the least and greatest values; ``written`` is when it was committed,
    in milliseconds of the wall clock.
    """

    path: str
    day: dt.date
    rows: int
    size: int
    low: dict[str, Any]
    high: dict[str, Any]
    written: int = 0


def sort(table: pa.Table, layout: Layout) -> pa.Table:
    """Order rows as the layout says; signals come out as a sorted dictionary."""
    if layout.order[0] != "signal":
        keys = [_numbers(table[name]) for name in reversed(layout.order)]
        order = np.lexsort(keys)
        return table.take(pa.array(order))
    table = table.unify_dictionaries().combine_chunks()
    ranks, names = _ranks(table["signal"])
    times, sequence = _numbers(table[layout.order[1]]), _numbers(table["sequence"])
    order = np.argsort(ranks, kind="stable")
    if not _ordered(ranks[order], times[order], sequence[order]):
        order = np.lexsort((sequence, times, ranks))
    signal = pa.DictionaryArray.from_arrays(pa.array(ranks[order].astype(np.int32)), names)
    index = table.schema.get_field_index("signal")
    rest = table.drop_columns(["signal"]).take(pa.array(order))
    field = pa.field("signal", signal.type, nullable=False)
    return rest.add_column(index, field, signal)


def _ranks(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """Position of each row's signal among the sorted signals, in as few bits as will do."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    by_name = pc.sort_indices(whole.dictionary)
    rank = np.empty(len(by_name), dtype=np.uint16 if len(by_name) < 65_536 else np.int32)
    rank[by_name.to_numpy()] = np.arange(len(by_name))
    names = whole.dictionary.take(by_name).cast(pa.string())
    return rank[whole.indices.to_numpy()], names


def _ordered(ranks: np.ndarray, times: np.ndarray, sequence: np.ndarray) -> bool:
    same = ranks[1:] == ranks[:-1]
    step = np.diff(times)
    late = (step < 0) | ((step == 0) & (np.diff(sequence) < 0))
    return not bool(np.any(same & late))


def _numbers(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    kind = column.type
    whole = column.cast(pa.int64()) if pa.types.is_timestamp(kind) else column
    return whole.to_numpy()  # type: ignore[no-any-return]


def by_day(table: pa.Table, layout: Layout) -> Iterator[tuple[dt.date, pa.Table]]:
    """Split sorted rows by the UTC day of their time, keeping their order."""
    days = _numbers(table[layout.time]) // _DAY_US
    present = np.unique(days)
    for day in present:
        part = table if len(present) == 1 else table.filter(pa.array(days == day))
        yield _EPOCH + dt.timedelta(days=int(day)), part


def cuts(table: pa.Table) -> list[int]:
    """Where to cut sorted rows into row groups: of samples at the borders of signals, if possible.

    A signal with many rows has row groups of its own, so that a query for it reads nothing else;
    signals with few rows share one. No group is longer than ``GROUP_ROWS``, or, where rows hold
    long texts, than about 16 MB.
    """
    count = table.num_rows
    most = min(GROUP_ROWS, max(_LEAST_GROUP, count * _GROUP_BYTES // max(table.nbytes, 1)))
    signal = table.schema.get_field_index("signal")
    if signal < 0 or not pa.types.is_dictionary(table.schema.field(signal).type):
        return [*range(0, count, most), count]
    codes = table["signal"].combine_chunks()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.chunk(0)
    borders = np.flatnonzero(np.diff(codes.indices.to_numpy())) + 1
    places, begun = [0], 0
    for border in (*borders.tolist(), count):
        if border - begun > most:
            previous = places[-1]
            places.extend(range(begun + most, border, most))
            begun = places[-1] if places[-1] != previous else begun
        if border - begun >= most // 4 or border == count:
            if border > begun:
                places.append(border)
            begun = border
    return places


class FileWriter:
    """Writes one data file, row groups at a time, and makes it durable.

    Parameters
    ----------
    root : Path
        The table's folder.
    layout : Layout
        What the table holds.
    day : date
        The day that all rows belong to.
    effort : Effort
        How the columns are written.
    """

    def __init__(self, root: Path, layout: Layout, day: dt.date, effort: Effort) -> None:
        self._root, self._layout, self._day = root, layout, day
        self._name = f"day={day.isoformat()}/{uuid.uuid4().hex}.parquet"
        self._path = root / self._name
        self._rows = 0
        self._low: dict[str, Any] = {}
        self._high: dict[str, Any] = {}
        if not self._path.parent.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(root)
        self._writer = effort.writer(str(self._path), layout.schema)

    def write(self, table: pa.Table, places: Sequence[int]) -> None:
        """Write rows between successive places, a row group each."""
        plain = table.cast(self._layout.schema)
        for begin, end in itertools.pairwise(places):
            self._writer.write_table(plain.slice(begin, end - begin), row_group_size=GROUP_ROWS)
        written = plain.slice(places[0], places[-1] - places[0])
        self._rows += written.num_rows
        for name in self._layout.bounded:
            bounds = pc.min_max(written[name]).as_py()
            low, high = bounds["min"], bounds["max"]
            self._low[name] = min(self._low.get(name, low), low)
            self._high[name] = max(self._high.get(name, high), high)

    def finish(self) -> DataFile:
        """Close the file and see it onto the disk."""
        self._writer.close()
        handle = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(handle)
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        sync_folder(self._path.parent)
        return DataFile(self._name, self._day, self._rows, size, self._low, self._high)

    def abandon(self) -> None:
        """Remove what was written; for a full disk or a stop in the middle."""
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()
        self._path.unlink(missing_ok=True)


def write_file(
    root: Path, layout: Layout, day: dt.date, table: pa.Table, effort: Effort
) -> DataFile:
    """Write sorted rows of one day as one file."""
    writer = FileWriter(root, layout, day, effort)
    try:
        writer.write(table, cuts(table))
        return writer.finish()
    except BaseException:
        writer.abandon()
        raise
