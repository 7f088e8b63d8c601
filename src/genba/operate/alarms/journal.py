"""The journal: one row for each transition, and alarms rebuilt from their newest rows."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

from genba.operate.alarms.alarm import Alarm
from genba.operate.alarms.transitions import AlarmEvent
from genba.plant import US, AlarmPriority, AlarmSetting, AlarmState, Plant, settings_of

TABLE = "alarms"


def row_of(
    alarm: Alarm, number: int, now: int, event: AlarmEvent, before: AlarmState, why: str
) -> dict[str, Any]:
    """Write one transition; ``alarm`` is as it stands after it."""
    data = {
        "text": alarm.text,
        "value": alarm.value,
        "raised": alarm.raised,
        "since": alarm.since,
        "first_out": alarm.first_out,
    }
    return {
        "id": f"A-{now}-{number}-{alarm.id}",
        "time": now,
        "alarm": alarm.id,
        "event": str(event),
        "before": str(before),
        "after": str(alarm.state),
        "active": alarm.active,
        "priority": str(alarm.priority),
        "equipment": alarm.equipment,
        "signal": alarm.signal,
        "kind": alarm.kind,
        "actor": alarm.by,
        "comment": alarm.comment,
        "reason": why,
        "until": alarm.until,
        "data": json.dumps(data, separators=(",", ":")),
    }


def mark(event: Literal["start", "stop"], now: int) -> dict[str, Any]:
    """Write that the alarm system began or ended: between the two, no row means no alarm."""
    return {"id": f"A-{event}-{now}", "time": now, "alarm": "", "event": event, "active": False}


def replay(plant: Plant, rows: Iterable[Mapping[str, Any]]) -> dict[str, Alarm]:
    """Rebuild alarms from their newest rows; the settings are those of the plant file now.

    Alarms that the plant file no longer wants are left out.
    """
    alarms: dict[str, Alarm] = {}
    for row in rows:
        if not row["alarm"]:
            continue
        data = json.loads(row["data"])
        hint = AlarmSetting(priority=AlarmPriority(row["priority"]))
        setting = settings_of(
            plant,
            row["equipment"],
            row["signal"],
            row["kind"],
            hint if row["kind"] == "condition" else None,
        )
        if setting.enabled is False:
            continue
        alarms[row["alarm"]] = Alarm(
            id=row["alarm"],
            equipment=row["equipment"],
            signal=row["signal"],
            kind=row["kind"],
            setting=setting,
            state=AlarmState(row["after"]),
            active=row["active"],
            since=data["since"],
            raised=data["raised"],
            text=data["text"],
            value=data["value"],
            until=row["until"],
            by=row["actor"],
            comment=row["comment"],
            first_out=data["first_out"],
        )
    return alarms


class Journal(Protocol):
    """What restarting asks of the historian."""

    def newest(self, name: str, by: str) -> Any:
        """Return an Arrow table: the newest row for each value of a column."""
        ...


def newest(historian: Journal) -> list[dict[str, Any]]:
    """Read the newest row of each alarm; times are microseconds UTC."""
    return plain(historian.newest(TABLE, "alarm"))


def plain(table: Any) -> list[dict[str, Any]]:
    """Turn a table of the journal into rows whose times are microseconds UTC."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for column in ("time", "until"):
            if row[column] is not None:
                row[column] = round(row[column].timestamp() * US)
    return rows
