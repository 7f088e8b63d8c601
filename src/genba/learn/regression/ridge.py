"""Ridge regression whose penalty is chosen by looking ahead, or at machines that were left out.

Hoerl and Kennard, *Ridge regression*, Technometrics 12, 1970. Rows at random would choose too
weak a penalty: neighbors give each other away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import Floats, Integers, Texts

STRENGTHS = (1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Penalties for standard features, in parts of the number of rows."""

Fold = tuple[Integers, Integers]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """``weights`` (features, outputs), ``bias`` (outputs,), and the penalties it is the mean of."""

    weights: Floats
    bias: Floats
    strengths: tuple[float, ...] = ()


def fit_ridge(
    features: Floats,
    labels: Floats,
    folds: Sequence[Fold],
    strengths: Sequence[float] = STRENGTHS,
    alike: float = 0.0,
) -> Line:
    """Fit standard features (rows, features) to labels (rows, outputs), all known.

    The line is the mean of those with the best penalty and with all whose square error in the folds
    is larger by at most the share ``alike``: where folds hardly tell penalties apart, choosing one
    is chance. Without folds it is the mean over all ``strengths``.
    """
    errors = np.zeros(len(strengths))
    for fitted, judged in folds:
        lines = _lines(features[fitted], labels[fitted], strengths)
        for place, line in enumerate(lines):
            said = features[judged] @ line.weights + line.bias
            errors[place] += float(np.sum((said - labels[judged]) ** 2))
    good = [s for s, error in zip(strengths, errors, strict=True) if error <= _most(errors, alike)]
    lines = _lines(features, labels, good)
    weights = np.mean([line.weights for line in lines], axis=0)
    return Line(weights, np.mean([line.bias for line in lines], axis=0), tuple(good))


def _most(errors: Floats, alike: float) -> float:
    return float(errors.min()) * (1.0 + alike)


def _lines(features: Floats, labels: Floats, strengths: Sequence[float]) -> list[Line]:
    mean, middle = features.mean(axis=0), labels.mean(axis=0)
    centered = features - mean
    values, vectors = np.linalg.eigh(centered.T @ centered)
    along = vectors.T @ (centered.T @ (labels - middle))
    lines = []
    for strength in strengths:
        shrunk = along / (np.maximum(values, 0.0) + strength * len(features))[:, None]
        weights = np.asarray(vectors @ shrunk)
        lines.append(Line(weights, middle - mean @ weights, (strength,)))
    return lines


def folds_ahead(time: Integers, gap: int, count: int = 4) -> list[Fold]:
    """Learn from the past and judge what comes next, ``count`` times over the last 60%.

    ``gap`` rows before each judged part are left out, as their windows reach into it.
    """
    order = np.argsort(time, kind="stable")
    cuts = np.linspace(0.4, 1.0, count + 1) * len(order)
    folds = []
    for first, end in zip(cuts[:-1].astype(int), cuts[1:].astype(int), strict=True):
        fitted, judged = order[: max(first - gap, 0)], order[first:end]
        if len(fitted) >= 20 and len(judged) >= 5:
            folds.append((fitted, judged))
    return folds


def folds_of_units(units: Texts, count: int = 5) -> list[Fold]:
    """Leave out every ``count``-th unit in turn; none where there is only one."""
    names, place = np.unique(units, return_inverse=True)
    count = min(count, len(names))
    if count < 2:
        return []
    return [
        (np.flatnonzero(place % count != k), np.flatnonzero(place % count == k))
        for k in range(count)
    ]
