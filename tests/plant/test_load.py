# ruff: noqa: E501 - a table of slips reads better with one slip in a row
"""A wrong value in a plant file gets one line that names file, line, field and mend."""

from pathlib import Path

import pytest
from tests.plant.plants import SMALL, changed

from genba.errors import PlantError
from genba.plant import load_plant, parse_time
from genba.plant.load import examine_text

REFERENCE = Path(__file__).parents[2] / "src/genba/testbed/reference/plant.yaml"


def test_the_reference_plant_loads_without_errors() -> None:
    plant = load_plant(REFERENCE)
    assert "press-1.state" in plant.signals
    assert plant.signals["press-1.state"].connection == "press-1"


def test_a_small_plant_loads(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(SMALL, encoding="utf-8")
    plant = load_plant(path)
    assert plant.orders[0].release == parse_time("2026-01-05T06:00:00Z")
    assert plant.calendars[0].shifts[1].end.hour == 6


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "mend"),
    [
        ("id: small", "id: 5", "id", "5 is no text", "in quotes"),
        ("id: small", "id: a b", "id", "is no id", "use letters"),
        ("timezone: Europe/Lisbon\nconn", "timzone: UTC\nconn", "timzone", "no field", "timezone"),
        ("quantity: 5", "quantity: true", "orders[O-1].quantity", "no number", "write the"),
        ("quantity: 5", "quantity: '5'", "orders[O-1].quantity", "is text", "without quotes"),
        ("quantity: 5", "quantity: 0", "orders[O-1].quantity", "0 is not", "greater than"),
        ("lot_size: 10", "lot_size: 1.5", "products[gear].lot_size", "1.5", "integer"),
        ("kind: counter", "kind: conter", "equipment[mill].signals[energy].kind", "'conter' is not", "write 'counter'"),
        ("limits: {high: 80}", "limits: {hihg: 80}", "equipment[mill].signals[t].limits.hihg", "no field", "'high'"),
        ("range: {low: 0, high: 9}", "range: {low: 0}", "equipment[mill].signals[people].range.high", "missing", "add"),
        ("cycle_s: 60", "cycle_s: .inf", "products[gear].routing[mill].alternatives[1].cycle_s", "not finite", "number"),
        ('start: "22:00"', "start: 22", "calendars[day].shifts[night].start", "bare number", "'06:00'"),
        ('start: "22:00"', "start: 25:00", "calendars[day].shifts[night].start", "no time", "'06:00'"),
        ('release: "2026-01-05T06:00:00Z"', "release: 2026-01-05T06:00", "orders[O-1].release", "no time zone", "add Z"),
        ('release: "2026-01-05T06:00:00Z"', "release: tomorrow", "orders[O-1].release", "not a time", "2026-01-05T"),
        ("tariffs: []", "tariffs: {id: a}", "tariffs", "no list", "- "),
        ("tariffs: []", "tariffs: [{id: a, price_per_kwh: [1], carbon_g_per_kwh: []}]", "tariffs[a].price_per_kwh", "1 entries", "at least 24"),
    ],
)  # fmt: skip
def test_a_wrong_value(old: str, new: str, where: str, what: str, mend: str) -> None:
    line = SMALL[: SMALL.index(old)].count("\n") + 1
    examined = examine_text(changed(old, new), "plant.yaml")
    assert examined.plant is None or examined.errors
    lines = [examined.tell(problem) for problem in examined.errors]
    fitting = [said for said in lines if said.startswith(f"plant.yaml:{line}: {where}: ")]
    assert fitting, lines
    assert what in fitting[0]
    assert mend in fitting[0].rpartition("; ")[2]
    assert len(lines) <= 2


def test_errors_come_one_per_line(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    text = changed("lot_size: 10", "lot_size: 0").replace("cycle_s: 60", "cycle_s: -1")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlantError) as caught:
        load_plant(path)
    lines = str(caught.value).splitlines()
    first = SMALL[: SMALL.index("lot_size")].count("\n") + 1
    assert [line.split(": ")[0] for line in lines] == [f"{path}:{first}", f"{path}:{first + 3}"]


def test_a_hundred_errors_are_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text("id: x\n" + "".join(f"field{n}: 1\n" for n in range(100)), encoding="utf-8")
    with pytest.raises(PlantError) as caught:
        load_plant(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert "80 more" in lines[-1]


@pytest.mark.parametrize("text", ["", "[]", "5", "just text"])
def test_what_is_no_mapping_is_no_plant(text: str) -> None:
    with pytest.raises(PlantError, match="no plant file; begin it with"):
        examine_text(text)


def test_a_newer_format_asks_for_a_newer_genba() -> None:
    with pytest.raises(PlantError, match=r"format 2.*install a newer Genba"):
        examine_text(changed("genba: 1", "genba: 2"))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=r"none\.yaml.*genba init"):
        load_plant(tmp_path / "none.yaml")
    with pytest.raises(PlantError, match="cannot be read"):
        load_plant(tmp_path)


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text("id: x\nconnections: [{id: c\nname: y\n", encoding="utf-8")
    with pytest.raises(PlantError, match=rf"{path}:3: this is not valid YAML"):
        load_plant(path)
