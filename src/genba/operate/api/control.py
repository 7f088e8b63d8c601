"""Routes on set-point control: who drives each process and why, and its switches."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from genba.errors import ControlError, Refused
from genba.operate.api.access import Engineer, Operator, Viewer
from genba.operate.api.auditing import note
from genba.operate.api.moments import Moment
from genba.operate.api.parts import Shown
from genba.operate.api.problems import ANSWERS, BODY, NOT_FOUND, Problem
from genba.operate.api.running import TheCore
from genba.operate.driven import Came, Driven, Driver
from genba.operate.runtime import Core
from genba.plant import Autonomy

router = APIRouter(tags=["control"], responses=ANSWERS)

ProcessPath = Annotated[
    str,
    PathParameter(max_length=200, description="The process, or a machine that has one alone."),
]
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "The process is not driven now"}
}


class WantedExperiment(BaseModel):
    """For how long set-points may be moved a little in order to learn."""

    model_config = ConfigDict(extra="forbid")

    steps: int = Field(40, ge=2, le=1000, description="Steps of the process.")


class ExpectedShown(Shown):
    """What is, or was, expected of an output."""

    name: str
    unit: str
    stays: float = Field(description="If nothing had been changed.")
    chosen: float
    low: float = Field(description="Low end of the 95% interval.")
    high: float
    came: float | None = Field(default=None, description="What was measured when it was time.")


class ControlShown(Shown):
    """Who drives one process."""

    process: str
    equipment: str
    on: bool
    by: str = Field(description="Who switched it last; empty: the plant file says so.")
    level: Autonomy = Field(description="Of 'setpoint' on the equipment.")
    driver: Driver
    since: Moment
    why: str
    model: str = Field(description="Short digest of what was learned; empty while nothing was.")
    about: str = Field(description="What is proved of it, or why nothing is.")
    plain: dict[str, float] = Field(description="The plain controller's own set-points.")
    in_force: dict[str, float]
    advised: dict[str, float] = Field(description="The last set-points that were advised only.")
    experiment: str
    expected: list[ExpectedShown] = Field(description="Of the last set-points, still to be seen.")
    came: list[ExpectedShown] = Field(description="Expected before, beside what came.")
    checked: int = Field(description="Expectations that were seen so far.")
    within: int = Field(description="How many of them came within their 95% interval.")
    relearned: str = Field(description="What came of learning it anew by itself, last.")
    relearned_at: Moment | None = Field(description="When that began.")


def _shown(core: Core, one: Driven) -> ControlShown:
    expected = one.effects if one.expected_at else ()
    return ControlShown(
        process=one.process.id,
        equipment=one.process.equipment,
        on=one.on,
        by=one.by,
        level=core.set_points.level(one),
        driver=one.driver,
        since=one.since,
        why=one.why,
        model=one.model,
        about=one.about,
        plain=one.handover.plain or one.plain,
        in_force=one.handover.in_force,
        advised={name: float(value) for name, value in one.advised.items()},
        experiment=one.tried,
        expected=[ExpectedShown.model_validate(effect) for effect in expected],
        came=[_came(pair) for pair in one.came],
        checked=one.checked,
        within=one.within,
        relearned=one.relearned,
        relearned_at=one.relearned_at or None,
    )


def _came(pair: Came) -> ExpectedShown:
    shown = ExpectedShown.model_validate(pair.effect)
    shown.came = pair.came
    return shown


@router.get("/control", summary="Who drives each controlled process, since when and why")
async def control(core: TheCore, caller: Viewer) -> list[ControlShown]:
    return [_shown(core, one) for one in core.set_points.driven.values()]


@router.post(
    "/control/{process}/run",
    summary="Switch control of a process on, at the level that the plant file gives",
    responses=NOT_FOUND,
)
async def run(
    process: ProcessPath, request: Request, core: TheCore, caller: Operator
) -> ControlShown:
    note(request, process=process)
    try:
        return _shown(core, core.set_points.run(process, caller.name))
    except ControlError as error:
        raise HTTPException(404, str(error)) from None


@router.post(
    "/control/{process}/stop",
    summary="Switch control of a process off: its own set-points come back step by step",
    responses=NOT_FOUND,
)
async def stop(
    process: ProcessPath, request: Request, core: TheCore, caller: Operator
) -> ControlShown:
    note(request, process=process)
    try:
        return _shown(core, core.set_points.stop(process, caller.name))
    except ControlError as error:
        raise HTTPException(404, str(error)) from None


@router.post(
    "/control/{process}/experiment",
    summary="Let set-points be moved a little in order to learn, where the plant file allows it",
    status_code=202,
    responses={**NOT_FOUND, **BODY, **CONFLICT},
)
async def experiment(
    process: ProcessPath,
    wanted: WantedExperiment,
    request: Request,
    core: TheCore,
    caller: Engineer,
) -> ControlShown:
    note(request, process=process, steps=wanted.steps)
    try:
        core.set_points.named(process)
    except ControlError as error:
        raise HTTPException(404, str(error)) from None
    try:
        return _shown(core, core.set_points.experiment(process, wanted.steps, caller.name))
    except Refused as error:
        raise HTTPException(403, str(error)) from None
    except ControlError as error:
        raise HTTPException(409, str(error)) from None
