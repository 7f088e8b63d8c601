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
    elements: tuple[str, ...]
    """Fields of :class:`~genba.assess.elements.Elements` that it is computed from."""
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


def _throughput(e: Elements) -> Amount:
    return ratio(e.throughput, None if e.working_s is None else e.working_s / 3600.0)


def _oee(e: Elements) -> Amount:
    return product(_availability(e), _effectiveness(e), _quality(e))


def _nee(e: Elements) -> Amount:
    return product(ratio(e.processing_s, e.planned_busy_s), _effectiveness(e), _quality(e))


ISO = "ISO 22400-2:2014"
_OWN = "Genba"

KPIS: tuple[Kpi, ...] = (
    Kpi(
        "availability", "Availability", "APT / PBT", "1", ISO,
        ("production_s", "planned_busy_s"), _availability, True,
    ),
    Kpi(
        "effectiveness", "Effectiveness", "sum(PRI * PQ) / APT", "1", ISO,
        ("planned_run_s", "production_s"), _effectiveness, True,
    ),
    Kpi(
        "quality_ratio", "Quality ratio", "GQ / PQ", "1", ISO,
        ("good", "scrap"), _quality, True,
    ),
    Kpi(
        "oee", "OEE index", "availability * effectiveness * quality ratio", "1", ISO,
        ("production_s", "planned_busy_s", "planned_run_s", "good", "scrap"), _oee, True,
    ),
    Kpi(
        "nee", "NEE index", "AUPT / PBT * effectiveness * quality ratio", "1", ISO,
        ("production_s", "setup_s", "planned_busy_s", "planned_run_s", "good", "scrap"),
        _nee, True,
    ),
    Kpi(
        "utilization_efficiency", "Utilization efficiency", "APT / AUBT", "1", ISO,
        ("production_s", "setup_s", "delay_s"),
        lambda e: ratio(e.production_s, e.busy_s), True,
    ),
    Kpi(
        "allocation_efficiency", "Allocation efficiency", "AUBT / PBT", "1", ISO,
        ("production_s", "setup_s", "delay_s", "planned_busy_s"),
        lambda e: ratio(e.busy_s, e.planned_busy_s), True,
    ),
    Kpi(
        "allocation_ratio", "Allocation ratio", "sum(AUBT) / AOET", "1", ISO,
        ("production_s", "setup_s", "delay_s", "execution_s"),
        lambda e: ratio(e.busy_s, e.execution_s),
    ),
    Kpi(
        "technical_efficiency", "Technical efficiency", "APT / (APT + ADET)", "1", ISO,
        ("production_s", "delay_s"), _technical, True,
    ),
    Kpi(
        "setup_ratio", "Set-up ratio", "AUST / AUPT", "1", ISO,
        ("setup_s", "production_s"), lambda e: ratio(e.setup_s, e.processing_s), True,
    ),
    Kpi(
        "throughput_rate", "Throughput rate",
        "PQ / AOET; of machines PQ / PBT, of shifts and the plant finished good parts / time",
        "/h", ISO, ("throughput", "working_s"), _throughput,
    ),
    Kpi(
        "first_pass_yield", "First-pass yield", "GP / IP = (GQ - RQ) / PQ", "1", ISO,
        ("good", "rework", "scrap"), _first_pass, True,
    ),
    Kpi(
        "scrap_ratio", "Scrap ratio", "SQ / PQ", "1", ISO,
        ("scrap", "good"), lambda e: ratio(e.scrap, e.produced), True,
    ),
    Kpi(
        "rework_ratio", "Rework ratio", "RQ / PQ", "1", ISO,
        ("rework", "good", "scrap"), lambda e: ratio(e.rework, e.produced),
    ),
    Kpi(
        "energy_per_part", "Energy per good part", "energy / good parts that left", "kWh",
        f"{ISO}, comprehensive energy consumption (energy / PQ), over good parts",
        ("energy_kwh", "output"), lambda e: ratio(e.energy_kwh, e.output),
    ),
    Kpi(
        "carbon_per_part", "Carbon per good part",
        "sum(energy * carbon intensity of the hour) / good parts that left", "kg", _OWN,
        ("carbon_kg", "output"), lambda e: ratio(e.carbon_kg, e.output),
    ),
    Kpi(
        "cost_per_part", "Cost per good part",
        "(machine hours + energy by tariff + material + people) / good parts that left",
        "currency", _OWN,
        ("machine_cost", "energy_cost", "material_cost", "people_cost", "output"),
        lambda e: ratio(e.cost, e.output),
    ),
)  # fmt: skip


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
        if value is not None and value < 0:
            said.append(f"{kpi.id} is {value:.3f}, below 0: {_below_zero(kpi.id)}")
    return tuple(said)


def _below_zero(kpi: str) -> str:
    if kpi == "first_pass_yield":
        return "parts were reworked more often than good ones came out"
    return "its counters do not fit each other"


def _above_one(kpi: str) -> str:
    if kpi in {"availability", "allocation_efficiency"}:
        return "it worked outside its calendar"
    if kpi in {"effectiveness", "oee", "nee"}:
        return "planned cycle times are longer than real ones"
    return "its counters do not fit each other"
