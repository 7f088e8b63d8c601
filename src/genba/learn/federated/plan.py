"""The plan of a federation: what is trained, on which columns, by whom. All sites see the same.

Its digest names it: whoever joins says which digest was agreed on, and any change is another plan.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from genba.errors import LearnError
from genba.learn.data.column import Column, ColumnKind
from genba.learn.data.dataset import Dataset
from genba.learn.data.target import Target
from genba.learn.federated.design import Design, Tuning
from genba.learn.federated.party import FEWEST
from genba.learn.quality.head import Kind
from genba.learn.recipe.protocol import Task
from genba.learn.regression.fit import UNBOUNDED

FORMAT = 1
"""Of the questions and the sums; hub and sites must have the same."""
MOST_SITES = 30
SiteName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
RecipeName = Literal["line", "network"]
_USUAL = Tuning()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlanColumn(_Strict):
    """A column that every site has to bring."""

    name: Annotated[str, Field(min_length=1)]
    unit: str = "1"
    kind: ColumnKind = ColumnKind.MEASUREMENT
    levels: tuple[str, ...] = ()


class PlanTarget(_Strict):
    """What is said; ``classes`` in order, of two the second being the one that is looked for."""

    name: Annotated[str, Field(min_length=1)]
    unit: str = "1"
    classes: tuple[str, ...] = ()


class PlanTuning(_Strict):
    """How the network is averaged; see :class:`genba.learn.federated.design.Tuning`."""

    hidden: Annotated[int, Field(ge=1, le=256)] = _USUAL.hidden
    rounds: Annotated[int, Field(ge=1, le=1000)] = _USUAL.rounds
    epochs: Annotated[int, Field(ge=1, le=50)] = _USUAL.epochs
    rate: Annotated[float, Field(gt=0, le=1)] = _USUAL.rate
    batch: Annotated[int, Field(ge=1)] = _USUAL.batch
    proximal: Annotated[float, Field(ge=0)] = _USUAL.proximal
    decay: Annotated[float, Field(ge=0)] = _USUAL.decay
    clip: Annotated[float, Field(gt=0)] = _USUAL.clip
    patience: Annotated[int, Field(ge=1)] = _USUAL.patience
    polish: Annotated[int, Field(ge=0, le=2000)] = _USUAL.polish


class Plan(_Strict):
    """What all have agreed on."""

    federation: Annotated[str, Field(min_length=1, max_length=60)]
    task: Literal["life", "softsensor", "quality"]
    target: PlanTarget
    columns: Annotated[tuple[PlanColumn, ...], Field(min_length=1)]
    sites: Annotated[tuple[SiteName, ...], Field(min_length=FEWEST, max_length=MOST_SITES)]
    window: Annotated[int, Field(ge=1, le=1000)] = 1
    bounds: tuple[float, float] | None = None
    split: str = "time"
    recipes: Annotated[tuple[RecipeName, ...], Field(min_length=1)] = ("line", "network")
    network: PlanTuning = PlanTuning()
    fewest_rows: Annotated[int, Field(ge=20)] = 100
    """To learn from, at each site."""
    fewest_sites: Annotated[int, Field(ge=FEWEST)] = FEWEST
    wait_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """How long a step of a sum waits for a site before going on without it."""
    gather_s: Annotated[float, Field(gt=0)] = 86400.0
    """How long the hub waits for enough sites."""
    seed: Annotated[int, Field(ge=0)] = 0
    format: Literal[1] = 1

    @model_validator(mode="after")
    def _makes_sense(self) -> "Plan":
        if len(set(self.sites)) < len(self.sites) or self.fewest_sites > len(self.sites):
            raise ValueError("name each site once, and at least as many as fewest_sites")
        names = [*(column.name for column in self.columns), self.target.name]
        if len(set(names)) < len(names):
            raise ValueError("a column stands twice, or is the target too")
        if (self.task == "quality") != (len(self.target.classes) >= 2):
            raise ValueError("quality takes a target with classes, the other tasks a number")
        if self.task == "life" and self.bounds is None:
            raise ValueError("life takes bounds, like [0, 125]: no answer lies outside")
        if self.task == "life" and self.split != "unit":
            raise ValueError("life is parted by whole units: split: unit")
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            raise ValueError("bounds go from the lower to the higher")
        return self

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """SHA-256 of all of it, lower-case hex."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def most_sums(self) -> int:
        """How many sums a run may take; a site answers no more."""
        return 3 * self.network.rounds + self.network.polish + 100

    def design(self) -> Design:
        """Return it in the terms of learning."""
        classes = self.target.classes
        kind: Kind = "number" if not classes else "two" if len(classes) == 2 else "many"
        columns = tuple(
            Column(column.name, column.unit, column.kind, levels=column.levels)
            for column in self.columns
        )
        return Design(
            Task(self.task),
            columns,
            kind,
            classes,
            self.window,
            self.bounds or UNBOUNDED,
            tuning=Tuning(**self.network.model_dump()),
            seed=self.seed,
        )

    def fitted(self, data: Dataset) -> Dataset:
        """Return a site's rows in the plan's columns, levels and classes, in its order.

        Raises
        ------
        LearnError
            If a column is not there, has another unit, or holds a text that the plan does not name.
        """
        found = data.select([column.name for column in self.columns])
        values = found.values.copy()
        for place, (column, wanted) in enumerate(zip(found.columns, self.columns, strict=True)):
            self._same_unit(f"column '{column.name}'", column.unit, wanted.unit)
            if column.levels or wanted.levels:
                told = f"column '{column.name}'"
                values[:, place] = _placed(values[:, place], column.levels, wanted.levels, told)
        labels = data.labels()
        target = data.target
        assert target is not None  # noqa: S101 - labels() looked
        if target.name != self.target.name:
            raise LearnError(
                f"the plan's target is '{self.target.name}', and not '{target.name}'; name it so"
            )
        self._same_unit(f"target '{target.name}'", target.unit, self.target.unit)
        if target.classes or self.target.classes:
            told = f"target '{target.name}'"
            labels = _placed(labels, target.classes, self.target.classes, told)
        elif self.bounds is not None:
            labels = np.clip(labels, *self.bounds) if self.task == "life" else labels
        named = Target(
            target.name, labels, target.unit, self.target.classes, target.known, target.signal
        )
        return Dataset(
            data.name, self.design().columns, values, data.time, found.lineage, data.groups, named,
            timed=data.timed,
        )  # fmt: skip

    @staticmethod
    def _same_unit(what: str, unit: str, wanted: str) -> None:
        if unit != wanted:
            raise LearnError(
                f"{what} is in '{unit}' here and in '{wanted}' in the plan; convert it, or say its "
                "unit with --unit where it is the same"
            )


def _placed(
    values: np.ndarray[Any, np.dtype[np.float64]],
    having: tuple[str, ...],
    wanted: tuple[str, ...],
    what: str,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Number texts as the plan does."""
    if not having or not wanted:
        raise LearnError(
            f"{what} holds {'texts' if having else 'numbers'} here, and the plan has "
            f"{'texts' if wanted else 'numbers'}; make them alike"
        )
    if strange := sorted(set(having) - set(wanted)):
        raise LearnError(
            f"{what} holds '{strange[0]}', and the plan knows {', '.join(wanted)}; mend one"
        )
    place = np.array([wanted.index(level) for level in having], np.float64)
    known = np.isfinite(values)
    return np.where(known, place[np.where(known, values, 0).astype(np.int64)], np.nan)


def read_plan(path: Path) -> Plan:
    """Read a plan, YAML.

    Raises
    ------
    LearnError
        If the file cannot be read, or a field is missing, unknown or makes no sense.
    """
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise LearnError(f"plan {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise LearnError(f"plan {path} is no YAML: {str(error).splitlines()[0]}") from None
    return plan_of(told, str(path))


def plan_of(told: object, where: str) -> Plan:
    """Check plain values.

    Raises
    ------
    LearnError
        As with :func:`read_plan`.
    """
    try:
        return Plan.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the plan"
        raise LearnError(f"{where}: {field}: {first['msg']}; mend it") from None
