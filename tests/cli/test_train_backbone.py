"""``genba train backbone``, and the kept one on the forecast ladder."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import genba

from genba.operate.state import StateFolder

pytest.importorskip("torch")


def recorded(file: Path, seed: int, rows: int = 1500) -> Path:
    """A load by the day of 96 quarters of an hour, under noise."""
    source = np.random.default_rng(seed)
    load = 5 + np.sin(np.arange(rows) / 96 * 2 * np.pi) + source.normal(0, 0.4, rows)
    times = np.datetime64("2026-01-05T00:00") + np.arange(rows) * np.timedelta64(15, "m")
    with file.open("w", newline="") as out:
        write = csv.writer(out)
        write.writerow(("when", "load"))
        write.writerows(
            (f"{time}:00Z", round(value, 3)) for time, value in zip(times, load, strict=True)
        )
    return file


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plant")
    StateFolder(folder / "state")
    seen = recorded(folder / "seen.csv", 1)
    out = genba(
        *("train", "backbone", "--file", f"{seen}@when", "--minutes", "0.01"),
        *("--state", folder / "state", "--json"),
    )
    assert out.exit_code == 0, out.output
    told = json.loads(out.stdout)
    assert (folder / "state" / "backbones" / f"{told['backbone']}.npz").exists()
    assert told["processes"][0]["release"].startswith("seen.csv sha256:")
    return folder / "state"


def forecast(state: Path, file: Path, *more: str) -> tuple[int, str, set[str]]:
    out = genba(
        *("train", "forecast", "--file", file, "--time", "when", "--target", "load"),
        *("--state", state, "--json", *more),
    )
    rungs = json.loads(out.stdout)["rungs"] if out.exit_code == 0 else []
    return out.exit_code, out.output, {row["recipe"] for row in rungs if not row["failed"]}


def test_the_newest_stands_on_the_ladder_unless_it_is_told_not_to(
    state: Path, tmp_path: Path
) -> None:
    fresh = recorded(tmp_path / "fresh.csv", 2)
    beside = {"persistence", "linear", "lightgbm", "random", "scratch"}
    assert {"backbone", "fine-tuned", *beside} <= forecast(state, fresh)[2]
    assert "backbone" not in forecast(state, fresh, "--backbone", "none")[2]


def test_one_that_saw_the_rows_of_the_test_is_no_rung(state: Path) -> None:
    seen = state.parent / "seen.csv"
    code, said, rungs = forecast(state, seen)
    assert code == 0
    assert "was trained on these rows" in said
    assert "backbone" not in rungs
    name = next((state / "backbones").glob("*.json")).stem
    code, said, _ = forecast(state, seen, "--backbone", name[:10])
    assert code == 1
    assert "leave out --backbone" in said


def test_more_steps_than_it_looks_ahead_and_an_unknown_name_are_refused(
    state: Path, tmp_path: Path
) -> None:
    fresh = recorded(tmp_path / "fresh.csv", 2)
    name = next((state / "backbones").glob("*.json")).stem
    code, said, _ = forecast(state, fresh, "--steps", "30", "--backbone", name)
    assert code == 1
    assert "looks 24 rows ahead at most" in said
    code, said, _ = forecast(state, fresh, "--backbone", "beef")
    assert code == 1
    assert "0 backbones are called 'beef'" in said


def test_a_forecast_needs_no_state_folder_beforehand(tmp_path: Path) -> None:
    state = tmp_path / "state"
    code, said, rungs = forecast(state, recorded(tmp_path / "fresh.csv", 2, rows=600))
    assert code == 0, said
    assert "linear" in rungs
    assert (state / "models").is_dir()
