"""What the plant would do: a line model that is fast, calibrated, and kept in step.

The simulation itself is compiled, so :func:`futures` and :func:`what_if` are loaded when they are
first asked for.
"""

from typing import TYPE_CHECKING, Any

from genba.twin.build import build_line
from genba.twin.line import Line
from genba.twin.policy import PlannedJob, Schedule
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

_LATE = {"Futures": "future", "futures": "future"}

__all__ = [
    "Futures",
    "Line",
    "LotPhase",
    "LotState",
    "MachineNow",
    "PlannedJob",
    "Schedule",
    "State",
    "VehicleNow",
    "build_line",
    "futures",
    "restore",
    "snapshot",
    "state_of_orders",
]


def __getattr__(name: str) -> Any:
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module(f"genba.twin.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
