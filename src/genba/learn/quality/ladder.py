"""The ladder of quality and virtual metrology."""

import numpy as np

from genba.learn.data.dataset import UNIT, Dataset
from genba.learn.data.target import Target
from genba.learn.features.windows import Windows
from genba.learn.physics.recipe import PhysicsRecipe
from genba.learn.quality.boosted import BoostedRecipe
from genba.learn.quality.conformal import sets_of
from genba.learn.quality.head import Head, kind_of
from genba.learn.quality.linear import LinearRecipe
from genba.learn.quality.prior import PriorRecipe
from genba.learn.quality.vote import votes
from genba.learn.recipe.examine import Scores, examine_classes, examine_number, examine_two
from genba.learn.recipe.ladder import Again, Ladder
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task

PRIMARY = {"number": "rmse", "two": "ap", "many": "macro_f1"}


def quality_ladder(
    target: Target,
    *,
    window: int = 1,
    costs: tuple[float, float] | None = None,
    physics: tuple[str, ...] = (),
) -> Ladder:
    """Return the rungs for a target: a number, two classes (1 is the defect), or more.

    ``costs`` are those of a missed defect and of a false alarm; ``physics`` are quantities that
    somebody declares, like ``power=torque*speed``.
    """
    boosted = BoostedRecipe(window=window, costs=costs)
    rungs: tuple[Recipe, ...] = (
        LinearRecipe(window=window, costs=costs),
        boosted,
        PhysicsRecipe(boosted, physics),
    )
    primary = PRIMARY[kind_of(target)]
    return Ladder(Task.QUALITY, rungs, (PriorRecipe(),), examine_quality, primary, again=Again.ROWS)


def examine_quality(
    model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
) -> Scores:
    """Measure answers against the labels of a part, and how often the sets hold the truth."""
    truth = part.labels()[seen.rows]
    assert part.target is not None  # noqa: S101 - labels() looked
    kind = kind_of(part.target)
    if kind == "number":
        return examine_number(truth, said)
    scores = (
        dict(examine_two(truth, said, model.threshold))
        if kind == "two"
        else dict(examine_classes(truth, said))
    )
    if kind == "two" and UNIT in part.groups:
        known = np.isfinite(truth)
        said_so_far = votes(said.value[known], part.units[seen.rows[known]])
        scores["voted"] = float(np.mean(said_so_far == (truth[known] == 1)))
    head = getattr(model, "head", None)
    if isinstance(head, Head) and said.classes is not None:
        known = np.isfinite(truth)
        sets = sets_of(said.classes, head.limits)[known]
        place = truth[known].astype(int)
        scores["covered"] = float(sets[range(len(place)), place].mean()) if len(place) else None
        scores["set_size"] = float(sets.sum(axis=1).mean()) if len(place) else None
    return scores
