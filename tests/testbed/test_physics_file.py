"""Broken testbed files get one clear line per error."""

from pathlib import Path

import pytest

from genba.errors import PlantError, TestbedError
from genba.testbed import (
    PlantSimulation,
    copy_reference,
    load_scenario,
    load_testbed,
    reference_files,
)


def spoiled(folder: Path, name: str, before: str, after: str) -> tuple[Path, Path]:
    copy_reference(folder)
    path = folder / name
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")
    return folder / "plant.yaml", folder / "physics.yaml"


def line_of(path: Path, words: str) -> int:
    lines = path.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if words in line)


def test_the_reference_files_load() -> None:
    plant, physics = load_testbed(*reference_files())
    assert set(physics.machines) <= {e.id for e in plant.equipment}
    assert set(physics.zones) <= set(physics.machines)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("base_load_kw: 12.0", "base_load_kw: lots", "base_load_kw"),
        ("heartbeat_timeout_s: 300", "heartbeat_timeout_s: -1", "heartbeat_timeout_s"),
        ("crew: {pace_sigma: 0.1}", "crew: {pase_sigma: 0.1}", "pase_sigma"),
        ("rush_orders: {per_day: 3", "rush_orders: {per_day: -3", "per_day"),
    ],
)
def test_an_error_names_file_line_and_field(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    plant, physics = spoiled(tmp_path, "physics.yaml", before, after)
    with pytest.raises(TestbedError, match=words) as caught:
        load_testbed(plant, physics)
    assert str(caught.value).startswith(f"{physics}:{line_of(physics, after)}: ")


def test_broken_yaml_and_a_missing_file(tmp_path: Path) -> None:
    plant, physics = spoiled(tmp_path, "physics.yaml", "machines:", "machines: [")
    with pytest.raises(TestbedError, match=r"physics\.yaml:\d+"):
        load_testbed(plant, physics)
    with pytest.raises(TestbedError, match="nowhere"):
        load_testbed(plant, tmp_path / "nowhere.yaml")
    with pytest.raises(PlantError, match="nowhere"):
        load_testbed(tmp_path / "nowhere.yaml", physics)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("  eol:\n", "  tester:\n", "tester"),
        ("  JA14-P/mold: {wall_mm: 2.3, ", "  JA14-P/mold: {", "JA14-P/mold: wall_mm"),
        ("process: {kind: packing}", "process: {kind: testing}", "seal_temperature|JA14-P/pack"),
    ],
)
def test_two_files_that_do_not_fit_each_other(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    plant, physics = load_testbed(*spoiled(tmp_path, "physics.yaml", before, after))
    with pytest.raises(TestbedError, match=words):
        PlantSimulation(plant, physics)


def test_a_scenario_file(tmp_path: Path) -> None:
    path = tmp_path / "storm.yaml"
    path.write_text(
        "name: storm\nevents:\n"
        "  - {at: 2026-01-05T08:00:00Z, kind: breakdown, target: mill-1, duration_s: 600}\n"
        "  - {after_s: 60, kind: vehicle_down, target: amr-1}\n",
        "utf-8",
    )
    assert [event.kind for event in load_scenario(path).events] == ["breakdown", "vehicle_down"]
    path.write_text("events:\n  - {after_s: 60, kind: earthquake, target: mill-1}\n", "utf-8")
    with pytest.raises(TestbedError, match=r"storm\.yaml:2: .*kind"):
        load_scenario(path)
