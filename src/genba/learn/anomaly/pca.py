"""Rolling mean and spread, then principal components: T2 within their plane, SPE off it.

Kourti and MacGregor, *Process analysis, monitoring and diagnosis, using multivariate projection
methods*, Chemometrics and Intelligent Laboratory Systems 28, 1995. The limits are not the
theoretical ones, which hold for independent normal rows only, but set on held-out normal data.
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

_FEWEST_PER_FEATURE = 2


@dataclass(frozen=True, slots=True)
class PcaRecipe:
    """Settings: rows looked back on, variance kept in the plane, wanted share of false alarms."""

    window: int = 30
    variance: float = 0.9
    false_alarms: float = 0.01
    name: str = "pca"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "PcaModel":
        """Fit the plane on ``train``, the limits on ``held``; both are taken to be normal."""
        features = rolling_features(windows_of(train, self.window).values)
        if len(features) < _FEWEST_PER_FEATURE * features.shape[1]:
            raise LearnError(
                f"{len(features)} windows are too few for {features.shape[1]} features; "
                "record longer, or leave signals out"
            )
        mean, scale = scaling_of(features)
        standard = (features - mean) / scale
        values, vectors = np.linalg.eigh(np.cov(standard, rowvar=False).reshape(len(mean), -1))
        values, vectors = values[::-1], vectors[:, ::-1]
        share = np.cumsum(np.maximum(values, 0)) / max(float(np.maximum(values, 0).sum()), 1e-12)
        kept = min(int(np.searchsorted(share, self.variance)) + 1, len(mean))
        plane = vectors[:, :kept]
        model = PcaModel(mean, scale, plane, np.maximum(values[:kept], 1e-9), np.ones(2))
        t2, spe = model.distances(windows_of(held, self.window).values)
        limits = np.array([limit_of(t2, self.false_alarms), limit_of(spe, self.false_alarms)])
        worst = np.maximum(t2 / limits[0], spe / limits[1])
        limits = limits * limit_of(worst, self.false_alarms)
        return PcaModel(mean, scale, plane, model.variances, np.maximum(limits, 1e-12))

    def restore(self, parts: Parts) -> "PcaModel":
        """Make the model again."""
        try:
            names = ("mean", "scale", "plane", "variances", "limits")
            return PcaModel(*(np.asarray(parts[name], np.float64) for name in names))
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class PcaModel:
    """The plane: ``mean`` and ``scale`` (features,), ``plane`` (features, kept), ``variances``
    (kept,), ``limits`` of T2 and SPE (2,).
    """

    mean: Floats
    scale: Floats
    plane: Floats
    variances: Floats
    limits: Floats
    threshold: ClassVar[float] = 1.0

    def _standard(self, inputs: Floats) -> Floats:
        return np.asarray((rolling_features(inputs) - self.mean) / self.scale)

    def distances(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Return T2 and SPE of each window, (n,) each."""
        standard = self._standard(inputs)
        scores = standard @ self.plane
        t2 = np.sum(scores**2 / self.variances, axis=1)
        spe = np.sum((standard - scores @ self.plane.T) ** 2, axis=1)
        return t2, spe

    def predict(self, inputs: Floats) -> Prediction:
        """Return the worse of T2 and SPE, each as a part of its limit."""
        t2, spe = self.distances(inputs)
        return Prediction(np.maximum(t2 / self.limits[0], spe / self.limits[1]))

    def explain(self, inputs: Floats) -> Floats:
        """Return each column's share of the distance that is worse; nothing below 0.

        A column gets what its mean and its spread add to T2 (Nomikos, ISA Transactions 35, 1996) or
        to SPE.
        """
        standard = self._standard(inputs)
        scores = standard @ self.plane
        of_t2 = standard * ((scores / self.variances) @ self.plane.T) / self.limits[0]
        of_spe = (standard - scores @ self.plane.T) ** 2 / self.limits[1]
        worse = of_t2.sum(axis=1) >= of_spe.sum(axis=1)
        shares = np.where(worse[:, None], np.maximum(of_t2, 0), of_spe)
        return contributions_by_column(shares, inputs)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {
            "mean": self.mean,
            "scale": self.scale,
            "plane": self.plane,
            "variances": self.variances,
            "limits": self.limits,
        }

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("pca", shape)
        features = rolling_features_graph(graph, shape[0])
        centered = graph.add("Sub", features, graph.constant(self.mean))
        standard = graph.add("Div", centered, graph.constant(self.scale))
        scores = graph.add("MatMul", standard, graph.constant(self.plane))
        back = graph.add("MatMul", scores, graph.constant(np.ascontiguousarray(self.plane.T)))
        weights = graph.constant(1.0 / (self.variances * self.limits[0])[:, None])
        t2 = graph.add("MatMul", graph.add("Mul", scores, scores), weights)
        off = graph.add("Sub", standard, back)
        even = graph.constant(np.full((len(self.mean), 1), 1.0 / self.limits[1]))
        spe = graph.add("MatMul", graph.add("Mul", off, off), even)
        flat = graph.constant(np.array([-1], np.int64))
        worst = graph.add("Reshape", graph.add("Max", t2, spe), flat)
        graph.output("value", graph.floats(worst))
        return graph.to_bytes()
