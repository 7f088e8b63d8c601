"""Reads a period from the historian: what devices said, and what Genba booked of it.

Anybody's recording serves: under Genba's command, or with Genba only watching. Nothing else is
looked at, so that a twin knows no more of a plant than its historian does.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from genba.errors import TwinError
from genba.plant import US, Order, Plant, Role
from genba.plant.storages import storages
from genba.twin.record_machines import Machines, read_machines
from genba.twin.record_trips import read_trips
from genba.twin.recording import Activity, Arrival, Booked, Done, Job, Recording
from genba.twin.trace import Records, Trace, read_traces

_ROLES = (
    Role.STATE,
    Role.MODE,
    Role.LOTS,
    Role.STATION,
    Role.GOOD_COUNT,
    Role.SCRAP_COUNT,
    Role.REWORK_COUNT,
    Role.ENERGY,
    Role.VEHICLE_NODE,
    Role.VEHICLE_ORDER_ID,
    Role.VEHICLE_NODES_LEFT,
    Role.VEHICLE_ACTIONS,
    Role.VEHICLE_LOADS,
    Role.VEHICLE_ERRORS,
)
_BOOKED_LATER_US = 60 * US
"""Rows carry the time at which things ended, and are written a tick or two later."""
_EARLIEST_US = 60 * 86_400 * US
"""How far back orders that are still open may have come."""

Row = Mapping[str, Any]


def read_recording(records: Records, plant: Plant, start: int, end: int) -> Recording:
    """Read ``[start, end)`` from a historian.

    Parameters
    ----------
    records : Records
        A :class:`genba.historian.Historian`, or what answers alike.
    plant : Plant
        The plant file that the recording was made with.
    start, end : int
        Microseconds UTC. A start before anything was recorded is brought to when it was.

    Raises
    ------
    TwinError
        If the period is empty, or no machine said anything in it.
    """
    if end <= start:
        raise TwinError("the recording's end lies before its start; give a later end")
    roles = {(e, r): s.id for (e, r), s in plant.roles.items() if r in _ROLES}
    traces = read_traces(records, sorted(roles.values()), start, end)
    told = {key: traces[signal] for key, signal in roles.items() if signal in traces}
    if not any(role is Role.STATE for _, role in told):
        raise TwinError(
            f"nothing of plant '{plant.id}' is recorded in this period; choose another one, or "
            "let Genba watch the plant for a shift first"
        )
    # A rate per day of a plant that Genba has known for three days has three days below the line.
    heard = min(int(trace.times[0]) for (_, role), trace in told.items() if role is Role.STATE)
    start = min(max(start, heard), end - 1)
    found = read_machines(plant, told, start, end)
    booked = _rows(records, "operations", start - _EARLIEST_US, end + _BOOKED_LATER_US)
    operations = [row for row in booked if row["end"] >= start]
    trips, driving, stops, failed = read_trips(plant, told, start, end)
    return Recording(
        plant=plant,
        start=start,
        end=end,
        pieces=found.pieces,
        jobs=tuple(_jobs(plant, operations, found, start, end)),
        stops=tuple(sorted((*found.stops, *stops), key=lambda s: (s.start, s.unit))),
        running={**found.running, **driving},
        trips=tuple(trips),
        failed_trips=failed,
        arrivals=tuple(_arrivals(records, plant, told, start, end)),
        done=tuple(_done(records, end)),
        booked=tuple(_booked(booked, end)),
        waits_s=_waits(plant, told, operations, start),
        traces=traces,
    )


def _rows(records: Records, name: str, start: int, end: int, **equals: Any) -> list[dict[str, Any]]:
    """Read rows with times as microseconds."""
    table = records.rows(name, start, end, **equals)
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            numbers = table.column(index).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            table = table.set_column(index, column.name, numbers)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


# -- jobs -----------------------------------------------------------------------------------------


def _jobs(
    plant: Plant, rows: Sequence[Row], found: Machines, start: int, end: int
) -> Iterator[Job]:
    batches: dict[tuple[str, int, int], list[Row]] = defaultdict(list)
    for row in rows:
        if row["start"] >= start and row["end"] <= end:
            batches[row["equipment"], row["start"], row["end"]].append(row)
    for (machine, begin, until), lots in sorted(batches.items(), key=lambda item: item[0][::-1]):
        first = lots[0]
        spent = dict.fromkeys(Activity, 0.0)
        run_kwh = 0.0
        for piece in found.within(machine, begin, until):
            spent[piece.activity] += piece.length_s
            run_kwh += piece.kwh if piece.activity is Activity.RUN else 0.0
        yield Job(
            machine=machine,
            product=first["product"],
            operation=first["operation"],
            lots=tuple(row["lot"] for row in lots),
            start=begin,
            end=until,
            parts=sum(row["quantity"] for row in lots),
            good=sum(row["good"] for row in lots),
            scrap=sum(row["scrap"] for row in lots),
            rework=sum(row["rework"] for row in lots),
            planned_setup_s=sum(row["planned_setup_s"] or 0.0 for row in lots),
            batch=_is_batch(plant, first),
            spent_s=spent,
            run_kwh=run_kwh,
            spoiled=sum(
                s.spoiled
                for s in found.stops
                if s.unit == machine and s.activity is Activity.DOWN and begin <= s.start < until
            ),
        )


def _is_batch(plant: Plant, row: Row) -> bool:
    product = plant.products_by_id.get(row["product"])
    return product is not None and any(
        operation.id == row["operation"] and operation.batch_parts is not None
        for operation in product.routing
    )


def _waits(
    plant: Plant, told: Mapping[tuple[str, Role], Trace], rows: Sequence[Row], start: int
) -> dict[str, tuple[float, ...]]:
    """How long lots stood at a machine's station before they were begun."""
    seen = {
        unit.id: first_seen(told[unit.id, Role.STATION], start)
        for unit in plant.equipment
        if (unit.id, Role.STATION) in told and (unit.id, Role.STATE) in told
    }
    waits: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        there = seen.get(row["equipment"], {}).get(row["lot"])
        if there is not None and there <= row["start"]:
            waits[row["equipment"]].append((row["start"] - there) / US)
    return {machine: tuple(found) for machine, found in waits.items()}


# -- orders and lots ------------------------------------------------------------------------------


def first_seen(station: Trace, start: int = 0) -> dict[str, int]:
    """Return when a scanner first read each lot, at or after ``start``."""
    seen: dict[str, int] = {}
    for time, text in zip(station.times.tolist(), station.texts.tolist(), strict=True):
        for name in str(text or "").split(","):
            if name and time >= start:
                seen.setdefault(name, time)
    return seen


def _arrivals(
    records: Records,
    plant: Plant,
    told: Mapping[tuple[str, Role], Trace],
    start: int,
    end: int,
) -> Iterator[Arrival]:
    rows = _rows(records, "lots", start - _EARLIEST_US, end)
    over = {r["lot"] for r in rows if r["status"] in ("finished", "scrapped") and r["time"] < start}
    source, _ = storages(plant)
    station = told.get((source or "", Role.STATION))
    seen = {} if station is None else first_seen(station)
    began = {r["lot"]: r["time"] for r in rows if r["status"] == "started"}
    released = [r for r in rows if r["status"] == "released"]
    orders = {order.id: (order, None) for order in plant.orders} | _announced(records, plant, end)
    lots: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for row in released:
        there = seen.get(row["lot"], began.get(row["lot"], end))
        lots[row["order"]].append((row["lot"], row["quantity"], min(there, end)))
    for name, listed in lots.items():
        if name not in orders or all(lot in over or there >= end for lot, _, there in listed):
            continue
        order, announced = orders[name]
        yield Arrival(
            order=name,
            product=order.product,
            quantity=order.quantity,
            release=order.release,
            due=order.due,
            weight=order.weight,
            announced=announced,
            lots=tuple(listed),
        )


def _announced(records: Records, plant: Plant, end: int) -> dict[str, tuple[Order, int | None]]:
    """Orders that came in at run time, and when."""
    known = {order.id for order in plant.orders}
    found: dict[str, tuple[Order, int | None]] = {}
    for row in _rows(records, "events", end - _EARLIEST_US, end, kind="order"):
        try:
            order = Order.model_validate(json.loads(row["data"]))
        except ValueError:
            continue  # what is no order was refused when it came
        if order.id not in known:
            found[order.id] = (order, row["time"])
    return found


def _booked(rows: Sequence[Row], end: int) -> Iterator[Booked]:
    for row in sorted(rows, key=lambda r: (r["end"], r["lot"])):
        if row["end"] <= end:
            yield Booked(
                row["lot"],
                row["operation"],
                row["equipment"],
                row["start"],
                row["end"],
                row["quantity"],
                row["good"],
                row["scrap"],
            )


def _done(records: Records, end: int) -> Iterator[Done]:
    for row in _rows(records, "lots", end - _EARLIEST_US, end):
        if row["status"] in ("finished", "scrapped"):
            parts = row["quantity"] if row["status"] == "finished" else 0
            yield Done(row["lot"], row["order"], row["product"], parts, row["time"])
