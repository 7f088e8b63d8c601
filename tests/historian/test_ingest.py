"""From the event loop into the spool: never blocking, never dropping silently."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.historian.conftest import START, series
from tests.historian.test_disk import Filling

from genba.errors import HistorianError
from genba.historian import Historian, Ingest
from genba.historian.disk import DiskWatch
from genba.plant import US, Sample, Storage, VirtualClock


async def within(seconds: float, ingest: Ingest) -> None:
    async with asyncio.timeout(seconds):
        await ingest.drained()


async def test_what_was_put_is_durable_when_drained(historian: Historian) -> None:
    ingest = Ingest(historian)
    for n in range(100):
        ingest.put(series("a.x", [n], start=START + n * US, first=n))
    assert ingest.acknowledged < 100
    await within(10, ingest)
    assert (ingest.accepted, ingest.acknowledged, ingest.waiting) == (100, 100, 0)
    found = historian.samples(["a.x"], START, START + 1000 * US)
    assert found["sequence"].to_pylist() == list(range(100))
    ingest.close()


async def test_small_puts_share_a_write(historian: Historian) -> None:
    ingest = Ingest(historian)
    for n in range(200):
        ingest.put(series("a.x", [n], start=START + n * US))
    await within(10, ingest)
    assert historian._store.spool.backlog().batches < 20
    ingest.close()


async def test_records_go_the_same_way(historian: Historian) -> None:
    ingest = Ingest(historian)
    ingest.put(series("a.x", [1.0]))
    ingest.put_rows("events", [{"id": "e-1", "time": START, "text": "begun"}])
    await within(10, ingest)
    assert ingest.acknowledged == 2
    assert historian.rows("events")["text"].to_pylist() == ["begun"]
    with pytest.raises(HistorianError, match="no table 'wishes'"):
        ingest.put_rows("wishes", [{"id": "w"}])
    ingest.close()


async def test_beyond_its_bound_it_refuses_and_says_so(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = Ingest(historian, most=10)
    with monkeypatch.context() as patch:
        patch.setattr(historian, "append_all", _no_room)
        ingest.put(series("a.x", range(4)))
        assert not ingest.full
        ingest.put(series("a.x", range(4, 8), start=START + 4 * US))
        assert ingest.full
        with pytest.raises(HistorianError, match="8 samples wait to be stored and no more fit"):
            ingest.put(series("a.x", range(8, 12), start=START + 8 * US))
        assert (ingest.accepted, ingest.refused) == (8, 4)
    await within(10, ingest)
    found = historian.samples(["a.x"], START, START + 1000 * US)
    assert found["value"].to_pylist() == list(range(8))
    ingest.close()


def _no_room(*_: object) -> None:
    raise HistorianError("no room")


async def test_what_can_never_be_stored_does_not_hold_up_the_rest(
    historian: Historian, caplog: pytest.LogCaptureFixture
) -> None:
    ingest = Ingest(historian)
    ingest.put([*series("a.x", [1.0]), Sample("a.y", START, START, {"no": "value"})])  # type: ignore[arg-type]
    ingest.put_rows("events", [{"id": "e-1", "time": START}, {"id": "e-2"}])
    await within(10, ingest)
    assert (ingest.acknowledged, ingest.rejected) == (2, 2)
    assert "a sample of 'a.y' is left out" in caplog.text
    assert "a record of 'events' is left out" in caplog.text
    assert historian.samples(["a.x", "a.y"], START, START + US).num_rows == 1
    ingest.close()


async def test_an_unexpected_failure_is_said_and_tried_again(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = Ingest(historian)
    tried = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail(*_: object) -> None:
        loop.call_soon_threadsafe(tried.set)
        raise RuntimeError("a bug of a library")

    with monkeypatch.context() as patch:
        patch.setattr(historian, "append_all", fail)
        ingest.put(series("a.x", range(5)))
        await asyncio.wait_for(tried.wait(), 10)
    await within(10, ingest)
    assert (ingest.acknowledged, ingest.error) == (5, None)
    assert historian.samples(["a.x"], START, START + 10 * US).num_rows == 5
    ingest.close()


async def test_a_sample_that_is_none_does_not_hold_up_the_rest(historian: Historian) -> None:
    ingest = Ingest(historian)
    ingest.put([*series("a.x", [1.0]), ("a.y", START)])  # type: ignore[list-item]
    await within(10, ingest)
    assert (ingest.acknowledged, ingest.rejected) == (1, 1)
    ingest.close()


async def test_put_does_not_hold_the_loop_up(historian: Historian) -> None:
    ingest = Ingest(historian)
    samples = series("a.x", range(1000))
    before = time.perf_counter()
    ingest.put(samples)
    taken = time.perf_counter() - before
    await within(10, ingest)
    whole = time.perf_counter() - before
    assert taken < whole / 5
    ingest.close()


async def test_closing_stores_what_waits(historian: Historian) -> None:
    ingest = Ingest(historian)
    ingest.put(series("a.x", range(50)))
    ingest.close()
    assert ingest.acknowledged == 50
    with pytest.raises(HistorianError, match="closed"):
        ingest.put(series("a.x", [1.0]))


async def test_nobody_waits_for_what_is_given_up_at_the_end(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genba.historian.ingest.END_S", 0.1)
    ingest = Ingest(historian)
    monkeypatch.setattr(historian, "append_all", _no_room)
    ingest.put(series("a.x", range(4)))
    waiting = asyncio.create_task(ingest.drained())
    await asyncio.sleep(0)
    with pytest.raises(HistorianError, match="4 samples could not be stored"):
        await asyncio.to_thread(ingest.close)
    async with asyncio.timeout(5):
        with pytest.raises(HistorianError, match="4 samples could not be stored"):
            await waiting
        with pytest.raises(HistorianError, match="4 samples could not be stored"):
            await ingest.drained()


async def test_records_overtake_samples_that_the_disk_has_no_room_for(
    folder: Path, clock: VirtualClock, eventually: Callable[..., Awaitable[None]]
) -> None:
    """Who waits for a sample that was put before them is not told that it is durable."""
    disk = Filling(10.0)
    watch = DiskWatch(folder, Storage(), disk)
    with Historian.open(folder, clock, disk=watch) as historian:
        ingest = Ingest(historian)
        disk.free = 0.5  # GiB; below the reserve of 1, above the quarter that is closed to records
        ingest.put(series("a.x", [1.0, 2.0]))
        ingest.put_rows("events", [{"id": "e-1", "time": START}])
        waiter = asyncio.create_task(ingest.drained())
        await eventually(lambda: historian.rows("events").num_rows == 1)
        ingest.put_rows("events", [{"id": f"e-{n}", "time": START + n} for n in (2, 3, 4)])
        await eventually(lambda: historian.rows("events").num_rows == 4)
        assert (ingest.acknowledged, ingest.waiting) == (4, 2)
        assert "the disk is full" in str(ingest.error)
        assert not waiter.done()
        assert historian.samples(["a.x"], START, START + 10 * US).num_rows == 0
        disk.free = 10.0
        await asyncio.wait_for(waiter, 10)
        assert (ingest.acknowledged, ingest.waiting, ingest.error) == (6, 0, None)
        assert historian.samples(["a.x"], START, START + 10 * US).num_rows == 2
        assert historian.rows("events").num_rows == 4
        ingest.close()
