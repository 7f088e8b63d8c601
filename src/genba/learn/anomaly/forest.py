"""Isolation forest on rolling mean and spread: for normal data of several modes.

Liu, Ting and Zhou, *Isolation Forest*, ICDM 2008.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.limits import limit_of
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.export.trees import Trees, average_path, from_isolation_forest
from genba.learn.features.rolling import (
    contributions_by_column,
    rolling_features,
    rolling_features_graph,
)
from genba.learn.features.windows import windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight


@dataclass(frozen=True, slots=True)
class ForestRecipe:
    """Settings: rows looked back on, trees, rows per tree, wanted share of false alarms."""

    window: int = 30
    trees: int = 100
    sample: int = 256
    false_alarms: float = 0.01
    name: str = "forest"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "ForestModel":
        """Grow on ``train``, set the limit on ``held``; both are taken to be normal."""
        from sklearn.ensemble import IsolationForest

        features = rolling_features(windows_of(train, self.window).values)
        if not np.isfinite(features).all():
            raise LearnError("isolation forests take no unknown values; fill or drop such rows")
        middle = np.median(features, axis=0)
        scale = features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        sample = min(self.sample, len(features))
        forest = IsolationForest(
            n_estimators=self.trees, max_samples=sample, random_state=seed, n_jobs=1
        )
        forest.fit(np.asarray(features, np.float32))
        grown = from_isolation_forest(forest)
        model = ForestModel(grown, middle, scale, np.array([average_path(sample), 1.0]))
        scores = model.predict(windows_of(held, self.window).values).value
        limit = limit_of(scores, self.false_alarms)
        return ForestModel(grown, middle, scale, np.array([average_path(sample), limit]))

    def restore(self, parts: Parts) -> "ForestModel":
        """Make the model again."""
        try:
            grown = Trees.from_parts(parts, "trees_")
            return ForestModel(grown, parts["middle"], parts["scale"], parts["norm"])
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class ForestModel:
    """Trees; ``middle`` and ``scale`` (features,); ``norm``: mean path length, and the limit."""

    trees: Trees
    middle: Floats
    scale: Floats
    norm: Floats
    threshold: ClassVar[float] = 1.0

    def _score(self, features: Floats) -> Floats:
        rows = np.asarray(np.asarray(features, np.float32), np.float64)
        mean = self.trees.sums(rows)[:, 0] / len(self.trees.root)
        score = 2.0 ** (-mean / self.norm[0]) / self.norm[1]
        return np.where(np.isfinite(rows).all(axis=1), score, np.nan)

    def predict(self, inputs: Floats) -> Prediction:
        """Return the anomaly score as a part of its limit."""
        return Prediction(self._score(rolling_features(inputs)))

    def explain(self, inputs: Floats) -> Floats:
        """Return how much the score falls when a column stands at its median, at least 0."""
        features = rolling_features(inputs)
        whole = self._score(features)
        columns = inputs.shape[2]
        shares = np.zeros((len(features), columns))
        for column in range(columns):
            calm = features.copy()
            own = np.arange(column, features.shape[1], columns)
            calm[:, own] = self.middle[own]
            shares[:, column] = np.maximum(whole - self._score(calm), 0.0)
        return contributions_by_column(np.nan_to_num(shares), inputs)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        told = {"middle": self.middle, "scale": self.scale, "norm": self.norm}
        return {**self.trees.parts("trees_"), **told}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("forest", shape)
        features = graph.floats(rolling_features_graph(graph, shape[0]))
        paths = graph.doubles(self.trees.add_to(graph, features))
        per = graph.constant(np.array(-1.0 / len(self.trees.root) / self.norm[0]))
        score = graph.add("Pow", graph.constant(np.array(2.0)), graph.add("Mul", paths, per))
        flat = graph.constant(np.array([-1], np.int64))
        scaled = graph.add("Div", score, graph.constant(np.array(self.norm[1])))
        graph.output("value", graph.floats(graph.add("Reshape", scaled, flat)))
        return graph.to_bytes()
