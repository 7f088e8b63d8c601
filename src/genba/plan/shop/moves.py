"""Moves of critical operations, and what each would make of the makespan.

On its machine, an operation may go to either end of its critical block, and the ends of a block
into its inside: N6 of Balas and Vazacopoulos (1998) with the additions of Zhang et al., *A tabu
search algorithm with a new neighborhood structure for the job shop scheduling problem* (2007),
called N7. To another machine it goes where the longest path through it is shortest: Mastrolilli
and Gambardella, *Effective neighbourhood functions for the flexible job shop problem* (2000).

No move makes a cycle: a path from ``a`` to ``b`` of which ``a`` is the begin implies
``tail(a) >= ticks(a) + tail(b)``, and the like for heads; where this does not hold there is none.
"""

import os
from typing import NamedTuple

import numpy as np

from genba.jit import compiled
from genba.plan.shop.board import AFTER, BEFORE, HEAD, HIGH, LOW, MACHINE, TAIL, TICKS, Board
from genba.plan.shop.draw import below, mixed
from genba.plan.shop.shop import Ints, Rows

VARIANT = int(os.environ.get("VAR", "1"))
LONGEST = 1 << 62
REACH = 96
"""Longest stretch of a machine's sequence that one move turns round."""

FOUND, ROW, TO, AT, MODE, VALUE = range(6)
"""What :func:`best_move` answers: how many moves are equally good (0: none), the row, the machine
and position it goes to, its mode (-1: it stays on its machine), the estimated makespan."""


class Room(NamedTuple):
    """What the search for a move writes in."""

    path: Rows
    """(operations,): a critical path."""
    stretch: Rows
    """(REACH + 2,): a stretch of a machine in its new order."""
    heads: Ints
    """(REACH + 2,)"""
    until: Ints
    """(2**k,): iteration up to which what hashes to here is tabu."""
    allowed: Ints
    """(6,): the best move that is allowed."""
    banned: Ints
    """(6,): some move that is tabu, for when there is no other."""
    rng: Ints
    """(1,)"""


def room_of(operations: int, rng: Ints, bits: int = 16) -> Room:
    """Make room for a shop's search."""
    return Room(
        path=np.zeros(operations, np.int32),
        stretch=np.zeros(REACH + 2, np.int32),
        heads=np.zeros(REACH + 2, np.int64),
        until=np.full(1 << bits, -1, np.int64),
        allowed=np.zeros(6, np.int64),
        banned=np.zeros(6, np.int64),
        rng=rng,
    )


@compiled
def critical_path(board: Board, room: Room, longest: int) -> int:
    """Write one critical path, drawn at random, into the *end* of ``room.path``; return its start.

    It is ``room.path[start:]``.
    """
    table, rng = board.table, room.rng
    row, seen = 0, 0
    for last in board.last:
        if table[last, HEAD] + table[last, HIGH] == longest:
            seen += 1
            if below(rng, seen) == 0:
                row = last
    for machine in range(len(board.filled)):
        if board.rest[machine] > 0 and board.filled[machine] > 0:
            last = board.lined[machine, board.filled[machine] - 1]
            if table[last, HEAD] + table[last, HIGH] == longest:
                seen += 1
                if below(rng, seen) == 0:
                    row = last
    at = len(room.path)
    while row > 0:
        at -= 1
        room.path[at] = row
        begin = table[row, HEAD] - table[row, TICKS]
        before, previous = table[row, BEFORE], row - 1
        by_machine = before > 0 and table[before, HEAD] == begin
        by_job = board.rank[previous] < len(board.order) and table[previous, HEAD] == begin
        if by_machine and by_job:
            row = before if below(rng, 2) else previous
        elif by_machine:
            row = before
        elif by_job:
            row = previous
        else:
            row = 0
    return at


@compiled
def best_move(board: Board, room: Room, start: int, now: int, aspired: int) -> bool:
    """Look for the best allowed move along ``room.path[start:]``; ``room.allowed`` holds it.

    A tabu move is allowed where its estimate is below ``aspired``. Where all are tabu, one of them
    is drawn. Returns False where the path has no move at all.
    """
    room.allowed[FOUND] = 0
    room.allowed[VALUE] = LONGEST
    room.banned[FOUND] = 0
    table, path = board.table, room.path
    begin = start
    while begin < len(path):
        end = begin
        while end + 1 < len(path) and path[end + 1] == table[path[end], AFTER]:
            end += 1
        if end > begin:
            _block_moves(board, room, begin, end, start, now, aspired)
        begin = end + 1
    if len(board.mode_machine) > len(board.order):
        for i in range(start, len(path)):
            _machine_moves(board, room, path[i], now, aspired)
    if room.allowed[FOUND] == 0 and room.banned[FOUND] > 0:
        room.allowed[:] = room.banned
    return bool(room.allowed[FOUND] > 0)


@compiled
def _block_moves(
    board: Board, room: Room, begin: int, end: int, start: int, now: int, aspired: int
) -> None:
    table, path = board.table, room.path
    machine = table[path[begin], MACHINE]
    first, last = board.place[path[begin]], board.place[path[end]]
    at_source = begin == start and table[path[begin], LOW] <= board.free_from[machine]
    at_sink = end + 1 == len(path) and table[path[end], HIGH] <= board.rest[machine]
    if not at_sink:
        for i in range(max(first, last - REACH), last):
            _try(board, room, machine, i, last, now, aspired)
    if not at_source:
        for i in range(first + 1, min(last, first + REACH) + 1):
            _try(board, room, machine, i, first, now, aspired)
    if not at_source:
        for i in range(first + 1, min(last, first + REACH)):
            _try(board, room, machine, first, i, now, aspired)
    if not at_sink:
        for i in range(max(first, last - REACH) + 1, last):
            _try(board, room, machine, last, i, now, aspired)


@compiled
def _try(
    board: Board, room: Room, machine: int, origin: int, to: int, now: int, aspired: int
) -> None:
    """Weigh moving what stands at ``origin`` of a machine to ``to``."""
    table, lined, stretch = board.table, board.lined, room.stretch
    row, pivot = lined[machine, origin], lined[machine, to]
    if to > origin:
        low, high = origin, to
        follows, pivot_begin = row + 1, table[pivot, HEAD] - table[pivot, TICKS]
        if follows == pivot or (
            table[follows, TAIL] - table[follows, TICKS] >= table[pivot, TAIL]
            and pivot_begin >= table[follows, HEAD]
            and board.rank[follows] < len(board.order)
        ):
            return
        for i in range(low, high):
            stretch[i - low] = lined[machine, i + 1]
        stretch[high - low] = row
    else:
        low, high = to, origin
        leads, pivot_end = row - 1, table[pivot, TAIL] - table[pivot, TICKS]
        if leads == pivot or (
            table[leads, HEAD] - table[leads, TICKS] >= table[pivot, HEAD]
            and pivot_end >= table[leads, TAIL]
            and board.rank[leads] < len(board.order)
        ):
            return
        stretch[0] = row
        for i in range(low, high):
            stretch[i - low + 1] = lined[machine, i]
    before = table[lined[machine, low], BEFORE]
    after = table[lined[machine, high], AFTER]
    value = _longest_through(table, room, high - low + 1, before, after)
    if value > room.allowed[VALUE]:
        return
    tabu = _turns_back(board, room, row, machine, low, high, to > origin, now)
    _consider(room, tabu and value >= aspired, value, row, machine, to, -1)


@compiled
def _turns_back(
    board: Board, room: Room, row: int, machine: int, low: int, high: int, later: bool, now: int
) -> bool:
    """Tell whether a move brings two operations back into an order that is tabu."""
    for i in range(low, high + 1):
        other = board.lined[machine, i]
        if other != row:
            word = mixed(other, row) if later else mixed(row, other)
            if room.until[word & (len(room.until) - 1)] > now:
                return True
    return False


@compiled
def _longest_through(table: Ints, room: Room, size: int, before: int, after: int) -> int:
    """Estimate the longest path through a stretch in its new order (Balas and Vazacopoulos)."""
    head = table[before, HEAD]
    for i in range(size):
        row = room.stretch[i]
        head = max(head, table[row - 1, HEAD], table[row, LOW]) + table[row, TICKS]
        room.heads[i] = head
    tail = table[after, TAIL]
    longest = 0
    for i in range(size - 1, -1, -1):
        row = room.stretch[i]
        tail = max(tail, table[row + 1, TAIL], table[row, HIGH])
        longest = max(longest, room.heads[i] + tail)
        tail += table[row, TICKS]
    return longest


@compiled
def _consider(room: Room, tabu: bool, value: int, row: int, to: int, at: int, mode: int) -> None:
    """Keep a move if it is the best so far; among equals, and among tabu moves, one by lot."""
    kept = room.banned if tabu else room.allowed
    if not tabu and value < kept[VALUE]:
        kept[FOUND] = 0
    elif not tabu and value > kept[VALUE]:
        return
    kept[FOUND] += 1
    if kept[FOUND] == 1 or below(room.rng, kept[FOUND]) == 0:
        kept[ROW] = row
        kept[TO] = to
        kept[AT] = at
        kept[MODE] = mode
        kept[VALUE] = value


@compiled
def _machine_moves(board: Board, room: Room, row: int, now: int, aspired: int) -> None:
    """Weigh moving an operation to each other machine that can do it."""
    table = board.table
    own = table[row, MACHINE]
    around = table[table[row, BEFORE], HEAD] + table[table[row, AFTER], TAIL]
    for mode in range(board.mode_start[row], board.mode_start[row + 1]):
        machine = board.mode_machine[mode]
        if machine != own:
            tabu = room.until[mixed(row, -1 - machine) & (len(room.until) - 1)] > now
            _insertions(board, room, row, mode, around, tabu, aspired)


@compiled
def _insertions(
    board: Board, room: Room, row: int, mode: int, around: int, tabu: bool, aspired: int
) -> None:
    table = board.table
    machine, ticks = board.mode_machine[mode], board.mode_ticks[mode]
    line, count = board.lined[machine], board.filled[machine]
    leads, follows = row - 1, row + 1
    head = max(table[leads, HEAD], board.release[row], board.free_from[machine])
    tail = max(table[follows, TAIL], board.delivery[row], board.rest[machine])
    if head + ticks + tail > room.allowed[VALUE]:
        return
    low, high = _free_range(board, machine, leads, follows)
    if high < low:
        return
    # positions before ``from_`` only lengthen the tail, those behind ``to`` only the head
    from_ = low
    step = high - low
    while step > 0:
        half = step // 2
        if table[line[from_ + half], HEAD] <= head:
            from_ += half + 1
            step -= half + 1
        else:
            step = half
    to = from_
    while to < high and table[line[to], TAIL] > tail:
        to += 1
    while from_ > low and table[line[from_ - 1], TAIL] <= tail:
        from_ -= 1
    for at in range(from_, to + 1):
        head_at, tail_at = head, tail
        if at > 0:
            head_at = max(head, table[line[at - 1], HEAD])
        if at < count:
            tail_at = max(tail, table[line[at], TAIL])
        value = max(around, head_at + ticks + tail_at)
        if value <= room.allowed[VALUE]:
            _consider(room, tabu and value >= aspired, value, row, machine, at, mode)


@compiled
def _free_range(board: Board, machine: int, leads: int, follows: int) -> tuple[int, int]:
    """Return the first and last position of a machine where an operation between two others fits.

    ``leads`` and ``follows`` are its job's neighbors. What has a path to ``leads`` must stay
    before it, and what has one from ``follows`` behind it.
    """
    table, line, count = board.table, board.lined[machine], board.filled[machine]
    low, high = 0, count
    if board.rank[leads] < len(board.order):
        begin, length = table[leads, HEAD] - table[leads, TICKS], table[leads, TAIL]
        step = count
        while step > 0:
            half = step // 2
            other = line[low + half]
            rest = table[other, TAIL] - table[other, TICKS]
            if other == leads or (table[other, HEAD] <= begin and rest >= length):
                low += half + 1
                step -= half + 1
            else:
                step = half
    if board.rank[follows] < len(board.order):
        rest, length = table[follows, TAIL] - table[follows, TICKS], table[follows, HEAD]
        first, step = 0, count
        while step > 0:
            half = step // 2
            other = line[first + half]
            begin = table[other, HEAD] - table[other, TICKS]
            if other != follows and (begin < length or table[other, TAIL] > rest):
                first += half + 1
                step -= half + 1
            else:
                step = half
        high = first
    return low, high
