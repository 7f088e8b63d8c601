"""Schedules at the lower bound of shops whose machines may hardly stand still."""

import numpy as np
import pytest
from hypothesis import given, settings
from tests.plan.shop.shops import shops, wrong_with
from tests.plan.shop.test_search import FT06, plain

from genba.plan.shop import Shop, lower_bound, shop_of_modes, solve_shop
from genba.plan.shop import search as search_of_shops
from genba.plan.shop.tight import at_bound, is_tight


def cut(machines: int, pieces: int, length: int, seed: int) -> Shop:
    """Cut full machines into pieces, and string those that follow each other in time into jobs."""
    rng = np.random.default_rng(seed)
    listed = []
    for machine in range(machines):
        cuts = np.sort(rng.choice(np.arange(1, length), pieces - 1, replace=False))
        edges = [0, *cuts.tolist(), length]
        listed += [(edges[i], machine, edges[i + 1] - edges[i]) for i in range(pieces)]
    jobs: list[list[tuple[int, int]]] = []
    free: list[int] = []
    for begin, machine, ticks in sorted(listed):
        ready = [job for job, end in enumerate(free) if end <= begin]
        if ready:
            job = max(ready, key=lambda job: free[job])
        else:
            job = len(jobs)
            jobs.append([])
            free.append(0)
        jobs[job].append((machine, ticks))
        free[job] = begin + ticks
    return shop_of_modes(machines, [[[operation] for operation in job] for job in jobs])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_shop_cut_from_full_machines_is_put_together_again(seed: int) -> None:
    shop = cut(8, 12, 10_000, seed)
    assert lower_bound(shop) == 10_000
    assert is_tight(shop, 10_000)
    found = at_bound(shop, 10_000, limit_s=30.0, seed=0)
    assert found is not None
    assert wrong_with(shop, found) == []
    assert found.makespan == 10_000


def test_where_nothing_is_as_short_as_the_bound_there_is_no_schedule() -> None:
    shop = plain(FT06)
    assert lower_bound(shop) < 55
    assert at_bound(shop, 54, limit_s=30.0, seed=0) is None
    assert not is_tight(shop, lower_bound(shop))


@settings(max_examples=60, deadline=None)
@given(shop=shops())
def test_what_is_found_is_legal_and_as_short_as_the_bound(shop: Shop) -> None:
    bound = lower_bound(shop)
    if shop.is_flexible:
        assert not is_tight(shop, bound)
        return
    found = at_bound(shop, bound, limit_s=5.0, seed=0)
    if found is not None:
        assert wrong_with(shop, found) == []
        assert found.makespan == bound


def test_the_search_of_a_large_tight_shop_begins_at_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = cut(8, 12, 10_000, 4)
    monkeypatch.setattr(search_of_shops, "LARGE", shop.operations)
    found = solve_shop(shop, time_limit_s=60, workers=1, iterations=1)
    assert found.makespan == 10_000
