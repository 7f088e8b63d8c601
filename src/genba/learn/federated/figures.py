"""How good a model is over all sites, from sums: what each site adds, and what comes of it."""

import numpy as np

from genba.learn.arrays import Booleans, Floats, Integers
from genba.learn.federated.design import Design
from genba.learn.federated.model import FederatedModel
from genba.learn.quality.conformal import sets_of
from genba.learn.recipe.examine import Scores, calibration_error, examine_two
from genba.learn.recipe.prediction import Prediction

BINS = 1000
"""Of chances; figures of classes are those of the middles of bins."""
_NUMBERS = 7


def figures_size(design: Design) -> int:
    """How many sums the figures of a design take."""
    if design.kind == "number":
        return _NUMBERS
    if design.kind == "two":
        return 2 * BINS + 7
    return len(design.classes) ** 2 + 2 * BINS + 3


def figures_of(design: Design, model: FederatedModel, said: Prediction, truth: Floats) -> Floats:
    """Return one site's part of the sums, (size,)."""
    if design.kind == "number":
        return _numbers(said, truth)
    assert said.classes is not None  # noqa: S101 - heads of classes give them
    labels = truth.astype(np.int64)
    sets = sets_of(said.classes, model.head.limits)
    within = [len(labels), sets[np.arange(len(labels)), labels].sum(), sets.sum()]
    if design.kind == "two":
        told = said.value >= model.head.threshold
        counts = [_counted(said.value[labels == label]) for label in (0, 1)]
        right = [
            (told & (labels == 1)).sum(),
            told.sum(),
            (labels == 1).sum(),
            (told == (labels == 1)).sum(),
        ]
        return np.concatenate([*counts, np.array([*right, *within], np.float64)])
    guess = said.classes.argmax(axis=1)
    size = len(design.classes)
    confused = np.bincount(labels * size + guess, minlength=size * size).astype(np.float64)
    counts = [_counted(said.value[guess != labels]), _counted(said.value[guess == labels])]
    return np.concatenate([confused, *counts, np.array(within, np.float64)])


def scores_of(design: Design, sums: Floats) -> Scores:
    """Return the figures, by the names of :data:`genba.learn.recipe.examine.MEASURES`."""
    if design.kind == "number":
        return _number_scores(sums)
    counts = np.rint(sums).astype(np.int64)
    rows, within, size = counts[-3:]
    sets: Scores = {
        "covered": float(within / rows) if rows else None,
        "set_size": float(size / rows) if rows else None,
    }
    if design.kind == "two":
        chance, bad = _spread_out(counts[: 2 * BINS])
        hits, said, there, right = (int(count) for count in counts[2 * BINS : 2 * BINS + 4])
        scores = dict(examine_two(bad.astype(np.float64), Prediction(chance), None))
        scores["precision"] = hits / said if said else None
        scores["recall"] = hits / there if there else None
        scores["f1"] = 2 * hits / (said + there) if said + there else None
        scores["accuracy"] = right / int(rows) if rows else None
        return {**scores, **sets}
    several = len(design.classes)
    confused = counts[: several**2].reshape(several, several).astype(np.float64)
    chance, hit = _spread_out(counts[several**2 : -3])
    seen = confused.sum(axis=1) + confused.sum(axis=0)
    f1 = 2 * np.diag(confused)[seen > 0] / seen[seen > 0]
    return {
        "accuracy": float(np.trace(confused) / confused.sum()) if rows else None,
        "macro_f1": float(f1.mean()) if rows else None,
        "ece": calibration_error(hit, chance) if rows else None,
        **sets,
    }


def _numbers(said: Prediction, truth: Floats) -> Floats:
    apart = said.value - truth
    covered, width = 0.0, 0.0
    if said.low is not None and said.high is not None:
        covered = float(((truth >= said.low) & (truth <= said.high)).sum())
        width = float((said.high - said.low).sum())
    sums = [len(truth), apart @ apart, np.abs(apart).sum(), truth.sum(), truth @ truth]
    return np.array([*sums, covered, width], np.float64)


def _number_scores(sums: Floats) -> Scores:
    rows, square, size, total, squares, covered, width = (float(one) for one in sums)
    if round(rows) < 2:
        return {"rmse": None, "mae": None, "r2": None}
    spread = squares / rows - (total / rows) ** 2
    scores: dict[str, float | None] = {
        "rmse": float(np.sqrt(square / rows)),
        "mae": size / rows,
        "r2": 1 - square / rows / spread if spread > 0 else None,
    }
    if width > 0:
        scores |= {"covered": covered / rows, "width": width / rows}
    return scores


def _counted(chance: Floats) -> Floats:
    return np.histogram(chance, np.linspace(0, 1, BINS + 1))[0].astype(np.float64)


def _spread_out(counts: Integers) -> tuple[Floats, Booleans]:
    """Return rows again, at the middles of their bins: chances, and whether of the second kind."""
    middles = (np.arange(BINS) + 0.5) / BINS
    counts = np.maximum(counts, 0)
    return np.repeat(np.tile(middles, 2), counts), np.repeat(np.arange(2 * BINS) >= BINS, counts)
