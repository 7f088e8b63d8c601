"""The one-machine bound: work of one machine with heads and tails, pauses allowed."""

import numpy as np

from genba.jit import compiled
from genba.plan.bounds.flexible import Ints
from genba.plan.bounds.listing import rise, sink


@compiled
def jackson(head: Ints, ticks: Ints, tail: Ints) -> int:
    """Return the least ``max(end + tail)`` of a machine's work when it may pause and go on.

    At any time the work of longest tail runs, of what has come. Jackson, *Scheduling a production
    line to minimize maximum tardiness* (1955); optimal with pauses, so a lower bound without.
    """
    size = len(head)
    order = np.argsort(head)
    key, item = np.empty(size + 1), np.empty(size + 1, np.int64)
    rest = ticks.copy()
    waiting, at, bound = 0, 0, 0
    now = head[order[0]] if size > 0 else 0
    while at < size or waiting > 0:
        if waiting == 0:
            now = max(now, head[order[at]])
        while at < size and head[order[at]] <= now:
            rise(key, item, 0, waiting, -float(tail[order[at]]), order[at])
            waiting += 1
            at += 1
        one = item[0]
        done = now + rest[one]
        if at < size and head[order[at]] < done:
            rest[one] = done - head[order[at]]
            now = head[order[at]]
            continue
        sink(key, item, 0, waiting)
        waiting -= 1
        now = done
        bound = max(bound, done + tail[one])
    return bound
