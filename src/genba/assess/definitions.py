"""The KPIs: name, formula and source of each, computed from summed elements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from genba.assess.elements import Amount, Elements


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI. ``at_most_one`` marks ratios that a correct plan cannot take above 1."""

    id: str
    name: str
    formula: str
    unit: str
    source: str
    compute: Callable[[Elements], Amount]
    at_most_one: bool = False


def ratio(numerator: Amount, denominator: Amount) -> Amount:
    """Divide; undefined where either is unknown or the denominator is 0."""
    if numerator is None or not denominator:
        return None
    return numerator / denominator


def product(*factors: Amount) -> Amount:
    """Multiply; undefined where one factor is."""
    result = 1.0
    for factor in factors:
        if factor is None:
            return None
        result *= factor
    return result


def _availability(e: Elements) -> Amount:
    return ratio(e.production_s, e.planned_busy_s)


def _effectiveness(e: Elements) -> Amount:
    return ratio(e.planned_run_s, e.production_s)


def _quality(e: Elements) -> Amount:
    return ratio(e.good, e.produced)


def _first_pass(e: Elements) -> Amount:
    if e.good is None or e.rework is None:
        return None
    return ratio(e.good - e.rework, e.produced)


def _technical(e: Elements) -> Amount:
    if e.production_s is None or e.delay_s is None:
        return None
    return ratio(e.production_s, e.production_s + e.delay_s)


def _per_hour(amount: Amount, seconds: Amount) -> Amount:
    return ratio(amount, None if seconds is None else seconds / 3600.0)


ISO = "ISO 22400-2:2014"

KPIS: tuple[Kpi, ...] = (
    Kpi("availability", "Availability", "APT / PBT", "1", ISO, _availability, True),
    Kpi("effectiveness", "Effectiveness", "PRI * PQ / APT", "1", ISO, _effectiveness, True),
    Kpi("quality_ratio", "Quality ratio", "GQ / PQ", "1", ISO, _quality, True),
    Kpi(
        "oee",
        "OEE index",
        "availability * effectiveness * quality ratio",
        "1",
        ISO,
        lambda e: product(_availability(e), _effectiveness(e), _quality(e)),
        True,
    ),
    Kpi(
        "nee",
        "NEE index",
        "AUPT / PBT * effectiveness * quality ratio",
        "1",
        ISO,
        lambda e: product(ratio(e.processing_s, e.planned_busy_s), _effectiveness(e), _quality(e)),
        True,
    ),
    Kpi(
        "utilization_efficiency",
        "Utilization efficiency",
        "APT / AUBT",
        "1",
        ISO,
        lambda e: ratio(e.production_s, e.busy_s),
        True,
    ),
    Kpi(
        "allocation_efficiency",
        "Allocation efficiency",
        "AUBT / PBT",
        "1",
        ISO,
        lambda e: ratio(e.busy_s, e.planned_busy_s),
        True,
    ),
    Kpi(
        "allocation_ratio",
        "Allocation ratio",
        "AUBT / AOET",
        "1",
        ISO,
        lambda e: ratio(e.busy_s, e.execution_s),
    ),
    Kpi(
        "technical_efficiency",
        "Technical efficiency",
        "APT / (APT + ADET)",
        "1",
        ISO,
        _technical,
        True,
    ),
    Kpi(
        "setup_ratio",
        "Set-up ratio",
        "AUST / AUPT",
        "1",
        ISO,
        lambda e: ratio(e.setup_s, e.processing_s),
        True,
    ),
    Kpi(
        "throughput_rate",
        "Throughput rate",
        "PQ / AOET (orders, products) or PQ / PBT (equipment, shifts)",
        "/h",
        ISO,
        lambda e: _per_hour(
            e.produced, e.execution_s if e.execution_s is not None else e.planned_busy_s
        ),
    ),
    Kpi("first_pass_yield", "First-pass yield", "(GQ - RQ) / PQ", "1", ISO, _first_pass, True),
    Kpi(
        "scrap_ratio",
        "Scrap ratio",
        "SQ / PQ",
        "1",
        ISO,
        lambda e: ratio(e.scrap, e.produced),
        True,
    ),
    Kpi("rework_ratio", "Rework ratio", "RQ / PQ", "1", ISO, lambda e: ratio(e.rework, e.produced)),
    Kpi(
        "energy_per_part",
        "Energy per good part",
        "energy / GQ",
        "kWh",
        "ISO 22400-2:2014/Amd 1:2017 (direct energy consumption effectiveness)",
        lambda e: ratio(e.energy_kwh, e.good),
    ),
    Kpi(
        "carbon_per_part",
        "Carbon per good part",
        "energy by hour * carbon intensity / GQ",
        "kg",
        "Genba",
        lambda e: ratio(e.carbon_kg, e.good),
    ),
    Kpi(
        "cost_per_part",
        "Cost per good part",
        "(machine hours + energy by tariff + material) / GQ",
        "currency",
        "Genba",
        lambda e: ratio(e.cost, e.good),
    ),
)


def compute(elements: Elements) -> Mapping[str, Amount]:
    """Take every KPI from summed elements."""
    return {kpi.id: kpi.compute(elements) for kpi in KPIS}


def flags(values: Mapping[str, Amount]) -> tuple[str, ...]:
    """Say which values cannot be right as planned; none is clipped."""
    said = []
    for kpi in KPIS:
        value = values[kpi.id]
        if kpi.at_most_one and value is not None and value > 1.0 + 1e-9:
            said.append(f"{kpi.id} is {value:.3f}, above 1: {_above_one(kpi.id)}")
    return tuple(said)


def _above_one(kpi: str) -> str:
    if kpi in {"availability", "allocation_efficiency"}:
        return "it worked outside its calendar"
    if kpi in {"effectiveness", "oee", "nee"}:
        return "planned cycle times are longer than real ones"
    return "its counters do not fit each other"
