"""What to do next: jobs for machines, moves for vehicles. Plain values in, proposals out."""

from genba.plan.dispatch import EarliestDueDate
from genba.plan.lots import split_order
from genba.plan.situation import (
    Lot,
    LotPhase,
    MachineState,
    Planner,
    Situation,
    VehicleState,
)

__all__ = [
    "EarliestDueDate",
    "Lot",
    "LotPhase",
    "MachineState",
    "Planner",
    "Situation",
    "VehicleState",
    "split_order",
]
