"""Recordings played as devices: forms, times, speed, history, broken files, flat memory."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genba.connect.driver import DriverContext
from genba.connect.replay import ReplayDriver
from genba.errors import ConnectionLost, DeviceError, PlantError
from genba.plant import (
    US,
    Clock,
    Connection,
    Link,
    Quality,
    Sample,
    Signal,
    SystemClock,
    VirtualClock,
    parse_time,
)

Eventually = Callable[..., Any]
T0 = parse_time("2026-01-05T06:00:00Z")
LONG = """signal,time,value
temp,2026-01-05T06:00:00Z,20.5
state,2026-01-05T06:00:00Z,4
temp,2026-01-05T06:00:10Z,21
note,2026-01-05T15:00:10+09:00,"hot, very"
temp,2026-01-05T06:00:20.5Z,
temp,2026-01-05T06:00:30Z,20.5
"""
WIDE = """time,temp,state,note
2026-01-05T06:00:00Z,20.5,4,
2026-01-05T06:00:10Z,21,,"hot, very"
2026-01-05T06:00:30Z,20.5,,
"""


def signal(name: str, type_: str = "float", **fields: Any) -> Signal:
    return Signal.model_validate(
        {
            "id": f"m.{name}",
            "equipment": "m",
            "connection": "m",
            "address": name,
            "type": type_,
            "kind": "measurement" if type_ == "float" else "state",
            **fields,
        }
    )


SIGNALS = (signal("temp"), signal("state", "int"), signal("note", "string"))


def driver(
    file: Path, clock: Clock | None = None, *signals: Signal, **options: Any
) -> ReplayDriver:
    connection = Connection(id="m", driver="replay", url=f"file:{file}", options=options)
    context = DriverContext(connection, signals or SIGNALS, clock or SystemClock(), Path())
    return ReplayDriver(context)


def write(folder: Path, text: str | bytes, name: str = "recording.csv") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


async def play(subject: ReplayDriver, eventually: Eventually, *signals: Signal) -> list[Sample]:
    """Play to the end, or to where the recording is broken."""
    received: list[Sample] = []
    await subject.connect()
    await subject.subscribe(signals or SIGNALS, received.extend)
    await eventually(lambda: subject.health().link is Link.DOWN)
    return received


def told(samples: list[Sample], of: Signal) -> list[tuple[float, Any]]:
    return [((s.source_time - T0) / US, s.value) for s in samples if s.signal == of.id]


TEMP, STATE, NOTE = SIGNALS


async def test_long_form_keeps_times_types_and_missing_values(
    tmp_path: Path, eventually: Eventually
) -> None:
    subject = driver(write(tmp_path, LONG), as_fast_as_possible=True)
    received = await play(subject, eventually)
    assert told(received, TEMP) == [(0, 20.5), (10, 21.0), (20.5, None), (30, 20.5)]
    assert told(received, STATE) == [(0, 4)]
    assert told(received, NOTE) == [(10, "hot, very")]
    assert [s.quality for s in received if s.value is None] == [Quality.BAD]
    assert [s.sequence for s in received] == [1, 2, 3, 4, 5, 6]
    assert "ended after 6 samples" in subject.health().error
    await subject.close()
    assert subject.health().link is Link.CLOSED


async def test_wide_form_plays_the_same_but_for_empty_cells(
    tmp_path: Path, eventually: Eventually
) -> None:
    subject = driver(write(tmp_path, WIDE), as_fast_as_possible=True)
    received = await play(subject, eventually)
    await subject.close()
    assert told(received, TEMP) == [(0, 20.5), (10, 21.0), (30, 20.5)]
    assert told(received, STATE) == [(0, 4)]
    assert told(received, NOTE) == [(10, "hot, very")]


async def test_a_historian_export_in_parquet_plays_as_it_is(
    tmp_path: Path, eventually: Eventually
) -> None:
    moments = [dt.datetime(2026, 1, 5, 6, 0, second, tzinfo=dt.UTC) for second in (0, 1, 2, 3)]
    table = pa.table(
        {
            "signal": pa.array(["temp", "note", "state", "temp"]).dictionary_encode(),
            "source_time": pa.array(moments, pa.timestamp("us", "UTC")),
            "value": pa.array([20.5, None, 4.0, 21.5]),
            "text": pa.array([None, "hot", None, None]),
            "quality": pa.array([0, 0, 0, 2], pa.int8()),
        }
    )
    file = tmp_path / "export.parquet"
    pq.write_table(table, file)
    subject = driver(file, as_fast_as_possible=True)
    received = await play(subject, eventually)
    await subject.close()
    assert told(received, TEMP) == [(0, 20.5), (3, 21.5)]
    assert told(received, NOTE) == [(1, "hot")]
    assert told(received, STATE) == [(2, 4)]
    assert [s.quality for s in received] == [0, 0, 0, 2]


async def test_it_follows_the_plant_clock_at_its_speed(
    tmp_path: Path, eventually: Eventually
) -> None:
    start = T0 + 1000 * US
    clock = VirtualClock(start)
    subject = driver(write(tmp_path, LONG), clock, speed=2.0, times="shifted")
    received: list[Sample] = []
    await subject.connect()
    await subject.subscribe(SIGNALS, received.extend)
    await eventually(lambda: len(received) == 2)
    clock.set(start + 5 * US - 1)
    assert not [s for s in received if s.source_time > start]
    clock.set(start + 5 * US)
    await eventually(lambda: len(received) == 4)
    clock.set(start + 15 * US)
    await eventually(lambda: subject.health().link is Link.DOWN)
    await subject.close()
    temps = [s.source_time - start for s in received if s.signal == TEMP.id]
    assert temps == [0, 5 * US, 10_250_000, 15 * US]


@pytest.mark.parametrize(("unit", "factor"), [("s", 1e-6), ("ms", 1e-3), ("us", 1), ("ns", 1000)])
async def test_times_may_be_numbers(
    tmp_path: Path, eventually: Eventually, unit: str, factor: float
) -> None:
    at = T0 + 250_000
    number = f"{at * factor:.6f}" if unit == "s" else f"{int(at * factor)}"
    file = write(tmp_path, f"when,temp\n{number},1.5\n")
    options = {"time_unit": unit, "columns": {"time": "when"}, "as_fast_as_possible": True}
    subject = driver(file, None, TEMP, **options)
    received = await play(subject, eventually, TEMP)
    await subject.close()
    assert [(s.source_time, s.value) for s in received] == [(at, 1.5)]


async def test_history_is_the_recording(tmp_path: Path) -> None:
    subject = driver(write(tmp_path, LONG), VirtualClock(T0))
    await subject.connect()
    found = await subject.history(TEMP, T0 + 10 * US, T0 + 30 * US)
    everything = await subject.history(TEMP, 0, 2**60)
    await subject.close()
    assert told(found, TEMP) == [(10, 21.0), (20.5, None)]
    assert len(everything) == 4


async def test_browse_and_read(tmp_path: Path, eventually: Eventually) -> None:
    for text in (LONG, WIDE):
        subject = driver(write(tmp_path, text), as_fast_as_possible=True)
        await subject.connect()
        found = {entry.address: entry.type for entry in await subject.browse()}
        assert found == {"temp": "float", "state": "float", "note": "string"}
        assert [s.quality for s in await subject.read([TEMP])] == [Quality.BAD]
        await play(subject, eventually)
        assert [s.value for s in await subject.read([STATE, TEMP])] == [4, 20.5]
        with pytest.raises(DeviceError, match="takes no writes"):
            await subject.write(TEMP, 1.0)
        await subject.close()
        with pytest.raises(ConnectionLost):
            await subject.read([TEMP])


@pytest.mark.parametrize(
    ("text", "before", "part"),
    [
        (LONG.replace("20.5Z,", "20.5Z,abc"), 4, "row 6: 'abc' of 'temp' is no float"),
        (LONG.replace(",4\n", ",4.5\n"), 1, "row 3: '4.5' of 'state' is no int"),
        (LONG.replace("06:00:10Z", "06:00:10"), 2, r"row 4, column 'time'.* a time with a zone"),
        (LONG.replace("2026-01-05T06:00:30Z", ""), 5, "row 7, column 'time': ''"),
        (LONG.replace("06:00:30Z", "05:00:30Z"), 5, "row 7, column 'time': time goes back"),
        (LONG + "temp,2026-01-05T07:00:00Z\n", 0, "Row #8: Expected 3 columns, got 2"),
        (LONG.encode() + b"\xff\xfe,2026-01-05T07:00:00Z,1\n", 0, "UTF8"),
    ],
)
async def test_a_broken_row_is_named_and_what_was_before_is_kept(
    tmp_path: Path, eventually: Eventually, text: str | bytes, before: int, part: str
) -> None:
    file = write(tmp_path, text)
    subject = driver(file, as_fast_as_possible=True)
    assert len(await play(subject, eventually)) == before
    error = subject.health().error
    await subject.close()
    with pytest.raises(AssertionError, match=f"{file}.*{part}"):
        raise AssertionError(error)


@pytest.mark.parametrize(
    ("text", "name", "options", "part"),
    [
        (None, "none.csv", {}, "no such recording"),
        ("x", "notes.txt", {}, "a .csv or a .parquet file"),
        ("a,b\n1,2\n", "r.csv", {}, "no column 'time', but a, b"),
        ("time,signal\n1,2\n", "r.csv", {}, "no column 'value'"),
        ("time,other\n1,2\n", "r.csv", {}, r"m\.temp.*no column 'temp', but other"),
        (WIDE, "r.csv", {"columns": {"time": "when"}}, "no column 'when'"),
        ("", "r.csv", {}, "is empty"),
        ("not parquet", "r.parquet", {}, "r.parquet"),
    ],
)
async def test_a_file_that_cannot_be_played_is_one_clear_error(
    tmp_path: Path, text: str | None, name: str, options: dict[str, Any], part: str
) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    with pytest.raises(DeviceError, match=part) as caught:
        await driver(file, **options).connect()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "part"),
    [({"speed": 0}, "option 'speed'"), ({"times": "now"}, "option 'times'"), ({"rate": 1}, "rate")],
)
def test_a_bad_option_is_refused_at_once(options: dict[str, Any], part: str) -> None:
    with pytest.raises(PlantError, match=part):
        driver(Path("x.csv"), **options)


def test_setpoints_and_foreign_urls_are_refused_at_once() -> None:
    with pytest.raises(PlantError, match="takes no writes"):
        driver(Path("x.csv"), None, signal("x", kind="setpoint"))
    connection = Connection(id="m", driver="replay", url="https://example.org/x.csv")
    with pytest.raises(PlantError, match="is no file"):
        ReplayDriver(DriverContext(connection, (), SystemClock(), Path()))


PLAY = """
import asyncio, re, sys
from pathlib import Path
from tests.connect.test_replay import TEMP, driver
from genba.plant import Link

async def main():
    subject = driver(Path(sys.argv[1]), None, TEMP, as_fast_as_possible=True, most_samples_s=10**9)
    count = 0
    def sink(samples):
        nonlocal count
        count += len(samples)
    await subject.connect()
    await subject.subscribe([TEMP], sink)
    while subject.health().link is not Link.DOWN:
        await asyncio.sleep(0.01)
    await subject.close()
    status = Path("/proc/self/status").read_text()  # rusage would show the parent's peak
    print(count, re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """The second recording is 100 MB longer; the memory that playing it takes is not."""
    unwanted = b"a-signal-that-nobody-asked-for,2026-01-05T06:00:00Z,1234.5678\n"
    block = b"temp,2026-01-05T06:00:00Z,20.5\n" + unwanted * 99
    used = []
    for repeats in (8_000, 24_000):
        file = tmp_path / "long.csv"
        with file.open("wb") as content:
            content.write(b"signal,time,value\n")
            for _ in range(repeats // 100):
                content.write(block * 100)
        output = subprocess.run(
            [sys.executable, "-c", PLAY, str(file)], check=True, capture_output=True, text=True
        ).stdout
        count, kilobytes = map(int, output.split())
        assert count == repeats
        used.append(kilobytes)
    assert 16_000 * len(block) > 98_000_000
    assert used[1] - used[0] < 50_000


async def test_a_sink_that_fails_ends_the_playing_and_is_said(
    tmp_path: Path, eventually: Eventually
) -> None:
    subject = driver(write(tmp_path, LONG), as_fast_as_possible=True)

    def sink(samples: Sequence[Sample]) -> None:
        raise RuntimeError("stumbled")

    await subject.connect()
    await subject.subscribe(SIGNALS, sink)
    await eventually(lambda: subject.health().link is Link.DOWN)
    assert "unexpected RuntimeError: stumbled" in subject.health().error
    await subject.close()
