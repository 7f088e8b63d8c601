"""From a public recording to decisions, by a user's own commands: Tennessee Eastman, replayed.

``python -m benchmarks.public_recording --data DIR [--faults 4 1 5]``

DIR holds ``tep_braatz.parquet`` (see :mod:`benchmarks.tennessee_eastman`). Its two normal runs are
played by the replay driver to ``genba run``, a process of its own, which records them as it would a
plant. ``genba train anomaly``, ``genba model verify`` and ``genba model release`` make a model of
what was recorded. Then ``genba run`` goes on, now with runs in which a fault begins, and the
decision records are read that the plant is left with. The recording is a simulated plant's, and the
clock runs faster than real time; everything else is as a user has it.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from genba.historian import Historian
from genba.plant import US, SystemClock, format_time

STEP_US = 180 * US
START_US = round(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * US)
EQUIPMENT = "process"
LEARNED = 1140
"""Rows of the normal runs to learn from; in shadow over the rest."""
BEGIN, BEFORE, AFTER = 160, 40, 80
"""Row of a test run at which its fault begins; rows played before it (of the first run all, so that
a release has had its trial) and after it."""
RECORD_SPEED, LIVE_SPEED = 1800.0, 240.0


class Plant:
    """A folder with a plant file, its state and its recordings, and Genba's commands in it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self._port = folder, port
        self.now_us = START_US

    def plays(self, table: pa.Table) -> None:
        """Put a recording there, a row each three minutes from now on, and a plant of it."""
        times = pa.array(self.now_us + np.arange(table.num_rows) * STEP_US)
        played = table.add_column(0, "time", times.cast(pa.timestamp("us", tz="UTC")))
        pq.write_table(played, self.folder / "recording.parquet")
        text = [
            "genba: 1",
            "id: tennessee",
            "name: Tennessee Eastman",
            "tick_s: 60",
            "connections:",
            "  - {id: recording, driver: replay, url: 'file:recording.parquet'}",
            "equipment:",
            f"  - id: {EQUIPMENT}",
            "    connection: recording",
            "    signals:  # a second on its way is minutes of a clock that runs so fast",
        ]
        text += [
            f"      - {{id: {name}, sample_s: 180, fresh_s: 7200, address: {name}}}"
            for name in table.column_names
        ]
        (self.folder / "plant.yaml").write_text("\n".join(text) + "\n")

    def runs(self, rows: int, speed: float) -> None:
        """Let Genba run for so many rows, and a little longer."""
        until = self.now_us + rows * STEP_US
        clock = f"{format_time(self.now_us)}*{speed:g}@{time.time() + 4}"
        more = round(5 * speed * US)
        self.genba(
            "run", "--port", str(self._port), "--clock", clock, "--until", format_time(until + more)
        )
        self.now_us = until + more + STEP_US - (until + more - START_US) % STEP_US

    def genba(self, *words: str) -> str:
        """Run a command as a user would; ends the benchmark where it fails."""
        command = [sys.executable, "-m", "genba", *words]
        told = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "100"},
        )
        if told.returncode:
            sys.exit(f"genba {' '.join(words)}: {told.stdout[-2000:]}{told.stderr[-2000:]}")
        return told.stdout

    def records(self, table: str) -> list[dict[str, Any]]:
        """Read a table of records that the run left."""
        historian = Historian(self.folder / "state/historian", SystemClock(), read_only=True)
        return list(historian.rows(table).to_pylist())


def run_of(source: pa.Table, fault: int, split: str) -> pa.Table:
    """Return the 52 signals of one run."""
    own = pc.and_(pc.equal(source["fault"], fault), pc.equal(source["split"], split))
    names = [name for name in source.column_names if name.startswith(("xmeas", "xmv"))]
    return source.filter(own).select(names)


def faulty(source: pa.Table, faults: Sequence[int]) -> tuple[pa.Table, list[int]]:
    """Join the runs around the begin of each fault; also the rows at which faults begin."""
    parts, begins, rows = [], [], 0
    for place, fault in enumerate(faults):
        first = BEGIN - BEFORE if place else 0
        parts.append(run_of(source, fault, "test").slice(first, BEGIN + AFTER - first))
        begins.append(rows + BEGIN - first)
        rows += parts[-1].num_rows
    return pa.concat_tables(parts), begins


def findings(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, list[str]]]:
    """Give when the model found something, in microseconds, and the signals that it named."""
    for row in rows:
        if row["stage"] == "finding" and row["kind"] == "model_anomaly":
            found = json.loads(row["data"])
            yield found["time"], re.findall(r"(\w+) \(\d+%\)", found["text"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.public_recording")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--faults", type=int, nargs="+", default=[4, 1, 5])
    parser.add_argument("--port", type=int, default=8497)
    given = parser.parse_args()
    source = pq.read_table(given.data / "tep_braatz.parquet")
    with tempfile.TemporaryDirectory() as folder:
        plant = Plant(Path(folder), given.port)
        normal = pa.concat_tables([run_of(source, 0, "train"), run_of(source, 0, "test")])
        plant.plays(normal)
        plant.runs(normal.num_rows, RECORD_SPEED)
        stored = json.loads(plant.genba("historian", "stats", "--json"))["samples"]
        print(f"{normal.num_rows * normal.num_columns:,} samples played, {stored:,} stored")
        to = format_time(START_US + LEARNED * STEP_US)
        told = plant.genba(
            "train",
            "anomaly",
            "--equipment",
            EQUIPMENT,
            "--to",
            to,
            "--from",
            format_time(START_US),
        )
        end = format_time(START_US + normal.num_rows * STEP_US)
        model = found_in(r"Candidate (\w+)", told)
        print(told.split("\n\n")[-1].strip())
        print(plant.genba("model", "verify", model, "--from", to, "--to", end))
        plant.genba("model", "release", model, "--by", "engineer", "--no-wait")
        table, begins = faulty(source, given.faults)
        first_us = plant.now_us
        plant.plays(table)
        plant.runs(table.num_rows, LIVE_SPEED)
        print(plant.genba("model", "history", model))
        report(
            given.faults, [first_us + row * STEP_US for row in begins], plant.records("decisions")
        )


def found_in(pattern: str, text: str) -> str:
    """Return what a command said, or end the benchmark with all that it said."""
    told = re.search(pattern, text)
    if told is None:
        sys.exit(f"no '{pattern}' in: {text}")
    return told[1]


def report(faults: Sequence[int], begins: Sequence[int], rows: Sequence[dict[str, Any]]) -> None:
    """Say of each fault when it was found, and what was said while there was none."""
    told = list(findings(rows))
    early = [at for at, _ in told if at < begins[0]]
    print(f"{len(early)} findings in the {BEGIN} rows before any fault")
    ends = [*(begin - BEFORE * STEP_US for begin in begins[1:]), begins[-1] + AFTER * STEP_US]
    for fault, begin, end in zip(faults, begins, ends, strict=True):
        own = [(at, names) for at, names in told if begin <= at < end]
        if own:
            at, names = own[0]
            minutes = (at - begin) / US / 60
            print(f"fault {fault}: found {minutes:.0f} min after its begin: {', '.join(names)}")
        else:
            print(f"fault {fault}: not found in {AFTER * 3} min")
    stages = sorted({str(row["stage"]) for row in rows})
    print(f"{len(rows)} decision records, of {', '.join(stages)}")


if __name__ == "__main__":
    main()
