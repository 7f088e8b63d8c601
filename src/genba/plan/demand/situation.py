"""What planning sees: one frozen picture of orders, lots, machines and vehicles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from genba.plant import Evidence, Order, Proposal, VehicleKind


class LotPhase(StrEnum):
    """What happens to a lot."""

    WAITING = "waiting"
    """Stands at a station or in the store."""
    IN_WORK = "in_work"
    MOVING = "moving"
    """On a vehicle, or a vehicle was told to fetch it."""
    DONE = "done"
    """Delivered, or all of it scrapped."""


@dataclass(frozen=True, slots=True)
class Lot:
    """One lot of an order. ``due`` in microseconds UTC."""

    id: str
    order: str
    product: str
    quantity: int
    """Parts that remain good."""
    step: int
    """Index of the next operation of the routing; its length when all are done."""
    place: str
    """Equipment where it stands or is worked on, or the vehicle that carries it."""
    phase: LotPhase
    due: int
    weight: float = 1.0
    heading: str | None = None
    """Where a vehicle was told to take it."""
    since: int = 0
    """Since when it is where it is (microseconds UTC)."""
    held: bool = False
    """Whether nothing is to be proposed for it now: a command is under way, or one just failed."""


@dataclass(frozen=True, slots=True)
class MachineState:
    """One machine with a job interface."""

    id: str
    state: int | None
    """PackML state, None where it is not known."""
    mode: int | None
    able: bool
    """Whether lots may be sent to it: reachable, not broken down, not in maintenance."""
    ready: bool
    """Whether it would take a job now."""
    places: int | None
    """Lots that its station holds, those in work included; None: without bound."""
    station: tuple[str, ...] = ()
    work: tuple[str, ...] = ()
    family: str | None = None
    """Set-up family it is set up for."""
    free_at: int = 0
    """When its present work should end, by planned times (microseconds UTC)."""
    request: int = 0
    """Highest job number that it has seen."""
    tools: tuple[str, ...] = ()
    """Tools that its present job occupies."""
    down_since: int | None = None
    """Since when it is broken down or silent (microseconds UTC)."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class VehicleState:
    """One vehicle."""

    id: str
    kind: VehicleKind
    node: str | None
    """Node it passed last."""
    free: bool
    """Whether it would take an order now."""
    loads: tuple[str, ...] = ()
    battery_pct: float | None = None
    idle_since: int | None = None
    """Since when it stands without an order (microseconds UTC)."""
    evidence: tuple[Evidence, ...] = ()
    order: "OrderState | None" = None
    """How far it is with its order, where it tells that."""


@dataclass(frozen=True, slots=True)
class OrderState:
    """What a vehicle shows of the VDA 5050 order that it has, or had last."""

    id: str
    update: int
    sequence: int
    """``lastNodeSequenceId``"""
    finished: frozenset[str] = frozenset()
    """Ids of its actions that are finished."""
    over: bool = True
    """Whether no node is left to reach and no action to do."""
    able: bool = True
    """Whether the vehicle can drive: it is in automatic mode."""
    listens: bool = True
    """Whether it can be told something now: it is able, and no command to it is under way."""


@dataclass(frozen=True)
class Situation:
    """Everything that a planner may know. Frozen, made of plain values."""

    time: int
    lots: tuple[Lot, ...] = ()
    machines: tuple[MachineState, ...] = ()
    vehicles: tuple[VehicleState, ...] = ()
    source: str | None = None
    """Storage that raw material comes from."""
    sink: str | None = None
    """Storage that finished goods go to."""
    upcoming: tuple[Order, ...] = ()
    """Orders that are known and not released into lots yet."""
    context: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def lots_by_id(self) -> Mapping[str, Lot]:
        """All lots by id."""
        return {lot.id: lot for lot in self.lots}

    @cached_property
    def machines_by_id(self) -> Mapping[str, MachineState]:
        """All machines by id."""
        return {machine.id: machine for machine in self.machines}


class Planner(Protocol):
    """What a planning step must be. Plug-ins register under the entry point ``genba.planners``.

    ``propose`` may be slow: it runs in a thread of its own, against a deadline. It must not keep
    or change anything of the loop's; what it returns is checked, and judged by the guard.
    """

    name: str

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of decision that it makes now; the plain planner makes the others."""
        ...

    def propose(self, situation: Situation) -> Sequence[Proposal]:
        """Return what should be changed now, most important first."""
        ...
