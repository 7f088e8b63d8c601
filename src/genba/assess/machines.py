"""Elements of work units over any period, from their signals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genba.assess.elements import Amount, Elements, add
from genba.assess.energy import by_tariff, electricity
from genba.assess.jobs import Jobs
from genba.assess.series import ROLES, Records, Series, grown, increments, read
from genba.assess.times import time_elements
from genba.plant import US, Equipment, Level, Plant, Role
from genba.plant.worktime import calendar_of, planned_intervals


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
    plant: Plant,
    unit: Equipment,
    series: Mapping[str, Series],
    jobs: Jobs,
    start: int,
    end: int,
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
    parts = _parts(jobs, unit, of, start, end)
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


def _energy(plant: Plant, of: Mapping[Role, Series | None], start: int, end: int) -> Elements:
    counter = of.get(Role.ENERGY)
    if grown(counter, start, end) is None:
        return Elements()
    times, kwh = increments(counter, start, end)
    cost, carbon = by_tariff(electricity(plant), plant.timezone, times, kwh)
    return Elements(energy_kwh=float(kwh.sum()), energy_cost=cost, carbon_kg=carbon)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What counted parts amount to; None where it is not known what they were."""

    planned_run_s: Amount = None
    finished: Amount = None
    material_cost: Amount = None


def _parts(
    jobs: Jobs, unit: Equipment, of: Mapping[Role, Series | None], start: int, end: int
) -> _Parts:
    """Weigh each counted part with the operation that the machine did when it was counted."""
    good, scrap = of.get(Role.GOOD_COUNT), of.get(Role.SCRAP_COUNT)
    if good is None:
        return _Parts()
    planned = finished = material = 0.0
    for when, (made, bad) in _counted(good, scrap, start, end).items():
        step = jobs.step(unit.id, of, when)
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
