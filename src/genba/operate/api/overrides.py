"""Routes by which people take equipment into manual, and give it back."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from genba.errors import PlantError, Refused
from genba.guard import Override
from genba.operate.api.access import Operator, Viewer
from genba.operate.api.auditing import note
from genba.operate.api.moments import Moment
from genba.operate.api.parts import Shown
from genba.operate.api.problems import ANSWERS, BODY, NOT_FOUND, Problem
from genba.operate.api.running import TheCore
from genba.operate.people import Identity, Kind

router = APIRouter(tags=["overrides"], responses=ANSWERS)


class WantedOverride(BaseModel):
    """Equipment, or one setpoint, that somebody takes out of Genba's hands."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    target: str = Field(max_length=200, description="Id of equipment or of a setpoint.")
    reason: str = Field(min_length=1, max_length=500)
    hours: float | None = Field(
        None, gt=0, le=8760, description="It ends by itself then; without it, when released."
    )


class OverrideShown(Shown):
    """What Genba keeps its hands off."""

    target: str
    by: str = Field(description="A person, or 'device' where the machine itself shows it.")
    reason: str
    since: Moment | None
    until: Moment | None = Field(description="Null: until it is released.")


def _shown(override: Override) -> OverrideShown:
    shown = OverrideShown.model_validate(override)
    if not override.since:
        shown.since = None
    return shown


@router.get("/overrides", summary="What is in manual now, taken by people or shown by devices")
async def overrides(core: TheCore, caller: Viewer) -> list[OverrideShown]:
    return [_shown(override) for override in core.manual.all()]


@router.post(
    "/overrides",
    summary="Take equipment or a setpoint into manual: Genba keeps off it at once",
    status_code=201,
    responses={
        **NOT_FOUND,
        **BODY,
        409: {"model": Problem, "description": "Somebody else holds it, and a program asks"},
    },
)
async def take(
    wanted: WantedOverride, request: Request, core: TheCore, caller: Operator
) -> OverrideShown:
    note(request, target=wanted.target, reason=wanted.reason)
    try:
        held = await core.manual.take(
            wanted.target, caller.name, wanted.reason, wanted.hours, program=_program(caller)
        )
    except PlantError as error:
        raise HTTPException(404, str(error)) from None
    except Refused as error:
        raise HTTPException(409, str(error)) from None
    return _shown(held)


@router.delete(
    "/overrides/{target:path}",
    summary="Give equipment or a setpoint back to Genba",
    responses={
        **NOT_FOUND,
        409: {
            "model": Problem,
            "description": "The machine itself shows that it is in manual, or somebody else holds "
            "it, and a program asks",
        },
    },
)
async def release(
    target: Annotated[str, PathParameter(max_length=200)],
    request: Request,
    core: TheCore,
    caller: Operator,
) -> OverrideShown:
    note(request, target=target)
    if all(override.target != target for override in core.manual.all()):
        raise HTTPException(404, f"nobody holds '{target}' in manual")
    try:
        released = await core.manual.release(target, caller.name, program=_program(caller))
    except Refused as error:
        raise HTTPException(409, str(error)) from None
    return _shown(released)


def _program(caller: Identity) -> bool:
    return caller.kind is not Kind.PERSON
