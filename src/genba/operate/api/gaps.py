"""Routes on what was never received: the gap ledger."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from genba.historian.gap_report import summary
from genba.operate.api.access import Viewer
from genba.operate.api.moments import Moment, ThePeriod
from genba.operate.api.problems import ANSWERS, NOT_FOUND
from genba.operate.api.running import TheCore
from genba.operate.api.signals import must_know
from genba.operate.api.tables import FORMATS, ThePage, read
from genba.plant import GapReason, Recovery

router = APIRouter(tags=["gaps"], responses={**ANSWERS, **NOT_FOUND, 200: FORMATS})

Signals = Annotated[
    list[str] | None,
    Query(max_length=50, description="Only these; repeat it for several. Default: all."),
]


class GapRow(BaseModel):
    """A span in which a signal was not received; ``end`` is null while it lasts.

    ``recovered`` counts samples that came after all, where that is known.
    """

    signal: str
    connection: str
    start: Moment
    end: Moment | None
    reason: GapReason
    detail: str
    recovery: Recovery
    recovered: int
    id: str


class GapPage(BaseModel):
    """Gaps that touch the period, by start; ``next`` is the offset of the next page."""

    rows: list[GapRow]
    next: int | None


class GapSum(BaseModel):
    """All gaps of a signal in a period, in seconds; ``partly_s``: some of it came after all."""

    signal: str
    gaps: int
    open: bool
    total_s: float
    recovered_s: float
    partly_s: float
    missing_s: float
    recovered: int


class GapSumPage(BaseModel):
    """Sums by signal; ``next`` is the offset of the next page."""

    rows: list[GapSum]
    next: int | None


def _known(core: TheCore, signals: list[str] | None) -> list[str] | None:
    must_know(core.plant, signals or ())
    return signals or None


@router.get("/gaps", summary="What was never received, and why", response_model=GapPage)
async def gaps(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    signal: Signals = None,
    open_only: Annotated[bool, Query(alias="open", description="Only those that last.")] = False,
) -> Response:
    names = _known(core, signal)
    return await read(
        request,
        lambda: page.cut(core.historian.gaps(names, period.start, period.end, open_only=open_only)),
    )


@router.get("/gaps/summary", summary="Gaps summed up by signal", response_model=GapSumPage)
async def sums(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    signal: Signals = None,
) -> Response:
    names = _known(core, signal)

    def answer() -> Response:
        found = core.historian.gaps(names, period.start, period.end)
        return page.cut(summary(found, period.start, min(period.end, core.clock.now())))

    return await read(request, answer)
