"""What a recipe has to bring: two small classes, one that is made up and one that was fitted.

A *recipe* holds settings and can fit. What it gives back is a *model*: it sees windows, knows no
data set and no plant, and turns into plain arrays and into ONNX. :func:`genba.learn.check_recipe`
tells whether both keep their promises.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.recipe.prediction import Prediction

Parts: TypeAlias = Mapping[str, AnyArray]
"""Everything a model is made of: arrays of numbers, text or bytes; never pickled objects."""


class Task(StrEnum):
    """What is learned."""

    ANOMALY = "anomaly"
    QUALITY = "quality"
    LIFE = "life"
    SOFT_SENSOR = "softsensor"
    FORECAST = "forecast"
    INSPECT = "inspect"


class Weight(StrEnum):
    """What a rung of the ladder costs: seconds, a minute, many minutes."""

    LIGHT = "light"
    MID = "mid"
    HEAVY = "heavy"


class Model(Protocol):
    """A fitted recipe.

    ``inputs`` is (windows, window, columns) float64 with the columns of the training data, oldest
    row first; for pictures (n, height, width). What is not known is NaN; a model either takes it or
    says NaN itself, and never a number made up. ``explain`` gives 0 for what it cannot see.
    """

    @property
    def threshold(self) -> float | None:
        """From which ``value`` on the answer is a finding; None where the answer is a number."""
        ...

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window, from that window alone."""
        ...

    def explain(self, inputs: Floats) -> Floats:
        """Say how much each column speaks for the answer, (n, columns); signs mean direction."""
        ...

    def parts(self) -> Parts:
        """Return all that it is made of; ``recipe.restore(parts)`` makes the same model again."""
        ...

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Return an ONNX graph: input ``inputs`` float32, outputs named as in Prediction.

        ``shape`` is that of one input without the first axis: (window, columns) or (height, width).
        """
        ...


class Recipe(Protocol):
    """How to make a model: settings, nothing fitted. A frozen dataclass fits well.

    The attributes may be class variables or fields.
    """

    @property
    def name(self) -> str:
        """Short name, unique within a task: ``pca``, ``lightgbm``."""
        ...

    @property
    def task(self) -> Task:
        """What its models answer."""
        ...

    @property
    def weight(self) -> Weight:
        """What fitting costs."""
        ...

    @property
    def window(self) -> int:
        """Rows that a model sees, the present one included."""
        ...

    def fit(self, train: Dataset, held: Dataset, seed: int) -> Model:
        """Fit on ``train``; set limits, stop early and calibrate on ``held``, or cross-fitted.

        What is calibrated on was never fitted on by the model that says it.

        Deterministic for a seed, with one thread.

        Raises
        ------
        LearnError
            If the data do not fit the recipe.
        """
        ...

    def restore(self, parts: Parts) -> Model:
        """Make a model again from its parts.

        Raises
        ------
        LearnError
            If parts are missing or do not belong to this recipe.
        """
        ...

    def settings(self) -> dict[str, Any]:
        """Return the settings as plain values, for the card."""
        ...
