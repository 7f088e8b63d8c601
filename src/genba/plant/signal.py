"""Signals: what a device shows or takes."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from genba.plant.alarm import SignalAlarms
from genba.plant.ids import Id, Value


class SignalKind(StrEnum):
    """How a signal behaves. Only a setpoint is ever written."""

    MEASUREMENT = "measurement"
    SETPOINT = "setpoint"
    STATE = "state"
    COUNTER = "counter"
    EVENT = "event"


class DataType(StrEnum):
    """The type of a value in plant words; the driver converts from device words."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STRING = "string"
    JSON = "json"


class Role(StrEnum):
    """What a signal means to the execution loop; most signals have none.

    Machine states and modes count as in PackML (ISA-TR88.00.02). The ``job_*`` roles are the
    job interface: lots, operation and quantity are written first, then a new, higher number
    into ``job_request``; the machine answers with the same number in ``job_ack``, and leaves
    ``job_error`` empty or says there why it refused. ``station`` and ``lots`` hold lot ids joined
    by commas: those that wait at the machine, and those that it works on. ``vehicle_*`` roles
    show parts of the VDA 5050 state, and take orders and instant actions as JSON text.
    """

    STATE = "state"
    MODE = "mode"
    LOTS = "lots"
    STATION = "station"
    GOOD_COUNT = "good_count"
    SCRAP_COUNT = "scrap_count"
    REWORK_COUNT = "rework_count"
    ENERGY = "energy"
    HEARTBEAT = "heartbeat"
    JOB_LOTS = "job_lots"
    JOB_OPERATION = "job_operation"
    JOB_QUANTITY = "job_quantity"
    JOB_REQUEST = "job_request"
    JOB_ACK = "job_ack"
    JOB_ERROR = "job_error"
    PART = "part"
    ORDER_RELEASED = "order_released"
    VEHICLE_ORDER = "vehicle_order"
    VEHICLE_ORDER_ID = "vehicle_order_id"
    VEHICLE_ORDER_UPDATE = "vehicle_order_update"
    VEHICLE_INSTANT_ACTIONS = "vehicle_instant_actions"
    VEHICLE_NODE = "vehicle_node"
    VEHICLE_SEQUENCE = "vehicle_sequence"
    VEHICLE_NODES_LEFT = "vehicle_nodes_left"
    VEHICLE_ACTIONS = "vehicle_actions"
    VEHICLE_LOADS = "vehicle_loads"
    VEHICLE_MODE = "vehicle_mode"
    VEHICLE_BATTERY = "vehicle_battery"
    VEHICLE_ERRORS = "vehicle_errors"
    PEOPLE_IN_ZONE = "people_in_zone"
    AMBIENT = "ambient"


class Range(Value):
    """The physically possible values, both ends included, in the signal's unit."""

    low: float
    high: float


class Limits(Value):
    """Alarm limits, in the signal's unit. Any may be left out."""

    low_low: float | None = None
    low: float | None = None
    high: float | None = None
    high_high: float | None = None


class Signal(Value):
    """One value that a device shows or takes.

    ``id`` is ``<equipment>.<name>``; in ``plant.yaml`` the short name is enough.
    ``scale`` and ``offset`` turn the device's number into the plant's:
    ``value = raw * scale + offset``.
    """

    id: Id
    equipment: Id
    connection: Id
    address: str
    kind: SignalKind = SignalKind.MEASUREMENT
    type: DataType = DataType.FLOAT
    unit: str = "1"
    name: str = ""
    role: Role | None = None
    range: Range | None = None
    limits: Limits | None = None
    alarms: SignalAlarms = SignalAlarms()
    """How the alarms on its limits, its rate and its age behave."""
    max_rate: Annotated[float, Field(gt=0)] | None = None
    """Fastest change, in units per second; faster is a finding, or for setpoints a refusal."""
    sample_s: Annotated[float, Field(gt=0)] = 1.0
    fresh_s: Annotated[float, Field(gt=0)] | None = None
    """Oldest value that may be decided on; default 5 times ``sample_s``, at least 5 s."""
    deadband: Annotated[float, Field(ge=0)] = 0.0
    retention: Id | None = None
    """Class that says how long its samples are kept; default the last class that fits."""
    scale: float = 1.0
    offset: float = 0.0

    @property
    def freshness_s(self) -> float:
        """Age in seconds beyond which a value must not be decided on."""
        return self.fresh_s if self.fresh_s is not None else max(5.0, 5.0 * self.sample_s)

    @property
    def writable(self) -> bool:
        """Whether the guard may let a command through to it at all."""
        return self.kind is SignalKind.SETPOINT
