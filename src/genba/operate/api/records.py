"""Routes that give recorded events, operations and lots."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from genba.operate.api.access import Viewer
from genba.operate.api.moments import Moment, ThePeriod
from genba.operate.api.problems import ANSWERS
from genba.operate.api.running import TheCore
from genba.operate.api.tables import FORMATS, ThePage, read

router = APIRouter(tags=["records"], responses={**ANSWERS, 200: FORMATS})


class EventRow(BaseModel):
    """Something that happened."""

    id: str
    time: Moment
    sequence: int
    equipment: str | None
    kind: str
    severity: Literal["info", "warning", "critical"]
    text: str
    data: Any


class EventPage(BaseModel):
    """Events, oldest first; ``next`` is the offset of the next page."""

    rows: list[EventRow]
    next: int | None


class OperationRow(BaseModel):
    """One run of a lot on a machine; ``time`` is its end."""

    id: str
    time: Moment
    sequence: int
    lot: str
    order: str
    product: str
    operation: str
    equipment: str
    start: Moment
    end: Moment
    setup_s: float | None
    planned_cycle_s: float | None
    planned_setup_s: float | None
    quantity: int
    good: int | None
    scrap: int | None
    rework: int | None
    energy_kwh: float | None


class OperationPage(BaseModel):
    """Operations by their end, oldest first; ``next`` is the offset of the next page."""

    rows: list[OperationRow]
    next: int | None


class LotRow(BaseModel):
    """One change in the life of a lot."""

    id: str
    time: Moment
    sequence: int
    lot: str
    order: str
    product: str
    quantity: int
    status: Literal["released", "started", "finished", "scrapped"]
    location: str


class LotPage(BaseModel):
    """Changes of lots, oldest first; ``next`` is the offset of the next page."""

    rows: list[LotRow]
    next: int | None


Name = Annotated[str | None, Query(max_length=200)]


def _given(**asked: str | None) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value is not None}


@router.get("/events", summary="Recorded events", response_model=EventPage)
async def events(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    equipment: Name = None,
    kind: Name = None,
    severity: Literal["info", "warning", "critical"] | None = None,
) -> Response:
    equals = _given(equipment=equipment, kind=kind, severity=severity)
    return await read(
        request, lambda: page.cut(core.historian.rows("events", period.start, period.end, **equals))
    )


@router.get("/operations", summary="Operations that ended", response_model=OperationPage)
async def operations(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    equipment: Name = None,
    lot: Name = None,
    order: Name = None,
    product: Name = None,
) -> Response:
    equals = _given(equipment=equipment, lot=lot, order=order, product=product)
    return await read(
        request,
        lambda: page.cut(core.historian.rows("operations", period.start, period.end, **equals)),
    )


@router.get("/lots", summary="What happened to lots", response_model=LotPage)
async def lots(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    lot: Name = None,
    order: Name = None,
    status: Literal["released", "started", "finished", "scrapped"] | None = None,
) -> Response:
    equals = _given(lot=lot, order=order, status=status)
    return await read(
        request, lambda: page.cut(core.historian.rows("lots", period.start, period.end, **equals))
    )
