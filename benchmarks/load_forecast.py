"""A plant's electricity a quarter of an hour ahead, against persistence and plain peers.

``python -m benchmarks.load_forecast --data DIR [--seeds 1 2 3]``

First the leakage check is shown the data as they are, and what gives the target away at the same
moment is left out. Then the next quarter is asked for. The split is chronological: 68% to learn
from, the next 12% to stop and calibrate on, the last 20% to test on; peers learn from the whole
first 80%, with the same lags and calendar. ``DIR`` holds ``steel_energy.parquet`` (a real plant,
2018). Seeds grow the trees.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.learning import peers
from benchmarks.learning.steel import steel
from benchmarks.learning.table import Row, measured, show
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import windows_of
from genba.learn.forecast.ahead import ahead
from genba.learn.forecast.recipes import BoostedForecast, LinearForecast, Naive, forecast_view
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Recipe
from genba.learn.split.leakage import leaks

BAR = 4.2
LEARNED, STOPPED = 0.68, 0.80
DAY = 96
ZONE = "Asia/Seoul"


def without_leaks(data: Dataset) -> Dataset:
    """Leave out all columns that the leakage check names, and say why."""
    while found := leaks(data):
        for leak in found:
            print(f"refused: {leak.reason}")
        data = data.without({name for leak in found for name in leak.about})
    return data


def compared(data: Dataset, seeds: list[int]) -> list[Row]:
    """Measure our rungs, the plain ways and the peers on the last fifth."""
    window = DAY + 1
    cuts = [int(share * data.rows) for share in (LEARNED, STOPPED)]
    train, held = (data.take(np.arange(*ends)) for ends in ((0, cuts[0]), (cuts[0], cuts[1])))
    past = data.take(np.arange(cuts[1] - 1))  # the last row's answer is the first to be tested
    truth = data.labels()[cuts[1] : -1]

    def ours(recipe: Recipe, seed: int) -> Prediction:
        model = recipe.fit(train, held, seed)
        test = data.take(np.arange(cuts[1] - recipe.window + 1, data.rows - 1))
        return model.predict(windows_of(test, recipe.window).values)

    view = forecast_view(past, window)
    features, ends = view.of_data(past)
    labels = past.labels()[ends]
    inputs, _ = view.of_data(data.take(np.arange(cuts[1] - window + 1, data.rows - 1)))

    def peer(fit, seed: int, **settings) -> Prediction:
        return Prediction(fit(features, labels, seed, **settings)(inputs))

    ways = {
        "persistence": lambda seed: ours(Naive(), seed),
        "a day before": lambda seed: ours(Naive(DAY, name="season"), seed),
        "Genba linear": lambda seed: ours(LinearForecast(window=window), seed),
        "Genba lightgbm": lambda seed: ours(BoostedForecast(window=window), seed),
        "scikit-learn ridge": lambda seed: peer(peers.sklearn_ridge, seed),
        "scikit-learn trees": lambda seed: peer(peers.sklearn_trees, seed),
        "raw LightGBM": lambda seed: peer(peers.lightgbm, seed),
        "raw LightGBM, absolute error": lambda seed: peer(peers.lightgbm, seed, objective="l1"),
    }
    return [measured(name, way, truth, seeds) for name, way in ways.items()]


def main() -> int:
    """Measure, print, and compare with the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    data = ahead(without_leaks(steel(given.data)), zone=ZONE)
    print(peers.versions())
    print(f"\nsteel plant, kWh of the next quarter, last 20% of the year (bar: MAE {BAR})")
    rows = compared(data, given.seeds)
    show(rows, "mae")
    reached = min(row.median("mae") or np.inf for row in rows[2:4])
    return 0 if reached <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
