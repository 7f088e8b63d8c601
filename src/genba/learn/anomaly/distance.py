"""Distance from normal in all directions at once: rolling mean and spread, shrunk covariance.

Mahalanobis' distance, with the variances along the principal axes drawn toward their mean, as
Ledoit and Wolf do (*A well-conditioned estimator for large-dimensional covariance matrices*,
Journal of Multivariate Analysis 88, 2004). Their formula for how far takes rows to be independent;
windows overlap, so that is chosen by how likely blocks of time are that were left out. Unlike T2
and SPE there is no plane to choose, and directions in which normal data hardly vary count as much
as they deserve.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.limits import Wish
from genba.learn.anomaly.view import View, limit_graph, taught
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.features.rolling import scaling_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

_FEWEST = 30
_FOLDS = 5
_SHRINKS = (0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)


@dataclass(frozen=True, slots=True)
class DistanceRecipe:
    """Settings: rows looked back on, how far variances are shrunk, wanted false alarms.

    ``shrink`` None lets the training data choose; ``a_week`` counts where rows have times.
    """

    window: int = 20
    shrink: float | None = None
    false_alarms: float = 0.01
    a_week: float | None = None
    name: str = "distance"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "DistanceModel":
        """Take the covariance from ``train``, limits from ``held``; both taken to be normal.

        Where rows are few, both come from all of them, by cross-fitting.
        """
        wish = Wish(self.false_alarms, self.a_week)
        model, limits = taught(train, held, self.window, wish, self.of_normal)
        return replace(model, limits=limits)

    def of_normal(self, normal: Dataset) -> "DistanceModel":
        """Take the covariance alone; the limits are still 1."""
        view, standard = View.learn(normal, self.window)
        shrink = self.shrink if self.shrink is not None else shrink_of(standard, self.window)
        values, axes = _axes(standard)
        return DistanceModel(view, axes, _shrunk(values, shrink), np.ones(3))

    def restore(self, parts: Parts) -> "DistanceModel":
        """Make the model again."""
        try:
            names = ("axes", "variances", "limits")
            arrays = (np.asarray(parts[name], np.float64) for name in names)
            return DistanceModel(View.from_parts(parts), *arrays)
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class DistanceModel:
    """``axes`` (features, features) in columns, the ``variances`` along them (features,), and
    ``limits`` by kind of window (3,).
    """

    view: View
    axes: Floats
    variances: Floats
    limits: Floats
    threshold: ClassVar[float] = 1.0

    def predict(self, inputs: Floats) -> Prediction:
        """Return the squared distance as a part of its limit."""
        standard, kinds = self.view.of(inputs)
        along = standard @ self.axes
        return Prediction(np.sum(along**2 / self.variances, axis=1) / self.limits[kinds])

    def explain(self, inputs: Floats) -> Floats:
        """Return by how much the answer falls when a column is as the others let expect.

        The contribution by reconstruction (Alcala and Qin, *Reconstruction-based contribution for
        process monitoring*, Automatica 45, 2009): unlike shares of the sum it does not smear over
        columns that go with the faulty one. A column's mean and spread are taken together.
        """
        standard, kinds = self.view.of(inputs)
        inverse = (self.axes / self.variances) @ self.axes.T
        shares = reconstructed(standard @ inverse, inverse, self.view.judged)
        return self.view.by_column(shares / self.limits[kinds][:, None])

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {
            **self.view.parts(),
            "axes": self.axes,
            "variances": self.variances,
            "limits": self.limits,
        }

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("distance", shape)
        standard, kinds = self.view.graph(graph, shape[0])
        along = graph.add("MatMul", standard, graph.constant(self.axes))
        weights = graph.constant((1.0 / self.variances)[:, None])
        far = graph.add("MatMul", graph.add("Mul", along, along), weights)
        part = graph.add("Div", far, limit_graph(graph, kinds, self.limits))
        flat = graph.constant(np.array([-1], np.int64))
        graph.output("value", graph.floats(graph.add("Reshape", part, flat)))
        return graph.to_bytes()


def reconstructed(pulled: Floats, form: Floats, columns: int) -> Floats:
    """Contributions by reconstruction to a squared distance ``x' M x``, (n, columns).

    ``pulled`` is ``x M`` (n, features), ``form`` is M, features are those of the columns once or
    twice (mean, then spread).
    """
    told = np.empty((len(pulled), columns))
    for column in range(columns):
        own = np.arange(column, form.shape[0], columns)
        block = form[np.ix_(own, own)] + 1e-12 * np.eye(len(own))
        told[:, column] = np.sum(pulled[:, own] * np.linalg.solve(block, pulled[:, own].T).T, 1)
    return np.maximum(told, 0.0)


def shrink_of(standard: Floats, window: int) -> float:
    """Choose how far to shrink by the Gaussian likelihood of blocks of time that were left out.

    ``standard`` is (n, features) in order of time; ``window`` rows beside a block are left out too,
    since they share rows with it. Too few rows for that: half.
    """
    count = len(standard)
    if count < 2 * _FOLDS * window or count < 2 * _FEWEST:
        return 0.5
    told = np.zeros(len(_SHRINKS))
    for fold in range(_FOLDS):
        first, last = fold * count // _FOLDS, (fold + 1) * count // _FOLDS
        kept = np.r_[0 : max(0, first - window), min(count, last + window) : count]
        mean, scale = scaling_of(standard[kept])
        values, axes = _axes((standard[kept] - mean) / scale)
        squares = (((standard[first:last] - mean) / scale) @ axes) ** 2
        for number, shrink in enumerate(_SHRINKS):
            shrunk = _shrunk(values, shrink)
            told[number] -= np.sum(squares / shrunk) + (last - first) * np.sum(np.log(shrunk))
    return _SHRINKS[int(told.argmax())]


def _axes(standard: Floats) -> tuple[Floats, Floats]:
    covariance = np.cov(standard, rowvar=False).reshape(standard.shape[1], -1)
    values, axes = np.linalg.eigh(covariance)
    return values, axes


def _shrunk(values: Floats, shrink: float) -> Floats:
    least = max(float(values.mean()), 1e-9)
    return np.asarray((1 - shrink) * np.maximum(values, 0) + shrink * least)
