"""Public tasks on which Genba's ladders and the peers meet: the same rows, the same measure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.learning.debutanizer import debutanizer
from benchmarks.learning.steel import steel
from benchmarks.learning.tables import Table, tables
from benchmarks.learning.turbofan import engines, last_rows
from genba.learn import (
    UNIT,
    Dataset,
    Ladder,
    Split,
    ahead,
    by_blocks,
    by_group,
    by_rows,
    by_time,
    forecast_ladder,
    leaks,
    life_ladder,
    quality_ladder,
    softsensor_ladder,
)
from genba.learn.arrays import AnyArray, Floats, Integers
from genba.learn.features.windows import windows_of
from genba.learn.forecast.recipes import forecast_view
from genba.learn.recipe.examine import examine_classes, examine_number, examine_two
from genba.learn.recipe.prediction import Prediction

Kind = Literal["number", "two", "many"]
DAY = 96


@dataclass(frozen=True)
class Contest:
    """One task: ``ladder`` and ``split`` as a user of Genba would have them.

    ``window``: rows that peers look back on; they get them flat, and as mean, spread and last.
    ``judged`` are rows of other data that count, where the test part of the split does not.
    """

    name: str
    kind: Kind
    figure: str
    higher: bool
    data: Dataset
    split: Callable[[int], Split]
    ladder: Callable[[Split], Ladder]
    window: int = 1
    judged: tuple[Dataset, Integers] | None = None
    view: Callable[[Dataset], tuple[Floats, Integers]] | None = None
    """Features for the peers in place of those, with the row of each: lags and the calendar."""

    def asked(self, split: Split) -> tuple[Dataset, Integers]:
        """Return the data and which of their rows count."""
        if self.judged is not None:
            return self.judged
        test = split.take(self.data, "test")
        return test, np.arange(test.rows)

    def measure(self, truth: Floats, answers: AnyArray) -> float | None:
        """Return the figure of some answers."""
        if self.kind == "number":
            return examine_number(truth, Prediction(answers)).get(self.figure)
        if self.kind == "two":
            return examine_two(truth, Prediction(answers), None).get(self.figure)
        said = Prediction(answers.max(axis=1), classes=answers)
        return examine_classes(truth, said).get(self.figure)

    def tables(self, split: Split) -> dict[str, AnyArray]:
        """Return what peers learn from: train and held rows; they choose on the same part as ours.

        Each set of features comes with the rows that it is of.
        """
        both = np.concatenate([split.train, split.held])
        joined = replace(split, train=both, held=split.held[:0])
        told: dict[str, AnyArray] = {}
        for part, data in (
            ("train", joined.take(self.data, "train")),
            ("valid", joined.take(self.data, "choose")),
            ("test", self.asked(split)[0]),
        ):
            features, rows = self._features(data)
            truth = data.labels()[rows]
            known = np.isfinite(truth) | (part == "test")
            told |= {f"{part}_{name}": values[known] for name, values in features.items()}
            told |= {part: truth[known], f"rows_{part}": rows[known]}
        return told

    def _features(self, data: Dataset) -> tuple[dict[str, Floats], Integers]:
        """Lay windows out as tables, in the usual ways."""
        if self.view is not None:
            features, rows = self.view(data)
            return {"lags": features}, rows
        seen = windows_of(data, self.window)
        if self.window == 1:
            return {"rows": seen.values[:, 0]}, seen.rows
        parts = [seen.values.mean(axis=1), seen.values.std(axis=1), seen.values[:, -1]]
        flat = seen.values.reshape(len(seen.values), -1)
        return {"flat": flat, "summary": np.concatenate(parts, axis=1)}, seen.rows


def contests(folder: Path) -> list[Contest]:
    """Return the tasks with an answer to learn from."""
    found = tables(folder, ("AI4I", "injection", "plates"))
    figures = ("ap", "accuracy", "macro_f1")
    quality = [_quality(table, figure) for table, figure in zip(found, figures, strict=True)]
    return [*quality, _column(folder), _engines(folder), _load(folder)]


def _quality(table: Table, figure: str) -> Contest:
    """Nothing is declared of the columns here, since peers have no place for it."""
    data, target = table.data, table.data.target
    assert target is not None
    kind: Kind = "two" if len(target.classes) == 2 else "many"

    def parted(seed: int) -> Split:
        return by_blocks(data, 20, seed=seed) if table.blocks else by_rows(data, seed=seed)

    return Contest(f"quality: {table.name}", kind, figure, True, data, parted,
                   lambda split: quality_ladder(target))  # fmt: skip


def _engines(folder: Path) -> Contest:
    learned, judged = engines(folder, "FD001")
    last = last_rows(judged)
    return Contest("life: FD001", "number", "rmse", False, learned,
                   lambda seed: by_group(learned, UNIT, (0.6, 0.15, 0.15, 0.1), seed=seed),
                   lambda split: life_ladder(), 30, (judged, last))  # fmt: skip


def _column(folder: Path) -> Contest:
    data = debutanizer(folder)
    return Contest("soft sensor: debutanizer", "number", "r2", True, data,
                   lambda seed: by_time(data), lambda split: softsensor_ladder(), 20)  # fmt: skip


def _load(folder: Path) -> Contest:
    data = steel(folder)
    while found := leaks(data):
        data = data.without({name for leak in found for name in leak.about})
    data = ahead(data, zone="Asia/Seoul")
    first = forecast_view(data, DAY + 1)
    return Contest("forecast: steel load", "number", "mae", False, data,
                   lambda seed: by_time(data), lambda split: forecast_ladder(data),
                   view=first.of_data)  # fmt: skip
