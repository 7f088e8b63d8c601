"""The rungs of remaining life: a line, and boosted trees with limits of their own."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.life.features import life_view
from genba.learn.recipe.protocol import Parts, Task, Weight
from genba.learn.regression.boost import Boost
from genba.learn.regression.fit import Aim, line_model, trees_model
from genba.learn.regression.model import NumberModel

_BOOST = Boost(rounds=600, share=0.7, random_cuts=True)


@dataclass(frozen=True, slots=True)
class LinearLife:
    """Settings: rows looked back on, directions that signals share, cover of the interval."""

    window: int = 30
    directions: int = 3
    cover: float = 0.9
    name: str = "linear"
    task: ClassVar[Task] = Task.LIFE
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> NumberModel:
        """Fit on ``train``, the penalty by units left out; set limits on units of ``held``."""
        view = life_view(train, self.window, self.directions)
        return line_model(train, held, view, _aim(train, self.cover))

    def restore(self, parts: Parts) -> NumberModel:
        """Make the model again."""
        return NumberModel.from_parts(parts, self.name)


@dataclass(frozen=True, slots=True)
class BoostedLife:
    """Settings: as with the line, and how trees are grown."""

    window: int = 30
    directions: int = 3
    cover: float = 0.9
    boost: Boost = _BOOST
    name: str = "lightgbm"
    task: ClassVar[Task] = Task.LIFE
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> NumberModel:
        """Grow on ``train``; stop early and set limits on units of ``held``."""
        view = life_view(train, self.window, self.directions)
        aim = _aim(train, self.cover)
        return trees_model(train, held, view, aim, self.boost, "square", seed)

    def restore(self, parts: Parts) -> NumberModel:
        """Make the model again."""
        return NumberModel.from_parts(parts, self.name)


def _aim(train: Dataset, cover: float) -> Aim:
    """Nothing lives less than 0, or longer than anything was seen to."""
    labels = train.labels()
    known = labels[np.isfinite(labels)]
    if len(known) == 0 or known.min() < 0:
        raise LearnError(
            f"remaining life in '{train.name}' is unknown or below 0; "
            "give what was left at each row, down to 0 at the end"
        )
    return Aim(bounds=(0.0, float(known.max())), cover=cover, by_unit=True)
