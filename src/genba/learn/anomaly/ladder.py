"""The ladder of anomaly detection."""

from importlib.util import find_spec
from typing import Any

import numpy as np

from genba.learn.anomaly.chart import ChartRecipe
from genba.learn.anomaly.distance import DistanceRecipe
from genba.learn.anomaly.drills import LENGTH, drills
from genba.learn.anomaly.episodes import apart_of
from genba.learn.anomaly.examine import examine_anomalies
from genba.learn.anomaly.forest import ForestRecipe
from genba.learn.anomaly.pca import PcaRecipe
from genba.learn.anomaly.sigma import SigmaRecipe
from genba.learn.anomaly.together import TogetherRecipe
from genba.learn.anomaly.usual import Usual
from genba.learn.arrays import Floats
from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import Windows, runs_of
from genba.learn.recipe.examine import Scores
from genba.learn.recipe.ladder import Again, Examine, Ladder
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task

FEWEST_ROWS = 600
FEWEST_PARTS = 300
MOST_FALSE_ALARMS = 0.05
"""Share of normal rows of the test; beyond it the report sees no reason for a release."""
_LEAST_GAIN = 0.15
"""Share of drills by which a later rung has to be ahead: about two standard errors of a hundred."""
_SHARP = 0.001
"""Shrinkage of the sharp distances: what hardly ever varies in normal data counts in full there.
The likelihood of normal data knows nothing of faults, and often asks for more; drills decide."""
_LEAD = 60
"""Longest window of a rung."""


def anomaly_ladder(
    train: Dataset,
    *,
    false_alarms: float = 0.01,
    a_week: float | None = None,
    labelled: bool = False,
    parts: bool = False,
    seed: int = 0,
) -> Ladder:
    """Return the rungs for some data: the spread of ``train`` sizes the drills.

    ``parts`` says that rows are parts, not moments.

    Limits are set for ``a_week`` findings a week of running time where that is given and rows have
    times, else for a share ``false_alarms`` of rows. Where faults are labelled, AUC decides; else
    the share of drills that are found at a limit that the rows for choosing keep: a limit from few
    rows says little, and is set again on these.
    """
    wish: dict[str, Any] = {"false_alarms": false_alarms, "a_week": a_week}
    if parts:
        rungs, fewest = _of_parts(wish), FEWEST_PARTS
    else:
        rungs, fewest = _of_moments(wish), FEWEST_ROWS
    baselines: tuple[Recipe, ...] = (SigmaRecipe(**wish),)
    primary = "auc" if labelled else "drills_kept"
    return Ladder(
        *(Task.ANOMALY, rungs, baselines, examine_with_drills(train, seed, false_alarms)),
        *(primary, _doubt, fewest, Again.LIMITS),
        least=0.0 if labelled else _LEAST_GAIN,
    )


def _of_parts(wish: dict[str, Any]) -> tuple[Recipe, ...]:
    """Charts that remember the parts before; and each part, or the last few, by all signals."""
    return (
        ChartRecipe(**wish),
        ChartRecipe(newest=0.08, window=40, name="ewma-middle", **wish),
        ChartRecipe(newest=0.03, window=100, name="ewma-long", **wish),
        DistanceRecipe(window=1, name="distance-part", **wish),
        DistanceRecipe(window=8, name="distance-parts", **wish),
    )


def _of_moments(wish: dict[str, Any]) -> tuple[Recipe, ...]:
    rungs: tuple[Recipe, ...] = (
        TogetherRecipe(shrinks=(None, _SHARP), **wish),
        DistanceRecipe(**wish),
        DistanceRecipe(window=8, name="distance-short", **wish),
        DistanceRecipe(window=_LEAD, name="distance-long", **wish),
        DistanceRecipe(shrink=_SHARP, name="distance-sharp", **wish),
        DistanceRecipe(window=8, shrink=_SHARP, name="distance-sharp-short", **wish),
        PcaRecipe(window=30, **wish),
        PcaRecipe(window=8, name="pca-short", **wish),
        ForestRecipe(window=30, **wish),
    )
    if find_spec("torch") is not None:
        # PyTorch is an extra: without it there is no such rung.
        from genba.learn.autoencoder.recipe import AutoencoderRecipe

        rungs += (AutoencoderRecipe(**wish),)
    return rungs


def examine_with_drills(train: Dataset, seed: int, bearable: float) -> Examine:
    """Return how detectors are measured: drills are sized by the spread of ``train``.

    It is the spread that the setting leaves over: what is usual for one product may be a fault of
    another, and has to be found.
    """
    sigma = _spread_of(train)

    def examine(
        model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
    ) -> Scores:
        normal = part if part.target is None else part.take(part.target.values == 0, "normal")
        longest = max((len(rows) for rows in runs_of(normal)), default=0)
        lead = _LEAD if longest >= _LEAD + LENGTH else 0
        drilled = drills(model, recipe.window, normal, sigma, seed, lead)
        limit = model.threshold or 1.0
        apart = apart_of(part, recipe.window)
        return examine_anomalies(part, seen.rows, said.value, limit, drilled, apart, bearable)

    return examine


def _spread_of(train: Dataset) -> Floats:
    """Spread of each judged column within its setting; 0 for setpoints, which are never a fault."""
    usual = Usual.learn(train)
    left, index = usual.left_over(train.values)
    known = index >= 0
    sigma = np.zeros(len(train.columns))
    sigma[usual.measured > 0] = np.nanstd(left[known] * usual.scales[index[known]], axis=0)
    return sigma


def _doubt(scores: Scores) -> str | None:
    share = scores.get("false_alarms")
    if share is None or share <= MOST_FALSE_ALARMS:
        return None
    return (
        f"It alarms in {share:.2%} of normal rows that it had not seen, and at most "
        f"{MOST_FALSE_ALARMS:.0%} may be: what is normal changed (another product or setting, or "
        "it warms up). There is no reason to release it: record longer, or try --split blocks."
    )
