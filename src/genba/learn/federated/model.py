"""What a federation makes: standard features, a line or a small network over them, and a head."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.export.graph import Graph
from genba.learn.federated.network import Shape, raw_of
from genba.learn.quality.head import Head
from genba.learn.recipe.prediction import Prediction
from genba.learn.regression.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Standards:
    """What is usual over all sites, from sums: features (``mean``, ``factor``, (features,)), the
    target (``label``: mean and spread; 0 and 1 of classes), columns (``typical``, ``spread``).
    """

    mean: Floats
    factor: Floats
    label: Floats
    typical: Floats
    spread: Floats

    def apply(self, features: Floats, *, imputes: bool) -> Floats:
        """Return standard features; 0, the mean, for what is unknown where that may be."""
        standard = (features - self.mean) * self.factor
        return np.where(np.isnan(standard), 0.0, standard) if imputes else standard

    def arrays(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {
            "mean": self.mean,
            "factor": self.factor,
            "label": self.label,
            "typical": self.typical,
            "spread": self.spread,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray]) -> "Standards":
        """Make it again."""
        names = ("mean", "factor", "label", "typical", "spread")
        return cls(*(np.asarray(arrays[name], np.float64) for name in names))


@dataclass(frozen=True, slots=True, eq=False)
class FederatedModel:
    """``flat`` are the parameters of a shape; ``bounds`` hold for numbers and their intervals."""

    view: View
    standards: Standards
    shape: Shape
    flat: Floats
    head: Head
    bounds: tuple[float, float]
    imputes: bool

    @property
    def threshold(self) -> float | None:
        """Probability of class 1 from which on it is a finding."""
        return self.head.finding

    def raw(self, features: Floats) -> Floats:
        """Return raw scores (n, outputs) of features as the view gives them; NaN where unknown."""
        standard = self.standards.apply(features, imputes=self.imputes)
        unknown = np.asarray(np.isnan(standard).any(axis=1))
        raw = raw_of(self.shape, self.flat, np.where(unknown[:, None], 0.0, standard))
        raw = raw * self.standards.label[1] + self.standards.label[0]
        return np.where(unknown[:, None], np.nan, raw)

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window."""
        return self.answer(self.view.apply(inputs))

    def answer(self, features: Floats) -> Prediction:
        """Answer for features, (n, features)."""
        raw = self.raw(features)
        if self.head.kind != "number":
            return self.head.answer(raw)
        value = np.clip(raw[:, 0], *self.bounds)
        width = self.head.limits[0]
        if np.isnan(width):
            return Prediction(value)
        low, high = np.clip(value - width, *self.bounds), np.clip(value + width, *self.bounds)
        return Prediction(value, low, high)

    def explain(self, inputs: Floats) -> Floats:
        """Say by how much the raw score would differ if a column stood where it usually does.

        Of several classes the score of the most likely one. Occlusion (Zeiler and Fergus, ECCV
        2014) with columns for patches.
        """
        whole = self.raw(self.view.apply(inputs))
        rows = np.arange(len(whole))
        which = np.nan_to_num(whole).argmax(axis=1)
        shares = np.zeros((len(inputs), inputs.shape[2]))
        for column in range(inputs.shape[2]):
            usual = inputs.copy()
            usual[:, :, column] = self.standards.typical[column]
            shares[:, column] = (whole - self.raw(self.view.apply(usual)))[rows, which]
        return np.nan_to_num(shares)

    def core(self) -> dict[str, AnyArray]:
        """Return the arrays without the view, which follows from the design."""
        shape = (self.shape.inputs, self.shape.hidden, self.shape.outputs)
        return {
            **self.standards.arrays(),
            **self.head.parts(),
            "shape": np.array(shape, np.int64),
            "flat": self.flat,
            "bounds": np.array(self.bounds),
            "imputes": np.array(self.imputes),
        }

    def parts(self) -> dict[str, AnyArray]:
        """Return all arrays."""
        return {**self.view.parts(), **self.core()}

    @classmethod
    def from_core(cls, view: View, parts: Mapping[str, AnyArray]) -> "FederatedModel":
        """Make it again of a view and what :meth:`core` gave.

        Raises
        ------
        LearnError
            If parts do not belong together.
        """
        inputs, hidden, outputs = (int(number) for number in parts["shape"])
        shape = Shape(inputs, hidden, outputs)
        flat = np.asarray(parts["flat"], np.float64)
        if min(inputs, outputs) < 1 or hidden < 0 or flat.shape != (shape.size,):
            raise LearnError("these parts do not belong together; take them from one model")
        low, high = (float(bound) for bound in parts["bounds"])
        standards = Standards.from_arrays(parts)
        imputes = bool(parts["imputes"])
        return cls(view, standards, shape, flat, Head.from_parts(parts), (low, high), imputes)

    @classmethod
    def from_parts(cls, parts: Mapping[str, AnyArray], name: str) -> "FederatedModel":
        """Make it again; ``name`` is that of the recipe.

        Raises
        ------
        LearnError
            If a part is missing.
        """
        try:
            return cls.from_core(View.from_parts(parts), parts)
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{name}' model: no {error}") from None

    def with_head(self, head: Head) -> "FederatedModel":
        """Return it with other limits."""
        return replace(self, head=head)

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("federated", shape)
        features = self.view.add_to(graph)
        standards = self.standards
        centered = graph.add("Sub", features, graph.constant(standards.mean))
        standard = graph.add("Mul", centered, graph.constant(standards.factor))
        unknown = graph.add("IsNaN", standard)
        zero = graph.constant(np.array(0.0))
        known = graph.add("Where", unknown, zero, standard)
        raw = self._raw_graph(graph, known)
        raw = graph.add("Mul", raw, graph.constant(np.array(standards.label[1])))
        raw = graph.add("Add", raw, graph.constant(np.array(standards.label[0])))
        if not self.imputes:
            every = graph.constant(np.ones((len(standards.mean), 1)))
            blind = graph.add("MatMul", graph.doubles(unknown), every)
            nothing = graph.constant(np.array(np.nan))
            raw = graph.add("Where", graph.add("Greater", blind, zero), nothing, raw)
        if self.head.kind == "number":
            self._number_graph(graph, raw)
        else:
            self.head.add_to(graph, graph.floats(raw))
        return graph.to_bytes()

    def _raw_graph(self, graph: Graph, known: str) -> str:
        line, offset, into, bias, out = self.shape.parted(self.flat)
        raw = graph.add("MatMul", known, graph.constant(line))
        raw = graph.add("Add", raw, graph.constant(offset))
        if not self.shape.hidden:
            return raw
        inner = graph.add("MatMul", known, graph.constant(into))
        inner = graph.add("Tanh", graph.add("Add", inner, graph.constant(bias)))
        return graph.add("Add", raw, graph.add("MatMul", inner, graph.constant(out)))

    def _number_graph(self, graph: Graph, raw: str) -> None:
        bounds = [graph.constant(np.array(bound)) for bound in self.bounds]
        axis = graph.constant(np.array([1], np.int64))
        value = graph.add("Clip", graph.add("Squeeze", raw, axis), *bounds)
        graph.output("value", graph.floats(value))
        if np.isnan(self.head.limits[0]):
            return
        width = graph.constant(np.array(self.head.limits[0]))
        for name, op in (("low", "Sub"), ("high", "Add")):
            end = graph.add("Clip", graph.add(op, value, width), *bounds)
            graph.output(name, graph.floats(end))
