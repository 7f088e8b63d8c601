"""Route that gives the plant's KPIs (ISO 22400-2)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool

from genba.assess import kpi_report
from genba.operate.api.access import Viewer
from genba.operate.api.common import ANSWERS, TheCore, ThePeriod

router = APIRouter(tags=["KPIs"], responses=ANSWERS)


@router.get("/kpis", summary="Elements and KPIs of ISO 22400-2; undefined ones are null")
async def kpis(
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    by: Annotated[Literal["equipment", "product", "order", "shift"], Query()] = "equipment",
) -> dict[str, Any]:
    report = await run_in_threadpool(
        kpi_report, core.historian, core.plant, period.start, period.end, by=by
    )
    return report.to_json()
