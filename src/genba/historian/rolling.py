"""Sums up what is due: samples into rows of a minute, those into rows of an hour. Exactly once.

A row replaces the one before it of the same signal and step (its ``sequence`` is higher), so that
a late sample only means that its step is summed up again.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import HistorianError
from genba.historian.due import DAY_US
from genba.historian.encoding import QUICK
from genba.historian.horizon import Horizons
from genba.historian.moving import Store, note_earlier
from genba.historian.parquet import DataFile, by_day, sort, write_file
from genba.historian.reading import Reader, Wanted
from genba.historian.schema import ROLLUP_1H, ROLLUP_1M, SAMPLES, TIME, Layout
from genba.historian.summary import ROWS, compose, numbers, summarize
from genba.plant import US

MINUTE_US = 60 * US
HOUR_US = 3600 * US
_CHUNK_US = HOUR_US
_CHUNK_STEPS = 20_000
"""Steps that are summed up at once, within a day and an hour at most apart."""
_PIECE_ROWS = 131_072
"""Rows that are in memory at once, but for a step that has more."""

NEWEST = (
    "SELECT * FROM rows QUALIFY row_number() OVER"
    " (PARTITION BY signal, time ORDER BY sequence DESC) = 1 ORDER BY signal, time"
)
_SAMPLES = (
    "SELECT signal, source_time, store_time, value, quality FROM rows"
    " WHERE text IS NULL OR value IS NOT NULL ORDER BY signal, source_time, sequence"
)


@dataclass(frozen=True, slots=True)
class Level:
    """A rollup, what it is made of, and the length of its steps in microseconds."""

    source: Layout
    target: Layout
    step_us: int
    sum_up: Callable[[pa.Table], pa.Table]
    query: str


MINUTES = Level(SAMPLES, ROLLUP_1M, MINUTE_US, lambda t: summarize(t, MINUTE_US), _SAMPLES)
HOURS = Level(ROLLUP_1M, ROLLUP_1H, HOUR_US, lambda t: compose(t, MINUTE_US, HOUR_US), NEWEST)
LEVELS = (MINUTES, HOURS)


def roll_up(
    store: Store, reader: Reader, *, whole: bool = False, stop: threading.Event | None = None
) -> int:
    """Sum up every step that is due, but for the newest of each rollup; return how many rows.

    Parameters
    ----------
    store : Store
        Whose committer lock the caller holds.
    reader : Reader
        Over the same store.
    whole : bool
        Also the newest step, which may not be over yet.
    stop : threading.Event, optional
        When it is set, the rest stays due.

    Raises
    ------
    HistorianError
        If the disk is full or a table cannot be read; what was not done stays due.
    """
    note_earlier(store)
    made = 0
    for level in LEVELS:
        name = level.target.name
        done = store.tables[level.source.name].snapshot().last_batch
        newest = None if whole else store.due.newest(name)
        due = store.due.steps(name, done)
        if newest is not None:
            due = due.filter(pc.less(due["time"], pa.scalar(newest, TIME)))
        for chunk in _chunks(due):
            if stop is not None and stop.is_set():
                return made
            made += _Pass(store, reader, level).steps(chunk)
            store.due.done(name, chunk)
        days = store.due.days(name, done)
        for time, batch in zip(numbers(days["time"]), numbers(days["batch"]), strict=True):
            if stop is not None and stop.is_set():
                return made
            made += _Pass(store, reader, level).day(int(time))
            store.due.day_done(name, int(time), int(batch))
    return made


def _chunks(due: pa.Table) -> Iterator[pa.Table]:
    """Cut what is due, sorted by time, into pieces that are read at once."""
    if due.num_rows == 0:
        return
    times = numbers(due["time"])
    apart = np.flatnonzero((np.diff(times) > _CHUNK_US) | (np.diff(times // DAY_US) > 0)) + 1
    for begin, end in itertools.pairwise([0, *apart.tolist(), due.num_rows]):
        for place in range(begin, end, _CHUNK_STEPS):
            yield due.slice(place, min(_CHUNK_STEPS, end - place))


def sum_up(reader: Reader, horizons: Horizons, level: Level, wanted: Wanted) -> pa.Table:
    """Make the rows of a rollup anew, sorted by signal and time, without ``sequence``.

    What came after a step's source was forgotten is added to the row that is left of it.
    """
    rows = pa.concat_tables([ROWS.empty_table(), *_in_pieces(reader, level, wanted)])
    gone = horizons.before(level.source.name, wanted.start or 0)
    if not gone or rows.num_rows == 0:
        return rows
    old = pc.fill_null(pc.less(rows["time"], _of(rows["signal"], gone)), False)
    if not pc.any(old).as_py():
        return rows
    source = reader.table(level.source, wanted, level.query)
    stored = reader.table(level.target, wanted, NEWEST)
    late = [_added(level, source, row, stored) for row in rows.filter(old).to_pylist()]
    whole = pa.concat_tables([rows.filter(pc.invert(old)), *late])
    return whole.sort_by([("signal", "ascending"), ("time", "ascending")])


def _in_pieces(reader: Reader, level: Level, wanted: Wanted) -> Iterator[pa.Table]:
    """Sum up what is read, piece by piece; a piece ends where a step does."""
    pending: pa.Table | None = None
    for batch in reader.stream(level.source, wanted, level.query, _PIECE_ROWS):
        piece = pa.Table.from_batches([batch])
        whole = piece if pending is None else pa.concat_tables([pending, piece])
        end = _last_border(whole, level)
        if end:
            yield level.sum_up(whole.slice(0, end)).cast(ROWS)
        pending = whole.slice(end)
    if pending is not None:
        yield level.sum_up(pending).cast(ROWS)


def _last_border(rows: pa.Table, level: Level) -> int:
    """Where the step of the last row begins."""
    if rows.num_rows == 0:
        return 0
    last = rows.slice(rows.num_rows - 1)
    start = numbers(last[level.source.time])[0] // level.step_us * level.step_us
    own = pc.and_(
        pc.equal(rows["signal"], last["signal"][0]),
        pc.greater_equal(rows[level.source.time], pa.scalar(int(start), TIME)),
    )
    return int(pc.index(own, True).as_py())


class _Pass:
    """One commit of a rollup."""

    def __init__(self, store: Store, reader: Reader, level: Level) -> None:
        self._store, self._reader, self._level = store, reader, level
        self._table = store.tables[level.target.name]
        self._horizons = Horizons(store.folder.root)

    def steps(self, due: pa.Table) -> int:
        """Sum up some steps of some signals."""
        times = numbers(due["time"])
        signals = tuple(pc.unique(due["signal"]).to_pylist())
        start, end = int(times.min()), int(times.max()) + self._level.step_us
        rows = sum_up(self._reader, self._horizons, self._level, Wanted(start, end, signals))
        keys = due.select(["signal", "time"])
        return self._commit(rows.join(keys, ["signal", "time"], join_type="left semi"))

    def day(self, start: int) -> int:
        """Sum up all steps of a day."""
        pieces = [
            sum_up(self._reader, self._horizons, self._level, Wanted(begin, begin + _CHUNK_US))
            for begin in range(start, start + DAY_US, _CHUNK_US)
        ]
        return self._commit(pa.concat_tables(pieces))

    def _commit(self, rows: pa.Table) -> int:
        if rows.num_rows == 0:
            return 0
        table, layout = self._table, self._level.target
        number = table.snapshot().last_batch + 1
        column = pa.repeat(pa.scalar(number, pa.int64()), rows.num_rows)
        ordered = sort(rows.add_column(2, layout.schema.field("sequence"), column), layout)
        if layout is ROLLUP_1M:
            self._mark_hours(rows, number)
        files: list[DataFile] = []
        try:
            for day, part in by_day(ordered, layout):
                files.append(write_file(table.root, layout, day, part, QUICK))
            table.append(files, number)
        except (OSError, pa.ArrowException, HistorianError) as error:
            table.discard(files)
            raise HistorianError(
                f"table {table.root} cannot be written: {error}; it is summed up again later"
            ) from error
        return int(rows.num_rows)

    def _mark_hours(self, rows: pa.Table, number: int) -> None:
        hours = numbers(rows["time"]) // HOUR_US * HOUR_US
        keys = pa.table({"time": hours, "signal": rows["signal"]}).group_by(["time", "signal"])
        found = keys.aggregate([])
        times, signals = found["time"].to_pylist(), found["signal"].to_pylist()
        self._store.due.mark(ROLLUP_1H.name, times, signals, number)


def _of(signals: pa.ChunkedArray, gone: dict[str, int]) -> pa.ChunkedArray:
    known = pa.array(list(gone), pa.string())
    values = pa.array(list(gone.values()), pa.int64()).cast(TIME)
    return values.take(pc.index_in(signals, known))


def _added(level: Level, source: pa.Table, row: dict[str, object], stored: pa.Table) -> pa.Table:
    """Add what came after its step's source was forgotten to the row that is left of it.

    Counts, sum and extremes are exact; the integral and the increase stay as they were, for what
    they were made of is gone. What the row has already (by store time) is not added again.
    """
    signal, time = row["signal"], row["time"]
    own = stored.filter(
        pc.and_(pc.equal(stored["signal"], signal), pc.equal(stored["time"], pa.scalar(time, TIME)))
    ).drop_columns(["sequence"])
    column = level.source.time
    begin = numbers(pa.chunked_array([pa.array([time], TIME)]))[0]
    inside = pc.and_(
        pc.equal(source["signal"], signal),
        pc.and_(
            pc.greater_equal(source[column], pa.scalar(time, TIME)),
            pc.less(source[column], pa.scalar(int(begin) + level.step_us, TIME)),
        ),
    )
    late = source.filter(inside)
    if own.num_rows == 0:
        return level.sum_up(late)
    late = late.filter(pc.greater(late["store_time"], own["store_time"][0]))
    fresh = level.sum_up(late)
    if fresh.num_rows == 0:
        return own.cast(ROWS)
    kept, new = own.to_pylist()[0], fresh.to_pylist()[0]
    return pa.Table.from_pylist([_merged(kept, new)], ROWS)


def _merged(kept: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    merged = dict(kept)
    for name in ("count", "good", "sum"):
        merged[name] = kept[name] + new[name]  # type: ignore[operator]
    merged["store_time"] = new["store_time"]
    sides: tuple[tuple[str, str, Callable[[object, object], bool]], ...] = (
        ("min", "min", lambda a, b: a < b),  # type: ignore[operator]
        ("max", "max", lambda a, b: a > b),  # type: ignore[operator]
        ("first", "first_time", lambda a, b: a < b),  # type: ignore[operator]
        ("last", "last_time", lambda a, b: a > b),  # type: ignore[operator]
    )
    for side, by, better in sides:
        ours, theirs = kept[by], new[by]
        if theirs is not None and (ours is None or better(theirs, ours)):
            merged[side], merged[f"{side}_time"] = new[side], new[f"{side}_time"]
    return merged
