"""What devices kept in their buffers is recorded once, however often they send it."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.operate.test_uplink import plant

from genba.historian import Historian, Ingest
from genba.operate import buffered
from genba.operate.buffered import Buffered
from genba.plant import Sample, SystemClock

Eventually = Callable[..., Any]
T0 = 1_767_592_800_000_000


def sample(number: int, value: float | str | int, signal: str = "mill.force") -> Sample:
    return Sample(signal, T0 + number * 1000, T0, value, 0, number)


@pytest.fixture
async def historian(tmp_path: Path) -> AsyncIterator[Historian]:
    with Historian.open(tmp_path / "historian", SystemClock()) as opened:
        yield opened


async def test_a_buffer_that_is_sent_again_is_recorded_once(
    historian: Historian, eventually: Eventually
) -> None:
    ingest = Ingest(historian)
    subject = Buffered(plant(), historian, ingest, ingest.put)
    historian.append([sample(1, 0.5)])
    first = [sample(n, n / 2) for n in range(4)]
    states = [sample(n, f"s{n}", "mill.state") for n in range(2)]
    subject([*first, *states])
    await eventually(lambda: subject.repeats == 1)
    subject([*first, *states, sample(9, -3, "mill.count"), sample(9, -3, "mill.count")])
    await eventually(lambda: subject.repeats == 1 + 6 + 1)
    await subject.stop()
    ingest.close()
    rows = historian.samples(["mill.force", "mill.state", "mill.count"], T0, T0 + 10**6)
    assert rows.num_rows == 4 + 2 + 1
    values = rows.filter([name == "mill.force" for name in rows["signal"].to_pylist()])["value"]
    assert values.to_pylist() == [0.0, 0.5, 1.0, 1.5]


async def test_metrics_without_a_signal_are_passed_on_and_nothing_waits_beyond_the_bound(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[Sample] = []

    def record(samples: Sequence[Sample]) -> None:
        recorded.extend(samples)

    monkeypatch.setattr(buffered, "MOST_WAITING", 2)
    ingest = Ingest(historian)
    subject = Buffered(plant(), historian, ingest, record)
    subject([sample(1, 1.0, "line:Extra")])
    assert [entry.signal for entry in recorded] == ["line:Extra"]
    subject([sample(n, 1.0) for n in range(3)])
    assert len(recorded) == 4
    subject([sample(7, 1.0)])
    await subject.stop()
    assert len(recorded) == 5
    ingest.close()
