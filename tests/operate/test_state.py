"""The state folder is held once, refuses newer versions, and never loses what it holds."""

import json
from pathlib import Path

import pytest

from genba.errors import StateError
from genba.operate.state import StateFolder, is_held, write_atomically


def test_a_new_folder_is_made_with_its_rooms(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    assert state.historian.is_dir()
    assert state.pki.is_dir()
    assert state.secrets.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    assert state.root.stat().st_mode & 0o777 == 0o700
    for folder in (state.root, state.secrets, state.audit):
        folder.chmod(0o755)
    StateFolder(tmp_path / "state", create=False)
    for folder in (state.root, state.secrets, state.audit):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_two_cores_cannot_hold_one_folder(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "state"), pytest.raises(StateError, match="in use by process"):
        StateFolder(tmp_path / "state").hold()
    StateFolder(tmp_path / "state").hold().release()


def test_whether_a_core_holds_a_folder_can_be_asked_without_holding_it(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    assert not is_held(state.root)
    with state:
        assert is_held(state.root)
        assert is_held(state.root)
    assert not is_held(state.root)


def test_a_folder_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "state"
    StateFolder(root)
    newer = json.dumps({"format": 99, "genba": "9.0.0"})
    (root / "version.json").write_text(newer)
    (root / "historian" / "precious").write_text("kept")
    with pytest.raises(StateError, match=r"written by Genba 9\.0\.0 \(format 99\).*upgrade Genba"):
        StateFolder(root)
    assert (root / "version.json").read_text() == newer
    assert (root / "historian" / "precious").read_text() == "kept"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"genba": "0.1.0"}', '{"format": "x"}'])
def test_a_damaged_version_file_is_named(tmp_path: Path, text: str) -> None:
    StateFolder(tmp_path / "state")
    (tmp_path / "state" / "version.json").write_text(text)
    with pytest.raises(StateError, match=r"version\.json is damaged"):
        StateFolder(tmp_path / "state")


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("x")
    with pytest.raises(StateError, match="no state folder"):
        StateFolder(tmp_path / "photos")
    assert [entry.name for entry in (tmp_path / "photos").iterdir()] == ["one.jpg"]


def test_a_file_where_the_folder_should_be_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("x")
    with pytest.raises(StateError, match="cannot be used"):
        StateFolder(tmp_path / "state")


def test_an_atomic_write_keeps_its_mode_and_leaves_no_draft(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.json", "1", mode=0o600)
    write_atomically(tmp_path / "a.json", "2", mode=0o600)
    assert (tmp_path / "a.json").read_text() == "2"
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]
