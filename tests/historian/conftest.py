"""A historian in a folder of its own, at a clock that stands still, and samples to put in."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from genba.historian import Historian
from genba.plant import US, Sample, Scalar, VirtualClock, parse_time

START = parse_time("2026-01-05T06:00:00Z")


def series(
    signal: str, values: Sequence[Scalar], *, start: int = START, step_us: int = US, first: int = 0
) -> list[Sample]:
    """Samples of one signal, evenly spaced; received 5 us after they were taken."""
    return [
        Sample(signal, start + i * step_us, start + i * step_us + 5, value, 0, first + i)
        for i, value in enumerate(values)
    ]


def times(table: pa.Table, column: str = "source_time") -> list[int]:
    """A time column as microseconds."""
    return table[column].cast(pa.int64()).to_pylist()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "historian"


@pytest.fixture
def historian(folder: Path, clock: VirtualClock) -> Iterator[Historian]:
    with Historian.open(folder, clock) as opened:
        yield opened
