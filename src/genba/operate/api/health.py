"""Routes on how Genba itself does: health for people and scripts, metrics for Prometheus."""

from typing import Literal

from fastapi import APIRouter, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from genba import __version__
from genba.operate.api.access import Viewer
from genba.operate.api.metrics import expose
from genba.operate.api.moments import Moment
from genba.operate.api.problems import ANSWERS
from genba.operate.api.running import TheCore
from genba.operate.runtime import Core
from genba.plant import AlarmPriority, AlarmState, Link

router = APIRouter(tags=["health"], responses=ANSWERS)

Figures = dict[str, int | float | str | None]


class LinkHealth(BaseModel):
    """How the link to one device does."""

    link: Link
    since: Moment
    last_received: Moment | None
    received: int
    reconnects: int
    clock_skew_s: float | None = Field(
        description="The device's clock less Genba's, in wall seconds; null while not known."
    )
    error: str


class AlarmFigures(BaseModel):
    """The alarm system in figures; counts are by priority."""

    counts: dict[AlarmPriority, dict[AlarmState, int]]
    unacknowledged: dict[AlarmPriority, int]
    annunciated: dict[AlarmPriority, int]
    active: int
    shelved: int
    suppressed: int
    out_of_service: int
    chattering: int
    stale: int
    last_10_min: int
    flood: bool


class Reason(BaseModel):
    """One thing that is wrong, and its mend."""

    part: str
    text: str
    mend: str


class Alive(BaseModel):
    """That the core is at work, and whether samples are taken and recorded (``ready``)."""

    ready: bool
    reasons: list[Reason]


class Health(BaseModel):
    """How everything does, from what was measured."""

    plant: str
    version: str
    status: Literal["ok", "degraded"]
    reasons: list[Reason] = Field(description="Why it is not ok; empty where all is well.")
    time: Moment
    connections: dict[str, LinkHealth]
    loop: Figures
    guard: dict[str, int]
    models: Figures
    control: Figures
    alarms: AlarmFigures
    historian: Figures
    disk: Figures
    audit: Figures
    production: Figures


@router.get("/health", summary="How links, loop, guard and historian do")
async def health(core: TheCore, caller: Viewer) -> Health:
    return Health(version=__version__, **core.health())


@router.get(
    "/health/live",
    summary="Whether the execution loop ticks; 503 if not",
)
async def live(core: TheCore, caller: Viewer) -> Alive:
    return _alive(core, needed=core.wellbeing.running)


@router.get(
    "/health/ready",
    summary="Whether samples are taken and recorded too; 503 if not",
)
async def ready(core: TheCore, caller: Viewer) -> Alive:
    return _alive(core, needed=core.wellbeing.running and core.wellbeing.records)


def _alive(core: Core, *, needed: bool) -> Alive:
    reasons = [Reason(**reason) for reason in core.health()["reasons"]]
    if not needed:
        text = "; ".join(f"{reason.part}: {reason.text}" for reason in reasons)
        raise HTTPException(503, text or "the core is not at work")
    return Alive(ready=core.wellbeing.running and core.wellbeing.records, reasons=reasons)


@router.get(
    "/metrics",
    summary="The same as Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def metrics(core: TheCore, caller: Viewer) -> Response:
    return Response(expose(core.health()), media_type=CONTENT_TYPE_LATEST)
