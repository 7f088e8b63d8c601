"""Interlocks, autonomy levels and critical decisions: what the guard holds."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from genba.plant.ids import Id, Value


class Interlock(Value):
    """While ``when`` is true, writes to ``signals`` are only let through where ``allow`` is true.

    ``when`` is an expression over signals (``cell-1.people > 0 and not door.closed``);
    ``allow`` may also use ``value``, the number that is to be written. The default allows nothing.
    A ``when`` whose signals are missing, bad or stale counts as true.
    """

    id: Id
    when: str
    signals: tuple[str, ...] = Field(min_length=1)
    """Signal ids, or patterns with ``*``."""
    allow: str = "false"
    reason: str = ""


class Autonomy(StrEnum):
    """Who decides: nobody (watch only), a person, a person who says yes, Genba."""

    OBSERVE = "observe"
    ADVISE = "advise"
    APPROVE = "approve"
    AUTONOMOUS = "autonomous"


class AutonomyRule(Value):
    """Level for equipment (pattern with ``*``) and kind of decision; the last that fits holds."""

    equipment: str = "*"
    kind: str = "*"
    level: Autonomy


class CriticalRule(Value):
    """Decisions that take the yes of other people, whatever the autonomy level.

    It holds for proposals that touch such equipment with such a kind and write such a signal; all
    three are patterns with ``*``. The people are all different, and who proposed it is none of
    them, also where it takes one. Where several rules fit, the largest number counts. Heartbeats
    are never critical.
    """

    equipment: str = "*"
    kind: str = "*"
    signals: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Signal ids, or patterns with ``*``."""
    people: Annotated[int, Field(ge=1, le=5)] = 2
    reason: str = ""
