"""Isolation forest on rolling mean and spread: for normal data of several modes.

Liu, Ting and Zhou, *Isolation Forest*, ICDM 2008.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.limits import Wish
from genba.learn.anomaly.view import View, limit_graph
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.export.trees import Trees, average_path, from_isolation_forest
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight


@dataclass(frozen=True, slots=True)
class ForestRecipe:
    """Settings: rows looked back on, trees, rows per tree, wanted false alarms."""

    window: int = 30
    trees: int = 100
    sample: int = 256
    false_alarms: float = 0.01
    a_week: float | None = None
    name: str = "forest"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "ForestModel":
        """Grow on ``train``, set the limit on ``held``; both are taken to be normal."""
        from sklearn.ensemble import IsolationForest

        view, features = View.learn(train, self.window)
        middle = np.median(features, axis=0)
        sample = min(self.sample, len(features))
        forest = IsolationForest(
            n_estimators=self.trees, max_samples=sample, random_state=seed, n_jobs=1
        )
        forest.fit(np.asarray(features, np.float32))
        grown = from_isolation_forest(forest)
        path = np.array([average_path(sample)])
        model = ForestModel(view, grown, middle, path, np.ones(3))
        wish = Wish(self.false_alarms, self.a_week)
        return replace(model, limits=view.limits(held, self.window, model, wish))

    def restore(self, parts: Parts) -> "ForestModel":
        """Make the model again."""
        try:
            grown = Trees.from_parts(parts, "trees_")
            arrays = (np.asarray(parts[name], np.float64) for name in ("middle", "path", "limits"))
            return ForestModel(View.from_parts(parts), grown, *arrays)
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class ForestModel:
    """Trees; ``middle`` (features,); mean ``path`` length (1,); ``limits`` by kind (3,)."""

    view: View
    trees: Trees
    middle: Floats
    path: Floats
    limits: Floats
    threshold: ClassVar[float] = 1.0

    def _score(self, features: Floats) -> Floats:
        rows = np.asarray(np.asarray(features, np.float32), np.float64)
        mean = self.trees.sums(rows)[:, 0] / len(self.trees.root)
        score = 2.0 ** (-mean / self.path[0])
        return np.where(np.isfinite(rows).all(axis=1), score, np.nan)

    def predict(self, inputs: Floats) -> Prediction:
        """Return the anomaly score as a part of its limit."""
        features, kinds = self.view.of(inputs)
        return Prediction(self._score(features) / self.limits[kinds])

    def explain(self, inputs: Floats) -> Floats:
        """Return how much the answer falls when a column stands at its median, at least 0."""
        features, kinds = self.view.of(inputs)
        whole = self._score(features)
        columns = self.view.judged
        shares = np.zeros((len(features), columns))
        for column in range(columns):
            calm = features.copy()
            own = np.arange(column, features.shape[1], columns)
            calm[:, own] = self.middle[own]
            shares[:, column] = np.maximum(whole - self._score(calm), 0.0)
        return self.view.by_column(np.nan_to_num(shares) / self.limits[kinds][:, None])

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        told = {"middle": self.middle, "path": self.path, "limits": self.limits}
        return {**self.view.parts(), **self.trees.parts("trees_"), **told}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("forest", shape)
        features, kinds = self.view.graph(graph, shape[0])
        paths = graph.doubles(self.trees.add_to(graph, graph.floats(features)))
        per = graph.constant(np.array(-1.0 / len(self.trees.root) / self.path[0]))
        score = graph.add("Pow", graph.constant(np.array(2.0)), graph.add("Mul", paths, per))
        rows = graph.constant(np.array([-1, 1], np.int64))
        score = graph.add("Reshape", score, rows)
        scaled = graph.add("Div", score, limit_graph(graph, kinds, self.limits))
        flat = graph.constant(np.array([-1], np.int64))
        graph.output("value", graph.floats(graph.add("Reshape", scaled, flat)))
        return graph.to_bytes()
