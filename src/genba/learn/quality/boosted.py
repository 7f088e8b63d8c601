"""Gradient-boosted trees: LightGBM, cross-fitted and calibrated; SHAP explains.

Ke et al., *LightGBM*, NeurIPS 2017; Lundberg et al., *From local explanations to global
understanding with explainable AI for trees*, Nature Machine Intelligence 2, 2020.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.export.trees import from_lightgbm
from genba.learn.features.rolling import (
    rolling_features,
    rolling_features_graph,
)
from genba.learn.quality.head import Head, Kind, kind_of
from genba.learn.quality.rows import by_column, crossed
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight
from genba.learn.threads import threads

_OBJECTIVE: dict[Kind, str] = {"number": "regression", "two": "binary", "many": "multiclass"}


@dataclass(frozen=True, slots=True)
class BoostedRecipe:
    """Settings of the trees, rows looked back on, what mistakes cost (missed, false alarm).

    A leaf holds ``least`` rows or more; limits are looked for among ``bins`` values of a column.
    """

    window: int = 1
    rounds: int = 800
    rate: float = 0.05
    leaves: int = 15
    least: int = 5
    bins: int = 2000
    patience: int = 60
    costs: tuple[float, float] | None = None
    task: Task = Task.QUALITY
    name: str = "lightgbm"
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "BoostedModel":
        """Grow on both parts, cross-fitted: each row is judged by trees that did not see it.

        These answers say where to stop, calibrate, and set the threshold; then trees are grown
        once more, on all rows.
        """
        told = crossed(train, held, self.window, seed)
        rows, labels, fold = told.features, told.labels, told.fold
        assert train.target is not None  # noqa: S101 - crossed() looked
        kind = kind_of(train.target)
        settings = self._settings(kind, len(train.target.classes), len(rows), seed)
        raw, rounds = self._judged_unseen(settings, rows, labels, fold)
        text = self._grown(settings, rows, labels, rounds)
        return BoostedModel(text, Head.fit(raw, labels, kind, self.costs, trust=told.trust))

    def _settings(self, kind: Kind, classes: int, rows: int, seed: int) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "objective": _OBJECTIVE[kind],
            "learning_rate": self.rate,
            "num_leaves": self.leaves,
            # A rare class may fill a small leaf; a number in one is noise.
            "min_data_in_leaf": max(self.least, min(rows // 200, 50) if kind == "number" else 0),
            # Rare faults lie beyond sharp limits: with few bins a limit falls beside them.
            "max_bin": self.bins,
            "min_data_in_bin": 1,
            "feature_fraction": 0.8,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 1.0,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": threads(),
            "verbosity": -1,
        }
        return settings | ({"num_class": classes} if kind == "many" else {})

    def _judged_unseen(
        self, settings: dict[str, Any], rows: Floats, labels: Floats, fold: Integers
    ) -> tuple[Floats, int]:
        """Return the raw score of each row by trees that did not see it, and how many to grow."""
        import lightgbm as lgb

        boosters, curves = [], []
        for number in np.unique(fold):
            out = fold == number
            fitted = lgb.Dataset(rows[~out], labels[~out])
            judged = lgb.Dataset(rows[out], labels[out], reference=fitted)
            told: dict[str, dict[str, list[float]]] = {}
            stop = lgb.early_stopping(self.patience, verbose=False)
            watch: list[Any] = [stop, lgb.record_evaluation(told)]
            grown = lgb.train(settings, fitted, self.rounds, valid_sets=[judged], callbacks=watch)
            boosters.append((out, grown))
            (losses,) = told["valid_0"].values()
            curves.append(np.array(losses) * int(out.sum()))
        rounds = _least(curves)
        raw = np.zeros((len(rows), settings.get("num_class", 1)))
        for out, grown in boosters:
            raw[out] = _raw(grown, rows[out], rounds)
        return raw, rounds

    def _grown(self, settings: dict[str, Any], rows: Floats, labels: Floats, rounds: int) -> str:
        import lightgbm as lgb

        return str(lgb.train(settings, lgb.Dataset(rows, labels), rounds).model_to_string())

    def restore(self, parts: Parts) -> "BoostedModel":
        """Make the model again."""
        try:
            text = bytes(np.asarray(parts["booster"], np.uint8)).decode()
            return BoostedModel(text, Head.from_parts(parts))
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


class BoostedModel:
    """LightGBM's trees, as the text that it writes them in, and the head."""

    def __init__(self, text: str, head: Head) -> None:
        import lightgbm as lgb

        self.head = head
        self._text = text
        try:
            self._booster = lgb.Booster(model_str=text)
        except lgb.basic.LightGBMError as error:
            raise LearnError(f"the trees cannot be read: {error}; train the model anew") from None

    @property
    def threshold(self) -> float | None:
        """Probability of class 1 from which on it is a finding."""
        return self.head.finding

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window."""
        return self.head.answer(_raw(self._booster, rolling_features(inputs)))

    def explain(self, inputs: Floats) -> Floats:
        """Return the SHAP values of each column, for class 1 or the most likely class."""
        rows = rolling_features(inputs)
        shares = np.asarray(self._booster.predict(rows, pred_contrib=True, num_threads=threads()))
        if self.head.kind == "many":
            by_class = shares.reshape(len(rows), len(self.head.limits), -1)
            likely = self.head.classes(_raw(self._booster, rows)).argmax(axis=1)
            shares = by_class[np.arange(len(rows)), likely]
        return by_column(np.asarray(shares[:, :-1]), inputs)

    def parts(self) -> dict[str, AnyArray]:
        """Return the text as bytes, and the head."""
        text = np.frombuffer(self._text.encode(), np.uint8)
        return {"booster": text, **self.head.parts()}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("lightgbm", shape)
        seen = graph.floats(rolling_features_graph(graph, shape[0]))
        outputs = len(self.head.limits) if self.head.kind == "many" else 1
        raw = from_lightgbm(self._booster).add_to(graph, seen, outputs)
        self.head.add_to(graph, raw)
        return graph.to_bytes()


def _least(curves: list[Floats]) -> int:
    """Return the round at which the loss of all folds together is least.

    One number for all, so that their scores are of one scale; a curve that was stopped stays where
    it ended.
    """
    longest = max(len(curve) for curve in curves)
    whole = [np.append(one, np.full(longest - len(one), one[-1])) for one in curves]
    return int(np.argmin(np.sum(whole, axis=0))) + 1


def _raw(booster: Any, rows: Floats, rounds: int | None = None) -> Floats:
    raw = booster.predict(rows, raw_score=True, num_iteration=rounds, num_threads=threads())
    return np.asarray(raw, np.float64).reshape(len(rows), -1)
