"""The plant: everything that the operating system is told about it."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from genba.plant.alarm import AlarmRule
from genba.plant.calendar import Calendar
from genba.plant.energy import Tariff
from genba.plant.equipment import Connection, Equipment
from genba.plant.ids import Id, Value
from genba.plant.logistics import Layout, Vehicle
from genba.plant.planning import PlanningSettings
from genba.plant.process import Process
from genba.plant.product import Order, Person, Product, SetupFamily, SetupTime, Tool
from genba.plant.retention import Retention, Storage
from genba.plant.safety import Autonomy, AutonomyRule, CriticalRule, Interlock
from genba.plant.signal import Role, Signal
from genba.plant.uplink import Uplink


class Plant(Value):
    """One plant, as ``plant.yaml`` describes it. Load it with :func:`genba.plant.load_plant`."""

    genba: Literal[1] = 1
    """Version of the file format."""
    id: Id
    name: str = ""
    timezone: str = "UTC"
    currency: str = "EUR"
    tick_s: Annotated[float, Field(gt=0)] = 1.0
    """Period of the execution loop, in plant seconds."""
    connections: tuple[Connection, ...] = ()
    equipment: tuple[Equipment, ...] = ()
    products: tuple[Product, ...] = ()
    setup_families: tuple[SetupFamily, ...] = ()
    setup_times: tuple[SetupTime, ...] = ()
    tools: tuple[Tool, ...] = ()
    skills: tuple[Id, ...] = ()
    people: tuple[Person, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()
    layout: Layout = Layout()
    tariffs: tuple[Tariff, ...] = ()
    orders: tuple[Order, ...] = ()
    interlocks: tuple[Interlock, ...] = ()
    autonomy: tuple[AutonomyRule, ...] = ()
    critical: tuple[CriticalRule, ...] = ()
    manual_hold_s: Annotated[float, Field(gt=0)] = 1800.0
    """How long Genba keeps off a setpoint that was changed at the machine, in plant seconds."""
    alarms: tuple[AlarmRule, ...] = ()
    planning: PlanningSettings = PlanningSettings()
    processes: tuple[Process, ...] = ()
    uplinks: tuple[Uplink, ...] = ()
    retention: Retention = Retention()
    storage: Storage = Storage()

    @cached_property
    def signals(self) -> Mapping[str, Signal]:
        """All signals by full id."""
        return {s.id: s for e in self.equipment for s in e.signals}

    @cached_property
    def roles(self) -> Mapping[tuple[str, Role], Signal]:
        """The signal that plays a role on a piece of equipment."""
        return {(s.equipment, s.role): s for s in self.signals.values() if s.role is not None}

    @cached_property
    def equipment_by_id(self) -> Mapping[str, Equipment]:
        """All equipment by id."""
        return {e.id: e for e in self.equipment}

    @cached_property
    def products_by_id(self) -> Mapping[str, Product]:
        """All products by id."""
        return {p.id: p for p in self.products}

    @cached_property
    def vehicles_by_id(self) -> Mapping[str, Vehicle]:
        """All vehicles by id."""
        return {v.id: v for v in self.vehicles}

    def autonomy_level(self, equipment: str, kind: str) -> Autonomy:
        """Level for a decision of ``kind`` on ``equipment``; ``advise`` where no rule fits."""
        level = Autonomy.ADVISE
        for rule in self.autonomy:
            if fnmatchcase(equipment, rule.equipment) and fnmatchcase(kind, rule.kind):
                level = rule.level
        return level

    def people_needed(self, equipment: str, kind: str, signal: str) -> int:
        """How many people must say yes to a decision on a signal; 0 where it is not critical."""
        return max(
            (
                rule.people
                for rule in self.critical
                if fnmatchcase(equipment, rule.equipment)
                and fnmatchcase(kind, rule.kind)
                and any(fnmatchcase(signal, pattern) for pattern in rule.signals)
            ),
            default=0,
        )
