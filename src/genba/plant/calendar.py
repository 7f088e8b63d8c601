"""Working time: calendars, shifts, breaks, holidays."""

import datetime as dt
from enum import StrEnum

from genba.plant.ids import Id, Value


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

    start: dt.time
    end: dt.time


class Shift(Value):
    """Working time on some days; an end before the start lies on the next day."""

    id: Id
    name: str = ""
    days: tuple[Day, ...]
    start: dt.time
    end: dt.time
    breaks: tuple[Break, ...] = ()


class Calendar(Value):
    """Shifts in a time zone, without the holidays."""

    id: Id
    timezone: str = "UTC"
    shifts: tuple[Shift, ...]
    holidays: tuple[dt.date, ...] = ()
