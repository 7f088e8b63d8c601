"""Slices of the historian: what was known at each moment, and what is known of each part."""

from pathlib import Path

import numpy as np
import pytest
from tests.learn.press import MINUTE, START, plant_in, record

from genba.errors import LearnError
from genba.historian import Historian
from genba.learn import Dataset, Known, Slice, slice_of_equipment, slice_of_parts
from genba.plant import Plant

WANTED = Slice("press-1", START, START + 120 * MINUTE, step_s=10)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return plant_in(tmp_path_factory.mktemp("plant"))


@pytest.fixture(scope="module")
def historian(tmp_path_factory: pytest.TempPathFactory) -> Historian:
    return record(tmp_path_factory.mktemp("recorded") / "historian", 120)


def test_a_machine_is_seen_while_it_works_each_stretch_a_unit(
    historian: Historian, plant: Plant
) -> None:
    data = slice_of_equipment(historian, plant, WANTED)
    assert data.names == ("hold", "melt", "cavity")
    assert [column.unit for column in data.columns] == ["bar", "Cel", "bar"]
    assert data.columns[1].signal == "press-1.melt"
    assert data.columns[0].known is Known.BEFORE
    assert data.rows == 2 * 45 * 6
    assert set(data.units) == {"press-1/0", "press-1/1"}
    assert (data.time - START).max() < 105 * MINUTE
    assert data.lineage.as_of == WANTED.end
    assert data.lineage.query["signals"] == [f"press-1.{name}" for name in data.names]


def test_all_moments_are_there_where_they_are_wanted(historian: Historian, plant: Plant) -> None:
    wanted = Slice("press-1", WANTED.start, WANTED.end, step_s=10, working=False)
    assert slice_of_equipment(historian, plant, wanted).rows == 120 * 6


def test_a_value_holds_from_its_time_on_and_never_before(
    historian: Historian, plant: Plant
) -> None:
    wanted = Slice("press-1", START + 5 * 1_000_000, START + MINUTE, step_s=10, signals=("melt",))
    data = slice_of_equipment(historian, plant, wanted)
    raw = historian.samples(["press-1.melt"], START, START + MINUTE)["value"].to_numpy()
    assert np.array_equal(data.values[:, 0], raw[: data.rows])


def test_what_was_lost_in_a_gap_is_left_out_and_cuts_the_unit(tmp_path: Path, plant: Plant) -> None:
    historian = record(tmp_path / "historian", 40)
    gap = {"signal": "press-1.melt", "start": START + 10 * MINUTE, "end": START + 20 * MINUTE}
    told = {"id": "G1", "time": gap["start"], "connection": "line", "reason": "link"}
    historian.append_rows("gaps", [{**told, **gap, "recovery": "none", "recovered": 0}])
    wanted = Slice("press-1", START, START + 40 * MINUTE, step_s=10)
    data = slice_of_equipment(historian, plant, wanted)
    assert data.rows == 30 * 6
    assert len(set(data.units)) == 2
    within = (data.time >= gap["start"]) & (data.time < gap["end"])
    assert not within.any()


def test_lot_and_product_are_those_of_the_operation_of_that_moment(
    tmp_path: Path, plant: Plant
) -> None:
    historian = record(tmp_path / "historian", 30)
    told = {"id": "R1", "time": START + 20 * MINUTE, "equipment": "press-1", "lot": "L7"}
    span = {"start": START + 10 * MINUTE, "end": START + 20 * MINUTE}
    historian.append_rows("operations", [{**told, **span, "product": "JA17"}])
    data = slice_of_equipment(historian, plant, Slice("press-1", START, START + 30 * MINUTE, 10))
    within = (data.time >= span["start"]) & (data.time < span["end"])
    assert set(data.groups["lot"][within]) == {"L7"}
    assert set(data.groups["product"][~within]) == {""}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Slice("press-9", 0, 1), "no equipment 'press-9'; with signals it has press-1"),
        (Slice("press-1", 0, 1, signals=("melt", "meld")), "has no signal 'meld'; it has state"),
        (Slice("press-1", 0, 1, signals=("note",)), "'press-1.note' holds string, no numbers"),
        (Slice("press-1", 0, 10**13, step_s=1), "widen --step or shorten the period"),
        (Slice("press-1", 10**12, 2 * 10**12), "nothing is recorded of press-1.hold"),
    ],
)
def test_what_cannot_be_sliced_is_told(
    historian: Historian, plant: Plant, wanted: Slice, said: str
) -> None:
    with pytest.raises(LearnError, match=said):
        slice_of_equipment(historian, plant, wanted)


def test_parts_have_labels_only_where_somebody_looked(historian: Historian, plant: Plant) -> None:
    data = slice_of_parts(historian, plant, WANTED)
    assert data.rows == 120
    assert data.target is not None
    assert data.target.classes == ("good", "bad")
    known = np.isfinite(data.labels())
    assert known.sum() == 40
    low = data.column("cavity.mean") < 297
    assert np.array_equal(data.labels()[known] == 1, low[known])
    assert set(data.groups["lot"]) == {"L0", "L1"}


def test_what_gauging_found_is_a_target_and_never_a_column(
    historian: Historian, plant: Plant
) -> None:
    data = slice_of_parts(historian, plant, WANTED, target="size_um")
    assert "size_um" not in data.names
    assert "weight_g" in data.names
    assert data.target is not None
    assert not data.target.is_class
    known = np.isfinite(data.labels())
    assert np.allclose(data.labels()[known], 20 * data.column("weight_g")[known])


def test_a_measure_that_nobody_took_is_told(historian: Historian, plant: Plant) -> None:
    with pytest.raises(LearnError, match="have no 'warp_um'; they have size_um"):
        slice_of_parts(historian, plant, WANTED, target="warp_um")


def test_summaries_of_a_part_hold_only_its_own_time(historian: Historian, plant: Plant) -> None:
    data: Dataset = slice_of_parts(historian, plant, WANTED)
    raw = historian.samples(["press-1.melt"], WANTED.start, WANTED.end)["value"].to_numpy()
    own = raw.reshape(120, 6)
    assert np.allclose(data.column("melt.mean")[1:], own[1:].mean(axis=1))
    assert np.allclose(data.column("melt.greatest")[1:], own[1:].max(axis=1))
