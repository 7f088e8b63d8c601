"""``genba train quality`` with sister machines, with their model, and with declared physics."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from tests.cli.command import genba

from genba.operate.state import StateFolder


def fleet(rows: int, machines: tuple[str, ...], seed: int = 0) -> pa.Table:
    """Presses whose wear is torque times speed, beyond which parts go bad; rows are independent."""
    random = np.random.default_rng(seed)
    count = rows * len(machines)
    torque, speed = random.uniform(1, 9, count), random.uniform(1, 9, count)
    wear = torque * speed + random.normal(0, 0.5, count)
    return pa.table(
        {
            "torque [Nm]": torque,
            "speed [rpm]": speed,
            "machine": np.repeat(np.array(machines), rows),
            "wear": wear,
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    StateFolder(tmp_path / "state")
    csv.write_csv(fleet(160, ("old-1", "old-2", "new")), tmp_path / "fleet.csv")
    csv.write_csv(fleet(60, ("newer",), 5).drop_columns("machine"), tmp_path / "newer.csv")
    return tmp_path


def test_sisters_teach_a_machine_and_its_model_starts_the_next(folder: Path) -> None:
    shared = ("--target", "wear", "--state", folder / "state", "--json")
    pooled = ("--pooled", "old-1", "--pooled", "old-2", "--group", "unit=machine")
    told = genba("train", "quality", "--file", folder / "fleet.csv", *pooled, *shared)
    assert told.exit_code == 0, told.output
    card = json.loads(told.stdout)
    names = {rung["recipe"] for rung in card["rungs"]}
    assert {"linear", "linear+pooled", "lightgbm+transferred", "zero-shot"} <= names
    assert any("Sister machines taught rungs" in limit for limit in card["limits"])
    again = genba(
        *("train", "quality", "--file", folder / "newer.csv", *shared),
        *("--start-from", card["model"][:12]),
    )
    assert again.exit_code == 0, again.output
    assert any("started from model" in limit for limit in json.loads(again.stdout)["limits"])


def test_declared_physics_is_read_before_anything_is_fitted(folder: Path) -> None:
    where = ("--target", "wear", "--state", folder / "state", "--file", folder / "newer.csv")
    told = genba("train", "quality", *where, "--physics", "odd=torque-speed")
    assert told.exit_code == 1
    assert "a difference takes two columns of one kind" in told.stderr


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--pooled", "nobody", "--group", "unit=machine"), "no unit 'nobody' is there to pool"),
        (("--pooled", "new"), "no unit 'new' is there to pool"),
        (
            (
                *("--group", "unit=machine", "--pooled", "new"),
                *("--pooled", "old-1", "--pooled", "old-2"),
            ),
            "none is left to learn for",
        ),
        (("--start-from", "abc"), "there is no model 'abc'"),
    ],
)
def test_sisters_and_models_that_are_not_there_are_refused(
    folder: Path, more: tuple[str, ...], why: str
) -> None:
    where = ("--target", "wear", "--state", folder / "state", "--file", folder / "fleet.csv")
    if "--group" not in more:
        where = (*where, "--without", "machine")
    told = genba("train", "quality", *where, *more)
    assert told.exit_code == 1
    assert why in told.stderr
