"""Time a disturbed plain plan anew, and better it by small changes. Compiled.

A plan is taken as a mode and a *key* for each operation: the tick at which it was meant to start.
Operations are placed one after the other by key, each behind what stands on its machine already,
so whatever keys and modes are tried, the plan is legal. An operation that is held up by its job
for longer than the shop's patience lets the next ones pass; one that is held up by its machine goes
to another where that holds up less.
"""

from typing import NamedTuple

import numpy as np

from genba.jit import compiled
from genba.plan.bounds.flexible import Floats, Ints
from genba.plan.bounds.listing import rise, sink

NEW = -2
"""As predecessor: of an operation that was in no plan before."""

MAKESPAN, TARDINESS, FLOW, STABILITY, MOVED = range(5)
"""What :func:`worth` returns."""


class Remains(NamedTuple):
    """What is left of a plan of ``n`` operations, ``j`` jobs, ``m`` machines, ``k`` modes."""

    first_of: Ints
    """(j + 1,)"""
    job_of: Ints
    """(n,)"""
    mode_first: Ints
    """(n + 1,)"""
    mode_machine: Ints
    """(k,)"""
    mode_ticks: Ints
    """(k,)"""
    ready: Ints
    """(j,) earliest begin of what does not stand."""
    free: Ints
    """(m,) the same for machines."""
    stop_first: Ints
    """(m + 1,) stops of each machine, sorted."""
    stop_from: Ints
    stop_until: Ints
    stands: Ints
    """(n,) 1 where nothing may change; a prefix of each job."""
    mode_was: Ints
    """(n,) in the plan; -1 of a new operation."""
    start_was: Ints
    """(n,) in the plan; of a new one the tick at which it should go in."""
    end_was: Ints
    """(n,) in the plan, pauses of what stands included."""
    before_was: Ints
    """(n,) operation before it on its machine in the plan; -1 if none, ``NEW``."""
    due: Ints
    """(j,)"""
    weight: Floats
    """(j,)"""
    release: Ints
    """(j,) from where FLOW counts."""
    parts: Ints
    """(j,)"""


class Mended(NamedTuple):
    """A timed plan; arrays of (n,)."""

    mode: Ints
    start: Ints
    end: Ints
    before: Ints
    """Operation before it on its machine, -1 if none."""


@compiled
def past_stops(r: Remains, machine: int, start: int, ticks: int) -> int:
    """Return the earliest begin, at ``start`` or later, that no stop of the machine cuts."""
    for i in range(r.stop_first[machine], r.stop_first[machine + 1]):
        if start < r.stop_until[i] and start + ticks > r.stop_from[i]:
            start = r.stop_until[i]
    return start


class Queue(NamedTuple):
    """What is still to come on each machine, by key."""

    lined: Ints
    """(n,) operations, machine after machine."""
    at: Ints
    """(m,) position of the next one."""
    end: Ints
    """(m,)"""


@compiled
def lined_up(r: Remains, by_key: Ints, mode: Ints) -> Queue:
    """Line up the operations that do not stand; ``by_key`` holds all in order, or is empty."""
    machines, size = len(r.free), len(mode)
    begin = np.zeros(machines + 1, np.int64)
    if len(by_key) == 0:
        return Queue(by_key, begin[:-1], begin[:-1])
    for o in range(size):
        if not r.stands[o]:
            begin[r.mode_machine[mode[o]] + 1] += 1
    begin = np.cumsum(begin)
    at = begin[:-1].copy()
    lined = np.empty(begin[-1], np.int64)
    for o in by_key:
        if not r.stands[o]:
            m = r.mode_machine[mode[o]]
            lined[at[m]] = o
            at[m] += 1
    return Queue(lined, begin[:-1].copy(), begin[1:].copy())


@compiled
def mend(
    r: Remains, key: Ints, mode: Ints, by_key: Ints, patience: int, early: bool, reach: float
) -> Mended:
    """Time a plan by keys and modes.

    Parameters
    ----------
    r : Remains
        What is left of the plan.
    key : (n,) int64
        Twice the tick at which an operation is meant to start, plus 1 if it takes time.
    mode : (n,) int64
        Meant modes.
    by_key : (n,) int64
        All operations in the order of their keys; only needed where ``reach`` is above 0.
    patience : int
        Ticks for which a machine waits for the job that is next.
    early : bool
        Whether operations may start earlier than they did in the plan.
    reach : float
        An operation goes to another machine where the worst delay of it and of what follows there
        is less than ``reach`` times its delay here; 0 for never.
    """
    size, jobs, machines = len(mode), len(r.ready), len(r.free)
    mode = mode.copy()
    start, end = r.start_was.copy(), r.end_was.copy()
    before, done = np.full(size, -1, np.int64), r.stands.copy()
    ready, free = r.ready.copy(), r.free.copy()
    last, step = np.full(machines, -1, np.int64), r.first_of[:-1].copy()
    heap_key, heap_item = np.empty(jobs + 1), np.empty(jobs + 1, np.int64)
    waiting = 0
    queue = lined_up(r, by_key, mode)
    _keep(r, mode, start, end, before, last, free, ready, step)
    for j in range(jobs):
        if step[j] < r.first_of[j + 1]:
            rise(heap_key, heap_item, 0, waiting, float(key[step[j]]), j)
            waiting += 1
    while waiting > 0:
        meant = heap_key[0]
        j = sink(heap_key, heap_item, 0, waiting)
        waiting -= 1
        o = step[j]
        m, ticks = r.mode_machine[mode[o]], r.mode_ticks[mode[o]]
        new = r.mode_was[o] < 0
        lower = 0 if early or new or key[o] < 2 * r.start_was[o] else r.start_was[o]
        if new:
            mode[o] = _earliest(r, o, ready[j], free)
            m, ticks = r.mode_machine[mode[o]], r.mode_ticks[mode[o]]
        begin = past_stops(r, m, max(ready[j], free[m], lower), ticks)
        # Held up: those behind it that are ready go first.
        if begin > max(int(meant) // 2, free[m]) + patience:
            rise(heap_key, heap_item, 0, waiting, 2.0 * begin, j)
            waiting += 1
            continue
        if reach > 0 and begin > lower and not new:
            late = reach * (begin - max(ready[j], r.start_was[o]))
            k = _elsewhere(r, o, mode[o], ready[j], lower, late, free, done, key, queue)
            if k != mode[o]:
                mode[o] = k
                m, ticks = r.mode_machine[k], r.mode_ticks[k]
                begin = past_stops(r, m, max(ready[j], free[m], lower), ticks)
        start[o], end[o], before[o] = begin, begin + ticks, last[m]
        free[m], ready[j], last[m], done[o] = end[o], end[o], o, 1
        step[j] += 1
        if step[j] < r.first_of[j + 1]:
            rise(heap_key, heap_item, 0, waiting, float(key[step[j]]), j)
            waiting += 1
    return Mended(mode, start, end, before)


@compiled
def _elsewhere(
    r: Remains,
    o: int,
    here: int,
    ready: int,
    lower: int,
    late: float,
    free: Ints,
    done: Ints,
    key: Ints,
    queue: Queue,
) -> int:
    """Return the mode in which an operation, and what follows there, is least late.

    ``here``, its own mode, where none is below ``late``.
    """
    best = here
    meant = max(ready, r.start_was[o]) + r.mode_ticks[here]
    for k in range(r.mode_first[o], r.mode_first[o + 1]):
        m, ticks = r.mode_machine[k], r.mode_ticks[k]
        if m == r.mode_machine[here]:
            continue
        end = past_stops(r, m, max(ready, free[m], lower), ticks) + ticks
        worst = end - meant
        while queue.at[m] < queue.end[m] and done[queue.lined[queue.at[m]]]:
            queue.at[m] += 1
        if queue.at[m] < queue.end[m]:
            worst = max(worst, end - key[queue.lined[queue.at[m]]] // 2)
        if worst < late:
            best, late = k, float(worst)
    return int(best)


@compiled
def _earliest(r: Remains, o: int, ready: int, free: Ints) -> int:
    """Return the mode in which an operation ends first."""
    best, least = r.mode_first[o], 1 << 62
    for k in range(r.mode_first[o], r.mode_first[o + 1]):
        m = r.mode_machine[k]
        end = past_stops(r, m, max(ready, free[m]), r.mode_ticks[k]) + r.mode_ticks[k]
        if end < least:
            best, least = k, end
    return int(best)


@compiled
def _keep(
    r: Remains,
    mode: Ints,
    start: Ints,
    end: Ints,
    before: Ints,
    last: Ints,
    free: Ints,
    ready: Ints,
    step: Ints,
) -> None:
    """Take over what stands."""
    for o in range(len(mode)):
        if r.stands[o]:
            m, j = r.mode_machine[mode[o]], r.job_of[o]
            before[o] = r.before_was[o]
            if last[m] < 0 or (start[last[m]], end[last[m]]) < (start[o], end[o]):
                last[m] = o
            free[m] = max(free[m], end[o])
            ready[j] = max(ready[j], end[o])
            step[j] = o + 1


@compiled
def worth(r: Remains, plan: Mended, machine_price: float, order_price: float) -> Floats:
    """Return (5,): makespan, tardiness, flow, price of the difference, operations moved."""
    found = np.zeros(5)
    for j in range(len(r.ready)):
        if r.first_of[j] < r.first_of[j + 1]:
            end = plan.end[r.first_of[j + 1] - 1]
            found[MAKESPAN] = max(found[MAKESPAN], end)
            if end > r.due[j]:
                found[TARDINESS] += r.weight[j] * (end - r.due[j])
            found[FLOW] += r.parts[j] * (end - r.release[j])
    for o in range(len(plan.mode)):
        if r.mode_was[o] < 0:
            continue
        other = r.mode_machine[plan.mode[o]] != r.mode_machine[r.mode_was[o]]
        order = plan.before[o] != r.before_was[o]
        found[STABILITY] += machine_price * other + order_price * order
        found[STABILITY] += abs(plan.start[o] - r.start_was[o]) / 1000.0
        found[MOVED] += other or order
    return found


@compiled
def settle(
    order: Ints,
    job_of: Ints,
    machine: Ints,
    start: Ints,
    end: Ints,
    fixed_end: Ints,
    release: Ints,
    changed: Ints,
    now: int,
    floor: int,
) -> Ints:
    """Return (n,) 1 for what stays: begun before ``now``, or meant to before ``floor`` and able to.

    ``order`` (n,) is by start; ``end`` (n,) is that of the plan, ``fixed_end`` (n,) with pauses;
    ``release`` (j,) and ``changed`` (n,) say what a disturbance forbids.
    """
    stands = np.zeros(len(order), np.int64)
    free, ready = np.zeros(machine.max() + 1, np.int64), np.zeros(len(release), np.int64)
    free[:] = ready[:] = start.min()
    broken = np.zeros(len(release), np.int64)
    for o in order:
        if start[o] >= floor:
            break
        m, j = machine[o], job_of[o]
        if start[o] >= now and (
            broken[j]
            or changed[o]
            or fixed_end[o] != end[o]
            or start[o] < max(free[m], ready[j], release[j])
        ):
            broken[j] = 1
            continue
        stands[o] = 1
        free[m] = max(free[m], fixed_end[o])
        ready[j] = max(ready[j], fixed_end[o])
    return stands
