"""How long a schedule can take at most, if nothing in it waits without a reason."""

from bisect import bisect_right

from genba.plan.cpsat.ways import Way, Ways
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Problem

NEVER = 2**40
"""A tick after all others; sums of it stay far from what the solver can count to."""


def horizon_of(problem: Problem, objective: Objective) -> int:
    """Return a tick by which some best plan is over.

    All operations one after the other, each in the way that ends last: when those that end earlier
    are over, nothing but its own calendar keeps the next from beginning. Goals that can make it
    worthwhile to wait (energy, stability) move the begin of that row behind their last event.
    """
    ways = Ways(problem, NEVER)
    goals = {goal for goal, _ in objective.goals}
    tick = _latest_event(problem, objective, goals)
    trip = longest_trip(problem)
    for operation in problem.operations:
        if operation.fixed is None:
            able = ways.of(operation)
            ends = [end for way in able if (end := _end(problem, way, tick + trip)) >= 0]
            tick = max(tick, *(ends or [_closes(way) for way in able]), 0)
    return tick + trip * len(problem.jobs)


def longest_trip(problem: Problem) -> int:
    """Return the longest time from the call for a vehicle to the arrival of the job."""
    transport = problem.transport
    if transport is None:
        return 0
    return max(
        2 * max(t for row in table for t in row) + transport.handling.get(kind, 0)
        for kind, table in transport.times.items()
    )


def _latest_event(problem: Problem, objective: Objective, goals: set[Goal]) -> int:
    events = [0, *(m.free_from for m in problem.machines), *(j.release for j in problem.jobs)]
    events += [o.fixed.end for o in problem.operations if o.fixed is not None]
    if problem.transport is not None:
        events += [v.free_from for v in problem.transport.vehicles]
    if Goal.ENERGY in goals:
        events += [end for _, end, _ in problem.energy.prices]
    if objective.reference is not None:
        events += [a.end for a in objective.reference.assignments]
    return max(events)


def most_setup(problem: Problem, way: Way) -> int:
    """Return the longest set-up into a way."""
    if not way.has_setups or way.machine.setup is None or way.mode.family is None:
        return 0
    matrix = problem.setups_by_id[way.machine.setup]
    column = matrix.families.index(way.mode.family)
    return max(matrix.first[column], *(row[column] for row in matrix.times))


def _end(problem: Problem, way: Way, tick: int) -> int:
    """Return when a way is over that may begin at a tick; -1 if its calendars end before."""
    total = most_setup(problem, way) + way.mode.ticks
    while True:
        end = _paused(way.pauses_setup or way.pauses_work, tick, total)
        if way.pauses_work != way.pauses_setup:
            end = max(end, _paused(way.pauses_work, tick, total))
        later = tick
        for windows in (way.machine_windows, way.staff_windows):
            later = max(later, _in_one(windows, later, max(end, tick) - tick))
        if later >= NEVER or end >= NEVER:
            return -1
        if later == tick:
            return end
        tick = later


def _paused(windows: tuple[tuple[int, int], ...] | None, tick: int, total: int) -> int:
    if windows is None:
        return tick + total
    first = max(bisect_right(windows, tick, key=lambda w: w[0]) - 1, 0)
    for start, end in windows[first:]:
        at = max(start, tick)
        if at + total <= end:
            return at + total
        total -= max(end - at, 0)
    return NEVER


def _in_one(windows: tuple[tuple[int, int], ...] | None, tick: int, length: int) -> int:
    """Return the first tick from which ``length`` fits into one window."""
    if windows is None:
        return tick
    first = max(bisect_right(windows, tick, key=lambda w: w[0]) - 1, 0)
    for start, end in windows[first:]:
        if max(start, tick) + length <= end:
            return max(start, tick)
    return NEVER


def _closes(way: Way) -> int:
    """Return when the first of a way's calendars is closed for good."""
    calendars = (way.pauses_setup, way.pauses_work, way.machine_windows, way.staff_windows)
    return min((windows[-1][1] for windows in calendars if windows), default=0)
