"""An alarm as the API shows it: what, where, since when, how urgent, and what to do."""

from pydantic import BaseModel, Field

from genba.operate.alarms import Alarm
from genba.operate.api.finite import finite
from genba.operate.api.moments import Moment
from genba.operate.runtime import Core
from genba.plant import AlarmPriority, AlarmState, Scalar


class AlarmShown(BaseModel):
    """What it is, where, since when, how urgent, and what to do."""

    id: str
    text: str = Field(description="What the judge, or the device, said when it came last.")
    equipment: str = Field(description="Empty where it is about Genba itself.")
    equipment_name: str
    signal: str
    kind: str
    priority: AlarmPriority
    state: AlarmState
    active: bool
    since: Moment | None = Field(description="When it came into this state.")
    raised: Moment | None = Field(description="When it annunciated last.")
    value: Scalar
    consequence: str
    response: str
    alarm_class: str | None
    by: str = Field(description="Who did the last thing to it.")
    comment: str
    until: Moment | None = Field(description="When it un-shelves by itself.")
    first_out: bool
    chattering: bool
    stale: bool


def shown(core: Core, alarm: Alarm) -> AlarmShown:
    """Show an alarm as it stands now."""
    equipment = core.plant.equipment_by_id.get(alarm.equipment)
    now = core.clock.now()
    return AlarmShown(
        id=alarm.id,
        text=alarm.text,
        equipment=alarm.equipment,
        equipment_name=equipment.name if equipment is not None else "",
        signal=alarm.signal,
        kind=alarm.kind,
        priority=alarm.priority,
        state=alarm.state,
        active=alarm.active,
        since=alarm.since or None,
        raised=alarm.raised,
        value=finite(alarm.value),
        consequence=alarm.setting.consequence or "",
        response=alarm.setting.response or "",
        alarm_class=alarm.setting.alarm_class,
        by=alarm.by,
        comment=alarm.comment,
        until=alarm.until,
        first_out=alarm.first_out,
        chattering=alarm.chattering(now),
        stale=alarm.stale(now),
    )
