"""A plan as the floor needs it: for each machine what comes next, for each lot where it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from genba.plan.schedule import Plan


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of one lot. Times in microseconds UTC."""

    lot: str
    number: int
    """Index of the operation in the lot's routing."""
    machine: str
    start: int
    """When it begins, set-up included."""
    end: int


class Way(NamedTuple):
    """How an operation is done, in words that outlast the problem that they were found in."""

    machine: str
    family: str | None
    """Set-up family that the machine is set up for."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the timing decoder was told, to time the same plan anew when the plant has moved on."""

    order: tuple[str, ...]
    """Operations, the most urgent first."""
    ways: Mapping[str, Way]
    """How each operation is done. Names, as alternatives come and go with what a lot stands at."""
    fill_gaps: bool


@dataclass(frozen=True)
class Instructions:
    """What a plan says, in words of the floor. Frozen, made of plain values."""

    id: str
    time: int
    """When the plant was as the plan assumes, microseconds UTC."""
    steps: tuple[Step, ...]
    recipe: Recipe = Recipe((), {}, fill_gaps=True)

    @cached_property
    def by_machine(self) -> Mapping[str, tuple[Step, ...]]:
        """Steps of each machine in the order in which they should begin."""
        found: dict[str, list[Step]] = {}
        for step in sorted(self.steps, key=lambda s: (s.start, s.end, s.lot)):
            found.setdefault(step.machine, []).append(step)
        return {machine: tuple(steps) for machine, steps in found.items()}

    @cached_property
    def by_lot(self) -> Mapping[tuple[str, int], Step]:
        """The step of a lot and the index of its operation."""
        return {(step.lot, step.number): step for step in self.steps}


def instructions_of(
    name: str,
    plan: Plan,
    recipe: Recipe,
    numbers: Mapping[str, tuple[str, int]],
    zero: int,
    tick_us: int,
) -> Instructions:
    """Translate a plan.

    Parameters
    ----------
    name : str
        Id of the instructions.
    plan : Plan
        Its times are ticks from ``zero``.
    recipe : Recipe
        What leads to the plan.
    numbers : mapping of str to (str, int)
        Lot and index in its routing of each operation of the plan.
    zero : int
        Microseconds UTC of tick 0, which is also when the plant was as the plan assumes.
    tick_us : int
        Microseconds in a tick.
    """
    steps = []
    for assignment in plan.assignments:
        if assignment.operation not in numbers:
            continue
        lot, number = numbers[assignment.operation]
        steps.append(
            Step(
                lot,
                number,
                assignment.machine,
                zero + assignment.setup_start * tick_us,
                zero + assignment.end * tick_us,
            )
        )
    return Instructions(name, zero, tuple(steps), recipe)
