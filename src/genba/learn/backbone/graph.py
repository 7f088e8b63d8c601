"""The ONNX graph of the backbone: anchoring and scaling included."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import AnyArray
from genba.learn.backbone.shape import EPSILON, TOKENS
from genba.learn.backbone.window import FARTHEST, FEWEST, HORIZON, LENGTH, PATCH
from genba.learn.export.graph import INPUT, Graph


class Drawing:
    """Adds the network to a graph; the methods mirror :mod:`genba.learn.backbone.network`."""

    def __init__(self, graph: Graph, weights: Mapping[str, AnyArray]) -> None:
        self.graph = graph
        self._weights = weights

    def named(self, name: str) -> str:
        """Add weights as a constant."""
        return self.graph.constant(np.asarray(self._weights[name], np.float32))

    def number(self, value: float) -> str:
        """Add a float64 constant."""
        return self.graph.constant(np.array(value, np.float64))

    def whole(self, *values: int) -> str:
        """Add an int64 constant."""
        return self.graph.constant(np.array(values, np.int64))

    def linear(self, x: str, weight: str, bias: str) -> str:
        """Multiply by a matrix and add a bias."""
        return self.graph.add(
            "Add", self.graph.add("MatMul", x, self.named(weight)), self.named(bias)
        )

    def normal(self, name: str, x: str) -> str:
        """Layer normalization over the width."""
        gain, shift = self.named(f"{name}.gain"), self.named(f"{name}.shift")
        return self.graph.add("LayerNormalization", x, gain, shift, axis=-1, epsilon=EPSILON)

    def mixed(self, name: str, x: str, *, turned: bool) -> str:
        """One mixing layer, along the width, or along patches."""
        inner = self.normal(name, x)
        if turned:
            inner = self.graph.add("Transpose", inner, perm=[0, 2, 1])
        inner = self.linear(inner, f"{name}.into", f"{name}.into_bias")
        inner = self.graph.add("Mul", inner, self.graph.add("Sigmoid", inner))
        inner = self.linear(inner, f"{name}.out", f"{name}.out_bias")
        if turned:
            inner = self.graph.add("Transpose", inner, perm=[0, 2, 1])
        return self.graph.add("Add", x, inner)

    def scaled(self, window: str) -> tuple[str, str, str, str]:
        """Return values and flags of known ones (float32), anchor and scale (float64, (n, 1))."""
        graph, one = self.graph, self.whole(1)
        inputs = graph.doubles(window)
        known = graph.add("Not", graph.add("IsNaN", inputs))
        filled = graph.add("Where", known, inputs, self.number(0.0))
        flags = graph.doubles(known)
        count = graph.add("ReduceSum", flags, one, keepdims=1)
        enough = graph.add("GreaterOrEqual", count, self.number(float(FEWEST)))
        place = graph.constant(np.arange(LENGTH, dtype=np.float64)[None])
        last = graph.add("ReduceMax", graph.add("Mul", flags, place), one, keepdims=1)
        at = graph.add("Cast", last, to=7)
        anchor = graph.add("GatherElements", filled, at, axis=1)
        some = graph.add("Max", count, self.number(1.0))
        mean = graph.add("Div", graph.add("ReduceSum", filled, one, keepdims=1), some)
        apart = graph.add("Mul", graph.add("Sub", filled, mean), flags)
        square = graph.add("ReduceSum", graph.add("Mul", apart, apart), one, keepdims=1)
        spread = graph.add("Sqrt", graph.add("Div", square, some))
        size = graph.add("Add", graph.add("Abs", mean), self.number(1.0))
        flat = graph.add("LessOrEqual", spread, graph.add("Mul", size, self.number(1e-9)))
        by = graph.add("Where", flat, self.number(1.0), spread)
        scale = graph.add("Where", flat, self.number(0.0), spread)
        values = graph.add("Div", graph.add("Sub", filled, anchor), by)
        usable = graph.add("And", graph.add("And", known, enough), graph.add("Not", flat))
        values = graph.add("Where", usable, values, self.number(0.0))
        values = graph.add("Clip", values, self.number(-FARTHEST), self.number(FARTHEST))
        anchor = graph.add("Where", enough, anchor, self.number(float("nan")))
        return graph.floats(values), graph.floats(known), anchor, scale


@dataclass(frozen=True, slots=True)
class Drawn:
    """Names of what the network gives: what comes, scaled, (n, horizon); the summary; the anchor
    and the scale, (n, 1) of float64.
    """

    ahead: str
    summary: str
    anchor: str
    scale: str


def drawn(graph: Graph, weights: Mapping[str, AnyArray], window: str) -> Drawn:
    """Add the network to a graph; ``window`` names a tensor (n, length)."""
    drawing = Drawing(graph, weights)
    values, known, anchor, scale = drawing.scaled(window)
    shape = drawing.whole(-1, TOKENS, PATCH)
    flags = graph.add("Sub", graph.constant(np.array(1.0, np.float32)), known)
    patches = graph.add(
        "Concat", graph.add("Reshape", values, shape), graph.add("Reshape", flags, shape), axis=2
    )
    x = drawing.linear(patches, "embed.weight", "embed.place")
    number = 0
    while f"block{number}.time.into" in weights:
        x = drawing.mixed(f"block{number}.time", x, turned=True)
        x = drawing.mixed(f"block{number}.width", x, turned=False)
        number += 1
    x = drawing.normal("last", x)
    mean = graph.add("ReduceMean", x, drawing.whole(1), keepdims=0)
    end = graph.add("Gather", x, drawing.whole(TOKENS - 1), axis=1)
    summary = graph.add("Concat", mean, graph.add("Squeeze", end, drawing.whole(1)), axis=1)
    gate = graph.add("Softmax", drawing.linear(summary, "gate.weight", "gate.bias"), axis=1)
    experts = np.asarray(weights["experts"], np.float32)
    side = graph.constant(np.ascontiguousarray(np.moveaxis(experts, 0, 1).reshape(LENGTH, -1)))
    each = graph.add(
        "Reshape", graph.add("MatMul", values, side), drawing.whole(-1, len(experts), HORIZON)
    )
    weighed = graph.add("Mul", each, graph.add("Unsqueeze", gate, drawing.whole(2)))
    ahead = graph.add("ReduceSum", weighed, drawing.whole(1), keepdims=0)
    ahead = graph.add("Add", ahead, drawing.linear(summary, "ahead.weight", "ahead.bias"))
    return Drawn(graph.doubles(ahead), summary, anchor, scale)


def backbone_graph(weights: Mapping[str, AnyArray]) -> bytes:
    """Write the graph: ``value`` (n, horizon) and ``summary`` (n, 2 * width)."""
    graph = Graph("backbone", (LENGTH,))
    told = drawn(graph, weights, INPUT)
    back = graph.add("Add", graph.add("Mul", told.ahead, told.scale), told.anchor)
    graph.output("value", graph.floats(back), (HORIZON,))
    nothing = graph.add("IsNaN", graph.floats(told.anchor))
    unknown = graph.constant(np.array(np.nan, np.float32))
    width = weights["last.gain"].shape[0]
    summary = graph.add("Where", nothing, unknown, told.summary)
    graph.output("summary", summary, (2 * width,))
    return graph.to_bytes()
