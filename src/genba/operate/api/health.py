"""Routes on how Genba itself does: health for people and scripts, metrics for Prometheus."""

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from genba.operate.api.access import Viewer
from genba.operate.api.common import ANSWERS, TheCore
from genba.operate.api.metrics import expose

router = APIRouter(tags=["health"], responses=ANSWERS)


@router.get("/health", summary="How links, loop, guard and historian do")
def health(core: TheCore, caller: Viewer) -> dict[str, Any]:
    return core.health()


@router.get(
    "/metrics",
    summary="The same as Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def metrics(core: TheCore, caller: Viewer) -> Response:
    return Response(expose(core.health()), media_type=CONTENT_TYPE_LATEST)
