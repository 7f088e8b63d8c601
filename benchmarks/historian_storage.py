"""How many bytes a sample takes in the historian's tables.

``python -m benchmarks.historian_storage [--state DIR]``

With ``--state`` it measures the shift that a plant left there, for example by ``make demo``: as
found, and in a copy that is compacted as a day is when it is over. Without, it makes two synthetic
shifts of 8 h like the reference plant's (16 machines, 224 signals; values in steps of the device's
resolution, sampled every 5 or 10 s and recorded when they change; all samples of one notification
share its jittered receive time): one at 120 times real time, as in the demo, and one in real time,
where receive and store times hold more noise per sample.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from genba.historian import Historian
from genba.plant import US, SystemClock, VirtualClock, parse_time

START = parse_time("2026-01-05T06:00:00Z")
SHIFT_S = 8 * 3600
MACHINES = 16
TIME = pa.timestamp("us", "UTC")
GROUP_S = 0.05
COMMITS = 100


def signals_of_a_machine(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Times in seconds and values of 9 measurements, 2 counters and 3 states."""
    made = []
    for _ in range(9):
        seconds = np.arange(0, SHIFT_S, rng.choice([5, 5, 10]))
        walk, value = np.empty(len(seconds)), 0.0
        for i, step in enumerate(rng.normal(0, 0.2, len(seconds))):
            value = 0.98 * value + step
            walk[i] = value
        resolution = rng.choice([0.1, 0.05, 0.01])
        raw = rng.uniform(10, 100) + walk * rng.uniform(0.3, 2)
        values = np.round(np.round(raw / resolution) * resolution, 6)
        changed = np.append(True, np.diff(values) != 0)
        made.append((seconds[changed], values[changed]))
    for grain in (1.0, 0.001):
        seconds = np.sort(rng.choice(SHIFT_S, 2000, replace=False))
        made.append((seconds, np.cumsum(np.round(rng.integers(1, 50, 2000) * grain, 3))))
    for _ in range(3):
        seconds = np.sort(rng.choice(SHIFT_S, 200, replace=False))
        made.append((seconds, rng.integers(0, 7, 200).astype(float)))
    return made


def shift(speed: float, publish_s: float) -> pa.Table:
    """Make a shift's samples in the order of their arrival. Intervals are of the wall clock."""
    rng = np.random.default_rng(1)
    parts = []
    for machine in range(MACHINES):
        made = signals_of_a_machine(rng)
        index = np.repeat(np.arange(len(made)), [len(seconds) for seconds, _ in made])
        second = np.concatenate([seconds for seconds, _ in made])
        value = np.concatenate([values for _, values in made])
        order = np.lexsort((index, second))
        index, second, value = index[order], second[order], value[order]
        interval = publish_s * speed * US
        publication = (second * US // interval + 1).astype(int)
        late = np.abs(rng.normal(0.003, 0.002, publication.max() + 1)) * speed * US
        receive = (publication * interval + late[publication]).astype(np.int64)
        sequence = np.arange(len(second))
        parts.append((machine * len(made) + index, second * US, receive, sequence, value))
    index, source, receive, sequence, value = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    order = np.argsort(receive, kind="stable")
    names = pa.array([f"unit-{i // 14:02}.signal-{i % 14:02}" for i in range(MACHINES * 14)])
    signal = pa.DictionaryArray.from_arrays(pa.array(index[order].astype(np.int32)), names)
    return pa.table(
        {
            "signal": signal,
            "source_time": pa.array(START + source[order], TIME),
            "receive_time": pa.array(START + receive[order], TIME),
            "value": value[order],
            "sequence": sequence[order],
        }
    )


def record(folder: Path, samples: pa.Table, speed: float) -> None:
    """Append in groups of 50 ms of the wall clock, as a core does, and commit now and then."""
    receive = samples["receive_time"].cast(pa.int64()).to_numpy()
    clock = VirtualClock(START)
    rng = np.random.default_rng(2)
    with Historian.open(folder, clock) as historian:
        begun = committed = 0
        while begun < len(receive):
            until = receive[begun] + GROUP_S * speed * US
            end = int(np.searchsorted(receive, until, side="right"))
            clock.set(int(until + abs(rng.normal(0.002, 0.0005)) * speed * US))
            historian.append_table(samples.slice(begun, end - begun))
            begun = end
            if clock.now() - committed > SHIFT_S * US // COMMITS:
                committed = clock.now()
                historian.commit()
                historian.compact()
        historian.commit()


def measure(folder: Path) -> float:
    """Print bytes per sample as found and compacted, and where they lie; give back the latter."""
    with Historian.open(folder, SystemClock(), read_only=True) as historian:
        print(f"  {line(historian)} as found")
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "historian"
        shutil.copytree(folder, copy)
        with Historian.open(copy, SystemClock()) as historian:
            historian.commit()
            historian.compact(whole=True)
            print(f"  {line(historian)} compacted (bar: 4 or less)")
            print(f"  of which {columns(copy)}")
            return float(historian.stats()["bytes_per_sample"])


def line(historian: Historian) -> str:
    stats = historian.stats()
    each = stats["bytes_per_sample"]
    shown = "undefined" if each is None else f"{each:.2f}"
    return f"{shown:>9} bytes/sample, {stats['samples']:,} samples"


def columns(folder: Path) -> str:
    """Bytes per sample by column."""
    sizes: dict[str, int] = {}
    rows = 0
    for file in DeltaTable(folder / "samples").file_uris():
        meta = pq.read_metadata(file)
        rows += meta.num_rows
        for group in range(meta.num_row_groups):
            for i in range(meta.num_columns):
                column = meta.row_group(group).column(i)
                name = column.path_in_schema
                sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    return ", ".join(f"{name} {size / rows:.2f}" for name, size in sizes.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, help="state folder of a plant")
    options = parser.parse_args()
    if options.state is not None:
        print(f"shift in {options.state}")
        return 0 if measure(options.state / "historian") <= 4 else 1
    sizes = []
    for speed, publish_s in ((120.0, 0.25), (1.0, 1.0)):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "historian"
            record(folder, shift(speed, publish_s), speed)
            print(f"synthetic shift at {speed:g} times real time")
            sizes.append(measure(folder))
    return 0 if sizes[0] <= 4 else 1


if __name__ == "__main__":
    sys.exit(main())
