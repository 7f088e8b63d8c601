"""Rolling mean and spread, then principal components: T2 within their plane, SPE off it.

Kourti and MacGregor, *Process analysis, monitoring and diagnosis, using multivariate projection
methods*, Chemometrics and Intelligent Laboratory Systems 28, 1995. The limits are not the
theoretical ones, which hold for independent normal rows only, but set on held-out normal data.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.distance import reconstructed
from genba.learn.anomaly.limits import Wish, limit_of
from genba.learn.anomaly.view import View, limit_graph
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.features.windows import windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

_FEWEST_PER_FEATURE = 2


@dataclass(frozen=True, slots=True)
class PcaRecipe:
    """Settings: rows looked back on, variance kept in the plane, wanted false alarms."""

    window: int = 30
    variance: float = 0.9
    false_alarms: float = 0.01
    a_week: float | None = None
    name: str = "pca"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "PcaModel":
        """Fit the plane on ``train``, the limits on ``held``; both are taken to be normal."""
        view, standard = View.learn(train, self.window, _FEWEST_PER_FEATURE)
        values, vectors = np.linalg.eigh(
            np.cov(standard, rowvar=False).reshape(standard.shape[1], -1)
        )
        values, vectors = values[::-1], vectors[:, ::-1]
        share = np.cumsum(np.maximum(values, 0)) / max(float(np.maximum(values, 0).sum()), 1e-12)
        kept = min(int(np.searchsorted(share, self.variance)) + 1, len(values))
        plane, variances = vectors[:, :kept], np.maximum(values[:kept], 1e-9)
        model = PcaModel(view, plane, variances, np.ones(2), np.ones(3))
        t2, spe = model.distances(windows_of(held, self.window).values)
        # T2 and SPE in one measure: each as a part of what the same share of rows exceeds.
        evenly = np.array([limit_of(one, Wish(self.false_alarms)) for one in (t2, spe)])
        model = replace(model, evenly=np.maximum(evenly, 1e-12))
        wish = Wish(self.false_alarms, self.a_week)
        return replace(model, limits=view.limits(held, self.window, model, wish))

    def restore(self, parts: Parts) -> "PcaModel":
        """Make the model again."""
        try:
            names = ("plane", "variances", "evenly", "limits")
            arrays = (np.asarray(parts[name], np.float64) for name in names)
            return PcaModel(View.from_parts(parts), *arrays)
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class PcaModel:
    """The plane (features, kept) and the ``variances`` in it (kept,); ``evenly``, what T2 and SPE
    are measured by (2,); ``limits`` by kind of window (3,).
    """

    view: View
    plane: Floats
    variances: Floats
    evenly: Floats
    limits: Floats
    threshold: ClassVar[float] = 1.0

    def distances(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Return T2 and SPE of each window, (n,) each."""
        standard, _ = self.view.of(inputs)
        return self._distances(standard)

    def _distances(self, standard: Floats) -> tuple[Floats, Floats]:
        scores = standard @ self.plane
        t2 = np.sum(scores**2 / self.variances, axis=1)
        spe = np.sum((standard - scores @ self.plane.T) ** 2, axis=1)
        return t2, spe

    def predict(self, inputs: Floats) -> Prediction:
        """Return the worse of T2 and SPE as a part of its limit."""
        standard, kinds = self.view.of(inputs)
        t2, spe = self._distances(standard)
        worst = np.maximum(t2 / self.evenly[0], spe / self.evenly[1])
        return Prediction(worst / self.limits[kinds])

    def explain(self, inputs: Floats) -> Floats:
        """Return each column's contribution by reconstruction to the distance that is worse.

        As :meth:`genba.learn.anomaly.distance.DistanceModel.explain`, for T2 and for SPE.
        """
        standard, kinds = self.view.of(inputs)
        t2, spe = self._distances(standard)
        worse = t2 / self.evenly[0] >= spe / self.evenly[1]
        columns = self.view.judged
        shares = np.empty((len(standard), columns))
        forms = (
            np.eye(len(self.plane)) - self.plane @ self.plane.T,
            (self.plane / self.variances) @ self.plane.T,
        )
        for number, form in enumerate(forms):
            rows = worse == bool(number)
            told = reconstructed(standard[rows] @ form, form, columns)
            shares[rows] = told / self.evenly[1 - number]
        return self.view.by_column(shares / self.limits[kinds][:, None])

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {
            **self.view.parts(),
            "plane": self.plane,
            "variances": self.variances,
            "evenly": self.evenly,
            "limits": self.limits,
        }

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("pca", shape)
        standard, kinds = self.view.graph(graph, shape[0])
        scores = graph.add("MatMul", standard, graph.constant(self.plane))
        back = graph.add("MatMul", scores, graph.constant(np.ascontiguousarray(self.plane.T)))
        weights = graph.constant(1.0 / (self.variances * self.evenly[0])[:, None])
        t2 = graph.add("MatMul", graph.add("Mul", scores, scores), weights)
        off = graph.add("Sub", standard, back)
        even = graph.constant(np.full((len(self.plane), 1), 1.0 / self.evenly[1]))
        spe = graph.add("MatMul", graph.add("Mul", off, off), even)
        flat = graph.constant(np.array([-1], np.int64))
        limit = limit_graph(graph, kinds, self.limits)
        part = graph.add("Div", graph.add("Max", t2, spe), limit)
        graph.output("value", graph.floats(graph.add("Reshape", part, flat)))
        return graph.to_bytes()
