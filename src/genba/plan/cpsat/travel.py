"""Jobs on their way: trips, vehicles, and places at the stations.

Each vehicle's trips are a route; the routes of one kind are one circuit that comes through its
depot several times, after Toth and Vigo, *Vehicle Routing* (2nd ed., 2014).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from genba.plan.cpsat.draft import Draft, Expr, Slot, Var
from genba.plan.cpsat.horizon import NEVER
from genba.plan.cpsat.kept import EDGE, Kept
from genba.plan.cpsat.machines import span_of
from genba.plan.problem import Job, Operation, Transport
from genba.plan.schedule import Leg


@dataclass(slots=True)
class Trip:
    """A job brought to an operation (or home, None), if it is not there already."""

    job: Job
    operation: str | None
    start: Var
    end: Var
    needed: Var
    kinds: dict[str, Var]
    """Kinds of vehicles that may carry it, and whether one of them does."""
    origins: dict[str, Var]
    destinations: dict[str, Var]
    open: bool


@dataclass(slots=True)
class Route:
    """What vehicles of one kind drive: arcs between trips; -1 - v is the depot of vehicle v."""

    kind: str
    trips: list[Trip]
    arcs: list[tuple[int, int, Var]] = field(default_factory=list)


@dataclass(slots=True)
class Travel:
    """All that moves."""

    trips: list[Trip] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    done: dict[str, list[Expr]] = field(default_factory=dict)
    """Ends of each job: of its operations, and of the way home."""


def add_travel(draft: Draft) -> Travel:
    """Bring jobs to where they are treated, and keep stations from overflowing."""
    travel = Travel()
    stays: dict[str, list[tuple[Expr, Expr, Var]]] = {}
    bounded = {m.id for m in draft.problem.machines if m.places is not None}
    serial = draft.problem.transport is not None or bool(bounded)
    for job in draft.problem.jobs:
        slots = [draft.slots[o.id] for o in _chain(draft, job, serial)]
        travel.done[job.id] = [slot.end for slot in slots]
        if serial:
            _journey(draft, travel, job, slots, bounded, stays)
    for machine in draft.problem.machines:
        if machine.places is not None and len(stays.get(machine.id, [])) > 1:
            _within_places(draft, machine.places, stays[machine.id])
    if draft.problem.transport is not None and draft.problem.transport.vehicles:
        for kind in draft.problem.transport.times:
            _add_route(draft, travel, draft.problem.transport, kind)
    return travel


def _chain(draft: Draft, job: Job, serial: bool) -> list[Operation]:
    """Return a job's operations in the order in which it goes through them.

    Where the routing leaves that open though the job can be in one place only, the order of a plan
    at hand (else that of the problem) is taken, and no bound is proven.
    """
    operations = list(draft.problem.operations_of.get(job.id, ()))
    own = {o.id for o in operations}
    ordered: list[Operation] = []
    done: set[str] = set()
    while operations:
        ready = [o for o in operations if not (own & set(o.predecessors)) - done]
        fixed = [o for o in ready if o.fixed is not None]
        if fixed:
            ready = sorted(fixed, key=lambda o: (o.fixed.start, o.fixed.end) if o.fixed else (0, 0))
        elif len(ready) > 1 and serial:
            draft.reordered = True
            if draft.frame is not None:
                rank = draft.frame.rank
                ready.sort(key=lambda o: rank[o.id])
        operations.remove(ready[0])
        ordered.append(ready[0])
        done.add(ready[0].id)
    return ordered


def _journey(
    draft: Draft,
    travel: Travel,
    job: Job,
    slots: Sequence[Slot],
    bounded: set[str],
    stays: dict[str, list[tuple[Expr, Expr, Var]]],
) -> None:
    """Take one job through its operations, one after the other."""
    cp, transport = draft.cp, draft.problem.transport
    here: dict[str, Var] | None = None
    if transport is not None and job.origin is not None:
        here = {job.origin: draft.true}
    since: Expr = job.release
    arrivals: list[Expr] = []
    departures: list[Expr] = []
    needs_trips = transport is not None and (bool(transport.vehicles) or bool(bounded))
    for number, slot in enumerate(slots):
        there = _locations(draft, slot)
        arrival: Expr = slot.begin
        leaves: Expr = slot.begin
        if slot.fixed:
            pass
        else:
            if not isinstance(slot.start, int) or not isinstance(since, int):
                cp.add(slot.begin >= since)
            if transport is not None and here is not None and (len(here | there) > 1):
                if needs_trips:
                    is_open = slot.open or (number > 0 and slots[number - 1].open)
                    trip = _trip(
                        draft, transport, job, slot.operation.id, here, there, since, is_open
                    )
                    travel.trips.append(trip)
                    cp.add(slot.begin >= trip.end).only_enforce_if(trip.needed)
                    arrival = _either(draft, trip.needed, trip.end, slot.begin)
                    leaves = _either(draft, trip.needed, trip.start, slot.begin)
                else:
                    _far(draft, transport, slot, here, there, since)
        arrivals.append(arrival)
        if number > 0:
            departures.append(leaves)
        here, since = there, slot.end
        if transport is None:
            here = None
    departures.append(_home(draft, travel, job, here, since, bool(slots), needs_trips))
    for slot, arrival, departure in zip(slots, arrivals, departures, strict=False):
        for machine in {way.machine.id for way in slot.ways} & bounded:
            numbers = [n for n, way in enumerate(slot.ways) if way.machine.id == machine]
            on = draft.any_of([slot.present[n] for n in numbers], "")
            stays.setdefault(machine, []).append((arrival, departure, on))


def _home(
    draft: Draft,
    travel: Travel,
    job: Job,
    here: dict[str, Var] | None,
    since: Expr,
    treated: bool,
    needs_trips: bool,
) -> Expr:
    """Bring a job to its destination; return when it leaves its last station."""
    transport, wanted = draft.problem.transport, job.destination
    if transport is None or wanted is None or here is None or set(here) == {wanted}:
        return since
    there = {wanted: draft.true}
    if needs_trips:
        is_open = not treated or draft.frame is None
        if draft.frame is not None and treated:
            is_open = draft.slots[draft.problem.operations_of[job.id][-1].id].open
        trip = _trip(draft, transport, job, None, here, there, since, is_open)
        travel.trips.append(trip)
        travel.done[job.id].append(_either(draft, trip.needed, trip.end, since))
        return _either(draft, trip.needed, trip.start, since)
    home = draft.tick(f"{job.id} is home")
    for at, literal in here.items():
        time = _fastest(transport, at, wanted)
        if time is None:
            draft.cp.add_bool_or([~literal])
        else:
            draft.cp.add(home >= since + time).only_enforce_if(literal)
    draft.hinters.append(
        lambda hints: hints.tell(
            home,
            hints.of(since)
            + max((_fastest(transport, at, wanted) or 0) * hints.of(x) for at, x in here.items()),
        )
    )
    travel.done[job.id].append(home)
    return since


def _locations(draft: Draft, slot: Slot) -> dict[str, Var]:
    """Return where an operation may stand, and whether it does."""
    found: dict[str, list[Var]] = {}
    for way, present in zip(slot.ways, slot.present, strict=True):
        found.setdefault(way.machine.at, []).append(present)
    return {at: draft.any_of(present, "") for at, present in found.items()}


def _fastest(transport: Transport, origin: str, destination: str) -> int | None:
    """Return the shortest time of a trip, None where nothing can go; 0 where there is none."""
    if origin == destination:
        return 0
    times = [
        time + transport.handling.get(kind, 0)
        for kind in transport.times
        if (time := transport.ticks(kind, origin, destination)) is not None
    ]
    return min(times, default=None)


def _far(
    draft: Draft,
    transport: Transport,
    slot: Slot,
    here: dict[str, Var],
    there: dict[str, Var],
    since: Expr,
) -> None:
    """Let the way take its time, where there are always vehicles."""
    for (origin, from_here), (destination, to_there) in product(here.items(), there.items()):
        time = _fastest(transport, origin, destination)
        if time is None:
            draft.cp.add_bool_or([~from_here, ~to_there])
        elif time > 0:
            draft.cp.add(slot.begin >= since + time).only_enforce_if([from_here, to_there])


def _trip(
    draft: Draft,
    transport: Transport,
    job: Job,
    operation: str | None,
    here: dict[str, Var],
    there: dict[str, Var],
    since: Expr,
    is_open: bool,
) -> Trip:
    """Make a trip that takes the time of the kind of vehicle that carries it."""
    cp = draft.cp
    name = f"{job.id} to {operation or 'its destination'}"
    needed = _needed(draft, here, there)
    start, end = draft.tick(f"{name} leaves", job.release), draft.tick(f"{name} arrives")
    cp.add(start >= since).only_enforce_if(needed)
    cp.add(start <= end)
    fleet = {v.kind for v in transport.vehicles} or set(transport.times)
    able = [kind for kind in transport.times if kind in fleet]
    if draft.frame is not None and not is_open:
        leg = draft.frame.legs.get((job.id, operation))
        able = able if leg is None else [leg.kind]
    kinds = dict.fromkeys(able, needed)
    if len(able) > 1:
        kinds = {kind: draft.literal(f"{name} by {kind}") for kind in able}
        cp.add(sum(kinds.values()) == needed)
    pairs = [(a, b, x, y) for (a, x), (b, y) in product(here.items(), there.items()) if a != b]
    for kind, (origin, destination, x, y) in product(able, pairs):
        driving = transport.ticks(kind, origin, destination)
        if driving is None:
            cp.add_bool_or([~kinds[kind], ~x, ~y])
        else:
            duration = driving + transport.handling.get(kind, 0)
            cp.add(end == start + duration).only_enforce_if([kinds[kind], x, y])
    return Trip(job, operation, start, end, needed, kinds, here, there, is_open)


def _needed(draft: Draft, here: dict[str, Var], there: dict[str, Var]) -> Var:
    shared = here.keys() & there.keys()
    if not shared:
        return draft.true
    needed = draft.literal("")
    for (origin, x), (destination, y) in product(here.items(), there.items()):
        stays = origin == destination
        draft.cp.add_bool_or([~x, ~y, ~needed if stays else needed])
    draft.hinters.append(
        lambda hints: hints.tell(
            needed, int(not any(hints.of(here[at]) and hints.of(there[at]) for at in shared))
        )
    )
    return needed


def _either(draft: Draft, which: Var, one: Expr, other: Expr) -> Expr:
    """Return ``one`` where a literal holds, else ``other``."""
    if draft.is_true(which):
        return one
    chosen = draft.tick("")
    draft.cp.add(chosen == one).only_enforce_if(which)
    draft.cp.add(chosen == other).only_enforce_if(~which)
    draft.hinters.append(
        lambda hints: hints.tell(chosen, hints.of(one if hints.of(which) else other))
    )
    return chosen


def _within_places(draft: Draft, places: int, stays: list[tuple[Expr, Expr, Var]]) -> None:
    intervals = []
    for arrival, departure, on in stays:
        span = span_of(draft, arrival, departure)
        intervals.append(draft.cp.new_optional_interval_var(arrival, span, departure, on, ""))
    draft.cp.add_cumulative(intervals, [1] * len(intervals), places)


def _add_route(draft: Draft, travel: Travel, transport: Transport, kind: str) -> None:
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
        for other, following in enumerate(trips):
            if (
                other != at
                and _may_follow(trips, at, other)
                and _in_order(kept, carriers, at, other)
            ):
                arc = draft.literal("")
                route.arcs.append((at, other, arc))
                circuit.append((at + 1, other + 1, arc))
                _drive(draft, transport, kind, trip.end, trip.destinations, following, arc)
    cp.add_multiple_circuit(circuit)
    intervals = [
        cp.new_optional_interval_var(
            t.start, span_of(draft, t.start, t.end), t.end, t.kinds[kind], ""
        )
        for t in trips
    ]
    cp.add_cumulative(intervals, [1] * len(trips), len(vehicles))
    travel.routes.append(route)


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


def vehicle_of(
    travel: Travel, value: Callable[[Var], int]
) -> Iterator[tuple[Route, int, list[int]]]:
    """Yield each route's vehicles (by number within the kind) with the trips that they drive."""
    for route in travel.routes:
        following = {a: b for a, b, arc in route.arcs if value(arc)}
        for depot in sorted((a for a in following if a < 0), reverse=True):
            driven, at = [], following[depot]
            while True:
                driven.append(at)
                if at not in following:
                    break
                at = following[at]
            yield route, -1 - depot, driven
