"""One signal, one day at 1 Hz, out of 100 million samples, against DuckDB on a hand-sorted file.

``python -m benchmarks.historian_query``

The same samples lie twice on the disk: in a historian, put in by appending and committing in the
order of time and compacted as it does by itself; and in one Parquet file, sorted by signal and
time, written and read by DuckDB. Both are asked in turns for random signals and days; every
answer is compared. Synthetic data: noisy sines in steps of 0.01. ``--keep DIR`` keeps both for
another run.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from rich.progress import track

from genba.historian import SAMPLES, Historian
from genba.plant import US, VirtualClock, format_time, parse_time

START = parse_time("2026-01-05T00:00:00Z")
DAY_S = 86_400
BLOCK_S = 5400
TIME = pa.timestamp("us", "UTC")
ROUND_TRIPS = 60


def values(signal: int, block: int) -> np.ndarray:
    """One signal for an hour and a half, the same every time."""
    rng = np.random.default_rng((signal, block))
    seconds = block * BLOCK_S + np.arange(BLOCK_S)
    wave = 20 * np.sin(seconds / (600 + 7 * signal))
    return np.round(50 + signal + wave + rng.normal(0, 0.3, BLOCK_S), 2)


def name(signal: int) -> str:
    return f"unit-{signal // 10:02}.signal-{signal % 10}"


def in_order_of_time(signals: int, block: int) -> pa.Table:
    """All signals for an hour and a half, as they would arrive."""
    seconds = np.repeat(block * BLOCK_S + np.arange(BLOCK_S), signals)
    source = START + seconds * US
    names = pa.array([name(i) for i in range(signals)])
    index = pa.array(np.tile(np.arange(signals, dtype=np.int32), BLOCK_S))
    grid = np.stack([values(i, block) for i in range(signals)], axis=1)
    return pa.table(
        {
            "signal": pa.DictionaryArray.from_arrays(index, names),
            "source_time": pa.array(source, TIME),
            "receive_time": pa.array(source + 1500, TIME),
            "value": grid.ravel(),
            "sequence": pa.array(block * BLOCK_S * signals + np.arange(BLOCK_S * signals)),
        }
    )


def build_historian(folder: Path, signals: int, days: int) -> None:
    """Fill a historian in the order of time and compact it."""
    blocks = days * DAY_S // BLOCK_S
    clock = VirtualClock(START)
    with Historian.open(folder, clock) as historian:
        for block in track(range(blocks), "filling the historian"):
            clock.set(START + (block + 1) * BLOCK_S * US)
            historian.append_table(in_order_of_time(signals, block))
            historian.commit()
            if block % 16 == 15:
                historian.compact()
        historian.compact(whole=True)


def sorted_pieces(signals: int, days: int) -> Iterator[pa.RecordBatch]:
    """Give all samples sorted by signal and time, in the historian's columns."""
    blocks = days * DAY_S // BLOCK_S
    for signal in track(range(signals), "writing the sorted file"):
        value = np.concatenate([values(signal, block) for block in range(blocks)])
        seconds = np.arange(blocks * BLOCK_S)
        source = START + seconds * US
        store = START + (seconds // BLOCK_S + 1) * BLOCK_S * US
        count = len(seconds)
        yield pa.RecordBatch.from_arrays(
            [
                pa.repeat(name(signal), count),
                pa.array(source, TIME),
                pa.array(source + 1500, TIME),
                pa.array(store, TIME),
                pa.array(seconds * signals + signal),
                pa.array(value),
                pa.nulls(count, pa.string()),
                pa.repeat(pa.scalar(0, pa.int8()), count),
            ],
            schema=SAMPLES.schema,
        )


def build_sorted(path: Path, signals: int, days: int) -> None:
    """Write the same as one sorted Parquet file, with DuckDB."""
    source = pa.RecordBatchReader.from_batches(SAMPLES.schema, sorted_pieces(signals, days))
    database = duckdb.connect()
    database.execute("SET preserve_insertion_order = true")
    database.register("source", source)
    database.execute(f"COPY source TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def compare(historian: Historian, path: Path, signals: int, days: int) -> tuple[float, float]:
    """Ask both in turns; give back the medians in seconds."""
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    rng = random.Random(1)
    ours, theirs = [], []
    for _ in range(ROUND_TRIPS):
        signal, start = name(rng.randrange(signals)), START + rng.randrange(days) * DAY_S * US
        end = start + DAY_S * US
        question = (
            f"SELECT * FROM '{path}' WHERE signal = '{signal}'"
            f" AND source_time >= '{format_time(start)}'::TIMESTAMPTZ"
            f" AND source_time < '{format_time(end)}'::TIMESTAMPTZ ORDER BY source_time"
        )
        begun = time.perf_counter()
        one = historian.samples([signal], start, end)
        between = time.perf_counter()
        other = database.sql(question).to_arrow_table()
        done = time.perf_counter()
        ours.append(between - begun)
        theirs.append(done - between)
        if one.num_rows != DAY_S or not one["value"].equals(other["value"]):
            raise RuntimeError(f"the two differ for {signal} from {format_time(start)}")
    return statistics.median(ours), statistics.median(theirs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signals", type=int, default=100)
    parser.add_argument("--days", type=int, default=12)
    parser.add_argument("--keep", type=Path, help="folder that keeps the data for another run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "historian").exists():
            build_historian(folder / "historian", options.signals, options.days)
        if not (folder / "sorted.parquet").exists():
            build_sorted(folder / "sorted.parquet", options.signals, options.days)
        with Historian.open(folder / "historian", VirtualClock(START), read_only=True) as historian:
            stats = historian.stats()
            found, peer = compare(
                historian, folder / "sorted.parquet", options.signals, options.days
            )
        size = (folder / "sorted.parquet").stat().st_size
    print(
        f"{DAY_S:,} samples of one signal and day out of {stats['samples']:,}, {ROUND_TRIPS} times"
    )
    print(f"  historian            {found * 1e3:7.1f} ms median, {stats['bytes']:>13,} bytes")
    print(f"  DuckDB {duckdb.__version__}, sorted  {peer * 1e3:6.1f} ms median, {size:>13,} bytes")
    print(f"  ratio                {found / peer:7.2f} (bar: 2 or less)")
    return 0 if found <= 2 * peer else 1


if __name__ == "__main__":
    sys.exit(main())
