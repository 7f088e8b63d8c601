"""Upgrades of the state folder: a real folder of format 1 comes up, is whole, and goes back."""

import json
import shutil
from pathlib import Path

import pytest

from genba.errors import StateError
from genba.historian import Historian
from genba.operate import upgrade as upgrading
from genba.operate.state import FORMAT, StateFolder
from genba.operate.upgrade import rollback, standing, upgrade
from genba.plant import US, SystemClock, parse_time

OLD = Path(__file__).parent / "data" / "format-1"
"""Written by Genba's own code of that format: 300 samples in a table, 50 in the spool."""
START = parse_time("2026-01-05T06:00:00Z")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    shutil.copytree(OLD, tmp_path / "state")
    return tmp_path / "state"


def holds_all(state: Path) -> None:
    with Historian.open(state / "historian", SystemClock(), read_only=True) as reader:
        table = reader.samples(["m.a"], START, START + 3600 * US)
        assert table["sequence"].to_pylist() == list(range(350))
        assert reader.rows("events")["id"].to_pylist() == ["E-1"]
        rolled = reader.rollup(["m.a"], START, START + 3600 * US, 3600 * US)
        assert rolled["count"].to_pylist() == [350]


def test_a_real_old_folder_comes_up_and_goes_back(state: Path) -> None:
    before = {
        name: (state / name).read_bytes() for name in ("version.json", "secrets/identities.json")
    }
    assert (standing(state).format, standing(state).back_to) == (1, None)
    assert [step.to for step in upgrade(state)] == [2]
    assert (standing(state).format, standing(state).back_to) == (FORMAT, 1)
    holds_all(state)
    assert upgrade(state) == []
    (state / "secrets" / "identities.json").write_text("changed since")
    assert rollback(state) == 1
    assert {name: (state / name).read_bytes() for name in before} == before
    assert not (state / "historian" / "due.sqlite").exists()
    holds_all(state)
    upgrade(state)
    holds_all(state)


@pytest.mark.parametrize("place", ["_keep", "_write_version", "apply"])
def test_a_crash_leaves_the_old_number_and_the_next_try_goes_on(
    state: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    tokens = (state / "secrets" / "identities.json").read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if place == "apply":

            def half(root: Path) -> None:
                (root / "secrets" / "identities.json").write_text("half")
                raise KeyboardInterrupt

            step = upgrading.STEPS[0]
            broken = upgrading.Step(step.to, step.text, step.changes, half, step.undo)
            patch.setattr(upgrading, "STEPS", (broken,))
        else:
            patch.setattr(upgrading, place, crash)
        with pytest.raises(KeyboardInterrupt):
            upgrade(state)
    assert standing(state).format == 1
    upgrade(state)
    assert standing(state).format == FORMAT
    holds_all(state)
    rollback(state)
    assert (state / "secrets" / "identities.json").read_bytes() == tokens


def test_a_running_core_keeps_its_folder(state: Path) -> None:
    upgrade(state)
    with StateFolder(state):
        for change in (upgrade, rollback):
            with pytest.raises(StateError, match="in use by process"):
                change(state)


def test_what_was_never_upgraded_has_no_way_back(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "new").root
    with pytest.raises(StateError, match="was not upgraded"):
        rollback(folder)
    with pytest.raises(StateError, match="no state folder"):
        upgrade(tmp_path / "nowhere")


def test_a_newer_folder_is_left_alone(state: Path) -> None:
    (state / "version.json").write_text(json.dumps({"format": FORMAT + 1, "genba": "9.9"}))
    with pytest.raises(StateError, match=r"written by Genba 9\.9"):
        upgrade(state)
