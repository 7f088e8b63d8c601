"""Alarms: their states and priorities, and what a plant file says of them (ISA-18.2, IEC 62682)."""

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field

from genba.plant.ids import Id, Value


class AlarmPriority(StrEnum):
    """How much an alarm matters, from its consequence and the time there is to respond."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return list(AlarmPriority).index(self)


class AlarmState(StrEnum):
    """The states of an alarm (ISA-18.2-2016, figure of alarm state transitions)."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    """Active, and nobody said yet that they saw it."""
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    """Returned to normal before anybody acknowledged it."""
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"
    """Returned to normal, and waits for an operator's reset."""
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    """Suppressed by design: its ``suppress_when`` holds."""
    OUT_OF_SERVICE = "out_of_service"

    @property
    def hidden(self) -> bool:
        """Whether it is kept from operators: it annunciates nothing."""
        return self in _HIDDEN

    @property
    def unacknowledged(self) -> bool:
        """Whether it asks for an acknowledgement."""
        return self in _ASKING


_HIDDEN = frozenset({AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE})
_ASKING = frozenset(
    {AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED, AlarmState.LATCHED_UNACKNOWLEDGED}
)

Severity = Literal["minor", "major", "severe"]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
URGENT_S = 180.0
SOON_S = 900.0
_FROM_SEVERITY = {
    "minor": (AlarmPriority.MEDIUM, AlarmPriority.LOW, AlarmPriority.LOW),
    "major": (AlarmPriority.HIGH, AlarmPriority.MEDIUM, AlarmPriority.LOW),
    "severe": (AlarmPriority.CRITICAL, AlarmPriority.HIGH, AlarmPriority.MEDIUM),
}


def priority_of(severity: Severity, respond_within_s: float) -> AlarmPriority:
    """Find a priority from how bad the consequence is and how long there is to prevent it.

    A matrix as ISA-18.2 asks for; its columns end at 3 and at 15 minutes.
    """
    row = _FROM_SEVERITY[severity]
    return row[0 if respond_within_s < URGENT_S else 1 if respond_within_s < SOON_S else 2]


class AlarmSetting(Value):
    """How one alarm behaves. What is left out comes from a more general rule."""

    enabled: bool | None = None
    """False: the finding is recorded, and no operator is bothered."""
    priority: AlarmPriority | None = None
    """Default: from ``severity`` and ``respond_within_s``, else from the kind of alarm."""
    severity: Severity | None = None
    """How bad the consequence is if nobody responds."""
    respond_within_s: Annotated[float, Field(gt=0)] | None = None
    """How long there is to prevent the consequence, in seconds."""
    consequence: str | None = None
    """What happens if nobody responds."""
    response: str | None = None
    """What the operator should do."""
    on_delay_s: Seconds | None = None
    """How long the condition must hold before the alarm is active."""
    off_delay_s: Seconds | None = None
    """How long it must be gone before the alarm returns to normal."""
    deadband: Annotated[float, Field(ge=0)] | None = None
    """How far a value must come back over its limit, in the signal's unit."""
    suppress_when: str | None = None
    """Expression over signals: while true, the alarm is suppressed by design. ``{equipment}``
    stands for the id of the alarm's equipment."""
    latch: bool | None = None
    """Whether it stays after its return until an operator resets it."""
    alarm_class: Id | None = None
    """Alarm class, for reports."""

    def over(self, general: "AlarmSetting") -> "AlarmSetting":
        """Complete this setting with what a more general one says."""
        own = {name: getattr(self, name) for name in AlarmSetting.model_fields}
        theirs = {name: getattr(general, name) for name in AlarmSetting.model_fields}
        if own["severity"] is not None and own["priority"] is None:
            theirs["priority"] = None  # the finer rule says how the priority is found
        merged = {name: theirs[name] if own[name] is None else own[name] for name in own}
        return AlarmSetting(**merged)


class AlarmRule(AlarmSetting):
    """A setting for all alarms that fit; of several, what the last one says holds."""

    equipment: str = "*"
    """Equipment ids, or a pattern with ``*``; alarms of Genba itself have the equipment ``""``."""
    signal: str = "*"
    """Signal ids, or a pattern with ``*``."""
    kind: str = "*"
    """Kinds of alarm: ``limit_high``, ``stale``, ``machine_aborted`` ..., or a pattern."""

    def fits(self, equipment: str, signal: str, kind: str) -> bool:
        """Whether the rule speaks of an alarm."""
        return (
            fnmatchcase(equipment, self.equipment)
            and fnmatchcase(signal, self.signal)
            and fnmatchcase(kind, self.kind)
        )


class SignalAlarms(Value):
    """Settings of a signal's alarms, by what they are about."""

    low_low: AlarmSetting | None = None
    low: AlarmSetting | None = None
    high: AlarmSetting | None = None
    high_high: AlarmSetting | None = None
    rate: AlarmSetting | None = None
    stale: AlarmSetting | None = None

    def of_kind(self, kind: str) -> AlarmSetting | None:
        """Return the setting of a kind of finding: ``limit_high``, ``rate``, ``stale`` ..."""
        name = kind.removeprefix("limit_")
        found: AlarmSetting | None = getattr(self, name, None) if name in _NAMES else None
        return found


_NAMES = frozenset(SignalAlarms.model_fields)
