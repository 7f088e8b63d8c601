"""Quality from tables of a machine, a molding press, a mill and a rolling line.

``python -m benchmarks.quality --data DIR [--seeds 1 2 3] [--only AI4I injection mill plates]
[--plain]``

Every row is tested once: rows are cut into 20 blocks of time, dealt by seed to five parts, and each
part in turn is tested on what was learned from the others (a fifth of which chooses among the
rungs). Figures are over all rows together, so that no lucky part counts. Of the mill whole
experiments are left out in turn, and the linear rung is measured without a choice: ten experiments
are too few to choose by. Plates are in order of their faults, and have no times: their rows are
parted at random, as is customary, though the leakage check refuses it.

DIR holds ``ai4i2020.parquet`` (UCI 601, simulated), ``injection_iguzzini.parquet`` (Polenta et al.
2022), ``cnc_mill_tool_wear.parquet`` (U. Michigan SMART) and ``steel_plates_faults.parquet`` (UCI
198). Columns that leak, as the check finds, are left out.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.learning.tables import Table, tables
from genba.learn import Dataset, Split, leave_out
from genba.learn.arrays import Floats
from genba.learn.features.windows import windows_of
from genba.learn.quality.ladder import quality_ladder
from genba.learn.quality.linear import LinearRecipe
from genba.learn.quality.vote import votes
from genba.learn.recipe.examine import calibration_error, examine_classes, examine_two
from genba.learn.recipe.ladder import climb
from genba.learn.recipe.prediction import Prediction

PARTS = 5
BLOCKS = 20
DRAWS = 200


def outer(data: Dataset, seed: int, *, blocks: bool) -> list[Split]:
    """Return one split for each part that is tested; a fifth each of the others is held or chosen
    on.
    """
    random = np.random.default_rng(seed)
    count = BLOCKS if blocks else data.rows
    piece = np.arange(data.rows) * count // data.rows
    part = np.empty(count, np.int64)
    part[random.permutation(count)] = np.arange(count) % PARTS
    splits = []
    for tested in range(PARTS):
        others = random.permutation(np.flatnonzero(part != tested))
        few = len(others) // 5
        where = np.full(count, 3)
        where[others] = 0
        where[others[:few]], where[others[few : 2 * few]] = 1, 2
        rows = [np.flatnonzero(where[piece] == index) for index in range(4)]
        how = f"part {tested + 1} of {PARTS}"
        splits.append(Split(*rows, how, "blocks" if blocks else "rows"))
    return splits


def table(case: Table, seeds: Sequence[int], *, plain: bool) -> bool:
    """Climb the ladder for each part, and print the figures of each rung over all rows."""
    data = case.data
    assert data.target is not None
    ladder = quality_ladder(data.target, physics=case.physics)
    if plain:
        ladder = replace(ladder, rungs=ladder.rungs[:-1])
    names = [recipe.name for recipe in ladder.rungs]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("chosen", *names)}
    for seed in seeds:
        answers = {name: _Answers(data) for name in found}
        for split in outer(data, seed, blocks=case.blocks):
            inputs = data.values[split.test][:, None]
            climbed = climb(data, split, ladder, seed=seed)
            for rung in climbed.rungs:
                if rung.baseline or rung.model is None:
                    continue
                said = rung.model.predict(inputs)
                answers[rung.recipe.name].add(split.test, said, rung.model.threshold)
                if rung is climbed.chosen:
                    answers["chosen"].add(split.test, said, rung.model.threshold)
        for name, one in answers.items():
            found[name].append(one.scores())
    bars = ", ".join(f"{name} {bar:g}" for name, bar in case.bars.items())
    print(f"\n{case.name}, {data.rows} rows ({bars})")
    for name, scores in found.items():
        shown = "  ".join(_told(figure, scores) for figure in case.shown)
        print(f"  {name:18} {shown}", flush=True)
    return all(_reached(found["chosen"], name, bar) for name, bar in case.bars.items())


class _Answers:
    """What was said of each row, once."""

    def __init__(self, data: Dataset) -> None:
        assert data.target is not None
        self._truth = data.labels()
        self._chances = np.full((data.rows, len(data.target.classes)), np.nan)
        self._raised = np.zeros(data.rows, np.bool_)

    def add(self, rows: np.ndarray, said: Prediction, threshold: float | None) -> None:
        assert said.classes is not None
        self._chances[rows] = said.classes
        if threshold is not None:
            self._raised[rows] = said.value >= threshold

    def scores(self) -> dict[str, float]:
        """Return figures over all rows that were answered."""
        known = np.isfinite(self._chances).all(axis=1)
        truth, chances = self._truth[known], self._chances[known]
        if chances.shape[1] == 2:
            said = Prediction(chances[:, 1], classes=chances)
            scores = dict(examine_two(truth, said, None))
            both = int(np.sum(self._raised[known] & (truth == 1)))
            scores["f1"] = 2 * both / float(self._raised[known].sum() + np.sum(truth == 1))
            sure = chances[:, 1]
        else:
            said = Prediction(chances.max(axis=1), classes=chances)
            scores = dict(examine_classes(truth, said))
            sure = chances.max(axis=1)
        scores["ece_by_chance"] = by_chance(sure)
        return {name: np.nan if value is None else value for name, value in scores.items()}


def by_chance(chances: Floats) -> float:
    """Return the calibration error of chances that come true exactly: what counting makes of it."""
    random = np.random.default_rng(0)
    drawn = [random.random(len(chances)) < chances for _ in range(DRAWS)]
    return float(np.mean([calibration_error(hits, chances) for hits in drawn]))


def mill(data: Dataset, window: int, bar: float, seeds: Sequence[int]) -> bool:
    """Leave out each experiment in turn; measure each row, and the vote of rows so far."""
    figures = {"row": [], "vote": [], "end": []}
    for seed in seeds:
        row, vote, end = [], [], []
        for split in leave_out(data, "unit", seed=seed):
            beside = np.sort(np.concatenate([split.held, split.choose]))
            whole = Split(split.train, beside, np.empty(0, np.int64), split.test, "", "group")
            train, held, test = (whole.take(data, part) for part in ("train", "held", "test"))
            model = LinearRecipe(window=window).fit(train, held, seed)
            seen = windows_of(test, window)
            truth = test.labels()[seen.rows] == 1
            said, limit = model.predict(seen.values).value, model.threshold or 0.5
            row.append((said >= limit) == truth)
            vote.append(votes(said, test.units[seen.rows]) == truth)
            end.append(vote[-1][-1])
        for name, hits in (("row", row), ("vote", vote)):
            figures[name].append({"accuracy": float(np.concatenate(hits).mean())})
        figures["end"].append({"accuracy": float(np.mean(end))})
    print(
        f"\nmill tool wear, ten experiments each left out, windows of {window} (accuracy {bar:g})"
    )
    for name, text in (("row", "each row"), ("vote", "vote so far"), ("end", "vote at the end")):
        print(f"  {text:18} {_told('accuracy', figures[name])}", flush=True)
    return _reached(figures["vote"], "accuracy", bar)


def _told(figure: str, scores: list[dict[str, float]]) -> str:
    each = " ".join(f"{one[figure]:.3f}" for one in scores)
    return f"{figure} {np.median([one[figure] for one in scores]):.3f} ({each})"


def _reached(scores: list[dict[str, float]], figure: str, bar: float) -> bool:
    median = float(np.median([one[figure] for one in scores]))
    return median <= bar if figure == "ece" else median >= bar


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    names = ("AI4I", "injection", "mill", "plates")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--plain", action="store_true", help="without the rung with physics")
    given = parser.parse_args()
    reached = []
    for case in tables(given.data, given.only):
        if case.window > 1:
            reached.append(mill(case.data, case.window, case.bars["accuracy"], given.seeds))
        else:
            reached.append(table(case, given.seeds, plain=given.plain))
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
