"""What of a plan a model keeps, so that the rest can be searched thoroughly."""

from dataclasses import dataclass, field
from functools import cached_property

from genba.plan.schedule import Assignment, Leg, Plan


@dataclass(frozen=True)
class Frame:
    """A plan of which some operations are open.

    The others keep their machine, their person, their vehicle and their order among each other;
    those that are ``still`` keep their times as well.
    """

    plan: Plan
    open: frozenset[str]
    still: frozenset[str] = field(default_factory=frozenset)
    since: int = -(2**40)
    until: int = 2**40
    """Nothing that is open is put before what ends by ``since`` or after what starts at ``until``
    or later, on its machine or vehicle."""

    @cached_property
    def stands(self) -> dict[str, Assignment]:
        """The assignments of what is not open."""
        return {a.operation: a for a in self.plan.assignments if a.operation not in self.open}

    @cached_property
    def legs(self) -> dict[tuple[str, str | None], Leg]:
        """The trips by job and by what they bring it to."""
        return {(leg.job, leg.operation): leg for leg in self.plan.legs}

    @cached_property
    def rank(self) -> dict[str, int]:
        """Position of every operation in the order of starts."""
        ordered = sorted(self.plan.assignments, key=lambda a: (a.start, a.end, a.operation))
        return {a.operation: number for number, a in enumerate(ordered)}
