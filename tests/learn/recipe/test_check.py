"""Our recipes keep their promises, and a recipe that breaks one is told which."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

from genba.learn import Model, Parts, Recipe, Task, check_recipe
from genba.learn.anomaly.distance import DistanceRecipe
from genba.learn.anomaly.forest import ForestRecipe
from genba.learn.anomaly.pca import PcaModel, PcaRecipe
from genba.learn.anomaly.sigma import SigmaRecipe
from genba.learn.anomaly.together import TogetherRecipe
from genba.learn.arrays import Floats
from genba.learn.data.dataset import Dataset
from genba.learn.quality.boosted import BoostedRecipe
from genba.learn.quality.linear import LinearRecipe
from genba.learn.quality.prior import PriorRecipe
from genba.learn.recipe.prediction import Prediction

OURS = (
    DistanceRecipe(),
    DistanceRecipe(window=1),
    TogetherRecipe(),
    TogetherRecipe(windows=(1, 3)),
    PcaRecipe(),
    PcaRecipe(window=1),
    ForestRecipe(trees=30),
    SigmaRecipe(),
    BoostedRecipe(),
    BoostedRecipe(window=3, task=Task.SOFT_SENSOR),
    LinearRecipe(),
    LinearRecipe(window=3, task=Task.SOFT_SENSOR),
    PriorRecipe(),
    PriorRecipe(task=Task.SOFT_SENSOR),
)


@pytest.mark.parametrize("recipe", OURS, ids=lambda r: f"{r.task}-{r.name}-{r.window}")
def test_our_recipes_keep_their_promises(recipe: Recipe) -> None:
    assert check_recipe(recipe) == ()


@dataclass(frozen=True)
class Changed(PcaModel):
    """A model with one thing wrong."""

    wrong: str = ""

    def predict(self, inputs: Floats) -> Prediction:
        value = super().predict(inputs).value
        if self.wrong == "batch":
            value = value - value.mean()
        elif self.wrong == "nan":
            value = np.full_like(value, np.nan)
        elif self.wrong == "writes":
            inputs[0] = 0.0
        elif self.wrong == "onnx":
            value = value * 1.01
        return Prediction(value)

    def explain(self, inputs: Floats) -> Floats:
        return super().explain(inputs)[:, : 1 if self.wrong == "explain" else None]

    def parts(self) -> dict[str, Any]:
        told = super().parts()
        return {**told, "me": np.array([self], object)} if self.wrong == "objects" else told


@dataclass(frozen=True)
class ChangedRecipe:
    """A recipe around it."""

    wrong: str
    name: str = "changed"
    window: int = 10
    task: Task = Task.ANOMALY
    weight: Any = PcaRecipe.weight

    def settings(self) -> dict[str, Any]:
        return {}

    def fit(self, train: Dataset, held: Dataset, seed: int) -> Model:
        if self.wrong == "seed":
            noise = np.random.default_rng().normal(0, 1e-3)
            model = PcaRecipe(self.window).fit(train, held, seed)
            return self._as(replace(model, limits=model.limits * (1 + noise)))
        return self._as(PcaRecipe(self.window).fit(train, held, seed))

    def restore(self, parts: Parts) -> Model:
        return self._as(PcaRecipe(self.window).restore(parts))

    def _as(self, model: PcaModel) -> Changed:
        own = (getattr(model, one.name) for one in fields(PcaModel))
        return Changed(*own, self.wrong)


@pytest.mark.parametrize(
    ("wrong", "promise"),
    [
        ("batch", "each window alone"),
        ("nan", "answers are numbers"),
        ("writes", "leaves inputs alone"),
        ("onnx", "ONNX says the same"),
        ("explain", "explains by column"),
        ("objects", "parts are plain"),
        ("seed", "same seed, same model"),
    ],
)
def test_a_broken_promise_is_named(wrong: str, promise: str) -> None:
    assert promise in {complaint.promise for complaint in check_recipe(ChangedRecipe(wrong))}


def test_the_same_recipe_unbroken_passes() -> None:
    assert check_recipe(ChangedRecipe("")) == ()
