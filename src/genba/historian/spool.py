"""The spool: where a batch is safe from the moment it is acknowledged until it is in a table."""

import sqlite3
import threading
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from genba.errors import HistorianError, StateError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    batch      INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    rows       INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    last_time  INTEGER NOT NULL,
    store_time INTEGER NOT NULL,
    data       BLOB    NOT NULL
) STRICT
"""
_ONE = (
    "SELECT name, rows, first_time, last_time, store_time, data, batch FROM batches WHERE batch = ?"
)
_PAGE = 16_384
_WAIT_S = 30.0
_SPARE_BYTES = 256 * 2**20
"""Room that an emptied spool keeps for the next backlog."""
_IPC = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table that were, or are to be, acknowledged together. Times in microseconds."""

    name: str
    rows: int
    first_time: int
    last_time: int
    store_time: int
    data: bytes
    number: int = 0

    def read(self) -> pa.Table:
        """Decode the rows."""
        with pa.ipc.open_stream(pa.py_buffer(self.data)) as stream:
            return stream.read_all()


def encode(table: pa.Table | pa.RecordBatch) -> bytes:
    """Write rows as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_IPC) as stream:
        stream.write(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the spool."""

    batches: int
    rows: int
    last_batch: int
    last_store_time: int | None


class Spool:
    """A SQLite file (WAL, synchronous=FULL) with one row per batch.

    One process appends, one other may take batches out, any number may read; each opens its own.
    All methods may be called from several threads.

    Raises
    ------
    StateError
        If the file is no spool.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._lock = threading.Lock()
        self._own = self._open()
        if not read_only:
            with self._refusals():
                self._own.execute(f"PRAGMA page_size={_PAGE}")
                self._own.execute("PRAGMA journal_mode=WAL")
                self._own.execute("PRAGMA synchronous=FULL")
                self._own.execute(f"PRAGMA wal_autocheckpoint={64 * 2**20 // _PAGE}")
                self._own.execute(f"PRAGMA journal_size_limit={256 * 2**20}")
                self._own.execute(_SCHEMA)

    def _open(self) -> sqlite3.Connection:
        mode = "ro" if self._read_only else "rwc"
        try:
            return sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=_WAIT_S,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise StateError(f"spool {self.path} cannot be opened: {error}") from None

    def _refusals(self) -> "_Refusals":
        return _Refusals(self.path)

    def last_number(self) -> int:
        """Highest number that a batch ever had."""
        with self._lock, self._refusals():
            row = self._own.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = 'batches'"
            ).fetchone()
        return 0 if row is None else int(row[0])

    def append(self, batches: Iterable[Batch]) -> None:
        """Store batches under their own numbers, all or none; durable when this returns.

        Raises
        ------
        HistorianError
            If there is no room or the disk fails; nothing is stored then.
        """
        rows = [
            (b.number, b.name, b.rows, b.first_time, b.last_time, b.store_time, b.data)
            for b in batches
        ]
        with self._lock, self._refusals():
            self._own.execute("BEGIN IMMEDIATE")
            try:
                self._own.executemany("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                self._own.execute("COMMIT")
            except BaseException:
                if self._own.in_transaction:
                    self._own.execute("ROLLBACK")
                raise

    def backlog(self) -> Backlog:
        """Count what waits."""
        with self._lock, self._refusals():
            count, rows, last, store_time = self._own.execute(
                "SELECT count(*), coalesce(sum(rows), 0), coalesce(max(batch), 0), max(store_time)"
                " FROM batches"
            ).fetchone()
        return Backlog(count, rows, last, store_time)

    def waits(self, through: int) -> bool:
        """Whether a batch up to a number is still here."""
        with self._lock, self._refusals():
            row = self._own.execute(
                "SELECT EXISTS (SELECT 1 FROM batches WHERE batch <= ?)", (through,)
            ).fetchone()
        return bool(row[0])

    def rows_after(self) -> dict[str, list[tuple[int, int]]]:
        """Number and rows of every batch that waits, by table."""
        with self._lock, self._refusals():
            found = self._own.execute("SELECT name, batch, rows FROM batches").fetchall()
        waiting: dict[str, list[tuple[int, int]]] = {}
        for name, batch, rows in found:
            waiting.setdefault(name, []).append((batch, rows))
        return waiting

    def size(self) -> int:
        """Bytes of the file and its log."""
        parts = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())

    def names(self) -> list[str]:
        """Tables that something waits for."""
        with self._lock, self._refusals():
            rows = self._own.execute("SELECT DISTINCT name FROM batches ORDER BY name").fetchall()
        return [row[0] for row in rows]

    def oldest(self, name: str, after: int, most_rows: int, most_bytes: int) -> list[Batch]:
        """Take the next batches of a table in order, until one more would pass a bound."""
        taken: list[Batch] = []
        rows = size = 0
        with self._lock, self._refusals():
            cursor = self._own.execute(
                "SELECT name, rows, first_time, last_time, store_time, data, batch FROM batches"
                " WHERE name = ? AND batch > ? ORDER BY batch",
                (name, after),
            )
            for row in cursor:
                batch = Batch(*row)
                rows, size = rows + batch.rows, size + len(batch.data)
                if taken and (rows > most_rows or size > most_bytes):
                    break
                taken.append(batch)
            cursor.close()
        return taken

    def delete(self, name: str, through: int) -> None:
        """Forget a table's batches up to a number; they are in the table."""
        with self._lock, self._refusals():
            self._own.execute("DELETE FROM batches WHERE name = ? AND batch <= ?", (name, through))

    def tidy(self) -> None:
        """Move the log into the file, and give room back when a long backlog is gone."""
        with self._lock, self._refusals():
            self._own.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._give_back(_SPARE_BYTES)

    def shrink(self) -> None:
        """Give back all the room that nothing uses any more."""
        with self._lock, self._refusals():
            self._give_back(0)
            self._own.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _give_back(self, spare: int) -> None:
        free = self._own.execute("PRAGMA freelist_count").fetchone()[0] * _PAGE
        empty = self._own.execute("SELECT NOT EXISTS (SELECT 1 FROM batches)").fetchone()[0]
        if empty and free > spare:
            self._own.execute("VACUUM")

    def tail(
        self, name: str, start: int | None, end: int | None, known: Container[int]
    ) -> Iterator[tuple[int, Batch | None]]:
        """Give batches of a table that may hold rows in ``[start, end)``, one after the other.

        The content of those whose number is ``known`` is not read.
        """
        condition, values = "name = ?", [name, *(t for t in (start, end) if t is not None)]
        condition += "" if start is None else " AND last_time >= ?"
        condition += "" if end is None else " AND first_time < ?"
        with self._refusals():
            reader = self._open()
            try:
                listed = reader.execute(
                    f"SELECT batch FROM batches WHERE {condition} ORDER BY batch",  # noqa: S608
                    values,
                ).fetchall()
                for (number,) in listed:
                    if number in known:
                        yield number, None
                    elif row := reader.execute(_ONE, (number,)).fetchone():
                        yield number, Batch(*row)
            finally:
                reader.close()

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            self._own.close()


class _Refusals:
    """Turns SQLite's errors into clear ones."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, sqlite3.Error):
            return
        code = getattr(error, "sqlite_errorname", "") or ""
        folder = self._path.parent
        if code == "SQLITE_FULL" or code.startswith("SQLITE_IOERR"):
            raise HistorianError(
                f"historian {folder} cannot write: the disk is full or failing ({error}); "
                "make room. Nothing of this batch was acknowledged"
            ) from error
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise HistorianError(
                f"historian {folder}: another process has held the spool for {_WAIT_S:g} s; stop it"
            ) from error
        if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise StateError(
                f"spool {self._path} is damaged ({error}); restore the folder from a backup"
            ) from error
        raise HistorianError(f"historian {folder}: {error}") from error
