"""Two operations of different machines change places, and machines.

Where work can be done nearly everywhere, what is short is the balance of the machines. One move of
an operation shifts the load by all its time; a swap shifts it by the difference of two.

Each goes to the very place of the other. The old graph's paths tell whether that makes a cycle: one
through a single of the two would leave by its new successor or its job's, and come back by its new
predecessor or its job's; one through both needs a path from each to the other.
"""

from genba.jit import inlined
from genba.plan.shop.board import AFTER, BEFORE, HEAD, MACHINE, TAIL, TICKS, Board
from genba.plan.shop.draw import mixed
from genba.plan.shop.room import VALUE, Room, consider


@inlined
def swap_moves(board: Board, room: Room, row: int, now: int, aspired: int) -> None:
    """Weigh changing places with operations of each other machine that can do this one."""
    table = board.table
    own = table[row, MACHINE]
    for mode in range(board.mode_start[row], board.mode_start[row + 1]):
        machine, ticks = board.mode_machine[mode], board.mode_ticks[mode]
        if machine == own or table[row, TICKS] == 0:
            continue
        head = max(table[row - 1, HEAD], board.release[row], board.free_from[machine])
        tail = max(table[row + 1, TAIL], board.delivery[row], board.rest[machine])
        if head + ticks + tail > room.allowed[VALUE]:
            continue
        line = board.lined[machine]
        middle, step = 0, board.filled[machine]
        while step > 0:
            half = step // 2
            if table[line[middle + half], HEAD] <= head:
                middle += half + 1
                step -= half + 1
            else:
                step = half
        at, step = middle - 1, -1
        while at < board.filled[machine]:
            longest = -1
            if at >= 0:
                other = line[at]
                head_at = max(head, table[table[other, BEFORE], HEAD])
                tail_at = max(tail, table[table[other, AFTER], TAIL])
                longest = head_at + ticks + tail_at
            if longest < 0 or longest > room.allowed[VALUE]:
                if step > 0:
                    break
                at, step = middle, 1  # farther back it becomes longer still: go on ahead
                continue
            _swap(board, room, row, mode, other, longest, now, aspired)
            at += step


@inlined
def _swap(
    board: Board,
    room: Room,
    row: int,
    mode: int,
    other: int,
    longest: int,
    now: int,
    aspired: int,
) -> None:
    table = board.table
    home, machine = table[row, MACHINE], table[other, MACHINE]
    back, end = board.mode_start[other], board.mode_start[other + 1]
    while back < end and board.mode_machine[back] != home:
        back += 1
    if back == end or table[other, TICKS] == 0:
        return
    head = max(table[other - 1, HEAD], table[table[row, BEFORE], HEAD], board.release[other])
    tail = max(table[other + 1, TAIL], table[table[row, AFTER], TAIL], board.delivery[other])
    head, tail = max(head, board.free_from[home]), max(tail, board.rest[home])
    value = max(longest, head + board.mode_ticks[back] + tail)
    if value > room.allowed[VALUE] or _makes_cycle(board, row, other):
        return
    mask = len(room.until) - 1
    tabu = room.until[mixed(row, -1 - machine) & mask] > now
    tabu = tabu or room.until[mixed(other, -1 - home) & mask] > now
    at = board.place[other]
    consider(room, tabu and value >= aspired, value, row, machine, at, mode, other, back)


@inlined
def _makes_cycle(board: Board, row: int, other: int) -> bool:
    table = board.table
    before, after = table[row, BEFORE], table[row, AFTER]
    ahead, behind = table[other, BEFORE], table[other, AFTER]
    return bool(
        _reaches(board, row + 1, ahead)
        or _reaches(board, behind, row - 1)
        or _reaches(board, other + 1, before)
        or _reaches(board, after, other - 1)
        or row + 1 == other
        or other + 1 == row
        or (_reaches(board, row + 1, other - 1) and _reaches(board, after, ahead))
        or (_reaches(board, behind, before) and _reaches(board, other + 1, row - 1))
    )


@inlined
def _reaches(board: Board, first: int, second: int) -> bool:
    """Tell whether there may be a path from one operation to another, or both are the same."""
    table, nothing = board.table, len(board.order)
    if board.rank[first] == nothing or board.rank[second] == nothing:
        return False
    begin = table[second, HEAD] - table[second, TICKS]
    rest = table[first, TAIL] - table[first, TICKS]
    return bool(first == second or (table[first, HEAD] <= begin and rest >= table[second, TAIL]))
