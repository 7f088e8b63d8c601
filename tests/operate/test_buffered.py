"""What devices kept in their buffers is recorded once, however often they send it."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.operate.test_uplink import plant

from genba.historian import Historian, Ingest
from genba.historian.admission import Misfit, Reason
from genba.operate import buffered
from genba.operate.buffered import Buffered
from genba.plant import Sample, SystemClock

Eventually = Callable[..., Any]
T0 = 1_767_592_800_000_000


def sample(number: int, value: float | str | int, signal: str = "mill.force") -> Sample:
    return Sample(signal, T0 + number * 1000, T0, value, 0, number)


def never(sample: Sample, misfit: Misfit) -> None:
    raise AssertionError(f"{sample} was set apart: {misfit}")


@pytest.fixture
async def historian(tmp_path: Path) -> AsyncIterator[Historian]:
    with Historian.open(tmp_path / "historian", SystemClock()) as opened:
        yield opened


async def test_a_buffer_that_is_sent_again_is_recorded_once(
    historian: Historian, eventually: Eventually
) -> None:
    ingest = Ingest(historian)
    subject = Buffered(plant(), historian, ingest, ingest.put, never)
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
    subject = Buffered(plant(), historian, ingest, record, never)
    subject([sample(1, 1.0, "line:Extra")])
    assert [entry.signal for entry in recorded] == ["line:Extra"]
    subject([sample(n, 1.0) for n in range(3)])
    assert len(recorded) == 4
    subject([sample(7, 1.0)])
    await subject.stop()
    assert len(recorded) == 5
    ingest.close()


async def test_another_value_for_a_known_time_of_a_measurement_is_set_apart(
    historian: Historian, eventually: Eventually
) -> None:
    held: list[tuple[Sample, Misfit]] = []
    ingest = Ingest(historian)
    subject = Buffered(plant(), historian, ingest, ingest.put, lambda *both: held.append(both))
    historian.append([sample(1, 0.5), sample(2, 0.7)._replace(quality=2)])
    subject([sample(1, 0.75), sample(2, 0.7), sample(3, 1.0), sample(3, 1.5)])
    subject([sample(1, "a", "mill.state"), sample(1, "b", "mill.state")])
    await subject.stop()
    ingest.close()
    assert [(entry.value, misfit.reason) for entry, misfit in held] == [
        (0.75, Reason.DUPLICATE_TIME), (1.5, Reason.DUPLICATE_TIME),
    ]  # fmt: skip
    assert "has the value 0.5 already" in held[0][1].detail
    assert subject.repeats == 0
    rows = historian.samples(["mill.force"], T0, T0 + 10**6).to_pylist()
    assert sorted(row["value"] for row in rows) == [0.5, 0.7, 0.7, 1.0]
    # A state may change twice in one tick of the device's clock.
    states = historian.samples(["mill.state"], T0, T0 + 10**6)
    assert sorted(states["text"].to_pylist()) == ["a", "b"]
