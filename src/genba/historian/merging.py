"""Compaction: many small files become few large ones, sorted, without holding them in memory."""

import bisect
import math
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genba.errors import HistorianError
from genba.historian.encoding import QUICK, thorough
from genba.historian.lake import LakeTable, Snapshot
from genba.historian.parquet import GROUP_ROWS, DataFile, FileWriter, cuts, sort
from genba.historian.schema import Layout

FULL_ROWS = 16_000_000
"""A file with so many rows is left alone."""
_FAN = 8
_MOST_FILES = 16
_QUIET_S = 600
_LEVEL = 15
_PENDING_BYTES = 64 * 2**20
_WORTHWHILE_ROWS = 250_000
"""A merged file with fewer rows will be merged again soon, and is written quickly."""


def due(snapshot: Snapshot) -> list[DataFile]:
    """Choose files of one day that are worth merging; empty when none are.

    Files are ranked by size in powers of eight, and eight of a rank make one of the next: each
    row is rewritten once per rank, at most about six times before its file is full. A day that is
    no longer the newest, and to which nothing came for ten minutes, is merged as far as it goes.
    """
    quiet_since = time.time_ns() // 1_000_000 - _QUIET_S * 1000
    days = sorted({file.day for file in snapshot.files})
    for day in days:
        small = [f for f in snapshot.files if f.day == day and f.rows < FULL_ROWS]
        small.sort(key=lambda file: file.rows)
        settled = day != days[-1] and all(file.written < quiet_since for file in small)
        if settled and len(small) > 1:
            return _bounded(small)
        ranks: dict[int, list[DataFile]] = {}
        for file in small:
            ranks.setdefault(int(math.log(max(file.rows, 1), _FAN)), []).append(file)
        for rank in sorted(ranks):
            if len(ranks[rank]) >= _FAN:
                return _bounded(ranks[rank])
    return []


def _bounded(files: Sequence[DataFile]) -> list[DataFile]:
    taken: list[DataFile] = []
    rows = 0
    for file in files[:_MOST_FILES]:
        rows += file.rows
        if len(taken) >= 2 and rows > 2 * FULL_ROWS:
            break
        taken.append(file)
    return taken


def whole_days(snapshot: Snapshot) -> Iterator[list[DataFile]]:
    """Give the files of each day that has several small ones."""
    for day in sorted({file.day for file in snapshot.files}):
        small = [f for f in snapshot.files if f.day == day and f.rows < FULL_ROWS]
        if len(small) > 1:
            yield _bounded(sorted(small, key=lambda file: file.rows))


def merge(table: LakeTable, files: Sequence[DataFile], stop: threading.Event | None = None) -> None:
    """Write the rows of several files of one day as one sorted file and swap it in.

    When ``stop`` is set meanwhile, nothing has changed.

    Reads one row group of each file at a time: memory is bounded by the number of files times
    ``GROUP_ROWS``, not by their length.

    Raises
    ------
    HistorianError
        If the disk is full or a file cannot be read; the table stays as it was.
    """
    rows = sum(file.rows for file in files)
    writer: FileWriter | None = None
    try:
        for part in _sorted_parts(table, files):
            if stop is not None and stop.is_set():
                _abandon(writer)
                return
            places = cuts(part)
            if writer is None:
                effort = QUICK
                if rows >= _WORTHWHILE_ROWS:
                    effort = thorough(_typical(part, places), table.layout, _LEVEL)
                writer = FileWriter(table.root, table.layout, files[0].day, effort)
            writer.write(part, places)
        new = _finished(writer, rows, renewed=table.layout.renewed)
    except (OSError, pa.ArrowException, HistorianError) as error:
        _abandon(writer)
        raise HistorianError(
            f"table {table.root} cannot be compacted: {error}; it stays as it was"
        ) from error
    try:
        table.replace(files, [new])
    except HistorianError:
        table.discard([new])
        raise
    finally:
        pa.default_memory_pool().release_unused()


def _abandon(writer: FileWriter | None) -> None:
    if writer is not None:
        writer.abandon()


def _typical(part: pa.Table, places: Sequence[int]) -> list[pa.Table]:
    """Choose the first, the middle and the last row group."""
    count = len(places) - 1
    chosen = sorted({0, count // 2, count - 1})
    return [part.slice(places[i], places[i + 1] - places[i]) for i in chosen]


def _finished(writer: FileWriter | None, rows: int, *, renewed: bool) -> DataFile:
    new = None if writer is None else writer.finish()
    if new is None or new.rows > rows or (new.rows < rows and not renewed):
        raise HistorianError(f"merging {rows:,} rows gave {0 if new is None else new.rows:,}")
    return new


def _sorted_parts(table: LakeTable, files: Sequence[DataFile]) -> Iterator[pa.Table]:
    """Give all rows in order, in parts that end where a row group does."""
    pending = table.layout.schema.empty_table()
    for piece in _merged(table, files):
        pending = pa.concat_tables([pending, piece])
        if pending.num_rows >= 2 * GROUP_ROWS or pending.nbytes > _PENDING_BYTES:
            ordered = _valid(sort(pending, table.layout), table.layout)
            end = cuts(ordered)[-2]
            if end == 0:
                # The last row stays: where rows are renewed, one that replaces it may follow.
                end = max(1, ordered.num_rows - 1)
            yield ordered.slice(0, end)
            pending = ordered.slice(end).cast(table.layout.schema)
    if pending.num_rows:
        yield _valid(sort(pending, table.layout), table.layout)


def _valid(ordered: pa.Table, layout: Layout) -> pa.Table:
    """Leave out what a later row replaces."""
    if not layout.renewed or ordered.num_rows < 2:
        return ordered
    same = np.ones(ordered.num_rows - 1, bool)
    for name in layout.order[:-1]:
        column = ordered[name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0)
        numbers = column.indices if pa.types.is_dictionary(column.type) else column.cast(pa.int64())
        same &= np.diff(numbers.to_numpy()) == 0
    return ordered.filter(pa.array(np.append(~same, True)))


def _merged(table: LakeTable, files: Sequence[DataFile]) -> Iterator[pa.Table]:
    """Give all rows in pieces, each piece wholly before the next; rows within one are unsorted."""
    sources = [_Source(table, file) for file in files]
    try:
        while sources := [source for source in sources if source.load()]:
            border = min(source.last_key() for source in sources)
            yield pa.concat_tables([source.take(border) for source in sources])
    finally:
        for source in sources:
            source.close()


class _Source:
    """One sorted file, of which a row group at a time is in memory."""

    def __init__(self, table: LakeTable, file: DataFile) -> None:
        self._layout = table.layout
        self._file = pq.ParquetFile(table.root / file.path)
        self._next = 0
        self._rows: pa.Table = self._layout.schema.empty_table()

    def load(self) -> bool:
        """Make sure that there are rows; false at the end of the file."""
        while self._rows.num_rows == 0:
            if self._next == self._file.num_row_groups:
                self._file.close()
                return False
            group = self._file.read_row_group(self._next)
            self._rows = group.cast(self._layout.schema).combine_chunks()
            self._next += 1
        return True

    def last_key(self) -> tuple[Any, ...]:
        return self._key(self._rows.num_rows - 1)

    def take(self, border: tuple[Any, ...]) -> pa.Table:
        """Cut off the rows up to and including the border."""
        count = bisect.bisect_right(range(self._rows.num_rows), border, key=self._key)
        taken, self._rows = self._rows.slice(0, count), self._rows.slice(count)
        return taken

    def _key(self, row: int) -> tuple[Any, ...]:
        return tuple(self._rows[name][row].as_py() for name in self._layout.order)

    def close(self) -> None:
        self._file.close()
