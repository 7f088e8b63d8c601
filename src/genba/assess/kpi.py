"""The KPI report: elements and KPIs of a period, by equipment, product, order or shift."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from genba.assess.definitions import KPIS, compute, flags
from genba.assess.elements import Amount, Elements, total
from genba.assess.machines import machine_elements, machines, read_machines
from genba.assess.runs import operation_rows, run_elements
from genba.assess.series import Records
from genba.assess.worktime import shifts_between
from genba.plant import Plant, format_time

By = Literal["equipment", "product", "order", "shift"]
TOTAL = "all"


@dataclass(frozen=True, slots=True)
class KpiRow:
    """Elements and KPIs of one group; ``flags`` say what to look at twice."""

    key: str
    elements: Elements
    kpis: Mapping[str, Amount]
    flags: tuple[str, ...]


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
                }
                for k in KPIS
            ],
            "rows": [
                {
                    "key": row.key,
                    "elements": asdict(row.elements),
                    "kpis": dict(row.kpis),
                    "flags": list(row.flags),
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
        groups = _by_equipment(records, plant, start, end)
    elif by == "shift":
        groups = _by_shift(records, plant, start, end)
    else:
        groups = _by_run(records, plant, start, end, by)
    rows = [_row(key, elements) for key, elements in groups.items()]
    if len(rows) > 1:
        rows.append(_row(TOTAL, total(groups.values())))
    return KpiReport(plant.id, start, end, by, plant.currency, tuple(rows))


def _row(key: str, elements: Elements) -> KpiRow:
    kpis = compute(elements)
    said = flags(kpis)
    if elements.unknown_s:
        said = (*said, f"state unknown for {elements.unknown_s:.0f} s")
    return KpiRow(key, elements, kpis, said)


def _by_equipment(records: Records, plant: Plant, start: int, end: int) -> dict[str, Elements]:
    units = machines(plant)
    series = read_machines(records, plant, units, start, end)
    return {unit.id: machine_elements(plant, unit, series, start, end) for unit in units}


def _by_shift(records: Records, plant: Plant, start: int, end: int) -> dict[str, Elements]:
    units = machines(plant)
    series = read_machines(records, plant, units, start, end)
    groups: dict[str, Elements] = {}
    for calendar in plant.calendars:
        followers = [unit for unit in units if unit.calendar == calendar.id]
        for run in shifts_between(calendar, start, end) if followers else ():
            begin, finish = max(run.start, start), min(run.end, end)
            elements = total(
                machine_elements(plant, unit, series, begin, finish) for unit in followers
            )
            key = f"{format_time(run.start)[:10]} {run.id}"
            groups[key] = groups.get(key, Elements()) + elements
    return groups


def _by_run(
    records: Records, plant: Plant, start: int, end: int, by: Literal["product", "order"]
) -> dict[str, Elements]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in operation_rows(records, start, end):
        groups.setdefault(row[by], []).append(row)
    return {key: run_elements(plant, groups[key]) for key in sorted(groups)}
