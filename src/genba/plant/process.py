"""Processes of machines: which physics they follow, what shows them, and what is wanted of them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from genba.plant.ids import Id, Value
from genba.plant.safety import Autonomy

Weight = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""A variable of the physics."""


class Wish(Value):
    """Where an output is wanted, and how much it matters there."""

    value: float
    weight: Weight = 1.0
    """Cost of being off by one, squared, for one step."""


class Kept(Value):
    """Bounds that an output has to keep."""

    low: float
    high: float
    probability: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """How probable it has to be, as far as the model knows, that each bound is kept."""

    @model_validator(mode="after")
    def _ordered(self) -> "Kept":
        if not self.low < self.high:
            raise ValueError(f"nothing lies between {self.low:g} and {self.high:g}")
        return self


class Choice(Value):
    """Between what, and how fast, a set-point may be chosen; in the physics' unit."""

    low: float
    high: float
    step: Annotated[float, Field(gt=0)] | None = None
    """Most that it changes from one choice to the next; a tenth of what lies between otherwise."""

    @model_validator(mode="after")
    def _ordered(self) -> "Choice":
        if not self.low < self.high:
            raise ValueError(f"nothing lies between {self.low:g} and {self.high:g}")
        return self


class ProcessObjective(Value):
    """What set-points are chosen for. All by names of the physics' variables."""

    targets: Mapping[Name, Wish] = Field(default_factory=dict)
    prices: Mapping[Name, float] = Field(default_factory=dict)
    """Of a unit of an output or input in one step, in the plant's currency."""
    kwh: Mapping[Name, float] = Field(default_factory=dict)
    """Kilowatt hours that a unit of an output or input is in one step. They are paid by the plant's
    tariff of electricity, at the hours in which they are used."""
    moves: Mapping[Name, Weight] = Field(default_factory=dict)
    """Cost of changing an input by one, squared."""
    keeps: Mapping[Name, Kept] = Field(default_factory=dict)


class Relearn(Value):
    """When a process is learned anew by itself, because its model is contradicted."""

    after_h: Annotated[float, Field(gt=0, le=1000)] = 2.0
    """Plant hours for which the model was doubted; it is learned from what was recorded since."""
    every_h: Annotated[float, Field(gt=0, le=10_000)] = 8.0
    """Plant hours from one attempt to the next, at least."""


class Process(Value):
    """A process of a machine that can be modelled and controlled."""

    id: Id
    equipment: Id
    physics: str
    """Name of the physics: ``heated_body`` ..., or what a package brings under
    ``genba.processes``."""
    step_s: Annotated[float, Field(gt=0)] = 10.0
    """How often set-points may be chosen anew, in plant seconds."""
    horizon: Annotated[int, Field(ge=1, le=500)] = 20
    """How many steps are looked ahead."""
    signals: Annotated[Mapping[Name, str], Field(min_length=1)]
    """Variable of the physics -> signal. Outputs may be left out; inputs and context may not.
    Where a step is a run (a part, a batch), ``press-1.part#mold_error_um`` is a value in an event's
    JSON, ``press-1.part#seconds`` the time since the part before, and a counter counts by run."""
    inputs: Mapping[Name, Choice] = Field(default_factory=dict)
    """Closer bounds of set-points than their signals have; by names of the physics' inputs."""
    objective: ProcessObjective | None = None
    tolerances: Mapping[Id, Mapping[Name, Kept]] = Field(default_factory=dict)
    """Product -> output -> what its drawing allows: a part outside of it is bad. Products that go
    into batches together stand under their set-up family."""
    scrap_cost: Weight | None = None
    """What a bad part costs, in the plant's currency; what its material costs otherwise."""
    standby: Mapping[Name, float] = Field(default_factory=dict)
    """Where inputs go while the machine has no job outside of its working time, in the physics'
    unit; they are back before it begins. For what goes by run."""
    control: bool = False
    """Whether set-points are chosen while Genba runs, at the level that ``autonomy`` gives to
    ``setpoint`` on the equipment, once the process was learned."""
    unproved: Autonomy = Autonomy.ADVISE
    """Highest level at which that goes on where nothing proves that the envelope is kept."""
    experiments: bool = False
    """Whether set-points may be moved a little in order to learn, at ``autonomous`` and within
    what the guard allows."""
    relearn: Relearn | Literal[False] = Relearn()
    """When a controlled process is learned anew by itself; ``false``: never."""
