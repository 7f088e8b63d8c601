"""Routes that say what the plant shows now."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from genba.operate.api.access import Viewer
from genba.operate.api.common import ANSWERS, Problem, TheCore
from genba.plant import Plant, Sample, Scalar, format_time

router = APIRouter(tags=["live"], responses={**ANSWERS, 404: {"model": Problem}})


class LiveValue(BaseModel):
    """The newest sample of a signal."""

    signal: str
    time: str
    value: Scalar
    quality: int
    unit: str


def _show(plant: Plant, sample: Sample) -> LiveValue:
    signal = plant.signals.get(sample.signal)
    return LiveValue(
        signal=sample.signal,
        time=format_time(sample.source_time),
        value=sample.value,
        quality=int(sample.quality),
        unit=signal.unit if signal else "1",
    )


Signals = Annotated[
    list[str] | None, Query(alias="signal", description="Only these signals; repeat for several.")
]


def _check(plant: Plant, signals: list[str] | None) -> frozenset[str] | None:
    for signal in signals or ():
        if signal not in plant.signals:
            raise HTTPException(404, f"there is no signal '{signal}' in this plant")
    return frozenset(signals) if signals else None


@router.get("/live", summary="Newest value of each signal")
def snapshot(core: TheCore, caller: Viewer, signal: Signals = None) -> list[LiveValue]:
    wanted = _check(core.plant, signal)
    return [
        _show(core.plant, sample)
        for sample in core.live.snapshot().values()
        if wanted is None or sample.signal in wanted
    ]


@router.get(
    "/live/stream",
    summary="Changes as server-sent events, one message per tick",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def stream(core: TheCore, caller: Viewer, signal: Signals = None) -> StreamingResponse:
    wanted = _check(core.plant, signal)

    async def messages() -> AsyncIterator[str]:
        async for tick, samples in core.subscribe_ticks():
            changed = [
                [s.signal, s.source_time, s.value, int(s.quality)]
                for s in samples
                if wanted is None or s.signal in wanted
            ]
            body = json.dumps({"time": format_time(tick), "values": changed}, allow_nan=False)
            yield f"event: tick\nid: {tick}\ndata: {body}\n\n"

    return StreamingResponse(
        messages(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )
