"""Longest paths that are kept up to date are the ones that are computed anew."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.shop.shops import shops

from genba.plan.shop.board import board_of, load, makespan, save
from genba.plan.shop.construct import list_schedule, work_left
from genba.plan.shop.draw import seeded
from genba.plan.shop.room import room_of
from genba.plan.shop.shop import Shop
from genba.plan.shop.tabu import VALUE, begin, run_of, search


@settings(max_examples=60, deadline=None)
@given(shop=shops(), seed=st.integers(0, 9))
def test_paths_after_any_number_of_moves_equal_those_of_a_fresh_board(
    shop: Shop, seed: int
) -> None:
    board = board_of(shop)
    order = np.zeros(shop.operations, np.int32)
    machines = np.zeros(len(board.rank), np.int32)
    told = list_schedule(board, work_left(board), 1.0, order, machines)
    run = run_of(board, np.array([2, 2, 2, 2], np.int64))
    room = room_of(shop.operations, seeded(seed))
    assert begin(board, room, run, order, machines) == told
    for _ in range(25):
        over = search(board, room, run, 1, 1_000, 0)
        paths, value = board.table.copy(), makespan(board)
        assert value == run.state[VALUE]
        save(board, order, machines)
        assert load(board, order, machines) == value
        assert (board.table == paths).all()
        if over:
            break
