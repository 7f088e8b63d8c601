"""From a card back to the recipe that can make the model again.

A card names a class, and a card may come from elsewhere: only classes of Genba's own, and of
packages that were installed here on purpose (entry points ``genba.recipes``), are ever loaded.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, cast

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


def written(recipe: Recipe) -> dict[str, Any]:
    """Write down a recipe that stands in the settings of another one."""
    return {"made_by": made_by(recipe), "settings": recipe.settings()}


def read(told: Recipe | Mapping[str, Any]) -> Recipe:
    """Read what :func:`written` wrote; a recipe stays as it is.

    Raises
    ------
    LearnError
        As :func:`remade`.
    """
    return remade(told["made_by"], told["settings"]) if isinstance(told, Mapping) else told


def recipe_of(card: Card) -> Recipe:
    """Make the recipe of a card, with its settings.

    Raises
    ------
    LearnError
        If its class is not known here, or does not take the settings.
    """
    try:
        return remade(card.made_by, card.settings)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise LearnError(
            f"recipe '{card.recipe}' cannot be made again: {error}; use the Genba that made it "
            f"({card.lineage.get('code', 'unknown')})"
        ) from None


def remade(made_by: str, settings: Mapping[str, Any]) -> Recipe:
    """Make a recipe of the class ``module:Class`` with these settings.

    Raises
    ------
    LearnError
        If no installed package brings that class. Others as the class raises them.
    """
    module, _, name = made_by.partition(":")
    known = {point.value for point in entry_points(group=GROUP)}
    if not module.startswith(_OWN) and made_by not in known:
        raise LearnError(
            f"a recipe was made by {made_by}, which no installed package brings; "
            f"install the one that does (entry point group {GROUP})"
        )
    kind = getattr(import_module(module), name)
    told = dict(settings)
    if "task" in told:
        told["task"] = Task(told["task"])
    return cast("Recipe", kind(**told))
