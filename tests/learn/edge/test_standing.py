"""A finding is raised once, and cleared once it has been quiet for long enough."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.learn.edge.models import contract

from genba.learn.anomaly.episodes import episodes_of
from genba.learn.edge.standing import Standing, Turn, standing_of


def test_it_stands_until_so_many_answers_were_quiet() -> None:
    standing = Standing(3)
    told = [standing.take(found) for found in [True, False, False, True, False, False, False]]
    assert told == [Turn.RAISED, None, None, None, None, None, Turn.CLEARED]


def test_what_was_not_let_through_may_be_raised_again() -> None:
    standing = Standing()
    assert standing.take(found=True) is Turn.RAISED
    standing.withdraw()
    assert standing.take(found=True) is Turn.RAISED


@given(
    st.lists(st.booleans(), max_size=60), st.integers(3, 12), st.sampled_from([60.0, 300.0, 900.0])
)
def test_live_findings_are_counted_as_the_limits_count_episodes(
    alarms: list[bool], window: int, step_s: float
) -> None:
    standing = standing_of(contract(window=window, step_s=step_s))
    raised = [n for n, found in enumerate(alarms) if standing.take(found) is Turn.RAISED]
    units = np.full(len(alarms), "", np.str_)
    apart = max(window, round(15 * 60 / step_s))
    assert raised == list(episodes_of(np.array(alarms, bool), units, apart))
