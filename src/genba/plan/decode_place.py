"""Where and when one operation goes, next to all that stand already. Compiled.

For each way of the operation: the trip that brings the job, the first gap on the machine that is
long enough and leaves the set-up of what follows as it is, people, tools and power in that time, a
place at the station from the job's arrival on. A batch that stands and has room is one more choice.
The way that ends first is taken.
"""

from typing import NamedTuple

import numpy as np

from genba.jit import compiled
from genba.plan import columns as c
from genba.plan.columns import FIRST, LAST, NEVER
from genba.plan.compile import Ints, Tables
from genba.plan.decode_fleet import add_trip, drop_trip, find_trip
from genba.plan.decode_time import conflict, earliest, new_steps, occupy

NO_TRIP = (-1, -1, -1, -1, -1)


class Board(NamedTuple):
    """What stands so far. Columns: :mod:`genba.plan.columns`."""

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
    """Make an empty board for a problem; :func:`genba.plan.decode_run.run` clears it itself."""
    operations, jobs = len(tables.operations), len(tables.jobs)
    return Board(
        np.zeros((operations, c.S_WIDTH), dtype=np.int64),
        np.zeros((jobs, c.K_WIDTH), dtype=np.int64),
        np.zeros((len(tables.machines), 2), dtype=np.int64),
        np.zeros((operations + jobs, c.L_WIDTH), dtype=np.int64),
        np.zeros((len(tables.vehicles), 2), dtype=np.int64),
        *new_steps(int(tables.shape[2]), len(tables.pools)),
    )


@compiled
def setup_ticks(t: Tables, machine: int, before: int, after: int) -> int:
    """Return the change-over time from family to family; before -1: not known."""
    matrix = t.machines[machine, c.M_MATRIX]
    if matrix < 0 or after < 0:
        return 0
    return int(t.setups[matrix + (before + 1) * t.machines[machine, c.M_FAMILIES] + after])


@compiled
def family_after(t: Tables, b: Board, machine: int, operation: int) -> int:
    """Return the family that a machine is set up for after an operation, or at the beginning."""
    if operation < 0:
        return int(t.machines[machine, c.M_FAMILY])
    return int(t.ways[b.placed[operation, c.S_WAY], c.W_FAMILY])


@compiled
def in_a_gap(
    t: Tables, b: Board, way: int, begin_from: int, arrival: int, insert: int
) -> tuple[int, int, int, int, int, int]:
    """Return set-up start, start, end, set-up ticks, the operation before, and a later arrival.

    ``begin_from`` holds for the set-up where it needs the job, else for the start. Where the
    station has no place from ``arrival`` (-1: as it begins) on, end is :data:`NEVER` and the last
    number says when to arrive instead.
    """
    machine, ticks = t.ways[way, c.W_MACHINE], t.ways[way, c.W_TICKS]
    family = t.ways[way, c.W_FAMILY]
    places, needs_job = t.machines[machine, c.M_PLACES], t.machines[machine, c.M_NEEDS_JOB]
    setup_from = begin_from if needs_job else -NEVER
    start_from = begin_from
    before = b.lines[machine, LAST]
    while before >= 0 and b.placed[before, c.S_SETUP] >= begin_from + ticks:
        if not insert and t.operations[before, c.O_FIXED] < 0:
            break
        before = b.placed[before, c.S_BEFORE]
    while True:
        # Before the tick at which a machine is free there may be what is fixed, but nothing else.
        free, following = t.machines[machine, c.M_FREE], b.lines[machine, FIRST]
        if before >= 0:
            free, following = max(free, b.placed[before, c.S_END]), b.placed[before, c.S_NEXT]
        limit = NEVER if following < 0 else b.placed[following, c.S_SETUP]
        last_family = family_after(t, b, machine, before)
        setup = setup_ticks(t, machine, last_family, family)
        changes = False
        if following >= 0 and t.operations[following, c.O_FIXED] < 0:
            next_family = family_after(t, b, machine, following)
            changes = setup_ticks(t, machine, family, next_family) != setup_ticks(
                t, machine, last_family, next_family
            )
        while not changes and max(free, setup_from) + setup + ticks <= limit:
            setup_start, start, end = earliest(
                t.ways[way, c.W_CALENDAR_SETUP],
                t.ways[way, c.W_CALENDAR_WORK],
                t.ways[way, c.W_CALENDAR_ALL],
                t.windows,
                t.windows_at,
                max(free, setup_from),
                start_from,
                setup,
                ticks,
            )
            if end > limit or end >= NEVER:
                break
            if len(t.pools) == 0:
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


@compiled
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


@compiled
def _use(t: Tables, b: Board, way: int, times: tuple[int, int, int], sign: int) -> None:
    """Take (1) or give back (-1) people, tools and power of a run."""
    if len(t.pools) == 0:
        return
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


@compiled
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


@compiled
def _same_tools(t: Tables, way: int, other: int) -> bool:
    first, second = t.ways[way, c.W_TOOL], t.ways[other, c.W_TOOL]
    count = t.ways[way, c.W_TOOL_END] - first
    if t.ways[other, c.W_TOOL_END] - second != count:
        return False
    for at in range(count):  # noqa: SIM110 - compiled, where all() of a generator is not known
        if t.tools[first + at] != t.tools[second + at]:
            return False
    return True


@compiled
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
    job = t.operations[operation, c.O_JOB]
    serial = t.shape[0]
    ready = b.jobs[job, c.K_TIME] if serial else t.jobs[job, c.J_RELEASE]
    here = b.jobs[job, c.K_LOCATION]
    allowed = max(t.jobs[job, c.J_RELEASE], ready)
    for at in range(t.before_at[operation], t.before_at[operation + 1]):
        allowed = max(allowed, b.placed[t.before[at], c.S_END])
    best = (NEVER, NEVER, NEVER, 0, -1, -1)
    best_way, best_leader, best_trip = -1, -1, NO_TRIP
    for way in range(t.operations[operation, c.O_WAY], t.operations[operation, c.O_WAY_END]):
        if mode >= 0 and t.ways[way, c.W_MODE] != mode:
            continue
        machine = t.ways[way, c.W_MACHINE]
        there = t.machines[machine, c.M_LOCATION]
        moves = here >= 0 and there >= 0 and here != there
        trip, later = NO_TRIP, arrive_from
        while True:
            begin_from, arrival = max(allowed, later), -1
            if moves:
                trip = find_trip(
                    here, there, ready, later, t.travel, t.handling, t.vehicles, b.trips, b.ends
                )
                if trip[3] >= NEVER:
                    break
                begin_from, arrival = max(allowed, trip[3]), trip[3]
            found = in_a_gap(t, b, way, begin_from, arrival, insert)
            leader = -1
            if t.operations[operation, c.O_BATCH] >= 0:
                leader = _batch_with_room(t, b, operation, way, begin_from, arrival)
                if leader >= 0 and b.placed[leader, c.S_END] <= found[2] + t.ways[way, c.W_TICKS]:
                    p = b.placed[leader]
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


@compiled
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
        link(b, machine, operation, before)
        p[c.S_LEADER] = operation
        p[c.S_PARTS] = t.operations[operation, c.O_PARTS]
        p[c.S_CAPACITY] = t.operations[operation, c.O_CAPACITY]
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


@compiled
def link(b: Board, machine: int, operation: int, before: int) -> None:
    """Write an operation between its neighbors on a machine."""
    following = b.lines[machine, FIRST] if before < 0 else b.placed[before, c.S_NEXT]
    b.placed[operation, c.S_BEFORE], b.placed[operation, c.S_NEXT] = before, following
    if before < 0:
        b.lines[machine, FIRST] = operation
    else:
        b.placed[before, c.S_NEXT] = operation
    if following < 0:
        b.lines[machine, LAST] = operation
    else:
        b.placed[following, c.S_BEFORE] = operation


@compiled
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
