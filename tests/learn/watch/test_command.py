"""``genba model watch``: one table and plain words, and a model taken back by rule."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from tests.cli.command import genba
from tests.learn.made import column_still
from tests.learn.press import MINUTE, START, plant_in, record

from genba.operate.state import StateFolder
from genba.plant import format_time

TRAINED = START + 30 * 60 * MINUTE


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A press recorded for two days, with a model of the first 30 hours."""
    folder = tmp_path_factory.mktemp("watched")
    plant_in(folder)
    StateFolder(folder / "state")
    record(folder / "state" / "historian", 48 * 60).close()
    told = genba(
        *("train", "anomaly", folder / "plant.yaml", "--equipment", "press-1", "--from"),
        *(format_time(START), "--to", format_time(TRAINED), "--state", folder / "state"),
    )
    assert told.exit_code == 0, told.output
    return folder


def watched(works: Path, *words: object) -> dict:
    told = genba(
        "model", "watch", works / "plant.yaml", "--state", works / "state", *words, "--json"
    )
    assert told.exit_code == 0, told.output
    (one,) = json.loads(told.stdout)
    return one


def test_more_of_the_same_is_as_on_its_card(works: Path) -> None:
    one = watched(works)
    assert one["drift"]["said"] == "steady"
    assert one["where"] is None
    assert one["rows"] > 3000
    assert one["findings"] == []
    assert "undefined" not in one["verdict"]
    told = genba("model", "watch", works / "plant.yaml", "--state", works / "state")
    assert "steady" in told.stdout


def test_too_short_a_time_says_so(works: Path) -> None:
    begin = START + 40 * 60 * MINUTE
    span = ("--from", format_time(begin), "--to", format_time(begin + 3 * MINUTE))
    assert "60 min, which it takes to settle" in watched(works, *span)["verdict"]
    # For an hour nobody knows whether the machine is settled: no standstill was recorded.
    span = ("--from", format_time(begin), "--to", format_time(begin + 63 * MINUTE))
    one = watched(works, *span)
    assert one["drift"]["said"] == "too few rows to say"
    assert "too few rows to say whether 2 of 2 columns drifted" in one["verdict"]


def test_what_was_trained_on_is_not_looked_at_again(works: Path) -> None:
    one = watched(works, "--to", format_time(TRAINED))
    assert one["rows"] == 0
    assert "nothing is recorded since it was trained" in one["verdict"]


def test_old_age_asks_for_learning_anew(works: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("age_days: 0.5\n")
    assert watched(works, "--rules", rules)["verdict"].startswith("learn it anew: its newest data")


def test_wrong_rules_and_arguments_are_refused(works: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("age_day: 0.5\n")
    where = (works / "plant.yaml", "--state", works / "state")
    told = genba("model", "watch", *where, "--rules", rules)
    assert told.exit_code == 1
    assert "has no rule 'age_day'; there are drift_rate" in told.stderr
    assert genba("model", "watch", *where, "--every", "0s").exit_code == 1
    told = genba("model", "watch", "ffff", *where)
    assert "there is no model 'ffff'" in told.stderr
    told = genba("model", "watch", *where, "--file", works / "plant.yaml")
    assert "name it" in told.stderr


def test_a_file_that_drifted_is_named_with_its_columns(tmp_path: Path) -> None:
    StateFolder(tmp_path / "state")
    then, now = tmp_path / "then.csv", tmp_path / "now.csv"
    # The columns are slow: only a long record says what is usual.
    table = column_still(rows=24_000)
    csv.write_csv(table.slice(0, 16_000), then)
    told = genba(
        *("train", "softsensor", "--file", then, "--target", "butane", "--window", "1"),
        *("--state", tmp_path / "state"),
    )
    assert told.exit_code == 0, told.output
    (listed,) = json.loads(genba("model", "list", "--state", tmp_path / "state", "--json").stdout)
    csv.write_csv(table.slice(16_000), now)
    words = ("model", "watch", listed["model"][:10], "--state", tmp_path / "state", "--file", now)
    (calm,) = json.loads(genba(*words, "--json").stdout)
    assert calm["drift"]["said"] != "drifted"
    assert calm["labels"] == 8000
    assert [one["kind"] for one in calm["findings"]] == ["labels"]
    assert {figure["name"] for figure in calm["quality"]} == {"mae", "covered"}
    moved = table.slice(16_000).to_pydict()
    moved["butane"] = (np.array(moved["butane"]) + 2.0).tolist()
    moved["u3"] = (np.array(moved["u3"]) + 6.0).tolist()
    csv.write_csv(pa.table(moved), now)
    told = genba(*words)
    assert "u3 up by" in told.stdout
    assert "do not release: mae" in told.stdout
    assert "intervals hold" in told.stdout
