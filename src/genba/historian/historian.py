"""The historian: what a plant said and what was done, stored once, read as Arrow tables."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import HistorianError
from genba.historian.age import Age, newest
from genba.historian.disk import DiskWatch
from genba.historian.folder import Lock, open_folder
from genba.historian.merging import due, merge, whole_days
from genba.historian.moving import MOST_ROWS, committer_lock, move_all, open_store
from genba.historian.policy import Policy
from genba.historian.queries import Queries, microseconds
from genba.historian.reading import remove_left_spill
from genba.historian.retention import Expiry, expired, forget
from genba.historian.rolling import roll_up
from genba.historian.schema import (
    RECORDS,
    SAMPLES,
    Layout,
    batch_of_rows,
    batch_of_samples,
    records_layout,
    table_of_samples,
)
from genba.historian.spool import Batch, encode
from genba.historian.supervisor import Supervisor
from genba.plant import Clock, Sample

_SEQUENCE_BITS = 20
_BATCH_BYTES = 64 * 2**20
_DRAIN_S = 600.0


class Historian(Queries):
    """One plant's store. Open it with :meth:`open`; all methods may be called from several threads.

    Times that go in and out as numbers are microseconds UTC, periods are ``[start, end)``.
    """

    def __init__(
        self, folder: Path, clock: Clock, *, read_only: bool, disk: DiskWatch | None = None
    ) -> None:
        found = open_folder(folder, create=not read_only)
        self._clock = clock
        self._writer = None if read_only else Lock(found.root / "writer.lock", "writes to it")
        try:
            super().__init__(open_store(found, read_only=read_only))
            if not read_only:
                remove_left_spill(found)
            self._last_batch = 0 if read_only else self._find_last_batch()
        except BaseException:
            if self._writer is not None:
                self._writer.release()
            raise
        self._supervisor: Supervisor | None = None
        self._disk = disk
        self._append_lock = threading.RLock()

    @classmethod
    def open(
        cls,
        folder: Path,
        clock: Clock,
        *,
        read_only: bool = False,
        disk: DiskWatch | None = None,
    ) -> "Historian":
        """Open a historian, or make one in a new or empty folder.

        Parameters
        ----------
        folder : Path
            Where it lives.
        clock : Clock
            Stamps the store time.
        read_only : bool
            Only read; another process may be writing at the same time.
        disk : DiskWatch, optional
            Refuses samples when the disk is too full; default as long as the disk takes them.

        Raises
        ------
        StateError
            If another process writes to it, or the folder is damaged or from a newer Genba.
        HistorianError
            If it cannot be made, or is not there and ``read_only``.
        """
        return cls(Path(folder), clock, read_only=read_only, disk=disk)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _find_last_batch(self) -> int:
        """Never give a number twice: not after the spool was emptied, nor if it was lost."""
        known = [table.snapshot().last_batch for table in self._store.tables.values()]
        return max(self._store.spool.last_number(), *known)

    def append(self, samples: Sequence[Sample]) -> None:
        """Store samples; they are durable and can be queried when this returns.

        Raises
        ------
        HistorianError
            If a sample cannot be stored, or the disk is full; none is stored then.
        """
        self.append_all(samples, {})

    def append_table(self, table: pa.Table | pa.RecordBatch) -> None:
        """Store samples given as columns: ``signal``, ``source_time``, ``value`` or ``text``, ...

        Raises
        ------
        HistorianError
            As with :meth:`append`, and if a column is missing, unknown or of a wrong type.
        """
        with self._append_lock:
            store_time = self._store_time()
            whole = table_of_samples(table, store_time)
            self._append([(SAMPLES, whole)], store_time)

    def append_rows(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store records in ``events``, ``operations``, ``lots`` or ``decisions``.

        Raises
        ------
        HistorianError
            If the table or a column is unknown, or a row does not fit; none is stored then.
        """
        self.append_all((), {name: rows})

    def append_all(
        self, samples: Sequence[Sample], records: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> None:
        """Store samples and records together: one write to the disk, all or none.

        Raises
        ------
        HistorianError
            As with :meth:`append` and :meth:`append_rows`.
        """
        with self._append_lock:  # so that nothing is stored before what was stored already
            store_time = self._store_time()
            parts: list[tuple[Layout, pa.Table]] = []
            if samples:
                batch = batch_of_samples(samples, store_time)
                parts.append((SAMPLES, pa.Table.from_batches([batch])))
            for name, rows in records.items():
                layout = records_layout(name)
                if rows:
                    batch = batch_of_rows(layout, rows)
                    parts.append((layout, pa.Table.from_batches([batch])))
            self._append(parts, store_time)

    def _store_time(self) -> int:
        """Now, rounded up to a whole millisecond: a sync takes as long, and it takes less room."""
        return -(-self._clock.now() // 1000) * 1000

    def settled(self) -> int:
        """From which store time on samples may still come; all earlier ones can be queried."""
        with self._append_lock:
            return self._store_time()

    def _check_writable(self) -> None:
        if self._writer is None:
            raise HistorianError(f"historian {self._store.folder.root} was opened to read only")

    def _append(self, parts: Sequence[tuple[Layout, pa.Table]], store_time: int) -> None:
        self._check_writable()
        if self._disk is not None and parts:
            self._disk.check(records=all(layout is not SAMPLES for layout, _ in parts))
        with self._append_lock:
            batches = []
            number = self._last_batch
            for layout, table in parts:
                for piece in _pieces(table):
                    number += 1
                    batches.append(_batch(layout, piece, store_time, number))
            if batches:
                self._store.spool.append(batches)
                self._last_batch = number

    def commit(self) -> int:
        """Move what is in the spool now into the tables; give back how many rows that were.

        Raises
        ------
        HistorianError
            If the disk is full or a table cannot be written; nothing is lost then.
        StateError
            If another process moves batches.
        """
        self._check_writable()
        if self._supervisor is not None:
            return self._wait_for_committer(self._supervisor)
        lock = committer_lock(self._store.folder.root)
        try:
            moved = move_all(self._store)
            self._store.spool.tidy()
            roll_up(self._store, self._reader)
        finally:
            lock.release()
        return moved

    def _wait_for_committer(self, supervisor: Supervisor) -> int:
        before = self._store.spool.backlog()
        deadline = time.monotonic() + _DRAIN_S
        complaints = supervisor.complaints
        supervisor.commit_now()
        while self._store.spool.waits(before.last_batch):
            if supervisor.complaints > complaints or time.monotonic() > deadline:
                raise HistorianError(
                    f"the committer of {self._store.folder.root} did not move "
                    f"{before.rows:,} rows: {supervisor.last_error or 'it takes too long'}"
                )
            time.sleep(0.02)
        return before.rows

    def start_committing(self, interval_s: float = 5.0) -> None:
        """Let a process of its own move batches into the tables and compact them, from now on.

        Parameters
        ----------
        interval_s : float
            How long a row may wait in the spool, in seconds of the wall clock. Queries see it
            there too; a longer interval makes fewer files.
        """
        self._check_writable()
        if self._supervisor is None:
            self._supervisor = Supervisor(self._store.folder.root, interval_s)

    def compact(self, *, whole: bool = False) -> int:
        """Merge small files, here and now; give back how many files went.

        Parameters
        ----------
        whole : bool
            Merge each day into one file, as happens by itself when a day is over.

        Raises
        ------
        HistorianError
            If the disk is full; the tables stay as they were.
        StateError
            If another process moves batches.
        """
        self._check_writable()
        lock = committer_lock(self._store.folder.root)
        gone = 0
        try:
            for table in self._store.tables.values():
                while files := due(table.snapshot()):
                    merge(table, files)
                    gone += len(files)
                for files in list(whole_days(table.snapshot())) if whole else []:
                    merge(table, files)
                    gone += len(files)
        finally:
            lock.release()
        return gone

    def roll_up(self, *, whole: bool = False) -> int:
        """Sum up, here and now, what is due; give back how many rows of rollups were made.

        Parameters
        ----------
        whole : bool
            Also the newest minute and hour, which may not be over yet.

        Raises
        ------
        HistorianError
            If the disk is full or a table cannot be read; what was not done stays due.
        StateError
            If another process moves batches.
        """
        self._check_writable()
        lock = committer_lock(self._store.folder.root)
        try:
            return roll_up(self._store, self._reader, whole=whole)
        finally:
            lock.release()

    def forget(self, policy: Policy) -> int:
        """Let go, here and now, what a policy lets go; give back how many bytes that frees.

        The files leave the disk an hour later, when no query reads them any more. The newest store
        time is believed here, and from now on, even if it leapt ahead (:mod:`genba.historian.age`).

        Raises
        ------
        HistorianError
            If a file cannot be read or written; its rows stay.
        StateError
            If another process moves batches.
        """
        self._check_writable()
        lock = committer_lock(self._store.folder.root)
        try:
            if (now := newest(self._store)) is not None:
                Age(now).write(self._store.folder.root)
            return forget(self._store, policy, now=now)
        finally:
            lock.release()

    def expired(self, policy: Policy) -> list[Expiry]:
        """Return what a policy would let go now."""
        return list(expired(self._store, policy))

    @property
    def committer(self) -> dict[str, Any] | None:
        """How the committer does: ``pid`` (None while it is dead), ``starts``, ``last_error``."""
        supervisor = self._supervisor
        if supervisor is None:
            return None
        return {
            "pid": supervisor.pid,
            "starts": supervisor.starts,
            "last_error": supervisor.last_error,
        }

    def stats(self) -> dict[str, Any]:
        """Count what is stored.

        Returns
        -------
        dict
            ``samples`` and ``records`` (rows in all, also those in the spool), ``spooled`` (rows
            in the spool), ``bytes`` (of data files), ``spool_bytes``, ``files``,
            ``last_store_time`` (microseconds, or None), ``first_time`` and ``last_time`` (source
            times of samples), ``bytes_per_sample`` (of those in data files, or None),
            ``committer`` (pid, starts, last_error; None when it was not started).
        """
        spool = self._store.spool
        backlog = spool.backlog()
        waiting = spool.rows_after()
        views = {name: table.snapshot() for name, table in self._store.tables.items()}
        rows = {name: sum(file.rows for file in view.files) for name, view in views.items()}
        spooled = {
            name: sum(n for batch, n in waiting.get(name, ()) if batch > view.last_batch)
            for name, view in views.items()
        }
        files = views[SAMPLES.name].files
        size = sum(file.size for file in files)
        times = [microseconds(file.high["store_time"]) for file in files]
        if backlog.last_store_time is not None:
            times.append(backlog.last_store_time)
        return {
            "samples": rows[SAMPLES.name] + spooled[SAMPLES.name],
            "records": {n: rows[n] + spooled[n] for n in RECORDS},
            "spooled": sum(spooled.values()),
            "bytes": sum(file.size for view in views.values() for file in view.files),
            "spool_bytes": spool.size(),
            "files": {name: len(view.files) for name, view in views.items()},
            "bytes_per_sample": size / rows[SAMPLES.name] if rows[SAMPLES.name] else None,
            "last_store_time": max(times, default=None),
            "committer": self.committer,
        }

    def close(self) -> None:
        """Stop the committer when it has moved what is left, and let go. Safe to call twice."""
        if self._supervisor is not None:
            self._supervisor.close()
            self._supervisor = None
        self._reader.close()
        self._store.spool.close()
        self._store.due.close()
        if self._writer is not None:
            self._writer.release()


def _pieces(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table so that no piece is too long for a commit, or too large for the spool."""
    rows = table.num_rows
    step = min(MOST_ROWS, 2**_SEQUENCE_BITS)
    if table.nbytes > _BATCH_BYTES:
        step = min(step, max(1, rows * _BATCH_BYTES // table.nbytes))
    for begin in range(0, rows, step):
        yield table.slice(begin, step)


def _batch(layout: Layout, rows: pa.Table, store_time: int, number: int) -> Batch:
    if layout is not SAMPLES:
        rows = _numbered(rows, number).cast(layout.schema)
    bounds = pc.min_max(rows[layout.time].cast(pa.int64())).as_py()
    return Batch(
        layout.name, rows.num_rows, bounds["min"], bounds["max"], store_time, encode(rows), number
    )


def _numbered(rows: pa.Table, number: int) -> pa.Table:
    """Give records without a sequence number one that grows in the order of acknowledgement."""
    given = rows["sequence"]
    if given.null_count == 0:
        return rows
    first = number << _SEQUENCE_BITS
    fresh = pa.array(range(first, first + rows.num_rows), pa.int64())
    index = rows.schema.get_field_index("sequence")
    return rows.set_column(index, "sequence", pc.coalesce(given, fresh))
