"""First schedules: list scheduling with priority rules, from non-delay to active.

After Giffler and Thompson, *Algorithms for solving production-scheduling problems* (1960), with
Storer, Wu and Vaccari's parameter between non-delay and active schedules (1992). An operation goes
to the machine on which it would be done first.
"""

import numpy as np
from numpy.typing import NDArray

from genba.jit import compiled, inner, lean
from genba.plan.shop.board import Board
from genba.plan.shop.draw import unit
from genba.plan.shop.shop import Ints, Rows

Floats = NDArray[np.float64]

LOOKAHEADS = (0.0, 0.3, 1.0)
"""0: non-delay, 1: active."""


@compiled
def list_schedule(
    board: Board, priority: Floats, lookahead: float, order: Rows, machines: Rows
) -> int:
    """Build a schedule; of the operations that compete for a machine, highest priority first.

    Parameters
    ----------
    priority : (rows,) float64
    lookahead : float
        0: only what could begin at once competes; 1: all that could begin before the first would
        be done.
    order, machines
        The schedule, as :func:`genba.plan.shop.board.load` takes it.

    Returns
    -------
    int
        The makespan.
    """
    jobs = len(board.last)
    free = board.free_from.copy()
    ready = np.zeros(jobs, np.int64)
    row_of = np.zeros(jobs, np.int64)
    machine_of = np.zeros(jobs, np.int64)
    start = np.zeros(jobs, np.int64)
    done = np.zeros(jobs, np.int64)
    for job in range(jobs):
        row = board.last[job]
        while board.mode_start[row] > board.mode_start[row - 1]:
            row -= 1
        row_of[job] = row
        ready[job] = board.release[row]
        _place(board, free, job, row, ready[job], machine_of, start, done)
    longest = 0
    for step in range(len(order)):
        best = -1
        for job in range(jobs):
            if row_of[job] > 0 and (best < 0 or done[job] < done[best]):
                best = job
        machine = machine_of[best]
        earliest = start[best]
        for job in range(jobs):
            if row_of[job] > 0 and machine_of[job] == machine:
                earliest = min(earliest, start[job])
        limit = earliest + lookahead * (done[best] - earliest)
        chosen = -1
        for job in range(jobs):
            competes = row_of[job] > 0 and machine_of[job] == machine
            if not competes or start[job] > limit or start[job] >= max(done[best], earliest + 1):
                continue
            if chosen < 0 or priority[row_of[job]] > priority[row_of[chosen]]:
                chosen = job
        row = row_of[chosen]
        order[step], machines[row] = row, machine
        ready[chosen] = free[machine] = done[chosen]
        longest = max(longest, done[chosen] + max(board.delivery[row], board.rest[machine]))
        if row == board.last[chosen]:
            row_of[chosen] = 0
        else:
            row_of[chosen] = row + 1
            _place(board, free, chosen, row + 1, ready[chosen], machine_of, start, done)
        for job in range(jobs):
            if row_of[job] > 0 and job != chosen and machine_of[job] == machine:
                _place(board, free, job, row_of[job], ready[job], machine_of, start, done)
    return longest


@inner
def _place(
    board: Board,
    free: Ints,
    job: int,
    row: int,
    ready: int,
    machine_of: Ints,
    start: Ints,
    done: Ints,
) -> None:
    """Note on which machine a job's next operation would be done first, and when."""
    done[job] = 1 << 62
    for mode in range(board.mode_start[row], board.mode_start[row + 1]):
        machine = board.mode_machine[mode]
        begin = max(ready, free[machine])
        if begin + board.mode_ticks[mode] < done[job]:
            done[job] = begin + board.mode_ticks[mode]
            machine_of[job] = machine
            start[job] = begin


def work_left(board: Board) -> Floats:
    """Return, by row, the mean time from its begin to the end of its job: the rule "most work"."""
    modes = np.diff(board.mode_start)
    sums = np.concatenate([[0], np.cumsum(board.mode_ticks)])
    mean = (sums[board.mode_start[1:]] - sums[board.mode_start[:-1]]) / np.maximum(modes, 1)
    left = np.zeros(len(mean))
    _sum_up(board.last, board.mode_start, mean + board.delivery, left)
    return left


@lean
def _sum_up(last: Rows, mode_start: Rows, mean: Floats, left: Floats) -> None:
    for row in last:
        total = 0.0
        at = row
        while mode_start[at + 1] > mode_start[at]:
            total += mean[at]
            left[at] = total
            at -= 1


@lean
def shaken(priority: Floats, spread: float, rng: Ints, result: Floats) -> None:
    """Multiply each priority with a random factor from ``1 - spread`` to ``1 + spread``."""
    for row in range(len(priority)):
        result[row] = priority[row] * (1.0 + spread * (2.0 * unit(rng) - 1.0))
