"""The linear rung: logistic or ridge regression. Unlike trees it extrapolates."""

import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.features.rolling import (
    rolling_features,
    rolling_features_graph,
)
from genba.learn.quality.head import Head, Kind, kind_of
from genba.learn.quality.rows import by_column, crossed
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight


@dataclass(frozen=True, slots=True)
class LinearRecipe:
    """Settings: strengths of the penalty to choose from, and costs of mistakes."""

    window: int = 1
    strengths: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    costs: tuple[float, float] | None = None
    task: Task = Task.QUALITY
    name: str = "linear"
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "LinearModel":
        """Fit on both parts, cross-fitted: each row is judged by a line that did not see it.

        These answers choose the penalty, calibrate, and set the threshold.
        """
        told = crossed(train, held, self.window, seed)
        rows, labels, fold = told.features, told.labels, told.fold
        assert train.target is not None  # noqa: S101 - crossed() looked
        kind, classes = kind_of(train.target), len(train.target.classes)
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column that nobody knows is 0
            mean = np.nan_to_num(np.nanmean(rows, axis=0))
            scale = np.nan_to_num(np.nanstd(rows, axis=0))
        scale = np.where(scale > 0, scale, 1.0)
        standard = (np.where(np.isnan(rows), mean, rows) - mean) / scale
        outputs = classes if kind == "many" else 1
        raws = np.zeros((len(self.strengths), len(rows), outputs))
        for number in np.unique(fold):
            out = fold == number
            lines = _fits(standard[~out], labels[~out], kind, self.strengths, classes)
            for place, (weights, offset) in enumerate(lines):
                raws[place, out] = standard[out] @ weights + offset
        losses = [_loss(raw, labels, kind) for raw in raws]
        if not np.isfinite(losses).any():
            raise LearnError("no linear model could be fitted; check the columns for wild values")
        best = int(np.nanargmin(losses))
        ((weights, offset),) = _fits(
            standard, labels, kind, self.strengths[best : best + 1], classes
        )
        head = Head.fit(raws[best], labels, kind, self.costs, trust=told.trust)
        return LinearModel(mean, scale, weights, offset, head)

    def restore(self, parts: Parts) -> "LinearModel":
        """Make the model again."""
        try:
            return LinearModel(
                parts["mean"],
                parts["scale"],
                parts["weights"],
                parts["offset"],
                Head.from_parts(parts),
            )
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """``mean`` (also what stands for unknown values) and ``scale`` (features,), ``weights``
    (features, outputs), ``offset`` (outputs,), and the head; features are those of
    :func:`genba.learn.features.rolling.rolling_features`.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    offset: Floats
    head: Head

    @property
    def threshold(self) -> float | None:
        """Probability of class 1 from which on it is a finding."""
        return self.head.finding

    def _standard(self, rows: Floats) -> Floats:
        return np.asarray((np.where(np.isnan(rows), self.mean, rows) - self.mean) / self.scale)

    def raw(self, rows: Floats) -> Floats:
        """Return the scores of features, (n, outputs)."""
        return np.asarray(self._standard(rows) @ self.weights + self.offset)

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window."""
        return self.head.answer(self.raw(rolling_features(inputs)))

    def explain(self, inputs: Floats) -> Floats:
        """Return what each column adds, for class 1 or the most likely class."""
        rows = rolling_features(inputs)
        which = np.zeros(len(rows), np.int64)
        if self.head.kind == "many":
            which = self.raw(rows).argmax(axis=1)
        shares = self._standard(rows) * self.weights.T[which]
        return by_column(shares, inputs)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {
            "mean": self.mean,
            "scale": self.scale,
            "weights": self.weights,
            "offset": self.offset,
            **self.head.parts(),
        }

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("linear", shape)
        doubled, mean = rolling_features_graph(graph, shape[0]), graph.constant(self.mean)
        known = graph.add("Where", graph.add("IsNaN", doubled), mean, doubled)
        centered = graph.add("Sub", known, mean)
        standard = graph.add("Div", centered, graph.constant(self.scale))
        product = graph.add("MatMul", standard, graph.constant(self.weights))
        raw = graph.add("Add", product, graph.constant(self.offset))
        self.head.add_to(graph, graph.floats(raw))
        return graph.to_bytes()


def _bare(kind: Kind, outputs: int) -> Head:
    return Head(kind, 1.0, 0.0, float("nan"), np.zeros(outputs))


def _fits(
    standard: Floats, labels: Floats, kind: Kind, strengths: tuple[float, ...], classes: int
) -> Iterator[tuple[Floats, Floats]]:
    """Yield weights and offset for each strength of the penalty."""
    from sklearn.linear_model import LogisticRegression, Ridge

    for strength in strengths:
        if kind == "number":
            ridge = Ridge(alpha=strength * len(standard) / 100).fit(standard, labels)
            yield np.asarray(ridge.coef_, np.float64)[:, None], np.array([float(ridge.intercept_)])
            continue
        fitted = LogisticRegression(C=1.0 / strength, max_iter=500).fit(standard, labels)
        if kind == "two":
            yield np.asarray(fitted.coef_.T, np.float64), np.asarray(fitted.intercept_, np.float64)
            continue
        weights, offset = np.zeros((standard.shape[1], classes)), np.full(classes, -30.0)
        place = fitted.classes_.astype(np.int64)
        binary = len(place) == 2
        weights[:, place] = (
            np.column_stack([np.zeros_like(fitted.coef_[0]), fitted.coef_[0]])
            if binary
            else fitted.coef_.T
        )
        offset[place] = [0.0, fitted.intercept_[0]] if binary else fitted.intercept_
        yield weights, offset


def _loss(raw: Floats, labels: Floats, kind: Kind) -> float:
    """Mean square, or log loss, of raw scores."""
    if kind == "number":
        return float(np.mean((raw[:, 0] - labels) ** 2))
    classes = _bare(kind, raw.shape[1]).classes(raw)
    chance = classes[np.arange(len(labels)), labels.astype(np.int64)]
    return -float(np.mean(np.log(np.maximum(chance, 1e-12))))
