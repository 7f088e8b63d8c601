"""From a card back to the recipe that can make the model again.

A card names a class, and a card may come from elsewhere: only classes of Genba's own, and of
packages that were installed here on purpose (entry points ``genba.recipes``), are ever loaded.
"""

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from genba.errors import LearnError
from genba.learn.recipe.card import Card
from genba.learn.recipe.protocol import Recipe, Task

GROUP = "genba.recipes"
"""Entry points of packages that bring recipes: any name, the value is ``module:Class``."""
_OWN = "genba.learn."


def made_by(recipe: Recipe) -> str:
    """Name the class of a recipe for its card."""
    kind = type(recipe)
    return f"{kind.__module__}:{kind.__qualname__}"


def recipe_of(card: Card) -> Recipe:
    """Make the recipe of a card, with its settings.

    Raises
    ------
    LearnError
        If its class is not known here, or does not take the settings.
    """
    module, _, name = card.made_by.partition(":")
    known = {point.value for point in entry_points(group=GROUP)}
    if not module.startswith(_OWN) and card.made_by not in known:
        raise LearnError(
            f"recipe '{card.recipe}' was made by {card.made_by}, which no installed package brings"
            f"; install the one that does (entry point group {GROUP})"
        )
    try:
        kind = getattr(import_module(module), name)
        settings = dict(card.settings)
        if "task" in settings:
            settings["task"] = Task(settings["task"])
        return cast("Recipe", kind(**settings))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise LearnError(
            f"recipe '{card.recipe}' cannot be made again: {error}; use the Genba that made it "
            f"({card.lineage.get('code', 'unknown')})"
        ) from None
