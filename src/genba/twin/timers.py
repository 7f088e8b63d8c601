"""When what happens next: one timer for each unit, and the earliest found by a tournament.

A unit (a machine, a vehicle, a calendar ...) has at most one moment that it waits for, so a
tournament tree over the units takes the place of a queue of events: a timer is set or moved in
``log2(units)`` comparisons and nothing stale is ever stored (Knuth, *The Art of Computer
Programming*, vol. 3, 5.4.1). Ties go to the lower unit, so that a run is repeatable.
"""

import math

from genba.jit import compiled
from genba.twin.reach import World, timer_at, whole_at


@compiled
def set_timer(w: World, unit: int, time: float) -> None:
    """Let a unit wait for ``time``; infinity takes its timer away."""
    node = whole_at(w, 0).leaves + unit
    timer_at(w, node).time = time
    while node > 1:
        node >>= 1
        left, right = timer_at(w, 2 * node), timer_at(w, 2 * node + 1)
        winner = left if left.time <= right.time else right
        here = timer_at(w, node)
        here.time, here.unit = winner.time, winner.unit


@compiled
def clear_timers(w: World) -> None:
    """Take all timers away."""
    leaves = whole_at(w, 0).leaves
    for node in range(leaves):
        timer = timer_at(w, leaves + node)
        timer.time, timer.unit = math.inf, node
    for node in range(leaves - 1, 0, -1):
        timer = timer_at(w, node)
        timer.time, timer.unit = math.inf, timer_at(w, 2 * node).unit
