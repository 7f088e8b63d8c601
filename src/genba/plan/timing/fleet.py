"""Which vehicle carries a job, and when: into the gaps between trips that stand. Compiled."""

from genba.jit import inner
from genba.plan.timing.columns import (
    FIRST,
    L_BEFORE,
    L_END,
    L_FROM,
    L_KIND,
    L_NEXT,
    L_START,
    L_TO,
    L_VEHICLE,
    LAST,
    NEVER,
    V_AT,
    V_FREE,
    V_KIND,
)
from genba.plan.timing.compile import Ints


@inner
def find_trip(
    origin: int,
    destination: int,
    ready: int,
    arrive_from: int,
    travel: Ints,
    handling: Ints,
    vehicles: Ints,
    trips: Ints,
    ends: Ints,
) -> tuple[int, int, int, int, int]:
    """Return vehicle, kind, start, end and the trip before of the trip that arrives first.

    Of two that arrive together the one with the shorter way without a load. Vehicle -1 where
    vehicles are not counted; end :data:`NEVER` where none can go. ``ends`` holds first and last
    trip of each vehicle.
    """
    best = (-1, -1, NEVER, NEVER, -1)
    best_empty = NEVER
    if len(vehicles) == 0:
        for kind in range(len(handling)):
            driving = travel[kind, origin, destination]
            if driving >= 0:
                duration = driving + handling[kind]
                start = max(ready, arrive_from - duration)
                if start + duration < best[3]:
                    best = (-1, kind, start, start + duration, -1)
        return best
    for vehicle in range(len(vehicles)):
        kind = vehicles[vehicle, V_KIND]
        driving = travel[kind, origin, destination]
        if driving < 0:
            continue
        duration = driving + handling[kind]
        lower = max(ready, arrive_from - duration)
        before = ends[vehicle, LAST]
        while before >= 0 and trips[before, L_START] >= lower + duration:
            before = trips[before, L_BEFORE]
        while True:
            free, here = vehicles[vehicle, V_FREE], vehicles[vehicle, V_AT]
            following = ends[vehicle, FIRST]
            if before >= 0:
                free, here = trips[before, L_END], trips[before, L_TO]
                following = trips[before, L_NEXT]
            empty = travel[kind, here, origin]
            start = max(lower, free + empty)
            fits = empty >= 0
            if fits and following >= 0:
                back = travel[kind, destination, trips[following, L_FROM]]
                fits = back >= 0 and start + duration + back <= trips[following, L_START]
            if fits:
                end = start + duration
                if end < best[3] or (end == best[3] and empty < best_empty):
                    best = (vehicle, kind, start, end, before)
                    best_empty = empty
                break
            if following < 0:
                break
            before = following
    return best


@inner
def add_trip(
    trip: int,
    found: tuple[int, int, int, int, int],
    origin: int,
    destination: int,
    trips: Ints,
    ends: Ints,
) -> None:
    """Write a trip down, between the others of its vehicle."""
    vehicle, kind, start, end, before = found
    trips[trip, L_VEHICLE], trips[trip, L_KIND] = vehicle, kind
    trips[trip, L_START], trips[trip, L_END] = start, end
    trips[trip, L_FROM], trips[trip, L_TO] = origin, destination
    if vehicle < 0:
        return
    following = ends[vehicle, FIRST] if before < 0 else trips[before, L_NEXT]
    trips[trip, L_BEFORE], trips[trip, L_NEXT] = before, following
    if before < 0:
        ends[vehicle, FIRST] = trip
    else:
        trips[before, L_NEXT] = trip
    if following < 0:
        ends[vehicle, LAST] = trip
    else:
        trips[following, L_BEFORE] = trip


@inner
def drop_trip(trip: int, trips: Ints, ends: Ints) -> None:
    """Take a trip back, if there is one."""
    if trips[trip, L_KIND] < 0:
        return
    vehicle = trips[trip, L_VEHICLE]
    if vehicle >= 0:
        before, following = trips[trip, L_BEFORE], trips[trip, L_NEXT]
        if before < 0:
            ends[vehicle, FIRST] = following
        else:
            trips[before, L_NEXT] = following
        if following < 0:
            ends[vehicle, LAST] = before
        else:
            trips[following, L_BEFORE] = before
    trips[trip, L_KIND] = -1
