"""A data set is frozen, whole and in order, and comes out of tables as described."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from genba.errors import LearnError
from genba.learn import Column, Dataset, Known, Lineage, Target, from_table, read_release
from genba.learn.data.column import ColumnKind

TABLE = pa.table(
    {
        "when": ["2026-01-05T06:00:02", "2026-01-05T06:00:00", "2026-01-05T06:00:01"],
        "engine": ["b", "a", "a"],
        "heat": [3.0, 1.0, None],
        "mode": ["slow", "fast", "slow"],
        "fault": [True, False, False],
    }
)


def test_a_table_becomes_a_data_set_in_order_of_unit_and_time() -> None:
    data = from_table(
        TABLE,
        target="fault",
        classes=("ok", "fault"),
        time="when",
        groups={"unit": "engine"},
        units={"heat": "Cel"},
    )
    assert data.names == ("heat", "mode")
    assert list(data.units) == ["b", "a", "a"]
    assert list(np.diff(data.time)) == [-2_000_000, 1_000_000]
    assert data.columns[0].unit == "Cel"
    assert data.columns[1].levels == ("fast", "slow")
    assert np.array_equal(data.column("mode"), [1, 0, 1])
    assert np.isnan(data.column("heat")[2])
    assert list(data.labels()) == [1, 0, 0]


def test_nothing_in_it_can_be_changed() -> None:
    data = from_table(TABLE, target="fault", time="when", groups={"unit": "engine"})
    for array in (data.values, data.time, data.groups["unit"], data.labels()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(TypeError):
        data.groups["unit"] = data.groups["unit"]  # type: ignore[index]


def test_the_same_content_has_the_same_digest_and_no_other_has() -> None:
    table = TABLE.drop_columns(["when"])
    data = from_table(table, target="fault")
    assert data.digest() == from_table(table, target="fault").digest()
    others = [
        data.without(["mode"]),
        data.take(np.array([0, 1])),
        data.with_target(None),
        from_table(table, target="fault", units={"heat": "K"}),
    ]
    assert len({data.digest(), *(other.digest() for other in others)}) == 5


def test_taking_rows_is_noted_in_the_lineage() -> None:
    data = from_table(TABLE.drop_columns(["when"])).take(np.array([True, False, True]), "every 2nd")
    assert data.lineage.steps == ("2 of 3 rows: every 2nd",)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_is_read_and_its_digest_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cycles.{suffix}"
    table = pa.table({"a": [1.0, 2.0], "y": [0.5, 0.7]})
    csv.write_csv(table, path) if suffix == "csv" else parquet.write_table(table, path)
    data = read_release(path, target="y")
    assert data.name == "cycles"
    assert np.array_equal(data.values, [[1.0], [2.0]])
    assert hashlib.sha256(path.read_bytes()).hexdigest() in data.lineage.release
    assert not data.timed


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"target": "fualt"}, "has no column 'fualt'; it has when, engine"),
        ({"time": "mode"}, "holds no times; write them like"),
        ({"target": "mode", "classes": ("fast", "medium")}, "name exactly these"),
        ({"units": {"heat": "degC"}}, "write 'Cel'"),
    ],
)
def test_what_does_not_fit_is_told_with_the_mend(how: dict[str, object], said: str) -> None:
    with pytest.raises(LearnError, match=said):
        from_table(TABLE, **how)  # type: ignore[arg-type]


def test_a_file_that_is_no_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 no")
    with pytest.raises(LearnError, match="is no table"):
        read_release(path)
    with pytest.raises(LearnError, match=r"neither \.csv nor \.parquet"):
        read_release(path.rename(tmp_path / "x.xlsx"))


def test_rows_of_a_unit_out_of_order_are_refused() -> None:
    with pytest.raises(LearnError, match="row 2 is earlier than the row before it"):
        Dataset("x", (Column("a"),), np.zeros((3, 1)), np.array([1, 5, 2]), Lineage("made"))


def test_shapes_that_do_not_fit_are_refused() -> None:
    columns = (Column("a"), Column("b"))
    with pytest.raises(LearnError, match="give one value for each"):
        Dataset("x", columns, np.zeros((3, 1)), np.arange(3), Lineage("made"))
    twice = (columns[0], columns[0])
    with pytest.raises(LearnError, match="two columns 'a'"):
        Dataset("x", twice, np.zeros((3, 2)), np.arange(3), Lineage("made"))
    target = Target("y", np.zeros(2))
    with pytest.raises(LearnError, match="target 'y' has 2 rows, not 3"):
        Dataset("x", columns, np.zeros((3, 2)), np.arange(3), Lineage("made"), target=target)


def test_a_column_is_told_as_json_and_read_again() -> None:
    column = Column("p", "bar", ColumnKind.SETPOINT, "press-1.p", Known.BEFORE, ("lo", "hi"))
    assert Column.from_json(column.as_json()) == column
