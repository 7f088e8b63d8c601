"""Several distances from normal in one: short and long windows, shrunk as the data ask and hardly.

Which of them suits a machine is known once faults have come; few normal rows do not tell, and a
choice among them is a draw. Together they are never the best and hardly ever far from it: the
geometric mean of squared distances, in which each counts alike whatever its scale (combination of
detectors by averaging: Aggarwal and Sathe, *Outlier ensembles*, 2017, ch. 5).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.distance import DistanceModel, DistanceRecipe
from genba.learn.anomaly.limits import Wish
from genba.learn.anomaly.view import View, limit_graph, taught
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

_LEAST = 1e-12
"""Of a squared distance: a window that is all usual is near, not nowhere."""


@dataclass(frozen=True, slots=True)
class TogetherRecipe:
    """Settings: a distance for each of ``windows`` (rows) and each of ``shrinks``, and the wish.

    A shrinkage of None lets the training data choose.
    """

    windows: Sequence[int] = (8, 20)
    shrinks: Sequence[float | None] = (None, 0.001)
    false_alarms: float = 0.01
    a_week: float | None = None
    name: str = "distances"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.LIGHT

    @property
    def window(self) -> int:
        """Rows looked back on."""
        return max(self.windows)

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "TogetherModel":
        """Take the distances from ``train``, limits from ``held``; both taken to be normal.

        Where rows are few, both come from all of them, by cross-fitting.
        """
        wish = Wish(self.false_alarms, self.a_week)
        model, limits = taught(train, held, self.window, wish, self._fitted)
        return replace(model, limits=limits)

    def _members(self) -> list[DistanceRecipe]:
        """The longest window last."""
        return [
            DistanceRecipe(rows, shrink) for rows in sorted(self.windows) for shrink in self.shrinks
        ]

    def _fitted(self, normal: Dataset) -> "TogetherModel":
        """Take the distances; the limits are still 1."""
        members = self._members()
        models = tuple(member.of_normal(normal) for member in members)
        return TogetherModel(tuple(one.window for one in members), models, np.ones(3))

    def restore(self, parts: Parts) -> "TogetherModel":
        """Make the model again."""
        members, models = self._members(), []
        for number, member in enumerate(members):
            stem = f"{number}_"
            own = {n.removeprefix(stem): part for n, part in parts.items() if n.startswith(stem)}
            models.append(member.restore(own))
        if "limits" not in parts:
            raise LearnError(f"these are no parts of a '{self.name}' model: no 'limits'")
        windows = tuple(one.window for one in members)
        return TogetherModel(windows, tuple(models), np.asarray(parts["limits"], np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class TogetherModel:
    """``members`` with limits of 1, the rows that each looks back on, and the ``limits`` of their
    mean by kind of window (3,).
    """

    windows: tuple[int, ...]
    members: tuple[DistanceModel, ...]
    limits: Floats
    threshold: ClassVar[float] = 1.0

    @property
    def view(self) -> View:
        """What the longest window looks at."""
        return self.members[-1].view

    def _each(self, inputs: Floats) -> Floats:
        """Squared distances, (members, n)."""
        pairs = zip(self.windows, self.members, strict=True)
        each = [member.predict(inputs[:, -rows:]).value for rows, member in pairs]
        return np.maximum(np.stack(each), _LEAST)

    def predict(self, inputs: Floats) -> Prediction:
        """Return the geometric mean of the squared distances as a part of its limit."""
        _, kinds = self.view.of(inputs)
        return Prediction(np.exp(np.log(self._each(inputs)).mean(axis=0)) / self.limits[kinds])

    def explain(self, inputs: Floats) -> Floats:
        """Return each column's part in the answer: of each distance alike, as that one tells it."""
        each, said = self._each(inputs), self.predict(inputs).value
        told = np.zeros((len(inputs), inputs.shape[2]))
        for far, rows, member in zip(each, self.windows, self.members, strict=True):
            told += member.explain(inputs[:, -rows:]) / far[:, None]
        return told * said[:, None] / len(each)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        told: dict[str, AnyArray] = {"limits": self.limits}
        for number, member in enumerate(self.members):
            told |= {f"{number}_{name}": part for name, part in member.parts().items()}
        return told

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("distances", shape)
        _, kinds, _ = self.view.usual.graph(graph)
        logs = []
        for rows, member in zip(self.windows, self.members, strict=True):
            newest = INPUT
            if rows < shape[0]:
                ends = [graph.constant(np.array([at], np.int64)) for at in (-rows, shape[0], 1)]
                newest = graph.add("Slice", INPUT, *ends)
            far = graph.doubles(graph.absorb(member.to_onnx((rows, shape[1])), newest)["value"][0])
            logs.append(graph.add("Log", graph.add("Max", far, graph.constant(np.array(_LEAST)))))
        mean = graph.add("Div", graph.add("Sum", *logs), graph.constant(np.array(float(len(logs)))))
        limit = graph.add(
            "Squeeze",
            limit_graph(graph, kinds, self.limits),
            graph.constant(np.array([1], np.int64)),
        )
        graph.output("value", graph.floats(graph.add("Div", graph.add("Exp", mean), limit)))
        return graph.to_bytes()
