"""Route that gives the plant's KPIs (ISO 22400-2)."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from genba.assess import kpi_report
from genba.operate.api.access import Viewer
from genba.operate.api.moments import Moment, ThePeriod
from genba.operate.api.problems import ANSWERS
from genba.operate.api.running import TheCore
from genba.operate.api.tables import read

router = APIRouter(tags=["KPIs"], responses=ANSWERS)

LONGEST_DAYS = 31


class KpiDefinition(BaseModel):
    """How a KPI is computed, and where that is written."""

    id: str
    name: str
    formula: str
    unit: str
    source: str
    elements: list[str]


class TouchedByGaps(BaseModel):
    """What rests on signals that were not received for a while, and those with seconds missing."""

    elements: list[str]
    kpis: list[str]
    signals: dict[str, float]


class KpiGroup(BaseModel):
    """One machine, product, order or shift, or the sum of all; undefined is null."""

    key: str
    elements: dict[str, float | None]
    kpis: dict[str, float | None]
    flags: list[str]
    touched_by_gaps: TouchedByGaps


class Kpis(BaseModel):
    """All groups of a period, the sum last."""

    plant: str
    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    by: Literal["equipment", "product", "order", "shift"]
    currency: str
    definitions: list[KpiDefinition]
    rows: list[KpiGroup]


@router.get(
    "/kpis",
    summary="Elements and KPIs of ISO 22400-2; undefined ones are null",
    response_model=Kpis,
)
async def kpis(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    by: Annotated[Literal["equipment", "product", "order", "shift"], Query()] = "equipment",
) -> Response:
    if period.length_s > LONGEST_DAYS * 86_400:
        raise HTTPException(
            422, f"that is more than {LONGEST_DAYS} days; use `genba kpi`, which computes elsewhere"
        )

    def answer() -> Response:
        report = kpi_report(core.historian, core.plant, period.start, period.end, by=by)
        text = json.dumps(report.to_json(), allow_nan=False)
        return Response(text, media_type="application/json")

    return await read(request, answer)
