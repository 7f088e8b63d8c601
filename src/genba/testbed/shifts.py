"""Working time in plant microseconds, from the calendars of the plant file."""

import datetime as dt
from bisect import bisect_right
from zoneinfo import ZoneInfo

from genba.plant import US, Calendar, Day

_DAYS = list(Day)


class WorkingTime:
    """Answers whether a calendar is working at a time; None works always."""

    def __init__(self, calendar: Calendar | None, start: int, days: int = 60) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._always = calendar is None
        if calendar is not None:
            for begin, end in _intervals(calendar, start, days):
                if self._ends and begin <= self._ends[-1]:
                    self._ends[-1] = max(self._ends[-1], end)
                else:
                    self._starts.append(begin)
                    self._ends.append(end)

    def working(self, now: int) -> bool:
        """Whether ``now`` lies in a shift and in no break."""
        if self._always:
            return True
        index = bisect_right(self._starts, now) - 1
        return index >= 0 and now < self._ends[index]

    def changes_after(self, now: int) -> int:
        """When the answer changes next, microseconds UTC."""
        if self._always:
            return now + 365 * 86_400 * US
        moments = [t for t in (*self._starts, *self._ends) if t > now]
        return min(moments, default=now + 365 * 86_400 * US)


class LocalHour:
    """The hour of the day in a time zone, 0 to 24, cheap enough for every second."""

    def __init__(self, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)
        self._offset_h = 0.0
        self._until = 0

    def at(self, now: int) -> float:
        """Hour at plant time ``now``."""
        if now >= self._until:
            offset = dt.datetime.fromtimestamp(now / US, self._zone).utcoffset() or dt.timedelta()
            self._offset_h = offset / dt.timedelta(hours=1)
            self._until = now - now % (900 * US) + 900 * US
        return (now / (3600 * US) + self._offset_h) % 24.0


def _intervals(calendar: Calendar, start: int, days: int) -> list[tuple[int, int]]:
    zone = ZoneInfo(calendar.timezone)
    first = dt.datetime.fromtimestamp(start / US, zone).date() - dt.timedelta(days=1)
    found: list[tuple[int, int]] = []
    for offset in range(days):
        date = first + dt.timedelta(days=offset)
        if date in calendar.holidays:
            continue
        for shift in calendar.shifts:
            if _DAYS[date.weekday()] not in shift.days:
                continue
            begin = _moment(date, shift.start, zone)
            end = _moment(date, shift.end, zone)
            if end <= begin:
                end = _moment(date + dt.timedelta(days=1), shift.end, zone)
            for pause in sorted(shift.breaks, key=lambda p: _after(p.start, shift.start)):
                late = dt.timedelta(days=pause.start < shift.start)
                pause_begin = _moment(date + late, pause.start, zone)
                late = dt.timedelta(days=pause.end < shift.start)
                pause_end = _moment(date + late, pause.end, zone)
                found.append((begin, pause_begin))
                begin = pause_end
            found.append((begin, end))
    return sorted(found)


def _after(moment: dt.time, start: dt.time) -> tuple[bool, dt.time]:
    return (moment < start, moment)


def _moment(date: dt.date, time: dt.time, zone: ZoneInfo) -> int:
    return int(dt.datetime.combine(date, time, zone).timestamp() * US)
