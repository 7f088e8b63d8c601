"""Alarms and conditions as a device itself tells them, whatever its protocol."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConditionEvent:
    """How one condition of a device stands now, or one past occurrence of it (a branch).

    A condition is what the device watches (OPC 10000-9, 5.5): one alarm of one source, with the
    same ``condition`` for as long as the device has it. Each change of its state comes as one of
    these. Where the device does not have a state, it is None: a plain condition is never
    acknowledged, and not every alarm is confirmed.

    Times are microseconds UTC: ``time`` is the device's own, ``receive_time`` the plant clock's.
    """

    connection: str
    condition: str
    """The device's id of the condition. With ``branch`` it names one row of an alarm list."""
    event: str
    """Id of this very state; to acknowledge is to acknowledge this one and no later one."""
    kind: str
    """The type, as the device names it: ``ExclusiveLimitAlarmType``."""
    name: str
    """Name of the condition at its source: ``Overheated``."""
    source: str
    """What it is about, written like a signal's address; empty where the device does not say."""
    source_name: str
    time: int
    receive_time: int
    severity: int
    """1 (least) to 1000 (OPC 10000-5, 6.4.2), as the device says it."""
    message: str
    retain: bool
    """Whether it still interests a person; when this is false, it leaves the list."""
    active: bool | None = None
    acknowledged: bool | None = None
    confirmed: bool | None = None
    enabled: bool | None = None
    suppressed: bool | None = None
    """Suppressed, shelved or out of service at the device, so that it need not be shown."""
    shelving: str = ""
    """``unshelved``, ``timed_shelved`` or ``one_shot_shelved``; empty where there is none."""
    comment: str = ""
    user: str = ""
    """Who changed it last, by the device's own word."""
    branch: str = ""
    """Id of a past occurrence that still waits for a person; empty for the present state."""
    refreshed: bool = False
    """Whether it was told because somebody asked for all (a new connection), not since it
    changed. After such a round a condition that the device no longer lists comes once more, with
    ``retain`` false and ``active`` None."""
