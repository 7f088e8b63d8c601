"""The vocabulary: what a plant is made of, as typed and validated values.

Everything that crosses from one room to another is one of these values, an Arrow table or an id.
"""

from genba.plant.alarm import (
    AlarmPriority,
    AlarmRule,
    AlarmSetting,
    AlarmState,
    SignalAlarms,
    priority_of,
)
from genba.plant.alarm_rules import settings_of
from genba.plant.calendar import Break, Calendar, Day, Shift
from genba.plant.check import check_plant
from genba.plant.clock import (
    US,
    AcceleratedClock,
    Clock,
    SystemClock,
    VirtualClock,
    format_time,
    parse_clock,
    parse_time,
)
from genba.plant.condition import ConditionEvent
from genba.plant.decision import (
    Approval,
    Command,
    Decision,
    Evidence,
    Finding,
    Outcome,
    Proposal,
    Severity,
    Verdict,
    Write,
)
from genba.plant.device import BrowseEntry, Health, Link
from genba.plant.energy import Tariff
from genba.plant.equipment import Connection, Equipment, Level, PackMLMode, PackMLState
from genba.plant.gap import Gap, GapReason, Recovery
from genba.plant.kwh_price import KwhPrice
from genba.plant.load import Examined, examine, load_plant
from genba.plant.logistics import Edge, Layout, Node, Vehicle, VehicleKind
from genba.plant.model import Plant
from genba.plant.planning import LoadCost, PlanningSettings
from genba.plant.problem import Problem, Weight
from genba.plant.process import Choice, Kept, Process, ProcessObjective, Wish
from genba.plant.product import (
    Alternative,
    Operation,
    Order,
    Person,
    Product,
    SetupFamily,
    SetupTime,
    Tool,
)
from genba.plant.retention import RecordsRetention, Retention, RetentionClass, Storage
from genba.plant.safety import Autonomy, AutonomyRule, CriticalRule, Interlock
from genba.plant.sample import Quality, Sample, Scalar
from genba.plant.signal import DataType, Limits, Range, Role, Signal, SignalKind
from genba.plant.uplink import Uplink

__all__ = [
    "US",
    "AcceleratedClock",
    "AlarmPriority",
    "AlarmRule",
    "AlarmSetting",
    "AlarmState",
    "Alternative",
    "Approval",
    "Autonomy",
    "AutonomyRule",
    "Break",
    "BrowseEntry",
    "Calendar",
    "Choice",
    "Clock",
    "Command",
    "ConditionEvent",
    "Connection",
    "CriticalRule",
    "DataType",
    "Day",
    "Decision",
    "Edge",
    "Equipment",
    "Evidence",
    "Examined",
    "Finding",
    "Gap",
    "GapReason",
    "Health",
    "Interlock",
    "Kept",
    "KwhPrice",
    "Layout",
    "Level",
    "Limits",
    "Link",
    "LoadCost",
    "Node",
    "Operation",
    "Order",
    "Outcome",
    "PackMLMode",
    "PackMLState",
    "Person",
    "PlanningSettings",
    "Plant",
    "Problem",
    "Process",
    "ProcessObjective",
    "Product",
    "Proposal",
    "Quality",
    "Range",
    "RecordsRetention",
    "Recovery",
    "Retention",
    "RetentionClass",
    "Role",
    "Sample",
    "Scalar",
    "SetupFamily",
    "SetupTime",
    "Severity",
    "Shift",
    "Signal",
    "SignalAlarms",
    "SignalKind",
    "Storage",
    "SystemClock",
    "Tariff",
    "Tool",
    "Uplink",
    "Vehicle",
    "VehicleKind",
    "Verdict",
    "VirtualClock",
    "Weight",
    "Wish",
    "Write",
    "check_plant",
    "examine",
    "format_time",
    "load_plant",
    "parse_clock",
    "parse_time",
    "priority_of",
    "settings_of",
]
