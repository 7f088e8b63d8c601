"""One Delta table: which files it consists of, and which batches are in it. Exactly once."""

import datetime as dt
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from genba.errors import HistorianError
from genba.historian.folder import sync_folder
from genba.historian.parquet import DataFile
from genba.historian.schema import Layout

KEEP_HOURS = 1
"""How long a file stays on disk after it was replaced; no query may take longer."""

_LOCK = "tables.lock"
_CHECKPOINT_EVERY = 100
_CONFIGURATION = {
    "delta.logRetentionDuration": f"interval {KEEP_HOURS} hours",
    "delta.deletedFileRetentionDuration": f"interval {KEEP_HOURS} hours",
    "delta.checkpointInterval": str(_CHECKPOINT_EVERY),
}


_NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


@dataclass(frozen=True)
class Snapshot:
    """The table at one version: the last batch that it holds, and its files.

    ``listing`` is the Delta log's list of files, a row each, with ``min.`` and ``max.`` columns.
    """

    version: int = -1
    last_batch: int = 0
    listing: pa.Table = field(default_factory=lambda: pa.table({"path": pa.array([], pa.string())}))
    bounded: tuple[str, ...] = ()

    @cached_property
    def files(self) -> tuple[DataFile, ...]:
        """All files."""
        return self.chosen(None)

    def chosen(self, mask: pa.Array | None) -> tuple[DataFile, ...]:
        """The files that a mask over ``listing`` leaves."""
        listing = self.listing if mask is None else self.listing.filter(mask)
        return tuple(
            DataFile(
                row["path"],
                row["partition.day"],
                row["num_records"],
                row["size_bytes"],
                {name: row.get(f"min.{name}") for name in self.bounded},
                {name: row.get(f"max.{name}") for name in self.bounded},
                row["modification_time"],
            )
            for row in listing.to_pylist()
        )


class LakeTable:
    """One table of a historian on disk.

    Parameters
    ----------
    root : Path
        The historian's folder.
    layout : Layout
        What the table holds.
    app : str
        The historian's id: batches are committed as its application transactions, the batch's
        number as version (Delta protocol, "Transaction Identifiers").
    """

    def __init__(self, root: Path, layout: Layout, app: str) -> None:
        self.layout = layout
        self.root = root / layout.name
        self._app = app
        self._table: DeltaTable | None = None
        self._snapshot = Snapshot()
        self._lock = threading.RLock()

    def snapshot(self) -> Snapshot:
        """Look at the newest version.

        Raises
        ------
        HistorianError
            If the table on disk cannot be read.
        """
        with self._lock:
            table = self._newest()
            if table is None:
                return Snapshot()
            if table.version() != self._snapshot.version:
                self._snapshot = Snapshot(
                    table.version(),
                    table.transaction_version(self._app) or 0,
                    pa.table(table.get_add_actions(flatten=True)),
                    self.layout.bounded,
                )
            return self._snapshot

    def _newest(self) -> DeltaTable | None:
        try:
            if self._table is not None:
                try:
                    self._table.update_incremental()
                except DeltaError:  # the log moved on beyond what this view can follow
                    self._table = None
            if self._table is None:
                self._table = DeltaTable(self.root)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise HistorianError(f"table {self.root} cannot be read: {error}") from None
        return self._table

    def append(self, files: Sequence[DataFile], last_batch: int) -> None:
        """Commit new files as what the batches up to ``last_batch`` hold."""
        actions = [self._add(file, new=True) for file in files]
        batch = Transaction(self._app, last_batch)
        self._commit(actions, CommitProperties(app_transactions=[batch]))

    def replace(
        self, old: Sequence[DataFile], new: Sequence[DataFile], *, forgets: bool = False
    ) -> None:
        """Put new files in the place of old ones, with the same rows unless it ``forgets`` some."""
        now = _wall_ms()
        removed = [
            RemoveAction(file.path, forgets, now, file.size, {"day": file.day.isoformat()})
            for file in old
        ]
        self._commit([*removed, *(self._add(file, new=False) for file in new)], CommitProperties())

    def _commit(self, actions: list[Any], properties: CommitProperties) -> None:
        with self._changing():
            table = self._newest() or self._create()
            before = table.version()
            table.create_write_transaction(
                actions,
                "append",
                self._schema(),
                ["day"],
                commit_properties=properties,
                post_commithook_properties=_NO_HOOKS,
            )
            table.update_incremental()
            self._sync(table, before)
            self._checkpoint_when_due(table)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the only one, of all threads and processes, that writes to a table's log."""
        with self._lock:
            try:
                handle = os.open(self.root.parent / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX)
                    yield
                finally:
                    os.close(handle)
            except (DeltaError, OSError) as error:
                raise HistorianError(f"table {self.root} cannot be written: {error}") from error

    def discard(self, files: Sequence[DataFile]) -> None:
        """Remove files whose commit failed, so that a full disk does not fill further.

        A commit that failed late may have happened after all: files that the table lists stay.
        """
        listed = {file.path for file in self.snapshot().files}
        for file in files:
            if file.path not in listed:
                (self.root / file.path).unlink(missing_ok=True)

    def _schema(self) -> pa.Schema:
        return self.layout.schema.insert(0, pa.field("day", pa.date32(), nullable=False))

    def _create(self) -> DeltaTable:
        self._table = DeltaTable.create(
            self.root,
            self._schema(),
            mode="ignore",
            partition_by=["day"],
            name=self.layout.name,
            configuration=_CONFIGURATION,
        )
        self._sync(self._table, -1)
        sync_folder(self.root.parent)
        sync_folder(self.root)
        return self._table

    def _sync(self, table: DeltaTable, after: int) -> None:
        """See the log's entries beyond a version onto the disk."""
        log = self.root / "_delta_log"
        for version in range(after + 1, table.version() + 1):
            _sync_file(log / f"{version:020d}.json")
        sync_folder(log)

    def _checkpoint_when_due(self, table: DeltaTable) -> None:
        log = self.root / "_delta_log"
        pointer = log / "_last_checkpoint"
        last = int(json.loads(pointer.read_bytes())["version"]) if pointer.exists() else 0
        if table.version() - last < _CHECKPOINT_EVERY:
            return
        table.create_checkpoint()
        for path in (*log.glob(f"{table.version():020d}.checkpoint*"), pointer):
            _sync_file(path)
        sync_folder(log)
        table.cleanup_metadata()

    def vacuum(self) -> int:
        """Remove files that were replaced, or never committed, more than ``KEEP_HOURS`` ago."""
        with self._changing():
            table = self._newest()
            if table is None:
                return 0
            before = table.version()
            gone = table.vacuum(
                retention_hours=KEEP_HOURS,
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
                post_commithook_properties=_NO_HOOKS,
            )
            table.update_incremental()
            self._sync(table, before)
            return len(gone)

    def _add(self, file: DataFile, *, new: bool) -> AddAction:
        stats = {
            "numRecords": file.rows,
            "minValues": {name: _plain(value) for name, value in file.low.items()},
            "maxValues": {name: _plain(value) for name, value in file.high.items()},
            "nullCount": dict.fromkeys(file.low, 0),
        }
        partition = {"day": file.day.isoformat()}
        return AddAction(file.path, file.size, partition, _wall_ms(), new, json.dumps(stats))


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
