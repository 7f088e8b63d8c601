"""Drift on public data: what is told where nothing changed, and where something did.

``python -m benchmarks.model_watch --data DIR [--seeds 31 32 ...]``

DIR holds ``tep_braatz.parquet``, ``steel_energy.parquet`` (UCI 851), ``nab_machine_temp.parquet``
(Numenta), ``softsensor_debutanizer.parquet`` (Fortuna et al. 2007) and ``gas_drift_b1_5.parquet``
(UCI 224, whose sensors drift from batch to batch).

Each look holds a later stretch of rows against a reference stretch of the same columns. Beside the
watch stand a plain two-sample Kolmogorov-Smirnov test of each column, at the same rate (Bonferroni
over the columns), and the same where the values moved by as much as the watch asks for.

Of real rows nobody knows for certain that nothing changed. So there are also real rows in random
order, which have no memory, and *processes*: rows with the spectra and the coherence of the real
ones at random phases (Theiler et al., *Physica D* 58, 1992), which are stationary by construction.
What takes more than a quarter of the whole stretch for one swing is left out of them: nobody can
tell that from drift.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet
from scipy.stats import ks_2samp

from genba.learn.watch.drift import MATTERS, RATE, Said, drift_of
from genba.learn.watch.reference import sketch_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A reference, later rows, and whether these drifted by what is known of them."""

    name: str
    drifted: bool
    then: Floats
    now: Floats


def cases(folder: Path, seeds: list[int]) -> Iterator[Case]:
    """Yield all cases."""
    yield from _tennessee(folder)
    yield from _steel(folder, seeds)
    yield from _gas(folder, seeds)
    yield from _temperature(folder)
    yield from _column(folder, seeds)


def _columns(table: pa.Table, names: list[str]) -> Floats:
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in names])


def _tennessee(folder: Path) -> Iterator[Case]:
    """Reference: the normal training run and half of the normal test run; faults begin at 160."""
    table = parquet.read_table(folder / "tep_braatz.parquet")
    names = [name for name in table.column_names if name.startswith(("xmeas", "xmv"))]
    values = _columns(table, names)
    fault = table["fault"].to_numpy()
    test = np.array(table["split"].to_pylist()) == "test"
    normal = values[(fault == 0) & ~test]
    own = values[(fault == 0) & test]
    then = np.concatenate([normal, own[:480]])
    for part in np.array_split(own[480:], 3):
        yield Case("Tennessee Eastman, normal", False, then, part)
    for number in range(1, 22):
        run = values[(fault == number) & test]
        yield Case("Tennessee Eastman, normal", False, then, run[:160])
        if number not in (3, 9, 15):
            yield Case("Tennessee Eastman, 18 faults", True, then, run[160:])


def _steel(folder: Path, seeds: list[int]) -> Iterator[Case]:
    """The first 16,000 quarters of an hour of a works."""
    table = parquet.read_table(folder / "steel_energy.parquet")
    names = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    values = _columns(table, names)[:16_000]
    yield from _made("steel energy", values, seeds)


def _gas(folder: Path, seeds: list[int]) -> Iterator[Case]:
    """Batch 1 at random in two: alike. Batches 3 to 5 of the same gas: sensors drifted."""
    table = parquet.read_table(folder / "gas_drift_b1_5.parquet")
    names = [name for name in table.column_names if name.startswith("f")]
    values, batch = _columns(table, names), table["batch"].to_numpy()
    gas = table["gas"].to_numpy()
    first = values[batch == batch.min()]
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(first))
        half = len(first) * 2 // 3
        yield Case("gas sensors, one batch parted", False, first[order[:half]], first[order[half:]])
    for kind in np.unique(gas):
        then = values[(batch <= 2) & (gas == kind)]
        for later in (3, 4, 5):
            now = values[(batch == later) & (gas == kind)]
            if len(then) >= 50 and len(now) >= 20:
                seed = np.random.default_rng(0)
                yield Case(
                    "gas sensors, later batches",
                    True,
                    seed.permutation(then),
                    seed.permutation(now),
                )


def _temperature(folder: Path) -> Iterator[Case]:
    """A machine's temperature up to its first anomaly by week: what is quiet nobody knows."""
    table = parquet.read_table(folder / "nab_machine_temp.parquet")
    chosen = np.array(table["series"].to_pylist()) == "machine_temperature_system_failure"
    value = table["value"].to_numpy()[chosen][:, None]
    odd = np.asarray(table["anomaly"].to_numpy()[chosen], bool)
    calm = np.where(odd[:, None], np.nan, value)[4000:]
    then = calm[:8000]
    for start in range(8000, len(calm) - 1000, 2016):
        now = calm[start : start + 2016]
        yield Case("machine temperature, by week (truth unknown)", False, then, now)


def _column(folder: Path, seeds: list[int]) -> Iterator[Case]:
    table = parquet.read_table(folder / "softsensor_debutanizer.parquet")
    values = _columns(table, table.column_names)
    yield from _made("debutanizer", values, seeds)


def _made(name: str, values: Floats, seeds: list[int]) -> Iterator[Case]:
    """Real rows at random order, and stationary ones with the same memory, shifted and not."""
    rows = len(values)
    cut = rows * 2 // 3
    for seed in seeds:
        random = np.random.default_rng(seed)
        mixed = values[random.permutation(rows)]
        yield Case(f"{name}, rows at random", False, mixed[:cut], mixed[cut:])
        process = _surrogate(values, random)
        yield Case(f"{name}, process", False, process[:cut], process[cut:])
        for wide, parts in (("a tenth of it", 10), ("a third of it", 3)):
            now = process[cut : cut + (rows - cut) * 3 // parts].copy()
            now[:, seed % values.shape[1]] += 2.0 * process[:cut, seed % values.shape[1]].std()
            yield Case(f"{name}, process, 2 spreads up, {wide}", True, process[:cut], now)


_SWINGS = 4
"""Swings within a stretch that its slowest part makes, at least."""


def _surrogate(values: Floats, random: np.random.Generator) -> Floats:
    """Rows with the spectra and the coherence of others, at random phases.

    They are made of the rows and their mirror image, whose ends meet.
    """
    rows = len(values)
    mirrored = np.concatenate([values, values[::-1]]) - values.mean(axis=0)
    wave = np.fft.rfft(mirrored, axis=0)
    phase = np.exp(2j * np.pi * random.random(len(wave)))
    wave[: 2 * _SWINGS] = 0.0
    return np.fft.irfft(wave * phase[:, None], 2 * rows, axis=0)[:rows]


@dataclass
class Tally:
    """Of the cases of one name."""

    drifted: bool
    cases: int = 0
    watch: int = 0
    few: int = 0
    plain: int = 0
    material: int = 0
    cpu_s: float = 0.0


def plain(case: Case) -> tuple[bool, bool]:
    """Return whether the plain test tells of drift, without and with an effect size."""
    columns = case.then.shape[1]
    told, moved = False, False
    for place in range(columns):
        then, now = (rows[np.isfinite(rows[:, place]), place] for rows in (case.then, case.now))
        if len(now) == 0 or np.ptp(then) == 0:
            continue
        found = ks_2samp(then, now, method="asymp")
        if found.pvalue < RATE / columns:
            told = True
            spread = (np.quantile(then, 0.75) - np.quantile(then, 0.25)) / 1.349 or then.std()
            grid = np.linspace(0, 1, 101)
            apart = np.abs(np.quantile(now, grid) - np.quantile(then, grid)).mean()
            moved |= bool(apart / spread >= MATTERS)
    return told, moved


def main() -> None:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_watch", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(31, 51)))
    given = parser.parse_args()
    tallies: dict[str, Tally] = {}
    for case in cases(given.data, given.seeds):
        tally = tallies.setdefault(case.name, Tally(case.drifted))
        begun = time.process_time()
        said = drift_of(sketch_of([str(n) for n in range(case.then.shape[1])], case.then), case.now)
        tally.cpu_s += time.process_time() - begun
        told, moved = plain(case)
        tally.cases += 1
        tally.watch += said.said is Said.DRIFTED
        tally.few += said.said is Said.TOO_FEW
        tally.plain += told
        tally.material += moved
    print(f"Rate {RATE:g} a look over all columns; a move of {MATTERS:g} of the spread matters.\n")
    head = ("looks", "watch: drift", "too few", "KS: drift", "KS + effect", "CPU s a look")
    print(f"{'':<62}" + "".join(f"{word:>14}" for word in head))
    for name, tally in sorted(tallies.items(), key=lambda one: one[1].drifted):
        counts = (tally.watch, tally.few, tally.plain, tally.material)
        cells = [str(tally.cases), *(f"{count / tally.cases:.0%}" for count in counts)]
        cells.append(f"{tally.cpu_s / tally.cases:.2f}")
        what = f"{'drifted' if tally.drifted else 'quiet'}: {name}"
        print(f"{what:<62}" + "".join(f"{cell:>14}" for cell in cells))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
