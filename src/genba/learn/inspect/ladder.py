"""The ladder of visual inspection."""

import numpy as np

from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import Windows
from genba.learn.inspect.network_recipe import NetworkRecipe
from genba.learn.inspect.pictures import images_of, labels_of
from genba.learn.inspect.template import TemplateRecipe
from genba.learn.recipe.examine import Scores, examine_two
from genba.learn.recipe.ladder import Ladder
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task

FEWEST_PICTURES = 40


def inspect_ladder() -> Ladder:
    """Return the rungs: the golden picture, which is light, and the network, which is heavy."""
    rungs: tuple[Recipe, ...] = (TemplateRecipe(), NetworkRecipe())
    return Ladder(Task.INSPECT, rungs, (), examine_pictures, "auc", fewest_rows=FEWEST_PICTURES)


def examine_pictures(
    model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
) -> Scores:
    """Measure answers against the labels of the pictures."""
    truth = np.asarray(labels_of(part)[seen.rows], np.float64)
    return examine_two(truth, said, model.threshold)


def pictures_of(part: Dataset) -> Windows:
    """Return what a model of pictures is given of each row: gray values, (n, height, width)."""
    pixels = images_of(part).pixels
    return Windows(np.asarray(pixels, np.float64), np.arange(len(pixels), dtype=np.int64))
