"""What there is to schedule: jobs, machines, people, tools, vehicles, calendars, energy.

Times are whole *ticks* from the problem's zero; ``tick_s`` says how long one is. Everything is
named by an id, and refused on construction where it makes no sense by itself; what only the whole
can show (a routing that no machine can do, a cycle) is found by :func:`genba.plan.checks.examine`.

Source of the model: flexible job shop with arbitrary precedence, set-ups, calendars, batches and
transport, after Knust and Brucker, *Complex Scheduling* (2nd ed., 2012); words after ISA-95.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from genba.errors import PlanError

Window = tuple[int, int]
"""Begin, included, and end, not included, in ticks."""


class Attendance(StrEnum):
    """What of an operation a person must be there for."""

    SETUP = "setup"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working time. After the last window nothing works any more.

    ``interruptible``: work that has begun may pause while the calendar is closed, and goes on
    afterwards; otherwise an operation with its set-up must fit into one window.
    """

    id: str
    windows: tuple[Window, ...]
    interruptible: bool = False

    def __post_init__(self) -> None:
        before = None
        for start, end in self.windows:
            if start >= end:
                raise PlanError(f"calendar {self.id}: window {start} to {end} is empty; drop it")
            if before is not None and start < before:
                raise PlanError(f"calendar {self.id}: windows must be sorted and not overlap")
            before = end


@dataclass(frozen=True, slots=True)
class SetupMatrix:
    """Change-over times between set-up families, ``times[before][after]`` in ticks.

    ``first[after]`` holds where the machine's family is not known.
    """

    id: str
    families: tuple[str, ...]
    times: tuple[tuple[int, ...], ...]
    first: tuple[int, ...]

    def __post_init__(self) -> None:
        size = len(self.families)
        if len(self.first) != size or len(self.times) != size:
            raise PlanError(f"set-up matrix {self.id}: {size} families need {size} rows")
        if any(len(row) != size for row in self.times):
            raise PlanError(f"set-up matrix {self.id}: every row needs {size} times")
        if min((t for row in (*self.times, self.first) for t in row), default=0) < 0:
            raise PlanError(f"set-up matrix {self.id}: a time is negative")

    def ticks(self, before: str | None, after: str | None) -> int:
        """Return the change-over time; 0 into an operation that has no family."""
        if after is None:
            return 0
        if before is None:
            return self.first[self.families.index(after)]
        return self.times[self.families.index(before)][self.families.index(after)]


@dataclass(frozen=True, slots=True)
class Machine:
    """One resource that does one operation (or one batch) at a time."""

    id: str
    calendar: str | None = None
    """None: always open."""
    setup: str | None = None
    """Id of its set-up matrix; None: no set-ups."""
    family: str | None = None
    """Set-up family that it is set up for at the beginning."""
    setup_needs_job: bool = False
    """Whether a set-up can only begin when the job is there (True on most real machines)."""
    free_from: int = 0
    """Before this tick it takes nothing new (it works, or is broken down)."""
    places: int | None = None
    """Jobs that its station holds, the ones in work included; a finished job keeps its place, and
    the machine blocked where there is no other place, until it is fetched. None: without bound."""
    location: str | None = None
    """Where it stands, for transport; default its id."""

    @property
    def at(self) -> str:
        """Its location."""
        return self.location or self.id


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to do an operation: on one machine, with its own time."""

    machine: str
    ticks: int
    """Processing time without set-up. Of a batch: the longest of its operations counts."""
    family: str | None = None
    tools: tuple[str, ...] = ()
    """One of each is occupied from the begin of the set-up to the end."""
    skill: str | None = None
    """One person with this skill is occupied, as ``attendance`` says."""
    attendance: Attendance = Attendance.SETUP
    power_kw: float = 0.0
    """Mean electrical power while it processes."""

    def __post_init__(self) -> None:
        if self.ticks < 0:
            raise PlanError(
                f"a mode on {self.machine} takes {self.ticks} ticks; it must be 0 or more"
            )


@dataclass(frozen=True, slots=True)
class Fixed:
    """An operation that runs already or is fenced: machine and times are decided."""

    machine: str
    setup_start: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a job."""

    id: str
    job: str
    modes: tuple[Mode, ...]
    predecessors: tuple[str, ...] = ()
    """Operations, of this or of other jobs, that must have ended (and arrived) before."""
    parts: int = 1
    batch: str | None = None
    """Operations with the same word may be treated together on one machine, at the same time."""
    batch_parts: int | None = None
    """Most parts in such a batch."""
    fixed: Fixed | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A lot: what is tracked, moved and delivered as one."""

    id: str
    release: int = 0
    due: int | None = None
    weight: float = 1.0
    origin: str | None = None
    """Location where it stands at its release; None: it is where its first operation is."""
    destination: str | None = None
    """Location to which it is brought in the end; it is done when it is there."""
    order: str | None = None
    """Order that it belongs to, for reports."""


@dataclass(frozen=True, slots=True)
class Staff:
    """``count`` people alike."""

    id: str
    skills: frozenset[str]
    count: int = 1
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle of the fleet; it carries one job at a time."""

    id: str
    kind: str
    at: str
    """Location at which it is free for the first time."""
    free_from: int = 0


@dataclass(frozen=True, slots=True)
class Transport:
    """How jobs come from location to location.

    ``times[kind][origin][destination]`` in ticks by position in ``locations``, -1 where a kind of
    vehicle cannot go; picking up and setting down are included in a loaded trip by ``handling``
    (ticks for both together). Without ``vehicles`` there are always enough of every kind.
    """

    locations: tuple[str, ...]
    times: Mapping[str, tuple[tuple[int, ...], ...]]
    handling: Mapping[str, int] = field(default_factory=dict)
    vehicles: tuple[Vehicle, ...] = ()

    def ticks(self, kind: str, origin: str, destination: str) -> int | None:
        """Return the driving time of a kind between two locations, None where it cannot go."""
        if origin == destination:
            return 0
        found = self.times[kind][self.locations.index(origin)][self.locations.index(destination)]
        return None if found < 0 else found


@dataclass(frozen=True, slots=True)
class Energy:
    """Price per kWh by window (sorted, without holes), and the most power that may be drawn."""

    prices: tuple[tuple[int, int, float], ...] = ()
    """Begin, end, price; outside of them energy costs nothing."""
    cap_kw: float | None = None


@dataclass(frozen=True)
class Problem:
    """Everything that a schedule must respect. Frozen; ids are unique within each kind."""

    machines: tuple[Machine, ...]
    jobs: tuple[Job, ...]
    operations: tuple[Operation, ...]
    calendars: tuple[Calendar, ...] = ()
    setups: tuple[SetupMatrix, ...] = ()
    staff: tuple[Staff, ...] = ()
    tools: Mapping[str, int] = field(default_factory=dict)
    """How many there are of each tool."""
    transport: Transport | None = None
    energy: Energy = Energy()
    tick_s: float = 1.0
    zero: int = 0
    """Plant time of tick 0, in microseconds UTC; 0 where the problem is not of a plant."""

    def __post_init__(self) -> None:
        for kind, ids in (
            ("machine", [m.id for m in self.machines]),
            ("job", [j.id for j in self.jobs]),
            ("operation", [o.id for o in self.operations]),
            ("calendar", [c.id for c in self.calendars]),
            ("set-up matrix", [s.id for s in self.setups]),
            ("staff", [s.id for s in self.staff]),
        ):
            if len(set(ids)) < len(ids):
                twice = next(i for i in ids if ids.count(i) > 1)
                raise PlanError(f"{kind} {twice} stands twice in the problem; ids must be unique")

    @cached_property
    def machines_by_id(self) -> Mapping[str, Machine]:
        """All machines by id."""
        return {machine.id: machine for machine in self.machines}

    @cached_property
    def jobs_by_id(self) -> Mapping[str, Job]:
        """All jobs by id."""
        return {job.id: job for job in self.jobs}

    @cached_property
    def operations_by_id(self) -> Mapping[str, Operation]:
        """All operations by id."""
        return {operation.id: operation for operation in self.operations}

    @cached_property
    def operations_of(self) -> Mapping[str, tuple[Operation, ...]]:
        """The operations of each job, in the order in which they stand in the problem."""
        found: dict[str, list[Operation]] = {job.id: [] for job in self.jobs}
        for operation in self.operations:
            found.setdefault(operation.job, []).append(operation)
        return {job: tuple(listed) for job, listed in found.items()}

    @cached_property
    def calendars_by_id(self) -> Mapping[str, Calendar]:
        """All calendars by id."""
        return {calendar.id: calendar for calendar in self.calendars}

    @cached_property
    def setups_by_id(self) -> Mapping[str, SetupMatrix]:
        """All set-up matrices by id."""
        return {matrix.id: matrix for matrix in self.setups}

    @cached_property
    def is_plain_shop(self) -> bool:
        """Whether it is a flexible job shop and nothing more.

        Linear routings within each job, no set-ups, calendars, people, tools, batches, bounded
        stations, transport or power cap, and nothing fixed: what the compiled tabu search takes.
        """
        last: dict[str, str] = {}
        for operation in self.operations:
            before = last.get(operation.job)
            if operation.predecessors != (() if before is None else (before,)):
                return False
            if operation.fixed is not None or operation.batch is not None:
                return False
            if any(m.tools or m.skill for m in operation.modes):
                return False
            last[operation.job] = operation.id
        return (
            self.transport is None
            and self.energy.cap_kw is None
            and all(
                m.calendar is None and m.setup is None and m.places is None for m in self.machines
            )
        )
