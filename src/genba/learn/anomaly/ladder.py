"""The ladder of anomaly detection."""

import numpy as np

from genba.learn.anomaly.distance import DistanceRecipe
from genba.learn.anomaly.drills import drills
from genba.learn.anomaly.examine import examine_anomalies
from genba.learn.anomaly.forest import ForestRecipe
from genba.learn.anomaly.pca import PcaRecipe
from genba.learn.anomaly.sigma import SigmaRecipe
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import Windows
from genba.learn.recipe.examine import Scores
from genba.learn.recipe.ladder import Examine, Ladder
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task

FEWEST_ROWS = 600
MOST_FALSE_ALARMS = 0.05
"""Share of normal rows; a rung beyond it is not chosen."""


def anomaly_ladder(
    train: Dataset, *, false_alarms: float = 0.01, labelled: bool = False, seed: int = 0
) -> Ladder:
    """Return the rungs for some data: the spread of ``train`` sizes the drills.

    Where faults are labelled, AUC decides; else the share of drills that are found.
    """
    rungs: tuple[Recipe, ...] = (
        DistanceRecipe(false_alarms=false_alarms),
        PcaRecipe(window=30, false_alarms=false_alarms),
        PcaRecipe(window=8, false_alarms=false_alarms, name="pca-short"),
        ForestRecipe(window=30, false_alarms=false_alarms),
    )
    baselines: tuple[Recipe, ...] = (SigmaRecipe(false_alarms=false_alarms),)
    primary = "auc" if labelled else "drills"
    examine = examine_with_drills(train, seed)
    return Ladder(Task.ANOMALY, rungs, baselines, examine, primary, _acceptable, FEWEST_ROWS)


def examine_with_drills(train: Dataset, seed: int) -> Examine:
    """Return how detectors are measured; drills are sized by the spread of ``train``."""
    sigma = np.nanstd(train.values, axis=0)

    def examine(
        model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
    ) -> Scores:
        normal = part if part.target is None else part.take(part.target.values == 0, "normal")
        drilled = drills(model, recipe.window, normal, sigma, seed)
        return examine_anomalies(part, seen.rows, said.value, model.threshold or 1.0, drilled)

    return examine


def _acceptable(scores: Scores) -> str | None:
    share = scores.get("false_alarms")
    if share is not None and share > MOST_FALSE_ALARMS:
        return (
            f"it alarms in {share:.2%} of normal rows, and at most {MOST_FALSE_ALARMS:.0%} may be: "
            "what is normal changed between the parts (another product or setting); record longer, "
            "or try --split blocks"
        )
    return None
