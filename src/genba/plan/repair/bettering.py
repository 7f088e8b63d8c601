"""Better a mended plan by small changes along what makes it late. Compiled."""

from typing import NamedTuple

import numpy as np

from genba.jit import compiled
from genba.plan.bounds.flexible import Floats, Ints
from genba.plan.repair.mending import FLOW, MAKESPAN, MOVED, TARDINESS, Mended, Remains, mend, worth
from genba.plan.shop.draw import below


class Wish(NamedTuple):
    """What counts."""

    order: Ints
    """Positions in :func:`genba.plan.repair.mending.worth`, first goal first."""
    weights: Floats
    """Their weights; not used where ``ordered``."""
    prices: Floats
    """(2,): of another machine, of another predecessor."""
    limits: Ints
    """(4,): whether goals are ordered; most operations moved; patience; whether early starts."""


@compiled
def compared(wish: Wish, one: Floats, other: Floats) -> int:
    """Return -1 where ``one`` is better, 1 where it is worse, 0 where both are alike."""
    if wish.limits[0]:
        for goal in wish.order:
            if one[goal] != other[goal]:
                return -1 if one[goal] < other[goal] else 1
        return 0
    difference = 0.0
    for i in range(len(wish.order)):
        difference += wish.weights[i] * (one[wish.order[i]] - other[wish.order[i]])
    if abs(difference) < 1e-9:
        return 0
    return -1 if difference < 0 else 1


@compiled
def better(
    r: Remains, wish: Wish, key: Ints, mode: Ints, rounds: int, rng: Ints
) -> tuple[Mended, Floats]:
    """Change ``key`` and ``mode`` (n,) in place, one operation at a time; return plan and worth.

    A change that is no worse stays, as long as no more operations are moved than allowed.
    """
    patience, early = wish.limits[2], wish.limits[3] != 0
    nothing = np.empty(0, np.int64)
    now = mend(r, key, mode, nothing, patience, early, 0.0)
    now_worth = worth(r, now, wish.prices[0], wish.prices[1])
    chain = np.empty(len(mode), np.int64)
    for _ in range(rounds):
        one = _chosen(r, wish, now, chain, rng)
        if one < 0:
            continue
        other = -1
        old_key, old_mode, other_key = key[one], mode[one], 0
        ways = r.mode_first[one + 1] - r.mode_first[one]
        draw = below(rng, 8)
        back = r.mode_was[one] >= 0 and mode[one] != r.mode_was[one] and draw % 2 == 0
        if back or (draw == 0 and r.mode_was[one] >= 0):  # back to what was planned
            key[one] = 2 * r.start_was[one] + (r.end_was[one] > r.start_was[one])
            mode[one] = r.mode_was[one]
        elif draw < 5 and ways > 1:
            mode[one] = r.mode_first[one] + below(rng, ways)
        elif now.before[one] >= 0 and not r.stands[now.before[one]]:
            other = now.before[one]
            other_key = key[other]
            if draw < 7:  # both change places
                key[one], key[other] = min(old_key, other_key - 1), max(old_key, other_key)
            else:  # some places to the front
                ahead = other
                for _ in range(below(rng, 6)):
                    if now.before[ahead] >= 0 and not r.stands[now.before[ahead]]:
                        ahead = now.before[ahead]
                key[one] = key[ahead] - 1
        if key[one] == old_key and mode[one] == old_mode:
            continue
        found = mend(r, key, mode, nothing, patience, early, 0.0)
        found_worth = worth(r, found, wish.prices[0], wish.prices[1])
        allowed = found_worth[MOVED] <= max(wish.limits[1], now_worth[MOVED])
        if allowed and compared(wish, found_worth, now_worth) <= 0:
            now, now_worth = found, found_worth
        else:
            key[one], mode[one] = old_key, old_mode
            if other >= 0:
                key[other] = other_key
    return now, now_worth


@compiled
def _chosen(r: Remains, wish: Wish, plan: Mended, chain: Ints, rng: Ints) -> int:
    """Draw an operation of the chain that makes the plan, or a job, late; -1 if none is free."""
    goal = wish.order[below(rng, len(wish.order))]
    target, seen = -1, 0
    latest = -1
    for j in range(len(r.ready)):
        last = r.first_of[j + 1] - 1
        if last < r.first_of[j]:
            continue
        if goal == FLOW or (goal == TARDINESS and plan.end[last] > r.due[j]):
            seen += 1
            if below(rng, seen) == 0:
                target = last
        if goal == MAKESPAN and plan.end[last] > latest:
            target, latest = last, plan.end[last]
    if target < 0:  # nothing is late: one that could go back to where it was
        for o in range(len(plan.mode)):
            if r.mode_was[o] >= 0 and plan.mode[o] != r.mode_was[o]:
                seen += 1
                if below(rng, seen) == 0:
                    target = o
        return target
    count = 0
    o = target
    while o >= 0 and not r.stands[o]:
        chain[count] = o
        count += 1
        by_job = o > r.first_of[r.job_of[o]] and plan.end[o - 1] == plan.start[o]
        by_machine = plan.before[o] >= 0 and plan.end[plan.before[o]] == plan.start[o]
        if by_job and by_machine:
            o = o - 1 if below(rng, 2) == 0 else plan.before[o]
        elif by_job:
            o = o - 1
        elif by_machine:
            o = plan.before[o]
        else:
            break
    return int(chain[below(rng, count)]) if count > 0 else -1
