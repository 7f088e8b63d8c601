"""What to do next: jobs for machines, moves for vehicles. Plain values in, proposals out.

A :class:`Problem` says what there is to schedule; :func:`solve` makes a :class:`Plan` of it,
:func:`examine` says what cannot be planned, :func:`violations` checks any plan by itself.
"""

from genba.plan.checks.examine import examine
from genba.plan.checks.validate import violations
from genba.plan.demand.lots import split_order
from genba.plan.demand.situation import (
    Lot,
    LotPhase,
    MachineState,
    OrderState,
    Planner,
    Situation,
    VehicleState,
)
from genba.plan.floor.dispatch import EarliestDueDate
from genba.plan.objective import MAKESPAN, Goal, Objective
from genba.plan.problem import (
    Attendance,
    Calendar,
    Energy,
    Fixed,
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    SetupMatrix,
    Staff,
    Transport,
    Vehicle,
)
from genba.plan.schedule import Assignment, LeftOut, Leg, Plan, Status
from genba.plan.solve import solve
from genba.plan.values import values_of

__all__ = [
    "MAKESPAN",
    "Assignment",
    "Attendance",
    "Calendar",
    "EarliestDueDate",
    "Energy",
    "Fixed",
    "Goal",
    "Job",
    "LeftOut",
    "Leg",
    "Lot",
    "LotPhase",
    "Machine",
    "MachineState",
    "Mode",
    "Objective",
    "Operation",
    "OrderState",
    "Plan",
    "Planner",
    "Problem",
    "SetupMatrix",
    "Situation",
    "Staff",
    "Status",
    "Transport",
    "Vehicle",
    "VehicleState",
    "examine",
    "solve",
    "split_order",
    "values_of",
    "violations",
]
