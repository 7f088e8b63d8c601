"""An order that a vehicle has, and how far it is with it."""

import math
from dataclasses import dataclass, replace

from genba.plan.fleet.itinerary import Itinerary, Visit

LOST_S = 120.0
"""How long a vehicle may be overdue at a node before it counts as standing where it is."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """What was sent to a vehicle, as it was planned.

    Parameters
    ----------
    itinerary : Itinerary
        Ends with the last stop of the order.
    end_s : float
        When that is over, by plan.
    passed : int
        Index of the visit that the vehicle has reached last.
    late_s : float
        How much later than planned it was there.
    """

    itinerary: Itinerary
    end_s: float
    passed: int = 0
    late_s: float = 0.0

    def follow(self, node: str, now_s: float) -> "Commitment | None":
        """Take notice of the node that was reached last; None if it is not on the way any more."""
        visits = self.itinerary.visits
        for index in range(self.passed, len(visits)):
            if visits[index].node == node:
                if index == self.passed:
                    return self
                return replace(self, passed=index, late_s=now_s - visits[index].arrive_s)
        return None

    def overdue_s(self, now_s: float) -> float:
        """Return for how long the vehicle should have been at the next node, or done."""
        return now_s - self._next_s() - self.late_s

    def _next_s(self) -> float:
        visits = self.itinerary.visits
        last = self.passed + 1 == len(visits)
        return self.end_s if last else visits[self.passed + 1].arrive_s

    @property
    def next_node(self) -> str | None:
        """Where it goes next; None at the end."""
        rest = self.itinerary.visits[self.passed + 1 :]
        return rest[0].node if rest else None

    def ahead(self, now_s: float, wait_s: float = 0.0) -> tuple[Itinerary, float]:
        """Return what is left, with times as they must be expected now, and when it is over.

        ``wait_s`` is how long it must wait where it is because somebody stands in its way.
        """
        late_s = self.late_s + max(0.0, self.overdue_s(now_s))
        if wait_s > 0.0:
            late_s = max(late_s, now_s + wait_s - self.itinerary.visits[self.passed].leave_s)
        visits = [
            replace(visit, arrive_s=visit.arrive_s + late_s, leave_s=visit.leave_s + late_s)
            for visit in self.itinerary.visits[self.passed :]
        ]
        visits[0] = replace(visits[0], arrive_s=min(now_s, visits[0].arrive_s))
        return Itinerary(self.itinerary.vehicle, tuple(visits)), self.end_s + late_s

    def standing(self, now_s: float) -> Itinerary:
        """Return what a vehicle holds that has stopped between the last node and the next."""
        here, *after = self.itinerary.visits[self.passed : self.passed + 2]
        visits = [Visit(here.node, here.way, now_s, now_s if after else math.inf)]
        visits += [Visit(v.node, v.way, math.inf, math.inf) for v in after]
        return Itinerary(self.itinerary.vehicle, tuple(visits))
