"""The whole search, from a shop to a schedule."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.shop.shops import shops, wrong_with

from genba.plan.shop import Shop, lower_bound, shop_of_modes, solve_shop

FT06 = [
    [(2, 1), (0, 3), (1, 6), (3, 7), (5, 3), (4, 6)],
    [(1, 8), (2, 5), (4, 10), (5, 10), (0, 10), (3, 4)],
    [(2, 5), (3, 4), (5, 8), (0, 9), (1, 1), (4, 7)],
    [(1, 5), (0, 5), (2, 5), (3, 3), (4, 8), (5, 9)],
    [(2, 9), (1, 3), (4, 5), (5, 4), (0, 3), (3, 1)],
    [(1, 3), (3, 3), (5, 9), (0, 10), (4, 4), (2, 1)],
]
"""Fisher and Thompson (1963), 6 x 6; the shortest makespan is 55."""


def plain(jobs: list[list[tuple[int, int]]]) -> Shop:
    return shop_of_modes(6, [[[operation] for operation in job] for job in jobs])


def test_the_classic_six_by_six_is_solved_to_its_optimum() -> None:
    found = solve_shop(plain(FT06), time_limit_s=60, seed=1, workers=1, iterations=20_000)
    assert found.makespan == 55


def test_the_same_seed_and_iterations_give_the_same_schedule() -> None:
    first, second = (
        solve_shop(plain(FT06), time_limit_s=60, seed=3, workers=1, iterations=300)
        for _ in range(2)
    )
    assert first.makespan == second.makespan
    assert (first.start == second.start).all()


@settings(max_examples=60, deadline=None)
@given(shop=shops(), seed=st.integers(0, 9))
def test_every_schedule_is_legal_and_not_below_the_bound(shop: Shop, seed: int) -> None:
    found = solve_shop(shop, time_limit_s=60, seed=seed, workers=1, iterations=400)
    assert wrong_with(shop, found) == []
    assert found.makespan >= lower_bound(shop)


def test_two_workers_find_a_legal_schedule() -> None:
    shop = plain(FT06)
    found = solve_shop(shop, time_limit_s=60, seed=1, workers=2, iterations=5_000)
    assert wrong_with(shop, found) == []
    assert found.makespan <= 60


def test_a_given_schedule_is_never_made_worse() -> None:
    shop = plain(FT06)
    good = solve_shop(shop, time_limit_s=60, seed=1, workers=1, iterations=20_000)
    again = solve_shop(shop, time_limit_s=60, seed=2, workers=1, iterations=1, start=good)
    assert again.makespan == good.makespan


def test_each_better_schedule_is_told() -> None:
    told: list[int] = []
    found = solve_shop(
        plain(FT06),
        time_limit_s=60,
        workers=1,
        iterations=20_000,
        on_improved=lambda schedule: told.append(schedule.makespan),
    )
    assert told == sorted(set(told), reverse=True)
    assert told[-1] == found.makespan


def test_a_shop_with_nothing_to_do_has_an_empty_schedule() -> None:
    for jobs in ([], [[]], [[], [[(0, 5)]], []]):
        found = solve_shop(shop_of_modes(2, jobs), time_limit_s=60, iterations=10)
        assert found.makespan == sum(len(job) for job in jobs) * 5
        assert len(found.machine) == sum(len(job) for job in jobs)
