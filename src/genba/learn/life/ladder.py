"""The ladder of remaining life."""

from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import Windows
from genba.learn.life.recipes import BoostedLife, LinearLife
from genba.learn.quality.prior import PriorRecipe
from genba.learn.recipe.examine import Scores, examine_number
from genba.learn.recipe.ladder import Again, Ladder
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task

WINDOW = 30


def life_ladder(*, window: int = WINDOW) -> Ladder:
    """Return the rungs: a line and boosted trees over the same view; beside them the mean."""
    rungs: tuple[Recipe, ...] = (LinearLife(window=window), BoostedLife(window=window))
    baselines: tuple[Recipe, ...] = (PriorRecipe(task=Task.LIFE),)
    return Ladder(Task.LIFE, rungs, baselines, examine_life, "rmse", again=Again.ROWS)


def examine_life(
    model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
) -> Scores:
    """Measure answers against what was left at the rows where windows end."""
    return examine_number(part.labels()[seen.rows], said)
