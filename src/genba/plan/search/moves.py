"""Moves of the local search: an operation takes another turn, another machine, or joins a family.

An order always respects the routings: whoever is moved takes along what must come before it, or
after it, as far as it stands in between. Compiled.
"""

import numpy as np

from genba.jit import compiled, inner
from genba.plan.search.judge import BEST, NOW, TRY, Lean, Walk, judge
from genba.plan.shop.draw import below, unit
from genba.plan.timing import columns as c
from genba.plan.timing.columns import NEVER
from genba.plan.timing.compile import Floats, Ints, Tables
from genba.plan.timing.value import Pricing

CHAIN = 64
"""How far a late job is followed back."""
RENEWED = 64
"""Accepted moves after which the order is written anew."""
LOOKS = 24
"""How many operations are looked at for one that fits."""


@compiled
def anneal(
    t: Tables,
    f: Lean,
    pricing: Pricing,
    w: Walk,
    worths: Floats,
    rng: Ints,
    steps: int,
    temperature: float,
    span: int,
) -> None:
    """Go on from row NOW of a lean walk: what is better stays, what is worse by its odds.

    ``worths`` (3,) are those of the rows; ``span`` is how far moves reach in the order.
    """
    accepted = 0
    for _ in range(steps):
        first = propose(t, f, w, rng, span)
        if first >= 0:
            value = judge(t, f, pricing, w, first)
            accepted += settle(w, worths, rng, value, temperature)
            if accepted == RENEWED:
                by_start(w)
                accepted = 0


@compiled
def propose(t: Tables, f: Lean, w: Walk, rng: Ints, span: int) -> int:
    """Make row TRY a neighbor of row NOW; return the first position that changed, -1: nothing."""
    for at in range(w.order.shape[1]):
        w.order[TRY, at], w.place[TRY, at] = w.order[NOW, at], w.place[NOW, at]
        w.way[TRY, at] = w.way[NOW, at]
    return int(change(t, f, w, rng, span))


@compiled
def settle(w: Walk, worths: Floats, rng: Ints, value: float, temperature: float) -> bool:
    """Let row TRY be row NOW if it is better, or by its odds; keep the best in row BEST."""
    worse = value - worths[NOW]
    if worse > 0.0 and unit(rng) >= np.exp(-worse / temperature):
        return False
    copy_row(w, TRY, NOW)
    worths[NOW] = value
    if value < worths[BEST] - 1e-12 * abs(worths[BEST]):
        copy_row(w, NOW, BEST)
        worths[BEST] = value
    return True


@compiled
def by_start(w: Walk) -> None:
    """Write the order of row NOW anew by starts, so that neighbors in it are so in time."""
    order, start = w.order[NOW], w.start[NOW]
    for at in range(1, len(order)):  # nearly sorted: insertion is fast, and stable
        operation, to = order[at], at
        while to > 0 and start[order[to - 1]] > start[operation]:
            order[to] = order[to - 1]
            to -= 1
        order[to] = operation
    for at in range(len(order)):
        w.place[NOW, order[at]] = at


@compiled
def copy_row(w: Walk, source: int, target: int) -> None:
    """Copy one row of a walk to another."""
    # loops, because the messages that slices bring along take seconds to compile
    for at in range(w.order.shape[1]):
        w.order[target, at], w.place[target, at] = w.order[source, at], w.place[source, at]
        w.way[target, at], w.before[target, at] = w.way[source, at], w.before[source, at]
        w.start[target, at], w.end[target, at] = w.start[source, at], w.end[source, at]
        w.setup[target, at] = w.setup[source, at]
    for job in range(w.cost.shape[1]):
        w.cost[target, job] = w.cost[source, job]


@inner
def put(t: Tables, w: Walk, operation: int, goal: int) -> int:
    """Put an operation at a position of row TRY; return the first position that changed."""
    order, place, block, mark = w.order[TRY], w.place[TRY], w.block, w.mark
    at = place[operation]
    if goal == at:
        return int(at)
    block[0], size = operation, 1
    mark[operation] = 1
    if goal < at:
        for number in range(at - 1, goal - 1, -1):
            other = order[number]
            for link in range(t.after_at[other], t.after_at[other + 1]):
                if mark[t.after[link]]:
                    mark[other] = 1
            if mark[other]:
                block[size] = other
                size += 1
            else:
                order[number + size] = other
                place[other] = number + size
        for number in range(size):
            order[goal + number] = block[size - 1 - number]
    else:
        for number in range(at + 1, goal + 1):
            other = order[number]
            for link in range(t.before_at[other], t.before_at[other + 1]):
                if mark[t.before[link]]:
                    mark[other] = 1
            if mark[other]:
                block[size] = other
                size += 1
            else:
                order[number - size] = other
                place[other] = number - size
        for number in range(size):
            order[goal - size + 1 + number] = block[number]
    low = min(goal, goal - size + 1) if goal > at else goal
    for number in range(low, low + size):
        moved = order[number]
        place[moved] = number
        mark[moved] = 0
    return int(min(at, goal))


@compiled
def change(t: Tables, f: Lean, w: Walk, rng: Ints, span: int) -> int:
    """Change row TRY, which is like NOW; return the first position that changed, -1: nothing."""
    operation = _some_operation(t, f, w, rng)
    if f.fixed[operation, 0]:
        return -1
    draw = unit(rng)
    if draw < 0.30:
        return _earlier(t, w, rng, operation)
    if draw < 0.45:
        return _anywhere(t, f, w, rng, operation, span)
    if draw < 0.65:
        return _to_family(t, f, w, rng, operation)
    if draw < 0.80:
        return _to_machine(t, f, w, rng, operation, span)
    if draw < 0.90:
        previous = w.before[NOW, operation]
        if previous < 0 or f.fixed[previous, 0]:
            return -1
        return put(t, w, previous, w.place[TRY, operation])
    return _block(t, f, w, rng, operation, span)


@inner
def _some_operation(t: Tables, f: Lean, w: Walk, rng: Ints) -> int:
    """Draw an operation: half the time from what makes a costly job late."""
    count = len(t.operations)
    if unit(rng) < 0.5:
        return int(below(rng, count))
    job, total = -1, w.cost[NOW].sum()
    draw = unit(rng) * total
    for number in range(len(t.jobs)):
        draw -= w.cost[NOW, number]
        if draw <= 0.0:
            job = number
            break
    if job < 0:
        return int(below(rng, count))
    operation, latest = -1, -NEVER
    for at in range(f.members_at[job], f.members_at[job + 1]):
        if w.end[NOW, f.members[at]] > latest:
            operation, latest = f.members[at], w.end[NOW, f.members[at]]
    if operation < 0:
        return int(below(rng, count))
    length = 1 + below(rng, CHAIN)
    for _ in range(length):
        previous = _what_held(t, w, operation)
        if previous < 0:
            break
        operation = previous
        if unit(rng) < 0.15:
            break
    return int(operation)


@inner
def _what_held(t: Tables, w: Walk, operation: int) -> int:
    """Return what ended last of all that an operation waited for; -1: it waited for nothing."""
    held, latest = w.before[NOW, operation], -NEVER
    if held >= 0:
        latest = w.end[NOW, held] + w.setup[NOW, operation]
    for link in range(t.before_at[operation], t.before_at[operation + 1]):
        other = t.before[link]
        if w.end[NOW, other] > latest:
            held, latest = other, w.end[NOW, other]
    return int(held)


@inner
def _earlier(t: Tables, w: Walk, rng: Ints, operation: int) -> int:
    """Put an operation before one of those before it on its machine."""
    other = w.before[NOW, operation]
    if other < 0:
        return -1
    while unit(rng) < 0.6 and w.before[NOW, other] >= 0:
        other = w.before[NOW, other]
    return put(t, w, operation, w.place[TRY, other])


@inner
def _anywhere(t: Tables, f: Lean, w: Walk, rng: Ints, operation: int, span: int) -> int:
    """Put an operation next to another of its machine, not far away."""
    machine = _machine(t, f, w, operation)
    count, at = len(t.operations), w.place[TRY, operation]
    for _ in range(LOOKS):
        goal = at + below(rng, 2 * span + 1) - span
        if 0 <= goal < count and goal != at and _machine(t, f, w, w.order[TRY, goal]) == machine:
            return put(t, w, operation, goal)
    return -1


@inner
def _way(t: Tables, w: Walk, operation: int) -> int:
    """Return the way that was chosen, or the first where that is open."""
    way = w.way[TRY, operation]
    return int(way if way >= 0 else t.operations[operation, c.O_WAY])


@inner
def _machine(t: Tables, f: Lean, w: Walk, operation: int) -> int:
    return int(f.machine[_way(t, w, operation)])


@inner
def _to_family(t: Tables, f: Lean, w: Walk, rng: Ints, operation: int) -> int:
    """Put an operation next to one of the same family, on a machine that is able."""
    count, best, best_way, least = len(t.operations), -1, -1, NEVER
    low, high = t.operations[operation, c.O_WAY], t.operations[operation, c.O_WAY_END]
    for _ in range(LOOKS):
        other = below(rng, count)
        its = _way(t, w, other)
        apart = abs(w.start[NOW, other] - w.start[NOW, operation])
        if other == operation or f.family[its] < 0 or apart >= least:
            continue
        for way in range(low, high):
            if f.machine[way] == f.machine[its] and f.family[way] == f.family[its]:
                best, best_way, least = other, way, apart
    if best < 0:
        return -1
    first = w.place[TRY, operation]
    w.way[TRY, operation] = best_way
    at, goal = w.place[TRY, operation], w.place[TRY, best]
    after = unit(rng) < 0.5
    if goal < at and after:
        goal += 1
    elif goal > at and not after:
        goal -= 1
    return int(min(first, put(t, w, operation, goal)))


@inner
def _to_machine(t: Tables, f: Lean, w: Walk, rng: Ints, operation: int, span: int) -> int:
    """Give an operation another way, at about the same turn."""
    low, high = t.operations[operation, c.O_WAY], t.operations[operation, c.O_WAY_END]
    if high - low < 2:
        return -1
    way = low + below(rng, high - low + 1 - f.is_lean[0])
    if way == high:
        way = -1  # the one that ends first
    if way == w.way[TRY, operation]:
        return -1
    w.way[TRY, operation] = way
    first = w.place[TRY, operation]
    goal = first + below(rng, 2 * span + 1) - span
    goal = min(max(goal, 0), len(t.operations) - 1)
    return int(min(first, put(t, w, operation, goal)))


@compiled
def _block(t: Tables, f: Lean, w: Walk, rng: Ints, operation: int, span: int) -> int:
    """Take all of a family that stand together on a machine elsewhere."""
    machine = _machine(t, f, w, operation)
    family = f.family[_way(t, w, operation)]
    first = operation
    while w.before[NOW, first] >= 0 and f.family[_way(t, w, w.before[NOW, first])] == family:
        first = w.before[NOW, first]
    count = len(t.operations)
    goal = w.place[TRY, first] + below(rng, 4 * span + 1) - 2 * span
    goal = min(max(goal, 0), count - 1)
    anchor = w.order[TRY, goal]
    members = np.empty(16, dtype=np.int64)
    size, at = 0, w.place[TRY, first]
    while at < count and size < 16:
        other = w.order[TRY, at]
        if _machine(t, f, w, other) == machine:
            if f.family[_way(t, w, other)] != family:
                break
            if other == anchor:
                return -1
            members[size] = other
            size += 1
        at += 1
    changed = count
    for number in range(size):
        # one after the other directly before the anchor, so that they keep their order
        at, goal = w.place[TRY, members[number]], w.place[TRY, anchor]
        changed = min(changed, put(t, w, members[number], goal if goal < at else goal - 1))
    return changed if changed < count else -1
