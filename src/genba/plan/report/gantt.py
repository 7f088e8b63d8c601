"""A plan as what a Gantt chart shows: rows, bars, closed times. No drawing, no pixels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from genba.plan.demand.scale import moment, scale_of, span
from genba.plan.problem import Calendar, Operation, Problem, Window
from genba.plan.schedule import Assignment, Leg, Plan
from genba.plan.values import completions
from genba.plan.worktime import open_pieces

COLORS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442", "#332288"),
    *("#999999", "#8C6D31", "#B3DE69"),
)
"""Told apart with any kind of color vision, and from the red that marks what is late: the palette
of Okabe and Ito (2008) without its vermilion, and three more."""


class BarKind(StrEnum):
    """What a bar stands for."""

    SETUP = "setup"
    RUN = "run"
    EMPTY = "empty"
    """A vehicle drives to fetch something."""
    CARRY = "carry"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. Times in ticks."""

    row: int
    kind: BarKind
    start: int
    end: int
    pieces: tuple[Window, ...]
    """Where something happens: ``[start, end)`` without the times at which the row is closed."""
    label: str
    """Short, for the bar itself."""
    jobs: tuple[str, ...]
    group: int
    """Place of its product in the chart's ``groups``; -1 where that is not known."""
    late: bool
    lines: tuple[str, ...]
    """What there is to say about it, but for its own times."""


@dataclass(frozen=True, slots=True)
class Row:
    """A machine or a vehicle."""

    id: str
    is_vehicle: bool
    closed: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Gantt:
    """Everything that is drawn. Tick 0 is now, at plant time ``zero`` (0: no plant)."""

    title: str
    facts: tuple[str, ...]
    """Lines below the title."""
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    groups: tuple[str, ...]
    end: int
    zero: int
    tick_s: float
    timezone: str

    def color(self, group: int) -> str:
        """Return the color of a product; they repeat after ten."""
        return COLORS[group % len(COLORS)]


def gantt(
    problem: Problem,
    plan: Plan,
    *,
    products: Mapping[str, str] | None = None,
    title: str = "Plan",
    facts: Sequence[str] = (),
    timezone: str = "UTC",
) -> Gantt:
    """Lay out a plan as a chart.

    Parameters
    ----------
    problem, plan : Problem, Plan
        What was asked and what came of it.
    products : mapping, optional
        Product of each job, for the colors; without it the orders give them.
    title, facts : str, sequence of str
        Stand above the chart.
    timezone : str
        For the time axis.
    """
    of_job = products or {job.id: job.order or job.id for job in problem.jobs}
    groups = tuple(sorted({of_job[job.id] for job in problem.jobs if job.id in of_job}))
    end = max((*(a.end for a in plan.assignments), *(leg.end for leg in plan.legs), 1))
    rows = (*_machine_rows(problem, end), *_vehicle_rows(problem, plan))
    painter = _Painter(problem, rows, of_job, groups, timezone, late_jobs(problem, plan))
    bars = (*painter.work(plan), *painter.transport(plan))
    return Gantt(
        title, tuple(facts), rows, bars, groups, end, problem.zero, problem.tick_s, timezone
    )


def late_jobs(problem: Problem, plan: Plan) -> dict[str, int]:
    """Return the jobs that are done after their due date, and by how many ticks."""
    late = {}
    for job, end in completions(problem, plan).items():
        due = problem.jobs_by_id[job].due
        if due is not None and end > due:
            late[job] = end - due
    return late


def _machine_rows(problem: Problem, end: int) -> Iterator[Row]:
    for machine in problem.machines:
        calendar = problem.calendars_by_id.get(machine.calendar or "")
        yield Row(machine.id, False, () if calendar is None else _closed(calendar, end))


def _vehicle_rows(problem: Problem, plan: Plan) -> Iterator[Row]:
    used = {leg.vehicle for leg in plan.legs if leg.vehicle is not None}
    fleet = problem.transport.vehicles if problem.transport is not None else ()
    for vehicle in fleet:
        if vehicle.id in used or len(fleet) <= 12:
            yield Row(vehicle.id, True)


def _closed(calendar: Calendar, end: int) -> tuple[Window, ...]:
    closed, at = [], 0
    for start, stop in calendar.windows:
        if start > at:
            closed.append((at, min(start, end)))
        at = max(at, stop)
        if at >= end:
            break
    if at < end:
        closed.append((at, end))
    return tuple((a, b) for a, b in closed if a < b)


class _Painter:
    """Turns assignments and legs into bars."""

    def __init__(
        self,
        problem: Problem,
        rows: Sequence[Row],
        products: Mapping[str, str],
        groups: Sequence[str],
        timezone: str,
        late: Mapping[str, int],
    ) -> None:
        self._problem = problem
        self._scale = scale_of(problem)
        self._timezone = timezone
        self._row = {row.id: index for index, row in enumerate(rows)}
        self._products = products
        self._group = {name: index for index, name in enumerate(groups)}
        self._late = late

    def work(self, plan: Plan) -> Iterator[Bar]:
        """Yield bars of machines; what is done together is one bar."""
        for machine, assignments in plan.by_machine.items():
            together: dict[tuple[int, int, bool], list[Assignment]] = {}
            for number, done in enumerate(assignments):
                batch = self._problem.operations_by_id[done.operation].batch is not None
                key = (done.start, done.end if batch else -1 - number, batch)
                together.setdefault(key, []).append(done)
            for group in together.values():
                yield from self._work(machine, group)

    def _work(self, machine: str, group: Sequence[Assignment]) -> Iterator[Bar]:
        first = group[0]
        operations = [self._problem.operations_by_id[done.operation] for done in group]
        jobs = tuple(dict.fromkeys(operation.job for operation in operations))
        start, end = first.start, max(done.end for done in group)
        setup_start = min(done.setup_start for done in group)
        lines = [self._lot(job) for job in jobs]
        lines.insert(0, f"{', '.join(_steps(operations))} on {machine}")
        staff = next((done.staff for done in group if done.staff is not None), None)
        if setup_start < start:
            by = f"set-up on {machine}" + (f" by {staff}" if staff is not None else "")
            yield self._bar(machine, BarKind.SETUP, setup_start, start, jobs, "", [by, *lines[1:]])
        yield self._bar(machine, BarKind.RUN, start, end, jobs, ", ".join(jobs), lines)

    def transport(self, plan: Plan) -> Iterator[Bar]:
        """Yield bars of vehicles."""
        for leg in plan.legs:
            if leg.vehicle is not None and leg.vehicle in self._row:
                yield from self._trip(leg, leg.vehicle)

    def _trip(self, leg: Leg, vehicle: str) -> Iterator[Bar]:
        jobs = (leg.job,)
        if leg.empty_start < leg.start:
            said = [f"{vehicle} drives to {leg.origin}", self._lot(leg.job)]
            yield self._bar(vehicle, BarKind.EMPTY, leg.empty_start, leg.start, jobs, "", said)
        said = [f"{vehicle} brings it from {leg.origin} to {leg.destination}", self._lot(leg.job)]
        yield self._bar(vehicle, BarKind.CARRY, leg.start, leg.end, jobs, leg.job, said)

    def _bar(
        self,
        row: str,
        kind: BarKind,
        start: int,
        end: int,
        jobs: tuple[str, ...],
        label: str,
        lines: Sequence[str],
    ) -> Bar:
        machine = self._problem.machines_by_id.get(row)
        calendar = self._problem.calendars_by_id.get((machine and machine.calendar) or "")
        pieces = [(start, end)] if calendar is None else open_pieces([calendar], start, end)
        product = self._products.get(jobs[0], "")
        return Bar(
            row=self._row[row],
            kind=kind,
            start=start,
            end=end,
            pieces=tuple(pieces) or ((start, end),),
            label=label,
            jobs=jobs,
            group=self._group.get(product, -1),
            late=any(job in self._late for job in jobs),
            lines=tuple(lines),
        )

    def _lot(self, name: str) -> str:
        job = self._problem.jobs_by_id[name]
        parts = [f"lot {name}"]
        if job.order is not None:
            parts.append(f"order {job.order}")
        if self._products.get(name) not in (None, job.order, name):
            parts.append(self._products[name])
        if job.due is not None:
            parts.append(f"due {moment(self._scale, job.due, self._timezone)}")
        if name in self._late:
            parts.append(f"{span(self._scale, self._late[name])} late")
        return ", ".join(parts)


def _steps(operations: Sequence[Operation]) -> list[str]:
    """Return what is done, each once, without the lots' names before it."""
    return list(dict.fromkeys(o.id.removeprefix(f"{o.job}/") for o in operations))
