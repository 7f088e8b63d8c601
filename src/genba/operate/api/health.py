"""Routes on how Genba itself does: health for people and scripts, metrics for Prometheus."""

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from genba import __version__
from genba.operate.api.access import Viewer
from genba.operate.api.metrics import expose
from genba.operate.api.moments import Moment
from genba.operate.api.problems import ANSWERS
from genba.operate.api.running import TheCore
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


class Health(BaseModel):
    """How everything does, from what was measured."""

    plant: str
    version: str
    status: Literal["ok", "degraded"]
    time: Moment
    connections: dict[str, LinkHealth]
    loop: Figures
    guard: dict[str, int]
    alarms: AlarmFigures
    historian: Figures
    audit: Figures
    production: Figures


@router.get("/health", summary="How links, loop, guard and historian do")
async def health(core: TheCore, caller: Viewer) -> Health:
    return Health(version=__version__, **core.health())


@router.get(
    "/metrics",
    summary="The same as Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def metrics(core: TheCore, caller: Viewer) -> Response:
    return Response(expose(core.health()), media_type=CONTENT_TYPE_LATEST)
