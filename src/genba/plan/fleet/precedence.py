"""Who must have left a place before who else may be sent there.

The order in which vehicles pass each place is what makes a plan free of conflicts and deadlocks;
the times are only what it was found with. So the order is kept, whatever the delays: the action
dependency graph of Hoenig, Kiesel, Tinka, Durham and Ayanian, *Persistent and robust execution of
MAPF schedules in warehouses* (RA-L, 2019). Since it comes from a plan with times it has no cycle,
and somebody can always go on.
"""

from collections.abc import Iterable, Mapping

from genba.plan.fleet.itinerary import Itinerary

Event = tuple[str, int]
"""A vehicle arrives at the visit of this index in its itinerary."""


def precedence(itineraries: Iterable[Itinerary]) -> Mapping[Event, tuple[Event, ...]]:
    """Return, for each arrival that has to wait for another one, those that must come before.

    A vehicle may set out for a visit when all of its events have happened: each is the arrival of
    another vehicle somewhere, by which it has left a place that is needed.
    """
    users: dict[str, list[tuple[float, float, str, int, int]]] = {}
    for itinerary in itineraries:
        for index, visit in enumerate(itinerary.visits):
            begin_s = itinerary.visits[index - 1].leave_s if index else visit.arrive_s
            entry = (begin_s, visit.arrive_s, itinerary.vehicle, index)
            # A node is left on arrival at the next one, a crossing on arrival at this one.
            users.setdefault(visit.node, []).append((*entry, index + 1))
            for crossing in visit.way.crossings if visit.way is not None else ():
                users.setdefault(crossing, []).append((*entry, index))
    found: dict[Event, dict[Event, None]] = {}
    for listed in users.values():
        listed.sort()
        for place, (_, _, vehicle, index, _) in enumerate(listed):
            before = next((u for u in reversed(listed[:place]) if u[2] != vehicle), None)
            if before is not None:
                found.setdefault((vehicle, index), {})[before[2], before[4]] = None
    return {event: tuple(events) for event, events in found.items()}
