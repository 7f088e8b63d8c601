"""The checker's view of jobs on their way: trips, vehicles, places at the stations."""

from collections import defaultdict
from collections.abc import Iterator

from genba.plan.problem import Job, Problem
from genba.plan.schedule import Assignment, Leg, Plan


def legs_broken(problem: Problem, plan: Plan) -> Iterator[str]:
    """Check that each job is where it is treated, and is brought there in the proper time."""
    if problem.transport is None:
        if plan.legs:
            yield f"job {plan.legs[0].job} is transported, but the problem has no transport"
        return
    legs = _legs_by_job(plan)
    for name in legs:
        if name not in problem.jobs_by_id:
            yield f"a trip carries job {name}, which does not exist"
    visits = _visits_by_job(problem, plan)
    for job in problem.jobs:
        yield from _journey_broken(problem, job, visits.get(job.id, []), legs.get(job.id, []))


def _journey_broken(
    problem: Problem, job: Job, visits: list[Assignment], legs: list[Leg]
) -> Iterator[str]:
    by_goal: dict[str | None, list[Leg]] = defaultdict(list)
    for leg in legs:
        by_goal[leg.operation].append(leg)
    here, since = job.origin, job.release
    for visit in visits:
        machine = problem.machines_by_id[visit.machine]
        trips = by_goal.pop(visit.operation, [])
        if problem.operations_by_id[visit.operation].fixed is not None:
            here, since = machine.at, visit.end  # how it comes there is decided as well
            continue
        if here is None:
            here = machine.at
        for leg in trips:
            yield from _leg_broken(problem, leg, here, since)
            here, since = leg.destination, leg.end
        begin = visit.setup_start if machine.setup_needs_job else visit.start
        if here != machine.at:
            yield f"job {job.id} is at {here} when {visit.operation} wants it at {machine.at}"
        if begin < since:
            yield f"job {job.id} is there from {since}; {visit.operation} begins at {begin}"
        here, since = machine.at, visit.end
    for leg in by_goal.pop(None, []):
        yield from _leg_broken(problem, leg, here or leg.origin, since)
        here, since = leg.destination, leg.end
    complete = len(visits) == len(problem.operations_of.get(job.id, ()))
    if complete and job.destination is not None and here not in {None, job.destination}:
        yield f"job {job.id} ends at {here}; it is wanted at {job.destination}"
    for name in by_goal:
        yield f"job {job.id} is brought to {name}, which is not an operation of it that is planned"


def _leg_broken(problem: Problem, leg: Leg, here: str, since: int) -> Iterator[str]:
    trip = f"the trip of job {leg.job} from {leg.origin} to {leg.destination}"
    if leg.origin != here:
        yield f"{trip}: the job is at {here}"
    if leg.start < since:
        yield f"{trip} starts at {leg.start}; the job is ready at {since}"
    driving = _driving(problem, leg.kind, leg.origin, leg.destination)
    if driving is None:
        yield f"{trip}: a {leg.kind} cannot go there"
    elif leg.end - leg.start != driving + _handling(problem, leg.kind):
        wanted = driving + _handling(problem, leg.kind)
        yield f"{trip} takes {leg.end - leg.start} ticks; a {leg.kind} needs {wanted}"


def vehicles_broken(problem: Problem, plan: Plan) -> Iterator[str]:
    """Check that each vehicle does one trip at a time, and gets to where the next begins."""
    if problem.transport is None:
        return
    fleet = {vehicle.id: vehicle for vehicle in problem.transport.vehicles}
    trips: dict[str, list[Leg]] = defaultdict(list)
    for leg in plan.legs:
        if leg.empty_start > leg.start:
            yield f"the vehicle of job {leg.job} leaves after it has picked it up"
        if not fleet and leg.vehicle is None:
            continue
        if leg.vehicle is None or leg.vehicle not in fleet:
            yield f"job {leg.job} is carried by vehicle {leg.vehicle}, which does not exist"
        elif fleet[leg.vehicle].kind != leg.kind:
            yield f"vehicle {leg.vehicle} is not a {leg.kind}"
        else:
            trips[leg.vehicle].append(leg)
    for name, listed in trips.items():
        here, free = fleet[name].at, fleet[name].free_from
        for leg in sorted(listed, key=lambda leg: (leg.start, leg.end)):
            empty = _driving(problem, leg.kind, here, leg.origin)
            if leg.empty_start < free:
                yield f"vehicle {name} leaves at {leg.empty_start}; it is busy until {free}"
            if empty is None:
                yield f"vehicle {name} cannot go from {here} to {leg.origin}"
            elif leg.empty_start + empty > leg.start:
                yield f"vehicle {name} cannot be at {leg.origin} for job {leg.job} in time"
            here, free = leg.destination, leg.end


def places_broken(problem: Problem, plan: Plan) -> Iterator[str]:
    """Check that no bounded station holds more jobs than it has places."""
    bounded = {m.id: m.places for m in problem.machines if m.places is not None}
    if not bounded:
        return
    legs = _legs_by_job(plan)
    changes: dict[str, list[tuple[int, int, int, str]]] = defaultdict(list)
    for name, visits in _visits_by_job(problem, plan).items():
        for machine, arrival, departure, movable in _stays(problem, visits, legs.get(name, [])):
            if machine in bounded and arrival < departure:
                changes[machine] += [
                    (departure, -1, -movable, name),
                    (arrival, 1, movable, name),
                ]
    for machine, listed in changes.items():
        held = movable_held = 0
        for tick, change, movable, name in sorted(listed):
            held, movable_held = held + change, movable_held + movable
            if held > bounded[machine] and change > 0 and movable_held:
                yield (
                    f"station {machine} holds {held} jobs when {name} comes at {tick};"
                    f" it has {bounded[machine]} places"
                )
                break


def _stays(
    problem: Problem, visits: list[Assignment], legs: list[Leg]
) -> Iterator[tuple[str, int, int, int]]:
    """Yield machine, arrival, departure of a job, and 1 where it was free to be planned."""
    arrivals = {leg.operation: leg.end for leg in legs}
    departures: dict[str | None, int] = {}
    for leg in reversed(legs):
        departures[leg.operation] = leg.start
    for number, visit in enumerate(visits):
        is_last = number + 1 == len(visits)
        following = None if is_last else visits[number + 1].operation
        if following in departures:
            departure = departures[following]
        elif is_last:
            departure = visit.end
        else:
            departure = _entry(problem, visits[number + 1])
        arrival = arrivals.get(visit.operation, _entry(problem, visit))
        movable = int(problem.operations_by_id[visit.operation].fixed is None)
        yield visit.machine, arrival, departure, movable


def _entry(problem: Problem, visit: Assignment) -> int:
    """When a job that is not brought comes to a station: as it begins there."""
    fixed = problem.operations_by_id[visit.operation].fixed is not None
    with_setup = problem.machines_by_id[visit.machine].setup_needs_job or fixed
    return visit.setup_start if with_setup else visit.start


def _legs_by_job(plan: Plan) -> dict[str, list[Leg]]:
    found: dict[str, list[Leg]] = defaultdict(list)
    for leg in sorted(plan.legs, key=lambda leg: (leg.start, leg.end)):
        found[leg.job].append(leg)
    return found


def _visits_by_job(problem: Problem, plan: Plan) -> dict[str, list[Assignment]]:
    found: dict[str, list[Assignment]] = defaultdict(list)
    for assignment in sorted(plan.assignments, key=lambda a: (a.start, a.end)):
        found[problem.operations_by_id[assignment.operation].job].append(assignment)
    return found


def _driving(problem: Problem, kind: str, origin: str, destination: str) -> int | None:
    """Driving time by the table, None where it has none or does not know the place."""
    transport = problem.transport
    if transport is None or kind not in transport.times:
        return None
    if not {origin, destination} <= set(transport.locations):
        return None
    return transport.ticks(kind, origin, destination)


def _handling(problem: Problem, kind: str) -> int:
    return 0 if problem.transport is None else problem.transport.handling.get(kind, 0)
