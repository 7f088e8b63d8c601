"""A full disk: nothing is acknowledged that is not stored, and it goes on when there is room.

The kernel itself refuses to let files grow (RLIMIT_FSIZE), in the middle of real writes.
"""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.historian.conftest import START, series

from genba.errors import HistorianError
from genba.historian import Historian, Ingest
from genba.plant import US


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def largest(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.iterdir())


def numbers(historian: Historian) -> list[int]:
    return historian.samples(["a.x"], START, START + 10**6 * US)["sequence"].to_pylist()


def test_append_says_so_and_stores_nothing_of_the_batch(historian: Historian, folder: Path) -> None:
    historian.append(series("a.x", range(10)))
    stored = 10
    with no_file_larger_than(largest(folder) + 50_000):
        refused = None
        while refused is None:
            values = [os.urandom(200).hex() for _ in range(50)]
            samples = series("a.x", values, start=START + stored * US, first=stored)
            try:
                historian.append(samples)
                stored += 50
            except HistorianError as error:
                refused = str(error)
        assert f"{folder} cannot write: the disk is full" in refused
        assert numbers(historian) == list(range(stored))
    historian.append(series("a.x", [1.0], start=START + stored * US, first=stored))
    historian.commit()
    assert numbers(historian) == list(range(stored + 1))


def test_a_commit_that_finds_no_room_leaves_all_in_the_spool(
    historian: Historian, folder: Path
) -> None:
    values = [os.urandom(50).hex() for _ in range(3000)]
    historian.append(series("a.x", values))
    with no_file_larger_than(100_000):
        with pytest.raises(HistorianError, match=r"cannot be written.*stays in the spool"):
            historian.commit()
        assert numbers(historian) == list(range(3000))
    assert not list((folder / "samples").rglob("*.parquet"))
    assert historian.commit() == 3000
    assert numbers(historian) == list(range(3000))


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("genba.historian.lake.DeltaTable.create_write_transaction", False),
        ("genba.historian.lake.LakeTable._sync", True),
    ],
    ids=["before the log's entry", "after it"],
)
def test_files_of_a_failed_commit_go_unless_it_happened(
    historian: Historian,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    kept: bool,
) -> None:
    """Each further attempt would take more room; but a file that the log names must stay."""
    historian.append(series("a.x", [1.0]))
    historian.commit()
    before = sorted((folder / "samples").rglob("*.parquet"))
    historian.append(series("a.x", [2.0], start=START + US, first=1))
    with monkeypatch.context() as patch:
        patch.setattr(where, _no_room)
        with pytest.raises(HistorianError, match="cannot be written: no room"):
            historian.commit()
    assert len(sorted((folder / "samples").rglob("*.parquet"))) == len(before) + kept
    assert numbers(historian) == [0, 1]
    assert historian.commit() == (0 if kept else 1)
    assert numbers(historian) == [0, 1]


def _no_room(*_: object, **__: object) -> None:
    raise OSError("no room")


def test_files_of_earlier_days_go_when_a_later_day_finds_no_room(
    historian: Historian, folder: Path
) -> None:
    historian.append(series("a.x", [1.0]))
    values = [os.urandom(50).hex() for _ in range(3000)]
    historian.append(series("a.x", values, start=START + 86_400 * US, first=1))
    with no_file_larger_than(100_000), pytest.raises(HistorianError, match="cannot be written"):
        historian.commit()
    assert not list((folder / "samples").rglob("*.parquet"))
    assert historian.commit() == 3001


def test_a_merge_that_finds_no_room_changes_nothing(historian: Historian, folder: Path) -> None:
    for n in range(4):
        values = [os.urandom(50).hex() for _ in range(1000)]
        start = START + n * 1000 * US
        historian.append(series("a.x", values, start=start, first=n * 1000))
        historian.commit()
    before = sorted((folder / "samples").rglob("*.parquet"))
    with (
        no_file_larger_than(100_000),
        pytest.raises(HistorianError, match=r"cannot be compacted.*stays as it was"),
    ):
        historian.compact(whole=True)
    assert sorted((folder / "samples").rglob("*.parquet")) == before
    assert historian.compact(whole=True) == 4
    assert numbers(historian) == list(range(4000))


async def test_ingest_keeps_what_it_has_and_goes_on(historian: Historian, folder: Path) -> None:
    ingest = Ingest(historian)
    with no_file_larger_than(largest(folder) + 20_000):
        count = 0
        while ingest.error is None:
            values = [os.urandom(100).hex() for _ in range(100)]
            ingest.put(series("a.x", values, start=START + count * US, first=count))
            count += 100
            await asyncio.sleep(0.01)
        assert "the disk is full" in ingest.error
        acknowledged = ingest.acknowledged
        assert acknowledged < count
        assert numbers(historian) == list(range(acknowledged))
    async with asyncio.timeout(20):
        await ingest.drained()
    assert ingest.error is None
    assert (ingest.acknowledged, ingest.waiting) == (count, 0)
    assert numbers(historian) == list(range(count))
    ingest.close()
