"""What a count of findings says about a rate, and what it does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn.verify.budget import Rate, rate_of


def test_the_bounds_are_those_of_published_tables() -> None:
    """Garwood's 90% two-sided limits: 0 -> 3.00, 1 -> 0.051 to 4.74, 10 -> 5.43 to 16.96."""
    assert Rate(0, 1.0).low == 0
    assert Rate(0, 1.0).high == pytest.approx(3.00, abs=0.005)
    assert (Rate(1, 1.0).low, Rate(1, 1.0).high) == pytest.approx((0.0513, 4.744), abs=0.001)
    assert (Rate(10, 1.0).low, Rate(10, 1.0).high) == pytest.approx((5.425, 16.96), abs=0.005)


def test_one_finding_in_a_day_does_not_speak_against_two_a_week_but_two_in_a_shift_do() -> None:
    assert not Rate(1, 1 / 7).exceeds(2.0)
    assert Rate(2, 8 / 168).exceeds(2.0)


def test_nothing_found_in_a_day_proves_nothing_and_in_a_fortnight_it_does() -> None:
    assert not Rate(0, 1 / 7).keeps(2.0)
    assert Rate(0, 2.0).keeps(2.0)
    assert Rate(0, Rate(0, 0.1).weeks_to_be_sure(2.0) * 1.001).keeps(2.0)


@given(st.integers(0, 200), st.floats(0.01, 50), st.floats(0.1, 50))
def test_what_surely_exceeds_never_surely_keeps(count: int, weeks: float, budget: float) -> None:
    rate = Rate(count, weeks)
    assert rate.low <= rate.a_week <= rate.high
    assert not (rate.exceeds(budget) and rate.keeps(budget))


def test_a_model_within_its_budget_is_refused_at_most_one_time_in_twenty() -> None:
    random = np.random.default_rng(0)
    for weeks in (0.1, 1.0, 6.0):
        counts = random.poisson(2.0 * weeks, 4000)
        assert np.mean([Rate(int(count), weeks).exceeds(2.0) for count in counts]) <= 0.055


def test_time_is_that_of_the_answers() -> None:
    assert rate_of(3, 60_480, 10.0).weeks == pytest.approx(1.0)
    with pytest.raises(LearnError, match="no time is undefined"):
        rate_of(0, 0, 10.0)
