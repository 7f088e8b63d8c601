"""From the spool into the tables: each batch exactly once, whatever happens in between."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from genba.errors import HistorianError
from genba.historian.encoding import QUICK
from genba.historian.folder import Folder, Lock
from genba.historian.lake import LakeTable
from genba.historian.parquet import DataFile, by_day, sort, write_file
from genba.historian.schema import TABLES
from genba.historian.spool import Spool

MOST_ROWS = 500_000
"""Rows that one commit takes from the spool."""
_MOST_BYTES = 32 * 2**20
_PREDECESSOR_S = 60.0


@dataclass(frozen=True, slots=True)
class Store:
    """An open historian's parts: the folder, the spool and the tables."""

    folder: Folder
    spool: Spool
    tables: dict[str, LakeTable]


def open_store(folder: Folder, *, read_only: bool = False) -> Store:
    """Open the spool and get hold of the tables, without reading them."""
    spool = Spool(folder.spool, read_only=read_only)
    tables = {name: LakeTable(folder.root, layout, folder.id) for name, layout in TABLES.items()}
    return Store(folder, spool, tables)


def committer_lock(root: Path) -> Lock:
    """Become the one who moves batches, when a killed core's committer has come to its end.

    Raises
    ------
    StateError
        If another process goes on moving them.
    """
    return Lock(root / "committer.lock", "commits its batches", _PREDECESSOR_S)


def move_all(store: Store) -> int:
    """Move what waits in the spool into the tables; give back the number of rows.

    For each table in turn: look up the last batch that it holds, forget that and older ones in
    the spool, write the next ones as files, commit files and batch number in one transaction,
    and only then forget those too. A stop at any point leaves either a file that nobody refers
    to, or batches in the spool that the table already names; neither is ever counted twice.

    Raises
    ------
    HistorianError
        If the disk is full or a table cannot be written; what was not moved stays in the spool.
    """
    moved = 0
    for name in store.spool.names():
        while count := _move_some(store, name):
            moved += count
    return moved


def _move_some(store: Store, name: str) -> int:
    table = store.tables[name]
    done = table.snapshot().last_batch
    store.spool.delete(name, done)
    batches = store.spool.oldest(name, done, MOST_ROWS, _MOST_BYTES)
    if not batches:
        return 0
    rows = sort(pa.concat_tables([batch.read() for batch in batches]), table.layout)
    last = batches[-1].number
    del batches
    files: list[DataFile] = []
    try:
        for day, part in by_day(rows, table.layout):
            files.append(write_file(table.root, table.layout, day, part, QUICK))
    except (OSError, pa.ArrowException) as error:
        table.discard(files)
        raise HistorianError(
            f"table {table.root} cannot be written: {error}; what is not in it stays in the spool"
        ) from error
    try:
        table.append(files, last)
    except HistorianError:
        table.discard(files)
        raise
    store.spool.delete(name, last)
    count: int = rows.num_rows
    return count
