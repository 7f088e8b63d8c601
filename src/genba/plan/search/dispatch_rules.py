"""Dispatching as a plant does it: whenever a machine is free, the most urgent that waits. Compiled.

A quick look ahead that knows machines, routings, releases and set-ups; calendars, people, places
and trips are left to the decoder, which times the order that comes out of it.
"""

import numpy as np

from genba.jit import compiled, inner
from genba.plan.timing import columns as c
from genba.plan.timing.columns import NEVER
from genba.plan.timing.compile import Floats, Ints, Tables

EDD, ATCS, SPT, WORK, SLACK, SETUP, FIFO, RATIO, KEYS = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""What is most urgent: see :mod:`genba.plan.search.rules`."""
UNKNOWN = -NEVER
"""When the first of a queue is ready has to be looked up again."""


@compiled
def dispatch(
    t: Tables,
    rule: int,
    due: Floats,
    tail: Ints,
    weight: Floats,
    keys: Floats,
    looks: Floats,
    rank: Ints,
    modes: Ints,
) -> None:
    """Write the order in which a rule dispatches, and the modes that it takes.

    Parameters
    ----------
    due, tail, weight, keys : arrays (operations,)
        Due date and weight of the job, ticks after the operation until its job is done, numbers
        that rule ``KEYS`` sorts by.
    looks : float64 array (2,)
        How many mean processing times and mean set-ups ``ATCS`` looks ahead.
    rank, modes : int64 arrays (operations,)
        Results.
    """
    count, machines = len(t.operations), len(t.machines)
    ready = np.zeros(count, dtype=np.int64)
    waits = np.zeros(count, dtype=np.int64)
    taken = np.zeros(count, dtype=np.int64)
    free = t.machines[:, c.M_FREE].copy()
    family = t.machines[:, c.M_FAMILY].copy()
    queue_at = np.zeros(machines + 1, dtype=np.int64)
    for way in range(len(t.ways)):
        queue_at[t.ways[way, c.W_MACHINE] + 1] += 1
    queue_at = np.cumsum(queue_at)
    queue = np.empty(max(1, len(t.ways)), dtype=np.int64)
    owner = np.empty(max(1, len(t.ways)), dtype=np.int64)
    size = np.zeros(machines, dtype=np.int64)
    soonest = np.full(machines, UNKNOWN, dtype=np.int64)
    for operation in range(count):
        waits[operation] = t.before_at[operation + 1] - t.before_at[operation]
        ready[operation] = t.jobs[t.operations[operation, c.O_JOB], c.J_RELEASE]
        for way in range(t.operations[operation, c.O_WAY], t.operations[operation, c.O_WAY_END]):
            owner[way] = operation
    pace = _mean_ticks(t)
    turn = 0
    for operation in range(count):
        if t.operations[operation, c.O_FIXED] >= 0:
            machine = t.ways[t.operations[operation, c.O_FIXED], c.W_MACHINE]
            end = t.operations[operation, c.O_FIXED_END]
            if end >= free[machine]:
                free[machine] = end
                family[machine] = t.ways[t.operations[operation, c.O_FIXED], c.W_FAMILY]
            taken[operation] = 1
            rank[operation], modes[operation] = turn, -1
            turn += 1
            _free_what_follows(
                t, operation, end, ready, waits, taken, queue, queue_at, size, soonest
            )
        elif t.before_at[operation] == t.before_at[operation + 1]:
            # What waits for something fixed was put there with it.
            _enqueue(t, operation, queue, queue_at, size, soonest, ready[operation])
    while turn < count:
        machine, now = _first_free(queue_at, size, queue, owner, taken, ready, free, soonest)
        if machine < 0:
            break
        way = _most_urgent(
            t,
            rule,
            machine,
            now,
            family,
            queue_at,
            size,
            queue,
            owner,
            ready,
            due,
            tail,
            weight,
            keys,
            pace,
            looks,
        )
        operation = owner[way]
        setup = _setup(t, machine, family[machine], t.ways[way, c.W_FAMILY])
        end = now + setup + t.ways[way, c.W_TICKS]
        free[machine], family[machine] = end, t.ways[way, c.W_FAMILY]
        taken[operation] = 1
        for other in range(t.operations[operation, c.O_WAY], t.operations[operation, c.O_WAY_END]):
            soonest[t.ways[other, c.W_MACHINE]] = UNKNOWN
        rank[operation], modes[operation] = turn, t.ways[way, c.W_MODE]
        turn += 1
        _free_what_follows(t, operation, end, ready, waits, taken, queue, queue_at, size, soonest)
    for operation in range(count):
        if not taken[operation]:
            rank[operation], modes[operation] = turn, -1
            turn += 1


@inner
def _first_free(
    queue_at: Ints,
    size: Ints,
    queue: Ints,
    owner: Ints,
    taken: Ints,
    ready: Ints,
    free: Ints,
    soonest: Ints,
) -> tuple[int, int]:
    """Return the machine that can begin something first, and when; -1 if nothing waits.

    ``soonest`` (machines,) keeps when the first of a queue is ready, where that is known.
    """
    best, now = -1, NEVER
    for machine in range(len(size)):
        if soonest[machine] == UNKNOWN:
            first, kept = queue_at[machine], 0
            soonest[machine] = NEVER
            for at in range(first, first + size[machine]):
                operation = owner[queue[at]]
                if not taken[operation]:
                    queue[first + kept] = queue[at]
                    kept += 1
                    soonest[machine] = min(soonest[machine], ready[operation])
            size[machine] = kept
        if size[machine] > 0 and max(free[machine], soonest[machine]) < now:
            best, now = machine, max(free[machine], soonest[machine])
    return best, now


@inner
def _most_urgent(
    t: Tables,
    rule: int,
    machine: int,
    now: int,
    family: Ints,
    queue_at: Ints,
    size: Ints,
    queue: Ints,
    owner: Ints,
    ready: Ints,
    due: Floats,
    tail: Ints,
    weight: Floats,
    keys: Floats,
    pace: Floats,
    looks: Floats,
) -> int:
    """Return the way of the operation that a machine begins now."""
    first, best, best_index = queue_at[machine], -1, -np.inf
    for at in range(first, first + size[machine]):
        way = queue[at]
        operation = owner[way]
        if ready[operation] > now:
            continue
        index = _index(
            rule,
            float(now),
            float(t.ways[way, c.W_TICKS]),
            float(_setup(t, machine, family[machine], t.ways[way, c.W_FAMILY])),
            due[operation],
            float(tail[operation]),
            weight[operation],
            float(ready[operation]),
            keys[operation],
            pace,
            looks,
        )
        if index > best_index:
            best, best_index = way, index
    return int(best)


@inner
def _enqueue(
    t: Tables, operation: int, queue: Ints, queue_at: Ints, size: Ints, soonest: Ints, ready: int
) -> None:
    for way in range(t.operations[operation, c.O_WAY], t.operations[operation, c.O_WAY_END]):
        machine = t.ways[way, c.W_MACHINE]
        queue[queue_at[machine] + size[machine]] = way
        size[machine] += 1
        if soonest[machine] != UNKNOWN:
            soonest[machine] = min(soonest[machine], ready)


@inner
def _free_what_follows(
    t: Tables,
    operation: int,
    end: int,
    ready: Ints,
    waits: Ints,
    taken: Ints,
    queue: Ints,
    queue_at: Ints,
    size: Ints,
    soonest: Ints,
) -> None:
    for at in range(t.after_at[operation], t.after_at[operation + 1]):
        following = t.after[at]
        ready[following] = max(ready[following], end)
        waits[following] -= 1
        is_fixed = t.operations[following, c.O_FIXED] >= 0
        if waits[following] == 0 and not taken[following] and not is_fixed:
            _enqueue(t, following, queue, queue_at, size, soonest, ready[following])


@inner
def _setup(t: Tables, machine: int, before: int, after: int) -> int:
    matrix = t.machines[machine, c.M_MATRIX]
    if matrix < 0 or after < 0:
        return 0
    return int(t.setups[matrix + (before + 1) * t.machines[machine, c.M_FAMILIES] + after])


@compiled
def _mean_ticks(t: Tables) -> Floats:
    """Return mean processing and set-up time, at least 1."""
    pace = np.ones(2)
    if len(t.ways) > 0:
        pace[0] = max(1.0, t.ways[:, c.W_TICKS].mean())
    pace[1] = max(1.0, t.setups.mean())
    return pace


@inner
def _index(
    rule: int,
    now: float,
    ticks: float,
    setup: float,
    due: float,
    tail: float,
    weight: float,
    ready: float,
    key: float,
    pace: Floats,
    looks: Floats,
) -> float:
    """Return how urgent it is; greater is more urgent."""
    left = ticks + tail
    if rule == EDD:
        return -(due - tail)
    if rule == ATCS:
        slack = max(0.0, due - left - setup - now)
        urgency = weight / max(1.0, ticks + setup) * np.exp(-slack / (looks[0] * pace[0]))
        return float(urgency * np.exp(-setup / (looks[1] * pace[1])) + 1e-12 * left)
    if rule == SPT:
        return -(ticks + setup)
    if rule == WORK:
        return left
    if rule == SLACK:
        return -(due - now - left)
    if rule == SETUP:
        return -setup * 1e6 - (due - tail)
    if rule == FIFO:
        return -ready
    if rule == RATIO:
        return -(due - now) / max(1.0, left)
    return -key
