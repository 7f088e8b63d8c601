"""``physics.yaml``: what only the testbed knows, as validated values."""

from typing import Annotated, Literal

from pydantic import Field

from genba.plant.clock import Time
from genba.plant.ids import Id, Value
from genba.testbed.unit import ClimateParameters, MaterialParameters, ProcessParameters

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Breakdowns(Value):
    """Wear-out after Weibull: hazard ``k/l (t/l)^(k-1)`` per running hour, times stress."""

    shape: Positive = 1.6
    scale_h: Positive = 40.0
    repair_median_min: Positive = 18.0
    repair_sigma: NotNegative = 0.6
    skill: Id = "maintenance"


class Service(Value):
    """Planned maintenance by the calendar, as the maker asks for it."""

    every_h: Positive
    """Running hours between two services."""
    duration_min: Positive


class Inspection(Value):
    """Sampling inspection as the plant does it today."""

    every: Annotated[int, Field(ge=1)] = 5
    """One of so many parts is gauged; the setpoint ``inspect_every`` changes it."""
    duration_s: NotNegative = 15.0
    """Time for which gauging holds the machine up."""
    tightened: Annotated[int, Field(ge=0)] = 3
    """After a bad part all are gauged until so many in a row are good."""


class MachinePhysics(Value):
    """One machine."""

    process: ProcessParameters
    breakdowns: Breakdowns | None = Breakdowns()
    service: Service | None = None
    inspection: Inspection | None = None
    setup_sigma: NotNegative = 0.15
    """Spread (of the logarithm) of set-up times about the planned ones."""
    complete_s: Positive = 3.0
    """How long the machine shows COMPLETE before it resets by itself."""
    reset_s: Positive = 2.0
    """How long resetting takes, after a job, a repair or a night."""
    max_rework: Annotated[int, Field(ge=0)] = 1
    batch_wait_min: NotNegative = 25.0
    """Conventional controller: longest wait of a lot for a fuller batch."""
    history_h: NotNegative = 0.0
    """How long the device itself keeps history; 0: it keeps none."""


class RobotZone(Value):
    """People who walk into a robot's zone."""

    visits_per_h: NotNegative = 0.4
    stay_median_s: Positive = 45.0
    stay_sigma: NotNegative = 0.5
    protective_stop: bool = True
    """Whether the certified hardware stops the robot. Off only to test that the monitor counts."""


class VehiclePhysics(Value):
    """Vehicles of one kind."""

    acceleration_m_s2: Positive = 0.5
    drive_kw: NotNegative = 0.22
    idle_kw: NotNegative = 0.04
    handling_kw: NotNegative = 0.35
    charge_kw: NotNegative = 1.2
    breakdowns: Breakdowns | None = Breakdowns(
        shape=1.2, scale_h=60.0, repair_median_min=8.0, repair_sigma=0.5
    )
    pick_patience_s: Positive = 600.0
    """How long a pick waits for its load before it fails."""
    drop_patience_s: Positive = 120.0
    """How long a drop waits for a free place before it fails."""
    park_after_s: Positive = 20.0
    """Idle time after which the vehicle drives home by itself, and charges there."""


class RushOrders(Value):
    """Orders that come in during the shift."""

    per_day: NotNegative = 3.0
    quantity_lots: Positive = 0.75
    due_h: Positive = 9.0
    weight: Positive = 4.0


class LateMaterial(Value):
    """Material that comes after the order's release."""

    probability: Probability = 0.08
    delay_median_h: Positive = 1.2
    delay_sigma: NotNegative = 0.6


class Crew(Value):
    """How people differ from plan: factor on set-up and repair times, new each shift."""

    pace_sigma: NotNegative = 0.1


class Event(Value):
    """A scripted disturbance."""

    at: Time | None = None
    after_s: NotNegative | None = None
    """Seconds after the start of the simulation, where ``at`` is not given."""
    kind: Literal[
        "breakdown", "person_in_zone", "late_material", "rush_order", "vehicle_down", "slow_crew"
    ]
    target: Id
    """Machine, vehicle, order, product or skill that it strikes."""
    duration_s: Positive | None = None
    quantity: Annotated[int, Field(ge=1)] | None = None
    due_h: Positive | None = None
    factor: Positive | None = None


class Scenario(Value):
    """A scenario file: disturbances that come at set times, beside the random ones."""

    name: str = ""
    random: bool = True
    """Whether the random disturbances of ``physics.yaml`` still come."""
    events: tuple[Event, ...] = ()


class Physics(Value):
    """The hidden half of the plant."""

    testbed: Literal[1] = 1
    """Version of the file format."""
    seed: int = 1
    heartbeat_timeout_s: Positive = 300.0
    """Age of the last heartbeat at which machines fall back to the conventional controller."""
    base_load_kw: NotNegative = 12.0
    """Light, compressed air, offices."""
    machines: dict[Id, MachinePhysics]
    recipes: dict[str, dict[str, float]] = Field(default_factory=dict)
    """What the drawing asks of a product at an operation: ``<product>/<operation>``."""
    zones: dict[Id, RobotZone] = Field(default_factory=dict)
    vehicles: dict[Literal["amr", "hoist"], VehiclePhysics] = Field(default_factory=dict)
    climate: ClimateParameters = ClimateParameters()
    material: MaterialParameters = MaterialParameters()
    rush_orders: RushOrders | None = RushOrders()
    late_material: LateMaterial | None = LateMaterial()
    crew: Crew = Crew()
    family_window_h: NotNegative = 2.0
    """Conventional dispatching: lots due within this of the earliest count as equally urgent, and
    the one without a set-up goes first."""
