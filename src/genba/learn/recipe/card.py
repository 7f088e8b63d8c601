"""The model card: what a model is, what it is made of, how good it is and what it is not for.

After Mitchell et al., *Model cards for model reporting*, FAT* 2019.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from genba.learn.data.column import Column
from genba.learn.recipe.examine import MEASURES
from genba.learn.recipe.ladder import Climb, Rung
from genba.learn.recipe.protocol import Recipe, Task

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Card:
    """Plain values alone: it is written as JSON beside the model, and read by people.

    Nothing in it hangs on when or how fast it was made: the same data, code and seed give the same
    card, and so the same model.
    """

    task: Task
    recipe: str
    made_by: str
    """The recipe's class, ``module:Class``; see :func:`genba.learn.recipe.catalog.recipe_of`."""
    settings: dict[str, Any]
    equipment: str
    columns: tuple[Column, ...]
    window: int
    step_s: float | None
    """How far apart rows usually are, parts too; None where they have no times."""
    threshold: float | None
    target: dict[str, Any] | None
    lineage: dict[str, Any]
    data_digest: str
    split: str
    seed: int
    tested: dict[str, float | None]
    rungs: tuple[dict[str, Any], ...]
    parity: dict[str, float]
    limits: tuple[str, ...] = ()
    """What it is not good for, in plain words."""
    vouched: tuple[str, ...] = ()
    """What the leakage check left alone, since somebody answered for it."""
    format: int = field(default=FORMAT)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        told = asdict(self)
        told["task"] = self.task.value
        told["columns"] = [column.as_json() for column in self.columns]
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Card":
        """Read what :meth:`as_json` wrote."""
        values = dict(told)
        values["task"] = Task(values["task"])
        values["columns"] = tuple(Column.from_json(column) for column in values["columns"])
        values["rungs"] = tuple(values["rungs"])
        values["limits"] = tuple(values["limits"])
        values["vouched"] = tuple(values.get("vouched", ()))
        return cls(**values)


def settings_told(recipe: Recipe) -> dict[str, Any]:
    """Settings of a recipe as a card keeps them: JSON knows lists, and no tuples."""
    told: dict[str, Any] = json.loads(json.dumps(recipe.settings()))
    return told


def rung_told(rung: Rung, chosen: Rung | None) -> dict[str, Any]:
    """One row of the card's table of rungs."""
    return {
        "recipe": rung.recipe.name,
        "weight": rung.recipe.weight.value,
        "baseline": rung.baseline,
        "chosen": rung is chosen,
        "chosen_on": dict(rung.chosen_on or {}),
        "tested": dict(rung.tested or {}),
        "failed": rung.failed,
    }


def rungs_told(climb: Climb) -> tuple[dict[str, Any], ...]:
    """All rows of the card's table of rungs."""
    return tuple(rung_told(rung, climb.chosen) for rung in climb.rungs)


def figure(name: str, value: float | None) -> str:
    """Write a figure for people."""
    if value is None:
        return "undefined"
    if MEASURES[name].percent:
        return f"{value:.1%}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
