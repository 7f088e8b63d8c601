"""What a vehicle is to do, with times: nodes, stops on them, and what it holds meanwhile."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from genba.plan.fleet.network import Way

Hold = tuple[str, float, float]
"""Node or crossing, from when, until when (not included), in seconds."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Something to do at one of several nodes.

    ``kind`` is ``pick``, ``drop``, ``charge`` or ``rest``; ``earliest_s`` is when it can begin (the
    lot is ready), ``duration_s`` how long it takes.
    """

    kind: str
    nodes: frozenset[str]
    duration_s: float = 0.0
    earliest_s: float = -math.inf
    task: str = ""
    lot: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """One node of an itinerary. ``way`` leads to it (None: it stands there at the beginning).

    ``leave_s`` is when it sets out for the next node, infinite at the end.
    """

    node: str
    way: Way | None
    arrive_s: float
    leave_s: float
    stops: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True)
class Itinerary:
    """Visits in the order of driving; never empty. In the end the vehicle stays where it is."""

    vehicle: str
    visits: tuple[Visit, ...]

    def holds(self) -> Iterator[Hold]:
        """Everything that is held, in seconds: nodes until the next is reached, and crossings."""
        set_out_s = self.visits[0].arrive_s
        for index, visit in enumerate(self.visits):
            last = index + 1 == len(self.visits)
            until_s = math.inf if last else self.visits[index + 1].arrive_s
            yield visit.node, set_out_s, until_s
            if visit.way is not None:
                for crossing in visit.way.crossings:
                    yield crossing, set_out_s, visit.arrive_s
            set_out_s = visit.leave_s

    def stop_ends_s(self) -> dict[tuple[str, str], float]:
        """When each stop is over, by its task and kind."""
        ends: dict[tuple[str, str], float] = {}
        for visit in self.visits:
            time_s = visit.arrive_s
            for stop in visit.stops:
                time_s = max(time_s, stop.earliest_s) + stop.duration_s
                ends[stop.task, stop.kind] = time_s
        return ends


def standing(vehicle: str, node: str, since_s: float) -> Itinerary:
    """Return the itinerary of a vehicle that stays where it is."""
    return Itinerary(vehicle, (Visit(node, None, since_s, math.inf),))
