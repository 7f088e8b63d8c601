"""List scheduling of a plain shop whose machines are chosen: never idle while something waits.

Each machine keeps what waits for it in a heap by urgency; one heap of events holds arrivals and
machines that become free. O(n log n) for n operations.
"""

import numpy as np

from genba.jit import compiled
from genba.plan.bounds.flexible import Floats, Ints


@compiled
def sink(key: Floats, item: Ints, base: int, size: int) -> int:
    """Take the smallest item off the heap at ``[base, base + size)`` and return it."""
    top = item[base]
    last_key, last = key[base + size - 1], item[base + size - 1]
    size -= 1
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        if child + 1 < size and key[base + child + 1] < key[base + child]:
            child += 1
        if key[base + child] >= last_key:
            break
        key[base + hole], item[base + hole] = key[base + child], item[base + child]
        hole = child
    key[base + hole], item[base + hole] = last_key, last
    return int(top)


@compiled
def rise(key: Floats, item: Ints, base: int, size: int, new_key: float, new: int) -> None:
    """Put an item on the heap at ``[base, base + size)``."""
    hole = size
    while hole > 0:
        parent = (hole - 1) // 2
        if key[base + parent] <= new_key:
            break
        key[base + hole], item[base + hole] = key[base + parent], item[base + parent]
        hole = parent
    key[base + hole], item[base + hole] = new_key, new


@compiled
def list_schedule(
    first_of: Ints, machine: Ints, ticks: Ints, release: Ints, free_from: Ints, rank: Floats
) -> Ints:
    """Return the starts (n,) when every free machine takes the waiting one of smallest rank.

    Operations stand job by job in routing order; ``machine``, ``ticks`` and ``rank`` are (n,).
    """
    size, jobs, machines = len(machine), len(release), len(free_from)
    start = np.full(size, -1, np.int64)
    place = np.zeros(machines + 1, np.int64)
    for o in range(size):
        place[machine[o] + 1] += 1
    place = np.cumsum(place)
    wait_key, wait_item = np.empty(size), np.empty(size, np.int64)
    waiting = np.zeros(machines, np.int64)
    free = free_from.copy()
    called = np.zeros(machines, np.bool_)
    # An event's key is twice its time, plus 1 for a machine: arrivals of the same tick come first.
    events = 0
    event_key = np.empty(jobs + machines + 1)
    event_item = np.empty(jobs + machines + 1, np.int64)
    step = first_of[:-1].copy()
    for j in range(jobs):
        if first_of[j] < first_of[j + 1]:
            rise(event_key, event_item, 0, events, 2.0 * release[j], j)
            events += 1
    while events > 0:
        time = int(event_key[0]) // 2
        who = sink(event_key, event_item, 0, events)
        events -= 1
        if who < jobs:
            o = step[who]
            m = machine[o]
            rise(wait_key, wait_item, place[m], waiting[m], rank[o], o * jobs + who)
            waiting[m] += 1
        else:
            m = who - jobs
            called[m] = False
            coded = sink(wait_key, wait_item, place[m], waiting[m])
            waiting[m] -= 1
            o, j = coded // jobs, coded % jobs
            start[o] = time
            free[m] = time + ticks[o]
            step[j] += 1
            if step[j] < first_of[j + 1]:
                rise(event_key, event_item, 0, events, 2.0 * free[m], j)
                events += 1
        if waiting[m] > 0 and not called[m]:
            called[m] = True
            rise(event_key, event_item, 0, events, 2.0 * max(time, free[m]) + 1.0, jobs + m)
            events += 1
    return start


@compiled
def tails_of(first_of: Ints, ticks: Ints) -> Ints:
    """Return (n,) the work of each operation's job from its begin to the end of the job."""
    tail = np.empty(len(ticks), np.int64)
    for j in range(len(first_of) - 1):
        rest = 0
        for o in range(first_of[j + 1] - 1, first_of[j] - 1, -1):
            rest += ticks[o]
            tail[o] = rest
    return tail


@compiled
def forth_and_back(
    first_of: Ints,
    machine: Ints,
    ticks: Ints,
    release: Ints,
    free_from: Ints,
    rank: Floats,
    passes: int,
) -> Ints:
    """Return the best starts (n,) of list schedules made forwards and backwards in turn.

    Backwards, what ended last comes first; the next forward pass takes the order of the begins in
    it. Li and Willis, *An iterative scheduling technique for resource-constrained project
    scheduling* (1992). Stops where a pass gains nothing.
    """
    size = len(machine)
    back = np.empty(size, np.int64)
    for j in range(len(first_of) - 1):
        for o in range(first_of[j], first_of[j + 1]):
            back[o] = first_of[j] + first_of[j + 1] - 1 - o
    machine_back, ticks_back = machine[back], ticks[back]
    nothing, open_at_once = np.zeros_like(release), np.zeros_like(free_from)
    best = list_schedule(first_of, machine, ticks, release, free_from, rank)
    if size == 0:
        return best
    best_end = (best + ticks).max()
    start = best
    for _ in range(passes):
        late = -(start + ticks)[back].astype(np.float64)
        mirrored = list_schedule(first_of, machine_back, ticks_back, nothing, open_at_once, late)
        early = -(mirrored + ticks_back)[back].astype(np.float64)
        start = list_schedule(first_of, machine, ticks, release, free_from, early)
        end = (start + ticks).max()
        if end >= best_end:
            break
        best, best_end = start, end
    return best
