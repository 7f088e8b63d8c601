"""Remaining life of turbofan engines against plain peers.

``python -m benchmarks.remaining_life --data DIR [--seeds 1 2 3]``

The recipe as it comes learns from whole engines that ran to their end (15% of them, by seed, are
held out to stop and to calibrate on) and says what is left after the last row of each test engine;
life is capped at 125 cycles on both sides. ``DIR`` holds ``cmapss_FD001.parquet``, and the recipe,
unchanged, meets every sister fleet ``cmapss_FD*.parquet`` that lies beside it. Without one, the
roles of FD001 are swapped: learn from the engines that stop before their end (what they had left is
in the file), and judge each of the others at one random moment. Those were used when the recipe was
made, and histories that lack their end teach less, so this is no substitute for another fleet.
Simulated engines (C-MAPSS). Seeds part the engines and grow the trees.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.learning import peers
from benchmarks.learning.table import Row, measured, show
from benchmarks.learning.turbofan import engines, fleets, last_rows, split_engines
from genba.learn.arrays import Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import runs_of, windows_of
from genba.learn.life.ladder import WINDOW
from genba.learn.life.recipes import BoostedLife, LinearLife
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Recipe

BARS = {"FD001": 12.6}
SISTER_BAR = 11.8


def windows_at(data: Dataset, rows: Integers, window: int) -> Floats:
    """Return the windows that end at some rows, each of which has enough past."""
    seen = windows_of(data, window)
    place = {row: index for index, row in enumerate(seen.rows.tolist())}
    return seen.values[[place[row] for row in rows.tolist()]]


def random_rows(data: Dataset, seed: int) -> Integers:
    """Return one row of each engine, at least a window after its start."""
    random = np.random.default_rng(seed)
    return np.array([random.choice(rows[WINDOW - 1 :]) for rows in runs_of(data)])


def compared(learned: Dataset, judged: Dataset, at: Integers, seeds: list[int]) -> list[Row]:
    """Measure our rungs and the peers on the same rows."""
    inputs, truth = windows_at(judged, at, WINDOW), judged.labels()[at]

    def ours(recipe: Recipe, seed: int) -> Prediction:
        train, held = split_engines(learned, seed)
        return recipe.fit(train, held, seed).predict(inputs)

    seen = windows_of(learned, WINDOW)
    labels = learned.labels()[seen.rows]

    def peer(fit, shape, seed: int) -> Prediction:
        return Prediction(fit(shape(seen.values), labels, seed)(shape(inputs)))

    usual = Prediction(np.full(len(truth), labels.mean()))
    ways = {
        "mean of what was left": lambda seed: usual,
        "Genba linear": lambda seed: ours(LinearLife(), seed),
        "Genba lightgbm": lambda seed: ours(BoostedLife(), seed),
        "scikit-learn ridge, flat windows": lambda s: peer(peers.sklearn_ridge, peers.flat, s),
        "scikit-learn trees, mean/spread/last": lambda s: peer(
            peers.sklearn_trees, peers.summary, s
        ),
        "raw LightGBM, mean/spread/last": lambda s: peer(peers.lightgbm, peers.summary, s),
    }
    return [measured(name, way, truth, seeds) for name, way in ways.items()]


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with cmapss_*.parquet")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    print(peers.versions())
    reached = []
    found = fleets(given.data)
    for fleet in found:
        learned, judged = engines(given.data, fleet)
        bar = BARS.get(fleet, SISTER_BAR)
        long = np.array([len(rows) >= WINDOW for rows in runs_of(judged)])
        print(f"\n{fleet}, last row of {long.sum()} of {len(long)} test engines (bar: {bar:g})")
        rows = compared(learned, judged, last_rows(judged)[long], given.seeds)
        show(rows, "rmse")
        ours = rows[2].median("rmse")
        reached.append(ours is not None and ours <= bar)
    if found == ["FD001"]:
        learned, judged = engines(given.data, "FD001")
        print("\nno sister fleet in the folder; FD001 with its roles swapped (no bar)")
        show(compared(judged, learned, random_rows(learned, 0), given.seeds), "rmse")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
