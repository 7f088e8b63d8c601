"""Backfilling from a device's own record: all that it has, once, whatever happens meanwhile."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from genba.errors import ConnectionLost, DeviceError, NoHistory
from genba.historian import GapLedger, Historian
from genba.historian.present import Key, last_before, stored_keys
from genba.operate.alarms.facts import backfill_facts
from genba.operate.recovery import backfill
from genba.operate.recovery.backfill import Backfill
from genba.operate.recovery.progress import Progress
from genba.plant import (
    US,
    Gap,
    GapReason,
    Recovery,
    Sample,
    Signal,
    SignalKind,
    SystemClock,
)

NAMES = ("mill.power", "mill.count")
SIGNALS = {
    name: Signal(id=name, equipment="mill", connection="mill", address=name) for name in NAMES
}
START = SystemClock().now() // US * US - 7200 * US
GAP = START + 600 * US, START + 3000 * US


class Recorder:
    """A device that keeps a record of each second."""

    def __init__(self) -> None:
        self.values = {
            name: [Sample(name, START + n * US, 0, float(n)) for n in range(3600)] for name in NAMES
        }
        self.keeps_from = 0
        self.faults: dict[str, list[Exception]] = {}
        self.read_faults: list[Exception] = []
        self.asked: list[tuple[str, int, int]] = []

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        await asyncio.sleep(0)
        self.asked.append((signal.id, start, end))
        if faults := self.faults.get(signal.id):
            raise faults.pop(0)
        begin = max(start, self.keeps_from)
        now = SystemClock().now()
        return [
            sample._replace(receive_time=now)
            for sample in self.values[signal.id]
            if begin <= sample.source_time < end
        ]

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        if self.read_faults:
            raise self.read_faults.pop(0)
        return [self.values[signal.id][-1] for signal in signals]


class Shelf:
    """The historian, as backfilling sees it."""

    def __init__(self, historian: Historian) -> None:
        self.historian = historian
        self.put_calls = 0

    async def keys(
        self, signals: Sequence[str], events: Iterable[str], start: int, end: int
    ) -> dict[str, set[Key]]:
        return await asyncio.to_thread(
            stored_keys, self.historian, signals, list(events), start, end
        )

    async def last_before(self, signals: Iterable[str], before: int) -> dict[str, int]:
        return await asyncio.to_thread(last_before, self.historian, list(signals), before)

    async def put(self, samples: Sequence[Sample]) -> None:
        self.put_calls += 1
        if samples:
            await asyncio.to_thread(self.historian.append, samples)


class Bench:
    """A device with a record, a historian with a hole, and a ledger that knows of it."""

    def __init__(self, historian: Historian) -> None:
        self.historian, self.device, self.shelf = historian, Recorder(), Shelf(historian)
        self.rows: list[tuple[str, Mapping[str, Any]]] = []
        self.told: list[Progress] = []
        self.is_up = True
        for samples in self.device.values.values():
            historian.append([s for s in samples if not GAP[0] < s.source_time < GAP[1]])
        self.ledger = self.new_ledger()
        self.ledger.tell(Gap(NAMES, *GAP, GapReason.LINK))

    def new_ledger(self) -> GapLedger:
        return GapLedger(
            lambda table, row: self.rows.append((table, row)), dict.fromkeys(NAMES, "mill")
        )

    def start(self, signals: Mapping[str, Signal] = SIGNALS) -> Backfill:
        made = Backfill(
            "mill",
            self.device,
            signals,
            self.ledger,
            self.shelf,
            SystemClock(),
            lambda _: self.is_up,
            lambda _: 0.0,
            lambda _, progress: self.told.append(progress),
        )
        made.look()
        return made

    def stored(self, name: str) -> list[float]:
        rows: list[float] = self.historian.samples([name], 0, 2**52)["value"].to_pylist()
        return rows

    def entries(self, name: str) -> list[tuple[int, int | None, Recovery]]:
        newest = {row["id"]: row for table, row in self.rows if table == "gaps"}
        return sorted(
            (row["start"], row["end"], Recovery(row["recovery"]))
            for row in newest.values()
            if row["signal"] == name and row["end"] != row["start"]
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Historian.open(tmp_path / "historian", SystemClock()) as historian:
        yield Bench(historian)


async def run(bench: Bench, eventually: Any, **more: Any) -> Backfill:
    """Backfill until a round is over."""
    rounds = len(bench.told)
    filling = bench.start()
    task = asyncio.create_task(filling.run())
    try:
        await eventually(lambda: len(bench.told) > rounds, 20.0, "the end of a round")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return filling


EACH = [float(n) for n in range(3600)]
WHOLE = [(*GAP, Recovery.HISTORY)]


async def test_all_that_was_missed_is_stored_once(bench: Bench, eventually: Any) -> None:
    bench.historian.append(bench.device.values[NAMES[0]][1000:1500])  # delivered late, say
    await run(bench, eventually)
    for name in NAMES:
        assert bench.stored(name) == EACH
        assert bench.entries(name) == WHOLE
    assert bench.told[0].samples == 2 * 2399 - 500
    assert bench.ledger.missing() == []


async def test_the_newest_comes_first(bench: Bench, eventually: Any) -> None:
    await run(bench, eventually)
    starts = [start for name, start, _ in bench.device.asked if name == NAMES[0]]
    assert len(starts) > 3
    assert starts == sorted(starts, reverse=True)
    assert max(e - s for _, s, e in bench.device.asked) <= (backfill.LONGEST_S + 20) * US


async def test_a_device_without_history_is_said_to_have_none(bench: Bench, eventually: Any) -> None:
    bench.device.faults[NAMES[0]] = [NoHistory("it keeps none")]
    await run(bench, eventually)
    assert bench.entries(NAMES[0]) == [(*GAP, Recovery.NONE)]
    assert bench.entries(NAMES[1]) == WHOLE
    assert bench.told[0].none == {NAMES[0]}


async def test_a_record_that_does_not_go_back_far_enough_is_partly(
    bench: Bench, eventually: Any
) -> None:
    oldest = bench.device.keeps_from = START + 1800 * US
    await run(bench, eventually)
    assert bench.entries(NAMES[0]) == [
        (GAP[0], oldest, Recovery.PARTLY),
        (oldest, GAP[1], Recovery.HISTORY),
    ]
    assert bench.stored(NAMES[0]) == [float(n) for n in range(3600) if n <= 600 or n >= 1800]
    assert bench.told[0].partly == set(NAMES)


async def test_a_record_that_was_lost_is_not_taken_for_silence(
    bench: Bench, eventually: Any
) -> None:
    bench.device.keeps_from = GAP[1] + 60 * US
    await run(bench, eventually)
    assert bench.entries(NAMES[0]) == [(*GAP, Recovery.NONE)]
    assert bench.told[0].none == set(NAMES)


async def test_a_signal_that_did_not_change_missed_nothing(bench: Bench, eventually: Any) -> None:
    for name in NAMES:
        bench.device.values[name] = bench.device.values[name][:300]
    await run(bench, eventually)
    assert bench.entries(NAMES[0]) == WHOLE
    assert bench.told[0].samples == 0
    assert not bench.told[0].lost


@pytest.mark.parametrize("error", [DeviceError("busy"), RuntimeError("a bug"), TimeoutError()])
async def test_what_fails_is_tried_again(bench: Bench, eventually: Any, error: Exception) -> None:
    bench.device.faults[NAMES[0]] = [error, error]
    await run(bench, eventually)
    for name in NAMES:
        assert bench.stored(name) == EACH
        assert bench.entries(name) == WHOLE


async def test_what_fails_for_good_is_given_up_and_said(
    bench: Bench, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "ATTEMPTS", 2)
    bench.device.faults[NAMES[0]] = [DeviceError("its disk is broken")] * 100
    work = await run(bench, eventually)
    assert bench.told[0].failed == {NAMES[0]: "its disk is broken"}
    (fact,) = backfill_facts({"mill": work.failed})
    assert (fact.kind, fact.about) == ("backfill", "mill")
    assert "its disk is broken" in fact.text
    work.again()
    assert not list(backfill_facts({"mill": work.failed}))
    assert bench.entries(NAMES[0]) == [(*GAP, Recovery.NONE)]
    assert bench.entries(NAMES[1]) == WHOLE


async def test_a_device_that_does_not_answer_how_far_it_goes_back_is_asked_again(
    bench: Bench, eventually: Any
) -> None:
    for name in NAMES:
        bench.device.values[name] = bench.device.values[name][:300]
    bench.device.read_faults = [ConnectionLost("gone")]
    bench.device.keeps_from = GAP[0]
    await run(bench, eventually)
    assert bench.device.read_faults == []
    for name in NAMES:
        assert bench.entries(name) == WHOLE


async def test_it_goes_on_after_a_restart_in_the_middle(bench: Bench, eventually: Any) -> None:
    filling = bench.start()
    task = asyncio.create_task(filling.run())
    await eventually(lambda: bench.shelf.put_calls == 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bench.ledger.missing()
    bench.historian.append_rows("gaps", [row for table, row in bench.rows if table == "gaps"])
    bench.ledger = bench.new_ledger()
    bench.ledger.restore(bench.historian)
    await run(bench, eventually)
    for name in NAMES:
        assert bench.stored(name) == EACH
    assert bench.ledger.missing() == []


async def test_it_goes_on_when_the_link_comes_back(bench: Bench, eventually: Any) -> None:
    filling = bench.start()
    task = asyncio.create_task(filling.run())
    try:
        await eventually(lambda: bench.shelf.put_calls == 3)
        bench.is_up = False
        bench.device.faults = {name: [ConnectionLost("gone")] for name in NAMES}
        await eventually(lambda: bench.told)
        assert bench.ledger.missing()
        assert not bench.told[0].failed
        bench.is_up = True
        filling.again()
        await eventually(lambda: not bench.ledger.missing(), 20.0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    for name in NAMES:
        assert bench.stored(name) == EACH


async def test_events_of_one_moment_are_all_kept(bench: Bench, eventually: Any) -> None:
    name = NAMES[0]
    moment = START + 1000 * US
    event = SIGNALS[name].model_copy(update={"kind": SignalKind.EVENT})
    bench.device.values[name] = [Sample(name, moment, 0, float(n)) for n in range(3)]
    bench.historian.append([Sample(name, moment, moment, 1.0)])
    filling = bench.start({**SIGNALS, name: event})
    task = asyncio.create_task(filling.run())
    try:
        await eventually(lambda: bench.told, 20.0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    found = bench.historian.samples([name], moment, moment + 1)["value"].to_pylist()
    assert sorted(found) == [0.0, 1.0, 2.0]
