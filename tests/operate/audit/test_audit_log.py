"""What is on the audit log stays there: it is durable, in one chain, and any change shows."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genba.errors import StateError
from genba.operate.audit import AuditLog, Result, entries, verify
from genba.operate.audit.chain import Act, segments
from genba.operate.audit.journal import Journal
from genba.operate.audit.seal import Head


def act(number: int = 0) -> Act:
    detail = {"number": number, "text": "sch\u00f6n\n\u2028"}
    return Act("2026-01-05T06:00:00Z", "", "ana", "admin", "test", "x", Result.DONE, "here", detail)


def written(folder: Path, count: int = 6, segment_bytes: int = 8_000_000) -> Path:
    journal = Journal(folder / "audit", folder / "secrets", segment_bytes)
    for number in range(count):
        journal.append([act(number)])
    return folder / "audit"


def test_what_is_told_is_read_back_in_order(tmp_path: Path) -> None:
    with AuditLog(tmp_path / "audit", tmp_path / "secrets") as log:
        for number in range(20):
            future = log.record("ana", "admin", "user.add", f"user-{number}", detail={"n": number})
        assert future.result(10).number == 20
    found = list(entries(tmp_path / "audit"))
    assert [entry.number for entry in found] == list(range(1, 21))
    assert [entry.detail["n"] for entry in found] == list(range(20))
    assert {entry.result for entry in found} == {Result.DONE}
    assert len(list(entries(tmp_path / "audit", after=15, actor="ana", action="user."))) == 5
    assert not list(entries(tmp_path / "audit", actor="bo"))
    checked = verify(tmp_path / "audit")
    assert checked.sound
    assert checked.entries == 20
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "audit").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "secrets" / "audit.key").stat().st_mode & 0o777 == 0o600


def test_segments_are_one_chain(tmp_path: Path) -> None:
    folder = written(tmp_path, 12, segment_bytes=700)
    assert len(segments(folder)) > 2
    assert verify(folder).sound
    assert [entry.number for entry in entries(folder, after=9)] == [10, 11, 12]
    segments(folder)[1].unlink()
    checked = verify(folder)
    assert not checked.sound
    assert segments(folder)[1].name in checked.problem


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from genba.operate.audit import AuditLog\n"
        "folder = Path(sys.argv[1])\n"
        "with AuditLog(folder / 'audit', folder / 'secrets') as log:\n"
        "    for n in range(40): log.record(sys.argv[2], '', 'test', str(n)).result()\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name]) for name in "abc"
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    checked = verify(tmp_path / "audit")
    assert checked.sound, checked.problem
    assert checked.entries == 120
    for name in "abc":
        targets = [entry.target for entry in entries(tmp_path / "audit", actor=name)]
        assert targets == [str(n) for n in range(40)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    folder = written(tmp_path_factory.mktemp("log"), 4)
    (path,) = segments(folder)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert not verify(folder).sound


def test_the_first_broken_line_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (path,) = segments(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(b"ana", b"eve"), *lines[3:]]))
    assert (
        verify(folder).problem == f"{path.name} line 3: this line is not the one that was written"
    )
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert verify(folder).problem.startswith(f"{path.name} line 3: entry 4 stands where 3 should")
    path.write_bytes(b"".join([*lines[:2], b"{}\n", *lines[3:]]))
    assert verify(folder).problem.startswith(f"{path.name} line 3: this line is no entry")
    path.write_bytes(b"".join([*lines[:5], lines[5].replace(b"ana", b"eve")]))
    assert f"{path.name} line 6: this line is not the one that was sealed" in verify(folder).problem


def test_a_tail_that_was_cut_off_is_missed(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (path,) = segments(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))
    assert "the log ends at entry 4, but 6 were written" in verify(folder).problem
    (folder / "head.json").unlink()
    assert "head.json of the audit log is missing" in verify(folder).problem


def _cut(folder: Path) -> None:
    (path,) = segments(folder)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))


def _edit(folder: Path) -> None:
    (path,) = segments(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:5], lines[5].replace(b'"ana"', b'"somebody"')]))


def _half(folder: Path) -> None:
    (path,) = segments(folder)
    path.write_bytes(path.read_bytes()[:-20])


def _clear(folder: Path) -> None:
    (path,) = segments(folder)
    path.unlink()


def _unseal(folder: Path) -> None:
    _cut(folder)
    (folder / "head.json").unlink()


def _forge(folder: Path) -> None:
    """Leave a whole log of somebody else's, sealed with their key."""
    for path in written(folder.parent / "theirs", 3).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


@pytest.mark.parametrize("running", [False, True], ids=["at a start", "under a running core"])
@pytest.mark.parametrize("harm", [_cut, _edit, _half, _clear, _unseal, _forge])
def test_going_on_hides_nothing(
    tmp_path: Path, harm: Callable[[Path], None], running: bool
) -> None:
    """What comes after would be chained and sealed anew, and all would look whole."""
    journal = Journal(tmp_path / "audit", tmp_path / "secrets")
    journal.append([act(number) for number in range(6)])
    harm(tmp_path / "audit")
    if not running:
        journal = Journal(tmp_path / "audit", tmp_path / "secrets")
    journal.append([act(7)])
    journal.append([act(8)])
    checked = verify(tmp_path / "audit")
    assert not checked.sound
    assert "Genba found that" in checked.problem or "not signed with" in checked.problem
    told = [entry.action for entry in entries(tmp_path / "audit")]
    assert told.count("audit.broken") == 1
    assert told[-2:] == ["test", "test"]


def test_an_old_copy_put_back_under_a_running_core_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "audit", tmp_path / "secrets")
    journal.append([act(1)])
    old = {path: path.read_bytes() for path in (tmp_path / "audit").iterdir()}
    journal.append([act(2)])
    for path, content in old.items():
        path.write_bytes(content)
    journal.append([act(3)])
    assert "entry 2 was written, and is missing" in verify(tmp_path / "audit").problem


def test_a_head_that_another_key_signed_does_not_hold(tmp_path: Path) -> None:
    folder = written(tmp_path / "ours")
    public = (folder / "seal.pub").read_text()
    forged = written(tmp_path / "theirs", 3)
    for path in forged.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    assert verify(folder).sound  # whoever replaces all of it is found only by what lies elsewhere
    assert "was not signed with this plant's key" in verify(folder, public=public).problem


def test_an_old_copy_put_back_is_found_by_a_head_that_was_noted(tmp_path: Path) -> None:
    folder = written(tmp_path, 3)
    old = {path: path.read_bytes() for path in folder.iterdir()}
    Journal(folder, tmp_path / "secrets").append([act(), act()])
    noted = verify(folder).head
    for path, content in old.items():
        path.write_bytes(content)
    assert verify(folder).sound
    assert "but 5 were written" in verify(folder, expected=Head.parse(str(noted))).problem


@pytest.mark.parametrize("left", [1, 40, -1])
def test_a_half_line_of_a_crash_is_completed_and_told(tmp_path: Path, left: int) -> None:
    folder = written(tmp_path, 2)
    seal = (folder / "head.json").read_bytes()
    Journal(folder, tmp_path / "secrets").append([act(2)])
    (path,) = segments(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    # The crash came within the third write: of its line some bytes are there, and the seal is old.
    path.write_bytes(lines[0] + lines[1] + lines[2][:left])
    (folder / "head.json").write_bytes(seal)
    Journal(folder, tmp_path / "secrets").append([act(9)])
    checked = verify(folder)
    assert checked.sound, checked.problem
    assert checked.mended == 1
    assert lines[2][:left] in path.read_bytes()  # nothing was taken away
    mended, last = list(entries(folder))[-2:]
    assert mended.action == "audit.mended"
    assert mended.detail["what"] == lines[2][:left].decode().rstrip("\n")
    assert last.detail["number"] == 9


def test_acts_wait_while_the_log_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file where the folder should be")
    with AuditLog(tmp_path / "audit", tmp_path / "secrets") as log:
        with pytest.raises(StateError, match="cannot be written"):
            log.record("ana", "admin", "test", "1").result(10)
        assert log.report()["waiting"] == 1
        (tmp_path / "audit").unlink()
        assert log.record("ana", "admin", "test", "2").result(10).number == 2
        assert log.report() == {"written": 2, "waiting": 0, "lost": 0, "error": "", "broken": ""}
    assert [entry.target for entry in entries(tmp_path / "audit")] == ["1", "2"]


def test_a_full_disk_leaves_no_half_entry(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the system refuses the same write."""
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from genba.operate.audit import AuditLog\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "folder = Path(sys.argv[1])\n"
        "log = AuditLog(folder / 'audit', folder / 'secrets')\n"
        "log.record('a', '', 'test', '1').result()\n"
        "_, most = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, most))\n"
        "print(type(log.record('a', '', 'test', '2', detail={'x': 'y' * 999}).exception()))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))\n"
        "log.record('a', '', 'test', '3').result(); log.close()\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "StateError" in told.stdout
    assert verify(tmp_path / "audit").sound
    assert verify(tmp_path / "audit").mended == 0
    assert [entry.target for entry in entries(tmp_path / "audit")] == ["1", "2", "3"]


def test_many_at_once_share_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(handle), real(handle)))
    with (
        AuditLog(tmp_path / "audit", tmp_path / "secrets") as log,
        ThreadPoolExecutor(8) as pool,
    ):
        futures = [pool.submit(log.record, "a", "", "test", str(n)) for n in range(400)]
        for future in futures:
            future.result().result(30)
    assert verify(tmp_path / "audit").entries == 400
    assert len(synced) < 200


def test_long_words_are_cut_and_nothing_more(tmp_path: Path) -> None:
    with AuditLog(tmp_path / "audit", tmp_path / "secrets") as log:
        log.record("a" * 9999, "", "test", "x", detail={"x": "y" * 99_999})
    (entry,) = entries(tmp_path / "audit")
    assert len(entry.actor) == 500
    assert entry.detail["length"] > 99_999
    assert len(json.dumps(entry.detail)) < 8200
    assert verify(tmp_path / "audit").sound
