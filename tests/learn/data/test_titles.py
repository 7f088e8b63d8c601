"""Units in titles are understood, and what is none is left alone."""

import pyarrow as pa
import pytest

from genba.learn import from_table
from genba.learn.data.titles import unit_in_title


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("Torque [Nm]", "N.m"),
        ("Rotational speed [rpm]", "/min"),
        ("Air temperature [K]", "K"),
        ("pressure (bar)", "bar"),
        ("Sum (of all things)", "1"),
        ("torque (max)", "1"),
        ("u1", "1"),
        ("[Nm] torque", "1"),
    ],
)
def test_a_unit_at_the_end_of_a_title_is_spelled_in_ucum(title: str, unit: str) -> None:
    assert unit_in_title(title) == unit


def test_a_table_takes_units_from_titles_unless_they_are_given() -> None:
    table = pa.table({"force (kN)": [1.0, 2.0], "speed [m/s]": [1.0, 3.0]})
    data = from_table(table, units={"speed [m/s]": "mm/s"})
    assert [column.unit for column in data.columns] == ["kN", "mm/s"]
