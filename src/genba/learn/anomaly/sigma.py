"""The baseline of anomalies: one limit for each signal, as plants set them by hand."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.episodes import apart_of, weeks_of
from genba.learn.anomaly.limits import Wish, limit_of
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.learn.features.windows import windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight


@dataclass(frozen=True, slots=True)
class SigmaRecipe:
    """Each signal's distance from its mean, against one limit for all that is set on held rows."""

    false_alarms: float = 0.01
    a_week: float | None = None
    window: int = 1
    name: str = "limits"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "SigmaModel":
        """Take means and spreads from ``train``, the limit from ``held``."""
        values = train.values
        scale = values.std(axis=0)
        model = SigmaModel(values.mean(axis=0), np.where(scale > 0, scale, 1.0))
        seen = windows_of(held, 1)
        worst = model.predict(seen.values).value
        units, weeks = held.units[seen.rows], weeks_of(held, seen.rows)
        wish = Wish(self.false_alarms, self.a_week)
        limit = limit_of(worst, wish, units=units, weeks=weeks, apart=apart_of(held, 1))
        return SigmaModel(model.mean, model.scale * max(limit, 1e-12))

    def restore(self, parts: Parts) -> "SigmaModel":
        """Make the model again."""
        try:
            return SigmaModel(parts["mean"], parts["scale"])
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class SigmaModel:
    """``mean`` and ``scale`` (columns,): a scale away from the mean is the limit."""

    mean: Floats
    scale: Floats
    threshold: ClassVar[float] = 1.0

    def _apart(self, inputs: Floats) -> Floats:
        return np.asarray(np.abs(inputs[:, -1] - self.mean) / self.scale)

    def predict(self, inputs: Floats) -> Prediction:
        """Return the distance of the signal that is farthest, as a part of the limit."""
        return Prediction(self._apart(inputs).max(axis=1))

    def explain(self, inputs: Floats) -> Floats:
        """Return each signal's distance."""
        return np.nan_to_num(self._apart(inputs))

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {"mean": self.mean, "scale": self.scale}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("limits", shape)
        axis = graph.constant(np.array([1], np.int64))
        last = graph.constant(np.array([shape[0] - 1], np.int64))
        row = graph.add("Squeeze", graph.add("Gather", graph.doubles(INPUT), last, axis=1), axis)
        apart = graph.add("Abs", graph.add("Sub", row, graph.constant(self.mean)))
        parts = graph.add("Div", apart, graph.constant(self.scale))
        graph.output("value", graph.floats(graph.add("ReduceMax", parts, axis, keepdims=0)))
        return graph.to_bytes()
