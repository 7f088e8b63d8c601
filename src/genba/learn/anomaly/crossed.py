"""Scores of few normal rows by models that were not fitted on them: all teach, and all set limits.

Stretches of time are left out in turn, with a window's rows beside them (cross-fitting;
Chernozhukov et al., *Econometrics Journal* 21, 2018). A model of four fifths lies a little farther
from what it did not see than one of all: the limits are rather too wide than too narrow.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.split.parts import Split

PLENTY = 5_000
"""Rows from which on a part of its own for limits costs nothing that counts."""
_FOLDS = 5


class Seeing(Protocol):
    """What a model looks at."""

    def of(self, inputs: Floats) -> tuple[Floats, Integers]:
        """Return what it makes of windows (n, ...), and of what kind each is (n,)."""
        ...


class Judging(Protocol):
    """A model whose limits are still 1."""

    @property
    def view(self) -> Seeing:
        """What it looks at."""
        ...

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window."""
        ...


def crossed(
    data: Dataset, window: int, fitted: Callable[[Dataset], Judging]
) -> tuple[Integers, Floats, Integers]:
    """Return last rows, scores and kinds of windows, each by a model that did not see it.

    Raises
    ------
    LearnError
        If there are too few rows, or a part of them is too little to fit on.
    """
    if data.rows < _FOLDS * window:
        raise LearnError(
            f"{data.rows} normal rows are too few to leave a fifth out with windows of {window}; "
            "record longer"
        )
    told: list[tuple[Integers, Floats, Integers]] = []
    for fold in range(_FOLDS):
        first, last = fold * data.rows // _FOLDS, (fold + 1) * data.rows // _FOLDS
        left = np.arange(first, last)
        kept = np.r_[0 : max(0, first - window), min(data.rows, last + window) : data.rows]
        none = left[:0]
        split = Split(kept, left, none, none, "by stretches of time", "blocks")
        model = fitted(split.take(data, "train"))
        apart = split.take(data, "held")
        seen = windows_of(apart, window)
        if len(seen.rows):
            scores = model.predict(seen.values).value
            told.append((left[seen.rows], scores, model.view.of(seen.values)[1]))
    rows, scores, kinds = (np.concatenate(each) for each in zip(*told, strict=True))
    return rows, scores, kinds
