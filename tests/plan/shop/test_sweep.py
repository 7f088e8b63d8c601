"""Large shops: windows of time, cut out and put back."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.shop.shops import shops, wrong_with

from genba.plan.shop import Shop, schedule_of
from genba.plan.shop.board import board_of, load, makespan, rows_of
from genba.plan.shop.bound import lower_bound
from genba.plan.shop.construct import list_schedule, work_left
from genba.plan.shop.draw import seeded
from genba.plan.shop.hunt import Hunt
from genba.plan.shop.room import room_of
from genba.plan.shop.shop import Rows
from genba.plan.shop.sweep import Sweep
from genba.plan.shop.tabu import BEST, begin, run_of, search, tenure_of
from genba.plan.shop.windows import by_begin, cut_out, put_back


def first_schedule(shop: Shop) -> tuple[Rows, Rows, int]:
    board = board_of(shop)
    order = np.zeros(shop.operations, np.int32)
    machines = np.zeros(len(board.rank), np.int32)
    return order, machines, list_schedule(board, work_left(board), 1.0, order, machines)


@settings(max_examples=60, deadline=None)
@given(shop=shops(), cuts=st.tuples(st.floats(0, 1), st.floats(0, 1)), seed=st.integers(0, 9))
def test_what_a_window_promises_holds_for_the_whole(
    shop: Shop, cuts: tuple[float, float], seed: int
) -> None:
    board = board_of(shop)
    order, machines, value = first_schedule(shop)
    load(board, order, machines)
    ordered = by_begin(board)
    first, last = sorted(round(cut * shop.operations) for cut in cuts)
    if first == last:
        return
    window = cut_out(board, ordered, first, last)
    own = board_of(window.shop)
    run = run_of(own, tenure_of(window.shop))
    assert (
        begin(own, room_of(last - first, seeded(seed)), run, window.order, window.machines) <= value
    )
    search(own, room_of(last - first, seeded(seed)), run, 50, 50, 0)
    load(own, run.order, run.machines)
    whole = put_back(window, ordered, machines, by_begin(own), run.machines)
    load(board, *whole)
    assert makespan(board) <= max(value, run.state[BEST])
    rows = rows_of(shop)
    operation = np.zeros(len(board.rank), np.int32)
    operation[rows] = np.arange(shop.operations)
    assert wrong_with(shop, schedule_of(shop, operation[whole[0]], whole[1][rows])) == []


@settings(max_examples=30, deadline=None)
@given(shop=shops(), seed=st.integers(0, 9))
def test_a_sweep_with_windows_of_three_operations_ends_in_a_legal_schedule(
    shop: Shop, seed: int
) -> None:
    order, machines, value = first_schedule(shop)
    hunt = Hunt(shop, lower_bound(shop), 1e18, 300, lambda: 0.0, None)
    hunt.offer(value, order, machines)
    Sweep(hunt, order, machines, value, size=3, patience=5).work(seed, 0)
    found = hunt.schedule()
    assert wrong_with(shop, found) == []
    assert found.makespan <= value
