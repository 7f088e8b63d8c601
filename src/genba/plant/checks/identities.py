"""Every id stands once, and every id that is referred to stands for something."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from genba.plant.checks.report import Path, Report, near
from genba.plant.equipment import Level
from genba.plant.model import Plant
from genba.plant.signal import Role

_RANK = {Level.SITE: 0, Level.AREA: 1, Level.WORK_CENTER: 2, Level.WORK_UNIT: 3}
_KINDS = ("dispatch", "transport", "replan", "setpoint", "heartbeat")


def check_identities(plant: Plant, report: Report) -> None:
    """Check ids and references of the site, its connections, people and rules."""
    _check_unique(plant, report)
    _check_equipment(plant, report)
    _check_people(plant, report)
    _check_autonomy(plant, report)
    _check_critical(plant, report)


def _check_unique(plant: Plant, report: Report) -> None:
    named = (
        *("connections", "equipment", "products", "setup_families", "tools", "people"),
        *("calendars", "vehicles", "tariffs", "orders", "interlocks", "uplinks", "processes"),
    )
    for field in named:
        _unique(report, (field,), [value.id for value in getattr(plant, field)])
    _unique(report, ("skills",), plant.skills)
    _unique(report, ("layout", "nodes"), [node.id for node in plant.layout.nodes])
    _unique(report, ("layout", "edges"), [edge.id for edge in plant.layout.edges])
    for index, product in enumerate(plant.products):
        _unique(report, ("products", index, "routing"), [step.id for step in product.routing])
    for index, calendar in enumerate(plant.calendars):
        _unique(report, ("calendars", index, "shifts"), [shift.id for shift in calendar.shifts])
    first: dict[str, str] = {}
    for index, equipment in enumerate(plant.equipment):
        for place, signal in enumerate(equipment.signals):
            if signal.id in first:
                report.error(
                    ("equipment", index, "signals", place, "id"),
                    f"signal '{signal.id}' is there twice",
                    "rename one of them",
                )
            first.setdefault(signal.id, equipment.id)


def _unique(report: Report, path: Path, ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(ids):
        if name in seen:
            where = (*path, index) if path == ("skills",) else (*path, index, "id")
            report.error(where, f"'{name}' is there twice", "rename one of them, or take it out")
        seen.add(name)


def _check_equipment(plant: Plant, report: Report) -> None:
    connections = {c.id for c in plant.connections}
    calendars = {c.id for c in plant.calendars}
    used: set[str] = set()
    for index, equipment in enumerate(plant.equipment):
        at: Path = ("equipment", index)
        if equipment.connection is not None:
            used.add(equipment.connection)
            _known(report, (*at, "connection"), "connection", equipment.connection, connections)
        if equipment.calendar is not None:
            _known(report, (*at, "calendar"), "calendar", equipment.calendar, calendars)
        _check_parent(plant, report, index)
        addresses: dict[tuple[str, str], str] = {}
        for place, signal in enumerate(equipment.signals):
            here: Path = (*at, "signals", place)
            used.add(signal.connection)
            if signal.connection != equipment.connection:
                _known(report, (*here, "connection"), "connection", signal.connection, connections)
            if signal.equipment != equipment.id:
                report.error(
                    (*here, "equipment"),
                    f"it stands under {equipment.id} and says {signal.equipment}",
                    "leave 'equipment' out, or move the signal",
                )
            key = (signal.connection, signal.address)
            if key in addresses:
                report.warning(
                    (*here, "address"),
                    f"it has the address of {addresses[key]}",
                    "check that both are meant",
                )
            addresses.setdefault(key, signal.id)
    for index, connection in enumerate(plant.connections):
        if connection.id not in used:
            report.warning(
                ("connections", index), "no signal uses it", "take it out, or name it at equipment"
            )


def _known(report: Report, path: Path, kind: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        report.unknown(path, kind, name, known)


def _check_parent(plant: Plant, report: Report, index: int) -> None:
    equipment = plant.equipment[index]
    if equipment.parent is None:
        return
    path: Path = ("equipment", index, "parent")
    parent = plant.equipment_by_id.get(equipment.parent)
    if parent is None:
        report.unknown(path, "equipment", equipment.parent, plant.equipment_by_id)
        return
    chain = [equipment.id]
    above: str | None = equipment.parent
    while above is not None and above not in chain:
        chain.append(above)
        holder = plant.equipment_by_id.get(above)
        above = holder.parent if holder is not None else None
    if above == equipment.id:
        report.error(
            path,
            f"it lies within itself: {' in '.join((*chain, equipment.id))}",
            "give one of them another parent",
        )
    elif _RANK[parent.level] > _RANK[equipment.level]:
        report.warning(
            path,
            f"a {equipment.level} lies within the {parent.level} '{parent.id}'",
            "levels run site, area, work_center, work_unit",
        )


def _check_people(plant: Plant, report: Report) -> None:
    calendars = {c.id for c in plant.calendars}
    for index, person in enumerate(plant.people):
        if person.calendar is not None:
            path: Path = ("people", index, "calendar")
            _known(report, path, "calendar", person.calendar, calendars)
        for place, skill in enumerate(person.skills):
            _known(report, ("people", index, "skills", place), "skill", skill, plant.skills)


def _check_autonomy(plant: Plant, report: Report) -> None:
    for index, rule in enumerate(plant.autonomy):
        if not any(fnmatchcase(name, rule.equipment) for name in plant.equipment_by_id):
            report.error(
                ("autonomy", index, "equipment"),
                f"'{rule.equipment}' fits no equipment",
                near(rule.equipment, plant.equipment_by_id, "equipment"),
            )
        hint = near(rule.kind, _KINDS, "kind")
        if not any(fnmatchcase(kind, rule.kind) for kind in _KINDS) and hint.startswith("did"):
            report.warning(
                ("autonomy", index, "kind"), f"'{rule.kind}' is no kind that Genba decides on", hint
            )


def _check_critical(plant: Plant, report: Report) -> None:
    """Whether every critical rule can ever fit something that is written."""
    setpoints = [s for s in plant.signals.values() if s.writable and s.role is not Role.HEARTBEAT]
    for index, rule in enumerate(plant.critical):
        path = ("critical", index)
        if not any(fnmatchcase(e.id, rule.equipment) for e in plant.equipment):
            names = {e.id for e in plant.equipment}
            report.error(
                (*path, "equipment"),
                f"'{rule.equipment}' fits no equipment",
                near(rule.equipment, names, "equipment"),
            )
        for place, pattern in enumerate(rule.signals):
            if not any(fnmatchcase(s.id, pattern) for s in setpoints):
                report.error(
                    (*path, "signals", place),
                    f"'{pattern}' fits no setpoint, and nothing else is ever written",
                    near(pattern, {s.id for s in setpoints}, "setpoint"),
                )
        if rule.kind == "heartbeat":
            report.error(
                (*path, "kind"),
                "heartbeats are sent by the second, and nobody can approve them",
                "name another kind, or leave it away",
            )
