"""The committer's own process: it drains, is restarted when killed, and ends with its core."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from benchmarks.historian_kill import through_deltalake
from tests.historian.conftest import START, series

from genba.errors import HistorianError
from genba.historian import Historian
from genba.plant import US, VirtualClock


def wait_for(condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def committer(historian: Historian) -> dict[str, object]:
    state = historian.stats()["committer"]
    assert state is not None
    return state


def test_it_moves_by_itself_and_keeps_everything_readable(historian: Historian) -> None:
    historian.start_committing(interval_s=0.05)
    for n in range(40):
        historian.append(series("a.x", [n], start=START + n * US, first=n))
        found = historian.samples(["a.x"], START, START + 1000 * US)
        assert found["sequence"].to_pylist() == list(range(n + 1))
    wait_for(lambda: historian.stats()["spooled"] == 0)
    assert historian.samples(["a.x"], START, START + 1000 * US).num_rows == 40
    assert historian.stats()["samples"] == 40


def test_commit_waits_for_it(historian: Historian) -> None:
    historian.start_committing(interval_s=3600.0)
    historian.append(series("a.x", range(10)))
    assert historian.commit() == 10
    assert historian.stats()["spooled"] == 0


def test_it_is_started_again_when_killed(historian: Historian, folder: Path) -> None:
    historian.start_committing(interval_s=0.05)
    first = committer(historian)["pid"]
    assert isinstance(first, int)
    os.kill(first, signal.SIGKILL)
    historian.append(series("a.x", range(10)))
    wait_for(lambda: historian.stats()["spooled"] == 0)
    now = committer(historian)
    assert now["starts"] == 2
    assert now["pid"] != first
    assert sorted(through_deltalake(folder)) == list(range(10))


def test_it_is_tried_again_when_no_process_can_be_started(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    historian.start_committing(interval_s=0.05)
    first = committer(historian)["pid"]
    assert isinstance(first, int)

    def no_process(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with monkeypatch.context() as patch:
        patch.setattr("genba.historian.supervisor.subprocess.Popen", no_process)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: "cannot be started" in str(committer(historian)["last_error"]))
    historian.append(series("a.x", range(10)))
    wait_for(lambda: historian.stats()["spooled"] == 0)
    assert committer(historian)["starts"] == 2


def test_closing_moves_what_is_left_and_leaves_one_file(folder: Path, clock: VirtualClock) -> None:
    with Historian.open(folder, clock) as historian:
        for n in range(3):
            historian.append(series("a.x", [n], start=START + n * US, first=n))
            historian.commit()
        historian.start_committing(interval_s=3600.0)
        historian.append(series("a.x", [3], start=START + 3 * US, first=3))
        pid = committer(historian)["pid"]
    assert not psutil.pid_exists(pid)  # type: ignore[arg-type]
    with Historian.open(folder, clock, read_only=True) as reader:
        stats = reader.stats()
        assert (stats["spooled"], stats["samples"], stats["files"]["samples"]) == (0, 4, 1)


def test_closing_leaves_one_file_of_more_than_one_merge_takes(
    folder: Path, clock: VirtualClock
) -> None:
    with Historian.open(folder, clock) as historian:
        for n in range(20):
            historian.append(series("a.x", [n], start=START + n * US, first=n))
            historian.commit()
        assert historian.stats()["files"]["samples"] == 20
        historian.start_committing(interval_s=60.0)
    with Historian.open(folder, clock, read_only=True) as historian:
        assert historian.stats()["files"]["samples"] == 1
        assert historian.samples(["a.x"], START, START + 1000 * US).num_rows == 20


def test_it_ends_when_its_core_is_killed(folder: Path, clock: VirtualClock) -> None:
    code = (
        "import sys; from pathlib import Path; from genba.historian import Historian;"
        "from genba.plant import Sample, SystemClock;"
        "h = Historian.open(Path(sys.argv[1]), SystemClock()); h.start_committing(3600.0);"
        f"h.append([Sample('a.x', {START}, {START}, 1.0)]);"
        "print(h.stats()['committer']['pid'], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as core:
        assert core.stdout is not None
        pid = int(core.stdout.readline())
        core.kill()
    wait_for(lambda: not psutil.pid_exists(pid))
    with Historian.open(folder, clock) as historian:
        assert historian.samples(["a.x"], START, START + US).num_rows == 1


def test_its_complaint_reaches_who_asked(
    historian: Historian, folder: Path, eventually: object
) -> None:
    historian.append(series("a.x", [1.0]))
    (folder / "samples").write_text("a file where the table should be")
    historian.start_committing(interval_s=3600.0)
    with pytest.raises(HistorianError, match=r"did not move 1 rows: table .*samples"):
        historian.commit()
    (folder / "samples").unlink()
    assert historian.commit() == 1
