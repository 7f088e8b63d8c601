"""Working time: calendars, shifts, breaks, holidays."""

import datetime as dt
from enum import StrEnum
from typing import Annotated

from pydantic import WithJsonSchema

from genba.plant.ids import Id, Value

# JSON Schema's "time" has a zone; a calendar's times are local.
LocalTime = Annotated[
    dt.time,
    WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d(\.\d+)?)?$"}),
]


class Day(StrEnum):
    """Days of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Break(Value):
    """A pause inside a shift, in the calendar's local time."""

    start: LocalTime
    end: LocalTime


class Shift(Value):
    """Working time on some days; an end before the start lies on the next day."""

    id: Id
    name: str = ""
    days: tuple[Day, ...]
    start: LocalTime
    end: LocalTime
    breaks: tuple[Break, ...] = ()


class Calendar(Value):
    """Shifts in a time zone, without the holidays."""

    id: Id
    timezone: str = "UTC"
    shifts: tuple[Shift, ...]
    holidays: tuple[dt.date, ...] = ()
