"""Elements of work units over any period, from their signals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genba.assess.elements import Amount, Elements, add
from genba.assess.energy import by_tariff, electricity
from genba.assess.series import ROLES, Records, Series, durations, grown, increments, read, text_at
from genba.assess.worktime import Interval, calendar_of, planned_intervals
from genba.plant import US, Equipment, Level, PackMLMode, PackMLState, Plant, Product, Role

_DELAYS = {
    PackMLState.CLEARING,
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
_BY_HAND = {PackMLMode.MAINTENANCE, PackMLMode.MANUAL}


def machines(plant: Plant) -> list[Equipment]:
    """Work units that show a machine state: those that KPIs are computed for."""
    return [
        e
        for e in plant.equipment
        if e.level is Level.WORK_UNIT and (e.id, Role.STATE) in plant.roles
    ]


def read_machines(
    records: Records, plant: Plant, units: Sequence[Equipment], start: int, end: int
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
    """Elements of one work unit in ``[start, end)``. They add up over adjoining periods.

    ``series`` may reach further on both sides.
    """
    of = {
        role: series.get(plant.roles[unit.id, role].id)
        for role in ROLES
        if (unit.id, role) in plant.roles
    }
    calendar = calendar_of(plant, unit)
    planned = None if calendar is None else planned_intervals(calendar, start, end)
    busy = None if planned is None else sum(b - a for a, b in planned) / US
    times = time_elements(of, [(start, end)], planned)
    parts = _parts(plant, unit, of, start, end)
    good = grown(of.get(Role.GOOD_COUNT), start, end)
    scrap = grown(of.get(Role.SCRAP_COUNT), start, end)
    energy = _energy(plant, of, start, end)
    return replace(
        times,
        planned_busy_s=busy,
        working_s=busy,
        planned_run_s=parts.planned_run_s,
        good=good,
        scrap=scrap,
        rework=grown(of.get(Role.REWORK_COUNT), start, end),
        output=good,
        throughput=add(good, scrap),
        finished=parts.finished,
        energy_kwh=energy.energy_kwh,
        energy_cost=energy.energy_cost,
        carbon_kg=energy.carbon_kg,
        machine_cost=None if busy is None else busy / 3600.0 * unit.hourly_cost,
        material_cost=parts.material_cost,
        people_cost=0.0,
    )


def time_elements(
    of: Mapping[Role, Series | None],
    whole: Sequence[Interval],
    planned: Sequence[Interval] | None,
) -> Elements:
    """Split time by state and mode.

    Production and set-up count in all of ``whole``; delays, down time, maintenance and unknown
    states only in ``planned``, because nobody waits for a machine outside its calendar. Without a
    calendar they count in all of ``whole``.
    """
    state, mode = of.get(Role.STATE), of.get(Role.MODE)
    if state is None:
        return Elements(unknown_s=sum(b - a for a, b in whole) / US)
    worked = _sums(durations(state, mode, whole))
    stood = worked if planned is None else _sums(durations(state, mode, planned))
    if set(worked) == {"unknown_s"}:
        return Elements(unknown_s=stood.get("unknown_s", 0.0))
    return Elements(
        production_s=worked.get("production_s", 0.0),
        setup_s=worked.get("setup_s", 0.0),
        delay_s=stood.get("delay_s", 0.0),
        down_s=stood.get("down_s", 0.0),
        maintenance_s=stood.get("maintenance_s", 0.0),
        unknown_s=stood.get("unknown_s", 0.0),
    )


def _sums(lasted: Mapping[tuple[int, int] | None, float]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for key, seconds in lasted.items():
        kind = "unknown_s" if key is None else _kind(*key)
        sums[kind] = sums.get(kind, 0.0) + seconds
    return sums


def _kind(state: int, mode: int) -> str:
    if mode in _BY_HAND:
        return "maintenance_s"
    if state in _DELAYS:
        return "delay_s"
    if state == PackMLState.EXECUTE:
        return "setup_s" if mode == PackMLMode.SETUP else "production_s"
    return "down_s"


def _energy(plant: Plant, of: Mapping[Role, Series | None], start: int, end: int) -> Elements:
    counter = of.get(Role.ENERGY)
    if grown(counter, start, end) is None:
        return Elements()
    times, kwh = increments(counter, start, end)
    cost, carbon = by_tariff(electricity(plant), plant.timezone, times, kwh)
    return Elements(energy_kwh=float(kwh.sum()), energy_cost=cost, carbon_kg=carbon)


@dataclass(frozen=True, slots=True)
class Step:
    """What a machine does for one ``<product>/<operation>``."""

    product: Product
    cycle_s: float
    is_batch: bool
    is_first: bool
    is_last: bool


def steps_on(plant: Plant, equipment: str) -> dict[str, Step]:
    """All operations that routings let a machine do, by ``<product>/<operation>``."""
    found = {}
    for product in plant.products:
        for index, operation in enumerate(product.routing):
            for way in operation.alternatives:
                if way.equipment == equipment:
                    found[f"{product.id}/{operation.id}"] = Step(
                        product,
                        way.cycle_s,
                        operation.batch_parts is not None,
                        index == 0,
                        index == len(product.routing) - 1,
                    )
    return found


@dataclass(frozen=True, slots=True)
class _Parts:
    """What counted parts amount to; None where it is not known what they were."""

    planned_run_s: Amount = None
    finished: Amount = None
    material_cost: Amount = None


def _parts(
    plant: Plant, unit: Equipment, of: Mapping[Role, Series | None], start: int, end: int
) -> _Parts:
    """Weigh each counted part with the operation that the machine did when it was counted.

    A machine that does not tell its operation is taken to do the only one that routings give it.
    """
    good, scrap = of.get(Role.GOOD_COUNT), of.get(Role.SCRAP_COUNT)
    if good is None:
        return _Parts()
    steps = steps_on(plant, unit.id)
    planned = finished = material = 0.0
    for when, (made, bad) in _counted(good, scrap, start, end).items():
        step = _step_at(steps, of.get(Role.JOB_OPERATION), when)
        if step is None:
            return _Parts()
        planned += step.cycle_s * (1.0 if step.is_batch else made + bad)
        finished += made if step.is_last else 0.0
        material += (made + bad) * step.product.material_cost if step.is_first else 0.0
    return _Parts(planned, finished, material)


def _counted(
    good: Series, scrap: Series | None, start: int, end: int
) -> dict[int, tuple[float, float]]:
    """Good and scrap parts by the time at which they were counted."""
    found: dict[int, tuple[float, float]] = {}
    for times, amounts, is_good in (
        (*increments(good, start, end), True),
        (*increments(scrap, start, end), False),
    ):
        for when, amount in _pairs(times, amounts):
            before = found.get(when, (0.0, 0.0))
            found[when] = (
                (before[0] + amount, before[1]) if is_good else (before[0], before[1] + amount)
            )
    return found


def _pairs(times: np.ndarray, amounts: np.ndarray) -> Iterable[tuple[int, float]]:
    return zip(times.tolist(), amounts.tolist(), strict=True)


def _step_at(steps: Mapping[str, Step], operations: Series | None, when: int) -> Step | None:
    told = text_at(operations, when)
    if told:
        return steps.get(told)
    return next(iter(steps.values())) if len(steps) == 1 else None
