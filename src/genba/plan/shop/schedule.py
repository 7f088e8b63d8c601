"""The answer: machine and times of each operation."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genba.plan.shop.board import HEAD, MACHINE, TICKS, board_of, load, rows_of
from genba.plan.shop.shop import Ints, Rows, Shop


@dataclass(frozen=True, eq=False)
class ShopSchedule:
    """A schedule of a :class:`Shop`: every operation as early as its machine's order allows."""

    machine: Rows
    """(operations,)"""
    start: Ints
    """(operations,), ticks"""
    end: Ints
    """(operations,), ticks"""
    order: Rows
    """(operations,): a topological order of jobs and machine sequences together."""
    makespan: int
    bound: int = 0
    """No schedule can be shorter."""
    iterations: int = 0

    @cached_property
    def sequences(self) -> tuple[Rows, ...]:
        """The operations of each machine in their order."""
        count = int(self.machine.max(initial=-1)) + 1
        by_machine = np.argsort(self.machine[self.order], kind="stable")
        cuts = np.cumsum(np.bincount(self.machine, minlength=count))[:-1]
        return tuple(np.split(self.order[by_machine], cuts))


def schedule_of(
    shop: Shop, order: Rows, machine: Rows, bound: int = 0, iterations: int = 0
) -> ShopSchedule:
    """Time a schedule.

    Parameters
    ----------
    order : (operations,) int32
        An order of all operations that no job contradicts; machines follow it.
    machine : (operations,) int32
        The machine of each operation.
    """
    rows, board = rows_of(shop), board_of(shop)
    by_row = np.zeros(len(board.rank), np.int32)
    by_row[rows] = machine
    makespan = load(board, rows[order].astype(np.int32), by_row)
    end = board.table[rows, HEAD]
    start = end - board.table[rows, TICKS]
    chosen = board.table[rows, MACHINE].astype(np.int32)
    return ShopSchedule(
        chosen, start, end, np.asarray(order, np.int32), makespan, bound, iterations
    )
