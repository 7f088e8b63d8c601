"""The rungs of forecasts, and the plain ways that stand beside them.

Every rung is anchored: it says by how much the value will differ from the present one, since a
model of levels loses to persistence as soon as the level is new.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.data.column import ColumnKind
from genba.learn.data.dataset import Dataset
from genba.learn.recipe.protocol import Parts, Task, Weight
from genba.learn.regression.boost import Boost
from genba.learn.regression.fit import Aim, given_model, line_model, trees_model
from genba.learn.regression.kernels import lag
from genba.learn.regression.model import NumberModel
from genba.learn.regression.view import View, of_each

MOST_STEPS = 48
_BOOST = Boost(rounds=500, rate=0.04, leaves=31, share=0.6)
_RECENT = 8


@dataclass(frozen=True, slots=True)
class Naive:
    """The value of one ``period`` before the answer: 1 is persistence, a day's rows the season."""

    period: int = 1
    steps: int = 1
    cover: float = 0.9
    name: str = "persistence"
    task: ClassVar[Task] = Task.FORECAST
    weight: ClassVar[Weight] = Weight.LIGHT

    @property
    def window(self) -> int:
        """Rows looked back on: one period."""
        return self.period

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> NumberModel:
        """Fit nothing; set limits on ``held``."""
        own = own_column(train)
        count = len(train.columns)
        lags = [lag(self.period, self.period - 1 - k % self.period) for k in range(self.steps)]
        view = View.of([of_each(lags, count, [own])])
        aim = Aim(self.steps, cover=self.cover)
        return given_model(train, held, view, aim, np.eye(self.steps), np.zeros(self.steps))

    def restore(self, parts: Parts) -> NumberModel:
        """Make the model again."""
        return NumberModel.from_parts(parts, self.name)


@dataclass(frozen=True, slots=True)
class LinearForecast:
    """Settings: rows looked back on, steps ahead, cover of the interval."""

    window: int = 25
    steps: int = 1
    cover: float = 0.9
    name: str = "linear"
    task: ClassVar[Task] = Task.FORECAST
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> NumberModel:
        """Fit on ``train``, the penalty by looking ahead within it; set limits on ``held``."""
        view = forecast_view(train, self.window)
        return line_model(train, held, view, Aim(self.steps, cover=self.cover))

    def restore(self, parts: Parts) -> NumberModel:
        """Make the model again."""
        return NumberModel.from_parts(parts, self.name)


@dataclass(frozen=True, slots=True)
class BoostedForecast:
    """Settings: as with the line, and how trees are grown; they learn what the anchor leaves."""

    window: int = 25
    steps: int = 1
    cover: float = 0.9
    boost: Boost = _BOOST
    name: str = "lightgbm"
    task: ClassVar[Task] = Task.FORECAST
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> NumberModel:
        """Grow on ``train`` for the least absolute error; stop and set limits on ``held``."""
        if self.steps > MOST_STEPS:
            raise LearnError(
                f"{self.steps} steps ahead take as many sets of trees; ask for at most "
                f"{MOST_STEPS}, or take longer steps"
            )
        view = forecast_view(train, self.window)
        aim = Aim(self.steps, cover=self.cover)
        anchor = 0 if train.target is not None and train.target.name in train.names else None
        return trees_model(train, held, view, aim, self.boost, "absolute", seed, anchor=anchor)

    def restore(self, parts: Parts) -> NumberModel:
        """Make the model again."""
        return NumberModel.from_parts(parts, self.name)


def own_column(train: Dataset) -> int:
    """Return the place of the column with the target's own present value.

    Raises
    ------
    LearnError
        If there is none.
    """
    name = "" if train.target is None else train.target.name
    if name not in train.names:
        raise LearnError(
            f"data set '{train.name}' does not hold the present value of its target '{name}'; "
            "make it with genba.learn.forecast.ahead"
        )
    return train.names.index(name)


def forecast_view(train: Dataset, window: int) -> View:
    """See the target's own past at lags, other measurements now and a little ago, the rest now.

    The first feature is the present value, the anchor. Lags are the last eight rows, then ever
    sparser ones, and those around a whole window ago: with a window of a day and a row, what was a
    day before the answer.
    """
    count = len(train.columns)
    blocks: list[Floats] = []
    name = "" if train.target is None else train.target.name
    own = train.names.index(name) if name in train.names else None
    if own is not None:
        blocks.append(of_each([lag(window, rows) for rows in lags_of(window)], count, [own]))
    measured = [
        index
        for index, column in enumerate(train.columns)
        if index != own and column.kind is ColumnKind.MEASUREMENT and not column.levels
    ]
    rest = [index for index in range(count) if index != own and index not in measured]
    if measured:
        recent = [lag(window, rows) for rows in range(min(4, window))]
        blocks.append(of_each(recent, count, measured))
    if rest:
        blocks.append(of_each([lag(window, 0)], count, rest))
    return View.of(blocks)


def lags_of(window: int) -> list[int]:
    """Return which rows of the past are seen, 0 for the present one."""
    last = window - 1
    sparse = [8, 11, 15, 23, 31, 47]
    wanted = [*range(_RECENT), *sparse, last - 3, last - 2, last - 1, last]
    return sorted({rows for rows in wanted if 0 <= rows <= last})
