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
    first, who = time, unit
    while node > 1:
        other = timer_at(w, node ^ 1)
        if other.time < first or (other.time == first and node & 1):
            first, who = other.time, other.unit
        node >>= 1
        here = timer_at(w, node)
        if who != unit and who == here.unit and first == here.time:
            return  # what is above does not depend on this unit
        here.time, here.unit = first, who


@compiled
def take_first(w: World) -> int:
    """Return the unit that is due first, and take its timer away.

    What is above it in the tree is left as it is until :func:`settle_first`; meanwhile timers may
    be set, but not asked for. So a unit that is set anew at once costs one way up the tree, not
    two.
    """
    unit: int = timer_at(w, 1).unit
    timer_at(w, whole_at(w, 0).leaves + unit).time = math.inf
    return unit


@compiled
def settle_first(w: World, unit: int) -> None:
    """Bring the tree in order above a unit that was taken by :func:`take_first`."""
    leaf = timer_at(w, whole_at(w, 0).leaves + unit)
    if leaf.time == math.inf:
        set_timer(w, unit, math.inf)


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
