"""What a good plan is: goals in a stated order, or weighted against each other."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from genba.errors import PlanError

if TYPE_CHECKING:
    from genba.plan.schedule import Plan


class Goal(StrEnum):
    """What can be made small."""

    MAKESPAN = "makespan"
    """End of the last operation or delivery, ticks."""
    TARDINESS = "tardiness"
    """Sum over jobs of weight times ticks late."""
    FLOW = "flow"
    """Sum over jobs of parts times ticks from release to end: by Little's law (1961), what makes it
    small lets more parts leave the plant sooner. A job's parts are the most that an operation of
    it has."""
    SETUPS = "setups"
    """Ticks spent on set-ups."""
    ENERGY = "energy"
    """Cost of energy, in the currency of the prices."""
    STABILITY = "stability"
    """Price of the difference to a reference plan: see :class:`Objective`."""


@dataclass(frozen=True, slots=True)
class Objective:
    """Goals with weights.

    Parameters
    ----------
    goals : tuple of (Goal, float)
        Weighted sum; where ``ordered``, the first goal counts most, the next only breaks ties.
    ordered : bool
        Lexicographic instead of weighted; the weights are then not used.
    reference : Plan, optional
        What STABILITY measures the difference to.
    machine_price, order_price : float
        STABILITY counts ``machine_price`` for each operation on another machine than in the
        reference, plus ``order_price`` for each that has another predecessor on its machine, plus
        one thousandth for each tick by which a start moved.

    Raises
    ------
    PlanError
        If there is no goal, a weight is not positive, or STABILITY has no reference.
    """

    goals: tuple[tuple[Goal, float], ...] = ((Goal.MAKESPAN, 1.0),)
    ordered: bool = False
    reference: "Plan | None" = None
    machine_price: float = 10.0
    order_price: float = 1.0

    def __post_init__(self) -> None:
        if not self.goals:
            raise PlanError("an objective needs a goal; name one of " + ", ".join(Goal))
        if any(weight <= 0 for _, weight in self.goals):
            raise PlanError("a goal's weight must be positive; leave out what does not count")
        names = [goal for goal, _ in self.goals]
        if len(set(names)) < len(names):
            raise PlanError("a goal stands twice in the objective; name each once")
        if Goal.STABILITY in names and self.reference is None:
            raise PlanError("stability needs the plan that the new one should stay close to")

    @property
    def is_makespan(self) -> bool:
        """Whether the makespan alone counts."""
        return len(self.goals) == 1 and self.goals[0][0] is Goal.MAKESPAN

    def value(self, values: dict[Goal, float]) -> tuple[float, ...]:
        """Return what is compared: one weighted sum, or the goals' values in order."""
        if self.ordered:
            return tuple(values[goal] for goal, _ in self.goals)
        return (sum(weight * values[goal] for goal, weight in self.goals),)


MAKESPAN = Objective()
"""The makespan alone."""
