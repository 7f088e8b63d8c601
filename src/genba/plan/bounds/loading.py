"""Which machine does what, so that no machine has more than its share: prices, then rounding.

The relaxation is a linear program, ``min C`` with ``sum_m x[o, m] = 1`` for each operation and
``base[m] + sum_o ticks[o, m] x[o, m] <= C`` for each machine. Its dual has one price a machine:
``max sum_m y[m] base[m] + sum_o min_m y[m] ticks[o, m]`` over prices that sum to 1. We climb it by
raising the price of what is too full (multiplicative weights, after Plotkin, Shmoys and Tardos,
1995), with operations that spread over nearly equal machines so that loads change smoothly; any
prices give a valid bound, which :func:`~genba.plan.bounds.bound.certified` computes exactly.
"""

import numpy as np

from genba.jit import compiled
from genba.plan.bounds.flexible import Floats, Ints


@compiled
def climb(
    mode_first: Ints, mode_machine: Ints, mode_ticks: Ints, base: Floats, price: Floats, rounds: int
) -> tuple[float, Floats]:
    """Return the best dual value found in some rounds, and its prices (m,), summing to 1."""
    machines = len(base)
    now = price / price.sum()
    best, best_value = now.copy(), -1.0
    load = np.empty(machines)
    for turn in range(rounds):
        # The spread shrinks and the steps with it: first the rough prices, then the fine ones.
        share = turn / rounds
        sharp = 20.0 * 100.0**share
        step = 0.5 * 0.01**share
        load[:] = base
        value = 0.0
        for o in range(len(mode_first) - 1):
            begin, end = mode_first[o], mode_first[o + 1]
            least = np.inf
            for k in range(begin, end):
                least = min(least, now[mode_machine[k]] * mode_ticks[k])
            value += least
            if least <= 0.0:
                continue
            total = 0.0
            for k in range(begin, end):
                far = sharp * (now[mode_machine[k]] * mode_ticks[k] / least - 1.0)
                if far < 12.0:
                    total += np.exp(-far)
            for k in range(begin, end):
                far = sharp * (now[mode_machine[k]] * mode_ticks[k] / least - 1.0)
                if far < 12.0:
                    load[mode_machine[k]] += mode_ticks[k] * np.exp(-far) / total
        for m in range(machines):
            value += now[m] * base[m]
        if value > best_value:
            best_value = value
            best[:] = now
        mean = (now * load).sum()
        if mean <= 0.0:
            break
        for m in range(machines):
            # What is empty for once must not lose its price for good.
            change = min(max(load[m] / mean, 0.1), 10.0)
            now[m] = max(now[m] * change**step, 1e-12)
        now /= now.sum()
    return best_value, best


@compiled
def cheapest(mode_first: Ints, mode_machine: Ints, mode_ticks: Ints, price: Floats) -> Ints:
    """Return for each operation (n,) the mode with the least price times ticks, then ticks."""
    chosen = np.empty(len(mode_first) - 1, np.int64)
    for o in range(len(chosen)):
        best, least = mode_first[o], np.inf
        for k in range(mode_first[o], mode_first[o + 1]):
            cost = price[mode_machine[k]] * mode_ticks[k]
            if cost < least or (cost == least and mode_ticks[k] < mode_ticks[best]):
                best, least = k, cost
        chosen[o] = best
    return chosen


@compiled
def level(
    mode_first: Ints,
    mode_machine: Ints,
    mode_ticks: Ints,
    base: Floats,
    price: Floats,
    chosen: Ints,
    moves: int,
) -> float:
    """Move operations off the fullest machine, the least costly first; return its level.

    ``chosen`` (n,) is changed in place. A move is made only where the machine that takes it stays
    below the level of the one that gives it; of those, the one that costs least extra price for
    each tick taken away.
    """
    machines, size = len(base), len(chosen)
    full = base.copy()
    for o in range(size):
        full[mode_machine[chosen[o]]] += mode_ticks[chosen[o]]
    head = np.full(machines, -1, np.int64)
    after, before = np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    for o in range(size):
        m = mode_machine[chosen[o]]
        after[o] = head[m]
        if head[m] >= 0:
            before[head[m]] = o
        head[m] = o
    for _ in range(moves):
        top = int(np.argmax(full))
        taken, into, least = -1, -1, np.inf
        o = head[top]
        while o >= 0:
            here = mode_ticks[chosen[o]]
            for k in range(mode_first[o], mode_first[o + 1]):
                m = mode_machine[k]
                if m == top or here == 0 or full[m] + mode_ticks[k] >= full[top]:
                    continue
                cost = (price[m] * mode_ticks[k] - price[top] * here) / here
                # Of equal costs the emptier machine: it can take more later.
                cost += 1e-6 * price[m] * (full[m] + mode_ticks[k]) / full[top]
                if cost < least:
                    taken, into, least = o, k, cost
            o = after[o]
        if taken < 0:
            break
        full[top] -= mode_ticks[chosen[taken]]
        if before[taken] >= 0:
            after[before[taken]] = after[taken]
        else:
            head[top] = after[taken]
        if after[taken] >= 0:
            before[after[taken]] = before[taken]
        m = mode_machine[into]
        full[m] += mode_ticks[into]
        chosen[taken] = into
        before[taken], after[taken] = -1, head[m]
        if head[m] >= 0:
            before[head[m]] = taken
        head[m] = taken
    return float(full.max())
