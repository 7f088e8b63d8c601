"""kill -9 during ingest, commit and compaction: is anything acknowledged lost, or doubled?

``python -m benchmarks.historian_kill --kills 50``

A process appends numbered samples and says on a pipe which ones were acknowledged; its committer
moves and compacts them at the same time. At a random moment the process, its committer, or both
are killed with SIGKILL. After each kill the historian is opened again and every number is looked
up; at the end the Delta table is read with `deltalake` alone, and its Parquet files with DuckDB
alone, without a line of Genba.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import psutil
from deltalake import DeltaTable

from genba.historian import Historian, Ingest
from genba.plant import US, Sample, SystemClock, parse_time

START = parse_time("2026-01-05T00:00:00Z")
SIGNALS = 20
_STEP_US = 40_000  # a day holds 2.16 million samples: some runs pass midnight


def write(folder: Path, first: int, seed: int) -> None:
    """Append samples ``first, first + 1, ...`` for ever, saying which are acknowledged."""
    rng = random.Random(seed)
    historian = Historian.open(folder, SystemClock())
    historian.start_committing(interval_s=0.05)
    say(f"committer {historian.stats()['committer']['pid']}")
    if rng.random() < 0.5:
        _write_directly(historian, first, rng)
    else:
        _write_through_ingest(historian, first, rng)


def _write_directly(historian: Historian, number: int, rng: random.Random) -> None:
    while True:
        count = rng.choice((1, 10, 500, 5000))
        historian.append([numbered(n) for n in range(number, number + count)])
        number += count
        say(f"acknowledged {number}")


def _write_through_ingest(historian: Historian, first: int, rng: random.Random) -> None:
    ingest = Ingest(historian)
    number = first
    while True:
        if not ingest.full:
            count = rng.choice((1, 10, 200))
            ingest.put([numbered(n) for n in range(number, number + count)])
            number += count
        say(f"acknowledged {first + ingest.acknowledged}")
        time.sleep(0.002)


def numbered(number: int) -> Sample:
    """Make the sample with a number; it can be recognized by its sequence and value."""
    moment = START + number * _STEP_US
    return Sample(f"unit.s{number % SIGNALS:02}", moment, moment, float(number), 0, number)


def say(text: str) -> None:
    """Write a line to the pipe, at once."""
    os.write(1, f"{text}\n".encode())


@dataclass
class Run:
    """What one run of the writing process said."""

    acknowledged: int
    committer: int | None = None
    begun: threading.Event = field(default_factory=threading.Event)


def kill_one(folder: Path, first: int, rng: random.Random) -> int:
    """Let a process write, kill it, and give back how many are acknowledged by now."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.historian_kill"),
            *("--write", str(folder), str(first), str(rng.randrange(2**31))),
        ],
        stdout=subprocess.PIPE,
    )
    run = Run(first)
    listener = threading.Thread(target=_listen, args=(process, run))
    listener.start()
    if not run.begun.wait(60):
        process.kill()
        raise RuntimeError("the writing process did not begin")
    time.sleep(rng.uniform(0.0, 3.0))
    victims = rng.choice(("writer", "upkeep first", "committer first", "both"))
    if victims == "upkeep first" and run.committer is not None:
        _kill_children(run.committer)
    elif victims != "writer" and run.committer is not None:
        _kill(run.committer)
        time.sleep(rng.uniform(0.0, 0.3) if victims == "committer first" else 0.0)
    process.kill()
    process.wait()
    listener.join()
    return run.acknowledged


def _listen(process: "subprocess.Popen[bytes]", run: Run) -> None:
    for line in process.stdout or ():
        what, number = line.split()
        if what == b"committer":
            run.committer = int(number)
        elif line.endswith(b"\n"):
            run.acknowledged = int(number)
            run.begun.set()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _kill_children(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children():
            _kill(child.pid)


@dataclass(frozen=True)
class Count:
    """Numbers that should be there and are not, and that are there more than once."""

    stored: int
    lost: int
    doubled: int


def count(numbers: np.ndarray, acknowledged: int) -> Count:
    """Look for every acknowledged number, and for any that is there twice."""
    distinct = np.unique(numbers)
    present = int(np.count_nonzero(distinct < acknowledged))
    return Count(len(numbers), acknowledged - present, len(numbers) - len(distinct))


def through_genba(folder: Path) -> np.ndarray:
    """Read all numbers with a query, table and spool together, as a reader would."""
    with Historian.open(folder, SystemClock(), read_only=True) as historian:
        names = [f"unit.s{i:02}" for i in range(SIGNALS)]
        table = historian.samples(names, START - US, START + 10**6 * US)
    return table["sequence"].to_numpy()


def through_deltalake(folder: Path) -> np.ndarray:
    """Read all numbers of the committed table with deltalake alone."""
    scan = DeltaTable(folder / "samples").to_pyarrow_table(columns=["sequence"])
    return scan["sequence"].to_numpy()


def through_duckdb(folder: Path) -> np.ndarray:
    """Read all numbers from the Parquet files that the Delta log lists, with DuckDB alone."""
    files = DeltaTable(folder / "samples").file_uris()
    found = duckdb.connect().execute("SELECT sequence FROM read_parquet($1)", [files]).fetchnumpy()
    return np.asarray(found["sequence"])


def kill_repeatedly(
    folder: Path, kills: int, seed: int, told: Callable[[int, Count], None]
) -> dict[str, Count]:
    """Kill so many times, counting after each; then move all and count in four ways."""
    rng = random.Random(seed)
    numbers = 0
    for attempt in range(kills):
        acknowledged = kill_one(folder, numbers, rng)
        found = through_genba(folder)
        told(attempt, count(found, acknowledged))
        # what was stored but not yet acknowledged counts from now on: it must not go, either
        numbers = max(acknowledged, int(found.max(initial=-1)) + 1)
        if count(found, numbers).lost:
            raise RuntimeError(f"numbers below {numbers} are missing: a batch was stored in parts")
    counts = {"query, table and spool": count(through_genba(folder), numbers)}
    with Historian.open(folder, SystemClock()) as historian:
        historian.commit()
        historian.compact(whole=True)
        counts["query, all committed"] = count(through_genba(folder), numbers)
    counts["deltalake alone"] = count(through_deltalake(folder), numbers)
    counts["DuckDB on the files alone"] = count(through_duckdb(folder), numbers)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", nargs=3, metavar=("FOLDER", "FIRST", "SEED"))
    options = parser.parse_args()
    if options.write:
        write(Path(options.write[0]), int(options.write[1]), int(options.write[2]))
    lost = doubled = 0

    def told(attempt: int, found: Count) -> None:
        nonlocal lost, doubled
        lost, doubled = lost + found.lost, doubled + found.doubled
        sys.stderr.write(f"\rkill {attempt + 1}/{options.kills}: {found.stored:,} stored ")

    with tempfile.TemporaryDirectory() as place:
        counts = kill_repeatedly(Path(place) / "historian", options.kills, options.seed, told)
    sys.stderr.write("\n")
    print(f"{options.kills} kills (seed {options.seed}): {lost} lost, {doubled} doubled")
    for reader, found in counts.items():
        print(f"  {reader:28} {found.stored:>9,} stored {found.lost} lost {found.doubled} doubled")
    bad = lost or doubled or any(found.lost or found.doubled for found in counts.values())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
