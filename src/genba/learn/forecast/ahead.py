"""From a data set that says what was to one that asks what comes next.

The target of a row becomes the value of the next row; what the row itself holds, the target's own
value included, is then known before the answer. Columns that give the target away at the same
moment must be gone before: the leakage check looks for them in the data set as it was.
"""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers
from genba.learn.data.column import Column, ColumnKind, Known
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import runs_of

HOUR = "hour of the day"
WEEKDAY = "day of the week"


def ahead(data: Dataset, *, zone: str = "UTC") -> Dataset:
    """Ask for the next row's target, with the target's present value and the calendar as columns.

    Parameters
    ----------
    data : Dataset
        Rows of each unit evenly apart, with a number as target.
    zone : str
        Time zone in which people work; its name is that of the IANA data base.

    Returns
    -------
    Dataset
        A column of the target's name comes first; the target of a unit's last row is unknown.
        Where the rows have times, hour (0 to 24) and weekday (0 is Monday) of the *next* row
        follow at the end.

    Raises
    ------
    LearnError
        If there is no target, it is a class or a column already, or there is no such zone.
    """
    labels = data.labels()
    target = data.target
    assert target is not None  # noqa: S101 - labels() looked
    if target.is_class or target.name in data.names:
        raise LearnError(
            f"target '{target.name}' of '{data.name}' is a class or a column too; "
            "a forecast takes a number that is named once"
        )
    following = np.full(data.rows, np.nan)
    for run in runs_of(data):
        following[run[:-1]] = labels[run[1:]]
    own = Column(target.name, target.unit, signal=target.signal, known=Known.BEFORE)
    columns = [own, *(_before(column) for column in data.columns)]
    values = [labels, *data.values.T]
    known = data.time
    if data.timed and data.rows > 1:
        known = data.time + step_us(data)
        columns += [_calendar(HOUR, "h"), _calendar(WEEKDAY, "1")]
        values += list(_hours_and_days(known, zone))
    return replace(
        data,
        columns=tuple(columns),
        values=np.column_stack(values),
        target=replace(target, values=following, known=known),
        lineage=data.lineage.then(f"one row ahead; calendar of {zone}"),
    )


def step_us(data: Dataset) -> int:
    """Return how far apart rows usually are, in microseconds.

    Raises
    ------
    LearnError
        If rows are not apart, or unevenly so: lags would mean different times.
    """
    units = data.units
    steps = np.diff(data.time)[units[1:] == units[:-1]]
    if len(steps) == 0 or np.median(steps) <= 0:
        raise LearnError(f"rows of '{data.name}' are not apart in time; give one row for each step")
    usual = int(np.median(steps))
    uneven = float(np.mean(np.abs(steps - usual) > 0.01 * usual))
    if uneven > 0.05:
        raise LearnError(
            f"{uneven:.0%} of the rows of '{data.name}' are not {usual / 1e6:g} s apart; "
            "resample them to even steps, for lags mean times"
        )
    return usual


def _before(column: Column) -> Column:
    return column if column.known is Known.AFTER else replace(column, known=Known.BEFORE)


def _calendar(name: str, unit: str) -> Column:
    return Column(name, unit, ColumnKind.CONTEXT, known=Known.BEFORE)


def _hours_and_days(time: Integers, zone: str) -> tuple[Floats, Floats]:
    """Return hour of the day and day of the week in a zone, (rows,) each."""
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise LearnError(f"there is no time zone '{zone}'; write it like Europe/Berlin") from None
    hours, place = np.unique(time // 3_600_000_000, return_inverse=True)
    offset = np.array(
        [
            datetime.fromtimestamp(int(hour) * 3600, UTC).astimezone(there).utcoffset()
            for hour in hours
        ],
        "timedelta64[us]",
    ).astype(np.int64)[place]
    local = time + offset
    day = local // 86_400_000_000
    return (local % 86_400_000_000) / 3.6e9, ((day + 3) % 7).astype(np.float64)
