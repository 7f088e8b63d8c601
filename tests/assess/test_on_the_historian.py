"""The same report comes from what the historian stored, and from the command line."""

import json
from pathlib import Path

import pytest
from tests.assess.records import Records, machine, plant
from tests.assess.test_kpi import SIX, TWO, mill_day, operation
from typer.testing import CliRunner

from genba.assess import kpi_report
from genba.cli.main import app
from genba.historian import Historian
from genba.plant import Sample, VirtualClock
from genba.plant.yaml_source import parse_yaml


def store(folder: Path) -> list[dict[str, object]]:
    clock = VirtualClock(TWO)
    samples = [
        Sample(str(name), int(when), int(when), value, 0, number)  # type: ignore[arg-type]
        for number, (name, when, value) in enumerate(sorted(mill_day(), key=lambda s: s[1]))  # type: ignore[arg-type,return-value]
    ]
    rows = [{**operation("mill", "mill", SIX, TWO - 1, good=8, scrap=2), "id": "R-1"}]
    with Historian.open(folder, clock) as historian:
        historian.append(samples[: len(samples) // 2])
        historian.commit()
        historian.append(samples[len(samples) // 2 :])  # this half waits in the spool
        historian.append_rows("operations", rows)
    return rows


@pytest.mark.parametrize("by", ["equipment", "shift", "order", "product"])
def test_the_historian_gives_the_same_report(tmp_path: Path, by: str) -> None:
    rows = store(tmp_path)
    one = plant(equipment=[machine("mill")])
    expected = kpi_report(Records(mill_day(), rows), one, SIX, TWO, by=by)  # type: ignore[arg-type]
    with Historian.open(tmp_path, VirtualClock(TWO), read_only=True) as historian:
        found = kpi_report(historian, one, SIX, TWO, by=by)  # type: ignore[arg-type]
    assert found.to_json() == expected.to_json()
    assert any(row.kpis["quality_ratio"] is not None for row in found.rows)


def write_plant(folder: Path) -> Path:
    path = folder / "plant.yaml"
    text = plant().model_dump_json(exclude_none=True)
    assert parse_yaml(text)[0]["id"] == "p"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_command_prints_a_table_and_json(tmp_path: Path) -> None:
    path = write_plant(tmp_path)
    from genba.operate.state import StateFolder

    store(StateFolder(tmp_path / "state").historian)
    period = ["--from", "2026-01-05T06:00:00Z", "--to", "2026-01-05T14:00:00Z"]
    shown = CliRunner().invoke(app, ["kpi", str(path), *period])
    assert shown.exit_code == 0, shown.output
    assert "undefined" in shown.output
    told = CliRunner().invoke(app, ["kpi", str(path), *period, "--by", "shift", "--json"])
    assert told.exit_code == 0, told.output
    report = json.loads(told.output)
    assert [row["key"] for row in report["rows"]] == ["2026-01-05 early"]
    assert report["rows"][0]["elements"]["planned_busy_s"] == 15 * 3600


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--by", "week"], "no grouping"),
        (["--from", "2026-01-06T00:00:00Z", "--to", "2026-01-05T00:00:00Z"], "is not before"),
        (["--from", "yesterday"], "write it like"),
        (["--from", "2026-01-06T00:00:00"], "no time zone"),
    ],
)
def test_a_wrong_question_gets_one_clear_line(
    tmp_path: Path, arguments: list[str], what: str
) -> None:
    path = write_plant(tmp_path)
    from genba.operate.state import StateFolder

    store(StateFolder(tmp_path / "state").historian)
    answer = CliRunner().invoke(app, ["kpi", str(path), *arguments])
    assert answer.exit_code == 1
    assert what in answer.output
    assert "Traceback" not in answer.output
