"""One calibrated parameter: the plan's value, the measured one, and what it rests on."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from genba.twin.distribution import Distribution
from genba.twin.fit import Fit


class Basis(StrEnum):
    """What a parameter rests on."""

    OWN = "own"
    """Its own observations."""
    SHRUNK = "shrunk"
    """Its own observations, drawn to those of like things."""
    LIKE = "like"
    """Observations of like things alone."""
    PLAN = "plan"
    """Nothing was observed: what the plan says holds."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of the calibration report."""

    thing: str
    """What it belongs to: a machine, ``product/operation/machine``, a vehicle, the line."""
    name: str
    """What of it: ``run factor``, ``time between breakdowns`` ..."""
    unit: str
    """UCUM; ``1`` for factors and shares."""
    basis: Basis
    planned: float | None
    """Mean that the plan says; None where it says nothing."""
    value: float
    """Mean that the twin uses from now on."""
    own: int = 0
    """Observations of its own."""
    like: int = 0
    """Observations of like things that it leans on."""
    fit: Fit | None = None
    note: str = ""

    @property
    def distribution(self) -> Distribution | None:
        """What the twin draws from, where it is a distribution."""
        return None if self.fit is None else self.fit.distribution

    @property
    def change(self) -> float:
        """Used over planned, less 1; NaN where the plan says nothing."""
        return self.value / self.planned - 1.0 if self.planned else math.nan


def kept(thing: str, name: str, unit: str, planned: float | None, why: str) -> Parameter:
    """Return the line of a parameter for which nothing was recorded."""
    value = planned if planned is not None else math.nan
    return Parameter(thing, name, unit, Basis.PLAN, planned, value, note=why)


def basis_of(own: int, like: int, weight: float) -> Basis:
    """Return what a pooled estimate rests on."""
    if own == 0:
        return Basis.LIKE
    return Basis.OWN if like == 0 or weight >= 1.0 else Basis.SHRUNK


@dataclass
class Findings:
    """Collects parameters while a line is calibrated."""

    parameters: list[Parameter] = field(default_factory=list)
    seed: int = 0

    def add(self, parameter: Parameter) -> None:
        """Note one."""
        self.parameters.append(parameter)

    def next_seed(self) -> int:
        """Return another seed for each bootstrap, the same in each run."""
        return self.seed * 100_003 + len(self.parameters)
