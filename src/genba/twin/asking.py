"""Changes as people type them: ``mill-2 down until thu 06:00``, ``add vehicle amr`` ..."""

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from genba.errors import TwinError
from genba.plant import US
from genba.twin.changes import (
    Change,
    ExtraHours,
    LotsScaled,
    MachineAdded,
    MachineDown,
    MachineSpeed,
    MorePeople,
    OrderLate,
    RushOrder,
    VehicleAdded,
    VehicleRemoved,
    unknown,
)
from genba.twin.line import Line
from genba.twin.state import State

EXAMPLES = (
    "mill-2 down until thu 06:00",
    "mill-2 down for 4h",
    "mill-2 10% faster",
    "add machine like mill-2",
    "add vehicle amr",
    "remove vehicle amr-2",
    "halve lots",
    "lots x 0.5",
    "extra hours sat 06:00 to sat 14:00",
    "add 2 machinists",
    "rush order 10 JA17-S by thu 12:00",
    "order O-1005 late until thu 06:00",
)
"""One of each form."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LENGTHS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_NAME = r"([\w.:@/-]+)"
_NUMBER = r"(\d+(?:\.\d+)?)"


def parse_change(text: str, line: Line, state: State) -> Change:
    """Read one change. Times are ISO 8601, ``06:00``, ``thu 06:00`` or ``in 4h``.

    A time without a zone is local to the plant; one without a day is the next such.

    Raises
    ------
    TwinError
        If it is not understood (with the forms that are), or names what is not there.
    """
    words = " ".join(text.split())
    for pattern, read in _FORMS:
        found = re.fullmatch(pattern, words, re.IGNORECASE)
        if found is not None:
            change = read(found, line, state)
            _check_names(change, line, state)
            return change
    raise TwinError(f"'{text}' is not understood; write it like one of: " + "; ".join(EXAMPLES))


def moment(text: str, line: Line, now: int) -> int:
    """Read a time that lies after ``now``; microseconds UTC.

    Raises
    ------
    TwinError
        If it is none.
    """
    zone = ZoneInfo(line.tariff.timezone)
    words = text.strip().lower()
    if words.startswith("in "):
        return now + length_us(words[3:])
    day_time = re.fullmatch(r"(?:(\w{3})\w*\s+)?(\d{1,2}):(\d{2})", words)
    if day_time and (day_time[1] is None or day_time[1] in _DAYS):
        return _next(day_time, zone, now)
    try:
        when = dt.datetime.fromisoformat(text.strip().upper())
    except ValueError:
        raise TwinError(
            f"'{text}' is not a time; write it like 2026-01-08T06:00, 06:00, thu 06:00 or in 4h"
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=zone)
    return round(when.timestamp() * US)


def _next(found: re.Match[str], zone: ZoneInfo, now: int) -> int:
    here = dt.datetime.fromtimestamp(now / US, zone)
    hour, minute = int(found[2]), int(found[3])
    if hour > 23 or minute > 59:
        raise TwinError(f"'{found[0]}' is not a time of day; write it like 06:00")
    for ahead in range(8):
        when = dt.datetime.combine(
            here.date() + dt.timedelta(days=ahead), dt.time(hour, minute), zone
        )
        if when > here and (found[1] is None or _DAYS[when.weekday()] == found[1]):
            return round(when.timestamp() * US)
    raise TwinError(f"'{found[0]}' is not found in the week ahead")


def length_us(text: str) -> int:
    """Read a length of time such as 90m or 4h; microseconds.

    Raises
    ------
    TwinError
        If it is none.
    """
    found = re.fullmatch(_NUMBER + r"\s*(s|min|m|h|d)", text.strip().lower())
    if found is None:
        raise TwinError(f"'{text}' is no length of time; write it like 30m, 4h or 2d")
    return round(float(found[1]) * _LENGTHS[found[2]] * US)


Reader = Callable[[re.Match[str], Line, State], Change]


def _scale(found: re.Match[str], _line: Line, _state: State) -> Change:
    factor = {"halve": 0.5, "double": 2.0}.get(found[1].lower())
    return LotsScaled(factor if factor is not None else float(found[1]), found[2])


def _hours(found: re.Match[str], line: Line, state: State) -> Change:
    start = moment(found[2], line, state.time)
    return ExtraHours((start, moment(found[3], line, start)), found[1])


def _faster(found: re.Match[str], _line: Line, _state: State) -> Change:
    share = float(found[2]) / 100
    if found[3].lower() == "slower" and share >= 1:
        raise TwinError(f"{found[1]} cannot be {found[2]}% slower; name less than 100%")
    return MachineSpeed(found[1], 1 + share if found[3].lower() == "faster" else 1 - share)


_FORMS: tuple[tuple[str, Reader], ...] = (
    (
        _NAME + r" (?:is )?down until (.+)",
        lambda f, line, state: MachineDown(f[1], moment(f[2], line, state.time)),
    ),
    (
        _NAME + r" (?:is )?down for (.+)",
        lambda f, _line, state: MachineDown(f[1], state.time + length_us(f[2])),
    ),
    (_NAME + " " + _NUMBER + r" ?% (faster|slower)", _faster),
    (
        r"(?:add|another|one more)(?: a)? machine(?: like)? " + _NAME,
        lambda f, _line, _state: MachineAdded(f[1]),
    ),
    (
        r"(?:add|another|one more)(?: a)? vehicle(?: like)? " + _NAME,
        lambda f, _line, _state: VehicleAdded(f[1]),
    ),
    (
        r"(?:remove|without)(?: the)? vehicle " + _NAME,
        lambda f, _line, _state: VehicleRemoved(f[1]),
    ),
    (r"(halve|double)(?: the)? lots(?: of " + _NAME + ")?", _scale),
    (r"lots x ?" + _NUMBER + r"(?: of " + _NAME + ")?", _scale),
    (r"extra (?:hours|shift)(?: of " + _NAME + r")? (.+?) (?:to|until) (.+)", _hours),
    (
        r"rush order (\d+) " + _NAME + r" (?:by|due) (.+)",
        lambda f, line, state: RushOrder(f[2], int(f[1]), moment(f[3], line, state.time)),
    ),
    (
        r"(?:order )?" + _NAME + r" late until (.+)",
        lambda f, line, state: OrderLate(f[1], moment(f[2], line, state.time)),
    ),
    (r"add (\d+) " + _NAME, lambda f, _line, _state: MorePeople(f[2], int(f[1]))),
    (r"remove (\d+) " + _NAME, lambda f, _line, _state: MorePeople(f[2], -int(f[1]))),
)


def _check_names(change: Change, line: Line, state: State) -> None:
    """Refuse a name that is not there at once, before anything is simulated."""
    kinds = [vehicle.kind for vehicle in line.vehicles]
    known: list[tuple[str, str | None, list[str]]]
    match change:
        case MachineDown(machine=name) | MachineSpeed(machine=name) | MachineAdded(like=name):
            known = [("machine", name, list(line.machines_by_id))]
        case VehicleAdded(like=name):
            known = [("vehicle or kind", name, [*dict.fromkeys(kinds), *line.vehicles_by_id])]
        case VehicleRemoved(vehicle=name):
            known = [("vehicle", name, list(line.vehicles_by_id))]
        case LotsScaled(product=product) | RushOrder(product=product):
            known = [("product", product, list(line.products_by_id))]
        case ExtraHours(calendar=calendar):
            known = [("calendar", calendar, [c.id for c in line.calendars])]
        case MorePeople(crew=name):
            known = [("group of people", name, [c.id for c in line.crews])]
        case OrderLate(order=name):
            known = [("order", name, list(dict.fromkeys(lot.order for lot in state.lots)))]
    for what, wanted, listed in known:
        if wanted is not None and wanted not in listed:
            raise unknown(what, wanted, listed)
