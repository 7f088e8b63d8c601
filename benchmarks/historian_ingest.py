"""How many samples a second go through the spool into the committed table, with full sync.

``python -m benchmarks.historian_ingest``

Batches of half a million samples are appended (durable in the spool: SQLite, WAL,
``synchronous=FULL``) and committed (sorted, written as Parquet, synced, in the Delta log). The
time is that of all batches until the last is in the table. Synthetic data: 1,000 signals at
1 Hz, noise in steps of 0.01; made before the clock starts. A second figure is for many small
appends of `Sample` values through `Ingest`, as a core makes them, with the committer in its own
process.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

from genba.historian import Historian, Ingest
from genba.plant import US, Sample, SystemClock, VirtualClock, parse_time

START = parse_time("2026-01-05T00:00:00Z")
SIGNALS = 1000
BATCH = 500_000
NOTIFICATION = 100
TIME = pa.timestamp("us", "UTC")


def batches(count: int) -> list[pa.Table]:
    """Make samples of all signals, second by second, with a receive time per second and unit."""
    rng = np.random.default_rng(1)
    names = pa.array([f"unit-{i // 20:02}.signal-{i % 20:02}" for i in range(SIGNALS)])
    seconds = BATCH // SIGNALS
    tables = []
    for batch in range(count):
        second = np.repeat(batch * seconds + np.arange(seconds), SIGNALS)
        source = START + second * US
        late = rng.integers(500, 5000, (seconds, SIGNALS // 20)).repeat(20, axis=1).ravel()
        index = np.tile(np.arange(SIGNALS, dtype=np.int32), seconds)
        tables.append(
            pa.table(
                {
                    "signal": pa.DictionaryArray.from_arrays(pa.array(index), names),
                    "source_time": pa.array(source, TIME),
                    "receive_time": pa.array(source + late, TIME),
                    "value": np.round(rng.normal(50, 0.2, BATCH), 2),
                    "sequence": np.arange(BATCH) + batch * BATCH,
                }
            )
        )
    return tables


def columns(count: int) -> float:
    """Samples a second for whole tables, spool to committed table."""
    made = batches(count)
    clock = VirtualClock(START)
    with (
        tempfile.TemporaryDirectory() as place,
        Historian.open(Path(place) / "historian", clock) as historian,
    ):
        begun = time.perf_counter()
        for table in made:
            historian.append_table(table)
            historian.commit()
        taken = time.perf_counter() - begun
        if historian.stats()["files"]["samples"] < 1 or historian.stats()["spooled"]:
            raise RuntimeError("not all was committed")
    return count * BATCH / taken


async def notifications(seconds: float) -> tuple[float, float]:
    """Samples a second for notifications of 100 `Sample` values, and memory in MiB at the end."""
    clock = SystemClock()
    now = clock.now()
    with (
        tempfile.TemporaryDirectory() as place,
        Historian.open(Path(place) / "historian", clock) as historian,
    ):
        historian.start_committing()
        ingest = Ingest(historian)
        begun = time.perf_counter()
        number = 0
        while time.perf_counter() - begun < seconds:
            if ingest.full:
                await asyncio.sleep(0.005)
                continue
            ingest.put(
                [
                    Sample(f"unit.s{i:03}", now + number + i, now, 0.5 * i, 0, number + i)
                    for i in range(NOTIFICATION)
                ]
            )
            number += NOTIFICATION
            await asyncio.sleep(0)
        await ingest.drained()
        taken = time.perf_counter() - begun
        memory = psutil.Process().memory_info().rss / 2**20
        historian.commit()
        if historian.stats()["samples"] != number:
            raise RuntimeError("samples are missing")
        ingest.close()
    return number / taken, memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=40, help="half a million samples each")
    parser.add_argument("--seconds", type=float, default=10.0, help="of small appends")
    options = parser.parse_args()
    rate = columns(options.batches)
    print(f"{options.batches * BATCH:,} samples, spool to committed table, full sync:")
    print(f"  {rate:>11,.0f} samples/s (bar: 1,000,000)")
    small, memory = asyncio.run(notifications(options.seconds))
    print(f"notifications of {NOTIFICATION} Sample values through Ingest, {options.seconds:g} s:")
    print(f"  {small:>11,.0f} samples/s, {memory:,.0f} MiB in the appending process")
    return 0 if rate >= 1_000_000 else 1


if __name__ == "__main__":
    sys.exit(main())
