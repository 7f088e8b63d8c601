"""Signals: units, ranges, limits, and the roles that they play."""

from dataclasses import dataclass
from itertools import pairwise

from genba.errors import PlantError
from genba.plant.checks.report import Path, Report
from genba.plant.model import Plant
from genba.plant.signal import DataType, Limits, Range, Role, Signal, SignalKind
from genba.plant.units import commensurable, parse_unit

NUMBERS = frozenset({DataType.INT, DataType.FLOAT})
_WHOLE = frozenset({DataType.INT})
_TEXT = frozenset({DataType.STRING})
_JSON = frozenset({DataType.JSON})


@dataclass(frozen=True, slots=True)
class _Part:
    """What the signal of a role must be."""

    kinds: tuple[SignalKind, ...]
    types: frozenset[DataType]
    unit: str | None = None


_SET, _STATE = (SignalKind.SETPOINT,), (SignalKind.STATE,)
_COUNT, _EVENT = (SignalKind.COUNTER,), (SignalKind.EVENT,)
_SHOWN = (SignalKind.STATE, SignalKind.MEASUREMENT)

ROLES: dict[Role, _Part] = {
    Role.STATE: _Part(_STATE, _WHOLE),
    Role.MODE: _Part(_STATE, _WHOLE),
    Role.LOTS: _Part(_STATE, _TEXT),
    Role.STATION: _Part(_STATE, _TEXT),
    Role.GOOD_COUNT: _Part(_COUNT, NUMBERS, "1"),
    Role.SCRAP_COUNT: _Part(_COUNT, NUMBERS, "1"),
    Role.REWORK_COUNT: _Part(_COUNT, NUMBERS, "1"),
    Role.ENERGY: _Part(_COUNT, NUMBERS, "kWh"),
    Role.HEARTBEAT: _Part(_SET, _WHOLE),
    Role.JOB_LOTS: _Part(_SET, _TEXT),
    Role.JOB_OPERATION: _Part((SignalKind.SETPOINT, SignalKind.STATE), _TEXT),
    Role.JOB_QUANTITY: _Part(_SET, _WHOLE),
    Role.JOB_REQUEST: _Part(_SET, _WHOLE),
    Role.JOB_ACK: _Part(_STATE, _WHOLE),
    Role.JOB_ERROR: _Part(_STATE, _TEXT),
    Role.PART: _Part(_EVENT, _JSON),
    Role.ORDER_RELEASED: _Part(_EVENT, _JSON),
    Role.VEHICLE_ORDER: _Part(_SET, _JSON),
    Role.VEHICLE_INSTANT_ACTIONS: _Part(_SET, _JSON),
    Role.VEHICLE_ORDER_ID: _Part(_STATE, _TEXT),
    Role.VEHICLE_ORDER_UPDATE: _Part(_STATE, _WHOLE),
    Role.VEHICLE_NODE: _Part(_STATE, _TEXT),
    Role.VEHICLE_SEQUENCE: _Part(_STATE, _WHOLE),
    Role.VEHICLE_NODES_LEFT: _Part(_STATE, _WHOLE),
    Role.VEHICLE_ACTIONS: _Part(_STATE, _JSON),
    Role.VEHICLE_LOADS: _Part(_STATE, _TEXT),
    Role.VEHICLE_MODE: _Part(_STATE, _TEXT),
    Role.VEHICLE_BATTERY: _Part(_SHOWN, NUMBERS, "%"),
    Role.VEHICLE_ERRORS: _Part(_STATE, _WHOLE),
    Role.PEOPLE_IN_ZONE: _Part(_SHOWN, _WHOLE),
    Role.AMBIENT: _Part(_SHOWN, NUMBERS),
}

JOB_INTERFACE = (
    *(Role.STATE, Role.MODE, Role.LOTS, Role.STATION, Role.HEARTBEAT),
    *(Role.JOB_LOTS, Role.JOB_OPERATION, Role.JOB_QUANTITY),
    *(Role.JOB_REQUEST, Role.JOB_ACK, Role.JOB_ERROR),
)
_ASKS_FOR_JOBS = frozenset(
    (Role.JOB_LOTS, Role.JOB_QUANTITY, Role.JOB_REQUEST, Role.JOB_ACK, Role.JOB_ERROR)
)
"""A machine with only ``job_operation`` tells what it makes, and takes no jobs."""


def check_signals(plant: Plant, report: Report) -> None:
    """Check every signal by itself, and the roles on each piece of equipment."""
    for index, equipment in enumerate(plant.equipment):
        for place, signal in enumerate(equipment.signals):
            path: Path = ("equipment", index, "signals", place)
            _check_unit(signal, path, report)
            _check_numbers(signal, path, report)
            _check_range(signal.range, signal.limits, path, report)
        _check_roles(plant, index, report)


def _check_unit(signal: Signal, path: Path, report: Report) -> None:
    try:
        parse_unit(signal.unit)
    except PlantError as error:
        text, _, mend = str(error).rpartition("; ")
        report.error((*path, "unit"), text, mend)
        return
    if signal.type not in NUMBERS and signal.unit != "1":
        report.error(
            (*path, "unit"), f"a {signal.type} has no unit", "leave 'unit' out, or change 'type'"
        )


def _check_numbers(signal: Signal, path: Path, report: Report) -> None:
    if signal.type not in NUMBERS:
        given = {
            "range": signal.range is not None,
            "limits": signal.limits is not None,
            "max_rate": signal.max_rate is not None,
            "scale": signal.scale != 1.0,
            "offset": signal.offset != 0.0,
            "deadband": signal.deadband != 0.0,
        }
        for field in (name for name, is_given in given.items() if is_given):
            report.error((*path, field), f"a {signal.type} has no {field}", f"leave '{field}' out")
    if signal.scale == 0:
        report.error((*path, "scale"), "0 makes every value alike", "give the factor of the device")
    if signal.fresh_s is not None and signal.fresh_s < signal.sample_s:
        report.warning(
            (*path, "fresh_s"),
            f"values come every {signal.sample_s:g} s and are stale after {signal.fresh_s:g} s",
            "raise fresh_s above sample_s",
        )
    bounded = signal.range is not None or signal.role is not None
    if signal.writable and signal.type in NUMBERS and not bounded:
        report.warning(path, "a setpoint without a range can be set to anything", "add 'range'")


def _check_range(bounds: Range | None, limits: Limits | None, path: Path, report: Report) -> None:
    if bounds is not None and not bounds.low < bounds.high:
        report.error(
            (*path, "range"),
            f"low {bounds.low:g} is not below high {bounds.high:g}",
            "give the lowest and the highest possible value",
        )
        return
    if limits is None:
        return
    given = [
        (name, value)
        for name in ("low_low", "low", "high", "high_high")
        if (value := getattr(limits, name)) is not None
    ]
    for (name, value), (next_name, next_value) in pairwise(given):
        if not value < next_value:
            report.error(
                (*path, "limits"),
                f"{name} {value:g} is not below {next_name} {next_value:g}",
                "order them low_low < low < high < high_high",
            )
    for name, value in given:
        if bounds is not None and not bounds.low <= value <= bounds.high:
            report.error(
                (*path, "limits", name),
                f"{value:g} lies outside the range {bounds.low:g} to {bounds.high:g}",
                "an alarm there could never come; move the limit or widen the range",
            )


def _check_roles(plant: Plant, index: int, report: Report) -> None:
    equipment = plant.equipment[index]
    played: dict[Role, Signal] = {}
    for place, signal in enumerate(equipment.signals):
        if signal.role is None:
            continue
        path: Path = ("equipment", index, "signals", place)
        if signal.role in played:
            report.error(
                (*path, "role"),
                f"{played[signal.role].id} plays the role {signal.role} already",
                "a role is played once on each piece of equipment",
            )
        played.setdefault(signal.role, signal)
        _check_part(signal, signal.role, path, report)
    if _ASKS_FOR_JOBS & played.keys():
        missing = [role for role in JOB_INTERFACE if role not in played]
        if missing:
            report.error(
                ("equipment", index, "signals"),
                f"the job interface of {equipment.id} lacks {', '.join(missing)}",
                "add signals with these roles, or take the job_* roles out",
            )
        told = played.get(Role.JOB_OPERATION)
        if told is not None and not told.writable:
            report.error(
                ("equipment", index, "signals", equipment.signals.index(told), "kind"),
                "a machine that takes jobs is told its operation",
                "write kind: setpoint",
            )


def _check_part(signal: Signal, role: Role, path: Path, report: Report) -> None:
    part = ROLES[role]
    if signal.kind not in part.kinds:
        report.error(
            (*path, "kind"),
            f"the role {role} is played by a {' or '.join(part.kinds)}, not by a {signal.kind}",
            f"write kind: {part.kinds[0]}",
        )
    if signal.type not in part.types:
        report.error(
            (*path, "type"),
            f"the role {role} has type {' or '.join(sorted(part.types))}, not {signal.type}",
            f"write type: {min(part.types)}",
        )
    if part.unit is not None:
        try:
            fits = commensurable(signal.unit, part.unit)
        except PlantError:
            return  # an unknown unit was told already
        if not fits:
            report.error(
                (*path, "unit"),
                f"the role {role} is counted in '{part.unit}', and '{signal.unit}' is another kind",
                f"write unit: '{part.unit}'",
            )
