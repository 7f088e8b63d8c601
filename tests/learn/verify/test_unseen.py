"""A model is verified on what it never saw."""

from dataclasses import replace

import pytest

from genba.errors import LearnError
from genba.learn import Card, Task
from genba.learn.verify.unseen import LONGEST_S, learned_from, unseen
from genba.plant import US, parse_time

DAY = 86_400 * US
FROM, TO = parse_time("2026-01-05T00:00:00Z"), parse_time("2026-01-08T00:00:00Z")
CARD = Card(
    Task.ANOMALY, "pca", "m:C", {}, "press-1", (), 8, 1.0, 1.0, None,
    {"query": {"from": "2026-01-05T00:00:00Z", "to": "2026-01-08T00:00:00Z"}}, "", "time", 0, {},
    (), {},
)  # fmt: skip


def test_by_default_it_is_all_since_the_training_at_most_four_weeks() -> None:
    assert learned_from(CARD) == (FROM, TO)
    assert unseen(CARD, TO + 2 * DAY) == (TO, TO + 2 * DAY)
    late = TO + 60 * DAY
    assert unseen(CARD, late) == (late - round(LONGEST_S * US), late)


def test_hours_are_the_newest_and_a_stretch_before_the_training_will_do() -> None:
    now = TO + 2 * DAY
    assert unseen(CARD, now, hours=6) == (now - DAY // 4, now)
    assert unseen(CARD, now, start=FROM - DAY, end=FROM) == (FROM - DAY, FROM)


def test_what_it_was_trained_on_is_refused_also_a_part_of_it() -> None:
    with pytest.raises(LearnError, match="was trained on 2026-01-05T00:00:00Z to 2026-01-08"):
        unseen(CARD, TO + DAY, hours=25)
    with pytest.raises(LearnError, match="proves nothing"):
        unseen(CARD, TO + DAY, start=FROM - DAY, end=FROM + 1)


def test_where_nothing_came_since_it_is_told_what_to_do() -> None:
    with pytest.raises(LearnError, match=r"nothing is recorded since it was trained .*--from"):
        unseen(CARD, TO)


def test_of_unknown_training_any_stretch_will_do() -> None:
    card = replace(CARD, lineage={})
    assert unseen(card, TO, start=FROM) == (FROM, TO)
