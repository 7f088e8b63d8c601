"""The ONNX graph of a texture model: the same features in float64, then the trees."""

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.export.graph import INPUT, Graph
from genba.learn.export.trees import Trees
from genba.learn.inspect.texture import CELL, Map, edges_of, maps_of


class GraphPictures:
    """Pictures as tensors of a graph; see :class:`genba.learn.inspect.texture.Pictures`."""

    def __init__(self, graph: Graph, size: tuple[int, int]) -> None:
        self.size = size
        self._graph = graph
        self._kept: dict[bytes, str] = {}

    def start(self) -> Map:
        """Return the input as float64."""
        return self._graph.doubles(INPUT)

    def _matrix(self, matrix: Floats) -> str:
        """Add a matrix once, however often it is used."""
        key = str(matrix.shape).encode() + np.ascontiguousarray(matrix).tobytes()
        if key not in self._kept:
            self._kept[key] = self._graph.constant(np.ascontiguousarray(matrix))
        return self._kept[key]

    def spread(self, x: Map, down: Floats | None, across: Floats | None) -> Map:
        """Multiply from both sides."""
        if down is not None:
            x = self._graph.add("MatMul", self._matrix(down), x)
        return x if across is None else self._graph.add("MatMul", x, self._matrix(across.T))

    def add(self, x: Map, number: float) -> Map:
        """Add a number."""
        return self._graph.add("Add", x, self._matrix(np.array(number)))

    def subtract(self, x: Map, y: Map) -> Map:
        """Subtract."""
        return self._graph.add("Sub", x, y)

    def multiply(self, x: Map, y: Map) -> Map:
        """Multiply."""
        return self._graph.add("Mul", x, y)

    def divide(self, x: Map, y: Map) -> Map:
        """Divide."""
        return self._graph.add("Div", x, y)

    def negative(self, x: Map) -> Map:
        """Change signs."""
        return self._graph.add("Neg", x)

    def root(self, x: Map) -> Map:
        """Take square roots."""
        zero = self._matrix(np.array(0.0))
        return self._graph.add("Sqrt", self._graph.add("Max", x, zero))

    def absolute(self, x: Map) -> Map:
        """Leave signs out."""
        return self._graph.add("Abs", x)

    def mean(self, x: Map) -> Map:
        """Take means."""
        return self._graph.add("ReduceMean", x, self._graph.constant(np.array([1, 2])), keepdims=1)

    def highest(self, x: Map) -> Map:
        """Take the maximum of each cell."""
        tall, wide = (side // CELL for side in self.size)
        shape = self._graph.constant(np.array([-1, tall, CELL, wide, CELL]))
        cells = self._graph.add("Reshape", x, shape)
        return self._graph.add(
            "ReduceMax", cells, self._graph.constant(np.array([2, 4])), keepdims=0
        )


def add_texture(graph: Graph, trees: Trees, worst: int, size: tuple[int, int]) -> tuple[str, str]:
    """Add features and trees; return cells (n, h/4, w/4) and the mean of the worst (n, 1)."""
    on = GraphPictures(graph, size)
    tall, wide = size[0] // CELL, size[1] // CELL
    last = graph.constant(np.array([-1], np.int64))
    maps = maps_of(on)
    nothing = on.multiply(maps[0], graph.constant(np.array(0.0)))
    maps += [graph.add("Add", nothing, graph.constant(edge)) for edge in edges_of(size)]
    stacked = graph.add("Concat", *(graph.add("Unsqueeze", one, last) for one in maps), axis=-1)
    rows = graph.add("Reshape", stacked, graph.constant(np.array([-1, len(maps)])))
    sums = trees.add_to(graph, graph.floats(rows))
    flat = graph.add("Reshape", sums, graph.constant(np.array([-1, tall * wide])))
    count = graph.constant(np.array([worst], np.int64))
    values, _ = graph.add_many("TopK", 2, flat, count, axis=1)
    said = graph.add("ReduceMean", values, graph.constant(np.array([1], np.int64)), keepdims=1)
    return graph.add("Reshape", flat, graph.constant(np.array([-1, tall, wide]))), said


def add_chances(graph: Graph, logits: str, platt: tuple[float, float]) -> str:
    """Turn logits of any shape into chances, with slope and offset."""
    slope, offset = (graph.constant(np.array(one, np.float32)) for one in platt)
    return graph.add("Sigmoid", graph.add("Add", graph.add("Mul", logits, slope), offset))


def add_large(graph: Graph, cells: str, size: tuple[int, int]) -> str:
    """Spread cells (n, h/4, w/4) over their pixels, (n, h, w)."""
    tall, wide = size[0] // CELL, size[1] // CELL
    apart = graph.add("Reshape", cells, graph.constant(np.array([-1, tall, 1, wide, 1])))
    large = graph.add("Expand", apart, graph.constant(np.array([1, tall, CELL, wide, CELL])))
    return graph.add("Reshape", large, graph.constant(np.array([-1, *size])))


def texture_graph(
    trees: Trees, platt: tuple[float, float], worst: int, size: tuple[int, int]
) -> bytes:
    """Write the graph; ``platt`` is slope and offset that turn the worst cells into a chance."""
    graph = Graph("texture", size)
    cells, said = add_texture(graph, trees, worst, size)
    value = graph.add("Reshape", said, graph.constant(np.array([-1])))
    graph.output("value", add_chances(graph, value, platt))
    graph.output("heat", add_large(graph, add_chances(graph, cells, platt), size), size)
    return graph.to_bytes()
