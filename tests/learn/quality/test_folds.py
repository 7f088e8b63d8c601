"""Folds stand for what was not seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn import Column, Dataset, Lineage, Target
from genba.learn.quality.folds import FOLDS, folds_of
from genba.learn.quality.rows import crossed


def part(rows: int, groups: dict[str, list[str]]) -> Dataset:
    named = {name: np.array(labels, np.str_) for name, labels in groups.items()}
    return Dataset(
        "part", (Column("x"),), np.zeros((rows, 1)), np.arange(rows), Lineage("made"), named
    )


@given(count=st.integers(60, 400), share=st.floats(0.02, 0.5), seed=st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_every_row_has_one_fold_and_no_class_is_left_without_half_of_its_rows(
    count: int, share: float, seed: int
) -> None:
    labels = (np.arange(count) < share * count).astype(float)  # sorted, as the worst case
    cut = count // 2
    parts = (part(cut, {}), part(count - cut, {}))
    rows = (np.arange(cut), np.arange(count - cut))
    fold, trust = folds_of(parts, rows, labels, seed, classes=True)
    assert set(fold) == set(range(FOLDS))
    assert trust == 1.0
    long = np.flatnonzero(np.diff(fold)).size + 1
    assert long <= 16 * FOLDS
    if share * count >= 60:
        for label in (0.0, 1.0):
            own = fold[labels == label]
            assert np.bincount(own).max() <= 0.5 * len(own)


def test_numbers_are_left_out_in_five_long_stretches() -> None:
    parts = (part(80, {}), part(20, {}))
    rows = (np.arange(80), np.arange(20))
    fold, trust = folds_of(parts, rows, np.arange(100.0), 0, classes=False)
    assert np.flatnonzero(np.diff(fold)).size == FOLDS - 1
    assert trust == 1.0


def test_groups_that_the_split_kept_whole_stay_whole() -> None:
    lots = [f"lot-{number // 10}" for number in range(100)]
    same = ["a", "b"] * 50
    parts = (
        part(70, {"lot": lots[:70], "product": same[:70]}),
        part(30, {"lot": lots[70:], "product": same[70:]}),
    )
    fold, trust = folds_of(parts, (np.arange(70), np.arange(30)), np.zeros(100), 3, classes=True)
    for lot in set(lots):
        assert len(set(fold[np.array(lots) == lot])) == 1
    assert len(set(fold)) == FOLDS
    assert trust == 0.1


def test_a_class_that_cannot_be_left_out_in_turn_is_refused() -> None:
    bad = np.zeros(200)
    bad[100] = 1.0
    data = Dataset(
        "press",
        (Column("a"),),
        np.random.default_rng(0).normal(size=(200, 1)),
        np.arange(200),
        Lineage("made"),
        target=Target("result", bad, classes=("good", "bad")),
    )
    parts = (data.take(np.arange(150), "train"), data.take(np.arange(150, 200), "held"))
    with pytest.raises(LearnError, match="record longer"):
        crossed(*parts, 1, 0)
