"""Reading: table and spool as one, each row once, files that cannot matter left alone."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import HistorianError
from genba.historian.folder import Folder
from genba.historian.lake import Snapshot
from genba.historian.moving import Store
from genba.historian.schema import TIME, Layout
from genba.historian.tail import Tail
from genba.plant import format_time

_GLOB = set("*?[")
_MEMORY = "1GB"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of a table: times in microseconds, ``[start, end)``; ``None`` is unbounded.

    ``signals`` and ``prefix`` (all signals that begin so) are for samples, ``equals`` for records.
    ``stored_from`` leaves out samples that were stored before.
    """

    start: int | None = None
    end: int | None = None
    signals: tuple[str, ...] | None = None
    prefix: str | None = None
    equals: dict[str, Any] = field(default_factory=dict)
    stored_from: int | None = None

    def mask(self, listing: pa.Table, layout: Layout) -> pa.Array:
        """Which files of a listing can hold such rows, judged by their bounds."""
        keep = pa.repeat(True, listing.num_rows)
        low, high = f"min.{layout.time}", f"max.{layout.time}"
        if self.end is not None:
            keep = _both(keep, listing, low, pc.less, pa.scalar(self.end, TIME))
        if self.start is not None:
            keep = _both(keep, listing, high, pc.greater_equal, pa.scalar(self.start, TIME))
        if self.stored_from is not None:
            since = pa.scalar(self.stored_from, TIME)
            keep = _both(keep, listing, "max.store_time", pc.greater_equal, since)
        if self.prefix is not None:
            keep = _both(keep, listing, "min.signal", pc.less, _after(self.prefix))
            keep = _both(keep, listing, "max.signal", pc.greater_equal, self.prefix)
        if self.signals is not None:
            some = pa.repeat(False, listing.num_rows)
            for name in self.signals:
                here = pa.repeat(True, listing.num_rows)
                here = _both(here, listing, "min.signal", pc.less_equal, name)
                here = _both(here, listing, "max.signal", pc.greater_equal, name)
                some = pc.or_(some, here)
            keep = pc.and_(keep, some)
        return keep

    def chosen(self, rows: pa.Table) -> pa.Table:
        """Leave rows of other signals out, where it is the signals that are asked for."""
        if self.signals is None:
            return rows
        return rows.filter(pc.is_in(rows["signal"], pa.array(self.signals)))

    def condition(self, layout: Layout) -> str:
        """The same as SQL."""
        tests = ["true"]
        if self.start is not None:
            tests.append(f'"{layout.time}" >= {_literal(self.start, TIME)}')
        if self.end is not None:
            tests.append(f'"{layout.time}" < {_literal(self.end, TIME)}')
        if self.stored_from is not None:
            tests.append(f"store_time >= {_literal(self.stored_from, TIME)}")
        if self.signals is not None and len(self.signals) == 1:
            tests.append(f"signal = {_text(self.signals[0])}")
        elif self.signals is not None:
            tests.append(f"signal IN ({', '.join(map(_text, self.signals))})")
        if self.prefix is not None:
            tests.append(
                f"signal >= {_text(self.prefix)} AND signal < {_text(_after(self.prefix))}"
            )
        for name, value in self.equals.items():
            test = "IS NULL" if value is None else f"= {_equal(layout, name, value)}"
            tests.append(f'"{name}" {test}')
        return " AND ".join(tests)


def _both(
    keep: pa.Array, listing: pa.Table, column: str, test: Callable[..., pa.Array], bound: Any
) -> pa.Array:
    """Keep what passes one more test; a file without that bound passes it."""
    if column not in listing.column_names:
        return keep
    return pc.and_(keep, pc.fill_null(test(listing[column], bound), True))


def _equal(layout: Layout, name: str, value: Any) -> str:
    if name not in layout.schema.names:
        raise HistorianError(
            f"table '{layout.name}' has no column '{name}'; "
            f"it has {', '.join(sorted(layout.schema.names))}"
        )
    kind = layout.schema.field(name).type
    fits = isinstance(value, str) if pa.types.is_string(kind) else isinstance(value, int | float)
    if not fits:
        raise HistorianError(f"column '{name}' of table '{layout.name}' is no {value!r}")
    return _literal(value, kind)


def _literal(value: Any, kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return f"'{format_time(int(value))}'::TIMESTAMPTZ"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _after(prefix: str) -> str:
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


class Reader:
    """Runs queries over a store. May be used from several threads.

    DuckDB reads exactly those Parquet files that the Delta log lists and whose bounds fit, and
    the spool's batches that the log does not name yet as an Arrow table. It loads no extensions,
    uses at most ``memory`` (1 GB) and spills to the historian's folder beyond that, or to the
    temporary folder where that cannot be written to.
    """

    def __init__(
        self, store: Store, memory: str = _MEMORY, threads: int = min(4, os.cpu_count() or 1)
    ) -> None:
        self._store = store
        if _GLOB & set(str(store.folder.root)):
            raise HistorianError(
                f"historian folder {store.folder.root} must not have * ? or [ in its name; move it"
            )
        self._tail = Tail(store.spool)
        self._memory, self._threads = memory, threads
        self._spill: Path | None = None
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None:
                self._spill = _spill_folder(self._store.folder)
                self._database = duckdb.connect(
                    config={
                        "memory_limit": self._memory,
                        "threads": self._threads,
                        "autoinstall_known_extensions": False,
                        "autoload_known_extensions": False,
                        "temp_directory": str(self._spill),
                    }
                )
                self._database.execute("SET TimeZone = 'UTC'")
            return self._database.cursor()

    def table(self, layout: Layout, wanted: Wanted, query: str) -> pa.Table:
        """Run ``query``, in which ``rows`` stands for the wanted rows of a table."""
        with self._rows(layout, wanted) as (cursor, source):
            result = cursor.sql(f"WITH rows AS ({source}) {query}").to_arrow_table()
        return in_utc(result)

    def stream(
        self, layout: Layout, wanted: Wanted, query: str, rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Run ``query`` and give its result in pieces of at most ``rows``."""
        with self._rows(layout, wanted) as (cursor, source):
            reader = cursor.sql(f"WITH rows AS ({source}) {query}").to_arrow_reader(rows)
            for batch in reader:
                yield from in_utc(pa.Table.from_batches([batch])).to_batches()

    @contextmanager
    def _rows(
        self, layout: Layout, wanted: Wanted
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
        condition = wanted.condition(layout)
        snapshot, tail = self.view(layout, wanted)
        names = ", ".join(f'"{name}"' for name in layout.schema.names)
        paths = [
            str(self._store.tables[layout.name].root / file.path)
            for file in snapshot.chosen(wanted.mask(snapshot.listing, layout))
        ]
        parts = []
        if paths:
            listed = ", ".join(map(_text, paths))
            parts.append(
                f"SELECT {names} FROM read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608
                f" WHERE {condition}"
            )
        if tail.num_rows or not paths:
            parts.append(f"SELECT {names} FROM tail WHERE {condition}")  # noqa: S608
        cursor = self._cursor()
        try:
            cursor.register("tail", tail)
            yield cursor, " UNION ALL ".join(parts)
        except duckdb.Error as error:
            raise HistorianError(
                f"table '{layout.name}' of {self._store.folder.root} cannot be queried: {error}"
            ) from error
        finally:
            cursor.close()

    def view(self, layout: Layout, wanted: Wanted) -> tuple[Snapshot, pa.Table]:
        """Look at a table's files and at what the spool holds beyond them.

        The spool is read first: a batch that is no longer in it has been committed before, so the
        snapshot that is taken next has it; a batch that is in both is told by its number.
        """
        found = self._tail.read(layout, wanted.start, wanted.end, wanted.chosen)
        snapshot = self._store.tables[layout.name].snapshot()
        self._tail.forget(layout.name, snapshot.last_batch)
        pieces = [rows for number, rows in found.items() if number > snapshot.last_batch]
        return snapshot, wanted.chosen(pa.concat_tables([layout.schema.empty_table(), *pieces]))

    def close(self) -> None:
        """Close the database. Safe to call twice."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
            if self._spill is not None:
                shutil.rmtree(self._spill, ignore_errors=True)


def _spill_folder(folder: Folder) -> Path:
    """Make a folder of this process, closed to others."""
    try:
        folder.spill.mkdir(mode=0o700, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=folder.spill))
    except OSError:  # whoever only reads may not write there
        return Path(tempfile.mkdtemp(prefix="genba-duckdb-"))


def remove_left_spill(folder: Folder) -> None:
    """Remove what killed processes spilled."""
    for left in folder.spill.glob("*-*"):
        owner = left.name.partition("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)


def in_utc(table: pa.Table) -> pa.Table:
    """Name the zone of every time ``UTC``, as the historian's schemas do."""
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type != TIME:
            table = table.set_column(index, column.name, table.column(index).cast(TIME))
    return table


def check_period(start: int, end: int) -> None:
    """Refuse an empty period.

    Raises
    ------
    HistorianError
        If ``end`` is not after ``start``.
    """
    if end <= start:
        raise HistorianError(
            f"the period ends ({format_time(end)}) before it begins ({format_time(start)}) or is "
            "empty; give an end after the start"
        )


def check_signals(signals: Sequence[str]) -> tuple[str, ...]:
    """Refuse a question about no signal.

    Raises
    ------
    HistorianError
        If ``signals`` is empty, or one string instead of several.
    """
    if isinstance(signals, str) or not signals:
        raise HistorianError("give the ids of the signals as a list with at least one in it")
    return tuple(dict.fromkeys(signals))
