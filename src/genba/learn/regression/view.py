"""Linear views of a window: means, slopes, lags and directions in one product of matrices.

Whatever is linear in a window is a column of one matrix. So features are the same in numpy and in
ONNX, and what a window does not know is unknown in exactly those features that look at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.learn.features.windows import runs_of

_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """``matrix`` (seen, features) and ``offset`` (features,); ``support`` (seen,) are the places
    in a flat window of ``shape`` (window, columns) that it looks at.
    """

    matrix: Floats
    offset: Floats
    support: Integers
    shape: tuple[int, int]

    @classmethod
    def of(cls, blocks: Sequence[Floats]) -> "View":
        """Make one of blocks (window, columns, features)."""
        window, columns = blocks[0].shape[:2]
        whole = np.concatenate([b.reshape(window * columns, -1) for b in blocks], axis=1)
        support = np.flatnonzero(np.any(whole != 0, axis=1))
        matrix = np.ascontiguousarray(whole[support])
        return cls(matrix, np.zeros(matrix.shape[1]), support, (window, columns))

    def standard(self, data: Dataset) -> "View":
        """Return one whose features have mean 0 and spread 1 in a data set.

        What never differs there, or is never known, becomes 0.
        """
        features, _ = self.of_data(data)
        known = np.isfinite(features)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0.0).sum(axis=0) / count
        scale = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / count)
        alive = scale > 1e-9 * (np.abs(mean) + 1e-9)
        factor = np.where(alive, 1.0 / np.where(alive, scale, 1.0), 0.0)
        return View(self.matrix * factor, (self.offset - mean) * factor, self.support, self.shape)

    def apply(self, inputs: Floats) -> Floats:
        """Return the features of windows (n, window, columns); NaN where they are unknown."""
        if tuple(inputs.shape[1:]) != self.shape:
            raise LearnError(
                f"the model takes windows of shape {self.shape}, not {inputs.shape[1:]}; "
                "give it the columns and the window of its card"
            )
        seen = inputs.reshape(len(inputs), -1)[:, self.support]
        unknown = ~np.isfinite(seen)
        if not unknown.any():
            return np.asarray(seen @ self.matrix + self.offset)
        features = np.where(unknown, 0.0, seen) @ self.matrix + self.offset
        blind = unknown.astype(np.float64) @ (self.matrix != 0).astype(np.float64) > 0
        return np.where(blind, np.nan, features)

    def of_data(self, data: Dataset) -> tuple[Floats, Integers]:
        """Return the features of all windows of a data set and the rows where these end.

        Windows are cut a few at a time: those of a week at every quarter hour fill no memory.

        Raises
        ------
        LearnError
            If no unit is as long as a window.
        """
        window, columns = self.shape
        found: list[Floats] = []
        ends: list[Integers] = []
        step = max(1, _CHUNK // (window * columns))
        for rows in runs_of(data):
            if len(rows) < window:
                continue
            cut = sliding_window_view(data.values[rows[0] : rows[-1] + 1], window, axis=0)
            found += [
                self.apply(np.moveaxis(cut[first : first + step], -1, 1))
                for first in range(0, len(cut), step)
            ]
            ends.append(rows[window - 1 :])
        if not found:
            raise LearnError(
                f"no unit of data set '{data.name}' has {window} rows, which a model needs to "
                "look back; record longer, or take a shorter window"
            )
        return np.concatenate(found), np.concatenate(ends)

    def add_to(self, graph: Graph) -> str:
        """Write it into a graph; gives (n, features) float64, NaN where unknown."""
        flat = graph.add("Reshape", INPUT, graph.constant(np.array([0, -1], np.int64)))
        seen = graph.doubles(graph.add("Gather", flat, graph.constant(self.support), axis=1))
        unknown = graph.add("Or", graph.add("IsNaN", seen), graph.add("IsInf", seen))
        zero = graph.constant(np.array(0.0))
        known = graph.add("Where", unknown, zero, seen)
        product = graph.add("MatMul", known, graph.constant(self.matrix))
        features = graph.add("Add", product, graph.constant(self.offset))
        looks = graph.constant((self.matrix != 0).astype(np.float64))
        blind = graph.add("MatMul", graph.doubles(unknown), looks)
        nothing = graph.constant(np.array(np.nan))
        return graph.add("Where", graph.add("Greater", blind, zero), nothing, features)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {
            "view_matrix": self.matrix,
            "view_offset": self.offset,
            "view_support": self.support,
            "view_shape": np.array(self.shape, np.int64),
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, AnyArray]) -> "View":
        """Make it again."""
        window, columns = (int(number) for number in parts["view_shape"])
        matrix, offset = parts["view_matrix"], parts["view_offset"]
        return cls(matrix, offset, parts["view_support"], (window, columns))


def of_each(kernels: Sequence[Floats], columns: int, which: Sequence[int]) -> Floats:
    """Look at some columns, each by all kernels: (window, columns, kernels * which)."""
    table = np.stack(kernels, axis=1)
    chosen = np.zeros((columns, len(which)))
    chosen[list(which), np.arange(len(which))] = 1.0
    return along(table, chosen)


def along(kernels: Floats, directions: Floats) -> Floats:
    """Look at mixtures of columns: (window, kernels) and (columns, directions) make
    (window, columns, kernels * directions).
    """
    product = np.einsum("tk,cd->tcdk", kernels, directions)
    return np.asarray(product.reshape(len(kernels), len(directions), -1))
