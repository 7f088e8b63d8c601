"""Working time and shifts in UTC, from calendars: what is planned, and when a plant is open."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from genba.plant.calendar import Calendar, Day, Shift
from genba.plant.clock import US
from genba.plant.equipment import Equipment
from genba.plant.model import Plant

Interval = tuple[int, int]
"""Begin (included) and end (not included) in microseconds UTC."""

_DAYS = list(Day)


@dataclass(frozen=True, slots=True)
class ShiftRun:
    """One shift on one day."""

    id: str
    day: dt.date
    """Local date on which it begins."""
    start: int
    end: int
    work: tuple[Interval, ...]
    """Working time without breaks."""


def shifts_between(calendar: Calendar, start: int, end: int) -> list[ShiftRun]:
    """List the shifts of a calendar that touch ``[start, end)``, oldest first."""
    return sorted(
        (run for run in _runs(calendar, start, end) if run.start < end and run.end > start),
        key=lambda run: run.start,
    )


def calendar_of(plant: Plant, unit: Equipment) -> Calendar | None:
    """Return the calendar that a piece of equipment works by, or the nearest one above it."""
    calendars = {calendar.id: calendar for calendar in plant.calendars}
    here: Equipment | None = unit
    while here is not None:
        if here.calendar is not None:
            return calendars.get(here.calendar)
        here = plant.equipment_by_id.get(here.parent) if here.parent is not None else None
    return None


def planned_intervals(calendar: Calendar, start: int, end: int) -> list[Interval]:
    """Working time in ``[start, end)``, oldest first, without overlaps."""
    work = [piece for run in shifts_between(calendar, start, end) for piece in run.work]
    return _merged(clip(piece, start, end) for piece in work)


def planned_busy_s(calendar: Calendar | None, start: int, end: int) -> float | None:
    """Working time in ``[start, end)`` in seconds; None where no calendar says."""
    if calendar is None:
        return None
    return sum(b - a for a, b in planned_intervals(calendar, start, end)) / US


def clip(interval: Interval, start: int, end: int) -> Interval:
    """Cut an interval to ``[start, end)``; an empty one ends where it begins."""
    begin = min(max(interval[0], start), end)
    return begin, max(begin, min(interval[1], end))


def _merged(intervals: Iterator[Interval]) -> list[Interval]:
    """Join what overlaps, so that no second is planned twice."""
    result: list[Interval] = []
    for begin, end in sorted(piece for piece in intervals if piece[0] < piece[1]):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result


def _runs(calendar: Calendar, start: int, end: int) -> Iterator[ShiftRun]:
    zone = ZoneInfo(calendar.timezone)
    first = dt.datetime.fromtimestamp(start / US, zone).date() - dt.timedelta(days=1)
    last = dt.datetime.fromtimestamp(end / US, zone).date()
    day = first
    while day <= last:
        for shift in calendar.shifts:
            if _DAYS[day.weekday()] in shift.days and day not in calendar.holidays:
                yield _run(shift, day, zone)
        day += dt.timedelta(days=1)


def _run(shift: Shift, day: dt.date, zone: ZoneInfo) -> ShiftRun:
    begin = _instant(day, shift.start, zone)
    end = _after(begin, day, shift.end, zone)
    work, cursor = [], begin
    for pause in sorted(_breaks(shift, day, zone, begin)):
        if pause[0] > cursor:
            work.append((cursor, min(pause[0], end)))
        cursor = max(cursor, pause[1])
    if cursor < end:
        work.append((cursor, end))
    return ShiftRun(shift.id, day, begin, end, tuple(work))


def _breaks(shift: Shift, day: dt.date, zone: ZoneInfo, begin: int) -> Iterator[Interval]:
    for pause in shift.breaks:
        start = _instant(day, pause.start, zone)
        if start < begin:  # a break after midnight in a shift that began before
            start = _instant(day + dt.timedelta(days=1), pause.start, zone)
        yield start, start + _length(pause.start, pause.end)


def _length(start: dt.time, end: dt.time) -> int:
    seconds = _seconds(end) - _seconds(start)
    return (seconds if seconds > 0 else seconds + 86_400) * US


def _seconds(moment: dt.time) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _after(begin: int, day: dt.date, end: dt.time, zone: ZoneInfo) -> int:
    same_day = _instant(day, end, zone)
    return same_day if same_day > begin else _instant(day + dt.timedelta(days=1), end, zone)


def _instant(day: dt.date, moment: dt.time, zone: ZoneInfo) -> int:
    return round(dt.datetime.combine(day, moment, zone).timestamp()) * US
