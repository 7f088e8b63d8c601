"""What the plant would do: a line model that is fast, calibrated, and kept in step.

The simulation itself is compiled, so :func:`futures` and :func:`what_if` are loaded when they are
first asked for.
"""

from typing import TYPE_CHECKING, Any

from genba.twin.asking import parse_change
from genba.twin.build import build_line
from genba.twin.changes import (
    Change,
    ExtraHours,
    LotsScaled,
    MachineAdded,
    MachineDown,
    MachineSpeed,
    MorePeople,
    OrderLate,
    RushOrder,
    VehicleAdded,
    VehicleRemoved,
)
from genba.twin.line import Line
from genba.twin.policy import Outage, PlannedJob, Schedule
from genba.twin.state import (
    LotPhase,
    LotState,
    MachineNow,
    State,
    VehicleNow,
    restore,
    snapshot,
    state_of_orders,
)

if TYPE_CHECKING:
    from genba.twin.future import Futures, futures
    from genba.twin.happening import Event, happenings
    from genba.twin.later import state_after
    from genba.twin.whatif import Comparison, what_if

_LATE = {
    "Comparison": "whatif",
    "Event": "happening",
    "Futures": "future",
    "futures": "future",
    "happenings": "happening",
    "state_after": "later",
    "what_if": "whatif",
}

__all__ = [
    "Change",
    "Comparison",
    "Event",
    "ExtraHours",
    "Futures",
    "Line",
    "LotPhase",
    "LotState",
    "LotsScaled",
    "MachineAdded",
    "MachineDown",
    "MachineNow",
    "MachineSpeed",
    "MorePeople",
    "OrderLate",
    "Outage",
    "PlannedJob",
    "RushOrder",
    "Schedule",
    "State",
    "VehicleAdded",
    "VehicleNow",
    "VehicleRemoved",
    "build_line",
    "futures",
    "happenings",
    "parse_change",
    "restore",
    "snapshot",
    "state_after",
    "state_of_orders",
    "what_if",
]


def __getattr__(name: str) -> Any:
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module(f"genba.twin.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
