"""Gradient-boosted trees: LightGBM, stopped early and calibrated on held-out rows; SHAP explains.

Ke et al., *LightGBM*, NeurIPS 2017; Lundberg et al., *From local explanations to global
understanding with explainable AI for trees*, Nature Machine Intelligence 2, 2020.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import INPUT, Graph
from genba.learn.export.trees import from_lightgbm
from genba.learn.features.windows import windows_of
from genba.learn.quality.head import Head, Kind, kind_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight
from genba.learn.threads import threads

FEWEST = 20
_OBJECTIVE: dict[Kind, str] = {"number": "regression", "two": "binary", "many": "multiclass"}


@dataclass(frozen=True, slots=True)
class BoostedRecipe:
    """Settings of the trees, rows looked back on, what mistakes cost (missed, false alarm)."""

    window: int = 1
    rounds: int = 800
    rate: float = 0.05
    leaves: int = 15
    patience: int = 60
    costs: tuple[float, float] | None = None
    task: Task = Task.QUALITY
    name: str = "lightgbm"
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "BoostedModel":
        """Grow on ``train``; stop early, calibrate and set the threshold on ``held``."""
        import lightgbm as lgb

        rows, labels = labelled_rows(train, self.window)
        held_rows, held_labels = labelled_rows(held, self.window)
        assert train.target is not None  # noqa: S101 - labelled_rows looked
        kind = kind_of(train.target)
        settings: dict[str, Any] = {
            "objective": _OBJECTIVE[kind],
            "learning_rate": self.rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": int(np.clip(len(rows) // 200, 3, 50)),
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
        if kind == "many":
            settings["num_class"] = len(train.target.classes)
        fitted = lgb.Dataset(rows, labels, free_raw_data=True)
        judged = lgb.Dataset(held_rows, held_labels, reference=fitted)
        booster = lgb.train(
            settings,
            fitted,
            self.rounds,
            valid_sets=[judged],
            callbacks=[lgb.early_stopping(self.patience, verbose=False)],
        )
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        raw = _raw(lgb.Booster(model_str=text), held_rows)
        return BoostedModel(text, Head.fit(raw, held_labels, kind, self.costs))

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
        return None if np.isnan(self.head.threshold) else self.head.threshold

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window."""
        return self.head.answer(_raw(self._booster, _flat(inputs)))

    def explain(self, inputs: Floats) -> Floats:
        """Return the SHAP values of each column, for class 1 or the most likely class."""
        rows = _flat(inputs)
        shares = np.asarray(self._booster.predict(rows, pred_contrib=True, num_threads=threads()))
        if self.head.kind == "many":
            by_class = shares.reshape(len(rows), len(self.head.limits), -1)
            likely = self.head.classes(_raw(self._booster, rows)).argmax(axis=1)
            shares = by_class[np.arange(len(rows)), likely]
        return np.asarray(shares[:, :-1].reshape(len(rows), *inputs.shape[1:]).sum(axis=1))

    def parts(self) -> dict[str, AnyArray]:
        """Return the text as bytes, and the head."""
        text = np.frombuffer(self._text.encode(), np.uint8)
        return {"booster": text, **self.head.parts()}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        graph = Graph("lightgbm", shape)
        flat = graph.add("Reshape", INPUT, graph.constant(np.array([0, -1], np.int64)))
        outputs = len(self.head.limits) if self.head.kind == "many" else 1
        raw = from_lightgbm(self._booster).add_to(graph, flat, outputs)
        self.head.add_to(graph, raw)
        return graph.to_bytes()


def labelled_rows(data: Dataset, window: int) -> tuple[Floats, Floats]:
    """Return the windows of rows whose label is known, flat (n, window * columns), and the labels.

    Raises
    ------
    LearnError
        If there is no target, or fewer than ``FEWEST`` labels are known.
    """
    labels = data.labels()
    windows = windows_of(data, window)
    known = np.isfinite(labels[windows.rows])
    found = labels[windows.rows[known]]
    if len(found) < FEWEST:
        raise LearnError(
            f"data set '{data.name}' has {len(found)} labelled rows in a part, and it takes "
            f"{FEWEST}; record longer, or give this part a larger share"
        )
    return _flat(windows.values[known]), found


def _flat(inputs: Floats) -> Floats:
    return inputs.reshape(len(inputs), -1)


def _raw(booster: Any, rows: Floats) -> Floats:
    raw = np.asarray(booster.predict(rows, raw_score=True, num_threads=threads()), np.float64)
    return raw.reshape(len(rows), -1)
