"""Tennessee Eastman: how fast faults are found, and how often there was none.

``python -m benchmarks.tennessee_eastman --data DIR [--seeds 0 1 2] [--false-alarms 0.01]``

DIR holds ``tep_braatz.parquet`` (Downs and Vogel 1993; the simulations of Chiang, Russell and
Braatz, *Fault Detection and Diagnosis in Industrial Systems*, 2001): 52 variables every 3 minutes.

Normal data alone decide, as ``genba train anomaly`` lets them: rungs are fitted on the normal
training run of 500 rows, limits are set on the first third of the normal test run (distances take
both for both, by cross-fitting), the rung is chosen by the drills that it finds in the next sixth,
and fitted once more with limits from both. False alarms are counted on the other half, which
nothing else saw, and in the rows of the fault runs before their fault begins (row 160 of 960).
Detection is the share of rows after it that alarm, mean over 18 faults; 3, 9 and 15 are left out,
as usual: they change next to nothing. The delay runs to the first alarm. All rungs are shown, each
with the limits that it was compared by; the one that was chosen is marked, with those of its own.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from pyarrow import parquet

from genba.learn import UNIT, Dataset, Lineage, Model, Recipe, Split, anomaly_ladder, windows_of
from genba.learn.data.column import Column
from genba.learn.recipe.ladder import Rung, climb

BARS = "bars: false alarms 5% or less, detection 92% or more, median delay 30 min or less"
MINUTES = 3
BEGIN = 160
UNSEEN = (3, 9, 15)
HELD, CHOOSE = 320, 480
"""Rows of the normal test run up to which it is held out for limits, and for choosing."""


def runs_in(folder: Path) -> dict[tuple[int, str], Dataset]:
    """Return each run, by fault (0: none) and ``train`` or ``test``."""
    table = parquet.read_table(folder / "tep_braatz.parquet")
    names = [name for name in table.column_names if name.startswith(("xmeas", "xmv"))]
    fault, split = table["fault"].to_numpy(), np.array(table["split"].to_pylist())
    values = np.column_stack([table[name].to_numpy().astype(float) for name in names])
    columns = tuple(Column(name) for name in names)
    found = {}
    for key in sorted(set(zip(fault.tolist(), split.tolist(), strict=True))):
        own = values[(fault == key[0]) & (split == key[1])]
        time_us = np.arange(len(own)) * MINUTES * 60_000_000
        found[key] = Dataset(f"fault {key[0]} {key[1]}", columns, own, time_us, Lineage("file"))
    return found


def normal_of(runs: dict[tuple[int, str], Dataset]) -> tuple[Dataset, Split]:
    """Join the two normal runs, and part them."""
    first, second = runs[0, "train"], runs[0, "test"]
    units = np.repeat(["training run", "test run"], [first.rows, second.rows])
    time_us = np.arange(first.rows + second.rows) * MINUTES * 60_000_000
    values = np.concatenate([first.values, second.values])
    data = Dataset("normal", first.columns, values, time_us, Lineage("file"), {UNIT: units})
    cuts = [0, first.rows, first.rows + HELD, first.rows + CHOOSE, data.rows]
    train, held, choose, test = (np.arange(*cuts[n : n + 2]) for n in range(4))
    return data, Split(train, held, choose, test, "by runs", "given")


def alarms_of(model: Model, recipe: Recipe, data: Dataset) -> np.ndarray:
    """Which rows alarm; those without enough past do not."""
    seen = windows_of(data, recipe.window)
    alarms = np.zeros(data.rows, bool)
    alarms[seen.rows] = model.predict(seen.values).value > 1
    return alarms


def shown(rung: Rung, runs: dict[tuple[int, str], Dataset]) -> str:
    """Return the figures of a rung on the test part and on all faults."""
    recipe, model = rung.recipe, rung.model
    if model is None:
        return f"{recipe.name:15} {rung.failed}"
    rest = runs[0, "test"].take(np.arange(CHOOSE, 960), "second half")
    false = float(np.mean(alarms_of(model, recipe, rest)[recipe.window :]))
    told = {n: alarms_of(model, recipe, runs[n, "test"]) for n in range(1, 22)}
    before = np.mean([alarms[recipe.window : BEGIN].mean() for alarms in told.values()])
    after = [alarms[BEGIN:] for n, alarms in told.items() if n not in UNSEEN]
    delays = [MINUTES * (int(a.argmax()) if a.any() else len(a)) for a in after]
    found = np.mean([alarms.mean() for alarms in after])
    drilled = (rung.chosen_on or {}).get("drills")
    return (
        f"{recipe.name:15} {drilled or 0:7.1%} {false:13.1%} {before:13.1%} {found:10.1%} "
        f"{np.median(delays):4.0f} min  {rung.failed}"
    )


def main() -> int:
    """Print a row for each rung, and the chosen one, for each seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with public data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--false-alarms", type=float, default=0.01, help="share that is wished for")
    arguments = parser.parse_args()
    runs = runs_in(arguments.data)
    data, split = normal_of(runs)
    train, wish = split.take(data, "train"), arguments.false_alarms
    print(BARS)
    for seed in arguments.seeds:
        begun = time.process_time()
        found = climb(data, split, anomaly_ladder(train, false_alarms=wish, seed=seed), seed=seed)
        spent = time.process_time() - begun
        print(
            f"seed {seed}, {spent:.0f} s of CPU\n{'rung':15} {'drills':>7} {'false alarms':>13} "
            f"{'before fault':>13} {'detection':>10} {'delay':>8}"
        )
        for rung in found.rungs:
            print(shown(rung, runs), "chosen" if rung is found.chosen else "", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
