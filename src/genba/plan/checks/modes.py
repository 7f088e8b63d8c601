"""Why a mode of an operation can never be: machine, tools, people, families, power, calendars."""

from collections.abc import Callable

from genba.plan.problem import Attendance, Machine, Mode, Operation, Problem
from genba.plan.timing import columns as c
from genba.plan.timing.stretches import Stretches


def why_not(problem: Problem) -> Callable[[Operation, Mode], str | None]:
    """Return a function that says what stands against a mode, with the mend; None: nothing."""
    skills = {skill for group in problem.staff for skill in group.skills}
    longest = _Longest(problem)

    def reason(operation: Operation, mode: Mode) -> str | None:
        machine = problem.machines_by_id.get(mode.machine)
        if machine is None:
            return f"there is no machine {mode.machine} that works; add it or another way"
        for tool in mode.tools:
            if problem.tools.get(tool, 0) < 1:
                known = f"there are 0 of tool {tool}" if tool in problem.tools else ""
                return f"{known or f'there is no tool {tool}'}; add one"
        if mode.skill is not None and mode.skill not in skills:
            return f"nobody has skill {mode.skill}; train somebody or add staff"
        cap = problem.energy.cap_kw
        if cap is not None and mode.power_kw > cap:
            return f"it draws {mode.power_kw:g} kW; no more than {cap:g} kW may be drawn"
        return _family_fault(problem, machine, mode) or (
            None if operation.fixed is not None else longest.fault(machine, mode)
        )

    return reason


def _family_fault(problem: Problem, machine: Machine, mode: Mode) -> str | None:
    if machine.setup is None or mode.family is None:
        return None
    if mode.family in problem.setups_by_id[machine.setup].families:
        return None
    return (
        f"family {mode.family} is not in set-up matrix {machine.setup} of machine {machine.id};"
        " add it"
    )


class _Longest:
    """The longest working time that calendars give without an end of the stretch."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._stretches = Stretches(problem)
        self._found: dict[int, tuple[int, int]] = {}
        self._setup: dict[tuple[str, str], int] = {}

    def fault(self, machine: Machine, mode: Mode) -> str | None:
        """Return why no calendar has room for a mode."""
        wanted = mode.ticks + self._least_setup(machine, mode)
        if wanted == 0:
            return None
        whole = mode.skill is not None and mode.attendance is Attendance.WHOLE
        groups: list[str | None] = [None]
        if whole:
            groups = [g.id for g in self._problem.staff if mode.skill in g.skills]
        best = 0
        for group in groups:
            calendar = self._stretches.of_machine(machine.id, group)
            if calendar < 0:
                return None
            best = max(best, self._longest(calendar, machine.free_from))
        if wanted <= best:
            return None
        who = f"calendar {machine.calendar} of machine {machine.id}"
        if whole:
            who += f" together with people of skill {mode.skill}"
        return f"it takes {wanted} ticks; {who} leaves {best} at most: lengthen a window"

    def _least_setup(self, machine: Machine, mode: Mode) -> int:
        if machine.setup is None or mode.family is None:
            return 0
        key = machine.setup, mode.family
        if key not in self._setup:
            matrix = self._problem.setups_by_id[machine.setup]
            column = matrix.families.index(mode.family)
            rows = (*matrix.times, matrix.first)
            self._setup[key] = min(row[column] for row in rows)
        return self._setup[key]

    def _longest(self, calendar: int, free_from: int) -> int:
        """Return the most open ticks of a stretch, after the machine is free."""
        at, most = self._found.get(calendar, (free_from - 1, 0))
        if at == free_from:
            return most
        windows, windows_at = self._stretches.tables()
        by_stretch: dict[int, int] = {}
        for row in windows[windows_at[calendar] : windows_at[calendar + 1]].tolist():
            ticks = row[c.C_END] - max(row[c.C_START], free_from)
            stretch = row[c.C_STRETCH]
            by_stretch[stretch] = by_stretch.get(stretch, 0) + max(0, ticks)
        most = max(by_stretch.values(), default=0)
        self._found[calendar] = free_from, most
        return most
