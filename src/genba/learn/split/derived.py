"""Columns that are the target in disguise: alone or in pairs they compute it.

A shallow tree sees one or two columns, is fitted on every other block of rows, and is judged on the
rest. A true cause leaves noise; what is computed from the target, or what the target is computed
from, leaves none. A flag that is raised only where the target is one class is told too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from genba.learn.arrays import Booleans, Floats
from genba.learn.data.dataset import Dataset

ALONE_R2 = 0.97
TOGETHER_R2 = 0.985
ALONE_AUC = 0.995
TOGETHER_AUC = 0.999
_MOST_ROWS = 6000
_PAIRED = 8
_FEWEST_FLAGS = 8
_FEWEST_OF_CLASS = 12
_BLOCKS = 20


@dataclass(frozen=True, slots=True)
class Proof:
    """Columns that give the target away, and how that shows."""

    columns: tuple[str, ...]
    text: str


def proofs(data: Dataset, suspects: Sequence[int]) -> list[Proof]:
    """Look among some columns, by index, for those that give the target away."""
    target = data.target
    if target is None or not suspects:
        return []
    known = np.flatnonzero(np.isfinite(target.values))
    if len(known) < 40 or np.ptp(target.values[known]) == 0:
        return []
    rows = known[:: max(1, len(known) // _MOST_ROWS)]
    labels = target.values[rows]
    fitted = (np.arange(len(rows)) * _BLOCKS // len(rows)) % 2 == 0
    told: list[Proof] = []
    flags = _flags(data, suspects) if target.is_class else []
    told += flags
    left = [i for i in suspects if all(data.names[i] not in proof.columns for proof in flags)]
    alone = {}
    for index in left:
        grade = _grade(data.values[rows][:, [index]], labels, fitted, target.is_class)
        alone[index] = grade
        if grade >= (ALONE_AUC if target.is_class else ALONE_R2):
            told.append(
                Proof(
                    (data.names[index],), "gives away " + _says(target.name, grade, target.is_class)
                )
            )
    given = {name for proof in told for name in proof.columns}
    best = sorted(alone, key=lambda i: -alone[i])[: _PAIRED + len(given)]
    for pair in combinations([i for i in best if data.names[i] not in given], 2):
        grade = _grade(data.values[rows][:, list(pair)], labels, fitted, target.is_class)
        single = max(alone[i] for i in pair)
        enough = TOGETHER_AUC if target.is_class else TOGETHER_R2
        if grade >= enough and (1 - grade) < 0.5 * (1 - single):
            names = tuple(data.names[i] for i in pair)
            told.append(
                Proof(names, "together give away " + _says(target.name, grade, target.is_class))
            )
            break  # others of these pairs say the same
    return told


def _says(target: str, grade: float, is_class: bool) -> str:
    measure = "AUC" if is_class else "R2"
    return (
        f"'{target}' ({measure} {grade:.3f} on rows not fitted on), as only something "
        "that is computed from it, or measured with it, does"
    )


def _grade(columns: Floats, labels: Floats, fitted: Booleans, is_class: bool) -> float:
    """R2, or the mean AUC of the classes, of a tree on rows that it was not fitted on."""
    from sklearn.metrics import roc_auc_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    filled = np.where(np.isfinite(columns), columns, -1e12)
    if np.ptp(filled) == 0 or len(np.unique(labels[fitted])) < 2:
        return 0.0
    leaf = max(2, int(fitted.sum()) // 1500)
    if not is_class:
        tree = DecisionTreeRegressor(min_samples_leaf=leaf, random_state=0)
        said = tree.fit(filled[fitted], labels[fitted]).predict(filled[~fitted])
        spread = float(np.var(labels[~fitted]))
        return float(1 - np.mean((said - labels[~fitted]) ** 2) / spread) if spread > 0 else 0.0
    tree = DecisionTreeClassifier(min_samples_leaf=leaf, max_depth=6, random_state=0)
    tree.fit(filled[fitted], labels[fitted])
    chance = tree.predict_proba(filled[~fitted])
    grades = [
        roc_auc_score(labels[~fitted] == name, chance[:, index])
        for index, name in enumerate(tree.classes_)
        if _enough(labels[~fitted] == name) and _enough(labels[fitted] == name)
    ]
    return float(np.mean(grades)) if grades else 0.0


def _enough(of_class: Booleans) -> bool:
    """Whether both sides have enough rows that a perfect answer is no chance."""
    return bool(min(of_class.sum(), (~of_class).sum()) >= _FEWEST_OF_CLASS)


def _flags(data: Dataset, suspects: Sequence[int]) -> list[Proof]:
    """Find columns of two values of which the rarer one stands in rows of one rare class alone."""
    assert data.target is not None  # noqa: S101 - the caller looked
    labels = data.target.values
    told = []
    for index in suspects:
        values = data.values[:, index]
        levels, counts = np.unique(values[np.isfinite(values)], return_counts=True)
        if len(levels) != 2 or counts.min() < _FEWEST_FLAGS:
            continue
        raised = values == levels[np.argmin(counts)]
        classes = np.unique(labels[raised & np.isfinite(labels)])
        if len(classes) != 1:
            continue
        base = float(np.mean(labels == classes[0]))
        if base ** counts.min() < 1e-9 and base < 0.5:
            name = data.target.classes[int(classes[0])]
            text = (
                f"is raised in {int(counts.min())} rows, and all of them are '{name}', which "
                f"{base:.1%} of all rows are: it is noted together with '{data.target.name}'"
            )
            told.append(Proof((data.names[index],), text))
    return told
