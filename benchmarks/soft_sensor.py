"""A soft sensor of a debutanizer column against plain peers.

``python -m benchmarks.soft_sensor --data DIR [--seeds 1 2 3]``

Butane in the bottom product is said from seven signals alone, without its own past. The split is
chronological: the last 20% are tested on (and, since one stretch of a drifting process says little,
the last 40% once more). Of what was before, the first 85% are learned from, and the rest stops and
calibrates; peers learn from all that was before. ``DIR`` holds ``softsensor_debutanizer.parquet``,
recorded at a real column. Seeds grow the trees; lines have nothing random.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.learning import peers
from benchmarks.learning.debutanizer import debutanizer
from benchmarks.learning.table import Row, measured, show
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Recipe
from genba.learn.softsensor.ladder import WINDOW
from genba.learn.softsensor.recipes import BoostedSensor, LinearSensor
from genba.learn.split.leakage import refuse_leaks

BAR = 0.58
LEARNED = 0.85
TESTED = (0.2, 0.4)
PLAIN_LAGS = 20


def compared(data: Dataset, tested: float, seeds: list[int]) -> list[Row]:
    """Measure our rungs and the peers on the last share of the rows."""
    cuts = [int(share * (1 - tested) * data.rows) for share in (LEARNED, 1.0)]
    train, held = (data.take(np.arange(*ends)) for ends in ((0, cuts[0]), (cuts[0], cuts[1])))
    past = data.take(np.arange(cuts[1]))

    def test(window: int) -> Dataset:
        return data.take(np.arange(cuts[1] - window + 1, data.rows))

    truth = data.labels()[cuts[1] :]

    def ours(recipe: Recipe, seed: int) -> Prediction:
        inputs = windows_of(test(recipe.window), recipe.window).values
        return recipe.fit(train, held, seed).predict(inputs)

    def peer(fit, window: int, seed: int) -> Prediction:
        seen = windows_of(past, window)
        inputs = windows_of(test(window), window).values
        fitted = fit(peers.flat(seen.values), past.labels()[seen.rows], seed)
        return Prediction(fitted(peers.flat(inputs)))

    usual = Prediction(np.full(len(truth), past.labels().mean()))
    ways = {
        "mean": lambda seed: usual,
        "Genba linear": lambda seed: ours(LinearSensor(), seed),
        "Genba line+lightgbm": lambda seed: ours(BoostedSensor(), seed),
        f"scikit-learn ridge, {PLAIN_LAGS} lags": lambda s: peer(
            peers.sklearn_ridge, PLAIN_LAGS, s
        ),
        f"scikit-learn ridge, {WINDOW} lags": lambda s: peer(peers.sklearn_ridge, WINDOW, s),
        f"scikit-learn trees, {WINDOW} lags": lambda s: peer(peers.sklearn_trees, WINDOW, s),
        f"raw LightGBM, {WINDOW} lags": lambda s: peer(peers.lightgbm, WINDOW, s),
    }
    return [measured(name, way, truth, seeds) for name, way in ways.items()]


def main() -> int:
    """Measure, print, and compare with the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    data = debutanizer(given.data)
    refuse_leaks(data)
    print(peers.versions())
    reached = []
    for tested in TESTED:
        print(f"\ndebutanizer, last {tested:.0%} of {data.rows} rows (bar: R2 {BAR})")
        rows = compared(data, tested, given.seeds)
        show(rows, "r2")
        reached.append(max(row.median("r2") or -1.0 for row in rows[1:3]))
    return 0 if reached[0] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
