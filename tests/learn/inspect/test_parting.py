"""Parts of pictures: whole groups, each part with some of both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn import Dataset, Images, Lineage, Target
from genba.learn.inspect.parting import part_pictures
from genba.learn.split.parts import PARTS


def made(groups: list[int], bad_groups: set[int]) -> Dataset:
    rows = len(groups)
    bad = np.array([one in bad_groups for one in groups], np.float64)
    return Dataset(
        "parts",
        (),
        np.empty((rows, 0)),
        np.arange(rows),
        Lineage("made"),
        {"lot": np.array(groups).astype(np.str_)},
        Target("defect", bad, classes=("good", "defective")),
        Images(np.zeros((rows, 4, 4), np.uint8)),
        timed=False,
    )


@given(
    st.lists(st.integers(1, 30), min_size=8, max_size=30), st.integers(4, 26), st.integers(0, 99)
)
def test_no_group_is_torn_and_each_part_has_some_of_both(
    sizes: list[int], many: int, seed: int
) -> None:
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    data = made(groups, set(range(min(many, len(sizes) - 4))))
    split = part_pictures(data, "lot", seed=seed)
    rows = [split.rows_of(part) for part in PARTS]
    assert sorted(np.concatenate(rows)) == list(range(data.rows))
    lots = [set(data.groups["lot"][one]) for one in rows]
    assert sum(len(one) for one in lots) == len(sizes)
    assert all(set(data.labels()[one]) == {0.0, 1.0} for one in rows)


def test_shares_are_kept_where_groups_are_small() -> None:
    split = part_pictures(made(list(range(200)), set(range(100))), "lot")
    assert [len(split.rows_of(part)) for part in PARTS] == [100, 30, 30, 40]


def test_fewer_groups_with_defects_than_parts_are_refused() -> None:
    with pytest.raises(
        LearnError, match=r"make 3 whole lots with a defect and 17 without.*add pictures"
    ):
        part_pictures(made(list(range(20)), {0, 1, 2}), "lot")


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(LearnError, match=r"'tray' is no way.*lot, rows"):
        part_pictures(made(list(range(20)), set(range(8))), "tray")


def test_groups_that_hold_both_are_parted_as_one() -> None:
    data = made([n // 2 for n in range(40)], set())
    pairs = data.with_target(Target("defect", np.arange(40) % 2.0, classes=("good", "defective")))
    split = part_pictures(pairs, "lot")
    for part in PARTS:
        rows = split.rows_of(part)
        assert set(pairs.labels()[rows]) == {0.0, 1.0}
        assert sorted(rows ^ 1) == sorted(rows)  # a pair is never torn


def test_golden_pictures_are_learned_from_and_never_tested_on() -> None:
    data = made(list(range(60)), set(range(20)))
    golden = np.arange(60) >= 50
    split = part_pictures(data, "rows", golden=golden)
    assert set(range(50, 60)) <= set(split.train.tolist())
    assert len(split.train) == 10 + 25
