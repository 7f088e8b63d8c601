"""Limits keep what was wished, count separate peaks only, and widen where these are few."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn.anomaly.episodes import episodes_of
from genba.learn.anomaly.limits import CHANGED, STEADY, UNKNOWN, Wish, limit_of, limits_of
from genba.learn.arrays import Floats
from genba.learn.recipe.protocol import Task
from genba.learn.recipe.samples import sample_for


def slow(seed: int, rows: int) -> Floats:
    """Scores that hang on their neighbors, as those of windows do: squares of a moving mean."""
    random = np.random.default_rng(seed)
    mean = np.convolve(random.normal(size=rows + 29), np.full(30, 30**-0.5), "valid")
    return np.asarray(mean**2)


def test_findings_a_week_come_as_often_as_wished_or_seldomer() -> None:
    rows, weeks = 4000, 0.5
    counts = []
    for seed in range(30):
        limit = limit_of(slow(seed, rows), Wish(a_week=2.0), weeks=weeks, apart=30)
        later = slow(1000 + seed, 20 * rows) > limit
        units = np.full(len(later), "", np.str_)
        counts.append(len(episodes_of(later, units, 30)) / (20 * weeks))
    assert 0.3 < np.median(counts) < 4.0


@given(seed=st.integers(0, 30))
@settings(max_examples=20, deadline=None)
def test_the_same_data_said_twice_as_slowly_do_not_narrow_a_limit(seed: int) -> None:
    scores = slow(seed, 600)
    once = limit_of(scores, Wish(a_week=1.0), weeks=0.5, apart=30)
    twice = limit_of(np.repeat(scores, 2), Wish(a_week=1.0), weeks=0.5, apart=60)
    assert twice == pytest.approx(once, rel=0.1)


@given(seed=st.integers(0, 30))
@settings(max_examples=20, deadline=None)
def test_few_peaks_make_a_wider_limit_than_many_alike(seed: int) -> None:
    scores = slow(seed, 400)
    few = limit_of(scores, Wish(a_week=1.0), weeks=0.1, apart=30)
    many = limit_of(np.tile(scores, 20), Wish(a_week=1.0), weeks=2.0, apart=30)
    assert few > many


def test_a_fault_in_the_held_out_period_does_not_hide_the_next_one() -> None:
    calm = slow(3, 3000)
    marred = calm.copy()
    marred[1000:1060] = 5000.0
    wish, how = Wish(a_week=2.0), {"weeks": 0.3, "apart": 30}
    assert limit_of(marred, wish, **how) == pytest.approx(limit_of(calm, wish, **how), rel=0.3)


def test_each_kind_of_window_has_a_limit_and_rare_ones_are_judged_no_more_strictly() -> None:
    held = sample_for(Task.ANOMALY, 0, 900)
    rows = np.arange(900)
    scores = np.random.default_rng(0).exponential(size=900)
    kinds = np.where(rows % 3 == 0, CHANGED, STEADY)
    limits = limits_of(held, rows, np.where(kinds == CHANGED, 5, 1) * scores, kinds, Wish(0.02), 1)
    assert limits[CHANGED] > 2 * limits[STEADY]
    assert limits[UNKNOWN] == limits[CHANGED]


@pytest.mark.parametrize("wish", [{"share": 0.0}, {"share": 0.6}, {"a_week": 0.0}])
def test_a_wish_that_makes_no_sense_is_refused(wish: dict[str, float]) -> None:
    with pytest.raises(LearnError, match="make"):
        Wish(**wish)
