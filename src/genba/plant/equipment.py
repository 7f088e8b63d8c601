"""Equipment, after ISA-95: site, area, work center, work unit. And how it is reached."""

from enum import IntEnum, StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from genba.plant.ids import Id, Value
from genba.plant.signal import Signal


class Level(StrEnum):
    """Role-based equipment hierarchy (IEC 62264-1)."""

    SITE = "site"
    AREA = "area"
    WORK_CENTER = "work_center"
    WORK_UNIT = "work_unit"


class PackMLState(IntEnum):
    """Machine states (ISA-TR88.00.02-2022, table 1)."""

    CLEARING = 1
    STOPPED = 2
    STARTING = 3
    IDLE = 4
    SUSPENDED = 5
    EXECUTE = 6
    STOPPING = 7
    ABORTING = 8
    ABORTED = 9
    HOLDING = 10
    HELD = 11
    UNHOLDING = 12
    SUSPENDING = 13
    UNSUSPENDING = 14
    RESETTING = 15
    COMPLETING = 16
    COMPLETE = 17


class PackMLMode(IntEnum):
    """Unit modes: 1 to 3 of PackML, 4 user-defined for set-up (ISO 22400-2 needs it apart)."""

    PRODUCTION = 1
    MAINTENANCE = 2
    MANUAL = 3
    SETUP = 4


class Connection(Value):
    """One device endpoint. Credentials are named here and kept elsewhere, never written here."""

    id: Id
    driver: str
    """``opcua``, ``modbus``, ``vda5050``, ``sparkplug``, ``replay``, or what a package brings."""
    url: str
    credentials: Id | None = None
    """Name under which user and password are found in the environment or the credentials file."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Driver settings; each driver checks its own and refuses what it does not know."""


class Equipment(Value):
    """A place in the hierarchy; a work unit has signals."""

    id: Id
    name: str = ""
    level: Level = Level.WORK_UNIT
    kind: str = ""
    """Sort of machine in plain words: ``injection_press``, ``vehicle``, ``storage`` ..."""
    parent: Id | None = None
    calendar: Id | None = None
    connection: Id | None = None
    """Default connection of its signals."""
    hourly_cost: Annotated[float, Field(ge=0)] = 0.0
    """Cost of an hour of planned busy time, in the plant's currency, without energy."""
    input_buffer_lots: Annotated[int, Field(ge=0)] | None = None
    signals: tuple[Signal, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _complete_signals(cls, data: Any) -> Any:
        """Let signals be written short: prefix their ids, fill in equipment and connection."""
        if not isinstance(data, dict) or not isinstance(data.get("signals"), list | tuple):
            return data
        owner, connection = data.get("id"), data.get("connection")
        signals: list[Any] = []
        for entry in data["signals"]:
            if isinstance(entry, dict) and isinstance(entry.get("id"), str):
                short = entry["id"]
                full = short if short.startswith(f"{owner}.") else f"{owner}.{short}"
                filled = {"equipment": owner, **entry, "id": full}
                if connection is not None:
                    filled.setdefault("connection", connection)
                signals.append(filled)
            else:
                signals.append(entry)
        return {**data, "signals": signals}
