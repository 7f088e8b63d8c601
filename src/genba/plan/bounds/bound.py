"""What no plan can be better than, with how it was proven.

Three bounds for the makespan: no job can be done before its own length; no machine before the work
that only it can do, with heads and tails; no group of machines before their share of all work, from
the dual of the assignment program (:mod:`genba.plan.bounds.loading`). The last is certified in
whole numbers: the prices come from floating point, but any prices give a valid bound, and the sums
that make it one are exact.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genba.plan.bounds.flexible import Floats, Ints
from genba.plan.bounds.opentime import OpenTime, open_times
from genba.plan.bounds.relaxation import Relaxation, edges, relaxation
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Problem

PRICE_SCALE = 1 << 20
"""Whole-number prices of all machines sum to about this times their number."""


@dataclass(frozen=True)
class Bound:
    """A proven value with the words for how it was proven."""

    value: float
    how: str


def lower_bound(problem: Problem, objective: Objective) -> tuple[float, str] | None:
    """Return a value of the objective that no plan is below, and how that was proven.

    Where goals are ordered it is that of the first; where they are weighted that of the sum.

    Returns
    -------
    tuple of (float, str), or None
        None where nothing can be proven, as with prices of energy below 0.

    Raises
    ------
    PlanError
        If an operation has no mode, or operations wait for each other in a circle.
    """
    goals = objective.goals[:1] if objective.ordered else objective.goals
    relaxed = relaxation(problem)
    total, ways = 0.0, []
    for goal, weight in goals:
        bound = _BY_GOAL[goal](problem, relaxed)
        if bound is None:
            return None
        total += bound.value * (1.0 if objective.ordered else weight)
        ways.append(bound.how)
    return total, "; ".join(ways)


def gap(value: float, bound: float | None) -> float | None:
    """Return ``(value - bound) / value``; 0 where both are 0, None where nothing was proven."""
    if bound is None:
        return None
    if value == bound:
        return 0.0
    return (value - bound) / abs(value) if value else None


def makespan_bound(problem: Problem, relaxed: Relaxation, effort: float = 1.0) -> Bound:
    """Return the best of the three bounds for the makespan.

    ``effort`` 1.0 takes a fraction of a second whatever the size, and less takes less.
    """
    length = Bound(float(relaxed.done.max(initial=0)), "length of the longest job")
    if not len(relaxed.tail):
        return length
    found = max(length, _one_machine(problem, relaxed), key=lambda b: b.value)
    shared = _shared(problem, relaxed, int(found.value), rounds_for(relaxed, effort))
    return shared if shared.value > found.value else found


def _one_machine(problem: Problem, relaxed: Relaxation) -> Bound:
    """Return the best one-machine bound over work that can be done nowhere else."""
    from genba.plan.bounds.jackson import jackson

    alone = np.flatnonzero(np.diff(relaxed.mode_first) == 1)
    mode = relaxed.mode_first[alone]
    best = Bound(0.0, "nothing")
    for index, machine in enumerate(problem.machines):
        here = relaxed.mode_machine[mode] == index
        if here.any():
            ways = mode[here]
            value = jackson(relaxed.earliest[ways], relaxed.work[ways], relaxed.tail[alone[here]])
            if value > best.value:
                best = Bound(float(value), f"work of machine {machine.id} with heads and tails")
    return best


def rounds_for(relaxed: Relaxation, effort: float) -> int:
    """Return how many rounds the prices are climbed for."""
    return min(5000, max(100, int(2e7 * effort) // max(1, len(relaxed.work))))


def _shared(problem: Problem, relaxed: Relaxation, known: int, rounds: int) -> Bound:
    """Return the bound of the assignment program, or ``known`` where it is no better.

    First of all work, then of the work alone that comes late, or has to be followed by much: where
    jobs come in over time, machines cannot be full from the beginning.
    """
    opened = open_times(problem)
    best, price = _of_part(relaxed, opened, known, np.ones(len(opened)), rounds)
    part = relaxed
    for by_tail in (False, True):
        cut = _sharpest(part, price, by_tail)
        if cut is None:
            continue
        smaller = _part(part, cut, by_tail=by_tail)
        found, new_price = _of_part(smaller, opened, best, price, rounds // 3)
        if found > best:
            best, price, part = found, new_price, smaller
    return Bound(float(best), "shares of all machines in the work (linear program)")


def _of_part(
    relaxed: Relaxation, opened: Sequence[OpenTime], known: int, price: Floats, rounds: int
) -> tuple[int, Floats]:
    """Return the certified bound of some work (``known`` if that is more), and the prices."""
    from genba.plan.bounds.loading import climb

    begin, after = edges(relaxed, len(opened))
    base = (begin + after).astype(np.float64)
    best = known
    for _ in range(3 if not all(machine.is_always for machine in opened) else 1):
        _, price = climb(
            relaxed.mode_first, relaxed.mode_machine, relaxed.work, base, price, rounds
        )
        found = certified(relaxed, price, begin, after, opened, best)
        if found <= best:
            break
        best = found
        # Closed time before the bound counts like time before the first work.
        open_ticks = [
            machine.ticks(int(a), best - int(b))
            for machine, a, b in zip(opened, begin, after, strict=True)
        ]
        base = best - np.asarray(open_ticks, dtype=np.float64)
    return best, price


def _heads(relaxed: Relaxation) -> Ints:
    return np.minimum.reduceat(relaxed.earliest, relaxed.mode_first[:-1])


def _sharpest(relaxed: Relaxation, price: Floats, by_tail: bool) -> int | None:
    """Return the head (tail) from which on the work gives the highest bound at given prices."""
    edge = relaxed.tail if by_tail else _heads(relaxed)
    costs = price[relaxed.mode_machine] / price.sum() * relaxed.work
    least = np.minimum.reduceat(costs, relaxed.mode_first[:-1])
    order = np.argsort(edge, kind="stable")
    later = np.cumsum(least[order][::-1])[::-1]
    at = int(np.argmax(edge[order] + later))
    cut = int(edge[order[at]])
    return None if cut == edge.min() else cut


def _part(relaxed: Relaxation, cut: int, *, by_tail: bool) -> Relaxation:
    """Return only the operations with a head (tail) of ``cut`` or more."""
    edge = relaxed.tail if by_tail else _heads(relaxed)
    kept = edge >= cut
    count = relaxed.mode_first[1:] - relaxed.mode_first[:-1]
    modes = np.repeat(kept, count)
    first = np.concatenate([[0], np.cumsum(count[kept])]).astype(np.int64)
    return replace(
        relaxed,
        mode_first=first,
        mode_machine=relaxed.mode_machine[modes],
        work=relaxed.work[modes],
        earliest=relaxed.earliest[modes],
        tail=relaxed.tail[kept],
    )


def certified(
    relaxed: Relaxation,
    price: Floats,
    begin: Ints,
    after: Ints,
    opened: Sequence[OpenTime],
    known: int,
) -> int:
    """Return the least end ``C >= known`` at which the machines have time enough, at given prices.

    For whole prices ``Y[m]`` every plan that ends at ``C`` satisfies ``sum_m Y[m] open[m](C) >=
    sum_o min_m Y[m] work[o, m]``, with ``open[m](C)`` the working time between ``begin[m]`` and
    ``C - after[m]``: each machine's work fits into it, and costs at least the cheapest way. The
    right side is a sum of whole numbers, computed without rounding. ``known`` where time is never
    enough: then no plan exists, which is not this function's to say.
    """
    whole = [round(value) for value in (price / price.sum() * len(price) * PRICE_SCALE).tolist()]
    wanted = _least_cost(relaxed, whole)

    def enough(end: int) -> bool:
        had: int = sum(
            y * machine.ticks(a, end - b)
            for y, machine, a, b in zip(whole, opened, begin.tolist(), after.tolist(), strict=True)
        )
        return wanted <= had

    low, step = known, 1
    if enough(low):
        return low
    while not enough(low + step):
        low, step = low + step, 2 * step
        if step > _LONGEST:
            return known
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


_LONGEST = 1 << 50


def _least_cost(relaxed: Relaxation, whole: list[int]) -> int:
    """Return ``sum_o min_m whole[m] work[o, m]``, exactly."""
    largest = max(whole) * int(relaxed.work.max(initial=0))
    kind = np.int64 if largest < (1 << 62) else object
    costs = np.asarray(whole, dtype=kind)[relaxed.mode_machine] * relaxed.work.astype(kind)
    least = np.minimum.reduceat(costs, relaxed.mode_first[:-1])
    return sum(least.tolist())  # Python's whole numbers do not overflow


def _tardiness_bound(problem: Problem, relaxed: Relaxation) -> Bound:
    """Return what jobs are late when nothing stands in their way, or when machines are shared."""
    done = relaxed.done.astype(np.float64)
    due = np.asarray([np.inf if job.due is None else job.due for job in problem.jobs])
    weight = np.asarray(
        [job.weight if problem.operations_of[job.id] else 0.0 for job in problem.jobs]
    )
    return _late(problem, relaxed, done, due, weight)


def _flow_bound(problem: Problem, relaxed: Relaxation) -> Bound:
    """Return how long jobs take when nothing stands in their way, or when machines are shared."""
    parts = [
        max((operation.parts for operation in problem.operations_of[job.id]), default=0)
        for job in problem.jobs
    ]
    release = np.asarray([job.release for job in problem.jobs], dtype=np.float64)
    done = relaxed.done.astype(np.float64)
    return _late(problem, relaxed, done, release, np.asarray(parts, dtype=np.float64))


def _late(
    problem: Problem, relaxed: Relaxation, done: Floats, due: Floats, weight: Floats
) -> Bound:
    late = np.maximum(done - due, 0.0, where=np.isfinite(due), out=np.zeros_like(done))
    alone = Bound(float(weight @ late), "each job as if it were alone")
    if not 1 < len(relaxed.tail) <= _MOST_SPREAD:
        return alone
    from genba.plan.bounds.overload import shared_lateness

    opened = open_times(problem)
    shared = shared_lateness(relaxed, opened, due, weight)
    if shared <= alone.value:
        return alone
    return Bound(shared, "shares of all machines in the work, over time (transportation problem)")


_MOST_SPREAD = 30_000
"""Most operations whose work is spread over time: above, it takes too long to be worth it."""


def _setups_bound(_: Problem, relaxed: Relaxation) -> Bound:
    return Bound(float(relaxed.setups), "least set-up into each operation")


def _energy_bound(problem: Problem, _: Relaxation) -> Bound | None:
    if any(price < 0 for _, _, price in problem.energy.prices):
        return None
    return Bound(0.0, "no price of energy is below 0")


_BY_GOAL: Mapping[Goal, Callable[[Problem, Relaxation], Bound | None]] = {
    Goal.MAKESPAN: lambda problem, relaxed: makespan_bound(problem, relaxed, effort=0.3),
    Goal.TARDINESS: _tardiness_bound,
    Goal.FLOW: _flow_bound,
    Goal.SETUPS: _setups_bound,
    Goal.ENERGY: _energy_bound,
    Goal.STABILITY: lambda _problem, _relaxed: Bound(0.0, "nothing costs less than no change"),
}
