"""The rungs of soft sensors: a line over lags, and trees on what the line leaves over.

Processes mix and carry: what leaves a column now went in a while ago. So each signal is seen at
every row of the window (a finite impulse response; Ljung, *System Identification*, 1999, chapter
4). The line is always there, since trees alone do not extrapolate.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from genba.learn.data.dataset import Dataset
from genba.learn.recipe.protocol import Parts, Task, Weight
from genba.learn.regression.boost import Boost
from genba.learn.regression.fit import Aim, line_model, trees_model
from genba.learn.regression.kernels import lag
from genba.learn.regression.model import NumberModel
from genba.learn.regression.view import View, of_each

_BOOST = Boost(rounds=300, rate=0.03, leaves=8, share=0.3)
_ALIKE = 0.1


@dataclass(frozen=True, slots=True)
class LinearSensor:
    """Settings: rows looked back on, and cover of the interval."""

    window: int = 30
    cover: float = 0.9
    name: str = "linear"
    task: ClassVar[Task] = Task.SOFT_SENSOR
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> NumberModel:
        """Fit on ``train``, the penalty by looking ahead within it; set limits on ``held``."""
        return line_model(train, held, lags_view(train, self.window), _aim(self.cover))

    def restore(self, parts: Parts) -> NumberModel:
        """Make the model again."""
        return NumberModel.from_parts(parts, self.name)


@dataclass(frozen=True, slots=True)
class BoostedSensor:
    """Settings: as with the line, and how trees are grown on what it leaves over."""

    window: int = 30
    cover: float = 0.9
    boost: Boost = _BOOST
    name: str = "line+lightgbm"
    task: ClassVar[Task] = Task.SOFT_SENSOR
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> NumberModel:
        """Fit and grow on ``train``; stop early and set limits on ``held``."""
        view, aim = lags_view(train, self.window), _aim(self.cover)
        return trees_model(train, held, view, aim, self.boost, "square", seed, on_line=True)

    def restore(self, parts: Parts) -> NumberModel:
        """Make the model again."""
        return NumberModel.from_parts(parts, self.name)


def _aim(cover: float) -> Aim:
    return Aim(cover=cover, newest=True, alike=_ALIKE)


def lags_view(train: Dataset, window: int) -> View:
    """See each column at each row of the window."""
    columns = range(len(train.columns))
    return View.of([of_each([lag(window, rows) for rows in range(window)], len(columns), columns)])
