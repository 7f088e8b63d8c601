"""What no makespan can fall below: jobs and machines by themselves."""

import numpy as np

from genba.plan.shop.shop import Shop


def lower_bound(shop: Shop) -> int:
    """Return the largest of: the longest job, the fullest machine, all work over all machines.

    A machine counts what only it can do, after the shortest way to it and before the shortest way
    from it; work counts at its shortest.
    """
    if shop.operations == 0:
        return 0
    shortest = np.minimum.reduceat(shop.mode_ticks, shop.mode_start[:-1])
    job = np.repeat(np.arange(shop.jobs), np.diff(shop.job_start))
    total = np.concatenate([[0], np.cumsum(shortest)])
    ahead = total[:-1] - total[shop.job_start[job]] + shop.release[job]
    behind = total[shop.job_start[job + 1]] - total[1:] + shop.delivery[job]
    longest = int((ahead + shortest + behind).max())
    average = int(shop.free_from.min()) + -(-int(shortest.sum()) // shop.machines)
    only = np.flatnonzero(np.diff(shop.mode_start) == 1)
    machine = shop.mode_machine[shop.mode_start[only]]
    never = np.iinfo(np.int64).max
    begin, rest = np.full(shop.machines, never), np.full(shop.machines, never)
    np.minimum.at(begin, machine, ahead[only])
    np.minimum.at(rest, machine, behind[only])
    load = np.zeros(shop.machines, np.int64)
    np.add.at(load, machine, shortest[only])
    full = np.maximum(begin, shop.free_from) + load + np.maximum(rest, shop.rest)
    fullest = int(full[np.unique(machine)].max(initial=0))
    return max(longest, average, fullest)
