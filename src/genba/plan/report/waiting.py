"""What a job waits for: its way through a plan, walked back from its end, without a hole.

Every tick between the job's release and its end belongs to one link of the chain: work, set-up, a
trip, or waiting for a thing that has a name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from genba.plan.problem import Attendance, Machine, Mode, Operation, Problem, Window
from genba.plan.schedule import Assignment, Leg, Plan
from genba.plan.values import completions
from genba.plan.worktime import machine_calendars, mode_of, open_pieces


class Cause(StrEnum):
    """What a stretch of time went to."""

    WORK = "work"
    SETUP = "set-up"
    TRIP = "trip"
    MATERIAL = "material"
    """The job had not been released."""
    MACHINE = "machine"
    """Busy with other jobs."""
    DOWN = "down"
    """The machine takes nothing yet: it is broken down, or works on what is not planned here."""
    CLOSED = "closed"
    PERSON = "person"
    TOOL = "tool"
    BATCH = "batch"
    """For others that are treated together with it."""
    VEHICLE = "vehicle"
    PLACE = "place"
    """For a free place at a station, there or further on."""


@dataclass(frozen=True, slots=True)
class Link:
    """One stretch ``[start, end)`` of a job's way."""

    cause: Cause
    start: int
    end: int
    operation: str | None
    """What it did or waited for; None on the way to its destination."""
    resource: str
    """Machine, skill, tool, vehicle or station; the job itself for MATERIAL."""
    others: tuple[str, ...] = ()
    """Jobs that had it meanwhile."""

    @property
    def ticks(self) -> int:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _Came:
    """How a job came to be ready for an operation."""

    ready: int
    begins: int
    """Since when it could be moved."""
    released: int
    """Since when only its release was missing."""
    leg: Leg | None
    before: Assignment | None
    """What it waited for before."""


class Chains:
    """Finds the chains of one plan."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self._problem = problem
        self._plan = plan
        self._ends = completions(problem, plan)
        self._legs = {(leg.job, leg.operation): leg for leg in plan.legs}

    def chain(self, job: str) -> tuple[Link, ...]:
        """Return the way of a job from its release to its end, oldest first.

        Where an operation needs others of other jobs, the way is that of what came last.
        """
        problem, by_operation = self._problem, self._plan.by_operation
        done = [by_operation[o.id] for o in problem.operations_of[job] if o.id in by_operation]
        links: list[Link] = []
        last = max(done, key=lambda a: (a.end, a.start), default=None)
        leg = self._legs.get((job, None))
        if leg is not None:
            links += self._trip(leg, last.end if last is not None else leg.empty_start)
        while last is not None:
            operation = problem.operations_by_id[last.operation]
            came = self._came(operation)
            links += reversed(
                [*self._wait(operation, last, came.ready), *self._work(operation, last)]
            )
            if operation.fixed is not None:
                break
            if came.leg is not None:
                links += self._trip(came.leg, came.begins)
            if came.released < came.begins:
                links.append(
                    Link(Cause.MATERIAL, came.released, came.begins, operation.id, operation.job)
                )
            last = came.before
        return tuple(link for link in reversed(links) if link.start < link.end)

    # -- when a job could begin ---------------------------------------------------------------

    def _came(self, operation: Operation) -> "_Came":
        """Return how an operation's job came to be ready: by its own way, or by another job's."""
        own = self._last(operation, own=True)
        other = self._last(operation, own=False)
        leg = self._legs.get((operation.job, operation.id))
        released = 0 if own is None else own.end
        begins = max(released, self._problem.jobs_by_id[operation.job].release)
        ready = begins if leg is None else leg.end
        if other is not None and other.end > ready:
            return _Came(other.end, other.end, other.end, None, other)
        return _Came(ready, min(begins, ready if leg is None else leg.start), released, leg, own)

    def _last(self, operation: Operation, own: bool) -> Assignment | None:
        """Return the predecessor that ends last, of the same job or of others."""
        done = self._plan.by_operation
        return max(
            (
                done[name]
                for name in operation.predecessors
                if name in done
                and (self._problem.operations_by_id[name].job == operation.job) == own
            ),
            key=lambda a: (a.end, a.start),
            default=None,
        )

    # -- links, newest first for trips --------------------------------------------------------

    def _trip(self, leg: Leg, ready: int) -> list[Link]:
        """Return a trip and the wait before it, newest first."""
        links = [Link(Cause.TRIP, leg.start, leg.end, leg.operation, leg.vehicle or leg.kind)]
        if ready >= leg.start:
            return links
        # While the station is full the trip must not end, so it must not begin either.
        full_until, there = self._full(leg, ready)
        full_until = min(leg.start, max(ready, full_until - (leg.end - leg.start)))
        busy_from, others = self._busy(leg, full_until)
        idle = Link(Cause.PLACE, full_until, busy_from, leg.operation, leg.destination)
        carrier = leg.vehicle or leg.kind
        waits = Link(Cause.VEHICLE, busy_from, leg.start, leg.operation, carrier, others)
        place = Link(Cause.PLACE, ready, full_until, leg.operation, leg.destination, there)
        return [*links, waits, idle, place]

    def _busy(self, leg: Leg, since: int) -> tuple[int, tuple[str, ...]]:
        """Return since when its vehicle was busy without a pause before a trip, and with whom."""
        at, others = leg.empty_start, []
        before = [other for other in self._of_vehicle.get(leg.vehicle, ()) if other.end <= at]
        while before and before[-1].end >= at > since:
            other = before.pop()
            at = other.empty_start
            others.append(other.job)
        return min(leg.start, max(since, at)), tuple(dict.fromkeys(reversed(others)))

    @cached_property
    def _of_vehicle(self) -> Mapping[str | None, Sequence[Leg]]:
        found: dict[str | None, list[Leg]] = {}
        for leg in sorted(self._plan.legs, key=lambda leg: leg.end):
            if leg.vehicle is not None:
                found.setdefault(leg.vehicle, []).append(leg)
        return found

    def _full(self, leg: Leg, ready: int) -> tuple[int, tuple[str, ...]]:
        """Return until when the station that a trip goes to was full before it came, of whom."""
        machine = self._problem.machines_by_id.get(leg.destination)
        if machine is None or machine.places is None:
            return ready, ()
        stays = [s for s in self._stays.get(leg.destination, ()) if s[2] != leg.job]
        for until in sorted({end for _, end, _ in stays if ready < end <= leg.end}, reverse=True):
            there = tuple(job for start, end, job in stays if start < until <= end)
            if len(there) >= machine.places:
                return until, there
        return ready, ()

    @cached_property
    def _stays(self) -> Mapping[str, Sequence[tuple[int, int, str]]]:
        """From when until when which jobs stand at each station."""
        found: dict[str, list[tuple[int, int, str]]] = {}
        of_job: dict[str, list[Leg]] = {}
        for leg in sorted(self._plan.legs, key=lambda leg: leg.start):
            of_job.setdefault(leg.job, []).append(leg)
        for job, legs in of_job.items():
            arrival = 0
            for leg in legs:
                found.setdefault(leg.origin, []).append((arrival, leg.start, job))
                arrival = leg.end
            # What is done leaves; where it goes then is not planned.
            leaves = max(arrival, self._ends.get(job, arrival))
            found.setdefault(legs[-1].destination, []).append((arrival, leaves, job))
        return found

    def _work(self, operation: Operation, done: Assignment) -> Iterator[Link]:
        calendars = machine_calendars(self._problem, done.machine)
        pieces = open_pieces(calendars, done.start, done.end) or [(done.start, done.end)]
        for start, end, is_open in _cover(pieces, done.start, done.end):
            cause = Cause.WORK if is_open else Cause.CLOSED
            yield Link(cause, start, end, operation.id, done.machine)

    def _wait(self, operation: Operation, done: Assignment, ready: int) -> Iterator[Link]:
        """Yield what happened from when a job was ready to when its work began."""
        calendars = machine_calendars(self._problem, done.machine)
        setup_from = max(ready, done.setup_start)
        for piece in self._idle(operation, done, ready, setup_from):
            yield from piece
        pieces = open_pieces(calendars, setup_from, done.start)
        for start, end, is_open in _cover(pieces, setup_from, done.start):
            cause = Cause.SETUP if is_open else Cause.CLOSED
            yield Link(cause, start, end, operation.id, done.machine)

    def _idle(
        self, operation: Operation, done: Assignment, start: int, end: int
    ) -> Iterator[list[Link]]:
        if start >= end:
            return
        name, machine = operation.id, done.machine
        pieces = open_pieces(machine_calendars(self._problem, machine), start, end)
        for begin, stop, is_open in _cover(pieces, start, end):
            if is_open:
                yield list(self._in_open_time(operation, done, begin, stop))
            else:
                yield [Link(Cause.CLOSED, begin, stop, name, machine)]

    def _in_open_time(
        self, operation: Operation, done: Assignment, start: int, end: int
    ) -> Iterator[Link]:
        """Yield who had the machine; and where nobody had, what else was missing."""
        busy: list[Window] = []
        for other in self._plan.by_machine[done.machine]:
            together = (other.start, other.end) == (done.start, done.end)
            if other.end > start and other.setup_start < end and not together:
                busy.append((max(start, other.setup_start), min(end, other.end)))
        for begin, stop, is_busy in _cover(_joined(busy), start, end):
            if is_busy:
                had = tuple(dict.fromkeys(self._had(done, begin, stop)))
                yield Link(Cause.MACHINE, begin, stop, operation.id, done.machine, had)
            else:
                yield self._missing(operation, done, begin, stop)

    def _had(self, done: Assignment, start: int, end: int) -> Iterator[str]:
        for other in self._plan.by_machine[done.machine]:
            together = (other.start, other.end) == (done.start, done.end)
            if other.end > start and other.setup_start < end and not together:
                yield self._problem.operations_by_id[other.operation].job

    def _missing(self, operation: Operation, done: Assignment, start: int, end: int) -> Link:
        """Say what a job waited for at a machine that was open, and idle."""
        machine = self._problem.machines_by_id[done.machine]
        mode = mode_of(self._problem, done)
        partners = self._partners(operation, done, start)
        if machine.free_from > start:
            return Link(Cause.DOWN, start, end, operation.id, machine.id)
        if partners:
            return Link(Cause.BATCH, start, end, operation.id, machine.id, partners)
        if mode is not None:
            found = self._scarce(operation, mode, done, start, end)
            if found is not None:
                return found
        if not self._fits(machine, done, start):
            return Link(Cause.CLOSED, start, end, operation.id, machine.id)
        return Link(Cause.PLACE, start, end, operation.id, machine.id)

    def _partners(self, operation: Operation, done: Assignment, start: int) -> tuple[str, ...]:
        """Return the jobs of the same batch that came later than ``start``."""
        if operation.batch is None:
            return ()
        found = []
        for other in self._plan.by_machine[done.machine]:
            partner = self._problem.operations_by_id[other.operation]
            together = (other.start, other.end) == (done.start, done.end)
            if together and partner.id != operation.id and self._came(partner).ready > start:
                found.append(partner.job)
        return tuple(found)

    def _scarce(
        self, operation: Operation, mode: Mode, done: Assignment, start: int, end: int
    ) -> Link | None:
        """Return a person or tool that was not to be had at the end of the wait."""
        attended = done.setup_start < done.start or mode.attendance is Attendance.WHOLE
        if mode.skill is not None and attended:
            able = [s for s in self._problem.staff if mode.skill in s.skills]
            users = [list(self._users(s.id, end - 1)) for s in able]
            if all(
                len(used) >= staff.count or not self._at_work(staff.calendar, end - 1)
                for staff, used in zip(able, users, strict=True)
            ):
                had = tuple(dict.fromkeys(job for used in users for job in used))
                return Link(Cause.PERSON, start, end, operation.id, mode.skill, had)
        for tool in mode.tools:
            had = tuple(self._holders(tool, end - 1))
            if len(had) >= self._problem.tools.get(tool, 1):
                return Link(Cause.TOOL, start, end, operation.id, tool, had)
        return None

    def _at_work(self, calendar: str | None, tick: int) -> bool:
        found = self._problem.calendars_by_id.get(calendar or "")
        return found is None or bool(open_pieces([found], tick, tick + 1))

    def _users(self, staff: str, tick: int) -> Iterator[str]:
        """Yield the jobs that people of a group are busy with at a tick; a batch counts once."""
        seen: set[tuple[str, int]] = set()
        for done, operation, mode in self._attended:
            whole = mode.attendance is Attendance.WHOLE
            until = done.end if whole else done.start
            if done.staff == staff and done.setup_start <= tick < until:
                if (done.machine, done.start) not in seen:
                    yield operation.job
                seen.add((done.machine, done.start))

    def _holders(self, tool: str, tick: int) -> Iterator[str]:
        for done, operation, mode in self._with_tools:
            if tool in mode.tools and done.setup_start <= tick < done.end:
                yield operation.job

    @cached_property
    def _moded(self) -> Sequence[tuple[Assignment, Operation, Mode]]:
        found = []
        for done in self._plan.assignments:
            mode = mode_of(self._problem, done)
            if mode is not None:
                found.append((done, self._problem.operations_by_id[done.operation], mode))
        return found

    @cached_property
    def _attended(self) -> Sequence[tuple[Assignment, Operation, Mode]]:
        return [entry for entry in self._moded if entry[0].staff is not None]

    @cached_property
    def _with_tools(self) -> Sequence[tuple[Assignment, Operation, Mode]]:
        return [entry for entry in self._moded if entry[2].tools]

    def _fits(self, machine: Machine, done: Assignment, start: int) -> bool:
        """Whether work that is not interrupted could have ended before the machine closed."""
        calendar = self._problem.calendars_by_id.get(machine.calendar or "")
        if calendar is None or calendar.interruptible:
            return True
        needed = done.end - done.setup_start
        return any(begin <= start and start + needed <= end for begin, end in calendar.windows)


def _joined(pieces: Iterable[Window]) -> list[Window]:
    joined: list[Window] = []
    for start, end in sorted(pieces):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _cover(pieces: Iterable[Window], start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Yield ``[start, end)`` whole: the pieces, and what lies between them."""
    at = start
    for begin, stop in pieces:
        if begin > at:
            yield at, begin, False
        yield begin, stop, True
        at = stop
    if at < end:
        yield at, end, False
