"""The line as plain values: machines, products and their ways, crew, tools, vehicles, prices.

Built from the plant file by :func:`genba.twin.build_line`; calibration returns one with other
distributions (``dataclasses.replace``). Times in seconds, power in kW; moments in microseconds UTC.
What is on the line at a moment (lots, states) is no part of it: see :mod:`genba.twin.state`.

The model is that of a flow of lots through stations with bounded places, sequence-dependent
set-ups, failures by running time, shared people and tools, batches, and a fleet (Law, *Simulation
Modeling and Analysis*, 5th ed., 2015; Hopp and Spearman, *Factory Physics*, 3rd ed., 2008).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from genba.errors import TwinError
from genba.plant import Calendar
from genba.twin.distribution import AS_PLANNED, NO_TIME, Distribution
from genba.twin.rules import FAMILY_WINDOW_S

Window = tuple[int, int]
"""Begin, included, and end, not included, in microseconds UTC."""


class Stop(StrEnum):
    """Why a machine does not work although it could."""

    BREAKDOWN = "breakdown"
    """Its repair begins as soon as somebody with the skill comes."""
    SERVICE = "service"
    """Planned: it begins when the present part (or batch) is finished."""


@dataclass(frozen=True, slots=True)
class Stoppage:
    """Something that stops a machine or vehicle again and again, by its running time."""

    every_s: Distribution
    """Running time (driving time of a vehicle) from the last one to the next."""
    duration_s: Distribution
    """Working time of whoever ends it, without the time until somebody comes."""
    kind: Stop = Stop.BREAKDOWN
    skill: str | None = None
    """Skill of whoever ends it; None: it ends by itself."""
    spoils: float = 0.0
    """Mean number of parts (of batches) in work that are lost."""


@dataclass(frozen=True, slots=True)
class Power:
    """Mean electrical power in kW by what the machine does. Waiting and blocked count as idle."""

    off: float = 0.0
    idle: float = 0.0
    setup: float = 0.0
    run: float = 0.0
    down: float = 0.0


@dataclass(frozen=True)
class Machine:
    """One work unit: it does one job (one lot, or one batch) at a time."""

    id: str
    calendar: str | None = None
    """None: always open."""
    places: int | None = None
    """Lots that its station holds, those in work included; None: without bound."""
    setups: Mapping[tuple[str | None, str], float] = field(default_factory=dict)
    """Planned seconds to change over, by (before, after); missing: 0."""
    setup_factor: Distribution = AS_PLANNED
    """Real set-up time over planned."""
    stoppages: tuple[Stoppage, ...] = ()
    power: Power = Power()
    hourly_cost: float = 0.0
    """Per hour of planned busy time, without energy."""
    families: tuple[str, ...] = ()
    """Set-up families that it can be set up for."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one machine does one operation.

    The run time of a job of ``n`` parts is
    ``overhead + factor * cycle_s * (n + part_cv * sqrt(n) * z)`` with a standard normal ``z``;
    of a batch, ``overhead + factor * cycle_s * (1 + part_cv * z)``.
    """

    machine: str
    cycle_s: float
    """Planned run time per part, per batch where the operation is one."""
    factor: Distribution = AS_PLANNED
    """Real run time over planned, drawn once per job."""
    part_cv: float = 0.0
    """Coefficient of variation from part to part within a job."""
    overhead_s: Distribution = NO_TIME
    """Per job: take it up, measure, let go. No part of the run time that wears."""
    family: str | None = None
    tools: tuple[str, ...] = ()
    """One of each is occupied from the begin of the set-up to the end of the job."""
    skill: str | None = None
    """Skill of whoever sets up."""
    scrap: float = 0.0
    """Probability that a part is scrapped in this operation."""
    run_kw: float | None = None
    """Power while it runs this; None: as the machine's ``power.run``."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a routing."""

    operation: str
    ways: tuple[Way, ...]
    batch_parts: int | None = None
    """Most parts that are treated together; None: no batch."""


@dataclass(frozen=True, slots=True)
class Product:
    """What is made."""

    id: str
    lot_size: int
    steps: tuple[Step, ...]
    material_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Crew:
    """``count`` people alike."""

    id: str
    skills: frozenset[str]
    count: int = 1
    calendar: str | None = None
    hourly_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle; it carries one lot at a time."""

    id: str
    kind: str
    handling_s: Distribution
    """To pick up, or to set down, one load."""
    home: str | None = None
    """Location where it waits."""
    stoppages: tuple[Stoppage, ...] = ()


@dataclass(frozen=True, slots=True)
class Travel:
    """Driving times between locations (stations, and the homes of vehicles)."""

    locations: tuple[str, ...] = ()
    times: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    """Seconds by vehicle id, then origin and destination by position in ``locations``; negative
    where it cannot go."""
    factor: Distribution = AS_PLANNED
    """Real driving time over that of a free way: starts, curves, other vehicles."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Price per kWh by local hour of the day."""

    timezone: str = "UTC"
    price_per_kwh: tuple[float, ...] = (0.0,) * 24


@dataclass(frozen=True)
class Line:
    """Everything that the twin knows of a plant. Frozen; ids are unique within each kind."""

    id: str
    machines: tuple[Machine, ...]
    products: tuple[Product, ...]
    crews: tuple[Crew, ...] = ()
    tools: Mapping[str, int] = field(default_factory=dict)
    """How many there are of each tool."""
    vehicles: tuple[Vehicle, ...] = ()
    travel: Travel = Travel()
    source: str | None = None
    """Location where lots are released; None: at the machine that does their first step."""
    sink: str | None = None
    """Location where finished lots are delivered."""
    calendars: tuple[Calendar, ...] = ()
    extra: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    """Working time on top of the shifts, by calendar."""
    tariff: Tariff = Tariff()
    currency: str = "EUR"
    family_window_s: float = FAMILY_WINDOW_S
    """A lot due at most this much later than the most urgent one goes first if it needs no set-up.
    """

    def __post_init__(self) -> None:
        for kind, ids in (
            ("machine", [m.id for m in self.machines]),
            ("product", [p.id for p in self.products]),
            ("crew", [c.id for c in self.crews]),
            ("vehicle", [v.id for v in self.vehicles]),
        ):
            if len(set(ids)) < len(ids):
                twice = next(i for i in ids if ids.count(i) > 1)
                raise TwinError(f"{kind} {twice} stands twice in the line; ids must be unique")
        known = {m.id for m in self.machines}
        for product in self.products:
            for step in product.steps:
                for way in step.ways:
                    if way.machine not in known:
                        raise TwinError(
                            f"{product.id}/{step.operation} is done on '{way.machine}', which the "
                            "line has not; add the machine or drop the way"
                        )

    @cached_property
    def machines_by_id(self) -> Mapping[str, Machine]:
        """All machines by id."""
        return {machine.id: machine for machine in self.machines}

    @cached_property
    def products_by_id(self) -> Mapping[str, Product]:
        """All products by id."""
        return {product.id: product for product in self.products}

    @cached_property
    def vehicles_by_id(self) -> Mapping[str, Vehicle]:
        """All vehicles by id."""
        return {vehicle.id: vehicle for vehicle in self.vehicles}

    @cached_property
    def ways(self) -> Mapping[tuple[str, str, str], Way]:
        """All ways by (product, operation, machine)."""
        return {
            (product.id, step.operation, way.machine): way
            for product in self.products
            for step in product.steps
            for way in step.ways
        }

    def with_machines(self, changed: Mapping[str, Machine]) -> "Line":
        """Return the line with other machines in place of those of the same id."""
        return replace(self, machines=tuple(changed.get(m.id, m) for m in self.machines))

    def with_ways(self, changed: Mapping[tuple[str, str, str], Way]) -> "Line":
        """Return the line with other ways, by (product, operation, machine)."""
        products = tuple(
            replace(
                product,
                steps=tuple(
                    replace(
                        step,
                        ways=tuple(
                            changed.get((product.id, step.operation, way.machine), way)
                            for way in step.ways
                        ),
                    )
                    for step in product.steps
                ),
            )
            for product in self.products
        )
        return replace(self, products=products)

    def with_vehicles(self, changed: Mapping[str, Vehicle]) -> "Line":
        """Return the line with other vehicles in place of those of the same id."""
        return replace(self, vehicles=tuple(changed.get(v.id, v) for v in self.vehicles))
