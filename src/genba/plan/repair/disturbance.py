"""What can go wrong while a plan runs, and the problem that it leaves.

A plan says what was meant; a disturbance says what is different now. :func:`disturbed` makes the
problem of what remains: what has begun, or begins before the fence, is fixed as it is, nothing else
may begin before the fence, and the rest is free.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from genba.errors import PlanError
from genba.plan.problem import (
    Calendar,
    Fixed,
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    Vehicle,
    Window,
)
from genba.plan.schedule import Assignment, Leg, Plan

FOREVER = 1 << 40
"""End of the last window of a calendar that is made for an always open machine, ticks."""


@dataclass(frozen=True, slots=True)
class MachineDown:
    """A machine does nothing in ``[start, until)``; what is in work there pauses that long."""

    machine: str
    start: int
    until: int

    def __post_init__(self) -> None:
        if self.start >= self.until:
            raise PlanError(f"machine {self.machine} is down from {self.start} to {self.until}")


@dataclass(frozen=True, slots=True)
class RushJob:
    """A job that was not in the plan, with its operations."""

    job: Job
    operations: tuple[Operation, ...]

    def __post_init__(self) -> None:
        for operation in self.operations:
            if operation.job != self.job.id:
                raise PlanError(
                    f"operation {operation.id} is of {operation.job}, not {self.job.id}"
                )


@dataclass(frozen=True, slots=True)
class LateMaterial:
    """A job that has not begun can begin at ``release`` only."""

    job: str
    release: int


@dataclass(frozen=True, slots=True)
class Scrap:
    """``lost`` parts of a job are no good: what follows treats fewer.

    Times of the operations that have not begun shrink in proportion to the parts. With ``again``,
    a job of that id makes the lost parts anew, from the first operation on.
    """

    job: str
    lost: int
    again: str | None = None

    def __post_init__(self) -> None:
        if self.lost <= 0:
            raise PlanError(f"job {self.job}: {self.lost} lost parts; it must be 1 or more")


@dataclass(frozen=True, slots=True)
class SlowWork:
    """From now on all that needs a skill, or a machine, takes ``factor`` times as long."""

    factor: float
    skill: str | None = None
    machine: str | None = None

    def __post_init__(self) -> None:
        if self.factor <= 0:
            raise PlanError(f"a factor of {self.factor:g}; it must be above 0")
        if (self.skill is None) == (self.machine is None):
            raise PlanError("slow work is of a skill or of a machine; name one of them")


@dataclass(frozen=True, slots=True)
class VehicleDown:
    """A vehicle takes no new trip before ``until``."""

    vehicle: str
    until: int


Disturbance = MachineDown | RushJob | LateMaterial | Scrap | SlowWork | VehicleDown


@dataclass(frozen=True)
class Sorted:
    """Disturbances by what they change; ids are known."""

    down: Mapping[str, tuple[Window, ...]]
    release: Mapping[str, int]
    share: Mapping[str, float]
    """What is left of the times of a job."""
    slow_skills: Mapping[str, float]
    slow_machines: Mapping[str, float]
    vehicles: Mapping[str, int]
    jobs: tuple[Job, ...]
    operations: tuple[Operation, ...]

    def ticks(self, operation: Operation, mode: Mode) -> int:
        """Return the time of a mode of an operation that has not begun."""
        factor = self.share.get(operation.job, 1.0)
        factor *= self.slow_machines.get(mode.machine, 1.0)
        if mode.skill is not None:
            factor *= self.slow_skills.get(mode.skill, 1.0)
        # A billionth off, or 0.1 * 30 would be more than 3.
        return mode.ticks if factor == 1.0 else ceil(mode.ticks * factor - 1e-9)

    def changes(self, operation: Operation) -> bool:
        """Whether any mode of the operation takes another time now."""
        return any(self.ticks(operation, mode) != mode.ticks for mode in operation.modes)


def sort_out(problem: Problem, disturbances: Iterable[Disturbance]) -> Sorted:
    """Sort disturbances by what they change.

    Raises
    ------
    PlanError
        If one speaks of something that the problem does not have, or adds what it has.
    """
    down: dict[str, list[Window]] = {}
    release: dict[str, int] = {}
    lost: dict[str, int] = {}
    skills: dict[str, float] = {}
    machines: dict[str, float] = {}
    vehicles: dict[str, int] = {}
    jobs: list[Job] = []
    operations: list[Operation] = []
    known_skills = {skill for group in problem.staff for skill in group.skills}
    fleet = {v.id for v in problem.transport.vehicles} if problem.transport else set()
    for one in disturbances:
        match one:
            case MachineDown():
                _known("machine", one.machine, problem.machines_by_id)
                down.setdefault(one.machine, []).append((one.start, one.until))
            case RushJob():
                jobs.append(one.job)
                operations.extend(one.operations)
            case LateMaterial():
                _known("job", one.job, problem.jobs_by_id)
                release[one.job] = max(one.release, release.get(one.job, one.release))
            case Scrap():
                _known("job", one.job, problem.jobs_by_id)
                lost[one.job] = lost.get(one.job, 0) + one.lost
                if one.again is not None:
                    made, steps = _made_again(problem, one.job, one.again, one.lost)
                    jobs.append(made)
                    operations.extend(steps)
            case SlowWork(factor, skill, None) if skill is not None:
                _known("skill", skill, known_skills)
                skills[skill] = skills.get(skill, 1.0) * factor
            case SlowWork(factor, _, machine) if machine is not None:
                _known("machine", machine, problem.machines_by_id)
                machines[machine] = machines.get(machine, 1.0) * factor
            case VehicleDown():
                _known("vehicle", one.vehicle, fleet)
                vehicles[one.vehicle] = max(one.until, vehicles.get(one.vehicle, one.until))
    return Sorted(
        down={machine: _joined(windows) for machine, windows in down.items()},
        release=release,
        share={job: _share(problem, job, parts) for job, parts in lost.items()},
        slow_skills=skills,
        slow_machines=machines,
        vehicles=vehicles,
        jobs=tuple(jobs),
        operations=tuple(operations),
    )


def _known(kind: str, name: str, there: Iterable[str]) -> None:
    if name not in there:
        raise PlanError(f"a disturbance speaks of {kind} {name}, which the problem does not have")


def _joined(windows: list[Window]) -> tuple[Window, ...]:
    """Return windows sorted, those that touch as one."""
    found: list[Window] = []
    for start, until in sorted(windows):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((start, until))
    return tuple(found)


def _parts(problem: Problem, job: str) -> int:
    return max((operation.parts for operation in problem.operations_of[job]), default=1)


def _share(problem: Problem, job: str, lost: int) -> float:
    parts = _parts(problem, job)
    if lost > parts:
        raise PlanError(f"job {job} has {parts} parts; {lost} of them cannot be lost")
    return (parts - lost) / parts


def _made_again(
    problem: Problem, job: str, name: str, lost: int
) -> tuple[Job, tuple[Operation, ...]]:
    share = lost / _parts(problem, job)
    own = problem.operations_of[job]
    names = {operation.id: f"{name}.{number}" for number, operation in enumerate(own)}
    steps = tuple(
        replace(
            operation,
            id=names[operation.id],
            job=name,
            parts=lost,
            fixed=None,
            predecessors=tuple(names.get(p, p) for p in operation.predecessors),
            modes=tuple(replace(m, ticks=ceil(m.ticks * share - 1e-9)) for m in operation.modes),
        )
        for operation in own
    )
    return replace(problem.jobs_by_id[job], id=name), steps


def stopped(windows: Sequence[Window], start: int, end: int) -> int:
    """Return the end of what runs in ``[start, end)`` when it pauses while its machine is down."""
    for begin, until in windows:
        if begin < end and until > start:
            end += until - max(begin, start)
    return end


def disturbed(
    problem: Problem,
    sorted_out: Sorted,
    standing: Mapping[str, Assignment],
    legs: Sequence[Leg],
    floor: int,
) -> Problem:
    """Return the problem of what remains.

    Parameters
    ----------
    problem : Problem
        That of the plan.
    sorted_out : Sorted
        What is different now.
    standing : mapping of str to Assignment
        Operations that stay as they are, with their times (an end may have moved, by a pause).
    legs : sequence of Leg
        Trips that have begun: each vehicle is where it then goes to; a job that is on its last way
        needs no other.
    floor : int
        Nothing else begins before this tick.
    """
    calendars = list(problem.calendars)
    machines = tuple(
        _with_stop(problem, machine, sorted_out.down.get(machine.id, ()), floor, calendars)
        for machine in problem.machines
    )
    leaving = {leg.job for leg in legs if leg.operation is None}
    jobs = tuple(
        replace(
            job,
            release=max(job.release, sorted_out.release.get(job.id, job.release)),
            destination=None if job.id in leaving else job.destination,
        )
        for job in (*problem.jobs, *sorted_out.jobs)
    )
    operations = [
        _as_it_is(operation, sorted_out, standing.get(operation.id))
        for operation in (*problem.operations, *sorted_out.operations)
    ]
    transport = problem.transport
    if transport is not None:
        vehicles = tuple(
            moved_on(v, legs, max(floor, sorted_out.vehicles.get(v.id, floor)))
            for v in transport.vehicles
        )
        transport = replace(transport, vehicles=vehicles)
    return replace(
        problem,
        machines=machines,
        jobs=jobs,
        operations=tuple(operations),
        calendars=tuple(calendars),
        transport=transport,
    )


def _as_it_is(operation: Operation, sorted_out: Sorted, stands: Assignment | None) -> Operation:
    if stands is not None:
        fixed = Fixed(stands.machine, stands.setup_start, stands.start, stands.end)
        return replace(operation, fixed=fixed)
    if operation.fixed is not None:
        operation = replace(operation, fixed=None)
    if not sorted_out.changes(operation):
        return operation
    modes = tuple(replace(m, ticks=sorted_out.ticks(operation, m)) for m in operation.modes)
    return replace(operation, modes=modes)


def moved_on(vehicle: Vehicle, legs: Sequence[Leg], floor: int) -> Vehicle:
    """Return a vehicle as it is at ``floor``, or once it has done the trips that have begun."""
    own = [leg for leg in legs if leg.vehicle == vehicle.id]
    last = max(own, key=lambda leg: leg.end, default=None)
    free = max(floor, vehicle.free_from)
    if last is None:
        return replace(vehicle, free_from=free)
    return replace(vehicle, at=last.destination, free_from=max(free, last.end))


def _with_stop(
    problem: Problem,
    machine: Machine,
    windows: Sequence[Window],
    floor: int,
    calendars: list[Calendar],
) -> Machine:
    """Return the machine as it will work; add a calendar for it where it stops later."""
    free = max(machine.free_from, floor)
    later = []
    for start, until in windows:
        if start <= free:
            free = max(free, until)
        else:
            later.append((start, until))
    if later:
        old = problem.calendars_by_id.get(machine.calendar or "")
        name = f"{machine.id} with its stops"
        base = ((min(floor, 0), FOREVER),) if old is None else old.windows
        cut = _without(base, later)
        calendars[:] = [c for c in calendars if c.id != name]  # of an earlier stop: cut is both
        calendars.append(Calendar(name, cut, old is not None and old.interruptible))
        machine = replace(machine, calendar=name)
    return replace(machine, free_from=free)


def _without(windows: Sequence[Window], stops: Sequence[Window]) -> tuple[Window, ...]:
    """Return what is left of windows when stops are cut out."""
    left: list[Window] = []
    for start, end in windows:
        at = start
        for begin, until in stops:
            if until <= at or begin >= end:
                continue
            if begin > at:
                left.append((at, begin))
            at = until
        if at < end:
            left.append((at, end))
    return tuple(left)


def standing_of(
    problem: Problem, plan: Plan, sorted_out: Sorted, now: int, floor: int
) -> dict[str, Assignment]:
    """Return what stays as it is: begun before ``now``, or planned to begin before ``floor``.

    So does what a vehicle has set out for, and what was fixed before. What has begun on a machine
    that is down pauses. Of what has not begun, those are free again that a disturbance makes
    impossible at their time.
    """
    found: dict[str, Assignment] = {}
    free_at: dict[str, int] = {}
    awaited = {leg.operation for leg in begun_legs(plan, floor)}
    for one in sorted(plan.assignments, key=lambda a: (a.start, a.end)):
        operation = problem.operations_by_id[one.operation]
        meant = operation.fixed is not None or one.operation in awaited
        if one.setup_start >= floor and not meant:
            continue
        end = stopped(sorted_out.down.get(one.machine, ()), one.setup_start, one.end)
        if one.setup_start >= now and (
            end != one.end
            or one.setup_start < free_at.get(one.machine, one.setup_start)
            or one.setup_start < sorted_out.release.get(operation.job, one.setup_start)
            or sorted_out.changes(operation)
            or any(p not in found or found[p].end > one.start for p in operation.predecessors)
        ):
            continue
        found[one.operation] = replace(one, end=end) if end != one.end else one
        free_at[one.machine] = max(free_at.get(one.machine, end), end)
    return found


def begun_legs(plan: Plan, floor: int) -> tuple[Leg, ...]:
    """Return the trips for which a vehicle has set out before a tick."""
    return tuple(leg for leg in plan.legs if leg.empty_start < floor)
