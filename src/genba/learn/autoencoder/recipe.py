"""An autoencoder over what the setting leaves over: for relations that bend, and shapes in time.

PyTorch is needed to fit; to predict, and in ONNX, it is four products of matrices.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.anomaly.episodes import apart_of
from genba.learn.anomaly.limits import STEADY, UNKNOWN, Wish, limits_of
from genba.learn.anomaly.usual import Usual
from genba.learn.anomaly.view import limit_graph
from genba.learn.arrays import AnyArray, Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.features.windows import runs_of, windows_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

FEWEST = 200
_MOST_WINDOWS = 8000
_LAYERS = 4
_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class AutoencoderRecipe:
    """Settings: rows looked back on, units of the outer and the narrow layer, passes over the
    windows, wanted false alarms (as of the other detectors).
    """

    window: int = 20
    width: int = 64
    narrow: int = 8
    epochs: int = 60
    false_alarms: float = 0.01
    a_week: float | None = None
    name: str = "autoencoder"
    task: ClassVar[Task] = Task.ANOMALY
    weight: ClassVar[Weight] = Weight.MID

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "AutoencoderModel":
        """Teach on ``train``, set limits on ``held``; both are taken to be normal."""
        usual = Usual.learn(train)
        count = sum(max(0, len(rows) - self.window + 1) for rows in runs_of(train))
        seen = windows_of(train, self.window, max(1, -(-count // _MOST_WINDOWS)))
        left, _, kinds = usual.of_windows(seen.values)
        known = kinds == STEADY if np.sum(kinds == STEADY) >= FEWEST else kinds != UNKNOWN
        left = left[known]
        if len(left) < FEWEST or not np.isfinite(left).all():
            raise LearnError(
                f"{len(left)} windows are too few to teach a network (at least {FEWEST}), or hold "
                "unknown values; record longer, or leave signals out"
            )
        try:
            from genba.learn.autoencoder.teach import Lesson, teach
        except ImportError:
            raise LearnError(
                "the autoencoder needs PyTorch, which is not installed; run `make setup-deep`"
            ) from None

        lesson = Lesson(self.width, self.narrow, self.epochs)
        weights = tuple(teach(left.reshape(len(left), -1), lesson, seed))
        plain = AutoencoderModel(usual, weights, np.ones(left.shape[2]), np.ones(3))
        usually = np.maximum(plain.missed(left).mean(axis=0), 1e-9)
        model = replace(plain, usually=usually)
        seen = windows_of(held, self.window)
        far, kinds = model.far(seen.values)
        wish = Wish(self.false_alarms, self.a_week)
        limits = limits_of(
            held, seen.rows, far.mean(axis=1), kinds, wish, apart_of(held, self.window)
        )
        return replace(model, limits=limits)

    def restore(self, parts: Parts) -> "AutoencoderModel":
        """Make the model again."""
        try:
            names = [f"layer_{number}" for number in range(2 * _LAYERS)]
            weights = tuple(np.asarray(parts[name], np.float64) for name in names)
            usually, limits = (np.asarray(parts[n], np.float64) for n in ("usually", "limits"))
            return AutoencoderModel(Usual.from_parts(parts), weights, usually, limits)
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class AutoencoderModel:
    """``weights``: matrices and biases of the layers in turn; ``usually``, by how much normal
    windows are missed, (judged,); ``limits`` by kind of window (3,).
    """

    usual: Usual
    weights: tuple[Floats, ...]
    usually: Floats
    limits: Floats
    threshold: ClassVar[float] = 1.0

    def said(self, left: Floats) -> Floats:
        """Return what the network says again of (n, window, judged)."""
        told = left.reshape(len(left), -1)
        for number in range(_LAYERS):
            told = told @ self.weights[2 * number] + self.weights[2 * number + 1]
            told = np.tanh(told) if number < _LAYERS - 1 else told
        return told.reshape(left.shape)

    def missed(self, left: Floats) -> Floats:
        """Return the mean squared error of each judged column, (n, judged)."""
        return np.asarray(np.mean((self.said(left) - left) ** 2, axis=1))

    def far(self, inputs: Floats) -> tuple[Floats, Integers]:
        """Return errors as parts of the usual ones, (n, judged), and kinds of windows (n,)."""
        parts, kinds = [np.empty((0, len(self.usually)))], [np.empty(0, np.int64)]
        for row in range(0, len(inputs), _AT_ONCE):
            left, _, kind = self.usual.of_windows(inputs[row : row + _AT_ONCE])
            parts.append(self.missed(left) / self.usually)
            kinds.append(kind)
        return np.concatenate(parts), np.concatenate(kinds)

    def predict(self, inputs: Floats) -> Prediction:
        """Return the mean error as a part of its limit."""
        far, kinds = self.far(inputs)
        return Prediction(far.mean(axis=1) / self.limits[kinds])

    def explain(self, inputs: Floats) -> Floats:
        """Return by how much the answer falls when a column is as the network says it, at least 0.

        Errors themselves smear over the columns that go with the faulty one.
        """
        left, _, kinds = self.usual.of_windows(inputs)
        whole, said = (self.missed(left) / self.usually).mean(axis=1), self.said(left)
        shares = np.zeros((len(left), left.shape[2]))
        for column in range(left.shape[2]):
            calm = left.copy()
            calm[:, :, column] = said[:, :, column]
            shares[:, column] = whole - (self.missed(calm) / self.usually).mean(axis=1)
        shares = np.maximum(np.nan_to_num(shares), 0.0) / self.limits[kinds][:, None]
        return self.usual.by_column(shares)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        layers = {f"layer_{number}": array for number, array in enumerate(self.weights)}
        return {**self.usual.parts(), **layers, "usually": self.usually, "limits": self.limits}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("autoencoder", shape)
        left, kinds, _ = self.usual.graph(graph)
        judged = len(self.usually)
        wide = graph.constant(np.array([-1, shape[0] * judged], np.int64))
        said = graph.add("Reshape", left, wide)
        for number in range(_LAYERS):
            said = graph.add("MatMul", said, graph.constant(self.weights[2 * number]))
            said = graph.add("Add", said, graph.constant(self.weights[2 * number + 1]))
            said = graph.add("Tanh", said) if number < _LAYERS - 1 else said
        back = graph.constant(np.array([-1, shape[0], judged], np.int64))
        apart = graph.add("Sub", graph.add("Reshape", said, back), left)
        axis = graph.constant(np.array([1], np.int64))
        missed = graph.add("ReduceMean", graph.add("Mul", apart, apart), axis, keepdims=0)
        weights = graph.constant((1 / self.usually / judged)[:, None])
        far = graph.add("MatMul", missed, weights)
        part = graph.add("Div", far, limit_graph(graph, kinds, self.limits))
        flat = graph.constant(np.array([-1], np.int64))
        graph.output("value", graph.floats(graph.add("Reshape", part, flat)))
        return graph.to_bytes()
