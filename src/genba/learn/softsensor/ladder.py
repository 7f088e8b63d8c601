"""The ladder of soft sensors."""

from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import Windows
from genba.learn.quality.prior import PriorRecipe
from genba.learn.recipe.examine import Scores, examine_number
from genba.learn.recipe.ladder import Again, Ladder
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task
from genba.learn.softsensor.recipes import BoostedSensor, LinearSensor

WINDOW = 30


def softsensor_ladder(*, window: int = WINDOW) -> Ladder:
    """Return the rungs: a line over all lags, and trees on top; beside them the mean."""
    rungs: tuple[Recipe, ...] = (LinearSensor(window=window), BoostedSensor(window=window))
    baselines: tuple[Recipe, ...] = (PriorRecipe(task=Task.SOFT_SENSOR),)
    return Ladder(Task.SOFT_SENSOR, rungs, baselines, examine_sensor, "rmse", again=Again.ROWS)


def examine_sensor(
    model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
) -> Scores:
    """Measure answers against the target of the rows where windows end."""
    return examine_number(part.labels()[seen.rows], said)
