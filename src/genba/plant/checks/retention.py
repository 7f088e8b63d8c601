"""Retention: every class and pattern means something, and nothing outlives what it comes from."""

from fnmatch import fnmatchcase

from genba.plant.checks.report import Path, Report, near
from genba.plant.model import Plant
from genba.plant.retention import RetentionClass

_LOOK_BACK_DAYS = 7
"""How far before a period the historian looks for the value that held at its begin."""


def check_retention(plant: Plant, report: Report) -> None:
    """Check the classes, the signals that name one, and the periods of records."""
    known = [own.id for own in plant.retention.classes]
    for index, own in enumerate(plant.retention.classes):
        path: Path = ("retention", "classes", index)
        if own.id in known[:index]:
            report.error((*path, "id"), f"class '{own.id}' is there twice", "rename one of them")
        for place, pattern in enumerate(own.signals):
            if not any(fnmatchcase(name, pattern) for name in plant.signals):
                text = f"'{pattern}' fits no signal"
                report.error(
                    (*path, "signals", place), text, near(pattern, plant.signals, "signal")
                )
        _check_periods(own, path, report)
    for index, equipment in enumerate(plant.equipment):
        for place, signal in enumerate(equipment.signals):
            if signal.retention is not None and signal.retention not in known:
                where: Path = ("equipment", index, "signals", place, "retention")
                report.unknown(where, "retention class", signal.retention, known)
    tables = [rule.table for rule in plant.retention.records]
    for index, table in enumerate(tables):
        if table in tables[:index]:
            where = ("retention", "records", index, "table")
            report.error(where, f"table '{table}' is there twice", "leave one of them out")


def _check_periods(own: RetentionClass, path: Path, report: Report) -> None:
    finer = ("raw_days", own.raw_days)
    for name, days in (
        ("rollup_1m_days", own.rollup_1m_days),
        ("rollup_1h_days", own.rollup_1h_days),
    ):
        if days is not None and (finer[1] is None or finer[1] > days):
            report.error(
                (*path, name),
                f"the coarser rollups would go after {days:g} days, before what is finer",
                f"make {name} at least as long as {finer[0]}, or leave it out",
            )
        finer = (name, days)
    if own.raw_days is not None and own.raw_days < _LOOK_BACK_DAYS + 1:
        report.warning(
            (*path, "raw_days"),
            f"after {own.raw_days:g} days, what a signal showed last may be forgotten while it is "
            "still looked for",
            f"keep samples {_LOOK_BACK_DAYS + 1} days or longer",
        )
