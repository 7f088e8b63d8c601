"""Routes on orders, lots, machines and vehicles as they are now."""

from collections import defaultdict

from fastapi import APIRouter
from pydantic import Field

from genba.operate.api.access import Viewer
from genba.operate.api.moments import Moment
from genba.operate.api.parts import EvidenceShown, Shown
from genba.operate.api.problems import ANSWERS
from genba.operate.api.running import TheCore
from genba.operate.production import TrackedLot
from genba.plan import Lot, LotPhase
from genba.plant import Plant, VehicleKind

router = APIRouter(tags=["production"], responses=ANSWERS)


class OrderNow(Shown):
    """How far an order is."""

    id: str
    product: str
    quantity: int
    release: Moment
    due: Moment
    weight: float
    customer: str
    lots: int = Field(0, description="Lots that it was split into; 0 before its release.")
    lots_done: int = Field(0, description="Of these, delivered or scrapped as a whole.")
    parts_delivered: int = 0


class LotNow(Shown):
    """Where a lot that is not done is, and what it needs next."""

    id: str
    order: str
    product: str
    quantity: int = Field(description="Parts that remain good.")
    phase: LotPhase
    place: str = Field(description="Equipment where it is, or the vehicle that carries it.")
    heading: str | None = Field(description="Where a vehicle was told to take it.")
    operation: str | None = Field(None, description="The next one; null when all are done.")
    due: Moment
    since: Moment | None = Field(description="Since when; null until something read it.")


class MachineNow(Shown):
    """A machine with a job interface, as planning sees it."""

    id: str
    state: int | None = Field(description="PackML state.")
    mode: int | None = Field(description="PackML mode; 4 is set-up.")
    able: bool = Field(description="Whether lots may be sent to it.")
    ready: bool = Field(description="Whether it would take a job now.")
    places: int | None = Field(description="Lots that its station holds.")
    station: list[str] = Field(description="Lots that stand there.")
    work: list[str] = Field(description="Lots that it works on.")
    family: str | None = Field(description="Set-up family that it is set up for.")
    free_at: Moment = Field(description="When its work should end, by planned times.")
    down_since: Moment | None
    evidence: list[EvidenceShown]


class VehicleNow(Shown):
    """A vehicle, as planning sees it."""

    id: str
    kind: VehicleKind
    node: str | None = Field(description="Node that it passed last.")
    free: bool = Field(description="Whether it would take an order now.")
    loads: list[str]
    battery_pct: float | None
    idle_since: Moment | None
    evidence: list[EvidenceShown]


class SituationNow(Shown):
    """What planning would see now."""

    time: Moment
    lots: list[LotNow]
    machines: list[MachineNow]
    vehicles: list[VehicleNow]


@router.get("/orders", summary="All orders that are known, by due date, and how far they are")
async def orders(core: TheCore, caller: Viewer) -> list[OrderNow]:
    lots: dict[str, list[TrackedLot]] = defaultdict(list)
    for lot in core.production.lots.values():
        lots[lot.order.id].append(lot)
    shown = []
    for order in sorted(core.production.orders.values(), key=lambda o: (o.due, o.id)):
        now = OrderNow.model_validate(order)
        done = [lot for lot in lots[order.id] if lot.phase is LotPhase.DONE]
        now.lots, now.lots_done = len(lots[order.id]), len(done)
        now.parts_delivered = sum(lot.quantity for lot in done)
        shown.append(now)
    return shown


@router.get("/situation", summary="Lots, machines and vehicles as planning would see them now")
async def situation(core: TheCore, caller: Viewer) -> SituationNow:
    seen = core.situation()
    shown = SituationNow.model_validate(seen)
    for now, lot in zip(shown.lots, seen.lots, strict=True):
        now.operation = _next_operation(core.plant, lot)
        now.since = lot.since or None
    return shown


def _next_operation(plant: Plant, lot: Lot) -> str | None:
    routing = plant.products_by_id[lot.product].routing
    return routing[lot.step].id if lot.step < len(routing) else None
