"""One alarm: what it is, how it stands, and what was said of it."""

from collections import deque
from dataclasses import dataclass, field

from genba.plant import US, AlarmPriority, AlarmSetting, AlarmState, Plant, Scalar, settings_of

CHATTER_COUNT, CHATTER_S = 3, 60.0
"""Chattering: as often as this within a minute (ISA-18.2-2016, 16.5; EEMUA 191)."""
STALE_S = 24 * 3600.0
"""Stale: active for longer than a day (ISA-18.2-2016, 16.5)."""


@dataclass(slots=True)
class Alarm:
    """The present state of one alarm. Times in microseconds UTC at the plant's clock."""

    id: str
    """``<signal, equipment or genba>:<kind>``; the same for ever."""
    equipment: str
    signal: str
    kind: str
    setting: AlarmSetting
    state: AlarmState = AlarmState.NORMAL
    active: bool = False
    """Whether its condition holds, delays counted in; known also while it is hidden."""
    since: int = 0
    """When it came into this state."""
    raised: int | None = None
    """When it annunciated last."""
    text: str = ""
    value: Scalar = None
    until: int | None = None
    """When it un-shelves by itself."""
    by: str = ""
    """Who acknowledged, shelved or removed it."""
    comment: str = ""
    first_out: bool = False
    """Whether it was the first of its equipment, with those after it likely its consequences."""
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=CHATTER_COUNT))
    """When it annunciated the last times."""
    due: tuple[int, bool] | None = None
    """A delay that runs: when it is over, and whether the condition will hold then."""

    @property
    def priority(self) -> AlarmPriority:
        """How much it matters."""
        return self.setting.priority or AlarmPriority.LOW

    @property
    def latch(self) -> bool:
        """Whether it waits for a reset."""
        return bool(self.setting.latch)

    def delay_us(self, *, holds: bool) -> int:
        """How long the condition must hold, or be gone, before that counts."""
        delay_s = self.setting.on_delay_s if holds else self.setting.off_delay_s
        return round((delay_s or 0.0) * US)

    def chattering(self, now: int) -> bool:
        """Whether it annunciated three times within the last minute."""
        return len(self.recent) == CHATTER_COUNT and now - self.recent[0] <= CHATTER_S * US

    def stale(self, now: int) -> bool:
        """Whether it has been active for more than a day."""
        return self.active and self.raised is not None and now - self.raised > STALE_S * US


def name_of(equipment: str, kind: str, about: str) -> str:
    """Return the id of the alarm of a finding."""
    return f"{about or equipment or 'genba'}:{kind}"


def alarm_for(
    plant: Plant, equipment: str, kind: str, about: str, hint: AlarmSetting | None = None
) -> Alarm:
    """Build an alarm as the plant file defines it, in its normal state."""
    signal = about if about in plant.signals else ""
    setting = settings_of(plant, equipment, signal, kind, hint)
    return Alarm(name_of(equipment, kind, about), equipment, signal, kind, setting)
