"""Labelled rows of parts, as the features that quality models see: what they are fitted on."""

from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.features.rolling import rolling_features
from genba.learn.features.windows import windows_of
from genba.learn.quality.folds import folds_of
from genba.learn.quality.head import kind_of

FEWEST = 40
"""Labelled rows of both parts that a model of a machine alone takes."""
_APART = 10
"""Windows that one learns from begin this part of a window apart: closer ones say the same."""


def labelled_windows(data: Dataset, window: int) -> tuple[Floats, Floats, Integers]:
    """Return windows whose label is known, (n, window, columns), labels, and their last rows."""
    labels = data.labels()
    windows = windows_of(data, window, max(1, window // _APART))
    known = np.isfinite(labels[windows.rows])
    return windows.values[known], labels[windows.rows[known]], windows.rows[known]


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """Rows of two parts, one after the other: ``windows`` (n, window, columns), ``features`` (n,
    features), ``labels`` (n,), the ``fold`` of each (n,), and what a row counts, ``trust``.

    Features are mean and spread of each column over the window, its values where it is one row.
    """

    windows: Floats
    features: Floats
    labels: Floats
    fold: Integers
    trust: float


def crossed(
    train: Dataset, held: Dataset, window: int, seed: int, *, fewest: int = FEWEST
) -> Crossed:
    """Return the labelled rows of both parts, dealt to folds.

    Raises
    ------
    LearnError
        If there is no target, both parts together have fewer than ``fewest`` labels, or all rows
        of a class are so close together that they cannot be left out in turn.
    """
    parts = [labelled_windows(part, window) for part in (train, held)]
    windows, labels = (np.concatenate([part[index] for part in parts]) for index in (0, 1))
    if len(labels) < fewest:
        raise LearnError(
            f"data set '{train.name}' has {len(labels)} labelled rows to learn from, and it takes "
            f"{fewest}; record longer, or learn from sister machines too"
        )
    ends = (parts[0][2], parts[1][2])
    assert train.target is not None  # noqa: S101 - labels() looked
    classes = kind_of(train.target) != "number"
    fold, trust = folds_of((train, held), ends, labels, seed, classes=classes)
    if classes and any(len(np.unique(labels[fold != left])) < 2 for left in np.unique(fold)):
        rarest = int(np.unique(labels, return_counts=True)[1].min())
        raise LearnError(
            f"data set '{train.name}' has {rarest} rows of its rarest class to learn from, and too "
            "close together to leave some out in turn; record longer"
        )
    return Crossed(windows, rolling_features(windows), labels, fold, trust)


def by_column(shares: Floats, inputs: Floats) -> Floats:
    """Add up what the features of a column speak for, (n, columns)."""
    return np.asarray(shares.reshape(len(inputs), -1, inputs.shape[2]).sum(axis=1))
