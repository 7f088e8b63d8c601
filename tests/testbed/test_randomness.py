"""Chance is seeded, and one purpose's draws do not shift another's."""

import statistics

from hypothesis import given
from hypothesis import strategies as st

from genba.testbed.lots import split_order
from genba.testbed.randomness import Chance


def test_same_seed_and_purpose_give_the_same_numbers() -> None:
    first, second = Chance(3).stream("mill-1.process"), Chance(3).stream("mill-1.process")
    assert [first.normal() for _ in range(1000)] == [second.normal() for _ in range(1000)]


def test_purposes_and_seeds_are_independent() -> None:
    chance = Chance(3)
    drained = chance.stream("a")
    for _ in range(5000):
        drained.uniform()
    alone = [Chance(3).stream("b").uniform() for _ in range(3)]
    assert [chance.stream("b").uniform() for _ in range(3)] == alone
    assert Chance(4).stream("b").uniform() != alone[0]


def test_distributions_have_their_means() -> None:
    stream = Chance(1).stream("x")
    assert abs(statistics.fmean(stream.exponential(10.0) for _ in range(20_000)) - 10.0) < 0.4
    lives = sorted(stream.weibull(2.0, 5.0) for _ in range(20_000))
    assert abs(sum(life <= 5.0 for life in lives) / len(lives) - 0.632) < 0.015
    assert abs(statistics.median(stream.lognormal(7.0, 0.5) for _ in range(20_000)) - 7.0) < 0.2
    assert {stream.integer(1, 3) for _ in range(200)} == {1, 2, 3}


@given(st.integers(1, 500), st.integers(1, 60))
def test_an_order_splits_into_near_equal_lots_that_hold_all_its_parts(
    quantity: int, lot_size: int
) -> None:
    sizes = split_order(quantity, lot_size)
    assert sum(sizes) == quantity
    assert len(sizes) == -(-quantity // lot_size)
    assert max(sizes) <= lot_size
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)
