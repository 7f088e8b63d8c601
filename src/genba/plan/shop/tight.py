"""Schedules exactly at the lower bound, for shops in which machines hardly ever may stand still.

Where all machines are as full as the bound is long, a schedule of that length leaves each operation
a window hardly longer than itself. Local search sees no way there, since every neighbor is worse;
constraint propagation does, since little else is left: the re-entrant shops of Da Col and Teppan,
*Industrial-size job shop scheduling with constraint programming* (2022), are of this kind.
"""

from itertools import pairwise

import numpy as np

from genba.plan.shop.schedule import ShopSchedule, schedule_of
from genba.plan.shop.shop import Shop

FULL = 0.98
"""Mean load of the machines, as a part of the bound, from which on a shop is tight."""


def is_tight(shop: Shop, bound: int) -> bool:
    """Tell whether the machines are nearly full, and no operation has a choice of them."""
    if shop.is_flexible or bound == 0:
        return False
    return bool(shop.mode_ticks.sum() >= FULL * bound * shop.machines)


def at_bound(shop: Shop, bound: int, *, limit_s: float, seed: int) -> ShopSchedule | None:
    """Look for a schedule that is as short as the bound.

    Parameters
    ----------
    bound : int
        Ticks that no schedule is shorter than.
    limit_s : float
        The solver's deterministic time: about a second of one core each.

    Returns
    -------
    ShopSchedule, optional
        None where there is none, or none was found in the time.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    starts: list[cp_model.IntVar] = []
    rows: list[list[cp_model.IntervalVar]] = [[] for _ in range(shop.machines)]
    for job, (first, behind) in enumerate(pairwise(shop.job_start.tolist())):
        ticks = shop.mode_ticks[first:behind].tolist()
        head = int(shop.release[job])
        tail = sum(ticks) + int(shop.delivery[job])
        for operation, length in zip(range(first, behind), ticks, strict=True):
            machine = int(shop.mode_machine[operation])
            earliest = max(head, int(shop.free_from[machine]))
            latest = min(bound - tail, bound - int(shop.rest[machine]) - length)
            if latest < earliest:
                return None
            start = model.new_int_var(earliest, latest, "")
            rows[machine].append(model.new_fixed_size_interval_var(start, length, ""))
            if operation > first:
                model.add(start >= starts[-1] + ticks[operation - first - 1])
            starts.append(start)
            head, tail = earliest + length, tail - length
    for row in rows:
        model.add_no_overlap(row)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = limit_s
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    begin = np.array(solver.values(starts), np.int64) if starts else np.zeros(0, np.int64)
    # An operation of no length goes before what begins with it, and a job keeps its own order.
    order = np.lexsort((np.arange(len(begin)), begin + shop.mode_ticks, begin)).astype(np.int32)
    return schedule_of(shop, order, shop.mode_machine, bound)
