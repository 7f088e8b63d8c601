"""Jobs on their way: trips between operations, and places at the stations."""

from collections.abc import Sequence
from itertools import product

from genba.plan.cpsat.draft import Draft, Expr, Slot, Var
from genba.plan.cpsat.machines import span_of
from genba.plan.cpsat.trips import Travel, Trip
from genba.plan.cpsat.vehicles import add_route
from genba.plan.problem import Job, Operation, Transport


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
            add_route(draft, travel, draft.problem.transport, kind)
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
