"""Other settings of each recipe, drawn at random, and compared on the part for choosing alone.

At random, since few settings matter in any one case and a grid spends its tries on the others
(Bergstra and Bengio, *Random search for hyper-parameter optimization*, JMLR 13, 2012).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from genba.learn.data.dataset import Dataset
from genba.learn.recipe.ladder import Ladder, Rung, choose, tried
from genba.learn.recipe.protocol import Recipe
from genba.learn.scale import Scale, opened, scale_of
from genba.learn.split.parts import Part, Split

FACTORS: Mapping[str, tuple[float, ...]] = {
    "window": (0.5, 1.0, 1.5, 2.0),
    "rate": (0.5, 1.0, 2.0),
    "leaves": (0.5, 1.0, 2.0, 4.0),
    "least": (0.4, 1.0, 2.0),
    "trees": (0.5, 1.0, 2.0),
    "sample": (0.5, 1.0, 2.0),
    "shrink": (0.3, 0.6, 1.0, 1.5),
}
"""By name of a setting: what the value that a recipe comes with is multiplied by."""
CHOICES: Mapping[str, tuple[float, ...]] = {
    "share": (0.3, 0.5, 0.7, 1.0),
    "variance": (0.8, 0.9, 0.95, 0.99),
    "directions": (2, 3, 5),
}
"""By name of a setting: values that are taken as they are."""
_PARTS: tuple[Part, ...] = ("train", "held", "choose")
_DRAWS = 20
"""Draws for each variant that is wanted, before a recipe counts as exhausted."""


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """The ladder with the settings that were chosen, and every try by its rung's name."""

    ladder: Ladder
    tries: Mapping[str, tuple[Rung, ...]]

    def told(self) -> str:
        """Say in a sentence what was tried, for the card."""
        counts = ", ".join(f"{len(tries)} of '{name}'" for name, tries in self.tries.items())
        return (
            f"Settings were chosen among {counts}, on the part for choosing: its figures are "
            "optimistic, those of the test part are not."
        )


def sweep(
    data: Dataset,
    split: Split,
    ladder: Ladder,
    count: int,
    *,
    seed: int = 0,
    told: Callable[[str], None] = lambda name: None,
    scale: Scale | None = None,
) -> Swept:
    """Try ``count`` other settings of each rung, and keep those that are better by the margin.

    The test part is not looked at. A rung without settings to vary stays as it is.
    """
    parts = {part: split.take(data, part) for part in _PARTS}
    groups = [(recipe, *variants(recipe, count, seed)) for recipe in ladder.rungs]
    tasks = [(one, False) for group in groups for one in group]
    with opened(scale_of() if scale is None else scale) as pool:
        found = pool.run(tried, tasks, ladder, parts, seed)
        tries = {}
        for group in groups:
            told(group[0].name)
            tries[group[0].name] = tuple(next(found)[0] for _ in group)
    best = [choose(ladder, rungs) for rungs in tries.values()]
    rungs = [
        group[0] if one is None else one.recipe for one, group in zip(best, groups, strict=True)
    ]
    return Swept(replace(ladder, rungs=tuple(rungs)), tries)


def variants(recipe: Recipe, count: int, seed: int) -> tuple[Recipe, ...]:
    """Draw up to so many other settings of a recipe; the same seed draws the same.

    Settings are found by their names in :data:`FACTORS` and :data:`CHOICES`, also within a setting
    that is a dataclass itself; a recipe that is none, or has none of them, has no variants.
    """
    random = np.random.default_rng([seed, 4])
    settings: Any = recipe
    found: list[Recipe] = [recipe]
    if is_dataclass(settings):
        for _ in range(_DRAWS * count):
            drawn = _varied(settings, random)
            if drawn not in found:
                found.append(drawn)
            if len(found) > count:
                break
    return tuple(found[1:])


def _varied(settings: Any, random: np.random.Generator) -> Any:
    changed: dict[str, Any] = {}
    for one in fields(settings):
        value = getattr(settings, one.name)
        if is_dataclass(value) and not isinstance(value, type):
            changed[one.name] = _varied(value, random)
        elif not isinstance(value, int | float) or (one.name, value) == ("window", 1):
            continue  # left open by the recipe, or no past to look back on
        elif one.name in CHOICES:
            changed[one.name] = type(value)(random.choice(CHOICES[one.name]))
        elif one.name in FACTORS:
            drawn = value * random.choice(FACTORS[one.name])
            changed[one.name] = max(1, int(drawn)) if isinstance(value, int) else float(drawn)
    return replace(settings, **changed)
