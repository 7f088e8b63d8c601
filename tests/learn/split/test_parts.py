"""Splits part every row once at most, and keep apart what belongs apart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn import (
    Dataset,
    Lineage,
    Split,
    Target,
    by_blocks,
    by_group,
    by_rows,
    by_time,
    leave_out,
    windows_of,
)
from genba.learn.data.column import Column
from genba.learn.split.named import split_of
from genba.learn.split.parts import PARTS, refuse_one_sided


def data_of(rows: int, units: int = 1) -> Dataset:
    unit = np.sort(np.arange(rows) % units)
    values = np.arange(rows, dtype=float)[:, None]
    time = np.concatenate([np.arange(np.count_nonzero(unit == u)) for u in range(units)])
    groups = {"unit": unit.astype(str), "lot": (np.arange(rows) // 7).astype(str)}
    return Dataset("rows", (Column("a"),), values, time * 10, Lineage("made"), groups)


@given(
    rows=st.integers(60, 300),
    units=st.integers(1, 4),
    seed=st.integers(0, 9),
    how=st.sampled_from(["time", "blocks", "rows", "lot"]),
)
@settings(max_examples=30, deadline=None)
def test_no_row_stands_in_two_parts_and_none_is_lost(
    rows: int, units: int, seed: int, how: str
) -> None:
    data = data_of(rows, units)
    split = split_of(data, how, seed=seed)
    parted = np.concatenate([split.rows_of(part) for part in PARTS])
    assert sorted(parted) == list(range(rows))


@given(rows=st.integers(180, 400), units=st.integers(1, 3), gap=st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_by_time_nothing_of_the_test_lies_before_what_was_learned_from(
    rows: int, units: int, gap: int
) -> None:
    data = data_of(rows, units)
    split = by_time(data, gap=gap)
    for unit in np.unique(data.units):
        of_unit = np.flatnonzero(data.units == unit)
        before = np.intersect1d(of_unit, split.choose)
        after = np.intersect1d(of_unit, split.test)
        assert before.max() + gap < after.min()


def test_by_group_no_group_stands_in_two_parts() -> None:
    data = data_of(280)
    split = by_group(data, "lot", seed=4)
    lots = [set(data.groups["lot"][split.rows_of(part)]) for part in PARTS]
    assert sum(map(len, lots)) == len(set().union(*lots))


def test_leaving_out_tests_on_each_group_once() -> None:
    data = data_of(70)
    splits = leave_out(data, "lot")
    left = [set(data.groups["lot"][split.test]) for split in splits]
    assert sorted(name for names in left for name in names) == sorted(set(data.groups["lot"]))
    assert all(len(names) == 1 for names in left)


def test_a_window_of_a_part_never_reaches_over_what_was_left_out() -> None:
    data = data_of(400)
    split = by_blocks(data, 20, seed=1)
    for part in PARTS:
        taken = split.take(data, part)
        seen = windows_of(taken, 5).values[:, :, 0]
        assert np.all(np.diff(seen, axis=1) == 1)


def test_a_row_in_two_parts_is_refused() -> None:
    one, two = np.arange(3), np.arange(2, 5)
    with pytest.raises(LearnError, match="stands in two parts"):
        Split(one, two, np.array([9]), np.array([10]), "by hand", "given")


def test_the_same_seed_parts_alike_and_another_does_not() -> None:
    data = data_of(300)
    one, same, other = by_rows(data, seed=1), by_rows(data, seed=1), by_rows(data, seed=2)
    assert np.array_equal(one.test, same.test)
    assert not np.array_equal(one.test, other.test)


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5, 0.5), (1.0, 0.0, 0.0, 0.0), (0.5, 0.5)])
def test_shares_that_part_nothing_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(LearnError, match="give four above 0 that add up to 1"):
        by_time(data_of(100), shares)


def test_an_unknown_way_to_part_names_the_known_ones() -> None:
    with pytest.raises(LearnError, match="name time, blocks, rows, or a group"):
        split_of(data_of(100), "tool")


def test_a_training_part_of_one_class_is_refused_with_the_way_out() -> None:
    late = np.concatenate([np.zeros(150), np.tile([0.0, 1.0], 25)])
    data = replace(data_of(200), target=Target("bad", late, classes=("good", "bad")))
    with pytest.raises(LearnError, match="split by blocks"):
        refuse_one_sided(data, by_time(data))
    refuse_one_sided(data, by_rows(data))
