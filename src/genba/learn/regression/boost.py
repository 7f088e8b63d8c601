"""Boosted trees for numbers: LightGBM, grown on features and read as plain arrays.

Ke et al., *LightGBM: a highly efficient gradient boosting decision tree*, NeurIPS 2017.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.export.trees import Trees, from_lightgbm
from genba.learn.threads import threads


@dataclass(frozen=True, slots=True)
class Boost:
    """How trees are grown. ``random_cuts`` tries one random threshold for each feature (extremely
    randomized trees; Geurts, Ernst and Wehenkel, Machine Learning 63, 2006), which averages noise.
    """

    rounds: int = 400
    rate: float = 0.03
    leaves: int = 15
    least: int = 50
    share: float = 0.5
    random_cuts: bool = False
    patience: int = 60

    def settings(self, rows: int, seed: int) -> dict[str, Any]:
        """Return LightGBM's parameters for so many rows."""
        return {
            "learning_rate": self.rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": int(np.clip(rows // 100, 3, self.least)),
            "feature_fraction": self.share,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 10.0,
            "extra_trees": self.random_cuts,
            "boost_from_average": False,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": threads(),
            "verbosity": -1,
        }


Objective = Literal["square", "absolute"]
_NAMES = {"square": "regression", "absolute": "regression_l1"}


def grow(
    boost: Boost,
    features: Floats,
    labels: Floats,
    judged: tuple[Floats, Floats] | None,
    aim: Objective | float,
    seed: int,
) -> Trees:
    """Grow trees whose sums are labels; stop where rows to judge by, if any, get no better.

    ``aim`` is the loss, or a quantile between 0 and 1. Leaves are rounded to float32, as ONNX
    keeps them; labels should be around 0, so that little is lost.
    """
    import lightgbm as lgb

    settings = boost.settings(len(features), seed)
    settings["objective"] = _NAMES[aim] if isinstance(aim, str) else "quantile"
    if not isinstance(aim, str):
        settings["alpha"] = aim
    grown_on = lgb.Dataset(np.asarray(features, np.float32), labels)
    watch: dict[str, Any] = {}
    if judged is not None:
        rows = np.asarray(judged[0], np.float32)
        watch["valid_sets"] = [lgb.Dataset(rows, judged[1], reference=grown_on)]
        watch["callbacks"] = [lgb.early_stopping(boost.patience, verbose=False)]
    booster = lgb.train(settings, grown_on, boost.rounds, **watch)
    best = booster.best_iteration if judged is not None else None
    text = booster.model_to_string(num_iteration=best)
    trees = from_lightgbm(lgb.Booster(model_str=text))
    return replace(trees, value=trees.value.astype(np.float32).astype(np.float64))


def joined(grown: list[Trees]) -> Trees:
    """Join several: the trees of each add to an output of their own, in order."""
    starts = np.cumsum([0, *(len(one.feature) for one in grown)])
    moved = [
        replace(
            one,
            root=one.root + start,
            output=np.full(len(one.root), place, np.int64),
            left=one.left + start,
            right=one.right + start,
        )
        for place, (one, start) in enumerate(zip(grown, starts, strict=False))
    ]
    names = ("root", "output", "feature", "threshold", "left", "right", "nan_left", "value")
    return Trees(*(np.concatenate([getattr(one, name) for one in moved]) for name in names))
