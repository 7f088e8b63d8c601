"""Any recipe, behind quantities that are computed from its columns.

The graph of the model holds them: it takes the columns that were recorded, and nothing else.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.physics.discover import discover
from genba.learn.physics.quantity import (
    Quantity,
    columns_of,
    extended,
    extended_graph,
    from_arrays,
    parse_quantity,
    to_array,
)
from genba.learn.quality.head import kind_of
from genba.learn.quality.rows import labelled_windows
from genba.learn.recipe.catalog import read, written
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Parts, Recipe, Task, Weight

_INNER = "inner_"


@dataclass(frozen=True, slots=True)
class PhysicsRecipe:
    """``inner`` sees ``declared`` quantities (``power=torque*speed``) and, with ``search``, those
    that are found in the rows to learn from.
    """

    inner: Recipe
    declared: tuple[str, ...] = ()
    search: bool = True

    def __post_init__(self) -> None:
        # On a card it stands as settings() wrote it.
        object.__setattr__(self, "inner", read(self.inner))
        object.__setattr__(self, "declared", tuple(self.declared))

    @property
    def name(self) -> str:
        """Name of the inner recipe, and more."""
        return f"{self.inner.name}+physics"

    @property
    def task(self) -> Task:
        """Task of the inner recipe."""
        return self.inner.task

    @property
    def weight(self) -> Weight:
        """Weight of the inner recipe."""
        return self.inner.weight

    @property
    def window(self) -> int:
        """Rows looked back on."""
        return self.inner.window

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return {
            "inner": written(self.inner),
            "declared": list(self.declared),
            "search": self.search,
        }

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "PhysicsModel":
        """Look for quantities; fit the inner recipe with them."""
        quantities = [parse_quantity(text, train) for text in self.declared]
        if self.search:
            found = _found(train, held, self.window, seed)
            same = {(one.sign, one.left, one.right) for one in quantities}
            quantities += [one for one in found if (one.sign, one.left, one.right) not in same]
        if not quantities:
            raise LearnError(
                "no product, ratio or difference of two columns says more than the columns do; "
                "declare what you know with --physics, or take another rung"
            )
        more = tuple(quantities)
        notes = tuple(one.told(train.columns) for one in more)
        model = self.inner.fit(with_quantities(train, more), with_quantities(held, more), seed)
        return PhysicsModel(model, more, notes)

    def restore(self, parts: Parts) -> "PhysicsModel":
        """Make the model again."""
        try:
            quantities = from_arrays(parts["quantities"], parts["quantity_names"])
            notes = tuple(str(note) for note in parts["quantity_notes"])
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None
        inner = {
            name.removeprefix(_INNER): array
            for name, array in parts.items()
            if name.startswith(_INNER)
        }
        return PhysicsModel(self.inner.restore(inner), quantities, notes)


def _found(train: Dataset, held: Dataset, window: int, seed: int) -> tuple[Quantity, ...]:
    """Look for quantities in the rows of both parts where labelled windows end."""
    parts = [(part.values, *labelled_windows(part, window)[1:]) for part in (train, held)]
    assert train.target is not None  # noqa: S101 - labels() looked
    rows = np.concatenate([values[ends] for values, _, ends in parts])
    labels = np.concatenate([labels for _, labels, _ in parts])
    return discover(rows, labels, kind_of(train.target), train.columns, seed)


def with_quantities(data: Dataset, quantities: tuple[Quantity, ...]) -> Dataset:
    """Return a data set with quantities as more columns."""
    made = columns_of(quantities, data.columns)
    values = np.column_stack([one.of(data.values) for one in quantities])
    why = f"quantities {', '.join(one.name for one in quantities)}"
    return data.with_columns(made, values, why)


@dataclass(frozen=True, slots=True, eq=False)
class PhysicsModel:
    """The inner model, which sees quantities too; ``notes`` write their formulas for people."""

    inner: Model
    quantities: tuple[Quantity, ...]
    notes: tuple[str, ...]

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
        return self.inner.predict(extended(inputs, self.quantities))

    def explain(self, inputs: Floats) -> Floats:
        """Return each column's share; what a quantity speaks for goes half to each of its sides."""
        shares = self.inner.explain(extended(inputs, self.quantities))
        columns = inputs.shape[2]
        told = shares[:, :columns].copy()
        for place, one in enumerate(self.quantities):
            told[:, one.left] += shares[:, columns + place] / 2
            told[:, one.right] += shares[:, columns + place] / 2
        return told

    def parts(self) -> dict[str, AnyArray]:
        """Return the inner model's parts, and the quantities."""
        inner = {f"{_INNER}{name}": array for name, array in self.inner.parts().items()}
        return {
            **inner,
            "quantities": to_array(self.quantities),
            "quantity_names": np.array([one.name for one in self.quantities], np.str_),
            "quantity_notes": np.array(self.notes, np.str_),
        }

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph: quantities first, the inner graph behind them."""
        graph = Graph("physics", shape)
        inner = self.inner.to_onnx((shape[0], shape[1] + len(self.quantities)))
        for name, (tensor, told) in graph.absorb(
            inner, extended_graph(graph, self.quantities)
        ).items():
            graph.output(name, tensor, told)
        return graph.to_bytes()
