"""How good a detector is: against labels where there are some, else by quiet and by drills."""

import numpy as np

from genba.learn.anomaly.drills import Drill
from genba.learn.arrays import Booleans, Floats, Integers, Texts
from genba.learn.data.dataset import Dataset
from genba.learn.recipe.examine import Scores

WEEK_US = 7 * 86_400 * 1_000_000


def examine_anomalies(
    data: Dataset, rows: Integers, value: Floats, limit: float, drilled: list[Drill]
) -> Scores:
    """Measure alarms (``value`` above ``limit``) at some rows of a data set.

    Where the target is a class, class 0 is normal and all others are faults. Without a target all
    rows are taken to be normal. Alarms in neighboring rows are one.
    """
    from sklearn.metrics import roc_auc_score

    labels = np.zeros(len(rows)) if data.target is None else data.target.values[rows]
    alarms, normal, faulty = value > limit, labels == 0, labels > 0
    scores: dict[str, float | None] = {
        "false_alarms": float(np.mean(alarms[normal])) if normal.any() else None,
        "false_alarms_week": None,
    }
    if data.timed and normal.any():
        spent = _spent_us(data, rows, normal)
        episodes = episodes_of(alarms & normal, data.units[rows])
        scores["false_alarms_week"] = episodes * WEEK_US / spent if spent > 0 else None
    if faulty.any():
        scores["detection"] = float(np.mean(alarms[faulty]))
        known = np.isfinite(value) & np.isfinite(labels)
        if normal.any():
            scores["auc"] = float(roc_auc_score(faulty[known], value[known]))
    if drilled:
        scores["drills"] = float(np.mean([drill.found for drill in drilled]))
    return scores


def episodes_of(alarms: Booleans, units: Texts) -> int:
    """Count stretches of alarms, each within one unit."""
    begins = alarms.copy()
    begins[1:] &= ~(alarms[:-1] & (units[1:] == units[:-1]))
    return int(begins.sum())


def _spent_us(data: Dataset, rows: Integers, counted: Booleans) -> float:
    """Time that the counted rows stand for: each as long as rows are usually apart."""
    times, units = data.time[rows], data.units[rows]
    steps = np.diff(times)[units[1:] == units[:-1]]
    steps = steps[steps > 0]
    return float(np.median(steps)) * int(counted.sum()) if len(steps) else 0.0
