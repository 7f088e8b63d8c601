"""A line, what is on it, and a plan, as the tables that the kernel runs on."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genba.errors import TwinError
from genba.plant import US
from genba.twin.distribution import QUANTILES
from genba.twin.hours import PRICE_BIN_S
from genba.twin.line import Line, Machine
from genba.twin.placing import location, place_all
from genba.twin.policy import Outage, Schedule, Scrapped
from genba.twin.records import (
    AHEAD,
    AWAY,
    CALLED,
    COUNT,
    DONE,
    FREE,
    INDEX,
    LIST,
    LOG,
    LOT,
    MACHINE,
    OUTAGE_RECORD,
    PLANNED,
    RESTS,
    SCRAP,
    SECONDS,
    STANDS,
    STOCK,
    TARGET,
    TIMER,
    USE,
    VEHICLE,
    WHOLE,
    WORKED,
    Records,
    Tables,
)
from genba.twin.state import LotPhase, MachineNow, State, VehicleNow, seconds_since
from genba.twin.tables import (
    MANY,
    Distributions,
    Names,
    calendar_index,
    calendar_tables,
    crew_table,
    key_of,
    names_of,
    operations,
    price_table,
    stop_table,
    stoppage_rows,
)

BEYOND_S = 3 * 86_400.0
"""How far beyond the horizon calendars and prices are known, so that work has an end."""
_UNITS_BESIDE = 3


def assemble(
    line: Line,
    state: State,
    horizon_s: float,
    schedule: Schedule = (),
    outages: Sequence[Outage] = (),
    scrapped: Scrapped | None = None,
    log_rows: int = 0,
) -> Tables:
    """Return the tables of a line at a moment; :func:`genba.twin.records.fresh` copies them.

    Raises
    ------
    TwinError
        If the state, the plan or an outage speaks of what the line has not, or contradicts itself.
    """
    if not (math.isfinite(horizon_s) and horizon_s > 0):
        raise TwinError(f"a horizon of {horizon_s} s makes no sense; give one above 0")
    names, distributions = names_of(line), Distributions()
    _check(line, names)
    ops, ways, tools = operations(line, names, distributions)
    lots, releases = _lots(line, names, state)
    machines, stop_rows = _machines(line, names, state, distributions)
    vehicles, more_rows = _vehicles(line, names, state, distributions, len(stop_rows))
    scraps = _scraps(names, state, scrapped or {}, len(ops), lots)
    planned, targets = _plan(names, state, schedule, len(ops), lots, machines)
    drive_factor = distributions.add(line.travel.factor)
    dists, quantiles = distributions.table()
    known_s = horizon_s + BEYOND_S
    calendars, windows = calendar_tables(line, state.time, state.time + round(known_s * US))
    travel = _travel(line, names)
    lists = np.zeros(3 * len(machines) + len(ops) + len(line.products), LIST)
    lists["first"] = lists["last"] = -1
    units = 2 * len(machines) + len(vehicles) + len(calendars) + _UNITS_BESIDE
    tables = Tables(
        machines=machines, lots=lots, ops=ops, ways=ways, tools=tools,
        stock=np.array([(count,) for count in line.tools.values()], STOCK),
        stops=stop_table([*stop_rows, *more_rows]),
        crews=crew_table(line, names), vehicles=vehicles, dists=dists, quantiles=quantiles,
        setups=_setups(line, names), uses=_uses(line), legs=_records(travel, SECONDS),
        fastest=_records(_fastest(line, travel), SECONDS),
        calendars=calendars, windows=windows, prices=price_table(line, state.time, known_s),
        planned=planned, targets=targets, scraps=scraps,
        outages=_outages(names, state.time, outages),
        releases=releases, waiting=np.zeros(len(machines) * len(names.families), COUNT),
        lists=lists, bound=_bound(line, names, machines, ops, ways, planned=bool(schedule)),
        due=np.zeros(2 * len(lists), INDEX),
        timers=np.zeros(2 << max(1, (units - 1).bit_length()), TIMER),
        asked=np.zeros(len(machines), INDEX), whole=np.zeros(1, WHOLE),
        log=np.zeros(log_rows, LOG),
    )  # fmt: skip
    _tell_whole(tables, names, travel.shape[1])
    tables.whole["drive_factor"] = drive_factor
    tables.whole["family_window"] = line.family_window_s
    tables.whole["parks"] = line.source is not None  # lots that block can be taken there
    tables.whole["price_offset"] = state.time / US % PRICE_BIN_S
    place_all(tables, names, state)
    return tables


def _tell_whole(tables: Tables, names: Names, places: int) -> None:
    """Write down how many there are of everything."""
    machines, leaves = len(tables.machines), len(tables.timers) // 2
    counts = {
        "machines": machines,
        "lots": len(tables.lots),
        "vehicles": len(tables.vehicles),
        "crews": len(tables.crews),
        "calendars": len(tables.calendars),
        "places": places,
        "families": len(names.families),
        "quantiles": QUANTILES,
        "lists": len(tables.lists),
        "fresh_lists": 2 * machines + len(tables.ops),
        "leaves": leaves,
        "nudge": 2 * machines + len(tables.vehicles) + len(tables.calendars) + 1,
        "releases": len(tables.releases),
        "outages": len(tables.outages),
        "prices": len(tables.prices),
        "log_rows": len(tables.log),
    }
    for field, count in counts.items():
        tables.whole[field] = count


def _check(line: Line, names: Names) -> None:
    if line.vehicles and line.source is None:
        raise TwinError(f"line {line.id} has vehicles but no source that lots come from; name it")
    for vehicle in line.vehicles:
        if vehicle.id not in line.travel.times:
            raise TwinError(f"there are no driving times for vehicle {vehicle.id}; add them")
    clashes = names.machines.keys() & {line.source, line.sink}
    if clashes:
        raise TwinError(f"{min(clashes)} is a machine and a storage of the line; name another one")


def _records(values: NDArray[np.float64], dtype: np.dtype[Any]) -> Records:
    return np.ascontiguousarray(values).ravel().view(dtype)


def _setups(line: Line, names: Names) -> Records:
    size = len(names.families) + 1
    table = np.zeros((len(line.machines), size, size))
    for index, machine in enumerate(line.machines):
        for (before, after), seconds in machine.setups.items():
            row = size - 1 if before is None else names.families[before]
            table[index, row, names.families[after]] = seconds
    return _records(table, SECONDS)


def _uses(line: Line) -> Records:
    rows = [
        (kw, 0.0)
        for p in (machine.power for machine in line.machines)
        for kw in (p.off, p.idle, p.setup, p.run, p.down, p.idle, p.idle)
    ]
    return np.array(rows, USE)


def _travel(line: Line, names: Names) -> NDArray[np.float64]:
    places = max(len(line.machines) + 2, max(names.places.values(), default=0) + 1)
    table = np.full((len(line.vehicles), places, places), -1.0)
    order = [names.places[place] for place in line.travel.locations]
    for index, vehicle in enumerate(line.vehicles):
        table[index][np.ix_(order, order)] = np.array(line.travel.times[vehicle.id])
    return table


def _fastest(line: Line, travel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fastest vehicle's times; without vehicles lots move in no time."""
    if not line.vehicles:
        table = np.zeros(travel.shape[1:])
        if line.sink is None:
            table[:, len(line.machines) + 1] = -1.0
        return table
    best = np.where(travel < 0, math.inf, travel).min(axis=0)
    return np.where(np.isinf(best), -1.0, best)


def _bound(
    line: Line, names: Names, machines: Records, ops: Records, ways: Records, *, planned: bool
) -> Records:
    """Return the lists of lots that could go to each machine, and tell the machines."""
    count = len(machines)
    fresh = 2 * count + len(ops)
    able = [{int(way["machine"]) for way in ways[op["ways_from"] : op["ways_to"]]} for op in ops]
    rows: list[int] = []
    for machine in range(count):
        machines[machine]["bound_from"] = len(rows)
        rows += [count + machine] * planned
        rows += [2 * count + op for op, others in enumerate(able) if machine in others]
        machines[machine]["bound_fresh"] = len(rows)
        rows += [fresh + machine] * planned
        rows += [
            fresh + count + product
            for product in range(len(line.products))
            if machine in able[names.first_op[product]]
        ]
        machines[machine]["bound_to"] = len(rows)
    return np.array([(row,) for row in rows], INDEX)


def _outages(names: Names, zero: int, outages: Sequence[Outage]) -> Records:
    rows = []
    units = dict(names.machines)
    units |= {v: len(units) + n for v, n in names.vehicles.items()}
    for outage in sorted(outages, key=lambda o: (o.start, o.unit)):
        if outage.unit not in units:
            raise TwinError(f"there is no machine or vehicle '{outage.unit}' that could be down")
        if outage.end > max(outage.start, zero):
            start = max(0.0, seconds_since(outage.start, zero))
            rows.append((units[outage.unit], start, seconds_since(outage.end, zero)))
    return np.array(rows, OUTAGE_RECORD)


# What is on the line ---------------------------------------------------------------------------

_PHASES = {
    LotPhase.AHEAD: AHEAD,
    LotPhase.WAITING: STANDS,
    LotPhase.IN_WORK: WORKED,
    LotPhase.MOVING: CALLED,
    LotPhase.DONE: DONE,
}


def _lots(line: Line, names: Names, state: State) -> tuple[Records, Records]:
    lots = np.zeros(len(state.lots), LOT)
    urgency = sorted(state.lots, key=lambda lot: (lot.due, -lot.weight, lot.id))
    turn = {lot.id: float(index) for index, lot in enumerate(urgency)}
    for index, lot in enumerate(state.lots):
        if lot.product not in names.products:
            raise TwinError(f"lot {lot.id} is of product '{lot.product}', which is not made here")
        product = names.products[lot.product]
        if not 0 <= lot.step <= len(line.products[product].steps) or lot.quantity < 0:
            raise TwinError(f"lot {lot.id} has step {lot.step} and quantity {lot.quantity}")
        record = lots[index]
        record["key"], record["product"] = key_of(lot.id), product
        record["due"] = seconds_since(lot.due, state.time)
        record["weight"], record["parts"] = lot.weight, lot.quantity
        record["release"] = max(0.0, seconds_since(lot.release, state.time))
        record["plan"], record["told"], record["urgency"] = -1, -1, turn[lot.id]
        record["phase"] = _PHASES[lot.phase]
        record["first_op"] = names.first_op[product]
        record["op"] = names.first_op[product] + lot.step
        record["place"] = len(line.machines)
        record["since"] = min(0.0, seconds_since(lot.since, state.time))
        for field in ("heading", "next", "before", "list", "family"):
            record[field] = -1
        record["done_at"] = math.inf if lot.phase is not LotPhase.DONE else record["since"]
        record["began_at"] = 0.0 if lot.step or lot.phase is LotPhase.IN_WORK else -1.0
    ahead = [index for index, lot in enumerate(state.lots) if lot.phase is LotPhase.AHEAD]
    ahead.sort(key=lambda index: (lots[index]["release"], index))
    return lots, np.array([(index,) for index in ahead], INDEX)


def _machines(
    line: Line, names: Names, state: State, distributions: Distributions
) -> tuple[Records, list[tuple[object, ...]]]:
    told = {machine.id: machine for machine in state.machines}
    unknown = told.keys() - names.machines.keys()
    if unknown:
        raise TwinError(f"the state tells of machine '{min(unknown)}', which the line has not")
    machines = np.zeros(len(line.machines), MACHINE)
    rows: list[tuple[object, ...]] = []
    for index, machine in enumerate(line.machines):
        now = told.get(machine.id, MachineNow(machine.id))
        record = machines[index]
        record["key"] = key_of(machine.id)
        record["calendar"] = calendar_index(names, machine.calendar, machine.id)
        record["places"] = MANY if machine.places is None else machine.places
        record["setup_factor"] = distributions.add(machine.setup_factor)
        record["stops_from"] = len(rows)
        rows += stoppage_rows(machine.id, machine.stoppages, now.ages_s, names, distributions)
        record["stops_to"] = len(rows)
        record["family"] = -1 if now.family is None else _family(names, machine, now.family)
        record["phase"] = FREE
        for field in ("job", "way", "crew", "skill", "stop"):
            record[field] = -1
        record["down_since"] = math.inf
    return machines, rows


def _family(names: Names, machine: Machine, family: str) -> int:
    if family not in names.families:
        raise TwinError(f"{machine.id} is set up for '{family}', which no operation of it needs")
    return names.families[family]


def _vehicles(
    line: Line, names: Names, state: State, distributions: Distributions, first: int
) -> tuple[Records, list[tuple[object, ...]]]:
    told = {vehicle.id: vehicle for vehicle in state.vehicles}
    unknown = told.keys() - names.vehicles.keys()
    if unknown:
        raise TwinError(f"the state tells of vehicle '{min(unknown)}', which the line has not")
    vehicles = np.zeros(len(line.vehicles), VEHICLE)
    rows: list[tuple[object, ...]] = []
    for index, vehicle in enumerate(line.vehicles):
        now = told.get(vehicle.id, VehicleNow(vehicle.id))
        record = vehicles[index]
        record["key"] = key_of(vehicle.id)
        record["handling"] = distributions.add(vehicle.handling_s)
        record["home"] = -1 if vehicle.home is None else location(names, vehicle.home, vehicle.id)
        at = now.at or vehicle.home or line.source
        record["at"] = location(names, at or "", vehicle.id)
        record["stops_from"] = first + len(rows)
        rows += stoppage_rows(vehicle.id, vehicle.stoppages, now.ages_s, names, distributions)
        record["stops_to"] = first + len(rows)
        record["phase"], record["lot"] = (AWAY if now.away else RESTS), -1
        record["due"], record["since"] = max(0.0, now.left_s), -now.idle_s
    return vehicles, rows


def _scraps(
    names: Names, state: State, scrapped: Scrapped, operations: int, lots: Records
) -> Records:
    """Return what lots lose in their operations, where it is told; tell those lots."""
    index_of = {lot.id: index for index, lot in enumerate(state.lots)}
    rows: list[int] = []
    for (name, step), parts in sorted(scrapped.items()):
        if name not in index_of:
            raise TwinError(f"lot '{name}' should lose parts, but is not on the line")
        lot = lots[index_of[name]]
        if lot["told"] < 0:
            lot["told"] = len(rows)
            rows += [-1] * operations
        rows[int(lot["told"] + lot["first_op"]) + step] = parts
    return np.array([(parts,) for parts in rows], SCRAP)


def _plan(
    names: Names,
    state: State,
    schedule: Schedule,
    operations: int,
    lots: Records,
    machines: Records,
) -> tuple[Records, Records]:
    """Return planned jobs by machine and start, and by lot and step; tell lots and machines."""
    index_of = {lot.id: index for index, lot in enumerate(state.lots)}
    stride = operations  # rows of a lot's operations, by the operation's own index
    planned_lots = sorted({job.lot for job in schedule if job.lot in index_of})
    base = {lot: number * stride for number, lot in enumerate(planned_lots)}
    targets = np.zeros(len(base) * stride, TARGET)
    targets["machine"] = -1
    rows = []
    for job in schedule:
        if job.machine not in names.machines:
            raise TwinError(f"the plan has a job on '{job.machine}', which the line has not")
        if job.lot not in index_of:
            raise TwinError(f"the plan has a job of lot '{job.lot}', which is not on the line")
        lot, machine = index_of[job.lot], names.machines[job.machine]
        op = int(lots[lot]["first_op"]) + job.step
        start = seconds_since(job.start, state.time)
        lots[lot]["plan"] = base[job.lot]
        targets[base[job.lot] + op] = (machine, start)
        if op >= lots[lot]["op"]:
            rows.append((machine, start, lot, op))
    rows.sort()
    owners = np.array([row[0] for row in rows], np.int64)
    machines["plan_next"] = np.searchsorted(owners, np.arange(len(machines)), "left")
    machines["plan_to"] = np.searchsorted(owners, np.arange(len(machines)), "right")
    return np.array([(lot, op, start) for _, start, lot, op in rows], PLANNED), targets
