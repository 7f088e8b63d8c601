"""What jobs must be late when there is more work than time.

The machines are taken together as one that does, in each stretch of time, as much work as their
prices allow (:mod:`genba.plan.bounds.loading`); each operation's work may be spread over stretches
as one likes, but not before its head, and a job is at least as late as the mean of what each bit of
its work says: when it is done, plus the tail after it, past the due date. The cheapest way to
spread is a transportation problem, after Gelders and Kleindorfer, *Coordinating aggregate and
detailed scheduling decisions in the one-machine job shop* (1974); any prices of time prove a bound
of it.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from genba.jit import compiled
from genba.plan.bounds.flexible import Floats, Ints
from genba.plan.bounds.loading import climb
from genba.plan.bounds.opentime import OpenTime
from genba.plan.bounds.relaxation import Relaxation, edges

EFFORT = 2e7
"""Operations times stretches times rounds, about."""


def shared_lateness(
    relaxed: Relaxation, opened: Sequence[OpenTime], due: Floats, weight: Floats
) -> float:
    """Return a lower bound of the weighted lateness of all jobs past ``due`` (j,), 0 or more.

    The sums are in floating point; more than all their rounding can come to is taken off.
    """
    begin, after = edges(relaxed, len(opened))
    _, price = climb(
        relaxed.mode_first,
        relaxed.mode_machine,
        relaxed.work,
        (begin + after).astype(np.float64),
        np.ones(len(begin)),
        200,
    )
    first = relaxed.mode_first[:-1]
    work = np.minimum.reduceat(price[relaxed.mode_machine] * relaxed.work, first)
    head = np.minimum.reduceat(relaxed.earliest, first).astype(np.float64)
    of_job = np.bincount(relaxed.job_of, work, len(due))
    rates = np.divide(weight, of_job, where=of_job > 0, out=np.zeros_like(weight))
    counts = (work > 0) & (rates[relaxed.job_of] > 0) & np.isfinite(due[relaxed.job_of])
    if not counts.any():
        return 0.0
    late_from = (due[relaxed.job_of] - relaxed.own_tail)[counts]
    slots = int(np.clip(EFFORT / 100 / len(work), 24, 150))
    starts = _stretches(begin, opened, price, float(work.sum()), float(head.max()), slots)
    room = [
        sum(
            y * machine.ticks(max(int(a), int(s)), int(e))
            for y, machine, a in zip(price.tolist(), opened, begin.tolist(), strict=True)
        )
        for s, e in pairwise(starts.tolist())
    ]
    return float(
        spread(
            head[counts],
            late_from,
            rates[relaxed.job_of][counts],
            work[counts],
            starts,
            np.asarray([*(max(r, 1e-9) for r in room), np.inf]),
            100,
        )
    )


def _stretches(
    begin: Ints,
    opened: Sequence[OpenTime],
    price: Floats,
    work: float,
    latest: float,
    slots: int,
) -> Floats:
    """Return the begins of the stretches, whole ticks, up to where all work can be done."""
    low = int(begin.min())

    def enough(end: int) -> bool:
        done: float = sum(
            y * machine.ticks(int(a), end)
            for y, machine, a in zip(price.tolist(), opened, begin.tolist(), strict=True)
        )
        return done >= 1.1 * work

    step = 1
    while step < _LONGEST and not enough(low + step):
        step *= 2
    short, high = low + step // 2, low + step
    while high - short > 1:
        middle = (short + high) // 2
        short, high = (short, middle) if enough(middle) else (middle, high)
    return np.unique(np.linspace(low, max(high, latest), slots).round())


_LONGEST = 1 << 40


@compiled
def spread(
    head: Floats,
    due: Floats,
    rate: Floats,
    work: Floats,
    begin: Floats,
    room: Floats,
    rounds: int,
) -> float:
    """Return the best bound found for the cost of spreading work over stretches of time.

    Parameters
    ----------
    head, due, rate, work : (n,) float64
        Of each operation: ticks before which none of its work is done; ticks from which on it
        costs; cost for each tick past that and each unit of work; units of work.
    begin, room : (s,) float64
        Begin of each stretch and the work that it takes; the last takes any amount.
    rounds : int
        Steps of the ascent: each stretch's price follows the logarithm of how full it is, while
        operations spread over stretches that cost nearly the same, and ever less so (Sinkhorn's
        iteration: Cuturi, *Sinkhorn distances*, 2013).
    """
    slots, size = len(begin), len(head)
    price, used = np.zeros(slots), np.empty(slots)
    cost = np.empty(slots)
    span = (rate * work).sum() / work.sum() * (begin[-1] - begin[0])
    hot, cold = 0.2 * span, 0.5 * span / slots
    best = 0.0
    for turn in range(rounds):
        heat = hot * (cold / hot) ** (turn / rounds)
        used[:] = 1e-12
        value, total = 0.0, 0.0
        for o in range(size):
            least, first = np.inf, 0
            for t in range(slots - 1, -1, -1):
                cost[t] = price[t] + rate[o] * max(0.0, begin[t] - due[o])
                least = min(least, cost[t])
                if begin[t] <= head[o]:
                    first = t
                    break
            value += work[o] * least
            total += abs(work[o] * least)
            shares = 0.0
            for t in range(first, slots):
                far = (cost[t] - least) / heat
                cost[t] = np.exp(-far) if far < 15.0 else 0.0
                shares += cost[t]
            for t in range(first, slots):
                used[t] += work[o] * cost[t] / shares
        for t in range(slots - 1):
            value -= room[t] * price[t]
            total += abs(room[t] * price[t])
            price[t] = max(0.0, price[t] + 0.7 * heat * np.log(used[t] / room[t]))
        best = max(best, value - 1e-9 * total)  # less than all rounding can have added
    return best
