"""Routes that say what the plant shows now."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from genba.operate.api.access import Viewer
from genba.operate.api.alarm_shown import AlarmShown, shown
from genba.operate.api.finite import finite
from genba.operate.api.moments import Moment
from genba.operate.api.problems import ANSWERS, NOT_FOUND
from genba.operate.api.running import TheCore
from genba.operate.api.signals import must_know
from genba.operate.api.streams import CountedStream
from genba.operate.people import Identities
from genba.plant import Plant, Sample, Scalar, format_time

router = APIRouter(prefix="/live", tags=["live"], responses={**ANSWERS, **NOT_FOUND})

T = TypeVar("T")


class LiveValue(BaseModel):
    """The newest sample of a signal. A value that is not finite is null."""

    signal: str
    time: Moment
    value: Scalar
    quality: int
    unit: str


Signals = Annotated[
    list[str] | None,
    Query(alias="signal", max_length=1000, description="Only these; repeat it for several."),
]


def _check(plant: Plant, signals: list[str] | None) -> frozenset[str] | None:
    must_know(plant, signals or ())
    return frozenset(signals) if signals else None


@router.get("", summary="Newest value of each signal; signals without any yet are absent")
async def snapshot(core: TheCore, caller: Viewer, signal: Signals = None) -> list[LiveValue]:
    wanted = _check(core.plant, signal)
    return [
        LiveValue(
            signal=sample.signal,
            time=sample.source_time,
            value=finite(sample.value),
            quality=int(sample.quality),
            unit=core.plant.signals[sample.signal].unit,
        )
        for sample in core.live.snapshot().values()
        if wanted is None or sample.signal in wanted
    ]


@router.get(
    "/stream",
    summary="Changes as server-sent events, one message per tick, while session or token holds",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "Events `tick`: first all newest values, then what changed. "
            "Events `alarms`: the alarms that changed, as GET /alarms shows them",
        }
    },
)
async def stream(
    request: Request, core: TheCore, caller: Viewer, signal: Signals = None
) -> StreamingResponse:
    wanted = _check(core.plant, signal)
    state = request.app.state
    identities: Identities = state.identities

    async def messages() -> AsyncIterator[str]:
        cursor = 0
        async for tick, samples in _until(state.closing, core.subscribe_ticks()):
            if not identities.still(caller):  # logged out, revoked, disabled, over
                return
            chosen = [s for s in samples if wanted is None or s.signal in wanted]
            yield _message(tick, chosen)
            cursor, changed = core.alarms.changed_since(cursor)
            if changed:
                yield _alarms(tick, [shown(core, alarm) for alarm in changed])

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return CountedStream(messages(), state.streams, caller, headers)


def _message(tick: int, samples: list[Sample]) -> str:
    values = [
        {
            "signal": sample.signal,
            "time": format_time(sample.source_time),
            "value": finite(sample.value),
            "quality": int(sample.quality),
        }
        for sample in samples
    ]
    body = json.dumps({"time": format_time(tick), "values": values}, allow_nan=False)
    return f"event: tick\nid: {tick}\ndata: {body}\n\n"


def _alarms(tick: int, changed: list[AlarmShown]) -> str:
    alarms = [alarm.model_dump(mode="json") for alarm in changed]
    body = json.dumps({"time": format_time(tick), "alarms": alarms}, allow_nan=False)
    return f"event: alarms\nid: {tick}\ndata: {body}\n\n"


async def _until(closing: asyncio.Event, source: AsyncIterator[T]) -> AsyncIterator[T]:
    """Pass on what ``source`` yields until ``closing`` is set."""
    closed = asyncio.ensure_future(closing.wait())
    following: asyncio.Future[T] | None = None
    try:
        while not closing.is_set():
            following = asyncio.ensure_future(anext(source))
            await asyncio.wait({following, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                return
            try:
                yield following.result()
            except StopAsyncIteration:
                return
    finally:
        closed.cancel()
        if following is not None:
            following.cancel()
