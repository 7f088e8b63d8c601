"""The pool of good schedules, and what lies between two of them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.shop.shops import shops

from genba.plan.shop.board import HEAD, TICKS, Board, board_of, load
from genba.plan.shop.construct import list_schedule, shaken, work_left
from genba.plan.shop.draw import seeded
from genba.plan.shop.elites import Elite, Pool, between, neighbors
from genba.plan.shop.shop import Shop


def some_elite(shop: Shop, board: Board, seed: int) -> Elite:
    order = np.zeros(shop.operations, np.int32)
    machines = np.zeros(len(board.rank), np.int32)
    priority = work_left(board)
    shaken(work_left(board), 1.0, seeded(seed), priority)
    list_schedule(board, priority, 1.0, order, machines)
    value = load(board, order, machines)
    begin = board.table[:, HEAD] - board.table[:, TICKS]
    return Elite(value, order, machines, begin, neighbors(order, machines, shop.machines))


@settings(max_examples=60, deadline=None)
@given(shop=shops(), share=st.floats(0, 1), seed=st.integers(0, 9))
def test_what_lies_between_two_schedules_keeps_what_both_agree_on(
    shop: Shop, share: float, seed: int
) -> None:
    board = board_of(shop)
    first, second = some_elite(shop, board, seed), some_elite(shop, board, seed + 1)
    coins = np.random.default_rng(seed).random(len(first.begin))
    order, machines = between(first, second, share, coins)
    at = {int(row): i for i, row in enumerate(order)}
    assert sorted(at) == sorted(map(int, first.order))
    for one, place in at.items():
        assert machines[one] in (first.machines[one], second.machines[one])
        for other, later in at.items():
            if first.begin[one] < first.begin[other] and second.begin[one] < second.begin[other]:
                assert place < later
        assert place < at.get(one + 1, len(at))


def elite(value: int, *before: int) -> Elite:
    rows = np.array(before, np.int32)
    return Elite(value, rows, rows, rows.astype(np.int64), rows)


def test_the_pool_takes_nothing_that_is_no_better_than_its_like_or_its_worst() -> None:
    pool = Pool(2, 99)
    assert pool.add(elite(9, 1, 2))
    assert not pool.add(elite(9, 1, 2))
    assert pool.pair(0.0, 0.0) is None
    assert pool.add(elite(7, 2, 1))
    assert not pool.add(elite(9, 3, 3))
    assert pool.add(elite(8, 3, 3))
    pair = pool.pair(0.0, 0.0)
    assert pair is not None
    assert sorted(kept.value for kept in pair) == [7, 8]


def test_a_pool_that_refuses_too_often_keeps_only_its_best() -> None:
    pool = Pool(2, 2)
    pool.add(elite(9, 1, 2))
    pool.add(elite(7, 2, 1))
    assert not pool.add(elite(9, 3, 3))
    assert not pool.add(elite(9, 3, 3))
    assert pool.pair(0.0, 0.0) is None
    assert not pool.add(elite(8, 2, 1))
