"""The problem that a disturbed plan leaves.

What has begun, or begins before the fence, is fixed as it is, nothing else may begin before the
fence, and the rest is free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from genba.plan.problem import Calendar, Fixed, Machine, Operation, Problem, Vehicle, Window
from genba.plan.repair.sorting import Sorted
from genba.plan.schedule import Assignment, Leg, Plan

FOREVER = 1 << 40
"""End of the last window of a calendar that is made for an always open machine, ticks."""


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
