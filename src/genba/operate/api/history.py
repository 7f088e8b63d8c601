"""Routes that say what the plant showed before, and what was made."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.concurrency import run_in_threadpool

from genba.operate.api.access import Viewer
from genba.operate.api.common import ANSWERS, Problem, TheCore, ThePeriod, rows_of
from genba.plant import US

router = APIRouter(tags=["history"], responses={**ANSWERS, 404: {"model": Problem}})

MOST_ROWS = 100_000

Every = Annotated[
    float | None, Query(gt=0, le=86_400, description="Grid in seconds; without it, raw samples.")
]
How = Annotated[
    Literal["mean", "min", "max", "last", "sum", "count"],
    Query(description="How samples within a step become one."),
]


@router.get("/history", summary="Recorded samples, raw or on a grid")
async def samples(
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    signal: Annotated[list[str], Query(min_length=1, max_length=50)],
    every: Every = None,
    how: How = "mean",
) -> list[dict[str, Any]]:
    for name in signal:
        if name not in core.plant.signals:
            raise HTTPException(404, f"there is no signal '{name}' in this plant")
    if every is None:
        table = await run_in_threadpool(core.historian.samples, signal, period.start, period.end)
    else:
        table = await run_in_threadpool(
            core.historian.resample, signal, period.start, period.end, round(every * US), how
        )
    return _bounded(table)


def _bounded(table: Any) -> list[dict[str, Any]]:
    if table.num_rows > MOST_ROWS:
        raise HTTPException(
            422,
            f"that is {table.num_rows:,} rows, more than {MOST_ROWS:,} in one answer; "
            "shorten the period, give 'every', or use `genba historian export`",
        )
    return rows_of(table)


@router.get("/events", summary="Recorded events")
async def events(
    core: TheCore, caller: Viewer, period: ThePeriod, equipment: str | None = None
) -> list[dict[str, Any]]:
    equals = {} if equipment is None else {"equipment": equipment}
    return _bounded(
        await run_in_threadpool(core.historian.rows, "events", period.start, period.end, **equals)
    )


@router.get("/operations", summary="Operations that ended in the period")
async def operations(
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    equipment: str | None = None,
    lot: str | None = None,
) -> list[dict[str, Any]]:
    equals = {k: v for k, v in (("equipment", equipment), ("lot", lot)) if v is not None}
    return _bounded(
        await run_in_threadpool(
            core.historian.rows, "operations", period.start, period.end, **equals
        )
    )


@router.get("/lots", summary="What happened to lots in the period")
async def lots(
    core: TheCore, caller: Viewer, period: ThePeriod, order: str | None = None
) -> list[dict[str, Any]]:
    equals = {} if order is None else {"order": order}
    return _bounded(
        await run_in_threadpool(core.historian.rows, "lots", period.start, period.end, **equals)
    )
