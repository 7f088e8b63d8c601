"""What machines of a kind teach one another: alone, zero-shot, pooled and transferred.

``python -m benchmarks.pooled --data DIR [--seeds 1 2 3] [--only lego gas engines]``

A machine has few rows of its own (three fifths to fit on, two to calibrate on); its sisters have
all of theirs. Everything else of the machine is tested on. Of six simulated molded parts each in
turn is the machine, with 40 of its 77 settings. Of an array of gas sensors that drifts, each batch
from the second on is the machine, with 80 rows, and the batches before it are its sisters. Of
turbofan engines five are the machine, twenty others its sisters, and the last row of each test
engine is asked for; all are of one fleet, since no other is in the data. Rows and engines are drawn
by seed.

DIR holds ``injection_lego_sim.parquet``, ``gas_drift_b1_5.parquet`` (UCI 224) and
``cmapss_FD001.parquet`` (NASA, simulated).
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.learning.turbofan import engines, last_rows
from genba.errors import LearnError
from genba.learn import Dataset, read_release
from genba.learn.features.windows import runs_of, windows_of
from genba.learn.life.ladder import WINDOW
from genba.learn.life.recipes import BoostedLife, LinearLife
from genba.learn.pooled.recipe import PooledRecipe
from genba.learn.pooled.transfer import TransferRecipe, ZeroShot
from genba.learn.quality.boosted import BoostedRecipe
from genba.learn.quality.linear import LinearRecipe
from genba.learn.recipe.protocol import Recipe

FEW = {"lego": 40, "gas": 80, "engines": 5}
SISTERS = 20


@dataclass(frozen=True)
class Case:
    """One machine with few rows, its sisters, and what is tested."""

    train: Dataset
    held: Dataset
    sisters: Dataset
    test: Dataset
    rows: np.ndarray


def lego(folder: Path, seed: int) -> Iterator[Case]:
    """Each of the six parts in turn is new."""
    data = read_release(
        folder / "injection_lego_sim.parquet",
        target="max_deformation",
        groups={"unit": "lego"},
    )
    for name in np.unique(data.units):
        own = data.take(data.units == name)
        yield _drawn(own, data.take(data.units != name), FEW["lego"], seed)


def gas(folder: Path, seed: int) -> Iterator[Case]:
    """Each batch from the second on is the sensor as it has become."""
    data = read_release(
        folder / "gas_drift_b1_5.parquet",
        target="gas",
        classes=("1", "2", "3", "4", "5", "6"),
        groups={"unit": "batch"},
        without=("conc",),
    )
    for batch in range(2, 6):
        own = data.take(data.units == str(batch))
        before = np.isin(data.units, [str(other) for other in range(1, batch)])
        yield _drawn(own, data.take(before), FEW["gas"], seed)


def turbofans(folder: Path, seed: int) -> Iterator[Case]:
    """Five engines of one's own."""
    learned, judged = engines(folder, "FD001")
    names = np.random.default_rng(seed).permutation(np.unique(learned.units))
    parts = [names[:3], names[3 : FEW["engines"]], names[FEW["engines"] :][:SISTERS]]
    train, held, sisters = (learned.take(np.isin(learned.units, part)) for part in parts)
    long = np.array([len(rows) >= WINDOW for rows in runs_of(judged)])
    yield Case(train, held, sisters, judged, last_rows(judged)[long])


def _drawn(own: Dataset, sisters: Dataset, few: int, seed: int) -> Case:
    order = np.random.default_rng(seed).permutation(own.rows)
    cuts = (few * 3 // 5, few)
    parts = [np.sort(order[a:b]) for a, b in ((0, cuts[0]), cuts, (few, own.rows))]
    train, held, test = (own.take(rows) for rows in parts)
    return Case(train, held, sisters, test, np.arange(test.rows))


def ways(light: tuple[Recipe, ...], case: Case) -> list[tuple[str, Recipe]]:
    """Return all that is compared, by name."""
    found: list[tuple[str, Recipe]] = []
    for one in light:
        found += [
            (f"{one.name}, alone", one),
            (f"{one.name}, zero-shot", ZeroShot(one, sisters=case.sisters)),
            (f"{one.name}, pooled", PooledRecipe(one, case.sisters)),
            (f"{one.name}, transferred", TransferRecipe(one, sisters=case.sisters)),
        ]
    return found


def measured(case: Case, recipe: Recipe, seed: int) -> float:
    """Return RMSE or accuracy on what is tested; NaN where the recipe refuses so few rows."""
    try:
        model = recipe.fit(case.train, case.held, seed)
    except LearnError:
        return float("nan")
    seen = windows_of(case.test, recipe.window)
    place = np.flatnonzero(np.isin(seen.rows, case.rows))
    said = model.predict(seen.values[place])
    truth = case.test.labels()[seen.rows[place]]
    if said.classes is None:
        return float(np.sqrt(np.mean((said.value - truth) ** 2)))
    return float(np.mean(said.classes.argmax(axis=1) == truth))


Cases = Callable[[Path, int], Iterator[Case]]
TASKS: dict[str, tuple[Cases, tuple[Recipe, ...], str]] = {
    "lego": (lego, (LinearRecipe(), BoostedRecipe()), "RMSE of deformation, mean over six parts"),
    "gas": (gas, (LinearRecipe(),), "accuracy, mean over batches 2 to 5"),
    "engines": (turbofans, (LinearLife(), BoostedLife()), "RMSE in cycles"),
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="+", choices=list(TASKS), default=list(TASKS))
    given = parser.parse_args()
    for name in given.only:
        cases, light, text = TASKS[name]
        print(f"\n{name}: {text}")
        figures: dict[str, list[float]] = {}
        for seed in given.seeds:
            told: dict[str, list[float]] = {}
            for case in cases(given.data, seed):
                for way, recipe in ways(light, case):
                    told.setdefault(way, []).append(measured(case, recipe, seed))
            for way, values in told.items():
                figures.setdefault(way, []).append(float(np.mean(values)))
        for way, values in figures.items():
            each = " ".join(f"{value:.3f}" for value in values)
            print(f"  {way:28} {np.median(values):7.3f}   ({each})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
