"""Working time as bounds need it: added up, and the earliest end of some work."""

from bisect import bisect_right
from itertools import accumulate

from genba.plan.problem import Calendar, Problem


class OpenTime:
    """The working time of a machine, added up."""

    def __init__(self, calendar: Calendar | None) -> None:
        self.is_always = calendar is None
        windows = () if calendar is None else calendar.windows
        self._starts = [start for start, _ in windows]
        self._ends = [end for _, end in windows]
        self._before = [0, *accumulate(end - start for start, end in windows)]

    def ticks(self, start: int, end: int) -> int:
        """Return the working time in ``[start, end)``."""
        if end <= start:
            return 0
        return end - start if self.is_always else self._until(end) - self._until(start)

    def _until(self, tick: int) -> int:
        at = bisect_right(self._starts, tick)
        if at == 0:
            return 0
        return self._before[at - 1] + min(tick, self._ends[at - 1]) - self._starts[at - 1]


def open_times(problem: Problem) -> list[OpenTime]:
    """Return the working time of each machine."""
    known = {name: OpenTime(calendar) for name, calendar in problem.calendars_by_id.items()}
    always = OpenTime(None)
    return [known.get(machine.calendar or "", always) for machine in problem.machines]


def earliest_end(calendar: Calendar | None, start: int, ticks: int) -> int | None:
    """Return when work of some ticks that begins at ``start`` or later can end at the earliest."""
    if calendar is None or ticks == 0:
        return start + ticks
    rest = ticks
    first = bisect_right(calendar.windows, start, key=lambda window: window[1])
    for begin, end in calendar.windows[first:]:
        free = end - max(begin, start)
        if rest <= free:
            return max(begin, start) + rest
        if calendar.interruptible:
            rest -= free
    return None
