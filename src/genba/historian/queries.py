"""Questions to the historian, answered as Arrow tables."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from genba.errors import HistorianError
from genba.historian import gap_report, grid
from genba.historian.moving import Store
from genba.historian.reading import Reader, Wanted, check_period, check_signals
from genba.historian.rolled import LOOK_BACK_US, Rollups
from genba.historian.rolling import MINUTE_US
from genba.historian.schema import OPERATIONS, SAMPLES, TIME, Layout, records_layout
from genba.plant import US, Quality

How = Literal["mean", "min", "max", "last", "sum", "count", "time_weighted_mean"]
"""How samples within a step become one."""

LONG_US = 2 * 86_400 * US
"""Periods from which on rollups answer, where they can do it exactly."""

_AGGREGATES = {
    "mean": "avg(value)",
    "min": "min(value)",
    "max": "max(value)",
    "sum": "sum(value)",
    "count": "count(*)::DOUBLE",
    "last": "last(value ORDER BY source_time, sequence)",
}
_ALL = "SELECT * FROM rows ORDER BY signal, source_time, sequence"
_LAST = (
    "SELECT * FROM rows QUALIFY row_number() OVER"
    " (PARTITION BY signal ORDER BY source_time DESC, sequence DESC) = 1"
)


class Queries:
    """The reading half of the historian. Periods are ``[start, end)`` in microseconds UTC."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader = Reader(store)
        self._rollups = Rollups(store, self._reader)

    def ask(self, layout: Layout, wanted: Wanted, query: str) -> pa.Table:
        """Run SQL of this room's own, in which ``rows`` stands for the wanted rows of a table."""
        return self._reader.table(layout, wanted, query)

    def samples(self, signals: Sequence[str], start: int, end: int) -> pa.Table:
        """Read samples as they were stored, sorted by signal, source time and sequence.

        Raises
        ------
        HistorianError
            If ``signals`` is empty or ``end`` is not after ``start``.
        """
        check_period(start, end)
        wanted = Wanted(start, end, check_signals(signals))
        return self._samples(wanted)

    def _samples(self, wanted: Wanted) -> pa.Table:
        table = self._reader.table(SAMPLES, wanted, _ALL)
        return table.cast(SAMPLES.schema)

    def stream(
        self, signals: Sequence[str], start: int, end: int, rows: int = 100_000
    ) -> Iterator[pa.RecordBatch]:
        """Read samples like :meth:`samples`, piece by piece, for more than fits in memory."""
        check_period(start, end)
        wanted = Wanted(start, end, check_signals(signals))
        return self._reader.stream(SAMPLES, wanted, _ALL, rows)

    def resample(
        self, signals: Sequence[str], start: int, end: int, step_us: int, how: How = "mean"
    ) -> pa.Table:
        """Make one value out of all samples of a signal within a step.

        Steps begin at ``start``; a row's ``time`` is the begin of its step. Samples of bad quality,
        without a number or not finite do not count. A step with nothing to count has no row.
        ``time_weighted_mean`` weighs each value by how long it held, also the one that held at
        ``start`` already.

        Where samples of the period are not kept any more, and for periods of two days and more that
        begin and end at full minutes, rollups answer; the schema's metadata ``genba.source`` says
        which: ``samples``, ``rollup_1m`` or ``rollup_1h``. Where samples are gone, the last step is
        a whole one.

        Returns
        -------
        pa.Table
            ``signal``, ``time``, ``value``; with ``how="last"`` also ``text``.

        Raises
        ------
        HistorianError
            If ``how`` is unknown, the step is not positive, or as with :meth:`samples`.
        """
        check_period(start, end)
        names = check_signals(signals)
        if how not in get_args(How):
            raise HistorianError(f"'{how}' is no way to resample; use {', '.join(get_args(How))}")
        grid.points(start, end, step_us)
        if self._by_rollups(names, start, end, step_us, how):
            return self._rollups.resample(names, start, end, step_us, how)
        return self._resample(names, start, end, step_us, how).replace_schema_metadata(
            {"genba.source": SAMPLES.name}
        )

    def _by_rollups(
        self, signals: tuple[str, ...], start: int, end: int, step_us: int, how: How
    ) -> bool:
        """Whether rollups must answer, or answer the same sooner (they know no texts)."""
        gone = self._rollups.horizons.before(SAMPLES.name, start)
        if any(name in gone for name in signals):
            return True
        whole = not any(number % MINUTE_US for number in (start, end, step_us))
        return whole and end - start >= LONG_US and how not in ("count", "last")

    def _resample(
        self, names: tuple[str, ...], start: int, end: int, step_us: int, how: How
    ) -> pa.Table:
        if how == "time_weighted_mean":
            times = grid.points(start, end, step_us)
            return grid.time_weighted_mean(
                self._with_past(names, start, end), names, times, step_us, end
            )
        bucket = f"{start} + (epoch_us(source_time) - {start}) // {step_us} * {step_us}"
        good = f"quality < {int(Quality.BAD)}"
        columns, test = f"{_AGGREGATES[how]} AS value", "isfinite(value)"
        if how in ("last", "count"):
            test = "(isfinite(value) OR text IS NOT NULL)"
        if how == "last":
            columns += ", last(text ORDER BY source_time, sequence) AS text"
        return self._reader.table(
            SAMPLES,
            Wanted(start, end, names),
            f"SELECT signal, make_timestamptz({bucket}) AS time, {columns} FROM rows"  # noqa: S608
            f" WHERE {good} AND {test} GROUP BY ALL ORDER BY signal, time",
        )

    def rollup(self, signals: Sequence[str], start: int, end: int, step_us: int) -> pa.Table:
        """Sum up signals over steps of whole minutes, with extremes and when they were.

        What was stored a moment ago is in it. A step without samples has no row.

        Returns
        -------
        pa.Table
            ``signal``, ``time`` (begin of the step), ``count`` (samples), ``good`` (of good or
            uncertain quality, with a finite number: only these count for the rest), ``mean``
            (time-weighted; null where unknown), ``min``, ``min_time``, ``max``, ``max_time``,
            ``first``, ``last``, ``sum``, ``increase`` (how far a counter came, also from the sample
            before; where it falls, it began again at zero). Metadata as with :meth:`resample`.

        Raises
        ------
        HistorianError
            If start or step is no multiple of a minute, or only rollups of an hour are kept and
            they are no multiples of an hour; or as with :meth:`samples`.
        """
        check_period(start, end)
        return self._rollups.rows(check_signals(signals), start, end, step_us)

    def asof(
        self,
        signals: Sequence[str],
        start: int,
        end: int,
        step_us: int | None = None,
        *,
        on: str | None = None,
    ) -> pa.Table:
        """Look at several signals at the same times: the last sample at or before each.

        The times are a grid from ``start`` with ``step_us``, or the source times of signal ``on``.
        A value that was set up to seven days before ``start`` still holds. It is null where
        nothing is known or the last sample is of bad quality.

        Returns
        -------
        pa.Table
            ``time`` and a column per signal, float64 or text.

        Raises
        ------
        HistorianError
            If not exactly one of ``step_us`` and ``on`` is given, or as with :meth:`samples`.
        """
        check_period(start, end)
        names = check_signals(signals)
        if (step_us is None) == (on is None):
            raise HistorianError("give either a step or a signal whose times to use, not both")
        if step_us is not None:
            times = grid.points(start, end, step_us)
        else:
            column = self.samples([str(on)], start, end)["source_time"]
            times = pc.unique(column.cast(pa.int64())).to_numpy()
        return grid.asof(self._with_past(names, start, end), names, times)

    def _with_past(self, signals: tuple[str, ...], start: int, end: int) -> pa.Table:
        """Samples of a period, and the last one before it of each signal."""
        missing = set(signals)
        past = []
        until = start
        for span in (3600 * US, 86_400 * US, LOOK_BACK_US):
            if not missing:
                break
            found = self._reader.table(
                SAMPLES,
                Wanted(start - span, until, tuple(sorted(missing))),
                _LAST,
            ).cast(SAMPLES.schema)
            missing -= set(found["signal"].to_pylist())
            past.append(found)
            until = start - span
        present = self._samples(Wanted(start, end, signals))
        return pa.concat_tables([*past, present])

    def rows(
        self, name: str, start: int | None = None, end: int | None = None, **equals: Any
    ) -> pa.Table:
        """Read records of a period, sorted by time; ``equals`` are columns and their values.

        Raises
        ------
        HistorianError
            If the table or a column is unknown, or the period is empty.
        """
        layout = records_layout(name)
        if start is not None and end is not None:
            check_period(start, end)
        wanted = Wanted(start, end, equals=equals)
        table = self._reader.table(layout, wanted, "SELECT * FROM rows ORDER BY time, sequence")
        return table.cast(layout.schema)

    def gaps(
        self,
        signals: Sequence[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        *,
        open_only: bool = False,
    ) -> pa.Table:
        """Read the gap ledger: what of signals was never received, and why.

        Returns
        -------
        pa.Table
            Entries that touch the period, by start: ``signal``, ``connection``, ``start``, ``end``
            (null while it lasts), ``reason``, ``detail``, ``recovery``, ``recovered`` (samples
            that came after all) and ``id``. :func:`genba.historian.gap_report.summary` sums up.

        Raises
        ------
        HistorianError
            If ``signals`` is empty or the period is.
        """
        return gap_report.gaps(self._reader, signals, start, end, open_only=open_only)

    def newest(
        self, name: str, by: str, start: int | None = None, end: int | None = None
    ) -> pa.Table:
        """Read the newest record for each value of a column: the one acknowledged last.

        Raises
        ------
        HistorianError
            If the table or the column is unknown, or the period is empty.
        """
        layout = records_layout(name)
        if by not in layout.schema.names:
            raise HistorianError(f"table '{name}' has no column '{by}'")
        if start is not None and end is not None:
            check_period(start, end)
        table = self._reader.table(
            layout,
            Wanted(start, end),
            f'SELECT * FROM rows QUALIFY row_number() OVER (PARTITION BY "{by}"'  # noqa: S608
            " ORDER BY sequence DESC) = 1 ORDER BY time, sequence",
        )
        return table.cast(layout.schema)

    def of_operation(self, operation: str, signals: Sequence[str] | None = None) -> pa.Table:
        """Read samples within an operation's time, by the id of its record.

        Parameters
        ----------
        operation : str
            The record's ``id``.
        signals : sequence of str, optional
            Ids, or short names (without ``.``) of signals of the operation's equipment; all of
            the equipment's signals when left out.

        Returns
        -------
        pa.Table
            ``operation`` (its id), ``lot``, ``equipment`` and the columns of :meth:`samples`.

        Raises
        ------
        HistorianError
            If there is no such operation.
        """
        found = self.rows(OPERATIONS.name, id=operation)
        if found.num_rows == 0:
            raise HistorianError(f"the historian knows no operation '{operation}'; check the id")
        return self._of_records(found, signals)

    def of_lot(self, lot: str, signals: Sequence[str] | None = None) -> pa.Table:
        """Read samples within all operations of a lot, like :meth:`of_operation`.

        Raises
        ------
        HistorianError
            If no operation of that lot has ended yet.
        """
        found = self.rows(OPERATIONS.name, lot=lot)
        if found.num_rows == 0:
            raise HistorianError(f"the historian knows no ended operation of lot '{lot}'")
        return self._of_records(found, signals)

    def _of_records(self, records: pa.Table, signals: Sequence[str] | None) -> pa.Table:
        names = None if signals is None else check_signals(signals)
        parts = []
        for record in records.to_pylist():
            equipment = record["equipment"]
            start, end = (microseconds(record[side]) for side in ("start", "end"))
            if names is None:
                wanted = Wanted(start, end, prefix=f"{equipment}.")
            else:
                full = tuple(n if "." in n else f"{equipment}.{n}" for n in names)
                wanted = Wanted(start, end, full)
            part = self._samples(wanted)
            for column in ("equipment", "lot", "operation"):
                value = record["id"] if column == "operation" else record[column]
                named = pa.repeat(pa.scalar(value, pa.string()), part.num_rows)
                part = part.add_column(0, column, named)
            parts.append(part)
        return pa.concat_tables(parts)


def microseconds(moment: Any) -> int:
    """Turn a time from a table into microseconds."""
    return int(pa.scalar(moment, TIME).cast(pa.int64()).as_py())
