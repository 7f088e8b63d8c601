"""A plan: which operation runs where and when, how good that is, and how it was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from genba.plan.objective import Goal


class Status(StrEnum):
    """How far a plan is from the best one."""

    OPTIMAL = "optimal"
    """No better plan exists."""
    FEASIBLE = "feasible"
    EMPTY = "empty"
    """There was nothing that could be planned; ``left_out`` says why."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One operation's machine and times, in ticks. Set-up ``[setup_start, start)``."""

    operation: str
    machine: str
    setup_start: int
    start: int
    end: int
    staff: str | None = None
    """Group of people that one person is taken from."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A job brought elsewhere in ``[start, end)``, picking up and setting down included.

    ``empty_start`` is when the vehicle leaves for it. ``operation`` is what it is brought to, None
    for the way to its destination. ``vehicle`` is None where vehicles are not counted.
    """

    job: str
    operation: str | None
    vehicle: str | None
    kind: str
    origin: str
    destination: str
    empty_start: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that could not be planned, with the reason and the mend in one line."""

    id: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """The answer of :func:`genba.plan.solve`."""

    assignments: tuple[Assignment, ...]
    legs: tuple[Leg, ...] = ()
    values: Mapping[Goal, float] = field(default_factory=dict)
    """Every goal that can be computed, whether or not it was asked for."""
    status: Status = Status.FEASIBLE
    bound: float | None = None
    """Proven lower bound of the first goal (of the weighted sum); None: nothing was proven."""
    gap: float | None = None
    """``(value - bound) / value`` of that goal; 0 where both are 0."""
    found_by: str = ""
    """Which path found it, and which path proved the bound."""
    seed: int = 0
    elapsed_s: float = 0.0
    left_out: tuple[LeftOut, ...] = ()
    turns: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """Operations in the order in which the decoder, filling gaps, was told to place them; empty
    where the plan did not come from it. With the plan's modes it makes the same plan again."""

    @cached_property
    def by_operation(self) -> Mapping[str, Assignment]:
        """Assignments by operation."""
        return {assignment.operation: assignment for assignment in self.assignments}

    @cached_property
    def by_machine(self) -> Mapping[str, tuple[Assignment, ...]]:
        """Assignments of each machine in the order of their starts."""
        found: dict[str, list[Assignment]] = {}
        for assignment in sorted(self.assignments, key=lambda a: (a.start, a.end, a.operation)):
            found.setdefault(assignment.machine, []).append(assignment)
        return {machine: tuple(listed) for machine, listed in found.items()}
