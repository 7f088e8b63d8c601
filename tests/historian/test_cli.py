"""genba historian: what a person types, and what comes of it."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.historian.conftest import START, series
from typer.testing import CliRunner, Result

from genba.cli.historian import app
from genba.historian import Historian
from genba.operate.state import StateFolder
from genba.plant import US, VirtualClock


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder whose newest samples are ten minutes after the start."""
    clock = VirtualClock(START + 600 * US)
    folder = StateFolder(tmp_path / "state")
    with Historian.open(folder.historian, clock) as historian:
        historian.append(series("mill-1.power", range(600)))
        historian.commit()
        historian.append(series("mill-1.lots", ["O-1-01"], start=START + 600 * US))
        window = {"start": START + 10 * US, "end": START + 13 * US}
        record = {"id": "op-1", "lot": "O-1-01", "equipment": "mill-1", "time": START, **window}
        historian.append_rows("operations", [record])
    return tmp_path / "state"


def run(state: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--state", str(state)])


def test_query_by_absolute_times(state: Path) -> None:
    times = ("--from", "2026-01-05T06:00:01Z", "--to", "2026-01-05T08:00:03+02:00")
    found = json.loads(run(state, "query", "mill-1.power", *times, "--json").stdout)
    assert [row["value"] for row in found] == [1.0, 2.0]
    assert found[0]["source_time"] == "2026-01-05T06:00:01Z"


def test_query_before_now_means_before_the_newest_sample(state: Path) -> None:
    found = run(state, "query", "mill-1.power", "--from", "-3s", "--csv").stdout
    rows = list(csv.DictReader(found.splitlines()))
    assert [row["value"] for row in rows] == ["598.0", "599.0"]


def test_query_on_a_grid(state: Path) -> None:
    result = run(state, "query", "mill-1.power", "--every", "5m", "--how", "max", "--json")
    assert [row["value"] for row in json.loads(result.stdout)] == [299.0, 599.0]


def test_query_by_lot_and_operation(state: Path) -> None:
    for choice in (("--lot", "O-1-01"), ("--operation", "op-1")):
        found = json.loads(run(state, "query", *choice, "--json").stdout)
        assert [(row["signal"], row["value"]) for row in found] == [
            ("mill-1.power", 10.0),
            ("mill-1.power", 11.0),
            ("mill-1.power", 12.0),
        ]


def test_a_table_for_people_shows_what_they_ask_for(state: Path) -> None:
    shown = run(state, "query", "mill-1.power", "--from", "-2s").stdout
    assert "2026-01-05T06:09:59Z" in shown
    assert "text" not in shown
    assert run(state, "query", "no.such").stdout == (
        "nothing is recorded of no.such there; check ids and period (texts have no --every)\n"
    )


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_export_writes_what_query_shows(state: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    result = run(state, "export", "mill-1.power", "mill-1.lots", "-o", str(target))
    assert result.exit_code == 0
    assert "601 rows written" in result.stdout
    if suffix == ".parquet":
        assert pq.read_table(target)["sequence"].to_pylist() == [0, *range(600)]
    else:
        with target.open(encoding="utf-8") as file:
            assert [row["text"] for row in csv.DictReader(file)] == ["O-1-01", *[""] * 600]
    assert sorted(path.name for path in tmp_path.iterdir()) == [target.name, "state"]


def test_stats(state: Path) -> None:
    found = json.loads(run(state, "stats", "--json").stdout)
    assert (found["samples"], found["spooled"], found["records"]["operations"]) == (601, 2, 1)
    assert "601" in run(state, "stats").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("query",), "name at least one signal"),
        (("query", "a.x", "--every", "5 minutes"), "'5 minutes' is no length for --every"),
        (("query", "a.x", "--from", "yesterday"), "'yesterday' is not a time"),
        (("query", "a.x", "--from", "2026-01-05T06:00:00"), "has no time zone"),
        (("query", "a.x", "--from", "-1w"), "'1w' is no length"),
        (("query", "a.x", "--from", "now", "--to", "-1m"), "before it begins"),
        (("query", "--lot", "O-9-01"), "no ended operation of lot 'O-9-01'"),
        (("query", "--lot", "O-1-01", "--operation", "op-1"), "not both"),
        (("export", "a.x", "-o", "out.xlsx"), "ends neither in .parquet nor in .csv"),
        (("export", "no.such", "-o", "out.csv"), "no file was written"),
        (("export", "mill-1.power", "-o", "nowhere/out.csv"), "cannot be written"),
    ],
)
def test_bad_input_gets_one_clear_line(
    state: Path, arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(state.parent)
    result = run(state, *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stderr.startswith("genba: ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert [path.name for path in state.parent.iterdir()] == ["state"]


def test_where_no_historian_is(tmp_path: Path) -> None:
    result = run(tmp_path / "nothing", "stats")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "holds no historian" in result.stderr
    assert not (tmp_path / "nothing").exists()
