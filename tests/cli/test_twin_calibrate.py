"""``genba twin calibrate`` and ``validate`` on a recorded shop, and on what is none."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from tests.cli.command import genba, one_line
from tests.twin.recorded_shop import CYCLE_S, END, FACTORS, SETUP_S, START, Told, two_days

from genba.historian import Historian
from genba.plant import US, Plant, VirtualClock, format_time

HOUR = 3600 * US
SHIFT = 8 * HOUR
SIGNALS = {
    "state": {"kind": "state", "type": "int"},
    "mode": {"kind": "state", "type": "int"},
    "lots": {"kind": "state", "type": "string"},
    "station": {"kind": "state", "type": "string"},
    "good_count": {"kind": "counter", "type": "int"},
    "scrap_count": {"kind": "counter", "type": "int"},
    "energy": {"kind": "counter", "unit": "kWh"},
}
"""Of a machine, by role."""


def plant_file(path: Path, shop: Plant, *, machines: dict[str, str] | None = None) -> Path:
    """Write the shop as a plant file, without its vehicle; ``machines``: under other names."""
    named = machines or {name: name for name in FACTORS}
    ways = [{"equipment": m, "cycle_s": CYCLE_S, "setup_family": "a"} for m in named.values()]
    document = {
        "genba": 1,
        "id": "shop",
        "connections": [{"id": "c", "driver": "replay", "url": "recorded.csv"}],
        "equipment": [
            {
                "id": named.get(unit.id, unit.id),
                "kind": unit.kind,
                "connection": "c",
                "signals": [
                    {"id": role, "role": role, "address": f"{unit.id}.{role}", **SIGNALS[role]}
                    for role in (str(signal.role) for signal in unit.signals)
                ],
            }
            for unit in shop.equipment
            if unit.kind in ("mill", "storage")
        ],
        "products": [
            {"id": p, "lot_size": 20, "routing": [{"id": "mill", "alternatives": ways}]}
            for p in ("P", "Q")
        ],
        "setup_families": [{"id": "a"}],
        "setup_times": [{"equipment": m, "duration_s": SETUP_S} for m in named.values()],
        "orders": [
            {
                "id": order.id,
                "product": order.product,
                "quantity": order.quantity,
                "release": format_time(order.release),
                "due": format_time(order.due),
            }
            for order in shop.orders
        ],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def state_of(folder: Path, told: Told | None) -> Path:
    """Make a state folder whose historian holds what was told."""
    with Historian.open(folder / "historian", VirtualClock(END)) as historian:
        if told is not None:
            told.keep(historian)
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    shop, told = two_days()
    plant_file(folder / "plant.yaml", shop)
    state_of(folder / "state", told)
    return folder


@pytest.fixture
def works(recorded: Path, tmp_path: Path) -> Path:
    """A shop of one's own."""
    return shutil.copytree(recorded, tmp_path / "works")


def test_a_calibration_finds_what_the_shop_does_and_keeps_it(works: Path) -> None:
    told = genba("twin", "calibrate", works / "plant.yaml", "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert Path(found["file"]) == works / "state" / "twin" / "calibration.json"
    assert Path(found["file"]).exists()
    factors = {p["of"]: p["twin"] for p in found["parameters"] if p["parameter"] == "run factor"}
    for machine, factor in FACTORS.items():
        assert factors[f"P/mill/{machine}"] == pytest.approx(factor, rel=0.03)
    assert sum(found["counts"].values()) == len(found["parameters"])


def test_people_are_told_what_was_kept_as_planned_or_everything(works: Path) -> None:
    short = genba("twin", "calibrate", works / "plant.yaml")
    assert short.exit_code == 0, short.output
    assert "Kept as planned" in short.stdout
    assert "genba twin validate" in short.stdout
    full = genba("twin", "calibrate", works / "plant.yaml", "--all")
    assert "All parameters" in full.stdout


def test_held_out_shifts_are_predicted_in_both_ways_and_nothing_is_kept(works: Path) -> None:
    arguments = ("twin", "validate", works / "plant.yaml", "--shifts", "2", "--futures", "20")
    told = genba(*arguments, "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert [p["start"] for p in found["periods"]] == [
        format_time(END - 2 * SHIFT),
        format_time(END - SHIFT),
    ]
    assert len(found["trace_driven"]) == 2
    for free, traced in zip(found["periods"], found["trace_driven"], strict=True):
        output = free["measures"]["output"]
        assert output["p05"] <= output["mean"] <= output["p95"]
        assert traced["output"]["recorded"] == output["recorded"]
    assert not (works / "state" / "twin").exists()
    shown = genba(*arguments)
    assert "Free-running (stops and scrap drawn), the twin predicts" in shown.stdout
    assert "Trace-driven (recorded stops and scrap), the twin predicts" in shown.stdout


def test_the_shifts_since_the_kept_calibration_are_predicted(works: Path) -> None:
    end = format_time(END - SHIFT)
    assert genba("twin", "calibrate", works / "plant.yaml", "--to", end).exit_code == 0
    told = genba("twin", "validate", works / "plant.yaml", "--futures", "3", "--json")
    assert told.exit_code == 0, told.output
    (period,) = json.loads(told.stdout)["periods"]
    assert period["start"] == end


def test_a_calibration_up_to_the_end_leaves_nothing_to_predict(works: Path) -> None:
    assert genba("twin", "calibrate", works / "plant.yaml").exit_code == 0
    line = one_line(genba("twin", "validate", works / "plant.yaml"))
    assert "no whole shift is recorded since" in line
    assert "--shifts 2" in line


def test_a_validation_without_a_calibration_says_how_to_make_one(works: Path) -> None:
    assert "genba twin calibrate" in one_line(genba("twin", "validate", works / "plant.yaml"))


@pytest.mark.parametrize("command", ["calibrate", "validate"])
class TestWrongInput:
    """Of both commands."""

    def test_a_state_folder_that_is_not_there_is_named(self, works: Path, command: str) -> None:
        nowhere = works / "nowhere"
        line = one_line(genba("twin", command, works / "plant.yaml", "--state", nowhere))
        assert str(nowhere) in line
        assert not nowhere.exists()

    def test_an_empty_historian_has_nothing_to_tell(
        self, works: Path, tmp_path: Path, command: str
    ) -> None:
        state = state_of(tmp_path / "empty", None)
        line = one_line(genba("twin", command, works / "plant.yaml", "--state", state))
        assert "nothing is recorded yet" in line

    def test_a_period_before_anything_was_recorded(self, works: Path, command: str) -> None:
        period = ("--from", "2025-01-05T06:00:00Z", "--to", "2025-01-06T06:00:00Z")
        shifts = ("--shifts", "1") if command == "validate" else ()
        line = one_line(genba("twin", command, works / "plant.yaml", *period, *shifts))
        assert "nothing of plant 'shop' is recorded in this period" in line

    def test_a_begin_after_the_end(self, works: Path, command: str) -> None:
        period = ("--from", format_time(END), "--to", format_time(START))
        assert "swap them" in one_line(genba("twin", command, works / "plant.yaml", *period))

    def test_a_plant_file_that_is_not_there(self, works: Path, command: str) -> None:
        assert "missing.yaml" in one_line(genba("twin", command, works / "missing.yaml"))

    def test_a_recording_of_other_machines(self, works: Path, command: str) -> None:
        shop, _ = two_days()
        other = plant_file(
            works / "other.yaml", shop, machines={"mill-1": "saw-1", "mill-2": "saw-2"}
        )
        shifts = ("--shifts", "1") if command == "validate" else ()
        line = one_line(genba("twin", command, other, *shifts))
        assert "nothing of plant 'shop' is recorded" in line


def test_a_recording_too_short_to_hold_shifts_out(works: Path) -> None:
    line = one_line(genba("twin", "validate", works / "plant.yaml", "--shifts", "6"))
    assert "6 whole shifts are recorded in this period" in line
    assert "hold out fewer" in line
    brief = ("--from", format_time(END - SHIFT // 2), "--shifts", "1")
    assert "0 whole shifts" in one_line(genba("twin", "validate", works / "plant.yaml", *brief))
