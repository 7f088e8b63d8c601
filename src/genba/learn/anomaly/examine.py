"""How good a detector is: against labels where there are some, else by quiet and by drills."""

import numpy as np

from genba.learn.anomaly.drills import Drill
from genba.learn.anomaly.episodes import episodes_of, weeks_of
from genba.learn.arrays import Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.recipe.examine import Scores


def examine_anomalies(
    data: Dataset,
    rows: Integers,
    value: Floats,
    limit: float,
    drilled: list[Drill],
    apart: int = 1,
    bearable: float = 0.0,
) -> Scores:
    """Measure alarms (``value`` above ``limit``) at some rows of a data set.

    Where the target is a class, class 0 is normal and all others are faults. Without a target all
    rows are taken to be normal. Alarms at most ``apart`` rows apart are one.

    ``drills`` are found at the limit as it is. ``drills_kept`` are those that would be found if it
    were raised until at most a share ``bearable`` of these normal rows alarmed: what choosing among
    models asks, whose limits are set anew on these rows, too.
    """
    from sklearn.metrics import roc_auc_score

    labels = np.zeros(len(rows)) if data.target is None else data.target.values[rows]
    alarms, normal, faulty = value > limit, labels == 0, labels > 0
    scores: dict[str, float | None] = {
        "false_alarms": float(np.mean(alarms[normal])) if normal.any() else None,
        "false_alarms_week": None,
    }
    weeks = weeks_of(data, rows[normal])
    if weeks > 0:
        episodes = episodes_of(alarms & normal, data.units[rows], apart)
        scores["false_alarms_week"] = len(episodes) / weeks
    if faulty.any():
        scores["detection"] = float(np.mean(alarms[faulty]))
        known = np.isfinite(value) & np.isfinite(labels)
        if normal.any():
            scores["auc"] = float(roc_auc_score(faulty[known], value[known]))
    if drilled:
        far = np.array([drill.far for drill in drilled])
        scores["drills"] = float(np.mean(far > limit))
        if normal.any():
            borne = float(np.quantile(value[normal], 1 - bearable, method="higher"))
            scores["drills_kept"] = float(np.mean(far > max(limit, borne)))
    return scores
