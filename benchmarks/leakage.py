"""Traps in public data sets: what the leakage check finds, and what a model would have claimed.

``python -m benchmarks.leakage --data DIR [--seeds 1 2 3]``

DIR holds ``steel_energy.parquet`` (UCI 851), ``ai4i2020.parquet`` (UCI 601),
``softsensor_debutanizer.parquet`` (Fortuna et al. 2007), ``injection_iguzzini.parquet`` (Polenta et
al. 2022) and ``cnc_mill_tool_wear.parquet`` (U. Michigan SMART).

Each set is taken as a hasty analyst would, with all columns or rows parted at random, and
honestly. The figure is that of LightGBM on its test part, mean over the seeds; the check runs
before.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genba.learn import Dataset, Split, by_blocks, by_group, by_rows, by_time, leaks, read_release
from genba.learn.quality.boosted import BoostedRecipe
from genba.learn.quality.ladder import examine_quality
from genba.learn.recipe.ladder import Ladder, measure

MODES = ("TWF", "HDF", "PWF", "OSF", "RNF")
STEEL = tuple(
    f"{kind}_Current_{what}"
    for kind in ("Lagging", "Leading")
    for what in (
        "Power_Factor",
        "Reactive.Power_kVarh" if kind == "Lagging" else "Reactive_Power_kVarh",
    )
)


@dataclass(frozen=True)
class Case:
    """One way to take a set: its data, how it is parted, and the figure that is told."""

    name: str
    data: Dataset
    split: Callable[[Dataset, int], Split]
    figure: str


def cases(folder: Path) -> list[Case]:
    """Take each set hastily and honestly."""

    def rows(data: Dataset, seed: int) -> Split:
        return by_rows(data, seed=seed)

    def blocks(data: Dataset, seed: int) -> Split:
        return by_blocks(data, 20, seed=seed)

    steel = read_release(folder / "steel_energy.parquet", target="Usage_kWh", without=("date",))
    mills = read_release(
        folder / "ai4i2020.parquet",
        target="Machine failure",
        classes=("good", "failure"),
        without=("UDI", "Product ID"),
    )
    still = read_release(folder / "softsensor_debutanizer.parquet", target="y")
    press = read_release(
        folder / "injection_iguzzini.parquet", target="quality", classes=("1", "2", "3", "4")
    )
    tools = read_release(
        folder / "cnc_mill_tool_wear.parquet",
        target="tool_condition",
        groups={"experiment": "experiment"},
    )
    return [
        Case("steel, all columns", steel, lambda d, s: by_time(d), "r2"),
        Case("steel, honest", steel.without(("CO2(tCO2)", *STEEL)), lambda d, s: by_time(d), "r2"),
        Case("AI4I, with failure modes", mills, blocks, "f1"),
        Case("AI4I, honest", mills.without(MODES), blocks, "f1"),
        Case("debutanizer, rows at random", still, rows, "r2"),
        Case("debutanizer, honest", still, lambda d, s: by_time(d), "r2"),
        Case("injection, rows at random", press, rows, "accuracy"),
        Case("injection, honest (blocks)", press, blocks, "accuracy"),
        Case("mill tools, rows at random", tools, rows, "accuracy"),
        Case(
            "mill tools, honest (experiments)",
            tools,
            lambda d, s: by_group(d, "experiment", seed=s),
            "accuracy",
        ),
    ]


def main() -> int:
    """Print what is found and what would have been claimed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with public data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    print(f"{'set':34} {'leaks found':34} {'figure':>9} {'value':>7} {'check s':>8}")
    for case in cases(given.data):
        begun = time.process_time()
        found = leaks(case.data, case.split(case.data, given.seeds[0]))
        spent = time.process_time() - begun
        values = [_value(case, seed) for seed in given.seeds]
        known = [value for value in values if value is not None]
        told = ", ".join(sorted({leak.kind.value for leak in found})) or "none"
        mean = f"{np.mean(known):.3f}" if known else "undefined"
        print(f"{case.name:34} {told:34} {case.figure:>9} {mean:>7} {spent:8.1f}", flush=True)
        for leak in found:
            print(f"    {leak.reason}")
    return 0


def _value(case: Case, seed: int) -> float | None:
    recipe = BoostedRecipe()
    split = case.split(case.data, seed)
    train, held, test = (split.take(case.data, part) for part in ("train", "held", "test"))
    model = recipe.fit(train, held, seed)
    ladder = Ladder(recipe.task, (recipe,), (), examine_quality, case.figure)
    return measure(ladder, recipe, model, test).get(case.figure)


if __name__ == "__main__":
    sys.exit(main())
