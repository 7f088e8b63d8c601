"""Where every single move only makes another machine too full, two operations change places."""

import numpy as np

from genba.plan.shop.board import board_of, load, rows_of
from genba.plan.shop.draw import seeded
from genba.plan.shop.moves import best_move, critical_path
from genba.plan.shop.room import OTHER, VALUE, room_of
from genba.plan.shop.shop import shop_of_modes
from genba.plan.shop.tabu import BEST, begin, run_of, search, tenure_of


def test_loads_of_seven_and_five_become_six_and_six_in_one_step() -> None:
    shop = shop_of_modes(2, [[[(0, ticks), (1, ticks)]] for ticks in (3, 2, 2, 3, 2)])
    rows, board = rows_of(shop), board_of(shop)
    machines = np.zeros(len(board.rank), np.int32)
    machines[rows[3:]] = 1
    assert load(board, rows, machines) == 7
    room = room_of(shop.operations, seeded(1))
    assert best_move(board, room, critical_path(board, room, 7), 1, 7)
    assert room.allowed[OTHER] > 0
    assert room.allowed[VALUE] == 6
    run = run_of(board, tenure_of(shop))
    begin(board, room, run, rows, machines)
    search(board, room, run, 1, 100, 0)
    assert run.state[BEST] == 6


def test_an_operation_does_not_change_places_with_the_next_of_its_job() -> None:
    shop = shop_of_modes(2, [[[(0, 3), (1, 3)], [(0, 3), (1, 3)]]])
    rows, board = rows_of(shop), board_of(shop)
    machines = np.zeros(len(board.rank), np.int32)
    machines[rows[1]] = 1
    value = load(board, rows, machines)
    room = room_of(shop.operations, seeded(1))
    best_move(board, room, critical_path(board, room, value), 1, value)
    assert room.allowed[OTHER] == 0
