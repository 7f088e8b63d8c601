"""What is trained, in numbers that all sites share: columns, features, the answer, the settings."""

from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.data.column import Column, ColumnKind
from genba.learn.data.dataset import Dataset
from genba.learn.data.target import Target
from genba.learn.life.features import FEWEST_ROWS
from genba.learn.quality.head import COVER, Kind, kind_of
from genba.learn.recipe.protocol import Task
from genba.learn.regression.fit import UNBOUNDED
from genba.learn.regression.kernels import bend, lag, level, mean, slope
from genba.learn.regression.view import View, of_each

TASKS = (Task.LIFE, Task.SOFT_SENSOR, Task.QUALITY)
_RECENT = 5


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the network is averaged (McMahan et al., *Communication-efficient learning of deep
    networks from decentralized data*, AISTATS 2017).

    ``proximal`` pulls each site's weights to the common ones (Li et al., *Federated optimization in
    heterogeneous networks*, MLSys 2020). A site's change is cut to length ``clip``.
    ``polish`` sums more follow the slope over all sites.
    """

    hidden: int = 16
    rounds: int = 60
    epochs: int = 2
    rate: float = 0.003
    batch: int = 64
    proximal: float = 0.0
    decay: float = 1e-3
    clip: float = 5.0
    patience: int = 12
    polish: int = 100


@dataclass(frozen=True, slots=True)
class Design:
    """A task, the columns, and what is said of them. Features follow from it alone, not from data.

    ``classes`` are those of a class target, the second of two being the one that is looked for.
    """

    task: Task
    columns: tuple[Column, ...]
    kind: Kind
    classes: tuple[str, ...] = ()
    window: int = 1
    bounds: tuple[float, float] = UNBOUNDED
    cover: float = COVER
    costs: tuple[float, float] | None = None
    tuning: Tuning = Tuning()
    seed: int = 0

    @classmethod
    def of(cls, data: Dataset, task: Task, window: int, tuning: Tuning, seed: int) -> "Design":
        """Return the design that a data set asks for; a life is bounded by what was seen.

        Raises
        ------
        LearnError
            If it has no target, or none that the task can say.
        """
        labels = data.labels()
        assert data.target is not None  # noqa: S101 - labels() looked
        bounds = UNBOUNDED
        if task is Task.LIFE:
            bounds = (0.0, float(np.nanmax(labels, initial=0.0)))
        kind = _checked_kind(data.target, task)
        return cls(
            task, data.columns, kind, data.target.classes, window, bounds, tuning=tuning, seed=seed
        )

    @property
    def outputs(self) -> int:
        """How many raw scores there are."""
        return len(self.classes) if self.kind == "many" else 1

    @property
    def by_unit(self) -> bool:
        """Whether a whole unit counts as one row when limits are set."""
        return self.task is Task.LIFE

    @property
    def imputes(self) -> bool:
        """Whether the mean stands for an unknown value (parts), or nothing is answered."""
        return self.task is Task.QUALITY

    def view(self) -> View:
        """Return the features of a window.

        Of a life each measurement by its mean, trend, recent mean, end of the fitted line and bend,
        and the rest by their present value; else each column at each row of the window.

        Raises
        ------
        LearnError
            If a window is too short for a trend.
        """
        count = len(self.columns)
        if self.task is not Task.LIFE:
            lags = [lag(self.window, rows) for rows in range(self.window)]
            return View.of([of_each(lags, count, range(count))])
        if self.window < FEWEST_ROWS:
            raise LearnError(
                f"a trend takes a window of at least {FEWEST_ROWS} rows, not {self.window}"
            )
        measured = [
            place
            for place, column in enumerate(self.columns)
            if column.kind is ColumnKind.MEASUREMENT and not column.levels
        ]
        others = [place for place in range(count) if place not in measured]
        window = self.window
        kernels = [
            *(mean(window, window), slope(window, window), mean(window, _RECENT)),
            *(level(window, window), bend(window, window)),
        ]
        blocks = [of_each(kernels, count, measured)] if measured else []
        blocks += [of_each([lag(window, 0)], count, others)] if others else []
        return View.of(blocks)


def _checked_kind(target: Target, task: Task) -> Kind:
    kind = kind_of(target)
    if task not in TASKS or (kind != "number") > (task is Task.QUALITY):
        raise LearnError(
            f"a {kind if kind == 'number' else 'class'} like '{target.name}' cannot be said by "
            f"{task.value} in a federation; take {', '.join(one.value for one in TASKS)}"
        )
    return kind
