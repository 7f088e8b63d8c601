"""The ONNX graph of the network, layer by layer, with its normalization folded into the kernels."""

from collections.abc import Mapping

import numpy as np

from genba.learn.arrays import AnyArray
from genba.learn.export.graph import INPUT, Graph
from genba.learn.inspect.worst import weights_of_worst

EPSILON = 1e-5
AROUND = 15
"""Side of the square that a place is compared with, in pixels, odd."""
MIRRORS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))
"""Axes of (n, height, width) that are turned around; all four images are looked at."""
FAINT = 0.05
"""Local spread, in parts of the picture's, below which contrast is not raised any more."""


class Drawing:
    """Adds the network to a graph; the methods mirror :mod:`genba.learn.inspect.network`."""

    def __init__(self, graph: Graph, weights: Mapping[str, AnyArray]) -> None:
        self._graph = graph
        self._weights = weights

    def numbers(self, *values: float) -> str:
        """Add float32 constants."""
        array = np.array(values, np.float32)
        return self._graph.constant(array if len(values) > 1 else array.reshape(()))

    def layer(self, name: str, x: str, stride: int = 1, *, active: bool = True) -> str:
        """Convolve and normalize: one convolution, since the statistics stand still."""
        part = {
            key: np.asarray(self._weights[f"{name}.{key}"], np.float64)
            for key in ("weight", "gain", "shift", "mean", "variance")
        }
        factor = part["gain"] / np.sqrt(part["variance"] + EPSILON)
        kernel = part["weight"] * factor[:, None, None, None]
        bias = part["shift"] - part["mean"] * factor
        edge = kernel.shape[-1] // 2
        x = self._graph.add(
            "Conv",
            x,
            self._graph.constant(kernel.astype(np.float32)),
            self._graph.constant(bias.astype(np.float32)),
            pads=[edge] * 4,
            strides=[stride, stride],
        )
        return self._graph.add("Relu", x) if active else x

    def block(self, name: str, x: str) -> str:
        """Two layers around a shortcut."""
        inner = self.layer(f"{name}_b", self.layer(f"{name}_a", x), active=False)
        return self._graph.add("Relu", self._graph.add("Add", x, inner))

    def twice(self, x: str) -> str:
        """Repeat each place along both axes."""
        scales = self._graph.constant(np.array([1, 1, 2, 2], np.float32))
        return self._graph.add(
            "Resize",
            x,
            "",
            scales,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def normal(self, pictures: str) -> str:
        """Bring pictures to mean 0 and spread 1; beside it stands its local contrast."""
        graph = self._graph
        axes = graph.constant(np.array([1, 2], np.int64))
        apart = graph.add("Sub", pictures, graph.add("ReduceMean", pictures, axes))
        spread = graph.add("Sqrt", graph.add("ReduceMean", graph.add("Mul", apart, apart), axes))
        normal = graph.add("Div", apart, graph.add("Add", spread, self.numbers(1.0)))
        plain = graph.add("Unsqueeze", normal, graph.constant(np.array([1], np.int64)))
        contrast = graph.add("Sub", plain, self.around(plain))
        near = graph.add("Sqrt", self.around(graph.add("Mul", contrast, contrast)))
        raised = graph.add("Div", contrast, graph.add("Add", near, self.numbers(FAINT)))
        return graph.add("Concat", plain, raised, axis=1)

    def around(self, x: str) -> str:
        """Mean of the square around each place."""
        edge = AROUND // 2
        x = self._graph.add("AveragePool", x, kernel_shape=[AROUND, 1], pads=[edge, 0, edge, 0])
        return self._graph.add("AveragePool", x, kernel_shape=[1, AROUND], pads=[0, edge, 0, edge])

    def mirrored(self, x: str, axes: tuple[int, ...], size: tuple[int, ...]) -> str:
        """Turn (n, height, width) of a size around along some axes."""
        for axis in axes:
            order = self._graph.constant(np.arange(size[axis - 1])[::-1].copy())
            x = self._graph.add("Gather", x, order, axis=axis)
        return x

    def judged(self, size: tuple[int, int]) -> tuple[str, str]:
        """Add the network over all mirror images; return places (n, h/4, w/4), pictures (n, 2)."""
        graph = self._graph
        images = [self.mirrored(INPUT, axes, size) for axes in MIRRORS]
        small = (size[0] // 4, size[1] // 4)
        places, said = self.logits(graph.add("Concat", *images, axis=0), small[0] * small[1])
        along = graph.constant(np.array([1], np.int64))
        each = graph.add_many(
            "Split", len(MIRRORS), graph.add("Squeeze", places, along), num_outputs=len(MIRRORS)
        )
        back = [self.mirrored(x, axes, small) for x, axes in zip(each, MIRRORS, strict=True)]
        mean = graph.add("Mean", *back)
        told = graph.add_many("Split", len(MIRRORS), said, num_outputs=len(MIRRORS))
        worst = self.worst(graph.add("Flatten", mean), small[0] * small[1])
        return mean, graph.add("Concat", worst, graph.add("Mean", *told), axis=1)

    def worst(self, flat: str, count: int) -> str:
        """Weighted mean of the greatest of so many values of each row, (n, 1)."""
        weights = weights_of_worst(count)
        most = self._graph.constant(np.array([len(weights)], np.int64))
        values, _ = self._graph.add_many("TopK", 2, flat, most, axis=1)
        return self._graph.add("MatMul", values, self._graph.constant(weights[:, None]))

    def logits(self, pictures: str, count: int) -> tuple[str, str]:
        """Add the whole network; return places (n, 1, h/4, w/4) and pictures (n, 1)."""
        graph = self._graph
        half = self.layer("stem", self.normal(pictures), 2)
        quarter = self.block("quarter", self.layer("quarter", half, 2))
        eighth = self.block("eighth", self.layer("eighth", quarter, 2))
        sixteenth = self.block("sixteenth", self.layer("sixteenth", eighth, 2))
        up = self.twice(self.layer("back_eighth", sixteenth, active=False))
        eighth = graph.add("Relu", graph.add("Add", eighth, up))
        up = self.twice(self.layer("back_quarter", eighth, active=False))
        quarter = graph.add("Relu", graph.add("Add", quarter, up))
        places = graph.add(
            "Conv", self.layer("joined", quarter), self._named("place.weight"),
            self._named("place.bias"),
        )  # fmt: skip
        worst = self.worst(graph.add("Flatten", places), count)
        axes = graph.constant(np.array([2, 3], np.int64))
        mean = graph.add("ReduceMean", sixteenth, axes, keepdims=0)
        peak = graph.add("ReduceMax", sixteenth, axes, keepdims=0)
        whole = graph.add("Concat", mean, peak, worst, axis=1)
        kernel = graph.constant(np.ascontiguousarray(self._weights["picture.weight"].T))
        said = graph.add("Add", graph.add("MatMul", whole, kernel), self._named("picture.bias"))
        return places, said

    def _named(self, name: str) -> str:
        return self._graph.constant(np.asarray(self._weights[name], np.float32))


def network_graph(
    weights: Mapping[str, AnyArray], platt: AnyArray, shape: tuple[int, int]
) -> bytes:
    """Write the graph; ``platt`` is two slopes and an offset that make a probability."""
    graph = Graph("network", shape)
    drawing = Drawing(graph, weights)
    places, said = drawing.judged(shape)
    slopes = graph.constant(np.asarray(platt[:2], np.float32)[:, None])
    scaled = graph.add("MatMul", said, slopes)
    chance = graph.add("Sigmoid", graph.add("Add", scaled, drawing.numbers(float(platt[2]))))
    graph.output("value", graph.add("Reshape", chance, graph.constant(np.array([-1], np.int64))))
    along = graph.constant(np.array([1], np.int64))
    whole = graph.add("Unsqueeze", graph.add("Sigmoid", places), along)
    heat = drawing.twice(drawing.twice(whole))
    graph.output("heat", graph.add("Squeeze", heat, along), shape)
    return graph.to_bytes()
