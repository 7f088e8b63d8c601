"""Search within a window of time: for shops too large to be searched as a whole.

What begins within the window becomes a shop of its own: jobs and machines are free from where what
comes before has ended, and must leave as much time as what comes after needs. Its makespan is that
of the whole as far as the window can change it, so a shorter one there is progress here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genba.plan.shop.board import HEAD, MACHINE, TAIL, TICKS, Board, rows_of
from genba.plan.shop.shop import Rows, Shop


class Window(NamedTuple):
    """A part of a schedule as a shop of its own, with the part's present schedule."""

    shop: Shop
    rows: Rows
    """(operations,): the whole's row of each operation of the part."""
    order: Rows
    """(operations,), and ``machines`` (rows): as ``board.load`` takes them, rows of the part."""
    machines: Rows
    first: int
    """Where the part begins in the whole's order by begin."""


def by_begin(board: Board) -> Rows:
    """Return all rows by their begin, a topological order."""
    begin = board.table[board.order, HEAD] - board.table[board.order, TICKS]
    return board.order[np.argsort(begin, kind="stable")]


def cut_out(board: Board, ordered: Rows, first: int, last: int) -> Window:
    """Cut ``ordered[first:last]`` out of the schedule on the board (``ordered``: by begin)."""
    table = board.table
    part = ordered[first:last]
    rows = np.sort(part)
    starts = np.flatnonzero(np.diff(rows, prepend=-1) > 1)
    ends = np.append(starts[1:], len(rows))
    shop = Shop(
        len(board.filled),
        np.append(starts, len(rows)).astype(np.int64),
        *_modes(board, rows),
        release=np.maximum(table[rows[starts] - 1, HEAD], board.release[rows[starts]]),
        delivery=np.maximum(table[rows[ends - 1] + 1, TAIL], board.delivery[rows[ends - 1]]),
        free_from=_outside(board, ordered[:first], HEAD, board.free_from),
        rest=_outside(board, ordered[last:], TAIL, board.rest),
    )
    own = rows_of(shop)
    machines = np.zeros(len(rows) + shop.jobs + 1, np.int32)
    machines[own] = table[rows, MACHINE]
    order = own[np.searchsorted(rows, part)]
    return Window(shop, rows, order, machines, first)


def _modes(board: Board, rows: Rows) -> tuple[NDArray[np.int64], Rows, NDArray[np.int64]]:
    counts = board.mode_start[rows + 1] - board.mode_start[rows]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    modes = np.repeat(board.mode_start[rows] - start[:-1], counts) + np.arange(start[-1])
    return start, board.mode_machine[modes], board.mode_ticks[modes]


def _outside(board: Board, rows: Rows, path: int, given: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, by machine, the longest path of what stands on it on one side of the window.

    Also of machines that nothing in the window stands on: something may move there.
    """
    found = given.copy()
    np.maximum.at(found, board.table[rows, MACHINE], board.table[rows, path])
    return found


def put_back(
    window: Window, ordered: Rows, machines: Rows, order: Rows, of_part: Rows
) -> tuple[Rows, Rows]:
    """Return the whole schedule with a new one of the part (``order``, ``of_part``: its rows)."""
    own = rows_of(window.shop)
    whole_row = np.zeros(len(of_part), np.int32)
    whole_row[own] = window.rows
    last = window.first + len(order)
    result = np.concatenate([ordered[: window.first], whole_row[order], ordered[last:]])
    machines = machines.copy()
    machines[window.rows] = of_part[own]
    return result.astype(np.int32), machines
