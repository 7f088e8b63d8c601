"""Moves of critical operations, and what each would make of the makespan.

On its machine, an operation may go to either end of its critical block, and the ends of a block
into its inside: N6 of Balas and Vazacopoulos (1998) with the additions of Zhang et al., *A tabu
search algorithm with a new neighborhood structure for the job shop scheduling problem* (2007),
called N7. To another machine it goes where the longest path through it is shortest: Mastrolilli
and Gambardella, *Effective neighbourhood functions for the flexible job shop problem* (2000).

No move makes a cycle: a path from ``a`` to ``b`` of which ``a`` is the begin implies
``tail(a) >= ticks(a) + tail(b)``, and the like for heads; where this does not hold there is none.
"""

from genba.jit import inlined, lean
from genba.plan.shop.board import AFTER, BEFORE, HEAD, HIGH, LOW, MACHINE, TAIL, TICKS, Board
from genba.plan.shop.draw import below, mixed
from genba.plan.shop.room import FOUND, LONGEST, REACH, VALUE, Room, consider
from genba.plan.shop.shop import Ints
from genba.plan.shop.swaps import swap_moves


@lean
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


@lean
def best_move(board: Board, room: Room, start: int, now: int, aspired: int) -> bool:
    """Look for the best allowed move along ``room.path[start:]``; ``room.allowed`` holds it.

    A tabu move is allowed where its estimate is below ``aspired``. Where all are tabu, one of them
    is drawn. Returns False where the path has no move at all.
    """
    room.allowed[FOUND] = 0
    room.allowed[VALUE] = LONGEST
    room.banned[FOUND] = 0
    table, path = board.table, room.path
    if len(board.mode_machine) > len(board.order):
        for i in range(start, len(path)):
            _machine_moves(board, room, path[i], now, aspired)
        for i in range(start, len(path)):
            swap_moves(board, room, path[i], now, aspired)
    begin = start
    while begin < len(path):
        end = begin
        while end + 1 < len(path) and path[end + 1] == table[path[end], AFTER]:
            end += 1
        if end > begin:
            _block_moves(board, room, begin, end, start, now, aspired)
        begin = end + 1
    if room.allowed[FOUND] == 0 and room.banned[FOUND] > 0:
        for i in range(len(room.banned)):
            room.allowed[i] = room.banned[i]
    return bool(room.allowed[FOUND] > 0)


@inlined
def _block_moves(
    board: Board, room: Room, begin: int, end: int, start: int, now: int, aspired: int
) -> None:
    table, path = board.table, room.path
    machine = table[path[begin], MACHINE]
    first, last = board.place[path[begin]], board.place[path[end]]
    at_source = begin == start and table[path[begin], LOW] <= board.free_from[machine]
    at_sink = end + 1 == len(path) and table[path[end], HIGH] <= board.rest[machine]
    for kind in range(4):
        to_end, inside = kind % 2 == 0, kind >= 2
        if at_sink if to_end else at_source:
            continue
        edge = last if to_end else first
        low = max(first, last - REACH) + inside if to_end else first + 1
        high = last - 1 if to_end else min(last, first + REACH) - inside
        for i in range(low, high + 1):
            origin, to = (edge, i) if inside else (i, edge)
            _try(board, room, machine, origin, to, now, aspired)


@inlined
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
    consider(room, tabu and value >= aspired, value, row, machine, to, -1, 0, -1)


@inlined
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


@inlined
def _longest_through(table: Ints, room: Room, size: int, before: int, after: int) -> int:
    """Estimate the longest path through a stretch in its new order (Balas and Vazacopoulos).

    Anything above the best value so far may be answered where it is above that.
    """
    limit = room.allowed[VALUE]
    head = table[before, HEAD]
    for i in range(size):
        row = room.stretch[i]
        head = max(head, table[row - 1, HEAD], table[row, LOW]) + table[row, TICKS]
        if head + table[row + 1, TAIL] > limit:
            return LONGEST
        room.heads[i] = head
    tail = table[after, TAIL]
    if head + tail > limit:
        return LONGEST
    longest = 0
    for i in range(size - 1, -1, -1):
        row = room.stretch[i]
        tail = max(tail, table[row + 1, TAIL], table[row, HIGH])
        longest = max(longest, room.heads[i] + tail)
        tail += table[row, TICKS]
    return longest


@inlined
def _machine_moves(board: Board, room: Room, row: int, now: int, aspired: int) -> None:
    """Weigh moving an operation to each other machine that can do it."""
    table = board.table
    own = table[row, MACHINE]
    around = table[table[row, BEFORE], HEAD] + table[table[row, AFTER], TAIL]
    if around > room.allowed[VALUE]:
        return
    for mode in range(board.mode_start[row], board.mode_start[row + 1]):
        machine = board.mode_machine[mode]
        if machine != own:
            tabu = room.until[mixed(row, -1 - machine) & (len(room.until) - 1)] > now
            _insertions(board, room, row, mode, around, tabu, aspired)


@inlined
def _insertions(
    board: Board, room: Room, row: int, mode: int, around: int, tabu: bool, aspired: int
) -> None:
    table = board.table
    machine, ticks = board.mode_machine[mode], board.mode_ticks[mode]
    line, count = board.lined[machine], board.filled[machine]
    head = max(table[row - 1, HEAD], board.release[row], board.free_from[machine])
    tail = max(table[row + 1, TAIL], board.delivery[row], board.rest[machine])
    if head + ticks + tail > room.allowed[VALUE]:
        return
    # positions before ``low`` only lengthen the tail, those behind ``high`` only the head
    low, step = 0, count
    while step > 0:
        half = step // 2
        if table[line[low + half], HEAD] <= head:
            low += half + 1
            step -= half + 1
        else:
            step = half
    while low > 0 and _follows(board, row, line[low - 1]):
        low -= 1
    if low < count and _leads(board, row, line[low]):
        return
    high = low
    while high < count and table[line[high], TAIL] > tail:
        high += 1
    while low > 0 and table[line[low - 1], TAIL] <= tail and not _leads(board, row, line[low - 1]):
        low -= 1
    for at in range(low, high + 1):
        head_at, tail_at = head, tail
        if at > 0:
            head_at = max(head, table[line[at - 1], HEAD])
        if at < count:
            tail_at = max(tail, table[line[at], TAIL])
        value = max(around, head_at + ticks + tail_at)
        if value <= room.allowed[VALUE]:
            consider(room, tabu and value >= aspired, value, row, machine, at, mode, 0, -1)


@inlined
def _leads(board: Board, row: int, other: int) -> bool:
    """Tell whether ``other`` may have a path to what is before ``row`` in its job."""
    table, before = board.table, row - 1
    if board.rank[before] == len(board.order):
        return False
    if other == before:
        return True
    begin = table[before, HEAD] - table[before, TICKS]
    rest = table[other, TAIL] - table[other, TICKS]
    return bool(table[other, HEAD] <= begin and rest >= table[before, TAIL])


@inlined
def _follows(board: Board, row: int, other: int) -> bool:
    """Tell whether ``other`` may have a path from what is behind ``row`` in its job."""
    table, after = board.table, row + 1
    if board.rank[after] == len(board.order):
        return False
    if other == after:
        return True
    begin = table[other, HEAD] - table[other, TICKS]
    rest = table[after, TAIL] - table[after, TICKS]
    return bool(begin >= table[after, HEAD] and table[other, TAIL] <= rest)
