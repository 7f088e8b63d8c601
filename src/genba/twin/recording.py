"""What calibration takes from the historian, as plain values. Read by :mod:`genba.twin.record`.

Times are microseconds UTC, spans ``[start, end)``; durations are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from genba.plant import US, Plant
from genba.twin.renewal import Spans
from genba.twin.trace import Trace


class Activity(StrEnum):
    """What a machine does, from its PackML state and mode."""

    RUN = "run"
    """EXECUTE in production mode."""
    SETUP = "setup"
    """EXECUTE in set-up mode."""
    WAIT = "wait"
    """SUSPENDED: it waits for somebody or something outside of it."""
    HELD = "held"
    """Stopped in a job by something at the machine: a person in the zone, a hand on the button."""
    SERVICE = "service"
    """Maintenance mode, waiting for whoever does it included."""
    DOWN = "down"
    """ABORTING and ABORTED, waiting for whoever repairs it included."""
    CHANGE = "change"
    """STARTING, COMPLETING, COMPLETE, RESETTING, CLEARING: taking a job up and letting it go."""
    IDLE = "idle"
    OFF = "off"
    """STOPPED, STOPPING."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One activity of one machine, from when to when, with the energy that it took."""

    start: int
    end: int
    activity: Activity
    kwh: float = 0.0

    @property
    def length_s(self) -> float:
        """How long it lasted."""
        return (self.end - self.start) / US


@dataclass(frozen=True, slots=True)
class Job:
    """What a machine did with one lot, or with the lots of one batch."""

    machine: str
    product: str
    """Of the first lot."""
    operation: str
    lots: tuple[str, ...]
    start: int
    end: int
    parts: int
    """That went in."""
    good: int
    scrap: int
    rework: int
    planned_setup_s: float
    batch: bool
    spent_s: Mapping[Activity, float]
    """Seconds by activity from start to end."""
    run_kwh: float
    spoiled: int = 0
    """Parts scrapped at the moment of a breakdown."""


@dataclass(frozen=True, slots=True)
class Booked:
    """One operation of one lot, as booked when it ended."""

    lot: str
    operation: str
    machine: str
    start: int
    end: int
    parts: int
    """That went in."""
    good: int
    scrap: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """One time that a machine or vehicle stood still."""

    unit: str
    start: int
    end: int
    activity: Activity
    working_s: float
    """Of it within the working time of who mends it."""
    spoiled: int = 0


@dataclass(frozen=True, slots=True)
class Trip:
    """One transport order that was carried out: fetch a lot, bring it elsewhere.

    Locations are stations, or nodes without one.
    """

    vehicle: str
    lot: str | None
    origin: str
    pick_at: str
    drop_at: str
    ordered: int
    picking: int
    picked: int
    dropping: int
    dropped: int

    @property
    def empty_s(self) -> float:
        """Driving time to the lot."""
        return (self.picking - self.ordered) / US

    @property
    def loaded_s(self) -> float:
        """Driving time with the lot."""
        return (self.dropping - self.picked) / US

    @property
    def handling_s(self) -> tuple[float, float]:
        """Picking up, setting down."""
        return (self.picked - self.picking) / US, (self.dropped - self.dropping) / US


@dataclass(frozen=True, slots=True)
class Arrival:
    """One order as it came, and when the material of its lots was there."""

    order: str
    product: str
    quantity: int
    release: int
    due: int
    weight: float
    announced: int | None
    """When the order desk announced it; None: it was known beforehand."""
    lots: tuple[tuple[str, int, int], ...]
    """Id, parts, and when a scanner first saw it (or it was begun)."""

    @property
    def late_s(self) -> float:
        """How much later than the release the material of its first lot was there."""
        return max(0.0, (min(there for _, _, there in self.lots) - self.release) / US)


@dataclass(frozen=True, slots=True)
class Done:
    """A lot that was delivered, or of which nothing was left."""

    lot: str
    order: str
    product: str
    parts: int
    time: int


@dataclass(frozen=True)
class Recording:
    """One period of a plant, as recorded."""

    plant: Plant
    start: int
    end: int
    pieces: Mapping[str, tuple[Piece, ...]]
    """By machine, over the period."""
    jobs: tuple[Job, ...]
    """Whose begin and end lie in the period."""
    stops: tuple[Stopped, ...]
    """That ended in the period."""
    running: Mapping[tuple[str, Activity], Spans]
    """Running time between stops of a kind, by machine; driving time, by vehicle."""
    trips: tuple[Trip, ...]
    failed_trips: int
    arrivals: tuple[Arrival, ...]
    """Every order whose lots were there before the end and not all done before the start."""
    done: tuple[Done, ...]
    """Until the end; also before the start."""
    booked: tuple[Booked, ...]
    """By the ends; until the end, also before the start."""
    waits_s: Mapping[str, tuple[float, ...]]
    """By machine: from a lot's arrival there until it is begun."""
    traces: Mapping[str, Trace] = field(default_factory=dict)
    """What it was read from, by signal; for the state at a moment."""

    @cached_property
    def output(self) -> int:
        """Parts delivered in the period."""
        return sum(d.parts for d in self.done if self.start <= d.time < self.end)

    def seconds(self, machine: str) -> Mapping[Activity, float]:
        """Return how long a machine spent on what."""
        total = dict.fromkeys(Activity, 0.0)
        for piece in self.pieces.get(machine, ()):
            total[piece.activity] += piece.length_s
        return total

    def energy_kwh(self, machine: str) -> Mapping[Activity, float]:
        """Return what energy a machine took for what."""
        total = dict.fromkeys(Activity, 0.0)
        for piece in self.pieces.get(machine, ()):
            total[piece.activity] += piece.kwh
        return total
