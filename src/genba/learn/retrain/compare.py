"""Two models on the same rows that neither has seen: which one errs less, and how sure that is."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import seen_of
from genba.learn.quality.head import kind_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task
from genba.learn.regression.rows import labels_of
from genba.learn.watch.memory import memory_of

FEWEST = 20
_LEVEL = 0.975


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean loss of two models on the same rows, and the gain of the new one with a 95% interval.

    ``effective`` is the number of independent rows that the differences are worth: mistakes of
    neighbors go together.
    """

    loss: str
    rows: int
    effective: float
    old: float
    new: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """By how much the new one errs less."""
        return self.old - self.new

    @property
    def better(self) -> bool:
        """Whether the new one errs less beyond chance."""
        return self.low > 0

    @property
    def worse(self) -> bool:
        """Whether the new one errs more beyond chance."""
        return self.high < 0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "gain": self.gain}

    def told(self) -> str:
        """Say it in plain words."""
        what = "better" if self.better else "worse" if self.worse else "no different beyond chance"
        return (
            f"{self.loss} {self.new:.3g} against {self.old:.3g} on the same {self.rows:,} rows "
            f"(gain {self.gain:.2g}, 95% {self.low:.2g} to {self.high:.2g}): {what}"
        )


def compare(
    task: Task, old: tuple[Model, Recipe], new: tuple[Model, Recipe], data: Dataset
) -> Comparison:
    """Ask both models about the rows of a data set, in order of time, and pair their losses.

    Numbers: absolute error. Two classes: Brier's squared error; more: the same over all classes.
    Anomaly: an alarm on a row that is normal (all are, where no fault is labelled).

    Raises
    ------
    LearnError
        If there are too few rows whose truth is known.
    """
    first, second = (_losses(task, model, recipe, data) for model, recipe in (old, new))
    _, ours, theirs = np.intersect1d(first[1], second[1], return_indices=True)
    before, after = first[0][ours], second[0][theirs]
    known = np.isfinite(before) & np.isfinite(after)
    before, after = before[known], after[known]
    if len(before) < FEWEST:
        raise LearnError(
            f"{len(before)} newest rows have a known truth, and it takes {FEWEST} to compare two "
            "models; record or gauge more"
        )
    low, high, effective = _interval(before - after)
    return Comparison(
        _name(task, data), len(before), effective,
        float(before.mean()), float(after.mean()), low, high,
    )  # fmt: skip


def _interval(gains: Floats) -> tuple[float, float, float]:
    """95% interval of a mean of rows in order of time, and how many rows they are worth."""
    from scipy.stats import t as student

    rows = len(gains)
    mean = float(gains.mean())
    memory = memory_of(gains[:, None])
    variance, degrees = memory.scatter(rows)
    tau, _ = memory.tau(rows)
    wide = float(student.ppf(_LEVEL, max(float(degrees[0]), 1.0)) * np.sqrt(variance[0]))
    return mean - wide, mean + wide, rows / float(tau[0])


def _losses(task: Task, model: Model, recipe: Recipe, data: Dataset) -> tuple[Floats, Integers]:
    seen = seen_of(data, recipe.window)
    said = model.predict(seen.values)
    if task is Task.ANOMALY:
        alarms = np.asarray(said.value > (model.threshold or 1.0), np.float64)
        if data.target is not None:
            alarms[data.target.values[seen.rows] != 0] = np.nan
        return alarms, seen.rows
    if data.target is None:
        raise LearnError(f"no truth is known of '{data.name}'; two models cannot be compared")
    return _against(data, said, seen.rows), seen.rows


def _against(data: Dataset, said: Prediction, rows: Integers) -> Floats:
    """Loss of answers against the target of their rows."""
    target = data.target
    assert target is not None  # noqa: S101 - the caller looked
    kind = kind_of(target)
    if kind == "number":
        steps = said.value.shape[1] if said.value.ndim == 2 else 0
        truth = labels_of(data, steps)[rows]
        apart = np.abs(said.value.reshape(len(rows), -1) - truth)
        return np.asarray(apart.mean(axis=1))
    truth = target.values[rows]
    if kind == "two":
        return np.asarray((said.value - truth) ** 2)
    assert said.classes is not None  # noqa: S101 - models of several classes say them
    hot = np.asarray(truth[:, None] == np.arange(said.classes.shape[1]), np.float64)
    square = ((said.classes - hot) ** 2).sum(axis=1)
    return np.asarray(np.where(np.isfinite(truth), square, np.nan))


def _name(task: Task, data: Dataset) -> str:
    if task is Task.ANOMALY:
        return "share of normal rows with an alarm"
    if data.target is not None and data.target.is_class:
        return "Brier score"
    return "mean absolute error"
