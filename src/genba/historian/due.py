"""Which steps have to be summed up again: noted before a sample is stored, until its row is."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from genba.errors import HistorianError
from genba.historian.schema import TIME

_SCHEMA = """
CREATE TABLE IF NOT EXISTS steps (
    name   TEXT    NOT NULL,
    time   INTEGER NOT NULL,
    signal TEXT    NOT NULL,
    batch  INTEGER NOT NULL,
    PRIMARY KEY (name, time, signal)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS days (
    name  TEXT    NOT NULL,
    time  INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    PRIMARY KEY (name, time)
) STRICT, WITHOUT ROWID;
"""
_LATER = "ON CONFLICT DO UPDATE SET batch = max(batch, excluded.batch)"
DAY_US = 86_400_000_000


class Due:
    """A SQLite file with the steps, by rollup, whose rows are older than their samples.

    A step is noted with the number of the batch that touches it *before* that batch is committed,
    and forgotten after a row is committed that has that batch. A stop in between leaves steps that
    are summed up once more than needed, and never one too few. All methods may be called from
    several threads, and by several processes at once.

    Where a batch touches very many steps, whole days are noted instead.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever noted."""
        return self.path.exists()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                yield self._connection
            except sqlite3.Error as error:
                raise HistorianError(
                    f"{self.path}, the list of steps to sum up, cannot be used: {error}; make room "
                    "or mend its access rights"
                ) from error

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self._read_only else "rwc"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=30.0,
            isolation_level=None,
            check_same_thread=False,
        )
        if not self._read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
        return connection

    def mark(self, name: str, times: Sequence[int], signals: Sequence[str], batch: int) -> None:
        """Note steps of a rollup, by begin and signal, that a batch touches; durable."""
        rows = ((name, time, signal, batch) for time, signal in zip(times, signals, strict=True))
        self._write(f"INSERT INTO steps VALUES (?, ?, ?, ?) {_LATER}", rows)  # noqa: S608

    def mark_days(self, name: str, times: Sequence[int], batch: int) -> None:
        """Note whole days, by their begin."""
        rows = ((name, time, batch) for time in times)
        self._write(f"INSERT INTO days VALUES (?, ?, ?) {_LATER}", rows)  # noqa: S608

    def _write(self, statement: str, rows: Iterator[tuple[object, ...]]) -> None:
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany(statement, rows)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def steps(self, name: str, upto: int | None = None) -> pa.Table:
        """Return what is due of a rollup: ``time``, ``signal``, ``batch``, by time and signal.

        Parameters
        ----------
        name : str
            Of the rollup.
        upto : int, optional
            Only what no batch beyond this one touches.
        """
        return self._read(
            "SELECT time, signal, batch FROM steps WHERE name = ?", name, upto, "time, signal"
        )

    def days(self, name: str, upto: int | None = None) -> pa.Table:
        """Return whole days that are due: ``time``, ``signal`` (null), ``batch``."""
        return self._read("SELECT time, NULL, batch FROM days WHERE name = ?", name, upto, "time")

    def _read(self, query: str, name: str, upto: int | None, order: str) -> pa.Table:
        rows: list[tuple[int, str | None, int]] = []
        if self._connection is not None or self.exists:
            limit = "" if upto is None else " AND batch <= ?"
            values = [name] if upto is None else [name, upto]
            with self._open() as connection:
                found = connection.execute(f"{query}{limit} ORDER BY {order}", values)
                rows = found.fetchall()
        times, signals, batches = zip(*rows, strict=True) if rows else ((), (), ())
        return pa.table(
            {
                "time": pa.array(times, pa.int64()).cast(TIME),
                "signal": pa.array(signals, pa.string()),
                "batch": pa.array(batches, pa.int64()),
            }
        )

    def newest(self, name: str) -> int | None:
        """Return the begin of the newest step that is due."""
        if self._connection is None and not self.exists:
            return None
        with self._open() as connection:
            row = connection.execute(
                "SELECT max(time) FROM steps WHERE name = ?", (name,)
            ).fetchone()
        return None if row[0] is None else int(row[0])

    def done(self, name: str, rows: pa.Table) -> None:
        """Forget steps as they were read, unless a later batch touched them meanwhile."""
        times = rows["time"].cast(pa.int64()).to_pylist()
        keys = zip(times, rows["signal"].to_pylist(), rows["batch"].to_pylist(), strict=True)
        self._write(
            "DELETE FROM steps WHERE name = ? AND time = ? AND signal = ? AND batch <= ?",
            ((name, *key) for key in keys),
        )

    def day_done(self, name: str, time: int, batch: int) -> None:
        """Forget a whole day, unless a later batch touched it meanwhile."""
        self._write(
            "DELETE FROM days WHERE name = ? AND time = ? AND batch <= ?",
            iter([(name, time, batch)]),
        )

    def touches(self, name: str, start: int, end: int) -> bool:
        """Whether anything within ``[start, end)``, in microseconds, is due."""
        if self._connection is None and not self.exists:
            return False
        with self._open() as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM steps WHERE name = ? AND time >= ? AND time < ?)"
                " OR EXISTS (SELECT 1 FROM days WHERE name = ? AND time > ? AND time < ?)",
                (name, start, end, name, start - DAY_US, end),
            ).fetchone()
        return bool(row[0])

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
