"""Alarms: their expressions make sense, and the alarm system is one that people can follow."""

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase

from genba.errors import PlantError
from genba.plant.alarm import AlarmPriority, AlarmSetting
from genba.plant.alarm_rules import LIMITS, settings_of
from genba.plant.checks.reasoning import Sort
from genba.plant.checks.report import Path, Report, near
from genba.plant.checks.typing import sort_of
from genba.plant.expression import parse_expression
from genba.plant.model import Plant
from genba.plant.signal import DataType, Signal

_SORTS = {
    DataType.BOOL: Sort.TRUTH,
    DataType.INT: Sort.WHOLE,
    DataType.FLOAT: Sort.NUMBER,
    DataType.STRING: Sort.TEXT,
    DataType.JSON: Sort.TEXT,
}
ENOUGH = 20
"""Limit alarms from which on the distribution of priorities says something."""
MOST_HIGH = 0.15
"""EEMUA 191 advises about 5% high, 15% medium and 80% low; three times that is worth a word."""


def check_alarms(plant: Plant, report: Report) -> None:
    """Check every rule and setting, then the priorities of all limit alarms together."""
    for index, rule in enumerate(plant.alarms):
        path: Path = ("alarms", index)
        _check_pattern(rule.equipment, [*plant.equipment_by_id, ""], (*path, "equipment"), report)
        _check_pattern(rule.signal, [*plant.signals, ""], (*path, "signal"), report)
        if rule.suppress_when is not None:
            for equipment in plant.equipment:
                if fnmatchcase(equipment.id, rule.equipment) and any(
                    fnmatchcase(s.id, rule.signal) for s in equipment.signals
                ):
                    text = rule.suppress_when.replace("{equipment}", equipment.id)
                    if not _check_expression(plant, text, (*path, "suppress_when"), report):
                        break
    for path, signal in _signals(plant):
        _check_signal(plant, signal, path, report)
    _check_priorities(plant, report)


def _signals(plant: Plant) -> Iterator[tuple[Path, Signal]]:
    for index, equipment in enumerate(plant.equipment):
        for place, signal in enumerate(equipment.signals):
            yield ("equipment", index, "signals", place), signal


def _check_pattern(pattern: str, known: list[str], path: Path, report: Report) -> None:
    if not any(fnmatchcase(name, pattern) for name in known):
        kind = str(path[-1])
        report.error(path, f"'{pattern}' fits no {kind}", near(pattern, known, kind))


def _check_signal(plant: Plant, signal: Signal, path: Path, report: Report) -> None:
    for name in LIMITS:
        limit = None if signal.limits is None else getattr(signal.limits, name)
        own: AlarmSetting | None = getattr(signal.alarms, name)
        if own is not None and limit is None:
            report.error(
                (*path, "alarms", name),
                f"{signal.id} has no limit {name}, so this alarm can never come",
                f"add '{name}' to its limits, or take the alarm out",
            )
        if own is not None and own.deadband is not None:
            _check_deadband(signal, name, own.deadband, path, report)
        if limit is not None:
            setting = settings_of(plant, signal.equipment, signal.id, f"limit_{name}")
            if setting.enabled is not False and not setting.response:
                report.warning(
                    (*path, "limits", name),
                    "an alarm without a response: nobody knows what to do about it",
                    f"write alarms: {{{name}: {{response: ...}}}}, or enabled: false",
                )
    if signal.alarms.rate is not None and signal.max_rate is None:
        report.error(
            (*path, "alarms", "rate"),
            f"{signal.id} has no max_rate, so this alarm can never come",
            "add 'max_rate', or take the alarm out",
        )
    for name in type(signal.alarms).model_fields:
        own = getattr(signal.alarms, name)
        if own is not None and own.suppress_when is not None:
            text = own.suppress_when.replace("{equipment}", signal.equipment)
            _check_expression(plant, text, (*path, "alarms", name, "suppress_when"), report)


def _check_deadband(signal: Signal, name: str, deadband: float, path: Path, report: Report) -> None:
    if signal.range is not None and deadband >= signal.range.high - signal.range.low:
        report.error(
            (*path, "alarms", name, "deadband"),
            f"{deadband:g} is as wide as the range, so the alarm could never return to normal",
            "give a part of the range, such as 2% of it",
        )


def _check_expression(plant: Plant, text: str, path: Path, report: Report) -> bool:
    """Whether an expression over known signals is true or false; report what keeps it from it."""
    try:
        parsed = parse_expression(text)
        unknown = sorted(name for name in parsed.names if name not in plant.signals)
        if unknown or parsed.uses_value:
            name = "value" if not unknown else unknown[0]
            report.unknown(path, "signal", name, plant.signals)
            return False
        types = {name: _SORTS[plant.signals[name].type] for name in parsed.names}
        sort = sort_of(parsed.root, types)
    except PlantError as error:
        what, _, mend = str(error).rpartition("; ")
        report.error(path, what, mend)
        return False
    if sort is not Sort.TRUTH:
        report.error(path, f"'{text}' is neither true nor false", "compare it with something")
        return False
    return True


def _check_priorities(plant: Plant, report: Report) -> None:
    """Warn where so many alarms are high that none stands out."""
    counts: Counter[AlarmPriority] = Counter()
    for signal in plant.signals.values():
        for name in LIMITS:
            if signal.limits is not None and getattr(signal.limits, name) is not None:
                setting = settings_of(plant, signal.equipment, signal.id, f"limit_{name}")
                if setting.enabled is not False and setting.priority is not None:
                    counts[setting.priority] += 1
    total = counts.total()
    high = counts[AlarmPriority.HIGH] + counts[AlarmPriority.CRITICAL]
    if total >= ENOUGH and high > MOST_HIGH * total:
        report.warning(
            ("alarms",),
            f"{high} of {total} limit alarms are high or critical, so none of them stands out",
            "EEMUA 191 advises about 5% high, 15% medium, 80% low; lower some priorities",
        )
