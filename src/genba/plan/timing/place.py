"""Where and when one operation goes, next to all that stand already. Compiled.

For each way of the operation: the trip that brings the job, the first gap on the machine that is
long enough and leaves the set-up of what follows as it is, people, tools and power in that time, a
place at the station from the job's arrival on. A batch that stands and has room is one more choice.
The way that ends first is taken.
"""

from typing import NamedTuple

import numpy as np

from genba.jit import inner
from genba.plan.timing import columns as c
from genba.plan.timing.columns import FIRST, LAST, NEVER
from genba.plan.timing.compile import Ints, Tables
from genba.plan.timing.fleet import add_trip, drop_trip, find_trip
from genba.plan.timing.time import conflict, earliest, new_steps, occupy

NO_TRIP = (-1, -1, -1, -1, -1)


class Board(NamedTuple):
    """What stands so far. Columns: :mod:`genba.plan.timing.columns`."""

    placed: Ints
    """(operations, S_WIDTH)."""
    jobs: Ints
    """(jobs, K_WIDTH)."""
    lines: Ints
    """(machines, 2): first and last operation."""
    trips: Ints
    """(operations + jobs, L_WIDTH)."""
    ends: Ints
    """(vehicles, 2): first and last trip."""
    step_tick: Ints
    step_used: Ints
    steps: Ints


def new_board(tables: Tables) -> Board:
    """Make an empty board for a problem; :func:`genba.plan.timing.run.run` clears it itself."""
    operations, jobs = len(tables.operations), len(tables.jobs)
    return Board(
        np.zeros((operations, c.S_WIDTH), dtype=np.int64),
        np.zeros((jobs, c.K_WIDTH), dtype=np.int64),
        np.zeros((len(tables.machines), 2), dtype=np.int64),
        np.zeros((operations + jobs, c.L_WIDTH), dtype=np.int64),
        np.zeros((len(tables.vehicles), 2), dtype=np.int64),
        *new_steps(int(tables.shape[2]), len(tables.pools)),
    )


@inner
def setup_ticks(machines: Ints, setups: Ints, machine: int, before: int, after: int) -> int:
    """Return the change-over time from family to family; before -1: not known."""
    matrix = machines[machine, c.M_MATRIX]
    if matrix < 0 or after < 0:
        return 0
    return int(setups[matrix + (before + 1) * machines[machine, c.M_FAMILIES] + after])


@inner
def in_a_gap(
    t: Tables, b: Board, way: int, begin_from: int, arrival: int, insert: int
) -> tuple[int, int, int, int, int, int]:
    """Return set-up start, start, end, set-up ticks, the operation before, and a later arrival.

    ``begin_from`` holds for the set-up where it needs the job, else for the start. Where the
    station has no place from ``arrival`` (-1: as it begins) on, end is :data:`NEVER` and the last
    number says when to arrive instead.
    """
    # each column of a tuple costs a count of references: they are taken out once
    ways, machines, placed, setups = t.ways, t.machines, b.placed, t.setups
    operations, lines, has_pools = t.operations, b.lines, len(t.pools) > 0
    machine, ticks = ways[way, c.W_MACHINE], ways[way, c.W_TICKS]
    family, calendar = ways[way, c.W_FAMILY], ways[way, c.W_CALENDAR_SETUP]
    places, needs_job = machines[machine, c.M_PLACES], machines[machine, c.M_NEEDS_JOB]
    setup_from = begin_from if needs_job else -NEVER
    start_from = begin_from
    before = lines[machine, LAST]
    while before >= 0 and placed[before, c.S_SETUP] >= begin_from + ticks:
        if not insert and operations[before, c.O_FIXED] < 0:
            break
        before = placed[before, c.S_BEFORE]
    while True:
        if before >= 0:
            # What is fixed may stand before the tick at which the machine is free.
            free = max(placed[before, c.S_END], machines[machine, c.M_FREE])
            following = placed[before, c.S_NEXT]
            last_family = ways[placed[before, c.S_WAY], c.W_FAMILY]
        else:
            free, following = machines[machine, c.M_FREE], lines[machine, FIRST]
            last_family = machines[machine, c.M_FAMILY]
        limit = NEVER if following < 0 else placed[following, c.S_SETUP]
        setup = setup_ticks(machines, setups, machine, last_family, family)
        changes = False
        if following >= 0 and operations[following, c.O_FIXED] < 0:
            next_family = ways[placed[following, c.S_WAY], c.W_FAMILY]
            changes = setup_ticks(machines, setups, machine, family, next_family) != setup_ticks(
                machines, setups, machine, last_family, next_family
            )
        while not changes and max(free, setup_from) + setup + ticks <= limit:
            if calendar < 0 and ways[way, c.W_CALENDAR_WORK] < 0:
                start = max(max(free, setup_from) + setup, start_from)
                setup_start, end = start - setup, start + ticks
            else:
                setup_start, start, end = earliest(
                    calendar,
                    ways[way, c.W_CALENDAR_WORK],
                    ways[way, c.W_CALENDAR_ALL],
                    t.windows,
                    t.windows_at,
                    max(free, setup_from),
                    start_from,
                    setup,
                    ticks,
                )
            if end > limit or end >= NEVER:
                break
            if not has_pools:
                return setup_start, start, end, setup, before, -1
            later_setup, later_start = _wanting(t, b, way, setup_start, start, end)
            if later_setup < 0 and later_start < 0:
                if places >= 0:
                    since = arrival
                    if since < 0:
                        since = setup_start if needs_job else start
                    until = conflict(
                        places, since, end, 1, t.pools, b.step_tick, b.step_used, b.steps
                    )
                    if until >= 0:
                        return NEVER, NEVER, NEVER, 0, -1, until
                return setup_start, start, end, setup, before, -1
            setup_from = max(setup_from, later_setup)
            start_from = max(start_from, later_start)
            if max(setup_from, start_from) >= NEVER:
                break
        if following < 0 or max(setup_from, start_from) >= NEVER:
            return NEVER, NEVER, NEVER, 0, -1, -1
        before = following


@inner
def _wanting(
    t: Tables, b: Board, way: int, setup_start: int, start: int, end: int
) -> tuple[int, int]:
    """Return until when people or tools (for the set-up) and power (for the start) are missing."""
    later_setup = later_start = -1
    staff, power = t.ways[way, c.W_STAFF], t.ways[way, c.W_POWER]
    if staff >= 0:
        until = end if t.ways[way, c.W_WHOLE] else start
        later_setup = conflict(
            staff, setup_start, until, 1, t.pools, b.step_tick, b.step_used, b.steps
        )
    for at in range(t.ways[way, c.W_TOOL], t.ways[way, c.W_TOOL_END]):
        tool = t.tools[at]
        later = conflict(tool, setup_start, end, 1, t.pools, b.step_tick, b.step_used, b.steps)
        later_setup = max(later_setup, later)
    if t.shape[1] >= 0:
        later_start = conflict(
            t.shape[1], start, end, power, t.pools, b.step_tick, b.step_used, b.steps
        )
    return later_setup, later_start


@inner
def _use(t: Tables, b: Board, way: int, times: tuple[int, int, int], sign: int) -> None:
    """Take (1) or give back (-1) people, tools and power of a run."""
    setup_start, start, end = times
    if t.ways[way, c.W_STAFF] >= 0:
        until = end if t.ways[way, c.W_WHOLE] else start
        pool = t.ways[way, c.W_STAFF]
        occupy(pool, setup_start, until, sign, t.pools, b.step_tick, b.step_used, b.steps)
    for at in range(t.ways[way, c.W_TOOL], t.ways[way, c.W_TOOL_END]):
        occupy(t.tools[at], setup_start, end, sign, t.pools, b.step_tick, b.step_used, b.steps)
    if t.shape[1] >= 0:
        power = sign * t.ways[way, c.W_POWER]
        occupy(t.shape[1], start, end, power, t.pools, b.step_tick, b.step_used, b.steps)


@inner
def _batch_with_room(
    t: Tables, b: Board, operation: int, way: int, begin_from: int, arrival: int
) -> int:
    """Return the first batch that the operation can still join, by its leading operation."""
    machine, found = t.ways[way, c.W_MACHINE], -1
    needs_job, places = t.machines[machine, c.M_NEEDS_JOB], t.machines[machine, c.M_PLACES]
    leader = b.lines[machine, LAST]
    while leader >= 0:
        begin = b.placed[leader, c.S_SETUP] if needs_job else b.placed[leader, c.S_START]
        if begin < begin_from:
            break
        other = b.placed[leader, c.S_WAY]
        parts = b.placed[leader, c.S_PARTS] + t.operations[operation, c.O_PARTS]
        most = min(b.placed[leader, c.S_CAPACITY], t.operations[operation, c.O_CAPACITY])
        if (
            t.operations[leader, c.O_BATCH] == t.operations[operation, c.O_BATCH]
            and t.operations[leader, c.O_FIXED] < 0
            and parts <= most
            and t.ways[way, c.W_TICKS] <= t.ways[other, c.W_TICKS]
            and t.ways[way, c.W_FAMILY] == t.ways[other, c.W_FAMILY]
            and t.ways[way, c.W_STAFF] == t.ways[other, c.W_STAFF]
            and t.ways[way, c.W_WHOLE] <= t.ways[other, c.W_WHOLE]
            and t.ways[way, c.W_POWER] <= t.ways[other, c.W_POWER]
            and _same_tools(t, way, other)
        ):
            since = begin if arrival < 0 else arrival
            end = b.placed[leader, c.S_END]
            if places < 0 or (
                conflict(places, since, end, 1, t.pools, b.step_tick, b.step_used, b.steps) < 0
            ):
                found = leader
        leader = b.placed[leader, c.S_BEFORE]
    return found


@inner
def _same_tools(t: Tables, way: int, other: int) -> bool:
    first, second = t.ways[way, c.W_TOOL], t.ways[other, c.W_TOOL]
    count = t.ways[way, c.W_TOOL_END] - first
    if t.ways[other, c.W_TOOL_END] - second != count:
        return False
    for at in range(count):  # noqa: SIM110 - compiled, where all() of a generator is not known
        if t.tools[first + at] != t.tools[second + at]:
            return False
    return True


@inner
def place(t: Tables, b: Board, operation: int, mode: int, arrive_from: int, insert: int) -> int:
    """Put an operation where it ends first; return when its job leaves where it was, or NEVER.

    Parameters
    ----------
    mode : int
        -1: all modes are open.
    arrive_from : int
        The job may not come (or, where it is not brought, begin) before.
    insert : int
        0: only after all that was placed on the machine and is not fixed.
    """
    operations, ways, machines, placed = t.operations, t.ways, t.machines, b.placed
    before, before_at = t.before, t.before_at
    job = operations[operation, c.O_JOB]
    release = t.jobs[job, c.J_RELEASE]
    ready = b.jobs[job, c.K_TIME] if t.shape[0] else release
    here = b.jobs[job, c.K_LOCATION]
    allowed = max(release, ready)
    for at in range(before_at[operation], before_at[operation + 1]):
        allowed = max(allowed, placed[before[at], c.S_END])
    # no literals: the compiler would make one more version of all that they are handed to
    none = min(mode, -1)
    never = max(none, NEVER)
    best = (never, never, never, none + 1, none, none)
    best_way, best_leader, best_trip = none, none, NO_TRIP
    for way in range(operations[operation, c.O_WAY], operations[operation, c.O_WAY_END]):
        if mode >= 0 and ways[way, c.W_MODE] != mode:
            continue
        there = machines[ways[way, c.W_MACHINE], c.M_LOCATION]
        moves = here >= 0 and there >= 0 and here != there
        trip, later = NO_TRIP, arrive_from
        while True:
            begin_from, arrival = max(allowed, later), none
            if moves:
                trip = find_trip(
                    here, there, ready, later, t.travel, t.handling, t.vehicles, b.trips, b.ends
                )
                if trip[3] >= NEVER:
                    break
                begin_from, arrival = max(allowed, trip[3]), trip[3]
            found = in_a_gap(t, b, way, begin_from, arrival, insert)
            leader = -1
            if operations[operation, c.O_BATCH] >= 0:
                leader = _batch_with_room(t, b, operation, way, begin_from, arrival)
                if leader >= 0 and placed[leader, c.S_END] <= found[2] + ways[way, c.W_TICKS]:
                    p = placed[leader]
                    found = (p[c.S_SETUP], p[c.S_START], p[c.S_END], 0, -1, -1)
                else:
                    leader = -1
            if found[2] < best[2] or (found[2] == best[2] and found[3] < best[3]):
                best, best_way, best_leader, best_trip = found, way, leader, trip
            if found[2] < NEVER or found[5] < 0 or found[5] >= NEVER or found[5] >= best[2]:
                break
            later = max(found[5], later + 1)
    if best_way < 0 or best[2] >= NEVER:
        return NEVER
    return _put(t, b, operation, best_way, best, best_leader, best_trip)


@inner
def _put(
    t: Tables,
    b: Board,
    operation: int,
    way: int,
    found: tuple[int, int, int, int, int, int],
    leader: int,
    trip: tuple[int, int, int, int, int],
) -> int:
    setup_start, start, end, setup, before, _ = found
    machine, job = t.ways[way, c.W_MACHINE], t.operations[operation, c.O_JOB]
    p, j = b.placed[operation], b.jobs[job]
    p[c.S_SETUP], p[c.S_START], p[c.S_END] = setup_start, start, end
    p[c.S_WAY], p[c.S_TICKS] = way, setup
    begin = setup_start if t.machines[machine, c.M_NEEDS_JOB] else start
    arrival = left = begin
    if trip[1] >= 0:
        left, arrival = trip[2], trip[3]
        add_trip(
            operation, trip, j[c.K_LOCATION], t.machines[machine, c.M_LOCATION], b.trips, b.ends
        )
    if leader >= 0:
        p[c.S_LEADER] = leader
        b.placed[leader, c.S_PARTS] += t.operations[operation, c.O_PARTS]
        most = min(b.placed[leader, c.S_CAPACITY], t.operations[operation, c.O_CAPACITY])
        b.placed[leader, c.S_CAPACITY] = most
    else:
        link(b.placed, b.lines, machine, operation, before)
        p[c.S_LEADER] = operation
        p[c.S_PARTS] = t.operations[operation, c.O_PARTS]
        p[c.S_CAPACITY] = t.operations[operation, c.O_CAPACITY]
        if len(t.pools) > 0:
            _use(t, b, way, (setup_start, start, end), 1)
    places = t.machines[machine, c.M_PLACES]
    if places >= 0:
        occupy(places, arrival, end, 1, t.pools, b.step_tick, b.step_used, b.steps)
    p[c.S_ARRIVAL], p[c.S_LEFT] = arrival, left
    p[c.S_JOB_TIME], p[c.S_JOB_LOCATION] = j[c.K_TIME], j[c.K_LOCATION]
    p[c.S_JOB_POOL], p[c.S_JOB_UNTIL] = j[c.K_POOL], j[c.K_UNTIL]
    j[c.K_TIME] = max(j[c.K_TIME], end)
    j[c.K_LOCATION] = t.machines[machine, c.M_LOCATION]
    j[c.K_POOL], j[c.K_UNTIL] = places, end
    j[c.K_REMAINING] -= 1
    return int(left)


@inner
def link(placed: Ints, lines: Ints, machine: int, operation: int, before: int) -> None:
    """Write an operation between its neighbors on a machine."""
    following = lines[machine, FIRST] if before < 0 else placed[before, c.S_NEXT]
    placed[operation, c.S_BEFORE], placed[operation, c.S_NEXT] = before, following
    if before < 0:
        lines[machine, FIRST] = operation
    else:
        placed[before, c.S_NEXT] = operation
    if following < 0:
        lines[machine, LAST] = operation
    else:
        placed[following, c.S_BEFORE] = operation


@inner
def take_back(t: Tables, b: Board, operation: int) -> None:
    """Undo :func:`place`, of the operation that was placed last of its job."""
    p, job = b.placed[operation], t.operations[operation, c.O_JOB]
    way, j = p[c.S_WAY], b.jobs[job]
    machine = t.ways[way, c.W_MACHINE]
    drop_trip(operation, b.trips, b.ends)
    places = t.machines[machine, c.M_PLACES]
    if places >= 0:
        occupy(places, p[c.S_ARRIVAL], p[c.S_END], -1, t.pools, b.step_tick, b.step_used, b.steps)
    if p[c.S_LEADER] != operation:
        b.placed[p[c.S_LEADER], c.S_PARTS] -= t.operations[operation, c.O_PARTS]
    else:
        if len(t.pools) > 0:
            _use(t, b, way, (p[c.S_SETUP], p[c.S_START], p[c.S_END]), -1)
        before, following = p[c.S_BEFORE], p[c.S_NEXT]
        if before < 0:
            b.lines[machine, FIRST] = following
        else:
            b.placed[before, c.S_NEXT] = following
        if following < 0:
            b.lines[machine, LAST] = before
        else:
            b.placed[following, c.S_BEFORE] = before
    j[c.K_TIME], j[c.K_LOCATION] = p[c.S_JOB_TIME], p[c.S_JOB_LOCATION]
    j[c.K_POOL], j[c.K_UNTIL] = p[c.S_JOB_POOL], p[c.S_JOB_UNTIL]
    j[c.K_REMAINING] += 1
    p[c.S_WAY] = -1
