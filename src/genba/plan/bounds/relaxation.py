"""A problem with everything forgotten that makes it hard to bound, as arrays.

What stays: for each operation the least time it occupies each machine that can do it, the earliest
it can begin (head), and the least time from its end to the end of all that follows (tail). Set-ups
count with the smallest that can occur, batches with the share of the batch that an operation fills,
transport with the fastest vehicle between the nearest machines, calendars in heads only (and again
where loads are compared with working time). People, tools, buffers and vehicles are forgotten.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from genba.errors import PlanError
from genba.plan.bounds.flexible import Ints, flexible_shop
from genba.plan.bounds.opentime import earliest_end
from genba.plan.problem import Calendar, Fixed, Mode, Operation, Problem


@dataclass(frozen=True)
class Relaxation:
    """The relaxed problem: ``n`` operations, ``j`` jobs, ``m`` machines, ``k`` modes.

    In every real plan, operation ``o`` in mode ``i`` occupies its machine at ``earliest[i]`` or
    later, for ``work[i]`` ticks that it shares with nothing (less than its length only in a batch;
    the least set-up is included), and the end of everything is at least ``tail[o]`` after its own.
    """

    mode_first: Ints
    mode_machine: Ints
    work: Ints
    """(k,)"""
    earliest: Ints
    """(k,)"""
    tail: Ints
    """(n,)"""
    own_tail: Ints
    """(n,) the same up to the completion of the operation's own job."""
    job_of: Ints
    """(n,)"""
    done: Ints
    """(j,) earliest completion of each job."""
    setups: int
    """Least sum of all set-ups."""


def relaxation(problem: Problem) -> Relaxation:
    """Return the relaxed problem.

    Raises
    ------
    PlanError
        If an operation has no mode, or operations wait for each other in a circle.
    """
    return _plain(problem) if problem.is_plain_shop else _General(problem).build()


def _plain(problem: Problem) -> Relaxation:
    shop = flexible_shop(problem)
    shortest = (
        np.minimum.reduceat(shop.mode_ticks, shop.mode_first[:-1])
        if shop.size
        else np.zeros(0, np.int64)
    )
    total = np.concatenate(([0], np.cumsum(shortest)))
    begin, end = shop.first_of[:-1], shop.first_of[1:]
    head = total[:-1] - total[begin][shop.job_of] + shop.release[shop.job_of]
    return Relaxation(
        mode_first=shop.mode_first,
        mode_machine=shop.mode_machine,
        work=shop.mode_ticks,
        earliest=np.maximum(
            np.repeat(head, np.diff(shop.mode_first)), shop.free_from[shop.mode_machine]
        ),
        tail=total[end][shop.job_of] - total[1:],
        own_tail=total[end][shop.job_of] - total[1:],
        job_of=shop.job_of,
        done=shop.release + total[end] - total[begin],
        setups=0,
    )


def in_order(operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations so that each stands behind its predecessors.

    Raises
    ------
    PlanError
        If some wait for each other in a circle, or for an unknown operation.
    """
    by_id = {operation.id: operation for operation in operations}
    open_count = {operation.id: len(operation.predecessors) for operation in operations}
    followers: dict[str, list[Operation]] = {}
    for operation in operations:
        for before in operation.predecessors:
            if before not in by_id:
                raise PlanError(f"operation {operation.id} waits for {before}, which is not there")
            followers.setdefault(before, []).append(operation)
    ready = [operation for operation in operations if not operation.predecessors]
    for operation in ready:
        for follower in followers.get(operation.id, ()):
            open_count[follower.id] -= 1
            if not open_count[follower.id]:
                ready.append(follower)
    if len(ready) < len(operations):
        stuck = next(name for name, count in open_count.items() if count)
        raise PlanError(f"operation {stuck} waits, in a circle, for itself; break the circle")
    return ready


class _General:
    """Builds the relaxation of a problem that is more than a plain shop."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.order = in_order(problem.operations)
        self.at = {operation.id: index for index, operation in enumerate(self.order)}
        self.machine_at = {m.id: index for index, m in enumerate(problem.machines)}
        self.travels: dict[tuple[frozenset[str], frozenset[str]], int] = {}
        self.distances = _distances(problem)
        self.continues = {
            before
            for operation in self.order
            for before in operation.predecessors
            if self.order[self.at[before]].job == operation.job
        }
        self.overlapping = _overlapping(problem)
        self.ends: list[int] = []
        self.least_setups = self._least_setups()
        self.places = [
            frozenset(problem.machines_by_id[m].at for m in self._machines(operation))
            for operation in self.order
        ]

    def build(self) -> Relaxation:
        """Return the arrays."""
        rows: list[tuple[int, int, int]] = []
        first = [0]
        for operation in self.order:
            ways = self._visit(operation)
            rows.extend(ways)
            first.append(len(rows))
        table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
        job_at = {job.id: index for index, job in enumerate(self.problem.jobs)}
        done = {job.id: job.release for job in self.problem.jobs}
        for index, operation in enumerate(self.order):
            end = self.ends[index] + self._way_out(operation, index)
            done[operation.job] = max(done[operation.job], end)
        return Relaxation(
            mode_first=np.asarray(first, dtype=np.int64),
            mode_machine=np.ascontiguousarray(table[:, 0]),
            work=np.ascontiguousarray(table[:, 1]),
            earliest=np.ascontiguousarray(table[:, 2]),
            tail=np.asarray(self._tails(own=False), dtype=np.int64),
            own_tail=np.asarray(self._tails(own=True), dtype=np.int64),
            job_of=np.asarray([job_at[o.job] for o in self.order], dtype=np.int64),
            done=np.asarray([done[job.id] for job in self.problem.jobs], dtype=np.int64),
            setups=sum(
                min((self._least_setup(o, mode) for mode in o.modes), default=0)
                for o in self.order
                if not o.fixed
            ),
        )

    def _machines(self, operation: Operation) -> Iterable[str]:
        if operation.fixed:
            return (operation.fixed.machine,)
        if not operation.modes:
            raise PlanError(f"operation {operation.id} has no machine able to do it; add a mode")
        return (mode.machine for mode in operation.modes)

    def _visit(self, operation: Operation) -> list[tuple[int, int, int]]:
        """Note the earliest end of an operation; return machine, work, earliest of its modes."""
        if operation.fixed:
            self.ends.append(operation.fixed.end)
            return [self._fixed_way(operation, operation.fixed)]
        ready = self._ready(operation)
        rows: dict[int, tuple[int, int, int]] = {}
        ends = []
        for mode in operation.modes:
            machine, setup = (
                self.problem.machines_by_id[mode.machine],
                self._least_setup(operation, mode),
            )
            calendar = self.problem.calendars_by_id.get(machine.calendar or "")
            if not machine.setup_needs_job and self._may_pause(mode, calendar):
                setup = 0  # it may have begun any time before the job is there
            begin = max(ready if machine.setup_needs_job else ready - setup, machine.free_from)
            length = setup + mode.ticks
            end = earliest_end(calendar, begin, length)
            if end is None:  # it cannot be done in time: that is for others to say
                end = begin + length
            elif calendar is None or not calendar.interruptible:
                begin = end - length
            ends.append(end)
            work = length
            if operation.batch is not None:
                most = operation.batch_parts
                work = 0 if most is None else mode.ticks * min(operation.parts, most) // most
            # Two modes on one machine count as the lesser of both, in each respect.
            at = self.machine_at[mode.machine]
            old = rows.get(at, (at, work, begin))
            rows[at] = (at, min(work, old[1]), min(begin, old[2]))
        self.ends.append(min(ends))
        return list(rows.values())

    def _may_pause(self, mode: Mode, calendar: Calendar | None) -> bool:
        """Whether work in a mode may pause, because of the machine or of people."""
        by_people = mode.skill is not None and any(
            mode.skill in group.skills and group.calendar is not None
            for group in self.problem.staff
        )
        return by_people or (calendar is not None and calendar.interruptible)

    def _fixed_way(self, operation: Operation, fixed: Fixed) -> tuple[int, int, int]:
        machine = self.problem.machines_by_id[fixed.machine]
        # What is fixed may lie outside working time, or on top of what else is fixed.
        apart = (
            machine.calendar is not None
            or operation.batch is not None
            or machine.id in self.overlapping
        )
        work = 0 if apart else fixed.end - fixed.setup_start
        return self.machine_at[machine.id], work, fixed.setup_start

    def _ready(self, operation: Operation) -> int:
        """Return the earliest tick at which an operation's job can be at its machines."""
        index = len(self.ends)
        job = self.problem.jobs_by_id[operation.job]
        ready = job.release
        if job.origin is not None and not self._has_own_predecessor(operation):
            ready += self._travel(frozenset((job.origin,)), self.places[index])
        for before in operation.predecessors:
            ready = max(ready, self.ends[self.at[before]] + self._between(before, index))
        return ready

    def _least_setups(self) -> dict[tuple[str, str], int]:
        """Return the least set-up into each family by machine and family."""
        present: dict[str, dict[str, set[str]]] = {}
        unknown = {o.fixed.machine for o in self.order if o.fixed}
        for operation in self.order:
            for mode in operation.modes:
                if mode.family is None:
                    unknown.add(mode.machine)
                    continue
                families = present.setdefault(mode.machine, {})
                families.setdefault(mode.family, set()).add(operation.id)
        found = {}
        for machine in self.problem.machines:
            if machine.setup is None:
                continue
            matrix = self.problem.setups_by_id[machine.setup]
            families = present.get(machine.id, {})
            for family, users in families.items():
                times = [matrix.ticks(machine.family, family)]
                if machine.id in unknown:
                    times.append(matrix.ticks(None, family))
                times += [
                    matrix.ticks(before, family)
                    for before in families
                    if before != family or len(users) > 1
                ]
                found[machine.id, family] = min(times)
        return found

    def _least_setup(self, operation: Operation, mode: Mode) -> int:
        if mode.family is None or operation.batch is not None:
            return 0
        return self.least_setups.get((mode.machine, mode.family), 0)

    def _tails(self, *, own: bool) -> list[int]:
        tails = [self._way_out(operation, index) for index, operation in enumerate(self.order)]
        for index in range(len(self.order) - 1, -1, -1):
            operation = self.order[index]
            if operation.fixed:
                continue  # its times are decided, whatever comes before
            after = tails[index] + self._shortest(operation)
            for before in operation.predecessors:
                at = self.at[before]
                if not own or self.order[at].job == operation.job:
                    tails[at] = max(tails[at], after + self._between(before, index))
        return tails

    def _shortest(self, operation: Operation) -> int:
        return min(mode.ticks for mode in operation.modes)

    def _has_own_predecessor(self, operation: Operation) -> bool:
        return any(
            self.order[self.at[before]].job == operation.job for before in operation.predecessors
        )

    def _way_out(self, operation: Operation, index: int) -> int:
        """Return the least time to the job's destination, 0 where it has none or more follows."""
        to = self.problem.jobs_by_id[operation.job].destination
        return (
            0
            if to is None or operation.id in self.continues
            else self._travel(self.places[index], frozenset((to,)))
        )

    def _between(self, before: str, index: int) -> int:
        """Return the least time from one operation's machines to another's of the same job."""
        at = self.at[before]
        if self.order[at].job != self.order[index].job:
            return 0
        return self._travel(self.places[at], self.places[index])

    def _travel(self, origins: frozenset[str], destinations: frozenset[str]) -> int:
        if not self.distances or origins & destinations:
            return 0
        key = (origins, destinations)
        if key not in self.travels:
            ways = [self.distances.get((a, b), 0) for a in origins for b in destinations]
            self.travels[key] = min(ways)
        return self.travels[key]


def _distances(problem: Problem) -> dict[tuple[str, str], int]:
    """Return the least time, handling included, of all ways with any number of trips."""
    transport = problem.transport
    if transport is None:
        return {}
    kinds = {v.kind for v in transport.vehicles} or set(transport.times)
    size = len(transport.locations)
    never = np.iinfo(np.int64).max // 4
    ways = np.full((size, size), never, np.int64)
    for kind in kinds:
        times = np.asarray(transport.times[kind], dtype=np.int64).reshape(size, size)
        trips = np.where(times < 0, never, times + transport.handling.get(kind, 0))
        ways = np.minimum(ways, trips)
    np.fill_diagonal(ways, 0)
    for via in range(size):
        ways = np.minimum(ways, ways[:, via, None] + ways[None, via, :])
    return {
        (origin, destination): int(ways[a, b]) if ways[a, b] < never else 0
        for a, origin in enumerate(transport.locations)
        for b, destination in enumerate(transport.locations)
    }


def _overlapping(problem: Problem) -> set[str]:
    """Return the machines on which fixed operations lie on top of each other."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for operation in problem.operations:
        if operation.fixed:
            span = (operation.fixed.setup_start, operation.fixed.end)
            spans.setdefault(operation.fixed.machine, []).append(span)
    return {
        machine
        for machine, listed in spans.items()
        if any(a[1] > b[0] for a, b in pairwise(sorted(listed)))
    }


def edges(relaxed: Relaxation, machines: int) -> tuple[Ints, Ints]:
    """Return for each machine (m,) the earliest begin of any work, and the least time after it.

    0 for a machine that can do nothing.
    """
    large = np.iinfo(np.int64).max
    begin, after = np.full(machines, large), np.full(machines, large)
    tails = np.repeat(relaxed.tail, np.diff(relaxed.mode_first))
    np.minimum.at(begin, relaxed.mode_machine, relaxed.earliest)
    np.minimum.at(after, relaxed.mode_machine, tails)
    idle = begin == large
    begin[idle], after[idle] = 0, 0
    return begin, after
