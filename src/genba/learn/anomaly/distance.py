"""Distance from normal in all directions at once: rolling mean and spread, shrunk covariance.

Mahalanobis' distance, with the variances along the principal axes drawn toward their mean, as
Ledoit and Wolf do (*A well-conditioned estimator for large-dimensional covariance matrices*,
Journal of Multivariate Analysis 88, 2004). Their formula for how far takes rows to be independent;
windows overlap, so it is a setting. Unlike T2 and SPE there is no plane to choose, and directions
in which normal data hardly vary count as much as they deserve.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.limits import limit_of
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.features.rolling import (
    contributions_by_column,
    rolling_features,
    rolling_features_graph,
    scaling_of,
)
from genba.learn.features.windows import windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

_FEWEST = 30


@dataclass(frozen=True, slots=True)
class DistanceRecipe:
    """Settings: rows looked back on, how far variances are shrunk, wanted false alarms."""

    window: int = 20
    shrink: float = 0.3
    false_alarms: float = 0.01
    name: str = "distance"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "DistanceModel":
        """Take the covariance from ``train``, the limit from ``held``; both taken to be normal."""
        features = rolling_features(windows_of(train, self.window).values)
        if len(features) < _FEWEST or not np.isfinite(features).all():
            raise LearnError(
                f"{len(features)} windows are too few, or hold unknown values; record longer, or "
                "leave signals out"
            )
        mean, scale = scaling_of(features)
        covariance = np.cov((features - mean) / scale, rowvar=False).reshape(len(mean), -1)
        values, axes = np.linalg.eigh(covariance)
        shrunk = (1 - self.shrink) * np.maximum(values, 0) + self.shrink * max(values.mean(), 1e-9)
        model = DistanceModel(mean, scale, axes, shrunk)
        far = model.predict(windows_of(held, self.window).values).value
        limit = max(limit_of(far, self.false_alarms), 1e-12)
        return DistanceModel(mean, scale, axes, shrunk * limit)

    def restore(self, parts: Parts) -> "DistanceModel":
        """Make the model again."""
        try:
            names = ("mean", "scale", "axes", "variances")
            return DistanceModel(*(np.asarray(parts[name], np.float64) for name in names))
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class DistanceModel:
    """``mean`` and ``scale`` (features,), ``axes`` (features, features) in columns, and the
    ``variances`` along them (features,), times the limit.
    """

    mean: Floats
    scale: Floats
    axes: Floats
    variances: Floats
    threshold: ClassVar[float] = 1.0

    def _along(self, inputs: Floats) -> tuple[Floats, Floats]:
        standard = (rolling_features(inputs) - self.mean) / self.scale
        return standard, standard @ self.axes

    def predict(self, inputs: Floats) -> Prediction:
        """Return the squared distance as a part of its limit."""
        _, along = self._along(inputs)
        return Prediction(np.sum(along**2 / self.variances, axis=1))

    def explain(self, inputs: Floats) -> Floats:
        """Return each column's share of the squared distance; nothing below 0."""
        standard, along = self._along(inputs)
        shares = standard * ((along / self.variances) @ self.axes.T)
        return contributions_by_column(np.maximum(shares, 0), inputs)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {
            "mean": self.mean,
            "scale": self.scale,
            "axes": self.axes,
            "variances": self.variances,
        }

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("distance", shape)
        features = rolling_features_graph(graph, shape[0])
        centered = graph.add("Sub", features, graph.constant(self.mean))
        standard = graph.add("Div", centered, graph.constant(self.scale))
        along = graph.add("MatMul", standard, graph.constant(self.axes))
        weights = graph.constant((1.0 / self.variances)[:, None])
        far = graph.add("MatMul", graph.add("Mul", along, along), weights)
        flat = graph.constant(np.array([-1], np.int64))
        graph.output("value", graph.floats(graph.add("Reshape", far, flat)))
        return graph.to_bytes()
