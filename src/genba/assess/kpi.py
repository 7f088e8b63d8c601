"""The KPI report: elements and KPIs of a period, by equipment, product, order or shift."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from genba.assess.definitions import KPIS, compute, flags
from genba.assess.elements import Amount, Elements, total
from genba.assess.jobs import read_jobs
from genba.assess.machines import machine_elements, machines, read_machines
from genba.assess.people import people_cost
from genba.assess.runs import operation_rows, run_elements
from genba.assess.series import Records, Series
from genba.assess.touched import Spans, Touched, read_gaps, together, touched
from genba.plant import Plant, format_time
from genba.plant.worktime import calendar_of, planned_busy_s, shifts_between

By = Literal["equipment", "product", "order", "shift"]
TOTAL = "all"


@dataclass(frozen=True, slots=True)
class KpiRow:
    """Elements and KPIs of one group; ``flags`` say what to look at twice.

    ``touched`` names what rests on signals that were not received for a while.
    """

    key: str
    elements: Elements
    kpis: Mapping[str, Amount]
    flags: tuple[str, ...]
    touched: Touched


@dataclass(frozen=True, slots=True)
class KpiReport:
    """All groups of a period, the sum last."""

    plant: str
    start: int
    end: int
    by: By
    currency: str
    rows: tuple[KpiRow, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data; undefined values are None."""
        return {
            "plant": self.plant,
            "from": format_time(self.start),
            "to": format_time(self.end),
            "by": self.by,
            "currency": self.currency,
            "definitions": [
                {
                    "id": k.id,
                    "name": k.name,
                    "formula": k.formula,
                    "unit": k.unit,
                    "source": k.source,
                    "elements": list(k.elements),
                }
                for k in KPIS
            ],
            "rows": [
                {
                    "key": row.key,
                    "elements": asdict(row.elements),
                    "kpis": dict(row.kpis),
                    "flags": list(row.flags),
                    "touched_by_gaps": row.touched.to_json(),
                }
                for row in self.rows
            ],
        }


def kpi_report(
    records: Records, plant: Plant, start: int, end: int, by: By = "equipment"
) -> KpiReport:
    """Compute the elements and KPIs of ISO 22400-2 for ``[start, end)``.

    Parameters
    ----------
    records : Records
        The historian.
    plant : Plant
        Says calendars, planned cycles, tariffs and costs.
    start, end : int
        Microseconds UTC.
    by : {"equipment", "product", "order", "shift"}
        Equipment and shifts are read from the machines' signals, products and orders from the
        operations that ended in the period.
    """
    if by == "equipment":
        rows = _by_equipment(records, plant, start, end)
    elif by == "shift":
        rows = _by_shift(records, plant, start, end)
    else:
        rows = _by_run(records, plant, start, end, by)
    return KpiReport(plant.id, start, end, by, plant.currency, tuple(rows))


def _row(
    key: str, elements: Elements, unsure: Touched, parts: Mapping[str, Elements] | None = None
) -> KpiRow:
    kpis = compute(elements)
    said = flags(kpis)
    if not parts:
        said = (*said, *_wanting(elements))
    if elements.unknown_s:
        said = (*said, f"state unknown for {elements.unknown_s:.0f} s")
    said = (*said, *_unknown(elements, parts or {}), *unsure.flag())
    return KpiRow(key, elements, kpis, said, unsure)


def _wanting(elements: Elements) -> list[str]:
    """Say what a machine wants, for more to be known of it."""
    said = []
    if elements.production_s is not None and elements.planned_busy_s is None:
        said.append("planned time not known; give it a calendar in the plant file")
    if elements.good and elements.planned_run_s is None:
        said.append(
            "planned run time not known: neither a recorded operation, nor job_operation, "
            "nor the lots in it tell what some parts were"
        )
    return said


def _unknown(elements: Elements, parts: Mapping[str, Elements]) -> list[str]:
    """Say which parts keep sums from being known, though others are known."""
    unknown: dict[tuple[str, ...], list[str]] = {}
    for name, amount in asdict(elements).items():
        if amount is None:
            missing = tuple(key for key, part in parts.items() if getattr(part, name) is None)
            if 0 < len(missing) < len(parts):
                unknown.setdefault(missing, []).append(name)
    return [
        f"{', '.join(names)} not known, for want of {', '.join(missing)}"
        for missing, names in unknown.items()
    ]


def _by_equipment(records: Records, plant: Plant, start: int, end: int) -> list[KpiRow]:
    units = machines(plant)
    series = read_machines(records, plant, units, start, end)
    jobs = read_jobs(records, plant, start, end)
    parts = {unit.id: machine_elements(plant, unit, series, jobs, start, end) for unit in units}
    gaps = read_gaps(records, plant, start, end)
    unsure = {unit.id: touched(plant, unit.id, series, gaps, [(start, end)]) for unit in units}
    rows = [_row(key, elements, unsure[key]) for key, elements in parts.items()]
    if len(parts) > 1:
        longest = [e.working_s for e in parts.values() if e.working_s is not None]
        summed = replace(
            _together(parts.values()),
            working_s=max(longest, default=None),
            people_cost=people_cost(plant, start, end),
        )
        rows.append(_row(TOTAL, summed, together(unsure.values()), parts))
    return rows


def _together(parts: Iterable[Elements]) -> Elements:
    """Sum machines that work one after another: what leaves them is what was finished."""
    summed = total(parts)
    return replace(summed, output=summed.finished, throughput=summed.finished)


def _by_shift(records: Records, plant: Plant, start: int, end: int) -> list[KpiRow]:
    units = machines(plant)
    series = read_machines(records, plant, units, start, end)
    jobs = read_jobs(records, plant, start, end)
    gaps = read_gaps(records, plant, start, end)
    parts: dict[str, Elements] = {}
    rows: list[KpiRow] = []
    followed = {unit.id: calendar_of(plant, unit) for unit in units}
    several = len({calendar.id for calendar in followed.values() if calendar is not None}) > 1
    for calendar in plant.calendars:
        followers = [unit for unit in units if followed[unit.id] == calendar]
        for run in shifts_between(calendar, start, end) if followers else ():
            begin, finish = max(run.start, start), min(run.end, end)
            members = {
                unit.id: machine_elements(plant, unit, series, jobs, begin, finish)
                for unit in followers
            }
            summed = replace(
                _together(members.values()),
                working_s=planned_busy_s(calendar, begin, finish),
                people_cost=people_cost(plant, begin, finish, calendar.id),
            )
            name = f"{calendar.id}/{run.id}" if several else run.id
            parts[f"{run.day} {name}"] = summed
            unsure = together(
                touched(plant, unit.id, series, gaps, [(begin, finish)]) for unit in followers
            )
            rows.append(_row(f"{run.day} {name}", summed, unsure, members))
    if len(parts) > 1:
        all_of_them = together(row.touched for row in rows)
        rows.append(_row(TOTAL, total(parts.values()), all_of_them, parts))
    return rows


def _by_run(
    records: Records, plant: Plant, start: int, end: int, by: Literal["product", "order"]
) -> list[KpiRow]:
    groups: dict[str, list[dict[str, Any]]] = {}
    listed = operation_rows(records, start, end)
    for row in listed:
        groups.setdefault(row[by], []).append(row)
    names = {row["equipment"] for row in listed}
    units = [unit for unit in machines(plant) if unit.id in names]
    first = min((row["start"] for row in listed), default=start)
    series = read_machines(records, plant, units, min(first, start), end)
    parts = {key: run_elements(plant, groups[key], series) for key in sorted(groups)}
    gaps = read_gaps(records, plant, min(first, start), end)
    rows = [
        _row(key, elements, _of_runs(plant, groups[key], series, gaps))
        for key, elements in parts.items()
    ]
    if len(parts) > 1:
        all_of_them = together(row.touched for row in rows)
        rows.append(_row(TOTAL, total(parts.values()), all_of_them, parts))
    return rows


def _of_runs(
    plant: Plant, rows: Iterable[Mapping[str, Any]], series: Mapping[str, Series], gaps: Spans
) -> Touched:
    """Say what of recorded operations a gap touches; their cost of machines hangs on times."""
    found = together(
        touched(plant, row["equipment"], series, gaps, [(row["start"], row["end"])]) for row in rows
    )
    costly = {"machine_cost"} if "production_s" in found.elements else set()
    return replace(found, elements=found.elements | costly)
