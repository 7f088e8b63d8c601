"""A model that starts from another machine's: its answer, and a small correction learned here.

The correction is a ridge line on what the other model leaves over (for classes, on log chances), so
with few rows it stays where the other model is: a prior that is centered there. Its penalty, up to
no correction at all, is chosen by cross-fitting.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.learn.features.rolling import rolling_features, rolling_features_graph
from genba.learn.pooled.recipe import inner_parts, known_by_then, sisters_of
from genba.learn.quality.calibration import softmax
from genba.learn.quality.head import Head, Kind, kind_of
from genba.learn.quality.rows import by_column, crossed
from genba.learn.recipe.catalog import read, written
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Parts, Recipe, Task, Weight

FEWEST = 10
_STRENGTHS = (np.inf, 100.0, 10.0, 1.0, 0.1, 0.01)
"""In parts of the number of rows; the first is no correction."""
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class TransferRecipe:
    """``source`` made the ``start`` model, or is fitted on ``sisters`` to make one."""

    source: Recipe
    start: Model | None = field(default=None, compare=False, repr=False)
    sisters: Dataset | None = field(default=None, compare=False, repr=False)
    weight: ClassVar[Weight] = Weight.MID

    def __post_init__(self) -> None:
        # On a card it stands as settings() wrote it.
        object.__setattr__(self, "source", read(self.source))

    @property
    def name(self) -> str:
        """Name of the recipe of the other model, and more."""
        return f"{self.source.name}+transferred"

    @property
    def task(self) -> Task:
        """Task of the other model."""
        return self.source.task

    @property
    def window(self) -> int:
        """Rows looked back on."""
        return self.source.window

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return {"source": written(self.source)}

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "TransferredModel":
        """Correct the other model on both parts, cross-fitted."""
        start = started(self.source, self.start, self.sisters, (train, held), seed)
        told = crossed(train, held, self.window, seed, fewest=FEWEST)
        rows, labels, fold = told.features, told.labels, told.fold
        assert train.target is not None  # noqa: S101 - crossed() looked
        kind = kind_of(train.target)
        said = _said(start.predict(told.windows), kind)
        known = np.isfinite(rows)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, rows, 0.0).sum(axis=0) / count
        scale = np.sqrt((np.where(known, rows - mean, 0.0) ** 2).sum(axis=0) / count)
        scale = np.where(scale > 0, scale, 1.0)
        standard = _standard(rows, mean, scale)
        raws = np.stack([said] * len(_STRENGTHS))
        for number in np.unique(fold):
            out = fold == number
            for place, strength in enumerate(_STRENGTHS):
                line = _line(standard[~out], said[~out], labels[~out], kind, strength)
                raws[place, out] += standard[out] @ line[:-1] + line[-1]
        best = int(np.argmin([_loss(raw, labels, kind) for raw in raws]))
        line = _line(standard, said, labels, kind, _STRENGTHS[best])
        head = Head.fit(_shown(raws[best], kind), labels, kind, trust=told.trust)
        return TransferredModel(start, mean, scale, line[:-1], line[-1], head)

    def restore(self, parts: Parts) -> "TransferredModel":
        """Make the model again."""
        try:
            mean, scale = parts["mean"], parts["scale"]
            weights, offset = parts["weights"], parts["offset"]
            head = Head.from_parts(parts)
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None
        start = self.source.restore(inner_parts(parts))
        return TransferredModel(start, mean, scale, weights, offset, head)


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """The other machine's model as it is, beside the rungs."""

    source: Recipe
    start: Model | None = field(default=None, compare=False, repr=False)
    sisters: Dataset | None = field(default=None, compare=False, repr=False)
    name: str = "zero-shot"
    weight: ClassVar[Weight] = Weight.LIGHT

    @property
    def task(self) -> Task:
        """Task of the other model."""
        return self.source.task

    @property
    def window(self) -> int:
        """Rows looked back on."""
        return self.source.window

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return {"source": written(self.source)}

    def fit(self, train: Dataset, held: Dataset, seed: int) -> Model:
        """Fit nothing here."""
        return started(self.source, self.start, self.sisters, (train, held), seed)

    def restore(self, parts: Parts) -> Model:
        """Make the model again."""
        return self.source.restore(parts)


def started(
    source: Recipe,
    start: Model | None,
    sisters: Dataset | None,
    parts: tuple[Dataset, Dataset],
    seed: int,
) -> Model:
    """Return the other model; fit it on sisters where there is none yet."""
    if start is not None:
        return start
    known = known_by_then(sisters_of(sisters, parts[0]), *parts)
    late = np.zeros(known.rows, np.bool_)
    for unit in np.unique(known.units):
        own = np.flatnonzero(known.units == unit)
        late[own[len(own) * 4 // 5 :]] = True
    return source.fit(known.take(~late, "to fit on"), known.take(late, "held out"), seed)


@dataclass(frozen=True, slots=True, eq=False)
class TransferredModel:
    """The other model, and a line on standard features: ``weights`` (features, outputs)."""

    start: Model
    mean: Floats
    scale: Floats
    weights: Floats
    offset: Floats
    head: Head

    @property
    def threshold(self) -> float | None:
        """Probability of class 1 from which on it is a finding."""
        return self.head.finding

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window."""
        kind = self.head.kind
        standard = _standard(rolling_features(inputs), self.mean, self.scale)
        raw = _said(self.start.predict(inputs), kind) + standard @ self.weights + self.offset
        return self.head.answer(_shown(raw, kind))

    def explain(self, inputs: Floats) -> Floats:
        """Return what the other model and the correction say of each column, added up."""
        standard = _standard(rolling_features(inputs), self.mean, self.scale)
        towards = self.weights[:, -1] - (self.weights[:, 0] if self.head.kind == "two" else 0.0)
        return self.start.explain(inputs) + by_column(standard * towards, inputs)

    def parts(self) -> dict[str, AnyArray]:
        """Return the other model's parts, and the correction."""
        inner = {f"inner_{name}": array for name, array in self.start.parts().items()}
        own = {
            "mean": self.mean,
            "scale": self.scale,
            "weights": self.weights,
            "offset": self.offset,
        }
        return {**inner, **own, **self.head.parts()}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("transferred", shape)
        inner = graph.absorb(self.start.to_onnx(shape), INPUT)
        if self.head.kind == "number":
            column = graph.constant(np.array([-1, 1], np.int64))
            said = graph.add("Reshape", graph.doubles(inner["value"][0]), column)
        else:
            chances = graph.doubles(inner["classes"][0])
            said = graph.add("Log", graph.add("Max", chances, graph.constant(np.array(_LEAST))))
        rows = rolling_features_graph(graph, shape[0])
        mean = graph.constant(self.mean)
        known = graph.add("Where", graph.add("IsNaN", rows), mean, rows)
        standard = graph.add("Div", graph.add("Sub", known, mean), graph.constant(self.scale))
        line = graph.add("MatMul", standard, graph.constant(self.weights))
        raw = graph.add("Add", graph.add("Add", said, line), graph.constant(self.offset))
        if self.head.kind == "two":
            raw = graph.add("MatMul", raw, graph.constant(np.array([[-1.0], [1.0]])))
        self.head.add_to(graph, graph.floats(raw))
        return graph.to_bytes()


def _standard(rows: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.asarray((np.where(np.isnan(rows), mean, rows) - mean) / scale)


def _said(said: Prediction, kind: Kind) -> Floats:
    """What the other model says: the number (n, 1), or log chances (n, classes)."""
    if kind == "number":
        return said.value.reshape(-1, 1)
    if said.classes is None:
        raise LearnError("the other model tells no chances of classes; start from one that does")
    return np.log(np.maximum(said.classes, _LEAST))


def _shown(raw: Floats, kind: Kind) -> Floats:
    """Turn log chances of two classes into log odds, as a head takes them."""
    return raw[:, 1:] - raw[:, :1] if kind == "two" else raw


def _line(rows: Floats, said: Floats, labels: Floats, kind: Kind, strength: float) -> Floats:
    """Return weights, and the offset below them, (features + 1, outputs)."""
    nothing = np.zeros((rows.shape[1] + 1, said.shape[1]))
    if np.isinf(strength):
        return nothing
    wide = np.column_stack([rows, np.ones(len(rows))])
    penalty = np.full(wide.shape[1], strength * len(rows))
    penalty[-1] = 0.1 * strength  # an offset is what machines differ in most
    if kind == "number":
        left = labels[:, None] - said
        return np.asarray(np.linalg.solve(wide.T @ wide + np.diag(penalty), wide.T @ left))
    return _logistic(wide, said, labels, penalty)


def _logistic(rows: Floats, said: Floats, labels: Floats, penalty: Floats) -> Floats:
    """Fit logistic regression whose line is added to given log chances."""
    from scipy.optimize import minimize

    wanted = np.eye(said.shape[1])[labels.astype(np.int64)]
    shape = (rows.shape[1], said.shape[1])

    def loss(flat: Floats) -> tuple[float, Floats]:
        line = flat.reshape(shape)
        chance = softmax(said + rows @ line)
        least = np.maximum((chance * wanted).sum(axis=1), 1e-300)
        value = -float(np.sum(np.log(least))) + 0.5 * float(np.sum(penalty[:, None] * line**2))
        slope = rows.T @ (chance - wanted) + penalty[:, None] * line
        return value, slope.ravel()

    found = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x, np.float64).reshape(shape)


def _loss(raw: Floats, labels: Floats, kind: Kind) -> float:
    if kind == "number":
        return float(np.mean((raw[:, 0] - labels) ** 2))
    chance = softmax(raw)[np.arange(len(labels)), labels.astype(np.int64)]
    return -float(np.mean(np.log(np.maximum(chance, 1e-12))))
