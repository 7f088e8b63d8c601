"""From the spool into the tables: each batch exactly once, whatever happens in between."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import HistorianError
from genba.historian.due import DAY_US, Due
from genba.historian.encoding import QUICK
from genba.historian.folder import Folder, Lock
from genba.historian.lake import LakeTable
from genba.historian.parquet import DataFile, by_day, sort, write_file
from genba.historian.schema import ROLLUP_1M, SAMPLES, TABLES, TIME
from genba.historian.spool import Spool

MOST_ROWS = 500_000
"""Rows that one commit takes from the spool."""
_MOST_BYTES = 32 * 2**20
_PREDECESSOR_S = 60.0
_MINUTE_US = 60_000_000
_MANY_STEPS = 20_000
"""Steps beyond which it is cheaper to sum up whole days."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open historian's parts: the folder, the spool, what is to be summed up, the tables."""

    folder: Folder
    spool: Spool
    due: Due
    tables: dict[str, LakeTable]


def open_store(folder: Folder, *, read_only: bool = False) -> Store:
    """Open the spool and get hold of the tables, without reading them."""
    spool = Spool(folder.spool, read_only=read_only)
    tables = {name: LakeTable(folder.root, layout, folder.id) for name, layout in TABLES.items()}
    return Store(folder, spool, Due(folder.due, read_only=read_only), tables)


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
    note_earlier(store)
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
    if table.layout is SAMPLES:
        note_touched(store, rows, last)
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


def touched(rows: pa.Table, step_us: int) -> pa.Table:
    """Return the steps (``signal``, ``time``) that samples of numbers fall into."""
    steps = pa.table(
        {
            "signal": rows["signal"].cast(pa.string()),
            "time": pa.array(rows["source_time"].cast(pa.int64()).to_numpy() // step_us * step_us),
        }
    ).filter(pc.or_(pc.is_valid(rows["value"]), pc.is_null(rows["text"])))
    found = steps.group_by(["signal", "time"]).aggregate([])
    return found.set_column(1, "time", found["time"].cast(TIME))


def note_touched(store: Store, rows: pa.Table, batch: int) -> None:
    """Note the minutes that samples fall into, before they are stored."""
    steps = touched(rows, _MINUTE_US)
    times = steps["time"].cast(pa.int64())
    if steps.num_rows <= _MANY_STEPS:
        store.due.mark(ROLLUP_1M.name, times.to_pylist(), steps["signal"].to_pylist(), batch)
    else:
        days = pa.array(times.to_numpy() // DAY_US * DAY_US)
        store.due.mark_days(ROLLUP_1M.name, pc.unique(days).to_pylist(), batch)


def note_earlier(store: Store) -> None:
    """Note all days that an older Genba stored without summing them up."""
    if store.due.exists:
        return
    samples = store.tables[SAMPLES.name].snapshot()
    epoch = dt.date(1970, 1, 1)
    days = sorted({(file.day - epoch).days * DAY_US for file in samples.files})
    store.due.mark_days(ROLLUP_1M.name, days, samples.last_batch)
