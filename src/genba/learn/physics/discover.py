"""Quantities that say what single columns do not: looked for in what plain trees leave over.

Of every two numbers of a row their product and ratios are looked at, and their difference where
both are of one kind. A quantity is worth it where the residuals of trees that did not see the row
differ between its ranges beyond chance, and beyond what either of its sides tells.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from genba.learn.arrays import Floats, Integers
from genba.learn.data.column import Column
from genba.learn.physics.quantity import Quantity, Sign, extended
from genba.learn.quality.calibration import sigmoid, softmax
from genba.learn.quality.head import Kind
from genba.learn.threads import threads
from genba.plant.units import commensurable

MOST = 6
_EDGES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
"""Ends are cut finer: faults are rare, and lie at the ends."""
_CHANCE = 1e-3
_MORE = 0.25
"""By so much of what chance may tell a quantity has to tell more than either of its sides."""
_TASTE = {"*": 1.0, "-": 1.0, "/": 0.9}
"""Where a difference and a ratio say the same, people think of the difference."""
_FOLDS = 5
_ROUNDS = 100


def discover(
    rows: Floats, labels: Floats, kind: Kind, columns: tuple[Column, ...], seed: int
) -> tuple[Quantity, ...]:
    """Return up to ``MOST`` quantities for rows (n, columns), the most telling first.

    After each one that is taken, trees see it too, and what they then leave over is looked at.
    """
    from scipy.stats import chi2

    candidates = list(_candidates(columns, rows))
    ranges = [_ranges(one.of(rows)) for one in candidates]
    plain = [_ranges(rows[:, place]) for place in range(rows.shape[1])]
    chosen: list[Quantity] = []
    while candidates and len(chosen) < MOST:
        left = left_over(extended(rows, chosen), labels, kind, seed)
        floor = float(chi2.isf(_CHANCE / len(candidates), len(_EDGES) * left.shape[1]))
        told = np.array([_telling(place, left) for place in plain])
        scores = np.array([_telling(place, left) for place in ranges])
        scores *= [_TASTE[one.sign] for one in candidates]
        gains = scores - [max(told[q.left], told[q.right]) for q in candidates]
        gains[(scores <= floor) | (gains <= _MORE * floor)] = 0.0
        best = int(np.argmax(gains))
        if gains[best] == 0:
            break
        chosen.append(candidates.pop(best))
        del ranges[best]
    return tuple(chosen)


def _candidates(columns: tuple[Column, ...], rows: Floats) -> Iterator[Quantity]:
    usable = [
        place
        for place, column in enumerate(columns)
        if not column.levels and len(np.unique(rows[np.isfinite(rows[:, place]), place])) > 2
    ]
    for at, left in enumerate(usable):
        for right in usable[at + 1 :]:
            sides = (left, right)
            yield _named("*", *sides, columns)
            if commensurable(columns[left].unit, columns[right].unit):
                yield _named("-", *sides, columns)
            for one, other in (sides, sides[::-1]):
                if np.nanmin(np.abs(rows[:, other])) > 0:
                    yield _named("/", one, other, columns)


def _named(sign: Sign, left: int, right: int, columns: tuple[Column, ...]) -> Quantity:
    name = f"{columns[left].name} {sign} {columns[right].name}"
    return Quantity(name, sign, left, right)


def left_over(rows: Floats, labels: Floats, kind: Kind, seed: int) -> Floats:
    """Return what trees that did not see a row leave over of its label, standard, (n, outputs)."""
    import lightgbm as lgb

    classes = int(labels.max()) + 1 if kind == "many" else 1
    objective = {"number": "regression", "two": "binary", "many": "multiclass"}[kind]
    settings: dict[str, Any] = {
        "objective": objective,
        "num_leaves": 8,
        "learning_rate": 0.1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads(),
        "verbosity": -1,
    } | ({"num_class": classes} if kind == "many" else {})
    fold = np.random.default_rng(seed).permutation(len(rows)) % _FOLDS
    said = np.zeros((len(rows), classes))
    for number in range(_FOLDS):
        out = fold == number
        grown = lgb.train(settings, lgb.Dataset(rows[~out], labels[~out]), _ROUNDS)
        said[out] = np.asarray(grown.predict(rows[out], raw_score=True)).reshape(-1, classes)
    if kind == "many":
        left = np.eye(classes)[labels.astype(np.int64)] - softmax(said)
    else:
        left = labels[:, None] - (said if kind == "number" else sigmoid(said))
    left = left - left.mean(axis=0)
    return np.asarray(left / np.maximum(left.std(axis=0), 1e-12))


def _ranges(values: Floats) -> Integers:
    """Return in which range of its column each value lies; 0 for unknown ones, (n,)."""
    known = np.isfinite(values)
    place = np.zeros(len(values), np.int64)
    if known.sum() >= 2 * len(_EDGES):
        edges = np.unique(np.quantile(values[known], _EDGES))
        place[known] = 1 + np.searchsorted(edges, values[known], side="right")
    return place


def _telling(place: Integers, left: Floats) -> float:
    """How much residuals differ between ranges: about chi-square by chance alone."""
    count = np.maximum(np.bincount(place, minlength=2), 1)
    total = 0.0
    for output in range(left.shape[1]):
        sums = np.bincount(place, left[:, output], minlength=2)
        total += float(np.sum((sums**2 / count)[1:]))
    return total
