"""How fast samples are summed up by minute and hour, and whether the committer keeps up with it.

``python -m benchmarks.historian_rollup [--rate 18500 --seconds 180]``

First a backlog is summed up at once (samples per second of one process). Then samples come at a
rate in real time into a historian with its committer, and the committer's share of one core and
what it leaves waiting are measured. Synthetic samples: 1,000 signals, a random walk each.
"""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

from genba.historian import Historian
from genba.plant import US, SystemClock

SIGNALS = 1000
BAR_PER_S = 18_500


def samples(start: int, end: int, rate: float, first: int) -> pa.Table:
    """Make samples of a period, at a rate in all."""
    count = round((end - start) / US * rate)
    times = start + (np.arange(count) * (end - start)) // max(count, 1)
    walk = np.cumsum(np.random.default_rng(first + 1).normal(size=count))
    names = pa.DictionaryArray.from_arrays(
        pa.array(np.arange(count, dtype=np.int32) % SIGNALS),
        pa.array([f"machine-{n // 25}.value-{n % 25}" for n in range(SIGNALS)]),
    )
    return pa.table(
        {
            "signal": names,
            "source_time": pa.array(times, pa.timestamp("us", "UTC")),
            "sequence": pa.array(np.arange(first, first + count)),
            "value": walk,
        }
    )


def backlog(folder: Path, rate: float) -> None:
    """Sum up ten minutes of samples at once."""
    with Historian.open(folder, SystemClock()) as historian:
        start = SystemClock().now() // (3600 * US) * 3600 * US
        table = samples(start, start + 600 * US, rate, 0)
        historian.append_table(table)
        began = time.perf_counter()
        historian.commit()
        rows = historian.roll_up(whole=True)
        wall = time.perf_counter() - began
        print(
            f"backlog: {table.num_rows:,} samples committed and summed up in {wall:.1f} s "
            f"({table.num_rows / wall:,.0f}/s), last pass {rows:,} rows"
        )


def live(folder: Path, rate: float, seconds: float) -> None:
    """Take samples at a rate in real time, and look at the committer."""
    clock = SystemClock()
    with Historian.open(folder, clock) as historian:
        historian.start_committing(5.0)
        began, first = clock.now(), 0
        while historian.committer is None or historian.committer["pid"] is None:
            time.sleep(0.01)
        process = psutil.Process(historian.committer["pid"])
        last, due = began, time.monotonic()
        peak, helper_peak = 0.0, 0.0
        while clock.now() - began < seconds * US:
            due += 0.1
            time.sleep(max(0.0, due - time.monotonic()))
            now = clock.now()
            table = samples(last, now, rate, first)
            historian.append_table(table)
            last, first = now, first + table.num_rows
            peak = max(peak, process.memory_info().rss / 1e6)
            helper_peak = max(helper_peak, _of_children(process))
        used = process.cpu_times()
        spooled = historian.stats()["spooled"]
        minutes = historian._store.due.steps("rollup_1m").num_rows / SIGNALS
        share = (used.user + used.system + used.children_user + used.children_system) / seconds
        print(
            f"live: {first / seconds:,.0f} samples/s for {seconds:g} s; committer "
            f"{100 * share:.0f}% of a core with its upkeep, {peak:.0f} MB at most, its upkeep "
            f"{helper_peak:.0f} MB while it runs; {spooled:,} samples wait, "
            f"{minutes:.1f} minutes are not summed up yet "
            f"({'keeps up' if minutes <= 3 and spooled < 20 * rate else 'FALLS BEHIND'})"
        )


def _of_children(process: psutil.Process) -> float:
    """Memory of a process's children, in MB."""
    total = 0.0
    for child in process.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += child.memory_info().rss / 1e6
    return total


def main() -> None:
    """Measure both and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=BAR_PER_S)
    parser.add_argument("--seconds", type=float, default=180.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genba-rollup-") as folder:
        backlog(Path(folder) / "backlog", given.rate)
        live(Path(folder) / "live", given.rate, given.seconds)


if __name__ == "__main__":
    main()
