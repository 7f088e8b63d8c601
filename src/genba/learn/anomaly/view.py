"""What every detector looks at: mean and spread, over a window, of what the setting leaves over.

They are measured by what is usual at the setting of the window's last row: power stands still in
set-up, and hardly ever in production.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.crossed import PLENTY, crossed
from genba.learn.anomaly.episodes import apart_of
from genba.learn.anomaly.limits import STEADY, UNKNOWN, Wish, limits_of
from genba.learn.anomaly.usual import Usual
from genba.learn.arrays import Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.data.joined import joined
from genba.learn.export.graph import Graph
from genba.learn.features.rolling import rolling_features, rolling_features_graph, scaling_of
from genba.learn.features.windows import runs_of, windows_of
from genba.learn.recipe.protocol import Model, Parts

_MOST_WINDOWS = 20_000
_AT_ONCE = 4096
_SHARED = 5.0
"""Windows without common rows, after which a setting's own spread counts as much as the pooled."""
_LEAST = 0.2
"""Of the pooled spread: no setting is taken for steadier."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """``mean`` and ``scale`` of features by setting, (known + 1, features): the last, of an unknown
    one. Features are means of the judged columns, then their spreads (none of windows of one row).
    """

    usual: Usual
    mean: Floats
    scale: Floats

    @classmethod
    def learn(cls, train: Dataset, window: int, fewest: int = 0) -> tuple["View", Floats]:
        """Learn from normal data; also returns standard features of steady windows, to fit on.

        Raises
        ------
        LearnError
            If these windows are fewer than ``fewest`` for each feature and 30, or hold unknown
            values.
        """
        usual = Usual.learn(train)
        count = sum(max(0, len(rows) - window + 1) for rows in runs_of(train))
        seen = windows_of(train, window, max(1, -(-count // _MOST_WINDOWS)))
        features, index, kinds = _features(usual, seen.values)
        steady = kinds == STEADY
        if steady.sum() < max(fewest * features.shape[1], 30):
            steady = kinds != UNKNOWN
        features, index = features[steady], index[steady]
        if len(features) < max(fewest * features.shape[1], 30) or not np.isfinite(features).all():
            raise LearnError(
                f"{len(features)} windows of {window} rows are too few for {features.shape[1]} "
                "features, or hold unknown values; record longer, or leave signals out"
            )
        step = max(1, -(-count // _MOST_WINDOWS))
        mean, scale = _levels(features, index, len(usual.settings), window / step)
        view = cls(usual, mean, scale)
        return view, (features - mean[index]) / scale[index]

    @property
    def judged(self) -> int:
        """How many columns are judged."""
        return int(self.usual.measured.sum())

    def of(self, inputs: Floats) -> tuple[Floats, Integers]:
        """Return standard features (n, features) and kinds (n,) of windows."""
        features, index, kinds = _features(self.usual, inputs)
        return np.asarray((features - self.mean[index]) / self.scale[index]), kinds

    def graph(self, graph: Graph, window: int) -> tuple[str, str]:
        """Add the same to a graph: standard features, and one-hot kinds (n, 3), float64."""
        left, kinds, last = self.usual.graph(graph)
        features = rolling_features_graph(graph, window, left)
        if not last:
            mean, scale = graph.constant(self.mean[0]), graph.constant(self.scale[0])
        else:
            mean = graph.add("MatMul", last, graph.constant(self.mean))
            scale = graph.add("MatMul", last, graph.constant(self.scale))
        return graph.add("Div", graph.add("Sub", features, mean), scale), kinds

    def limits(self, held: Dataset, window: int, model: Model, wish: Wish) -> Floats:
        """Return the limits (3,) of a model whose limits are still 1, on held-out normal data."""
        seen = windows_of(held, window)
        _, _, kinds = _features(self.usual, seen.values)
        far = model.predict(seen.values).value
        return limits_of(held, seen.rows, far, kinds, wish, apart_of(held, window))

    def by_column(self, shares: Floats) -> Floats:
        """Add up shares of judged columns, or of their means and spreads, (n, columns)."""
        return self.usual.by_column(shares)

    def parts(self) -> dict[str, Floats]:
        """Return the arrays, for the parts of a model."""
        return {**self.usual.parts(), "view_mean": self.mean, "view_scale": self.scale}

    @classmethod
    def from_parts(cls, parts: Parts) -> "View":
        """Read what :meth:`parts` wrote; KeyError if something is missing."""
        mean, scale = (np.asarray(parts[f"view_{name}"], np.float64) for name in ("mean", "scale"))
        return cls(Usual.from_parts(parts), mean, scale)


class Viewing(Model, Protocol):
    """A model that looks at a view; its limits are still 1."""

    @property
    def view(self) -> View:
        """What it looks at."""
        ...


Taught = TypeVar("Taught", bound=Viewing)


def taught(
    train: Dataset, held: Dataset, window: int, wish: Wish, fitted: Callable[[Dataset], Taught]
) -> tuple[Taught, Floats]:
    """Fit a model on normal data, and find its limits (3,) by kind of window.

    Of plenty of rows ``train`` teaches, and ``held`` sets the limits; of few, both do both, by
    cross-fitting.
    """
    if train.rows > PLENTY:
        model = fitted(train)
        return model, model.view.limits(held, window, model, wish)
    both = joined([train, held], train.name, "with the part held out")
    rows, scores, kinds = crossed(both, window, fitted)
    limits = limits_of(both, rows, scores, kinds, wish, apart_of(both, window))
    return fitted(both), limits


def limit_graph(graph: Graph, kinds: str, limits: Floats) -> str:
    """Add the limit of each window to a graph, (n, 1) float64."""
    return graph.add("MatMul", kinds, graph.constant(limits.reshape(3, 1)))


def _features(usual: Usual, inputs: Floats) -> tuple[Floats, Integers, Integers]:
    """Features, the setting of the last row (-1: unknown) and kind of each window."""

    def some() -> Iterator[tuple[Floats, Integers, Integers]]:
        for row in range(0, max(len(inputs), 1), _AT_ONCE):
            left, index, kinds = usual.of_windows(inputs[row : row + _AT_ONCE])
            yield rolling_features(left), index, kinds

    features, index, kinds = zip(*some(), strict=True)
    return np.concatenate(features), np.concatenate(index), np.concatenate(kinds)


def _levels(features: Floats, index: Integers, known: int, overlap: float) -> tuple[Floats, Floats]:
    """Means and spreads by setting, drawn toward the pooled ones; those of an unknown one last.

    ``overlap`` windows share rows, and count as one.
    """
    pooled, _ = scaling_of(features)
    means = np.tile(pooled, (known + 1, 1))
    squares, alone = np.zeros_like(means), np.zeros((known + 1, 1))
    for number in range(known):
        rows = features[index == number]
        if len(rows) == 0:
            continue
        alone[number] = len(rows) / overlap
        means[number], squares[number] = rows.mean(axis=0), rows.var(axis=0)
    rows = index[index >= 0]
    within = squares[rows].mean(axis=0) if len(rows) else features.var(axis=0)
    floor = 1e-12 * (1 + np.abs(pooled)) ** 2
    within = np.where(within > floor, within, np.where(features.var(axis=0) > floor, within, 1.0))
    within = np.maximum(within, floor)
    apart = means - pooled
    between = alone * np.mean(apart[:-1] ** 2, axis=0)
    means = pooled + apart * between / (between + within)
    own = alone / (alone + _SHARED)
    # What a level is drawn away from its own rows is added to the spread.
    squares = own * squares + (1 - own) * within + (apart - (means - pooled)) ** 2
    squares[-1] = within + np.mean(apart[:-1] ** 2, axis=0) * 4
    return means, np.sqrt(np.maximum(squares, _LEAST**2 * within))
