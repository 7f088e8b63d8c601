"""What is to be transported, and by whom it can be."""

import math
from dataclasses import dataclass

from genba.errors import PlanError
from genba.plan.fleet.itinerary import Itinerary, Stop
from genba.plant import Vehicle


@dataclass(frozen=True, slots=True)
class TransportTask:
    """A lot that should be brought somewhere.

    Times in seconds, on the same clock as the vehicles'. ``origin`` is a station, or the vehicle
    that carries the lot already.
    """

    id: str
    lot: str
    origin: str
    destination: str
    ready_s: float = -math.inf
    """From when it can be picked up."""
    due_s: float = math.inf
    """When it should be there at the latest."""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise PlanError(f"transport {self.id}: its weight must not be negative")
        if self.origin == self.destination:
            raise PlanError(f"transport {self.id}: {self.lot} is at {self.origin} already")


@dataclass(frozen=True, slots=True)
class Carrier:
    """One vehicle as the planner sees it."""

    vehicle: Vehicle
    node: str
    """Node at which it stands, or at the end of what it is committed to."""
    free_s: float
    """From when it can leave that node."""
    loads: tuple[str, ...] = ()
    takes_tasks: bool = True
    """Whether new tasks may be planned for it."""
    moves: bool = True
    """Whether it can drive at all; one that has broken down stands where it is."""
    committed: Itinerary | None = None
    """What it does until ``free_s``, and can not be taken back; it ends at ``node``."""
    claims: bool = False
    """Whether the vehicle has all of that to itself from the beginning, whenever it comes there."""
    first: tuple[Stop, ...] = ()
    """Stops that it has begun a task with, and must make before any other."""
