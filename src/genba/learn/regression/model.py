"""The fitted model of every recipe for numbers: a view, a line over it, and trees on top."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Booleans, Floats, Texts
from genba.learn.export.graph import Graph
from genba.learn.export.trees import Trees
from genba.learn.recipe.prediction import Prediction
from genba.learn.regression.intervals import margin
from genba.learn.regression.view import View

_TOGETHER = 25
"""Trees that ONNX adds up in float32; such sums are added up in float64."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberModel:
    """Answers are ``features @ weights + bias``, plus trees that see the features as float32.

    Outputs are ``lines`` (1: the value; 3: value, low and high) times ``steps`` ahead, step by step
    within a line; ``weights`` is (features, outputs) and ``bias`` (outputs,). Limits lie
    ``margins`` (steps,) farther out, NaN where nobody knows them; ``bounds`` hold for all.
    ``needed`` (features,) tells what must be known, and ``typical`` (columns,) what is usual, for
    explanations. ``steps`` is 0 where ``value`` is (n,).
    """

    view: View
    weights: Floats
    bias: Floats
    trees: Trees | None
    margins: Floats
    bounds: tuple[float, float]
    needed: Booleans
    typical: Floats
    steps: int
    threshold: ClassVar[None] = None

    @property
    def lines(self) -> int:
        """1 where there is a value alone, 3 with limits of its own."""
        return len(self.bias) // max(self.steps, 1)

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window; NaN where it does not know what it needs to."""
        return self.answer(self.view.apply(inputs))

    def answer(self, features: Floats) -> Prediction:
        """Answer for features, (n, features)."""
        raw = self._raw(features).reshape(len(features), self.lines, -1)
        value = np.clip(raw[:, 0], *self.bounds)
        low, high = (raw[:, 1], raw[:, 2]) if self.lines == 3 else (value, value)
        if np.isnan(self.margins).any():
            return Prediction(self._shaped(value))
        low = np.clip(np.minimum(low - self.margins, value), *self.bounds)
        high = np.clip(np.maximum(high + self.margins, value), *self.bounds)
        return Prediction(self._shaped(value), self._shaped(low), self._shaped(high))

    def _raw(self, features: Floats) -> Floats:
        raw = np.where(np.isnan(features), 0.0, features) @ self.weights + self.bias
        if self.trees is not None:
            rounded = np.asarray(np.asarray(features, np.float32), np.float64)
            raw = raw + self.trees.sums(rounded, len(self.bias))
        unknown = np.asarray(np.isnan(features[:, self.needed]).any(axis=1))
        return np.where(unknown[:, None], np.nan, raw)

    def _shaped(self, array: Floats) -> Floats:
        return array if self.steps else array[:, 0]

    def calibrated(
        self, features: Floats, labels: Floats, cover: float, units: Texts | None
    ) -> "NumberModel":
        """Return it with limits that hold for held-out rows: labels (n, max(steps, 1))."""
        sure = replace(self, margins=np.zeros(max(self.steps, 1)))
        raw = sure._raw(features).reshape(len(features), self.lines, -1)
        low, high = (raw[:, 1], raw[:, 2]) if self.lines == 3 else (raw[:, 0], raw[:, 0])
        found = []
        for step in range(labels.shape[1]):
            known = np.isfinite(labels[:, step]) & np.isfinite(raw[:, 0, step])
            told = [np.clip(one[known, step], *self.bounds) for one in (low, high)]
            of_unit = None if units is None else units[known]
            found.append(margin(labels[known, step], told[0], told[1], cover, of_unit))
        margins = np.array(found)
        return replace(self, margins=margins if np.isfinite(margins).all() else margins * np.nan)

    def explain(self, inputs: Floats) -> Floats:
        """Say by how much the answer would differ if a column stood where it usually does.

        With several steps ahead, on average over them. Exact for a line; for trees it is the
        occlusion of Zeiler and Fergus (ECCV 2014) with columns for patches.
        """

        def told(windows: Floats) -> Floats:
            raw = self._raw(self.view.apply(windows))
            return np.asarray(raw[:, : max(self.steps, 1)].mean(axis=1))

        whole = told(inputs)
        shares = np.zeros((len(inputs), inputs.shape[2]))
        for column in range(inputs.shape[2]):
            usual = inputs.copy()
            usual[:, :, column] = self.typical[column]
            shares[:, column] = whole - told(usual)
        return np.nan_to_num(shares)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        trees = {} if self.trees is None else self.trees.parts("trees_")
        return {
            **self.view.parts(),
            **trees,
            "weights": self.weights,
            "bias": self.bias,
            "margins": self.margins,
            "bounds": np.array(self.bounds),
            "needed": self.needed,
            "typical": self.typical,
            "steps": np.array(self.steps, np.int64),
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, AnyArray], name: str) -> "NumberModel":
        """Make it again.

        Raises
        ------
        LearnError
            If a part is missing; ``name`` is that of the recipe.
        """
        try:
            trees = Trees.from_parts(parts, "trees_") if "trees_root" in parts else None
            low, high = (float(bound) for bound in parts["bounds"])
            told = (parts[one] for one in ("margins", "needed", "typical"))
            margins, needed, typical = told
            return cls(
                View.from_parts(parts),
                parts["weights"],
                parts["bias"],
                trees,
                margins,
                (low, high),
                np.asarray(needed, np.bool_),
                typical,
                int(parts["steps"]),
            )
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{name}' model: no {error}") from None

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("numbers", shape)
        features = self.view.add_to(graph)
        raw = self._raw_graph(graph, features)
        steps = max(self.steps, 1)
        axis = graph.constant(np.array([1], np.int64))
        bounds = [graph.constant(np.array(bound)) for bound in self.bounds]

        def line(place: int) -> str:
            ends = (place * steps, (place + 1) * steps)
            first, last = (graph.constant(np.array([end], np.int64)) for end in ends)
            return graph.add("Slice", raw, first, last, axis)

        def shown(name: str, tensor: str) -> None:
            flat = tensor if self.steps else graph.add("Squeeze", tensor, axis)
            graph.output(name, graph.floats(flat), (steps,) if self.steps else ())

        value = graph.add("Clip", line(0), *bounds)
        shown("value", value)
        if np.isnan(self.margins).any():
            return graph.to_bytes()
        margins = graph.constant(self.margins)
        ends = (line(1), line(2)) if self.lines == 3 else (value, value)
        low = graph.add("Min", graph.add("Sub", ends[0], margins), value)
        high = graph.add("Max", graph.add("Add", ends[1], margins), value)
        shown("low", graph.add("Clip", low, *bounds))
        shown("high", graph.add("Clip", high, *bounds))
        return graph.to_bytes()

    def _raw_graph(self, graph: Graph, features: str) -> str:
        zero = graph.constant(np.array(0.0))
        unknown = graph.add("IsNaN", features)
        known = graph.add("Where", unknown, zero, features)
        product = graph.add("MatMul", known, graph.constant(self.weights))
        raw = graph.add("Add", product, graph.constant(self.bias))
        if self.trees is not None:
            raw = graph.add("Add", raw, _sums_graph(graph, self.trees, features, len(self.bias)))
        wanted = graph.constant(self.needed.astype(np.float64)[:, None])
        missing = graph.add("MatMul", graph.doubles(unknown), wanted)
        nothing = graph.constant(np.array(np.nan))
        return graph.add("Where", graph.add("Greater", missing, zero), nothing, raw)


def _sums_graph(graph: Graph, trees: Trees, features: str, outputs: int) -> str:
    """Add up trees a few at a time in float32, and these sums in float64: (n, outputs)."""
    group = np.zeros(len(trees.root), np.int64)
    for output in range(outputs):
        mine = trees.output == output
        group[mine] = np.arange(mine.sum()) // _TOGETHER
    groups = int(group.max(initial=0)) + 1
    apart = replace(trees, output=trees.output * groups + group)
    sums = graph.doubles(apart.add_to(graph, graph.floats(features), outputs * groups))
    add = np.kron(np.eye(outputs), np.ones((groups, 1)))
    return graph.add("MatMul", sums, graph.constant(add))
