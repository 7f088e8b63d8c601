"""The disk's reserve: on a real small file system nothing is acknowledged below it, and it goes on.

The watch's forecast is held against a disk of which the test knows how it fills.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.historian.conftest import START, series

from genba.historian import Historian
from genba.historian.disk import DiskFull, DiskWatch, Room, Usage
from genba.plant import US, Storage, VirtualClock

GIB = 2**30


class Filling:
    """A disk of 1,000 GiB of which so much is free."""

    def __init__(self, free: float) -> None:
        self.free = free

    def __call__(self, folder: Path) -> Usage:
        return Usage(1000 * GIB, round(self.free * GIB))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB in memory; needs the right to mount."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a small file system needs root and a kernel that lets it")
    yield place
    ctypes.CDLL(None).sync()
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_below_the_reserve_samples_are_refused_and_records_are_not(
    small_disk: Path, clock: VirtualClock
) -> None:
    rules = Storage(reserve_gib=16 / 1024, reserve_fraction=0.5)
    watch = DiskWatch(small_disk, rules)
    with Historian.open(small_disk / "historian", clock, disk=watch) as historian:
        historian.append(series("a.x", range(1000)))
        filler = small_disk / "filler"
        filler.write_bytes(os.urandom(54 * 2**20))
        with pytest.raises(DiskFull, match=r"takes no more samples.*make room"):
            historian.append(series("a.x", [1.0], start=START + 2000 * US, first=2000))
        assert watch.look(0.0).room is Room.NONE
        historian.append_rows("events", [{"id": "E-full", "time": START}])  # why, is recorded
        assert historian.commit() == 1001  # SQLite and Delta still finish
        assert historian.samples(["a.x"], START, START + 9000 * US).num_rows == 1000
        filler.unlink()
        historian.append(series("a.x", [1.0], start=START + 2000 * US, first=2000))
        assert watch.look(60.0).room is not Room.NONE
        assert historian.samples(["a.x"], START, START + 9000 * US).num_rows == 1001


def test_records_stop_before_the_last_bytes(small_disk: Path, clock: VirtualClock) -> None:
    watch = DiskWatch(small_disk, Storage(reserve_gib=16 / 1024, reserve_fraction=0.5))
    with Historian.open(small_disk / "historian", clock, disk=watch) as historian:
        (small_disk / "filler").write_bytes(bytes(62 * 2**20))
        with pytest.raises(DiskFull):
            historian.append_rows("events", [{"id": "E", "time": START}])
        assert historian.stats()["records"]["events"] == 0


def test_it_warns_by_part_and_by_days() -> None:
    disk = Filling(300.0)
    watch = DiskWatch(Path(), Storage(), disk)
    state = watch.look(0.0)
    assert (state.room, state.full_in_days, state.growth_bytes_h) == (Room.ENOUGH, None, None)
    for minute in range(1, 31):  # 3 GiB an hour: 72 a day, so it is full in about 4 days
        disk.free -= 3.0 / 60
        state = watch.look(60.0 * minute)
    assert state.growth_bytes_h == pytest.approx(3 * GIB, rel=1e-6)
    assert state.full_in_days == pytest.approx((298.5 - 1.0) / 72, rel=1e-3)
    assert state.room is Room.LITTLE
    assert "full in 4.1 days as it fills now" in str(state)
    other = Filling(99.0)
    assert DiskWatch(Path(), Storage(), other).look(0.0).room is Room.LITTLE
    other.free = 0.9
    assert DiskWatch(Path(), Storage(), other).look(0.0).room is Room.NONE


def test_one_large_file_is_no_trend() -> None:
    disk = Filling(500.0)
    watch = DiskWatch(Path(), Storage(), disk)
    for minute in range(60):
        disk.free -= 100.0 if minute == 50 else 0.001
        state = watch.look(60.0 * minute)
    assert state.growth_bytes_h == pytest.approx(0.06 * GIB, rel=0.01)


def test_the_smaller_reserve_holds() -> None:
    watch = DiskWatch(Path(), Storage(reserve_gib=1.0, reserve_fraction=0.02))
    assert watch.reserve(1000 * GIB) == GIB
    assert watch.reserve(10 * GIB) == round(0.2 * GIB)
