"""The ways in which an operation can be done: a mode with the group that a person comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from genba.plan.problem import Attendance, Calendar, Machine, Mode, Operation, Problem, Window
from genba.plan.worktime import open_pieces

Windows = tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """One mode, one staff group, and the calendars that follow from both."""

    mode: Mode
    machine: Machine
    staff: str | None
    whole: bool
    """Whether the person stays to the end."""
    pauses_setup: Windows | None
    """When a set-up goes on, of calendars that only pause; None: always."""
    pauses_work: Windows | None
    """When processing goes on, of calendars that only pause."""
    machine_windows: Windows | None
    """Set-up and processing must stand in one of these."""
    staff_windows: Windows | None
    """What the person is there for must stand in one of these."""
    has_setups: bool
    """Whether a set-up into this way can take time at all."""


class Ways:
    """Finds the ways of operations; windows from ``horizon`` on are cut off."""

    def __init__(self, problem: Problem, horizon: int) -> None:
        self._problem = problem
        self._groups = {group.id: group for group in problem.staff}
        self._windows = {
            c.id: tuple((s, min(e, horizon)) for s, e in c.windows if s < horizon)
            for c in problem.calendars
        }
        self._setups_take_time = cache(self._any_setup)
        self._both = cache(_cut)

    def of(self, operation: Operation) -> list[Way]:
        """Return the ways, those of the first mode first.

        Of two modes on one machine that take equally long only the first can be told in a plan.
        """
        found: list[Way] = []
        told: set[tuple[str, int]] = set()
        for mode in operation.modes:
            if (mode.machine, mode.ticks) not in told:
                told.add((mode.machine, mode.ticks))
                found += self._of_mode(mode)
        return found

    def _of_mode(self, mode: Mode) -> list[Way]:
        machine = self._problem.machines_by_id[mode.machine]
        has_setups = self._setups_take_time(machine.setup, mode.family)
        whole = mode.attendance is Attendance.WHOLE
        attended = mode.skill is not None and (whole or has_setups)
        groups: Sequence[str | None] = [None]
        if attended:
            groups = [g.id for g in self._problem.staff if mode.skill in g.skills]
        return [self._way(mode, machine, group, whole, has_setups) for group in groups]

    def _way(
        self, mode: Mode, machine: Machine, group: str | None, whole: bool, has_setups: bool
    ) -> Way:
        calendars = self._problem.calendars_by_id
        own = None if machine.calendar is None else calendars[machine.calendar]
        theirs = None
        if group is not None and (calendar := self._groups[group].calendar) is not None:
            theirs = calendars[calendar]
        own_pause, own_fixed = self._split(own)
        their_pause, their_fixed = self._split(theirs)
        both = self._both(own_pause, their_pause)
        if mode.ticks == 0 and not has_setups:  # takes no time, so no calendar minds
            own_pause = own_fixed = their_fixed = both = None
        return Way(
            mode,
            machine,
            group,
            whole and group is not None,
            both if has_setups else None,
            both if whole and group is not None else own_pause,
            own_fixed,
            their_fixed,
            has_setups,
        )

    def _split(self, calendar: Calendar | None) -> tuple[Windows | None, Windows | None]:
        """Return the windows of a calendar as (pausing, not pausing)."""
        if calendar is None:
            return None, None
        windows = self._windows[calendar.id]
        return (windows, None) if calendar.interruptible else (None, windows)

    def _any_setup(self, matrix: str | None, family: str | None) -> bool:
        if matrix is None or family is None:
            return False
        found = self._problem.setups_by_id[matrix]
        column = found.families.index(family)
        return found.first[column] > 0 or any(row[column] > 0 for row in found.times)


def _cut(one: Windows | None, other: Windows | None) -> Windows | None:
    if one is None or other is None or one == other:
        return one if other is None else other
    calendar = Calendar("", other)
    return tuple(piece for start, end in one for piece in open_pieces([calendar], start, end))
