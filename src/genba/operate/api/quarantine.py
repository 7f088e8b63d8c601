"""Routes on what did not fit: look at it, mend it, put it through again, let it go."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

import anyio.to_thread
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from genba.errors import HistorianError, PlantError
from genba.historian import quarantine
from genba.historian.admission import Reason
from genba.historian.correction import Correction
from genba.historian.quarantine import Selection
from genba.operate.api.access import Engineer, Viewer
from genba.operate.api.moments import Asked, Moment
from genba.operate.api.problems import ANSWERS, Problem
from genba.operate.api.running import TheCore
from genba.operate.api.tables import FORMATS, ThePage, read
from genba.plant import DataType

router = APIRouter(prefix="/quarantine", tags=["quarantine"], responses=ANSWERS)
BODY: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body cannot be read"},
    413: {"description": "The body is longer than a megabyte", "content": {"text/plain": {}}},
}
Status = Literal["held", "replayed", "dropped"]
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
Name = Annotated[str, Field(max_length=200)]
AT_ONCE = 10_000
"""Samples that one request puts through again; `more` says whether to ask for the next ones."""
T = TypeVar("T")


class QuarantineRow(BaseModel):
    """A sample that did not fit, whole, and what was done about it.

    ``source_time`` is in microseconds since 1970, null where no 64 bits hold it; ``value`` and
    ``correction`` are JSON text; ``by`` and ``why`` are of the last change.
    """

    id: str
    time: Moment
    sequence: int
    signal: str
    connection: str | None
    source_time: int | None
    receive_time: Moment
    number: int | None
    value: str
    quality: int | None
    reason: Reason
    detail: str
    status: Status
    correction: str | None
    by: str | None
    why: str | None


class QuarantinePage(BaseModel):
    """Samples by the time at which they were set apart; ``next`` is the next page's offset."""

    rows: list[QuarantineRow]
    next: int | None


class QuarantineCount(BaseModel):
    """How many samples of a signal were set apart for a reason."""

    signal: str
    reason: Reason
    status: Status
    samples: int
    first: Moment
    last: Moment


class QuarantineCounts(BaseModel):
    """Counts, largest first; ``next`` is the offset of the next page."""

    rows: list[QuarantineCount]
    next: int | None


class Which(BaseModel):
    """Which samples are meant: those that fit all that is given; only held ones.

    ``everything`` must be true where nothing else is given.
    """

    model_config = ConfigDict(extra="forbid")

    ids: list[Name] = Field(default=[], max_length=1000)
    signals: list[Name] = Field(default=[], max_length=1000)
    reasons: list[Reason] = Field(default=[], max_length=10)
    start: Asked | None = Field(default=None, alias="from")
    end: Asked | None = Field(default=None, alias="to")
    everything: bool = False

    def selection(self) -> Selection:
        """Return the same for the historian; refuse to mean everything by saying nothing."""
        chosen = Selection(self.ids, self.signals, self.reasons, "held", self.start, self.end)
        if chosen.is_everything and not self.everything:
            raise HTTPException(
                422, "say which: ids, signals, reasons, from or to; or 'everything': true"
            )
        return chosen


class WantedCorrection(BaseModel):
    """How to mend samples: type, unit, then ``value * scale + offset``, time, signal."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    scale: float = 1.0
    offset: float = 0.0
    unit_from: str | None = Field(default=None, max_length=40, description="UCUM")
    shift_s: float = Field(default=0.0, description="Seconds added to the source time.")
    as_type: DataType | None = None
    signal: str | None = Field(default=None, max_length=200)


class WantedFix(BaseModel):
    """A correction, and why."""

    model_config = ConfigDict(extra="forbid")

    which: Which
    correction: WantedCorrection
    why: Text


class WantedReplay(BaseModel):
    """What to put through again."""

    model_config = ConfigDict(extra="forbid")

    which: Which
    skip: int = Field(
        default=0, ge=0, description="How many to leave out: those still held after the last call."
    )
    most: int = Field(default=AT_ONCE, ge=1, le=AT_ONCE)


class WantedDrop(BaseModel):
    """What to let go, and why."""

    model_config = ConfigDict(extra="forbid")

    which: Which
    why: Text


class Marked(BaseModel):
    """How many samples it was about."""

    samples: int


class Replay(BaseModel):
    """What came of a replay; ``held`` counts those that still do not fit, by reason.

    ``already`` were in the historian, and were not stored again.
    """

    stored: int
    already: int
    held: dict[Reason, int]
    why: dict[Reason, str] = Field(description="An example for each reason.")
    more: bool


def _selection(
    name: Annotated[list[str] | None, Query(alias="id", max_length=50)] = None,
    signal: Annotated[list[str] | None, Query(max_length=50)] = None,
    reason: Annotated[list[Reason] | None, Query(max_length=10)] = None,
    status: Status | None = None,
    start: Annotated[Asked | None, Query(alias="from")] = None,
    end: Annotated[Asked | None, Query(alias="to")] = None,
) -> Selection:
    if start is not None and end is not None and start >= end:
        raise HTTPException(422, "'from' must be before 'to'")
    return Selection(name or (), signal or (), reason or (), status, start, end)


Asking = Annotated[Selection, Depends(_selection)]


async def _change(question: Callable[[], T]) -> T:
    """Change something in a thread; what is wrong with the request is the caller's to mend."""
    try:
        return await anyio.to_thread.run_sync(question)
    except PlantError as error:
        raise HTTPException(422, str(error)) from None


def _checked(wanted: WantedCorrection, core: TheCore) -> Correction:
    correction = Correction(**wanted.model_dump())
    try:
        correction.check(core.plant.signals)
    except (HistorianError, PlantError) as error:
        raise HTTPException(422, str(error)) from None
    return correction


@router.get(
    "", summary="Samples that did not fit", response_model=QuarantinePage, responses={200: FORMATS}
)
async def listed(
    request: Request, core: TheCore, caller: Viewer, asked: Asking, page: ThePage
) -> Response:
    return await read(request, lambda: page.cut(quarantine.select(core.historian, asked)))


@router.get(
    "/summary",
    summary="How many did not fit, by signal, reason and status",
    response_model=QuarantineCounts,
    responses={200: FORMATS},
)
async def counted(
    request: Request, core: TheCore, caller: Viewer, asked: Asking, page: ThePage
) -> Response:
    return await read(request, lambda: page.cut(quarantine.counts(core.historian, asked)))


@router.post("/fix", summary="Record how samples are to be mended", responses=BODY)
async def fix(wanted: WantedFix, core: TheCore, caller: Engineer) -> Marked:
    correction = _checked(wanted.correction, core)
    selection = wanted.which.selection()
    count = await _change(
        lambda: quarantine.fix(
            core.historian, core.plant.signals, selection, correction, caller.name, wanted.why
        )
    )
    return Marked(samples=count)


@router.post("/replay", summary="Store those that fit now, mended as recorded", responses=BODY)
async def replay(wanted: WantedReplay, core: TheCore, caller: Engineer) -> Replay:
    selection = wanted.which.selection()
    done = await _change(
        lambda: quarantine.replay(
            core.historian,
            core.plant.signals,
            selection,
            caller.name,
            core.clock.now(),
            core.clock.speed,
            skip=wanted.skip,
            most=wanted.most,
        )
    )
    return Replay.model_validate(asdict(done))


@router.post("/drop", summary="Let samples go; they stay in the table", responses=BODY)
async def drop(wanted: WantedDrop, core: TheCore, caller: Engineer) -> Marked:
    selection = wanted.which.selection()
    count = await _change(
        lambda: quarantine.drop(core.historian, selection, caller.name, wanted.why)
    )
    return Marked(samples=count)
