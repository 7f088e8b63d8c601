"""Tabu search for the flexible job shop: always the best allowed move, back only when long ago.

Tabu is each order of two operations that a move turned round (Dell'Amico and Trubian, *Applying
tabu search to the job-shop scheduling problem*, 1993), and the machine that an operation has left
(Mastrolilli and Gambardella, 2000).
"""

from typing import NamedTuple

import numpy as np

from genba.jit import inlined, lean
from genba.plan.shop.board import HEAD, MACHINE, TICKS, Board, load, makespan, relocate, save
from genba.plan.shop.draw import below, mixed
from genba.plan.shop.moves import best_move, critical_path
from genba.plan.shop.room import AT, BACK, MODE, OTHER, ROW, TO, Room
from genba.plan.shop.shop import Ints, Rows, Shop

NOW, VALUE, BEST, SINCE, SAVED = range(5)
"""Fields of ``Run.state``: iteration, makespan now, best of the run, iteration of the best, and of
the one that is saved (which may be another, equally good one)."""
DRIFT = 100
"""Iterations after which an equally good schedule is saved for the best one."""


class Run(NamedTuple):
    """One run of the search, which may be continued in pieces."""

    state: Ints
    """(5,)"""
    order: Rows
    """(operations,): the best schedule of the run, as ``board.load`` takes it."""
    machines: Rows
    """(rows,)"""
    tenure: Ints
    """(4,): least tenure and its spread, of an order turned round and of a machine left."""


def tenure_of(shop: Shop) -> Ints:
    """Return tenures (least and spread, of orders and of machines) after Zhang et al. (2007)."""
    least = 10 + shop.jobs // shop.machines
    spread = least * 2 // 5
    return np.array([least, spread, least, spread], np.int64)


def run_of(board: Board, tenure: Ints) -> Run:
    """Prepare a run."""
    return Run(
        np.zeros(5, np.int64),
        np.zeros(len(board.order), np.int32),
        np.zeros(len(board.rank), np.int32),
        tenure,
    )


@lean
def begin(board: Board, room: Room, run: Run, order: Rows, machines: Rows) -> int:
    """Start a run from a schedule, with nothing tabu; return its makespan."""
    value = load(board, order, machines)
    run.state[VALUE] = run.state[BEST] = value
    run.state[NOW] = run.state[SINCE] = run.state[SAVED] = 0
    for i in range(len(room.until)):  # slices may not fit, and to say so makes a text
        room.until[i] = -1
    for i in range(len(order)):
        run.order[i] = order[i]
    for row in range(len(machines)):
        run.machines[row] = machines[row]
    return value


@lean
def search(board: Board, room: Room, run: Run, iterations: int, patience: int, goal: int) -> bool:
    """Go on for some iterations; return whether the run is over.

    It is over when there was no better schedule for ``patience`` iterations, when the makespan is
    down to ``goal``, or when the critical path leaves nothing to move (it is optimal then).
    """
    state = run.state
    for _ in range(iterations):
        if state[NOW] - state[SINCE] >= patience or state[BEST] <= goal:
            return True
        state[NOW] += 1
        start = critical_path(board, room, state[VALUE])
        if not best_move(board, room, start, state[NOW], state[BEST]):
            return True
        _perform(board, room, run)
        state[VALUE] = makespan(board)
        if state[VALUE] < state[BEST]:
            state[BEST] = state[VALUE]
            state[SINCE] = state[SAVED] = state[NOW]
            save(board, run.order, run.machines)
        elif state[VALUE] == state[BEST] and state[NOW] - state[SAVED] >= DRIFT:
            state[SAVED] = state[NOW]
            save(board, run.order, run.machines)
    return False


@inlined
def _perform(board: Board, room: Room, run: Run) -> None:
    """Make the move that was found, and make tabu what it undid."""
    move, table, tenure = room.allowed, board.table, run.tenure
    row, machine, at, other = move[ROW], move[TO], move[AT], move[OTHER]
    home, place = table[row, MACHINE], board.place[row]
    if move[MODE] < 0:
        lasts = run.state[NOW] + tenure[0] + below(room.rng, tenure[1] + 1)
        for i in range(min(at, place), max(at, place) + 1):
            passed = board.lined[machine, i]
            if passed != row:
                word = mixed(row, passed) if at > place else mixed(passed, row)
                room.until[word & (len(room.until) - 1)] = lasts
        relocate(board, row, machine, table[row, TICKS], at)
        return
    _ban(board, room, run, row)
    if other > 0:
        _ban(board, room, run, other)
        # beside each other for a moment, in the order that no path contradicts
        at += table[other, HEAD] <= table[row, HEAD] - table[row, TICKS]
    relocate(board, row, machine, board.mode_ticks[move[MODE]], at)
    if other > 0:
        relocate(board, other, home, board.mode_ticks[move[BACK]], place)


@inlined
def _ban(board: Board, room: Room, run: Run, row: int) -> None:
    """Forbid an operation's way back to the machine that it leaves."""
    lasts = run.state[NOW] + run.tenure[2] + below(room.rng, run.tenure[3] + 1)
    word = mixed(row, -1 - board.table[row, MACHINE])
    room.until[word & (len(room.until) - 1)] = lasts
