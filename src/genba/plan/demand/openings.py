"""When machines and people work, as a problem's calendars."""

from bisect import bisect_right
from collections.abc import Sequence

from genba.plan.demand.scale import Scale
from genba.plan.problem import Calendar, Window
from genba.plant import Calendar as PlantCalendar
from genba.plant import Plant
from genba.plant.worktime import calendar_of, planned_intervals

WHOLE = ":whole"
"""Marks the form of a calendar in which work that has begun is not interrupted."""


class Openings:
    """Makes the calendars that machines and people ask for, each once.

    A machine stops at the end of a shift and goes on in the next one. A batch does not: what is in
    the furnace stays under heat, so it must fit into one stretch of working time.
    """

    def __init__(self, plant: Plant, scale: Scale, until: int) -> None:
        self._plant = plant
        self._scale = scale
        self._until = until
        self._windows: dict[str, tuple[Window, ...]] = {}
        self._by_id = {calendar.id: calendar for calendar in plant.calendars}
        self._made: dict[str, Calendar] = {}

    @property
    def calendars(self) -> tuple[Calendar, ...]:
        """Those that were asked for."""
        return tuple(self._made[name] for name in sorted(self._made))

    def of_machine(self, machine: str, batches: bool) -> str | None:
        """Return the id of a machine's calendar, None where it always works."""
        found = calendar_of(self._plant, self._plant.equipment_by_id[machine])
        return None if found is None else self._make(found, whole=batches)

    def of_people(self, calendar: str | None) -> str | None:
        """Return the id of the calendar that people work by, None where they always do."""
        found = self._by_id.get(calendar or "")
        return None if found is None else self._make(found, whole=False)

    def windows(self, name: str | None) -> tuple[Window, ...] | None:
        """Return the windows of a calendar made here; None: always open."""
        return None if name is None else self._made[name].windows

    def _make(self, calendar: PlantCalendar, whole: bool) -> str:
        name = calendar.id + (WHOLE if whole else "")
        if name not in self._made:
            if calendar.id not in self._windows:
                self._windows[calendar.id] = windows_of(calendar, self._scale, self._until)
            self._made[name] = Calendar(name, self._windows[calendar.id], interruptible=not whole)
        return name


def windows_of(calendar: PlantCalendar, scale: Scale, until: int) -> tuple[Window, ...]:
    """Return the working time of a calendar from tick 0 to plant time ``until``.

    Windows are rounded inwards; shifts that follow each other directly make one.
    """
    windows = (
        (max(0, scale.after(start)), scale.before(end))
        for start, end in planned_intervals(calendar, scale.zero, until)
    )
    return tuple((start, end) for start, end in windows if start < end)


def advance(windows: Sequence[Window] | None, start: int, ticks: int) -> int | None:
    """Return when ``ticks`` of work that begins at ``start`` end, with pauses while closed.

    None where the windows do not last so long.
    """
    if windows is None:
        return start + ticks
    at = max(0, bisect_right(windows, (start, start)) - 1)
    for begin, end in windows[at:]:
        open_from = max(begin, start)
        if open_from >= end:
            continue
        if ticks <= end - open_from:
            return open_from + ticks
        ticks -= end - open_from
    return None
