"""What is measured of answers whose truth is known. Undefined is None, never 0 or 1."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import Booleans, Floats
from genba.learn.recipe.prediction import Prediction

Scores = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure: its name, how people call it, and which direction is better."""

    name: str
    text: str
    higher: bool
    percent: bool = False


MEASURES = {
    one.name: one
    for one in (
        Measure("auc", "AUC", True),
        Measure("ap", "average precision", True),
        Measure("f1", "F1", True),
        Measure("precision", "right when it says so", True, percent=True),
        Measure("recall", "found", True, percent=True),
        Measure("accuracy", "accuracy", True, percent=True),
        Measure("voted", "right by the vote of a unit's rows so far", True, percent=True),
        Measure("macro_f1", "macro F1", True),
        Measure("ece", "calibration error (ECE)", False),
        Measure("covered", "truth within the interval or set", True, percent=True),
        Measure("set_size", "classes in a set", False),
        Measure("rmse", "RMSE", False),
        Measure("mae", "MAE", False),
        Measure("r2", "R2", True),
        Measure("width", "mean width of the interval", False),
        Measure("false_alarms", "false alarms", False, percent=True),
        Measure("false_alarms_week", "false alarms a week", False),
        Measure("detection", "faults found, share of rows", True, percent=True),
        Measure("drills", "drills found", True, percent=True),
        Measure("drills_kept", "drills found at a limit that these rows keep", True, percent=True),
        Measure("delay_rows", "median delay in rows", False),
    )
}
"""All figures that reports may hold."""


def examine_number(truth: Floats, said: Prediction) -> Scores:
    """RMSE, MAE, R2 and, where there is an interval, how often it holds and how wide it is."""
    known = np.isfinite(truth) & np.isfinite(said.value)
    if known.sum() < 2:
        return {"rmse": None, "mae": None, "r2": None}
    apart = said.value[known] - truth[known]
    spread = float(np.var(truth[known]))
    scores: dict[str, float | None] = {
        "rmse": float(np.sqrt(np.mean(apart**2))),
        "mae": float(np.mean(np.abs(apart))),
        "r2": 1 - float(np.mean(apart**2)) / spread if spread > 0 else None,
    }
    if said.low is not None and said.high is not None:
        within = (truth >= said.low) & (truth <= said.high)
        scores["covered"] = float(np.mean(within[known]))
        scores["width"] = float(np.mean((said.high - said.low)[known]))
    return scores


def examine_two(truth: Floats, said: Prediction, threshold: float | None) -> Scores:
    """AUC, average precision, calibration, and F1 at the threshold, of class 1 against class 0."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    known = np.isfinite(truth) & np.isfinite(said.value)
    labels, value = truth[known] == 1, said.value[known]
    scores: dict[str, float | None] = {"auc": None, "ap": None, "ece": None}
    if 0 < labels.sum() < len(labels):
        scores["auc"] = float(roc_auc_score(labels, value))
        scores["ap"] = float(average_precision_score(labels, value))
    if len(labels):
        scores["ece"] = calibration_error(labels, value)
    if threshold is not None and len(labels):
        scores.update(_at(labels, value >= threshold))
        scores["accuracy"] = float(np.mean(labels == (value >= threshold)))
    return scores


def examine_classes(truth: Floats, said: Prediction) -> Scores:
    """Accuracy, macro F1 and calibration of the most likely class."""
    from sklearn.metrics import f1_score

    if said.classes is None:
        return {"accuracy": None, "macro_f1": None, "ece": None}
    known = np.isfinite(truth) & np.isfinite(said.classes).all(axis=1)
    if not known.any():
        return {"accuracy": None, "macro_f1": None, "ece": None}
    labels, chances = truth[known].astype(int), said.classes[known]
    guess = chances.argmax(axis=1)
    return {
        "accuracy": float(np.mean(guess == labels)),
        "macro_f1": float(f1_score(labels, guess, average="macro", zero_division=0.0)),
        "ece": calibration_error(guess == labels, chances.max(axis=1)),
    }


def _at(labels: Booleans, told: Booleans) -> dict[str, float | None]:
    hits, said, there = int((labels & told).sum()), int(told.sum()), int(labels.sum())
    return {
        "precision": hits / said if said else None,
        "recall": hits / there if there else None,
        "f1": 2 * hits / (said + there) if said + there else None,
    }


def calibration_error(hit: Booleans, chance: Floats, bins: int = 10) -> float:
    """Mean gap between what was said and what came, in bins of equally many rows.

    Expected calibration error (Naeini, Cooper and Hauskrecht, AAAI 2015) with equal-mass bins.
    """
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, chance, side="left")  # equal chances stay together
    bins = len(edges) + 1
    gaps = np.bincount(place, hit, bins) - np.bincount(place, chance, bins)
    return float(np.abs(gaps).sum()) / max(len(chance), 1)
