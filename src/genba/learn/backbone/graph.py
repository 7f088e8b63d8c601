"""The ONNX graph of the backbone: anchoring and scaling included."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import AnyArray
from genba.learn.backbone.context_graph import ContextDrawing
from genba.learn.backbone.shape import EPSILON, EXPERTS, TOKENS
from genba.learn.backbone.window import FARTHEST, FEWEST, HORIZON, LENGTH, PATCH, heard
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


def drawn(graph: Graph, weights: Mapping[str, AnyArray], window: str, day: float = 0.0) -> Drawn:
    """Add the network to a graph; ``window`` names a tensor (n, length).

    ``day`` is how many rows a day has, 0 where nobody knows.
    """
    drawing = Drawing(graph, weights)
    upright, flags, anchor, scale = drawing.scaled(window)
    values = graph.add("Concat", upright, graph.add("Neg", upright), axis=0)
    known = graph.add("Concat", flags, flags, axis=0)
    shape = drawing.whole(-1, TOKENS, PATCH)
    flags = graph.add("Sub", graph.constant(np.array(1.0, np.float32)), known)
    patches = graph.add(
        "Concat", graph.add("Reshape", values, shape), graph.add("Reshape", flags, shape), axis=2
    )
    x = drawing.linear(patches, "embed.weight", "embed.place")
    context = ContextDrawing(graph).draw(values, known, heard(day))
    told = graph.add("MatMul", context.told, drawing.named("embed.told"))
    x = graph.add("Add", x, graph.add("Unsqueeze", told, drawing.whole(1)))
    number = 0
    while f"block{number}.time.into" in weights:
        x = drawing.mixed(f"block{number}.time", x, turned=True)
        x = drawing.mixed(f"block{number}.width", x, turned=False)
        number += 1
    x = drawing.normal("last", x)
    mean = graph.add("ReduceMean", x, drawing.whole(1), keepdims=0)
    end = graph.add("Gather", x, drawing.whole(TOKENS - 1), axis=1)
    summary = graph.add("Concat", mean, graph.add("Squeeze", end, drawing.whole(1)), axis=1)
    logits = drawing.linear(summary, "period.weight", "period.bias")
    alike = graph.add("Mul", context.alike, drawing.named("period.alike"))
    daily = np.asarray(weights["period.day"] * context.daily, np.float32)
    logits = graph.add("Add", graph.add("Add", logits, alike), graph.constant(daily))
    period = graph.add("Unsqueeze", graph.add("Softmax", logits, axis=1), drawing.whole(1))
    experts = np.asarray(weights["experts"], np.float32)
    side = graph.constant(np.ascontiguousarray(np.moveaxis(experts, 0, 1).reshape(LENGTH, -1)))
    shape = drawing.whole(-1, len(experts), HORIZON)
    linear = graph.add("Reshape", graph.add("MatMul", values, side), shape)
    copied = graph.add("MatMul", period, context.copied)
    each = graph.add("Concat", linear, context.ahead, copied, axis=1)
    gate = drawing.linear(summary, "gate.weight", "gate.bias")
    gate = graph.add("Reshape", gate, drawing.whole(-1, EXPERTS, HORIZON))
    weighed = graph.add("Mul", each, graph.add("Softmax", gate, axis=1))
    ahead = graph.add("ReduceSum", weighed, drawing.whole(1), keepdims=0)
    ahead = graph.add("Add", ahead, drawing.linear(summary, "ahead.weight", "ahead.bias"))
    ends = [
        graph.add("Squeeze", half, drawing.whole(0))
        for half in graph.add_many(
            "Split",
            2,
            graph.add("Reshape", ahead, drawing.whole(2, -1, HORIZON)),
            axis=0,
            num_outputs=2,
        )
    ]
    half = graph.add("Sub", graph.doubles(ends[0]), graph.doubles(ends[1]))
    width = 2 * np.asarray(weights["last.gain"]).shape[0]
    both = graph.add("Reshape", summary, drawing.whole(2, -1, width))
    first = graph.add("Gather", both, drawing.whole(0), axis=0)
    seen = graph.add("Squeeze", first, drawing.whole(0))
    return Drawn(graph.add("Mul", half, drawing.number(0.5)), seen, anchor, scale)


def backbone_graph(weights: Mapping[str, AnyArray], day: float = 0.0) -> bytes:
    """Write the graph: ``value`` (n, horizon) and ``summary`` (n, 2 * width)."""
    graph = Graph("backbone", (LENGTH,))
    told = drawn(graph, weights, INPUT, day)
    back = graph.add("Add", graph.add("Mul", told.ahead, told.scale), told.anchor)
    graph.output("value", graph.floats(back), (HORIZON,))
    nothing = graph.add("IsNaN", graph.floats(told.anchor))
    unknown = graph.constant(np.array(np.nan, np.float32))
    width = weights["last.gain"].shape[0]
    summary = graph.add("Where", nothing, unknown, told.summary)
    graph.output("summary", summary, (2 * width,))
    return graph.to_bytes()
