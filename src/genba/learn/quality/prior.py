"""The baseline of quality and numbers: what is usual, whatever the signals say."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.learn.quality.head import Head, kind_of
from genba.learn.quality.rows import labelled_windows
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

FEWEST = 5


@dataclass(frozen=True, slots=True)
class PriorRecipe:
    """No settings: the share of each class, or the mean."""

    task: Task = Task.QUALITY
    name: str = "usual"
    window: ClassVar[int] = 1
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return {}

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "PriorModel":
        """Take what is usual from ``train``."""
        _, labels, _ = labelled_windows(train, 1)
        _, held_labels, _ = labelled_windows(held, 1)
        if min(len(labels), len(held_labels)) < FEWEST:
            raise LearnError(
                f"data set '{train.name}' has {len(labels)} and {len(held_labels)} labelled rows "
                f"in two parts, and what is usual takes {FEWEST}; record longer"
            )
        assert train.target is not None  # noqa: S101 - labels() looked
        kind = kind_of(train.target)
        if kind == "number":
            raw = np.array([float(labels.mean())])
        else:
            counts = np.bincount(labels.astype(np.int64), minlength=len(train.target.classes)) + 1.0
            shares = np.log(counts / counts.sum())
            raw = shares if kind == "many" else np.array([shares[1] - shares[0]])
        told = np.tile(raw, (len(held_labels), 1))
        head = Head.fit(told, held_labels, kind)
        bare = Head(kind, 1.0, 0.0, head.threshold, head.limits)
        return PriorModel(raw, bare)

    def restore(self, parts: Parts) -> "PriorModel":
        """Make the model again."""
        try:
            return PriorModel(np.asarray(parts["raw"], np.float64), Head.from_parts(parts))
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class PriorModel:
    """``raw`` (outputs,): the same for every row."""

    raw: Floats
    head: Head

    @property
    def threshold(self) -> float | None:
        """Probability of class 1 from which on it is a finding."""
        return self.head.finding

    def predict(self, inputs: Floats) -> Prediction:
        """Say the usual."""
        return self.head.answer(np.tile(self.raw, (len(inputs), 1)))

    def explain(self, inputs: Floats) -> Floats:
        """Nothing speaks for it."""
        return np.zeros((len(inputs), inputs.shape[2]))

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {"raw": self.raw, **self.head.parts()}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("usual", shape)
        rows = graph.add("Shape", INPUT, start=0, end=1)
        one = graph.constant(np.array([1], np.int64))
        times = graph.add("Concat", rows, one, axis=0)
        raw = graph.constant(self.raw[None].astype(np.float32))
        self.head.add_to(graph, graph.add("Tile", raw, times))
        return graph.to_bytes()
