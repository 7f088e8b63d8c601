"""The selection of a schedule as a graph on arrays: longest paths, kept up to date move by move.

Each operation has one row of a table; between jobs lies an empty row, so that the job's
predecessor of row ``i`` is row ``i - 1`` and its successor row ``i + 1``, and an empty row answers
0 without a question. ``HEAD`` is the longest path up to an operation's end, ``TAIL`` the longest
path from its begin to the end of everything, both with its own time; it is critical where
``HEAD + TAIL - TICKS`` is the makespan.

After a move only what lies behind (ahead of) the moved operation in topological order, and really
changes, is computed anew. The order itself is repaired within the span that the move turns round,
after Pearce and Kelly, *A dynamic topological sort algorithm for directed acyclic graphs* (2007).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genba.jit import inlined, lean
from genba.plan.shop.shop import Ints, Rows, Shop

TICKS, LOW, HIGH, HEAD, TAIL, BEFORE, AFTER, MACHINE = range(8)
"""Columns of ``Board.table``: own time; earliest begin and least time that follows; longest paths;
neighbors on the machine (rows, 0 for none); machine."""


class Board(NamedTuple):
    """A schedule in the making. Rows, not operations, are what the arrays speak of."""

    table: Ints
    """(rows, 8)"""
    lined: Rows
    """(machines, most): rows on each machine in their order."""
    filled: Rows
    """(machines,): how many they are."""
    place: Rows
    """(rows,): position on the machine."""
    order: Rows
    """(operations,): a topological order."""
    rank: Rows
    """(rows,): position in it; of empty rows the number of operations."""
    changed: NDArray[np.uint8]
    """(operations + 1,): marks by rank, the last one always set."""
    marked: NDArray[np.uint8]
    """(rows,): marks by row, all clear between calls."""
    spare: Rows
    """(operations,): room to write in."""
    last: Rows
    """(jobs,): the last row of each job."""
    release: Ints
    """(rows,)"""
    delivery: Ints
    """(rows,)"""
    free_from: Ints
    """(machines,)"""
    rest: Ints
    """(machines,)"""
    mode_start: Rows
    """(rows + 1,)"""
    mode_machine: Rows
    mode_ticks: Ints


def rows_of(shop: Shop) -> Rows:
    """Return the row of each operation."""
    job = np.repeat(np.arange(shop.jobs), np.diff(shop.job_start))
    return (np.arange(shop.operations) + job + 1).astype(np.int32)


def board_of(shop: Shop) -> Board:
    """Lay out an empty board for a shop."""
    rows = rows_of(shop)
    size = shop.operations + shop.jobs + 1
    most = np.bincount(shop.mode_machine, minlength=shop.machines).max(initial=1)
    modes = np.zeros(size, np.int64)
    modes[rows] = np.diff(shop.mode_start)
    lengths = np.diff(shop.job_start)
    real = lengths > 0
    first = (shop.job_start[:-1] + np.arange(shop.jobs) + 1)[real]
    last = first + lengths[real] - 1
    release, delivery = np.zeros(size, np.int64), np.zeros(size, np.int64)
    release[first], delivery[last] = shop.release[real], shop.delivery[real]
    changed = np.zeros(shop.operations + 1, np.uint8)
    changed[-1] = 1
    return Board(
        table=np.zeros((size, 8), np.int64),
        lined=np.zeros((shop.machines, most), np.int32),
        filled=np.zeros(shop.machines, np.int32),
        place=np.zeros(size, np.int32),
        order=np.zeros(shop.operations, np.int32),
        rank=np.full(size, shop.operations, np.int32),
        changed=changed,
        marked=np.zeros(size, np.uint8),
        spare=np.zeros(shop.operations, np.int32),
        last=last.astype(np.int32),
        release=release,
        delivery=delivery,
        free_from=np.ascontiguousarray(shop.free_from, np.int64),
        rest=np.ascontiguousarray(shop.rest, np.int64),
        mode_start=np.concatenate([[0], np.cumsum(modes)]).astype(np.int32),
        mode_machine=np.ascontiguousarray(shop.mode_machine, np.int32),
        mode_ticks=np.ascontiguousarray(shop.mode_ticks, np.int64),
    )


@lean
def load(board: Board, order: Rows, machines: Rows) -> int:
    """Set up a schedule: rows in topological order, the machine of each row. Return its makespan.

    Each machine takes its operations in the given order.
    """
    table = board.table
    for machine in range(len(board.filled)):
        board.filled[machine] = 0
    for i in range(len(order)):
        row = order[i]
        board.order[i] = row
        board.rank[row] = i
        machine = machines[row]
        at = board.filled[machine]
        board.lined[machine, at] = row
        board.filled[machine] = at + 1
        board.place[row] = at
        before = 0
        if at > 0:
            before = board.lined[machine, at - 1]
            table[before, AFTER] = row
        table[row, BEFORE] = before
        table[row, AFTER] = 0
        _assign(board, row, machine, ticks_on(board, row, machine))
        table[row, HEAD] = _head(table, row)
    for i in range(len(order) - 1, -1, -1):
        table[order[i], TAIL] = _tail(table, order[i])
    return makespan(board)


@lean
def ticks_on(board: Board, row: int, machine: int) -> int:
    """Return the time of an operation on a machine; -1 where it cannot be done there."""
    for mode in range(board.mode_start[row], board.mode_start[row + 1]):
        if board.mode_machine[mode] == machine:
            return int(board.mode_ticks[mode])
    return -1


@lean
def save(board: Board, order: Rows, machines: Rows) -> None:
    """Write down the schedule, as :func:`load` takes it."""
    for i in range(len(order)):
        row = board.order[i]
        order[i] = row
        machines[row] = board.table[row, MACHINE]


@inlined
def _assign(board: Board, row: int, machine: int, ticks: int) -> None:
    table = board.table
    table[row, MACHINE] = machine
    table[row, TICKS] = ticks
    table[row, LOW] = max(board.release[row], board.free_from[machine])
    table[row, HIGH] = max(board.delivery[row], board.rest[machine])


@inlined
def _head(table: Ints, row: int) -> int:
    earliest = max(table[row, LOW], table[row - 1, HEAD])
    return int(max(earliest, table[table[row, BEFORE], HEAD]) + table[row, TICKS])


@inlined
def _tail(table: Ints, row: int) -> int:
    least = max(table[row, HIGH], table[row + 1, TAIL])
    return int(max(least, table[table[row, AFTER], TAIL]) + table[row, TICKS])


@lean
def makespan(board: Board) -> int:
    """Return the length of the longest path."""
    table = board.table
    longest = 0
    for row in board.last:
        longest = max(longest, table[row, HEAD] + table[row, HIGH])
    for machine in range(len(board.filled)):
        if board.rest[machine] > 0 and board.filled[machine] > 0:
            row = board.lined[machine, board.filled[machine] - 1]
            longest = max(longest, table[row, HEAD] + table[row, HIGH])
    return longest


@lean
def relocate(board: Board, row: int, machine: int, ticks: int, at: int) -> None:
    """Move an operation to position ``at`` of a machine (counted without it); keep all in step.

    The caller has seen to it that no cycle comes of it.
    """
    table = board.table
    old_before, old_after = table[row, BEFORE], table[row, AFTER]
    if table[row, MACHINE] == machine:
        _shift(board, row, machine, at)
    else:
        _take_out(board, row)
        _put_in(board, row, machine, at)
        _assign(board, row, machine, ticks)
    before, after = table[row, BEFORE], table[row, AFTER]
    if before > 0 and board.rank[before] > board.rank[row]:
        _rank_later(board, row, before)
    elif after > 0 and board.rank[after] < board.rank[row]:
        _rank_earlier(board, row, after)
    _renew_heads(board, row, old_after, after)
    _renew_tails(board, row, old_before, before)


@inlined
def _link(table: Ints, before: int, after: int) -> None:
    if before > 0:
        table[before, AFTER] = after
    if after > 0:
        table[after, BEFORE] = before


@inlined
def _shift(board: Board, row: int, machine: int, at: int) -> None:
    table, lined = board.table, board.lined
    start = board.place[row]
    _link(table, table[row, BEFORE], table[row, AFTER])
    step = 1 if at > start else -1
    for i in range(start, at, step):
        moved = lined[machine, i + step]
        lined[machine, i] = moved
        board.place[moved] = i
    lined[machine, at] = row
    board.place[row] = at
    _link_in(board, row, machine, at)


@inlined
def _link_in(board: Board, row: int, machine: int, at: int) -> None:
    before = after = 0
    if at > 0:
        before = board.lined[machine, at - 1]
    if at + 1 < board.filled[machine]:
        after = board.lined[machine, at + 1]
    board.table[row, BEFORE] = before
    board.table[row, AFTER] = after
    _link(board.table, before, row)
    _link(board.table, row, after)


@inlined
def _take_out(board: Board, row: int) -> None:
    table, lined = board.table, board.lined
    machine = table[row, MACHINE]
    _link(table, table[row, BEFORE], table[row, AFTER])
    board.filled[machine] -= 1
    for i in range(board.place[row], board.filled[machine]):
        moved = lined[machine, i + 1]
        lined[machine, i] = moved
        board.place[moved] = i


@inlined
def _put_in(board: Board, row: int, machine: int, at: int) -> None:
    lined = board.lined
    for i in range(board.filled[machine], at, -1):
        moved = lined[machine, i - 1]
        lined[machine, i] = moved
        board.place[moved] = i
    lined[machine, at] = row
    board.place[row] = at
    board.filled[machine] += 1
    _link_in(board, row, machine, at)


@inlined
def _rank_later(board: Board, row: int, before: int) -> None:
    """Bring ``row``, and what follows from it, behind ``before`` in the order."""
    table, order, rank, marked = board.table, board.order, board.rank, board.marked
    held = 0
    begin, end = rank[row], rank[before]
    marked[row] = 1
    for i in range(begin + 1, end + 1):
        other = order[i]
        if marked[other - 1] or marked[table[other, BEFORE]]:
            marked[other] = 1
            board.spare[held] = other
            held += 1
        else:
            order[i - 1 - held] = other
            rank[other] = i - 1 - held
    put = end - held
    order[put] = row
    rank[row] = put
    marked[row] = 0
    for i in range(held):
        other = board.spare[i]
        marked[other] = 0
        order[put + 1 + i] = other
        rank[other] = put + 1 + i


@inlined
def _rank_earlier(board: Board, row: int, after: int) -> None:
    """Bring ``row``, and what it follows from, ahead of ``after`` in the order."""
    table, order, rank, marked = board.table, board.order, board.rank, board.marked
    held = 0
    begin, end = rank[row], rank[after]
    marked[row] = 1
    for i in range(begin - 1, end - 1, -1):
        other = order[i]
        if marked[other + 1] or marked[table[other, AFTER]]:
            marked[other] = 1
            board.spare[held] = other
            held += 1
        else:
            order[i + 1 + held] = other
            rank[other] = i + 1 + held
    put = end + held
    order[put] = row
    rank[row] = put
    marked[row] = 0
    for i in range(held):
        other = board.spare[i]
        marked[other] = 0
        order[put - 1 - i] = other
        rank[other] = put - 1 - i


@inlined
def _renew_heads(board: Board, first: int, second: int, third: int) -> None:
    table, rank, changed = board.table, board.rank, board.changed
    i = rank[first]
    changed[i] = 1
    open_marks = 1
    for row in (second, third):
        at = rank[row]
        if not changed[at]:
            changed[at] = 1
            open_marks += 1
            i = min(i, at)
    while open_marks > 0:
        if changed[i]:
            changed[i] = 0
            open_marks -= 1
            row = board.order[i]
            head = _head(table, row)
            if head != table[row, HEAD]:
                table[row, HEAD] = head
                at = rank[row + 1]
                if not changed[at]:
                    changed[at] = 1
                    open_marks += 1
                at = rank[table[row, AFTER]]
                if not changed[at]:
                    changed[at] = 1
                    open_marks += 1
        i += 1


@inlined
def _renew_tails(board: Board, first: int, second: int, third: int) -> None:
    table, rank, changed = board.table, board.rank, board.changed
    i = rank[first]
    changed[i] = 1
    open_marks = 1
    for row in (second, third):
        at = rank[row]
        if not changed[at]:
            changed[at] = 1
            open_marks += 1
            i = max(i, at)
    while open_marks > 0:
        if changed[i]:
            changed[i] = 0
            open_marks -= 1
            row = board.order[i]
            tail = _tail(table, row)
            if tail != table[row, TAIL]:
                table[row, TAIL] = tail
                at = rank[row - 1]
                if not changed[at]:
                    changed[at] = 1
                    open_marks += 1
                at = rank[table[row, BEFORE]]
                if not changed[at]:
                    changed[at] = 1
                    open_marks += 1
        i -= 1
