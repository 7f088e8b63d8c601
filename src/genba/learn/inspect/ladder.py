"""The ladder of visual inspection."""

import numpy as np

from genba.learn.data.dataset import Dataset
from genba.learn.features.windows import Windows
from genba.learn.inspect.joint_recipe import JointRecipe
from genba.learn.inspect.network_recipe import NetworkRecipe
from genba.learn.inspect.pictures import labels_of
from genba.learn.inspect.template import TemplateRecipe
from genba.learn.inspect.texture_recipe import TextureRecipe
from genba.learn.recipe.examine import Scores, examine_two
from genba.learn.recipe.ladder import Ladder
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Recipe, Task

FEWEST_PICTURES = 40


def inspect_ladder(
    *, masks: bool = True, false_alarms: float = 0.01, turned: bool = False
) -> Ladder:
    """Return the rungs: golden pictures, trees over textures, and a network.

    Parameters
    ----------
    masks : bool
        Whether defects are marked; then the network and the trees judge together.
    false_alarms : float
        Share of good pictures that the golden picture may tell.
    turned : bool
        Whether parts may lie turned by quarters.
    """
    golden = TemplateRecipe(false_alarms=false_alarms)
    heavy: Recipe = JointRecipe(turned=turned) if masks else NetworkRecipe(turned=turned)
    rungs: tuple[Recipe, ...] = (golden, TextureRecipe(), heavy)
    return Ladder(Task.INSPECT, rungs, (), examine_pictures, "auc", fewest_rows=FEWEST_PICTURES)


def examine_pictures(
    model: Model, recipe: Recipe, part: Dataset, seen: Windows, said: Prediction
) -> Scores:
    """Measure answers against the labels of the pictures."""
    truth = np.asarray(labels_of(part)[seen.rows], np.float64)
    return examine_two(truth, said, model.threshold)
