"""All operations, one after the other, from the most urgent that is free to be placed. Compiled.

Serial schedule generation (Kolisch, 1996): an operation is placed for good when all before it
stand. Stations with bounded places are kept free of deadlock by construction: a job's operations
are placed together from the first at such a station to the one with which it leaves them, as in
job insertion (Gröflin and Klinkert, 2007). Where a place is wanted by another job before this one
can leave, this one comes later, and all is tried again from there; after the last of what stands
there is always room.
"""

import numpy as np

from genba.jit import compiled, inner
from genba.plan.timing import columns as c
from genba.plan.timing.columns import LAST, NEVER
from genba.plan.timing.compile import Ints, Tables
from genba.plan.timing.fleet import add_trip, find_trip
from genba.plan.timing.place import Board, link, place, take_back
from genba.plan.timing.time import conflict, empty_pools, occupy


@compiled
def run(t: Tables, b: Board, rank: Ints, modes: Ints, insert: int) -> int:
    """Time all operations; return how many found no place.

    Parameters
    ----------
    t, b : Tables, Board
        The problem; what the board held before is wiped.
    rank : int64 array (operations,)
        Smaller is more urgent; no two alike.
    modes : int64 array (operations,)
        Chosen mode, -1 for the one that ends first.
    insert : int
        1: gaps between what stands are filled; 0: the order on each machine is that of the ranks.
    """
    _clear(t, b)
    _place_fixed(t, b)
    count = len(t.nodes_at) - 1
    waits = np.zeros(count, dtype=np.int64)
    urgency = np.empty(count, dtype=np.int64)  # -1: fixed
    heap = np.empty(count, dtype=np.int64)
    held = np.empty(count, dtype=np.int64)
    not_before = np.full(len(t.operations), -NEVER, dtype=np.int64)
    for operation in range(len(t.operations)):
        node = t.operations[operation, c.O_NODE]
        if t.nodes[t.nodes_at[node]] == operation:
            is_fixed = t.operations[operation, c.O_FIXED] >= 0
            urgency[node] = -1 if is_fixed else rank[operation]
        for at in range(t.before_at[operation], t.before_at[operation + 1]):
            waits[node] += t.operations[t.before[at], c.O_NODE] != node
    size = 0
    for node in range(count):
        if waits[node] == 0 or urgency[node] < 0:
            size = _push(heap, size, urgency, node)
    is_simple = not t.shape[0]  # nothing is brought anywhere, no station is bounded
    held_count, progress = 0, False
    while size > 0:
        node = heap[0]
        size = _pop(heap, size, urgency)
        is_placed = urgency[node] < 0
        if is_simple:
            operation = t.nodes[t.nodes_at[node]]
            is_placed = is_placed or (
                place(t, b, operation, modes[operation], not_before[operation], insert) < NEVER
            )
        else:
            is_placed = is_placed or _place_node(t, b, node, modes, insert, not_before)
        if is_placed:
            progress = True
            size = _release(
                t.operations,
                t.nodes[t.nodes_at[node] : t.nodes_at[node + 1]],
                t.after,
                t.after_at,
                waits,
                heap,
                size,
                urgency,
            )
        else:
            held[held_count] = node
            held_count += 1
        if size == 0 and progress and held_count > 0 and t.shape[0]:
            for number in range(held_count):  # a place may have become free in the meantime
                size = _push(heap, size, urgency, held[number])
            held_count, progress = 0, False
    missing = 0
    for operation in range(len(t.operations)):
        missing += b.placed[operation, c.S_WAY] < 0
    return missing


@inner
def _clear(t: Tables, b: Board) -> None:
    b.placed[:, c.S_WAY] = -1
    b.lines[:] = -1
    b.trips[:, c.L_KIND] = -1
    b.ends[:] = -1
    empty_pools(t.pools, b.step_tick, b.step_used, b.steps)
    for job in range(len(t.jobs)):
        b.jobs[job, c.K_TIME] = t.jobs[job, c.J_RELEASE]
        b.jobs[job, c.K_LOCATION] = t.jobs[job, c.J_ORIGIN]
        b.jobs[job, c.K_POOL] = -1
        b.jobs[job, c.K_UNTIL] = 0
        b.jobs[job, c.K_REMAINING] = 0
    for operation in range(len(t.operations)):
        b.jobs[t.operations[operation, c.O_JOB], c.K_REMAINING] += 1


@compiled
def _place_fixed(t: Tables, b: Board) -> None:
    """Put down what is decided, and bring jobs home that have nothing else to do."""
    fixed = np.flatnonzero(t.operations[:, c.O_FIXED] >= 0)
    for number in np.argsort(t.operations[fixed, c.O_FIXED_START], kind="mergesort"):
        _put_fixed(t, b, fixed[number])
    for job in range(len(t.jobs)):
        if b.jobs[job, c.K_REMAINING] == 0:
            _deliver(t, b, job)


@inner
def _put_fixed(t: Tables, b: Board, operation: int) -> None:
    row, p = t.operations[operation], b.placed[operation]
    setup_start, start, end = row[c.O_FIXED_SETUP], row[c.O_FIXED_START], row[c.O_FIXED_END]
    way, j = row[c.O_FIXED], b.jobs[row[c.O_JOB]]
    machine = t.ways[way, c.W_MACHINE]
    before = b.lines[machine, LAST]
    if (
        before >= 0
        and row[c.O_BATCH] >= 0
        and t.operations[before, c.O_BATCH] == row[c.O_BATCH]
        and b.placed[before, c.S_START] == start
        and b.placed[before, c.S_END] == end
    ):
        p[c.S_LEADER] = before
    else:
        link(b.placed, b.lines, machine, operation, before)
        p[c.S_LEADER] = operation
        if t.ways[way, c.W_STAFF] >= 0:
            until = end if t.ways[way, c.W_WHOLE] else start
            pool = t.ways[way, c.W_STAFF]
            occupy(pool, setup_start, until, 1, t.pools, b.step_tick, b.step_used, b.steps)
        for at in range(t.ways[way, c.W_TOOL], t.ways[way, c.W_TOOL_END]):
            occupy(t.tools[at], setup_start, end, 1, t.pools, b.step_tick, b.step_used, b.steps)
        if t.shape[1] >= 0:
            power = t.ways[way, c.W_POWER]
            occupy(t.shape[1], start, end, power, t.pools, b.step_tick, b.step_used, b.steps)
    p[c.S_SETUP], p[c.S_START], p[c.S_END], p[c.S_WAY] = setup_start, start, end, way
    p[c.S_TICKS], p[c.S_PARTS], p[c.S_CAPACITY] = row[c.O_FIXED_TICKS], row[c.O_PARTS], 0
    if j[c.K_POOL] >= 0:
        pool = j[c.K_POOL]
        occupy(pool, setup_start, NEVER, -1, t.pools, b.step_tick, b.step_used, b.steps)
    j[c.K_REMAINING] -= 1
    goes_on = j[c.K_REMAINING] > 0 or t.jobs[row[c.O_JOB], c.J_DESTINATION] >= 0
    places = t.machines[machine, c.M_PLACES]
    until = NEVER if goes_on else end  # reserved, until it is known when the job leaves
    if places >= 0:
        occupy(places, setup_start, until, 1, t.pools, b.step_tick, b.step_used, b.steps)
    j[c.K_TIME], j[c.K_LOCATION] = max(j[c.K_TIME], end), t.machines[machine, c.M_LOCATION]
    j[c.K_POOL], j[c.K_UNTIL] = (places, until) if goes_on else (-1, end)


@inner
def _place_node(t: Tables, b: Board, node: int, modes: Ints, insert: int, not_before: Ints) -> bool:
    first, last = t.nodes_at[node], t.nodes_at[node + 1]
    for at in range(first, last):
        not_before[t.nodes[at]] = -NEVER
    j = b.jobs[t.operations[t.nodes[first], c.O_JOB]]
    pool, since = j[c.K_POOL], j[c.K_TIME]
    is_reserved = pool >= 0 and j[c.K_UNTIL] >= NEVER
    if is_reserved:
        occupy(pool, since, NEVER, -1, t.pools, b.step_tick, b.step_used, b.steps)
        j[c.K_UNTIL] = since
    at = first
    while at < last:
        operation = t.nodes[at]
        left = place(t, b, operation, modes[operation], not_before[operation], insert)
        later = NEVER
        if left < NEVER:
            p = b.placed[operation]
            later = _leave(t, b, p[c.S_JOB_POOL], p[c.S_JOB_UNTIL], left)
            if later < 0:
                late_trip = _deliver(t, b, t.operations[operation, c.O_JOB])
                if late_trip < 0:
                    at += 1
                    continue
                _take_back(t, b, operation)
                if late_trip < NEVER:
                    not_before[operation] = max(late_trip, not_before[operation] + 1)
                    continue
                later = NEVER
            else:
                take_back(t, b, operation)
                not_before[operation] = -NEVER
        if later >= NEVER or at == first:
            while at > first:
                at -= 1
                _take_back(t, b, t.nodes[at])
            if is_reserved:
                occupy(pool, since, NEVER, 1, t.pools, b.step_tick, b.step_used, b.steps)
                j[c.K_UNTIL] = NEVER
            return False
        at -= 1  # the job cannot wait there for so long: it has to come later
        operation = t.nodes[at]
        _take_back(t, b, operation)
        not_before[operation] = max(later, not_before[operation] + 1)
    return True


@inner
def _leave(t: Tables, b: Board, pool: int, until: int, left: int) -> int:
    """Let a job hold its place until it leaves; return -1, or when it should have come instead."""
    if pool < 0:
        return -1
    if until > left:
        occupy(pool, left, until, -1, t.pools, b.step_tick, b.step_used, b.steps)
        return -1
    later = conflict(pool, until, left, 1, t.pools, b.step_tick, b.step_used, b.steps)
    if later < 0:
        occupy(pool, until, left, 1, t.pools, b.step_tick, b.step_used, b.steps)
    return int(later)


@inner
def _take_back(t: Tables, b: Board, operation: int) -> None:
    """Undo a placement with the wait before it."""
    p = b.placed[operation]
    if p[c.S_JOB_POOL] >= 0:
        until, left = p[c.S_JOB_UNTIL], p[c.S_LEFT]
        pool = p[c.S_JOB_POOL]
        occupy(pool, until, left, -1, t.pools, b.step_tick, b.step_used, b.steps)
    take_back(t, b, operation)


@inner
def _deliver(t: Tables, b: Board, job: int) -> int:
    """Bring a job that is finished to its destination; return -1, or when it should have come."""
    j = b.jobs[job]
    here, wanted = j[c.K_LOCATION], t.jobs[job, c.J_DESTINATION]
    if j[c.K_REMAINING] > 0 or here < 0 or wanted < 0:
        return -1
    if here == wanted:
        if j[c.K_POOL] >= 0 and j[c.K_UNTIL] >= NEVER:
            _leave(t, b, j[c.K_POOL], j[c.K_UNTIL], j[c.K_TIME])
        return -1
    trip = find_trip(
        here, wanted, j[c.K_TIME], j[c.K_TIME], t.travel, t.handling, t.vehicles, b.trips, b.ends
    )
    if trip[3] >= NEVER:
        return NEVER
    later = _leave(t, b, j[c.K_POOL], j[c.K_UNTIL], trip[2])
    if later < 0:
        add_trip(len(t.operations) + job, trip, here, wanted, b.trips, b.ends)
    return later


@inner
def _release(
    operations: Ints,
    chain: Ints,
    after: Ints,
    after_at: Ints,
    waits: Ints,
    heap: Ints,
    size: int,
    urgency: Ints,
) -> int:
    """Free what waited for the operations of a node."""
    node = operations[chain[0], c.O_NODE]
    for operation in chain:
        for at in range(after_at[operation], after_at[operation + 1]):
            following = operations[after[at], c.O_NODE]
            if following != node:
                waits[following] -= 1
                is_free = waits[following] == 0 and urgency[following] >= 0
                if is_free:  # what is fixed was free from the beginning
                    size = _push(heap, size, urgency, following)
    return size


@inner
def _push(heap: Ints, size: int, urgency: Ints, node: int) -> int:
    at, key = size, urgency[node]
    while at > 0 and urgency[heap[(at - 1) // 2]] > key:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = node
    return size + 1


@inner
def _pop(heap: Ints, size: int, urgency: Ints) -> int:
    size -= 1
    node, at = heap[size], 0
    key = urgency[node]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and urgency[heap[child + 1]] < urgency[heap[child]]:
            child += 1
        if urgency[heap[child]] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = node
    return size
