"""Which jobs no vehicle can take where they must go."""

from collections.abc import Iterable, Iterator
from functools import cache

from genba.plan.checks.finding import Finding
from genba.plan.problem import Job, Operation, Problem, Transport


def broken_route(problem: Problem) -> Iterator[Finding]:
    """Find jobs without a path from their origin over their machines to their destination.

    Where an operation has several machines, one that can be reached is enough here; the decoder
    takes those from which it finds a way on.
    """
    transport = problem.transport
    if transport is None:
        return
    reach = _Reach(transport)
    for job in problem.jobs:
        fault = _stranger(problem, job, transport) or _way_fault(problem, job, reach)
        if fault is not None:
            yield Finding(job.id, fault)


class _Reach:
    def __init__(self, transport: Transport) -> None:
        fleet = {vehicle.kind for vehicle in transport.vehicles}
        kinds = [kind for kind in transport.times if not transport.vehicles or kind in fleet]

        @cache
        def joined(origin: str, destination: str) -> bool:
            return origin == destination or any(
                transport.ticks(kind, origin, destination) is not None for kind in kinds
            )

        self.joined = joined

    def any(self, origins: Iterable[str], destination: str) -> bool:
        """Whether one of the origins leads to a destination."""
        return any(self.joined(origin, destination) for origin in origins)


def _stranger(problem: Problem, job: Job, transport: Transport) -> str | None:
    known = set(transport.locations)
    for what, at in (("stands at", job.origin), ("goes to", job.destination)):
        if at is not None and at not in known:
            return f"job {job.id} {what} {at}, which is not a location; correct it or add it"
    if len(problem.operations_of[job.id]) < 2 and job.origin is None and job.destination is None:
        return None  # it never moves
    for operation in problem.operations_of[job.id]:
        for mode in operation.modes:
            at = problem.machines_by_id[mode.machine].at
            if at not in known:
                return (
                    f"operation {operation.id}: machine {mode.machine} stands at {at}, which is"
                    " not a location; add it to the transport's locations"
                )
    return None


def _way_fault(problem: Problem, job: Job, reach: _Reach) -> str | None:
    here: set[str] | None = None if job.origin is None else {job.origin}
    for operation in _sorted(problem.operations_of[job.id]):
        there = {problem.machines_by_id[mode.machine].at for mode in operation.modes}
        if operation.fixed is not None:
            here = {problem.machines_by_id[operation.fixed.machine].at}
            continue
        reached = there if here is None else {at for at in there if reach.any(here, at)}
        if not reached:
            return _no_path(job, here or set(), sorted(there))
        here = reached
    if job.destination is not None and here is not None and not reach.any(here, job.destination):
        return _no_path(job, here, [job.destination])
    return None


def _no_path(job: Job, origins: set[str], destinations: list[str]) -> str:
    return (
        f"job {job.id}: no vehicle has a path from {' or '.join(sorted(origins))} to"
        f" {' or '.join(destinations)}; add one, or driving times"
    )


def _sorted(operations: Iterable[Operation]) -> list[Operation]:
    """Sort a job's operations so that each comes after those before it."""
    waiting = {operation.id: operation for operation in operations}
    found: list[Operation] = []
    while waiting:
        ready = next(o for o in waiting.values() if not waiting.keys() & set(o.predecessors))
        found.append(waiting.pop(ready.id))
    return found
