"""The seam between the plant's frame and the physics of one machine: :class:`UnitProcess`.

The frame (:mod:`genba.testbed.machine`) keeps what all machines share: PackML states, jobs, lots,
set-up, people, breakdowns, counters. A unit process keeps what is its own: how long a part takes at
the present setpoints, what becomes of it, what power is drawn, what sensors show, what wears.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

Number = bool | int | float


@dataclass(slots=True)
class Part:
    """One part as it really is. Nothing outside the testbed sees ``features``."""

    serial: str
    product: str
    features: dict[str, float] = field(default_factory=dict)
    """Hidden truth by name, in the unit the name ends with (``bore_error_um``, ``hardness_hrc``,
    ``shrinkage_pct`` ...). Each process reads what earlier ones left and adds its own. The frame
    puts the material lot's properties in when the part is born, as ``material_<property>``."""
    defects: list[str] = field(default_factory=list)
    """Names of what makes the part bad, in the order in which it went wrong; empty: conforming.
    A process that works a part again first takes its own names away."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a machine was told to make. A new object for each job."""

    lots: tuple[str, ...]
    product: str
    operation: str
    planned_cycle_s: float
    """Planned time per part (per batch for batch processes), from the routing."""
    family: str | None
    """Set-up family."""
    recipe: Mapping[str, float]
    """Parameters of this product at this operation, from ``physics.yaml`` ``recipes``
    (depth of cut, wall thickness, case depth ...), the same for every machine of the kind."""


@dataclass(slots=True)
class Surroundings:
    """What is around all machines at this second. One object, changed in place by the frame."""

    now: int = 0
    """Microseconds UTC."""
    hour: float = 0.0
    """Local hour of the day, 0 to 24."""
    hall_c: float = 21.0
    humidity_pct: float = 45.0


class Phase(IntEnum):
    """What the frame lets the process do in this second."""

    OFF = 0
    """Outside the machine's calendar, or switched off: standby power only."""
    IDLE = 1
    SETUP = 2
    RUN = 3
    """A part (or batch) is in work: the only phase in which a cycle advances."""
    PAUSED = 4
    """Held or suspended with a part in work; motion has stopped."""
    DOWN = 5
    """Broken down."""
    MAINTENANCE = 6


@dataclass(frozen=True, slots=True)
class Setpoint:
    """A value that the machine takes."""

    initial: Number
    low: float
    high: float
    """Hard envelope: outside of it the machine itself, or a person, may come to harm. The device
    takes the value all the same (many do); the safety monitor counts it."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one part in one cycle."""

    part: Part
    conforming: bool
    """The truth. Whether anybody notices depends on inspection, which is the frame's."""
    reworkable: bool = False
    """Whether the same machine can mend it by another cycle."""
    measurements: Mapping[str, float] = field(default_factory=dict)
    """What gauges and sensors recorded of this part, with their errors; short signal-like names
    with units (``bore_error_um``). The frame publishes them with the part when it is inspected."""
    trace: Mapping[str, float] = field(default_factory=dict)
    """What the machine records of every part without a gauge (``peak_pressure_bar``)."""
    detected: bool = False
    """True where the machine itself finds out for every part (a tester): no inspection needed."""
    passed: bool | None = None
    """What the machine's own check of every part says, false calls included (a conforming part may
    fail, a bad one may pass); ``None`` where it has no such check. Where it is set, the frame goes
    by it and not by ``conforming``."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Planned work that the machine's own counter asks for, between two cycles."""

    kind: str
    duration_s: float
    cost: float = 0.0
    """Of spares, in the plant's currency."""


class UnitProcess(Protocol):
    """The physics of one machine. Plain Python numbers only: this runs a billion times.

    Built by :func:`genba.testbed.unit.build_process` from validated parameters (a pydantic
    :class:`~genba.plant.ids.Value` with ``kind: Literal[...]``; their union is
    ``genba.testbed.unit.ProcessParameters``, discriminated by ``kind``) and one
    :class:`~genba.testbed.randomness.Stream` of its own. Calls come in this order: ``write`` and
    ``tick`` at any second; ``start_job``, then for each part or batch ``begin``, seconds of
    ``tick`` with ``Phase.RUN`` (perhaps with others between) until ``done``, then ``finish``;
    at last ``end_job``. ``abort`` in place of ``finish`` when the cycle is lost.
    """

    power_kw: float
    """Electric power of the last second."""
    motion_m_s: float
    """Fastest motion of the last second that a person in the zone could be hit by (a robot's tool
    center point); 0 for enclosed machines."""

    @property
    def setpoints(self) -> Mapping[str, Setpoint]:
        """By short signal name (``spindle_speed``). Fixed for the life of the process."""
        ...

    def write(self, name: str, value: Number) -> None:
        """Take a setpoint; the frame keeps the value for reading back."""
        ...

    def start_job(self, job: Job) -> None:
        """Set-up has ended. Fixed recipes of the product apply until setpoints are written."""
        ...

    def recipe_setpoints(self, job: Job) -> Mapping[str, Number]:
        """Setpoints that the conventional fixed recipe prescribes for this job (may be none).

        The frame writes them when the job's set-up begins, as an operator loads a program.
        """
        ...

    def begin(self, parts: Sequence[Part], around: Surroundings) -> None:
        """Start a cycle on one part, or on a batch where the process is one."""
        ...

    def tick(self, dt_s: float, phase: Phase, around: Surroundings) -> None:
        """One second passes. Set ``power_kw``, move temperatures and wear, advance the cycle."""
        ...

    @property
    def done(self) -> bool:
        """Whether the cycle that was begun is complete."""
        ...

    def finish(self, around: Surroundings) -> Sequence[Made]:
        """End the cycle: change the parts' hidden features, and say what became of each."""
        ...

    def abort(self) -> Sequence[Part]:
        """Lose the cycle (a breakdown inside it).

        Returns the parts that are spoiled by that; the others can run again.
        """
        ...

    def end_job(self) -> None:
        """The job is complete or was ended."""
        ...

    def readings(self) -> Mapping[str, Number]:
        """What the sensors show now, with their noise, by short signal name.

        Called every few seconds. Names that ``plant.yaml`` does not list are not published; power
        and energy are the frame's to show.
        """
        ...

    def stress(self) -> float:
        """Factor on the breakdown hazard from load and wear; 1 as designed."""
        ...

    def maintenance_due(self) -> Maintenance | None:
        """Planned work that is due by the machine's own counter (tool life, plan of the maker)."""
        ...

    def maintain(self, kind: str) -> None:
        """Planned work or a repair (``repair``) was done: reset what it resets."""
        ...

    def hazards(self) -> Sequence[str]:
        """What is physically unsafe in this second, in a few words each; normally empty."""
        ...

    def truth(self) -> Mapping[str, float]:
        """Hidden state for the ledger and for tests (wear, drift). Never published."""
        ...


class ClimateModel(Protocol):
    """The hall's air. Built by ``build_climate(parameters, stream)``."""

    power_kw: float
    """Electric power of heating and ventilation in the last second."""

    def tick(self, dt_s: float, around: Surroundings, heat_kw: float) -> None:
        """One second passes while machines give off ``heat_kw``; sets the air in ``around``."""
        ...

    def readings(self) -> Mapping[str, Number]:
        """What the climate sensors show (``temperature``, ``humidity``)."""
        ...


class MaterialModel(Protocol):
    """Supplier lots of raw material. Built by ``build_material(parameters, stream)``."""

    def features(self, product: str, now: int) -> Mapping[str, float]:
        """Hidden properties for a part of ``product`` born now, as ``material_<property>``.

        The supplier lot changes now and then, and with it the properties.
        """
        ...


class Cycle:
    """Counts a cycle down in whole ticks, and carries fractions over so that averages are right."""

    __slots__ = ("_carry_s", "remaining_s", "running")

    def __init__(self) -> None:
        self.remaining_s = 0.0
        self._carry_s = 0.0
        self.running = False

    def begin(self, duration_s: float) -> None:
        """Start a cycle of this length."""
        self.remaining_s = duration_s + self._carry_s
        self.running = True

    def advance(self, dt_s: float) -> None:
        """Let time pass."""
        self.remaining_s -= dt_s

    @property
    def done(self) -> bool:
        """Whether the time is over (within half a second)."""
        return self.running and self.remaining_s <= 0.5

    def end(self) -> None:
        """Close a cycle that is done, or drop one that is not."""
        self._carry_s = self.remaining_s if self.done else 0.0
        self.running = False
