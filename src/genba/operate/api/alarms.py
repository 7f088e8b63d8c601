"""Routes on alarms: what stands, what to do about it, and what people did (ISA-18.2)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from genba.assess import AlarmRates, alarm_rates
from genba.operate.alarms import Alarm, AlarmEvent
from genba.operate.api.access import AlarmHandler, Engineer, Viewer
from genba.operate.api.alarm_shown import AlarmShown, shown
from genba.operate.api.moments import Moment, ThePeriod
from genba.operate.api.problems import ANSWERS, NOT_FOUND, Problem
from genba.operate.api.running import TheCore
from genba.operate.api.tables import FORMATS, ThePage, read
from genba.operate.runtime import Core
from genba.plant import AlarmPriority, AlarmState

router = APIRouter(prefix="/alarms", tags=["alarms"], responses=ANSWERS)

CHANGES: dict[int | str, dict[str, Any]] = {
    **NOT_FOUND,
    400: {"model": Problem, "description": "The body cannot be read"},
    413: {"description": "The body is longer than a megabyte", "content": {"text/plain": {}}},
}
LONGEST_DAYS = 366


class Transition(BaseModel):
    """One row of the journal; ``start`` and ``stop`` of the alarm system are about no alarm."""

    id: str
    time: Moment
    sequence: int
    alarm: str
    event: AlarmEvent | Literal["start", "stop"]
    before: AlarmState | None
    after: AlarmState | None
    active: bool
    priority: AlarmPriority | None
    equipment: str | None
    signal: str | None
    kind: str | None
    actor: str | None
    comment: str | None
    reason: str | None
    until: Moment | None
    data: dict[str, Any] | None


class JournalPage(BaseModel):
    """The journal, oldest first; ``next`` is the offset of the next page."""

    rows: list[Transition]
    next: int | None


class Said(BaseModel):
    """What a person says when doing something to an alarm."""

    model_config = ConfigDict(extra="forbid")

    comment: str = Field("", max_length=500)


class Reason(BaseModel):
    """Why something is hidden from other people."""

    model_config = ConfigDict(extra="forbid")

    comment: str = Field(min_length=1, max_length=500)


class Shelving(Reason):
    """For how long an alarm is hidden, and why."""

    duration_s: float = Field(gt=0, le=86_400, allow_inf_nan=False)


Id = Annotated[str, PathParameter(max_length=300)]
Name = Annotated[str | None, Query(max_length=300)]


@router.get("", summary="Alarms that are not normal, most urgent first")
async def standing(
    core: TheCore,
    caller: Viewer,
    priority: Annotated[list[AlarmPriority] | None, Query()] = None,
    state: Annotated[list[AlarmState] | None, Query()] = None,
    equipment: Name = None,
    everything: Annotated[
        bool, Query(alias="all", description="Also those that are normal or suppressed.")
    ] = False,
) -> list[AlarmShown]:
    if everything:
        found = core.alarms.all()
    elif state:
        found = [a for a in core.alarms.all() if a.state in state]
    else:
        found = [a for a in core.alarms.standing() if a.state is not AlarmState.SUPPRESSED]
    return [
        shown(core, alarm)
        for alarm in found
        if (priority is None or alarm.priority in priority)
        and (state is None or alarm.state in state)
        and (equipment is None or alarm.equipment == equipment)
    ]


@router.get(
    "/journal",
    summary="Every transition of a period, who did it and why",
    response_model=JournalPage,
    responses={200: FORMATS},
)
async def journal(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    page: ThePage,
    alarm: Name = None,
    event: AlarmEvent | None = None,
    equipment: Name = None,
    priority: AlarmPriority | None = None,
) -> Response:
    asked = {"alarm": alarm, "event": event, "equipment": equipment, "priority": priority}
    equals = {name: str(value) for name, value in asked.items() if value is not None}
    return await read(
        request,
        lambda: page.cut(core.historian.rows("alarms", period.start, period.end, **equals)),
    )


@router.get(
    "/rates",
    summary="How many alarms people had to look at (EEMUA 191); undefined is null",
    response_model=AlarmRates,
)
async def rates(
    request: Request,
    core: TheCore,
    caller: Viewer,
    period: ThePeriod,
    operators: Annotated[int, Query(ge=1, le=100, description="Operator positions.")] = 1,
) -> Response:
    if period.length_s > LONGEST_DAYS * 86_400:
        raise HTTPException(422, f"that is more than {LONGEST_DAYS} days; ask for less at once")

    def answer() -> Response:
        found = alarm_rates(core.historian, period.start, period.end, operators=operators)
        return Response(found.model_dump_json(by_alias=True), media_type="application/json")

    return await read(request, answer)


@router.get("/{alarm_id:path}/history", summary="Transitions of one alarm in a period",
            response_model=JournalPage, responses={**NOT_FOUND, 200: FORMATS})  # fmt: skip
async def history(
    request: Request,
    core: TheCore,
    caller: Viewer,
    alarm_id: Id,
    period: ThePeriod,
    page: ThePage,
) -> Response:
    name = _find(core, alarm_id).id
    return await read(
        request,
        lambda: page.cut(core.historian.rows("alarms", period.start, period.end, alarm=name)),
    )


@router.get("/{alarm_id:path}", summary="One alarm", responses=NOT_FOUND)
async def one(core: TheCore, caller: Viewer, alarm_id: Id) -> AlarmShown:
    return shown(core, _find(core, alarm_id))


@router.post("/{alarm_id:path}/acknowledge", summary="Say that you saw it", responses=CHANGES)
async def acknowledge(said: Said, core: TheCore, caller: AlarmHandler, alarm_id: Id) -> AlarmShown:
    name = _find(core, alarm_id).id
    alarm = core.alarms.acknowledge(name, core.clock.now(), caller.name, said.comment)
    await core.conditions.acknowledge(name, caller.name, said.comment)
    return shown(core, alarm)


@router.post("/{alarm_id:path}/reset", summary="Release a latched alarm", responses=CHANGES)
async def reset(said: Said, core: TheCore, caller: AlarmHandler, alarm_id: Id) -> AlarmShown:
    name = _find(core, alarm_id).id
    return shown(core, core.alarms.reset(name, core.clock.now(), caller.name, said.comment))


@router.post(
    "/{alarm_id:path}/shelve",
    summary="Hide it for a time; it comes back by itself",
    responses=CHANGES,
)
async def shelve(wanted: Shelving, core: TheCore, caller: AlarmHandler, alarm_id: Id) -> AlarmShown:
    name, now = _find(core, alarm_id).id, core.clock.now()
    alarm = core.alarms.shelve(name, now, caller.name, wanted.duration_s, wanted.comment)
    return shown(core, alarm)


@router.post("/{alarm_id:path}/unshelve", summary="Show a shelved alarm again", responses=CHANGES)
async def unshelve(said: Said, core: TheCore, caller: AlarmHandler, alarm_id: Id) -> AlarmShown:
    name = _find(core, alarm_id).id
    return shown(core, core.alarms.unshelve(name, core.clock.now(), caller.name, said.comment))


@router.post(
    "/{alarm_id:path}/out-of-service", summary="Hide it until it is put back", responses=CHANGES
)
async def out_of_service(
    reason: Reason, core: TheCore, caller: Engineer, alarm_id: Id
) -> AlarmShown:
    name = _find(core, alarm_id).id
    return shown(core, core.alarms.remove(name, core.clock.now(), caller.name, reason.comment))


@router.post("/{alarm_id:path}/in-service", summary="Put it back in service", responses=CHANGES)
async def in_service(said: Said, core: TheCore, caller: Engineer, alarm_id: Id) -> AlarmShown:
    name = _find(core, alarm_id).id
    return shown(core, core.alarms.put_back(name, core.clock.now(), caller.name, said.comment))


def _find(core: Core, name: str) -> Alarm:
    alarm = core.alarms.find(name)
    if alarm is None:
        raise HTTPException(404, f"there is no alarm '{name}'; GET /alarms?all=true lists them")
    return alarm
