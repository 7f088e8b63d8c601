"""The whole model of a problem, and how plans are read from it and told to it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from genba.plan.cpsat.batches import add_batches
from genba.plan.cpsat.draft import Draft, Expr, Hints, Slot, Var
from genba.plan.cpsat.frame import Frame
from genba.plan.cpsat.goals import Term, terms_of
from genba.plan.cpsat.machines import add_machines
from genba.plan.cpsat.operations import add_operations, add_precedence, add_times
from genba.plan.cpsat.pools import add_pools
from genba.plan.cpsat.travel import add_travel
from genba.plan.cpsat.trips import Travel, vehicle_of
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Problem, Transport
from genba.plan.schedule import Assignment, Leg, Plan
from genba.plan.worktime import mode_of

Value = Callable[[Expr], int]


@dataclass(frozen=True, slots=True)
class Model:
    """A drawn-up model with the terms of each goal."""

    draft: Draft
    travel: Travel
    goals: dict[Goal, list[Term]]


def model_of(
    problem: Problem, objective: Objective, horizon: int, frame: Frame | None = None
) -> Model:
    """Draw up the model of an examined problem.

    Parameters
    ----------
    problem : Problem
        What :func:`genba.plan.checks.examine` has passed.
    objective : Objective
        Whose goals are to be expressed.
    horizon : int
        Tick after which nothing happens any more.
    frame : Frame, optional
        What of a plan is kept; without it all is open.
    """
    draft = Draft(problem, horizon, frame)
    goals = [goal for goal, _ in objective.goals]
    add_operations(draft)
    add_batches(draft)
    add_times(draft)
    add_precedence(draft)
    ordered: set[str] = set()
    if Goal.STABILITY in goals and objective.order_price > 0 and objective.reference is not None:
        ordered = {machine.id for machine in problem.machines}
    add_machines(draft, frozenset(ordered))
    add_pools(draft)
    travel = add_travel(draft)
    return Model(draft, travel, {goal: terms_of(draft, travel, objective, goal) for goal in goals})


# -- from the solver --------------------------------------------------------------------------


def plan_in(model: Model, value: Value) -> Plan:
    """Read a plan, without values, from a solution of the solver."""
    draft = model.draft
    assignments = []
    for name, slot in draft.slots.items():
        setup_start, start, end = value(slot.setup_start), value(slot.start), value(slot.end)
        if slot.fixed and slot.operation.fixed is not None:
            machine = slot.operation.fixed.machine
            staff = slot.ways[0].staff if slot.ways else None
        else:
            way = next(w for w, x in zip(slot.ways, slot.present, strict=True) if value(x))
            machine, staff = way.machine.id, way.staff
            if not way.whole and setup_start == start:
                staff = None
        assignments.append(Assignment(name, machine, setup_start, start, end, staff))
    return Plan(tuple(assignments), _legs(model, value))


def _legs(model: Model, value: Value) -> tuple[Leg, ...]:
    draft, travel = model.draft, model.travel
    transport = draft.problem.transport
    if transport is None:
        return ()
    carried: dict[int, tuple[str, int]] = {}
    for route, number, driven in vehicle_of(travel, value):
        vehicle = [v for v in transport.vehicles if v.kind == route.kind][number]
        here = vehicle.at
        for at in driven:
            trip = route.trips[at]
            origin = _place(trip.origins, value)
            empty = transport.ticks(route.kind, here, origin) or 0
            carried[id(trip)] = vehicle.id, value(trip.start) - empty
            here = _place(trip.destinations, value)
    legs = []
    for trip in travel.trips:
        if value(trip.needed):
            kind = next(kind for kind, x in trip.kinds.items() if value(x))
            vehicle_id, empty_start = carried.get(id(trip), (None, value(trip.start)))
            ends = _place(trip.origins, value), _place(trip.destinations, value)
            times = empty_start, value(trip.start), value(trip.end)
            legs.append(Leg(trip.job.id, trip.operation, vehicle_id, kind, *ends, *times))
    if not travel.trips:
        legs = _uncounted(model, value)
    return tuple(sorted(legs, key=lambda leg: (leg.start, leg.job)))


def _place(places: dict[str, Var], value: Value) -> str:
    return next(at for at, x in places.items() if value(x))


def _uncounted(model: Model, value: Value) -> list[Leg]:
    """Return the trips that follow from the machines, where nothing else hangs on them."""
    problem = model.draft.problem
    transport = problem.transport
    legs: list[Leg] = []
    if transport is None:
        return legs
    for job in problem.jobs:
        slots = [model.draft.slots[o.id] for o in problem.operations_of.get(job.id, ())]
        slots.sort(key=lambda slot: (value(slot.start), value(slot.end)))
        here, since = job.origin, job.release
        stops: list[tuple[str | None, str | None, int]] = []
        for slot in slots:
            fixed = slot.operation.fixed
            if fixed is not None:
                here, since = problem.machines_by_id[fixed.machine].at, fixed.end
                continue
            way = next(w for w, x in zip(slot.ways, slot.present, strict=True) if value(x))
            stops = [(slot.operation.id, way.machine.at, since)]
            legs += [leg for stop in stops if (leg := _leg(transport, job.id, here, *stop))]
            here, since = way.machine.at, value(slot.end)
        if leg := _leg(transport, job.id, here, None, job.destination, since):
            legs.append(leg)
    return legs


def _leg(
    transport: Transport,
    job: str,
    here: str | None,
    operation: str | None,
    there: str | None,
    since: int,
) -> Leg | None:
    """Return the fastest trip, None where there is none to make."""
    if here is None or there is None or here == there:
        return None
    times = {
        kind: time + transport.handling.get(kind, 0)
        for kind in transport.times
        if (time := transport.ticks(kind, here, there)) is not None
    }
    kind = min(times, key=lambda kind: times[kind])
    return Leg(job, operation, None, kind, here, there, since, since, since + times[kind])


# -- to the solver ----------------------------------------------------------------------------


def tell(model: Model, plan: Plan) -> None:
    """Give the solver a plan to begin with; operations that it lacks make it useless."""
    draft = model.draft
    if any(name not in plan.by_operation for name in draft.slots):
        return
    hints = Hints()
    hints.tell(draft.true, 1)
    for name, slot in draft.slots.items():
        _tell_operation(draft, hints, plan.by_operation[name], slot)
    _tell_trips(model, hints, plan)
    for hinter in draft.hinters:
        hinter(hints)
    draft.cp.clear_hints()  # type: ignore[no-untyped-call]
    for index, variable in hints.variables.items():
        if index != draft.true.index:
            draft.cp.add_hint(variable, hints.values[index])


def _tell_operation(draft: Draft, hints: Hints, stands: Assignment, slot: Slot) -> None:
    hints.tell(slot.setup_start, stands.setup_start)
    hints.tell(slot.start, stands.start)
    hints.tell(slot.end, stands.end)
    mode = mode_of(draft.problem, stands)
    same = [n for n, way in enumerate(slot.ways) if way.mode == mode]
    taken = next((n for n in same if slot.ways[n].staff == stands.staff), same[0] if same else 0)
    for number, present in enumerate(slot.present):
        hints.tell(present, int(number == taken))
    if not slot.ways:
        return
    way = slot.ways[taken]
    early = way.has_setups and way.machine.setup_needs_job
    hints.tell(slot.begin, stands.setup_start if early else stands.start)
    if slot.setup is not None:
        ticks = stands.start - stands.setup_start
        if way.pauses_setup is not None:
            calendar = [
                (max(s, stands.setup_start), min(e, stands.start)) for s, e in way.pauses_setup
            ]
            ticks = sum(max(0, e - s) for s, e in calendar)
        hints.tell(slot.setup, ticks)


def _tell_trips(model: Model, hints: Hints, plan: Plan) -> None:
    legs = {(leg.job, leg.operation): leg for leg in plan.legs}
    position: dict[int, dict[int, Leg]] = {}
    for trip in model.travel.trips:
        leg = legs.get((trip.job.id, trip.operation))
        if leg is None:
            continue
        hints.tell(trip.start, leg.start)
        hints.tell(trip.end, leg.end)
        for kind, literal in trip.kinds.items():
            if literal is not trip.needed:
                hints.tell(literal, int(kind == leg.kind))
    transport = model.draft.problem.transport
    if transport is None:
        return
    for number, route in enumerate(model.travel.routes):
        vehicles = [v.id for v in transport.vehicles if v.kind == route.kind]
        position[number] = {}
        taken: set[tuple[int, int]] = set()
        for at, vehicle in enumerate(vehicles):
            driven = [
                (leg.start, n)
                for n, trip in enumerate(route.trips)
                if (leg := legs.get((trip.job.id, trip.operation))) and leg.vehicle == vehicle
            ]
            stops = [-1 - at, *(n for _, n in sorted(driven))]
            taken |= set(pairwise(stops))
        for before, after, arc in route.arcs:
            hints.tell(arc, int((before, after) in taken))
