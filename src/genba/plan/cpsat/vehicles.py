"""Counted vehicles: who carries which job, one trip after the other.

Each vehicle's trips are a route; the routes of one kind are one circuit that comes through its
depot several times, after Toth and Vigo, *Vehicle Routing* (2nd ed., 2014).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product

from genba.plan.cpsat.draft import Draft, Expr, Var
from genba.plan.cpsat.horizon import NEVER
from genba.plan.cpsat.kept import EDGE, Kept
from genba.plan.cpsat.machines import span_of
from genba.plan.cpsat.trips import Route, Travel, Trip
from genba.plan.problem import Transport
from genba.plan.schedule import Leg


def add_route(draft: Draft, travel: Travel, transport: Transport, kind: str) -> None:
    """Let vehicles of one kind drive from trip to trip."""
    cp = draft.cp
    vehicles = [v for v in transport.vehicles if v.kind == kind]
    trips = [trip for trip in travel.trips if kind in trip.kinds]
    if not vehicles or not trips:
        return
    route = Route(kind, trips)
    kept = {v.id: _kept(draft, trips, v.id) for v in vehicles}
    carriers = _carriers(draft, trips)
    circuit: list[tuple[int, int, Expr]] = []
    for number, vehicle in enumerate(vehicles):
        depot = len(trips) + 1 + number
        circuit += [(0, depot, draft.true), (depot, 0, draft.literal(""))]
        for at, trip in enumerate(trips):
            if carriers.get(at, vehicle.id) == vehicle.id and kept[vehicle.id].may_follow(EDGE, at):
                arc = draft.literal("")
                route.arcs.append((-1 - number, at, arc))
                circuit.append((depot, at + 1, arc))
                here = {vehicle.at: draft.true}
                _drive(draft, transport, kind, vehicle.free_from, here, trip, arc)
    for at, trip in enumerate(trips):
        if not draft.is_true(trip.kinds[kind]):
            circuit.append((at + 1, at + 1, ~trip.kinds[kind]))
        circuit.append((at + 1, 0, draft.literal("")))
    for at, other in _pairs(trips, kept, carriers):
        arc = draft.literal("")
        route.arcs.append((at, other, arc))
        circuit.append((at + 1, other + 1, arc))
        _drive(draft, transport, kind, trips[at].end, trips[at].destinations, trips[other], arc)
    cp.add_multiple_circuit(circuit)
    intervals = [
        cp.new_optional_interval_var(
            t.start, span_of(draft, t.start, t.end), t.end, t.kinds[kind], ""
        )
        for t in trips
    ]
    cp.add_cumulative(intervals, [1] * len(trips), len(vehicles))
    travel.routes.append(route)


def _pairs(
    trips: Sequence[Trip], kept: Mapping[str, Kept], carriers: Mapping[int, str | None]
) -> Iterator[tuple[int, int]]:
    """Yield which trip may come right after which on one vehicle."""
    free = [number for number in range(len(trips)) if number not in carriers]
    for at in range(len(trips)):
        listed = [kept[v].following(at) for v in kept if carriers.get(at, v) == v]
        for other in (*chain.from_iterable(listed), *free):
            follows = other != at and _may_follow(trips, at, other)
            if follows and _in_order(kept, carriers, at, other):
                yield at, other


def _may_follow(trips: Sequence[Trip], before: int, after: int) -> bool:
    """Whether a trip may come after another on one vehicle; a job's own stand in its order."""
    return before < after or trips[before].job.id != trips[after].job.id


def _carriers(draft: Draft, trips: Sequence[Trip]) -> dict[int, str | None]:
    """Return the vehicles of the trips that a frame keeps, by number of the trip."""
    if draft.frame is None:
        return {}
    legs = draft.frame.legs
    return {
        number: leg.vehicle
        for number, trip in enumerate(trips)
        if not trip.open and (leg := legs.get((trip.job.id, trip.operation))) is not None
    }


def _kept(draft: Draft, trips: Sequence[Trip], vehicle: str) -> Kept:
    """Return which trips of a vehicle a frame keeps in order."""
    if draft.frame is None:
        return Kept([], [], [], (-NEVER, NEVER))
    carried = [n for n, carrier in _carriers(draft, trips).items() if carrier == vehicle]
    legs = draft.frame.legs
    times = {n: (leg.start, leg.end) for n in carried if (leg := _leg_of(legs, trips[n]))}
    carried.sort(key=lambda n: times[n])
    return Kept(
        carried,
        [times[n] for n in carried],
        [True] * len(carried),
        (draft.frame.since, draft.frame.until),
    )


def _leg_of(legs: Mapping[tuple[str, str | None], Leg], trip: Trip) -> Leg | None:
    return legs.get((trip.job.id, trip.operation))


def _in_order(
    kept: Mapping[str, Kept], carriers: Mapping[int, str | None], before: int, after: int
) -> bool:
    """Whether a trip may be the next after another, as far as a frame keeps their order."""
    one, other = carriers.get(before), carriers.get(after)
    if one is None and other is None:
        return True
    if one is not None and other is not None and one != other:
        return False
    return kept[one or other or ""].may_follow(before, after)


def _drive(
    draft: Draft,
    transport: Transport,
    kind: str,
    since: Expr,
    here: dict[str, Var],
    trip: Trip,
    arc: Var,
) -> None:
    """Let a vehicle come to where a trip begins, if it takes an arc to it."""
    cp = draft.cp
    for (at, x), (origin, y) in product(here.items(), trip.origins.items()):
        conditions = [arc, *(lit for lit in (x, y) if not draft.is_true(lit))]
        driving = transport.ticks(kind, at, origin)
        if driving is None:
            cp.add_bool_or([~lit for lit in conditions])
        else:
            cp.add(trip.start >= since + driving).only_enforce_if(conditions)
