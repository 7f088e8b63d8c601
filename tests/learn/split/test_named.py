"""A split that leaves a class out of a part gives way to the second one that was named."""

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import Column, Dataset, Lineage, Target
from genba.learn.split.named import split_of

LOTS, PER = 40, 10


def gauged(bad_lots: range) -> Dataset:
    """Forty lots of ten parts; in some lots half of the parts are bad."""
    lot = np.repeat(np.arange(LOTS), PER)
    bad = np.isin(lot, bad_lots) & (np.arange(LOTS * PER) % 2 == 0)
    columns = (Column("force", "kN", signal="cell.force"),)
    values = np.random.default_rng(0).normal(0, 1, (LOTS * PER, 1)) + bad[:, None]
    return Dataset(
        "cell", columns, values, np.arange(LOTS * PER) * 60_000_000, Lineage("made", {}),
        {"lot": np.array([f"L{number}" for number in lot])},
        Target("result", bad.astype(float), classes=("good", "bad")),
    )  # fmt: skip


def test_where_time_leaves_bad_parts_out_of_a_part_whole_lots_are_dealt() -> None:
    data = gauged(range(4, 24))  # none in the newest two fifths
    assert split_of(data, "time").kind == "time"
    split = split_of(data, "time or lot")
    assert split.kind == "group"
    assert "since by time 'choose' held no 'bad'" in split.how
    for part in ("train", "choose", "test"):
        assert set(data.labels()[getattr(split, part)]) == {0.0, 1.0}
    lots = [set(data.groups["lot"][getattr(split, part)]) for part in ("train", "test")]
    assert not lots[0] & lots[1]


def test_where_time_shows_all_it_stays() -> None:
    assert split_of(gauged(range(0, 40, 2)), "time or lot").kind == "time"


def test_where_lots_show_no_more_time_stays_and_its_refusal_speaks() -> None:
    one = gauged(range(3, 4))
    assert split_of(one, "time or lot").how == split_of(one, "time").how


def test_without_lots_there_is_nothing_to_turn_to() -> None:
    data = gauged(range(4, 24))
    bare = Dataset(
        data.name, data.columns, data.values, data.time, data.lineage, target=data.target
    )
    assert split_of(bare, "time or lot").kind == "time"


def test_no_rows_at_all_are_refused_with_the_mend() -> None:
    data = gauged(range(4, 24))
    with pytest.raises(LearnError, match="no rows that could be parted; take a longer period"):
        split_of(data.take(np.arange(0)), "time")
