"""Questions that rollups answer: also of steps that are not summed up yet, or must be again."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import HistorianError
from genba.historian.due import DAY_US
from genba.historian.horizon import Horizons
from genba.historian.moving import Store, touched
from genba.historian.reading import Reader, Wanted
from genba.historian.rolling import HOUR_US, HOURS, MINUTE_US, MINUTES, NEWEST, Level, sum_up
from genba.historian.schema import ROLLUP_1H, ROLLUP_1M, SAMPLES, TIME
from genba.historian.summary import ROWS, compose, integral, means, numbers
from genba.plant import US, format_time

LOOK_BACK_US = 7 * 86_400 * US
"""How far before a period the value that held at its start is looked for."""

_BY_SIGNAL = [("signal", "ascending"), ("time", "ascending")]
_SHOWN = (
    *("signal", "time", "count", "good", "mean", "min", "min_time", "max", "max_time"),
    *("first", "last", "sum", "increase"),
)


class Rollups:
    """The rollups of one historian, always as new as its samples.

    Rows that are in the tables and not due come from there; all others are made from the samples
    at once. The order of looking is: spool, list of what is due, tables. A sample that is in none
    of the first two is in a row of the third.
    """

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store, self._reader = store, reader
        self.horizons = Horizons(store.folder.root)

    def rows(self, signals: tuple[str, ...], start: int, end: int, step_us: int) -> pa.Table:
        """Sum up signals over steps; see :meth:`genba.historian.queries.Queries.rollup`."""
        level = self.level(signals, start, step_us)
        fine = self._with_past(level, signals, start, end)
        rows = fine
        if step_us != level.step_us:
            past = pc.less(fine["time"], pa.scalar(start, TIME))
            long = compose(fine.filter(pc.invert(past)), level.step_us, step_us, start)
            rows = pa.concat_tables([fine.filter(past), long]).sort_by(_BY_SIGNAL)
        mean, increase = means(rows, step_us)
        unknown = pa.array(np.isnan(mean))
        told = rows.append_column(
            "mean", pc.if_else(unknown, pa.scalar(None, pa.float64()), pa.array(mean))
        )
        place = told.schema.get_field_index("increase")
        told = told.set_column(place, "increase", pa.array(increase))
        inside = pc.greater_equal(told["time"], pa.scalar(start, TIME))
        return _named(told.filter(inside).select(list(_SHOWN)), level)

    def resample(
        self, signals: tuple[str, ...], start: int, end: int, step_us: int, how: str
    ) -> pa.Table:
        """Answer what ``resample`` asks for from rollups; the last step is whole."""
        level = self.level(signals, start, step_us)
        if how == "time_weighted_mean":
            return _named(self._weighted(level, signals, start, end, step_us), level)
        fine = self._rows(level, Wanted(start, _up(end, level.step_us), signals))
        rows = compose(fine, level.step_us, step_us, start)
        rows = rows.filter(pc.greater(rows["good"], 0))
        value = pc.divide(rows["sum"], rows["good"]) if how == "mean" else rows[_COLUMN[how]]
        columns = {"signal": rows["signal"], "time": rows["time"], "value": value}
        if how == "last":
            columns["text"] = pa.nulls(rows.num_rows, pa.string())
        columns["value"] = columns["value"].cast(pa.float64())
        return _named(pa.table(columns), level)

    def _weighted(
        self, level: Level, signals: tuple[str, ...], start: int, end: int, step_us: int
    ) -> pa.Table:
        edges = np.arange(start, _up(end, level.step_us) + step_us, step_us, dtype=np.int64)
        edges[-1] = min(edges[-1], _up(end, level.step_us))
        fine = self._with_past(level, signals, start, end)
        parts = []
        for name in signals:
            own = fine.filter(pc.equal(fine["signal"], name))
            area, known_s = (np.diff(part) for part in integral(own, level.step_us, edges))
            some = known_s > 0
            parts.append(
                pa.table(
                    {
                        "signal": pa.repeat(name, int(some.sum())),
                        "time": pa.array(edges[:-1][some], TIME),
                        "value": pa.array(area[some] / known_s[some]),
                    }
                )
            )
        return pa.concat_tables(parts)

    def level(self, signals: tuple[str, ...], start: int, step_us: int) -> Level:
        """Choose the coarsest rollup that has such steps.

        Raises
        ------
        HistorianError
            If there is none, or it is kept no longer.
        """
        if step_us > 0 and step_us % HOUR_US == 0 and start % HOUR_US == 0:
            return HOURS
        if step_us <= 0 or step_us % MINUTE_US or start % MINUTE_US:
            raise HistorianError(
                "rollups have steps of whole minutes; begin at a full minute, with a step of 1m "
                "or a multiple"
            )
        gone = self.horizons.before(ROLLUP_1M.name, start)
        for name in signals:
            if name in gone:
                raise HistorianError(
                    f"before {format_time(gone[name])} only rollups of whole hours are kept of "
                    f"{name}; begin at a full hour, with a step of 1h or a multiple"
                )
        return MINUTES

    def _with_past(self, level: Level, signals: tuple[str, ...], start: int, end: int) -> pa.Table:
        """Rows of a period, and before it those that tell what each signal was at its begin."""
        past = []
        missing, until = set(signals), start
        for span in (HOUR_US, 24 * HOUR_US, LOOK_BACK_US):
            if not missing:
                break
            found = self._rows(level, Wanted(start - span, until, tuple(sorted(missing))))
            good = found.filter(pc.greater(found["good"], 0))
            newest = [_newest(found), _newest(good)]
            past.append(pa.concat_tables(newest).group_by(found.column_names).aggregate([]))
            missing -= set(good["signal"].to_pylist())
            until = start - span
        present = self._rows(level, Wanted(start, _up(end, level.step_us), signals))
        past = [part.select(ROWS.names).cast(ROWS) for part in past]
        return pa.concat_tables([*past, present]).sort_by(_BY_SIGNAL)

    def _rows(self, level: Level, wanted: Wanted) -> pa.Table:
        """Rows of a rollup, one of each signal and step, sorted."""
        if not self._store.due.exists:  # nothing was ever summed up here
            return self._made(level, wanted)
        due = self._due(level, wanted)
        stored = self._reader.table(level.target, wanted, NEWEST).select(ROWS.names).cast(ROWS)
        if due.num_rows == 0:
            return stored
        times = numbers(due["time"])
        made = self._made(
            level,
            replace(
                wanted,
                start=int(times.min()),
                end=int(times.max()) + level.step_us,
                signals=tuple(pc.unique(due["signal"]).to_pylist()),
            ),
        )
        keys = ["signal", "time"]
        kept = stored.join(due, keys, join_type="left anti")
        fresh = made.join(due, keys, join_type="left semi")
        return pa.concat_tables([kept.cast(ROWS), fresh.cast(ROWS)]).sort_by(_BY_SIGNAL)

    def _made(self, level: Level, wanted: Wanted) -> pa.Table:
        if level is MINUTES:
            return sum_up(self._reader, self.horizons, level, wanted)
        gone = self.horizons.before(ROLLUP_1M.name, wanted.start or 0)
        if set(gone) & set(wanted.signals or ()):
            return sum_up(self._reader, self.horizons, level, wanted)
        return compose(self._rows(MINUTES, wanted), MINUTE_US, HOUR_US)

    def _due(self, level: Level, wanted: Wanted) -> pa.Table:
        """Signals and steps of a period that the table has not, or not as they are now."""
        _, tail = self._reader.view(SAMPLES, wanted)
        inside = [touched(tail, level.step_us)]
        names = [ROLLUP_1M.name] if level is MINUTES else [ROLLUP_1M.name, ROLLUP_1H.name]
        for name in names:
            steps = self._store.due.steps(name)
            floor = numbers(steps["time"]) // level.step_us * level.step_us
            inside.append(pa.table({"signal": steps["signal"], "time": pa.array(floor).cast(TIME)}))
            inside.append(self._due_days(name, level, wanted))
        due = pa.concat_tables(inside).group_by(["signal", "time"]).aggregate([])
        due = due.filter(pc.is_in(due["signal"], pa.array(wanted.signals)))
        due = due.filter(pc.greater_equal(due["time"], pa.scalar(wanted.start, TIME)))
        return due.filter(pc.less(due["time"], pa.scalar(wanted.end, TIME)))

    def _due_days(self, name: str, level: Level, wanted: Wanted) -> pa.Table:
        """Every step of the days that are due, as far as they are asked for."""
        found = [np.empty(0, np.int64)]
        for day in numbers(self._store.due.days(name)["time"]):
            start = max(int(day), wanted.start or 0)
            end = min(int(day) + DAY_US, wanted.end or 0)
            found.append(np.arange(start // level.step_us * level.step_us, end, level.step_us))
        times = np.concatenate(found)
        signals = wanted.signals or ()
        return pa.table(
            {
                "signal": pa.array(np.repeat(np.array(signals, object), len(times)), pa.string()),
                "time": pa.array(np.tile(times, len(signals)), pa.int64()).cast(TIME),
            }
        )


_COLUMN = {"min": "min", "max": "max", "sum": "sum", "count": "good", "last": "last"}


def _newest(rows: pa.Table) -> pa.Table:
    """The last row of each signal."""
    if rows.num_rows == 0:
        return rows
    signals = rows["signal"].to_pylist()
    last = [i for i in range(len(signals)) if i + 1 == len(signals) or signals[i + 1] != signals[i]]
    return rows.take(pa.array(last))


def _up(time: int, step_us: int) -> int:
    return -(-time // step_us) * step_us


def _named(table: pa.Table, level: Level) -> pa.Table:
    """Say in the table what it was made of."""
    return table.replace_schema_metadata({"genba.source": level.target.name})
