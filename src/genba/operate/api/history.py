"""Routes that give recorded samples: of a period, of an operation, of a lot."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from genba.historian.schema import SAMPLES
from genba.operate.api.access import Viewer
from genba.operate.api.moments import Moment, Period, ThePeriod
from genba.operate.api.problems import ANSWERS, NOT_FOUND
from genba.operate.api.running import TheCore
from genba.operate.api.signals import must_know
from genba.operate.api.tables import FORMATS, Page, ThePage, read
from genba.operate.runtime import Core
from genba.plant import US

router = APIRouter(tags=["history"], responses={**ANSWERS, **NOT_FOUND})

MOST_STEPS = 1_000_000
"""Most values of a grid over all its signals, before it is cut into pages."""

How = Literal["mean", "min", "max", "last", "sum", "count", "time_weighted_mean"]


class SampleRow(BaseModel):
    """A sample as stored. Numbers and booleans stand in ``value``, all else in ``text``."""

    signal: str
    source_time: Moment
    receive_time: Moment
    store_time: Moment
    sequence: int
    value: float | None
    text: str | None
    quality: Literal[0, 1, 2]


class RunRow(SampleRow):
    """A sample within an operation."""

    equipment: str
    lot: str
    operation: str


class GridRow(BaseModel):
    """All samples of one step as one value; steps without samples have no row."""

    signal: str
    time: Moment
    value: float | None
    text: str | None = None


class RollupRow(BaseModel):
    """What the samples of one step amount to; only good, finite numbers count beyond ``count``."""

    signal: str
    time: Moment
    count: int
    good: int
    mean: float | None = Field(description="Time-weighted.")
    min: float | None
    min_time: Moment | None
    max: float | None
    max_time: Moment | None
    first: float | None
    last: float | None
    sum: float | None
    increase: float = Field(description="How far a counter came; where it falls, it began anew.")


class RollupPage(BaseModel):
    """Rollups sorted by signal and time; ``next`` is the offset of the next page."""

    rows: list[RollupRow]
    next: int | None


class SamplePage(BaseModel):
    """Samples sorted by signal and time; ``next`` is the offset of the next page."""

    rows: list[SampleRow] | list[GridRow]
    next: int | None


class RunPage(BaseModel):
    """Samples by operation, signal and time; ``next`` is the offset of the next page."""

    rows: list[RunRow]
    next: int | None


PAGED: dict[int | str, dict[str, Any]] = {200: FORMATS}


@router.get(
    "/history",
    summary="Recorded samples, raw or on a grid",
    response_model=SamplePage,
    responses=PAGED,
)
async def samples(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    signal: Annotated[
        list[str], Query(min_length=1, max_length=50, description="Repeat it for several.")
    ],
    every: Annotated[
        float | None,
        Query(ge=1e-6, le=86_400, description="Grid in seconds; without it, samples as stored."),
    ] = None,
    how: Annotated[How, Query(description="How the samples of a step become one.")] = "mean",
) -> Response:
    must_know(core.plant, signal)
    if every is None:
        return await read(request, lambda: _raw(core, signal, period, page))
    if len(signal) * period.length_s / every > MOST_STEPS:
        raise HTTPException(
            422,
            f"that grid has more than {MOST_STEPS:,} values; shorten the period, widen 'every', "
            "or use `genba historian export`",
        )
    step = round(every * US)
    return await read(
        request,
        lambda: page.cut(core.historian.resample(signal, period.start, period.end, step, how)),
    )


@router.get(
    "/rollups",
    summary="Samples summed up by steps from a full minute on, with extremes and their times",
    response_model=RollupPage,
    responses=PAGED,
)
async def rollups(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    signal: Annotated[
        list[str], Query(min_length=1, max_length=50, description="Repeat it for several.")
    ],
    every: Annotated[
        int, Query(ge=60, le=31_536_000, multiple_of=60, description="Length of a step in seconds.")
    ] = 3600,
) -> Response:
    must_know(core.plant, signal)
    if len(signal) * period.length_s / every > MOST_STEPS:
        raise HTTPException(
            422, f"that gives more than {MOST_STEPS:,} rows; shorten the period or widen 'every'"
        )
    step = every * US
    start = period.start - period.start % (60 * US)
    return await read(
        request,
        lambda: page.cut(core.historian.rollup(signal, start, period.end, step)),
    )


def _raw(core: Core, signals: Sequence[str], period: Period, page: Page) -> Response:
    """Read no more than the page needs, however long the period is."""
    stream = core.historian.stream(signals, period.start, period.end)
    return page.take(stream, SAMPLES.schema)


Names = Annotated[
    list[str] | None,
    Query(
        alias="signal",
        min_length=1,
        max_length=50,
        description="Ids, or short names of signals of the equipment; default: all of them.",
    ),
]


@router.get(
    "/operations/{operation:path}/history",
    summary="Samples within the time of one ended operation",
    response_model=RunPage,
    responses=PAGED,
)
async def of_operation(
    request: Request,
    core: TheCore,
    caller: Viewer,
    page: ThePage,
    operation: str,
    signals: Names = None,
) -> Response:
    def answer() -> Response:
        _must_have_ended(core, "id", operation)
        return page.cut(core.historian.of_operation(operation, signals))

    return await read(request, answer)


@router.get(
    "/lots/{lot:path}/history",
    summary="Samples within all ended operations of one lot",
    response_model=RunPage,
    responses=PAGED,
)
async def of_lot(
    request: Request, core: TheCore, caller: Viewer, page: ThePage, lot: str, signals: Names = None
) -> Response:
    def answer() -> Response:
        _must_have_ended(core, "lot", lot)
        return page.cut(core.historian.of_lot(lot, signals))

    return await read(request, answer)


def _must_have_ended(core: Core, column: str, name: str) -> None:
    equals: dict[str, Any] = {column: name}
    if core.historian.rows("operations", **equals).num_rows == 0:
        what = "operation" if column == "id" else "operation of lot"
        raise HTTPException(404, f"no {what} '{name}' has ended here")
