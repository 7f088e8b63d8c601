"""Folds for cross-fitting: stretches that stand for what was not seen, whole groups where the split
kept them whole.

Every row is judged once by a model that was not fitted on it, so all rows calibrate and all rows
teach (Chernozhukov et al., *Double/debiased machine learning*, Econometrics Journal 21, 2018, call
it cross-fitting; cross-conformal prediction of Vovk, Annals of Mathematics and AI 74, 2015).
"""

import numpy as np

from genba.learn.arrays import Floats, Integers, Texts
from genba.learn.data.dataset import UNIT, Dataset

FOLDS = 5
_SHORTEST = 16
"""Pieces that a fold is made of, at most."""
_LEFT = 0.5
"""Of each class so much has to be left to learn from."""


def folds_of(
    parts: tuple[Dataset, Dataset],
    rows: tuple[Integers, Integers],
    labels: Floats,
    seed: int,
    *,
    classes: bool,
) -> tuple[Integers, float]:
    """Return the fold of each row of two parts, one after the other, (n,), and what a row counts.

    ``rows`` are those of each part that count. Groups of which no member stands in both parts were
    kept whole by the split, and stay whole. Else folds are long stretches: five of numbers, and of
    classes, which come and go, four shorter ones each, or more where a class would hardly be left.
    A row counts as 1, or where groups stay whole, as its part of them: a group counts as one row.
    """
    random = np.random.default_rng(seed)
    whole = _whole_group(parts, rows)
    if whole is not None:
        names, place = np.unique(whole, return_inverse=True)
        return np.asarray(_dealt(len(names), random)[place], np.int64), len(names) / len(whole)
    count = len(labels)
    pieces = 4 if classes else 1
    while True:
        piece = np.arange(count) * (pieces * FOLDS) // count
        fold = np.asarray(_dealt(pieces * FOLDS, random)[piece], np.int64)
        if not classes or pieces >= _SHORTEST or _enough_left(fold, labels):
            return fold, 1.0
        pieces *= 2


def _dealt(count: int, random: np.random.Generator) -> Integers:
    """Deal things to folds at random, equally many to each."""
    fold = np.empty(count, np.int64)
    fold[random.permutation(count)] = np.arange(count) % FOLDS
    return fold


def _enough_left(fold: Integers, labels: Floats) -> bool:
    for label in np.unique(labels):
        own = fold[labels == label]
        if np.bincount(own, minlength=FOLDS).max() > (1 - _LEFT) * len(own):
            return False
    return True


def _whole_group(parts: tuple[Dataset, Dataset], rows: tuple[Integers, Integers]) -> Texts | None:
    """Return the coarsest group that the split kept whole, or None."""
    best: Texts | None = None
    fewest = np.inf
    for name in parts[0].groups:
        if name not in parts[1].groups:
            continue
        own = [part.groups[name][row] for part, row in zip(parts, rows, strict=True)]
        own = [_uncut(names) for names in own] if name == UNIT else own
        if set(own[0]) & set(own[1]):
            continue
        found = np.concatenate(own)
        count = len(np.unique(found))
        if FOLDS <= count < fewest:
            best, fewest = found, count
    return best


def _uncut(names: Texts) -> Texts:
    """Return names of units without the number that a cut by a split gave them."""
    return np.array([str(name).partition("#")[0] for name in names], np.str_)
