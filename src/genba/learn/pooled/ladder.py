"""The rungs of the middle stage, above those of a machine alone: pooled and transferred.

They are of middle weight, so the ladder takes one only where it is better than what the machine's
own rows teach, on rows that none was fitted on. The other machine's model as it is stands beside
them: it cannot be chosen, but the report shows it.
"""

from dataclasses import replace

from genba.learn.data.dataset import Dataset
from genba.learn.physics.recipe import PhysicsRecipe
from genba.learn.pooled.recipe import PooledRecipe
from genba.learn.pooled.transfer import TransferRecipe, ZeroShot
from genba.learn.recipe.ladder import Ladder
from genba.learn.recipe.protocol import Model, Recipe

FEWEST_ROWS = 40
"""Rows of the machine itself, where others teach too."""


def with_sisters(ladder: Ladder, sisters: Dataset) -> Ladder:
    """Return a ladder that also learns from sister machines, one unit each."""
    light = [one for one in ladder.rungs if not isinstance(one, PhysicsRecipe)]
    pooled = [PooledRecipe(one, sisters) for one in light]
    moved = [TransferRecipe(one, sisters=sisters) for one in light]
    beside = ZeroShot(light[-1], sisters=sisters)
    return _more(ladder, [*pooled, *moved], beside)


def starting_from(ladder: Ladder, source: Recipe, model: Model) -> Ladder:
    """Return a ladder that also starts from a model of another machine."""
    return _more(ladder, [TransferRecipe(source, start=model)], ZeroShot(source, start=model))


def _more(ladder: Ladder, rungs: list[Recipe], beside: Recipe) -> Ladder:
    return replace(
        ladder,
        rungs=(*ladder.rungs, *rungs),
        baselines=(*ladder.baselines, beside),
        fewest_rows=min(ladder.fewest_rows, FEWEST_ROWS),
    )
