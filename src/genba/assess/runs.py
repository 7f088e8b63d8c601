"""Elements of products and orders, from the operations that ended in a period."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from genba.assess.elements import Elements
from genba.assess.energy import by_tariff, electricity
from genba.assess.series import Records
from genba.plant import US, Plant


def operation_rows(records: Records, start: int, end: int) -> list[dict[str, Any]]:
    """Rows of operations that ended in ``[start, end)``, times as microseconds."""
    table = records.rows("operations", start, end)
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            numbers = table.column(index).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            table = table.set_column(index, field.name, numbers)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def run_elements(plant: Plant, rows: Iterable[Mapping[str, Any]]) -> Elements:
    """Elements of operations that belong together (one product, one order).

    Good parts are those of each lot's last step in the routing; scrap and rework add up over all
    steps; material is paid for what entered the first step.
    """
    listed = list(rows)
    if not listed:
        return Elements()
    total = Elements(
        execution_s=(max(r["end"] for r in listed) - min(r["start"] for r in listed)) / US,
        good=0.0,
        material_cost=0.0,
    )
    for row in listed:
        total = total + _one(plant, row)
    return total


def _one(plant: Plant, row: Mapping[str, Any]) -> Elements:
    routing = plant.products_by_id[row["product"]].routing if _known(plant, row) else ()
    first = bool(routing) and routing[0].id == row["operation"]
    last = bool(routing) and routing[-1].id == row["operation"]
    batch = any(step.id == row["operation"] and step.batch_parts for step in routing)
    setup_s = row["setup_s"] or 0.0
    run_s = (row["end"] - row["start"]) / US - setup_s
    made = (row["good"] or 0) + (row["scrap"] or 0)
    cycle_s = row["planned_cycle_s"]
    energy = row["energy_kwh"]
    price, carbon = _mean_tariff(plant, row)
    hourly = plant.equipment_by_id[row["equipment"]].hourly_cost if _has_unit(plant, row) else 0.0
    return Elements(
        production_s=run_s,
        setup_s=setup_s,
        planned_run_s=None if cycle_s is None else cycle_s * (1 if batch else made),
        good=float(row["good"] or 0) if last else None,
        scrap=float(row["scrap"] or 0),
        rework=float(row["rework"] or 0),
        energy_kwh=energy,
        energy_cost=None if energy is None or price is None else energy * price,
        carbon_kg=None if energy is None or carbon is None else energy * carbon / 1000.0,
        machine_cost=(run_s + setup_s) / 3600.0 * hourly,
        material_cost=_material(plant, row) if first else None,
    )


def _known(plant: Plant, row: Mapping[str, Any]) -> bool:
    return row["product"] in plant.products_by_id


def _has_unit(plant: Plant, row: Mapping[str, Any]) -> bool:
    return row["equipment"] in plant.equipment_by_id


def _material(plant: Plant, row: Mapping[str, Any]) -> float:
    return float(row["quantity"]) * plant.products_by_id[row["product"]].material_cost


def _mean_tariff(plant: Plant, row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Price and carbon averaged over the operation's time: its energy has no finer record."""
    tariff = electricity(plant)
    if tariff is None:
        return None, None
    times = np.linspace(row["start"], max(row["end"] - 1, row["start"]), 16).astype(np.int64)
    cost, carbon = by_tariff(tariff, plant.timezone, times, np.full(16, 1.0 / 16.0))
    return cost, None if carbon is None else carbon * 1000.0
