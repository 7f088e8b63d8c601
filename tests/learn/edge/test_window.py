"""A window holds the newest rows, one per step, in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.learn.edge.models import contract

from genba.learn.edge.window import US, Feed


@given(st.lists(st.integers(1, 3), min_size=1, max_size=40))
def test_a_window_is_the_last_rows_of_all_that_came(gaps: list[int]) -> None:
    feed, expected, now = Feed(contract()), [], 0
    for number, gap in enumerate(gaps):
        now += gap * US
        value = float(number)
        feed.tick(now, lambda _, value=value: value)  # type: ignore[misc]
        expected += [value] * (1 if number == 0 else gap)
    assert feed.full == (len(expected) >= 4)
    if feed.full:
        assert feed.window().tolist() == [[value, value] for value in expected[-4:]]


def test_ticks_within_a_step_take_one_row() -> None:
    feed = Feed(contract(step_s=10.0))
    taken = [feed.tick(now * US, lambda _: 1.0) for now in range(40)]
    assert [now for now, was in enumerate(taken) if was] == [0, 10, 20, 30]


def test_after_a_long_gap_and_after_a_clock_set_back_it_begins_anew() -> None:
    for later in (1000, -50):
        feed = Feed(contract())
        for second in range(100, 110):
            feed.tick(second * US, lambda _: 1.0)
        assert feed.full
        feed.tick((110 + later) * US, lambda _: 1.0)
        assert not feed.full


def test_a_model_that_knows_only_work_sees_no_row_of_idling() -> None:
    feed = Feed(contract(working=True))
    for second in range(8):
        at_work = float(second >= 4)
        feed.tick(second * US, lambda name, on=at_work: on if name == "press" else 1.0)  # type: ignore[misc]
        assert np.isfinite(feed.window()[-1]).all() == (second >= 4) or not feed.full
    assert np.isfinite(feed.window()).all()
    feed.tick(8 * US, lambda name: 0.0 if name == "press" else 1.0)
    assert np.isnan(feed.window()[-1]).all()


def test_a_model_of_a_settled_machine_sees_no_row_of_warming_up() -> None:
    feed = Feed(contract(working=True, settle_s=5.0))
    seen = []
    for second in range(60):
        standing = 20 <= second < 22 or 30 <= second < 36
        at_work = 0.0 if standing else 1.0
        feed.tick(second * US, lambda name, on=at_work: on if name == "press" else 1.0)  # type: ignore[misc]
        seen.append(bool(np.isfinite(feed.window()[-1]).all()))
    # Of the first moments nobody knows what was before; two seconds of rest cool nothing down.
    told = [second for second, shown in enumerate(seen) if shown]
    assert told == [*range(5, 20), *range(22, 30), *range(41, 60)]
