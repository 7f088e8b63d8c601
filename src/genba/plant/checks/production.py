"""Products, set-ups, orders, and working time."""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from genba.plant.calendar import Calendar, Day, Shift
from genba.plant.checks.report import Path, Report
from genba.plant.checks.signals import JOB_INTERFACE
from genba.plant.clock import format_time, parse_time
from genba.plant.equipment import Equipment
from genba.plant.model import Plant

_EARLIEST = parse_time("2000-01-01T00:00:00Z")
_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S


def check_production(plant: Plant, report: Report) -> None:
    """Check routings, set-up times, orders, tariffs, calendars and time zones."""
    _check_zone(plant.timezone, ("timezone",), report)
    _check_routings(plant, report)
    _check_setups(plant, report)
    _check_orders(plant, report)
    for index, calendar in enumerate(plant.calendars):
        _check_calendar(calendar, ("calendars", index), report)
    carriers: set[str] = set()
    for index, tariff in enumerate(plant.tariffs):
        if tariff.carrier in carriers:
            report.error(
                ("tariffs", index, "carrier"),
                f"there are two tariffs for {tariff.carrier}",
                "keep one for each carrier",
            )
        carriers.add(tariff.carrier)
    _check_loads(plant, carriers, report)


def _check_loads(plant: Plant, carriers: set[str], report: Report) -> None:
    batches = {
        way.equipment
        for product in plant.products
        for step in product.routing
        for way in step.alternatives
        if step.batch_parts is not None
    }
    for index, cost in enumerate(plant.planning.loads):
        at = ("planning", "loads", index)
        if cost.equipment not in plant.equipment_by_id:
            report.unknown(at, "equipment", cost.equipment, plant.equipment_by_id)
        elif cost.equipment not in batches:
            report.error(
                at,
                f"nothing is treated in batches on '{cost.equipment}'",
                "name a machine of an operation with 'batch_parts'",
            )
        elif "electricity" not in carriers:
            report.error(
                at,
                "loads are weighed by a tariff of electricity, and the plant has none",
                "add one under 'tariffs', or take 'loads' out",
            )


def _check_zone(name: str, path: Path, report: Report) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        report.error(path, f"there is no time zone '{name}'", "write it like Europe/Lisbon, or UTC")


def _check_routings(plant: Plant, report: Report) -> None:
    families = {family.id for family in plant.setup_families}
    tools = {tool.id for tool in plant.tools}
    held = {skill for person in plant.people for skill in person.skills}
    for index, product in enumerate(plant.products):
        for step, operation in enumerate(product.routing):
            machines: set[str] = set()
            for place, way in enumerate(operation.alternatives):
                path: Path = ("products", index, "routing", step, "alternatives", place)
                if way.equipment not in plant.equipment_by_id:
                    report.unknown(
                        (*path, "equipment"), "equipment", way.equipment, plant.equipment_by_id
                    )
                if way.equipment in machines:
                    report.error(
                        (*path, "equipment"),
                        f"{way.equipment} is an alternative of this operation already",
                        "keep one of the two",
                    )
                machines.add(way.equipment)
                if way.setup_family is not None and way.setup_family not in families:
                    report.unknown(
                        (*path, "setup_family"), "set-up family", way.setup_family, families
                    )
                for number, tool in enumerate(way.tools):
                    if tool not in tools:
                        report.unknown((*path, "tools", number), "tool", tool, tools)
                if way.skill is not None and way.skill not in plant.skills:
                    report.unknown((*path, "skill"), "skill", way.skill, plant.skills)
                elif way.skill is not None and plant.people and way.skill not in held:
                    report.warning(
                        (*path, "skill"), f"nobody has the skill '{way.skill}'", "add it at people"
                    )
    _check_machines(plant, report)


def _check_machines(plant: Plant, report: Report) -> None:
    """Warn of machines that are planned for but cannot be asked to work."""
    planned = {
        way.equipment
        for product in plant.products
        for operation in product.routing
        for way in operation.alternatives
    }
    for index, equipment in enumerate(plant.equipment):
        if equipment.id not in planned:
            continue
        played = {signal.role for signal in equipment.signals}
        if not played & set(JOB_INTERFACE):
            report.warning(
                ("equipment", index),
                "routings use it, and it has no job interface",
                "Genba can watch it but not give it work; add the job_* signals",
            )
        if not _has_calendar(plant, equipment):
            report.warning(
                ("equipment", index),
                "it has no calendar, so its planned time and with it its OEE are undefined",
                "add 'calendar', here or above it",
            )


def _has_calendar(plant: Plant, equipment: Equipment) -> bool:
    seen: set[str] = set()
    here: Equipment | None = equipment
    while here is not None and here.id not in seen:
        if here.calendar is not None:
            return True
        seen.add(here.id)
        here = plant.equipment_by_id.get(here.parent) if here.parent is not None else None
    return False


def _check_setups(plant: Plant, report: Report) -> None:
    families = {family.id for family in plant.setup_families}
    seen: set[tuple[str, str, str]] = set()
    for index, setup in enumerate(plant.setup_times):
        path: Path = ("setup_times", index)
        if setup.equipment not in plant.equipment_by_id:
            report.unknown(
                (*path, "equipment"), "equipment", setup.equipment, plant.equipment_by_id
            )
        for field, family in (("before", setup.before), ("after", setup.after)):
            if family != "*" and family not in families:
                report.unknown((*path, field), "set-up family", family, families)
        key = (setup.equipment, setup.before, setup.after)
        if key in seen:
            report.error(
                path,
                f"the change from {setup.before} to {setup.after} on {setup.equipment} "
                "is there twice",
                "keep one of the two",
            )
        seen.add(key)


def _check_orders(plant: Plant, report: Report) -> None:
    for index, order in enumerate(plant.orders):
        path: Path = ("orders", index)
        if order.product not in plant.products_by_id:
            report.unknown((*path, "product"), "product", order.product, plant.products_by_id)
        for field, moment in (("release", order.release), ("due", order.due)):
            if moment < _EARLIEST:
                report.error(
                    (*path, field),
                    f"{format_time(moment)} is long past",
                    "write a time like '2026-01-05T06:00:00Z'",
                )
        if order.due <= order.release:
            report.error(
                (*path, "due"),
                f"it is due at {format_time(order.due)}, "
                f"not after its release at {format_time(order.release)}",
                "correct one of the two",
            )


def _check_calendar(calendar: Calendar, path: Path, report: Report) -> None:
    _check_zone(calendar.timezone, (*path, "timezone"), report)
    spans: list[tuple[int, int, int, Day]] = []
    for index, shift in enumerate(calendar.shifts):
        spans += [(*span, index, day) for span, day in _weekly(shift)]
        _check_breaks(shift, (*path, "shifts", index), report)
    spans.sort()
    told: set[int] = set()
    follows = [*spans[1:], *((a + _WEEK_S, b + _WEEK_S, i, d) for a, b, i, d in spans[:1])]
    for (_, end, first, _), (start, _, second, day) in zip(spans, follows, strict=True):
        if start < end and second not in told and len(spans) > 1:
            told.add(second)
            report.error(
                (*path, "shifts", second),
                f"on {day} it begins before shift '{calendar.shifts[first].id}' ends",
                "let one end where the other begins",
            )


def _weekly(shift: Shift) -> Iterator[tuple[tuple[int, int], Day]]:
    """Yield begin and end of a shift in seconds of the week."""
    start, end = seconds_of(shift.start), seconds_of(shift.end)
    length = (end - start) % _DAY_S or _DAY_S
    for number, day in enumerate(Day):
        if day in shift.days:
            yield (number * _DAY_S + start, number * _DAY_S + start + length), day


def _check_breaks(shift: Shift, path: Path, report: Report) -> None:
    if len(set(shift.days)) < len(shift.days):
        report.error((*path, "days"), "a day stands twice", "name each day once")
    begin = seconds_of(shift.start)
    length = (seconds_of(shift.end) - begin) % _DAY_S or _DAY_S
    last_end = 0
    for index, pause in sorted(
        enumerate(shift.breaks), key=lambda b: (seconds_of(b[1].start) - begin) % _DAY_S
    ):
        start = (seconds_of(pause.start) - begin) % _DAY_S
        end = start + (seconds_of(pause.end) - seconds_of(pause.start)) % _DAY_S
        if end > length:
            report.error(
                (*path, "breaks", index), "the break does not lie in its shift", "move the break"
            )
        elif start < last_end:
            report.error((*path, "breaks", index), "two breaks overlap", "move one of them")
        last_end = max(last_end, end)


def seconds_of(time: dt.time) -> int:
    """Seconds since midnight."""
    return time.hour * 3600 + time.minute * 60 + time.second
