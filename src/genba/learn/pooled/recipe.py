"""Any recipe, fitted on machines of a kind together: one model, behind the machine's own scale."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.data.joined import joined
from genba.learn.export.graph import INPUT, Graph
from genba.learn.pooled.scales import Scale, scales_of
from genba.learn.recipe.catalog import read, written
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Parts, Recipe, Task, Weight

_INNER = "inner_"


@dataclass(frozen=True, slots=True)
class PooledRecipe:
    """``inner`` learns from the machine's rows and from those of its ``sisters``, one unit each.

    Sisters are not needed to make a model again.
    """

    inner: Recipe
    sisters: Dataset | None = field(default=None, compare=False, repr=False)
    weight: ClassVar[Weight] = Weight.MID

    def __post_init__(self) -> None:
        # On a card it stands as settings() wrote it.
        object.__setattr__(self, "inner", read(self.inner))

    @property
    def name(self) -> str:
        """Name of the inner recipe, and more."""
        return f"{self.inner.name}+pooled"

    @property
    def task(self) -> Task:
        """Task of the inner recipe."""
        return self.inner.task

    @property
    def window(self) -> int:
        """Rows looked back on."""
        return self.inner.window

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return {"inner": written(self.inner)}

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "PooledModel":
        """Fit on all machines; set limits on ``held``, which is of this machine alone."""
        others = machines_of(known_by_then(sisters_of(self.sisters, train), train, held))
        own, *scales = scales_of([train, *others])
        fitted = [_scaled(one, scale) for one, scale in zip(others, scales, strict=True)]
        whole = joined(
            [_scaled(train, own), *fitted], train.name, f"with {len(fitted)} sister machines"
        )
        return PooledModel(self.inner.fit(whole, _scaled(held, own), seed), own)

    def restore(self, parts: Parts) -> "PooledModel":
        """Make the model again."""
        try:
            scale = Scale(parts["scale_factor"], parts["scale_shift"])
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None
        return PooledModel(self.inner.restore(inner_parts(parts)), scale)


@dataclass(frozen=True, slots=True, eq=False)
class PooledModel:
    """The shared model, which sees this machine's values as its sisters' would be."""

    inner: Model
    scale: Scale

    @property
    def threshold(self) -> float | None:
        """From which value on it is a finding."""
        return self.inner.threshold

    @property
    def head(self) -> Any:
        """Head of the inner model, where it has one."""
        return getattr(self.inner, "head", None)

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window."""
        return self.inner.predict(self._seen(inputs))

    def explain(self, inputs: Floats) -> Floats:
        """Return what the shared model says of each column."""
        return self.inner.explain(self._seen(inputs))

    def _seen(self, inputs: Floats) -> Floats:
        """Return windows of the machine as the shared model sees them, in float32 numbers."""
        return np.asarray(np.asarray(self.scale.apply(inputs), np.float32), np.float64)

    def parts(self) -> dict[str, AnyArray]:
        """Return the inner model's parts, and the machine's scale."""
        inner = {f"{_INNER}{name}": array for name, array in self.inner.parts().items()}
        return {**inner, "scale_factor": self.scale.factor, "scale_shift": self.scale.shift}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph: the machine's scale first, the shared graph behind it."""
        graph = Graph("pooled", shape)
        factor, shift = graph.constant(self.scale.factor), graph.constant(self.scale.shift)
        scaled = graph.add("Add", graph.add("Mul", graph.doubles(INPUT), factor), shift)
        for name, (tensor, told) in graph.absorb(
            self.inner.to_onnx(shape), graph.floats(scaled)
        ).items():
            graph.output(name, tensor, told)
        return graph.to_bytes()


def inner_parts(parts: Parts) -> dict[str, AnyArray]:
    """Return the parts of the model within."""
    return {
        name.removeprefix(_INNER): array for name, array in parts.items() if name.startswith(_INNER)
    }


def sisters_of(sisters: Dataset | None, train: Dataset) -> Dataset:
    """Return sisters with the columns of the machine.

    Raises
    ------
    LearnError
        If there are none, they lack a column, or their target is another.
    """
    if sisters is None or sisters.rows == 0:
        raise LearnError("there are no sister machines to learn from; name them with --pooled")
    own, theirs = train.target, sisters.target
    if own is None or theirs is None or (own.name, own.classes) != (theirs.name, theirs.classes):
        raise LearnError(
            f"'{train.name}' and its sisters have different targets; "
            "give both the same target with the same classes"
        )
    return sisters.select(train.names)


def known_by_then(sisters: Dataset, *parts: Dataset) -> Dataset:
    """Return what sisters had done when the last row to learn from came; all where no times are."""
    if not (sisters.timed and all(part.timed for part in parts)):
        return sisters
    last = max(int(part.time.max()) for part in parts)
    return sisters.take(sisters.time <= last, "known by then")


def machines_of(data: Dataset) -> list[Dataset]:
    """Return the rows of each unit as a data set of its own."""
    units = data.units
    return [data.take(units == unit, f"unit {unit}") for unit in dict.fromkeys(units.tolist())]


def _scaled(data: Dataset, scale: Scale) -> Dataset:
    values = np.asarray(np.asarray(scale.apply(data.values), np.float32), np.float64)
    return replace(data, values=values, lineage=data.lineage.then("as sisters' would be"))
