"""A loop that stands still is ended, and systemd hears of one that moves."""

import socket
import threading
from pathlib import Path

import pytest

from genba.operate.watchdog import EXIT_STALLED, Watchdog


def test_a_loop_that_stands_still_leaves_its_stacks_and_ends(tmp_path: Path) -> None:
    ended: list[int] = []
    over = threading.Event()

    def end(status: int) -> None:
        ended.append(status)
        over.set()

    watchdog = Watchdog(0.01, tmp_path / "stall.txt", limit_s=0.2, end=end)
    watchdog.start()
    assert over.wait(10)
    watchdog.stop()
    assert ended == [EXIT_STALLED]
    stacks = (tmp_path / "stall.txt").read_text(encoding="utf-8")
    assert "The loop had not moved" in stacks
    assert "test_a_loop_that_stands_still" in stacks


def test_a_loop_that_moves_is_left_alone(tmp_path: Path) -> None:
    ended: list[int] = []
    watchdog = Watchdog(0.01, tmp_path / "stall.txt", limit_s=0.5, end=ended.append)
    watchdog.start()
    moved = threading.Event()
    for _ in range(40):
        watchdog.tick()
        moved.wait(0.025)
    watchdog.stop()
    assert ended == []
    assert not (tmp_path / "stall.txt").exists()


def test_systemd_hears_of_start_life_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "4000000")
        watchdog = Watchdog(1.0, tmp_path / "stall.txt")
        watchdog.start()
        watchdog.tick()
        watchdog.tick()
        watchdog.stop()
        assert [systemd.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_the_next_start_finds_what_was_left_behind_once(tmp_path: Path) -> None:
    watchdog = Watchdog(1.0, tmp_path / "stall.txt")
    assert watchdog.left_behind() is None
    (tmp_path / "stall.txt").write_text("The loop had not moved for 31 s. All threads:\n\nmore")
    assert watchdog.left_behind() == (
        "The loop had not moved for 31 s. All threads:",
        "stall.last.txt",
    )
    assert watchdog.left_behind() is None
    assert "more" in (tmp_path / "stall.last.txt").read_text(encoding="utf-8")
