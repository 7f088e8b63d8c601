"""Labelled rows of a part, as features: what lines and trees are fitted on."""

from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers, Texts
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import runs_of
from genba.learn.regression.view import View

FEWEST = 20


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """``features`` (n, features), ``labels`` (n, max(steps, 1)), and the row, time and unit."""

    features: Floats
    labels: Floats
    row: Integers
    time: Integers
    unit: Texts

    def complete(self) -> "Rows":
        """Return those whose features are all known."""
        known = np.isfinite(self.features).all(axis=1)
        features, labels = self.features[known], self.labels[known]
        return Rows(features, labels, self.row[known], self.time[known], self.unit[known])

    def and_then(self, other: "Rows") -> "Rows":
        """Return these rows and others."""
        return Rows(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.row, other.row]),
            np.concatenate([self.time, other.time]),
            np.concatenate([self.unit, other.unit]),
        )


def labelled(data: Dataset, view: View, steps: int = 0) -> Rows:
    """Return the windows of a data set whose labels are all known.

    ``steps`` is 0 for the target of the row where a window ends; else labels are those of that row
    and the next ones of its unit, ``steps`` in all.

    Raises
    ------
    LearnError
        If there is no target, or fewer than ``FEWEST`` rows are left.
    """
    truth = labels_of(data, steps)
    features, rows = view.of_data(data)
    known = np.isfinite(truth[rows]).all(axis=1)
    if known.sum() < FEWEST:
        raise LearnError(
            f"data set '{data.name}' has {int(known.sum())} labelled windows in a part, and it "
            f"takes {FEWEST}; record longer, or give this part a larger share"
        )
    rows = rows[known]
    return Rows(features[known], truth[rows], rows, data.time[rows], data.units[rows])


def labels_of(data: Dataset, steps: int = 0) -> Floats:
    """Return the labels of each row: (rows, max(steps, 1)), NaN beyond the end of a unit."""
    labels = data.labels()
    if data.target is not None and data.target.is_class:
        raise LearnError(
            f"target '{data.target.name}' is a class, and a number is wanted; "
            "choose another target, or train quality"
        )
    truth = np.full((data.rows, max(steps, 1)), np.nan)
    for run in runs_of(data):
        for step in range(truth.shape[1]):
            truth[run[: len(run) - step], step] = labels[run[step:]]
    return truth
