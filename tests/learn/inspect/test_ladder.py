"""The ladder of visual inspection: what is measured, and that the golden picture comes first."""

import numpy as np

from genba.learn import Weight, sample_for
from genba.learn.features.windows import seen_of
from genba.learn.inspect.ladder import examine_pictures, inspect_ladder
from genba.learn.inspect.template import TemplateRecipe
from genba.learn.recipe.protocol import Task


def test_only_the_heavy_rung_needs_a_network() -> None:
    rungs = {recipe.name: recipe.weight for recipe in inspect_ladder().rungs}
    assert rungs == {"template": Weight.LIGHT, "texture": Weight.MID, "joint": Weight.HEAVY}
    assert [recipe.name for recipe in inspect_ladder(masks=False).rungs][-1] == "network"


def test_figures_come_from_the_labels_of_the_pictures_that_were_judged() -> None:
    data = sample_for(Task.INSPECT, 2, rows=180)
    recipe = TemplateRecipe(reach=1)
    model = recipe.fit(data.take(np.arange(30)), data.take(np.arange(30, 40)), 0)
    seen = seen_of(data, 1)
    assert seen.values.shape == (60, 32, 32)
    scores = examine_pictures(model, recipe, data, seen, model.predict(seen.values))
    assert scores["auc"] is not None
    assert 0 <= scores["auc"] <= 1
    assert scores["recall"] is None or 0 <= scores["recall"] <= 1
