"""The last step of every quality model: raw scores to calibrated answers, in numpy and in ONNX."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.target import Target
from genba.learn.export.graph import Graph
from genba.learn.quality.calibration import platt, sigmoid, softmax, temperature
from genba.learn.quality.conformal import class_limits, half_width
from genba.learn.quality.thresholds import by_cost, by_f1
from genba.learn.recipe.prediction import Prediction

Kind = Literal["number", "two", "many"]
_KINDS: tuple[Kind, ...] = ("number", "two", "many")
COVER = 0.9
"""How often intervals and sets shall hold the truth."""


def kind_of(target: Target) -> Kind:
    """Which of the three a target is."""
    if not target.is_class:
        return "number"
    return "two" if len(target.classes) == 2 else "many"


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """``slope`` and ``offset`` calibrate; ``limits`` are a half width (number) or, by class, the
    probability from which on it may be that class; ``threshold`` is NaN where there is none.
    """

    kind: Kind
    slope: float
    offset: float
    threshold: float
    limits: Floats

    @classmethod
    def fit(
        cls,
        raw: Floats,
        labels: Floats,
        kind: Kind,
        costs: tuple[float, float] | None = None,
        cover: float = COVER,
        trust: float = 1.0,
    ) -> "Head":
        """Fit to rows that the scores were not fitted on: raw (n, outputs), labels (n,).

        ``costs`` are those of a missed defect and of a false alarm; without them the threshold
        makes F1 highest. ``trust`` is that of :func:`genba.learn.quality.calibration.platt`.

        Raises
        ------
        LearnError
            If no label is known.
        """
        known = np.isfinite(labels)
        raw, labels = raw[known], labels[known]
        if len(labels) == 0:
            raise LearnError("no label of the held-out rows is known; hold out labelled rows")
        if kind == "number":
            width = half_width(labels, raw[:, 0], cover)
            return cls(kind, 1.0, 0.0, float("nan"), np.array([width]))
        if kind == "many":
            calm = cls(kind, temperature(raw, labels), 0.0, float("nan"), np.zeros(raw.shape[1]))
            chances = calm.classes(raw)
            return cls(kind, calm.slope, 0.0, float("nan"), class_limits(chances, labels, cover))
        slope, offset = platt(raw[:, 0], labels, trust)
        calm = cls(kind, slope, offset, float("nan"), np.zeros(2))
        chances = calm.classes(raw)
        threshold = by_cost(*costs) if costs else by_f1(chances[:, 1], labels)
        return cls(kind, slope, offset, threshold, class_limits(chances, labels, cover))

    def classes(self, raw: Floats) -> Floats:
        """Return probabilities, (n, classes)."""
        if self.kind == "many":
            return softmax(raw * self.slope)
        bad = sigmoid(raw[:, 0] * self.slope + self.offset)
        return np.column_stack([1 - bad, bad])

    def answer(self, raw: Floats) -> Prediction:
        """Turn raw scores (n, outputs) into answers."""
        if self.kind == "number":
            said = raw[:, 0]
            return Prediction(said, said - self.limits[0], said + self.limits[0])
        classes = self.classes(raw)
        value = classes[:, 1] if self.kind == "two" else classes.max(axis=1)
        return Prediction(value, classes=classes)

    def add_to(self, graph: Graph, raw: str) -> None:
        """Write the same, and the outputs, behind a float32 tensor (n, outputs)."""
        flat = graph.constant(np.array([-1], np.int64))
        if self.kind == "number":
            said = graph.add("Reshape", raw, flat)
            width = graph.constant(np.array(self.limits[0], np.float32))
            graph.output("value", said)
            graph.output("low", graph.add("Sub", said, width))
            graph.output("high", graph.add("Add", said, width))
            return
        scaled = graph.add("Mul", raw, graph.constant(np.array(self.slope, np.float32)))
        if self.kind == "many":
            classes = graph.add("Softmax", scaled, axis=1)
            axis = graph.constant(np.array([1], np.int64))
            graph.output("value", graph.add("ReduceMax", classes, axis, keepdims=0))
            graph.output("classes", classes, (len(self.limits),))
            return
        moved = graph.add("Add", scaled, graph.constant(np.array(self.offset, np.float32)))
        bad = graph.add("Sigmoid", moved)
        good = graph.add("Sub", graph.constant(np.array(1.0, np.float32)), bad)
        graph.output("value", graph.add("Reshape", bad, flat))
        graph.output("classes", graph.add("Concat", good, bad, axis=1), (2,))

    @property
    def finding(self) -> float | None:
        """Probability of class 1 from which on it is a finding; None where there is none."""
        return None if np.isnan(self.threshold) else self.threshold

    def parts(self) -> dict[str, AnyArray]:
        """Return it as arrays."""
        numbers = [_KINDS.index(self.kind), self.slope, self.offset, self.threshold]
        return {"head": np.array(numbers), "head_limits": self.limits}

    @classmethod
    def from_parts(cls, parts: Mapping[str, AnyArray]) -> "Head":
        """Make it again."""
        kind, slope, offset, threshold = (float(number) for number in parts["head"])
        limits = np.asarray(parts["head_limits"], np.float64)
        return cls(_KINDS[int(kind)], slope, offset, threshold, limits)
