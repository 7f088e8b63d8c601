"""Elements of work units over any period, from their signals."""

from collections.abc import Mapping

from genba.assess.elements import Elements
from genba.assess.energy import by_tariff, electricity
from genba.assess.series import ROLES, Records, Series, durations, grown, increments, read, text_at
from genba.assess.worktime import planned_busy_s
from genba.plant import Equipment, Level, PackMLMode, PackMLState, Plant, Role

_DELAYS = {
    PackMLState.CLEARING,
    PackMLState.STOPPED,
    PackMLState.SUSPENDED,
    PackMLState.STOPPING,
    PackMLState.ABORTING,
    PackMLState.ABORTED,
    PackMLState.HOLDING,
    PackMLState.HELD,
    PackMLState.UNHOLDING,
    PackMLState.SUSPENDING,
    PackMLState.UNSUSPENDING,
}


def machines(plant: Plant) -> list[Equipment]:
    """Work units that show a machine state: those that KPIs are computed for."""
    return [
        e
        for e in plant.equipment
        if e.level is Level.WORK_UNIT and (e.id, Role.STATE) in plant.roles
    ]


def read_machines(
    records: Records, plant: Plant, units: list[Equipment], start: int, end: int
) -> dict[str, Series]:
    """Read all signals that the elements of ``units`` need, once."""
    wanted = [
        plant.roles[unit.id, role].id
        for unit in units
        for role in ROLES
        if (unit.id, role) in plant.roles
    ]
    return read(records, wanted, start, end)


def machine_elements(
    plant: Plant, unit: Equipment, series: Mapping[str, Series], start: int, end: int
) -> Elements:
    """Elements of one work unit in ``[start, end)``. They add up over adjoining periods."""
    of = {
        role: series.get(plant.roles[unit.id, role].id)
        for role in ROLES
        if (unit.id, role) in plant.roles
    }
    calendar = next((c for c in plant.calendars if c.id == unit.calendar), None)
    times = _times(durations(of.get(Role.STATE), of.get(Role.MODE), start, end))
    energy_times, energy = increments(of.get(Role.ENERGY), start, end)
    cost, carbon = by_tariff(electricity(plant), plant.timezone, energy_times, energy)
    has_energy = grown(of.get(Role.ENERGY), start, end) is not None
    busy_s = times.busy_s
    return times + Elements(
        planned_busy_s=planned_busy_s(calendar, start, end),
        planned_run_s=_planned_run(plant, unit, of, start, end),
        good=grown(of.get(Role.GOOD_COUNT), start, end),
        scrap=grown(of.get(Role.SCRAP_COUNT), start, end),
        rework=grown(of.get(Role.REWORK_COUNT), start, end),
        energy_kwh=float(energy.sum()) if has_energy else None,
        energy_cost=cost if has_energy else None,
        carbon_kg=carbon if has_energy else None,
        machine_cost=None if busy_s is None else busy_s / 3600.0 * unit.hourly_cost,
    )


def _times(lasted: Mapping[tuple[int, int] | None, float]) -> Elements:
    sums = dict.fromkeys(("production_s", "setup_s", "delay_s", "maintenance_s", "idle_s"), 0.0)
    for key, seconds in lasted.items():
        if key is not None:
            sums[_kind(*key)] += seconds
    unknown = lasted.get(None, 0.0)
    if unknown and len(lasted) == 1:
        return Elements(unknown_s=unknown)
    return Elements(**sums, unknown_s=unknown)


def _kind(state: int, mode: int) -> str:
    if mode == PackMLMode.MAINTENANCE:
        return "maintenance_s"
    if state in _DELAYS:
        return "delay_s"
    if mode == PackMLMode.SETUP:
        return "setup_s"
    return "production_s" if state == PackMLState.EXECUTE else "idle_s"


def _planned_run(
    plant: Plant, unit: Equipment, of: Mapping[Role, Series | None], start: int, end: int
) -> float | None:
    """Sum of planned run time per part (per batch) of what the counters counted."""
    operations = of.get(Role.JOB_OPERATION)
    if operations is None or of.get(Role.GOOD_COUNT) is None:
        return None
    counted: dict[int, float] = {}
    for role in (Role.GOOD_COUNT, Role.SCRAP_COUNT):
        for when, amount in zip(*increments(of.get(role), start, end), strict=True):
            counted[int(when)] = counted.get(int(when), 0.0) + float(amount)
    planned = 0.0
    for when, parts in counted.items():
        cycle = planned_cycle_s(plant, unit.id, text_at(operations, when))
        if cycle is None:
            return None
        per_part, is_batch = cycle
        planned += per_part if is_batch else per_part * parts
    return planned


def planned_cycle_s(
    plant: Plant, equipment: str, operation: str | None
) -> tuple[float, bool] | None:
    """Planned cycle of ``<product>/<operation>`` on a machine, and whether it is per batch."""
    if operation is None or "/" not in operation:
        return None
    product_id, _, operation_id = operation.partition("/")
    product = plant.products_by_id.get(product_id)
    for step in product.routing if product else ():
        if step.id == operation_id:
            for alternative in step.alternatives:
                if alternative.equipment == equipment:
                    return alternative.cycle_s, step.batch_parts is not None
    return None
