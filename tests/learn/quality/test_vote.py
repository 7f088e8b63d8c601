"""Rows so far vote, and no row votes before its time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.learn import Column, Dataset, Lineage, Target, leave_out
from genba.learn.quality.ladder import examine_quality
from genba.learn.quality.linear import LinearRecipe
from genba.learn.quality.vote import votes
from genba.learn.recipe.ladder import Ladder, measure


@given(seed=st.integers(0, 100), cut=st.integers(1, 59))
@settings(max_examples=30, deadline=None)
def test_later_rows_and_other_units_do_not_change_a_vote(seed: int, cut: int) -> None:
    random = np.random.default_rng(seed)
    chance, units = random.random(60), np.repeat(np.array(["a", "b"]), 30)
    whole = votes(chance, units)
    assert np.array_equal(votes(chance[:cut], units[:cut]), whole[:cut])
    assert whole[0] == (chance[0] >= 0.5)
    assert whole[30] == (chance[30] >= 0.5)


def test_one_row_that_is_certain_does_not_outvote_a_hundred() -> None:
    chance = np.concatenate([[0.0], np.full(100, 0.6)])
    assert not votes(chance, np.full(101, "a"))[1]
    assert votes(chance, np.full(101, "a"))[-1]


def test_the_vote_of_a_worn_tools_rows_is_right_more_often_than_a_row() -> None:
    random = np.random.default_rng(1)
    runs = np.repeat(np.arange(12), 80)
    worn = (runs % 2).astype(float)
    values = (0.9 * worn + random.normal(0, 1, len(runs)))[:, None]
    data = Dataset(
        "mill",
        (Column("current", "A"),),
        values,
        np.arange(len(runs)),
        Lineage("made"),
        {"unit": np.char.add("run-", runs.astype(np.str_))},
        Target("tool", worn, classes=("new", "worn")),
    )
    recipe = LinearRecipe(window=4)
    ladder = Ladder(recipe.task, (recipe,), (), examine_quality, "accuracy")
    row, vote = [], []
    for split in leave_out(data, "unit"):
        model = recipe.fit(split.take(data, "train"), split.take(data, "held"), 0)
        scores = measure(ladder, recipe, model, split.take(data, "test"))
        row.append(scores["accuracy"] or 0)
        vote.append(scores["voted"] or 0)
    assert np.mean(vote) > np.mean(row)
