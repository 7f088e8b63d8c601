"""Between plant time and the ticks of a problem."""

import datetime as dt
import math
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from genba.errors import PlanError
from genba.plan.problem import Problem
from genba.plant import US

_NOISE = 1e-9
"""What division leaves behind; 3 s in ticks of 0.1 s are 30 ticks, not 31."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Tick 0 is at plant time ``zero`` (microseconds UTC), and a tick lasts ``tick_s``."""

    zero: int
    tick_s: float

    def __post_init__(self) -> None:
        if not 0 < self.tick_s < math.inf:
            raise PlanError(f"a tick of {self.tick_s:g} s cannot be; give a positive length")

    def length(self, seconds: float) -> int:
        """Return a length in ticks, rounded up: nothing is planned shorter than it is."""
        return math.ceil(seconds / self.tick_s - _NOISE)

    def before(self, time: int) -> int:
        """Return the last tick that is not after a plant time."""
        return math.floor((time - self.zero) / (US * self.tick_s) + _NOISE)

    def after(self, time: int) -> int:
        """Return the first tick that is not before a plant time."""
        return math.ceil((time - self.zero) / (US * self.tick_s) - _NOISE)

    def time(self, tick: float) -> int:
        """Return the plant time of a tick."""
        return self.zero + round(tick * self.tick_s * US)


def scale_of(problem: Problem) -> Scale:
    """Return the scale that a problem is written in."""
    return Scale(problem.zero, problem.tick_s)


def lasting(seconds: float) -> str:
    """Write a length of time for people, to the minute: ``2 h 10 min``, ``45 s``, ``1 d 3 h``."""
    whole = round(abs(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = ((days, "d"), (hours, "h"), (0 if days else rest, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def moment(scale: Scale, tick: float, timezone: str) -> str:
    """Write when a tick is for people, ``Mon 5 Jan 14:30``; of a problem of no plant, the tick.

    The year is named where it is not that of tick 0.
    """
    if not scale.zero:
        return f"tick {tick:,.0f}"
    zone = ZoneInfo(timezone)
    when = dt.datetime.fromtimestamp(scale.time(tick) / US, zone)
    same_year = when.year == dt.datetime.fromtimestamp(scale.zero / US, zone).year
    return f"{when:%a} {when.day} {when:%b}{'' if same_year else f' {when.year}'} {when:%H:%M}"


def span(scale: Scale, ticks: float) -> str:
    """Write a length for people; of a problem of no plant, in ticks."""
    return lasting(ticks * scale.tick_s) if scale.zero else f"{ticks:,.0f} ticks"
