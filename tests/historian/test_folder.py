"""Whose folder it is: versions, locks, damage. One clear error each, and nothing is touched."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.historian.conftest import START, series

from genba.errors import HistorianError, StateError
from genba.historian import Historian
from genba.plant import US, VirtualClock


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_newer_format_is_left_untouched(folder: Path, clock: VirtualClock) -> None:
    with Historian.open(folder, clock) as historian:
        historian.append(series("a.x", [1.0]))
    version = folder / "version.json"
    found = json.loads(version.read_text())
    version.write_text(json.dumps({**found, "format": 2, "genba": "9.1.0"}))
    before = contents(folder)
    for read_only in (False, True):
        with pytest.raises(StateError, match=r"written by Genba 9\.1\.0 \(format 2\).*upgrade"):
            Historian.open(folder, clock, read_only=read_only)
    assert contents(folder) == before


def test_a_second_writer_in_this_process_is_refused(
    historian: Historian, folder: Path, clock: VirtualClock
) -> None:
    with pytest.raises(StateError, match=r"is in use: process [0-9]+ writes to it"):
        Historian.open(folder, clock)
    historian.append(series("a.x", [1.0]))


def test_a_second_process_is_refused_until_the_first_ends(
    folder: Path, clock: VirtualClock
) -> None:
    code = (
        "import sys; from pathlib import Path; from genba.historian import Historian;"
        "from genba.plant import SystemClock;"
        "h = Historian.open(Path(sys.argv[1]), SystemClock()); print('open', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StateError, match=f"process {other.pid} writes"):
            Historian.open(folder, clock)
        other.kill()
        other.wait()
        Historian.open(folder, clock).close()


def test_readers_may_look_while_one_writes(
    historian: Historian, folder: Path, clock: VirtualClock
) -> None:
    historian.append(series("a.x", [1.0, 2.0]))
    with Historian.open(folder, clock, read_only=True) as reader:
        assert reader.samples(["a.x"], START, START + 9 * US).num_rows == 2
        historian.commit()
        historian.append(series("a.x", [3.0], start=START + 2 * US))
        assert reader.samples(["a.x"], START, START + 9 * US).num_rows == 3
        for change in (
            lambda: reader.append(series("a.x", [1.0])),
            reader.commit,
            reader.compact,
            reader.start_committing,
        ):
            with pytest.raises(HistorianError, match="read only"):
                change()


def test_reading_where_nothing_is_makes_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    with pytest.raises(HistorianError, match=r"holds no historian.*--state"):
        Historian.open(tmp_path / "nowhere", clock, read_only=True)
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StateError, match="holds files but no historian"):
        Historian.open(tmp_path, clock)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", ["version.json", "spool.sqlite"])
def test_damage_is_named_with_its_file(folder: Path, clock: VirtualClock, name: str) -> None:
    Historian.open(folder, clock).close()
    (folder / name).write_bytes(b"not what it was" * 400)
    with pytest.raises(StateError, match=rf"{name} is damaged.*backup"):
        Historian.open(folder, clock)


def test_a_folder_that_cannot_be_made(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistorianError, match="cannot be used"):
        Historian.open(tmp_path / "file" / "historian", clock)


def test_a_name_that_duckdb_would_expand_is_refused(tmp_path: Path, clock: VirtualClock) -> None:
    with pytest.raises(HistorianError, match=r"must not have \*"):
        Historian.open(tmp_path / "state[1]", clock)


def test_a_lock_that_cannot_be_made_is_one_clear_error(folder: Path, clock: VirtualClock) -> None:
    Historian.open(folder, clock).close()
    (folder / "writer.lock").unlink()
    (folder / "writer.lock").mkdir()
    with pytest.raises(HistorianError, match=r"writer\.lock cannot be opened \(Is a directory\)"):
        Historian.open(folder, clock)


def test_queries_spill_to_a_folder_of_their_own(folder: Path, clock: VirtualClock) -> None:
    """A name in /tmp that others can foresee is a name that others can take."""
    spills = []
    for _ in range(2):
        with Historian.open(folder, clock) as historian:
            historian.samples(["a.x"], START, START + US)
            cursor = historian._reader._cursor()
            spills.append(
                Path(cursor.sql("SELECT current_setting('temp_directory')").fetchall()[0][0])
            )
            cursor.close()
            assert spills[-1].stat().st_mode & 0o077 == 0
    assert spills[0] != spills[1]
    assert not any(spill.exists() for spill in spills)


def test_a_folder_from_before_a_table_was_thought_of_gets_it_with_its_first_row(
    folder: Path, clock: VirtualClock
) -> None:
    with Historian.open(folder, clock) as historian:
        historian.append(series("a.x", [1.0]))
        historian.commit()
    assert not (folder / "gaps").exists()
    with Historian.open(folder, clock, read_only=True) as reader:
        assert reader.rows("gaps").num_rows == 0
    with Historian.open(folder, clock) as historian:
        historian.append_rows("gaps", [{"id": "g", "time": START, "signal": "a.x"}])
        historian.commit()
        assert historian.rows("gaps")["signal"].to_pylist() == ["a.x"]
        assert historian.samples(["a.x"], START, START + US).num_rows == 1


def test_what_a_killed_process_spilled_goes_at_the_next_start(
    folder: Path, clock: VirtualClock
) -> None:
    Historian.open(folder, clock).close()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, own = folder / "spill" / f"{ended.pid}-x", folder / "spill" / f"{os.getpid()}-y"
    for spill in (left, own):
        spill.mkdir(parents=True)
        (spill / "duckdb_temp_storage-0.tmp").write_bytes(b"x")
    Historian.open(folder, clock).close()
    assert (left.exists(), own.exists()) == (False, True)
