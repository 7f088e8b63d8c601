"""A check of shop schedules that shares nothing with the search."""

import numpy as np
from numpy.typing import NDArray

from genba.plan.shop import Shop


def true_makespan(
    shop: Shop, machine: NDArray[np.int32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> int:
    """Return the makespan of a schedule.

    Raises
    ------
    AssertionError
        If it is not legal.
    """
    operations = range(shop.operations)
    for i in operations:
        modes = slice(int(shop.mode_start[i]), int(shop.mode_start[i + 1]))
        able = zip(shop.mode_machine[modes].tolist(), shop.mode_ticks[modes].tolist(), strict=True)
        assert (int(machine[i]), int(end[i] - start[i])) in list(able), (
            f"operation {i}: no such mode"
        )
    for job in range(shop.jobs):
        own = slice(int(shop.job_start[job]), int(shop.job_start[job + 1]))
        assert (start[own][1:] >= end[own][:-1]).all(), f"job {job}: out of order"
        assert (start[own][:1] >= shop.release[job]).all(), f"job {job}: begins before its release"
    by_machine = np.lexsort((end, start, machine))
    same = machine[by_machine][1:] == machine[by_machine][:-1]
    apart = start[by_machine][1:] >= end[by_machine][:-1]
    assert (apart | ~same).all(), "a machine does two operations at once"
    return int(end.max())
