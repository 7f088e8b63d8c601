"""Rolling mean and spread of a window, in numpy and in ONNX."""

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.export.graph import INPUT, Graph


def rolling_features(inputs: Floats) -> Floats:
    """Mean and standard deviation of each column over a window, (n, 2 columns).

    A window of one row has no spread: then (n, columns).
    """
    if inputs.shape[1] == 1:
        return inputs[:, 0]
    mean = inputs.mean(axis=1)
    spread = np.sqrt(np.mean((inputs - mean[:, None]) ** 2, axis=1))
    return np.concatenate([mean, spread], axis=1)


def scaling_of(features: Floats) -> tuple[Floats, Floats]:
    """Return mean and spread of each feature, (features,); what never varies keeps its own unit."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    return mean, np.where(scale > 1e-12 * (1 + np.abs(mean)), scale, 1.0)


def rolling_features_graph(graph: Graph, window: int, windows: str | None = None) -> str:
    """Add the same to a graph, of the input or of ``windows`` (n, window, columns); float64."""
    inputs = graph.doubles(INPUT) if windows is None else windows
    axis = graph.constant(np.array([1], np.int64))
    if window == 1:
        return graph.add("Squeeze", inputs, axis)
    mean = graph.add("ReduceMean", inputs, axis, keepdims=1)
    apart = graph.add("Sub", inputs, mean)
    squared = graph.add("Mul", apart, apart)
    spread = graph.add("Sqrt", graph.add("ReduceMean", squared, axis, keepdims=0))
    return graph.add("Concat", graph.add("Squeeze", mean, axis), spread, axis=1)
